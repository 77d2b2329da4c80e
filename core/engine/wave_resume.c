/* A wave taken up again from the model: its pairs go through the same trials once more, then the builds and rounds that are still under
 * way are joined, and what nobody brings to an end is void. */
#include "core/engine/wave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/query.h"

enum { ROUNDS_AHEAD = 128 /* that a runner may hold */ };

static const struct run *measured_run(const struct engine *e, unsigned wave, const char *worker, unsigned round, const char *arm)
{
	for (size_t i = e->model.run_count; i-- > 0;) {
		const struct run *r = &e->model.runs[i];
		if (r->wave == wave && r->round == round && !r->voided && !strcmp(r->step, "measure") && !strcmp(r->arm, arm) &&
		    r->worker && !strcmp(r->worker, worker))
			return r;
	}
	return NULL;
}

/* The lowest round above `after` that a stay has a pair of; 0: none. */
static unsigned next_round(const struct engine *e, const struct wave_run *w, unsigned stay, unsigned after)
{
	unsigned next = 0;
	for (size_t i = 1; i < w->count; i++) {
		const struct proposal *p = model_proposal(&e->model, w->arms[i].id);
		for (size_t k = 0; k < p->pair_count; k++)
			if (p->pairs[k].stay == stay && p->pairs[k].round > after && (!next || p->pairs[k].round < next))
				next = p->pairs[k].round;
	}
	return next;
}

static void replay_stay(struct engine *e, struct wave_run *w, unsigned index)
{
	for (unsigned round = 0; (round = next_round(e, w, index, round));)
		for (size_t i = 1; i < w->count; i++) {
			struct arm *arm = &w->arms[i];
			const struct proposal *p = model_proposal(&e->model, arm->id);
			for (size_t k = 0; k < p->pair_count && !arm->is_out; k++) {
				if (p->pairs[k].stay != index || p->pairs[k].round != round)
					continue;
				const struct run *run = measured_run(e, w->number, p->pairs[k].worker, round, arm->id);
				const struct run *base = measured_run(e, w->number, p->pairs[k].worker, round, "base");
				wave_watch_secondary(e, w, arm, run ? run->metrics : NULL, base ? base->metrics : NULL);
				wave_settle(w, arm, trial_pair(&arm->trial, w->histories, p->pairs[k].ratio));
			}
		}
}

static void replay_elsewhere(struct engine *e, struct wave_run *w, unsigned index)
{
	for (size_t i = 1; i < w->count; i++) {
		const struct proposal *p = model_proposal(&e->model, w->arms[i].id);
		for (size_t k = 0; k < p->elsewhere_count; k++)
			for (size_t n = 0; n < p->elsewhere[k].pair_count; n++)
				if (p->elsewhere[k].pairs[n].stay == index)
					wave_add_elsewhere(e, w, &w->arms[i], p->elsewhere[k].pairs[n].ratio);
	}
}

/* Which artefacts the baseline's builds made, as get_ready saw them: whether they differ is part of what a trial decides. */
static void recall_artifacts(const struct engine *e, struct wave_run *w, const struct wave *wave)
{
	for (size_t k = 0; k < wave->stay_count; k++) {
		const struct stay *stay = &wave->stays[k];
		for (size_t i = e->model.run_count; stay->layout < 3 && i-- > e->model.baseline_run && !w->artifact[stay->layout];) {
			const struct run *r = &e->model.runs[i];
			if (!strcmp(r->arm, "base") && !strcmp(r->step, "build") && r->layout == stay->layout && !strcmp(r->worker, stay->worker))
				string_set(&w->artifact[stay->layout], r->artifact);
		}
	}
	if (wave->stay_count)
		wave_set_relinked(w);
}

/* Whether every arm's run of that round is held by the runner, or in the journal; 0 also where it is neither of any. */
static int is_round_whole(const struct wave_run *w, unsigned number, const struct round_arm *arms, size_t count)
{
	const struct engine *e = w->rounds.engine;
	size_t held = 0;
	for (size_t i = 0; i < count; i++) {
		struct step_plan plan = { .arm = arms[i].id, .worker = w->worker, .tree = arms[i].tree, .commit = arms[i].commit,
					  .kind = STEP_MEASURE, .rev = arms[i].rev, .wave = w->number, .round = number, .layout = w->layout };
		const struct run *run = measured_run(e, w->number, w->worker, number, arms[i].id);
		int is_held = steps_are_held(e, &plan);
		if (!is_held && !(run && run->status))
			return 0;
		held += (size_t)is_held;
	}
	return held > 0;
}

static int is_step_held(const struct wave_run *w, const struct arm *arm, enum step_kind kind)
{
	struct step_plan plan = { .arm = arm->id, .worker = w->worker, .tree = arm->tree, .commit = arm->commit, .kind = kind, .rev = arm->rev,
				  .wave = w->number, .layout = w->layout };
	return steps_are_held(w->rounds.engine, &plan);
}

/* Builds of a job that went on while no engine was there. Returns 1 when the arms that the next rounds need are built, or are
 * there: what an arm that is not does in them would be a riddle. */
static int take_up_builds(struct engine *e, struct wave_run *w)
{
	int all = 1;
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		if (!wave_wants(w, arm))
			continue;
		const struct run *build = find_run(&e->model, e->model.baseline_run, arm->id, "build", arm->rev, 0);
		int is_built = build && build->wave == w->number && build->layout == w->layout && !strcmp(build->worker, w->worker);
		const struct run *checks = find_run(&e->model, e->model.baseline_run, arm->id, "checks", arm->rev, 0);
		int is_checked = w->phase != 1 || !e->checks || (checks && checks->wave == w->number);
		if (is_step_held(w, arm, STEP_BUILD) || (is_built && is_step_held(w, arm, STEP_CHECKS)))
			wave_prepare_arm(e, w, arm);
		else
			all &= is_built && is_checked;
	}
	return all;
}

/* Its rounds: those that are whole, behind the last one that counted. */
static void take_up_rounds(struct engine *e, struct wave_run *w)
{
	struct round_arm arms[ARMS_MAX];
	size_t count = wave_round_arms(w, arms);
	wave_aim_rounds(w);
	if (count < 2 || !take_up_builds(e, w))
		return;
	for (unsigned first = wave_next_number(e, w), number = first; number < first + ROUNDS_AHEAD; number++)
		if (is_round_whole(w, number, arms, count))
			rounds_submit(&w->rounds, number, arms, count);
}

static int has_pair(const struct pair *pairs, size_t count, const struct run *run)
{
	for (size_t i = 0; i < count; i++)
		if (pairs[i].round == run->round && !strcmp(pairs[i].worker, run->worker))
			return 1;
	return 0;
}

static int has_counted(const struct engine *e, const struct wave_run *w, const struct run *run)
{
	for (size_t i = 1; i < w->count; i++) {
		const struct proposal *p = model_proposal(&e->model, w->arms[i].id);
		int is_there = has_pair(p->pairs, p->pair_count, run);
		for (size_t k = 0; k < p->elsewhere_count && !is_there; k++)
			is_there = has_pair(p->elsewhere[k].pairs, p->elsewhere[k].pair_count, run);
		if (is_there)
			return 1;
	}
	return 0;
}

static int number_is_under_way(const struct wave_run *w, unsigned number)
{
	const struct round *r = w->rounds.first;
	while (r && r->number != number)
		r = r->next;
	return r != NULL;
}

/* Rounds that began, and that nobody brings to an end. */
static void void_unfinished(struct engine *e, struct wave_run *w)
{
	for (size_t i = 0; i < e->model.run_count; i++) {
		const struct run *run = &e->model.runs[i];
		if (run->wave != w->number || run->voided || strcmp(run->step, "measure") || has_counted(e, w, run) ||
		    (!strcmp(run->worker, w->worker) && number_is_under_way(w, run->round)))
			continue;
		engine_emit(e, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = run->round, .worker = run->worker, .wave = w->number,
						.reason = "the engine ended" });
	}
}

void wave_take_up(struct engine *e, const struct wave *wave)
{
	struct wave_run *w = xcalloc(1, sizeof *w);
	w->number = wave->number;
	w->seed = wave->seed;
	w->layout = 1;
	w->count = 1;
	snprintf(w->arms[0].id, sizeof w->arms[0].id, "base");
	snprintf(w->arms[0].tree, sizeof w->arms[0].tree, "base");
	w->arms[0].commit = xstrdup(wave->baseline);
	for (size_t i = 0; i < wave->proposals.count && w->count < ARMS_MAX; i++) {
		const struct proposal *p = model_proposal(&e->model, wave->proposals.at[i]);
		if (!p || p->wave != wave->number || !proposal_commit(p))
			continue;
		struct arm *arm = &w->arms[w->count++];
		snprintf(arm->id, sizeof arm->id, "%s", p->id);
		snprintf(arm->tree, sizeof arm->tree, "%s", p->id);
		arm->commit = xstrdup(proposal_commit(p));
		arm->rev = (unsigned)p->rev;
		trial_init(&arm->trial, &e->rule, wave->alpha);
		arm->is_out = p->state != STATE_QUEUED && p->state != STATE_RUNNING && !p->pair_count;
	}
	for (size_t i = 0; i < w->count; i++)
		w->commits[i] = w->arms[i].commit;
	w->rounds = (struct rounds){ .engine = e, .wave = w->number, .seed = w->seed };
	recall_artifacts(e, w, wave);
	for (unsigned i = 0; i < wave->stay_count; i++) {
		wave_enter_stay(w, &wave->stays[i], &e->model);
		if (w->arch)
			replay_elsewhere(e, w, i);
		else
			replay_stay(e, w, i);
	}
	for (size_t i = 1; i < w->count; i++) {
		const struct proposal *p = model_proposal(&e->model, w->arms[i].id);
		if (p->state != STATE_QUEUED && p->state != STATE_RUNNING)
			w->arms[i].is_out = 1;
	}
	w->has_place = wave_worker_is_fit(e, w);
	w->next = e->waves;
	e->waves = w;
	if (w->has_place)
		take_up_rounds(e, w);
	void_unfinished(e, w);
	const struct worker *worker = w->worker ? model_worker(&e->model, w->worker) : NULL;
	if (worker && worker->round && worker->round_wave == w->number && !number_is_under_way(w, worker->round))
		engine_emit(e, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = worker->round, .worker = w->worker, .wave = w->number,
						.reason = "the engine ended" });
}
