/* The feed. Three lists of the model, each in the order of its events, are merged into one page: the activity, the uses of
 * tools, and the turns with their beginnings and ends. New lines are added at the end; when lines that stand there change
 * (a turn ended, and its figures are known; something was told) the page is made anew, and the reader stays at the same
 * event.
 *
 * Of the newest turn every use of a tool has its line; of those before it only how often which was used: what came of them
 * is what one looks for later. */
#include "panes/feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "panes/standing.h"
#include "tui/number.h"

enum { TIME = 10, INNER = 2, WITH_TIME = 60, TOOLS_MAX = 16, QUICK = 10 };
#define NEVER UINT64_MAX

static int has_words(const struct activity *a)
{
	return strstr(a->text, ": ") != NULL;
}

int feed_concerns(const struct model *m, const struct activity *a)
{
	switch (a->kind) {
	case EVENT_STEERED: case EVENT_IDEA_ADDED: case EVENT_ALERT: case EVENT_PROFILED: case EVENT_STAGE_SET: case EVENT_NOTED:
	case EVENT_SOURCE_NOTED: case EVENT_PERMISSION_ASKED: case EVENT_PERMISSION_ANSWERED:
		return 1;
	case EVENT_AGENT_CHANGED:	/* that it works, or not, is seen from its turns */
		return !standing_has_turns(m) || has_words(a);
	case EVENT_SOURCE_ADDED:
		return a->by && !strncmp(a->by, "agent", 5);
	case EVENT_TURN_ENDED:
		return 0;
	default:
		return a->proposal != NULL;
	}
}

/* Lines */

static void add(struct feed *f, uint64_t seq, int64_t at, int is_inner, const char *text, enum style s)
{
	char time[CLOCK_TEXT];
	int indent = (f->page.columns >= WITH_TIME ? TIME : 0) + (is_inner ? INNER : 0);

	clock_time_of_day(at, time);
	page_add(&f->page, f->page.columns >= WITH_TIME ? time : NULL, STYLE_MUTED, indent, text, s);
	while (f->count < f->page.count)
		*(struct feed_line *)array_add(&f->lines, &f->count, &f->room, sizeof *f->lines) = (struct feed_line){ seq, f->turn };
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

static const struct message *message_of(const struct model *m, uint64_t seq)
{
	const struct dialogue *d = &m->dialogue;
	size_t low = 0, high = d->message_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (d->messages[middle].seq == seq)
			return &d->messages[middle];
		if (d->messages[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What begins a turn is shown as delivered, or not yet; the rest is told along with it. */
static void add_delivery(const struct model *m, const struct activity *a, struct buf *out)
{
	const struct message *message = NULL;

	if (standing_has_turns(m) && (a->kind == EVENT_STEERED || a->kind == EVENT_VETOED || a->kind == EVENT_REVISION_ASKED))
		message = message_of(m, a->seq);
	if (!message)
		return;
	buf_puts(out, " (");
	standing_told(m, message, out);
	buf_puts(out, ")");
}

/* That it works now is said by the turn's own line. */
static int begins_a_turn(const struct feed *f, const struct model *m, const struct activity *a)
{
	return a->kind == EVENT_AGENT_CHANGED && f->turn && a->seq == m->dialogue.turns[f->at.begun - 1].seq + 1;
}

/* Why it failed stands in the end of its turn. */
static int repeats_the_end(const struct feed *f, const struct model *m, const struct activity *a)
{
	const struct turn *last = f->at.ended ? &m->dialogue.turns[f->at.ended - 1] : NULL;

	return a->kind == EVENT_AGENT_CHANGED && !f->turn && last && last->reason && strstr(a->text, last->reason);
}

static void add_activity(struct feed *f, const struct model *m, const struct activity *a)
{
	struct buf text = { 0 };

	if (!feed_concerns(m, a) || begins_a_turn(f, m, a) || repeats_the_end(f, m, a))
		return;
	standing_event_text(a, &text);
	add_sources(m, a, &text);
	add_delivery(m, a, &text);
	add(f, a->seq, a->time, f->turn != 0, buf_str(&text), standing_event_style(m, a));
	buf_release(&text);
}

static void add_called(struct feed *f, const struct model *m, const struct tool_called *c)
{
	const struct dialogue *d = &m->dialogue;
	int failed = c->status && strcmp(c->status, "ok");
	struct buf text = { 0 };

	if (c->turn && c->turn != d->turns[d->turn_count - 1].number)
		return;
	buf_printf(&text, "%s%s%s", c->tool, c->text && *c->text ? " " : "", c->text ? c->text : "");
	if (failed)
		buf_printf(&text, " (%s)", c->status);
	add(f, c->seq, c->time, f->turn != 0, buf_str(&text), failed ? STYLE_WARN : STYLE_MUTED);
	buf_release(&text);
}

/* Turns */

static void count_of(struct buf *out, unsigned n, const char *what)
{
	if (n)
		buf_printf(out, "%s%u %s%s", out->len ? ", " : "", n, what, n == 1 ? "" : "s");
}

static void add_heading(struct feed *f, const struct turn *t)
{
	int went_well = !t->status || !strcmp(t->status, "done");
	struct buf text = { 0 }, counts = { 0 };
	char time[CLOCK_TEXT], money[NUMBER_TEXT];

	buf_printf(&text, "turn %u  %s", t->number, stage_name(t->stage));
	if (!t->status || !went_well)
		buf_printf(&text, "  %s", t->status ? t->status : "runs");
	if (t->status) {
		if (!isfinite(t->seconds))	/* nobody saw its end */
			snprintf(time, sizeof time, "-");
		else if (t->seconds < QUICK)
			snprintf(time, sizeof time, "%.1f s", t->seconds);
		else
			clock_duration((int64_t)(1e6 * t->seconds), time);
		number_money(t->usd, money);
		buf_printf(&text, "  %s  %s", time, money);
		count_of(&counts, t->calls, "call");
		count_of(&counts, t->sources, "source");
		count_of(&counts, t->claims, "claim");
		count_of(&counts, t->ideas, "idea");
		count_of(&counts, t->proposals, "proposal");
		buf_printf(&text, "%s%s", counts.len ? "  " : "", buf_str(&counts));
	}
	add(f, t->seq, t->started, 0, buf_str(&text), went_well ? STYLE_STRONG : STYLE_WARN);
	buf_release(&counts);
	buf_release(&text);
}

/* "read_file 6, search_code 3": of a turn that is not the newest. */
static void add_tools(struct feed *f, const struct model *m, const struct turn *t)
{
	const struct dialogue *d = &m->dialogue;
	struct { const char *name; unsigned n; } tools[TOOLS_MAX];
	size_t count = 0, k;
	struct buf text = { 0 };

	for (size_t i = f->at.called; i < d->called_count && d->called[i].seq < t->last; i++) {
		for (k = 0; k < count && strcmp(tools[k].name, d->called[i].tool); k++)
			;
		if (k == TOOLS_MAX)
			continue;
		if (k == count) {
			tools[count].name = d->called[i].tool;
			tools[count++].n = 0;
		}
		tools[k].n++;
	}
	for (k = 0; k < count; k++)
		buf_printf(&text, "%s%s %u", k ? ", " : "", tools[k].name, tools[k].n);
	if (count)
		add(f, t->seq, t->started, 1, buf_str(&text), STYLE_MUTED);
	buf_release(&text);
}

static void begin_turn(struct feed *f, const struct model *m, const struct turn *t)
{
	f->turn = t->number;
	add_heading(f, t);
	if (t->status && t != &m->dialogue.turns[m->dialogue.turn_count - 1])
		add_tools(f, m, t);
}

static void end_turn(struct feed *f, const struct turn *t)
{
	struct buf text = { 0 };

	if (t->reason) {
		buf_printf(&text, "%s: %s", t->status, t->reason);
		add(f, t->last, t->ended, 1, buf_str(&text), STYLE_WARN);
	}
	buf_truncate(&text, 0);
	if (t->text && *t->text) {
		buf_printf(&text, "\"%s\"", t->text);
		add(f, t->last, t->ended, 1, buf_str(&text), STYLE_AGENT);
	}
	buf_release(&text);
	f->turn = 0;
}

/* The page */

/* Adds what comes next of the four; 0: there is nothing more. */
static int add_next(struct feed *f, const struct model *m)
{
	const struct dialogue *d = &m->dialogue;
	struct feed_place *at = &f->at;
	while (at->ended < at->begun && at->ended + 1 < d->turn_count && !d->turns[at->ended].status)
		at->ended++;	/* of which no end was stated */
	uint64_t activity = at->activity < m->activity_count ? m->activity[at->activity].seq : NEVER,
		called = at->called < d->called_count ? d->called[at->called].seq : NEVER,
		begun = at->begun < d->turn_count ? d->turns[at->begun].seq : NEVER,
		ended = at->ended < at->begun && d->turns[at->ended].status ? d->turns[at->ended].last : NEVER,
		least = activity < called ? activity : called;

	least = begun < least ? begun : least;
	least = ended < least ? ended : least;
	if (least == NEVER)
		return 0;
	if (least == begun)
		begin_turn(f, m, &d->turns[at->begun++]);
	else if (least == ended)
		end_turn(f, &d->turns[at->ended++]);
	else if (least == called)
		add_called(f, m, &d->called[at->called++]);
	else
		add_activity(f, m, &m->activity[at->activity++]);
	return 1;
}

static struct feed_made_of made_of(const struct model *m, int columns)
{
	const struct dialogue *d = &m->dialogue;
	size_t revisions = 0;

	for (size_t i = 0; i < m->proposal_count; i++)
		revisions += m->proposals[i].rev;
	return (struct feed_made_of){ m->activity_count ? m->activity[0].seq : 0, d->called_count ? d->called[0].seq : 0, d->turn_count,
		d->turn_count - (turn_now(m) != NULL), messages_waiting(m, 1), revisions, columns };
}

static int is_same(const struct feed_made_of *a, const struct feed_made_of *b)
{
	return a->first_activity == b->first_activity && a->first_called == b->first_called && a->turns == b->turns &&
	       a->ended == b->ended && a->waiting == b->waiting && a->revisions == b->revisions && a->columns == b->columns;
}

/* The reader stays at the event that the current line is about, or the next one that is left. */
static void make_anew(struct feed *f, const struct model *m, const struct feed_made_of *of)
{
	struct textview *v = &f->page.view;
	uint64_t seq = v->cursor < f->count ? f->lines[v->cursor].seq : 0;
	size_t above = v->cursor > v->top ? v->cursor - v->top : 0;

	f->made_of = *of;
	f->at = (struct feed_place){ 0 };
	f->turn = 0;
	f->count = 0;
	page_begin(&f->page, of->columns);
	while (add_next(f, m))
		;
	for (v->cursor = 0; v->cursor + 1 < f->count && f->lines[v->cursor].seq < seq; v->cursor++)
		;
	v->top = v->cursor > above ? v->cursor - above : 0;
}

void feed_open(struct feed *f)
{
	f->page.view.grows = f->page.view.follow = f->page.view.has_cursor = 1;
}

void feed_sync(struct feed *f, const struct model *m, int rows, int columns)
{
	struct feed_made_of of = made_of(m, columns);

	if (!is_same(&of, &f->made_of) || f->at.activity > m->activity_count)
		make_anew(f, m, &of);
	while (add_next(f, m))
		;
	if (f->page.view.follow && f->count)
		f->page.view.cursor = f->count - 1;
	page_sync(&f->page, rows);
}

/* To be at the end is to follow it. */
enum pane_result feed_act(struct feed *f, const struct act *act)
{
	struct textview *v = &f->page.view;
	enum pane_result result = page_act(&f->page, act);
	int is_at_end = v->cursor + 1 >= f->count;

	if (act->action == ACTION_FOLLOW || result == PANE_IGNORED)
		return result;
	if (v->follow && !is_at_end)
		v->seen = v->count;
	v->follow = is_at_end;
	return result;
}

int feed_search(struct feed *f, const char *text, int direction)
{
	return page_search(&f->page, text, direction);
}

const struct feed_line *feed_current(const struct feed *f)
{
	return f->page.view.cursor < f->count ? &f->lines[f->page.view.cursor] : NULL;
}

void feed_release(struct feed *f)
{
	page_release(&f->page);
	free(f->lines);
}
