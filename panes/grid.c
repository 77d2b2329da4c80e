/* The grid: a tile for each worker, and a line for each step that runs beside them (builds and checks of the wave).
 *
 * A tile says, line by line: who and in what state; what runs, and how far the round is; how noisy it has been; the
 * last line of the log. How many lines of it show hangs on the height, so that all workers stay in sight as long as
 * they can. What did not end in three times its usual time is called late; what is down, lost or in quarantine is
 * drawn muted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/judge/rule.h"
#include "core/judge/stats.h"
#include "tui/bar.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { TILE_COLUMNS = 32, TILE_WIDE = 60, TILE_ROWS = 4, TILE_GAP = 2, SAMPLES = 15, PROGRESS_MAX = 24,
	LATE_FACTOR = 3, LATE_SECONDS = 5 };

struct grid_state {
	size_t selected, count;		/* workers first, then steps */
	size_t *steps, step_count, step_room;	/* indexes of runs that no tile shows */
	size_t top;			/* first row of tiles shown */
	int across, width, height;	/* tiles in a row; of a tile, in cells */
	char *search;
};

/* Facts */

static int is_state(const struct worker *w, const char *state)
{
	return w->state && !strcmp(w->state, state);
}

static int is_out(const struct worker *w)
{
	return is_state(w, "quarantined") || is_state(w, "lost") || is_state(w, "down");
}

/* Median seconds of the newest runs of that step that went well; NAN: none yet. */
static double usual_seconds(const struct model *m, const char *step)
{
	double seconds[SAMPLES];
	size_t n = 0;

	for (size_t i = m->run_count; i-- > 0 && n < SAMPLES;) {
		const struct run *r = &m->runs[i];
		if (r->status && !strcmp(r->status, "ok") && !strcmp(r->step, step) && isfinite(r->seconds))
			seconds[n++] = r->seconds;
	}
	return n ? stats_median(seconds, n) : NAN;
}

static double elapsed(const struct pane *p, const struct run *r)
{
	return p->now > r->started ? (double)(p->now - r->started) / 1e6 : 0;
}

static int is_late(const struct pane *p, const struct model *m, const struct run *r)
{
	double usual = usual_seconds(m, r->step);

	return isfinite(usual) && elapsed(p, r) > LATE_FACTOR * usual + LATE_SECONDS;
}

static const struct run *newest_run(const struct model *m, const struct worker *w)
{
	for (size_t i = m->run_count; i-- > 0;)
		if (m->runs[i].worker && !strcmp(m->runs[i].worker, w->id))
			return &m->runs[i];
	return NULL;
}

/* Where an arm stands in the round's order, and of how many. */
static int place_in_order(const char *order, const char *arm, int *count)
{
	char copy[256], *rest;
	int place = 0;

	*count = 0;
	snprintf(copy, sizeof copy, "%s", order ? order : "");
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!strcmp(word, arm))
			place = (*count)++;
		else
			++*count;
	return place;
}

/* How far it is, 0..1, as far as earlier ones tell; NAN: nobody knows. */
static double progress(const struct pane *p, const struct model *m, const struct worker *w, const struct run *r)
{
	double usual = usual_seconds(m, r->step), share = usual > 0 ? fmin(elapsed(p, r) / usual, 0.95) : NAN;
	int count, place;

	if (strcmp(r->step, "measure") || !w)
		return share;
	place = place_in_order(w->order, r->arm ? r->arm : "", &count);
	return count ? (place + (isnan(share) ? 0 : share)) / count : share;
}

static const char *step_word(const struct run *r)
{
	return !strcmp(r->step, "build") ? "building" : !strcmp(r->step, "checks") ? "checking" : r->step;
}

static void what_runs(const struct run *r, const struct worker *w, struct buf *out)
{
	const char *arm = r->arm ? r->arm : "";

	if (strcmp(r->step, "measure"))
		buf_printf(out, "%s %s", step_word(r), arm);
	else if (!r->wave)
		buf_printf(out, "admission pair %zu of %d", w->admission.count + 1, RULE_ADMISSION_PAIRS);
	else
		buf_printf(out, "%s round %u", arm, r->round);
}

static void what_else(const struct worker *w, struct buf *out)
{
	if (w->reason)
		buf_puts(out, w->reason);
	else if (is_state(w, "ready"))
		buf_puts(out, "waits for work");
	else if (is_state(w, "busy"))
		buf_puts(out, "between rounds");
	else if (is_state(w, "starting"))
		buf_puts(out, "comes up");
	else if (is_state(w, "down"))
		buf_puts(out, "has ended");
	else if (is_state(w, "admitting"))
		buf_printf(out, "admission pair %zu of %d", w->admission.count + 1, RULE_ADMISSION_PAIRS);
}

/* What the last run that ended on it came to: the log's own last line is not kept. */
static void last_result(const struct model *m, const struct worker *w, struct buf *out)
{
	for (size_t i = m->run_count; i-- > 0;) {
		const struct run *r = &m->runs[i];
		char value[NUMBER_TEXT];
		if (!r->status || !r->worker || strcmp(r->worker, w->id))
			continue;
		buf_printf(out, "r%u %s %s %s", r->number, r->arm ? r->arm : "", r->step, r->status);
		number_fixed(r->value, number_decimals(&r->value, 1, 4), value);
		if (isfinite(r->value))
			buf_printf(out, ", %s %s", m->metric ? m->metric : "value", value);
		else if (r->reason)
			buf_printf(out, ": %s", r->reason);
		return;
	}
}

/* Tiles */

static enum style state_style(const struct worker *w)
{
	if (is_state(w, "quarantined") || is_state(w, "lost"))
		return STYLE_BAD;
	if (is_state(w, "ready"))
		return STYLE_GOOD;
	return is_state(w, "down") ? STYLE_MUTED : STYLE_INFO;
}

static void draw_name(const struct pane *p, const struct worker *w, struct canvas *c)
{
	char age[CLOCK_TEXT] = "";
	int x, end = c->columns;

	/* A worker that only waits has no age on the screen: it would be drawn every second for nothing. */
	if (!is_state(w, "ready") && !is_state(w, "down"))
		clock_duration(p->now - w->since, age);
	end = canvas_text_right(c, 0, end, STYLE_MUTED, age);
	end = canvas_text_right(c, 0, end - (end < c->columns), state_style(w), w->state ? w->state : "");
	x = canvas_text(c, 0, 0, STYLE_LINK, w->id, -1) + 1;
	if (w->name || w->runner)
		canvas_text_cut(c, 0, x, is_out(w) ? STYLE_MUTED : STYLE_DEFAULT, w->name ? w->name : w->runner, end - x - 1);
}

static void draw_work(const struct pane *p, const struct model *m, const struct worker *w, struct canvas *c)
{
	const struct run *r = worker_run(m, w);
	struct buf text = { 0 };
	int x = 14, columns = c->columns - x;
	double share = r ? progress(p, m, w, r) : NAN;
	char late[64], since[CLOCK_TEXT];

	if (r)
		what_runs(r, w, &text);
	else
		what_else(w, &text);
	if (isnan(share)) {
		canvas_text_cut(c, 0, 0, is_out(w) ? STYLE_MUTED : STYLE_DEFAULT, buf_str(&text), -1);
	} else {
		if (text_columns(buf_str(&text)) + 1 > x)
			x = text_columns(buf_str(&text)) + 1;
		columns = c->columns - x;
		if (is_late(p, m, r)) {
			clock_duration((int64_t)(elapsed(p, r) * 1e6), since);
			snprintf(late, sizeof late, " late: %s", since);
			columns -= text_columns(late);
			canvas_text_right(c, 0, c->columns, STYLE_WARN, late);
		}
		canvas_text_cut(c, 0, 0, STYLE_DEFAULT, buf_str(&text), x - 1);
		bar_progress(c, 0, x, columns < PROGRESS_MAX ? columns : PROGRESS_MAX, share,
			is_late(p, m, r) ? STYLE_WARN : STYLE_BAR, STYLE_BAR_EMPTY);
	}
	buf_release(&text);
}

static void draw_noise(const struct worker *w, struct canvas *c)
{
	struct rule rule = rule_of(RULE_STANDARD);
	double highest = rule.admit;
	char text[NUMBER_TEXT], money[NUMBER_TEXT];
	int x = 0, end = c->columns;

	if (w->usd_per_hour > 0) {
		number_money(w->usd_per_hour, money);
		strcat(money, "/h");
		end = canvas_text_right(c, 0, end, STYLE_MUTED, money) - 1;
	}
	if (isfinite(w->noise_percent)) {
		snprintf(text, sizeof text, "noise %.*f %%", w->noise_percent < 10 ? 1 : 0, w->noise_percent);
		x = canvas_text(c, 0, 0, w->noise_percent > 100 * rule.admit ? STYLE_WARN : STYLE_MUTED, text, end) + 1;
	} else {
		x = canvas_text(c, 0, 0, STYLE_MUTED, w->history.count ? "noise" : "noise not known yet", end) + 1;
	}
	for (size_t i = 0; i < w->history.count; i++)
		highest = fmax(highest, w->history.at[i]);
	bar_sparkline(c, 0, x, end - x < PROGRESS_MAX ? end - x : PROGRESS_MAX, w->history.at, w->history.count, 0,
		highest, STYLE_MUTED);
}

static void draw_last_line(const struct model *m, const struct worker *w, struct canvas *c)
{
	const struct run *r = worker_run(m, w);
	struct buf text = { 0 };

	if (r && r->last_line) {
		canvas_text_cut(c, 0, 0, strncmp(r->last_line, "METRIC", 6) ? STYLE_DEFAULT : STYLE_STRONG,
			r->last_line, -1);
		return;
	}
	last_result(m, w, &text);
	canvas_text_cut(c, 0, 0, STYLE_MUTED, buf_str(&text), -1);
	buf_release(&text);
}

/* Lines go in this order as there is room for them: state, work, log, noise; the noise stands above the log. */
static void draw_tile(const struct pane *p, const struct model *m, const struct worker *w, struct canvas *c)
{
	const struct grid_state *s = p->state;
	struct canvas lines[TILE_ROWS];
	int last = s->height - 1;

	for (int i = 0; i < s->height; i++)	/* those below the edge have no rows, and nothing is drawn there */
		lines[i] = canvas_sub(c, (struct rect){ i, 0, 1, c->columns });
	draw_name(p, w, &lines[0]);
	if (last >= 1)
		draw_work(p, m, w, &lines[1]);
	if (last >= 3)
		draw_noise(w, &lines[2]);
	if (last >= 2)
		draw_last_line(m, w, &lines[last]);
}

static void draw_step(const struct pane *p, const struct model *m, const struct run *r, struct canvas *c)
{
	char age[CLOCK_TEXT];
	int x;

	clock_duration((int64_t)(elapsed(p, r) * 1e6), age);
	x = canvas_printf(c, 0, 0, STYLE_INFO, "▸ %s", step_word(r));
	x += 1 + canvas_printf(c, 0, x + 1, STYLE_LINK, "%-4s", r->arm ? r->arm : "");
	x += 1 + canvas_printf(c, 0, x + 1, is_late(p, m, r) ? STYLE_WARN : STYLE_MUTED, "%5s", age);
	canvas_text_cut(c, 0, x + 2, STYLE_MUTED, r->last_line ? r->last_line : "", -1);
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

static void draw_empty(const struct model *m, struct canvas *c)
{
	static const char *const lines[] = {
		"No worker yet.",
		"Each one is a tile here: its state, what it runs, its noise.",
		"Workers that cost money start with the first approval: see 4.",
	};

	if (m->state == SESSION_ENDED)
		canvas_text_cut(c, 0, 1, STYLE_MUTED, "The session has ended: no worker is up.", -1);
	for (int i = 0; i < 3 && m->state != SESSION_ENDED; i++)
		canvas_text_cut(c, i, 1, STYLE_MUTED, lines[i], -1);
}

static void grid_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct grid_state *s = p->state;
	size_t tile_rows = (m->worker_count + (size_t)s->across - 1) / (size_t)s->across;

	if (!s->count)
		draw_empty(m, c);
	for (size_t i = 0; i < m->worker_count; i++) {
		long row = (long)(i / (size_t)s->across) - (long)s->top;
		struct rect r = { (int)row * s->height, 1 + (int)(i % (size_t)s->across) * (s->width + TILE_GAP),
			s->height, s->width };
		struct canvas tile = canvas_sub(c, r);
		if (row < 0 || r.y >= c->rows)
			continue;
		draw_tile(p, m, &m->workers[i], &tile);
		mark(p, s, &tile, i);
	}
	for (size_t i = 0; i < s->step_count; i++) {
		int y = ((int)tile_rows - (int)s->top) * s->height + (int)i;
		struct canvas line = canvas_sub(c, (struct rect){ y, 1, 1, c->columns - 1 });
		draw_step(p, m, &m->runs[s->steps[i]], &line);
		mark(p, s, &line, m->worker_count + i);
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

/* As few tiles side by side as show all of them whole: the wider, the more of a line can be read. */
static int tiles_across(int workers, int room, int columns)
{
	int across = columns / TILE_WIDE < 1 ? 1 : columns / TILE_WIDE, most = (columns + TILE_GAP) / TILE_COLUMNS;

	while (across < most && (workers + across - 1) / across * TILE_ROWS > room)
		across++;
	return across < workers ? across : workers < 1 ? 1 : workers;
}

static void lay_out(struct grid_state *s, const struct model *m, int rows, int columns)
{
	int workers = (int)m->worker_count, tile_rows, room = rows - (int)s->step_count, shown;

	s->across = tiles_across(workers, room, columns);
	s->width = (columns - 1 - TILE_GAP * (s->across - 1)) / s->across;
	tile_rows = (workers + s->across - 1) / s->across;
	s->height = tile_rows ? room / tile_rows : TILE_ROWS;
	s->height = s->height < 2 ? 2 : s->height > TILE_ROWS ? TILE_ROWS : s->height;
	shown = rows / s->height < 1 ? 1 : rows / s->height;
	if (s->selected < m->worker_count) {
		size_t row = s->selected / (size_t)s->across;
		if (row < s->top)
			s->top = row;
		if (row >= s->top + (size_t)shown)
			s->top = row - (size_t)shown + 1;
	}
	if (tile_rows * s->height + (int)s->step_count <= rows)
		s->top = 0;
	else if (s->selected >= m->worker_count && s->step_count)
		s->top = (size_t)tile_rows;
}

static int counts(const struct model *m)
{
	for (size_t i = 0; i < m->worker_count; i++)
		if (!is_state(&m->workers[i], "ready") && !is_out(&m->workers[i]))
			return m->state == SESSION_OPEN || m->state == SESSION_PAUSED;
	return 0;
}

static int grid_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct grid_state *s = p->state;

	(void)want;
	collect_steps(s, m);
	s->count = m->worker_count + s->step_count;
	if (s->selected >= s->count)
		s->selected = s->count ? s->count - 1 : 0;
	lay_out(s, m, rows, columns);
	return counts(m) || s->step_count;
}

/* The share of the present wave in which something was measured, 0..1; NAN: there is none. */
static double measuring(const struct pane *p, const struct model *m)
{
	const struct wave *wave = current_wave(m);
	double seconds = 0;

	if (!wave || p->now <= wave->started)
		return NAN;
	for (size_t i = m->run_count; i-- > 0 && m->runs[i].started >= wave->started;) {
		const struct run *r = &m->runs[i];
		if (!strcmp(r->step, "measure") && r->wave == wave->number)
			seconds += r->status ? isfinite(r->seconds) ? r->seconds : 0 : elapsed(p, r);
	}
	return fmin(seconds * 1e6 / (double)(p->now - wave->started), 1);
}

static void grid_title(const struct pane *p, const struct model *m, struct buf *out)
{
	size_t up = 0;
	double cost = 0, share = measuring(p, m);
	char money[NUMBER_TEXT];

	for (size_t i = 0; i < m->worker_count; i++)
		if (!is_out(&m->workers[i])) {
			up++;
			cost += m->workers[i].usd_per_hour > 0 ? m->workers[i].usd_per_hour : 0;
		}
	if (!m->worker_count) {
		buf_puts(out, "no worker yet");
		return;
	}
	if (up)
		buf_printf(out, "%zu of %zu busy", count_busy_workers(m), up);
	else
		buf_puts(out, "no worker is up");
	if (up && up < m->worker_count)
		buf_printf(out, ", %zu out", m->worker_count - up);
	if (isfinite(share))
		buf_printf(out, "  %.0f %% measuring", 100 * share);
	number_money(cost, money);
	if (cost > 0)
		buf_printf(out, "  %s/h", money);
}

/* Keys */

static enum pane_result open_log(const struct grid_state *s, const struct model *m, struct intent *want)
{
	const struct worker *w = s->selected < m->worker_count ? &m->workers[s->selected] : NULL;
	const struct run *r = NULL;
	char run[16];

	if (w)
		r = worker_run(m, w) ? worker_run(m, w) : newest_run(m, w);
	else if (s->selected < s->count)
		r = &m->runs[s->steps[s->selected - m->worker_count]];
	if (!r)
		return intent_message(want, "nothing has run here yet: there is no log");
	snprintf(run, sizeof run, "r%u", r->number);
	return intent_open(want, "log", run);
}

static enum pane_result command_worker(const struct worker *w, const char *action, struct intent *want)
{
	struct json *args = json_object();

	json_put_string(args, "worker", w->id);
	json_put_string(args, "action", action);
	return intent_command(want, "worker", args);
}

static enum pane_result quarantine(const struct worker *w, const struct act *act, struct intent *want)
{
	char question[96];

	if (!w)
		return intent_message(want, "select a worker first");
	if (is_out(w))
		return intent_message(want, "%s is %s already", w->id, w->state);
	if (act->text)
		return strcmp(act->text, "yes") ? intent_message(want, "%s goes on", w->id)
		                                : command_worker(w, "quarantine", want);
	snprintf(question, sizeof question, "take %s out and admit it anew before it measures again? type yes:", w->id);
	return intent_prompt(want, question, "", ACTION_DROP);
}

static enum pane_result release(const struct worker *w, struct intent *want)
{
	if (!w)
		return intent_message(want, "select a worker first");
	if (!is_state(w, "quarantined"))
		return intent_message(want, "%s is %s: only a quarantined worker can be released", w->id, w->state);
	return command_worker(w, "release", want);
}

static enum pane_result move(struct grid_state *s, long by)
{
	long to = (long)s->selected + by;

	if (to >= 0 && to < (long)s->count)
		s->selected = (size_t)to;
	return PANE_REDRAW;
}

/* Down from the last row of tiles leads to the first step, up from the first step to the tile in the first column. */
static enum pane_result move_row(struct grid_state *s, size_t workers, int direction)
{
	if (direction > 0 && s->selected < workers && s->selected + (size_t)s->across >= workers && s->step_count)
		s->selected = workers;
	else if (s->selected >= workers)
		move(s, s->selected == workers && direction < 0 && workers ? -1 : direction);
	else if (direction < 0 || s->selected + (size_t)s->across < workers)
		move(s, direction * s->across);
	return PANE_REDRAW;
}

static enum pane_result click(struct grid_state *s, const struct model *m, const struct act *act)
{
	int row = act->y / s->height + (int)s->top, tile_rows = ((int)m->worker_count + s->across - 1) / s->across;
	int column = (act->x - 1) / (s->width + TILE_GAP),
		item = row * s->across + (column < s->across ? column : s->across - 1);

	if (row >= tile_rows)
		item = (int)m->worker_count + act->y - (tile_rows - (int)s->top) * s->height;
	if (item >= 0 && item < (int)s->count && (row >= tile_rows || item < (int)m->worker_count))
		s->selected = (size_t)item;
	return PANE_REDRAW;
}

static enum pane_result grid_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct grid_state *s = p->state;
	const struct worker *w = s->selected < m->worker_count ? &m->workers[s->selected] : NULL;

	switch (act->action) {
	case ACTION_ENTER: case ACTION_LOG: return open_log(s, m, want);
	case ACTION_DROP: return quarantine(w, act, want);
	case ACTION_RETRY: return release(w, want);
	case ACTION_UP: case ACTION_WHEEL_UP: case ACTION_PAGE_UP: return move_row(s, m->worker_count, -1);
	case ACTION_DOWN: case ACTION_WHEEL_DOWN: case ACTION_PAGE_DOWN: return move_row(s, m->worker_count, 1);
	case ACTION_LEFT: return move(s, -1);
	case ACTION_RIGHT: return move(s, 1);
	case ACTION_FIRST: s->selected = 0; return PANE_REDRAW;
	case ACTION_LAST: return move(s, (long)s->count - 1 - (long)s->selected);
	case ACTION_CLICK: return click(s, m, act);
	case ACTION_COPY: return intent_copy(want, w ? w->id : "");
	default: return PANE_IGNORED;
	}
}

static int item_has(const struct grid_state *s, const struct model *m, size_t i, const char *text)
{
	const struct worker *w = i < m->worker_count ? &m->workers[i] : NULL;
	const struct run *r = w ? worker_run(m, w) : &m->runs[s->steps[i - m->worker_count]];
	const char *words[] = { w ? w->id : NULL, w ? w->name : NULL, w ? w->state : NULL, r ? r->arm : NULL,
		r ? r->step : NULL, r ? r->last_line : NULL };

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
			s->selected = i;
			return 1;
		}
	}
	return 0;
}

static void grid_show(struct pane *p, const struct model *m, const char *what)
{
	struct grid_state *s = p->state;

	for (size_t i = 0; i < m->worker_count; i++)
		if (!strcmp(m->workers[i].id, what))
			s->selected = i;
}

static void grid_close(struct pane *p)
{
	struct grid_state *s = p->state;

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
	.search = grid_search,
	.show = grid_show,
};
