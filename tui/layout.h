/* Where things stand for a size. A pure function: same size, focus and zoom, same rectangles. */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include "tui/canvas.h"

enum { LAYOUT_PANES = 5, LAYOUT_MIN_ROWS = 12, LAYOUT_MIN_COLUMNS = 40 };

enum layout_kind {
	LAYOUT_OVERVIEW,	/* all five, from 100 columns */
	LAYOUT_STRIPS,		/* one pane, the titles of the others above it */
	LAYOUT_SINGLE,		/* the pane alone: its title, its inside, the footer */
	LAYOUT_MESSAGE,		/* too small for anything but a sentence */
};

struct layout_pane {
	struct rect title;	/* one row; rows 0: not shown */
	struct rect body;	/* rows 0: only the title shows */
};

struct layout {
	enum layout_kind kind;
	struct rect bar;			/* title bar; rows 0 in LAYOUT_SINGLE and LAYOUT_MESSAGE */
	struct rect footer;
	struct layout_pane panes[LAYOUT_PANES];
	struct layout_pane overlay;		/* the topmost pane over the others; rows 0: there is none */
	struct rect divider;			/* the vertical line between two panes side by side; columns 0: none */
};

/* focused: 0..4. overlay: whether one is open (it has the whole inside then, as a zoomed pane has). */
struct layout layout_make(int rows, int columns, int focused, int zoomed, int overlay);

#endif
