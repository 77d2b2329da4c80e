/* skydeck sources, skydeck source: the reading list, and what came of each entry. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/query.h"
#include "core/data/view.h"

static void source_row(struct table *t, const struct model *m, const struct source *s)
{
	struct yield y = source_yield(m, s);
	table_cell(t, "%s", s->id);
	table_cell(t, "%s", or_nothing(s->type));
	table_cell(t, "%s", s->status);
	table_cell(t, "%u", y.proposals);
	table_cell(t, "%u", y.kept);
	if (y.kept)
		table_cell(t, "%+.1f %%", y.gain_percent);
	else
		table_cell(t, "%s", "");
	table_cell(t, "%s", or_nothing(s->title));
	table_cell(t, "%s", s->key ? s->key : or_nothing(s->url));
}

static void sources_table(const struct model *m, struct buf *out)
{
	static const char *const head[] = { "ID", "TYPE", "STATUS", "PROPOSALS", "KEPT", "GAIN", "TITLE", "KEY" };
	struct table t = { .columns = 8, .right = 1 << 3 | 1 << 4 | 1 << 5 };
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (size_t i = 0; i < m->source_count; i++)
		source_row(&t, m, &m->sources[i]);
	table_print(&t, out);
}

static int sources_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, {0} };
	struct access a = {0};
	struct buf out = {0};
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	int rc = access_open(cli, &a, err);
	if (!rc && as_json)
		print_json(view_sources(&a.model));
	else if (!rc)
		sources_table(&a.model, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

/* The engine works in another folder: a path leaves here whole. */
static char *source_place(const char *what, struct err *err)
{
	if (strstr(what, "://") || !strncasecmp(what, "arxiv:", 6))
		return xstrdup(what);
	char *path = realpath(what, NULL);
	if (!path)
		err_set(err, "%s is no URL, no arXiv:ID, and no file or folder that is there", what);
	return path;
}

static int add_source(const struct cli *cli, const char *what, const char *note, struct err *err)
{
	char *place = source_place(what, err);
	if (!place)
		return -1;
	struct json *args = json_object();
	json_put_string(args, "what", place);
	if (note)
		json_put_string(args, "note", note);
	free(place);
	struct json *result = access_command(cli, "source_add", args, err);
	return result ? print_answer(result, 0, "added %s", what) : -1;
}

static int drop_source(const struct cli *cli, const char *id, struct err *err)
{
	struct json *args = json_object();
	json_put_string(args, "source", id);
	struct json *result = access_command(cli, "source_drop", args, err);
	return result ? print_answer(result, 0, "%s: dismissed", id) : -1;
}

static int source_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	const char *note = NULL;
	const struct cli_option options[] = { { "note", 0, OPTION_TEXT, &note }, {0} };
	if (cli_options(argc, argv, options, 2, 2, err) < 0)
		return -1;
	if (!strcmp(argv[1], "add"))
		return add_source(cli, argv[2], note, err);
	if (!strcmp(argv[1], "drop") && !note)
		return drop_source(cli, argv[2], err);
	return err_code(err, EXIT_USAGE, "source: it is source add URL|PATH|arXiv:ID [--note T], or source drop ID");
}

const struct cli_command sources_command = {
	.name = "sources", .args = "[--json]", .help = "the reading list, and what came of each entry",
	.run = sources_run,
};
const struct cli_command source_command = {
	.name = "source", .args = "add URL|PATH|arXiv:ID [--note T] | drop ID",
	.help = "add to the reading list, or dismiss from it", .run = source_run,
};
