/* Which workers may measure: admission by baseline against baseline, and quarantine while they work. */
#ifndef CORE_JUDGE_ADMISSION_H
#define CORE_JUDGE_ADMISSION_H

#include <stddef.h>

#include "core/judge/rule.h"

enum admission { ADMISSION_MORE, ADMISSION_REJECT_EARLY, ADMISSION_REJECT, ADMISSION_ADMIT };

/* Judges a worker by its n baseline-against-baseline pairs so far, |d| each, oldest first; only the first four count.
 * *noise gets 1.4826 * median |d| once four are there (else NaN); the worker passes while that is at most limit. */
enum admission admission_judge(const struct rule *rule, double limit, const double *magnitude, size_t n, double *noise);

/* One place of the pool that is being filled. The limit rises by 1.3 after every second rejection in a row, so that a
 * pool of noisy machines is used at last; whoever is admitted closes the place and the next starts afresh. */
struct place {
	double limit;
	unsigned rejections;
};
struct place place_open(const struct rule *rule);
void place_rejected(struct place *p);

/* Whether a worker has become too noisy, by the newest 8 of the n pairs of the current stay on it; under 4 pairs never.
 * *noise gets their 1.4826 * MAD (NaN with fewer than 4). */
int quarantine_due(double limit, const double *stay, size_t n, double *noise);

#endif
