/* Sets of CPUs as sorted lists of their numbers, and the words for them: "1-3,6". */
#ifndef CORE_RUNNERS_CPUS_H
#define CORE_RUNNERS_CPUS_H

#include <stddef.h>

#include "core/base/err.h"

struct cpus {
	int *at;
	size_t count, room;
};

int cpus_allowed(struct cpus *out, struct err *err);	/* those this process may use (sched_getaffinity) */

/* Reads "1-3,6"; each must be among allowed. */
int cpus_parse(struct cpus *out, const char *text, const struct cpus *allowed, struct err *err);

void cpus_slice(struct cpus *out, const struct cpus *from, size_t first, size_t count);
int cpus_overlap(const struct cpus *a, const struct cpus *b);
char *cpus_text(const struct cpus *cpus);		/* the caller frees it */
void cpus_release(struct cpus *cpus);

#endif
