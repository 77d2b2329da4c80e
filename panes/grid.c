/* The grid: a tile for each worker, and a line for each step that runs beside them (builds and checks of the wave).
 *
 * As many rows to a tile as let all workers stay in sight: with room to spare they show the end of their logs, else two
 * rows, else one; more than that scrolls. Workers that are down are left out while others are up, unless something can
 * still be done about them; f shows others, or all.
 *
 * The newest line of each log is told with the model; those before it are asked for, all tiles' in one question. When
 * many stream, that is done the less often the more lines it is (30 of them a second), and the newest ones too are taken
 * over so (50 a second, of all tiles together): more nobody reads, and each is bytes on a line that may be slow. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/tile.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { TILE_COLUMNS = 32, TILE_WIDE = 60, LINE_COLUMNS = 30, TILE_GAP = 2,
	FEW = 4, OFTEN = 200000, LAST_LINE = 20000, TAILS_SELDOM = 1000000, TAILS_LINE = 30000, TAIL_LINES_MAX = 200 };	/* microseconds */

enum show { SHOW_PRESENT, SHOW_ALL, SHOW_BUSY, SHOW_TROUBLE, SHOWS };

/* The end of the log that a tile shows. */
struct tail {
	char *of;			/* "r12", "w1"; NULL: none */
	char **lines;
	size_t count, room;
	int64_t asked_told;		/* how long it was when it was asked for */
	char *last;			/* the newest line */
	int64_t last_at;		/* when that was taken over */
};

struct grid_state {
	size_t *shown, shown_count, shown_room;	/* workers, by index */
	size_t selected, count;		/* of those first, then of steps */
	size_t picked;			/* the worker that is selected, + 1; 0: a step */
	size_t *steps, step_count, step_room;	/* indexes of runs that no tile shows */
	size_t top;			/* first row of tiles shown */
	int across, width, height;	/* tiles in a row; of a tile, in cells */
	enum show show;
	struct tail *tails;		/* of all workers */
	size_t tail_count;
	int asked;			/* for tails; no answer yet */
	int64_t asked_at;
	char *search;
};

static const struct worker *selected_worker(const struct grid_state *s, const struct model *m)
{
	return s->selected < s->shown_count ? &m->workers[s->shown[s->selected]] : NULL;
}

static void mark(const struct pane *p, const struct grid_state *s, struct canvas *c, size_t item)
{
	if (item == s->selected) {
		canvas_mark(c, 0, 0, c->columns, p->focused ? CELL_SELECTED : CELL_CURRENT);
		if (p->focused)
			canvas_cursor(c, 0, 0, 0);
	}
	for (int y = 0; s->search && y < c->rows; y++)
		canvas_mark_text(c, y, s->search);
}

static void draw_empty(const struct grid_state *s, const struct model *m, struct canvas *c)
{
	static const char *const lines[] = {
		"No worker yet.",
		"Each one is a tile here: its state, what it runs, its noise.",
		"Workers that cost money start with the first approval: see 4.",
	};

	if (m->worker_count)
		canvas_text_cut(c, 0, 1, STYLE_MUTED, s->show == SHOW_BUSY ? "No worker is busy: f shows others." : "Nothing is wrong with any worker: f shows others.", -1);
	else if (m->state == SESSION_ENDED)
		canvas_text_cut(c, 0, 1, STYLE_MUTED, "The session has ended: no worker is up.", -1);
	for (int i = 0; i < 3 && !m->worker_count && m->state != SESSION_ENDED; i++)
		canvas_text_cut(c, i, 1, STYLE_MUTED, lines[i], -1);
}

static int is_mixed(const struct model *m)
{
	const char *first = NULL;

	for (size_t i = 0; i < m->worker_count; i++) {
		const char *arch = m->workers[i].arch;
		if (arch && first && strcmp(arch, first))
			return 1;
		first = arch ? arch : first;
	}
	return 0;
}

static void grid_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct grid_state *s = p->state;
	size_t tile_rows = (s->shown_count + (size_t)s->across - 1) / (size_t)s->across;
	int mixed = is_mixed(m);

	if (!s->count)
		draw_empty(s, m, c);
	for (size_t i = 0; i < s->shown_count; i++) {
		long row = (long)(i / (size_t)s->across) - (long)s->top;
		struct rect r = { (int)row * s->height, 1 + (int)(i % (size_t)s->across) * (s->width + TILE_GAP),
			s->height, s->width };
		struct canvas tile = canvas_sub(c, r);
		const struct tail *tail = &s->tails[s->shown[i]];
		if (row < 0 || r.y >= c->rows)
			continue;
		tile_draw(&(struct tile){ p, m, &m->workers[s->shown[i]], s->height, mixed, tail->last, tail->lines, tail->count }, &tile);
		mark(p, s, &tile, i);
	}
	for (size_t i = 0; i < s->step_count; i++) {
		int y = ((int)tile_rows - (int)s->top) * s->height + (int)i;
		struct canvas line = canvas_sub(c, (struct rect){ y, 1, 1, c->columns - 1 });
		tile_draw_step(p, m, &m->runs[s->steps[i]], &line);
		mark(p, s, &line, s->shown_count + i);
	}
}

/* Sync */

static int has_tile(const struct model *m, size_t run)
{
	for (size_t i = 0; i < m->worker_count; i++)
		if (m->workers[i].running == run + 1)
			return 1;
	return 0;
}

static void collect_steps(struct grid_state *s, const struct model *m)
{
	s->step_count = 0;
	for (size_t i = m->baseline_run; i < m->run_count && m->state != SESSION_ENDED; i++)
		if (!m->runs[i].status && !has_tile(m, i))
			*(size_t *)array_add(&s->steps, &s->step_count, &s->step_room, sizeof *s->steps) = i;
}

static int is_troubled(const struct worker *w)
{
	return w->remedy || worker_is_stale(w) || worker_is_state(w, "quarantined") || worker_is_state(w, "lost");
}

static int is_shown(const struct grid_state *s, const struct model *m, const struct worker *w)
{
	switch (s->show) {
	case SHOW_BUSY: return worker_is_up(w) && (worker_run(m, w) || worker_is_state(w, "busy"));
	case SHOW_TROUBLE: return is_troubled(w);
	case SHOW_PRESENT: return worker_is_up(w) || w->remedy || !count_workers_up(m);
	default: return 1;
	}
}

/* The same worker stays selected whatever comes and goes before it. */
static void collect_workers(struct grid_state *s, const struct model *m)
{
	s->shown_count = 0;
	for (size_t i = 0; i < m->worker_count; i++)
		if (is_shown(s, m, &m->workers[i]))
			*(size_t *)array_add(&s->shown, &s->shown_count, &s->shown_room, sizeof *s->shown) = i;
	for (size_t i = 0; i < s->shown_count; i++)
		if (s->picked == s->shown[i] + 1)
			s->selected = i;
}

/* As few tiles side by side as show all of them with so many rows: the wider, the more of a line can be read. 0: they
 * cannot be shown so. */
static int tiles_across(int workers, int room, int columns, int narrowest, int rows)
{
	int across = columns / TILE_WIDE < 1 ? 1 : columns / TILE_WIDE, most = (columns + TILE_GAP) / (narrowest + TILE_GAP);

	most = most < 1 ? 1 : most;
	across = across > most ? most : across;
	while (across < most && (workers + across - 1) / across * rows > room)
		across++;
	return (workers + across - 1) / across * rows > room ? 0 : across;
}

static void choose_form(struct grid_state *s, int room, int columns)
{
	static const struct { int rows, columns; } forms[] = { { TILE_ROWS, TILE_COLUMNS - TILE_GAP }, { 3, TILE_COLUMNS - TILE_GAP },
		{ 2, TILE_COLUMNS - TILE_GAP }, { 1, LINE_COLUMNS } };
	int workers = (int)s->shown_count, tile_rows;

	s->across = s->height = 0;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0] && !s->across; i++)
		s->across = tiles_across(workers, room, columns - 1, forms[i].columns, s->height = forms[i].rows);
	if (!s->across) {	/* it scrolls */
		s->across = (columns - 1 + TILE_GAP) / (LINE_COLUMNS + TILE_GAP);
		s->across = s->across < 1 ? 1 : s->across;
	}
	s->across = s->across < workers ? s->across : workers < 1 ? 1 : workers;
	tile_rows = (workers + s->across - 1) / s->across;
	if (tile_rows > 1)	/* four in two rows are two and two */
		s->across = (workers + tile_rows - 1) / tile_rows;
	s->width = (columns - 1 - TILE_GAP * (s->across - 1)) / s->across;
	tile_rows = (workers + s->across - 1) / s->across;
	if (tile_rows && s->height * tile_rows <= room)
		s->height = room / tile_rows;
}

static void lay_out(struct grid_state *s, int rows, int columns)
{
	int workers = (int)s->shown_count, tile_rows, shown;

	choose_form(s, rows - (int)s->step_count, columns);
	tile_rows = (workers + s->across - 1) / s->across;
	shown = rows / s->height < 1 ? 1 : rows / s->height;
	if (s->selected < s->shown_count) {
		size_t row = s->selected / (size_t)s->across;
		if (row < s->top)
			s->top = row;
		if (row >= s->top + (size_t)shown)
			s->top = row - (size_t)shown + 1;
	}
	if (tile_rows * s->height + (int)s->step_count <= rows)
		s->top = 0;
	else if (s->selected >= s->shown_count && s->step_count)
		s->top = (size_t)tile_rows;
}

/* Ends of logs */

static void clear_lines(struct tail *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->lines[i]);
	t->count = 0;
}

/* What its tile shows the log of: what runs, how it comes up, else what ran last. */
static void log_of(const struct model *m, const struct worker *w, char out[24])
{
	const struct run *r = worker_run(m, w);

	out[0] = '\0';
	if (!r && (worker_is_state(w, "starting") || w->remedy))
		snprintf(out, 24, "%.20s", w->id);
	else if (r || (r = worker_newest_run(m, w)) != NULL)
		snprintf(out, 24, "r%u", r->number);
}

static const char *newest_line(const struct model *m, const struct worker *w, int64_t *told)
{
	const struct run *r = worker_run(m, w);

	*told = r ? r->log_lines : w->log_lines;
	return r ? r->last_line : w->last_line;
}

static int is_in_sight(const struct grid_state *s, size_t i, int rows)
{
	size_t row = i / (size_t)s->across;

	return row >= s->top && (int)(row - s->top) * s->height < rows;
}

static size_t count_streams(const struct grid_state *s, const struct model *m, int rows)
{
	size_t n = 0;
	int64_t told;

	for (size_t i = 0; i < s->shown_count; i++)
		n += is_in_sight(s, i, rows) && newest_line(m, &m->workers[s->shown[i]], &told);
	return n;
}

static int has_passed(int64_t now, int64_t since, int64_t time)
{
	return now - since >= time || now <= since;	/* a clock that stands still, or is set back, holds nothing up */
}

static int take_newest(struct grid_state *s, const struct model *m, size_t worker, int64_t now, size_t streams)
{
	struct tail *t = &s->tails[worker];
	const struct worker *w = &m->workers[worker];
	char of[24];
	int64_t told;
	const char *line = newest_line(m, w, &told);

	log_of(m, w, of);
	if (strcmp(of, t->of ? t->of : "")) {
		string_set(&t->of, of);
		string_set(&t->last, NULL);
		clear_lines(t);
		t->asked_told = -1;
		t->last_at = 0;
	}
	if (!line)
		string_set(&t->last, NULL);
	else if (!t->last || (strcmp(t->last, line) && (streams <= FEW || has_passed(now, t->last_at, (int64_t)streams * LAST_LINE)))) {
		string_set(&t->last, line);
		t->last_at = now;
	}
	return *of && t->asked_told != told;
}

static void ask_for_tails(struct grid_state *s, const struct model *m, int rows, int lines, struct intent *want)
{
	struct json *args = json_object(), *of = json_array();

	for (size_t i = 0; i < s->shown_count; i++) {
		struct tail *t = &s->tails[s->shown[i]];
		int64_t told;
		newest_line(m, &m->workers[s->shown[i]], &told);
		if (!is_in_sight(s, i, rows) || !t->of || !*t->of || t->asked_told == told)
			continue;
		t->asked_told = told;
		json_append(of, json_new_string(t->of));
	}
	json_take(args, "of", of);
	json_put_integer(args, "lines", lines < TAIL_LINES_MAX ? lines : TAIL_LINES_MAX);
	intent_query(want, "tails", args, 0);
	s->asked = 1;
}

static int64_t pause_of(const struct grid_state *s, int few, int lines)
{
	int64_t pause = (int64_t)s->shown_count * lines * TAILS_LINE;

	return few ? OFTEN : pause > TAILS_SELDOM ? pause : TAILS_SELDOM;
}

static void follow_logs(struct grid_state *s, const struct model *m, int rows, int64_t now, struct intent *want)
{
	size_t due = 0;
	size_t streams = count_streams(s, m, rows);
	int few = streams <= FEW, lines = s->height - (TILE_ROWS - 1);

	if (s->tail_count < m->worker_count) {
		s->tails = xrealloc(s->tails, m->worker_count * sizeof *s->tails);
		memset(s->tails + s->tail_count, 0, (m->worker_count - s->tail_count) * sizeof *s->tails);
		s->tail_count = m->worker_count;
	}
	for (size_t i = 0; i < s->shown_count; i++)
		if (is_in_sight(s, i, rows))
			due += (size_t)take_newest(s, m, s->shown[i], now, streams);
	if (due && lines > 1 && !s->asked && has_passed(now, s->asked_at, pause_of(s, few, lines))) {
		ask_for_tails(s, m, rows, lines, want);
		s->asked_at = now;
	}
}

/* The newest of them is the tile's last line, if that has not moved on. */
static void take_tail(struct tail *t, const struct json *lines)
{
	clear_lines(t);
	for (const struct json *i = json_first(lines); i; i = json_next(i))
		*(char **)array_add(&t->lines, &t->count, &t->room, sizeof *t->lines) = xstrdup(json_string(i, ""));
	if (t->count && t->last && !strcmp(t->lines[t->count - 1], t->last))
		free(t->lines[--t->count]);
}

static void grid_answer(struct pane *p, const struct answer *a)
{
	struct grid_state *s = p->state;

	s->asked = 0;
	for (const struct json *i = json_first(json_get(a->result, "tails")); i; i = json_next(i))
		for (size_t k = 0; k < s->tail_count; k++)
			if (s->tails[k].of && !strcmp(s->tails[k].of, json_string(json_get(i, "of"), "")))
				take_tail(&s->tails[k], json_get(i, "lines"));
}

static int counts(const struct grid_state *s, const struct model *m)
{
	for (size_t i = 0; i < s->shown_count; i++) {
		const struct worker *w = &m->workers[s->shown[i]];
		if ((!worker_is_state(w, "ready") && !worker_is_out(w)) || worker_is_stale(w) || (worker_is_up(w) && w->usd_per_hour > 0))
			return m->state == SESSION_OPEN || m->state == SESSION_PAUSED;
	}
	return 0;
}

static int grid_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct grid_state *s = p->state;

	collect_steps(s, m);
	collect_workers(s, m);
	s->count = s->shown_count + s->step_count;
	if (s->selected >= s->count)
		s->selected = s->count ? s->count - 1 : 0;
	s->picked = s->selected < s->shown_count ? s->shown[s->selected] + 1 : 0;
	lay_out(s, rows, columns);
	follow_logs(s, m, rows, p->now, want);
	return counts(s, m) || s->step_count;
}

static void grid_title(const struct pane *p, const struct model *m, struct buf *out)
{
	static const char *const only[SHOWS] = { "", "all  ", "only busy  ", "only troubled  " };
	const struct grid_state *s = p->state;
	size_t up = count_workers_up(m), able = 0;
	double seconds[USE_COUNT], share, cost = hourly_usd(m);
	char money[NUMBER_TEXT];

	for (size_t i = 0; i < m->worker_count; i++)
		able += !worker_is_out(&m->workers[i]);
	if (!m->worker_count) {
		buf_puts(out, "no worker yet");
		return;
	}
	buf_puts(out, only[s->show]);
	if (able)
		buf_printf(out, "%zu of %zu busy", count_busy_workers(m), able);
	else
		buf_puts(out, up ? "none can measure" : "no worker is up");
	if (able && able < up)
		buf_printf(out, ", %zu out", up - able);
	session_seconds(m, p->now, seconds);
	share = use_share(seconds);
	if (isfinite(share))
		buf_printf(out, "  %.0f %% measuring", 100 * share);
	number_money(cost, money);
	if (cost > 0)
		buf_printf(out, "  %s/h", money);
}

/* Keys */

static const struct run *selected_run(const struct grid_state *s, const struct model *m)
{
	const struct worker *w = selected_worker(s, m);

	if (w)
		return worker_run(m, w);
	return s->selected < s->count ? &m->runs[s->steps[s->selected - s->shown_count]] : NULL;
}

static int is_machine(const struct worker *w)
{
	return w && w->runner && strcmp(w->runner, "local");
}

/* The log that is meant: of what runs; of how it comes up or why it does not, and with `own` in any case; of what ran last. */
static int log_id(const struct grid_state *s, const struct model *m, int own, char out[24])
{
	const struct worker *w = selected_worker(s, m);
	const struct run *r = selected_run(s, m);

	out[0] = '\0';
	if (w && own && is_machine(w))
		snprintf(out, 24, "%.20s", w->id);
	else if (w && !r && (is_machine(w) || !worker_newest_run(m, w)))
		log_of(m, w, out);
	else if (r || (w && (r = worker_newest_run(m, w)) != NULL))
		snprintf(out, 24, "r%u", r->number);
	return *out != '\0';
}

static enum pane_result open_log(const struct grid_state *s, const struct model *m, int own, struct intent *want)
{
	char id[24];

	if (!log_id(s, m, own, id))
		return intent_message(want, "nothing has run here yet: there is no log");
	return intent_open(want, "log", id);
}

static enum pane_result page_log(const struct grid_state *s, const struct model *m, struct intent *want)
{
	char id[24];

	if (!log_id(s, m, 0, id))
		return intent_message(want, "nothing has run here yet: there is no log");
	return intent_errand(want, "pager", id, NULL);
}

static enum pane_result command_worker(const struct worker *w, const char *action, struct intent *want)
{
	struct json *args = json_object();

	json_put_string(args, "worker", w->id);
	json_put_string(args, "action", action);
	return intent_command(want, "worker", args);
}

static int may(const struct worker *w, enum action a)
{
	if (!w)
		return 0;
	switch (a) {
	case ACTION_RETRY: return worker_has_remedy(w, "retry");
	case ACTION_RELEASE: return worker_is_out(w) && !worker_has_remedy(w, "retry");
	case ACTION_QUARANTINE: return !worker_is_out(w) && !worker_is_state(w, "starting");
	case ACTION_REPLACE: return is_machine(w) && (worker_is_up(w) || worker_has_remedy(w, "replace"));
	case ACTION_SHUT_DOWN: return worker_is_up(w) || worker_has_remedy(w, "down");
	case ACTION_SSH: return is_machine(w) && w->name && worker_is_up(w);
	default: return 1;
	}
}

static enum pane_result cannot(const struct worker *w, enum action a, struct intent *want)
{
	if (!w)
		return intent_message(want, "select a worker first");
	if (!is_machine(w) && (a == ACTION_SSH || a == ACTION_REPLACE))
		return intent_message(want, "%s is this machine", w->id);
	if (a == ACTION_RETRY)
		return intent_message(want, "%s is %s: there is nothing to retry", w->id, w->state);
	if (a == ACTION_RELEASE)
		return intent_message(want, "%s is %s: only a worker that was taken out or is down can be released", w->id, w->state);
	if (a == ACTION_SSH)
		return intent_message(want, "%s is %s: nobody can log in there", w->id, w->state);
	return intent_message(want, "%s is %s%s", w->id, w->state, worker_is_out(w) ? " already" : "");
}

/* A word to the engine about the selected worker; what takes it from its work is asked for first. */
static enum pane_result tell_worker(const struct worker *w, const struct act *act, struct intent *want)
{
	static const struct { enum action action; const char *word, *question; } words[] = {
		{ ACTION_RETRY, "retry", NULL }, { ACTION_RELEASE, "release", NULL },
		{ ACTION_QUARANTINE, "quarantine", "take %s out and admit it anew before it measures again? type yes:" },
		{ ACTION_REPLACE, "replace", "start another worker and take %s down? type yes:" },
		{ ACTION_SHUT_DOWN, "down", "take %s down? what it runs is lost. type yes:" },
	};
	char question[96];
	size_t i = 0;

	while (words[i].action != act->action)
		i++;
	if (!may(w, act->action))
		return cannot(w, act->action, want);
	if (!words[i].question)
		return command_worker(w, words[i].word, want);
	if (act->text)
		return strcmp(act->text, "yes") ? intent_message(want, "%s goes on", w->id) : command_worker(w, words[i].word, want);
	snprintf(question, sizeof question, words[i].question, w->id);
	return intent_prompt(want, question, "", act->action);
}

static enum pane_result cancel(const struct grid_state *s, const struct model *m, const struct act *act, struct intent *want)
{
	const struct run *r = selected_run(s, m);
	const struct proposal *p = r ? model_proposal(m, r->arm) : NULL;
	char question[96];
	struct json *args;

	if (!p)
		return intent_message(want, "no proposal runs here: there is nothing to cancel");
	if (!act->text) {
		snprintf(question, sizeof question, "take %.20s out of the session? (y)", p->id);
		return intent_prompt(want, question, "", ACTION_CANCEL);
	}
	if (*act->text != 'y' && *act->text != 'Y')
		return intent_message(want, "%s stays in the session", p->id);
	args = json_object();
	json_put_string(args, "proposal", p->id);
	return intent_command(want, "cancel", args);
}

static int grid_offers(const struct pane *p, const struct model *m, enum action a)
{
	const struct grid_state *s = p->state;
	const struct run *r = selected_run(s, m);

	switch (a) {
	case ACTION_CANCEL: return r && model_proposal(m, r->arm);
	case ACTION_FILTER: return m->worker_count > 1;
	default: return !(a >= ACTION_RETRY && a <= ACTION_SSH) || may(selected_worker(s, m), a);
	}
}

static void select_item(struct grid_state *s, size_t item)
{
	s->selected = item;
	s->picked = item < s->shown_count ? s->shown[item] + 1 : 0;
}

static enum pane_result move(struct grid_state *s, long by)
{
	long to = (long)s->selected + by;

	if (to >= 0 && to < (long)s->count)
		select_item(s, (size_t)to);
	return PANE_REDRAW;
}

/* Down from the last row of tiles leads to the first step, up from the first step to the tile in the first column. */
static enum pane_result move_row(struct grid_state *s, size_t workers, int direction)
{
	if (direction > 0 && s->selected < workers && s->selected + (size_t)s->across >= workers && s->step_count)
		select_item(s, workers);
	else if (s->selected >= workers)
		move(s, s->selected == workers && direction < 0 && workers ? -1 : direction);
	else if (direction < 0 || s->selected + (size_t)s->across < workers)
		move(s, direction * s->across);
	return PANE_REDRAW;
}

static enum pane_result click(struct grid_state *s, const struct act *act)
{
	int shown = (int)s->shown_count, row = act->y / s->height + (int)s->top, tile_rows = (shown + s->across - 1) / s->across;
	int column = (act->x - 1) / (s->width + TILE_GAP),
		item = row * s->across + (column < s->across ? column : s->across - 1);

	if (row >= tile_rows)
		item = shown + act->y - (tile_rows - (int)s->top) * s->height;
	if (item >= 0 && item < (int)s->count && (row >= tile_rows || item < shown))
		select_item(s, (size_t)item);
	return PANE_REDRAW;
}

static enum pane_result page(struct grid_state *s, int rows, int direction)
{
	int by = rows / s->height > 1 ? rows / s->height - 1 : 1;

	for (int i = 0; i < by; i++)
		move_row(s, s->shown_count, direction);
	return PANE_REDRAW;
}

static enum pane_result next_show(struct grid_state *s)
{
	s->show = (s->show + 1) % SHOWS;
	s->top = 0;
	return PANE_REDRAW;
}

static enum pane_result grid_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct grid_state *s = p->state;
	const struct worker *w = selected_worker(s, m);

	switch (act->action) {
	case ACTION_ENTER: return open_log(s, m, 0, want);
	case ACTION_LOG: return open_log(s, m, 1, want);
	case ACTION_PAGER: return page_log(s, m, want);
	case ACTION_RETRY: case ACTION_RELEASE: case ACTION_QUARANTINE: case ACTION_REPLACE: case ACTION_SHUT_DOWN:
		return tell_worker(w, act, want);
	case ACTION_SSH: return may(w, ACTION_SSH) ? intent_errand(want, "ssh", w->name, NULL) : cannot(w, ACTION_SSH, want);
	case ACTION_CANCEL: return cancel(s, m, act, want);
	case ACTION_FILTER: return next_show(s);
	case ACTION_UP: case ACTION_WHEEL_UP: return move_row(s, s->shown_count, -1);
	case ACTION_DOWN: case ACTION_WHEEL_DOWN: return move_row(s, s->shown_count, 1);
	case ACTION_PAGE_UP: case ACTION_HALF_PAGE_UP: return page(s, p->rows, -1);
	case ACTION_PAGE_DOWN: case ACTION_HALF_PAGE_DOWN: return page(s, p->rows, 1);
	case ACTION_LEFT: return move(s, -1);
	case ACTION_RIGHT: return move(s, 1);
	case ACTION_FIRST: select_item(s, 0); return PANE_REDRAW;
	case ACTION_LAST: return move(s, (long)s->count - 1 - (long)s->selected);
	case ACTION_CLICK: return click(s, act);
	case ACTION_COPY: return intent_copy(want, w ? is_machine(w) && w->name ? w->name : w->id : "");
	default: return PANE_IGNORED;
	}
}

static int item_has(const struct grid_state *s, const struct model *m, size_t i, const char *text)
{
	const struct worker *w = i < s->shown_count ? &m->workers[s->shown[i]] : NULL;
	const struct run *r = w ? worker_run(m, w) : &m->runs[s->steps[i - s->shown_count]];
	const char *words[] = { w ? w->id : NULL, w ? w->name : NULL, w ? w->state : NULL, w ? w->place : NULL, w ? w->arch : NULL,
		w ? w->reason : NULL, r ? r->arm : NULL, r ? r->step : NULL, r ? r->last_line : NULL };

	for (size_t k = 0; k < sizeof words / sizeof *words; k++)
		if (words[k] && strcasestr(words[k], text))
			return 1;
	return 0;
}

static int grid_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct grid_state *s = p->state;

	string_set(&s->search, text && *text ? text : NULL);
	for (size_t n = 0; s->search && n < s->count; n++) {
		size_t step = n + (direction != 0),
			i = (s->selected + (direction < 0 ? s->count - step % s->count : step)) % s->count;
		if (item_has(s, m, i, text)) {
			select_item(s, i);
			return 1;
		}
	}
	return 0;
}

static void grid_show(struct pane *p, const struct model *m, const char *what)
{
	struct grid_state *s = p->state;

	for (size_t i = 0; i < m->worker_count; i++)
		if (!strcmp(m->workers[i].id, what)) {
			s->picked = i + 1;
			if (!is_shown(s, m, &m->workers[i]))
				s->show = SHOW_ALL;
			collect_workers(s, m);
		}
}

static void grid_close(struct pane *p)
{
	struct grid_state *s = p->state;

	for (size_t i = 0; i < s->tail_count; i++) {
		clear_lines(&s->tails[i]);
		free(s->tails[i].lines);
		free(s->tails[i].of);
		free(s->tails[i].last);
	}
	free(s->tails);
	free(s->shown);
	free(s->steps);
	free(s->search);
}

const struct pane_ops grid_pane = {
	.name = "Grid",
	.digit = 2,
	.context = CONTEXT_GRID,
	.state_size = sizeof(struct grid_state),
	.close = grid_close,
	.title = grid_title,
	.sync = grid_sync,
	.draw = grid_draw,
	.act = grid_act,
	.answer = grid_answer,
	.offers = grid_offers,
	.search = grid_search,
	.show = grid_show,
};
