/* A wave: the approved proposals that are tried together against one baseline.
 *
 * Its arms get ready (build, compare, checks), then rounds follow: the baseline and every live candidate once each, in
 * random order, on one worker. After each complete round every candidate's pair goes to its trial; verdicts and the end
 * of a phase come from there. Phase 2 goes on with another worker, or on the same host with every arm built anew in
 * another layout. A run that fails, or a value that cannot be true, voids its round; the same arm twice running is its
 * verdict.
 *
 * All that is here can be lost: a wave is taken up again from the model, by replaying its pairs through the same trials.
 * Callbacks only record; wave_advance, called once per turn, decides what happens next, so that a pause holds everywhere. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/data/query.h"
#include "core/judge/admission.h"
#include "core/judge/architecture.h"
#include "core/judge/plausibility.h"
#include "core/judge/stats.h"
#include "core/judge/trial.h"

enum { WATCHES_MAX = 8, EARLIER_MAX = 64, ROUNDS_AHEAD = 128 /* that a runner may hold */, GATHER = 1500000 /* microseconds that approvals are gathered */ };

struct arm {
	char id[16];			/* "base", "p3" */
	char tree[16];
	char *commit;
	unsigned rev;
	int is_ready, is_preparing;
	int is_out;			/* has a verdict, or was taken out */
	int has_switched;		/* waits for phase 2 */
	int is_kept;			/* by its trial; other architectures are asked before it is said */
	int is_answered;		/* by the present one of these */
	struct architecture elsewhere;	/* what that one showed */
	unsigned failures, suspicions;	/* rounds running */
	struct trial trial;		/* not of the baseline */
};
struct wave_run {
	unsigned number, phase, layout;
	uint64_t seed;
	char *worker;
	struct arm arms[ARMS_MAX];	/* [0] is the baseline */
	size_t count;
	char *arch;			/* of phase 3: another architecture than the wave's own; else NULL */
	int has_place;			/* the worker is this wave's; not while it waits for another one */
	struct rounds rounds;
	struct history histories[1 + WATCHES_MAX];
	char watches[WATCHES_MAX][64];	/* names of secondary metrics */
	size_t watch_count;
	char *artifact[3];		/* the baseline's, by layout */
	const char *commits[ARMS_MAX];	/* those of the arms */
	struct wave_run *next;
};

static const struct wave *model_of(const struct engine *e, const struct wave_run *w)
{
	return model_wave(&e->model, w->number);
}

static double percent(double log_ratio)
{
	return isfinite(log_ratio) ? 100 * expm1(log_ratio) : NAN;
}

static void release(struct wave_run *w)
{
	for (size_t i = 0; i < w->count; i++) {
		free(w->arms[i].commit);
		if (i)
			trial_release(&w->arms[i].trial);
		architecture_release(&w->arms[i].elsewhere);
	}
	for (size_t i = 0; i < sizeof w->artifact / sizeof *w->artifact; i++)
		free(w->artifact[i]);
	free(w->worker);
	free(w->arch);
	free(w);
}

/* why: what is stated about rounds that had begun; NULL: nothing. */
static void forget(struct engine *e, struct wave_run *w, const char *why)
{
	for (struct wave_run **at = &e->waves; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	rounds_drop(&w->rounds, why);
	arms_drop(e, w);
	release(w);
}

void wave_abort(struct engine *e)
{
	while (e->waves)
		forget(e, e->waves, NULL);
	single_abort(e);
}

/* verdicts */

static void collect_workers(const struct proposal *p, struct strings *out)
{
	for (size_t i = 0; i < p->pair_count; i++)
		if (p->pairs[i].worker && !strings_have(out, p->pairs[i].worker))
			strings_add(out, p->pairs[i].worker);
}

static int is_one_host(const struct engine *e, const struct strings *workers)
{
	for (size_t i = 1; i < workers->count; i++) {
		const char *a = e->runner_ops->host(e->runner, workers->at[0]), *b = e->runner_ops->host(e->runner, workers->at[i]);
		if (!a || !b || strcmp(a, b))
			return 0;
	}
	return workers->count > 0;
}

static void state_verdict(struct engine *e, struct wave_run *w, struct arm *arm, enum verdict verdict, const char *run, const char *reason)
{
	const struct proposal *p = model_proposal(&e->model, arm->id);
	const struct wave *wave = model_of(e, w);
	struct trial_report r = trial_report(&arm->trial);
	struct strings workers = {0};
	arm->is_out = 1;
	if (!p || p->rev != arm->rev || (p->state != STATE_QUEUED && p->state != STATE_RUNNING))
		return;		/* what was measured is not what stands there now */
	collect_workers(p, &workers);
	if (!reason && verdict == VERDICT_KEEP && is_one_host(e, &workers))
		reason = "one host";
	engine_emit(e, &(struct event){ .kind = EVENT_VERDICT, .proposal = arm->id, .rev = arm->rev, .verdict = verdict_name(verdict),
		.pairs = (int64_t)r.pairs, .change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high),
		.shrunk_percent = percent(r.shrunk), .evidence = r.pairs ? r.evidence : NAN, .needed = r.pairs ? r.needed : NAN,
		.workers = workers, .reason = reason, .run = run && *run ? run : NULL, .baseline = wave ? wave->baseline : NULL });
	strings_release(&workers);
}

/* the trials */

/* The pair's secondary metrics go before the pair that decides. values: of the arm; base: the baseline's. */
static void watch_secondary(struct engine *e, struct wave_run *w, struct arm *arm, const struct metrics *values, const struct metrics *base)
{
	for (size_t i = 0; values && base && i < values->count; i++) {
		const char *name = values->at[i].name;
		double a = metric_median(metrics_find(base, name)), b = metric_median(&values->at[i]);
		if ((e->model.metric && !strcmp(name, e->model.metric)) || !(a > 0) || !(b > 0))
			continue;
		size_t k = 0;
		while (k < w->watch_count && strcmp(w->watches[k], name))
			k++;
		if (k == WATCHES_MAX || strlen(name) >= sizeof w->watches[0])
			continue;
		if (k == w->watch_count)
			memcpy(w->watches[w->watch_count++], name, strlen(name) + 1);
		while (arm->trial.watch_count <= k)
			trial_watch(&arm->trial, e->rule.margin);
		/* A secondary metric of rate or time is read as the primary one is, unless its name says seconds. */
		size_t n = strlen(name);
		int lower = e->model.lower_is_better || (n > 2 && !strcmp(name + n - 2, "_s")) || (n > 3 && !strcmp(name + n - 3, "_ms")) ||
			    (n > 3 && (!strcmp(name + n - 3, "_kb") || !strcmp(name + n - 3, "_mb"))) || strstr(name, "seconds") || strstr(name, "µs");
		trial_secondary(&arm->trial, k, w->histories, (lower ? -1 : 1) * log(b / a));
	}
}

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

static void ask_anew(struct wave_run *w)
{
	for (size_t i = 1; i < w->count; i++) {
		architecture_release(&w->arms[i].elsewhere);
		w->arms[i].elsewhere = (struct architecture){0};
		w->arms[i].is_answered = 0;
	}
}

static void enter_stay(struct wave_run *w, const struct stay *stay, const struct model *m)
{
	memset(w->histories, 0, sizeof w->histories);
	for (size_t i = 0; i < stay->history.count; i++)
		history_add(&w->histories[0], stay->history.at[i]);
	int is_new_phase = stay->phase != w->phase;
	const struct worker *worker = stay->phase == 3 ? model_worker(m, stay->worker) : NULL;
	const char *arch = worker ? worker->arch : NULL;
	if (arch && (!w->arch || strcmp(w->arch, arch)))
		ask_anew(w);
	string_set(&w->arch, arch);
	w->phase = stay->phase;
	w->layout = stay->layout;
	string_set(&w->worker, stay->worker);
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		if (arm->is_out)
			continue;
		if (is_new_phase)
			arm->has_switched = 0;
		if (stay->phase < 3)
			trial_enter_worker(&arm->trial);
		else
			architecture_enter_worker(&arm->elsewhere);
	}
}

/* What a decision does to the arm itself; the same live and in a replay. */
static void settle(struct wave_run *w, struct arm *arm, enum decision decision)
{
	if (decision == TRIAL_CONTINUE)
		return;
	trial_leave_worker(&arm->trial, w->histories);
	if (decision == TRIAL_SWITCH)
		arm->has_switched = 1;
	else if (decision == TRIAL_KEEP)
		arm->is_kept = 1;
	else
		arm->is_out = 1;
}

static enum verdict verdict_of(enum decision decision)
{
	switch (decision) {
	case TRIAL_KEEP:	return VERDICT_KEEP;
	case TRIAL_SMALL:	return VERDICT_SMALL;
	case TRIAL_REJECT:	return VERDICT_REJECT;
	case TRIAL_PARK:	return VERDICT_PARK;
	default:		return VERDICT_NONE;
	}
}

static void learn(struct engine *e, struct wave_run *w, size_t before)
{
	struct reals learned = {0};
	const struct history *h = &w->histories[0];
	for (size_t i = before < h->count ? before : h->count; i < h->count; i++)
		reals_add(&learned, h->magnitude[i]);
	if (learned.count)
		engine_emit(e, &(struct event){ .kind = EVENT_SCALE_LEARNED, .worker = w->worker, .magnitudes = learned });
	free(learned.at);
}

/* What a trial taught the worker's history: the part that stands at its end now. */
static size_t learned_count(const struct arm *arm)
{
	size_t n = arm->trial.evidence.count - arm->trial.evidence.stay;
	return n >= 3 ? n : 0;
}

static void judge_pair(struct engine *e, struct wave_run *w, struct arm *arm, const struct round_arm *ran, const struct round *round)
{
	const struct round_arm *base = &round->arms[0];
	double d = (e->model.lower_is_better ? -1 : 1) * log(ran->value / base->value);
	watch_secondary(e, w, arm, &ran->metrics, &base->metrics);
	enum decision decision = trial_pair(&arm->trial, w->histories, d);
	struct trial_report r = trial_report(&arm->trial);
	engine_emit(e, &(struct event){ .kind = EVENT_EVIDENCE, .proposal = arm->id, .worker = w->worker, .round = round->number, .phase = w->phase,
		.ratio = d, .value = ran->value, .base_value = base->value, .pairs = (int64_t)r.pairs, .evidence = r.evidence, .needed = r.needed,
		.change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high) });
	size_t taught = decision == TRIAL_CONTINUE ? 0 : learned_count(arm);
	settle(w, arm, decision);
	if (taught > w->histories[0].count)
		taught = w->histories[0].count;
	if (taught)
		learn(e, w, w->histories[0].count - taught);
	if (arm->is_out)
		state_verdict(e, w, arm, verdict_of(decision), NULL, NULL);
}

static enum architecture_verdict add_elsewhere(struct engine *e, struct wave_run *w, struct arm *arm, double d)
{
	enum architecture_verdict answer = architecture_pair(&arm->elsewhere, &e->rule, &w->histories[0], d);
	arm->is_answered = answer != ARCHITECTURE_MORE;
	return answer;
}

static void judge_elsewhere(struct engine *e, struct wave_run *w, struct arm *arm, const struct round_arm *ran, const struct round *round)
{
	static const char *const words[] = { NULL, "fine", "harmed" };
	const struct round_arm *base = &round->arms[0];
	double d = (e->model.lower_is_better ? -1 : 1) * log(ran->value / base->value);
	enum architecture_verdict answer = add_elsewhere(e, w, arm, d);
	struct architecture_report r = architecture_report(&arm->elsewhere, &e->rule);
	engine_emit(e, &(struct event){ .kind = EVENT_ELSEWHERE, .proposal = arm->id, .worker = w->worker, .arch = w->arch, .round = round->number,
		.ratio = d, .value = ran->value, .base_value = base->value, .pairs = (int64_t)r.pairs, .evidence = r.harm,
		.change_percent = percent(r.hl), .low = percent(r.low), .high = percent(r.high), .verdict = words[answer] });
}

/* Whether it is measured in the present phase. */
static int wants_phase(const struct wave_run *w, const struct arm *arm)
{
	return !arm->is_out && (w->arch ? arm->is_kept && !arm->is_answered : !arm->has_switched && !arm->is_kept);
}

/* The arms of the next round. */
static size_t round_arms(const struct wave_run *w, struct round_arm *arms)
{
	size_t n = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct arm *arm = &w->arms[i];
		if (i && !wants_phase(w, arm))
			continue;
		arms[n] = (struct round_arm){ .commit = arm->commit, .rev = arm->rev };
		memcpy(arms[n].id, arm->id, sizeof arm->id);
		memcpy(arms[n].tree, arm->tree, sizeof arm->tree);
		n++;
	}
	return n;
}

static void aim_rounds(struct wave_run *w)
{
	w->rounds.worker = w->worker;
	w->rounds.phase = w->phase;
	w->rounds.layout = w->layout;
}

static unsigned last_of(const struct pair *pairs, size_t count, const char *worker, unsigned last)
{
	for (size_t i = 0; i < count; i++)
		if (pairs[i].round > last && !strcmp(pairs[i].worker, worker))
			last = pairs[i].round;
	return last;
}

/* It goes on where this wave left the worker, which may have measured for another one meanwhile. */
static unsigned next_number(const struct engine *e, const struct wave_run *w)
{
	const struct worker *worker = model_worker(&e->model, w->worker);
	unsigned last = rounds_last(&w->rounds);
	if (last)
		return last + 1;
	last = worker && worker->rounds_wave == w->number ? worker->rounds_done : 0;
	for (size_t i = 1; i < w->count && worker; i++) {
		const struct proposal *p = model_proposal(&e->model, w->arms[i].id);
		if (p->wave != w->number)
			continue;
		last = last_of(p->pairs, p->pair_count, worker->id, last);
		for (size_t k = 0; k < p->elsewhere_count; k++)
			last = last_of(p->elsewhere[k].pairs, p->elsewhere[k].pair_count, worker->id, last);
	}
	return last + 1;
}

/* taking up again */

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
				watch_secondary(e, w, arm, run ? run->metrics : NULL, base ? base->metrics : NULL);
				settle(w, arm, trial_pair(&arm->trial, w->histories, p->pairs[k].ratio));
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
					add_elsewhere(e, w, &w->arms[i], p->elsewhere[k].pairs[n].ratio);
	}
}

static void set_relinked(struct wave_run *w)
{
	/* Interpreted targets have no layout to shuffle; a build that ignores SKYDECK_LAYOUT makes the same artefact again. */
	int same = w->artifact[1] && w->artifact[2] && !strcmp(w->artifact[1], w->artifact[2]);
	for (size_t i = 1; i < w->count; i++)
		w->arms[i].trial.relinked = !same;
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
		set_relinked(w);
}

static int is_worker_fit(const struct engine *e, const struct wave_run *w)
{
	const struct worker *worker = model_worker(&e->model, w->worker);
	const struct wave *wave = model_of(e, w);
	/* One that was admitted anew meanwhile is another instrument: its stay is over. */
	return worker && wave && wave->stay_count && worker->admission_round == wave->stays[wave->stay_count - 1].admission_round &&
	       worker->admitted && (!strcmp(worker->state, "busy") || !strcmp(worker->state, "ready"));
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

static void prepare_arm(struct engine *e, struct wave_run *w, struct arm *arm);

/* Builds of a job that went on while no engine was there. Returns 1 when the arms that the next rounds need are built, or are
 * there: what an arm that is not does in them would be a riddle. */
static int take_up_builds(struct engine *e, struct wave_run *w)
{
	int all = 1;
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		if (!wants_phase(w, arm))
			continue;
		const struct run *build = find_run(&e->model, e->model.baseline_run, arm->id, "build", arm->rev, 0);
		int is_built = build && build->wave == w->number && build->layout == w->layout && !strcmp(build->worker, w->worker);
		const struct run *checks = find_run(&e->model, e->model.baseline_run, arm->id, "checks", arm->rev, 0);
		int is_checked = w->phase != 1 || !e->checks || (checks && checks->wave == w->number);
		if (is_step_held(w, arm, STEP_BUILD) || (is_built && is_step_held(w, arm, STEP_CHECKS)))
			prepare_arm(e, w, arm);
		else
			all &= is_built && is_checked;
	}
	return all;
}

/* Its rounds: those that are whole, behind the last one that counted. */
static void take_up_rounds(struct engine *e, struct wave_run *w)
{
	struct round_arm arms[ARMS_MAX];
	size_t count = round_arms(w, arms);
	aim_rounds(w);
	if (count < 2 || !take_up_builds(e, w))
		return;
	for (unsigned first = next_number(e, w), number = first; number < first + ROUNDS_AHEAD; number++)
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

static void take_up(struct engine *e, const struct wave *wave)
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
		enter_stay(w, &wave->stays[i], &e->model);
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
	w->has_place = is_worker_fit(e, w);
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

/* beginning */

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

static int is_of_arch(const struct engine *e, const struct worker *worker, const char *arch)
{
	int is_awaited = 0;
	const char *wanted = arch ? arch : primary_arch(e, &is_awaited);
	return !is_awaited && (!wanted || !worker->arch || !strcmp(worker->arch, wanted));
}

static int is_fit(const struct worker *w)
{
	return w->admitted && (!strcmp(w->state, "ready") || !strcmp(w->state, "busy"));
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
static const struct worker *quietest_worker(const struct engine *e, const struct wave_run *wave, const char *but)
{
	const struct worker *best = NULL;
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const char *host = e->runner_ops->host(e->runner, w->id);
		if (!is_fit(w) || !host || (but && !strcmp(w->id, but)) || is_taken(e, host, wave) || !is_of_arch(e, w, wave ? wave->arch : NULL))
			continue;
		if (!best || w->noise_percent < best->noise_percent)
			best = w;
	}
	return best;
}

/* Hosts that a new wave could have, now or soon: what is approved is shared out among them. */
static size_t count_places(const struct engine *e)
{
	struct strings hosts = {0};
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const char *host = e->runner_ops->host(e->runner, w->id);
		int is_coming = !strcmp(w->state, "starting") || !strcmp(w->state, "admitting");
		if (host && (is_fit(w) || is_coming) && is_of_arch(e, w, NULL) && !is_taken(e, host, NULL) && !strings_have(&hosts, host))
			strings_add(&hosts, host);
	}
	size_t n = hosts.count;
	strings_release(&hosts);
	return n;
}

static int must_gather(const struct engine *e, size_t approved)
{
	int64_t newest = 0;
	if (approved >= e->model.wave_size || approved >= e->rule.batch)
		return 0;
	if (e->intake_waiting)
		return 1;
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (p->state == STATE_WAITING && e->model.autonomy == AUTONOMY_AUTO)
			return 1;	/* time is about to pass its gate */
		if (p->state == STATE_APPROVED && p->since > newest)
			newest = p->since;
	}
	return e->model.autonomy != AUTONOMY_AUTO && clock_wall() < newest + GATHER;
}

int64_t wave_waits_until(const struct engine *e)
{
	int64_t newest = 0;
	for (size_t i = 0; i < e->model.proposal_count; i++)
		if (e->model.proposals[i].state == STATE_APPROVED && e->model.proposals[i].since > newest)
			newest = e->model.proposals[i].since;
	return newest && newest + GATHER > clock_wall() ? newest + GATHER : 0;
}

static size_t count_approved(const struct engine *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->model.proposal_count; i++)
		n += e->model.proposals[i].state == STATE_APPROVED && proposal_commit(&e->model.proposals[i]);
	return n;
}

/* How many proposals a wave that begins now takes. */
static size_t share(const struct engine *e, size_t approved)
{
	size_t most = e->model.wave_size < e->rule.batch ? e->model.wave_size : e->rule.batch, left = engine_experiments_left(e);
	size_t places = count_places(e), each = places ? (approved + places - 1) / places : approved;
	most = left < most ? left : most;
	return each < most ? each : most;
}

static void begin(struct engine *e)
{
	struct strings chosen = {0};
	int must_move = 0;
	size_t approved = count_approved(e), most = share(e, approved);
	for (size_t i = 0; i < e->model.proposal_count && chosen.count < most; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (p->state != STATE_APPROVED || !proposal_commit(p))
			continue;
		strings_add(&chosen, p->id);
		must_move |= strcmp(proposal_revision(p, 0)->base, e->model.baseline) != 0;
	}
	if (chosen.count && !must_gather(e, approved) && must_move) {
		intake_rebase(e, &chosen);
	} else if (chosen.count && !must_gather(e, approved)) {
		unsigned number = e->model.wave_count ? e->model.waves[e->model.wave_count - 1].number + 1 : 1;
		double alpha = rule_alpha(&e->rule, count_kept_in_horizon(&e->model, e->rule.horizon, chosen.count));
		engine_emit(e, &(struct event){ .kind = EVENT_WAVE_STARTED, .wave = number, .baseline = e->model.baseline,
			.proposals = chosen, .seed = (int64_t)random_mix(e->model.seed, number), .alpha = alpha });
	}
	strings_release(&chosen);
}

static void leave_place(struct engine *e, struct wave_run *w, const char *why)
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
		return quietest_worker(e, w, NULL);
	const struct worker *other = quietest_worker(e, w, w->worker);
	if (other)
		return other;
	const char *host = e->runner_ops->host(e->runner, w->worker);
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *worker = &e->model.workers[i];
		const char *elsewhere = e->runner_ops->host(e->runner, worker->id);
		int is_there = is_fit(worker) || !strcmp(worker->state, "admitting") || !strcmp(worker->state, "starting");
		if (is_there && is_of_arch(e, worker, NULL) && host && elsewhere && strcmp(host, elsewhere))
			return NULL;
	}
	return quietest_worker(e, w, NULL);
}

static void start_phase(struct engine *e, struct wave_run *w, unsigned phase)
{
	leave_place(e, w, "the phase is over");
	const struct worker *worker = worker_for(e, w, phase);
	if (!worker)
		return;		/* asked again when one is free */
	char *id = xstrdup(worker->id);
	engine_emit(e, &(struct event){ .kind = EVENT_PHASE_STARTED, .wave = w->number, .phase = phase, .worker = id, .layout = phase == 2 ? 2 : 1 });
	state_worker(e, id, "busy");
	free(id);
	const struct wave *wave = model_of(e, w);
	if (wave && wave->stay_count)
		enter_stay(w, &wave->stays[wave->stay_count - 1], &e->model);
	w->has_place = 1;
}

/* getting ready */

static struct arm *arm_named(struct wave_run *w, const char *id)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->arms[i].id, id))
			return &w->arms[i];
	return NULL;
}

static void arm_prepared(struct engine *e, void *owner, const char *name, const struct arm_result *result)
{
	struct wave_run *w = owner;
	struct arm *arm = arm_named(w, name);
	arm->is_preparing = 0;
	switch (result->outcome) {
	case ARM_READY:
		arm->is_ready = 1;
		engine_lost(e, NULL, NULL);
		break;
	case ARM_SAME:
		state_verdict(e, w, arm, VERDICT_SAME, NULL, result->reason);
		break;
	case ARM_BUILD_FAILED:
		state_verdict(e, w, arm, VERDICT_BUILD_FAILED, result->run, result->reason);
		break;
	case ARM_CHECKS_FAILED:
		state_verdict(e, w, arm, VERDICT_CHECKS_FAILED, result->run, result->reason);
		break;
	case ARM_GONE:
		if (!arm->is_out)
			engine_lost(e, arm->id, result->reason);
		break;	/* asked for again at the next turn while it is still wanted */
	}
}

/* The verdict same needs no run, so it is only given where the artefacts show everything that a change can do: to sources
 * that are compiled. A script or a table may be read when the benchmark runs. */
static int may_be_same(const struct proposal *p)
{
	static const char *const endings[] = {
		".c", ".h", ".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp", ".tpp", ".def", ".s", ".S", ".asm",
		".cu", ".cuh", ".m", ".mm", ".f", ".F", ".for", ".f90", ".F90", ".f95", ".f03", ".f08", ".rs", ".go", ".zig", ".d", ".swift", ".ada", ".adb", ".ads",
	};
	const struct revision *r = p ? proposal_revision(p, 0) : NULL;
	size_t compiled = 0;
	for (size_t i = 0; r && i < r->paths.count; i++) {
		const char *name = strrchr(r->paths.at[i], '/'), *ending = strrchr(name ? name : r->paths.at[i], '.');
		size_t k = 0, n = sizeof endings / sizeof *endings;
		while (ending && k < n && strcmp(endings[k], ending))
			k++;
		compiled += ending && k < n;
	}
	return r && r->paths.count && compiled == r->paths.count;
}

static void prepare_arm(struct engine *e, struct wave_run *w, struct arm *arm)
{
	const struct base_site *site = base_site(e, w->worker);
	if (steps_use_tree(e, w->worker, arm->tree))
		return;		/* one that was dropped still dies there */
	const struct run *build = find_run(&e->model, e->model.baseline_run, arm->id, "build", arm->rev, 0);
	const struct run *checks = find_run(&e->model, e->model.baseline_run, arm->id, "checks", arm->rev, 0);
	int is_built = build && build->layout == w->layout && build->wave == w->number;
	int compare = w->phase == 1 && may_be_same(model_proposal(&e->model, arm->id));
	arm->is_preparing = 1;
	struct arm_plan plan = { .arm = arm->id, .commit = arm->commit, .tree = arm->tree, .worker = w->worker, .rev = arm->rev,
		.wave = w->number, .layout = w->layout, .with_checks = w->phase == 1, .same_as = compare ? site && site->commit[0] ? site->artifact : w->artifact[1] : NULL,
		.is_built = is_built, .is_checked = checks && checks->wave == w->number, .artifact = is_built ? build->artifact : NULL };
	arms_prepare(e, &plan, arm_prepared, w);
}

/* Returns 1 when all live arms stand built and checked, or are about to, before whatever is given to the worker now. */
static int get_ready(struct engine *e, struct wave_run *w)
{
	if (pool_keeps_trees(e) && !bundles_have(e, w->commits, w->count))
		return 0;
	if (!base_is_ready(e, w->worker, w->layout)) {
		base_prepare(e, w->worker, w->number, w->layout);
		if (!base_is_given(e, w->worker, w->layout))
			return 0;
	} else if (w->layout < 3 && !w->artifact[w->layout]) {
		string_set(&w->artifact[w->layout], base_site(e, w->worker)->artifact);
		if (w->layout == 2 && !w->artifact[1]) {	/* taken up in phase 2: what phase 1 ran is in the runs */
			for (size_t i = e->model.run_count; i-- > e->model.baseline_run && !w->artifact[1];)
				if (!strcmp(e->model.runs[i].arm, "base") && e->model.runs[i].layout == 1 && e->model.runs[i].artifact)
					string_set(&w->artifact[1], e->model.runs[i].artifact);
		}
		set_relinked(w);
	}
	int ready = 1;
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		if (!wants_phase(w, arm) || arm->is_ready)
			continue;
		if (!arm->is_preparing)
			prepare_arm(e, w, arm);
		ready &= arm->is_ready || arms_are_given(e, w, arm->id);
	}
	return ready;
}

/* rounds */

static enum verdict verdict_of_failure(enum run_status status)
{
	return status == RUN_TIMEOUT ? VERDICT_TIMEOUT : VERDICT_CRASH;
}

/* The arm of the wave that ran there; NULL: it has its verdict, and what it does is nobody's concern any more. */
static struct arm *concerned(struct wave_run *w, const struct round_arm *ran)
{
	struct arm *arm = arm_named(w, ran->id);
	return arm && !arm->is_out ? arm : NULL;
}

/* The one that failed, but for those that were cancelled because of it; NULL: none did. */
static struct round_arm *failed_arm(struct wave_run *w, struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		enum run_status status = r->arms[i].status;
		if (concerned(w, &r->arms[i]) && status != RUN_OK && status != RUN_CANCELLED && status != RUN_LOST)
			return &r->arms[i];
	}
	return NULL;
}

static const struct round_arm *gone_arm(struct wave_run *w, const struct round *r)
{
	const struct round_arm *gone = NULL;
	for (size_t i = 0; i < r->count; i++) {
		enum run_status status = r->arms[i].status;
		if (concerned(w, &r->arms[i]) && (status == RUN_LOST || (status == RUN_CANCELLED && !gone)))
			gone = &r->arms[i];
	}
	return gone;
}

static void round_failed(struct engine *e, struct wave_run *w, struct round *r, const struct round_arm *ran)
{
	struct arm *arm = arm_named(w, ran->id);
	char why[384], run[16];
	snprintf(run, sizeof run, "r%u", ran->run);
	snprintf(why, sizeof why, "%s: %s", arm->id, ran->reason[0] ? ran->reason : run_status_name(ran->status));
	rounds_void(&w->rounds, r, why);
	for (size_t i = 0; i < r->count; i++) {
		struct arm *other = arm_named(w, r->arms[i].id);
		if (other && other != arm && r->arms[i].status == RUN_OK)
			other->failures = 0;
	}
	if (++arm->failures < 2)
		return;
	arm->failures = 0;
	if (arm == &w->arms[0]) {
		pool_noisy(e, w->worker, NAN, why);
		return;
	}
	state_verdict(e, w, arm, verdict_of_failure(ran->status), run, ran->reason[0] ? ran->reason : NULL);
	if (ran->status == RUN_TIMEOUT)		/* each further run of it would take as long again */
		rounds_cancel(&w->rounds, why);
}

/* Values of the present baseline on this worker (a landing moves what is normal), and the ratio of value to time that they show (decision rule 3.8). */
static size_t earlier_values(const struct engine *e, const struct wave_run *w, const struct round *round, double *values, double *reference)
{
	struct metrics ratios = {0};
	size_t n = 0;
	for (size_t i = e->model.run_count; i-- > e->model.baseline_run && n < EARLIER_MAX;) {
		const struct run *r = &e->model.runs[i];
		if (!r->worker || strcmp(r->worker, w->worker) || (strcmp(r->arm, "base") && strcmp(r->arm, "aa")) || r->voided ||
		    !(r->value > 0) || !isfinite(r->value) || (r->wave == w->number && r->round >= round->number))
			continue;
		values[n++] = e->model.lower_is_better ? 1 / r->value : r->value;
		metrics_add(&ratios, "r", values[n - 1] * r->seconds);
	}
	*reference = metric_median(metrics_find(&ratios, "r"));
	metrics_release(&ratios);
	return n;
}

/* Whether the wall clock moved as the value says. A run is also start-up and work that the value is not about, so the
 * clock need not move by all that the value implies, but by a quarter of it at least, and by no more than it. */
static int clock_agrees(double value, double seconds, double usual_value, double usual_seconds)
{
	double implied = usual_seconds * (usual_value / value - 1), moved = seconds - usual_seconds;
	return moved / implied > 0.25 && moved / implied < 1.25;
}

/* A value that jumps is believed when the wall clock moved with it. Without a jump the clock is not asked: a benchmark
 * that runs for a fixed time, or does more than it reports on, would be called a liar for every honest gain. */
static unsigned implausible(const struct engine *e, const struct wave_run *w, const struct round *round, const struct round_arm *ran, int *voids)
{
	double values[EARLIER_MAX], reference;
	size_t n = earlier_values(e, w, round, values, &reference);
	double value = e->model.lower_is_better ? 1 / ran->value : ran->value;
	struct run_facts facts = { .value = value, .bound = NAN, .earlier = values, .earlier_count = n, .ratio = NAN, .reference = NAN };
	unsigned flags = plausibility_flags(&facts);
	if (flags & IMPLAUSIBLE_JUMP) {
		double usual = stats_median(values, n);
		facts.ratio = clock_agrees(value, ran->seconds, usual, reference / usual) ? reference : value * ran->seconds;
		facts.reference = reference;
		flags = plausibility_flags(&facts);
	}
	*voids = plausibility_voids(&facts, flags);
	return flags;
}

static void flag_names(unsigned flags, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (int bit = 0; bit < IMPLAUSIBLE_COUNT; bit++)
		if (flags & 1u << bit && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", plausibility_name(bit));
}

/* Returns 1 when an arm's value voids the round. */
static int round_is_implausible(struct engine *e, struct wave_run *w, struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct round_arm *ran = &r->arms[i];
		struct arm *arm = concerned(w, ran);
		const struct proposal *p = i && arm ? model_proposal(&e->model, arm->id) : NULL;
		int voids = 0;
		unsigned flags = arm ? implausible(e, w, r, ran, &voids) : 0;
		if (p && p->vouched && flags != IMPLAUSIBLE_NOT_POSITIVE)
			voids = 0;	/* a human saw such values and wants them judged; of 0 there is no logarithm */
		if (arm && (!flags || !voids))
			arm->suspicions = 0;
		if (!arm || !flags || !voids)
			continue;
		char names[128], why[256], run[16];
		flag_names(flags, names, sizeof names);
		snprintf(why, sizeof why, "%s: the value %g is not plausible (%s)", arm->id, ran->value, names);
		snprintf(run, sizeof run, "r%u", ran->run);
		rounds_void(&w->rounds, r, why);
		if (++arm->suspicions < 2)
			return 1;
		arm->suspicions = 0;
		if (i)
			state_verdict(e, w, arm, VERDICT_SUSPECT, run, why);
		else
			pool_noisy(e, w->worker, NAN, why);
		return 1;
	}
	return 0;
}

static void say_noise(struct engine *e, const char *worker, double noise_percent)
{
	struct event ev = worker_event(worker, "busy");
	ev.noise_percent = noise_percent;
	engine_emit(e, &ev);
}

/* Live quarantine (decision rule 3.7): any candidate's stay that has become too noisy condemns the worker. */
static void watch_worker(struct engine *e, struct wave_run *w)
{
	double noise = NAN, worst = NAN;
	for (size_t i = 1; i < w->count; i++) {
		const struct arm *arm = &w->arms[i];
		if (!wants_phase(w, arm))
			continue;
		if (trial_worker_is_noisy(&arm->trial, &noise)) {
			char why[128];
			snprintf(why, sizeof why, "noise %.0f %% over the newest pairs (limit %.0f %%)", 100 * noise, 100 * e->rule.quarantine);
			pool_noisy(e, w->worker, 100 * noise, why);
			return;
		}
		if (isfinite(noise) && !(noise <= worst))
			worst = noise;
	}
	const struct worker *worker = model_worker(&e->model, w->worker);
	int is_busy = worker && !strcmp(worker->state, "busy");		/* else it went, and its last rounds are told now */
	if (isfinite(worst) && is_busy && fabs(worker->noise_percent - 100 * worst) > 0.1)
		say_noise(e, w->worker, 100 * worst);
}

/* A run was lost, or cancelled for no reason of ours. A worker that went away is the pool's concern; and of a job that was
 * lost with many rounds in it only one is counted. */
static void round_gone(struct engine *e, struct wave_run *w, struct round *r, const struct round_arm *gone)
{
	const struct arm *arm = arm_named(w, gone->id);
	int counts = (r->has_begun || !w->rounds.first) && is_worker_fit(e, w);
	if (arm != w->arms && !arm->is_ready && !arm->is_preparing) {
		/* Its build or its checks went wrong, and the word of it was lost with a former engine: they are done anew. */
		rounds_void(&w->rounds, r, "an arm of it was not ready");
		rounds_cancel(&w->rounds, "an arm of it was not ready");
		return;
	}
	rounds_void(&w->rounds, r, "a run was lost");
	if (counts)
		engine_lost(e, gone->id, gone->reason);
}

static void finish_round(struct engine *e, struct wave_run *w, struct round *r)
{
	struct round_arm *failed = failed_arm(w, r);
	const struct round_arm *gone = gone_arm(w, r);
	if (failed) {
		round_failed(e, w, r, failed);
		return;
	}
	if (gone && r->blameless[0]) {
		rounds_void(&w->rounds, r, r->blameless);
		return;
	}
	if (gone) {
		round_gone(e, w, r, gone);
		return;
	}
	engine_lost(e, NULL, NULL);
	if (round_is_implausible(e, w, r))
		return;
	int pairs = 0;
	for (size_t i = 1; i < r->count; i++) {
		struct arm *arm = concerned(w, &r->arms[i]);
		int is_wanted = arm && wants_phase(w, arm);
		pairs += is_wanted;
		if (is_wanted && w->arch)
			judge_elsewhere(e, w, arm, &r->arms[i], r);
		else if (is_wanted)
			judge_pair(e, w, arm, &r->arms[i], r);
	}
	if (!pairs) {	/* one of several that were under way: its number is free again */
		rounds_void(&w->rounds, r, "its arms were decided before");
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		w->arms[i].failures = 0;
	w->rounds.attempt = 0;
	watch_worker(e, w);
}

static void finish(struct engine *e, struct wave_run *w)
{
	leave_place(e, w, "every arm has its verdict");
	engine_emit(e, &(struct event){ .kind = EVENT_WAVE_ENDED, .wave = w->number });
	forget(e, w, NULL);
}

/* Arms that are measured in the present phase; that wait for phase 2; that were kept. */
static size_t count_wanted(const struct wave_run *w)
{
	size_t n = 0;
	for (size_t i = 1; i < w->count; i++)
		n += wants_phase(w, &w->arms[i]);
	return n;
}

static size_t count_switched(const struct wave_run *w)
{
	size_t n = 0;
	for (size_t i = 1; i < w->count; i++)
		n += !w->arms[i].is_out && w->arms[i].has_switched;
	return n;
}

static size_t count_kept(const struct wave_run *w)
{
	size_t n = 0;
	for (size_t i = 1; i < w->count; i++)
		n += !w->arms[i].is_out && w->arms[i].is_kept;
	return n;
}

/* other architectures (decision rule 3.10) */

static const struct elsewhere *answer_of(const struct proposal *p, const char *arch)
{
	for (size_t i = 0; i < p->elsewhere_count; i++)
		if (!strcmp(p->elsewhere[i].arch, arch) && p->elsewhere[i].answer != ELSEWHERE_ASKED)
			return &p->elsewhere[i];
	return NULL;
}

/* One that has a worker and has not answered about that proposal. */
static const char *unasked_arch(const struct engine *e, const struct proposal *p)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		int is_there = is_fit(w) || !strcmp(w->state, "admitting") || !strcmp(w->state, "starting");
		if (w->arch && is_there && !is_of_arch(e, w, NULL) && !answer_of(p, w->arch))
			return w->arch;
	}
	return NULL;
}

/* Whether one of that architecture can be waited for; what a machine that comes up will be is not known yet. */
static int arch_is_there(const struct engine *e, const char *arch)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		int is_coming = !strcmp(w->state, "admitting") || !strcmp(w->state, "starting");
		if ((is_fit(w) || is_coming) && (w->arch ? !strcmp(w->arch, arch) : pool_kind(e, w->id) != 0))
			return 1;
	}
	return 0;
}

static void state_kept(struct engine *e, struct wave_run *w, struct arm *arm, const struct proposal *p)
{
	struct buf reason = {0};
	for (size_t i = 0; i < p->elsewhere_count; i++) {
		const struct elsewhere *other = &p->elsewhere[i];
		static const char *const words[] = { [ELSEWHERE_ASKED] = "undecided on", [ELSEWHERE_FINE] = "fine on", [ELSEWHERE_HARMED] = "harms" };
		buf_printf(&reason, "%s%s %s: %+.1f %% after %zu pairs", i ? "; " : "", words[other->answer], other->arch,
			   other->change_percent, other->pair_count);
	}
	char *text = reason.len ? xstrdup(buf_str(&reason)) : NULL;
	buf_release(&reason);
	state_verdict(e, w, arm, VERDICT_KEEP, NULL, text);
	free(text);
}

/* Every architecture that has answered about them all, the verdicts are said; else the next one is asked. */
static void ask_elsewhere(struct engine *e, struct wave_run *w)
{
	const char *next = NULL;
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		const struct proposal *p = model_proposal(&e->model, arm->id);
		if (arm->is_out || !arm->is_kept)
			continue;
		const char *arch = unasked_arch(e, p);
		if (!arch)
			state_kept(e, w, arm, p);
		else if (!next)
			next = arch;
	}
	if (!next)
		return;
	string_set(&w->arch, next);
	ask_anew(w);
	start_phase(e, w, 3);
}

/* Nobody of that architecture is left to answer: what was kept is not held back for it. */
static void give_up_elsewhere(struct engine *e, struct wave_run *w)
{
	leave_place(e, w, "no worker of that architecture is left");
	string_set(&w->arch, NULL);
	e->changes++;
}

/* Seconds that one round takes, by the newest runs of this wave's baseline on this worker; NAN: none yet. */
static double round_seconds(const struct engine *e, const struct wave_run *w)
{
	double seconds[5];
	size_t n = 0;
	for (size_t i = e->model.run_count; i-- > 0 && n < 5;) {
		const struct run *r = &e->model.runs[i];
		if (r->status && !strcmp(r->step, "measure") && isfinite(r->seconds) && !strcmp(r->worker, w->worker))
			seconds[n++] = r->seconds;
	}
	return n ? stats_median(seconds, n) * (double)(1 + count_wanted(w)) : NAN;
}

static void go_on(struct engine *e, struct wave_run *w)
{
	struct round_arm arms[ARMS_MAX];
	aim_rounds(w);
	size_t count = round_arms(w, arms), more = rounds_wanted(&w->rounds, round_seconds(e, w));
	for (; more; more--)
		rounds_submit(&w->rounds, next_number(e, w), arms, count);
}

/* The wave's one decision: what happens next. */
static void move_on(struct engine *e, struct wave_run *w)
{
	for (struct round *r; (r = rounds_take(&w->rounds));) {
		finish_round(e, w, r);
		round_release(r);
	}
	size_t wanted = count_wanted(w), switched = count_switched(w);
	if (!wanted && !switched && !count_kept(w))
		finish(e, w);
	else if (!wanted && !switched)
		ask_elsewhere(e, w);
	else if (!wanted)
		start_phase(e, w, 2);
	else if (w->arch && !is_worker_fit(e, w) && !arch_is_there(e, w->arch))
		give_up_elsewhere(e, w);
	else if (!w->phase || !w->has_place || !is_worker_fit(e, w))	/* begins; or it was taken out: the phase goes on elsewhere, as a new stay */
		start_phase(e, w, w->arch ? 3 : w->phase ? w->phase : 1);
	else if (get_ready(e, w))
		go_on(e, w);
}

static const struct wave_run *run_of(const struct engine *e, unsigned number)
{
	const struct wave_run *w = e->waves;
	while (w && w->number != number)
		w = w->next;
	return w;
}

/* A wave that the journal has open and nobody moves; the oldest first. */
static const struct wave *left_behind(const struct engine *e)
{
	for (size_t i = 0; i < e->model.wave_count; i++)
		if (!e->model.waves[i].ended && !e->model.waves[i].is_single && !run_of(e, e->model.waves[i].number))
			return &e->model.waves[i];
	return NULL;
}

void wave_advance(struct engine *e)
{
	if (!engine_may_run(e) || !e->runner)
		return;
	for (const struct wave *wave; (wave = left_behind(e));)
		take_up(e, wave);
	for (struct wave_run *w = e->waves, *next; w && engine_may_run(e); w = next) {
		next = w->next;
		move_on(e, w);
	}
	if (engine_may_run(e) && !single_mode(e) && !e->preparing && !landing_is_due(e) && engine_experiments_left(e) && quietest_worker(e, NULL, NULL))
		begin(e);
	single_advance(e);
}

void wave_proposal_gone(struct engine *e, const struct proposal *p)
{
	single_proposal_gone(e, p);
	for (struct wave_run *w = e->waves; w; w = w->next) {
		struct arm *arm = arm_named(w, p->id);
		if (!arm || arm->is_out)
			continue;
		char why[64];
		snprintf(why, sizeof why, "%s was taken out of the wave", p->id);
		arm->is_out = 1;
		rounds_cancel(&w->rounds, why);
		arms_cancel(e, w, arm->id);
	}
}
