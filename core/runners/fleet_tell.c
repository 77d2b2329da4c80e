/* What is told of a VM: to the engine, what is new about it; to people, its own log (logs/WORKER.log: how it comes up, its
 * set-up, what SkyPilot says). */
#include "core/runners/fleet_vm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

#define STALE_AFTER (120 * 1000000LL)	/* of the wall clock, as SkyPilot's own times are */
enum { OUTPUT_EVERY = 125000 };
#define CENT 0.01

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

void vm_log(struct vm *vm, const char *bytes, size_t n)
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
		vm->log_timer = loop_after(fleet_loop(vm->fleet), OUTPUT_EVERY, output_is_due, vm);
}

void vm_note(struct vm *vm, const char *text)
{
	char *line = xasprintf("skydeck: %s\n", text);
	vm_log(vm, line, strlen(line));
	free(line);
}

void vm_output(void *data, const char *bytes, size_t n)
{
	vm_log(data, bytes, n);
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

static int64_t age_of(const struct vm *vm)
{
	return vm->updated && vm->has_cluster ? clock_wall() - vm->updated : 0;
}

int vm_is_stale(const struct vm *vm)
{
	return age_of(vm) > STALE_AFTER;
}

void vm_tell(struct vm *vm, const char *why)
{
	const char *state = states[vm->phase];
	if (!state)
		return;
	struct word *now = &vm->now;
	now->is_stale = vm_is_stale(vm);
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
		.why = now->why, .remedy = now->remedy, .status = now->status, .age = now->is_stale ? (double)age_of(vm) / 1e6 : NAN,
		.arch = now->arch, .place = now->place,
	};
	outbox_worker(vm->fleet->setup.outbox, &report);
}

void vm_tell_on(struct vm *vm)
{
	char *why = vm->now.why && differs(vm->now.why, standing_trouble(vm)) && vm->phase != PHASE_READY ? xstrdup(vm->now.why) : NULL;
	vm_tell(vm, why);
	free(why);
}
