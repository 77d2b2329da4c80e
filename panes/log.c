/* The log of a run, as it comes. The lines stay with the engine: here is a window of them around what is on the
 * screen. How many there are the model tells, up to ten times a second while the step runs; sync asks for those that
 * are to be seen and are not here, one question at a time. Searching is the engine's too: it looks through the whole
 * log.
 *
 * Left and right go through the runs of the same arm while lines are wrapped, and scroll when they are cut. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/model.h"
#include "tui/number.h"
#include "tui/pane.h"
#include "tui/textview.h"

enum { ASK_BEFORE = 300, ASK_COUNT = 1000, WINDOW_MAX = 8000, TAG_FIND = 1 };

struct log_state {
	unsigned run;			/* 0: none yet */
	uint64_t generation;		/* answers to questions about another run are passed over */
	char **lines;			/* the window: lines first .. first + count */
	size_t first, count, room;
	size_t total;			/* lines there are */
	size_t told, asked_told;	/* lines the model tells of; as it did when the last question went out */
	size_t vain_from, vain_total;	/* asked for lines from there, with so many told of, and got none */
	int asked, is_answered;
	size_t asked_from;
	char *failure;
	struct textview view;
	char *text;			/* what is searched, until its answer */
	size_t find_from;
	int find_backwards, find_wrapped, find_due, no_match;
};

/* The window */

static void drop_lines(struct log_state *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s->lines[i]);
	memmove(s->lines, s->lines + n, (s->count - n) * sizeof *s->lines);
	s->count -= n;
	s->first += n;
}

static void clear_window(struct log_state *s, size_t first)
{
	if (s->count)
		drop_lines(s, s->count);
	s->first = first;
}

static enum style style_of(const char *line)
{
	if (!strncmp(line, "METRIC ", 7))
		return STYLE_STRONG;
	if (!strncmp(line, "SKYDECK ", 8))
		return STYLE_MUTED;
	if (strstr(line, "error:") || strstr(line, "ERROR") || strstr(line, "FAIL"))
		return STYLE_BAD;
	return strstr(line, "warning:") ? STYLE_WARN : STYLE_DEFAULT;
}

static const char *line_of(const void *data, size_t i, struct buf *scratch, enum style *style)
{
	const struct log_state *s = data;
	const char *line = i >= s->first && i < s->first + s->count ? s->lines[i - s->first] : "";

	(void)scratch;
	*style = style_of(line);
	return line;
}

static void take_lines(struct log_state *s, const struct json *result)
{
	const struct json *lines = json_get(result, "lines");
	size_t from = (size_t)json_integer(json_get(result, "from"), 0),
		total = (size_t)json_integer(json_get(result, "total"), 0);

	if (from != s->first + s->count)
		clear_window(s, from);
	for (const struct json *i = json_first(lines); i; i = json_next(i))
		*(char **)array_add(&s->lines, &s->count, &s->room, sizeof *s->lines) = xstrdup(json_string(i, ""));
	if (s->count > WINDOW_MAX)
		drop_lines(s, s->count - WINDOW_MAX / 2);
	if (!json_count(lines)) {
		s->vain_from = s->asked_from;
		s->vain_total = s->total;
	}
	/* The log itself knows best how long it is, unless it has grown since it was asked. */
	s->total = s->told > s->asked_told && s->told > total ? s->told : total;
}

/* Runs */

static void switch_to(struct log_state *s, unsigned run)
{
	s->run = run;
	s->generation += 2;
	clear_window(s, 0);
	s->total = s->told = 0;
	s->vain_from = s->vain_total = SIZE_MAX;
	s->asked = s->is_answered = s->find_due = s->no_match = 0;
	string_set(&s->failure, NULL);
	s->view.grows = s->view.follow = 1;
}

static const struct run *run_of(const struct log_state *s, const struct model *m)
{
	char id[16];

	snprintf(id, sizeof id, "r%u", s->run);
	return s->run ? model_run(m, id) : NULL;
}

static void find_run_to_show(struct pane *p, const struct model *m)
{
	struct log_state *s = p->state;
	const struct run *named = model_run(m, p->name);

	if (s->run)
		return;
	if (named)
		switch_to(s, named->number);
	else if (!p->name && m->run_count)
		switch_to(s, m->runs[m->run_count - 1].number);
}

static int is_same_arm(const struct run *a, const struct run *b)
{
	return a->arm && b->arm && !strcmp(a->arm, b->arm);
}

/* Which of the arm's runs it is, from 1, and of how many. */
static size_t place_among(const struct model *m, const struct run *r, size_t *count)
{
	size_t place = 0;

	*count = 0;
	for (size_t i = 0; i < m->run_count; i++) {
		*count += (size_t)is_same_arm(&m->runs[i], r);
		if (&m->runs[i] == r)
			place = *count;
	}
	return place;
}

static enum pane_result go_to_run(struct log_state *s, const struct model *m, int direction, struct intent *want)
{
	const struct run *r = run_of(s, m);

	for (long i = r ? r - m->runs + direction : -1; i >= 0 && i < (long)m->run_count; i += direction)
		if (is_same_arm(&m->runs[i], r)) {
			switch_to(s, m->runs[i].number);
			return PANE_REDRAW;
		}
	return intent_message(want, "%s has no %s run", r && r->arm ? r->arm : "this",
		direction > 0 ? "later" : "earlier");
}

/* Questions */

static void ask(struct log_state *s, const char *query, struct json *args, uint64_t tag, struct intent *want)
{
	char run[16];

	snprintf(run, sizeof run, "r%u", s->run);
	json_put_string(args, "run", run);
	intent_query(want, query, args, s->generation + tag);
	s->asked_told = s->told;
	s->asked = 1;
}

static void ask_find(struct log_state *s, struct intent *want)
{
	struct json *args = json_object();

	json_put_string(args, "text", s->text);
	json_put_integer(args, "from", (int64_t)s->find_from);
	json_put_bool(args, "backwards", s->find_backwards);
	s->find_due = 0;
	ask(s, "find", args, TAG_FIND, want);
}

static void ask_lines(struct log_state *s, size_t from, struct intent *want)
{
	struct json *args = json_object();

	json_put_integer(args, "from", (int64_t)from);
	json_put_integer(args, "count", ASK_COUNT);
	s->asked_from = from;
	ask(s, "log", args, 0, want);
}

static void ask_for_what_is_missing(struct log_state *s, struct intent *want)
{
	size_t rows = s->view.rows > 0 ? (size_t)s->view.rows : 0, from;
	size_t end = s->first + s->count, top = s->view.top, bottom = top + rows;

	if (bottom > s->total)
		bottom = s->total;
	if (top >= bottom || (s->count && top >= s->first && bottom <= end))
		return;
	from = s->count && top >= s->first && top <= end ? end : top > ASK_BEFORE ? top - ASK_BEFORE : 0;
	if (from == s->vain_from && s->total == s->vain_total)
		return;
	ask_lines(s, from, want);
}

static void found(struct log_state *s, const struct json *result)
{
	const struct json *line = json_get(result, "line");

	if (json_is_number(line)) {
		s->view.found = (size_t)json_integer(line, 0);
		textview_go(&s->view, s->view.found);
	} else if (!s->find_wrapped && s->total) {	/* once more, from the other end */
		s->find_wrapped = s->find_due = 1;
		s->find_from = s->find_backwards ? s->total - 1 : 0;
	} else {
		s->no_match = 1;
	}
}

static void log_answer(struct pane *p, const struct answer *a)
{
	struct log_state *s = p->state;

	if (a->tag - s->generation > TAG_FIND)
		return;
	s->asked = 0;
	s->is_answered = 1;
	string_set(&s->failure, a->error);
	if (a->error) {
		s->vain_from = s->asked_from;
		s->vain_total = s->total;
	} else if (a->tag - s->generation == TAG_FIND) {
		found(s, a->result);
	} else {
		take_lines(s, a->result);
	}
}

/* The pane */

static void log_open(struct pane *p)
{
	struct log_state *s = p->state;

	s->view.wrap = 1;
}

static int log_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct log_state *s = p->state;
	const struct run *r;
	int header;

	find_run_to_show(p, m);
	r = run_of(s, m);
	if (!r)
		return 0;
	if (r->log_lines > 0 && (size_t)r->log_lines > s->told) {
		s->told = (size_t)r->log_lines;
		s->total = s->told > s->total ? s->told : s->total;
	}
	header = r->reason != NULL;
	textview_sync(&s->view, s->total, rows - header, columns, line_of, s);
	if (!s->asked && s->find_due)
		ask_find(s, want);
	else if (!s->asked)
		ask_for_what_is_missing(s, want);
	return !r->status;
}

static void log_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct log_state *s = p->state;
	const struct run *r = run_of(s, m);
	char bytes[NUMBER_TEXT], time[CLOCK_TEXT];
	size_t count, place;

	if (!r)
		return;
	place = place_among(m, r, &count);
	buf_printf(out, "r%u %s %s", r->number, r->arm ? r->arm : "", r->step);
	if (r->wave && !strcmp(r->step, "measure"))
		buf_printf(out, " round %u", r->round);
	if (r->worker)
		buf_printf(out, " on %s", r->worker);
	if (r->status && r->seconds < 10)
		snprintf(time, sizeof time, "%.2f s", r->seconds);
	else if (r->status)
		clock_duration((int64_t)(1e6 * (isfinite(r->seconds) ? r->seconds : 0)), time);
	else
		clock_duration(p->now - r->started, time);
	number_bytes((double)r->log_bytes, bytes);
	buf_printf(out, "  %s %s  %zu line%s %s", r->status ? r->status : "running", time, s->total,
		s->total == 1 ? "" : "s", bytes);
	buf_printf(out, "  run %zu of %zu", place, count);
	if (!r->status)
		buf_puts(out, s->view.follow ? "  follows" : "  F follows");
	if (s->no_match)
		buf_printf(out, "  no match for `%s`", s->text);
}

static const char *why_empty(const struct pane *p, const struct model *m)
{
	const struct log_state *s = p->state;
	const struct run *r = run_of(s, m);

	if (!r)
		return p->name ? "There is no such run."
		               : "Nothing has run yet. The log of the newest run appears here, as it comes.";
	if (s->failure)
		return s->failure;
	if (!s->total && !r->status)
		return "Nothing is printed yet.";
	if (!s->total)
		return "This run printed nothing.";
	return s->count || s->is_answered ? NULL : "The log is being read.";
}

static void log_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct log_state *s = p->state;
	const struct run *r = run_of(s, m);
	const char *empty = why_empty(p, m);
	int header = r && r->reason;
	struct canvas text = canvas_sub(c, (struct rect){ header, 0, c->rows - header, c->columns });

	if (header)
		canvas_text_cut(c, 0, 0, STYLE_BAD, r->reason, -1);
	if (empty)
		canvas_text_cut(&text, 0, 1, STYLE_MUTED, empty, -1);
	else
		textview_draw(&s->view, &text, p->focused, line_of, s);
}

static enum pane_result copy_line(const struct log_state *s, struct intent *want)
{
	enum style style;
	size_t i = s->view.search ? s->view.found : s->view.follow && s->total ? s->total - 1 : s->view.top;

	return intent_copy(want, line_of(s, i, NULL, &style));
}

static enum pane_result log_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct log_state *s = p->state;
	const struct run *r = run_of(s, m);

	switch (act->action) {
	case ACTION_NEXT_FILE: case ACTION_NEXT_PROPOSAL: return go_to_run(s, m, 1, want);
	case ACTION_PREVIOUS_FILE: case ACTION_PREVIOUS_PROPOSAL: return go_to_run(s, m, -1, want);
	case ACTION_LEFT: case ACTION_RIGHT:
		if (s->view.wrap)
			return go_to_run(s, m, act->action == ACTION_RIGHT ? 1 : -1, want);
		break;
	case ACTION_ENTER:
		return r && r->arm ? intent_go(want, "metrics", r->arm) : PANE_HANDLED;
	case ACTION_COPY:
		return copy_line(s, want);
	default:
		break;
	}
	return textview_act(&s->view, act, r && r->reason) ? PANE_REDRAW : PANE_IGNORED;
}

/* Whether there is a match is known when the engine has answered: the title says when there is none. */
static int log_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct log_state *s = p->state;
	size_t here = s->view.search ? s->view.found : s->view.top;

	(void)m;
	s->no_match = s->find_wrapped = 0;
	string_set(&s->view.search, text && *text ? text : NULL);
	string_set(&s->text, s->view.search);
	s->find_due = s->text && s->total;
	if (!s->find_due)
		return 0;
	s->find_backwards = direction < 0;
	s->find_from = direction > 0 ? (here + 1) % s->total : direction < 0 ? (here + s->total - 1) % s->total : here;
	return 1;
}

static void log_close(struct pane *p)
{
	struct log_state *s = p->state;

	clear_window(s, 0);
	free(s->lines);
	free(s->failure);
	free(s->text);
	textview_release(&s->view);
}

const struct pane_ops log_pane = {
	.name = "Log",
	.context = CONTEXT_LOG,
	.state_size = sizeof(struct log_state),
	.open = log_open,
	.close = log_close,
	.title = log_title,
	.sync = log_sync,
	.draw = log_draw,
	.act = log_act,
	.answer = log_answer,
	.search = log_search,
};
