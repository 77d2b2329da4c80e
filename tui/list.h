/* Rows, one of which is selected. Embedded in the state of a pane: { struct list list; … }. {0} is an empty one. */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include <stddef.h>

#include "core/base/buf.h"
#include "tui/canvas.h"
#include "tui/pane.h"

struct list {
	size_t count, selected, top;	/* top: the first row shown */
	int rows;			/* rows shown, as of the last sync */
	int shown_rows;			/* the same when any were shown last */
	int follow;			/* the last row stays selected as rows come in */
	char *search;			/* owned; what is searched for, NULL when nothing */
};

/* What row i says, for the search. */
typedef void list_text_function(const void *data, size_t i, struct buf *out);
/* Draws row i on a canvas of one line. */
typedef void list_row_function(const void *data, size_t i, struct canvas *row);

/* In a pane's sync: the rows there are now and how many can be shown. */
void list_sync(struct list *l, size_t count, int rows);
void list_select(struct list *l, size_t i);	/* scrolls at the next sync */

/* Whether the action was one of the list's (up, page-down, first, click, wheel, follow, …). first_row: where in the pane's
 * inside the rows begin, for clicks. */
int list_act(struct list *l, const struct act *act, int first_row);

/* Draws the rows from line `first_row` on, marks the selected one and what the search found. */
void list_draw(const struct list *l, struct canvas *c, int first_row, int focused, list_row_function *row, const void *data);

/* As struct pane_ops' search. */
int list_search(struct list *l, const char *text, int direction, list_text_function *row_text, const void *data);

void list_release(struct list *l);

#endif
