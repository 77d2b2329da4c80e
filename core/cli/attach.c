/* skydeck attach, and skydeck without a command: a cockpit on an engine. The cockpit itself is main's to give. */
#include "core/cli/cli.h"

#include <string.h>
#include <unistd.h>

#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/start.h"

static int needs_terminal(const struct cli *cli, struct err *err)
{
	if (cli->script || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return 0;
	return err_set(err, "the cockpit needs a terminal; without one there are skydeck run --plain, skydeck status "
		       "and skydeck help");
}

int cli_open(const struct cli *cli, struct err *err)
{
	struct target t = {0};
	char name[] = "skydeck", *argv[] = { name, NULL };
	if (needs_terminal(cli, err) < 0 || target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = engine_start(&t, NULL, err);
	target_release(&t);
	return rc ? -1 : cli->cockpit(cli, 1, argv, err);
}

static int attach_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int flags[3] = {0};
	const char *theme = NULL;
	struct target t = {0};
	const struct cli_option options[] = { { "observe", 0, OPTION_FLAG, &flags[0] },
		{ "theme", 0, OPTION_TEXT, &theme },
		{ "ascii", 0, OPTION_FLAG, &flags[1] }, { "no-mouse", 0, OPTION_FLAG, &flags[2] }, {0} };
	char *kept[16];
	if (argc > 15)
		return err_code(err, EXIT_USAGE, "attach: too many options");
	memcpy(kept, argv, sizeof *argv * (size_t)(argc + 1));
	if (cli_options(argc, argv, options, 0, 0, err) < 0 || target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = target_engine_runs(&t) ? needs_terminal(cli, err) : no_engine(&t, err);
	target_release(&t);
	return rc ? -1 : cli->cockpit(cli, argc, kept, err);
}

const struct cli_command attach_command = {
	.name = "attach",
	.args = "[--observe] [--theme NAME] [--ascii] [--no-mouse]",
	.help = "a cockpit on the running engine; with --observe it cannot command",
	.options = "--observe\tlook, and command nothing\n"
		   "--theme NAME\tdark, light, plain or a file of colours\n"
		   "--ascii\tdraw with ASCII only\n"
		   "--no-mouse\tleave the mouse to the terminal\n",
	.run = attach_run,
};
