/* One source: who wrote it, what was noted, which ideas and proposals came from it and how they fared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/page.h"
#include "panes/standing.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { LABEL = 9, ENTRY = 6 };

struct source_state {
	struct page page;
};

static void field(struct page *page, const char *label, const char *text, enum style s)
{
	if (text && *text)
		page_add(page, label, STYLE_MUTED, LABEL, text, s);
}

/* Notes come from files that were wrapped for a file's width: single newlines are blanks here. */
static void note(struct page *page, const char *text)
{
	char *flat = xstrdup(text);

	for (char *c = flat; c && *c; c++)
		if (*c == '\n' && c > flat && c[-1] != '\n' && c[1] != '\n' && c[1])
			*c = ' ';
	field(page, "note", flat, STYLE_DEFAULT);
	free(flat);
}

static void add_ideas(struct page *page, const struct model *m, const struct source *source)
{
	int is_first = 1;

	for (size_t i = 0; i < m->idea_count; i++) {
		const struct idea *idea = &m->ideas[i];
		if (!strings_have(&idea->sources, source->id))
			continue;
		if (is_first)
			page_heading(page, "ideas from it");
		is_first = 0;
		page_add(page, idea->id, STYLE_LINK, ENTRY, idea->title ? idea->title : "", STYLE_DEFAULT);
		if (idea->expected)
			page_add(page, "", STYLE_MUTED, ENTRY, idea->expected, STYLE_MUTED);
	}
}

static void add_proposals(struct page *page, const struct model *m, const struct source *source)
{
	struct buf fate = { 0 };

	page_heading(page, "proposals that cite it, or whose idea does");
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		char lead[32];
		if (!proposal_cites(m, p, source))
			continue;
		snprintf(lead, sizeof lead, "%s %s", standing_of(p).mark, p->id);
		page_add(page, lead, STYLE_LINK, ENTRY, p->title ? p->title : "", STYLE_DEFAULT);
		buf_truncate(&fate, 0);
		standing_line(p, &fate);
		if (p->verdict_reason || p->decision_reason)
			buf_printf(&fate, ": %s", p->verdict_reason ? p->verdict_reason : p->decision_reason);
		page_add(page, "", STYLE_MUTED, ENTRY, buf_str(&fate),
			standing_of(p).style == STYLE_DEFAULT ? STYLE_MUTED : standing_of(p).style);
	}
	buf_release(&fate);
	if (!source_yield(m, source).proposals)
		page_add(page, NULL, STYLE_DEFAULT, 0, "None yet.", STYLE_MUTED);
}

static void make(struct page *page, const struct model *m, const struct source *source)
{
	page_add(page, NULL, STYLE_DEFAULT, 0, source->title ? source->title : source->id, STYLE_STRONG);
	page_blank(page);
	field(page, "kind", source->type, STYLE_DEFAULT);
	field(page, "status", source->status, standing_source_style(source));
	field(page, "id", source->key, STYLE_DEFAULT);
	field(page, "authors", source->authors, STYLE_DEFAULT);
	field(page, "url", source->url, STYLE_LINK);
	note(page, source->note);
	add_ideas(page, m, source);
	add_proposals(page, m, source);
}

static int source_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct source_state *s = p->state;
	const struct source *source = model_source(m, p->name);

	(void)want;
	page_begin(&s->page, columns);
	if (source)
		make(&s->page, m, source);
	else
		page_add(&s->page, NULL, STYLE_DEFAULT, 0,
			"There is no such source: the reading list (1) has them all.", STYLE_MUTED);
	page_sync(&s->page, rows);
	return 0;
}

static void source_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct source *source = model_source(m, p->name);
	struct yield y;
	char gain[NUMBER_TEXT];

	if (!source)
		return;
	y = source_yield(m, source);
	buf_printf(out, "%s  %u of %u kept", source->id, y.kept, y.proposals);
	number_percent(y.gain_percent, 1, gain);
	if (y.kept)
		buf_printf(out, ", %s", gain);
}

static void source_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct source_state *s = p->state;

	(void)m;
	page_draw(&s->page, c, p->focused);
}

static enum pane_result source_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct source_state *s = p->state;
	const struct source *source = model_source(m, p->name);

	if (act->action == ACTION_COPY && source)
		return intent_copy(want, source->url ? source->url : source->key ? source->key : source->id);
	return page_act(&s->page, act);
}

static int source_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct source_state *s = p->state;

	(void)m;
	return page_search(&s->page, text, direction);
}

static void source_close(struct pane *p)
{
	struct source_state *s = p->state;

	page_release(&s->page);
}

const struct pane_ops source_pane = {
	.name = "Source",
	.context = CONTEXT_TEXT,
	.state_size = sizeof(struct source_state),
	.close = source_close,
	.title = source_title,
	.sync = source_sync,
	.draw = source_draw,
	.act = source_act,
	.search = source_search,
};
