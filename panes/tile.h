/* A worker as the grid shows it, in as many rows as there are: one line, two, or a tile with the end of its log. */
#ifndef PANES_TILE_H
#define PANES_TILE_H

#include <stddef.h>

#include "core/data/model.h"
#include "tui/canvas.h"
#include "tui/pane.h"

enum { TILE_ROWS = 4 };		/* of one that shows all it has to say; more are lines of the log */

struct tile {
	const struct pane *pane;	/* its time and its keys */
	const struct model *m;
	const struct worker *w;
	int height;			/* rows it has, also where the screen's edge cuts some of them off */
	int is_mixed;			/* workers are of several kinds: say of which this one is */
	const char *last;		/* the newest line of the log; NULL: none */
	char *const *lines;		/* those before it, oldest first */
	size_t line_count;
};
void tile_draw(const struct tile *t, struct canvas *c);

/* A run that no tile shows: a build beside what is measured. */
void tile_draw_step(const struct pane *p, const struct model *m, const struct run *r, struct canvas *c);

int worker_is_state(const struct worker *w, const char *state);
int worker_is_out(const struct worker *w);		/* measures nothing: quarantined, lost, down */
int worker_is_stale(const struct worker *w);		/* what is known of it is old */
int worker_has_remedy(const struct worker *w, const char *action);
const struct run *worker_newest_run(const struct model *m, const struct worker *w);	/* that began there; NULL: none */

#endif
