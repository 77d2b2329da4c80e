/* The e-process runs on x = -(d + effect_min), so that it grows with harm beyond the margin and a patch that changes
 * nothing there passes. It sees every pair in order; the estimate is only asked when there are enough. */
#include "core/judge/architecture.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/judge/stats.h"

static const double enough_harm = 10, level = 0.05;

void architecture_release(struct architecture *a)
{
	evidence_release(&a->harm);
}

void architecture_enter_worker(struct architecture *a)
{
	evidence_enter(&a->harm);
}

void architecture_leave_worker(struct architecture *a, struct history *h)
{
	evidence_leave(&a->harm, h);
}

struct architecture_report architecture_report(const struct architecture *a, const struct rule *rule)
{
	struct architecture_report r = { .pairs = a->harm.count, .hl = NAN, .low = NAN, .high = NAN, .harm = evidence_value(&a->harm, rule) };
	if (!r.pairs)
		return r;
	struct stats_interval i = stats_hodges_lehmann_paired(a->harm.d, a->harm.count, level);
	r.hl = -i.estimate - rule->effect_min;
	r.low = -i.high - rule->effect_min;
	r.high = -i.low - rule->effect_min;
	return r;
}

enum architecture_verdict architecture_pair(struct architecture *a, const struct rule *rule, const struct history *h, double d)
{
	evidence_add(&a->harm, rule, h, -(d + rule->effect_min));
	struct architecture_report r = architecture_report(a, rule);
	if (r.harm >= enough_harm)
		return ARCHITECTURE_HARMED;
	if (r.pairs < ARCHITECTURE_PAIRS)
		return ARCHITECTURE_MORE;
	return r.hl < -rule->effect_min ? ARCHITECTURE_HARMED : ARCHITECTURE_FINE;
}
