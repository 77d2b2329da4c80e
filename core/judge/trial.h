/* One candidate on trial: pairs go in, a decision comes out after each. */
#ifndef CORE_JUDGE_TRIAL_H
#define CORE_JUDGE_TRIAL_H

#include <stddef.h>

#include "core/judge/evidence.h"
#include "core/judge/rule.h"

/* SWITCH: phase 1 is over, go on with another worker. KEEP, SMALL, REJECT and PARK are verdicts: no more pairs. */
enum decision { TRIAL_CONTINUE, TRIAL_SWITCH, TRIAL_KEEP, TRIAL_SMALL, TRIAL_REJECT, TRIAL_PARK };

/* A secondary metric under watch. Its e-process collects harm beyond the margin: its pairs are -(change + margin). */
struct watch {
	double margin;
	struct evidence harm;
};

struct trial {
	const struct rule *rule;	/* borrowed; outlives the trial */
	double alpha;
	int phase;			/* 1 or 2 */
	int relinked;			/* set by the caller: the binaries of phase 2 have another layout */
	double lambda;			/* futility: ln of a likelihood ratio, 0 at the start */
	size_t confirmed;		/* pairs in phase 2 */
	struct evidence evidence;	/* the metric that decides */
	struct watch *watches;		/* secondary metrics, by index */
	size_t watch_count, watch_room;
};

void trial_init(struct trial *t, const struct rule *rule, double alpha);
void trial_release(struct trial *t);

/* Adds a secondary metric and returns its index, 0 for the first. margin: the harm it may take, a log ratio. */
size_t trial_watch(struct trial *t, double margin);

/* histories: what the current worker showed so far, [0] for the deciding metric, [1 + index] for each secondary one. */

/* The change of a secondary metric in the pair that trial_pair gets next (log ratio, > 0 is better). A pair in which
 * the metric is missing is just not told. */
void trial_secondary(struct trial *t, size_t index, const struct history *histories, double change);

/* Takes a pair and decides. Not to be called after a verdict; after SWITCH, first leave the worker, enter another. */
enum decision trial_pair(struct trial *t, const struct history *histories, double d);

/* A stay on a worker begins, with no pairs in it; the stay ends and the worker's histories learn from it. */
void trial_enter_worker(struct trial *t);
void trial_leave_worker(struct trial *t, struct history *histories);

/* Whether the current worker is to be quarantined, after a pair that brought no verdict. *noise: see quarantine_due. */
int trial_worker_is_noisy(const struct trial *t, double *noise);

double trial_secondary_change(const struct trial *t, size_t index);	/* Hodges-Lehmann; NaN without pairs */
int trial_secondary_vetoes(const struct trial *t, size_t index);	/* harm beyond the margin */

/* What is shown and stored. Log ratios; NaN where not defined. The interval is descriptive after a sequential stop. */
struct trial_report {
	size_t pairs, confirmed;	/* all, and those of phase 2 */
	double hl, hl_confirmed;	/* Hodges-Lehmann estimate over all pairs, over those of phase 2 */
	double low, high, coverage;
	double shrunk;			/* the estimate against the winner's curse */
	double evidence, needed;	/* E and 1/alpha */
	double p;			/* min(1, 1 / the largest E over time) */
	double lambda;
};
struct trial_report trial_report(const struct trial *t);

/* hl * tau^2 / (tau^2 + 1.2 s^2 / n): the mean of the posterior under effects ~ N(0, tau^2). */
double trial_shrink(double hl, double scale, size_t pairs, double tau);

const char *trial_decision_name(enum decision decision);	/* "continue", "switch", "keep" ... */

#endif
