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

static void yield_cells(struct table *t, const struct yield *y)
{
	table_cell(t, "%u", y->proposals);
	table_cell(t, "%u", y->kept);
	if (y->kept)
		table_cell(t, "%+.1f %%", y->gain_percent);
	else
		table_cell(t, "%s", "");
	if (y->usd > 0)
		table_cell(t, "$%.2f", y->usd);
	else
		table_cell(t, "%s", "");
}

static void source_row(struct table *t, const struct model *m, const struct source *s)
{
	struct yield y = source_yield(m, s);
	size_t claims = claims_of(m, s->id);
	table_cell(t, "%s", s->id);
	table_cell(t, "%s", or_nothing(s->type));
	table_cell(t, "%s", s->status);
	if (claims)
		table_cell(t, "%zu", claims);
	else
		table_cell(t, "%s", "");
	yield_cells(t, &y);
	table_cell(t, "%s", or_nothing(s->title));
	table_cell(t, "%s", s->key ? s->key : or_nothing(s->url));
}

static const struct source *at_position(const struct model *m, unsigned position)
{
	for (size_t i = 0; i < m->source_count; i++)
		if (m->sources[i].position == position)
			return &m->sources[i];
	return NULL;
}

/* In the order in which they are to be read. */
static void sources_table(const struct model *m, struct buf *out)
{
	static const char *const head[] = { "ID", "TYPE", "STATUS", "CLAIMS", "PROPOSALS", "KEPT", "GAIN", "COST", "TITLE", "KEY" };
	struct table t = { .columns = 10, .right = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 };
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (unsigned i = 1; i <= m->source_count; i++)
		if (at_position(m, i))
			source_row(&t, m, at_position(m, i));
	table_drop_empty(&t);
	table_print(&t, out);
}

static void kinds_table(const struct model *m, struct buf *out)
{
	static const char *const head[] = { "KIND", "SOURCES", "READ", "PROPOSALS", "KEPT", "GAIN", "COST" };
	struct table t = { .columns = 7, .right = 0x7e };
	struct strings types = {0};
	source_types(m, &types);
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (size_t i = 0; i < types.count; i++) {
		struct yield y = kind_yield(m, types.at[i]);
		table_cell(&t, "%s", types.at[i]);
		table_cell(&t, "%u", y.sources);
		table_cell(&t, "%u", y.read);
		yield_cells(&t, &y);
	}
	if (types.count) {
		buf_putc(out, '\n');
		table_print(&t, out);
	}
	strings_release(&t.cells);
	strings_release(&types);
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
	else if (!rc) {
		sources_table(&a.model, &out);
		kinds_table(&a.model, &out);
	}
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
	if (!path && !strchr("/.~", *what) && strchr(what, ':'))
		return xstrdup(what);	/* doi:…, github:owner/name */
	if (!path)
		err_set(err, "%s is no URL, no arXiv:ID, doi:… or github:owner/name, and no file or folder that is there", what);
	return path;
}

static int ask(const struct cli *cli, const char *name, struct json *args_taken, const char *said, const char *id, struct err *err)
{
	struct json *result = access_command(cli, name, args_taken, err);
	return result ? print_answer(result, 0, "%s: %s", id, said) : -1;
}

static struct json *of_source(const char *id, const char *key, const char *text)
{
	struct json *args = json_object();
	json_put_string(args, "source", id);
	if (text)
		json_put_string(args, key, text);
	return args;
}

struct words {
	const char *note, *reason;
	int as_json;
};

static int add_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	char *place = source_place(argv[2], err);
	if (!place)
		return -1;
	struct json *args = json_object();
	json_put_string(args, "what", place);
	if (w->note)
		json_put_string(args, "note", w->note);
	if (w->reason)
		json_put_string(args, "reason", w->reason);
	free(place);
	struct json *result = access_command(cli, "source_add", args, err);
	if (!result)
		return -1;
	struct buf ids = {0};
	for (const struct json *i = json_first(json_get(result, "sources")); i; i = json_next(i))
		buf_printf(&ids, "%s%s", ids.len ? " " : "", json_string(i, ""));
	const char *problem = json_string(json_get(result, "problem"), NULL);
	if (problem)
		buf_printf(&ids, "; %s", problem);
	int rc = print_answer(result, w->as_json, "added %s: %s", argv[2], buf_str(&ids));
	buf_release(&ids);
	return rc;
}

static int drop_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	return ask(cli, "source_drop", of_source(argv[2], "reason", w->reason), "dismissed", argv[2], err);
}

static int read_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	struct json *args = of_source(argv[2], "reason", w->reason);
	json_put_string(args, "status", "queued");
	return ask(cli, "source_status", args, "is to be read", argv[2], err);
}

static int move_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	char *end;
	long position = strtol(argv[3], &end, 10);
	(void)w;
	if (!*argv[3] || *end || position < 1 || position > 1000000)
		return err_code(err, EXIT_USAGE, "source move: \"%s\" is no position on the list, counted from 1", argv[3]);
	struct json *args = of_source(argv[2], NULL, NULL);
	json_put_integer(args, "position", position);
	return ask(cli, "source_move", args, "moved", argv[2], err);
}

static int note_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	(void)w;
	return ask(cli, "source_note", of_source(argv[2], "text", argv[3]), "noted", argv[2], err);
}

/* show */

static void show_line(struct buf *out, const char *name, const char *text)
{
	if (text && *text)
		buf_printf(out, "%-10s%s\n", name, text);
}

static void show_yield(struct buf *out, const struct model *m, const struct source *s)
{
	struct yield y = source_yield(m, s);
	buf_printf(out, "%-10s%u proposal%s, %u kept", "yield", y.proposals, y.proposals == 1 ? "" : "s", y.kept);
	if (y.kept)
		buf_printf(out, ", %+.1f %%", y.gain_percent);
	if (y.usd > 0)
		buf_printf(out, ", $%.2f", y.usd);
	buf_putc(out, '\n');
}

static void show_claims(struct buf *out, const struct model *m, const struct source *s)
{
	for (size_t i = 0; i < m->dialogue.claim_count; i++) {
		const struct claim *c = &m->dialogue.claims[i];
		if (!strcmp(c->source, s->id))
			buf_printf(out, "\n%s  %s\n    \"%s\" (%s)\n", c->id, or_nothing(c->text), or_nothing(c->quote), or_nothing(c->place));
	}
}

static void show_cites(struct buf *out, const struct model *m, const struct source *s)
{
	struct buf ids = {0};
	for (size_t i = 0; i < m->idea_count; i++)
		if (strings_have(&m->ideas[i].sources, s->id))
			buf_printf(&ids, "%s%s %s", ids.len ? "; " : "", m->ideas[i].id, m->ideas[i].title);
	for (size_t i = 0; i < m->proposal_count; i++)
		if (proposal_cites(m, &m->proposals[i], s))
			buf_printf(&ids, "%s%s %s", ids.len ? "; " : "", m->proposals[i].id, m->proposals[i].title);
	show_line(out, "cited by", buf_str(&ids));
	buf_release(&ids);
}

static void show_text(struct buf *out, const struct model *m, const struct source *s)
{
	char year[16] = "";
	if (s->year)
		snprintf(year, sizeof year, "%u", s->year);
	buf_printf(out, "%s  %s\n", s->id, s->title);
	show_line(out, "type", s->type);
	show_line(out, "authors", s->authors);
	show_line(out, "year", year);
	show_line(out, "id", s->key);
	show_line(out, "link", s->url);
	show_line(out, "here", s->reason);
	show_line(out, "by", s->by);
	buf_printf(out, "%-10s%s%s%s\n", "status", s->status, s->status_reason ? ": " : "", or_nothing(s->status_reason));
	buf_printf(out, "%-10s%u of %zu\n", "position", s->position, m->source_count);
	show_yield(out, m, s);
	show_cites(out, m, s);
	for (size_t i = 0; i < s->annotation_count; i++)
		buf_printf(out, "%-10s%s: %s\n", "note", or_nothing(s->annotations[i].by), s->annotations[i].text);
	if (s->note && *s->note)
		buf_printf(out, "\n%s\n", s->note);
	show_claims(out, m, s);
}

static struct json *one_of(struct json *sources_taken, const char *id)
{
	struct json *found = NULL;
	for (const struct json *i = json_first(sources_taken); i && !found; i = json_next(i))
		if (!strcmp(json_string(json_get(i, "id"), ""), id))
			found = json_copy(i);
	json_free(sources_taken);
	return found;
}

static int show_source(const struct cli *cli, char **argv, const struct words *w, struct err *err)
{
	struct access a = {0};
	struct buf out = {0};
	int rc = access_open(cli, &a, err);
	const struct source *s = rc ? NULL : model_source(&a.model, argv[2]);
	if (!rc && !s)
		rc = err_set(err, "there is no source %s: skydeck sources lists them", argv[2]);
	else if (!rc && w->as_json)
		print_json(one_of(view_sources(&a.model), s->id));
	else if (!rc)
		show_text(&out, &a.model, s);
	print_text(&out);
	access_release(&a);
	return rc;
}

static const struct {
	const char *name;
	int operands;
	int (*run)(const struct cli *cli, char **argv, const struct words *w, struct err *err);
	const char *args, *options;
} verbs[] = {
	{ "add", 1, add_source, "URL|PATH|arXiv:ID [--note T] [--reason T]", "note reason json" }, { "drop", 1, drop_source, "ID [--reason T]", "reason" },
	{ "move", 2, move_source, "ID POSITION", "" }, { "note", 2, note_source, "ID TEXT", "" }, { "read", 1, read_source, "ID", "" },
	{ "show", 1, show_source, "ID [--json]", "json" },
};

static int fits(const struct words *w, const char *options)
{
	return (!w->note || strstr(options, "note")) && (!w->reason || strstr(options, "reason")) && (!w->as_json || strstr(options, "json"));
}

static int source_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct words w = {0};
	struct buf usage = {0};
	const struct cli_option options[] = { { "note", 0, OPTION_TEXT, &w.note }, { "reason", 0, OPTION_TEXT, &w.reason },
		{ "json", 0, OPTION_FLAG, &w.as_json }, {0} };
	int n = cli_options(argc, argv, options, 1, 3, err);
	if (n < 0)
		return -1;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(argv[1], verbs[i].name) && n == 1 + verbs[i].operands && fits(&w, verbs[i].options))
			return verbs[i].run(cli, argv, &w, err);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		buf_printf(&usage, "%ssource %s %s", i ? ", " : "", verbs[i].name, verbs[i].args);
	err_code(err, EXIT_USAGE, "source: it is %s", buf_str(&usage));
	buf_release(&usage);
	return -1;
}

const struct cli_command sources_command = {
	.name = "sources", .args = "[--json]", .help = "the reading list, what came of each entry, and of each kind",
	.options = CLI_JSON_OPTION,
	.run = sources_run,
};
const struct cli_command source_command = {
	.name = "source", .args = "add URL|PATH|arXiv:ID [--note T] | drop ID | move ID POSITION | note ID TEXT | read ID | show ID",
	.help = "add to the reading list, order it, write on its margin, have it read, dismiss from it",
	.options = "--note T\twith add: why it is there\n"
		   "--reason T\twith drop: why; the agent reads it\n"
		   "--json\twith show: one JSON document\n",
	.run = source_run,
};
