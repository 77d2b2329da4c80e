/* The metric table: the baseline pinned on top, a row for each proposal.
 *
 * Which columns there are hangs on the width: they come in by their worth until the row is full, and what is left
 * widens the titles and the spread. The layout and the order of the rows are worked out in sync and only read by
 * draw.
 *
 * The spread is drawn relative to the baseline of the same rounds, not in units of the metric: workers differ by
 * several percent and the baseline moves with every landing, so raw means of different waves do not lie on one axis.
 * The mean is printed as it was measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/judge/stats.h"
#include "panes/history.h"
#include "panes/standing.h"
#include "tui/bar.h"
#include "tui/list.h"
#include "tui/number.h"
#include "tui/pane.h"

/* X(id, heading, width with its gap, rank: the lowest come in first, can be sorted by) */
#define COLUMNS(X) \
	X(TITLE, "proposal", 15, 0, 1) \
	X(PAIRS, "n", 5, 3, 1) \
	X(MEAN, "mean", 9, 6, 1) \
	X(SPREAD, "spread", 18, 7, 0) \
	X(CHANGE, "change", 9, 1, 1) \
	X(INTERVAL, "", 15, 4, 0) \
	X(GAUGE, "evidence", 12, 5, 1) \
	X(EVIDENCE, "", 8, 2, 0) \
	X(OUTCOME, "verdict", 0, 0, 1)

enum column {
#define X(id, heading, width, rank, sorts) COLUMN_##id,
	COLUMNS(X)
#undef X
	COLUMN_COUNT
};

static const struct {
	const char *heading;
	int width, rank, sorts;
} columns[COLUMN_COUNT] = {
#define X(id, heading, width, rank, sorts) { heading, width, rank, sorts },
	COLUMNS(X)
#undef X
};

enum {
	RANKS = 8, SECONDARIES = 4, FIRST_ROW = 2, MARK = 3, ID = 4,
	TITLE_LEAST = 24, TITLE_GOOD = 34, TITLE_BEST = 70, SPREAD_BEST = 36, SECONDARY_MIN = 8, GAUGE_WIDTH = 10, OUTLIER = 4,
};

enum filter { FILTER_ALL, FILTER_KEPT, FILTER_OPEN, FILTER_OUT, FILTER_COUNT };
static const char *const filter_names[FILTER_COUNT] = { "all", "kept", "under way", "out" };

struct row {
	size_t at;			/* index of the proposal */
	size_t elsewhere;		/* index + 1 of another architecture that was asked about it; 0: the proposal itself */
	double value;			/* of the column that is sorted by */
};

struct metrics_state {
	struct list list;
	int on_base;			/* the pinned row is the selected one */
	int is_touched;			/* the human has chosen a row */
	enum column sort;
	int reverse;
	enum filter filter;
	struct row *rows;		/* in the order shown */
	size_t row_count, row_room;
	int x[COLUMN_COUNT], width[COLUMN_COUNT];	/* width 0: not shown */
	int secondary_x[SECONDARIES], secondary_width[SECONDARIES];
	struct strings secondaries;	/* names of those shown */
	struct bar_axis axis;		/* relative to the baseline: 0.02 is 2 % better */
	int decimals;			/* of means */
	int interval;			/* width of each end */
};

/* What a row needs to be drawn. */
struct view {
	const struct metrics_state *s;
	const struct model *m;
};

/* Numbers */

/* The mean relative to the baseline's in the same rounds, > 0 is better, and its deviation. */
static struct spread relative(const struct model *m, const struct proposal *p)
{
	struct spread own = proposal_spread(p), base = proposal_base_spread(p);

	if (!own.n || !(own.mean > 0) || !(base.mean > 0))
		return (struct spread){ 0, NAN, NAN, NAN, NAN };
	own.sd /= own.mean;
	own.mean = (m->lower_is_better ? -1 : 1) * log(own.mean / base.mean);
	return own;
}

/* What waits for the human first, then what landed, what is under way, and what was not kept. */
static double outcome_rank(const struct proposal *p)
{
	if (proposal_needs_human(p))
		return 100;
	if (p->state == STATE_LANDED)
		return 90;
	return p->state == STATE_DONE ? 30 - (double)p->verdict : 50 - (double)p->state;
}

static double sort_value(const struct proposal *p, enum column column)
{
	switch (column) {
	case COLUMN_PAIRS: return (double)p->pair_count;
	case COLUMN_MEAN: return proposal_spread(p).mean;
	case COLUMN_CHANGE: return p->change_percent;
	case COLUMN_GAUGE: return p->evidence;
	case COLUMN_OUTCOME: return outcome_rank(p);
	default: return 0;
	}
}

/* Whether a comes before b. What has no value comes last, whichever way; equals stay as they came. */
static int comes_before(const struct metrics_state *s, const struct row *a, const struct row *b)
{
	if (s->sort == COLUMN_TITLE)
		return s->reverse ? a->at > b->at : a->at < b->at;
	if (isnan(a->value) || isnan(b->value))
		return !isnan(a->value) && isnan(b->value);
	return s->reverse ? a->value < b->value : a->value > b->value;
}

static int passes(const struct proposal *p, enum filter filter)
{
	int kept = p->verdict == VERDICT_KEEP && p->state != STATE_VETOED, out = standing_is_out(p);

	switch (filter) {
	case FILTER_KEPT: return kept;
	case FILTER_OUT: return out || (p->state == STATE_DONE && !kept);
	case FILTER_OPEN: return !out && p->state != STATE_DONE && p->state != STATE_LANDED;
	default: return 1;
	}
}

/* Insertion keeps equals in their order; a session has tens of proposals. */
static void arrange(struct metrics_state *s, const struct model *m)
{
	s->row_count = 0;
	for (size_t i = 0; i < m->proposal_count; i++) {
		struct row row = { .at = i, .value = sort_value(&m->proposals[i], s->sort) };
		size_t at = s->row_count;
		if (!passes(&m->proposals[i], s->filter))
			continue;
		array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);
		for (; at > 0 && comes_before(s, &row, &s->rows[at - 1]); at--)
			s->rows[at] = s->rows[at - 1];
		s->rows[at] = row;
	}
}

/* Other architectures that were asked stand below their proposal, a row each. */
static void spread_out(struct metrics_state *s, const struct model *m)
{
	for (size_t i = s->row_count; i-- > 0;) {
		struct row row = s->rows[i];
		for (size_t k = m->proposals[row.at].elsewhere_count; k > 0; k--) {
			array_add(&s->rows, &s->row_count, &s->row_room, sizeof *s->rows);
			memmove(&s->rows[i + 2], &s->rows[i + 1], (s->row_count - i - 2) * sizeof *s->rows);
			row.elsewhere = k;
			s->rows[i + 1] = row;
		}
	}
}

/* The axis holds what is of the usual size: one huge win, or one disaster, shall not press all others into a point.
 * What is out of it is drawn as an arrow. */
static void measure_axis(struct metrics_state *s, const struct model *m)
{
	struct spread base = baseline_spread(m);
	struct reals reaches = { 0 };
	double usual;

	s->axis = (struct bar_axis){ .low = 1, .high = -1, .zero = 0 };
	if (base.n)
		bar_axis_add(&s->axis, 0, base.sd / base.mean);
	for (size_t i = 0; i < m->proposal_count; i++) {
		struct spread r = relative(m, &m->proposals[i]);
		if (r.n)
			reals_add(&reaches, fabs(r.mean) + r.sd);
	}
	usual = reaches.count ? stats_median(reaches.at, reaches.count) : 0;
	for (size_t i = 0; i < m->proposal_count; i++) {
		struct spread r = relative(m, &m->proposals[i]);
		if (r.n && fabs(r.mean) + r.sd <= OUTLIER * usual)
			bar_axis_add(&s->axis, r.mean, r.sd);
	}
	bar_axis_add(&s->axis, 0, 0);
	free(reaches.at);
}

static void measure_numbers(struct metrics_state *s, const struct model *m)
{
	struct spread base = baseline_spread(m);
	double largest = base.n ? base.high : NAN;

	s->interval = 4;
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		struct spread own = proposal_spread(p);
		char end[2][NUMBER_TEXT];
		largest = own.n ? fmax(largest, own.high) : largest;
		number_fixed(p->low, 1, end[0]);
		number_fixed(p->high, 1, end[1]);
		for (int k = 0; k < 2; k++)
			if ((int)strlen(end[k]) > s->interval)
				s->interval = (int)strlen(end[k]);
	}
	s->decimals = number_decimals(&largest, 1, 4);
}

/* Layout */

static int longest_title(const struct model *m)
{
	int longest = 0;

	for (size_t i = 0; i < m->proposal_count; i++) {
		int columns_of_title = text_columns(m->proposals[i].title ? m->proposals[i].title : "");
		if (columns_of_title > longest)
			longest = columns_of_title;
	}
	return MARK + ID + longest;
}

/* Takes up to `want` of what is left. */
static int take(int *left, int want)
{
	int got = want < 0 ? 0 : want < *left ? want : *left;

	*left -= got;
	return got;
}

static void add_secondaries(struct metrics_state *s, const struct model *m, int *left)
{
	struct strings names = { 0 };

	strings_release(&s->secondaries);
	secondary_names(m, &names);
	for (size_t i = 0; i < names.count && s->secondaries.count < SECONDARIES; i++) {
		int width = text_columns(names.at[i]) > SECONDARY_MIN ? text_columns(names.at[i]) : SECONDARY_MIN;
		if (width + 2 > *left)
			break;
		*left -= width + 2;
		s->secondary_width[s->secondaries.count] = width;
		strings_add(&s->secondaries, names.at[i]);
	}
	strings_release(&names);
}

static void place(struct metrics_state *s)
{
	int x = 0;

	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (i == COLUMN_OUTCOME)
			for (size_t k = 0; k < s->secondaries.count; k++) {
				s->secondary_x[k] = x + 2;
				x += s->secondary_width[k] + 2;
			}
		s->x[i] = x;
		x += s->width[i];
	}
}

static void lay_out(struct metrics_state *s, const struct model *m, int room)
{
	int left = room, title = longest_title(m), outcome = room >= 100 ? 18 : room >= 60 ? 15 : 11;

	memset(s->width, 0, sizeof s->width);
	for (int rank = 0; rank < RANKS; rank++)
		for (int i = 0; i < COLUMN_COUNT; i++) {
			int width = columns[i].width;
			if (i == COLUMN_OUTCOME)
				width = outcome;
			if (i == COLUMN_INTERVAL)
				width = 2 * s->interval + 5;
			if (columns[i].rank == rank && width <= left) {
				s->width[i] = width;
				left -= width;
			}
		}
	if (s->width[COLUMN_TITLE] + left < (title < TITLE_LEAST ? title : TITLE_LEAST)) {	/* its number stays: the words are worth more */
		left += s->width[COLUMN_GAUGE];
		s->width[COLUMN_GAUGE] = 0;
	}
	s->width[COLUMN_TITLE] += take(&left, (title < TITLE_GOOD ? title : TITLE_GOOD) - s->width[COLUMN_TITLE]);
	add_secondaries(s, m, &left);
	if (s->width[COLUMN_SPREAD])
		s->width[COLUMN_SPREAD] += take(&left, SPREAD_BEST - s->width[COLUMN_SPREAD]);
	s->width[COLUMN_TITLE] += take(&left, (title < TITLE_BEST ? title : TITLE_BEST) - s->width[COLUMN_TITLE]);
	place(s);
}

/* Cells. Every column but the title begins with a gap of two. */

static void right(const struct metrics_state *s, struct canvas *c, enum column column, enum style style,
	const char *text)
{
	if (s->width[column])
		canvas_text_right(c, 0, s->x[column] + s->width[column], style, text);
}

static void draw_mean(const struct metrics_state *s, struct canvas *c, enum style style, double mean)
{
	char text[NUMBER_TEXT];

	number_fixed(mean, s->decimals, text);
	right(s, c, COLUMN_MEAN, style, text);
}

static void draw_spread(const struct metrics_state *s, struct canvas *c, double mean, double deviation,
	enum style style)
{
	int x = s->x[COLUMN_SPREAD] + 2, width = s->width[COLUMN_SPREAD] - 2;
	int is_right = mean > s->axis.high, is_left = mean < s->axis.low;

	if (width <= 0)
		return;
	bar_spread(c, 0, x, width, &s->axis, is_right || is_left ? NAN : mean, deviation, style);
	if (is_right || is_left)
		canvas_put(c, 0, is_right ? x + width - 1 : x, style, is_right ? 0x2192 : 0x2190);
}

/* Evidence lines up on its decimal point, which those from ten on do not print. */
static void draw_evidence(const struct metrics_state *s, struct canvas *c, const struct proposal *p)
{
	char text[NUMBER_TEXT];

	if (isnan(p->evidence))
		return;
	if (s->width[COLUMN_GAUGE])
		bar_evidence(c, 0, s->x[COLUMN_GAUGE] + 2, GAUGE_WIDTH, p->evidence, p->needed, p->verdict != VERDICT_NONE,
			p->evidence >= p->needed ? STYLE_GOOD : STYLE_BAR);
	number_short(p->evidence, text);
	if (!strchr(text, '.'))
		strcat(text, "  ");
	right(s, c, COLUMN_EVIDENCE, STYLE_DEFAULT, text);
}

static void draw_change(const struct metrics_state *s, struct canvas *c, const struct proposal *p)
{
	char text[NUMBER_TEXT];

	if (isnan(p->change_percent))
		return;
	number_percent(p->change_percent, 1, text);
	right(s, c, COLUMN_CHANGE, standing_change_style(p), text);
	number_interval(p->low, p->high, 1, s->interval, text);
	right(s, c, COLUMN_INTERVAL, STYLE_MUTED, text);
}

static void draw_outcome(const struct metrics_state *s, struct canvas *c, const struct proposal *p)
{
	struct standing standing = standing_of(p);
	int width = s->width[COLUMN_OUTCOME] - 2, both = *standing.verdict && *standing.state && width > 14;
	char text[64];

	if (both)
		snprintf(text, sizeof text, "%-6s %s", standing.verdict, standing.state);
	else
		snprintf(text, sizeof text, "%s", standing.word);
	canvas_text_cut(c, 0, s->x[COLUMN_OUTCOME] + 2, standing.style, text, width);
}

static void draw_secondaries(const struct view *v, struct canvas *c, const struct proposal *p)
{
	for (size_t i = 0; i < v->s->secondaries.count; i++) {
		double value = proposal_secondary(v->m, p, v->s->secondaries.at[i]);
		char text[NUMBER_TEXT];
		if (isnan(value))
			continue;
		number_fixed(value, number_decimals(&value, 1, 4), text);
		canvas_text_right(c, 0, v->s->secondary_x[i] + v->s->secondary_width[i], STYLE_MUTED, text);
	}
}

static void draw_elsewhere(const struct metrics_state *s, struct canvas *c, const struct elsewhere *other)
{
	static const struct {
		const char *word;
		enum style style;
	} answers[] = { { "asked", STYLE_INFO }, { "fine", STYLE_GOOD }, { "harmed", STYLE_BAD } };
	char text[NUMBER_TEXT];

	canvas_text_cut(c, 0, MARK + ID, STYLE_MUTED, other->arch, s->width[COLUMN_TITLE] - MARK - ID);
	snprintf(text, sizeof text, "%zu", other->pair_count);
	right(s, c, COLUMN_PAIRS, STYLE_MUTED, text);
	number_percent(other->change_percent, 1, text);
	right(s, c, COLUMN_CHANGE, STYLE_MUTED, text);
	number_interval(other->low, other->high, 1, s->interval, text);
	right(s, c, COLUMN_INTERVAL, STYLE_MUTED, text);
	canvas_text_cut(c, 0, s->x[COLUMN_OUTCOME] + 2, answers[other->answer].style, answers[other->answer].word, s->width[COLUMN_OUTCOME] - 2);
}

static void draw_proposal(const void *data, size_t i, struct canvas *c)
{
	const struct view *v = data;
	const struct metrics_state *s = v->s;
	if (s->rows[i].elsewhere) {
		draw_elsewhere(s, c, &v->m->proposals[s->rows[i].at].elsewhere[s->rows[i].elsewhere - 1]);
		return;
	}
	const struct proposal *p = &v->m->proposals[s->rows[i].at];
	struct standing standing = standing_of(p);
	struct spread r = relative(v->m, p), own = proposal_spread(p);
	enum style style = standing_is_out(p) ? STYLE_MUTED : STYLE_DEFAULT;
	char n[24] = "-";

	canvas_text(c, 0, 1, standing.style, standing.mark, 1);
	canvas_text(c, 0, MARK, STYLE_LINK, p->id, ID);
	canvas_text_cut(c, 0, MARK + ID, style, p->title ? p->title : "", s->width[COLUMN_TITLE] - MARK - ID);
	if (p->pair_count)
		snprintf(n, sizeof n, "%zu", p->pair_count);
	right(s, c, COLUMN_PAIRS, style, n);
	draw_mean(s, c, style, own.mean);
	draw_spread(s, c, r.mean, r.sd, standing_change_style(p));
	draw_change(s, c, p);
	draw_evidence(s, c, p);
	draw_secondaries(v, c, p);
	draw_outcome(s, c, p);
}

static void draw_history(const struct view *v, struct canvas *c)
{
	struct reals means = { 0 };

	history_means(v->m, &means);
	if (v->s->width[COLUMN_GAUGE] && means.count > 1)
		bar_sparkline(c, 0, v->s->x[COLUMN_GAUGE] + 2, GAUGE_WIDTH, means.at, means.count, 0, 0, STYLE_BAR);
	free(means.at);
}

static void draw_base(const struct view *v, struct canvas *c, int focused)
{
	const struct metrics_state *s = v->s;
	struct spread base = baseline_spread(v->m);
	double landed = landed_percent(v->m);
	char text[64];

	canvas_printf(c, 0, MARK, STYLE_STRONG, "base %.7s", v->m->baseline ? v->m->baseline : "");
	snprintf(text, sizeof text, "%zu", base.n);
	right(s, c, COLUMN_PAIRS, STYLE_STRONG, base.n ? text : "-");
	draw_mean(s, c, STYLE_STRONG, base.mean);
	draw_spread(s, c, base.n ? 0 : NAN, base.n ? base.sd / base.mean : NAN, STYLE_STRONG);
	right(s, c, COLUMN_CHANGE, STYLE_STRONG, "0    ");
	draw_history(v, c);
	if (count_in_state(v->m, STATE_LANDED)) {
		snprintf(text, sizeof text, s->width[COLUMN_OUTCOME] >= 17 ? "%+.1f %% landed" : "%+.1f %%", landed);
		canvas_text_cut(c, 0, s->x[COLUMN_OUTCOME] + 2, STYLE_GOOD, text, s->width[COLUMN_OUTCOME] - 2);
	}
	if (s->on_base) {
		canvas_mark(c, 0, 0, c->columns, focused ? CELL_SELECTED : CELL_CURRENT);
		if (focused)
			canvas_cursor(c, 0, 0, 0);
	}
}

static void draw_heading(const struct metrics_state *s, struct canvas *c)
{
	for (int i = 0; i < COLUMN_COUNT; i++) {
		int with_interval = i == COLUMN_CHANGE && s->width[COLUMN_INTERVAL];
		int left = i == COLUMN_TITLE || i == COLUMN_OUTCOME || i == COLUMN_GAUGE || i == COLUMN_SPREAD ||
			with_interval;
		int x = s->x[i] + (i == COLUMN_TITLE ? MARK : 2),
			end = s->x[i] + s->width[i] + (with_interval ? s->width[COLUMN_INTERVAL] : 0);
		char text[32];
		if (!s->width[i])
			continue;
		snprintf(text, sizeof text, "%s%s%s", columns[i].heading, with_interval ? " vs. base" : "",
			i == (int)s->sort && (s->reverse || i) ? s->reverse ? "▲" : "▼" : "");
		if (left)
			canvas_text_cut(c, 0, x, STYLE_HEADING, text, end - x);
		else
			canvas_text_right(c, 0, end, STYLE_HEADING, text);
	}
	if (s->width[COLUMN_EVIDENCE] && !s->width[COLUMN_GAUGE]) {
		const char *name = s->width[COLUMN_INTERVAL] ? columns[COLUMN_GAUGE].heading : "E";
		char text[32];
		snprintf(text, sizeof text, "%s%s", name, s->sort == COLUMN_GAUGE ? "▼" : "");
		canvas_text_right(c, 0, s->x[COLUMN_EVIDENCE] + s->width[COLUMN_EVIDENCE], STYLE_HEADING, text);
	}
	for (size_t i = 0; i < s->secondaries.count; i++)
		canvas_text_right(c, 0, s->secondary_x[i] + s->secondary_width[i], STYLE_HEADING, s->secondaries.at[i]);
}

static void draw_empty(const struct metrics_state *s, const struct model *m, struct canvas *c)
{
	if (s->row_count || c->rows <= FIRST_ROW)
		return;
	if (s->filter)
		canvas_text_cut(c, FIRST_ROW, MARK, STYLE_MUTED, "None of these yet: f shows the next kind.", -1);
	else if (m->state == SESSION_NONE)
		canvas_text_cut(c, FIRST_ROW, MARK, STYLE_MUTED,
			"Once a session is open, each proposal has a row here.", -1);
	else
		canvas_text_cut(c, FIRST_ROW, MARK, STYLE_MUTED,
			"Each proposal has a row here, once the agent has made one.", -1);
}

/* The pane */

static void metrics_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct metrics_state *s = p->state;
	struct view view = { s, m };
	struct list list = s->list;
	struct canvas heading = canvas_sub(c, (struct rect){ 0, 0, 1, c->columns }),
		base = canvas_sub(c, (struct rect){ 1, 0, 1, c->columns });

	draw_heading(s, &heading);
	draw_base(&view, &base, p->focused);
	if (s->on_base)
		list.selected = SIZE_MAX;
	list_draw(&list, c, FIRST_ROW, p->focused, draw_proposal, &view);
	draw_empty(s, m, c);
}

/* The row of what runs, else of what changed last: it is kept in sight until the human chooses one. */
static size_t newest_row(const struct metrics_state *s, const struct model *m)
{
	size_t best = 0;
	int64_t latest = INT64_MIN;

	for (size_t i = 0; i < s->row_count; i++) {
		const struct proposal *p = &m->proposals[s->rows[i].at];
		int64_t when = p->pair_count || p->verdict ? p->since : INT64_MIN;
		if (p->state == STATE_RUNNING)
			when = INT64_MAX;
		if (when >= latest && when > INT64_MIN) {
			latest = when;
			best = i;
		}
	}
	return best;
}

static int metrics_sync(struct pane *p, const struct model *m, int rows, int room, struct intent *want)
{
	struct metrics_state *s = p->state;
	struct row none = { .at = SIZE_MAX }, selected = s->list.selected < s->row_count ? s->rows[s->list.selected] : none;

	(void)want;
	arrange(s, m);
	spread_out(s, m);
	for (size_t i = 0; i < s->row_count; i++)	/* the selection stays with the proposal, wherever it moves */
		if (s->rows[i].at == selected.at && (!s->rows[i].elsewhere || s->rows[i].elsewhere == selected.elsewhere))
			s->list.selected = i;
	if (!s->is_touched && !p->focused)
		s->list.selected = newest_row(s, m);
	measure_axis(s, m);
	measure_numbers(s, m);
	lay_out(s, m, room);
	list_sync(&s->list, s->row_count, rows - FIRST_ROW);
	if (!s->row_count)
		s->on_base = 1;
	return 0;
}

static void metrics_title(const struct pane *p, const struct model *m, struct buf *out)
{
	static const struct { const char *word; enum verdict from, to; } parts[] = {
		{ "kept", VERDICT_KEEP, VERDICT_KEEP }, { "small", VERDICT_SMALL, VERDICT_SMALL },
		{ "rejected", VERDICT_REJECT, VERDICT_REJECT }, { "parked", VERDICT_PARK, VERDICT_PARK }, { "same", VERDICT_SAME, VERDICT_SAME },
		{ "failed", VERDICT_BUILD_FAILED, VERDICT_UNREACHED },
	};
	const struct metrics_state *s = p->state;
	const char *between = ";";

	if (m->metric)
		buf_printf(out, "%s, %s is better", m->metric, m->lower_is_better ? "lower" : "higher");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t count = 0;
		for (size_t k = 0; k < m->proposal_count; k++)
			count += m->proposals[k].verdict >= parts[i].from && m->proposals[k].verdict <= parts[i].to;
		if (count) {
			buf_printf(out, "%s %s %zu", between, parts[i].word, count);
			between = ",";
		}
	}
	if (s->filter)
		buf_printf(out, "; showing %s", filter_names[s->filter]);
}

static const struct proposal *selected(const struct metrics_state *s, const struct model *m)
{
	return !s->on_base && s->list.selected < s->row_count ? &m->proposals[s->rows[s->list.selected].at] : NULL;
}

static void sort_by(struct metrics_state *s, enum column column)
{
	if (column == COLUMN_EVIDENCE)
		column = COLUMN_GAUGE;
	if (column == COLUMN_INTERVAL)
		column = COLUMN_CHANGE;
	if (!columns[column].sorts)
		return;
	s->reverse = s->sort == column ? !s->reverse : 0;
	s->sort = column;
}

static enum pane_result next_sort(struct metrics_state *s)
{
	do
		s->sort = (s->sort + 1) % COLUMN_COUNT;
	while (!columns[s->sort].sorts);
	s->reverse = 0;
	return PANE_REDRAW;
}

/* A click on a heading sorts by it, a second one turns the order round; on the pinned row it selects the baseline. */
static enum pane_result click(struct metrics_state *s, const struct act *act)
{
	for (int i = 0; act->y == 0 && i < COLUMN_COUNT; i++)
		if (act->x >= s->x[i] && act->x < s->x[i] + s->width[i])
			sort_by(s, (enum column)i);
	s->on_base = act->y == 1 || (s->on_base && act->y == 0);
	list_act(&s->list, act, FIRST_ROW);
	return PANE_REDRAW;
}

static enum pane_result open_log(const struct model *m, const char *arm, struct intent *want)
{
	for (size_t i = m->run_count; i-- > 0;)
		if (m->runs[i].arm && !strcmp(m->runs[i].arm, arm)) {
			char run[16];
			snprintf(run, sizeof run, "r%u", m->runs[i].number);
			return intent_open(want, "log", run);
		}
	return intent_message(want, "nothing of %s has run yet: there is no log", arm);
}

static enum pane_result move(struct metrics_state *s, const struct act *act)
{
	int was_first = !s->list.selected;

	if (s->on_base && (act->action == ACTION_UP || act->action == ACTION_FIRST))
		return PANE_HANDLED;
	if (s->on_base && act->action == ACTION_DOWN) {
		s->on_base = !s->row_count;
		list_select(&s->list, 0);
		return PANE_REDRAW;
	}
	if (!list_act(&s->list, act, FIRST_ROW))
		return PANE_IGNORED;
	s->on_base = was_first && (act->action == ACTION_UP || act->action == ACTION_FIRST);
	return PANE_REDRAW;
}

static enum pane_result metrics_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct metrics_state *s = p->state;
	const struct proposal *proposal = selected(s, m);
	const char *arm = proposal ? proposal->id : "base";

	s->is_touched = 1;
	switch (act->action) {
	case ACTION_ENTER: return intent_open(want, "evidence", arm);
	case ACTION_LOG: return open_log(m, arm, want);
	case ACTION_COPY: return intent_copy(want, proposal ? proposal->id : m->baseline ? m->baseline : "base");
	case ACTION_SORT: return next_sort(s);
	case ACTION_REVERSE: s->reverse = !s->reverse; return PANE_REDRAW;
	case ACTION_FILTER: s->filter = (s->filter + 1) % FILTER_COUNT; return PANE_REDRAW;
	case ACTION_CLICK: return click(s, act);
	default: return move(s, act);
	}
}

static void row_text(const void *data, size_t i, struct buf *out)
{
	const struct view *v = data;
	const struct proposal *p = &v->m->proposals[v->s->rows[i].at];
	struct standing standing = standing_of(p);

	buf_printf(out, "%s %s %s %s", p->id, p->title ? p->title : "", standing.verdict, standing.state);
}

static int metrics_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct metrics_state *s = p->state;
	struct view view = { s, m };
	int found = list_search(&s->list, text, direction, row_text, &view);

	s->is_touched |= found;
	s->on_base = s->on_base && !found;
	return found;
}

static void metrics_show(struct pane *p, const struct model *m, const char *what)
{
	struct metrics_state *s = p->state;

	s->filter = FILTER_ALL;
	s->is_touched = 1;
	arrange(s, m);
	s->on_base = !strcmp(what, "base");
	for (size_t i = 0; i < s->row_count; i++)
		if (!strcmp(m->proposals[s->rows[i].at].id, what))
			list_select(&s->list, i);
}

static void metrics_close(struct pane *p)
{
	struct metrics_state *s = p->state;

	free(s->rows);
	strings_release(&s->secondaries);
	list_release(&s->list);
}

const struct pane_ops metrics_pane = {
	.name = "Metrics",
	.digit = 3,
	.context = CONTEXT_METRICS,
	.state_size = sizeof(struct metrics_state),
	.close = metrics_close,
	.title = metrics_title,
	.sync = metrics_sync,
	.draw = metrics_draw,
	.act = metrics_act,
	.search = metrics_search,
	.show = metrics_show,
};
