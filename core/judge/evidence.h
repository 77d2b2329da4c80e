/* Evidence from paired runs: a worker's noise, and the e-process of one metric of one candidate.
 *
 * d is the natural-log ratio of a pair, > 0 for an improvement. Because the arms of a round run in random order, the
 * sign of d is a fair coin under the null whatever its size and past; E is a bet on that coin, and P(sup E >= 1/a) <= a
 * at any stopping time (Ville 1939). The scale only decides how well the bet is placed. */
#ifndef CORE_JUDGE_EVIDENCE_H
#define CORE_JUDGE_EVIDENCE_H

#include <stddef.h>

#include "core/judge/rule.h"

/* Magnitudes of noise that one worker showed in one metric, newest last; only the newest RULE_WINDOW are ever read,
 * so only they are kept. {0} is an empty one. Starts with the |d| of the admission pairs. */
struct history {
	double magnitude[RULE_WINDOW];
	size_t count;
};

void history_add(struct history *h, double magnitude);

/* What a stay of n pairs teaches about the worker: |d - median| * sqrt(n / (n-1)) each; under 3 pairs nothing. */
void history_learn(struct history *h, const double *d, size_t n);

/* The scale for the next pair on a worker: 1.4826 * median of the deviations of the stay so far (from 4 pairs on),
 * then the newest of the history, 32 in all, and the prior; not under the floor. */
double noise_scale(const struct rule *rule, const struct history *h, const double *stay, size_t n);

/* The bet on one alternative theta at scale s: in (0, 2), 1 at d = 0; the two signs of a d sum to 2. */
double evidence_factor(const struct rule *rule, double d, double theta, double s);

/* ln of the likelihood ratio of futility_effect against no effect: falls while a worthwhile effect looks unlikely. */
double futility_step(const struct rule *rule, double d, double s);

/* The e-process of one metric of one candidate, over all its workers. Zeroed is the start: E = 1 and no pairs. */
struct evidence {
	double log[RULE_EFFECTS];	/* ln of the product of factors, per alternative */
	double peak;			/* the largest E so far; 0 before the first pair */
	double scale;			/* the one used for the newest pair */
	double *d;			/* all pairs, oldest first */
	size_t count, room;
	size_t stay;			/* the first pair of the current stay on a worker */
};

void evidence_release(struct evidence *e);
void evidence_add(struct evidence *e, const struct rule *rule, const struct history *h, double d);
double evidence_value(const struct evidence *e, const struct rule *rule);	/* E */
void evidence_enter(struct evidence *e);			/* a new stay, no pairs in it yet */
void evidence_leave(struct evidence *e, struct history *h);	/* ends the stay; the worker's history learns from it */

#endif
