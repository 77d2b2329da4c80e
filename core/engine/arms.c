/* An arm gets ready: checkout, build, checks, one after another; arms side by side as the runner allows. */
#include "core/engine/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/query.h"

struct arm_job {
	char *arm, *commit, *tree, *worker, *same_as, *artifact;
	struct arm_plan plan;		/* its texts are those above */
	arm_done *done;
	void *owner;			/* of whoever asked */
	struct arm_job *next;
};

static void unlink_job(struct engine *e, struct arm_job *a)
{
	for (struct arm_job **at = &e->arm_jobs; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			return;
		}
}

static void free_job(struct arm_job *a)
{
	char *texts[] = { a->arm, a->commit, a->tree, a->worker, a->same_as, a->artifact };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(a);
}

static void finish(struct engine *e, struct arm_job *a, enum arm_outcome outcome, const struct run *run, const char *reason)
{
	struct arm_result result = { .outcome = outcome, .reason = reason, .artifact = a->artifact };
	if (run)
		snprintf(result.run, sizeof result.run, "r%u", run->number);
	unlink_job(e, a);
	a->done(e, a->owner, a->arm, &result);
	free_job(a);
}

static void submit(struct engine *e, struct arm_job *a, enum step_kind kind, step_done *done)
{
	struct step_plan plan = { .arm = a->arm, .worker = a->worker, .tree = a->tree, .label = "a", .kind = kind, .rev = a->plan.rev,
				  .wave = a->plan.wave, .layout = a->plan.layout };
	steps_submit(e, &plan, done, a);
}

static void checked(struct engine *e, void *owner, const char *arm, const struct run *run, const struct step_result *result)
{
	(void)arm;
	if (result->status == RUN_OK)
		finish(e, owner, ARM_READY, run, NULL);
	else if (result->status == RUN_LOST || result->status == RUN_CANCELLED)
		finish(e, owner, ARM_GONE, run, result->reason);
	else
		finish(e, owner, ARM_CHECKS_FAILED, run, result->reason);
}

static void after_build(struct engine *e, struct arm_job *a, const struct run *run)
{
	if (a->same_as && a->artifact && !strcmp(a->same_as, a->artifact))
		finish(e, a, ARM_SAME, run, "the build is byte for byte the baseline's");
	else if (a->plan.with_checks && e->checks && !a->plan.is_checked)
		submit(e, a, STEP_CHECKS, checked);
	else
		finish(e, a, ARM_READY, run, NULL);
}

static void built(struct engine *e, void *owner, const char *arm, const struct run *run, const struct step_result *result)
{
	struct arm_job *a = owner;
	(void)arm;
	if (result->status == RUN_OK) {
		string_set(&a->artifact, result->artifact);
		after_build(e, a, run);
	} else if (result->status == RUN_LOST || result->status == RUN_CANCELLED) {
		finish(e, a, ARM_GONE, run, result->reason);
	} else {
		finish(e, a, ARM_BUILD_FAILED, run, result->reason);
	}
}

static void checked_out(struct engine *e, void *owner, const char *name, const char *problem)
{
	(void)name;
	if (problem)
		finish(e, owner, ARM_GONE, NULL, problem);
	else
		submit(e, owner, STEP_BUILD, built);
}

void arms_prepare(struct engine *e, const struct arm_plan *plan, arm_done *done, void *owner)
{
	struct arm_job *a = xcalloc(1, sizeof *a);
	*a = (struct arm_job){ xstrdup(plan->arm), xstrdup(plan->commit), xstrdup(plan->tree), xstrdup(plan->worker), xstrdup(plan->same_as),
			       xstrdup(plan->artifact), *plan, done, owner, e->arm_jobs };
	e->arm_jobs = a;
	if (plan->is_built)
		after_build(e, a, NULL);
	else
		trees_checkout(e, a->commit, a->tree, checked_out, a);
}

void arms_cancel(struct engine *e, const void *owner, const char *arm)
{
	for (struct arm_job *a = e->arm_jobs, *next; a; a = next) {
		next = a->next;
		if (a->owner != owner || strcmp(a->arm, arm))
			continue;
		steps_cancel(e, a, NULL, STEP_BUILD);
		steps_cancel(e, a, NULL, STEP_CHECKS);
		return;
	}
}

void arms_drop(struct engine *e, const void *owner)
{
	for (struct arm_job **at = &e->arm_jobs; *at;) {
		struct arm_job *a = *at;
		if (owner && a->owner != owner) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		jobs_drop(e, a);
		steps_drop(e, a);
		free_job(a);
	}
	steps_drop(e, owner);
}

int base_is_ready(const struct engine *e, unsigned layout)
{
	return e->model.baseline && !strcmp(e->base_commit, e->model.baseline) && e->base_layout == layout;
}

static void base_prepared(struct engine *e, void *owner, const char *arm, const struct arm_result *result)
{
	struct base_job *b = owner;
	void *asker = b->owner;
	arm_done *call = b->done;
	b->owner = NULL;
	b->done = NULL;
	if (result->outcome == ARM_READY) {
		memcpy(e->base_commit, b->commit, sizeof e->base_commit);
		e->base_layout = b->layout;
		string_set(&e->base_artifact, result->artifact);
	}
	if (call)
		call(e, asker, arm, result);
}

/* What a crash left behind is used: the newest build of the baseline, when it was made for this baseline and layout. */
void base_prepare(struct engine *e, const char *worker, unsigned wave, unsigned layout, arm_done *done, void *owner)
{
	const struct model *m = &e->model;
	const struct run *build = find_run(m, m->baseline_run, "base", "build", 0, 0);
	const struct run *checks = find_run(m, m->baseline_run, "base", "checks", 0, 0);
	int is_built = !e->base_commit[0] && build && build->layout == layout;
	struct base_job *b = &e->base_job;
	*b = (struct base_job){ .layout = layout, .done = done, .owner = owner };
	snprintf(b->commit, sizeof b->commit, "%s", m->baseline);
	e->base_commit[0] = '\0';
	struct arm_plan plan = { .arm = "base", .commit = b->commit, .tree = "base", .worker = worker, .wave = wave, .layout = layout,
				 .with_checks = 1, .is_built = is_built, .is_checked = checks != NULL,
				 .artifact = is_built ? build->artifact : NULL };
	arms_prepare(e, &plan, base_prepared, b);
}
