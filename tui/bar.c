/* Numbers as lengths. A bar reaches to an eighth of a column; in ASCII to a half. Nothing here knows what it shows. */
#include "tui/bar.h"

#include <math.h>

enum { FULL = 0x2588, SHADE = 0x2591, AXIS = 0x250a, LEFT_END = 0x2595, RIGHT_END = 0x258f, LINE = 0x2500, CROSS = 0x253c,
       DOT = 0x25cf, LEFT_TEE = 0x251c, RIGHT_TEE = 0x2524, LOWEST = 0x2581 };

static double clamp(double v, double low, double high)
{
	return v < low ? low : v > high ? high : v;
}

/* Draws `eighths` eighths from x on; returns the columns that hold any of it. */
static int draw_eighths(struct canvas *c, int y, int x, int eighths, enum style s)
{
	for (int i = 0; i < eighths / 8; i++)
		canvas_put(c, y, x + i, s, FULL);
	if (eighths % 8)
		canvas_put(c, y, x + eighths / 8, s, 0x2590 - (uint32_t)(eighths % 8));
	return (eighths + 7) / 8;
}

void bar_progress(struct canvas *c, int y, int x, int columns, double share, enum style filled, enum style rest)
{
	int eighths, used;

	if (columns <= 0 || isnan(share))
		return;
	share = clamp(share, 0, 1);
	eighths = (int)lround(share * columns * 8);
	if (share > 0 && !eighths)
		eighths = 1;
	used = draw_eighths(c, y, x, eighths, filled);
	for (int i = used; i < columns; i++)
		canvas_put(c, y, x + i, rest, SHADE);
}

void bar_evidence(struct canvas *c, int y, int x, int columns, double evidence, double needed, int decided, enum style s)
{
	double share;
	int eighths, used;

	if (columns <= 0 || isnan(evidence) || !(needed > 1))
		return;
	share = evidence > 1 ? clamp(log(evidence) / log(needed), 0, 1) : 0;
	eighths = (int)lround(share * columns * 8);
	used = draw_eighths(c, y, x, eighths ? eighths : 1, s);
	for (int i = used; i < columns && !decided && eighths; i++)
		canvas_put(c, y, x + i, STYLE_BAR_EMPTY, SHADE);
}

void bar_axis_add(struct bar_axis *axis, double value, double spread)
{
	double low = value - (isnan(spread) ? 0 : spread), high = value + (isnan(spread) ? 0 : spread);

	if (!isfinite(low) || !isfinite(high))
		return;
	if (axis->low > axis->high) {
		axis->low = low;
		axis->high = high;
	}
	axis->low = fmin(axis->low, low);
	axis->high = fmax(axis->high, high);
}

static int column_of(const struct bar_axis *axis, int columns, double v)
{
	double span = axis->high - axis->low;

	if (!(span > 0))
		return columns / 2;
	return (int)lround(clamp((v - axis->low) / span, 0, 1) * (columns - 1));
}

static void draw_axis(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis)
{
	if (axis->low <= axis->high && axis->zero >= axis->low && axis->zero <= axis->high)
		canvas_put(c, y, x + column_of(axis, columns, axis->zero), STYLE_AXIS, AXIS);
}

/* Ends, middle and the line between them, in whatever glyphs. */
static void draw_range(struct canvas *c, int y, int x, const int at[3], const uint32_t glyphs[3], enum style s)
{
	canvas_hline(c, y, x + at[0], at[2] - at[0] + 1, s);
	if (at[0] < at[1])
		canvas_put(c, y, x + at[0], s, glyphs[0]);
	if (at[2] > at[1])
		canvas_put(c, y, x + at[2], s, glyphs[2]);
	canvas_put(c, y, x + at[1], s, glyphs[1]);
}

static void draw_three(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis, const double v[3],
                       const uint32_t glyphs[3], enum style s)
{
	int at[3];

	if (columns < 3)
		return;
	draw_axis(c, y, x, columns, axis);
	if (!isfinite(v[0]) || !isfinite(v[1]) || !isfinite(v[2]))
		return;
	for (int i = 0; i < 3; i++)
		at[i] = column_of(axis, columns, v[i]);
	draw_range(c, y, x, at, glyphs, s);
}

void bar_spread(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis, double mean, double spread, enum style s)
{
	static const uint32_t glyphs[3] = { LEFT_END, CROSS, RIGHT_END };
	double around = isnan(spread) ? 0 : spread;
	const double v[3] = { mean - around, mean, mean + around };

	draw_three(c, y, x, columns, axis, v, glyphs, s);
}

void bar_interval(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis, double low, double middle, double high,
                  enum style s)
{
	static const uint32_t glyphs[3] = { LEFT_TEE, DOT, RIGHT_TEE };
	const double v[3] = { low, middle, high };

	draw_three(c, y, x, columns, axis, v, glyphs, s);
}

void bar_sparkline(struct canvas *c, int y, int x, int columns, const double *values, size_t n, double low, double high, enum style s)
{
	size_t first = n > (size_t)(columns > 0 ? columns : 0) ? n - (size_t)columns : 0;

	if (columns <= 0)
		return;
	if (low == high) {
		low = INFINITY;
		high = -INFINITY;
		for (size_t i = first; i < n; i++)
			if (isfinite(values[i])) {
				low = fmin(low, values[i]);
				high = fmax(high, values[i]);
			}
	}
	for (size_t i = first; i < n; i++) {
		double share = high > low ? clamp((values[i] - low) / (high - low), 0, 1) : 0;
		if (isfinite(values[i]))
			canvas_put(c, y, x + (int)(i - first), s, LOWEST + (uint32_t)lround(share * 7));
	}
}
