/* An arm gets ready: checkout, build, checks, one after another; arms side by side as the runner allows. Where the worker
 * keeps the trees, the commit travels in a bundle, and build and checks are given together: a job is dear there, and the
 * driver leaves the checks out when the build failed or made the same as the baseline's.
 *
 * A tree that holds a finished build has a note beside it (trees/NAME.built): commit, layout and the boot of the machine.
 * It is taken away before a checkout begins, so a tree that a crash left half made, or that lost power, is made anew. */
#include "core/engine/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/data/query.h"

struct arm_job {
	char *arm, *commit, *tree, *worker, *same_as, *artifact;
	struct arm_plan plan;		/* its texts are those above */
	arm_done *done;
	void *owner;			/* of whoever asked */
	struct arm_job *next;
	int is_cancelled;
	int waits_for_bundle;
	int is_building, is_checking;	/* both: the checks were given together with the build */
	int is_settled;			/* one of them has decided; the other still ends… */
	enum arm_outcome outcome;	/* …and then this is told */
	char run[16], *reason;
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
	char *texts[] = { a->arm, a->commit, a->tree, a->worker, a->same_as, a->artifact, a->reason };
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
	e->changes++;
	a->done(e, a->owner, a->arm, &result);
	free_job(a);
}

static void submit(struct engine *e, struct arm_job *a, enum step_kind kind, step_done *done)
{
	struct step_plan plan = { .arm = a->arm, .worker = a->worker, .tree = a->tree, .label = "a", .kind = kind, .rev = a->plan.rev,
				  .wave = a->plan.wave, .layout = a->plan.layout, .commit = a->commit,
				  .same_as = kind == STEP_BUILD ? a->same_as : NULL };
	steps_submit(e, &plan, done, a);
}

/* Build and checks that were given together both end before the arm is done: whoever decides, the other is waited for. It is
 * the checks that end first where a former engine gave both and heard of the build only. */
static void settle(struct engine *e, struct arm_job *a, enum arm_outcome outcome, const struct run *run, const char *reason)
{
	if (!a->is_checking && !a->is_building) {
		finish(e, a, outcome, run, reason);
		return;
	}
	a->is_settled = 1;
	a->outcome = outcome;
	string_set(&a->reason, reason);
	if (run)
		snprintf(a->run, sizeof a->run, "r%u", run->number);
}

static void finish_settled(struct engine *e, struct arm_job *a)
{
	const struct run *run = a->run[0] ? model_run(&e->model, a->run) : NULL;
	char *reason = a->reason;
	a->reason = NULL;
	finish(e, a, a->outcome, run, reason);
	free(reason);
}

static void checked(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result)
{
	struct arm_job *a = owner;
	(void)plan;
	a->is_checking = 0;
	if (a->is_settled)
		finish_settled(e, a);
	else if (result->status == RUN_OK && a->is_building)
		a->plan.is_checked = 1;		/* then the build decides */
	else if (result->status == RUN_OK)
		finish(e, a, ARM_READY, run, NULL);
	else if (result->status == RUN_LOST || result->status == RUN_CANCELLED)
		settle(e, a, ARM_GONE, run, result->reason);
	else
		settle(e, a, ARM_CHECKS_FAILED, run, result->reason);
}

static void after_build(struct engine *e, struct arm_job *a, const struct run *run)
{
	if (a->same_as && a->artifact && !strcmp(a->same_as, a->artifact))
		settle(e, a, ARM_SAME, run, "the build is byte for byte the baseline's");
	else if (a->is_checking)
		return;		/* they go on */
	else if (a->plan.with_checks && e->checks && !a->plan.is_checked)
		submit(e, a, STEP_CHECKS, checked);
	else
		finish(e, a, ARM_READY, run, NULL);
}

static char *note_path(const struct engine *e, const struct arm_job *a)
{
	char *tree = tree_path(e, a->tree), *path = xasprintf("%s.built", tree);
	free(tree);
	return path;
}

static void note_text(const struct arm_job *a, struct buf *out)
{
	buf_printf(out, "%s %u ", a->commit, a->plan.layout);
	if (buf_read_file(out, "/proc/sys/kernel/random/boot_id", 64) < 0)
		buf_puts(out, "unknown boot\n");
}

static void note_build(struct engine *e, const struct arm_job *a)
{
	struct buf text = {0};
	char *path = note_path(e, a);
	FILE *f = fopen(path, "we");
	note_text(a, &text);
	int ok = f && fputs(buf_str(&text), f) >= 0;
	if (f)
		ok = !fclose(f) && ok;
	if (!ok)
		unlink(path);	/* then it is only built once more */
	buf_release(&text);
	free(path);
}

static int build_is_noted(const struct engine *e, const struct arm_job *a)
{
	struct buf text = {0}, noted = {0};
	char *path = note_path(e, a);
	note_text(a, &text);
	int is = !buf_read_file(&noted, path, 4096) && !strcmp(buf_str(&text), buf_str(&noted));
	buf_release(&text);
	buf_release(&noted);
	free(path);
	return is;
}

static void forget_build(const struct engine *e, const struct arm_job *a)
{
	char *path = note_path(e, a);
	unlink(path);
	free(path);
}

static void built(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result)
{
	struct arm_job *a = owner;
	(void)plan;
	a->is_building = 0;
	if (a->is_settled) {
		finish_settled(e, a);
	} else if (result->status == RUN_OK) {
		string_set(&a->artifact, result->artifact);
		if (!pool_keeps_trees(e))
			note_build(e, a);
		after_build(e, a, run);
	} else if (result->status == RUN_LOST || result->status == RUN_CANCELLED) {
		settle(e, a, ARM_GONE, run, result->reason);
	} else {
		settle(e, a, ARM_BUILD_FAILED, run, result->reason);
	}
}

static void build_there(struct engine *e, struct arm_job *a)
{
	const char *commit = a->commit;
	struct step_plan build = { .arm = a->arm, .worker = a->worker, .tree = a->tree, .kind = STEP_BUILD, .rev = a->plan.rev, .wave = a->plan.wave,
				   .layout = a->plan.layout, .commit = a->commit };
	a->waits_for_bundle = !steps_are_held(e, &build) && !bundles_have(e, &commit, 1);
	if (a->waits_for_bundle)
		return;		/* arms_advance asks again */
	a->is_building = 1;
	a->is_checking = a->plan.with_checks && e->checks && !a->plan.is_checked;
	submit(e, a, STEP_BUILD, built);
	if (a->is_checking)
		submit(e, a, STEP_CHECKS, checked);
}

void arms_advance(struct engine *e)
{
	for (struct arm_job *a = e->arm_jobs, *next; a; a = next) {
		next = a->next;
		if (a->waits_for_bundle && a->is_cancelled) {
			finish(e, a, ARM_GONE, NULL, "cancelled");
			return;
		}
		if (a->waits_for_bundle && engine_may_run(e))	/* else a file that cannot be written is tried without end */
			build_there(e, a);
	}
}

static void checked_out(struct engine *e, void *owner, const char *name, const char *problem)
{
	const struct arm_job *a = owner;
	(void)name;
	if (a->is_cancelled)
		finish(e, owner, ARM_GONE, NULL, "cancelled");
	else if (problem)
		finish(e, owner, ARM_GONE, NULL, problem);
	else
		submit(e, owner, STEP_BUILD, built);
}

void arms_prepare(struct engine *e, const struct arm_plan *plan, arm_done *done, void *owner)
{
	struct arm_job *a = xcalloc(1, sizeof *a);
	*a = (struct arm_job){ .arm = xstrdup(plan->arm), .commit = xstrdup(plan->commit), .tree = xstrdup(plan->tree),
		.worker = xstrdup(plan->worker), .same_as = xstrdup(plan->same_as), .artifact = xstrdup(plan->artifact), .plan = *plan,
		.done = done, .owner = owner, .next = e->arm_jobs };
	e->arm_jobs = a;
	if (pool_keeps_trees(e)) {
		string_set(&a->artifact, NULL);
		build_there(e, a);
		return;
	}
	if (plan->is_built && build_is_noted(e, a)) {
		after_build(e, a, NULL);
		return;
	}
	string_set(&a->artifact, NULL);
	forget_build(e, a);
	trees_checkout(e, a->commit, a->tree, checked_out, a);
}

void arms_cancel(struct engine *e, const void *owner, const char *arm)
{
	for (struct arm_job *a = e->arm_jobs, *next; a; a = next) {
		next = a->next;
		if (a->owner != owner || strcmp(a->arm, arm))
			continue;
		a->is_cancelled = 1;
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
	for (struct base_site *b = e->sites; b && !owner; b = b->next)
		b->wanted[0] = '\0';
	steps_drop(e, owner);
}

/* the baseline */

static struct base_site *site_of(const struct engine *e, const char *worker)
{
	const char *host = e->runner ? e->runner_ops->host(e->runner, worker) : NULL;
	for (struct base_site *b = e->sites; b && host; b = b->next)
		if (!strcmp(b->host, host))
			return b;
	return NULL;
}

const struct base_site *base_site(const struct engine *e, const char *worker)
{
	return site_of(e, worker);
}

void base_forget(struct engine *e, const char *worker)
{
	struct base_site *b = site_of(e, worker);
	if (b)
		b->commit[0] = '\0';
}

void sites_free(struct engine *e)
{
	for (struct base_site *b = e->sites, *next; b; b = next) {
		next = b->next;
		free(b->host);
		free(b->artifact);
		free(b);
	}
	e->sites = NULL;
}

int base_is_ready(const struct engine *e, const char *worker, unsigned layout)
{
	const struct base_site *b = site_of(e, worker);
	return b && e->model.baseline && !strcmp(b->commit, e->model.baseline) && b->layout == layout;
}

static void base_prepared(struct engine *e, void *owner, const char *arm, const struct arm_result *result)
{
	struct base_site *b = owner;
	char what[1000];
	(void)arm;
	if (result->outcome == ARM_READY) {
		memcpy(b->commit, b->wanted, sizeof b->commit);
		b->layout = b->wanted_layout;
		string_set(&b->artifact, result->artifact);
		engine_lost(e, NULL, NULL);
	}
	b->wanted[0] = '\0';
	if (result->outcome == ARM_READY)
		return;
	if (result->outcome == ARM_GONE) {
		engine_lost(e, "the baseline", result->reason);
		return;
	}
	int is_built = result->outcome != ARM_BUILD_FAILED;
	snprintf(what, sizeof what, "%s: %.700s (skydeck log %s shows it%s)", is_built ? "does not pass its checks" : "does not build",
		 result->reason ? result->reason : "", result->run, is_built && !e->config.target_build ? "; no target.build is set" : "");
	engine_fail_baseline(e, what);
}

/* Where the worker keeps the trees, what was given to it is done in that order, and left out when what it needs failed. So
 * rounds can be given before their arms are ready, in the same job. */
int arms_are_given(const struct engine *e, const void *owner, const char *arm)
{
	for (const struct arm_job *a = e->arm_jobs; a; a = a->next)
		if (a->owner == owner && !strcmp(a->arm, arm))
			return pool_keeps_trees(e) && !a->waits_for_bundle;
	return 0;
}

int base_is_given(const struct engine *e, const char *worker, unsigned layout)
{
	const struct base_site *b = site_of(e, worker);
	return b && !strcmp(b->wanted, e->model.baseline) && b->wanted_layout == layout && arms_are_given(e, b, "base");
}

/* The newest good run of a step of the baseline that says something about this worker's tree. */
static const struct run *base_run(const struct engine *e, const char *worker, const char *step)
{
	const struct run *r = find_run(&e->model, e->model.baseline_run, "base", step, 0, 0);
	return r && (!pool_keeps_trees(e) || !strcmp(r->worker, worker)) ? r : NULL;
}

/* What a crash left behind is used: the newest build of the baseline, when it was made for this baseline and layout. */
void base_prepare(struct engine *e, const char *worker, unsigned wave, unsigned layout)
{
	const struct model *m = &e->model;
	struct base_site *b = site_of(e, worker);
	const char *host = e->runner_ops->host(e->runner, worker);
	if (!host || (b && b->wanted[0]) || steps_use_tree(e, worker, "base"))
		return;
	if (!b) {
		b = xcalloc(1, sizeof *b);
		b->host = xstrdup(host);
		b->next = e->sites;
		e->sites = b;
	}
	const struct run *build = base_run(e, worker, "build"), *checks = base_run(e, worker, "checks");
	int is_built = build && build->layout == layout;
	b->wanted_layout = layout;
	snprintf(b->wanted, sizeof b->wanted, "%s", m->baseline);
	b->commit[0] = '\0';
	struct arm_plan plan = { .arm = "base", .commit = b->wanted, .tree = "base", .worker = worker, .wave = wave, .layout = layout,
				 .with_checks = 1, .is_built = is_built, .is_checked = checks != NULL,
				 .artifact = is_built ? build->artifact : NULL };
	arms_prepare(e, &plan, base_prepared, b);
}
