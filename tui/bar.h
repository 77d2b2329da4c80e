/* Numbers as lengths: gauges, spreads on a common axis, small time lines. Each draws on one row, `columns` wide from x. */
#ifndef TUI_BAR_H
#define TUI_BAR_H

#include <stddef.h>

#include "tui/canvas.h"

/* A share of a whole, 0..1 (clamped), to an eighth of a column: ██████▌░░░ . filled, rest: styles. */
void bar_progress(struct canvas *c, int y, int x, int columns, double share, enum style filled, enum style rest);

/* How far evidence has come towards `needed`, on a logarithmic scale from 1 (no evidence, empty) to needed (full);
 * below 1 but begun shows the thinnest bar. The rest stays blank once `decided`. */
void bar_evidence(struct canvas *c, int y, int x, int columns, double evidence, double needed, int decided, enum style s);

/* One axis for many rows: values low..high over the columns. */
struct bar_axis {
	double low, high;
	double zero;		/* where ┊ stands: the baseline's mean */
};
/* Widens an axis so that value - spread .. value + spread fits. Start with low > high: nothing on it yet. */
void bar_axis_add(struct bar_axis *axis, double value, double spread);

/* ▕─┼─▏: mean - spread, mean, mean + spread on the axis, and its ┊. NaN as mean: the axis alone. */
void bar_spread(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis, double mean, double spread, enum style s);

/* A dot at each value of an interval plot: ├──●──┤ with the axis' ┊. */
void bar_interval(struct canvas *c, int y, int x, int columns, const struct bar_axis *axis, double low, double middle, double high,
                  enum style s);

/* The last `columns` of n values as ▁▂▃▄▅▆▇█ between low and high (equal: taken from the values). NaN is a blank. */
void bar_sparkline(struct canvas *c, int y, int x, int columns, const double *values, size_t n, double low, double high, enum style s);

#endif
