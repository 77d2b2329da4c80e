/* How a VM comes up: what it may cost an hour, whether it stands already, its launch, its first job, and the launch after one
 * that came to nothing. */
#include "core/runners/fleet_vm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/config.h"
#include "core/runners/clusters.h"
#include "core/runners/task.h"
#include "core/runners/workdir.h"

/* --- once more ----------------------------------------------------------------------------------------------------- */

static unsigned launches_allowed(const struct fleet *v)
{
	return (unsigned)fleet_config(v)->sky_retries + 1;
}

static void downed_first(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		vm_note(vm, answer->problem);
	vm_launch(vm);
}

static void try_again(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	int is_clean = vm->seen >= vm->acted && (vm->is == VM_ABSENT || vm->is == VM_UP);
	if (vm->tries && !is_clean)	/* what a launch left half up is in the next one's way */
		vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, downed_first, vm);
	else
		vm_launch(vm);
}

static void cleared(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	vm->acted = clock_monotonic();
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		vm_note(vm, answer->problem);
	fleet_poll(vm->fleet);	/* which strikes it off the list */
}

/* A launch, its set-up, or the VM itself came to nothing: once more where that may help. What is left of the last one is of no
 * use, and may cost. */
void vm_retry(struct vm *vm, const char *why, int is_passing)
{
	if (!is_passing || vm->tries >= launches_allowed(vm->fleet)) {
		vm_lose(vm, why, !is_passing);
		if (vm->has_cluster && vm->phase == PHASE_LOST && !(vm->seen >= vm->acted && vm->is == VM_ABSENT))
			vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, cleared, vm);
		return;
	}
	vm_drop_calls(vm);
	vm->phase = PHASE_LAUNCHING;
	string_set(&vm->problem, why);
	vm_note(vm, why);
	char *what = xasprintf("launch %u of %u: %s", vm->tries + 1, launches_allowed(vm->fleet), why);
	vm_tell(vm, what);
	free(what);
	vm->timer = loop_after(fleet_loop(vm->fleet), vm_pause(vm), try_again, vm);
}

/* --- its first job: the set-up ------------------------------------------------------------------------------------- */

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
		vm_note(vm, err.text);
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
	vm_tell(vm, NULL);
	vm->fleet->setup.ready(vm->fleet->setup.data, vm->worker);
	fleet_poll(vm->fleet);
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
	vm_log(vm, line, n);
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
	vm_tell(data, problem);
}

static void job_ended(void *data, enum job_status status, const char *word)
{
	struct vm *vm = data;
	vm->job = NULL;
	if (status == JOB_SUCCEEDED) {
		become_ready(vm);
	} else if (status == JOB_FAILED_SETUP) {
		char *why = xasprintf("target.setup failed%s%s; %s", *vm->last_setup ? ": " : "", vm->last_setup, skypilot_remedy(SKYPILOT_SETUP_FAILED));
		vm_lose(vm, why, 1);
		free(why);
	} else {
		char *why = xasprintf("its first job ended as %s", word ? word : "nobody knows what");
		vm_retry(vm, why, 1);
		free(why);
	}
}

static void name_first_job(const struct vm *vm, char *out, size_t size)
{
	snprintf(out, size, "%.40s-up", vm->worker);
}

static void follow_first_job(struct vm *vm, long job)
{
	static const struct skypilot_listener listener = { job_line, job_trouble, job_ended };
	vm->phase = PHASE_SETTING_UP;
	*vm->last_setup = '\0';
	vm->job = skypilot_follow(vm->fleet->setup.sky, vm->cluster, job, &listener, vm);
	vm_tell(vm, NULL);
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

/* A server that is slow or away says nothing against a VM that stands: it is asked again after the next poll that finds it up.
 * One that never tells its jobs costs all the same. */
static int is_asked_again(struct vm *vm, const struct skypilot_answer *answer)
{
	enum { QUESTIONS = 10 };
	if (answer->trouble != SKYPILOT_TIMED_OUT && answer->trouble != SKYPILOT_NO_SERVER)
		vm->unanswered = 0;
	else if (++vm->unanswered < QUESTIONS)
		return 1;
	return 0;
}

/* The jobs of a VM that stands: one that was just launched, or one from before. */
static void jobs_came(void *data, const struct job_facts *jobs, size_t n, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (is_asked_again(vm, answer)) {
		vm->phase = PHASE_LOOKING;
		vm_note(vm, answer->problem ? answer->problem : "its jobs were asked for in vain");
		return;
	}
	if (answer->trouble != SKYPILOT_NONE) {
		char *why = explain_trouble(answer);
		vm_retry(vm, why, skypilot_is_passing(answer->trouble));
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
		vm_launch(vm);
}

void vm_look_at_jobs(struct vm *vm)
{
	vm->call = skypilot_queue(vm->fleet->setup.sky, vm->cluster, jobs_came, vm);
}

/* --- the launch ---------------------------------------------------------------------------------------------------- */

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
			vm_look_at_jobs(vm);
		fleet_poll(vm->fleet);
		return;
	}
	char *why = explain_trouble(answer);
	if (answer->trouble == SKYPILOT_NOT_OURS)
		vm_forget_cluster(vm);	/* nor is it ours to take down */
	if (answer->trouble == SKYPILOT_UNSUPPORTED && !vm->is_without_autostop) {
		vm->is_without_autostop = 1;
		vm->tries--;
		vm_note(vm, why);
		vm_launch(vm);
	} else {
		vm_retry(vm, why, skypilot_is_passing(answer->trouble));
	}
	free(why);
}

/* The list, the workdir and the task: what must be there before SkyPilot is asked. */
static int prepare_launch(struct vm *vm, const char *task, const char *workdir, struct err *err)
{
	const struct fleet *v = vm->fleet;
	const struct config *config = fleet_config(v);
	char name[64];
	name_first_job(vm, name, sizeof name);
	struct task_plan plan = { .name = name, .workdir = workdir, .setup = config->target_setup, .run = "uname -m",
				  .autostop = vm->is_without_autostop ? 0 : config->sky_autostop };
	kinds_fill(v->kinds, vm->kind, &plan);
	return make_workdir(vm, workdir, err) || task_write(task, &plan, err) || clusters_add(v->setup.folder, vm->cluster, err) ? -1 : 0;
}

void vm_launch(struct vm *vm)
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
		vm_lose(vm, err.text, 1);
	} else {
		char *what = xasprintf("launch %u of %u%s%s", vm->tries, launches_allowed(v), vm->problem ? ": " : "", vm->problem ? vm->problem : "");
		vm->has_cluster = 1;
		vm->absent = 0;
		vm->acted = clock_monotonic();
		vm_note(vm, what);
		vm_tell(vm, vm->tries > 1 ? what : NULL);
		free(what);
		vm->call = skypilot_launch(v->setup.sky, vm->cluster, task, NULL, vm_output, launched, vm);
		fleet_poll(v);
	}
	free(task);
	free(workdir);
}

/* --- what it may cost, and whether it stands already --------------------------------------------------------------- */

int vm_is_within_limit(const struct vm *vm, struct err *err)
{
	const struct fleet *v = vm->fleet;
	double limit = fleet_config(v)->sky_maxhourly, sum = kinds_usd_per_hour(v->kinds, vm->kind);
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

void vm_come_up(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	struct err err = {0};
	if (!vm->has_cluster && fleet_config(v)->sky_maxhourly > 0 && !kinds_is_priced(v->kinds, vm->kind)) {
		vm->phase = PHASE_PRICING;
	} else if (!vm->has_cluster && !vm_is_within_limit(vm, &err)) {
		vm->phase = PHASE_LOST;
		vm_tell(vm, err.text);
	} else if (v->setup.task) {
		if (kinds_is_priced(v->kinds, vm->kind))
			become_ready(vm);
		else
			vm->phase = PHASE_PRICING;
	} else if (vm->has_cluster) {
		vm->phase = PHASE_LOOKING;
		fleet_poll(v);
	} else {
		vm_launch(vm);
	}
	vm_tell_on(vm);
}

void fleet_priced(void *data, size_t kind)
{
	struct fleet *v = data;
	for (size_t i = 0; i < v->count; i++) {
		struct vm *vm = v->at[i];
		if (vm->kind != kind)
			continue;
		if (!isfinite(vm->now.usd_per_hour))
			vm->now.usd_per_hour = kinds_usd_per_hour(v->kinds, kind);
		if (vm->phase == PHASE_PRICING)
			vm_come_up(vm);
		else
			vm_tell_on(vm);
	}
}
