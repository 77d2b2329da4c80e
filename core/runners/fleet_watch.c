/* What the one status poll finds of each VM, and what is done about it: a VM that is gone, stopped, stuck, or without the
 * autostop that it was launched with. */
#include "core/runners/fleet_vm.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/data/config.h"

#define POLL_EVERY (5 * FLEET_SECOND)
#define REFRESH_EVERY (120 * FLEET_SECOND)
#ifndef INIT_FOR
#define INIT_FOR (300 * FLEET_SECOND)
#endif
#define GONE_WITHIN (60 * FLEET_SECOND)	/* after `sky down` said that it is */
#define LATE_WITHIN (30 * FLEET_SECOND)	/* in which a launch that was not waited for may still make a cluster */
#define WELL_AFTER (600 * FLEET_SECOND)	/* ready for so long, and its launches count anew */
enum { AUTODOWN_TRIES = 3 };

/* --- it is not there ----------------------------------------------------------------------------------------------- */

/* What comes up in its place is another instrument, so the engine hears of its end even where the next launch follows at once. */
static void say_lost(struct vm *vm, const char *why)
{
	vm->phase = PHASE_LOST;
	vm_tell(vm, why);
}

/* It was there, and is not any more. */
static void vanish(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	const char *why = "the VM is gone: preempted or taken down elsewhere";
	int64_t now = clock_monotonic(), idle = now - vm->used;
	int was_idle = !vm->lacks_autostop && vm->phase == PHASE_READY && idle >= (fleet_config(v)->sky_autostop * 60 - 30) * FLEET_SECOND;
	if (now - vm->ready_since >= WELL_AFTER)
		vm->tries = 0;
	vm_drop_calls(vm);
	vm_forget_cluster(vm);
	vm_say_gone(vm, RUN_LOST, why);
	if (v->setup.task) {
		vm_tell(vm, "the VM is gone; the next run starts another");
	} else if (was_idle) {
		vm->phase = PHASE_DOWN;
		vm_tell(vm, "it went down by itself, as there was nothing to do (runner.sky.autostop)");
	} else {
		say_lost(vm, why);
		vm_retry(vm, why, 1);
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
			vm_forget_cluster(vm);
			vm->phase = PHASE_DOWN;
			vm_say_gone(vm, RUN_LOST, "its VM is gone");
		}
		break;
	case PHASE_LOOKING:
		if (!vm->call) {
			vm_say_gone(vm, RUN_LOST, "its VM is gone");
			say_lost(vm, "its VM is gone");
			vm_launch(vm);
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
			vm_forget_cluster(vm);
			vm_tell_on(vm);
		}
		break;
	case PHASE_STOPPING:
		if (vm->down_said && vm->has_cluster && v->poll_began >= vm->down_said + (vm->is_late ? LATE_WITHIN : 0))
			vm_confirm_down(vm);
		break;
	default:
		break;
	}
}

/* --- it is there --------------------------------------------------------------------------------------------------- */

static void autodown_answered(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->autodown = NULL;
	if (answer->trouble != SKYPILOT_NONE && !skypilot_is_passing(answer->trouble))
		vm->autodowns = AUTODOWN_TRIES;
	if (answer->trouble != SKYPILOT_NONE && answer->problem)
		vm_note(vm, answer->problem);
	if (answer->trouble != SKYPILOT_NONE && vm->autodowns >= AUTODOWN_TRIES)
		vm->lacks_autostop = 1;
	vm_tell_on(vm);
}

static void verify_autostop(struct vm *vm, const struct vm_facts *facts)
{
	const struct fleet *v = vm->fleet;
	long minutes = fleet_config(v)->sky_autostop;
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
	vm_say_gone(vm, RUN_LOST, why);
	if (clock_monotonic() - vm->ready_since >= WELL_AFTER)
		vm->tries = 0;
	vm->init_since = 0;
	if (vm->fleet->setup.task) {
		vm->was_up = 0;
		vm_tell(vm, why);
	} else {
		if (vm->phase == PHASE_READY)
			say_lost(vm, why);
		vm_retry(vm, why, 1);
	}
}

static void found_up(struct vm *vm, const struct vm_facts *facts)
{
	vm->init_since = 0;
	if (vm->phase == PHASE_LOOKING && !vm->call)
		vm_look_at_jobs(vm);
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
		vm_launch(vm);	/* SkyPilot's own remedy; what runs there may go on */
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
		vm_not_down(vm, "SkyPilot took it down, and still knows it");
		return;
	}
	if (facts->is == VM_UP)
		found_up(vm, facts);
	else
		found_otherwise(vm, facts);
	vm_tell_on(vm);
}

/* --- the poll ------------------------------------------------------------------------------------------------------ */

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
			vm_confirm_down(vm);	/* `sky down` said so */
		else
			vm_tell_on(vm);
	}
}

static void polled(void *data, const struct vm_facts *facts, size_t n, const struct skypilot_answer *answer)
{
	struct fleet *v = data;
	v->poll = NULL;
	if (answer->trouble != SKYPILOT_NONE) {
		stay_silent(v, answer);
		fleet_poll(v);
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
	fleet_poll(v);
}

static void ask_status(void *data)
{
	struct fleet *v = data;
	int64_t now = clock_monotonic();
	int refresh = v->wants_refresh;
	v->poll_timer = NULL;
	for (size_t i = 0; i < v->count && !refresh; i++)
		refresh = vm_is_stale(v->at[i]) && now - v->refreshed > REFRESH_EVERY;
	if (refresh)
		v->refreshed = now;
	v->wants_refresh = 0;
	v->poll_began = now;
	v->poll = skypilot_status(v->setup.sky, refresh, polled, v);
}

void fleet_poll(struct fleet *v)
{
	if (v->poll || v->poll_timer || !fleet_has_clusters(v))
		return;
	int64_t wait = v->poll_began ? v->poll_began + POLL_EVERY - clock_monotonic() : 0;
	v->poll_timer = loop_after(fleet_loop(v), wait > 0 ? wait : 0, ask_status, v);
	fleet_bill_in_time(v);
}
