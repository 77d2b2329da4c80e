/* Runs on VMs that SkyPilot starts. fleet.c keeps them alive; here the steps go to them and come back.
 *
 * A step waits in its worker's queue. What waits there goes out together as a batch: one SkyPilot job that executes the
 * driver (batch.c). Two jobs may be outstanding on a worker, so that the VM has something to do while `sky exec` takes its
 * seconds; jobs with CPUs alone would run side by side on most clouds, so each waits for a lock on the VM. The log of the
 * older one is followed, as a log that waits is a process on the VM beside the benchmark.
 *
 * In single mode a job is the user's own task, once a measured run, and only one is outstanding (solo.c).
 *
 * The engine is called from the outbox alone. Whatever is called here by SkyPilot's side may therefore end jobs and VMs, but
 * never finds the runner gone. */
#include "core/runners/runner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/data/config.h"
#include "core/io/folder.h"
#include "core/runners/batch.h"
#include "core/runners/kinds.h"
#include "core/runners/outbox.h"
#include "core/runners/solo.h"
#include "core/runners/skypilot.h"
#include "core/runners/task.h"
#include "core/runners/fleet.h"

enum { OUTSTANDING = 2, SEND_TRIES = 2, ROUNDS_MIN = 2, ROUNDS_MAX = 64, ROUNDS_UNKNOWN = 4, LINE_KEPT = 200 };
#ifndef SKY_PAUSE
#define SKY_PAUSE 5000000	/* microseconds before a second try */
#endif
enum { TOLD_BEGAN = 'b', TOLD_ENDED = 'e', TOLD_MAX = 16 << 20 };
#define FIRST_GAP 6.0		/* seconds between two batches, before one was measured */
#define GAPS_PER_BATCH 10

struct queued {
	struct step step;		/* its strings are its own */
};

struct lane {	/* a worker, as far as steps go */
	char *worker;
	struct queued *queue;
	size_t count, room;
	unsigned last_batch;
	double gap;			/* seconds, a moving average */
	int64_t last_end;		/* of a step; monotonic */
};

enum stage {
	STAGE_RESTORED,		/* from before: waits for its VM, and to be found there */
	STAGE_SENDING,		/* exec is under way, or waits to be tried again */
	STAGE_SENT,		/* its id is known */
};

struct job {
	struct runner *runner;
	char *worker, *name;
	struct batch *batch;		/* or: */
	struct solo *solo;
	enum stage stage;
	long id;
	struct skypilot_call *call, *follow;
	struct loop_timer *timer;
	unsigned tries;
	int is_launch;			/* it brings its VM up (single mode) */
	int is_cancelled, has_begun, has_printed;	/* has_begun: a step of it has */
	int64_t sent;			/* monotonic */
	char last[LINE_KEPT + 1];	/* line that it printed, safe */
};

struct runner {
	struct runner_setup setup;
	char *folder, *task;		/* task: single mode */
	struct outbox *outbox;
	struct skypilot *sky;
	struct fleet *fleet;
	struct lane *lanes;
	size_t lane_count, lane_room;
	struct job **jobs;		/* in the order sent */
	size_t job_count, job_room;
	struct job *feeding;		/* whose log, or end, is being taken apart */
	struct loop_timer *pump;
};

static void pump(void *data);

static void wake(struct runner *r)
{
	if (!r->pump)
		r->pump = loop_after(r->setup.loop, 0, pump, r);
}

/* --- steps that wait ----------------------------------------------------------------------------------------------- */

static void copy_step(struct step *to, const struct step *from)
{
	*to = *from;
	to->run = xstrdup(from->run);
	to->worker = xstrdup(from->worker);
	to->arm = xstrdup(from->arm);
	to->tree = xstrdup(from->tree);
	to->tree_name = xstrdup(from->tree_name);
	to->commit = xstrdup(from->commit);
	to->bundle = xstrdup(from->bundle);
	to->same_as = xstrdup(from->same_as);
	to->log = xstrdup(from->log);
	to->label = xstrdup(from->label);
	to->experiment = xstrdup(from->experiment);
	to->description = xstrdup(from->description);
}

static void release_step(struct step *step)
{
	const char *own[] = { step->run, step->worker, step->arm, step->tree, step->tree_name, step->commit, step->bundle, step->same_as,
			      step->log, step->label, step->experiment, step->description };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free((char *)own[i]);
}

/* The highest number of a batch of that worker: its task file lies in the folder. A name is never used twice, as jobs
 * on the VM are known by it. */
static unsigned last_batch_of(const struct runner *r, const char *worker)
{
	unsigned long last = 0;
	char *prefix = xasprintf("%s-b", worker);
	size_t n = strlen(prefix);
	DIR *dir = opendir(r->folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (!strncmp(entry->d_name, prefix, n) && isdigit((unsigned char)entry->d_name[n])) {
			unsigned long number = strtoul(entry->d_name + n, NULL, 10);
			last = number > last ? number : last;
		}
	if (dir)
		closedir(dir);
	free(prefix);
	return (unsigned)last;
}

static struct lane *find_lane(const struct runner *r, const char *worker)
{
	for (size_t i = 0; i < r->lane_count; i++)
		if (!strcmp(r->lanes[i].worker, worker))
			return &r->lanes[i];
	return NULL;
}

static struct lane *lane_of(struct runner *r, const char *worker)
{
	struct lane *lane = find_lane(r, worker);
	if (lane)
		return lane;
	lane = array_add(&r->lanes, &r->lane_count, &r->lane_room, sizeof *lane);
	*lane = (struct lane){ .worker = xstrdup(worker), .gap = FIRST_GAP, .last_batch = last_batch_of(r, worker) };
	return lane;
}

static void end_queued(struct runner *r, struct lane *lane, size_t i, enum run_status status, const char *reason)
{
	struct step step = lane->queue[i].step;
	array_remove(&lane->queue, &lane->count, i, sizeof *lane->queue);
	outbox_ended(r->outbox, &(struct step_result){ .run = step.run, .status = status, .reason = reason });
	release_step(&step);
}

static void end_queue(struct runner *r, struct lane *lane, enum run_status status, const char *reason)
{
	while (lane->count)
		end_queued(r, lane, 0, status, reason);
}

/* --- what was told of a batch ----------------------------------------------------------------------------------------
 *
 * A log that is read again tells all of it again; what the engine before this one has heard stands in FOLDER/NAME.told, a
 * line a word. */

static char *told_path(const struct job *job)
{
	return xasprintf("%s/%s.told", job->runner->folder, job->name);
}

static void note_told(const struct job *job, char word, const char *run)
{
	char *path = told_path(job), *line = xasprintf("%c %s\n", word, run);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		log_line("cannot write %s: %s", path, strerror(errno));	/* told twice, it is known to the engine */
	if (fd >= 0)
		close(fd);
	free(line);
	free(path);
}

static void recall_told(const struct job *job)
{
	struct buf text = {0};
	char *path = told_path(job);
	buf_read_file(&text, path, TOLD_MAX);
	for (char *line = text.data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line[0] == TOLD_ENDED && line[1])
			batch_forget(job->batch, line + 2);
		else if (line[0] == TOLD_BEGAN && line[1])
			batch_began(job->batch, line + 2);
	}
	buf_release(&text);
	free(path);
}

static void remove_told(const struct job *job)
{
	char *path = told_path(job);
	unlink(path);
	free(path);
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

static struct job *job_new(struct runner *r, const char *worker, const char *name)
{
	struct job *job = xcalloc(1, sizeof *job);
	struct job **at = array_add(&r->jobs, &r->job_count, &r->job_room, sizeof *at);
	*at = job;
	job->runner = r;
	job->worker = xstrdup(worker);
	job->name = xstrdup(name);
	return job;
}

static void free_job(struct job *job)
{
	skypilot_forget(job->call);
	skypilot_forget(job->follow);
	loop_cancel(job->runner->setup.loop, job->timer);
	batch_free(job->batch);
	solo_free(job->solo);
	free(job->worker);
	free(job->name);
	free(job);
}

/* Of the files that a batch leaves, the task's stays while it is the newest: its number is. */
static void remove_task(const struct runner *r, const struct job *job)
{
	const struct lane *lane = find_lane(r, job->worker);
	char newest[80];
	snprintf(newest, sizeof newest, "%.40s-b%u", job->worker, lane ? lane->last_batch : 0);
	if (!strcmp(job->name, newest))
		return;
	char *path = fleet_task_path(r->fleet, job->name);
	unlink(path);
	free(path);
}

static void drop_job(struct job *job)
{
	struct runner *r = job->runner;
	size_t i = 0;
	while (r->jobs[i] != job)
		i++;
	array_remove(&r->jobs, &r->job_count, i, sizeof *r->jobs);
	if (job->batch) {
		remove_told(job);
		remove_task(r, job);
	}
	fleet_used(r->fleet, job->worker);
	free_job(job);
	wake(r);
}

/* What of it has not ended, ends so. */
static void end_job(struct job *job, enum run_status status, const char *reason)
{
	struct runner *r = job->runner;
	r->feeding = job;
	if (job->batch)
		batch_end(job->batch, status, reason);
	else
		solo_abort(job->solo, status, reason);
	r->feeding = NULL;
	drop_job(job);
}

static int is_there(const struct runner *r, const struct job *job)
{
	for (size_t i = 0; i < r->job_count; i++)
		if (r->jobs[i] == job)
			return 1;
	return 0;
}

static int job_has(const struct job *job, const char *run)
{
	return job->batch ? batch_has(job->batch, run) : !strcmp(solo_run(job->solo), run);
}

/* --- what a batch tells -------------------------------------------------------------------------------------------- */

/* Between the last step of a batch and the first one of the next, which waited behind it: what SkyPilot costs. */
static void measure_gap(struct runner *r, struct job *job)
{
	struct lane *lane = lane_of(r, job->worker);
	int64_t now = clock_monotonic();
	if (!job->has_begun && job->sent && lane->last_end > job->sent)
		lane->gap = 0.7 * lane->gap + 0.3 * (double)(now - lane->last_end) / 1e6;
	job->has_begun = 1;
}

/* A line in the worker's log. */
static void say(const struct job *job, const char *text)
{
	char *line = xasprintf("skydeck: %s: %s\n", job->name, text);
	fleet_log(job->runner->fleet, job->worker, line, strlen(line));
	free(line);
}

static void batch_started(void *data, const char *run)
{
	struct runner *r = data;
	if (r->feeding) {
		measure_gap(r, r->feeding);
		note_told(r->feeding, TOLD_BEGAN, run);
	}
	outbox_started(r->outbox, run);
}

static void batch_ended(void *data, const struct step_result *result)
{
	struct runner *r = data;
	if (r->feeding) {
		lane_of(r, r->feeding->worker)->last_end = clock_monotonic();
		note_told(r->feeding, TOLD_ENDED, result->run);
	}
	outbox_ended(r->outbox, result);
}

static void batch_output(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct runner *r = data;
	outbox_step_output(r->outbox, run, lines, bytes, last_line);
}

static void batch_host(void *data, const char *arch, long cpus, long memory_mb)
{
	struct runner *r = data;
	(void)cpus, (void)memory_mb;
	if (r->feeding)
		fleet_arch(r->fleet, r->feeding->worker, arch);
}

static void batch_log_trouble(void *data, const char *run, const char *why)
{
	struct runner *r = data;
	(void)run;
	if (r->feeding)
		say(r->feeding, why);
}

static const struct batch_listener batch_listener = { batch_started, batch_ended, batch_output, batch_host, batch_log_trouble };

/* --- following, and the end ---------------------------------------------------------------------------------------- */

static void keep_last_line(struct job *job, const char *line, size_t n)
{
	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	if (!n)
		return;
	char *safe = text_safe_string(line, n < 4 * LINE_KEPT ? n : 4 * LINE_KEPT, TEXT_TABS | TEXT_STRIP_SGR);
	snprintf(job->last, sizeof job->last, "%.*s", (int)text_fit(safe, LINE_KEPT / 4, NULL), safe);
	free(safe);
}

static void followed_line(void *data, enum log_part part, const char *line, size_t n)
{
	struct job *job = data;
	struct runner *r = job->runner;
	if (part != LOG_TASK) {
		fleet_log(r->fleet, job->worker, line, n);
		return;
	}
	keep_last_line(job, line, n);
	fleet_used(r->fleet, job->worker);
	r->feeding = job;
	if (job->batch)
		batch_feed(job->batch, line, n);
	else
		solo_feed(job->solo, line, n);
	job->has_printed = 1;
	r->feeding = NULL;
	if (job->batch && !batch_count(job->batch))
		wake(r);	/* the next one's log may be followed */
}

static void followed_trouble(void *data, const char *problem)
{
	struct job *job = data;
	char *text = xasprintf("%s; it is taken up where it broke off", problem ? problem : "");
	if (problem)
		say(job, text);
	free(text);
}

static void followed_end(void *data, enum job_status status, const char *word)
{
	struct job *job = data;
	job->follow = NULL;
	char *why = NULL;
	if (job->is_cancelled || status == JOB_CANCELLED) {
		end_job(job, RUN_CANCELLED, job->is_cancelled ? "cancelled" : "its job was cancelled elsewhere");
		return;
	}
	if (job->solo && (status == JOB_SUCCEEDED || (status == JOB_FAILED && job->has_printed))) {
		solo_end(job->solo, status == JOB_SUCCEEDED);
		drop_job(job);
		return;
	}
	if (status == JOB_SUCCEEDED)
		why = xstrdup("the driver said no end");
	else if (status == JOB_UNKNOWN)
		why = xstrdup("its job is gone, or its VM");
	else if (status == JOB_FAILED_SETUP)
		why = xasprintf("its set-up failed; the log of %s shows it", job->worker);
	else
		why = xasprintf("its job ended as %s%s%s", word ? word : "FAILED", *job->last ? ": " : "", job->last);
	if (status == JOB_UNKNOWN)
		fleet_look(job->runner->fleet);
	end_job(job, RUN_LOST, why);
	free(why);
}

/* A log of SkyPilot's job begins anew with each call; batch.c passes over what it has told. */
static void follow(struct job *job)
{
	static const struct skypilot_listener listener = { followed_line, followed_trouble, followed_end };
	struct runner *r = job->runner;
	job->follow = skypilot_follow(r->sky, fleet_cluster(r->fleet, job->worker), job->id, &listener, job);
}

/* The one that executes, or will first: the oldest whose steps have not all ended. */
static void follow_oldest(struct runner *r, const char *worker)
{
	struct job *oldest = NULL;
	for (size_t i = 0; i < r->job_count; i++) {
		struct job *job = r->jobs[i];
		int is_over = job->batch && job->follow && !batch_count(job->batch);
		if (!strcmp(job->worker, worker) && job->stage == STAGE_SENT && !is_over && (!oldest || job->id < oldest->id))
			oldest = job;
	}
	if (oldest && !oldest->follow)
		follow(oldest);
}

/* --- cancelling ---------------------------------------------------------------------------------------------------- */

static void ask_cancel(struct job *job);

static void cancel_again(void *data)
{
	struct job *job = data;
	job->timer = NULL;
	ask_cancel(job);
}

static void cancelled(void *data, const struct skypilot_answer *answer)
{
	struct job *job = data;
	job->call = NULL;
	if (answer->trouble == SKYPILOT_NONE || answer->trouble == SKYPILOT_GONE) {
		end_job(job, RUN_CANCELLED, "cancelled");
	} else if (skypilot_is_passing(answer->trouble) && job->tries < SEND_TRIES) {
		job->timer = loop_after(job->runner->setup.loop, SKY_PAUSE, cancel_again, job);
	} else {
		char *why = explain_trouble(answer), *text = xasprintf("cancelled, but the job may go on: %s", why);
		end_job(job, RUN_CANCELLED, text);
		free(text);
		free(why);
	}
}

static void ask_cancel(struct job *job)
{
	struct runner *r = job->runner;
	job->tries++;
	job->call = skypilot_cancel(r->sky, fleet_cluster(r->fleet, job->worker), job->id, cancelled, job);
}

static void cancel_sent(struct job *job)
{
	job->tries = 0;
	if (job->batch)
		batch_cancelled(job->batch);
	ask_cancel(job);
}

static void cancel_job(struct job *job)
{
	if (job->is_cancelled)
		return;
	job->is_cancelled = 1;
	if (job->stage != STAGE_SENT)
		return;		/* once its id is known */
	cancel_sent(job);
}

/* --- sending ------------------------------------------------------------------------------------------------------- */

static void send_job(struct job *job);

static void know_id(struct job *job, long id)
{
	struct runner *r = job->runner;
	struct err err = {0};
	job->stage = STAGE_SENT;
	job->id = id;
	if (job->batch && batch_set_job(job->batch, id, &err))
		say(job, err.text);
	if (job->is_cancelled)
		cancel_sent(job);
	wake(r);
}

static const struct job_facts *find_by_name(const struct job *job, const struct job_facts *jobs, size_t n)
{
	const struct job_facts *newest = NULL;
	for (size_t i = 0; i < n; i++)
		if (jobs[i].name && !strcmp(jobs[i].name, job->name) && (!newest || jobs[i].id > newest->id))
			newest = &jobs[i];
	return newest;
}

/* After an exec of which nobody knows whether it came to anything: it must not be sent twice. */
static void looked_for(void *data, const struct job_facts *jobs, size_t n, const struct skypilot_answer *answer)
{
	struct job *job = data;
	job->call = NULL;
	const struct job_facts *found = answer->trouble == SKYPILOT_NONE ? find_by_name(job, jobs, n) : NULL;
	if (found) {
		know_id(job, found->id);
	} else if (job->is_cancelled) {
		end_job(job, RUN_CANCELLED, "cancelled");
	} else if (job->tries < SEND_TRIES) {
		send_job(job);
	} else {
		char *why = answer->trouble == SKYPILOT_NONE ? xstrdup("SkyPilot took it, but does not know it") : explain_trouble(answer);
		end_job(job, RUN_LOST, why);
		free(why);
	}
}

static void look_for(void *data)
{
	struct job *job = data;
	struct runner *r = job->runner;
	job->timer = NULL;
	if (job->solo)	/* its name is the user's, and no sign of it */
		send_job(job);
	else
		job->call = skypilot_queue(r->sky, fleet_cluster(r->fleet, job->worker), looked_for, job);
}

static void sent(void *data, const struct skypilot_answer *answer)
{
	struct job *job = data;
	struct runner *r = job->runner;
	job->call = NULL;
	if (job->is_launch)
		fleet_launched(r->fleet, job->worker, answer);
	if (!is_there(r, job))		/* the VM is lost, and so is all that was to run there */
		return;
	if (answer->trouble == SKYPILOT_NONE && answer->job) {
		know_id(job, answer->job);
	} else if (answer->trouble == SKYPILOT_NONE && job->batch) {
		job->tries = SEND_TRIES;
		look_for(job);
	} else if (skypilot_is_passing(answer->trouble) && job->tries < SEND_TRIES && !job->is_cancelled) {
		job->timer = loop_after(r->setup.loop, SKY_PAUSE, look_for, job);
	} else {
		char *why = answer->trouble == SKYPILOT_NONE ? xstrdup("SkyPilot did not say which job it is") : explain_trouble(answer);
		end_job(job, job->is_cancelled ? RUN_CANCELLED : RUN_LOST, why);
		free(why);
	}
}

static void send_output(void *data, const char *bytes, size_t n)
{
	struct job *job = data;
	fleet_log(job->runner->fleet, job->worker, bytes, n);
}

static void send_single(struct job *job)
{
	struct runner *r = job->runner;
	struct strings env = {0};
	struct err err = {0};
	const char *cluster = fleet_cluster(r->fleet, job->worker);
	int stands = fleet_claim(r->fleet, job->worker, &err);
	if (stands < 0) {
		end_job(job, RUN_LOST, err.text);
		return;
	}
	solo_environment(job->solo, &env);
	struct skypilot_extras extras = { .env = (const char *const *)env.at, .workdir = solo_tree(job->solo),
					  .autostop = r->setup.config->sky_autostop };
	job->is_launch = !stands;
	job->call = stands ? skypilot_exec(r->sky, cluster, r->task, &extras, send_output, sent, job)
		: skypilot_launch(r->sky, cluster, r->task, &extras, send_output, sent, job);
	strings_release(&env);
}

static void send_batch(struct job *job)
{
	struct runner *r = job->runner;
	struct err err = {0};
	char *path = fleet_task_path(r->fleet, job->name), *workdir = fleet_workdir(r->fleet, job->worker);
	char *run = xasprintf("command -v flock >/dev/null && exec 9>>.skydeck.lock && flock 9; sh driver.sh batch %s.steps 9>&-", job->name);
	struct task_plan plan = { .name = job->name, .workdir = workdir, .run = run };
	if (task_write(path, &plan, &err))
		end_job(job, RUN_LOST, err.text);
	else
		job->call = skypilot_exec(r->sky, fleet_cluster(r->fleet, job->worker), path, NULL, send_output, sent, job);
	free(run);
	free(workdir);
	free(path);
}

static void send_job(struct job *job)
{
	job->stage = STAGE_SENDING;
	job->tries++;
	job->sent = clock_monotonic();
	fleet_used(job->runner->fleet, job->worker);
	if (job->batch)
		send_batch(job);
	else
		send_single(job);
}

/* --- the pump ------------------------------------------------------------------------------------------------------ */

/* Takes all that waits and goes together. NULL: it has ended already, since its file cannot be written. */
static struct job *make_batch(struct runner *r, struct lane *lane)
{
	struct err err = {0};
	char *name = xasprintf("%s-b%u", lane->worker, ++lane->last_batch), *workdir = fleet_workdir(r->fleet, lane->worker);
	struct batch_setup setup = { .setup = &r->setup, .folder = r->folder, .workdir = workdir, .listener = &batch_listener, .data = r };
	struct job *job = job_new(r, lane->worker, name);
	job->batch = batch_new(&setup, lane->worker, name);
	size_t n = 0;
	while (n < lane->count && batch_takes(job->batch, &lane->queue[n].step)) {
		batch_add(job->batch, &lane->queue[n].step);
		release_step(&lane->queue[n++].step);
	}
	lane->count -= n;
	memmove(lane->queue, lane->queue + n, lane->count * sizeof *lane->queue);
	if (batch_write(job->batch, &err)) {
		end_job(job, RUN_LOST, err.text);
		job = NULL;
	}
	free(workdir);
	free(name);
	return job;
}

static struct job *make_single(struct runner *r, struct lane *lane)
{
	struct err err = {0};
	const struct step *step = &lane->queue[0].step;
	struct solo *solo = solo_new(&r->setup, r->outbox, step, &err);
	if (!solo) {
		end_queued(r, lane, 0, RUN_LOST, err.text);
		return NULL;
	}
	struct job *job = job_new(r, lane->worker, step->run);
	job->solo = solo;
	release_step(&lane->queue[0].step);
	array_remove(&lane->queue, &lane->count, 0, sizeof *lane->queue);
	return job;
}

/* One that is being cancelled counts no more: the VM does not wait for SkyPilot's two answers one after the other. What is sent
 * meanwhile begins when the driver of the cancelled one has gone, by the driver's lock; a user's own task has none. */
static int may_send(const struct runner *r, const char *worker)
{
	size_t outstanding = 0;
	for (size_t i = 0; i < r->job_count; i++) {
		if (strcmp(r->jobs[i]->worker, worker))
			continue;
		if (r->jobs[i]->stage != STAGE_SENT)
			return 0;
		outstanding += !(r->jobs[i]->batch && r->jobs[i]->is_cancelled);
	}
	return outstanding < (r->task ? 1 : OUTSTANDING) && fleet_is_ready(r->fleet, worker);
}

static void pump(void *data)
{
	struct runner *r = data;
	r->pump = NULL;
	for (size_t i = 0; i < r->lane_count; i++) {
		struct lane *lane = &r->lanes[i];
		while (lane->count && may_send(r, lane->worker)) {
			struct job *job = r->task ? make_single(r, lane) : make_batch(r, lane);
			if (job)
				send_job(job);
		}
		follow_oldest(r, lane->worker);
	}
}

/* --- what becomes of the VMs --------------------------------------------------------------------------------------- */

static void worker_ready(void *data, const char *worker)
{
	struct runner *r = data;
	for (size_t i = 0; i < r->job_count; i++) {
		struct job *job = r->jobs[i];
		if (!strcmp(job->worker, worker) && job->stage == STAGE_RESTORED && !job->call)
			job->call = skypilot_queue(r->sky, fleet_cluster(r->fleet, worker), looked_for, job);
	}
	wake(r);
}

/* A VM from before stands: which of its jobs are ours. */
static void worker_jobs(void *data, const char *worker, const struct job_facts *jobs, size_t n)
{
	struct runner *r = data;
	for (size_t i = r->job_count; i-- > 0;) {
		struct job *job = r->jobs[i];
		if (strcmp(job->worker, worker) || job->stage != STAGE_RESTORED)
			continue;
		const struct job_facts *found = find_by_name(job, jobs, n);
		if (found)
			know_id(job, found->id);
		else
			end_job(job, RUN_LOST, "its job is not on the VM: it was never sent, or the VM is another one");
	}
}

static void worker_gone(void *data, const char *worker, enum run_status status, const char *why)
{
	struct runner *r = data;
	for (size_t i = r->job_count; i-- > 0;)
		if (!strcmp(r->jobs[i]->worker, worker))
			end_job(r->jobs[i], r->jobs[i]->is_cancelled ? RUN_CANCELLED : status, why);
	struct lane *lane = find_lane(r, worker);
	if (lane)
		end_queue(r, lane, status, why);
}

/* --- what the engine calls ----------------------------------------------------------------------------------------- */

static void sky_close(struct runner *r)
{
	if (!r)
		return;
	outbox_free(r->outbox);
	for (size_t i = 0; i < r->job_count; i++)
		free_job(r->jobs[i]);
	fleet_free(r->fleet);
	skypilot_close(r->sky);
	for (size_t i = 0; i < r->lane_count; i++) {
		for (size_t k = 0; k < r->lanes[i].count; k++)
			release_step(&r->lanes[i].queue[k].step);
		free(r->lanes[i].queue);
		free(r->lanes[i].worker);
	}
	loop_cancel(r->setup.loop, r->pump);
	free(r->lanes);
	free(r->jobs);
	free(r->task);
	free(r->folder);
	free(r);
}

static int open_folder(struct runner *r, struct err *err)
{
	char *path = xasprintf("%s/sky", r->setup.folder);
	int fd = folder_open(path, err);
	if (fd >= 0 && !(r->folder = realpath(path, NULL))) {
		err_set(err, "%s: %s", path, strerror(errno));
		close(fd);
		fd = -1;
	}
	free(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int open_task(struct runner *r, struct err *err)
{
	const char *task = r->setup.config->sky_task;
	struct task_facts facts = {0};
	if (!task)
		return 0;
	r->task = *task == '/' ? xstrdup(task) : xasprintf("%s/%s", r->setup.root, task);
	int rc = task_read(r->task, &facts, err);
	if (!rc && !facts.has_run)
		rc = err_set(err, "%s has no run: there is nothing to execute", r->task);
	task_facts_release(&facts);
	return rc;
}

static int load_batches(struct runner *r, struct err *err)
{
	struct batch_setup setup = { .setup = &r->setup, .folder = r->folder, .listener = &batch_listener, .data = r };
	struct batch **batches = NULL;
	struct err trouble = {0};
	size_t n = batch_load_all(&setup, &batches, &trouble);
	for (size_t i = 0; i < n; i++) {
		struct job *job = job_new(r, batch_worker(batches[i]), batch_name(batches[i]));
		job->batch = batches[i];
		job->stage = STAGE_RESTORED;
		job->tries = SEND_TRIES;	/* what is not there is not sent again */
		recall_told(job);
		lane_of(r, job->worker);
	}
	free(batches);
	if (!*trouble.text)
		return 0;
	*err = trouble;
	return -1;
}

static struct runner *sky_open(const struct runner_setup *setup, struct err *err)
{
	struct runner *r = xcalloc(1, sizeof *r);
	r->setup = *setup;
	r->outbox = outbox_new(&r->setup);
	if (open_folder(r, err) || open_task(r, err) || !(r->sky = skypilot_open(setup->loop, err)))
		goto failed;
	skypilot_withhold_keys(r->sky, setup->config);
	struct fleet_setup fleet = { .setup = &r->setup, .sky = r->sky, .outbox = r->outbox, .folder = r->folder, .task = r->task,
				 .ready = worker_ready, .jobs = worker_jobs, .gone = worker_gone, .data = r };
	if (!(r->fleet = fleet_new(&fleet, err)) || load_batches(r, err))
		goto failed;
	return r;
failed:
	sky_close(r);
	return NULL;
}

static size_t sky_capacity(const struct runner *r)
{
	return (size_t)r->setup.config->sky_vms;
}

static int sky_start_worker(struct runner *r, const char *worker, struct err *err)
{
	return fleet_start(r->fleet, worker, err);
}

static void sky_stop_worker(struct runner *r, const char *worker)
{
	fleet_stop(r->fleet, worker);
}

static const char *sky_host(const struct runner *r, const char *worker)
{
	const char *cluster = fleet_cluster(r->fleet, worker);
	return cluster ? cluster : worker;
}

static int has(const struct runner *r, const char *run)
{
	for (size_t i = 0; i < r->job_count; i++)
		if (job_has(r->jobs[i], run))
			return 1;
	for (size_t i = 0; i < r->lane_count; i++)
		for (size_t k = 0; k < r->lanes[i].count; k++)
			if (!strcmp(r->lanes[i].queue[k].step.run, run))
				return 1;
	return outbox_has_end(r->outbox, run);
}

static int sky_submit(struct runner *r, const struct step *step, struct err *err)
{
	if (!fleet_is_started(r->fleet, step->worker))
		return err_set(err, "%s: worker %s is not up", step->run, step->worker);
	if (has(r, step->run))
		return err_set(err, "%s is in the queue already", step->run);
	if (r->task && step->kind != STEP_MEASURE)
		return err_set(err, "%s: a task of one's own builds and checks by itself", step->run);
	struct lane *lane = lane_of(r, step->worker);
	struct queued *queued = array_add(&lane->queue, &lane->count, &lane->room, sizeof *queued);
	copy_step(&queued->step, step);
	wake(r);
	return 0;
}

static void sky_cancel(struct runner *r, const char *run)
{
	for (size_t i = 0; i < r->lane_count; i++)
		for (size_t k = 0; k < r->lanes[i].count; k++)
			if (!strcmp(r->lanes[i].queue[k].step.run, run)) {
				end_queued(r, &r->lanes[i], k, RUN_CANCELLED, "cancelled");
				return;
			}
	for (size_t i = 0; i < r->job_count; i++)
		if (job_has(r->jobs[i], run)) {
			cancel_job(r->jobs[i]);
			return;
		}
}

static int sky_keeps_trees(const struct runner *r)
{
	return !r->task;
}

/* Rounds enough that the gap after a batch stays under a tenth of it, for each of the two that may be outstanding. */
static size_t sky_ahead(const struct runner *r, const char *worker, double round_seconds)
{
	const struct lane *lane = find_lane(r, worker);
	if (r->task)
		return 1;
	if (!isfinite(round_seconds) || round_seconds <= 0)
		return ROUNDS_UNKNOWN;
	double rounds = OUTSTANDING * ceil(GAPS_PER_BATCH * (lane ? lane->gap : FIRST_GAP) / round_seconds);
	return rounds < ROUNDS_MIN ? ROUNDS_MIN : rounds > ROUNDS_MAX ? ROUNDS_MAX : (size_t)rounds;
}

static const char *sky_holds(const struct runner *r, const struct step *step)
{
	for (size_t i = 0; i < r->job_count; i++) {
		const char *run = r->jobs[i]->batch ? batch_holds(r->jobs[i]->batch, step) : NULL;
		if (run)
			return run;
	}
	return NULL;
}

static size_t sky_count_up(const struct runner *r)
{
	return fleet_count_up(r->fleet);
}

static const char *sky_caution(const struct runner *r)
{
	return fleet_lack_autostop(r->fleet) ? "no autostop" : NULL;
}

extern const struct runner_ops sky_runner;
const struct runner_ops sky_runner = {
	.name = "sky",
	.costs_money = 1,
	.open = sky_open,
	.capacity = sky_capacity,
	.start_worker = sky_start_worker,
	.stop_worker = sky_stop_worker,
	.host = sky_host,
	.submit = sky_submit,
	.cancel = sky_cancel,
	.close = sky_close,
	.keeps_trees = sky_keeps_trees,
	.ahead = sky_ahead,
	.holds = sky_holds,
	.has = has,
	.count_up = sky_count_up,
	.caution = sky_caution,
};
