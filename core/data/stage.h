/* What the agent should be about, and whether it should be about anything at all: decided from the model alone, so that a
 * restart, a replay and a test see the same. */
#ifndef CORE_DATA_STAGE_H
#define CORE_DATA_STAGE_H

#include <stddef.h>

#include "core/data/model.h"

enum next_turn {
	NEXT_TURN,		/* begin one */
	NEXT_WAIT,		/* something else comes first: verdicts, a human's word */
	NEXT_FINISHED,		/* nothing more comes by itself; what the human says starts it again */
};
struct next {
	enum next_turn what;
	enum stage stage;
	const char *reason;	/* a sentence without its dot */
};
enum { IDLE_TURNS_MAX = 3, SOURCES_WANTED = 3, READ_TURNS_MAX = 4, THINK_TURNS_MAX = 2 };

/* experiments_left: that may still be tried. turns_max: of the agent in the session; 0: no limit. */
struct next stage_next(const struct model *m, size_t experiments_left, long turns_max);
size_t candidates_open(const struct model *m);		/* proposals that are neither judged nor closed */

#endif
