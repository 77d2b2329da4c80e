/* The fleet: which VMs there are, and what the runner asks of them. A VM goes through phases; three things move it on: what
 * the `sky` command answered, how its first job (the set-up) ended, and the one status poll that serves all VMs.
 *
 *     [pricing] -> [looking] -> launching -> setting up -> ready -> stopping -> down
 *                       `--------------- it stands -------^  `--> lost (launched again by itself, within sky.retries)
 *
 * How it comes up stands in fleet_up.c, how it goes and what it costs in fleet_down.c, what a poll finds and what is done
 * about it in fleet_watch.c, what the engine and the VM's own log are told of it in fleet_tell.c.
 *
 * Money comes before comfort: a cluster's name is on disk before it is asked for, it leaves the list only when a poll that
 * began after `sky down` does not know it any more, and each VM's autostop is read back, since a launch that was told to set
 * it may not have done so.
 *
 * Nothing here calls the engine: reports go to the outbox, and only where something has changed, as each becomes an event. */
#include "core/runners/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/data/config.h"
#include "core/runners/clusters.h"
#include "core/runners/fleet_vm.h"

#define PAUSE (5 * FLEET_SECOND)		/* before the second try; four times as long each time */

const struct config *fleet_config(const struct fleet *v)
{
	return v->setup.setup->config;
}

struct loop *fleet_loop(const struct fleet *v)
{
	return v->setup.setup->loop;
}

struct vm *fleet_find(const struct fleet *v, const char *worker)
{
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->at[i]->worker, worker))
			return v->at[i];
	return NULL;
}

int fleet_has_clusters(const struct fleet *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->at[i]->has_cluster)
			return 1;
	return 0;
}

int64_t vm_pause(const struct vm *vm)
{
	int64_t pause = PAUSE;
	for (unsigned i = 1; i < vm->tries && pause < 12 * PAUSE; i++)
		pause *= 4;
	return pause < 12 * PAUSE ? pause : 12 * PAUSE;
}

/* --- a VM that is lost --------------------------------------------------------------------------------------------- */

void vm_drop_calls(struct vm *vm)
{
	skypilot_forget(vm->call);
	skypilot_forget(vm->job);
	skypilot_forget(vm->autodown);
	loop_cancel(fleet_loop(vm->fleet), vm->timer);
	vm->call = vm->job = vm->autodown = NULL;
	vm->timer = NULL;
}

void vm_say_gone(struct vm *vm, enum run_status status, const char *why)
{
	vm->fleet->setup.gone(vm->fleet->setup.data, vm->worker, status, why);
}

void fleet_fail(struct fleet *v, const char *why)
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
	fleet_fail(v, why);
}

void vm_lose(struct vm *vm, const char *why, int is_final)
{
	vm_drop_calls(vm);
	vm->phase = PHASE_LOST;
	vm->is_final = is_final;
	vm_note(vm, why);
	vm_say_gone(vm, RUN_LOST, why);
	vm_tell(vm, why);
	if (is_final)
		check_all_lost(vm->fleet, why);
}

void vm_forget_cluster(struct vm *vm)
{
	struct err err = {0};
	vm->has_cluster = vm->was_up = 0;
	vm->lacks_autostop = 0;
	vm->autodowns = 0;
	vm->updated = 0;
	string_set(&vm->now.status, NULL);
	if (clusters_remove(vm->fleet->setup.folder, vm->cluster, &err))
		vm_note(vm, err.text);
}

/* --- what the runner calls ----------------------------------------------------------------------------------------- */

static void impossible(void *data, const char *why)
{
	fleet_fail(data, why);
}

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
	vm_drop_calls(vm);
	loop_cancel(fleet_loop(vm->fleet), vm->log_timer);
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
				     .priced = fleet_priced, .impossible = impossible, .data = v };
	v->kinds = kinds_new(&kinds);
	for (size_t i = 0; i < names.count; i++) {
		const char *worker = cluster_worker(names.at[i], setup->setup->root, setup->setup->session);
		if (!worker || fleet_find(v, worker))
			continue;
		struct vm *vm = add(v, worker);
		vm->phase = PHASE_LEFT;
		vm->has_cluster = 1;
	}
	strings_release(&names);
	fleet_poll(v);
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
	loop_cancel(fleet_loop(v), v->poll_timer);
	loop_cancel(fleet_loop(v), v->bill_timer);
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
	struct vm *vm = fleet_find(v, worker);
	size_t taken = 0;
	if (vm && is_taken(vm) && vm->phase != PHASE_LOST)
		return err_set(err, "worker %s runs already", worker);
	if (vm && vm->phase == PHASE_STOPPING)
		return err_set(err, "worker %s is being taken down: try again when it is", worker);
	for (size_t i = 0; i < v->count; i++)
		taken += v->at[i] != vm && is_taken(v->at[i]) && v->at[i]->phase != PHASE_LOST;
	if (taken >= (size_t)fleet_config(v)->sky_vms)
		return err_set(err, "there are %zu VMs already: runner.sky.vms sets how many there can be", taken);
	if (!vm)
		vm = add(v, worker);
	if (!vm->has_cluster && !vm_is_within_limit(vm, err))
		return -1;
	vm_drop_calls(vm);
	vm->tries = 0;
	vm->is_final = vm->is_without_autostop = 0;
	string_set(&vm->problem, NULL);
	string_set(&vm->now.why, NULL);
	vm_come_up(vm);
	return 0;
}

void fleet_stop(struct fleet *v, const char *worker)
{
	struct vm *vm = fleet_find(v, worker);
	if (!vm)
		vm = add(v, worker);	/* the engine before this one knew it; that it is down is still to be said */
	if (vm->phase == PHASE_STOPPING)
		return;
	vm->is_late = vm->phase == PHASE_LAUNCHING && vm->call;
	vm_drop_calls(vm);
	vm->phase = PHASE_STOPPING;
	vm->tries = 0;
	vm_say_gone(vm, RUN_CANCELLED, "the worker was taken down");
	if (vm->has_cluster) {
		vm_note(vm, "is taken down");
		vm_take_down(vm);
	} else {
		vm_finish_down(vm);
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
	const struct vm *vm = fleet_find(v, worker);
	return vm && is_taken(vm) && vm->phase != PHASE_LOST;
}

int fleet_is_ready(const struct fleet *v, const char *worker)
{
	const struct vm *vm = fleet_find(v, worker);
	return vm && vm->phase == PHASE_READY;
}

const char *fleet_cluster(const struct fleet *v, const char *worker)
{
	const struct vm *vm = fleet_find(v, worker);
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
	struct vm *vm = fleet_find(v, worker);
	if (vm)
		vm_log(vm, bytes, n);
}

void fleet_arch(struct fleet *v, const char *worker, const char *arch)
{
	struct vm *vm = fleet_find(v, worker);
	if (!vm || !arch || !*arch)
		return;
	string_set(&vm->now.arch, arch);
	vm_tell_on(vm);
}

void fleet_used(struct fleet *v, const char *worker)
{
	struct vm *vm = fleet_find(v, worker);
	if (vm)
		vm->used = clock_monotonic();
}

void fleet_look(struct fleet *v)
{
	v->wants_refresh = 1;
	fleet_poll(v);
}

int fleet_claim(struct fleet *v, const char *worker, struct err *err)
{
	struct vm *vm = fleet_find(v, worker);
	if (!vm)
		return err_set(err, "there is no worker %s", worker);
	if (vm->was_up && vm->has_cluster && vm->is != VM_STOPPED)
		return 1;
	if (clusters_add(v->setup.folder, vm->cluster, err))
		return -1;
	vm->has_cluster = 1;
	vm->absent = 0;
	vm->acted = clock_monotonic();
	fleet_poll(v);
	return 0;
}

void fleet_launched(struct fleet *v, const char *worker, const struct skypilot_answer *answer)
{
	struct vm *vm = fleet_find(v, worker);
	if (!vm)
		return;
	vm->acted = clock_monotonic();
	vm->was_up = answer->trouble == SKYPILOT_NONE;
	v->was_ever_ready |= vm->was_up;
	if (answer->trouble == SKYPILOT_NOT_OURS)
		vm_forget_cluster(vm);
	if (vm->was_up || skypilot_is_passing(answer->trouble))
		return;
	char *why = explain_trouble(answer);
	vm_lose(vm, why, 1);
	free(why);
}
