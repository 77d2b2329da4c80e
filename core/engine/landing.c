/* Landing: a signed proposal is put on the branch's head, built and checked once more in that combination, and only then
 * moves the branch. The head is the new baseline; everything else that was kept is measured again on it, since effects
 * need not add. One landing at a time, the strongest evidence first, and none while a wave runs: its pairs are against
 * the baseline that a landing replaces.
 *
 * The branch and the journal cannot change in one step. Once the branch is being moved a landing is waited for, not
 * aborted; and when the engine dies in between, the commit at the branch's head tells the next one by its trailers. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/line.h"
#include "core/data/query.h"

struct landing {
	char *proposal, *branch_ref, *head, *message;
	char commit[GIT_ID];
	int is_checked, is_moving;
};

struct landing_job {
	struct job job;
	char *commit, *onto, *ref, *message, *expect;
	char id[GIT_ID];
	struct git_conflict conflict;
	struct err err;
	int rc;
};

static void free_landing(struct landing *l)
{
	free(l->proposal);
	free(l->branch_ref);
	free(l->head);
	free(l->message);
	free(l);
}

void landing_abort(struct engine *e)
{
	struct landing *l = e->landing;
	e->landing = NULL;
	if (!l)
		return;
	arms_drop(e, l);
	jobs_drop(e, l);
	free_landing(l);
}

static void free_job(struct landing_job *j)
{
	free(j->commit);
	free(j->onto);
	free(j->ref);
	free(j->message);
	free(j->expect);
	git_conflict_release(&j->conflict);
	free(j);
}

/* state NULL: it keeps waiting for another signature; else the words of CONTRACT. */
static void fail(struct engine *e, const char *state, const char *verdict, const char *run, const char *reason)
{
	engine_emit(e, &(struct event){ .kind = EVENT_LANDING_FAILED, .proposal = e->landing->proposal, .state = state ? state : "signing",
		.verdict = verdict, .reason = reason, .run = run && *run ? run : NULL });
	landing_abort(e);
}

static void trailers(const struct engine *e, const struct proposal *p, struct buf *out)
{
	struct buf change = {0};
	change_line(p->change_percent, p->low, p->high, &change);
	buf_printf(out, "Skydeck-Proposal: %s rev %zu\n", p->id, p->rev);
	buf_printf(out, "Skydeck-Change: %s %s\n", e->model.metric ? e->model.metric : "metric", buf_str(&change));
	buf_printf(out, "Skydeck-Evidence: %.4g of %.4g, %zu pairs\n", p->evidence, p->needed, p->pair_count);
	buf_puts(out, "Skydeck-Workers:");
	for (size_t i = 0; i < p->workers.count; i++)
		buf_printf(out, " %s", p->workers.at[i]);
	buf_putc(out, '\n');
	for (size_t i = 0; i < p->sources.count; i++) {
		const struct source *s = model_source(&e->model, p->sources.at[i]);
		buf_printf(out, "Skydeck-Source: %s\n", s && s->key ? s->key : p->sources.at[i]);
	}
	buf_printf(out, "Skydeck-Session: %s\n", e->model.session);
	const char *by = p->signed_by && !strncmp(p->signed_by, "user ", 5) ? p->signed_by + 5 : NULL;
	buf_printf(out, "Reviewed-by: %s\n", by ? by : "nobody (autonomy auto)");
	buf_release(&change);
}

static void rebase_work(struct job *job)
{
	struct landing_job *j = (struct landing_job *)job;
	struct git *g = job->engine->git;
	struct buf message = {0};
	char head[GIT_ID];
	if (git_ref_get(g, j->ref, head) < 0 || strcmp(head, j->onto)) {
		j->rc = err_set(&j->err, "the branch moved: it is no longer at %.10s, where skydeck left it; put it back, or end the session", j->onto);
		return;
	}
	j->rc = git_message(g, j->commit, &message, NULL, &j->err);
	while (message.len && message.data[message.len - 1] == '\n')
		buf_truncate(&message, message.len - 1);
	buf_printf(&message, "\n\n%s", j->message);
	if (!j->rc)
		j->rc = git_rebase_commit(g, j->commit, j->onto, buf_str(&message), j->id, &j->conflict, &j->err);
	buf_release(&message);
}

static void move_work(struct job *job)
{
	struct landing_job *j = (struct landing_job *)job;
	struct git *g = job->engine->git;
	if (git_is_checked_out(g, j->ref))
		j->rc = err_set(&j->err, "%s is checked out in the working tree, which skydeck never touches: switch to another branch and sign again", j->ref);
	else
		j->rc = git_ref_set(g, j->ref, j->commit, j->expect, "skydeck: landed", &j->err);
}

static void state_landed(struct engine *e, const char *proposal, const char *commit)
{
	engine_emit(e, &(struct event){ .kind = EVENT_LANDED, .proposal = proposal, .commit = commit, .branch = e->model.branch });
	engine_emit(e, &(struct event){ .kind = EVENT_BASELINE_SET, .commit = commit });
}

static void moved(struct job *job)
{
	struct landing_job *j = (struct landing_job *)job;
	struct engine *e = job->engine;
	if (job->dropped) {
		free_job(j);
		return;
	}
	struct landing *l = e->landing;
	if (j->rc) {
		fail(e, NULL, NULL, NULL, j->err.text);
	} else {
		state_landed(e, l->proposal, l->commit);
		landing_abort(e);
	}
	free_job(j);
}

static void move(struct engine *e, struct landing *l)
{
	struct landing_job *j = xcalloc(1, sizeof *j);
	l->is_moving = 1;
	*j = (struct landing_job){ .job = { .owner = l, .work = move_work, .done = moved }, .commit = xstrdup(l->commit),
				   .ref = xstrdup(l->branch_ref), .expect = xstrdup(l->head) };
	jobs_do(e, &j->job);
}

void landing_settle(struct engine *e)
{
	if (e->landing && e->landing->is_moving)
		worker_thread_wait(e->git_thread);
}

/* Whether the branch's head is the landing of that proposal on the baseline. */
static int has_landed(struct engine *e, const struct proposal *p, const char *ref, char head[GIT_ID])
{
	char parent[GIT_ID];
	struct err ignored = {0};
	struct buf message = {0};
	char *line = xasprintf("\nSkydeck-Proposal: %s rev %zu\n", p->id, p->rev), *session = xasprintf("\nSkydeck-Session: %s\n", e->model.session);
	int has = !git_ref_get(e->git, ref, head) && strcmp(head, e->model.baseline) && !git_parent(e->git, head, parent, &ignored) &&
		  !strcmp(parent, e->model.baseline) && !git_message(e->git, head, &message, NULL, &ignored) &&
		  strstr(buf_str(&message), line) && strstr(buf_str(&message), session);
	buf_release(&message);
	free(session);
	free(line);
	return has;
}

void landing_recover(struct engine *e)
{
	worker_thread_wait(e->git_thread);	/* then nobody else touches e->git */
	char *ref = xasprintf("refs/heads/%s", e->model.branch);
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		char head[GIT_ID];
		const struct proposal *p = &e->model.proposals[i];
		if (p->state == STATE_SIGNING && p->asked_to_sign && has_landed(e, p, ref, head))
			state_landed(e, p->id, head);
	}
	free(ref);
}

static void checked(struct engine *e, void *owner, const char *arm, const struct arm_result *result)
{
	struct landing *l = owner;
	(void)arm;
	if (result->outcome == ARM_BUILD_FAILED || result->outcome == ARM_CHECKS_FAILED) {
		int is_build = result->outcome == ARM_BUILD_FAILED;
		fail(e, "done", is_build ? "build-failed" : "checks-failed", result->run, result->reason);
		return;
	}
	if (result->outcome == ARM_GONE) {	/* no fault of its own: it is signed still, and tried again */
		char *proposal = xstrdup(l->proposal);
		landing_abort(e);
		engine_lost(e, proposal, result->reason);
		free(proposal);
		return;
	}
	l->is_checked = 1;	/* landing_advance moves the branch, unless the session was paused meanwhile */
}

static const struct worker *worker_that_is_up(const struct engine *e)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		if (strcmp(w->state, "down") && strcmp(w->state, "lost") && strcmp(w->state, "starting") && !pool_is_leaving(e, w))
			return w;
	}
	return NULL;
}

static void rebased(struct job *job)
{
	struct landing_job *j = (struct landing_job *)job;
	struct engine *e = job->engine;
	if (job->dropped) {
		free_job(j);
		return;
	}
	struct landing *l = e->landing;
	if (j->rc > 0) {
		char *why = xasprintf("%s%s%s", j->conflict.path ? j->conflict.path : "", j->conflict.path ? ": " : "",
				      j->conflict.why ? j->conflict.why : "does not apply to the branch's head");
		fail(e, "conflict", NULL, NULL, why);
		free(why);
	} else if (j->rc < 0) {
		fail(e, NULL, NULL, NULL, j->err.text);
	} else {
		const struct proposal *p = model_proposal(&e->model, l->proposal);
		const struct worker *worker = worker_that_is_up(e);
		memcpy(l->commit, j->id, sizeof l->commit);
		struct arm_plan plan = { .arm = l->proposal, .commit = l->commit, .tree = "landing", .worker = worker ? worker->id : "w1",
					 .rev = (unsigned)p->rev, .wave = p->wave, .layout = 3, .with_checks = 1 };
		arms_prepare(e, &plan, checked, l);
	}
	free_job(j);
}

static const struct proposal *strongest_signed(const struct engine *e)
{
	const struct proposal *best = NULL;
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (p->state == STATE_SIGNING && p->asked_to_sign && (!best || p->evidence > best->evidence))
			best = p;
	}
	return best;
}

/* Under auto every winner of the wave is given its window before the first lands, so that the strongest goes first. */
static int others_count_down(const struct engine *e)
{
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (e->model.autonomy == AUTONOMY_AUTO && p->state == STATE_SIGNING && !p->asked_to_sign && !p->landing_problem &&
		    !proposal_harms_elsewhere(p))
			return 1;
	}
	return 0;
}

int landing_is_due(const struct engine *e)
{
	return e->landing || others_count_down(e) || strongest_signed(e);
}

/* All that was kept on a baseline that is gone is measured again on the new one. Returns 1 when that has begun. */
static int measure_again(struct engine *e)
{
	struct strings stale = {0};
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (p->state == STATE_SIGNING && p->baseline && strcmp(p->baseline, e->model.baseline))
			strings_add(&stale, p->id);
	}
	int any = stale.count > 0;
	if (any)
		intake_rebase(e, &stale);
	strings_release(&stale);
	return any;
}

void landing_advance(struct engine *e)
{
	if (e->preparing || !engine_may_run(e) || !e->runner)
		return;
	if (e->landing) {
		if (e->landing->is_checked && !e->landing->is_moving)
			move(e, e->landing);
		return;
	}
	if (e->waves || e->singles || current_wave(&e->model) || measure_again(e))
		return;
	const struct proposal *p = strongest_signed(e);
	const struct worker *worker = worker_that_is_up(e);
	if (!p || others_count_down(e) || !worker || steps_use_tree(e, worker->id, "landing"))
		return;
	struct landing *l = xcalloc(1, sizeof *l);
	struct buf text = {0};
	trailers(e, p, &text);
	*l = (struct landing){ .proposal = xstrdup(p->id), .branch_ref = xasprintf("refs/heads/%s", e->model.branch),
			       .head = xstrdup(e->model.baseline), .message = buf_take(&text) };
	e->landing = l;
	struct landing_job *j = xcalloc(1, sizeof *j);
	*j = (struct landing_job){ .job = { .owner = l, .work = rebase_work, .done = rebased }, .commit = xstrdup(proposal_commit(p)),
				   .onto = xstrdup(l->head), .ref = xstrdup(l->branch_ref), .message = xstrdup(l->message) };
	jobs_do(e, &j->job);
}
