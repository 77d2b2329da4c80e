/* skydeck help and skydeck version: what the tables say. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/access.h"
#include "core/cli/manual.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/config.h"

static void help_all(struct buf *out)
{
	struct table t = { .columns = 2 };
	buf_puts(out, "skydeck [-C DIR] [-v] [--color auto|never|always] [--script FILE] [COMMAND] [OPTIONS]\n"
		      "Without a command: the cockpit on the target that holds DIR (default: here); its engine is "
		      "started where none runs.\n\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		table_cell(&t, "  %s", cli_commands[i]->name);
		table_cell(&t, "%s", cli_commands[i]->help);
	}
	table_print(&t, out);
	buf_puts(out, "\n-v notes what this program does in .skydeck/skydeck.log; --script plays the instructions in FILE to the cockpit.\n"
		      "skydeck help COMMAND shows its options, skydeck help config the settings, skydeck help man the manual page.\n"
		      "Exit: 0 done, 1 failed, 2 usage, 3 no engine runs, 4 refused, 5 budget exhausted, 130 "
		      "interrupted.\n");
}

static int help_command_named(const char *name, struct buf *out, struct err *err)
{
	const struct cli_command *c = cli_find(name);
	if (!c)
		return err_code(err, EXIT_USAGE, "there is no command %s: skydeck help lists them", name);
	buf_printf(out, "skydeck %s%s%s\n    %s\n", c->name, *c->args ? " " : "", c->args, c->help);
	if (!c->options)
		return 0;
	struct table t = { .columns = 2 };
	const char *p = c->options;
	for (struct manual_row row; manual_next(&p, &row);) {
		table_cell(&t, "    %.*s", row.len[0], row.at[0]);
		table_cell(&t, "%.*s", row.len[1], row.at[1]);
	}
	buf_putc(out, '\n');
	table_print(&t, out);
	return 0;
}

static void help_config(struct buf *out)
{
	struct buf lines = {0};
	struct table t = { .columns = 3 };
	config_describe(&lines);
	const char *p = buf_str(&lines);
	for (struct manual_row row; manual_next(&p, &row);)
		for (size_t i = 0; i < t.columns; i++)
			table_cell(&t, "%.*s", row.len[i], row.at[i]);
	buf_puts(out, "Settings, in git's format: .skydeck/config, over ~/.config/skydeck/config. Name, default, "
		      "meaning:\n\n");
	table_print(&t, out);
	buf_puts(out, "\nAn agent, a source: a section of their own with a NAME that you choose; session.agent says which agent "
		      "proposes.\n\n"
		      "    [agent \"claude\"]\n"
		      "        kind = api\n"
		      "        model = claude-opus-5-5\n"
		      "    [session]\n"
		      "        agent = claude\n\n"
		      "Keys of the cockpit: [keys \"CONTEXT\"] ACTION = KEY, may repeat; there ? shows the keys, and : all "
		      "actions by name.\n\n"
		      "Prices of models that are not known here, or not yours, in USD per million tokens: .skydeck/prices.json, "
		      "over\n~/.config/skydeck/prices.json. What is not said costs as in; a model nobody knows costs as the "
		      "dearest.\n\n"
		      "    {\"models\": {\"my-model\": {\"in\": 2, \"out\": 10, \"read\": 0.2, \"write_5m\": 2.5}}}\n");
	buf_release(&lines);
}

static int help_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct buf out = {0};
	int count = cli_options(argc, argv, NULL, 0, 1, err), rc = 0;
	(void)cli;
	if (count < 0)
		return -1;
	if (!count)
		help_all(&out);
	else if (!strcmp(argv[1], "config"))
		help_config(&out);
	else if (!strcmp(argv[1], "man"))
		manual_page(&out);
	else
		rc = help_command_named(argv[1], &out, err);
	print_text(&out);
	return rc;
}

static int version_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	(void)cli;
	if (cli_options(argc, argv, NULL, 0, 0, err) < 0)
		return -1;
	puts("skydeck " CLI_VERSION);
	return EXIT_DONE;
}

const struct cli_command help_command = {
	.name = "help", .args = "[COMMAND]", .help = "this list, or one command; config: the settings",
	.options = "COMMAND\tits options\n"
		   "config\tall settings\n"
		   "man\tthe manual page: skydeck help man | man -l -\n",
	.run = help_run,
};
const struct cli_command version_command = {
	.name = "version", .args = "", .help = "the version of this program", .run = version_run,
};
