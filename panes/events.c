/* What happened, a line each: the model's activity. The whole text of the selected line stands below the list where
 * the list has to cut it; Enter goes to what the line is about. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/model.h"
#include "panes/standing.h"
#include "tui/list.h"
#include "tui/pane.h"

enum { TIME = 10, DETAIL = 3, ROWS_WITH_DETAIL = 10 };
enum filter { FILTER_ALL, FILTER_DECISIONS, FILTER_RESULTS, FILTER_WORKERS, FILTER_ALERTS, FILTER_COUNT };
static const char *const filter_names[FILTER_COUNT] = { "everything", "decisions", "results", "workers", "alerts" };

struct events_state {
	struct list list;
	enum filter filter;
	size_t *rows, row_count, row_room;	/* indexes of the model's activity */
	uint64_t selected;			/* seq of the selected line: lines of old go from the front */
	int width;
};

struct view {
	const struct events_state *s;
	const struct model *m;
};

static enum filter kind_of(const struct activity *a)
{
	switch (a->kind) {
	case EVENT_APPROVED: case EVENT_VETOED: case EVENT_REVISION_ASKED: case EVENT_SIGNED: case EVENT_GUARD_WAIVED:
	case EVENT_CANCELLED: case EVENT_RETRIED: case EVENT_STEERED: case EVENT_AUTONOMY_SET: case EVENT_PAUSED:
	case EVENT_RESUMED:
		return FILTER_DECISIONS;
	case EVENT_VERDICT: case EVENT_LANDED: case EVENT_LANDING_FAILED: case EVENT_WAVE_STARTED:
	case EVENT_WAVE_ENDED:
		return FILTER_RESULTS;
	case EVENT_WORKER_CHANGED: case EVENT_ROUND_VOIDED:
		return FILTER_WORKERS;
	case EVENT_ALERT: case EVENT_GUARD_STOPPED:
		return FILTER_ALERTS;
	default:
		return FILTER_ALL;
	}
}

static const struct activity *activity_of(const struct view *v, size_t i)
{
	return &v->m->activity[v->s->rows[i]];
}

static void row_text(const void *data, size_t i, struct buf *out)
{
	standing_event_text(activity_of(data, i), out);
}

static void draw_row(const void *data, size_t i, struct canvas *c)
{
	const struct view *v = data;
	const struct activity *a = activity_of(v, i);
	struct buf text = { 0 };
	char time[CLOCK_TEXT];

	clock_time_of_day(a->time, time);
	standing_event_text(a, &text);
	canvas_text(c, 0, 1, STYLE_MUTED, time, TIME - 1);
	canvas_text_cut(c, 0, TIME + 1, standing_event_style(v->m, a), buf_str(&text), -1);
	buf_release(&text);
}

static int detail_rows(int rows)
{
	return rows >= ROWS_WITH_DETAIL ? DETAIL : 0;
}

/* Who said it, when, and all of it. */
static void draw_detail(const struct view *v, struct canvas *c)
{
	const struct activity *a;
	struct buf text = { 0 };
	char date[CLOCK_TEXT];
	const char *rest;

	if (!v->s->row_count)
		return;
	a = activity_of(v, v->s->list.selected);
	clock_date(a->time, date);
	canvas_hline(c, 0, 0, c->columns, STYLE_BORDER);
	canvas_printf(c, 0, 2, STYLE_MUTED, " %s, event %llu, by %s ", date, (unsigned long long)a->seq,
		a->by ? a->by : "engine");
	buf_puts(&text, a->text);
	rest = buf_str(&text);
	for (int y = 1; y < c->rows && *rest; y++) {
		int used;
		size_t bytes = text_fit(rest, c->columns - 2, &used);
		canvas_text(c, y, 1, STYLE_DEFAULT, rest, used);
		rest += bytes ? bytes : strlen(rest);
	}
	buf_release(&text);
}

static void events_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct events_state *s = p->state;
	struct view view = { s, m };
	int below = detail_rows(c->rows);
	struct canvas detail = canvas_sub(c, (struct rect){ c->rows - below, 0, below, c->columns });

	list_draw(&s->list, c, 0, p->focused, draw_row, &view);
	draw_detail(&view, &detail);
	if (!s->row_count)
		canvas_text_cut(c, 0, 1, STYLE_MUTED, s->filter
			? "None of these yet: f shows the next kind."
			: "What happens in the session stands here, a line each.", -1);
}

static void collect(struct events_state *s, const struct model *m)
{
	s->row_count = 0;
	for (size_t i = 0; i < m->activity_count; i++)
		if (!s->filter || kind_of(&m->activity[i]) == s->filter)
			*(size_t *)array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows) = i;
}

static int events_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct events_state *s = p->state;

	(void)want;
	s->width = columns;
	collect(s, m);
	for (size_t i = 0; i < s->row_count && !s->list.follow; i++)
		if (m->activity[s->rows[i]].seq == s->selected)
			s->list.selected = i;
	list_sync(&s->list, s->row_count, rows - detail_rows(rows));
	s->selected = s->row_count ? m->activity[s->rows[s->list.selected]].seq : 0;
	return 0;
}

static void events_open(struct pane *p)
{
	struct events_state *s = p->state;

	s->list.follow = 1;
}

static void events_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct events_state *s = p->state;

	(void)m;
	buf_printf(out, "%zu lines", s->row_count);
	if (s->filter)
		buf_printf(out, ", only %s", filter_names[s->filter]);
	if (s->list.follow)
		buf_puts(out, ", follows");
}

static enum pane_result go_to(const struct activity *a, struct intent *want)
{
	if (a->proposal)
		return intent_go(want, "review", a->proposal);
	if (kind_of(a) == FILTER_WORKERS) {
		char *worker = xstrndup(a->text, strcspn(a->text, " "));
		enum pane_result result = intent_go(want, "grid", worker);
		free(worker);
		return result;
	}
	if (a->kind == EVENT_SOURCE_ADDED)
		return intent_go(want, "reading", NULL);
	return intent_message(want, "this line is about the session as a whole");
}

static enum pane_result events_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct events_state *s = p->state;
	struct view view = { s, m };

	if (act->action == ACTION_FILTER) {
		s->filter = (s->filter + 1) % FILTER_COUNT;
		return PANE_REDRAW;
	}
	if ((act->action == ACTION_ENTER || act->action == ACTION_COPY) && s->row_count) {
		const struct activity *a = activity_of(&view, s->list.selected);
		return act->action == ACTION_COPY ? intent_copy(want, a->text) : go_to(a, want);
	}
	if (!list_act(&s->list, act, 0))
		return PANE_IGNORED;
	if (s->list.selected < s->row_count)
		s->selected = activity_of(&view, s->list.selected)->seq;
	s->list.follow |= act->action == ACTION_LAST;
	return PANE_REDRAW;
}

static int events_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct events_state *s = p->state;
	struct view view = { s, m };
	int found = list_search(&s->list, text, direction, row_text, &view);

	if (found)
		s->selected = activity_of(&view, s->list.selected)->seq;
	return found;
}

static void events_close(struct pane *p)
{
	struct events_state *s = p->state;

	free(s->rows);
	list_release(&s->list);
}

const struct pane_ops events_pane = {
	.name = "Events",
	.context = CONTEXT_EVENTS,
	.state_size = sizeof(struct events_state),
	.open = events_open,
	.close = events_close,
	.title = events_title,
	.sync = events_sync,
	.draw = events_draw,
	.act = events_act,
	.search = events_search,
};
