/* Admission: a worker is an instrument, and is tried before it measures (decision rule 3.2). The baseline runs against
 * itself in random order; a worker whose pairs differ too much is not used: another one takes its place where there can be
 * another, else it is tried again at once. The limit rises with every second refusal, so that a place on a noisy cloud
 * is filled at last, and said to be noisy.
 *
 * Workers on one host are tried one after another, since they would disturb each other; others side by side. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/query.h"
#include "core/judge/stats.h"

enum { ARMS = 2 };

struct admission_run {
	char *worker, *host;
	struct rounds rounds;
	struct round_arm arms[ARMS];
	unsigned failures;
	struct admission_run *next;
};
static const char *const arm_names[ARMS] = { "base", "aa" };

static int is_on_trial(const struct engine *e, const char *worker)
{
	const struct worker *w = model_worker(&e->model, worker);
	return w && !strcmp(w->state, "admitting");
}

static struct admission_run *find(const struct engine *e, const char *worker)
{
	struct admission_run *a = e->admissions;
	while (a && strcmp(a->worker, worker))
		a = a->next;
	return a;
}

static void release(struct engine *e, struct admission_run *a, const char *why)
{
	for (struct admission_run **at = &e->admissions; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			break;
		}
	rounds_drop(&a->rounds, why);
	free(a->worker);
	free(a->host);
	free(a);
}

void admission_abort(struct engine *e)
{
	while (e->admissions)
		release(e, e->admissions, NULL);
}

void admission_enqueue(struct engine *e, const char *worker)
{
	const char *host = e->runner_ops->host(e->runner, worker);
	if (!host || find(e, worker))
		return;
	struct admission_run *a = xcalloc(1, sizeof *a), **at = &e->admissions;
	a->worker = xstrdup(worker);
	a->host = xstrdup(host);
	a->rounds = (struct rounds){ .engine = e, .worker = a->worker, .seed = e->model.seed };
	while (*at)
		at = &(*at)->next;
	*at = a;
}

void admission_readmit(struct engine *e, const char *worker, double noise_percent, const char *why)
{
	struct event ev = worker_event(worker, "quarantined");
	ev.noise_percent = noise_percent;
	ev.reason = why;
	engine_emit(e, &ev);
	state_worker(e, worker, "admitting");
	admission_enqueue(e, worker);
}

/* The failure in words. Returns 1 when it was not the baseline's: a run was lost, or cancelled. */
static int describe(const struct round *r, char *out, size_t size)
{
	const struct round_arm *worst = NULL;
	int is_own = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct round_arm *ran = &r->arms[i];
		int is_lost = ran->status == RUN_LOST || ran->status == RUN_CANCELLED;
		if ((ran->status == RUN_OK && isfinite(ran->value) && ran->value > 0) || (is_own && is_lost) ||
		    (worst && !is_own && is_lost && worst->status == RUN_LOST))
			continue;
		worst = ran;
		is_own |= !is_lost;
	}
	char id[16] = "";
	if (worst && worst->run)
		snprintf(id, sizeof id, "r%u", worst->run);
	snprintf(out, size, "%.400s%s%s%s", worst && worst->reason[0] ? worst->reason : "its value is not above 0", id[0] ? " (skydeck log " : "", id,
		 id[0] ? " shows it)" : "");
	return !is_own;
}

static void round_failed(struct engine *e, struct admission_run *a, struct round *r)
{
	char why[512];
	int is_lost = describe(r, why, sizeof why), counts = r->has_begun || !a->rounds.first;
	rounds_void(&a->rounds, r, why);
	if (is_lost && counts)
		engine_lost(e, "the baseline", why);
	if (is_lost || ++a->failures < 2)
		return;
	char what[600];
	snprintf(what, sizeof what, "cannot be measured: %s", why);
	engine_fail_baseline(e, what);
}

/* Returns 1 when the trial is over. */
static int judge(struct engine *e, struct admission_run *a)
{
	const struct worker *w = model_worker(&e->model, a->worker);
	double magnitude[RULE_ADMISSION_PAIRS], noise = NAN;
	size_t n = w->admission.count < RULE_ADMISSION_PAIRS ? w->admission.count : RULE_ADMISSION_PAIRS;
	for (size_t i = 0; i < n; i++)
		magnitude[i] = fabs(w->admission.at[i]);
	enum admission verdict = admission_judge(&e->rule, e->place.limit, magnitude, n, &noise);
	if (verdict == ADMISSION_MORE)
		return 0;
	char *worker = xstrdup(a->worker);
	release(e, a, "the trial is over");
	if (verdict == ADMISSION_ADMIT) {
		struct event ev = worker_event(worker, "ready");
		ev.noise_percent = 100 * noise;
		engine_emit(e, &ev);
		e->place = place_open(&e->rule);
	} else {
		char why[128];
		if (isnan(noise))	/* refused early: what was seen so far */
			noise = e->rule.mad_factor * stats_median(magnitude, n);
		snprintf(why, sizeof why, "too noisy to be admitted (limit %.1f %%)", 100 * e->place.limit);
		place_rejected(&e->place);
		pool_noisy(e, worker, 100 * noise, why);
	}
	free(worker);
	return 1;
}

static void finish_round(struct engine *e, struct admission_run *a, struct round *r)
{
	double base = r->arms[0].status == RUN_OK ? r->arms[0].value : NAN, again = r->arms[1].status == RUN_OK ? r->arms[1].value : NAN;
	if (!(base > 0) || !(again > 0) || !isfinite(base) || !isfinite(again)) {
		round_failed(e, a, r);
		return;
	}
	a->failures = a->rounds.attempt = 0;
	engine_lost(e, NULL, NULL);
	double d = (e->model.lower_is_better ? -1 : 1) * log(again / base);
	engine_emit(e, &(struct event){ .kind = EVENT_ADMISSION_PAIR, .worker = a->worker, .round = r->number, .ratio = d });
}

static void go_on(struct engine *e, struct admission_run *a)
{
	const struct worker *w = model_worker(&e->model, a->worker);
	const struct base_site *site = base_site(e, a->worker);
	unsigned last = rounds_last(&a->rounds), number = last ? last + 1 : w->admission_round + 1;
	size_t missing = RULE_ADMISSION_PAIRS - (w->admission.count < RULE_ADMISSION_PAIRS ? w->admission.count : RULE_ADMISSION_PAIRS);
	a->rounds.layout = site->wanted[0] ? site->wanted_layout : site->layout;
	size_t more = rounds_wanted(&a->rounds, NAN), under_way = rounds_count(&a->rounds);
	for (size_t i = 0; i < ARMS; i++) {
		a->arms[i] = (struct round_arm){ .tree = "base", .commit = e->model.baseline };
		snprintf(a->arms[i].id, sizeof a->arms[i].id, "%s", arm_names[i]);
	}
	for (; more && under_way < missing; more--, under_way++)
		rounds_submit(&a->rounds, number++, a->arms, ARMS);
}

/* Returns 1 when something happened after which the list of trials must be looked at anew. */
static int advance(struct engine *e, struct admission_run *a)
{
	for (struct round *r; is_on_trial(e, a->worker) && (r = rounds_take(&a->rounds));) {
		finish_round(e, a, r);
		round_release(r);
		if (!engine_may_run(e) || (is_on_trial(e, a->worker) && judge(e, a)))
			return 1;
	}
	if (!is_on_trial(e, a->worker)) {
		release(e, a, "the worker was taken out");
		return 1;
	}
	/* A worker that left a wave is tried on the baseline as it stands there; else layout 1 is built. */
	const struct base_site *site = base_site(e, a->worker);
	int is_ready = site && site->commit[0] && base_is_ready(e, a->worker, site->layout);
	if (!is_ready && !a->rounds.first)
		base_prepare(e, a->worker, 0, 1);
	if (is_ready || base_is_given(e, a->worker, 1))
		go_on(e, a);
	return 0;
}

static int is_first_on_host(const struct engine *e, const struct admission_run *a)
{
	for (const struct admission_run *other = e->admissions; other != a; other = other->next)
		if (!strcmp(other->host, a->host))
			return 0;
	return 1;
}

void admission_advance(struct engine *e)
{
	for (struct admission_run *a = e->admissions; a && engine_may_run(e);)
		a = is_first_on_host(e, a) && advance(e, a) ? e->admissions : a->next;
}
