/* The words that a human has about proposals: one shape, so one function, and a table of what is particular to each. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/access.h"
#include "core/cli/options.h"

static const struct decision {
	const char *name, *done;
	const char *text;	/* the option that must be given; NULL: none */
	int is_plural;
	int lets_through;	/* it may be said of the revision that was looked at, and of no newer one */
} decisions[] = {
	{ "approve", "approved", NULL, 1, 1 },
	{ "veto", "vetoed", "reason", 0, 0 },
	{ "waive", "waved past the guard", "reason", 0, 1 },
	{ "revise", "changes asked for", "comment", 0, 0 },
	{ "sign", "signed, lands now", NULL, 0, 1 },
	{ "cancel", "cancelled", NULL, 0, 0 },
	{ "retry", "tried again", NULL, 0, 0 },
};

static const struct decision *find(const char *name)
{
	const struct decision *d = decisions;
	while (strcmp(d->name, name))
		d++;
	return d;
}

static struct json *arguments(const struct decision *d, char **ids, int count, const char *text, long rev)
{
	struct json *args = json_object();
	if (d->is_plural) {
		struct json *list = json_array();
		for (int i = 0; i < count; i++)
			json_append(list, json_new_string(ids[i]));
		json_take(args, "proposals", list);
	} else {
		json_put_string(args, "proposal", ids[0]);
	}
	if (d->text)
		json_put_string(args, d->text, text);
	if (rev)
		json_put_integer(args, "rev", rev);
	return args;
}

static int decide_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	const struct decision *d = find(argv[0]);
	int as_json = 0;
	const char *text = NULL;
	long rev = 0;
	struct cli_option options[4] = { { "json", 0, OPTION_FLAG, &as_json } };
	size_t n = 1;
	if (d->text)
		options[n++] = (struct cli_option){ d->text, 0, OPTION_TEXT, &text };
	if (d->lets_through)
		options[n++] = (struct cli_option){ "rev", 0, OPTION_WHOLE, &rev };
	int count = cli_options(argc, argv, options, 1, d->is_plural ? -1 : 1, err);
	if (count < 0)
		return -1;
	if (rev && count > 1)
		return err_code(err, EXIT_USAGE, "%s: --rev is the revision of one proposal", d->name);
	if (d->text && (!text || !*text))
		return err_code(err, EXIT_USAGE, "%s: --%s TEXT is missing: whoever proposed reads it", d->name,
			d->text);
	struct json *result = access_command(cli, d->name, arguments(d, argv + 1, count, text, rev), err);
	if (!result)
		return -1;
	struct buf ids = {0};
	for (int i = 0; i < count; i++)
		buf_printf(&ids, "%s%s", i ? " " : "", argv[1 + i]);
	print_answer(result, as_json, "%s: %s", buf_str(&ids), d->done);
	buf_release(&ids);
	return EXIT_DONE;
}

const struct cli_command approve_command = {
	.name = "approve", .args = "ID… [--rev N]", .help = "pass proposals through the first gate: they may cost compute; --rev: only that revision",
	.options = "--rev N\tonly while that revision is the newest\n"
		   CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command veto_command = {
	.name = "veto", .args = "ID --reason TEXT", .help = "end a proposal; whoever proposed it reads why",
	.options = "--reason TEXT\twhy; the agent reads it\n"
		   CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command waive_command = {
	.name = "waive", .args = "ID --reason TEXT [--rev N]", .help = "wave a proposal past the guard, to the first gate",
	.options = "--reason TEXT\twhy; it stays in the journal\n"
		   "--rev N\tonly while that revision is the newest\n"
		   CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command revise_command = {
	.name = "revise", .args = "ID --comment TEXT", .help = "ask for changes",
	.options = "--comment TEXT\twhat to change; the agent reads it\n"
		   CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command sign_command = {
	.name = "sign", .args = "ID [--rev N]", .help = "sign a winner: it is committed to the session's branch",
	.options = "--rev N\tonly while that revision is the newest\n"
		   CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command cancel_command = {
	.name = "cancel", .args = "ID", .help = "take a proposal out without a verdict",
	.options = CLI_JSON_OPTION,
	.run = decide_run,
};
const struct cli_command retry_command = {
	.name = "retry", .args = "ID", .help = "measure a proposal once more",
	.options = CLI_JSON_OPTION,
	.run = decide_run,
};
