/* What was kept on one architecture, asked on another (decision rule 3.10): it need not win there, but must not harm.
 * Pairs are never mixed between machines of different kinds: each architecture has its own. */
#ifndef CORE_JUDGE_ARCHITECTURE_H
#define CORE_JUDGE_ARCHITECTURE_H

#include "core/judge/evidence.h"
#include "core/judge/rule.h"

enum { ARCHITECTURE_PAIRS = 6 };	/* at least so many before it is fine */

enum architecture_verdict { ARCHITECTURE_MORE, ARCHITECTURE_FINE, ARCHITECTURE_HARMED };

/* {0} has seen no pair. Its e-process collects harm beyond the smallest gain worth keeping: pairs -(d + effect_min). */
struct architecture {
	struct evidence harm;
};

void architecture_release(struct architecture *a);
void architecture_enter_worker(struct architecture *a);
void architecture_leave_worker(struct architecture *a, struct history *h);	/* the worker's history learns */

/* Takes a pair (natural-log ratio, > 0 is better). HARMED: the harm's evidence reached 10, or after the last of the
 * pairs the estimate is a loss of more than effect_min. */
enum architecture_verdict architecture_pair(struct architecture *a, const struct rule *rule, const struct history *h, double d);

struct architecture_report {
	size_t pairs;
	double hl, low, high;		/* of d; NaN without pairs, or too few for an interval */
	double harm;			/* evidence of harm; 10 is enough */
};
struct architecture_report architecture_report(const struct architecture *a, const struct rule *rule);

#endif
