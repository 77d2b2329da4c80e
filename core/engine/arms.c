/* An arm gets ready: checkout, build, checks, one after another; arms side by side as the runner allows.
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
	e->changes++;
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

static void built(struct engine *e, void *owner, const char *arm, const struct run *run, const struct step_result *result)
{
	struct arm_job *a = owner;
	(void)arm;
	if (result->status == RUN_OK) {
		string_set(&a->artifact, result->artifact);
		note_build(e, a);
		after_build(e, a, run);
	} else if (result->status == RUN_LOST || result->status == RUN_CANCELLED) {
		finish(e, a, ARM_GONE, run, result->reason);
	} else {
		finish(e, a, ARM_BUILD_FAILED, run, result->reason);
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
	*a = (struct arm_job){ xstrdup(plan->arm), xstrdup(plan->commit), xstrdup(plan->tree), xstrdup(plan->worker), xstrdup(plan->same_as),
			       xstrdup(plan->artifact), *plan, done, owner, e->arm_jobs, 0 };
	e->arm_jobs = a;
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
	if (!owner)
		e->base_job.commit[0] = '\0';
	steps_drop(e, owner);
}

int base_is_ready(const struct engine *e, unsigned layout)
{
	return e->model.baseline && !strcmp(e->base_commit, e->model.baseline) && e->base_layout == layout;
}

static void base_prepared(struct engine *e, void *owner, const char *arm, const struct arm_result *result)
{
	struct base_job *b = owner;
	struct err err = { .code = EXIT_FAILED };
	(void)arm;
	if (result->outcome == ARM_READY) {
		memcpy(e->base_commit, b->commit, sizeof e->base_commit);
		e->base_layout = b->layout;
		string_set(&e->base_artifact, result->artifact);
		engine_lost(e, NULL, NULL);
	}
	b->commit[0] = '\0';
	if (result->outcome == ARM_READY)
		return;
	if (result->outcome == ARM_GONE) {
		engine_lost(e, "the baseline", result->reason);
		return;
	}
	snprintf(err.text, sizeof err.text, "the baseline %.10s %s: %.700s (skydeck log %s shows it)", e->model.baseline,
		 result->outcome == ARM_BUILD_FAILED ? "does not build" : "does not pass its checks", result->reason ? result->reason : "", result->run);
	engine_fail(e, &err);
}

/* What a crash left behind is used: the newest build of the baseline, when it was made for this baseline and layout. */
void base_prepare(struct engine *e, const char *worker, unsigned wave, unsigned layout)
{
	const struct model *m = &e->model;
	struct base_job *b = &e->base_job;
	if (b->commit[0] || steps_use_tree(e, "base"))
		return;
	const struct run *build = find_run(m, m->baseline_run, "base", "build", 0, 0);
	const struct run *checks = find_run(m, m->baseline_run, "base", "checks", 0, 0);
	int is_built = build && build->layout == layout;
	b->layout = layout;
	snprintf(b->commit, sizeof b->commit, "%s", m->baseline);
	e->base_commit[0] = '\0';
	struct arm_plan plan = { .arm = "base", .commit = b->commit, .tree = "base", .worker = worker, .wave = wave, .layout = layout,
				 .with_checks = 1, .is_built = is_built, .is_checked = checks != NULL,
				 .artifact = is_built ? build->artifact : NULL };
	arms_prepare(e, &plan, base_prepared, b);
}
