/* Whether a single run's value can be true, before it enters a pair. */
#ifndef CORE_JUDGE_PLAUSIBILITY_H
#define CORE_JUDGE_PLAUSIBILITY_H

#include <stddef.h>

/* X(bit, SYMBOL, name) in the order in which flags are checked and shown; the name is what users read. */
#define IMPLAUSIBLE_FLAGS(X) \
	X(0, NOT_POSITIVE, "NOT_POSITIVE")	/* not a finite number above 0; then nothing else is checked */ \
	X(1, ABOVE_ROOFLINE, "ABOVE_ROOFLINE")	/* over 1.05 of the bound */ \
	X(2, BELOW_ROOFLINE, "BELOW_2PCT_ROOFLINE")	/* under 0.02 of the bound */ \
	X(3, JUMP, "JUMP_OVER_1.5X")	/* over 1.5 times the median of earlier baselines, or under 1/1.5 */ \
	X(4, WALL_MISMATCH, "WALL_MISMATCH")	/* the value and the clock on the wall disagree by over 10 % */

enum implausible {
#define X(bit, symbol, name) IMPLAUSIBLE_##symbol = 1 << bit,
	IMPLAUSIBLE_FLAGS(X)
#undef X
};
enum { IMPLAUSIBLE_COUNT = 5 };

/* What is known about a run. Unknown numbers are NaN; the earlier values may be none. */
struct run_facts {
	double value;		/* higher is better: a time is inverted first */
	double bound;		/* the roofline, in units of value */
	const double *earlier;	/* baseline values on this type of machine */
	size_t earlier_count;
	double ratio;		/* value * wall seconds / work: constant while the harness tells the truth */
	double reference;	/* the median of that ratio over the baseline's runs on this worker */
};

/* The set of flags (enum implausible) that the run raises; 0 when it is plausible. */
unsigned plausibility_flags(const struct run_facts *run);

/* Whether these flags void the run's round. A jump alone does not when the wall clock is known and agrees: the round
 * counts and is marked. */
int plausibility_voids(const struct run_facts *run, unsigned flags);

/* The name of the flag 1 << bit, bit < IMPLAUSIBLE_COUNT. */
const char *plausibility_name(int bit);

#endif
