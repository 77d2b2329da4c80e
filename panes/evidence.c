/* One proposal's evidence: its pairs over their number, what each worker says, how the evidence grew, and what other
 * rules would say of the same numbers. On `base`: the metric's history, wave by wave.
 *
 * Everything is laid out on a sheet as high as it needs to be, of which the pane shows a part: from 100 columns the
 * tables stand beside the plot, else below it. The layout is a pure function of the model and the width, so draw
 * computes it anew. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "core/judge/stats.h"
#include "panes/history.h"
#include "panes/standing.h"
#include "tui/bar.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { BESIDE = 100, SIDE_COLUMNS = 44, PLOT_LOW = 7, PLOT_ROWS = 11, PLOT_HIGH = 19, AROUND = 7,
       AXIS_COLUMNS = 9, PAIRS_MAX = 128 };

struct evidence_state {
	int top, height;		/* first row of the sheet shown; rows it has */
	char *on;			/* "p7", "base": moves with left and right */
};

static const char *subject(const struct pane *p)
{
	const struct evidence_state *s = p->state;

	return s->on ? s->on : p->name ? p->name : "base";
}

static double percent(double ratio)
{
	return 100 * expm1(ratio);
}

/* Other rules, on the same numbers */

/* "sd < 2 % of the mean" (the write-up of research-driven agents): the number of pairs from which it would have kept,
 * 0: never. */
static size_t kept_by_deviation(const struct model *m, const struct proposal *p)
{
	double values[PAIRS_MAX], base[PAIRS_MAX];

	for (size_t n = 1; n <= p->pair_count && n <= PAIRS_MAX; n++) {
		values[n - 1] = p->pairs[n - 1].value;
		base[n - 1] = p->pairs[n - 1].base_value;
		double mean = stats_mean(values, n), gain = mean - stats_mean(base, n);
		if (m->lower_is_better)
			gain = -gain;
		if (n >= 3 && gain > 0 && stats_deviation(values, n) < 0.02 * mean)
			return n;
	}
	return 0;
}

/* pi's confidence: |best - first| / MAD over all runs in their order, the baseline's first; NAN: null there. */
static double pi_confidence(const struct model *m, const struct proposal *p)
{
	double runs[2 * PAIRS_MAX], best = NAN, mad;
	size_t n = 0;

	for (size_t i = 0; i < p->pair_count && i < PAIRS_MAX; i++) {
		double value = p->pairs[i].value;
		runs[n++] = p->pairs[i].base_value;
		runs[n++] = value;
		if (isnan(best) || (m->lower_is_better ? value < best : value > best))
			best = value;
	}
	mad = n ? stats_mad(runs, n) : 0;
	return n < 3 || !(mad > 0) || best == runs[0] ? NAN : fabs(best - runs[0]) / mad;
}

static double u_test(const struct proposal *p)
{
	double values[PAIRS_MAX], base[PAIRS_MAX];
	size_t n = 0;

	for (; n < p->pair_count && n < PAIRS_MAX; n++) {
		values[n] = p->pairs[n].value;
		base[n] = p->pairs[n].base_value;
	}
	if (n < 2)
		return NAN;
	if (2 * n <= STATS_EXACT)
		return stats_mann_whitney(values, n, base, n).p_two;
	return stats_mann_whitney_normal(values, n, base, n).p;
}

/* The sheet. Each part draws from row y on and returns the row after it; c may be cut off above and below. */

static int draw_rule(struct canvas *c, int y, const char *name, const char *text)
{
	canvas_text(c, y, 1, STYLE_MUTED, name, -1);
	canvas_text_cut(c, y, 16, STYLE_DEFAULT, text, -1);
	return y + 1;
}

static const char *pi_word(double confidence)
{
	return confidence >= 2 ? "likely real" : confidence >= 1 ? "marginal" : "within noise";
}

static int draw_other_rules(const struct model *m, const struct proposal *p, struct canvas *c, int y)
{
	size_t kept = kept_by_deviation(m, p);
	double confidence = pi_confidence(m, p), probability = u_test(p);
	char text[96];

	canvas_text(c, y++, 0, STYLE_HEADING, "other rules would say", -1);
	if (kept)
		snprintf(text, sizeof text, "keep (from pair %zu)", kept);
	else
		snprintf(text, sizeof text, "not kept");
	y = draw_rule(c, y, "sd < 2 %", text);
	if (isnan(confidence))
		snprintf(text, sizeof text, "-");
	else
		snprintf(text, sizeof text, "%.1f, \"%s\"", confidence, pi_word(confidence));
	y = draw_rule(c, y, "pi confidence", text);
	if (isnan(probability))
		snprintf(text, sizeof text, "-");
	else
		snprintf(text, sizeof text, probability < 0.0005 ? "p < 0.001" : "p = %.3f", probability);
	return draw_rule(c, y, "U test", text);
}

/* Pairs that confirm have another mark: they are of another worker, or of binaries that were built anew. */
static void put_dot(struct canvas *c, int y, int x, const struct pair *pair)
{
	canvas_put(c, y, x, pair->phase == 2 ? STYLE_GOOD : STYLE_INFO, pair->phase == 2 ? 0x25cb : 0x2022);
}

static int is_same_stay(const struct pair *a, const struct pair *b)
{
	return a->phase == b->phase && !strcmp(a->worker ? a->worker : "", b->worker ? b->worker : "");
}

static void draw_stay(const struct model *m, const struct proposal *p, size_t first, struct canvas *c, int y)
{
	const struct pair *pair = &p->pairs[first];
	const struct worker *w = model_worker(m, pair->worker);
	double ratios[PAIRS_MAX];
	size_t n = 0;
	char text[NUMBER_TEXT];

	for (size_t i = first; i < p->pair_count && n < PAIRS_MAX; i++)
		if (is_same_stay(&p->pairs[i], pair))
			ratios[n++] = p->pairs[i].ratio;
	put_dot(c, y, 1, pair);
	canvas_text(c, y, 3, STYLE_LINK, pair->worker ? pair->worker : "", 4);
	canvas_text_cut(c, y, 7, STYLE_DEFAULT, w && w->name ? w->name : "", 17);
	snprintf(text, sizeof text, "%zu", n);
	canvas_text_right(c, y, 28, STYLE_DEFAULT, text);
	number_percent(percent(stats_hodges_lehmann(ratios, n)), 1, text);
	canvas_text_right(c, y, 38, STYLE_DEFAULT, text);
	if (pair->phase == 2)
		canvas_text(c, y, 39, STYLE_MUTED, "conf.", -1);
}

static int draw_workers(const struct model *m, const struct proposal *p, struct canvas *c, int y)
{
	canvas_text(c, y, 0, STYLE_HEADING, "by worker", -1);
	canvas_text_right(c, y, 28, STYLE_HEADING, "n");
	canvas_text_right(c, y++, 38, STYLE_HEADING, "change");
	for (size_t i = 0; i < p->pair_count; i++) {
		size_t before = 0;
		while (before < i && !is_same_stay(&p->pairs[before], &p->pairs[i]))
			before++;
		if (before == i)
			draw_stay(m, p, i, c, y++);
	}
	return y;
}

/* The first round number of percent that divides the plot into two to five parts. */
static double step_for(double span)
{
	static const double steps[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100 };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (span / steps[i] <= 5)
			return steps[i];
	return 200;
}

struct plot {
	double low, high, step;		/* percent; the rows' middles go from high to low */
	int rows, columns;
};

static int row_of(const struct plot *plot, double v)
{
	return (int)lround((plot->high - v) / (plot->high - plot->low) * (plot->rows - 1));
}

/* What lies far from the median does not widen the scale: one slow run shall not flatten the rest. */
static struct plot plot_of(const struct proposal *p, int rows, int columns)
{
	struct plot plot = { .low = 0, .high = 0, .rows = rows, .columns = columns };
	double changes[PAIRS_MAX] = { 0 }, middle, reach;
	size_t n = 0;

	for (; n < p->pair_count && n < PAIRS_MAX; n++)
		changes[n] = percent(p->pairs[n].ratio);
	middle = stats_median(changes, n);
	reach = fmax(6 * stats_mad(changes, n), 1.5);
	for (size_t i = 0; i < n; i++)
		if (fabs(changes[i] - middle) <= reach) {
			plot.low = fmin(plot.low, changes[i]);
			plot.high = fmax(plot.high, changes[i]);
		}
	plot.step = step_for(plot.high - plot.low);
	plot.low = plot.step * floor(plot.low / plot.step - 0.25);
	plot.high = plot.step * ceil(plot.high / plot.step + 0.25);
	return plot;
}

static void draw_scale(const struct plot *plot, const struct proposal *p, struct canvas *c, int y)
{
	int used[PLOT_HIGH] = { 0 };

	for (int r = 0; r < plot->rows; r++)
		canvas_put(c, y + r, AXIS_COLUMNS - 1, STYLE_AXIS, 0x250a);
	for (int i = 0; i < plot->columns; i++)
		canvas_put(c, y + row_of(plot, 0), AXIS_COLUMNS + i, STYLE_AXIS, 0x2500);
	for (int i = 0; i < plot->columns && p->pair_count > 2; i += 2)
		canvas_put(c, y + row_of(plot, p->change_percent), AXIS_COLUMNS + i, STYLE_STRONG, 0x2500);
	for (double v = 0; v <= plot->high + plot->step / 2; v += plot->step) {
		char text[NUMBER_TEXT];
		int r = row_of(plot, v);
		if (r < 0 || r >= plot->rows || used[r]++)
			continue;
		number_percent(v, plot->step < 1, text);
		canvas_text_right(c, y + r, AXIS_COLUMNS - 2, STYLE_MUTED, text);
	}
	for (double v = -plot->step; v >= plot->low - plot->step / 2; v -= plot->step) {
		char text[NUMBER_TEXT];
		int r = row_of(plot, v);
		if (r < 0 || r >= plot->rows || used[r]++)
			continue;
		number_percent(v, plot->step < 1, text);
		canvas_text_right(c, y + r, AXIS_COLUMNS - 2, STYLE_MUTED, text);
	}
}

static int column_of_pair(const struct plot *plot, const struct proposal *p, size_t i)
{
	int apart = p->pair_count ? (plot->columns - 2) / (int)p->pair_count : 1;

	apart = apart < 1 ? 1 : apart > 4 ? 4 : apart;
	return AXIS_COLUMNS + 1 + (int)i * apart;
}

/* Pair numbers below their dots: the first, the last, and every fifth that has room. */
static void draw_pair_numbers(const struct plot *plot, const struct proposal *p, struct canvas *c, int y)
{
	int free_from = 0, end = p->pair_count ? column_of_pair(plot, p, p->pair_count - 1) : 0;

	for (size_t n = 1; n <= p->pair_count; n++) {
		char text[24];
		int x = column_of_pair(plot, p, n - 1), is_last = n == p->pair_count;
		if ((n != 1 && n % 5 && !is_last) || x < free_from || (!is_last && end - x < 4))
			continue;
		snprintf(text, sizeof text, "%zu", n);
		free_from = x + canvas_text(c, y, x, STYLE_MUTED, text, -1) + 1;
	}
	canvas_text(c, y, AXIS_COLUMNS - 5, STYLE_MUTED, "pair", -1);
}

static int draw_plot(const struct proposal *p, struct canvas *c, int y, int rows)
{
	struct plot plot = plot_of(p, rows, c->columns - AXIS_COLUMNS);
	char far[128] = "";
	int outside = 0;

	draw_scale(&plot, p, c, y);
	for (size_t i = 0; i < p->pair_count; i++) {
		double change = percent(p->pairs[i].ratio);
		int x = column_of_pair(&plot, p, i);
		if (change >= plot.low && change <= plot.high)
			put_dot(c, y + row_of(&plot, change), x, &p->pairs[i]);
		else
			canvas_put(c, change < 0 ? y + rows - 1 : y, x, STYLE_WARN, change < 0 ? 0x2193 : 0x2191);
		if ((change < plot.low || change > plot.high) && !outside++)
			snprintf(far, sizeof far, "off the scale: pair %zu %+.1f %%, %s", i + 1, change,
				p->pairs[i].worker ? p->pairs[i].worker : "");
	}
	draw_pair_numbers(&plot, p, c, y + rows);
	y += rows + 1;
	if (outside > 1)
		snprintf(far + strlen(far), sizeof far - strlen(far), " and %d more", outside - 1);
	if (outside)
		canvas_text_cut(c, y++, AXIS_COLUMNS, STYLE_WARN, far, -1);
	return y;
}

/* How the evidence grew, on a logarithmic scale from 1 to what is needed. */
static int draw_growth(const struct proposal *p, struct canvas *c, int y)
{
	double log_values[PAIRS_MAX];
	size_t n = 0;
	char value[NUMBER_TEXT];
	int x;

	for (; n < p->pair_count && n < PAIRS_MAX; n++)
		log_values[n] = log(fmax(p->pairs[n].evidence, 1));
	x = AXIS_COLUMNS + 1;
	canvas_text(c, y, 0, STYLE_MUTED, "evidence", -1);
	bar_sparkline(c, y, x, c->columns - x - 8, log_values, n, 0, log(p->needed > 1 ? p->needed : 20), STYLE_BAR);
	number_short(p->evidence, value);
	canvas_text(c, y, x + (int)(n < PAIRS_MAX ? n : PAIRS_MAX) + 1, STYLE_DEFAULT, value, -1);
	return y + 1;
}

static void add_fact(struct buf *out, const char *fact)
{
	if (*fact)
		buf_printf(out, "%s%s", out->len ? "   " : "", fact);
}

static void facts_of(const struct model *m, const struct proposal *p, struct buf *out)
{
	char value[NUMBER_TEXT], needed[NUMBER_TEXT], line[160];
	struct buf change = { 0 };
	struct strings names = { 0 };

	number_short(p->evidence, value);
	number_short(p->needed, needed);
	if (isfinite(p->evidence)) {
		snprintf(line, sizeof line, "E %s of %s", value, needed);
		add_fact(out, line);
	}
	change_line(p->change_percent, p->low, p->high, &change);
	snprintf(line, sizeof line, "change %.100s", buf_str(&change));
	add_fact(out, change.len ? line : "");
	if (isfinite(p->shrunk_percent)) {
		snprintf(line, sizeof line, "shrunk %+.1f %%", p->shrunk_percent);
		add_fact(out, line);
	}
	secondary_names(m, &names);
	for (size_t i = 0; i < names.count; i++) {
		double v = proposal_secondary(m, p, names.at[i]);
		number_fixed(v, number_decimals(&v, 1, 4), value);
		snprintf(line, sizeof line, "%.60s %s", names.at[i], value);
		add_fact(out, isfinite(v) ? line : "");
	}
	add_fact(out, p->pair_count && p->verdict_reason && strlen(p->verdict_reason) < 24 ? p->verdict_reason : "");
	if (m->harness) {
		snprintf(line, sizeof line, "harness %.8s", m->harness);
		add_fact(out, line);
	}
	strings_release(&names);
	buf_release(&change);
}

/* Facts go on a further line where the width does not hold them. */
static int draw_facts(const char *facts, struct canvas *c, int y)
{
	char copy[600];
	int x = 0;

	snprintf(copy, sizeof copy, "%s", facts);
	for (char *fact = copy, *next; fact; fact = next) {
		next = strstr(fact, "   ");
		if (next) {
			*next = '\0';
			next += 3;
		}
		if (x && x + text_columns(fact) > c->columns) {
			x = 0;
			y++;
		}
		x += canvas_text_cut(c, y, x, STYLE_DEFAULT, fact, -1) + 3;
	}
	return y + 1;
}

static const char *what_comes(const struct proposal *p)
{
	if (p->conflict)
		return p->conflict;
	if (p->verdict_reason)
		return p->verdict_reason;
	if (p->state == STATE_WAITING || p->state == STATE_STOPPED)
		return "Nothing is measured before you approve it: see 4.";
	return standing_is_out(p) ? "It was not measured." : "Its pairs appear here, one a round, once its wave runs.";
}

static int draw_head(const struct model *m, const struct proposal *p, struct canvas *c, int y)
{
	struct standing standing = standing_of(p);
	struct buf facts = { 0 };
	char text[64];
	int end = c->columns, x;

	if (*standing.verdict && p->pair_count && c->columns >= 60)
		snprintf(text, sizeof text, "%s at pair %zu%s%s", standing.verdict, p->pair_count,
			*standing.state ? ", " : "", standing.state);
	else
		snprintf(text, sizeof text, "%s", standing.word);
	end = canvas_text_right(c, y, end, standing.style, text);
	x = canvas_text(c, y, 0, STYLE_LINK, p->id, -1) + 1;
	canvas_text_cut(c, y, x, STYLE_STRONG, p->title ? p->title : "", end - x - 1);
	facts_of(m, p, &facts);
	y = facts.len ? draw_facts(buf_str(&facts), c, y + 1) : y + 1;
	if (p->pair_count && p->verdict_reason && strlen(p->verdict_reason) >= 24)
		canvas_text_cut(c, y++, 0, STYLE_MUTED, p->verdict_reason, -1);
	buf_release(&facts);
	return y;
}

/* The plot takes what the rest leaves beside the tables; above them it leaves room to see that there are some. */
static int plot_rows(const struct canvas *c, int beside)
{
	int room = c->rows - AROUND;

	if (!beside)
		return c->rows >= 20 ? PLOT_ROWS : PLOT_LOW;
	return room < PLOT_LOW ? PLOT_LOW : room > PLOT_HIGH ? PLOT_HIGH : room;
}

static int draw_lines(const char *text, struct canvas *c, int y)
{
	while (*text) {
		char *line = xstrndup(text, strcspn(text, "\n"));
		canvas_text_cut(c, y++, 0, STYLE_MUTED, line, -1);
		text += strlen(line) + (text[strlen(line)] == '\n');
		free(line);
	}
	return y;
}

static int draw_proposal(const struct model *m, const struct proposal *p, struct canvas *c, int y)
{
	struct canvas left = *c, side = *c;
	int beside = c->columns >= BESIDE, below, rows = plot_rows(c, beside);

	y = draw_head(m, p, c, y);
	if (!p->pair_count)
		return draw_lines(what_comes(p), c, y + 1);
	if (beside) {
		left.columns -= SIDE_COLUMNS + 3;
		side.x += left.columns + 3;
		side.columns = SIDE_COLUMNS;
	}
	below = draw_growth(p, &left, draw_plot(p, &left, y, rows));
	y = draw_workers(m, p, &side, beside ? y : below + 1);
	y = draw_other_rules(m, p, &side, y + 1);
	return y > below ? y : below;
}

/* The baseline's history */

static void draw_wave(const struct model *m, size_t i, const struct spread *s, const struct bar_axis *axis,
	struct canvas *c, int y)
{
	const struct wave *w = &m->waves[i];
	double first = axis->zero;
	char text[NUMBER_TEXT];
	int x = 46, columns = c->columns - x - 12;

	canvas_printf(c, y, 1, STYLE_DEFAULT, "%u", w->number);
	canvas_text(c, y, 7, STYLE_LINK, w->baseline ? w->baseline : "", 7);
	snprintf(text, sizeof text, "%zu", s->n);
	canvas_text_right(c, y, 20, STYLE_DEFAULT, text);
	number_fixed(s->mean, number_decimals(&s->mean, 1, 4), text);
	canvas_text_right(c, y, 30, STYLE_STRONG, text);
	number_percent(100 * (m->lower_is_better ? first / s->mean - 1 : s->mean / first - 1), 1, text);
	canvas_text_right(c, y, 40, s->n ? STYLE_DEFAULT : STYLE_MUTED, text);
	if (columns >= 12)
		bar_spread(c, y, x, columns, axis, s->mean, s->sd, STYLE_BAR);
}

static int draw_landed(const struct model *m, unsigned wave, struct canvas *c, int y)
{
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		if (p->state == STATE_LANDED && p->wave == wave)
			canvas_printf(c, y++, 7, STYLE_GOOD, "◆ %s landed, %+.1f %%: %s", p->id, p->change_percent,
				p->title ? p->title : "");
	}
	return y;
}

/* The axis' zero is the first value that there is. */
static int draw_history(const struct model *m, struct canvas *c, int y)
{
	struct bar_axis axis = { .low = 1, .high = -1, .zero = NAN };
	struct spread *waves = history_waves(m);

	for (size_t i = 0; i < m->wave_count; i++) {
		bar_axis_add(&axis, waves[i].mean, waves[i].sd);
		if (isnan(axis.zero))
			axis.zero = waves[i].mean;
	}
	if (isnan(axis.zero)) {
		canvas_text_cut(c, y, 0, STYLE_MUTED,
			"The baseline's value appears here, wave by wave, once it is measured.", -1);
	} else {
		canvas_text(c, y, 0, STYLE_HEADING, "wave   baseline    n      mean  since start", -1);
		canvas_text_cut(c, y, 46, STYLE_HEADING, c->columns >= 70 ? "mean and spread of its rounds" : "", -1);
	}
	y++;
	for (size_t i = 0; i < m->wave_count && isfinite(axis.zero); i++) {
		draw_wave(m, i, &waves[i], &axis, c, y++);
		y = draw_landed(m, m->waves[i].number, c, y);
	}
	free(waves);
	return y;
}

static int draw_base(const struct model *m, struct canvas *c, int y)
{
	char text[160];

	snprintf(text, sizeof text, "base %.10s   %s", m->baseline ? m->baseline : "", m->metric ? m->metric : "");
	canvas_text(c, y++, 0, STYLE_STRONG, text, -1);
	if (count_in_state(m, STATE_LANDED)) {
		snprintf(text, sizeof text,
			"%+.1f %% by what landed (the product of what was measured, each against its "
			"own baseline)", landed_percent(m));
		canvas_text_cut(c, y++, 0, STYLE_GOOD, text, -1);
	}
	return draw_history(m, c, y + 1);
}

/* Draws the sheet so that its row `top` is the first; returns its height. */
static int draw_sheet(const struct pane *p, const struct model *m, struct canvas *c, int top)
{
	const struct proposal *proposal = model_proposal(m, subject(p));
	struct canvas inside = *c;

	inside.x += inside.columns > 0;
	inside.columns -= inside.columns > 1 ? 2 : inside.columns;
	if (!strcmp(subject(p), "base"))
		return draw_base(m, &inside, -top) + top;
	if (!proposal) {
		canvas_printf(&inside, 0, 0, STYLE_MUTED, "There is no proposal %s.", subject(p));
		return 1;
	}
	return draw_proposal(m, proposal, &inside, -top) + top;
}

/* The pane */

static int evidence_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct evidence_state *s = p->state;
	struct grid scratch;
	struct canvas c;

	(void)want;
	grid_init(&scratch, rows, columns);	/* the height comes from drawing it */
	c = canvas_of(&scratch);
	s->height = draw_sheet(p, m, &c, 0);
	grid_release(&scratch);
	if (s->top > s->height - rows)
		s->top = s->height - rows;
	if (s->top < 0)
		s->top = 0;
	return 0;
}

static void evidence_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct evidence_state *s = p->state;

	draw_sheet(p, m, c, s->top);
	if (s->height > s->top + c->rows)
		canvas_text_right(c, c->rows - 1, c->columns, STYLE_ALERT, " ↓ more ");
}

static void evidence_title(const struct pane *p, const struct model *m, struct buf *out)
{
	const struct proposal *proposal = model_proposal(m, subject(p));

	buf_puts(out, subject(p));
	if (proposal && isfinite(proposal->evidence)) {
		char value[NUMBER_TEXT], needed[NUMBER_TEXT];
		number_short(proposal->evidence, value);
		number_short(proposal->needed, needed);
		buf_printf(out, "  E %s of %s", value, needed);
	}
}

static enum pane_result go_to(struct pane *p, const struct model *m, int direction)
{
	struct evidence_state *s = p->state;
	const struct proposal *now = model_proposal(m, subject(p));
	long i = now ? now - m->proposals : -1, to = i + direction;

	if (to < -1 || to >= (long)m->proposal_count)
		return PANE_HANDLED;
	string_set(&s->on, to < 0 ? "base" : m->proposals[to].id);
	s->top = 0;
	return PANE_REDRAW;
}

static enum pane_result evidence_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct evidence_state *s = p->state;
	const struct proposal *proposal = model_proposal(m, subject(p));

	switch (act->action) {
	case ACTION_UP: case ACTION_WHEEL_UP: s->top--; break;
	case ACTION_DOWN: case ACTION_WHEEL_DOWN: s->top++; break;
	case ACTION_PAGE_UP: case ACTION_HALF_PAGE_UP: s->top -= p->rows / 2; break;
	case ACTION_PAGE_DOWN: case ACTION_HALF_PAGE_DOWN: s->top += p->rows / 2; break;
	case ACTION_FIRST: s->top = 0; break;
	case ACTION_LAST: s->top = s->height; break;
	case ACTION_LEFT: case ACTION_PREVIOUS_PROPOSAL: return go_to(p, m, -1);
	case ACTION_RIGHT: case ACTION_NEXT_PROPOSAL: return go_to(p, m, 1);
	case ACTION_ENTER: return proposal ? intent_go(want, "review", proposal->id) : PANE_HANDLED;
	case ACTION_LOG:
		if (!proposal || !proposal->verdict_run)
			return PANE_IGNORED;
		return intent_open(want, "log", proposal->verdict_run);
	case ACTION_COPY: return intent_copy(want, subject(p));
	default: return PANE_IGNORED;
	}
	return PANE_REDRAW;
}

static void evidence_close(struct pane *p)
{
	struct evidence_state *s = p->state;

	free(s->on);
}

const struct pane_ops evidence_pane = {
	.name = "Evidence",
	.context = CONTEXT_TEXT,
	.state_size = sizeof(struct evidence_state),
	.close = evidence_close,
	.title = evidence_title,
	.sync = evidence_sync,
	.draw = evidence_draw,
	.act = evidence_act,
};
