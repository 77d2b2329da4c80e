/* Rounds under way on one worker: submitted, begun, ended, oldest first. A worker at hand has one at a time; one far away
 * gets several ahead, since a job is dear there, and their results come in as they are made.
 *
 * What ends a round is for the caller to judge. Here is only kept what belongs together, and what a round that does not
 * count leaves behind: a fact if it had begun, else nothing, so that its number is free. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

enum { PADDING = 4096 };

static struct round *numbered(struct rounds *rs, unsigned number)
{
	struct round *r = rs->first;
	while (r && r->number != number)
		r = r->next;
	return r;
}

static struct round_arm *arm_of(struct round *r, const char *id)
{
	for (size_t i = 0; r && i < r->count; i++)
		if (!strcmp(r->arms[i].id, id))
			return &r->arms[i];
	return NULL;
}

void round_release(struct round *r)
{
	for (size_t i = 0; r && i < r->count; i++)
		metrics_release(&r->arms[i].metrics);
	free(r);
}

static void began(struct engine *e, void *owner, const struct step_plan *plan)
{
	struct rounds *rs = owner;
	struct round *r = numbered(rs, plan->round);
	if (!r || r->has_begun)
		return;
	r->has_begun = 1;
	engine_emit(e, &(struct event){ .kind = EVENT_ROUND_STARTED, .round = r->number, .worker = rs->worker, .wave = rs->wave,
					.phase = rs->phase, .order = r->order });
}

static void cancel_steps(struct rounds *rs)
{
	steps_cancel(rs->engine, rs, NULL, STEP_MEASURE);
}

static void measured(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result)
{
	struct rounds *rs = owner;
	struct round *r = numbered(rs, plan->round);
	struct round_arm *arm = arm_of(r, plan->arm);
	if (!arm || arm->ran)
		return;
	r->ended++;
	arm->ran = 1;
	arm->status = result->status;
	arm->value = run ? run->value : NAN;
	arm->seconds = result->seconds;
	arm->run = run ? run->number : 0;
	snprintf(arm->reason, sizeof arm->reason, "%s", result->reason ? result->reason : "");
	if (result->metrics)
		metrics_copy(&arm->metrics, result->metrics);
	/* The round does not count, so the rest of it would be paid for nothing. In a job it is part of more. */
	if (result->status != RUN_OK && result->status != RUN_CANCELLED && !pool_keeps_trees(e))
		cancel_steps(rs);
}

/* The run of a round that a former engine began: newest first, since a number may have been used before. */
static const struct run *former_run(const struct rounds *rs, unsigned number, const char *arm)
{
	const struct model *m = &rs->engine->model;
	for (size_t i = m->run_count; i-- > 0;) {
		const struct run *r = &m->runs[i];
		if (r->wave == rs->wave && r->round == number && !r->voided && !strcmp(r->step, "measure") && !strcmp(r->arm, arm) &&
		    !strcmp(r->worker, rs->worker))
			return r;
	}
	return NULL;
}

static int was_begun(const struct rounds *rs, const struct round *r)
{
	const struct worker *w = model_worker(&rs->engine->model, rs->worker);
	int is = w && w->round == r->number && w->round_wave == rs->wave;
	for (size_t i = 0; i < r->count && !is && rs->wave; i++)
		is = former_run(rs, r->number, r->arms[i].id) != NULL;
	return is;
}

static enum run_status status_named(const char *name)
{
	static const enum run_status all[] = {
#define X(id, name) id,
		RUN_STATUSES(X)
#undef X
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(run_status_name(all[i]), name))
			return all[i];
	return RUN_LOST;
}

static int take_former(const struct rounds *rs, struct round *r, struct round_arm *arm)
{
	const struct run *run = r->has_begun ? former_run(rs, r->number, arm->id) : NULL;
	if (!run || !run->status)
		return 0;
	arm->ran = 1;
	arm->status = status_named(run->status);	/* one that was lost with the engine is not held against the arm */
	arm->value = run->value;
	arm->seconds = run->seconds;
	arm->run = run->number;
	snprintf(arm->reason, sizeof arm->reason, "%s", run->reason ? run->reason : "");
	if (run->metrics)
		metrics_copy(&arm->metrics, run->metrics);
	r->ended++;
	return 1;
}

static void append(struct rounds *rs, struct round *r)
{
	struct round **at = &rs->first;
	while (*at)
		at = &(*at)->next;
	*at = r;
}

void rounds_submit(struct rounds *rs, unsigned number, const struct round_arm *arms, size_t count)
{
	struct engine *e = rs->engine;
	size_t order[ARMS_MAX], labels[ARMS_MAX], used = 0;
	struct random random;
	struct round *r = xcalloc(1, sizeof *r);
	r->number = number;
	r->count = count;
	for (size_t i = 0; i < count; i++) {
		r->arms[i] = arms[i];
		order[i] = labels[i] = i;
	}
	r->has_begun = was_begun(rs, r);
	random_seed(&random, random_mix(random_mix(rs->seed, hash_string(rs->worker)), number * 64ull + rs->attempt));
	random_shuffle(&random, order, count);
	random_shuffle(&random, labels, count);
	for (size_t i = 0; i < count && used < sizeof r->order; i++)
		used += (size_t)snprintf(r->order + used, sizeof r->order - used, "%s%s", i ? " " : "", arms[order[i]].id);
	append(rs, r);
	for (size_t i = 0; i < count; i++) {
		struct round_arm *arm = &r->arms[order[i]];
		char label[2] = { (char)('a' + labels[i]), '\0' };
		struct step_plan plan = { .arm = arm->id, .worker = rs->worker, .tree = arm->tree, .commit = arm->commit, .label = label,
					  .kind = STEP_MEASURE, .rev = arm->rev, .wave = rs->wave, .round = number, .layout = rs->layout,
					  .padding = (unsigned)random_below(&random, PADDING), .began = began };
		if (!take_former(rs, r, arm))
			steps_submit(e, &plan, measured, rs);
	}
}

struct round *rounds_take(struct rounds *rs)
{
	struct round *r = rs->first;
	if (!r || r->ended < r->count)
		return NULL;
	rs->first = r->next;
	r->next = NULL;
	return r;
}

void rounds_void(struct rounds *rs, struct round *r, const char *why)
{
	rs->attempt++;
	if (r->has_begun)
		engine_emit(rs->engine, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = r->number, .worker = rs->worker, .wave = rs->wave,
							 .reason = why });
}

size_t rounds_count(const struct rounds *rs)
{
	size_t n = 0;
	for (const struct round *r = rs->first; r; r = r->next)
		n++;
	return n;
}

unsigned rounds_last(const struct rounds *rs)
{
	const struct round *r = rs->first;
	while (r && r->next)
		r = r->next;
	return r ? r->number : 0;
}

void rounds_cancel(struct rounds *rs, const char *why)
{
	for (struct round *r = rs->first; r; r = r->next)
		if (r->ended < r->count)
			snprintf(r->blameless, sizeof r->blameless, "%s", why);
	cancel_steps(rs);
}

void rounds_drop(struct rounds *rs, const char *why)
{
	steps_drop(rs->engine, rs);
	for (struct round *r = rs->first, *next; r; r = next) {
		next = r->next;
		if (why)
			rounds_void(rs, r, why);
		round_release(r);
	}
	rs->first = NULL;
}

size_t rounds_wanted(const struct rounds *rs, double seconds)
{
	const struct engine *e = rs->engine;
	size_t now = rounds_count(rs), most = e->runner_ops->ahead ? e->runner_ops->ahead(e->runner, rs->worker, seconds) : 1;
	/* Half of them at a time: each is a job's worth, and the next waits behind the one that runs. */
	return now <= most / 2 ? most - now : 0;
}
