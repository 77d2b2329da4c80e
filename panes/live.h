/* The last lines of the turn that runs, as they come: wrapped, the newest at the bottom. Embedded in the state of a pane;
 * {0} is an empty one. What is shown at once is the last line that the model tells; the lines above it are asked for, and
 * only when they moved. */
#ifndef PANES_LIVE_H
#define PANES_LIVE_H

#include "core/base/mem.h"
#include "core/data/dialogue.h"
#include "panes/page.h"

struct live {
	char *of;			/* "t7"; NULL: no turn runs */
	struct strings lines;		/* as they were answered, the last one as it has grown since */
	char *last;			/* that the model told last */
	int64_t line_count, bytes;	/* that it told with it */
	int64_t asked_bytes;		/* that it had told when the lines were asked for */
	int asked;			/* no answer yet */
	struct page page;
};

/* In a pane's sync: may put the query `tails` into `want`. Of so many rows; turn NULL: none runs. Returns how many it takes. */
int live_sync(struct live *l, const struct turn *turn, int rows, int columns, struct intent *want);
void live_answer(struct live *l, const struct answer *a);
void live_draw(const struct live *l, struct canvas *c);
void live_release(struct live *l);

#endif
