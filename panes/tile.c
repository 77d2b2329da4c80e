/* Tiles of the grid. What a tile says, in the order in which rows go: who, where and in what state; what runs and how far
 * it is, or what is wrong; the end of the log; how noisy it has been and what it costs. The noise stands above the log.
 * A worker that something is wrong with says what, and which keys help, instead of what runs.
 *
 * What did not end in three times its usual time is called late; what is down, lost or in quarantine is drawn muted, and
 * so is the state of a worker whose provider has not looked for long: how long stands beside it. */
#include "panes/tile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/mark.h"
#include "core/data/query.h"
#include "core/judge/rule.h"
#include "core/judge/stats.h"
#include "tui/bar.h"
#include "tui/number.h"

enum { SAMPLES = 15, PROGRESS_MAX = 24, BAR_LEAST = 3, LATE_FACTOR = 3, LATE_SECONDS = 5, LABELLED = 44, WIDE = 72, STATE_COLUMNS = 11, COARSE = 5, PIECES_MAX = 4 };

/* Facts */

int worker_is_state(const struct worker *w, const char *state)
{
	return w->state && !strcmp(w->state, state);
}

int worker_is_out(const struct worker *w)
{
	return worker_is_state(w, "quarantined") || worker_is_state(w, "lost") || worker_is_state(w, "down");
}

int worker_is_stale(const struct worker *w)
{
	return isfinite(w->age) && w->age > 0 && worker_is_up(w);
}

/* The words of a remedy, one after the other; returns the next place to look from, NULL at the end. */
static const char *next_word(const char *at, char word[24])
{
	size_t size;

	at += strspn(at, " ");
	size = strcspn(at, " ");
	snprintf(word, 24, "%.*s", (int)(size < 23 ? size : 23), at);
	return size ? at + size : NULL;
}

int worker_has_remedy(const struct worker *w, const char *action)
{
	char word[24];

	for (const char *at = w->remedy; at && (at = next_word(at, word)) != NULL;)
		if (!strcmp(word, action))
			return 1;
	return 0;
}

const struct run *worker_newest_run(const struct model *m, const struct worker *w)
{
	for (size_t i = m->run_count; i-- > 0;)
		if (m->runs[i].worker && !strcmp(m->runs[i].worker, w->id))
			return &m->runs[i];
	return NULL;
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

/* How far it is, 0..1, as far as earlier ones tell; NAN: nobody knows. A long one moves once a second. */
static double progress(const struct pane *p, const struct model *m, const struct worker *w, const struct run *r)
{
	double usual = usual_seconds(m, r->step), passed = elapsed(p, r), share;
	int count, place;

	share = usual > 0 ? fmin((usual > COARSE ? floor(passed) : passed) / usual, 0.95) : NAN;
	if (strcmp(r->step, "measure") || !w)
		return share;
	place = place_in_order(w->order, r->arm ? r->arm : "", &count);
	return count ? (place + (isnan(share) ? 0 : share)) / count : share;
}

static const char *step_word(const struct run *r)
{
	return !strcmp(r->step, "build") ? "building" : !strcmp(r->step, "checks") ? "checking" : r->step;
}

/* Words */

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
	else if (worker_is_state(w, "ready"))
		buf_puts(out, "waits for work");
	else if (worker_is_state(w, "busy"))
		buf_puts(out, "between rounds");
	else if (worker_is_state(w, "starting"))
		buf_puts(out, w->status && !strcmp(w->status, "UP") ? "is set up" : "comes up");
	else if (worker_is_state(w, "down"))
		buf_puts(out, "has ended");
	else if (worker_is_state(w, "admitting"))
		buf_printf(out, "admission pair %zu of %d", w->admission.count + 1, RULE_ADMISSION_PAIRS);
}

/* What the last run that ended on it came to. */
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

static enum style state_style(const struct worker *w)
{
	if (worker_is_state(w, "quarantined") || worker_is_state(w, "lost"))
		return STYLE_BAD;
	if (worker_is_state(w, "down") || worker_is_stale(w))
		return STYLE_MUTED;
	return worker_is_state(w, "ready") ? STYLE_GOOD : STYLE_INFO;
}

/* "UP 3 min ago": the provider's last word, and how old it is by now; "" when it is fresh. */
static void stale_text(const struct tile *t, char out[64])
{
	const struct worker *w = t->w;
	double seconds = w->age + (t->pane->now > w->accrued ? (double)(t->pane->now - w->accrued) / 1e6 : 0);
	const char *status = w->status ? w->status : "seen";

	out[0] = '\0';
	if (!worker_is_stale(w))
		return;
	if (seconds < 120)
		snprintf(out, 64, "%.20s %d s ago", status, (int)(seconds / 10) * 10);
	else if (seconds < 7200)
		snprintf(out, 64, "%.20s %d min ago", status, (int)(seconds / 60));
	else
		snprintf(out, 64, "%.20s %d h ago", status, (int)(seconds / 3600));
}

/* A worker that only waits has no age on the screen: it would be drawn every second for nothing. */
static void age_text(const struct tile *t, char out[CLOCK_TEXT])
{
	out[0] = '\0';
	if (!worker_is_state(t->w, "ready") && !worker_is_state(t->w, "down"))
		clock_duration(t->pane->now - t->w->since, out);
}

/* Where it is, of what kind, and what it is called: as much of it as fits. */
static void label(const struct tile *t, struct buf *out)
{
	const struct worker *w = t->w;

	if (t->is_mixed && w->arch)
		buf_printf(out, "%s ", !strcmp(w->arch, "x86_64") ? "x86" : !strcmp(w->arch, "aarch64") ? "arm" : w->arch);
	if (w->place)
		buf_printf(out, "%s ", w->place);
	if (w->name && (!w->place || strcmp(w->name, w->place)))
		buf_puts(out, w->name);
	else if (!w->place && w->runner)
		buf_puts(out, w->runner);
}

/* Rows */

struct piece {
	char key[24], word[24];
};

/* What helps, as keys: "R retry", "D down". Returns how many. */
static int remedy_of(const struct tile *t, struct piece out[PIECES_MAX])
{
	static const struct { const char *word; enum action action; } keys[] = {
		{ "retry", ACTION_RETRY }, { "replace", ACTION_REPLACE }, { "down", ACTION_SHUT_DOWN }, { "release", ACTION_RELEASE },
		{ "quarantine", ACTION_QUARANTINE },
	};
	int n = 0;

	for (const char *at = t->w->remedy; at && n < PIECES_MAX && (at = next_word(at, out[n].word)) != NULL; n++) {
		struct buf key = { 0 };
		for (size_t i = 0; i < sizeof keys / sizeof keys[0] && t->pane->keymap; i++)
			if (!strcmp(keys[i].word, out[n].word))
				keymap_keys(t->pane->keymap, CONTEXT_GRID, keys[i].action, &key);
		snprintf(out[n].key, sizeof out[n].key, "%.20s%s", buf_str(&key), key.len ? " " : "");
		buf_release(&key);
	}
	return n;
}

static int remedy_columns(const struct tile *t)
{
	struct piece pieces[PIECES_MAX];
	int n = remedy_of(t, pieces), columns = n ? 2 * (n - 1) : 0;

	for (int i = 0; i < n; i++)
		columns += text_columns(pieces[i].key) + text_columns(pieces[i].word);
	return columns;
}

static void draw_remedy(const struct tile *t, struct canvas *c, int y, int x)
{
	struct piece pieces[PIECES_MAX];
	int n = remedy_of(t, pieces);

	for (int i = 0; i < n; i++) {
		x += canvas_text(c, y, x, STYLE_KEY, pieces[i].key, -1);
		x += canvas_text(c, y, x, STYLE_MUTED, pieces[i].word, -1) + 2;
	}
}

/* Ends before column `end`, if there is room for what else stands there; returns where it begins. */
static int draw_remedy_right(const struct tile *t, struct canvas *c, int y, int end)
{
	int x = end - remedy_columns(t);

	if (x >= end || x < end / 4)
		return end;
	draw_remedy(t, c, y, x);
	return x;
}

static void draw_name(const struct tile *t, struct canvas *c, int y)
{
	char age[CLOCK_TEXT], stale[64];
	struct buf text = { 0 };
	const struct worker *w = t->w;
	int x, end = c->columns;

	age_text(t, age);
	stale_text(t, stale);
	end = canvas_text_right(c, y, end, STYLE_MUTED, age);
	end = canvas_text_right(c, y, end - (end < c->columns), state_style(w), w->state ? w->state : "");
	if (*stale)
		end = canvas_text_right(c, y, end - 1, STYLE_WARN, stale);
	x = canvas_text(c, y, 0, STYLE_LINK, w->id, -1) + 1;
	label(t, &text);
	canvas_text_cut(c, y, x, worker_is_out(w) ? STYLE_MUTED : STYLE_DEFAULT, buf_str(&text), end - x - 1);
	buf_release(&text);
}

/* How noisy it is in percent, as short as can be. Returns where it begins. */
static int draw_noise_figure(const struct worker *w, struct canvas *c, int y, int end)
{
	char text[NUMBER_TEXT];

	if (!isfinite(w->noise_percent))
		return end;
	snprintf(text, sizeof text, "%.*f %%", w->noise_percent < 10 ? 1 : 0, w->noise_percent);
	return canvas_text_right(c, y, end, w->noise_percent > 100 * rule_of(RULE_STANDARD).admit ? STYLE_WARN : STYLE_MUTED, text);
}

/* What runs, a bar of how far it is, and how late it is, as far as there is room for one after the other. */
static void draw_work(const struct tile *t, struct canvas *c, int y, int end)
{
	const struct run *r = worker_run(t->m, t->w);
	struct buf text = { 0 };
	int late = r && is_late(t->pane, t->m, r), x = 14, columns;
	double share = r ? progress(t->pane, t->m, t->w, r) : NAN;
	char words[64] = "", since[CLOCK_TEXT];
	enum style plain = worker_is_out(t->w) ? STYLE_MUTED : STYLE_DEFAULT;

	if (r)
		what_runs(r, t->w, &text);
	else
		what_else(t->w, &text);
	if (text_columns(buf_str(&text)) + 1 > x)
		x = text_columns(buf_str(&text)) + 1;
	columns = end - x;
	if (late) {
		clock_duration((int64_t)(elapsed(t->pane, r) * 1e6), since);
		snprintf(words, sizeof words, " late: %s", since);
	}
	if (late && text_columns(words) < columns) {
		columns -= text_columns(words);
		canvas_text_right(c, y, end, STYLE_WARN, words);
	} else if (late) {
		plain = STYLE_WARN;
	}
	canvas_text_cut(c, y, 0, plain, buf_str(&text), isnan(share) || columns < BAR_LEAST ? end : x - 1);
	if (!isnan(share) && columns >= BAR_LEAST)
		bar_progress(c, y, x, columns < PROGRESS_MAX ? columns : PROGRESS_MAX, share, late ? STYLE_WARN : STYLE_BAR, STYLE_BAR_EMPTY);
	buf_release(&text);
}

/* "$1.20  $0.34/h"; nothing where nothing costs. Returns where it begins. */
static int draw_money(const struct tile *t, struct canvas *c, int y, int end)
{
	double usd = worker_usd(t->w, t->pane->now);
	char money[NUMBER_TEXT];

	if (t->w->usd_per_hour > 0 && worker_is_up(t->w)) {
		number_money(t->w->usd_per_hour, money);
		strcat(money, "/h");
		end = canvas_text_right(c, y, end, STYLE_MUTED, money);
	}
	if (usd > 0) {
		number_money(usd, money);
		end = canvas_text_right(c, y, end - (end < c->columns ? 2 : 0), worker_is_out(t->w) ? STYLE_MUTED : STYLE_DEFAULT, money);
	}
	return end;
}

static void draw_noise(const struct tile *t, struct canvas *c, int y)
{
	const struct worker *w = t->w;
	struct rule rule = rule_of(RULE_STANDARD);
	double highest = rule.admit;
	char text[NUMBER_TEXT];
	int x, end = draw_money(t, c, y, c->columns) - 1;

	if (isfinite(w->noise_percent)) {
		snprintf(text, sizeof text, "%s%.*f %%", c->columns < LABELLED ? "" : "noise ", w->noise_percent < 10 ? 1 : 0, w->noise_percent);
		x = canvas_text(c, y, 0, w->noise_percent > 100 * rule.admit ? STYLE_WARN : STYLE_MUTED, text, end) + 1;
	} else {
		x = canvas_text_cut(c, y, 0, STYLE_MUTED, w->history.count ? "noise" : "noise not known yet", end) + 1;
	}
	for (size_t i = 0; i < w->history.count; i++)
		highest = fmax(highest, w->history.at[i]);
	bar_sparkline(c, y, x, end - x < PROGRESS_MAX ? end - x : PROGRESS_MAX, w->history.at, w->history.count, 0,
		highest, STYLE_MUTED);
}

static enum style line_style(const char *line)
{
	static const enum style styles[MARK_COUNT] = { [MARK_NONE] = STYLE_DEFAULT, [MARK_METRIC] = STYLE_STRONG,
		[MARK_DRIVER] = STYLE_MUTED, [MARK_WARNING] = STYLE_WARN, [MARK_ERROR] = STYLE_BAD };

	return styles[mark_of(line)];
}

static void draw_log(const struct tile *t, struct canvas *c, int y, int rows)
{
	struct buf result = { 0 };
	const char *newest = t->last;
	int above = rows - 1;
	size_t from;

	if (rows < 1)
		return;
	if (!newest) {
		last_result(t->m, t->w, &result);
		newest = buf_str(&result);
	}
	from = t->line_count > (size_t)above ? t->line_count - (size_t)above : 0;
	for (size_t i = from; i < t->line_count; i++, y++)
		canvas_text_cut(c, y, 0, t->last ? line_style(t->lines[i]) : STYLE_MUTED, t->lines[i], -1);
	canvas_text_cut(c, y, 0, t->last ? line_style(newest) : STYLE_MUTED, newest, -1);
	buf_release(&result);
}

/* Wrapped between words into at most `rows` rows; returns how many it took. */
static int draw_wrapped(struct canvas *c, int y, int rows, enum style s, const char *text)
{
	int used = 0, columns;

	while (*text && used < rows) {
		size_t fits = text_fit(text, c->columns, &columns), cut = fits;
		if (used == rows - 1 || !text[fits] || !fits) {
			canvas_text_cut(c, y + used++, 0, s, text, -1);
			break;
		}
		while (cut > fits / 2 && text[cut] != ' ')
			cut--;
		cut = cut > fits / 2 ? cut : fits;
		struct buf line = { 0 };
		buf_add(&line, text, cut);
		canvas_text(c, y + used++, 0, s, buf_str(&line), -1);
		buf_release(&line);
		text += cut + strspn(text + cut, " ");
	}
	return used;
}

/* Something is wrong: what, in full where there is room, and what helps. */
static void draw_trouble(const struct tile *t, struct canvas *c)
{
	int rows = t->height - (t->w->remedy != NULL) - (t->height >= TILE_ROWS), y = 1;
	struct buf text = { 0 };

	what_else(t->w, &text);
	y += draw_wrapped(c, y, rows - 1 < 1 ? 1 : rows - 1, worker_is_state(t->w, "lost") || t->w->remedy ? STYLE_WARN : STYLE_MUTED, buf_str(&text));
	buf_release(&text);
	if (t->height >= TILE_ROWS)
		draw_noise(t, c, y++);
	if (t->w->remedy && y < t->height)
		draw_remedy(t, c, y++, 0);
	if (y < t->height)
		draw_log(t, c, y, t->height - y);
}

static int is_trouble(const struct tile *t)
{
	return !worker_run(t->m, t->w) && (t->w->remedy || (t->w->reason && worker_is_out(t->w)));
}

static void draw_two(const struct tile *t, struct canvas *c)
{
	int end = c->columns;

	draw_name(t, c, 0);
	if (is_trouble(t))
		end = draw_remedy_right(t, c, 1, end);
	else
		end = draw_noise_figure(t->w, c, 1, end);
	draw_work(t, c, 1, end - (end < c->columns));
}

/* From the right: money, noise, age; then id, state, where there is room the place, and what it does. */
static void draw_one(const struct tile *t, struct canvas *c)
{
	const struct worker *w = t->w;
	char age[CLOCK_TEXT], stale[64];
	struct buf text = { 0 };
	int x, end = c->columns;

	if (c->columns >= WIDE)
		end = draw_money(t, c, 0, end) - 2;
	if (is_trouble(t) && c->columns >= LABELLED)
		end = draw_remedy_right(t, c, 0, end) - 1;
	else
		end = draw_noise_figure(w, c, 0, end) - 1;
	age_text(t, age);
	stale_text(t, stale);
	x = canvas_text(c, 0, 0, STYLE_LINK, w->id, -1);
	x = (x < 3 ? 3 : x) + 1;
	x += canvas_text(c, 0, x, state_style(w), w->state ? w->state : "", end - x);
	if (c->columns >= LABELLED) {
		x = 4 + STATE_COLUMNS;
		canvas_text_right(c, 0, x + 6, STYLE_MUTED, age);
		x += 6;
	}
	x++;
	if (*stale && c->columns >= LABELLED)
		x += canvas_text(c, 0, x, STYLE_WARN, stale, end - x) + 1;
	if (c->columns >= WIDE) {
		label(t, &text);
		canvas_text_cut(c, 0, x, worker_is_out(w) ? STYLE_MUTED : STYLE_DEFAULT, buf_str(&text), (end - x) / 3);
		x += (end - x) / 3 + 1;
		buf_release(&text);
	}
	if (end > x) {
		struct canvas work = canvas_sub(c, (struct rect){ 0, x, 1, end - x });
		draw_work(t, &work, 0, work.columns);
	}
}

void tile_draw(const struct tile *t, struct canvas *c)
{
	if (t->height < 2) {
		draw_one(t, c);
		return;
	}
	if (t->height < 3) {
		draw_two(t, c);
		return;
	}
	draw_name(t, c, 0);
	if (is_trouble(t)) {
		draw_trouble(t, c);
		return;
	}
	draw_work(t, c, 1, c->columns);
	if (t->height >= TILE_ROWS)
		draw_noise(t, c, 2);
	draw_log(t, c, t->height >= TILE_ROWS ? 3 : 2, t->height >= TILE_ROWS ? t->height - 3 : 1);
}

void tile_draw_step(const struct pane *p, const struct model *m, const struct run *r, struct canvas *c)
{
	char age[CLOCK_TEXT];
	int x;

	clock_duration((int64_t)(elapsed(p, r) * 1e6), age);
	x = canvas_printf(c, 0, 0, STYLE_INFO, "▸ %s", step_word(r));
	x += 1 + canvas_printf(c, 0, x + 1, STYLE_LINK, "%-4s", r->arm ? r->arm : "");
	x += 1 + canvas_printf(c, 0, x + 1, is_late(p, m, r) ? STYLE_WARN : STYLE_MUTED, "%5s", age);
	canvas_text_cut(c, 0, x + 2, STYLE_MUTED, r->last_line ? r->last_line : "", -1);
}
