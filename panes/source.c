/* One source: who wrote it, why it is here, what humans noted, what it says (each sentence with the words that say it, and
 * where they stand), which ideas and proposals came from it, how they fared, and what it all cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/page.h"
#include "panes/sources.h"
#include "panes/standing.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { LABEL = 9, ENTRY = 6, HASH = 8 };

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

static void add_status(struct page *page, const struct source *s)
{
	struct buf text = { 0 };

	buf_puts(&text, s->status ? s->status : "found");
	if (s->status_reason)
		buf_printf(&text, ": %s", s->status_reason);
	field(page, "status", buf_str(&text), standing_source_style(s));
	buf_release(&text);
}

/* A human by name; an agent, which may call itself as it likes, as one. */
static const char *who(const char *by)
{
	return !by ? "the engine" : !strncmp(by, "user ", 5) ? by + 5 : by;
}

static void add_why(struct page *page, const struct source *s)
{
	struct buf text = { 0 };

	if (s->reason)
		buf_puts(&text, s->reason);
	if (s->by)
		buf_printf(&text, "%sadded by %s", text.len ? "; " : "", who(s->by));
	field(page, "why", buf_str(&text), STYLE_DEFAULT);
	buf_release(&text);
}

static void add_yield(struct page *page, const struct model *m, const struct source *s)
{
	struct yield y = source_yield(m, s);
	char gain[NUMBER_TEXT], cost[NUMBER_TEXT], reading[NUMBER_TEXT];
	struct buf text = { 0 };

	number_percent(y.gain_percent, 1, gain);
	number_money(y.usd, cost);
	number_money(s->usd, reading);
	buf_printf(&text, "%u of %u proposals kept", y.kept, y.proposals);
	if (y.kept)
		buf_printf(&text, ", %s", gain);
	if (y.usd > 0)
		buf_printf(&text, "; cost %s, of which reading %s", cost, s->usd > 0 ? reading : "nothing");
	if (y.proposals || y.usd > 0)
		field(page, "yield", buf_str(&text), y.kept ? STYLE_GOOD : STYLE_DEFAULT);
	buf_release(&text);
}

/* Of people, and of the agent. */
static void add_annotations(struct page *page, const struct source *s)
{
	if (s->annotation_count)
		page_heading(page, "notes");
	for (size_t i = 0; i < s->annotation_count; i++) {
		const char *by = s->annotations[i].by;
		char *text = xasprintf("%s: %s", who(by), s->annotations[i].text);
		page_add(page, NULL, STYLE_DEFAULT, 0, text, by && !strncmp(by, "user ", 5) ? STYLE_PERSON : STYLE_AGENT);
		free(text);
	}
}

/* Whose words they are must be seen: the sentence is the reader's, the quotation the source's. */
static void add_claim(struct page *page, const struct claim *c)
{
	struct buf text = { 0 };

	page_add(page, c->id, STYLE_LINK, ENTRY, c->text ? c->text : "", STYLE_DEFAULT);
	if (c->quote) {
		buf_printf(&text, "\"%s\"", c->quote);
		page_add(page, "", STYLE_MUTED, ENTRY, buf_str(&text), STYLE_MUTED);
	}
	buf_truncate(&text, 0);
	buf_puts(&text, c->place ? c->place : "place not known");
	if (c->hash)
		buf_printf(&text, ", text %.*s", HASH, c->hash);
	if (c->model)
		buf_printf(&text, ", found by %s", c->model);
	page_add(page, "", STYLE_MUTED, ENTRY, buf_str(&text), STYLE_MUTED);
	buf_release(&text);
}

static void add_claims(struct page *page, const struct model *m, const struct source *s)
{
	int is_first = 1;

	for (size_t i = 0; i < m->dialogue.claim_count; i++) {
		if (strcmp(m->dialogue.claims[i].source, s->id))
			continue;
		if (is_first)
			page_heading(page, "what it says, each with its words");
		is_first = 0;
		add_claim(page, &m->dialogue.claims[i]);
	}
}

static void idea_fate(const struct model *m, const struct idea *idea, struct buf *out)
{
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		if (!p->idea || strcmp(p->idea, idea->id))
			continue;
		buf_printf(out, "%s%s ", out->len ? "; " : "", p->id);
		standing_line(p, out);
	}
	if (!out->len)
		buf_puts(out, "not tried yet");
}

static void add_ideas(struct page *page, const struct model *m, const struct source *source)
{
	struct buf fate = { 0 };
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
		buf_truncate(&fate, 0);
		idea_fate(m, idea, &fate);
		page_add(page, "", STYLE_MUTED, ENTRY, buf_str(&fate), STYLE_DEFAULT);
	}
	buf_release(&fate);
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
	char year[16];

	page_add(page, NULL, STYLE_DEFAULT, 0, source->title && *source->title ? source->title : source->id, STYLE_STRONG);
	page_blank(page);
	field(page, "kind", source->type, STYLE_DEFAULT);
	add_status(page, source);
	add_why(page, source);
	field(page, "id", source->key, STYLE_DEFAULT);
	field(page, "authors", source->authors, STYLE_DEFAULT);
	snprintf(year, sizeof year, "%u", source->year);
	field(page, "year", source->year ? year : NULL, STYLE_DEFAULT);
	if (source->url && *source->url)
		page_add_link(page, "link", STYLE_MUTED, LABEL, source->url, STYLE_LINK, source->url);
	add_yield(page, m, source);
	note(page, source->note);
	add_annotations(page, source);
	add_claims(page, m, source);
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

	enum pane_result result = sources_act(source, act, want);

	return result != PANE_IGNORED ? result : page_act(&s->page, act);
}

static int source_offers(const struct pane *p, const struct model *m, enum action a)
{
	return sources_offers(model_source(m, p->name), a);
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
	.context = CONTEXT_SOURCE,
	.state_size = sizeof(struct source_state),
	.close = source_close,
	.title = source_title,
	.sync = source_sync,
	.draw = source_draw,
	.act = source_act,
	.search = source_search,
	.offers = source_offers,
};
