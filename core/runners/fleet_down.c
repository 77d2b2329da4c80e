/* How a VM goes down, and what all of them cost: the last bill is part of going. */
#include "core/runners/fleet_vm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

#define LAST_BILL (10 * FLEET_SECOND)
enum { DOWN_TRIES = 5 };

/* --- going down ---------------------------------------------------------------------------------------------------- */

void vm_finish_down(struct vm *vm)
{
	vm_drop_calls(vm);
	vm->phase = PHASE_DOWN;
	vm->told.usd = NAN;		/* the last bill is told, however little it moved */
	vm_tell(vm, NULL);
}

static void no_last_bill(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	vm_finish_down(vm);
}

void vm_confirm_down(struct vm *vm)
{
	struct fleet *v = vm->fleet;
	vm_forget_cluster(vm);
	vm->timer = loop_after(fleet_loop(v), LAST_BILL, no_last_bill, vm);
	if (!v->bill) {
		loop_cancel(fleet_loop(v), v->bill_timer);
		v->bill_timer = loop_after(fleet_loop(v), 0, fleet_bill, v);
	}
}

void vm_not_down(struct vm *vm, const char *why)
{
	if (vm->tries < DOWN_TRIES) {
		vm_note(vm, why);
		vm->timer = loop_after(fleet_loop(vm->fleet), vm_pause(vm), vm_take_down, vm);
		return;
	}
	char *text = xasprintf("could not be taken down: %s; it may still cost: sky down %s", why, vm->cluster);
	vm->phase = PHASE_LOST;
	vm_note(vm, text);
	vm_tell(vm, text);
	free(text);
}

static void downed(void *data, const struct skypilot_answer *answer)
{
	struct vm *vm = data;
	vm->call = NULL;
	if (answer->trouble == SKYPILOT_NONE || answer->trouble == SKYPILOT_GONE) {
		vm->down_said = clock_monotonic();
		vm->fleet->silences = 0;
		fleet_poll(vm->fleet);
		return;
	}
	char *why = explain_trouble(answer);
	vm_not_down(vm, why);
	free(why);
}

void vm_take_down(void *data)
{
	struct vm *vm = data;
	vm->timer = NULL;
	vm->tries++;
	vm->down_said = 0;
	vm->call = skypilot_down(vm->fleet->setup.sky, vm->cluster, downed, vm);
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
			vm_finish_down(vm);
		else
			vm_tell_on(vm);
	}
	if (fleet_has_clusters(v))
		fleet_bill_in_time(v);
}

void fleet_bill(void *data)
{
	struct fleet *v = data;
	v->bill_timer = NULL;
	v->bill_began = clock_monotonic();
	v->bill = skypilot_cost_report(v->setup.sky, billed, v);
}

void fleet_bill_in_time(struct fleet *v)
{
	if (!v->bill && !v->bill_timer)
		v->bill_timer = loop_after(fleet_loop(v), BILL_EVERY, fleet_bill, v);
}
