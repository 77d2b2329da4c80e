/* skydeck proposals, show and diff: what was proposed, in a list, as a whole, as a patch. A proposal is a commit, so
 * the text and the patch come from the repository, by the ids that the journal holds. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "core/data/view.h"
#include "core/io/git.h"

enum { DIFF_LIMIT = 64 << 20 };

static void proposal_row(struct table *t, const struct proposal *p)
{
	const struct revision *r = proposal_revision(p, 0);
	table_cell(t, "%s", p->id);
	table_cell(t, "%s", proposal_state_name(p->state));
	table_cell(t, "%s", p->verdict == VERDICT_NONE ? "" : verdict_name(p->verdict));
	table_cell(t, "%zu", p->rev);
	if (r && r->commit)
		table_cell(t, "+%u -%u", r->added, r->removed);
	else
		table_cell(t, "%s", "");
	table_cell(t, "%s", or_nothing(p->agent));
	table_cell(t, "%s", or_nothing(p->title));
}

static void proposals_table(const struct model *m, const enum proposal_state *only, struct buf *out)
{
	static const char *const head[] = { "ID", "STATE", "VERDICT", "REV", "LINES", "AGENT", "TITLE" };
	struct table t = { .columns = 7, .right = 1 << 3 | 1 << 4 };
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (size_t i = 0; i < m->proposal_count; i++)
		if (!only || m->proposals[i].state == *only)
			proposal_row(&t, &m->proposals[i]);
	table_print(&t, out);
}

static int parse_state(const char *word, enum proposal_state *out, struct err *err)
{
	struct buf words = {0};
	if (!proposal_state_parse(word, out))
		return 0;
	for (int s = 0; s < PROPOSAL_STATE_COUNT; s++)
		buf_printf(&words, " %s", proposal_state_name((enum proposal_state)s));
	err_code(err, EXIT_USAGE, "proposals: there is no state %s; they are%s", word, buf_str(&words));
	buf_release(&words);
	return -1;
}

static int proposals_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	enum proposal_state state;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, {0} };
	struct access a = {0};
	struct buf out = {0};
	int count = cli_options(argc, argv, options, 0, 1, err);
	if (count < 0 || (count && parse_state(argv[1], &state, err) < 0))
		return -1;
	int rc = access_open(cli, &a, err);
	if (!rc && as_json)
		print_json(view_proposals(&a.model, count ? &state : NULL));
	else if (!rc)
		proposals_table(&a.model, count ? &state : NULL, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

/* One proposal, one of its revisions, and the repository it is in. */
struct chosen {
	struct access access;
	struct git *git;
	const struct proposal *proposal;
	const struct revision *revision;
	size_t rev;
};

static const struct revision *choose_revision(const struct proposal *p, long rev, struct err *err)
{
	const struct revision *r = rev > 0 ? proposal_revision(p, (size_t)rev) : NULL;
	if (!r)
		err_set(err, "%s has no revision %ld: it has 1 to %zu", p->id, rev, p->rev);
	return r;
}

/* rev below 0: the newest. */
static int choose(const struct cli *cli, const char *id, long rev, struct chosen *c, struct err *err)
{
	if (access_open(cli, &c->access, err) < 0)
		return -1;
	c->proposal = access_proposal(&c->access.model, id, err);
	if (!c->proposal)
		return -1;
	c->rev = rev < 0 ? c->proposal->rev : (size_t)rev;
	c->revision = choose_revision(c->proposal, (long)c->rev, err);
	c->git = c->revision ? git_open(c->access.target.root, err) : NULL;
	return c->git ? 0 : -1;
}

static void chosen_release(struct chosen *c)
{
	git_close(c->git);
	access_release(&c->access);
}

/* The commit's message, as safe text. "" where there is no commit. */
static int message(const struct chosen *c, struct buf *out, struct err *err)
{
	struct buf raw = {0};
	int rc = c->revision->commit ? git_message(c->git, c->revision->commit, &raw, NULL, err) : 0;
	text_safe(out, buf_str(&raw), raw.len, TEXT_NEWLINES | TEXT_TABS);
	while (out->len && out->data[out->len - 1] == '\n')
		buf_truncate(out, out->len - 1);
	buf_release(&raw);
	return rc;
}

static void show_field(struct table *t, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	table_cell(t, "%s", name);
	table_cell(t, "%s", text);
}

static void show_taken(struct table *t, const char *name, struct buf *text)
{
	show_field(t, name, buf_str(text));
	buf_release(text);
}

static void show_history(struct table *t, const struct proposal *p)
{
	struct buf b = {0};
	for (size_t i = 0; i < p->reasons.count; i++)
		show_field(t, i ? "" : p->waived ? "guard, waived" : "guard", p->reasons.at[i]);
	if (p->decision) {
		buf_printf(&b, "%s by %s%s%s", p->decision, p->decided_by ? p->decided_by : "engine",
			   p->decision_reason ? ": " : "", or_nothing(p->decision_reason));
		show_taken(t, "review", &b);
	}
	for (size_t i = 0; i < p->comments.count; i++) {
		const struct comment *c = &p->comments.at[i];
		if (c->file)
			buf_printf(&b, "%s:%d ", c->file, (int)c->line);
		buf_printf(&b, "%s (%s)", c->text, or_nothing(c->by));
		show_taken(t, i ? "" : "comments", &b);
	}
	if (p->verdict != VERDICT_NONE) {
		buf_printf(&b, "%s ", verdict_name(p->verdict));
		change_line(p->change_percent, p->low, p->high, &b);
		if (p->pair_count)
			buf_printf(&b, " after %zu pairs", p->pair_count);
		if (p->verdict_reason)
			buf_printf(&b, " (%s)", p->verdict_reason);
		show_taken(t, "verdict", &b);
	}
	if (p->verdict_run) {
		buf_printf(&b, "skydeck log %s", p->verdict_run);
		show_taken(t, "log", &b);
	}
	show_field(t, "landed", p->landed);
	show_field(t, "not landed", p->landing_problem);
}

/* A patch without an idea of its own carries its title as one: that says nothing new. */
static void show_idea(struct table *t, const struct model *m, const struct proposal *p)
{
	const struct idea *idea = model_idea(m, p->idea);
	if (idea && strcmp(idea->title, p->title))
		table_cell(t, "idea"), table_cell(t, "%s %s", idea->id, idea->title);
}

static void show_text(const struct chosen *c, const char *text, struct buf *out)
{
	const struct model *m = &c->access.model;
	const struct proposal *p = c->proposal;
	const struct revision *r = c->revision;
	struct table t = { .columns = 2 };
	struct buf b = {0};
	buf_printf(out, "%s revision %zu of %zu, %s: %s\n\n", p->id, c->rev, p->rev, proposal_state_name(p->state),
		   or_nothing(r->title));
	show_field(&t, "agent", p->agent);
	show_field(&t, "author", p->author);
	show_idea(&t, m, p);
	for (size_t i = 0; i < p->sources.count; i++)
		buf_printf(&b, "%s%s", i ? " " : "", p->sources.at[i]);
	show_taken(&t, "sources", &b);
	if (r->commit) {
		buf_printf(&b, "%.10s on %.10s, +%u -%u in %u file%s", r->commit, or_nothing(r->base), r->added,
			   r->removed, r->files, r->files == 1 ? "" : "s");
		show_taken(&t, "commit", &b);
	}
	show_history(&t, p);
	table_print(&t, out);
	if (*text)
		buf_printf(out, "\n%s\n", text);
	if (p->self_review && c->rev == p->rev)
		buf_printf(out, "\nIts author's own review:\n\n%s\n", p->self_review);
	if (!r->commit && p->conflict)
		buf_printf(out, "\ndoes not apply: %s\n", p->conflict);
}

static int show_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	long rev = -1;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, { "rev", 0, OPTION_WHOLE, &rev },
		{0} };
	struct chosen c = {0};
	struct buf text = {0}, out = {0};
	if (cli_options(argc, argv, options, 1, 1, err) < 0)
		return -1;
	int rc = choose(cli, argv[1], rev, &c, err);
	if (!rc)
		rc = message(&c, &text, err);
	if (!rc && as_json) {
		struct json *document = view_proposal(&c.access.model, c.proposal, c.rev);
		json_put_string(document, "text", buf_str(&text));
		json_put_string(document, "own_review", c.rev == c.proposal->rev ? c.proposal->self_review : NULL);
		print_json(document);
	} else if (!rc) {
		show_text(&c, buf_str(&text), &out);
	}
	print_text(&out);
	buf_release(&text);
	chosen_release(&c);
	return rc;
}

/* What the terminal shows of a diff: safe text, and colours as git's. */
static void color_diff(const char *text, struct buf *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *color = !strncmp(text, "@@", 2) ? "\033[36m"
				  : !strncmp(text, "diff ", 5) || !strncmp(text, "+++", 3) ? "\033[1m"
				  : !strncmp(text, "---", 3) ? "\033[1m"
				  : *text == '+' ? "\033[32m" : *text == '-' ? "\033[31m" : NULL;
		buf_puts(out, or_nothing(color));
		buf_add(out, text, n);
		buf_puts(out, color ? "\033[m" : "");
		if (text[n])
			buf_putc(out, '\n');
		text += n + (text[n] == '\n');
	}
}

static int print_diff(const struct cli *cli, struct buf *diff)
{
	struct buf safe = {0}, out = {0};
	if (!cli->color && !isatty(STDOUT_FILENO))
		return print_text(diff);	/* byte for byte: it may be on its way to git apply */
	text_safe(&safe, buf_str(diff), diff->len, TEXT_NEWLINES | TEXT_TABS);
	buf_release(diff);
	if (!cli->color)
		return print_text(&safe);
	color_diff(buf_str(&safe), &out);
	buf_release(&safe);
	return print_text(&out);
}

/* Two revisions differ as their trees do only where they stand on the same commit; else what the baseline brought would
 * show as if its author had written it. */
static int interdiff(const struct chosen *c, long from, struct buf *diff, struct err *err)
{
	const struct revision *old = choose_revision(c->proposal, from, err);
	if (!old)
		return -1;
	if (!old->commit)
		return err_set(err, "revision %ld of %s does not apply, so nothing can be compared with it", from,
			c->proposal->id);
	if (!old->base || !c->revision->base || strcmp(old->base, c->revision->base))
		return err_set(err, "revisions %ld and %zu of %s stand on different baselines: look at "
			       "skydeck diff %s --rev %ld and --rev %zu",
			       from, c->rev, c->proposal->id, c->proposal->id, from, c->rev);
	return git_diff(c->git, old->commit, c->revision->commit, DIFF_LIMIT, diff, err);
}

static int diff_of(const struct chosen *c, long from, struct buf *diff, struct err *err)
{
	const struct revision *r = c->revision;
	if (!r->commit) {
		buf_printf(diff, "%s does not apply: %s\n", c->proposal->id, or_nothing(c->proposal->conflict));
		return 0;
	}
	if (from >= 0)
		return interdiff(c, from, diff, err);
	char parent[GIT_ID];
	if (!r->base && git_parent(c->git, r->commit, parent, err) < 0)
		return -1;
	return git_diff(c->git, r->base ? r->base : parent, r->commit, DIFF_LIMIT, diff, err);
}

static int diff_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	long rev = -1, from = -1;
	const struct cli_option options[] = { { "rev", 0, OPTION_WHOLE, &rev }, { "from", 0, OPTION_WHOLE, &from },
		{0} };
	struct chosen c = {0};
	struct buf diff = {0};
	if (cli_options(argc, argv, options, 1, 1, err) < 0)
		return -1;
	int rc = choose(cli, argv[1], rev, &c, err);
	if (!rc)
		rc = diff_of(&c, from, &diff, err);
	if (!rc)
		print_diff(cli, &diff);
	buf_release(&diff);
	chosen_release(&c);
	return rc;
}

const struct cli_command proposals_command = {
	.name = "proposals", .args = "[--json] [STATE]", .help = "list proposals, or those in a state",
	.options = CLI_JSON_OPTION
		   "STATE\tonly these: waiting, stopped, running, signing, landed, …\n",
	.run = proposals_run,
};
const struct cli_command show_command = {
	.name = "show", .args = "ID [--rev N] [--json]",
	.help = "one proposal with its text, its review and its verdict",
	.options = "--rev N\tthat revision; default: the newest\n"
		   CLI_JSON_OPTION,
	.run = show_run,
};
const struct cli_command diff_command = {
	.name = "diff", .args = "ID [--rev N] [--from M]",
	.help = "a proposal's patch, or what changed since revision M",
	.options = "--rev N\tthat revision; default: the newest\n"
		   "--from M\twhat changed from revision M to it\n",
	.run = diff_run,
};
