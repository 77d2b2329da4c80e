/* The log of a run, of how a worker came up, or what was said in a turn of the agent, as it comes. The lines
 * stay with the engine: here is a window of them around what is on the screen. How many there are the model tells, up to ten times a second while the step runs; sync asks for those that
 * are to be seen and are not here, one question at a time. Searching, jumping and filtering are the engine's too: they
 * look through the whole log. With a filter the pane shows what it let through, from the log's beginning on.
 *
 * Left and right go through the runs of the same arm, or the turns, while lines are wrapped, and scroll when they are cut. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/mark.h"
#include "core/data/model.h"
#include "panes/standing.h"
#include "tui/number.h"
#include "tui/pane.h"
#include "tui/textview.h"

enum { ASK_BEFORE = 300, ASK_COUNT = 1000, WINDOW_MAX = 8000, TAG_FIND = 1, TAG_FILTER = 2, TAGS = 3 };

enum filter { SHOW_ALL, SHOW_METRICS, SHOW_ERRORS, SHOW_MATCHES, FILTERS };

struct match {
	size_t line;
	char *text;
};

struct log_state {
	char *id;			/* "r12", "w1", "t7"; NULL: none yet */
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
	const char *find_mark;		/* instead of text: "metric", "error"; NULL: text */
	int find_backwards, find_wrapped, find_due, no_match;
	enum filter filter;
	struct match *matches;		/* what the filter let through so far… */
	size_t match_count, match_room;
	size_t next;			/* …of the lines before this one */
	int filter_asked, jumped;
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
	static const enum style styles[MARK_COUNT] = { [MARK_NONE] = STYLE_DEFAULT, [MARK_METRIC] = STYLE_STRONG,
		[MARK_DRIVER] = STYLE_MUTED, [MARK_WARNING] = STYLE_WARN, [MARK_ERROR] = STYLE_BAD };

	return styles[mark_of(line)];
}

static const char *line_of(const void *data, size_t i, struct buf *scratch, enum style *style)
{
	const struct log_state *s = data;
	const char *line = i >= s->first && i < s->first + s->count ? s->lines[i - s->first] : "";

	if (s->filter)
		line = i < s->match_count ? s->matches[i].text : "";
	(void)scratch;
	*style = s->id && *s->id == 't' && standing_is_speaker(line) ? STYLE_HEADING : style_of(line);
	return line;
}

static void drop_matches(struct log_state *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s->matches[i].text);
	memmove(s->matches, s->matches + n, (s->match_count - n) * sizeof *s->matches);
	s->match_count -= n;
}

/* The newest are kept. */
static void take_matches(struct log_state *s, const struct json *result)
{
	for (const struct json *i = json_first(json_get(result, "lines")); i; i = json_next(i)) {
		struct match *match = array_add(&s->matches, &s->match_count, &s->match_room, sizeof *match);
		match->line = (size_t)json_integer(json_get(i, "line"), 0);
		match->text = xstrdup(json_string(json_get(i, "text"), ""));
	}
	if (s->match_count > WINDOW_MAX)
		drop_matches(s, s->match_count - WINDOW_MAX / 2);
	s->next = (size_t)json_integer(json_get(result, "next"), (int64_t)s->next);
	s->total = (size_t)json_integer(json_get(result, "total"), (int64_t)s->total);
	if (s->told > s->asked_told && s->told > s->total)
		s->total = s->told;
	s->filter_asked = 1;
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

static void set_filter(struct log_state *s, enum filter filter)
{
	if (s->match_count)
		drop_matches(s, s->match_count);
	s->filter = filter;
	s->next = 0;
	s->filter_asked = s->no_match = 0;
	if (s->asked)		/* what is under way is about other lines */
		s->generation += TAGS;
	s->asked = 0;
	s->view.follow = 1;
}

static void switch_to(struct log_state *s, const char *id)
{
	string_set(&s->id, id);
	s->generation += TAGS;
	clear_window(s, 0);
	s->total = s->told = 0;
	s->vain_from = s->vain_total = SIZE_MAX;
	s->asked = s->is_answered = s->find_due = s->no_match = 0;
	set_filter(s, SHOW_ALL);
	string_set(&s->failure, NULL);
	s->view.grows = s->view.follow = 1;
}

static void switch_to_run(struct log_state *s, const struct run *r)
{
	char id[16];

	snprintf(id, sizeof id, "r%u", r->number);
	switch_to(s, id);
}

static const struct run *run_of(const struct log_state *s, const struct model *m)
{
	return model_run(m, s->id);
}

static const struct worker *worker_of(const struct log_state *s, const struct model *m)
{
	return model_worker(m, s->id);
}

static const struct turn *turn_of(const struct log_state *s, const struct model *m)
{
	return dialogue_turn(m, s->id);
}

static void find_what_to_show(struct pane *p, const struct model *m)
{
	struct log_state *s = p->state;

	if (s->id)
		return;
	if (p->name && (model_run(m, p->name) || model_worker(m, p->name) || dialogue_turn(m, p->name)))
		switch_to(s, p->name);
	else if (!p->name && m->run_count)
		switch_to_run(s, &m->runs[m->run_count - 1]);
}

static const char *problem_of(const struct log_state *s, const struct model *m)
{
	const struct run *r = run_of(s, m);
	const struct worker *w = worker_of(s, m);
	const struct turn *t = turn_of(s, m);

	return r ? r->reason : w ? w->reason : t ? t->reason : NULL;
}

/* Whether lines may still come. */
static int goes_on(const struct log_state *s, const struct model *m)
{
	const struct run *r = run_of(s, m);
	const struct worker *w = worker_of(s, m);
	const struct turn *t = turn_of(s, m);

	return r ? !r->status : t ? !t->status : w && w->state && !strcmp(w->state, "starting");
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

static enum pane_result go_to_turn(struct log_state *s, const struct model *m, const struct turn *t, int direction,
	struct intent *want)
{
	const struct turn *all = m->dialogue.turns, *to = direction < 0 && t == all ? NULL : t + direction;
	char id[16];

	if (!to || to == all + m->dialogue.turn_count)
		return intent_message(want, "there is no %s turn", direction > 0 ? "later" : "earlier");
	snprintf(id, sizeof id, "t%u", to->number);
	switch_to(s, id);
	return PANE_REDRAW;
}

static enum pane_result go_to_run(struct log_state *s, const struct model *m, int direction, struct intent *want)
{
	const struct run *r = run_of(s, m);

	if (turn_of(s, m))
		return go_to_turn(s, m, turn_of(s, m), direction, want);
	if (worker_of(s, m))
		return intent_message(want, "this is %s's own log: its runs are in the grid (2)", s->id);
	for (long i = r ? r - m->runs + direction : -1; i >= 0 && i < (long)m->run_count; i += direction)
		if (is_same_arm(&m->runs[i], r)) {
			switch_to_run(s, &m->runs[i]);
			return PANE_REDRAW;
		}
	return intent_message(want, "%s has no %s run", r && r->arm ? r->arm : "this",
		direction > 0 ? "later" : "earlier");
}

/* Questions */

static void ask(struct log_state *s, const char *query, struct json *args, uint64_t tag, struct intent *want)
{
	json_put_string(args, "run", s->id);
	intent_query(want, query, args, s->generation + tag);
	s->asked_told = s->told;
	s->asked = 1;
}

static void ask_find(struct log_state *s, struct intent *want)
{
	struct json *args = json_object();

	json_put_string(args, s->find_mark ? "mark" : "text", s->find_mark ? s->find_mark : s->text);
	json_put_integer(args, "from", (int64_t)s->find_from);
	json_put_bool(args, "backwards", s->find_backwards);
	s->find_due = 0;
	ask(s, "find", args, TAG_FIND, want);
}

static void ask_filter(struct log_state *s, struct intent *want)
{
	struct json *args = json_object();

	if (s->filter == SHOW_MATCHES)
		json_put_string(args, "text", s->text);
	else
		json_put_string(args, "mark", s->filter == SHOW_METRICS ? "metric" : "error");
	json_put_integer(args, "from", (int64_t)s->next);
	ask(s, "filter", args, TAG_FILTER, want);
}

/* from below 0: so many before the end. */
static void ask_lines(struct log_state *s, int64_t from, struct intent *want)
{
	struct json *args = json_object();

	json_put_integer(args, "from", from);
	json_put_integer(args, "count", ASK_COUNT);
	s->asked_from = from < 0 ? 0 : (size_t)from;
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
	ask_lines(s, (int64_t)from, want);
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

static void ask_what_is_next(struct log_state *s, int is_untold, struct intent *want)
{
	if (s->asked)
		return;
	if (s->find_due)
		ask_find(s, want);
	else if (s->filter && (!s->filter_asked || s->next < s->total) && !s->failure)
		ask_filter(s, want);
	else if (is_untold && !s->is_answered)	/* nobody has told how long it is */
		ask_lines(s, -ASK_COUNT, want);
	else if (!s->filter)
		ask_for_what_is_missing(s, want);
}

static void log_answer(struct pane *p, const struct answer *a)
{
	struct log_state *s = p->state;

	if (a->tag - s->generation >= TAGS)
		return;
	s->asked = 0;
	s->is_answered = 1;
	string_set(&s->failure, a->error);
	if (a->error) {
		s->vain_from = s->asked_from;
		s->vain_total = s->total;
	} else if (a->tag - s->generation == TAG_FIND) {
		found(s, a->result);
	} else if (a->tag - s->generation == TAG_FILTER) {
		take_matches(s, a->result);
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
	const struct worker *w;
	const struct turn *t;
	int64_t told;
	int header;

	find_what_to_show(p, m);
	r = run_of(s, m);
	w = worker_of(s, m);
	t = turn_of(s, m);
	if (!r && !w && !t)
		return 0;
	told = r ? r->log_lines : t ? t->log_lines : w->log_lines;
	if (told > 0 && (size_t)told > s->told) {
		s->told = (size_t)told;
		s->total = s->told > s->total ? s->told : s->total;
	}
	header = problem_of(s, m) != NULL;
	textview_sync(&s->view, s->filter ? s->match_count : s->total, rows - header, columns, line_of, s);
	ask_what_is_next(s, !r, want);
	return goes_on(s, m);
}

static void run_title(const struct pane *p, const struct model *m, const struct run *r, struct buf *out)
{
	const struct log_state *s = p->state;
	char bytes[NUMBER_TEXT], time[CLOCK_TEXT];
	size_t count, place = place_among(m, r, &count);

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
}

static void worker_title(const struct pane *p, const struct worker *w, struct buf *out)
{
	const struct log_state *s = p->state;
	char time[CLOCK_TEXT];

	clock_duration(p->now - w->since, time);
	buf_printf(out, "how %s %s up  %s", w->id, strcmp(w->state, "starting") ? "came" : "comes", w->state);
	if (!strcmp(w->state, "starting"))
		buf_printf(out, " %s", time);
	buf_printf(out, "  %zu line%s", s->total, s->total == 1 ? "" : "s");
}

static void turn_title(const struct pane *p, const struct turn *t, struct buf *out)
{
	const struct log_state *s = p->state;
	char time[CLOCK_TEXT], money[NUMBER_TEXT];
	double passed = isfinite(t->seconds) ? t->seconds * 1e6 : (double)(p->now - t->started);

	clock_duration((int64_t)passed, time);
	number_money(t->usd, money);
	buf_printf(out, "turn %u of %s, %s  %s %s  %s  %u call%s  %zu line%s",
		t->number, t->agent ? t->agent : "the agent", stage_name(t->stage),
		t->status ? t->status : "runs", time, money, t->calls, t->calls == 1 ? "" : "s", s->total, s->total == 1 ? "" : "s");
}

static void log_title(const struct pane *p, const struct model *m, struct buf *out)
{
	static const char *const filters[FILTERS] = { "", "METRIC lines", "errors", "matches" };
	const struct log_state *s = p->state;
	const struct run *r = run_of(s, m);
	const struct worker *w = worker_of(s, m);

	if (turn_of(s, m))
		turn_title(p, turn_of(s, m), out);
	else if (r)
		run_title(p, m, r, out);
	else if (w)
		worker_title(p, w, out);
	if (goes_on(s, m))
		buf_puts(out, s->view.follow ? "  follows" : "  F follows");
	if (s->filter)
		buf_printf(out, "  only %s: %zu", filters[s->filter], s->match_count);
	if (s->no_match && s->find_mark)
		buf_printf(out, "  no %s", !strcmp(s->find_mark, "metric") ? "METRIC line" : "error");
	else if (s->no_match)
		buf_printf(out, "  no match for `%s`", s->text);
}

static const char *why_empty(const struct pane *p, const struct model *m)
{
	const struct log_state *s = p->state;

	if (!run_of(s, m) && !worker_of(s, m) && !turn_of(s, m))
		return p->name ? "There is no such run, worker or turn."
		               : "Nothing has run yet. The log of the newest run appears here, as it comes.";
	if (s->failure)
		return s->failure;
	if (s->filter && !s->match_count)
		return s->filter_asked && s->next >= s->total ? "No line is like that: f shows the next kind." : "The log is being read.";
	if (s->filter)
		return NULL;
	if (!s->total && goes_on(s, m))
		return "Nothing is printed yet.";
	if (!s->total && (run_of(s, m) || s->is_answered))
		return run_of(s, m) ? "This run printed nothing." : turn_of(s, m) ? "Nothing was said." : "Nothing was printed.";
	return s->count || s->is_answered ? NULL : "The log is being read.";
}

static void log_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct log_state *s = p->state;
	const char *empty = why_empty(p, m), *problem = problem_of(s, m);
	int header = problem != NULL;
	struct canvas text = canvas_sub(c, (struct rect){ header, 0, c->rows - header, c->columns });

	if (header)
		canvas_text_cut(c, 0, 0, STYLE_BAD, problem, -1);
	if (empty)
		canvas_text_cut(&text, 0, 1, STYLE_MUTED, empty, -1);
	else
		textview_draw(&s->view, &text, p->focused, line_of, s);
}

static enum pane_result copy_line(const struct log_state *s, struct intent *want)
{
	enum style style;
	size_t i = s->view.search ? s->view.found : s->view.follow && s->view.count ? s->view.count - 1 : s->view.top;

	return intent_copy(want, line_of(s, i, NULL, &style));
}

/* Which line a jump or a search goes on from: where the last one led, if it is still in sight. */
static size_t here(const struct log_state *s)
{
	size_t rows = s->view.rows > 0 ? (size_t)s->view.rows : 1;

	return s->view.found >= s->view.top && s->view.found < s->view.top + rows ? s->view.found : s->view.top;
}

/* Back to the whole log, at the line that the filter showed first. */
static void end_filter(struct log_state *s)
{
	size_t line = s->view.top < s->match_count ? s->matches[s->view.top].line : 0;

	set_filter(s, SHOW_ALL);
	s->view.count = s->total;
	textview_go(&s->view, line);
}

static enum pane_result jump(struct log_state *s, const char *mark, int direction)
{
	size_t from;

	if (s->filter)
		end_filter(s);
	from = here(s);
	s->no_match = s->find_wrapped = 0;
	s->find_mark = mark;
	s->find_backwards = direction < 0;
	s->find_due = s->total > 0;
	s->no_match = !s->find_due;
	if (s->total)
		s->find_from = s->view.found == from && s->jumped ? (from + (direction < 0 ? s->total - 1 : 1)) % s->total : from;
	s->jumped = 1;
	return PANE_REDRAW;
}

static enum pane_result next_filter(struct log_state *s)
{
	enum filter next = (s->filter + 1) % FILTERS;

	if (next == SHOW_MATCHES && !s->text)
		next = SHOW_ALL;
	if (next == SHOW_ALL)
		end_filter(s);
	else
		set_filter(s, next);
	return PANE_REDRAW;
}

static enum pane_result save(const struct log_state *s, const char *path, struct intent *want)
{
	char question[64], name[64];

	if (path)
		return *path ? intent_errand(want, "save", s->id, path) : intent_message(want, "nothing was saved");
	snprintf(question, sizeof question, "save the log of %.20s to:", s->id);
	snprintf(name, sizeof name, "%.20s.log", s->id);
	return intent_prompt(want, question, name, ACTION_SAVE);
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
	case ACTION_NEXT_METRIC: return jump(s, "metric", 1);
	case ACTION_PREVIOUS_METRIC: return jump(s, "metric", -1);
	case ACTION_NEXT_ERROR: return jump(s, "error", 1);
	case ACTION_PREVIOUS_ERROR: return jump(s, "error", -1);
	case ACTION_FILTER: return next_filter(s);
	case ACTION_SAVE: return s->id ? save(s, act->text, want) : PANE_HANDLED;
	case ACTION_PAGER: return s->id ? intent_errand(want, "pager", s->id, NULL) : PANE_HANDLED;
	case ACTION_ENTER:
		if (s->filter) {
			end_filter(s);
			return PANE_REDRAW;
		}
		if (worker_of(s, m) || turn_of(s, m))
			return intent_go(want, turn_of(s, m) ? "agent" : "grid", s->id);
		return r && r->arm ? intent_go(want, "metrics", r->arm) : PANE_HANDLED;
	case ACTION_COPY:
		return copy_line(s, want);
	default:
		break;
	}
	return textview_act(&s->view, act, problem_of(s, m) != NULL) ? PANE_REDRAW : PANE_IGNORED;
}

/* Whether there is a match is known when the engine has answered: the title says when there is none. */
static int log_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct log_state *s = p->state;
	size_t from = s->view.search ? s->view.found : s->view.top;

	(void)m;
	s->find_mark = NULL;
	s->no_match = s->find_wrapped = 0;
	string_set(&s->view.search, text && *text ? text : NULL);
	string_set(&s->text, s->view.search);
	if (s->filter == SHOW_MATCHES && s->text)
		set_filter(s, SHOW_MATCHES);
	else if (s->filter)
		end_filter(s);
	s->find_due = s->text && s->total && !s->filter;
	if (!s->find_due)
		return s->filter != SHOW_ALL;
	s->find_backwards = direction < 0;
	s->find_from = direction > 0 ? (from + 1) % s->total : direction < 0 ? (from + s->total - 1) % s->total : from;
	return 1;
}

static void log_close(struct pane *p)
{
	struct log_state *s = p->state;

	clear_window(s, 0);
	if (s->match_count)
		drop_matches(s, s->match_count);
	free(s->matches);
	free(s->id);
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
