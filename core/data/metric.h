/* METRIC values of one run: a name printed several times is several samples. */
#ifndef CORE_DATA_METRIC_H
#define CORE_DATA_METRIC_H

#include <stddef.h>

struct metric {
	char *name;
	double *values;
	size_t count, room;
};

struct metrics {
	struct metric *at;
	size_t count, room;
};

void metrics_add(struct metrics *m, const char *name, double value);
const struct metric *metrics_find(const struct metrics *m, const char *name);	/* NULL: absent */
double metric_median(const struct metric *m);					/* of its samples; NAN when NULL or empty */
void metrics_copy(struct metrics *to, const struct metrics *from);
struct metrics *metrics_pack(const struct metrics *from);			/* a copy to be read, in one piece: free() is enough */
void metrics_release(struct metrics *m);

#endif
