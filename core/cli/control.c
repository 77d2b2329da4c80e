/* Commands to the session as a whole and to its agent, each a message to the engine: steer, permit, refuse, autonomy, pause, resume. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/access.h"
#include "core/cli/options.h"

static int steer_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct buf text = {0};
	int count = cli_options(argc, argv, NULL, 1, -1, err);
	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", argv[1 + i]);
	struct json *args = json_object();
	json_put_string(args, "text", buf_str(&text));
	buf_release(&text);
	struct json *result = access_command(cli, "steer", args, err);
	if (!result)
		return -1;
	const char *words = json_bool(json_get(result, "is_read"), 1) ? "told the agent; it reads this at its next turn"
		: "noted; nobody reads it yet: no agent is there that takes turns (skydeck doctor)";
	return print_answer(result, 0, "%s", words);
}

/* The id says which question is meant: the one that waits now may be another than was read. */
static int permit_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int is_always = 0, is_refusal = !strcmp(argv[0], "refuse");
	const struct cli_option options[] = { { "always", 0, OPTION_FLAG, &is_always }, {0} };
	if (cli_options(argc, argv, options, 1, 1, err) < 0)
		return -1;
	struct json *args = json_object();
	json_put_string(args, "permission", argv[1]);
	json_put_string(args, "option", is_refusal ? is_always ? "reject_always" : "reject_once" : is_always ? "allow_always" : "allow_once");
	struct json *result = access_command(cli, "permit", args, err);
	return result ? print_answer(result, 0, "%s: %s", argv[1], is_refusal ? "refused" : "permitted") : -1;
}

static int autonomy_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	enum autonomy ignored;
	if (cli_options(argc, argv, NULL, 1, 1, err) < 0)
		return -1;
	if (autonomy_parse(argv[1], &ignored) < 0)
		return err_code(err, EXIT_USAGE, "autonomy is manual, wave or auto, not %s", argv[1]);
	struct json *args = json_object();
	json_put_string(args, "autonomy", argv[1]);
	struct json *result = access_command(cli, "autonomy", args, err);
	return result ? print_answer(result, 0, "autonomy %s", argv[1]) : -1;
}

static int pause_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_options(argc, argv, NULL, 0, 0, err) < 0)
		return -1;
	struct json *result = access_command(cli, argv[0], json_object(), err);
	return result ? print_answer(result, 0, "%sd", argv[0]) : -1;
}

const struct cli_command steer_command = {
	.name = "steer", .args = "TEXT", .help = "a message to the agent; it is read at its next turn",
	.run = steer_run,
};
const struct cli_command permit_command = {
	.name = "permit", .args = "ID [--always]", .help = "allow what the agent asks leave for; policy refuses it after 5 s",
	.options = "--always\tand the agent need not ask for its like again\n",
	.run = permit_run,
};
const struct cli_command refuse_command = {
	.name = "refuse", .args = "ID [--always]", .help = "refuse what the agent asks leave for",
	.options = "--always\tand the agent need not ask for its like again\n",
	.run = permit_run,
};
const struct cli_command autonomy_command = {
	.name = "autonomy", .args = "manual|wave|auto", .help = "who passes the gates: you, you by the wave, or time",
	.run = autonomy_run,
};
const struct cli_command pause_command = {
	.name = "pause", .args = "", .help = "start nothing new; the agent goes on to where it next uses a tool, and waits", .run = pause_run,
};
const struct cli_command resume_command = {
	.name = "resume", .args = "", .help = "go on after a pause", .run = pause_run,
};
