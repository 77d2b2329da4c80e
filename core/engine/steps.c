/* Steps between the engine and the runner: ids that start once, facts when they begin and end, and whom to tell. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/data/query.h"

struct pending_step {
	unsigned run;
	char *arm, *worker, *tree;
	char *refusal;			/* why the runner did not take it; NULL: it did */
	int is_taken_up;		/* a former engine gave it to the runner */
	struct step_plan plan;		/* its texts are those above */
	step_done *done;		/* NULL: the owner is gone */
	const void *owner;
};

static void run_id(unsigned number, char out[16])
{
	snprintf(out, 16, "r%u", number);
}

static struct pending_step *find(struct engine *e, const char *run)
{
	unsigned number;
	if (sscanf(run, "r%u", &number) != 1)
		return NULL;
	for (size_t i = 0; i < e->step_count; i++)
		if (e->steps[i].run == number)
			return &e->steps[i];
	return NULL;
}

static struct pending_step take(struct engine *e, struct pending_step *p)
{
	struct pending_step taken = *p;
	array_remove(&e->steps, &e->step_count, (size_t)(p - e->steps), sizeof *p);
	return taken;
}

static void tell(struct engine *e, struct pending_step taken, const struct run *run, const struct step_result *result)
{
	if (taken.done)
		taken.done(e, (void *)(taken.owner), &taken.plan, run, result);
	free(taken.arm);
	free(taken.worker);
	free(taken.tree);
	free(taken.refusal);
}

int steps_advance(struct engine *e)
{
	for (size_t i = 0; i < e->step_count; i++) {
		char run[16];
		if (!e->steps[i].refusal)
			continue;
		struct pending_step p = take(e, &e->steps[i]);
		run_id(p.run, run);
		tell(e, p, NULL, &(struct step_result){ .run = run, .status = RUN_LOST, .reason = p.refusal, .seconds = NAN });
		return 1;
	}
	return 0;
}

int steps_use_tree(const struct engine *e, const char *worker, const char *tree)
{
	const char *host = e->runner ? e->runner_ops->host(e->runner, worker) : NULL;
	for (size_t i = 0; i < e->step_count && host; i++) {
		const char *other = e->runner_ops->host(e->runner, e->steps[i].worker);
		if (!strcmp(e->steps[i].tree, tree) && other && !strcmp(other, host))
			return 1;
	}
	return 0;
}

/* What the runner is told: everything but the paths, which hang on the run's id. */
static struct step step_of(const struct engine *e, const struct step_plan *plan)
{
	return (struct step){ .worker = plan->worker, .arm = plan->arm, .kind = plan->kind, .tree_name = plan->tree, .commit = plan->commit,
		.bundle = plan->kind == STEP_BUILD && plan->commit ? bundle_path(e, plan->commit) : NULL, .same_as = plan->same_as,
		.label = plan->label, .description = plan->description ? plan->description : e->model.session, .wave = plan->wave, .rev = plan->rev, .round = plan->round,
		.layout = plan->layout, .padding = plan->padding };
}

static const char *held(const struct engine *e, const struct step_plan *plan)
{
	struct step step = step_of(e, plan);
	return e->runner && e->runner_ops->holds ? e->runner_ops->holds(e->runner, &step) : NULL;
}

int steps_are_held(const struct engine *e, const struct step_plan *plan)
{
	return held(e, plan) != NULL;
}

static unsigned fresh_number(struct engine *e)
{
	char run[16];
	do
		run_id(e->next_run++, run);
	while (model_run(&e->model, run) || (e->runner && e->runner_ops->has && e->runner_ops->has(e->runner, run)));
	return e->next_run - 1;
}

static void submit(struct engine *e, struct pending_step *p)
{
	char run[16], experiment[32];
	run_id(p->run, run);
	snprintf(experiment, sizeof experiment, "wave-%u", p->plan.wave);
	char *tree = pool_keeps_trees(e) ? NULL : tree_path(e, p->tree);
	char *log = engine_log_path(e, run);
	struct step step = step_of(e, &p->plan);
	step.run = run;
	step.experiment = p->plan.experiment ? p->plan.experiment : experiment;
	step.tree = tree;
	step.log = log;
	struct err err = {0};
	if (!e->runner)
		err_set(&err, "no runner is open");
	if (!e->runner || e->runner_ops->submit(e->runner, &step, &err) < 0)
		p->refusal = xstrdup(err.text);		/* told later, as every other end is */
	free(log);
	free(tree);
}

void steps_submit(struct engine *e, const struct step_plan *plan, step_done *done, void *owner)
{
	unsigned number;
	/* The rounds of a trial are begun anew: they are few, and the tree they need is looked at first. */
	const char *same = plan->wave || plan->kind != STEP_MEASURE ? held(e, plan) : NULL;
	if (!same || sscanf(same, "r%u", &number) != 1 || find(e, same)) {
		same = NULL;
		number = fresh_number(e);
	}
	if (number >= e->next_run)	/* what the runner held is a number that was given, though no event says so yet */
		e->next_run = number + 1;
	struct pending_step *p = array_add(&e->steps, &e->step_count, &e->step_room, sizeof *p);
	*p = (struct pending_step){ .run = number, .arm = xstrdup(plan->arm), .worker = xstrdup(plan->worker), .tree = xstrdup(plan->tree),
				    .is_taken_up = same != NULL, .plan = *plan, .done = done, .owner = owner };
	p->plan.arm = p->arm;
	p->plan.worker = p->worker;
	p->plan.tree = p->tree;
	if (!same)
		submit(e, p);
	p->plan.label = p->plan.commit = p->plan.same_as = p->plan.experiment = p->plan.description = NULL;
}

static int is_of(const struct pending_step *p, const void *owner)
{
	return !owner || p->owner == owner;
}

void steps_drop(struct engine *e, const void *owner)
{
	for (size_t i = 0; i < e->step_count; i++)
		if (is_of(&e->steps[i], owner))
			e->steps[i].done = NULL;
	for (size_t i = e->step_count; i-- > 0 && e->runner;) {
		char run[16];
		if (i >= e->step_count || !is_of(&e->steps[i], owner))
			continue;
		run_id(e->steps[i].run, run);
		e->runner_ops->cancel(e->runner, run);
	}
}

void steps_clear(struct engine *e)
{
	for (size_t i = 0; i < e->step_count; i++) {
		free(e->steps[i].arm);
		free(e->steps[i].worker);
		free(e->steps[i].tree);
		free(e->steps[i].refusal);
	}
	free(e->steps);
	e->steps = NULL;
	e->step_count = e->step_room = 0;
}

void steps_cancel(struct engine *e, const void *owner, const char *arm, enum step_kind kind)
{
	for (size_t i = e->step_count; i-- > 0 && e->runner;) {
		char run[16];
		if (i >= e->step_count || e->steps[i].owner != owner || e->steps[i].plan.kind != kind || (arm && strcmp(e->steps[i].arm, arm)))
			continue;
		run_id(e->steps[i].run, run);
		e->runner_ops->cancel(e->runner, run);
	}
}

static void worker_changed(void *data, const struct worker_report *report)
{
	pool_worker_changed(data, report);
}

static void step_started(void *data, const char *run)
{
	struct engine *e = data;
	struct pending_step *p = find(e, run);
	if (!p)
		return;
	/* Of a round that is over, but whose job had more in it than could be called back in time: it is nobody's run. */
	if (!p->done && p->plan.kind == STEP_MEASURE)
		return;
	if (model_run(&e->model, run))
		return;		/* by a former engine, which died before the runner could note that it knows */
	if (p->plan.began && p->done)
		p->plan.began(e, (void *)p->owner, &p->plan);
	engine_emit(e, &(struct event){ .kind = EVENT_RUN_STARTED, .run = run, .worker = p->worker, .arm = p->arm, .rev = p->plan.rev,
		.step = step_name(p->plan.kind), .round = p->plan.round, .wave = p->plan.wave, .layout = p->plan.layout });
}

static void step_ended(void *data, const struct step_result *result)
{
	struct engine *e = data;
	struct pending_step *p = find(e, result->run);
	/* A former engine may have died with the word that it began. */
	if (p && result->status != RUN_LOST && result->status != RUN_CANCELLED)
		step_started(data, result->run);
	const struct run *begun = model_run(&e->model, result->run);
	int has_ended = begun && begun->status;	/* it was closed with its session, and the worker still tells */
	if (!p && (!begun || has_ended))
		return;
	char *file = xasprintf("logs/%s.log", result->run), *path = engine_path(e, file);
	const struct metrics none = {0};
	/* A target that names no metric is judged by the first one that it ever prints. */
	if (!e->model.metric && result->status == RUN_OK && result->metrics && result->metrics->count)
		engine_emit(e, &(struct event){ .kind = EVENT_METRIC_SET, .metric = result->metrics->at[0].name });
	struct log_reference log = { access(path, F_OK) ? NULL : file, (int64_t)result->log_bytes, (int64_t)result->log_lines };
	if (begun && !has_ended)
		engine_emit(e, &(struct event){ .kind = EVENT_RUN_ENDED, .run = result->run, .status = run_status_name(result->status),
			.exit = result->exit_code, .seconds = result->seconds, .metrics = result->metrics ? *result->metrics : none,
			.artifact = result->artifact, .reason = result->reason, .log = log });
	free(path);
	free(file);
	struct step_result told = *result;
	if (p && p->is_taken_up && told.status == RUN_LOST)
		told.reason = "cancelled";	/* it went with the former engine: no sign that nothing can be executed here */
	if (p)		/* else it outlived an engine, and nobody asked for it again */
		tell(e, take(e, p), model_run(&e->model, result->run), &told);
}

static void step_output(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct engine *e = data;
	model_tail(&e->model, run, (int64_t)lines, (int64_t)bytes, last_line);
	server_tail(e->server, run, lines, bytes, last_line);
}

static void failed(void *data, const char *why)
{
	struct err err = { .code = EXIT_FAILED };
	snprintf(err.text, sizeof err.text, "%s", why);
	engine_fail(data, &err);
}

static void worker_output(void *data, const char *worker, uint64_t lines, uint64_t bytes, const char *last_line)
{
	step_output(data, worker, lines, bytes, last_line);
}

const struct runner_listener *steps_listener(void)
{
	static const struct runner_listener listener = { worker_changed, step_started, step_ended, step_output, worker_output, failed };
	return &listener;
}
