/* What passed between the session and its agent, in the order in which it did: turns as groups of what came of each, and
 * between them what humans and measurements said. It grows with the model and follows its end until the reader moves
 * up. Embedded in the state of a pane; {0} is an empty one. */
#ifndef PANES_FEED_H
#define PANES_FEED_H

#include "core/data/model.h"
#include "panes/page.h"

struct feed_line {
	uint64_t seq;			/* of the event that it is about */
	unsigned turn;			/* that it belongs to; 0: none */
};

/* How far each kind has been put into the page. */
struct feed_place {
	size_t activity, called, begun, ended;
};

struct feed {
	struct page page;
	struct feed_line *lines;	/* one for each line of the page */
	size_t count, room;
	struct feed_place at;
	unsigned turn;			/* the group that is open; 0: none */
	struct feed_made_of {		/* when one of these changes, lines that stand there change */
		uint64_t first_activity, first_called;
		size_t turns, ended, waiting, revisions;
		int columns;
	} made_of;
};

void feed_open(struct feed *f);
void feed_sync(struct feed *f, const struct model *m, int rows, int columns);
enum pane_result feed_act(struct feed *f, const struct act *act);
int feed_search(struct feed *f, const char *text, int direction);
const struct feed_line *feed_current(const struct feed *f);	/* NULL: it is empty */
void feed_release(struct feed *f);

/* Whether a line of the activity is about what the agent does. */
int feed_concerns(const struct model *m, const struct activity *a);

#endif
