/* The worker that a wave has: the quietest free one of the architecture that is asked; another one for phase 2, where there is one. */
#include "core/engine/wave.h"

#include <stdlib.h>
#include <string.h>

/* The architecture that decides: the one of the first kind of worker. NULL: there is only one, or it is not known. */
static const char *primary_arch(const struct engine *e, int *is_awaited)
{
	*is_awaited = pool_kinds(e) > 1;
	for (size_t i = 0; i < e->model.worker_count; i++)
		if (!pool_kind(e, e->model.workers[i].id) && e->model.workers[i].arch) {
			*is_awaited = 0;
			return e->model.workers[i].arch;
		}
	return NULL;
}

int worker_is_of_arch(const struct engine *e, const struct worker *worker, const char *arch)
{
	int is_awaited = 0;
	const char *wanted = arch ? arch : primary_arch(e, &is_awaited);
	return !is_awaited && (!wanted || !worker->arch || !strcmp(worker->arch, wanted));
}

int worker_is_fit(const struct worker *w)
{
	return w->admitted && (!strcmp(w->state, "ready") || !strcmp(w->state, "busy"));
}

int worker_is_there(const struct worker *w)
{
	return worker_is_fit(w) || !strcmp(w->state, "admitting") || !strcmp(w->state, "starting");
}

int wave_worker_is_fit(const struct engine *e, const struct wave_run *w)
{
	const struct worker *worker = model_worker(&e->model, w->worker);
	const struct wave *wave = wave_of(e, w);
	/* One that was admitted anew meanwhile is another instrument: its stay is over. */
	return worker && wave && wave->stay_count && worker->admission_round == wave->stays[wave->stay_count - 1].admission_round &&
	       worker->admitted && (!strcmp(worker->state, "busy") || !strcmp(worker->state, "ready"));
}

/* Whether a wave other than this one has a worker on that host. */
static int is_taken(const struct engine *e, const char *host, const struct wave_run *but)
{
	for (const struct wave_run *w = e->waves; w; w = w->next) {
		const char *other = w != but && w->has_place ? e->runner_ops->host(e->runner, w->worker) : NULL;
		if (other && !strcmp(other, host))
			return 1;
	}
	return 0;
}

/* For a wave that wants a place (NULL: a new one), but not that worker. */
const struct worker *wave_quietest_worker(const struct engine *e, const struct wave_run *wave, const char *but)
{
	const struct worker *best = NULL;
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const char *host = e->runner_ops->host(e->runner, w->id);
		if (!worker_is_fit(w) || !host || (but && !strcmp(w->id, but)) || is_taken(e, host, wave) || !worker_is_of_arch(e, w, wave ? wave->arch : NULL))
			continue;
		if (!best || w->noise_percent < best->noise_percent)
			best = w;
	}
	return best;
}

/* Hosts that a new wave could have, now or soon: what is approved is shared out among them. */
size_t wave_count_places(const struct engine *e)
{
	struct strings hosts = {0};
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const char *host = e->runner_ops->host(e->runner, w->id);
		if (host && worker_is_there(w) && worker_is_of_arch(e, w, NULL) && !is_taken(e, host, NULL) && !strings_have(&hosts, host))
			strings_add(&hosts, host);
	}
	size_t n = hosts.count;
	strings_release(&hosts);
	return n;
}

void wave_leave_place(struct engine *e, struct wave_run *w, const char *why)
{
	rounds_drop(&w->rounds, why);
	arms_drop(e, w);	/* what got ready on that worker */
	for (size_t i = 0; i < w->count; i++)
		w->arms[i].is_ready = w->arms[i].is_preparing = 0;
	const struct worker *worker = w->has_place ? model_worker(&e->model, w->worker) : NULL;
	w->has_place = 0;
	if (worker && !strcmp(worker->state, "busy"))
		state_worker(e, w->worker, "ready");
}

/* Another worker confirms, where there is one: if it is busy or comes up it is waited for, and this one is given away meanwhile. */
static const struct worker *worker_for(const struct engine *e, const struct wave_run *w, unsigned phase)
{
	if (phase != 2 || !w->worker)
		return wave_quietest_worker(e, w, NULL);
	const struct worker *other = wave_quietest_worker(e, w, w->worker);
	if (other)
		return other;
	const char *host = e->runner_ops->host(e->runner, w->worker);
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *worker = &e->model.workers[i];
		const char *elsewhere = e->runner_ops->host(e->runner, worker->id);
		if (worker_is_there(worker) && worker_is_of_arch(e, worker, NULL) && host && elsewhere && strcmp(host, elsewhere))
			return NULL;
	}
	return wave_quietest_worker(e, w, NULL);
}

void wave_start_phase(struct engine *e, struct wave_run *w, unsigned phase)
{
	wave_leave_place(e, w, "the phase is over");
	const struct worker *worker = worker_for(e, w, phase);
	if (!worker)
		return;		/* asked again when one is free */
	char *id = xstrdup(worker->id);
	engine_emit(e, &(struct event){ .kind = EVENT_PHASE_STARTED, .wave = w->number, .phase = phase, .worker = id, .layout = phase == 2 ? 2 : 1 });
	state_worker(e, id, "busy");
	free(id);
	const struct wave *wave = wave_of(e, w);
	if (wave && wave->stay_count)
		wave_enter_stay(w, &wave->stays[wave->stay_count - 1], &e->model);
	w->has_place = 1;
}
