/* What the agent does, and what came of it: its proposals with where they are from, verdicts, vetoes, what it was
 * told. The text is made from the model's activity and grows with it, following its end until the reader
 * scrolls up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/page.h"
#include "panes/standing.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { HEADER = 1, TIME = 10 };

struct agent_state {
	struct page page;
	uint64_t first;			/* seq of the oldest line of activity when the page was made */
	size_t made_of;			/* lines of activity that are in it */
};

static int concerns_the_agent(const struct activity *a)
{
	switch (a->kind) {
	case EVENT_STEERED: case EVENT_AGENT_CHANGED: case EVENT_IDEA_ADDED: case EVENT_ALERT:
		return 1;
	case EVENT_SOURCE_ADDED:
		return a->by && !strncmp(a->by, "agent", 5);
	default:
		return a->proposal != NULL;
	}
}

/* Where a proposal is from: titles of what it cites. */
static void add_sources(const struct model *m, const struct activity *a, struct buf *out)
{
	const struct proposal *p = a->kind == EVENT_PROPOSAL_SUBMITTED ? model_proposal(m, a->proposal) : NULL;

	for (size_t i = 0; p && i < p->sources.count; i++) {
		const struct source *s = model_source(m, p->sources.at[i]);
		buf_printf(out, "%s%s", i ? ", " : " from: ", s && s->title ? s->title : p->sources.at[i]);
	}
}

static void add_lines(struct page *page, const struct model *m, size_t from)
{
	struct buf text = { 0 };

	for (size_t i = from; i < m->activity_count; i++) {
		const struct activity *a = &m->activity[i];
		char time[CLOCK_TEXT];
		if (!concerns_the_agent(a))
			continue;
		clock_time_of_day(a->time, time);
		buf_truncate(&text, 0);
		standing_event_text(a, &text);
		add_sources(m, a, &text);
		page_add(page, time, STYLE_MUTED, page->columns >= 60 ? TIME : 0, buf_str(&text),
			standing_event_style(m, a));
	}
	buf_release(&text);
}

static void agent_open(struct pane *p)
{
	struct agent_state *s = p->state;

	s->page.view.grows = s->page.view.follow = 1;
}

static int agent_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct agent_state *s = p->state;

	(void)want;
	if (rows) {
		uint64_t first = m->activity_count ? m->activity[0].seq : 0;
		if (first != s->first || s->made_of > m->activity_count || s->page.columns != columns) {
			page_begin(&s->page, columns);
			s->first = first;
			s->made_of = 0;
		}
		add_lines(&s->page, m, s->made_of);
		s->made_of = m->activity_count;
	}
	page_sync(&s->page, rows > HEADER ? rows - HEADER : 0);
	return 0;
}

/* The strip of one line must say what is worth most: what the agent does, in its words or the last thing that came of
 * it. */
static void agent_title(const struct pane *p, const struct model *m, struct buf *out)
{
	char money[NUMBER_TEXT];

	(void)p;
	if (!m->agent) {
		buf_puts(out, "no agent yet");
		return;
	}
	buf_puts(out, m->agent);
	if (m->agent_state)
		buf_printf(out, "  %s", m->agent_state);
	number_money(m->api_usd, money);
	if (m->api_usd > 0)
		buf_printf(out, "  %s", money);
	if (m->agent_text && *m->agent_text) {
		buf_printf(out, "  \"%s\"", m->agent_text);
		return;
	}
	for (size_t i = m->activity_count; i-- > 0;)
		if (concerns_the_agent(&m->activity[i]) && m->activity[i].kind != EVENT_AGENT_CHANGED) {
			buf_puts(out, "  ");
			standing_event_text(&m->activity[i], out);
			return;
		}
}

static void draw_header(const struct model *m, struct canvas *c)
{
	size_t kept = 0, waiting = count_needs_human(m);
	char text[160];
	int x;

	for (size_t i = 0; i < m->proposal_count; i++)
		kept += m->proposals[i].verdict == VERDICT_KEEP && m->proposals[i].state != STATE_VETOED;
	x = canvas_text(c, 0, 0, STYLE_STRONG, m->agent ? m->agent : "", -1) + 2;
	if (m->agent_state)
		x += canvas_text(c, 0, x, STYLE_AGENT, m->agent_state, -1) + 2;
	snprintf(text, sizeof text, "%zu wait%s for you", waiting, waiting == 1 ? "s" : "");
	if (waiting)
		x += canvas_text_cut(c, 0, x, STYLE_ALERT, text, -1) + 2;
	snprintf(text, sizeof text, "%zu proposed, %zu kept", m->proposal_count, kept);
	x += canvas_text_cut(c, 0, x, STYLE_DEFAULT, text, -1) + 2;
	if (m->agent_text)
		canvas_text_cut(c, 0, x, STYLE_AGENT, m->agent_text, -1);
}

static void agent_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct agent_state *s = p->state;
	struct canvas text = canvas_sub(c, (struct rect){ HEADER, 0, c->rows - HEADER, c->columns });

	if (m->agent)
		draw_header(m, c);
	page_draw(&s->page, &text, p->focused);
	if (s->page.count)
		return;
	canvas_text_cut(&text, 0, 1, STYLE_MUTED,
		"What the agent proposes, from which source, and what comes back stands here.", -1);
	canvas_text_cut(&text, 1, 1, STYLE_MUTED, "m tells it something; it reads that at its next turn.", -1);
}

static enum pane_result steer(const struct act *act, struct intent *want)
{
	struct json *args;

	if (!act->text)
		return intent_prompt(want, "tell the agent:", "", ACTION_STEER);
	if (!act->text[strspn(act->text, " ")])
		return intent_message(want, "nothing was said");
	args = json_object();
	json_put_string(args, "text", act->text);
	return intent_command(want, "steer", args);
}

static enum pane_result agent_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct agent_state *s = p->state;
	struct act below = *act;

	(void)m;
	below.y -= HEADER;
	return act->action == ACTION_STEER ? steer(act, want) : page_act(&s->page, &below);
}

static int agent_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct agent_state *s = p->state;

	(void)m;
	return page_search(&s->page, text, direction);
}

static void agent_close(struct pane *p)
{
	struct agent_state *s = p->state;

	page_release(&s->page);
}

const struct pane_ops agent_pane = {
	.name = "Agent",
	.digit = 5,
	.context = CONTEXT_AGENT,
	.title_follows = 1,
	.state_size = sizeof(struct agent_state),
	.open = agent_open,
	.close = agent_close,
	.title = agent_title,
	.sync = agent_sync,
	.draw = agent_draw,
	.act = agent_act,
	.search = agent_search,
};
