/* Where things stand. From 100 columns all five panes show: reading list and grid side by side, metrics, review, and the agent
 * as its title alone; the focused one takes twice its share. Narrower, one pane shows under the titles of the others; still
 * smaller it stands alone. A pane's title line is the line between it and the one above: there are no other frames.
 */
#include "tui/layout.h"

#include <assert.h>

enum { OVERVIEW_COLUMNS = 100, OVERVIEW_ROWS = 20, STRIPS_COLUMNS = 60, STRIPS_ROWS = 16 };

/* The overview's bands from top to bottom; the first holds two panes. */
enum { BAND_TOP, BAND_METRICS, BAND_REVIEW, BAND_AGENT, BANDS };

static struct rect row(int y, int columns)
{
	return (struct rect){ y, 0, 1, columns };
}

static enum layout_kind kind_of(int rows, int columns)
{
	if (rows < LAYOUT_MIN_ROWS || columns < LAYOUT_MIN_COLUMNS)
		return LAYOUT_MESSAGE;
	if (rows >= OVERVIEW_ROWS && columns >= OVERVIEW_COLUMNS)
		return LAYOUT_OVERVIEW;
	return rows >= STRIPS_ROWS && columns >= STRIPS_COLUMNS ? LAYOUT_STRIPS : LAYOUT_SINGLE;
}

/* Shares `rows` out by weight; what division leaves goes to the focused band. */
static void share(int rows, int focused, int out[BANDS])
{
	static const int weights[BANDS] = { 3, 3, 4, 0 };
	int total = 0, left = rows, weight[BANDS];

	for (int i = 0; i < BANDS; i++) {
		weight[i] = i != focused ? weights[i] : weights[i] ? 2 * weights[i] : 5;
		total += weight[i];
	}
	for (int i = 0; i < BANDS; i++)
		left -= out[i] = rows * weight[i] / total;
	out[focused] += left;
}

static void overview(struct layout *l, int rows, int columns, int focused)
{
	int heights[BANDS], y = 1, half = columns * 47 / 100;

	share(rows - 2 - BANDS, focused < 2 ? BAND_TOP : focused - 1, heights);
	for (int band = 0; band < BANDS; band++) {
		struct layout_pane *pane = &l->panes[band ? band + 1 : 0];
		pane->title = row(y, columns);
		pane->body = (struct rect){ y + 1, 0, heights[band], columns };
		y += 1 + heights[band];
	}
	l->panes[1] = l->panes[0];
	l->panes[0].title.columns = l->panes[0].body.columns = half;
	l->panes[1].title.x = l->panes[1].body.x = half + 1;
	l->panes[1].title.columns = l->panes[1].body.columns = columns - half - 1;
	l->divider = (struct rect){ 1, half, 1 + heights[BAND_TOP], 1 };
}

static void strips(struct layout *l, int rows, int columns, int focused)
{
	int y = 1;

	for (int i = 0; i < LAYOUT_PANES; i++)
		if (i != focused)
			l->panes[i].title = row(y++, columns);
	l->panes[focused].title = row(y, columns);
	l->panes[focused].body = (struct rect){ y + 1, 0, rows - y - 2, columns };
}

/* One pane has all between the first line and the footer. */
static void alone(struct layout_pane *pane, int y, int rows, int columns)
{
	pane->title = row(y, columns);
	pane->body = (struct rect){ y + 1, 0, rows - y - 2, columns };
}

struct layout layout_make(int rows, int columns, int focused, int zoomed, int overlay)
{
	struct layout l = { .kind = kind_of(rows, columns) };

	assert(focused >= 0 && focused < LAYOUT_PANES);
	if (l.kind == LAYOUT_MESSAGE)
		return l;
	l.footer = row(rows - 1, columns);
	if (l.kind != LAYOUT_SINGLE)
		l.bar = row(0, columns);
	if (overlay)
		alone(&l.overlay, l.bar.rows, rows, columns);
	else if (zoomed || l.kind == LAYOUT_SINGLE)
		alone(&l.panes[focused], l.bar.rows, rows, columns);
	else if (l.kind == LAYOUT_OVERVIEW)
		overview(&l, rows, columns, focused);
	else
		strips(&l, rows, columns, focused);
	return l;
}
