/* A grid of cells and views into it. Panes draw on a view and on nothing else: a view clips, and wide characters are
 * never cut in half. Coordinates are (row, column) from 0 within the view. */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdarg.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "tui/style.h"

struct rect {
	int y, x, rows, columns;
};

struct cell {
	uint32_t code;		/* code point; 0: the right half of the wide one at its left */
	uint32_t mark;		/* a combining mark over it, or 0 */
	uint8_t style;		/* enum style */
	uint8_t flags;		/* enum cell_flags */
	uint8_t width;		/* 1, 2, or 0 for a right half */
	uint8_t unused;		/* always 0: cells are compared as bytes */
};

/* Cells of a row that lead to an address on the web: a terminal that knows hyperlinks (OSC 8) opens it. */
struct link {
	int y, x, columns;
	char *url;
};

struct grid {
	int rows, columns;
	int ascii;			/* line and bar glyphs come out as ASCII, other code points as ? */
	int cursor_y, cursor_x;		/* where the terminal's cursor rests; -1: nowhere */
	int cursor_shown;
	struct cell *cells;
	struct link *links;
	size_t link_count, link_room;
};

void grid_init(struct grid *g, int rows, int columns);
void grid_resize(struct grid *g, int rows, int columns);	/* blank afterwards */
void grid_clear(struct grid *g);
void grid_release(struct grid *g);
void grid_copy_links(struct grid *to, const struct grid *from);	/* in place of those it has */
const struct cell *grid_cell(const struct grid *g, int y, int x);

/* A view into a grid. Cheap: pass it by pointer, make it on the stack. */
struct canvas {
	struct grid *grid;
	int y, x;		/* origin in the grid */
	int rows, columns;
};

struct canvas canvas_of(struct grid *g);
struct canvas canvas_sub(const struct canvas *c, struct rect r);	/* r within c; what stands out is clipped */

/* Draws safe text on one line, at most `max` columns of it (-1: up to the edge). Returns the columns used. x may be
 * left of the view: what is there is clipped. */
int canvas_text(struct canvas *c, int y, int x, enum style s, const char *text, int max);
/* The same, with … as the last column when something had to be left out. */
int canvas_text_cut(struct canvas *c, int y, int x, enum style s, const char *text, int max);
/* Ends in the column before `end`. Returns the column where it starts. */
int canvas_text_right(struct canvas *c, int y, int end, enum style s, const char *text);
int canvas_printf(struct canvas *c, int y, int x, enum style s, const char *format, ...) __attribute__((format(printf, 5, 6)));
void canvas_put(struct canvas *c, int y, int x, enum style s, uint32_t code);
void canvas_hline(struct canvas *c, int y, int x, int columns, enum style s);
void canvas_vline(struct canvas *c, int y, int x, int rows, enum style s);
void canvas_fill(struct canvas *c, struct rect r, enum style s);	/* blanks in that style */

/* Lays marks over cells that are drawn (the current row, a search hit), or gives them another style. */
void canvas_mark(struct canvas *c, int y, int x, int columns, unsigned flags);
void canvas_restyle(struct canvas *c, int y, int x, int columns, enum style s);
/* Marks every place of `needle` in the row (letter case ignored for ASCII). Returns how many. */
int canvas_mark_text(struct canvas *c, int y, const char *needle);

/* Makes cells that are drawn, in STYLE_LINK, a link. Does nothing for what is no plain http or https address, which may come from anywhere. */
void canvas_link(struct canvas *c, int y, int x, int columns, const char *url);

/* Where the terminal's cursor rests: on the selected row, so that a screen reader reads it, or in a prompt (shown). */
void canvas_cursor(struct canvas *c, int y, int x, int shown);

/* The cells as text: a line a row, blanks at the end left out. styled: runs of cells that are not default stand in
 * {style:…} with +selected, +current, +match behind the name; { and } in the text are doubled then. */
void canvas_save(const struct canvas *c, struct buf *out, int styled);

#endif
