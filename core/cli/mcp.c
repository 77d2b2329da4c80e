/* skydeck mcp: the session's tools for whatever agent starts it (core/link/mcp.h). A session gives an agent of its own the
 * socket in SKYDECK_SOCK, and what that agent does is then done in the name that it has in the session. */
#include "core/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/engine/tools.h"
#include "core/link/mcp.h"
#include "core/link/socket.h"

static const char *given_socket(void)
{
	const char *path = getenv("SKYDECK_SOCK");
	return path && *path ? path : NULL;
}

static int find_socket(void *data, struct buf *path, struct err *err)
{
	const struct cli *cli = data;
	struct target t = {0};
	struct buf main_socket = {0};
	if (given_socket()) {
		buf_puts(path, given_socket());
		return 0;
	}
	if (target_find(cli->directory, &t, err) < 0)
		return err_prefix(err, "no engine runs here (skydeck serve starts one in a target)");
	int rc = target_engine_runs(&t) ? 0 : no_engine(&t, err);
	if (!rc) {
		target_socket(&t, &main_socket);
		link_tools_path(buf_str(&main_socket), path);
	}
	buf_release(&main_socket);
	target_release(&t);
	return rc;
}

static int mcp_command_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *agent = given_socket() ? "" : NULL;
	const struct cli_option options[] = { { "agent", 0, OPTION_TEXT, &agent }, {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	struct json *tools = tools_list();
	struct cli asker = *cli;
	struct mcp_setup setup = { .loop = loop_new(), .in = STDIN_FILENO, .out = STDOUT_FILENO, .version = CLI_VERSION, .agent = agent, .tools = tools,
		.check = tools_check, .find = find_socket, .data = &asker };
	mcp_run(&setup);
	loop_free(setup.loop);
	json_free(tools);
	return EXIT_DONE;
}

const struct cli_command mcp_command = {
	.name = "mcp",
	.args = "[--agent NAME]",
	.help = "an MCP server on stdin and stdout: the session's tools, for any agent, under its own name or --agent's",
	.options = "--agent NAME\tthe name under which the client proposes; default: the one it gives\n",
	.run = mcp_command_run,
};
