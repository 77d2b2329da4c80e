/* What stands around the panes: title bar, title lines, footer. Pure: drawn from what is given. */
#ifndef TUI_CHROME_H
#define TUI_CHROME_H

#include <stdint.h>

#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/layout.h"
#include "tui/pane.h"

struct model;

struct chrome {
	const struct model *model;
	int64_t now;
	int connected;		/* an engine runs */
	int observer;
	const char *replaying;	/* what a replay shows ("12 of 812"); NULL: live */
};

/* The first line: what drops out first where room is short is what can be found elsewhere. What waits for the human never does. */
void chrome_bar(const struct chrome *chrome, struct canvas *c);

/* "! agent asks (5)  ! 2 wait 0:40", or nothing. Returns the columns. */
int chrome_waits(const struct chrome *chrome, struct buf *out);

/* The line over a pane: its digit, name and figure. `waits`: room is kept at its end for what waits. */
void chrome_title(const struct pane *pane, const struct model *m, const char *waits, struct canvas *c);

/* The last line: hints of what can be done in the pane now, cut between two of them; the last one (help) always stands. */
void chrome_footer(const struct chrome *chrome, const struct keymap *map, const struct pane *pane, struct canvas *c);

/* In place of everything, where the terminal is too small. */
void chrome_too_small(struct canvas *c);

/* Joins the divider to the lines above and below it. */
void chrome_divider(struct rect divider, int focused, struct canvas *c);

/* Whether the bar shows something that changes every second. */
int chrome_counts(const struct chrome *chrome);

#endif
