/* Runs that were recorded somewhere, read back as what a trial takes: workers with their noise and their pairs. */
#ifndef CORE_JUDGE_RECORDING_H
#define CORE_JUDGE_RECORDING_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/judge/evidence.h"

struct recorded_worker {
	char *id;
	struct history history;
	double *pairs;		/* log ratios, > 0 is better, in the order in which they were run */
	size_t count, room;
};

/* The first worker is phase 1, the second phase 2. */
struct recording {
	double alpha;		/* NaN where the recording does not say */
	struct recorded_worker *workers;
	size_t count, room;
};

enum recording_direction { RECORDING_UNKNOWN = 0, RECORDING_HIGHER = 1, RECORDING_LOWER = -1 };

/* Parses either form (CONTRACT, "judge"): {"alpha":A,"workers":[{"id":S,"history":[|d|,...],"pairs":[d,...]},...]}, or
 * CSV with the columns worker, round, arm, value, where the direction says which values are better. 0, or -1 with a
 * sentence that names line, worker, round or pair; a direction that is missing (CSV) or makes no sense (JSON) is a
 * usage error. Release the recording either way. */
int recording_parse(struct recording *r, const char *text, size_t len, enum recording_direction direction,
	struct err *err);
void recording_release(struct recording *r);

#endif
