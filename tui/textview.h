/* Lines of text that scroll both ways, for logs, transcripts, diffs and help. The lines stay with the pane: it hands them
 * out by number. Embedded in the state of a pane; {0} is an empty one at its top; set grows and follow for logs. */
#ifndef TUI_TEXTVIEW_H
#define TUI_TEXTVIEW_H

#include <stddef.h>

#include "core/base/buf.h"
#include "tui/canvas.h"
#include "tui/pane.h"

struct textview {
	size_t count;		/* lines there are */
	size_t top;		/* first line shown */
	size_t cursor;		/* the current line; only with has_cursor */
	size_t seen;		/* lines there were when following stopped */
	int left;		/* columns scrolled to the right */
	int rows, columns;	/* as of the last sync */
	int grows;		/* lines come in at the end: being there means to follow */
	int follow;		/* the end stays in view; scrolling up ends it, the end resumes it */
	int wrap;		/* long lines go on in the next row */
	int has_cursor;		/* there is a current line (diff): up and down move it, not the view */
	char *search;		/* owned; NULL when nothing is searched */
	size_t found;		/* the line where the search is */
};

/* Line i as safe text without a newline: in *style its style. Returns "" for what has not come yet. The string is valid until the
 * next call; `scratch` is there to build it in. */
typedef const char *textview_line_function(const void *data, size_t i, struct buf *scratch, enum style *style);

/* In a pane's sync. `line` may be NULL when wrap is off. */
void textview_sync(struct textview *v, size_t count, int rows, int columns, textview_line_function *line, const void *data);
void textview_go(struct textview *v, size_t line);	/* makes it the current line, or the first one shown */

/* Whether the action was one of the view's. first_row: where in the pane's inside the text begins, for clicks. */
int textview_act(struct textview *v, const struct act *act, int first_row);

/* Draws on the whole canvas. "+123 new" stands in its last row while following is off and lines came in. */
void textview_draw(const struct textview *v, struct canvas *c, int focused, textview_line_function *line, const void *data);

/* As struct pane_ops' search. */
int textview_search(struct textview *v, const char *text, int direction, textview_line_function *line, const void *data);

/* Lines that came in since following stopped. */
size_t textview_new_lines(const struct textview *v);
void textview_release(struct textview *v);

#endif
