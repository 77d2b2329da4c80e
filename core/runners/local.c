/* Runs on this machine. A worker is a slot: a set of CPUs on which one benchmark at a time is measured. execution.c
 * runs a step; here is decided when, and on which CPUs.
 *
 * All steps wait in one queue, in the order given. One may start when it is in nobody's way: not of those that run,
 * nor of those before it that still wait (so that nothing starves). Two steps are in each other's way when they share
 * a tree, or when one of them is measured and they share a CPU. Builds and checks use all CPUs when that is possible,
 * else, while another slot measures, those of their own slot.
 *
 * The listener may call anything of the runner from its callbacks, close included: what a callback may destroy is not
 * touched after it, and close only frees once the last of them has returned. */
#include "core/runners/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/embedded.h"
#include "core/data/config.h"
#include "core/runners/cpus.h"
#include "core/runners/execution.h"
#include "core/runners/sandbox.h"

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_READY, SLOT_STOPPING };

struct slot {
	enum slot_state state;
	char *worker, *name;
	struct cpus cpus;
};

struct job {
	struct runner *runner;
	struct slot *slot;
	struct step step;		/* its strings are the job's own */
	struct execution *execution;	/* NULL: it waits */
	const struct cpus *cpus;	/* those it runs on */
	int is_cancelled;
};

struct runner {
	struct runner_setup setup;	/* its pointers live as long as the runner */
	char *driver;			/* where the driver script lies */
	struct cpus allowed;
	struct slot *slots;
	size_t slot_count;
	struct job **jobs;		/* in the order given; running and waiting */
	size_t job_count, job_room;
	struct loop_timer *pump;
	int depth, is_closed;		/* depth: calls into the listener that have not returned */
};

/* --- steps as jobs, and their end ------------------------------------------------------------------------------ */

static struct job *job_new(struct runner *r, struct slot *slot, const struct step *step, const char *tree)
{
	struct job *job = xcalloc(1, sizeof *job);
	job->runner = r;
	job->slot = slot;
	job->step = *step;
	job->step.run = xstrdup(step->run);
	job->step.worker = xstrdup(step->worker);
	job->step.arm = xstrdup(step->arm);
	job->step.tree = xstrdup(tree);
	job->step.log = xstrdup(step->log);
	job->step.label = xstrdup(step->label);
	job->step.experiment = xstrdup(step->experiment);
	job->step.description = xstrdup(step->description);
	return job;
}

static void job_free(struct job *job)
{
	const struct step *step = &job->step;
	const char *own[] = { step->run, step->worker, step->arm, step->tree, step->log, step->label, step->experiment,
			      step->description };
	execution_abandon(job->execution);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free((char *)own[i]);
	free(job);
}

static void release(struct runner *r)
{
	for (size_t i = 0; i < r->job_count; i++)
		job_free(r->jobs[i]);
	for (size_t i = 0; i < r->slot_count; i++) {
		cpus_release(&r->slots[i].cpus);
		free(r->slots[i].worker);
		free(r->slots[i].name);
	}
	loop_cancel(r->setup.loop, r->pump);
	cpus_release(&r->allowed);
	free(r->slots);
	free(r->jobs);
	free(r->driver);
	free(r);
}

static void enter(struct runner *r)
{
	r->depth++;
}

static void leave(struct runner *r)
{
	if (!--r->depth && r->is_closed)
		release(r);
}

static void pump(void *data);

static void wake(struct runner *r)
{
	if (!r->pump && !r->is_closed)
		r->pump = loop_after(r->setup.loop, 0, pump, r);
}

static void tell_worker(struct runner *r, const struct slot *slot, const char *state, const char *why)
{
	struct worker_report report = { .worker = slot->worker, .name = slot->name, .state = state, .why = why, .usd = NAN, .age = NAN };
	if (!r->is_closed)
		r->setup.listener->worker_changed(r->setup.data, &report);
}

/* Takes the job out of the queue and tells its end. The caller has entered the runner. */
static void end_job(struct job *job, const struct step_result *result)
{
	struct runner *r = job->runner;
	size_t i = 0;
	while (r->jobs[i] != job)
		i++;
	array_remove(&r->jobs, &r->job_count, i, sizeof *r->jobs);
	wake(r);
	if (!r->is_closed)
		r->setup.listener->step_ended(r->setup.data, result);
	job_free(job);
}

static void end_without_run(struct job *job, enum run_status status, const char *reason)
{
	struct step_result result = { .run = job->step.run, .status = status, .reason = reason };
	end_job(job, &result);
}

static void execution_output(void *data, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct job *job = data;
	struct runner *r = job->runner;
	enter(r);
	r->setup.listener->step_output(r->setup.data, job->step.run, lines, bytes, last_line);
	leave(r);
}

static void execution_ended(void *data, const struct step_result *result, const char *log_trouble)
{
	struct job *job = data;
	struct runner *r = job->runner;
	enter(r);
	job->execution = NULL;
	if (log_trouble)
		tell_worker(r, job->slot, "ready", log_trouble);
	end_job(job, result);
	leave(r);
}

/* --- the queue ------------------------------------------------------------------------------------------------- */

static const struct cpus *cpus_of(const struct job *job)
{
	return job->execution ? job->cpus : &job->slot->cpus;
}

/* Nothing else may execute on its CPUs. */
static int is_timed(const struct job *job)
{
	return job->step.kind == STEP_MEASURE || job->step.kind == STEP_PROFILE;
}

static int is_in_the_way(const struct job *other, const struct job *job, const struct cpus *cpus)
{
	if (!strcmp(other->step.tree, job->step.tree))
		return 1;
	int is_measured = is_timed(other) || is_timed(job);
	return is_measured && cpus_overlap(cpus_of(other), cpus);
}

static int may_start(const struct runner *r, size_t i, const struct cpus *cpus)
{
	size_t beside = 0;	/* builds and checks that run */
	for (size_t k = 0; k < r->job_count; k++) {
		const struct job *other = r->jobs[k];
		beside += other->execution && !is_timed(other);
		if (k != i && (other->execution || k < i) && is_in_the_way(other, r->jobs[i], cpus))
			return 0;
	}
	return is_timed(r->jobs[i]) || beside < r->allowed.count;
}

/* The CPUs on which job i can start now; NULL: it has to wait. */
static const struct cpus *place_for(const struct runner *r, size_t i)
{
	const struct job *job = r->jobs[i];
	if (!is_timed(job) && may_start(r, i, &r->allowed))
		return &r->allowed;
	return may_start(r, i, &job->slot->cpus) ? &job->slot->cpus : NULL;
}

static void start_job(struct job *job, const struct cpus *cpus)
{
	struct runner *r = job->runner;
	struct err err = {0};
	const struct execution_plan plan = { .setup = &r->setup, .step = &job->step, .driver = r->driver, .cpus = cpus,
		.output = execution_output, .ended = execution_ended, .data = job };
	job->cpus = cpus;
	job->execution = execution_start(&plan, &err);
	if (job->execution)
		r->setup.listener->step_started(r->setup.data, job->step.run);
	else
		end_without_run(job, RUN_LOST, err.text);
}

/* One thing that is due in the queue, since a callback may have changed the queue after it. Returns 0: none was. */
static int pump_queue(struct runner *r)
{
	for (size_t i = 0; i < r->job_count; i++) {
		struct job *job = r->jobs[i];
		if (job->execution)
			continue;
		if (job->is_cancelled) {
			end_without_run(job, RUN_CANCELLED, "cancelled");
			return 1;
		}
		const struct cpus *cpus = place_for(r, i);
		if (cpus) {
			start_job(job, cpus);
			return 1;
		}
	}
	return 0;
}

static int has_jobs(const struct runner *r, const struct slot *slot)
{
	for (size_t i = 0; i < r->job_count; i++)
		if (r->jobs[i]->slot == slot)
			return 1;
	return 0;
}

static void pump_slots(struct runner *r)
{
	for (size_t i = 0; i < r->slot_count && !r->is_closed; i++) {
		struct slot *slot = &r->slots[i];
		if (slot->state == SLOT_STARTING) {
			slot->state = SLOT_READY;
			tell_worker(r, slot, "ready", NULL);
		} else if (slot->state == SLOT_STOPPING && !has_jobs(r, slot)) {
			struct slot gone = *slot;
			slot->state = SLOT_FREE;
			slot->worker = NULL;
			tell_worker(r, &gone, "down", NULL);
			free(gone.worker);
		}
	}
}

static void pump(void *data)
{
	struct runner *r = data;
	r->pump = NULL;
	enter(r);
	pump_slots(r);
	while (!r->is_closed && pump_queue(r))
		;
	leave(r);
}

/* --- what the engine calls ------------------------------------------------------------------------------------- */

static int make_slots(struct runner *r, struct err *err)
{
	const struct config *config = r->setup.config;
	struct cpus cpus = {0};
	int rc = -1;
	if (cpus_allowed(&r->allowed, err))
		return -1;
	if (config->local_cpus) {
		if (cpus_parse(&cpus, config->local_cpus, &r->allowed, err))
			goto out;
	} else {
		size_t first = r->allowed.count > 1;	/* the first is left to engine and cockpit */
		cpus_slice(&cpus, &r->allowed, first, r->allowed.count - first);
	}
	size_t slots = config->local_slots > 0 ? (size_t)config->local_slots : 1;
	if (slots > cpus.count) {
		char *text = cpus_text(&cpus);
		err_set(err, "runner.local.slots is %zu, but there are only %zu CPUs for them (%s): ask for fewer slots, or name "
			"more CPUs with runner.local.cpus", slots, cpus.count, text);
		free(text);
		goto out;
	}
	r->slots = xcalloc(slots, sizeof *r->slots);
	r->slot_count = slots;
	for (size_t i = 0, each = cpus.count / slots; i < slots; i++) {
		struct slot *slot = &r->slots[i];
		cpus_slice(&slot->cpus, &cpus, i * each, each);	/* of one size: instruments alike */
		char *text = cpus_text(&slot->cpus);
		slot->name = xasprintf(each > 1 ? "cpus %s" : "cpu %s", text);
		free(text);
	}
	rc = 0;
out:
	cpus_release(&cpus);
	return rc;
}

/* Writes the driver into the session's folder. Read-only there, and bound read-only into the sandbox. */
static int write_driver(struct runner *r, struct err *err)
{
	const struct embedded *driver = embedded_find("assets/driver.sh");
	char *folder = realpath(r->setup.folder, NULL);
	if (!folder)
		return err_set(err, "%s: %s", r->setup.folder, strerror(errno));
	r->driver = xasprintf("%s/driver.sh", folder);
	free(folder);
	unlink(r->driver);
	int fd = open(r->driver, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	ssize_t n = fd < 0 ? -1 : write(fd, driver->data, driver->size);
	int number = n < 0 ? errno : ENOSPC;
	if (fd >= 0 && close(fd)) {
		number = errno;
		n = -1;
	}
	return n == (ssize_t)driver->size ? 0 : err_set(err, "cannot write %s: %s", r->driver, strerror(number));
}

static void local_close(struct runner *r)
{
	if (!r)
		return;
	r->is_closed = 1;
	for (size_t i = 0; i < r->job_count; i++) {
		execution_abandon(r->jobs[i]->execution);
		r->jobs[i]->execution = NULL;
	}
	if (!r->depth)
		release(r);
}

static struct runner *local_open(const struct runner_setup *setup, struct err *err)
{
	struct runner *r = xcalloc(1, sizeof *r);
	r->setup = *setup;
	if (make_slots(r, err) || write_driver(r, err) || (setup->config->local_sandbox && sandbox_probe(err))) {
		release(r);
		return NULL;
	}
	return r;
}

static size_t local_capacity(const struct runner *r)
{
	return r->slot_count;
}

static struct slot *find_slot(const struct runner *r, const char *worker)
{
	for (size_t i = 0; i < r->slot_count; i++)
		if (r->slots[i].worker && !strcmp(r->slots[i].worker, worker))
			return &r->slots[i];
	return NULL;
}

static int local_start_worker(struct runner *r, const char *worker, struct err *err)
{
	if (find_slot(r, worker))
		return err_set(err, "worker %s runs already", worker);
	for (size_t i = 0; i < r->slot_count; i++)
		if (r->slots[i].state == SLOT_FREE) {
			r->slots[i].state = SLOT_STARTING;
			r->slots[i].worker = xstrdup(worker);
			wake(r);
			return 0;
		}
	return err_set(err, "all %zu slots of this machine are taken: runner.local.slots sets how many there are",
		       r->slot_count);
}

static void cancel_job(struct job *job)
{
	job->is_cancelled = 1;
	if (job->execution)
		execution_cancel(job->execution);
	else
		wake(job->runner);
}

static void local_stop_worker(struct runner *r, const char *worker)
{
	struct slot *slot = find_slot(r, worker);
	if (!slot)
		return;
	slot->state = SLOT_STOPPING;
	for (size_t i = 0; i < r->job_count; i++)
		if (r->jobs[i]->slot == slot)
			cancel_job(r->jobs[i]);
	wake(r);
}

static const char *local_host(const struct runner *r, const char *worker)
{
	(void)r, (void)worker;
	return "localhost";
}

static struct job *find_job(const struct runner *r, const char *run)
{
	for (size_t i = 0; i < r->job_count; i++)
		if (!strcmp(r->jobs[i]->step.run, run))
			return r->jobs[i];
	return NULL;
}

static int local_submit(struct runner *r, const struct step *step, struct err *err)
{
	struct slot *slot = find_slot(r, step->worker);
	if (!slot || slot->state == SLOT_STOPPING)
		return err_set(err, "%s: worker %s is not up", step->run, step->worker);
	if (find_job(r, step->run))
		return err_set(err, "%s is in the queue already", step->run);
	char *tree = realpath(step->tree, NULL);
	if (!tree)
		return err_set(err, "%s: %s: %s", step->run, step->tree, strerror(errno));
	struct job **at = array_add(&r->jobs, &r->job_count, &r->job_room, sizeof *at);
	*at = job_new(r, slot, step, tree);
	free(tree);
	wake(r);
	return 0;
}

static void local_cancel(struct runner *r, const char *run)
{
	struct job *job = find_job(r, run);
	if (job)
		cancel_job(job);
}

static const char *local_caution(const struct runner *r)
{
	return r->setup.config->local_sandbox ? NULL : "sandbox off";
}

extern const struct runner_ops local_runner;
const struct runner_ops local_runner = {
	.name = "local",
	.open = local_open,
	.capacity = local_capacity,
	.start_worker = local_start_worker,
	.stop_worker = local_stop_worker,
	.host = local_host,
	.submit = local_submit,
	.cancel = local_cancel,
	.close = local_close,
	.caution = local_caution,
};
