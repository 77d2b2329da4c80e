/* What a wave's rounds measured, read: failures and values that cannot be true void a round, pairs go to the trials of their arms,
 * and verdicts and the noise of the worker come from there. */
#include "core/engine/wave.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/judge/plausibility.h"
#include "core/judge/stats.h"

enum { EARLIER_MAX = 64 };

/* verdicts */

static double percent(double log_ratio)
{
	return isfinite(log_ratio) ? 100 * expm1(log_ratio) : NAN;
}

static void collect_workers(const struct proposal *p, struct strings *out)
{
	for (size_t i = 0; i < p->pair_count; i++)
		if (p->pairs[i].worker && !strings_have(out, p->pairs[i].worker))
			strings_add(out, p->pairs[i].worker);
}

static int is_one_host(const struct engine *e, const struct strings *workers)
{
	for (size_t i = 1; i < workers->count; i++) {
		const char *a = e->runner_ops->host(e->runner, workers->at[0]), *b = e->runner_ops->host(e->runner, workers->at[i]);
		if (!a || !b || strcmp(a, b))
			return 0;
	}
	return workers->count > 0;
}

void wave_state_verdict(struct engine *e, struct wave_run *w, struct arm *arm, enum verdict verdict, const char *run, const char *reason)
{
	const struct proposal *p = model_proposal(&e->model, arm->id);
	const struct wave *wave = wave_of(e, w);
	struct trial_report r = trial_report(&arm->trial);
	struct strings workers = {0};
	arm->is_out = 1;
	if (!p || p->rev != arm->rev || (p->state != STATE_QUEUED && p->state != STATE_RUNNING))
		return;		/* what was measured is not what stands there now */
	collect_workers(p, &workers);
	if (!reason && verdict == VERDICT_KEEP && is_one_host(e, &workers))
		reason = "one host";
	engine_emit(e, &(struct event){ .kind = EVENT_VERDICT, .proposal = arm->id, .rev = arm->rev, .verdict = verdict_name(verdict),
		.pairs = (int64_t)r.pairs, .change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high),
		.shrunk_percent = percent(r.shrunk), .evidence = r.pairs ? r.evidence : NAN, .needed = r.pairs ? r.needed : NAN,
		.workers = workers, .reason = reason, .run = run && *run ? run : NULL, .baseline = wave ? wave->baseline : NULL });
	strings_release(&workers);
}

/* the trials */

/* The pair's secondary metrics go before the pair that decides. values: of the arm; base: the baseline's. */
void wave_watch_secondary(struct engine *e, struct wave_run *w, struct arm *arm, const struct metrics *values, const struct metrics *base)
{
	for (size_t i = 0; values && base && i < values->count; i++) {
		const char *name = values->at[i].name;
		double a = metric_median(metrics_find(base, name)), b = metric_median(&values->at[i]);
		if ((e->model.metric && !strcmp(name, e->model.metric)) || !(a > 0) || !(b > 0))
			continue;
		size_t k = 0;
		while (k < w->watch_count && strcmp(w->watches[k], name))
			k++;
		if (k == WATCHES_MAX || strlen(name) >= sizeof w->watches[0])
			continue;
		if (k == w->watch_count)
			memcpy(w->watches[w->watch_count++], name, strlen(name) + 1);
		while (arm->trial.watch_count <= k)
			trial_watch(&arm->trial, e->rule.margin);
		/* A secondary metric of rate or time is read as the primary one is, unless its name says seconds. */
		size_t n = strlen(name);
		int lower = e->model.lower_is_better || (n > 2 && !strcmp(name + n - 2, "_s")) || (n > 3 && !strcmp(name + n - 3, "_ms")) ||
			    (n > 3 && (!strcmp(name + n - 3, "_kb") || !strcmp(name + n - 3, "_mb"))) || strstr(name, "seconds") || strstr(name, "µs");
		trial_secondary(&arm->trial, k, w->histories, (lower ? -1 : 1) * log(b / a));
	}
}

/* What a decision does to the arm itself; the same live and in a replay. */
void wave_settle(struct wave_run *w, struct arm *arm, enum decision decision)
{
	if (decision == TRIAL_CONTINUE)
		return;
	trial_leave_worker(&arm->trial, w->histories);
	if (decision == TRIAL_SWITCH)
		arm->has_switched = 1;
	else if (decision == TRIAL_KEEP)
		arm->is_kept = 1;
	else
		arm->is_out = 1;
}

static enum verdict verdict_of(enum decision decision)
{
	switch (decision) {
	case TRIAL_KEEP:	return VERDICT_KEEP;
	case TRIAL_SMALL:	return VERDICT_SMALL;
	case TRIAL_REJECT:	return VERDICT_REJECT;
	case TRIAL_PARK:	return VERDICT_PARK;
	default:		return VERDICT_NONE;
	}
}

static void learn(struct engine *e, struct wave_run *w, size_t before)
{
	struct reals learned = {0};
	const struct history *h = &w->histories[0];
	for (size_t i = before < h->count ? before : h->count; i < h->count; i++)
		reals_add(&learned, h->magnitude[i]);
	if (learned.count)
		engine_emit(e, &(struct event){ .kind = EVENT_SCALE_LEARNED, .worker = w->worker, .magnitudes = learned });
	free(learned.at);
}

/* What a trial taught the worker's history: the part that stands at its end now. */
static size_t learned_count(const struct arm *arm)
{
	size_t n = arm->trial.evidence.count - arm->trial.evidence.stay;
	return n >= 3 ? n : 0;
}

static void judge_pair(struct engine *e, struct wave_run *w, struct arm *arm, const struct round_arm *ran, const struct round *round)
{
	const struct round_arm *base = &round->arms[0];
	double d = (e->model.lower_is_better ? -1 : 1) * log(ran->value / base->value);
	wave_watch_secondary(e, w, arm, &ran->metrics, &base->metrics);
	enum decision decision = trial_pair(&arm->trial, w->histories, d);
	struct trial_report r = trial_report(&arm->trial);
	engine_emit(e, &(struct event){ .kind = EVENT_EVIDENCE, .proposal = arm->id, .worker = w->worker, .round = round->number, .phase = w->phase,
		.ratio = d, .value = ran->value, .base_value = base->value, .pairs = (int64_t)r.pairs, .evidence = r.evidence, .needed = r.needed,
		.change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high) });
	size_t taught = decision == TRIAL_CONTINUE ? 0 : learned_count(arm);
	wave_settle(w, arm, decision);
	if (taught > w->histories[0].count)
		taught = w->histories[0].count;
	if (taught)
		learn(e, w, w->histories[0].count - taught);
	if (arm->is_out)
		wave_state_verdict(e, w, arm, verdict_of(decision), NULL, NULL);
}

enum architecture_verdict wave_add_elsewhere(struct engine *e, struct wave_run *w, struct arm *arm, double d)
{
	enum architecture_verdict answer = architecture_pair(&arm->elsewhere, &e->rule, &w->histories[0], d);
	arm->is_answered = answer != ARCHITECTURE_MORE;
	return answer;
}

static void judge_elsewhere(struct engine *e, struct wave_run *w, struct arm *arm, const struct round_arm *ran, const struct round *round)
{
	static const char *const words[] = { NULL, "fine", "harmed" };
	const struct round_arm *base = &round->arms[0];
	double d = (e->model.lower_is_better ? -1 : 1) * log(ran->value / base->value);
	enum architecture_verdict answer = wave_add_elsewhere(e, w, arm, d);
	struct architecture_report r = architecture_report(&arm->elsewhere, &e->rule);
	engine_emit(e, &(struct event){ .kind = EVENT_ELSEWHERE, .proposal = arm->id, .worker = w->worker, .arch = w->arch, .round = round->number,
		.ratio = d, .value = ran->value, .base_value = base->value, .pairs = (int64_t)r.pairs, .evidence = r.harm,
		.change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high), .verdict = words[answer] });
}

/* rounds */

static enum verdict verdict_of_failure(enum run_status status)
{
	return status == RUN_TIMEOUT ? VERDICT_TIMEOUT : VERDICT_CRASH;
}

/* The arm of the wave that ran there; NULL: it has its verdict, and what it does is nobody's concern any more. */
static struct arm *concerned(struct wave_run *w, const struct round_arm *ran)
{
	struct arm *arm = wave_arm(w, ran->id);
	return arm && !arm->is_out ? arm : NULL;
}

/* The one that failed, but for those that were cancelled because of it; NULL: none did. */
static struct round_arm *failed_arm(struct wave_run *w, struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		enum run_status status = r->arms[i].status;
		if (concerned(w, &r->arms[i]) && status != RUN_OK && status != RUN_CANCELLED && status != RUN_LOST)
			return &r->arms[i];
	}
	return NULL;
}

static const struct round_arm *gone_arm(struct wave_run *w, const struct round *r)
{
	const struct round_arm *gone = NULL;
	for (size_t i = 0; i < r->count; i++) {
		enum run_status status = r->arms[i].status;
		if (concerned(w, &r->arms[i]) && (status == RUN_LOST || (status == RUN_CANCELLED && !gone)))
			gone = &r->arms[i];
	}
	return gone;
}

static void round_failed(struct engine *e, struct wave_run *w, struct round *r, const struct round_arm *ran)
{
	struct arm *arm = wave_arm(w, ran->id);
	char why[384], run[16];
	snprintf(run, sizeof run, "r%u", ran->run);
	snprintf(why, sizeof why, "%s: %s", arm->id, ran->reason[0] ? ran->reason : run_status_name(ran->status));
	rounds_void(&w->rounds, r, why);
	for (size_t i = 0; i < r->count; i++) {
		struct arm *other = wave_arm(w, r->arms[i].id);
		if (other && other != arm && r->arms[i].status == RUN_OK)
			other->failures = 0;
	}
	if (++arm->failures < 2)
		return;
	arm->failures = 0;
	if (arm == &w->arms[0]) {
		pool_noisy(e, w->worker, NAN, why);
		return;
	}
	wave_state_verdict(e, w, arm, verdict_of_failure(ran->status), run, ran->reason[0] ? ran->reason : NULL);
	if (ran->status == RUN_TIMEOUT)		/* each further run of it would take as long again */
		rounds_cancel(&w->rounds, why);
}

/* Values of the present baseline on this worker (a landing moves what is normal), and the ratio of value to time that they show (decision rule 3.8). */
static size_t earlier_values(const struct engine *e, const struct wave_run *w, const struct round *round, double *values, double *reference)
{
	struct metrics ratios = {0};
	size_t n = 0;
	for (size_t i = e->model.run_count; i-- > e->model.baseline_run && n < EARLIER_MAX;) {
		const struct run *r = &e->model.runs[i];
		if (!r->worker || strcmp(r->worker, w->worker) || (strcmp(r->arm, "base") && strcmp(r->arm, "aa")) || r->voided ||
		    !(r->value > 0) || !isfinite(r->value) || (r->wave == w->number && r->round >= round->number))
			continue;
		values[n++] = e->model.lower_is_better ? 1 / r->value : r->value;
		metrics_add(&ratios, "r", values[n - 1] * r->seconds);
	}
	*reference = metric_median(metrics_find(&ratios, "r"));
	metrics_release(&ratios);
	return n;
}

/* Whether the wall clock moved as the value says. A run is also start-up and work that the value is not about, so the
 * clock need not move by all that the value implies, but by a quarter of it at least, and by no more than it. */
static int clock_agrees(double value, double seconds, double usual_value, double usual_seconds)
{
	double implied = usual_seconds * (usual_value / value - 1), moved = seconds - usual_seconds;
	return moved / implied > 0.25 && moved / implied < 1.25;
}

/* A value that jumps is believed when the wall clock moved with it. Without a jump the clock is not asked: a benchmark
 * that runs for a fixed time, or does more than it reports on, would be called a liar for every honest gain. */
static unsigned implausible(const struct engine *e, const struct wave_run *w, const struct round *round, const struct round_arm *ran, int *voids)
{
	double values[EARLIER_MAX], reference;
	size_t n = earlier_values(e, w, round, values, &reference);
	double value = e->model.lower_is_better ? 1 / ran->value : ran->value;
	struct run_facts facts = { .value = value, .bound = NAN, .earlier = values, .earlier_count = n, .ratio = NAN, .reference = NAN };
	unsigned flags = plausibility_flags(&facts);
	if (flags & IMPLAUSIBLE_JUMP) {
		double usual = stats_median(values, n);
		facts.ratio = clock_agrees(value, ran->seconds, usual, reference / usual) ? reference : value * ran->seconds;
		facts.reference = reference;
		flags = plausibility_flags(&facts);
	}
	*voids = plausibility_voids(&facts, flags);
	return flags;
}

static void flag_names(unsigned flags, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (int bit = 0; bit < IMPLAUSIBLE_COUNT; bit++)
		if (flags & 1u << bit && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", plausibility_name(bit));
}

/* Returns 1 when an arm's value voids the round. */
static int round_is_implausible(struct engine *e, struct wave_run *w, struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct round_arm *ran = &r->arms[i];
		struct arm *arm = concerned(w, ran);
		const struct proposal *p = i && arm ? model_proposal(&e->model, arm->id) : NULL;
		int voids = 0;
		unsigned flags = arm ? implausible(e, w, r, ran, &voids) : 0;
		if (p && p->vouched && flags != IMPLAUSIBLE_NOT_POSITIVE)
			voids = 0;	/* a human saw such values and wants them judged; of 0 there is no logarithm */
		if (arm && (!flags || !voids))
			arm->suspicions = 0;
		if (!arm || !flags || !voids)
			continue;
		char names[128], why[256], run[16];
		flag_names(flags, names, sizeof names);
		snprintf(why, sizeof why, "%s: the value %g is not plausible (%s)", arm->id, ran->value, names);
		snprintf(run, sizeof run, "r%u", ran->run);
		rounds_void(&w->rounds, r, why);
		if (++arm->suspicions < 2)
			return 1;
		arm->suspicions = 0;
		if (i)
			wave_state_verdict(e, w, arm, VERDICT_SUSPECT, run, why);
		else
			pool_noisy(e, w->worker, NAN, why);
		return 1;
	}
	return 0;
}

static void say_noise(struct engine *e, const char *worker, double noise_percent)
{
	struct event ev = worker_event(worker, "busy");
	ev.noise_percent = noise_percent;
	engine_emit(e, &ev);
}

/* Live quarantine (decision rule 3.7): any candidate's stay that has become too noisy condemns the worker. */
static void watch_worker(struct engine *e, struct wave_run *w)
{
	double noise = NAN, worst = NAN;
	for (size_t i = 1; i < w->count; i++) {
		const struct arm *arm = &w->arms[i];
		if (!wave_wants(w, arm))
			continue;
		if (trial_worker_is_noisy(&arm->trial, &noise)) {
			char why[128];
			snprintf(why, sizeof why, "noise %.0f %% over the newest pairs (limit %.0f %%)", 100 * noise, 100 * e->rule.quarantine);
			pool_noisy(e, w->worker, 100 * noise, why);
			return;
		}
		if (isfinite(noise) && !(noise <= worst))
			worst = noise;
	}
	const struct worker *worker = model_worker(&e->model, w->worker);
	int is_busy = worker && !strcmp(worker->state, "busy");		/* else it went, and its last rounds are told now */
	if (isfinite(worst) && is_busy && fabs(worker->noise_percent - 100 * worst) > 0.1)
		say_noise(e, w->worker, 100 * worst);
}

/* A run was lost, or cancelled for no reason of ours. A worker that went away is the pool's concern; and of a job that was
 * lost with many rounds in it only one is counted. */
static void round_gone(struct engine *e, struct wave_run *w, struct round *r, const struct round_arm *gone)
{
	const struct arm *arm = wave_arm(w, gone->id);
	int counts = (r->has_begun || !w->rounds.first) && wave_worker_is_fit(e, w);
	if (arm != w->arms && !arm->is_ready && !arm->is_preparing) {
		/* Its build or its checks went wrong, and the word of it was lost with a former engine: they are done anew. */
		rounds_void(&w->rounds, r, "an arm of it was not ready");
		rounds_cancel(&w->rounds, "an arm of it was not ready");
		return;
	}
	rounds_void(&w->rounds, r, "a run was lost");
	if (counts)
		engine_lost(e, gone->id, gone->reason);
}

void wave_finish_round(struct engine *e, struct wave_run *w, struct round *r)
{
	struct round_arm *failed = failed_arm(w, r);
	const struct round_arm *gone = gone_arm(w, r);
	if (failed) {
		round_failed(e, w, r, failed);
		return;
	}
	if (gone && r->blameless[0]) {
		rounds_void(&w->rounds, r, r->blameless);
		return;
	}
	if (gone) {
		round_gone(e, w, r, gone);
		return;
	}
	engine_lost(e, NULL, NULL);
	if (round_is_implausible(e, w, r))
		return;
	int pairs = 0;
	for (size_t i = 1; i < r->count; i++) {
		struct arm *arm = concerned(w, &r->arms[i]);
		int is_wanted = arm && wave_wants(w, arm);
		pairs += is_wanted;
		if (is_wanted && w->arch)
			judge_elsewhere(e, w, arm, &r->arms[i], r);
		else if (is_wanted)
			judge_pair(e, w, arm, &r->arms[i], r);
	}
	if (!pairs) {	/* one of several that were under way: its number is free again */
		rounds_void(&w->rounds, r, "its arms were decided before");
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		w->arms[i].failures = 0;
	w->rounds.attempt = 0;
	watch_worker(e, w);
}
