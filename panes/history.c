/* The metric's history is not kept anywhere: it is what the baseline's runs of each wave say, and is computed when
 * shown, in one pass over the runs. */
#include "panes/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static int is_of_baseline(const struct run *r)
{
	return r->wave && !r->voided && isfinite(r->value) && r->arm && !strcmp(r->arm, "base") &&
		!strcmp(r->step, "measure");
}

/* Mean and sum of squares as they grow (Welford 1962); `sd` holds the squares until the end. */
static void add(struct spread *s, double v)
{
	double before = s->n ? v - s->mean : 0;

	s->low = s->n ? fmin(s->low, v) : v;
	s->high = s->n ? fmax(s->high, v) : v;
	s->n++;
	s->mean = s->n == 1 ? v : s->mean + before / (double)s->n;
	s->sd = s->n == 1 ? 0 : s->sd + before * (v - s->mean);
}

struct spread *history_waves(const struct model *m)
{
	struct spread *waves = xcalloc(m->wave_count + 1, sizeof *waves);
	size_t at = 0;

	for (size_t i = 0; i < m->wave_count; i++)
		waves[i] = (struct spread){ 0, NAN, NAN, NAN, NAN };
	for (size_t i = 0; i < m->run_count; i++) {
		const struct run *r = &m->runs[i];
		if (!is_of_baseline(r))
			continue;
		while (at < m->wave_count && m->waves[at].number < r->wave)
			at++;
		if (at < m->wave_count && m->waves[at].number == r->wave)
			add(&waves[at], r->value);
	}
	for (size_t i = 0; i < m->wave_count; i++)
		if (waves[i].n)
			waves[i].sd = waves[i].n > 1 ? sqrt(waves[i].sd / (double)(waves[i].n - 1)) : 0;
	return waves;
}

void history_means(const struct model *m, struct reals *out)
{
	struct spread *waves = history_waves(m);

	for (size_t i = 0; i < m->wave_count; i++)
		if (waves[i].n)
			reals_add(out, waves[i].mean);
	free(waves);
}
