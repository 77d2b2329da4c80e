/* Whether a model turns in circles: the same call with the same arguments, or the same two by turns, again and again. */
#ifndef CORE_AGENTS_REPETITION_H
#define CORE_AGENTS_REPETITION_H

#include <stdint.h>

enum { REPETITION_TIMES = 3, REPETITION_WARNINGS = 2 };

struct repetition {	/* of a turn; {0} at its beginning */
	uint64_t last[2 * REPETITION_TIMES];	/* hashes, newest first */
	unsigned count;
	unsigned warnings;
};

enum repeated { REPEATED_NOT, REPEATED_CALL, REPEATED_PAIR };

/* One more call; arguments as text. What it makes three of in a row; the caller answers it with an error then, and ends the
 * turn when more than REPETITION_WARNINGS were counted. */
enum repeated repetition_add(struct repetition *r, const char *name, const char *arguments);

#endif
