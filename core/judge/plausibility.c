/* Guards against numbers that were misread or made up: a parser that took the wrong column, a harness that reports
 * another unit, a kernel that skips the work. Each check uses only what is known; every one treats baseline and
 * candidate alike, so voiding rounds cannot bias the sign of a pair. */
#include "core/judge/plausibility.h"

#include <math.h>

#include "core/judge/stats.h"

static int is_positive(double v)
{
	return isfinite(v) && v > 0;
}

static int wall_is_known(const struct run_facts *run)
{
	return is_positive(run->ratio) && is_positive(run->reference);
}

unsigned plausibility_flags(const struct run_facts *run)
{
	unsigned flags = 0;
	if (!is_positive(run->value))
		return IMPLAUSIBLE_NOT_POSITIVE;
	/* Comparing with an unknown bound, NaN, is false. */
	if (run->value > 1.05 * run->bound)
		flags |= IMPLAUSIBLE_ABOVE_ROOFLINE;
	if (run->value < 0.02 * run->bound)
		flags |= IMPLAUSIBLE_BELOW_ROOFLINE;
	if (run->earlier_count && fabs(log(run->value / stats_median(run->earlier, run->earlier_count))) > log(1.5))
		flags |= IMPLAUSIBLE_JUMP;
	if (wall_is_known(run) && fabs(log(run->ratio / run->reference)) > 0.10)
		flags |= IMPLAUSIBLE_WALL_MISMATCH;
	return flags;
}

int plausibility_voids(const struct run_facts *run, unsigned flags)
{
	return flags && !(flags == IMPLAUSIBLE_JUMP && wall_is_known(run));
}

const char *plausibility_name(int bit)
{
	static const char *const names[IMPLAUSIBLE_COUNT] = {
#define X(bit, symbol, name) [bit] = name,
		IMPLAUSIBLE_FLAGS(X)
#undef X
	};
	return names[bit];
}
