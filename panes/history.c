/* The metric's history is not kept anywhere: it is what the baseline's runs of each wave say, and is computed when
 * shown. */
#include "panes/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/judge/stats.h"

static int is_of_baseline(const struct run *r, unsigned wave)
{
	return r->wave == wave && !r->voided && isfinite(r->value) && r->arm && !strcmp(r->arm, "base") &&
		!strcmp(r->step, "measure");
}

struct spread history_of_wave(const struct model *m, unsigned wave)
{
	struct spread s = { 0, NAN, NAN, NAN, NAN };
	struct reals values = { 0 };

	for (size_t i = 0; i < m->run_count; i++)
		if (is_of_baseline(&m->runs[i], wave))
			reals_add(&values, m->runs[i].value);
	if (values.count) {
		s.n = values.count;
		s.mean = stats_mean(values.at, values.count);
		s.sd = stats_deviation(values.at, values.count);
		s.low = s.high = values.at[0];
		for (size_t i = 1; i < values.count; i++) {
			s.low = fmin(s.low, values.at[i]);
			s.high = fmax(s.high, values.at[i]);
		}
	}
	free(values.at);
	return s;
}

/* One pass, for a long session is drawn many times a second: the runs of a wave follow each other. */
void history_means(const struct model *m, struct reals *out)
{
	unsigned wave = 0;
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->run_count; i++) {
		const struct run *r = &m->runs[i];
		if (!r->wave || !is_of_baseline(r, r->wave))
			continue;
		if (r->wave != wave && n)
			reals_add(out, sum / (double)n);
		if (r->wave != wave) {
			wave = r->wave;
			sum = 0;
			n = 0;
		}
		sum += r->value;
		n++;
	}
	if (n)
		reals_add(out, sum / (double)n);
}
