/* Samples by name, in the order first seen. A run has a handful of names: a linear search is the right one. */
#include "core/data/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void metrics_add(struct metrics *m, const char *name, double value)
{
	struct metric *metric = NULL;
	for (size_t i = 0; i < m->count && !metric; i++)
		if (!strcmp(m->at[i].name, name))
			metric = &m->at[i];
	if (!metric) {
		metric = array_add(&m->at, &m->count, &m->room, sizeof *metric);
		metric->name = xstrdup(name);
	}
	double *slot = array_add(&metric->values, &metric->count, &metric->room, sizeof *slot);
	*slot = value;
}

const struct metric *metrics_find(const struct metrics *m, const char *name)
{
	for (size_t i = 0; m && name && i < m->count; i++)
		if (!strcmp(m->at[i].name, name))
			return &m->at[i];
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double metric_median(const struct metric *m)
{
	if (!m || !m->count)
		return NAN;
	double *sorted = xmalloc(m->count * sizeof *sorted);
	memcpy(sorted, m->values, m->count * sizeof *sorted);
	qsort(sorted, m->count, sizeof *sorted, by_value);
	double median = m->count % 2 ? sorted[m->count / 2] : (sorted[m->count / 2 - 1] + sorted[m->count / 2]) / 2;
	free(sorted);
	return median;
}

void metrics_copy(struct metrics *to, const struct metrics *from)
{
	struct metrics copy = { xcalloc(from->count, sizeof *copy.at), from->count, from->count };
	for (size_t i = 0; i < from->count; i++) {
		const struct metric *metric = &from->at[i];
		copy.at[i] = (struct metric){ xstrdup(metric->name), xmalloc(metric->count * sizeof *metric->values), metric->count, metric->count };
		memcpy(copy.at[i].values, metric->values, metric->count * sizeof *metric->values);
	}
	metrics_release(to);
	*to = copy;
}

struct metrics *metrics_pack(const struct metrics *from)
{
	size_t samples = 0, letters = 0;
	for (size_t i = 0; i < from->count; i++) {
		samples += from->at[i].count;
		letters += strlen(from->at[i].name) + 1;
	}
	struct metrics *packed = xmalloc(sizeof *packed + from->count * sizeof *from->at + samples * sizeof(double) + letters);
	struct metric *metric = (struct metric *)(packed + 1);
	double *values = (double *)(metric + from->count);
	char *name = (char *)(values + samples);
	*packed = (struct metrics){ metric, from->count, from->count };
	for (size_t i = 0; i < from->count; i++, metric++) {
		*metric = (struct metric){ strcpy(name, from->at[i].name), values, from->at[i].count, from->at[i].count };
		memcpy(values, from->at[i].values, metric->count * sizeof *values);
		values += metric->count;
		name += strlen(name) + 1;
	}
	return packed;
}

void metrics_release(struct metrics *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->at[i].name);
		free(m->at[i].values);
	}
	free(m->at);
	*m = (struct metrics){0};
}
