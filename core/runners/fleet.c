/* A VM goes through phases; three things move it on: what the `sky` command answered, how its first job (the set-up) ended,
 * and the one status poll that serves all VMs.
 *
 *     [pricing] -> [looking] -> launching -> setting up -> ready -> stopping -> down
 *                       `--------------- it stands -------^  `--> lost (launched again by itself, within sky.retries)
 *
 * Money comes before comfort: a cluster's name is on disk before it is asked for, it leaves the list only when a poll that
 * began after `sky down` does not know it any more, and each VM's autostop is read back, since a launch that was told to set
 * it may not have done so.
 *
 * Nothing here calls the engine: reports go to the outbox, and only where something has changed, as each becomes an event. */
#include "core/runners/fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/config.h"
#include "core/io/logs.h"
#include "core/runners/clusters.h"
#include "core/runners/kinds.h"
#include "core/runners/task.h"
#include "core/runners/workdir.h"

#ifndef FLEET_SECOND
#define FLEET_SECOND 1000000LL		/* of the clocks below; tests make time pass faster */
#endif
#define POLL_EVERY (5 * FLEET_SECOND)
#define BILL_EVERY (60 * FLEET_SECOND)
#define LAST_BILL (10 * FLEET_SECOND)
#define PAUSE (5 * FLEET_SECOND)		/* before the second try; four times as long each time */
#define REFRESH_EVERY (120 * FLEET_SECOND)
#define STALE_AFTER (120 * 1000000LL)	/* of the wall clock, as SkyPilot's own times are */
#ifndef INIT_FOR
#define INIT_FOR (300 * FLEET_SECOND)
#endif
#define GONE_WITHIN (60 * FLEET_SECOND)	/* after `sky down` said that it is */
#define LATE_WITHIN (30 * FLEET_SECOND)	/* in which a launch that was not waited for may still make a cluster */
#define WELL_AFTER (600 * FLEET_SECOND)	/* ready for so long, and its launches count anew */
enum { DOWN_TRIES = 5, SILENCES = 3, OUTPUT_EVERY = 125000, AUTODOWN_TRIES = 3 };
#define CENT 0.01

enum phase { PHASE_LEFT, PHASE_PRICING, PHASE_LOOKING, PHASE_LAUNCHING, PHASE_SETTING_UP, PHASE_READY, PHASE_LOST, PHASE_STOPPING, PHASE_DOWN };

/* What the engine was told last, or is to be told. */
struct word {
	char *state, *why, *remedy, *status, *arch, *place;
	double usd_per_hour, usd;
	int is_stale;
};

struct vm {
	struct fleet *fleet;
	char *worker, *cluster;
	size_t kind;
	enum phase phase;
	int has_cluster;		/* it is in the list: it may cost */
	int is_final;			/* LOST for a reason that no retry helps */
	unsigned tries;			/* launches, since it was last well */
	int is_without_autostop;	/* the task must not ask for it here */
	struct skypilot_call *call;	/* an action on it */
	struct skypilot_call *job;	/* its first job, followed */
	struct loop_timer *timer;	/* the next action */
	char *problem;			/* why it is tried again */
	char last_setup[256];		/* line of its set-up, safe */

	enum vm_status is;		/* by the newest poll */
	int64_t seen;			/* when that began; monotonic */
	unsigned absent;		/* polls running */
	int64_t acted, ready_since, init_since, used, down_said;	/* monotonic; 0: never */
	int64_t updated;		/* wall clock, by SkyPilot; 0: not said */
	int was_up, lacks_autostop, autodowns;
	int is_late;			/* STOPPING while its launch was under way, which SkyPilot may go on with */
	struct skypilot_call *autodown;

	struct word now, told;
	int64_t told_usd;
	struct log_writer *log;
	struct loop_timer *log_timer;
};

struct fleet {
	struct fleet_setup setup;
	struct kinds *kinds;
	struct vm **at;
	size_t count, room;
	struct skypilot_call *poll, *bill;
	struct loop_timer *poll_timer, *bill_timer;
	int64_t poll_began, refreshed, bill_began;
	int wants_refresh, was_ever_ready, has_failed;
	unsigned silences;		/* polls running that brought nothing */
	char *silence;			/* and why */
};

static const struct config *config_of(const struct fleet *v)
{
	return v->setup.setup->config;
}

static struct loop *loop_of(const struct fleet *v)
{
	return v->setup.setup->loop;
}

static struct vm *find(const struct fleet *v, const char *worker)
{
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->at[i]->worker, worker))
			return v->at[i];
	return NULL;
}

/* --- its own log --------------------------------------------------------------------------------------------------- */

static void output_is_due(void *data)
{
	struct vm *vm = data;
	vm->log_timer = NULL;
	const char *raw = log_writer_last_line(vm->log);
	char *safe = text_safe_string(raw, strlen(raw), TEXT_TABS | TEXT_STRIP_SGR);
	outbox_worker_output(vm->fleet->setup.outbox, vm->worker, log_writer_lines(vm->log), log_writer_bytes(vm->log), safe);
	free(safe);
}

/* SkyPilot asks for its signs as text or as picture by a character that has no width; a reader would see it marked. */
static size_t without_selectors(char *bytes, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		int is_selector = n - i >= 3 && !memcmp(bytes + i, "\xef\xb8", 2) && ((unsigned char)bytes[i + 2] & 0xfe) == 0x8e;
		if (is_selector)
			i += 2;
		else
			bytes[kept++] = bytes[i];
	}
	return kept;
}

static void add_log(struct vm *vm, const char *bytes, size_t n)
{
	if (!vm->log) {
		char *path = xasprintf("%s/logs/%s.log", vm->fleet->setup.setup->folder, vm->worker);
		vm->log = log_writer_open(path, NULL);
		free(path);
	}
	if (!vm->log || !n)
		return;
	char *copy = xcalloc(1, n);
	memcpy(copy, bytes, n);
	log_writer_add(vm->log, copy, without_selectors(copy, n), NULL);
	free(copy);
	if (!vm->log_timer)
		vm->log_timer = loop_after(loop_of(vm->fleet), OUTPUT_EVERY, output_is_due, vm);
}

static void note(struct vm *vm, const char *text)
{
	char *line = xasprintf("skydeck: %s\n", text);
	add_log(vm, line, strlen(line));
	free(line);
}

static void call_output(void *data, const char *bytes, size_t n)
{
	add_log(data, bytes, n);
}

/* --- what the engine is told --------------------------------------------------------------------------------------- */

static const char *const states[] = {
	[PHASE_LEFT] = NULL, [PHASE_PRICING] = "starting", [PHASE_LOOKING] = "starting", [PHASE_LAUNCHING] = "starting",
	[PHASE_SETTING_UP] = "starting", [PHASE_READY] = "ready", [PHASE_LOST] = "lost", [PHASE_STOPPING] = NULL, [PHASE_DOWN] = "down",
};

static int differs(const char *a, const char *b)
{
	return (a || b) && (!a || !b || strcmp(a, b));
}

/* By over a hundredth: a rate is a quotient of whole seconds. */
static int is_other(double a, double b)
{
	return isfinite(a) && (!isfinite(b) || fabs(a - b) > 0.01 * fabs(a));
}

/* A report is due where it says something new. What was known and is not any more (NULL, NAN) is nothing new, but for why,
 * remedy and the provider's word. */
static int is_news(const struct vm *vm)
{
	const struct word *now = &vm->now, *told = &vm->told;
	int64_t since = clock_monotonic() - vm->told_usd;
	int has_moved = isfinite(now->usd) && (!isfinite(told->usd) || fabs(now->usd - told->usd) > CENT);
	return differs(now->state, told->state) || differs(now->why, told->why) || differs(now->remedy, told->remedy) ||
		differs(now->status, told->status) || (now->arch && differs(now->arch, told->arch)) ||
		(now->place && differs(now->place, told->place)) || is_other(now->usd_per_hour, told->usd_per_hour) ||
		now->is_stale != told->is_stale || (has_moved && (since >= BILL_EVERY || !isfinite(told->usd)));
}

static void copy_word(struct word *to, const struct word *from)
{
	string_set(&to->state, from->state);
	string_set(&to->why, from->why);
	string_set(&to->remedy, from->remedy);
	string_set(&to->status, from->status);
	string_set(&to->arch, from->arch);
	string_set(&to->place, from->place);
	to->usd_per_hour = from->usd_per_hour;
	to->usd = from->usd;
	to->is_stale = from->is_stale;
}

static const char *standing_trouble(const struct vm *vm)
{
	const struct fleet *v = vm->fleet;
	if (v->silences >= SILENCES && v->silence)
		return v->silence;
	return vm->phase == PHASE_READY && vm->lacks_autostop ? "no autostop here: it runs until skydeck takes it down" : NULL;
}

static void tell(struct vm *vm, const char *why)
{
	const char *state = states[vm->phase];
	if (!state)
		return;
	struct word *now = &vm->now;
	int64_t age = vm->updated && vm->has_cluster ? clock_wall() - vm->updated : 0;
	now->is_stale = age > STALE_AFTER;
	string_set(&now->state, state);
	string_set(&now->why, why ? why : standing_trouble(vm));
	string_set(&now->remedy, vm->phase == PHASE_LOST ? (vm->has_cluster ? "retry down" : "retry") : NULL);
	if (!is_news(vm))
		return;
	if (isfinite(now->usd) && is_other(now->usd, vm->told.usd))
		vm->told_usd = clock_monotonic();
	copy_word(&vm->told, now);
	struct worker_report report = {
		.worker = vm->worker, .name = vm->cluster, .state = state, .usd_per_hour = now->usd_per_hour, .usd = now->usd,
		.why = now->why, .remedy = now->remedy, .status = now->status, .age = now->is_stale ? (double)age / 1e6 : NAN,
		.arch = now->arch, .place = now->place,
	};
	outbox_worker(vm->fleet->setup.outbox, &report);
}

/* The same with what was last said about why. */
static void tell_on(struct vm *vm)
{
	char *why = vm->now.why && differs(vm->now.why, standing_trouble(vm)) && vm->phase != PHASE_READY ? xstrdup(vm->now.why) : NULL;
	tell(vm, why);
	free(why);
}

static void drop_calls(struct vm *vm)
{
	skypilot_forget(vm->call);
	skypilot_forget(vm->job);
	skypilot_forget(vm->autodown);
	loop_cancel(loop_of(vm->fleet), vm->timer);
	vm->call = vm->job = vm->autodown = NULL;
	vm->timer = NULL;
}

static void say_gone(struct vm *vm, enum run_status status, const char *why)
{
	vm->fleet->setup.gone(vm->fleet->setup.data, vm->worker, status, why);
}

static void fail(struct fleet *v, const char *why)
{
	if (!v->has_failed && !v->was_ever_ready) {
		v->has_failed = 1;
		outbox_failed(v->setup.outbox, why);
	}
}

/* Nothing was ever ready, and every VM that was asked for is lost for good. */
static void check_all_lost(struct fleet *v, const char *why)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct vm *vm = v->at[i];
		int is_out = vm->phase == PHASE_LEFT || vm->phase == PHASE_DOWN || vm->phase == PHASE_STOPPING;
		if (!is_out && !(vm->phase == PHASE_LOST && vm->is_final))
			return;
	}
	fail(v, why);
}

static void lose(struct vm *vm, const char *why, int is_final)
{
	drop_calls(vm);
	vm->phase = PHASE_LOST;
	vm->is_final = is_final;
	note(vm, why);
	say_gone(vm, RUN_LOST, why);
	tell(vm, why);
	if (is_final)
		check_all_lost(vm->fleet, why);
}

static void forget_cluster(struct vm *vm)
{
	struct err err = {0};
	vm->has_cluster = vm->was_up = 0;
	vm->lacks_autostop = 0;
	vm->autodowns = 0;
	vm->updated = 0;
	string_set(&vm->now.status, NULL);
	if (clusters_remove(vm->fleet->setup.folder, vm->cluster, &err))
		note(vm, err.text);
}

static void schedule_poll(struct fleet *v);

/* --- launching ----------------------------------------------------------------------------------------------------- */

static void launch(struct vm *vm);

static int64_t pause_before(unsigned tries)
{
	int64_t pause = PAUSE;
	for (unsigned i = 1; i < tries && pause < 12 * PAUSE; i++)
		pause *= 4;
	return pause < 12 * PAUSE ? pause : 12 * PAUSE;
}

static unsigned launches_allowed(const struct fleet *v)
{
	return (unsigned)config_of(v)->sky_retries + 1;
}

static void downed_first(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		note(vm, answer->problem);
	launch(vm);
}

static void try_again(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	int is_clean = vm->seen >= vm->acted && (vm->is == VM_ABSENT || vm->is == VM_UP);
	if (vm->tries && !is_clean)	/* what a launch left half up is in the next one's way */
		vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, downed_first, vm);
	else
		launch(vm);
}

static void cleared(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	vm->acted = clock_monotonic();
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		note(vm, answer->problem);
	schedule_poll(vm->fleet);	/* which strikes it off the list */
}

/* A launch, its set-up, or the VM itself came to nothing: once more where that may help. What is left of the last one is of no
 * use, and may cost. */
static void retry(struct vm *vm, const char *why, int is_passing)
{
	if (!is_passing || vm->tries >= launches_allowed(vm->fleet)) {
		lose(vm, why, !is_passing);
		if (vm->has_cluster && vm->phase == PHASE_LOST && !(vm->seen >= vm->acted && vm->is == VM_ABSENT))
			vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, cleared, vm);
		return;
	}
	drop_calls(vm);
	vm->phase = PHASE_LAUNCHING;
	string_set(&vm->problem, why);
	note(vm, why);
	char *what = xasprintf("launch %u of %u: %s", vm->tries + 1, launches_allowed(vm->fleet), why);
	tell(vm, what);
	free(what);
	vm->timer = loop_after(loop_of(vm->fleet), pause_before(vm->tries), try_again, vm);
}

static int make_workdir(const struct vm *vm, const char *path, struct err *err)
{
	char *harness = xasprintf("%s/harness", vm->fleet->setup.setup->folder);
	int rc = workdir_make(path, harness, err);
	free(harness);
	return rc;
}

/* That of a VM from before may be another program's work. */
static void renew_workdir(struct vm *vm)
{
	struct err err = {0};
	char *path = fleet_workdir(vm->fleet, vm->worker);
	if (make_workdir(vm, path, &err))
		note(vm, err.text);
	free(path);
}

static void become_ready(struct vm *vm)
{
	vm->phase = PHASE_READY;
	if (!vm->fleet->setup.task) {
		renew_workdir(vm);
		vm->was_up = vm->fleet->was_ever_ready = 1;
	}
	vm->absent = 0;
	vm->init_since = 0;
	vm->ready_since = vm->used = clock_monotonic();
	string_set(&vm->problem, NULL);
	tell(vm, NULL);
	vm->fleet->setup.ready(vm->fleet->setup.data, vm->worker);
	schedule_poll(vm->fleet);
}

static void take_arch(struct vm *vm, const char *line, size_t n)
{
	char *safe = text_safe_string(line, n, TEXT_STRIP_SGR);
	size_t length = strcspn(safe, " \t\r\n");
	if (!vm->now.arch && length && length < 32) {
		safe[length] = '\0';
		string_set(&vm->now.arch, safe);
	}
	free(safe);
}

static void job_line(void *data, enum log_part part, const char *line, size_t n)
{
	struct vm *vm = data;
	add_log(vm, line, n);
	if (part == LOG_TASK)
		take_arch(vm, line, n);
	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	if (part == LOG_SETUP && n) {
		char *safe = text_safe_string(line, n, TEXT_TABS | TEXT_STRIP_SGR);
		snprintf(vm->last_setup, sizeof vm->last_setup, "%.200s", safe);
		free(safe);
	}
}

static void job_trouble(void *data, const char *problem)
{
	tell(data, problem);
}

static void job_ended(void *data, enum job_status status, const char *word)
{
	struct vm *vm = data;
	vm->job = NULL;
	if (status == JOB_SUCCEEDED) {
		become_ready(vm);
	} else if (status == JOB_FAILED_SETUP) {
		char *why = xasprintf("target.setup failed%s%s; %s", *vm->last_setup ? ": " : "", vm->last_setup, skypilot_remedy(SKYPILOT_SETUP_FAILED));
		lose(vm, why, 1);
		free(why);
	} else {
		char *why = xasprintf("its first job ended as %s", word ? word : "nobody knows what");
		retry(vm, why, 1);
		free(why);
	}
}

static void follow_first_job(struct vm *vm, long job)
{
	static const struct skypilot_listener listener = { job_line, job_trouble, job_ended };
	vm->phase = PHASE_SETTING_UP;
	*vm->last_setup = '\0';
	vm->job = skypilot_follow(vm->fleet->setup.sky, vm->cluster, job, &listener, vm);
	tell(vm, NULL);
}

static void name_first_job(const struct vm *vm, char *out, size_t size)
{
	snprintf(out, size, "%.40s-up", vm->worker);
}

static const struct job_facts *first_job(const struct vm *vm, const struct job_facts *jobs, size_t n)
{
	const struct job_facts *newest = NULL;
	char name[64];
	name_first_job(vm, name, sizeof name);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].name && !strcmp(jobs[i].name, name) && (!newest || jobs[i].id > newest->id))
			newest = &jobs[i];
	return newest;
}

/* The jobs of a VM that stands: one that was just launched, or one from before. */
static void jobs_came(void *data, const struct job_facts *jobs, size_t n, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (answer->trouble != SKYPILOT_NONE) {
		char *why = explain_trouble(answer);
		retry(vm, why, skypilot_is_passing(answer->trouble));
		free(why);
		return;
	}
	const struct job_facts *first = first_job(vm, jobs, n);
	if (vm->phase == PHASE_LOOKING)
		vm->fleet->setup.jobs(vm->fleet->setup.data, vm->worker, jobs, n);
	if (first && first->is == JOB_SUCCEEDED)
		become_ready(vm);
	else if (first && !job_has_ended(first->is))
		follow_first_job(vm, first->id);
	else
		launch(vm);
}

static void launched(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	vm->acted = clock_monotonic();
	if (answer->trouble == SKYPILOT_NONE) {
		vm->was_up = 1;
		if (answer->job)
			follow_first_job(vm, answer->job);
		else
			vm->call = skypilot_queue(vm->fleet->setup.sky, vm->cluster, jobs_came, vm);
		schedule_poll(vm->fleet);
		return;
	}
	char *why = explain_trouble(answer);
	if (answer->trouble == SKYPILOT_NOT_OURS)
		forget_cluster(vm);	/* nor is it ours to take down */
	if (answer->trouble == SKYPILOT_UNSUPPORTED && !vm->is_without_autostop) {
		vm->is_without_autostop = 1;
		vm->tries--;
		note(vm, why);
		launch(vm);
	} else {
		retry(vm, why, skypilot_is_passing(answer->trouble));
	}
	free(why);
}

/* The list, the workdir and the task: what must be there before SkyPilot is asked. */
static int prepare_launch(struct vm *vm, const char *task, const char *workdir, struct err *err)
{
	const struct fleet *v = vm->fleet;
	const struct config *config = config_of(v);
	char name[64];
	name_first_job(vm, name, sizeof name);
	struct task_plan plan = { .name = name, .workdir = workdir, .setup = config->target_setup, .run = "uname -m",
				  .autostop = vm->is_without_autostop ? 0 : config->sky_autostop };
	kinds_fill(v->kinds, vm->kind, &plan);
	return make_workdir(vm, workdir, err) || task_write(task, &plan, err) || clusters_add(v->setup.folder, vm->cluster, err) ? -1 : 0;
}

static void launch(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	struct err err = {0};
	char name[64], *workdir = fleet_workdir(v, vm->worker);
	name_first_job(vm, name, sizeof name);
	char *task = fleet_task_path(v, name);
	vm->phase = PHASE_LAUNCHING;
	vm->tries++;
	vm->is_final = 0;
	if (prepare_launch(vm, task, workdir, &err)) {
		lose(vm, err.text, 1);
	} else {
		char *what = xasprintf("launch %u of %u%s%s", vm->tries, launches_allowed(v), vm->problem ? ": " : "", vm->problem ? vm->problem : "");
		vm->has_cluster = 1;
		vm->absent = 0;
		vm->acted = clock_monotonic();
		note(vm, what);
		tell(vm, vm->tries > 1 ? what : NULL);
		free(what);
		vm->call = skypilot_launch(v->setup.sky, vm->cluster, task, NULL, call_output, launched, vm);
		schedule_poll(v);
	}
	free(task);
	free(workdir);
}

/* --- coming up: what it may cost, and whether it stands already ------------------------------------------------------ */

static int is_within_limit(const struct vm *vm, struct err *err)
{
	const struct fleet *v = vm->fleet;
	double limit = config_of(v)->sky_maxhourly, sum = kinds_usd_per_hour(v->kinds, vm->kind);
	if (limit <= 0 || !isfinite(sum))
		return 1;
	for (size_t i = 0; i < v->count; i++) {
		const struct vm *other = v->at[i];
		int counts = other != vm && (other->has_cluster || other->phase == PHASE_LAUNCHING) && other->phase != PHASE_STOPPING;
		if (counts && isfinite(other->now.usd_per_hour))
			sum += other->now.usd_per_hour;
	}
	if (sum <= limit + 1e-9)
		return 1;
	err_set(err, "with one more VM they would cost %.2f USD an hour, and runner.sky.maxhourly allows %.2f", sum, limit);
	return 0;
}

static void come_up(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	struct err err = {0};
	if (!vm->has_cluster && config_of(v)->sky_maxhourly > 0 && !kinds_is_priced(v->kinds, vm->kind)) {
		vm->phase = PHASE_PRICING;
	} else if (!vm->has_cluster && !is_within_limit(vm, &err)) {
		vm->phase = PHASE_LOST;
		tell(vm, err.text);
	} else if (v->setup.task) {
		if (kinds_is_priced(v->kinds, vm->kind))
			become_ready(vm);
		else
			vm->phase = PHASE_PRICING;
	} else if (vm->has_cluster) {
		vm->phase = PHASE_LOOKING;
		schedule_poll(v);
	} else {
		launch(vm);
	}
	tell_on(vm);
}

static void priced(void *data, size_t kind)
{
	struct fleet *v = data;
	for (size_t i = 0; i < v->count; i++) {
		struct vm *vm = v->at[i];
		if (vm->kind != kind)
			continue;
		if (!isfinite(vm->now.usd_per_hour))
			vm->now.usd_per_hour = kinds_usd_per_hour(v->kinds, kind);
		if (vm->phase == PHASE_PRICING)
			come_up(vm);
		else
			tell_on(vm);
	}
}

static void impossible(void *data, const char *why)
{
	fail(data, why);
}

/* --- going down ---------------------------------------------------------------------------------------------------- */

static void finish_down(struct vm *vm)
{
	drop_calls(vm);
	vm->phase = PHASE_DOWN;
	vm->told.usd = NAN;		/* the last bill is told, however little it moved */
	tell(vm, NULL);
}

static void no_last_bill(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	finish_down(vm);
}

static void ask_bill(void *data);

/* A poll that began after `sky down` does not know it any more. */
static void confirm_down(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	forget_cluster(vm);
	vm->timer = loop_after(loop_of(v), LAST_BILL, no_last_bill, vm);
	if (!v->bill) {
		loop_cancel(loop_of(v), v->bill_timer);
		v->bill_timer = loop_after(loop_of(v), 0, ask_bill, v);
	}
}

static void take_down(void *data);

static void not_down(struct vm *vm, const char *why)
{
	if (vm->tries < DOWN_TRIES) {
		note(vm, why);
		vm->timer = loop_after(loop_of(vm->fleet), pause_before(vm->tries), take_down, vm);
		return;
	}
	char *text = xasprintf("could not be taken down: %s; it may still cost: sky down %s", why, vm->cluster);
	vm->phase = PHASE_LOST;
	note(vm, text);
	tell(vm, text);
	free(text);
}

static void downed(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (answer->trouble == SKYPILOT_NONE || answer->trouble == SKYPILOT_GONE) {
		vm->down_said = clock_monotonic();
		vm->fleet->silences = 0;
		schedule_poll(vm->fleet);
		return;
	}
	char *why = explain_trouble(answer);
	not_down(vm, why);
	free(why);
}

static void take_down(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	vm->tries++;
	vm->down_said = 0;
	vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, downed, vm);
}

/* --- the poll ------------------------------------------------------------------------------------------------------ */

/* What comes up in its place is another instrument, so the engine hears of its end even where the next launch follows at once. */
static void say_lost(struct vm *vm, const char *why)
{
	vm->phase = PHASE_LOST;
	tell(vm, why);
}

/* It was there, and is not any more. */
static void vanish(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	const char *why = "the VM is gone: preempted or taken down elsewhere";
	int64_t now = clock_monotonic(), idle = now - vm->used;
	int was_idle = !vm->lacks_autostop && vm->phase == PHASE_READY && idle >= (config_of(v)->sky_autostop * 60 - 30) * FLEET_SECOND;
	if (now - vm->ready_since >= WELL_AFTER)
		vm->tries = 0;
	drop_calls(vm);
	forget_cluster(vm);
	say_gone(vm, RUN_LOST, why);
	if (v->setup.task) {
		tell(vm, "the VM is gone; the next run starts another");
	} else if (was_idle) {
		vm->phase = PHASE_DOWN;
		tell(vm, "it went down by itself, as there was nothing to do (runner.sky.autostop)");
	} else {
		say_lost(vm, why);
		retry(vm, why, 1);
	}
}

static void found_absent(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	int is_believed = ++vm->absent >= 2;
	vm->is = VM_ABSENT;
	vm->seen = v->poll_began;
	switch (vm->phase) {
	case PHASE_LEFT:
		if (is_believed) {
			forget_cluster(vm);
			vm->phase = PHASE_DOWN;
			say_gone(vm, RUN_LOST, "its VM is gone");
		}
		break;
	case PHASE_LOOKING:
		if (!vm->call) {
			say_gone(vm, RUN_LOST, "its VM is gone");
			say_lost(vm, "its VM is gone");
			launch(vm);
		}
		break;
	case PHASE_SETTING_UP:
	case PHASE_READY:
		if (vm->was_up && is_believed)
			vanish(vm);
		else if (vm->was_up)
			v->wants_refresh = 1;
		break;
	case PHASE_LOST:
		if (is_believed && vm->has_cluster) {
			forget_cluster(vm);
			tell_on(vm);
		}
		break;
	case PHASE_STOPPING:
		if (vm->down_said && vm->has_cluster && v->poll_began >= vm->down_said + (vm->is_late ? LATE_WITHIN : 0))
			confirm_down(vm);
		break;
	default:
		break;
	}
}

static void autodown_answered(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->autodown = NULL;
	if (answer->trouble != SKYPILOT_NONE && !skypilot_is_passing(answer->trouble))
		vm->autodowns = AUTODOWN_TRIES;
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		note(vm, answer->problem);
	if (answer->trouble != SKYPILOT_NONE && vm->autodowns >= AUTODOWN_TRIES)
		vm->lacks_autostop = 1;
	tell_on(vm);
}

static void verify_autostop(struct vm *vm, const struct vm_facts *facts)
{
	const struct fleet *v = vm->fleet;
	long minutes = config_of(v)->sky_autostop;
	if (facts->autostop >= 0 && facts->autodown) {
		vm->lacks_autostop = 0;
		return;
	}
	if (vm->autodowns >= AUTODOWN_TRIES) {
		vm->lacks_autostop = 1;
	} else if (!vm->autodown) {
		vm->autodowns++;
		vm->autodown = skypilot_autodown(v->setup.sky, vm->cluster, minutes, autodown_answered, vm);
	}
}

/* It stands, but not as it should. */
static void ail(struct vm *vm, const char *why)
{
	say_gone(vm, RUN_LOST, why);
	if (clock_monotonic() - vm->ready_since >= WELL_AFTER)
		vm->tries = 0;
	vm->init_since = 0;
	if (vm->fleet->setup.task) {
		vm->was_up = 0;
		tell(vm, why);
	} else {
		if (vm->phase == PHASE_READY)
			say_lost(vm, why);
		retry(vm, why, 1);
	}
}

static void found_up(struct vm *vm, const struct vm_facts *facts)
{
	vm->init_since = 0;
	if (vm->phase == PHASE_LOOKING && !vm->call)
		vm->call = skypilot_queue(vm->fleet->setup.sky, vm->cluster, jobs_came, vm);
	if (vm->phase != PHASE_READY)
		return;
	vm->was_up = 1;
	verify_autostop(vm, facts);
}

static void found_otherwise(struct vm *vm, const struct vm_facts *facts)
{
	int64_t now = clock_monotonic();
	if (vm->phase == PHASE_LOOKING && !vm->call) {
		if (facts->is == VM_STOPPED)
			say_lost(vm, "the VM was stopped elsewhere");
		launch(vm);	/* SkyPilot's own remedy; what runs there may go on */
		return;
	}
	if (vm->phase != PHASE_READY && vm->phase != PHASE_SETTING_UP)
		return;
	if (facts->is == VM_STOPPED) {
		ail(vm, "the VM was stopped elsewhere");
	} else if (facts->is == VM_INIT) {
		if (!vm->init_since)
			vm->init_since = now;
		else if (now - vm->init_since > INIT_FOR)
			ail(vm, "its state has been INIT for five minutes");
	}
}

static void found(struct vm *vm, const struct vm_facts *facts)
{
	vm->is = facts->is;
	vm->seen = vm->fleet->poll_began;
	vm->absent = 0;
	vm->updated = facts->updated;
	string_set(&vm->now.status, facts->word);
	if (facts->place)
		string_set(&vm->now.place, facts->place);
	int64_t patience = vm->is_late ? 0 : GONE_WITHIN;
	if (vm->phase == PHASE_STOPPING && vm->down_said && vm->fleet->poll_began - vm->down_said > patience && !vm->call && !vm->timer) {
		vm->down_said = 0;
		not_down(vm, "SkyPilot took it down, and still knows it");
		return;
	}
	if (facts->is == VM_UP)
		found_up(vm, facts);
	else
		found_otherwise(vm, facts);
	tell_on(vm);
}

static int is_stale(const struct vm *vm)
{
	return vm->has_cluster && vm->updated && clock_wall() - vm->updated > STALE_AFTER;
}

static void stay_silent(struct fleet *v, const struct skypilot_answer *answer)
{
	char *why = explain_trouble(answer), *text = xasprintf("SkyPilot does not say how it is: %s", why);
	v->silences++;
	string_set(&v->silence, text);
	free(text);
	free(why);
	for (size_t i = 0; i < v->count; i++) {
		struct vm *vm = v->at[i];
		if (vm->phase == PHASE_STOPPING && vm->down_said && v->silences >= SILENCES && vm->has_cluster)
			confirm_down(vm);	/* `sky down` said so */
		else
			tell_on(vm);
	}
}

static void polled(void *data, const struct vm_facts *facts, size_t n, const struct skypilot_answer *answer)
{
	struct fleet *v = data;
	v->poll = NULL;
	if (answer->trouble != SKYPILOT_NONE) {
		stay_silent(v, answer);
		schedule_poll(v);
		return;
	}
	v->silences = 0;
	for (size_t i = 0; i < v->count; i++) {
		struct vm *vm = v->at[i];
		size_t k = 0;
		while (k < n && strcmp(facts[k].cluster, vm->cluster))
			k++;
		if (k < n && (vm->has_cluster || vm->phase == PHASE_STOPPING))
			found(vm, &facts[k]);
		else if (k == n && vm->has_cluster && v->poll_began >= vm->acted)
			found_absent(vm);
	}
	schedule_poll(v);
}

static void ask_status(void *data)
{
	struct fleet *v = data;
	int64_t now = clock_monotonic();
	int refresh = v->wants_refresh;
	v->poll_timer = NULL;
	for (size_t i = 0; i < v->count && !refresh; i++)
		refresh = is_stale(v->at[i]) && now - v->refreshed > REFRESH_EVERY;
	if (refresh)
		v->refreshed = now;
	v->wants_refresh = 0;
	v->poll_began = now;
	v->poll = skypilot_status(v->setup.sky, refresh, polled, v);
}

static int has_clusters(const struct fleet *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->at[i]->has_cluster)
			return 1;
	return 0;
}

static void schedule_poll(struct fleet *v)
{
	if (v->poll || v->poll_timer || !has_clusters(v))
		return;
	int64_t wait = v->poll_began ? v->poll_began + POLL_EVERY - clock_monotonic() : 0;
	v->poll_timer = loop_after(loop_of(v), wait > 0 ? wait : 0, ask_status, v);
	if (!v->bill && !v->bill_timer)
		v->bill_timer = loop_after(loop_of(v), BILL_EVERY, ask_bill, v);
}

/* --- the bill ------------------------------------------------------------------------------------------------------ */

static void billed(void *data, const struct vm_cost *costs, size_t n, const struct skypilot_answer *answer)
{
	struct fleet *v = data;
	v->bill = NULL;
	for (size_t i = 0; i < v->count; i++) {
		struct vm *vm = v->at[i];
		int is_last = vm->phase == PHASE_STOPPING && vm->down_said && !vm->has_cluster && v->bill_began >= vm->down_said;
		for (size_t k = 0; k < n && answer->trouble == SKYPILOT_NONE; k++)
			if (!strcmp(costs[k].cluster, vm->cluster)) {
				vm->now.usd = costs[k].usd;
				if (isfinite(costs[k].usd_per_hour) && costs[k].usd_per_hour > 0 && vm->has_cluster)
					vm->now.usd_per_hour = costs[k].usd_per_hour;
			}
		if (is_last)
			finish_down(vm);
		else
			tell_on(vm);
	}
	if (has_clusters(v) && !v->bill_timer)
		v->bill_timer = loop_after(loop_of(v), BILL_EVERY, ask_bill, v);
}

static void ask_bill(void *data)
{
	struct fleet *v = data;
	v->bill_timer = NULL;
	v->bill_began = clock_monotonic();
	v->bill = skypilot_cost_report(v->setup.sky, billed, v);
}

/* --- what the runner calls ----------------------------------------------------------------------------------------- */

static struct vm *add(struct fleet *v, const char *worker)
{
	struct vm *vm = xcalloc(1, sizeof *vm);
	struct vm **at = array_add(&v->at, &v->count, &v->room, sizeof *at);
	*at = vm;
	vm->fleet = v;
	vm->worker = xstrdup(worker);
	vm->cluster = cluster_name(v->setup.setup->root, v->setup.setup->session, worker);
	vm->kind = kinds_of(v->kinds, worker);
	vm->phase = PHASE_DOWN;
	vm->now.usd = vm->told.usd = vm->told.usd_per_hour = NAN;
	vm->now.usd_per_hour = kinds_usd_per_hour(v->kinds, vm->kind);
	string_set(&vm->now.place, kinds_place(v->kinds, vm->kind));
	return vm;
}

static void release_word(struct word *w)
{
	free(w->state);
	free(w->why);
	free(w->remedy);
	free(w->status);
	free(w->arch);
	free(w->place);
}

static void free_vm(struct vm *vm)
{
	drop_calls(vm);
	loop_cancel(loop_of(vm->fleet), vm->log_timer);
	log_writer_close(vm->log);
	release_word(&vm->now);
	release_word(&vm->told);
	free(vm->problem);
	free(vm->cluster);
	free(vm->worker);
	free(vm);
}

struct fleet *fleet_new(const struct fleet_setup *setup, struct err *err)
{
	struct strings names = {0};
	if (clusters_read(setup->folder, &names, err)) {
		strings_release(&names);
		return NULL;
	}
	struct fleet *v = xcalloc(1, sizeof *v);
	v->setup = *setup;
	struct kinds_setup kinds = { .setup = setup->setup, .sky = setup->sky, .folder = setup->folder, .task = setup->task,
				     .priced = priced, .impossible = impossible, .data = v };
	v->kinds = kinds_new(&kinds);
	for (size_t i = 0; i < names.count; i++) {
		const char *worker = cluster_worker(names.at[i], setup->setup->root, setup->setup->session);
		if (!worker || find(v, worker))
			continue;
		struct vm *vm = add(v, worker);
		vm->phase = PHASE_LEFT;
		vm->has_cluster = 1;
	}
	strings_release(&names);
	schedule_poll(v);
	return v;
}

void fleet_free(struct fleet *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		free_vm(v->at[i]);
	skypilot_forget(v->poll);
	skypilot_forget(v->bill);
	loop_cancel(loop_of(v), v->poll_timer);
	loop_cancel(loop_of(v), v->bill_timer);
	kinds_free(v->kinds);
	free(v->silence);
	free(v->at);
	free(v);
}

static int is_taken(const struct vm *vm)
{
	return vm->phase != PHASE_DOWN && vm->phase != PHASE_STOPPING && vm->phase != PHASE_LEFT;
}

int fleet_start(struct fleet *v, const char *worker, struct err *err)
{
	struct vm *vm = find(v, worker);
	size_t taken = 0;
	if (vm && is_taken(vm) && vm->phase != PHASE_LOST)
		return err_set(err, "worker %s runs already", worker);
	if (vm && vm->phase == PHASE_STOPPING)
		return err_set(err, "worker %s is being taken down: try again when it is", worker);
	for (size_t i = 0; i < v->count; i++)
		taken += v->at[i] != vm && is_taken(v->at[i]) && v->at[i]->phase != PHASE_LOST;
	if (taken >= (size_t)config_of(v)->sky_vms)
		return err_set(err, "there are %zu VMs already: runner.sky.vms sets how many there can be", taken);
	if (!vm)
		vm = add(v, worker);
	if (!vm->has_cluster && !is_within_limit(vm, err))
		return -1;
	drop_calls(vm);
	vm->tries = 0;
	vm->is_final = vm->is_without_autostop = 0;
	string_set(&vm->problem, NULL);
	string_set(&vm->now.why, NULL);
	come_up(vm);
	return 0;
}

void fleet_stop(struct fleet *v, const char *worker)
{
	struct vm *vm = find(v, worker);
	if (!vm)
		vm = add(v, worker);	/* the engine before this one knew it; that it is down is still to be said */
	if (vm->phase == PHASE_STOPPING)
		return;
	vm->is_late = vm->phase == PHASE_LAUNCHING && vm->call;
	drop_calls(vm);
	vm->phase = PHASE_STOPPING;
	vm->tries = 0;
	say_gone(vm, RUN_CANCELLED, "the worker was taken down");
	if (vm->has_cluster) {
		note(vm, "is taken down");
		take_down(vm);
	} else {
		finish_down(vm);
	}
}

size_t fleet_count_up(const struct fleet *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->count; i++)
		n += v->at[i]->has_cluster;
	return n;
}

int fleet_lack_autostop(const struct fleet *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->at[i]->has_cluster && v->at[i]->lacks_autostop)
			return 1;
	return 0;
}

int fleet_is_started(const struct fleet *v, const char *worker)
{
	const struct vm *vm = find(v, worker);
	return vm && is_taken(vm) && vm->phase != PHASE_LOST;
}

int fleet_is_ready(const struct fleet *v, const char *worker)
{
	const struct vm *vm = find(v, worker);
	return vm && vm->phase == PHASE_READY;
}

const char *fleet_cluster(const struct fleet *v, const char *worker)
{
	const struct vm *vm = find(v, worker);
	return vm ? vm->cluster : NULL;
}

char *fleet_workdir(const struct fleet *v, const char *worker)
{
	return xasprintf("%s/%s", v->setup.folder, worker);
}

char *fleet_task_path(const struct fleet *v, const char *name)
{
	return xasprintf("%s/%s.yaml", v->setup.folder, name);
}

void fleet_log(struct fleet *v, const char *worker, const char *bytes, size_t n)
{
	struct vm *vm = find(v, worker);
	if (vm)
		add_log(vm, bytes, n);
}

void fleet_arch(struct fleet *v, const char *worker, const char *arch)
{
	struct vm *vm = find(v, worker);
	if (!vm || !arch || !*arch)
		return;
	string_set(&vm->now.arch, arch);
	tell_on(vm);
}

void fleet_used(struct fleet *v, const char *worker)
{
	struct vm *vm = find(v, worker);
	if (vm)
		vm->used = clock_monotonic();
}

void fleet_look(struct fleet *v)
{
	v->wants_refresh = 1;
	schedule_poll(v);
}

int fleet_claim(struct fleet *v, const char *worker, struct err *err)
{
	struct vm *vm = find(v, worker);
	if (!vm)
		return err_set(err, "there is no worker %s", worker);
	if (vm->was_up && vm->has_cluster && vm->is != VM_STOPPED)
		return 1;
	if (clusters_add(v->setup.folder, vm->cluster, err))
		return -1;
	vm->has_cluster = 1;
	vm->absent = 0;
	vm->acted = clock_monotonic();
	schedule_poll(v);
	return 0;
}

void fleet_launched(struct fleet *v, const char *worker, const struct skypilot_answer *answer)
{
	struct vm *vm = find(v, worker);
	if (!vm)
		return;
	vm->acted = clock_monotonic();
	vm->was_up = answer->trouble == SKYPILOT_NONE;
	v->was_ever_ready |= vm->was_up;
	if (answer->trouble == SKYPILOT_NOT_OURS)
		forget_cluster(vm);
	if (vm->was_up || skypilot_is_passing(answer->trouble))
		return;
	char *why = explain_trouble(answer);
	lose(vm, why, 1);
	free(why);
}
