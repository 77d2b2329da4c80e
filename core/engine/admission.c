/* Admission: a worker is an instrument, and is tried before it measures (decision rule 3.2). The baseline runs against
 * itself in random order; a worker whose pairs differ too much is not used. A sole slot that is refused is tried again
 * at once: the limit rises with every second refusal, so that a noisy machine is used at last, and said to be noisy. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/data/query.h"
#include "core/judge/admission.h"

enum { ARMS = 2, PADDING = 4096 };

struct admission_run {
	struct strings queue;		/* workers that wait */
	char *worker;			/* the one on trial; NULL: none */
	struct place place;
	int in_round;
	unsigned ended, failures, attempt;
	double value[ARMS];		/* of base and aa */
	char problem[512];		/* of the newest failure */
	int is_lost;			/* and it was not the baseline's */
};
static const char *const arm_names[ARMS] = { "base", "aa" };

void admission_start(struct engine *e)
{
	e->admission = xcalloc(1, sizeof *e->admission);
	e->admission->place = place_open(&e->rule);
	size_t capacity = e->runner_ops->capacity(e->runner);
	for (size_t i = 1; i <= capacity; i++) {
		char id[16];
		struct err err = {0};
		snprintf(id, sizeof id, "w%zu", i);
		if (e->runner_ops->start_worker(e->runner, id, &err) < 0)
			engine_alert(e, "worker %s: %s", id, err.text);
	}
}

static void enqueue(struct engine *e, const char *worker)
{
	if (!strings_have(&e->admission->queue, worker))
		strings_add(&e->admission->queue, worker);
}

void admission_worker_changed(struct engine *e, const struct worker_report *r)
{
	const struct worker *w = model_worker(&e->model, r->worker);
	int was_admitted = w && w->admitted;
	if (w && w->state && !strcmp(w->state, "quarantined") && (!strcmp(r->state, "starting") || !strcmp(r->state, "ready")))
		return;		/* by a human: it stays out until they release it, also over a restart */
	struct event ev = worker_event(r->worker, r->state);
	ev.runner = e->runner_ops->name;
	ev.name = r->name;
	ev.usd_per_hour = r->usd_per_hour;
	ev.usd = r->usd;
	ev.age = r->age;
	ev.reason = r->why;
	ev.remedy = r->remedy;
	ev.status = r->status;
	ev.arch = r->arch;
	ev.place = r->place;
	if (!strcmp(r->state, "ready") && !was_admitted) {
		ev.state = "admitting";
		enqueue(e, r->worker);
	}
	engine_emit(e, &ev);
}

void admission_readmit(struct engine *e, const char *worker, double noise_percent, const char *why)
{
	struct event ev = worker_event(worker, "quarantined");
	ev.noise_percent = noise_percent;
	ev.reason = why;
	engine_emit(e, &ev);
	ev = worker_event(worker, "admitting");
	engine_emit(e, &ev);
	if (e->admission)
		enqueue(e, worker);
}

static void void_round(struct engine *e, struct admission_run *a, const char *why)
{
	const struct worker *w = model_worker(&e->model, a->worker);
	a->attempt++;
	engine_emit(e, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = w->admission_round + 1, .worker = a->worker, .wave = 0, .reason = why });
	if (a->is_lost) {
		engine_lost(e, "the baseline", why);
		return;
	}
	if (++a->failures < 2)
		return;
	struct err err = { .code = EXIT_FAILED };
	snprintf(err.text, sizeof err.text, "the baseline cannot be measured: %.800s", why);
	engine_fail(e, &err);
}

static void judge(struct engine *e, struct admission_run *a)
{
	const struct worker *w = model_worker(&e->model, a->worker);
	double magnitude[RULE_ADMISSION_PAIRS], noise = NAN;
	size_t n = w->admission.count < RULE_ADMISSION_PAIRS ? w->admission.count : RULE_ADMISSION_PAIRS;
	for (size_t i = 0; i < n; i++)
		magnitude[i] = fabs(w->admission.at[i]);
	enum admission verdict = admission_judge(&e->rule, a->place.limit, magnitude, n, &noise);
	if (verdict == ADMISSION_MORE)
		return;
	struct event ev = worker_event(a->worker, "ready");
	ev.noise_percent = 100 * noise;
	if (verdict == ADMISSION_ADMIT) {
		engine_emit(e, &ev);
		a->place = place_open(&e->rule);
	} else {
		char why[128];
		snprintf(why, sizeof why, "too noisy to be admitted (limit %.1f %%); it is tried again", 100 * a->place.limit);
		place_rejected(&a->place);
		ev.state = "quarantined";
		ev.reason = why;
		engine_emit(e, &ev);
		ev = worker_event(a->worker, "admitting");
		engine_emit(e, &ev);
		enqueue(e, a->worker);
	}
	free(a->worker);
	a->worker = NULL;
}

static int is_on_trial(const struct engine *e, const char *worker)
{
	const struct worker *w = model_worker(&e->model, worker);
	return w && !strcmp(w->state, "admitting");
}

static void finish_round(struct engine *e, struct admission_run *a)
{
	a->in_round = 0;
	const struct worker *w = model_worker(&e->model, a->worker);
	if (!is_on_trial(e, a->worker)) {	/* taken out meanwhile */
		engine_emit(e, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = w->admission_round + 1, .worker = a->worker, .wave = 0,
						.reason = "the worker was taken out" });
		return;
	}
	if (!isfinite(a->value[0]) || !isfinite(a->value[1]) || a->value[0] <= 0 || a->value[1] <= 0) {
		void_round(e, a, a->problem);
		return;
	}
	a->failures = a->attempt = 0;
	engine_lost(e, NULL, NULL);
	double d = (e->model.lower_is_better ? -1 : 1) * log(a->value[1] / a->value[0]);
	engine_emit(e, &(struct event){ .kind = EVENT_ADMISSION_PAIR, .worker = a->worker, .round = w->admission_round + 1, .ratio = d });
	judge(e, a);
}

static void measured(struct engine *e, void *owner, const char *arm, const struct run *run, const struct step_result *result)
{
	struct admission_run *a = e->admission;
	if (a != owner)
		return;
	double value = run && result->status == RUN_OK ? run->value : NAN;
	a->value[!strcmp(arm, arm_names[1])] = value;
	if (!isfinite(value) || value <= 0) {
		char id[16] = "";
		a->is_lost |= result->status == RUN_LOST || result->status == RUN_CANCELLED;
		if (run)
			snprintf(id, sizeof id, "r%u", run->number);
		snprintf(a->problem, sizeof a->problem, "%.400s%s%s%s", result->reason ? result->reason : "its value is not above 0",
			 run ? " (skydeck log " : "", id, run ? " shows it)" : "");
	}
	if (++a->ended == ARMS)
		finish_round(e, a);
}

static void start_round(struct engine *e, struct admission_run *a)
{
	const struct worker *w = model_worker(&e->model, a->worker);
	unsigned round = w->admission_round + 1;
	struct random random;
	size_t order[ARMS] = { 0, 1 };
	random_seed(&random, random_mix(random_mix(e->model.seed, hash_string(a->worker)), round * 64ull + a->attempt));
	random_shuffle(&random, order, ARMS);
	char names[32];
	snprintf(names, sizeof names, "%s %s", arm_names[order[0]], arm_names[order[1]]);
	engine_emit(e, &(struct event){ .kind = EVENT_ROUND_STARTED, .round = round, .worker = a->worker, .wave = 0, .phase = 0, .order = names });
	a->in_round = 1;
	a->ended = a->is_lost = 0;
	a->value[0] = a->value[1] = NAN;
	for (size_t i = 0; i < ARMS; i++) {
		struct step_plan plan = { .arm = arm_names[order[i]], .worker = a->worker, .tree = "base", .label = i ? "b" : "a",
					  .kind = STEP_MEASURE, .round = round, .layout = e->base_layout,
					  .padding = (unsigned)random_below(&random, PADDING) };
		steps_submit(e, &plan, measured, a);
	}
}

/* A runner that costs money waits for the first approval, unless it is to be warm before. */
static int may_start(const struct engine *e)
{
	return !e->runner_ops->costs_money || e->config.sky_prewarm || e->model.wave_count || count_in_state(&e->model, STATE_APPROVED);
}

void admission_advance(struct engine *e)
{
	struct admission_run *a = e->admission;
	if (!a || !engine_may_run(e) || a->in_round || !may_start(e))
		return;
	if (a->worker && !is_on_trial(e, a->worker)) {
		free(a->worker);
		a->worker = NULL;
	}
	while (a->queue.count && !is_on_trial(e, a->queue.at[0])) {
		free(a->queue.at[0]);
		array_remove(&a->queue.at, &a->queue.count, 0, sizeof *a->queue.at);
	}
	if (!a->worker) {
		if (!a->queue.count)
			return;
		a->worker = xstrdup(a->queue.at[0]);
		free(a->queue.at[0]);
		array_remove(&a->queue.at, &a->queue.count, 0, sizeof *a->queue.at);
		a->failures = a->attempt = 0;
	}
	/* A worker that left a wave is tried on the baseline as it stands there; else layout 1 is built. */
	if (e->base_commit[0] && base_is_ready(e, e->base_layout))
		start_round(e, a);
	else
		base_prepare(e, a->worker, 0, 1);
}

void admission_abort(struct engine *e)
{
	struct admission_run *a = e->admission;
	e->admission = NULL;
	if (!a)
		return;
	steps_drop(e, a);
	strings_release(&a->queue);
	free(a->worker);
	free(a);
}
