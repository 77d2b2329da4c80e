/* The pool: which workers there are. On this machine they are its slots, all of them, from the beginning. Workers that
 * cost money come with the first approval, are replaced when they are noisy or lost (as often as the config allows), and
 * go when the session ends or its money does; nothing that costs is left to chance.
 *
 * The runner tells what it sees; here it becomes a worker's state: one that is up is tried before it counts as ready, one
 * that measures stays busy whatever the provider says about it, and one that a human took out stays out. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/data/query.h"
#include "core/engine/open.h"

enum { CLOSING_MINUTES = 10 };

static const char taken_out[] = "a human took it out", taken_down[] = "a human took it down", replaced[] = "takes its place";

static int is_state(const struct worker *w, const char *state)
{
	return !strcmp(w->state, state);
}

static int is_gone(const struct worker *w)
{
	return is_state(w, "down") || is_state(w, "lost");
}

int pool_keeps_trees(const struct engine *e)
{
	return e->runner && e->runner_ops->keeps_trees && e->runner_ops->keeps_trees(e->runner);
}

size_t pool_coming(const struct engine *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->model.worker_count; i++)
		n += is_state(&e->model.workers[i], "starting") || is_state(&e->model.workers[i], "admitting");
	return n;
}

/* A worker that is on its way out is in quarantine, unless a human put it there to stay. */
int pool_is_leaving(const struct engine *e, const struct worker *w)
{
	return e->runner_ops->costs_money && is_state(w, "quarantined") && (!w->reason || strcmp(w->reason, taken_out));
}

/* Workers are dealt to the kinds of machines by their numbers, as the runner does it. */
size_t pool_kinds(const struct engine *e)
{
	return e->runner_ops->costs_money && !e->config.sky_task && e->config.sky_infra.count ? e->config.sky_infra.count : 1;
}

size_t pool_kind(const struct engine *e, const char *worker)
{
	unsigned long number = strtoul(worker + strcspn(worker, "0123456789"), NULL, 10);
	return (number ? number - 1 : 0) % pool_kinds(e);
}

/* Places that somebody has, or will have by themselves; of one kind. */
static size_t count_places_of(const struct engine *e, size_t kind)
{
	size_t n = 0;
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		n += !is_gone(w) && !pool_is_leaving(e, w) && pool_kind(e, w->id) == kind;
	}
	return n;
}

static size_t count_places(const struct engine *e)
{
	size_t n = 0;
	for (size_t kind = 0; kind < pool_kinds(e); kind++)
		n += count_places_of(e, kind);
	return n;
}

/* Places that there should be: but for those of workers that a human took down, or that are going down for it. */
static size_t count_wanted_of(const struct engine *e, size_t kind)
{
	size_t n = 0, given_up = 0;
	for (size_t i = 0; i < e->runner_ops->capacity(e->runner); i++)
		n += i % pool_kinds(e) == kind;
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		given_up += w->reason && !strcmp(w->reason, taken_down) && pool_kind(e, w->id) == kind;
	}
	return given_up < n ? n - given_up : 0;
}

static int may_have_another(const struct engine *e)
{
	return e->model.worker_count < e->runner_ops->capacity(e->runner) + (size_t)e->config.sky_replacements;
}

/* A runner that costs money waits for something to do, unless it is to be warm before: what went down because there was
 * nothing to do (autostop) would only come up to go down again. */
static int may_start(const struct engine *e)
{
	int is_warming = e->config.sky_prewarm && e->model.worker_count < e->runner_ops->capacity(e->runner);
	return is_warming || current_wave(&e->model) || count_in_state(&e->model, STATE_APPROVED) || landing_is_due(e);
}

/* A worker of that kind that nobody was yet. */
static void next_id(const struct engine *e, size_t kind, char id[16])
{
	size_t n = e->model.worker_count;
	do
		snprintf(id, 16, "w%zu", ++n);
	while (pool_kind(e, id) != kind || model_worker(&e->model, id));
}

/* One of that kind that went down by itself comes back as it was named; it was neither noisy nor taken down. */
static const struct worker *sleeper(const struct engine *e, size_t kind)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const char *reason = w->reason ? w->reason : "";
		if (is_state(w, "down") && pool_kind(e, w->id) == kind && strcmp(reason, taken_down) && strcmp(reason, taken_out) &&
		    !strstr(reason, replaced))
			return w;
	}
	return NULL;
}

static int start(struct engine *e, const char *id)
{
	struct err err = {0};
	if (!e->runner_ops->start_worker(e->runner, id, &err)) {
		if (!model_worker(&e->model, id)) {	/* it has its place from now on */
			struct event ev = worker_event(id, "starting");
			ev.runner = e->runner_ops->name;
			engine_emit(e, &ev);
		}
		return 0;
	}
	if (!e->full || strcmp(e->full, err.text))
		engine_alert(e, "worker %s: %s", id, err.text);
	string_set(&e->full, err.text);
	return -1;
}

static void take_down(struct engine *e, const char *worker)
{
	string_set(&e->full, NULL);
	e->runner_ops->stop_worker(e->runner, worker);
}

void pool_start(struct engine *e)
{
	char id[16];
	e->place = place_open(&e->rule);
	string_set(&e->full, NULL);
	if (!e->runner_ops->costs_money) {
		for (size_t i = 1; i <= e->runner_ops->capacity(e->runner); i++) {
			struct err err = {0};
			snprintf(id, sizeof id, "w%zu", i);
			if (e->runner_ops->start_worker(e->runner, id, &err) < 0)
				engine_alert(e, "worker %s: %s", id, err.text);
		}
		return;
	}
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		if (is_gone(w))
			continue;
		int leaves = pool_is_leaving(e, w);
		snprintf(id, sizeof id, "%s", w->id);
		start(e, id);	/* taken up where it stands */
		if (leaves)
			take_down(e, id);
	}
}

static const char *state_now(struct engine *e, const struct worker *w, const struct worker_report *r)
{
	int is_ready = !strcmp(r->state, "ready");
	if (!is_ready && strcmp(r->state, "starting"))
		return r->state;
	if (w && !is_ready && !is_gone(w))
		return w->state;		/* it goes on where it was when the engine ended */
	if (!is_ready)
		return r->state;
	if (w && is_state(w, "quarantined"))
		return w->state;
	if ((w && w->admitted) || single_mode(e))
		return wave_on(&e->model, r->worker) ? "busy" : "ready";
	return "admitting";
}

void pool_worker_changed(struct engine *e, const struct worker_report *r)
{
	const struct worker *w = model_worker(&e->model, r->worker);
	const char *state = state_now(e, w, r);
	int is_same = w && w->state == state;
	struct event ev = worker_event(r->worker, state);
	if (is_same && is_state(w, "quarantined") && !r->status)
		return;		/* a slot of this machine: it stays out until a human releases it */
	if (!strcmp(state, "lost") || !strcmp(state, "down") || !strcmp(state, "starting"))
		base_forget(e, r->worker);
	ev.runner = e->runner_ops->name;
	ev.name = r->name;
	ev.usd_per_hour = r->usd_per_hour;
	ev.usd = r->usd;
	ev.age = r->age;
	int is_given_up = w && !strcmp(state, "down") && w->reason && !strcmp(w->reason, taken_down);
	ev.reason = r->why && !is_given_up ? r->why : is_same || (w && is_state(w, "quarantined")) || (w && !strcmp(state, "down")) ? w->reason : NULL;
	ev.remedy = r->remedy;
	ev.status = r->status;
	ev.arch = r->arch;
	ev.place = r->place;
	char *reason = xstrdup(ev.reason);
	ev.reason = reason;
	engine_emit(e, &ev);
	free(reason);
	if (!strcmp(r->state, "down"))
		string_set(&e->full, NULL);
	w = model_worker(&e->model, r->worker);
	if (w && is_state(w, "admitting"))
		admission_enqueue(e, r->worker);
}

void pool_noisy(struct engine *e, const char *worker, double noise_percent, const char *why)
{
	char id[16], *reason;
	const struct worker *w = model_worker(&e->model, worker);
	if (!w || is_gone(w) || pool_is_leaving(e, w))
		return;		/* several rounds may say it */
	if (!e->runner_ops->costs_money || !may_have_another(e)) {
		reason = xasprintf("%s; it is tried again", why);
		admission_readmit(e, worker, noise_percent, reason);
		free(reason);
		return;
	}
	struct event ev = worker_event(worker, "quarantined");
	char *noisy = xstrdup(worker);
	next_id(e, pool_kind(e, worker), id);
	ev.reason = reason = xasprintf("%s; %s %s", why, id, replaced);
	ev.noise_percent = noise_percent;
	engine_emit(e, &ev);
	free(reason);
	take_down(e, noisy);
	free(noisy);
	start(e, id);
}

/* What a human may do with a worker. */

static int quarantine(struct engine *e, const char *by, const struct worker *w, struct err *err)
{
	if (is_gone(w))
		return err_refuse(err, "%s is %s", w->id, w->state);
	if (pool_is_leaving(e, w))
		return err_refuse(err, "%s is being taken down", w->id);
	struct event ev = worker_event(w->id, "quarantined");
	ev.by = by;
	ev.reason = taken_out;
	engine_emit(e, &ev);
	return 0;
}

static int bring_back(struct engine *e, const char *by, const struct worker *w, struct err *err)
{
	(void)by;
	string_set(&e->full, NULL);
	if (is_gone(w))
		return e->runner_ops->start_worker(e->runner, w->id, err);
	if (!is_state(w, "quarantined"))
		return err_refuse(err, "%s is %s: only a worker that was taken out, is lost or is down can be brought back", w->id, w->state);
	if (pool_is_leaving(e, w))
		return err_refuse(err, "%s is being taken down: skydeck worker retry %s brings it back when it is", w->id, w->id);
	admission_readmit(e, w->id, NAN, "a human released it: it is admitted anew");
	return 0;
}

static int down(struct engine *e, const char *by, const struct worker *w, struct err *err)
{
	(void)err;
	char *id = xstrdup(w->id);
	/* Nothing more is given to a VM that goes, though it is not down before its provider says so. */
	struct event ev = worker_event(id, !e->runner_ops->count_up ? "down" : is_gone(w) ? w->state : "quarantined");
	ev.by = by;
	ev.reason = taken_down;
	engine_emit(e, &ev);
	take_down(e, id);
	if (!count_places(e))
		engine_alert(e, "no worker is up, so nothing is measured: skydeck worker release %s brings it back", id);
	free(id);
	return 0;
}

static int replace(struct engine *e, const char *by, const struct worker *w, struct err *err)
{
	(void)by;
	if (!e->runner_ops->costs_money)
		return err_refuse(err, "%s is a slot of this machine: it cannot be replaced by another; quarantine and release try it again", w->id);
	if (is_gone(w))
		return err_refuse(err, "%s is %s: skydeck worker retry %s brings it back", w->id, w->state, w->id);
	if (pool_is_leaving(e, w))
		return err_refuse(err, "%s is being taken down", w->id);
	if (!may_have_another(e))
		return err_refuse(err, "%ld workers have been replaced, which is what [runner \"sky\"] replacements allows", e->config.sky_replacements);
	pool_noisy(e, w->id, NAN, "a human replaced it");
	return 0;
}

int pool_action(struct engine *e, const char *by, const struct worker *w, const char *action, struct err *err)
{
	static const struct {
		const char *name;
		int (*act)(struct engine *e, const char *by, const struct worker *w, struct err *err);
	} known[] = {
		{ "quarantine", quarantine }, { "release", bring_back }, { "retry", bring_back }, { "replace", replace }, { "down", down },
	};
	if (!e->runner)
		return err_refuse(err, "no runner is open: skydeck resume tries to open it");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].name, action))
			return known[i].act(e, by, w, err);
	return err_code(err, EXIT_USAGE, "a worker can be put under quarantine, release, retry, replace or down");
}

/* Money */

static void stop_at_limit(struct engine *e)
{
	double spent = spent_usd(&e->model, clock_wall());
	if (!(e->model.limit_usd > 0) || spent < e->model.limit_usd || !e->runner_ops->costs_money)
		return;
	char why[128];
	snprintf(why, sizeof why, "the budget is spent: $%.2f of $%.2f", spent, e->model.limit_usd);
	engine_alert(e, "%s", why);
	e->exit_code = EXIT_BUDGET;
	engine_end_session(e, why);
}

/* While it is paused, too, VMs cost what they cost. */
static int is_open(const struct engine *e)
{
	return !e->broken && !e->stopping && (e->model.state == SESSION_OPEN || e->model.state == SESSION_PAUSED);
}

int64_t pool_deadline(const struct engine *e)
{
	double rate = hourly_usd(&e->model), left = e->model.limit_usd - spent_usd(&e->model, clock_wall());
	if (!is_open(e) || !e->runner || !e->runner_ops->costs_money || !(e->model.limit_usd > 0) || !(rate > 0))
		return INT64_MAX;
	return clock_wall() + (left > 0 ? (int64_t)(left / rate * 3.6e9) + 1 : 0);
}

/* Filling up */

/* Lost without ever having been up: another one in its place would fare no better. What was up and is lost is replaced. */
static size_t count_hopeless(const struct engine *e, size_t kind)
{
	size_t n = 0;
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		n += is_state(w, "lost") && !w->arch && pool_kind(e, w->id) == kind;
	}
	return n;
}

static const char *why_hopeless(const struct engine *e)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		if (is_state(w, "lost") && !w->arch && w->reason && !pool_kind(e, w->id))
			return w->reason;
	}
	return "skydeck workers says why";
}

/* What is left of lost ones may still cost. */
static void clear_lost(struct engine *e)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		if (is_state(w, "lost") && w->arch && w->remedy && strstr(w->remedy, "down"))
			take_down(e, w->id);
	}
}

/* One more worker of that kind. Returns -1 when there can be none. */
static int add_one(struct engine *e, size_t kind)
{
	char id[16];
	const struct worker *known = sleeper(e, kind);
	if (e->full || (!known && !may_have_another(e)))
		return -1;
	if (known)
		snprintf(id, sizeof id, "%s", known->id);
	else
		next_id(e, kind, id);
	clear_lost(e);
	return start(e, id);
}

static void fill(struct engine *e)
{
	size_t wanted = 0;
	for (size_t kind = 0; kind < pool_kinds(e); kind++) {
		size_t of_kind = count_wanted_of(e, kind);
		wanted += of_kind;
		while (count_places_of(e, kind) + count_hopeless(e, kind) < of_kind && !add_one(e, kind))
			;
	}
	/* The first kind decides: without one of it nothing is measured, whatever else is up and costs. */
	if (!wanted || count_places_of(e, 0))
		return;
	const char *which = pool_kinds(e) > 1 ? e->config.sky_infra.at[0] : NULL;
	char *why = e->full ? xasprintf("none can be started: %s", e->full) : count_hopeless(e, 0) ? xasprintf("none came up (%s)", why_hopeless(e)) :
		xstrdup("as many were replaced as [runner \"sky\"] replacements allows");
	char *reason = xasprintf("no worker%s%s is left, and %s: skydeck worker retry brings one back, then skydeck resume", which ? " on " : "",
				 which ? which : "", why);
	engine_give_up(e, reason);
	free(reason);
	free(why);
}

static int must_wait(const struct engine *e)
{
	size_t up = e->runner && e->runner_ops->count_up ? e->runner_ops->count_up(e->runner) : 0;
	for (size_t i = 0; i < e->model.worker_count; i++)
		up += !is_gone(&e->model.workers[i]);
	return e->runner && up && clock_wall() < e->closing_until;
}

static void name_left(struct engine *e, const char *what, const char *remedy)
{
	struct buf names = {0};
	int any = e->runner && e->runner_ops->count_up && e->runner_ops->count_up(e->runner);
	for (size_t i = 0; i < e->model.worker_count && any; i++) {
		const struct worker *w = &e->model.workers[i];
		if (!is_state(w, "down"))
			buf_printf(&names, "%s%s", names.len ? ", " : "", w->name ? w->name : w->id);
	}
	if (names.len)
		engine_alert(e, "%s: %s; %s", what, buf_str(&names), remedy);
	buf_release(&names);
}

void pool_leave(struct engine *e)
{
	name_left(e, "the engine leaves, and these go on and cost money until they stop by themselves",
		  "skydeck doctor --down takes them down, skydeck serve takes them up again");
}

void pool_close(struct engine *e)
{
	e->is_closing = 1;
	e->closing_until = clock_wall() + CLOSING_MINUTES * 60000000ll;
	for (size_t i = 0; i < e->model.worker_count; i++)
		if (!is_state(&e->model.workers[i], "down"))
			e->runner_ops->stop_worker(e->runner, e->model.workers[i].id);
}

void pool_advance(struct engine *e)
{
	if (e->is_closing && !must_wait(e)) {
		name_left(e, "these may still run and cost money", "skydeck doctor --down takes them down");
		open_close_work(e);
		e->changes++;
	}
	if (!is_open(e) || !e->runner || !e->runner_ops->costs_money)
		return;
	stop_at_limit(e);
	if (engine_may_run(e) && may_start(e))
		fill(e);
}
