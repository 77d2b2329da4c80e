/* The decision rule, after every pair of one candidate.
 *
 * Phase 1 looks for evidence on one worker, cheaply; phase 2 must confirm it on another, because what one machine shows
 * (a cache that happens to fit, a neighbour that sleeps) may be its own. E is carried over: it stays a valid bet.
 * The order of the checks is part of the rule. Evidence comes before futility, so that a win is never thrown away for
 * a bad moment; the clauses on the median catch large harm, to which the likelihood ratio of futility is blind; the
 * cap parks what is neither.
 *
 * Secondary metrics can only veto: each has an e-process of its own, of harm beyond its margin, from the same pairs. */
#include "core/judge/trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/judge/admission.h"
#include "core/judge/stats.h"

static const double *confirmed_pairs(const struct trial *t)
{
	return t->confirmed ? t->evidence.d + t->evidence.count - t->confirmed : NULL;
}

static double estimate(const struct trial *t)
{
	return stats_hodges_lehmann(t->evidence.d, t->evidence.count);
}

static int guards_are_ok(const struct trial *t)
{
	for (size_t i = 0; i < t->watch_count; i++)
		if (trial_secondary_vetoes(t, i))
			return 0;
	return 1;
}

/* A small gain may come from the layout of the binary alone, which repeats in every run until it is linked anew. */
static int is_worth_keeping(const struct trial *t, double hl)
{
	return hl >= t->rule->effect_min && stats_hodges_lehmann(confirmed_pairs(t), t->confirmed) > 0 &&
	       (hl >= t->rule->relink_below || t->relinked) && guards_are_ok(t);
}

static int is_hopeless(const struct trial *t, double e)
{
	const struct rule *rule = t->rule;
	double median = stats_median(t->evidence.d, t->evidence.count);
	return (t->lambda <= rule->futility_lambda && e < rule->futility_evidence) ||
	       (e <= rule->low_evidence && median <= 0) || (e <= 1 && median <= -rule->harm);
}

static enum decision decide(struct trial *t)
{
	const struct rule *rule = t->rule;
	size_t n = t->evidence.count;
	double e = evidence_value(&t->evidence, rule);
	if (n >= rule->pairs_min && e >= rule_needed(rule, t->alpha, t->phase)) {
		if (t->phase == 1) {
			t->phase = 2;
			return TRIAL_SWITCH;
		}
		if (t->confirmed >= rule->confirm_pairs) {
			double hl = estimate(t);
			if (is_worth_keeping(t, hl))
				return TRIAL_KEEP;
			if (n >= rule->small_pairs && hl < rule->effect_min)
				return TRIAL_SMALL;
		}
	}
	if (n >= rule->pairs_min && is_hopeless(t, e))
		return TRIAL_REJECT;
	if (n >= rule->pairs_max || (t->phase == 1 && n >= rule->pairs_max - rule->confirm_pairs))
		return TRIAL_PARK;
	return TRIAL_CONTINUE;
}

void trial_init(struct trial *t, const struct rule *rule, double alpha)
{
	*t = (struct trial){.rule = rule, .alpha = alpha, .phase = 1};
}

void trial_release(struct trial *t)
{
	for (size_t i = 0; i < t->watch_count; i++)
		evidence_release(&t->watches[i].harm);
	evidence_release(&t->evidence);
	free(t->watches);
	*t = (struct trial){0};
}

size_t trial_watch(struct trial *t, double margin)
{
	struct watch *watch = array_add(&t->watches, &t->watch_count, &t->watch_room, sizeof *watch);
	watch->margin = margin;
	return t->watch_count - 1;
}

void trial_secondary(struct trial *t, size_t index, const struct history *histories, double change)
{
	assert(index < t->watch_count);
	struct watch *watch = &t->watches[index];
	evidence_add(&watch->harm, t->rule, &histories[1 + index], -(change + watch->margin));
}

enum decision trial_pair(struct trial *t, const struct history *histories, double d)
{
	evidence_add(&t->evidence, t->rule, &histories[0], d);
	t->lambda += futility_step(t->rule, d, t->evidence.scale);
	t->confirmed += t->phase == 2;
	return decide(t);
}

void trial_enter_worker(struct trial *t)
{
	evidence_enter(&t->evidence);
	for (size_t i = 0; i < t->watch_count; i++)
		evidence_enter(&t->watches[i].harm);
}

void trial_leave_worker(struct trial *t, struct history *histories)
{
	evidence_leave(&t->evidence, &histories[0]);
	for (size_t i = 0; i < t->watch_count; i++)
		evidence_leave(&t->watches[i].harm, &histories[1 + i]);
}

int trial_worker_is_noisy(const struct trial *t, double *noise)
{
	const struct evidence *e = &t->evidence;
	size_t n = e->count - e->stay;
	return quarantine_due(t->rule->quarantine, n ? e->d + e->stay : NULL, n, noise);
}

double trial_secondary_change(const struct trial *t, size_t index)
{
	const struct watch *watch = &t->watches[index];
	return -stats_hodges_lehmann(watch->harm.d, watch->harm.count) - watch->margin;
}

int trial_secondary_vetoes(const struct trial *t, size_t index)
{
	const struct watch *watch = &t->watches[index];
	/* Without pairs the estimate is NaN and the comparison false: what was never measured vetoes nothing. */
	return stats_hodges_lehmann(watch->harm.d, watch->harm.count) > 0 ||
	       watch->harm.peak >= t->rule->veto_evidence;
}

struct trial_report trial_report(const struct trial *t)
{
	const struct evidence *e = &t->evidence;
	struct stats_interval interval = stats_hodges_lehmann_paired(e->d, e->count, 0.05);
	return (struct trial_report){
		.pairs = e->count,
		.confirmed = t->confirmed,
		.hl = interval.estimate,
		.hl_confirmed = stats_hodges_lehmann(confirmed_pairs(t), t->confirmed),
		.low = interval.low,
		.high = interval.high,
		.coverage = interval.coverage,
		.shrunk = trial_shrink(interval.estimate, e->scale, e->count, t->rule->effect_prior),
		.evidence = evidence_value(e, t->rule),
		.needed = 1 / t->alpha,
		.p = e->peak > 1 ? 1 / e->peak : 1,
		.lambda = t->lambda,
	};
}

double trial_shrink(double hl, double scale, size_t pairs, double tau)
{
	double error = 1.2 * scale * scale / (double)pairs;
	return hl * tau * tau / (tau * tau + error);
}

const char *trial_decision_name(enum decision decision)
{
	static const char *const names[] = {"continue", "switch", "keep", "small", "reject", "park"};
	return names[decision];
}
