/* A wave: the approved proposals that are tried together against one baseline.
 *
 * Its arms get ready (build, compare, checks), then rounds follow: the baseline and every live candidate once each, in
 * random order, on one worker. After each complete round every candidate's pair goes to its trial; verdicts and the end
 * of a phase come from there. Phase 2 goes on with another worker, or on the same host with every arm built anew in
 * another layout. A run that fails, or a value that cannot be true, voids its round; the same arm twice running is its
 * verdict.
 *
 * Here is how it begins, gets ready and moves on; wave_place.c finds its workers, wave_judge.c reads what its rounds measured.
 * All of that can be lost: a wave is taken up again from the model, by replaying its pairs through the same trials (wave_resume.c).
 * Callbacks only record; wave_advance, called once per turn, decides what happens next, so that a pause holds everywhere. */
#include "core/engine/wave.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/data/query.h"
#include "core/judge/stats.h"

enum { GATHER = 1500000 /* microseconds that approvals are gathered */ };

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

const struct wave *wave_of(const struct engine *e, const struct wave_run *w)
{
	return model_wave(&e->model, w->number);
}

struct arm *wave_arm(struct wave_run *w, const char *id)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->arms[i].id, id))
			return &w->arms[i];
	return NULL;
}

void wave_ask_anew(struct wave_run *w)
{
	for (size_t i = 1; i < w->count; i++) {
		architecture_release(&w->arms[i].elsewhere);
		w->arms[i].elsewhere = (struct architecture){0};
		w->arms[i].is_answered = 0;
	}
}

void wave_enter_stay(struct wave_run *w, const struct stay *stay, const struct model *m)
{
	memset(w->histories, 0, sizeof w->histories);
	for (size_t i = 0; i < stay->history.count; i++)
		history_add(&w->histories[0], stay->history.at[i]);
	int is_new_phase = stay->phase != w->phase;
	const struct worker *worker = stay->phase == 3 ? model_worker(m, stay->worker) : NULL;
	const char *arch = worker ? worker->arch : NULL;
	if (arch && (!w->arch || strcmp(w->arch, arch)))
		wave_ask_anew(w);
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

/* rounds */

/* Whether it is measured in the present phase. */
int wave_wants(const struct wave_run *w, const struct arm *arm)
{
	return !arm->is_out && (w->arch ? arm->is_kept && !arm->is_answered : !arm->has_switched && !arm->is_kept);
}

/* The arms of the next round. */
size_t wave_round_arms(const struct wave_run *w, struct round_arm *arms)
{
	size_t n = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct arm *arm = &w->arms[i];
		if (i && !wave_wants(w, arm))
			continue;
		arms[n] = (struct round_arm){ .commit = arm->commit, .rev = arm->rev };
		memcpy(arms[n].id, arm->id, sizeof arm->id);
		memcpy(arms[n].tree, arm->tree, sizeof arm->tree);
		n++;
	}
	return n;
}

void wave_aim_rounds(struct wave_run *w)
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
unsigned wave_next_number(const struct engine *e, const struct wave_run *w)
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

/* beginning */

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
	size_t places = wave_count_places(e), each = places ? (approved + places - 1) / places : approved;
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

/* getting ready */

void wave_set_relinked(struct wave_run *w)
{
	/* Interpreted targets have no layout to shuffle; a build that ignores SKYDECK_LAYOUT makes the same artefact again. */
	int same = w->artifact[1] && w->artifact[2] && !strcmp(w->artifact[1], w->artifact[2]);
	for (size_t i = 1; i < w->count; i++)
		w->arms[i].trial.relinked = !same;
}

static void arm_prepared(struct engine *e, void *owner, const char *name, const struct arm_result *result)
{
	struct wave_run *w = owner;
	struct arm *arm = wave_arm(w, name);
	arm->is_preparing = 0;
	switch (result->outcome) {
	case ARM_READY:
		arm->is_ready = 1;
		engine_lost(e, NULL, NULL);
		break;
	case ARM_SAME:
		wave_state_verdict(e, w, arm, VERDICT_SAME, NULL, result->reason);
		break;
	case ARM_BUILD_FAILED:
		wave_state_verdict(e, w, arm, VERDICT_BUILD_FAILED, result->run, result->reason);
		break;
	case ARM_CHECKS_FAILED:
		wave_state_verdict(e, w, arm, VERDICT_CHECKS_FAILED, result->run, result->reason);
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

void wave_prepare_arm(struct engine *e, struct wave_run *w, struct arm *arm)
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
		wave_set_relinked(w);
	}
	int ready = 1;
	for (size_t i = 1; i < w->count; i++) {
		struct arm *arm = &w->arms[i];
		if (!wave_wants(w, arm) || arm->is_ready)
			continue;
		if (!arm->is_preparing)
			wave_prepare_arm(e, w, arm);
		ready &= arm->is_ready || arms_are_given(e, w, arm->id);
	}
	return ready;
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
		if (w->arch && worker_is_there(w) && !worker_is_of_arch(e, w, NULL) && !answer_of(p, w->arch))
			return w->arch;
	}
	return NULL;
}

/* Whether one of that architecture can be waited for; what a machine that comes up will be is not known yet. */
static int arch_is_there(const struct engine *e, const char *arch)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		if (worker_is_there(w) && (w->arch ? !strcmp(w->arch, arch) : pool_kind(e, w->id) != 0))
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
	wave_state_verdict(e, w, arm, VERDICT_KEEP, NULL, text);
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
	wave_ask_anew(w);
	wave_start_phase(e, w, 3);
}

/* Nobody of that architecture is left to answer: what was kept is not held back for it. */
static void give_up_elsewhere(struct engine *e, struct wave_run *w)
{
	wave_leave_place(e, w, "no worker of that architecture is left");
	string_set(&w->arch, NULL);
	e->changes++;
}

/* what happens next */

static void finish(struct engine *e, struct wave_run *w)
{
	wave_leave_place(e, w, "every arm has its verdict");
	engine_emit(e, &(struct event){ .kind = EVENT_WAVE_ENDED, .wave = w->number });
	forget(e, w, NULL);
}

/* Arms that are measured in the present phase; that wait for phase 2; that were kept. */
static size_t count_wanted(const struct wave_run *w)
{
	size_t n = 0;
	for (size_t i = 1; i < w->count; i++)
		n += wave_wants(w, &w->arms[i]);
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
	wave_aim_rounds(w);
	size_t count = wave_round_arms(w, arms), more = rounds_wanted(&w->rounds, round_seconds(e, w));
	for (; more; more--)
		rounds_submit(&w->rounds, wave_next_number(e, w), arms, count);
}

/* The wave's one decision: what happens next. */
static void move_on(struct engine *e, struct wave_run *w)
{
	for (struct round *r; (r = rounds_take(&w->rounds));) {
		wave_finish_round(e, w, r);
		round_release(r);
	}
	size_t wanted = count_wanted(w), switched = count_switched(w);
	if (!wanted && !switched && !count_kept(w))
		finish(e, w);
	else if (!wanted && !switched)
		ask_elsewhere(e, w);
	else if (!wanted)
		wave_start_phase(e, w, 2);
	else if (w->arch && !wave_worker_is_fit(e, w) && !arch_is_there(e, w->arch))
		give_up_elsewhere(e, w);
	else if (!w->phase || !w->has_place || !wave_worker_is_fit(e, w))	/* begins; or it was taken out: the phase goes on elsewhere, as a new stay */
		wave_start_phase(e, w, w->arch ? 3 : w->phase ? w->phase : 1);
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
		wave_take_up(e, wave);
	for (struct wave_run *w = e->waves, *next; w && engine_may_run(e); w = next) {
		next = w->next;
		move_on(e, w);
	}
	if (engine_may_run(e) && !single_mode(e) && !e->preparing && !landing_is_due(e) && engine_experiments_left(e) && wave_quietest_worker(e, NULL, NULL))
		begin(e);
	single_advance(e);
}

void wave_proposal_gone(struct engine *e, const struct proposal *p)
{
	single_proposal_gone(e, p);
	for (struct wave_run *w = e->waves; w; w = w->next) {
		struct arm *arm = wave_arm(w, p->id);
		if (!arm || arm->is_out)
			continue;
		char why[64];
		snprintf(why, sizeof why, "%s was taken out of the wave", p->id);
		arm->is_out = 1;
		rounds_cancel(&w->rounds, why);
		arms_cancel(e, w, arm->id);
	}
}
