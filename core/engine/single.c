/* Single mode: a proposal is one execution of the user's own SkyPilot task on one VM, for those who have such a task and no
 * wish for another harness. There is no baseline beside it, so there is no pair and no evidence: the value is shown as what
 * it is, and nothing is ever kept for it. Each one is a wave of its own, so that every VM has work.
 *
 * Nothing of it outlives the engine but the job on the VM: what ran then is lost, and run anew. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/query.h"

struct single_run {
	char *worker, *proposal;
	unsigned wave, rev;
	int is_gone;			/* vetoed or cancelled meanwhile */
	struct single_run *next;
};

int single_mode(const struct engine *e)
{
	return e->runner && e->runner_ops->costs_money && e->config.sky_task && !pool_keeps_trees(e);
}

static void forget(struct engine *e, struct single_run *s)
{
	for (struct single_run **at = &e->singles; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	jobs_drop(e, s);
	steps_drop(e, s);
	free(s->worker);
	free(s->proposal);
	free(s);
}

void single_abort(struct engine *e)
{
	while (e->singles)
		forget(e, e->singles);
}

static enum verdict verdict_of(const struct step_result *result)
{
	const char *why = result->reason ? result->reason : "";
	if (result->status == RUN_OK)
		return VERDICT_NONE;
	if (result->status == RUN_TIMEOUT)
		return VERDICT_TIMEOUT;
	return !strncmp(why, "build", 5) ? VERDICT_BUILD_FAILED : !strncmp(why, "checks", 6) ? VERDICT_CHECKS_FAILED : VERDICT_CRASH;
}

/* It is free again, unless it went, or a human took it out. */
static void leave_worker(struct engine *e, struct single_run *s)
{
	const struct worker *w = model_worker(&e->model, s->worker);
	if (w && !strcmp(w->state, "busy"))
		state_worker(e, s->worker, "ready");
	forget(e, s);
}

static void end_wave(struct engine *e, struct single_run *s)
{
	engine_emit(e, &(struct event){ .kind = EVENT_WAVE_ENDED, .wave = s->wave });
	leave_worker(e, s);
}

static void measured(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result)
{
	struct single_run *s = owner;
	(void)plan;
	const struct proposal *p = model_proposal(&e->model, s->proposal);
	if (s->is_gone || !p || p->rev != s->rev) {
		end_wave(e, s);
		return;
	}
	if (result->status == RUN_LOST || result->status == RUN_CANCELLED) {
		engine_lost(e, s->proposal, result->reason);
		leave_worker(e, s);	/* the wave is still open: it is taken up anew */
		return;
	}
	engine_lost(e, NULL, NULL);
	char id[16] = "";
	if (run)
		snprintf(id, sizeof id, "r%u", run->number);
	struct strings workers = {0};
	strings_add(&workers, s->worker);
	engine_emit(e, &(struct event){ .kind = EVENT_VERDICT, .proposal = s->proposal, .rev = s->rev,
		.verdict = verdict_name(verdict_of(result)), .change_percent = NAN, .low = NAN, .high = NAN, .shrunk_percent = NAN,
		.evidence = NAN, .needed = NAN, .workers = workers, .reason = result->reason, .run = id[0] ? id : NULL, .baseline = p->baseline });
	strings_release(&workers);
	end_wave(e, s);
}

static void checked_out(struct engine *e, void *owner, const char *name, const char *problem)
{
	struct single_run *s = owner;
	const struct proposal *p = model_proposal(&e->model, s->proposal);
	if (s->is_gone || !p) {
		end_wave(e, s);
		return;
	}
	if (problem) {
		engine_lost(e, s->proposal, problem);
		leave_worker(e, s);
		return;
	}
	char *experiment = xasprintf("%s-rev%u", s->proposal, s->rev);
	struct step_plan plan = { .arm = s->proposal, .worker = s->worker, .tree = name, .label = "a", .kind = STEP_MEASURE, .rev = s->rev,
				  .wave = s->wave, .round = 1, .layout = 1, .commit = proposal_commit(p), .experiment = experiment,
				  .description = p->title };
	steps_submit(e, &plan, measured, s);
	free(experiment);
}

static const struct worker *free_worker(const struct engine *e)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const struct single_run *s = e->singles;
		while (s && strcmp(s->worker, w->id))
			s = s->next;
		if (!s && (!strcmp(w->state, "ready") || !strcmp(w->state, "busy")))
			return w;
	}
	return NULL;
}

static void start(struct engine *e, const struct wave *wave, const struct worker *worker)
{
	const struct proposal *p = wave->proposals.count ? model_proposal(&e->model, wave->proposals.at[0]) : NULL;
	struct single_run *s = xcalloc(1, sizeof *s);
	s->worker = xstrdup(worker->id);
	s->proposal = xstrdup(p ? p->id : "");
	s->wave = wave->number;
	s->rev = p ? (unsigned)p->rev : 0;
	s->next = e->singles;
	e->singles = s;
	if (!p || !proposal_commit(p) || (p->state != STATE_QUEUED && p->state != STATE_RUNNING)) {
		end_wave(e, s);
		return;
	}
	char tree[32];
	snprintf(tree, sizeof tree, "%s", p->id);
	engine_emit(e, &(struct event){ .kind = EVENT_PHASE_STARTED, .wave = s->wave, .phase = 1, .worker = s->worker, .layout = 1 });
	state_worker(e, s->worker, "busy");
	trees_checkout(e, proposal_commit(p), tree, checked_out, s);
}

static const struct wave *left_behind(const struct engine *e)
{
	for (size_t i = 0; i < e->model.wave_count; i++) {
		const struct wave *wave = &e->model.waves[i];
		const struct single_run *s = e->singles;
		while (s && s->wave != wave->number)
			s = s->next;
		if (!s && wave->is_single && !wave->ended)
			return wave;
	}
	return NULL;
}

static const struct proposal *next_approved(const struct engine *e)
{
	for (size_t i = 0; i < e->model.proposal_count; i++)
		if (e->model.proposals[i].state == STATE_APPROVED && proposal_commit(&e->model.proposals[i]))
			return &e->model.proposals[i];
	return NULL;
}

void single_advance(struct engine *e)
{
	const struct worker *worker;
	while (engine_may_run(e) && single_mode(e) && (worker = free_worker(e))) {
		const struct wave *wave = left_behind(e);
		const struct proposal *p = wave || !engine_experiments_left(e) ? NULL : next_approved(e);
		if (p) {
			struct strings one = {0};
			unsigned number = e->model.wave_count ? e->model.waves[e->model.wave_count - 1].number + 1 : 1;
			strings_add(&one, p->id);
			engine_emit(e, &(struct event){ .kind = EVENT_WAVE_STARTED, .wave = number, .baseline = e->model.baseline, .proposals = one,
				.seed = (int64_t)random_mix(e->model.seed, number), .alpha = NAN, .mode = "single" });
			strings_release(&one);
			wave = left_behind(e);
		}
		if (!wave)
			return;
		start(e, wave, worker);
	}
}

void single_proposal_gone(struct engine *e, const struct proposal *p)
{
	for (struct single_run *s = e->singles; s; s = s->next)
		if (!strcmp(s->proposal, p->id)) {
			s->is_gone = 1;
			steps_cancel(e, s, NULL, STEP_MEASURE);
		}
}
