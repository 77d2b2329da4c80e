/* A worker is an instrument: it is checked before it is believed, and watched while it is used.
 *
 * Admission compares the baseline with itself. Two wild pairs are enough to turn a worker away; a quiet one needs four,
 * and their magnitudes become the start of its history. Quarantine looks at the spread around the median, not at the
 * size, so that a candidate with a large effect does not put its worker out. Neither can bias a verdict: both treat the
 * two arms of a pair alike. */
#include "core/judge/admission.h"

#include <math.h>

#include "core/judge/stats.h"

enum admission admission_judge(const struct rule *rule, double limit, const double *magnitude, size_t n, double *noise)
{
	*noise = NAN;
	if (n < 2)
		return ADMISSION_MORE;
	if (magnitude[0] > 2 * limit && magnitude[1] > 2 * limit)
		return ADMISSION_REJECT_EARLY;
	if (n < RULE_ADMISSION_PAIRS)
		return ADMISSION_MORE;
	*noise = rule->mad_factor * stats_median(magnitude, RULE_ADMISSION_PAIRS);
	return *noise <= limit ? ADMISSION_ADMIT : ADMISSION_REJECT;
}

struct place place_open(const struct rule *rule)
{
	return (struct place){.limit = rule->admit};
}

void place_rejected(struct place *p)
{
	if (++p->rejections % 2 == 0)
		p->limit *= 1.3;
}

int quarantine_due(double limit, const double *stay, size_t n, double *noise)
{
	*noise = NAN;
	if (n < 4)
		return 0;
	size_t newest = n < RULE_QUARANTINE_PAIRS ? n : RULE_QUARANTINE_PAIRS;
	*noise = stats_robust_scale(stay + n - newest, newest);
	return *noise > limit;
}
