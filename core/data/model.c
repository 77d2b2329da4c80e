/* The fold. One function per kind of event that changes something, one table from kind to function. An event that
 * names what is not there (a proposal of another session, a run never started) changes nothing, and so does one that
 * lacks what it is about (a run without a step, a wave without a baseline): the fold never fails, and what model.h says is
 * there always is, whatever stands in the journal. */
#include "core/data/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/line.h"
#include "core/data/query.h"

enum { NUMBER_MAX = 1000000000 };	/* rounds, waves, layouts, runs: more is no session of ours */
#define WINDOW_MAX 1e9			/* seconds */

static const char *const state_names[] = {
#define X(id, name) name,
	PROPOSAL_STATES(X)
#undef X
}, *const verdict_names[] = {
#define X(id, name) name,
	VERDICTS(X)
#undef X
};

const char *proposal_state_name(enum proposal_state s)
{
	return state_names[s];
}

const char *verdict_name(enum verdict v)
{
	return verdict_names[v];
}

enum verdict verdict_parse(const char *name)
{
	for (int v = 0; name && v < VERDICT_COUNT; v++)
		if (!strcmp(name, verdict_names[v]))
			return (enum verdict)v;
	return VERDICT_NONE;
}

int proposal_state_parse(const char *name, enum proposal_state *out)
{
	for (int s = 0; s < PROPOSAL_STATE_COUNT; s++)
		if (!strcmp(name, state_names[s])) {
			*out = (enum proposal_state)s;
			return 0;
		}
	return -1;
}

/* p7 is the seventh, or where numbers were left out before it: so the search goes backwards from there. What else an arm
 * may be called is seen at once. */
struct proposal *model_proposal(const struct model *m, const char *id)
{
	unsigned long number = id && *id == 'p' ? strtoul(id + 1, NULL, 10) : 0;
	size_t at = number < m->proposal_count ? number : m->proposal_count;
	for (size_t left = number ? m->proposal_count : 0; left--; at--) {
		if (!at)
			at = m->proposal_count;
		if (!strcmp(m->proposals[at - 1].id, id))
			return &m->proposals[at - 1];
	}
	return NULL;
}

struct worker *model_worker(const struct model *m, const char *id)
{
	for (size_t i = 0; id && i < m->worker_count; i++)
		if (!strcmp(m->workers[i].id, id))
			return &m->workers[i];
	return NULL;
}

struct run *model_run(const struct model *m, const char *id)
{
	unsigned long number = id && *id == 'r' ? strtoul(id + 1, NULL, 10) : 0;
	if (!number)
		return NULL;
	size_t low = 0, high = m->run_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (m->runs[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->run_count && m->runs[low].number == number ? &m->runs[low] : NULL;
}

struct source *model_source(const struct model *m, const char *id)
{
	for (size_t i = 0; id && i < m->source_count; i++)
		if (!strcmp(m->sources[i].id, id) || (m->sources[i].key && !strcmp(m->sources[i].key, id)))
			return &m->sources[i];
	return NULL;
}

struct idea *model_idea(const struct model *m, const char *id)
{
	for (size_t i = 0; id && i < m->idea_count; i++)
		if (!strcmp(m->ideas[i].id, id))
			return &m->ideas[i];
	return NULL;
}

struct wave *model_wave(const struct model *m, unsigned number)
{
	for (size_t i = m->wave_count; i-- > 0;)
		if (m->waves[i].number == number)
			return &m->waves[i];
	return NULL;
}

/* Worker, arm and status names repeat in every run: one copy each, in order, so that thousands of arms cost little. */
static const char *intern(struct model *m, const char *s)
{
	size_t low = 0, high = m->names.count;
	if (!s)
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(m->names.at[middle], s);
		if (!order)
			return m->names.at[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	strings_add(&m->names, s);
	char **at = m->names.at + low, *name = m->names.at[m->names.count - 1];
	memmove(at + 1, at, (m->names.count - 1 - low) * sizeof *at);
	return *at = name;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void set_state(struct proposal *p, enum proposal_state state, int64_t time)
{
	if (p->state != state)
		p->since = time;
	p->state = state;
}

/* session */

static void on_session_opened(struct model *m, const struct event *ev)
{
	m->state = SESSION_OPEN;
	m->opened = ev->time;
	string_set(&m->session, ev->session);
	string_set(&m->target, ev->target);
	string_set(&m->branch, ev->branch);
	string_set(&m->metric, ev->metric);
	string_set(&m->unit, ev->unit);
	string_set(&m->harness, ev->harness);
	string_set(&m->runner, ev->runner);
	string_set(&m->agent, ev->agent);
	m->seed = (uint64_t)ev->seed;
	m->lower_is_better = ev->direction && !strcmp(ev->direction, "lower");
}

static void on_session_ended(struct model *m, const struct event *ev)
{
	m->state = SESSION_ENDED;
	m->ended = ev->time;
	string_set(&m->ended_reason, ev->reason);
}

static void on_metric_set(struct model *m, const struct event *ev)
{
	string_set(&m->metric, ev->metric);
}

static void on_settings(struct model *m, const struct event *ev)
{
	if (ev->size > 0 && ev->size <= WAVE_MAX)
		m->wave_size = (unsigned)ev->size;
	if (ev->window >= 0 && ev->window <= WINDOW_MAX)
		m->window = ev->window;
	if (!isnan(ev->limit_usd))
		m->limit_usd = ev->limit_usd;
	if (ev->hours >= 0)
		m->hours = ev->hours;
	string_set(&m->notice, ev->text);
}

static void on_paused(struct model *m, const struct event *ev)
{
	if (m->state == SESSION_OPEN)
		m->state = SESSION_PAUSED;
	string_set(&m->pause_reason, ev->reason);
}

static void on_resumed(struct model *m, const struct event *ev)
{
	(void)ev;
	if (m->state == SESSION_PAUSED)
		m->state = SESSION_OPEN;
	string_set(&m->pause_reason, NULL);
}

static void on_autonomy_set(struct model *m, const struct event *ev)
{
	autonomy_parse(ev->autonomy, &m->autonomy);
	for (size_t i = 0; i < m->proposal_count; i++) {	/* a countdown starts when its mode does */
		struct proposal *p = &m->proposals[i];
		if (p->state == STATE_WAITING || p->state == STATE_SIGNING)
			p->since = ev->time;
	}
}

static void on_baseline_set(struct model *m, const struct event *ev)
{
	if (!ev->commit)
		return;
	string_set(&m->baseline, ev->commit);
	m->baseline_run = m->run_count;
}

static void on_alert(struct model *m, const struct event *ev)
{
	string_set(&m->last_alert, ev->text);
	m->alert_time = ev->time;
}

static void on_spent(struct model *m, const struct event *ev)
{
	if (isnan(ev->usd))
		return;
	if (ev->what && !strncmp(ev->what, "vm", 2))
		m->vm_usd += ev->usd;
	else
		m->api_usd += ev->usd;
}

static void on_agent_changed(struct model *m, const struct event *ev)
{
	string_set(&m->agent, ev->agent ? ev->agent : m->agent);
	string_set(&m->agent_state, ev->state);
	string_set(&m->agent_text, ev->text);
}

/* sources and ideas */

static void on_source_added(struct model *m, const struct event *ev)
{
	if (!ev->source || model_source(m, ev->source))
		return;
	struct source *s = array_add(&m->sources, &m->source_count, &m->source_room, sizeof *s);
	*s = (struct source){ xstrdup(ev->source), xstrdup(ev->type ? ev->type : "note"), xstrdup(or_empty(ev->title)), xstrdup(ev->id), xstrdup(ev->url),
			      xstrdup(ev->authors), xstrdup(ev->text), xstrdup("found"), .reason = xstrdup(ev->reason),
			      .by = ev->by && strcmp(ev->by, "engine") ? xstrdup(ev->by) : NULL, .year = ev->year > 0 && ev->year <= 9999 ? (unsigned)ev->year : 0, .position = (unsigned)m->source_count };
}

/* The service that knows has been asked: what it says stands for what was first written down. */
static void on_source_identified(struct model *m, const struct event *ev)
{
	struct source *s = model_source(m, ev->source);
	if (!s)
		return;
	const struct { char **field; const char *value; } said[] = {
		{ &s->type, ev->type }, { &s->title, ev->title }, { &s->url, ev->url }, { &s->authors, ev->authors }, { &s->note, s->note ? NULL : ev->text },
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (said[i].value)
			string_set(said[i].field, said[i].value);
	if (ev->year > 0 && ev->year <= 9999)
		s->year = (unsigned)ev->year;
	s->is_identified = 1;
	string_set(&s->status_reason, NULL);
}

static void on_source_changed(struct model *m, const struct event *ev)
{
	struct source *s = model_source(m, ev->source);
	if (!s || !ev->status)
		return;
	string_set(&s->status, ev->status);
	string_set(&s->status_reason, ev->reason);
}

static void on_idea_added(struct model *m, const struct event *ev)
{
	if (!ev->idea || model_idea(m, ev->idea))
		return;
	struct idea *i = array_add(&m->ideas, &m->idea_count, &m->idea_room, sizeof *i);
	i->id = xstrdup(ev->idea);
	i->title = xstrdup(or_empty(ev->title));
	i->expected = xstrdup(ev->expected);
	i->side = xstrdup(ev->side);
	i->text = xstrdup(ev->text);
	strings_copy(&i->sources, &ev->sources);
}

/* proposals */

static void forget_elsewhere(struct proposal *p)
{
	for (size_t i = 0; i < p->elsewhere_count; i++) {
		free(p->elsewhere[i].arch);
		free(p->elsewhere[i].pairs);
	}
	p->elsewhere_count = 0;
}

static void forget_measurement(struct proposal *p)
{
	p->pair_count = 0;
	p->verdict = VERDICT_NONE;
	p->evidence = p->needed = p->change_percent = p->low = p->high = p->shrunk_percent = p->unpaired = NAN;
	string_set(&p->verdict_reason, NULL);
	string_set(&p->verdict_run, NULL);
	strings_release(&p->workers);
	forget_elsewhere(p);
	p->asked_to_sign = 0;
}

static int is_proposal(const char *id)
{
	return id && *id == 'p' && strtoul(id + 1, NULL, 10) > 0;
}

static struct proposal *proposal_for(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p) {
		p = array_add(&m->proposals, &m->proposal_count, &m->proposal_room, sizeof *p);
		p->id = xstrdup(ev->proposal);
		forget_measurement(p);
	}
	string_set(&p->title, or_empty(ev->title));
	string_set(&p->agent, ev->agent);
	string_set(&p->author, ev->author);
	string_set(&p->idea, ev->idea);
	string_set(&p->origin, ev->origin);
	strings_copy(&p->sources, &ev->sources);
	return p;
}

static struct revision *new_revision(struct proposal *p, const struct event *ev)
{
	struct revision *r = array_add(&p->revisions, &p->rev, &p->revision_room, sizeof *r);
	r->title = xstrdup(or_empty(ev->title));
	r->time = ev->time;
	return r;
}

static void on_proposal_submitted(struct model *m, const struct event *ev)
{
	if (!is_proposal(ev->proposal) || !ev->commit || !ev->baseline)
		return;
	struct proposal *p = proposal_for(m, ev);
	struct revision *r = new_revision(p, ev);
	r->commit = xstrdup(ev->commit);
	r->base = xstrdup(ev->baseline);
	r->files = (unsigned)ev->files;
	r->added = (unsigned)ev->added;
	r->removed = (unsigned)ev->removed;
	strings_copy(&r->paths, &ev->paths);
	p->waived = 0;
	strings_release(&p->reasons);
	string_set(&p->conflict, NULL);
	string_set(&p->decision, NULL);
	forget_measurement(p);
	set_state(p, STATE_WAITING, ev->time);
}

static void on_proposal_conflict(struct model *m, const struct event *ev)
{
	if (!is_proposal(ev->proposal))
		return;
	struct proposal *p = proposal_for(m, ev);
	new_revision(p, ev);
	p->waived = 0;		/* what guard, human and judge said was about the revision before */
	strings_release(&p->reasons);
	string_set(&p->decision, NULL);
	forget_measurement(p);
	string_set(&p->conflict, ev->text);
	set_state(p, STATE_CONFLICT, ev->time);
}

static void on_guard_stopped(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	strings_copy(&p->reasons, &ev->reasons);
	set_state(p, STATE_STOPPED, ev->time);
}

static void on_guard_waived(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	p->waived = 1;
	set_state(p, STATE_WAITING, ev->time);
}

static void decide(struct proposal *p, const struct event *ev, const char *decision)
{
	string_set(&p->decision, decision);
	string_set(&p->decided_by, ev->by);
	string_set(&p->decision_reason, ev->reason);
}

static void on_approved(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	decide(p, ev, "approved");
	if (!p->approved_by || (ev->by && strcmp(ev->by, "engine")))	/* a new revision for a new baseline keeps its approval */
		string_set(&p->approved_by, ev->by);
	set_state(p, STATE_APPROVED, ev->time);
}

static void on_vetoed(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	decide(p, ev, "vetoed");
	set_state(p, STATE_VETOED, ev->time);
}

static void on_revision_asked(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	decide(p, ev, "revise");
	for (size_t i = 0; i < ev->comments.count; i++) {
		const struct comment *c = &ev->comments.at[i];
		comments_add(&p->comments, c->file, c->line, c->text, ev->by);
	}
	set_state(p, STATE_REVISING, ev->time);
}

static void on_cancelled(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (p)
		set_state(p, STATE_CANCELLED, ev->time);
}

static void on_retried(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	if (p->verdict == VERDICT_SUSPECT)
		p->vouched = 1;		/* a human saw the values and wants them judged */
	/* Only what has passed the first gate before passes it again: what was cancelled ahead of it goes back there. */
	int had_passed = p->state == STATE_DONE || (p->decision && (!strcmp(p->decision, "approved") || !strcmp(p->decision, "signed")));
	int is_stopped = p->reasons.count && !p->waived;
	forget_measurement(p);
	string_set(&p->landing_problem, NULL);
	set_state(p, is_stopped ? STATE_STOPPED : had_passed ? STATE_APPROVED : STATE_WAITING, ev->time);
}

static void on_signed(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	decide(p, ev, "signed");
	string_set(&p->signed_by, ev->by);
	string_set(&p->landing_problem, NULL);
	p->asked_to_sign = 1;
}

static void on_landed(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	string_set(&p->landed, ev->commit);
	set_state(p, STATE_LANDED, ev->time);
}

static void on_landing_failed(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	enum proposal_state state = STATE_DONE;
	if (ev->state)
		proposal_state_parse(ev->state, &state);
	string_set(&p->landing_problem, ev->reason);
	p->asked_to_sign = 0;
	if (ev->verdict)
		p->verdict = verdict_parse(ev->verdict);
	if (ev->run)
		string_set(&p->verdict_run, ev->run);
	if (state == STATE_CONFLICT)
		string_set(&p->conflict, ev->reason);
	set_state(p, state, ev->time);
}

/* waves, workers, runs */

static void on_wave_started(struct model *m, const struct event *ev)
{
	if (!ev->baseline || ev->wave <= 0 || ev->wave > NUMBER_MAX || model_wave(m, (unsigned)ev->wave))
		return;
	struct wave *w = array_add(&m->waves, &m->wave_count, &m->wave_room, sizeof *w);
	w->number = (unsigned)ev->wave;
	w->baseline = xstrdup(ev->baseline);
	w->seed = (uint64_t)ev->seed;
	w->alpha = ev->alpha;
	w->is_single = ev->mode && !strcmp(ev->mode, "single");
	w->started = ev->time;
	w->judged = m->judged_count;
	strings_copy(&w->proposals, &ev->proposals);
	for (size_t i = 0; i < ev->proposals.count; i++) {
		struct proposal *p = model_proposal(m, ev->proposals.at[i]);
		if (!p)
			continue;
		forget_measurement(p);
		p->wave = w->number;
		string_set(&p->baseline, ev->baseline);
		set_state(p, STATE_QUEUED, ev->time);
	}
}

static void on_phase_started(struct model *m, const struct event *ev)
{
	struct wave *w = model_wave(m, (unsigned)ev->wave);
	if (!w || !ev->worker || ev->phase < 1 || ev->phase > 3 || ev->layout < 1 || ev->layout > NUMBER_MAX)
		return;
	struct stay *stay = array_add(&w->stays, &w->stay_count, &w->stay_room, sizeof *stay);
	stay->phase = (unsigned)ev->phase;
	stay->layout = (unsigned)ev->layout;
	stay->worker = intern(m, ev->worker);
	const struct worker *worker = model_worker(m, ev->worker);
	stay->admission_round = worker ? worker->admission_round : 0;
	for (size_t i = 0; worker && i < worker->history.count; i++)
		reals_add(&stay->history, worker->history.at[i]);
}

static void on_wave_ended(struct model *m, const struct event *ev)
{
	struct wave *w = model_wave(m, (unsigned)ev->wave);
	if (w)
		w->ended = ev->time;
}

/* The bill's own amount counts from its moment on; until there is one, what the price says. */
static void accrue(struct worker *w, const struct event *ev)
{
	w->usd = isnan(ev->usd) ? worker_usd(w, ev->time) : ev->usd;
	w->accrued = ev->time;
}

static void on_worker_changed(struct model *m, const struct event *ev)
{
	if (!ev->worker || !ev->state)
		return;
	struct worker *w = model_worker(m, ev->worker);
	if (!w) {
		w = array_add(&m->workers, &m->worker_count, &m->worker_room, sizeof *w);
		w->id = xstrdup(ev->worker);
		w->noise_percent = w->usd_per_hour = NAN;
		w->accrued = ev->time;
	}
	accrue(w, ev);
	if (!w->state || strcmp(w->state, ev->state)) {
		w->since = w->news = ev->time;
		string_set(&w->last_line, NULL);
	}
	if (ev->reason && (!w->reason || strcmp(w->reason, ev->reason)))
		w->news = ev->time;
	if (!strcmp(ev->state, "admitting") || !strcmp(ev->state, "quarantined")) {
		if (!w->state || strcmp(w->state, ev->state))
			w->admission.count = 0;
		w->admitted = 0;
	}
	if (!strcmp(ev->state, "ready"))
		w->admitted = 1;
	if (!strcmp(ev->state, "down") || !strcmp(ev->state, "lost"))
		w->admitted = 0;
	string_set(&w->state, ev->state);
	if (ev->runner)
		string_set(&w->runner, ev->runner);
	if (ev->name)
		string_set(&w->name, ev->name);
	string_set(&w->reason, ev->reason);
	string_set(&w->remedy, ev->remedy);
	if (ev->status || !strcmp(ev->state, "down"))
		string_set(&w->status, ev->status);
	if (ev->arch)
		string_set(&w->arch, ev->arch);
	if (ev->place)
		string_set(&w->place, ev->place);
	w->age = ev->age;
	if (!isnan(ev->noise_percent))
		w->noise_percent = ev->noise_percent;
	if (!isnan(ev->usd_per_hour))
		w->usd_per_hour = ev->usd_per_hour;
}

static void learn(struct worker *w, double magnitude)
{
	if (w->history.count == HISTORY_MAX)
		array_remove(&w->history.at, &w->history.count, 0, sizeof *w->history.at);
	reals_add(&w->history, magnitude);
}

/* Where rounds are queued ahead the next one may have begun when this one is judged. */
static void end_round(struct worker *w, int64_t round)
{
	if (w && w->round == (unsigned)round)
		w->round = 0;
}

static void on_admission_pair(struct model *m, const struct event *ev)
{
	struct worker *w = model_worker(m, ev->worker);
	if (!w || !isfinite(ev->ratio) || ev->round < 1 || ev->round > NUMBER_MAX)
		return;
	reals_add(&w->admission, ev->ratio);
	w->admission_round = (unsigned)ev->round;
	end_round(w, ev->round);
	learn(w, fabs(ev->ratio));
}

static void on_scale_learned(struct model *m, const struct event *ev)
{
	struct worker *w = model_worker(m, ev->worker);
	for (size_t i = 0; w && i < ev->magnitudes.count; i++)
		if (ev->magnitudes.at[i] >= 0)
			learn(w, ev->magnitudes.at[i]);
}

static void on_round_started(struct model *m, const struct event *ev)
{
	struct worker *w = model_worker(m, ev->worker);
	if (!w || ev->round < 1 || ev->round > NUMBER_MAX || ev->wave < 0 || ev->wave > NUMBER_MAX)
		return;
	w->round = (unsigned)ev->round;
	w->round_wave = (unsigned)ev->wave;
	string_set(&w->order, ev->order);
}

/* Runs wait side by side, so one of a lower number may start later. */
static struct run *insert_run(struct model *m, unsigned number)
{
	struct run *last = array_add(&m->runs, &m->run_count, &m->run_room, sizeof *last);
	size_t i = m->run_count - 1;
	while (i > 0 && m->runs[i - 1].number > number)
		i--;
	memmove(&m->runs[i + 1], &m->runs[i], (m->run_count - 1 - i) * sizeof *last);
	memset(&m->runs[i], 0, sizeof *last);
	for (size_t k = 0; k < m->worker_count; k++)
		m->workers[k].running += m->workers[k].running > i;
	m->baseline_run += i < m->baseline_run;
	return &m->runs[i];
}

static void on_run_started(struct model *m, const struct event *ev)
{
	unsigned number;
	if (!ev->run || sscanf(ev->run, "r%u", &number) != 1 || model_run(m, ev->run))
		return;
	if (!ev->worker || !ev->arm || !ev->step || number > NUMBER_MAX)
		return;
	struct run *r = insert_run(m, number);
	r->number = number;
	r->worker = intern(m, ev->worker);
	r->arm = intern(m, ev->arm);
	r->step = intern(m, ev->step);
	r->rev = (unsigned)ev->rev;
	r->wave = (unsigned)ev->wave;
	r->round = (unsigned)ev->round;
	r->layout = (unsigned)ev->layout;
	r->started = ev->time;
	r->seconds = r->value = NAN;
	struct worker *w = model_worker(m, ev->worker);
	if (w) {
		w->running = (unsigned)(r - m->runs) + 1;
		use_run(w, r, 1);
	}
	struct proposal *p = model_proposal(m, ev->arm);
	if (p && p->state == STATE_QUEUED)
		set_state(p, STATE_RUNNING, ev->time);
}

static void on_run_ended(struct model *m, const struct event *ev)
{
	struct run *r = model_run(m, ev->run);
	if (!r || r->status)
		return;
	r->status = intern(m, ev->status ? ev->status : "lost");
	r->exit = (int)ev->exit;
	r->seconds = ev->seconds;
	r->value = metric_median(metrics_find(&ev->metrics, m->metric));
	if (ev->metrics.count > 1)
		r->metrics = metrics_pack(&ev->metrics);
	string_set(&r->reason, ev->reason);
	string_set(&r->artifact, ev->artifact);
	string_set(&r->last_line, NULL);
	r->has_log = ev->log.file != NULL;
	r->log_bytes = ev->log.bytes;
	r->log_lines = ev->log.lines;
	struct worker *w = model_worker(m, r->worker);
	struct proposal *p = w ? model_proposal(m, r->arm) : NULL;
	if (w)
		use_run(w, r, -1);
	if (p && isfinite(r->seconds) && isfinite(w->usd_per_hour))
		p->usd += r->seconds / 3600 * w->usd_per_hour;
	if (w && w->running == (unsigned)(r - m->runs) + 1)
		w->running = 0;
}

static void on_round_voided(struct model *m, const struct event *ev)
{
	end_round(model_worker(m, ev->worker), ev->round);
	const struct wave *wave = model_wave(m, (unsigned)ev->wave);
	for (size_t i = m->run_count; i-- > 0;) {
		struct run *r = &m->runs[i];
		if (wave && r->started < wave->started)
			break;
		if (r->wave != (unsigned)ev->wave)
			continue;
		if (r->round == (unsigned)ev->round && !strcmp(r->step, "measure") && r->worker && ev->worker && !strcmp(r->worker, ev->worker))
			r->voided = 1;
	}
}

static void on_evidence(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p || !ev->worker || !isfinite(ev->ratio) || ev->round < 1 || ev->round > NUMBER_MAX)
		return;
	struct wave *wave = model_wave(m, p->wave);
	struct worker *w = model_worker(m, ev->worker);
	if (w) {
		w->rounds_done = (unsigned)ev->round;
		w->rounds_wave = p->wave;
		end_round(w, ev->round);
	}
	struct pair *pair = array_add(&p->pairs, &p->pair_count, &p->pair_room, sizeof *pair);
	*pair = (struct pair){ intern(m, ev->worker), (unsigned)ev->round, (unsigned)ev->phase,
			       wave && wave->stay_count ? (unsigned)wave->stay_count - 1 : 0, ev->ratio, ev->value,
			       ev->base_value, ev->evidence, ev->change_percent };
	p->evidence = ev->evidence;
	p->needed = ev->needed;
	p->change_percent = ev->change_percent;
	p->low = ev->low;
	p->high = ev->high;
	if (p->state == STATE_QUEUED)
		set_state(p, STATE_RUNNING, ev->time);
}

static struct elsewhere *elsewhere_for(struct proposal *p, const char *arch)
{
	for (size_t i = 0; i < p->elsewhere_count; i++)
		if (!strcmp(p->elsewhere[i].arch, arch))
			return &p->elsewhere[i];
	struct elsewhere *e = array_add(&p->elsewhere, &p->elsewhere_count, &p->elsewhere_room, sizeof *e);
	*e = (struct elsewhere){ .arch = xstrdup(arch) };
	return e;
}

static void on_elsewhere(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p || !ev->worker || !ev->arch || !isfinite(ev->ratio) || ev->round < 1 || ev->round > NUMBER_MAX)
		return;
	const struct wave *wave = model_wave(m, p->wave);
	struct worker *w = model_worker(m, ev->worker);
	if (w) {
		w->rounds_done = (unsigned)ev->round;
		w->rounds_wave = p->wave;
		end_round(w, ev->round);
	}
	struct elsewhere *e = elsewhere_for(p, ev->arch);
	struct pair *pair = array_add(&e->pairs, &e->pair_count, &e->pair_room, sizeof *pair);
	*pair = (struct pair){ intern(m, ev->worker), (unsigned)ev->round, 3, wave && wave->stay_count ? (unsigned)wave->stay_count - 1 : 0,
			       ev->ratio, ev->value, ev->base_value, ev->evidence, ev->change_percent };
	e->change_percent = ev->change_percent;
	e->low = ev->low;
	e->high = ev->high;
	e->harm = ev->evidence;
	if (ev->verdict)
		e->answer = strcmp(ev->verdict, "harmed") ? ELSEWHERE_FINE : ELSEWHERE_HARMED;
}

static void on_verdict(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (!p)
		return;
	p->verdict = verdict_parse(ev->verdict);
	if (!isnan(ev->change_percent))
		p->change_percent = ev->change_percent;
	if (!isnan(ev->evidence))
		p->evidence = ev->evidence;
	if (!isnan(ev->needed))
		p->needed = ev->needed;
	p->low = ev->low;
	p->high = ev->high;
	p->shrunk_percent = ev->shrunk_percent;
	strings_copy(&p->workers, &ev->workers);
	string_set(&p->verdict_reason, ev->reason);
	string_set(&p->verdict_run, ev->run);
	if (p->pair_count) {	/* seldom will others follow, and a session has thousands of proposals */
		p->pairs = xrealloc(p->pairs, p->pair_count * sizeof *p->pairs);
		p->pair_room = p->pair_count;
	}
	const struct wave *wave = model_wave(m, p->wave);
	const struct run *run = wave && wave->is_single && ev->run ? model_run(m, ev->run) : NULL;
	p->unpaired = run ? run->value : NAN;
	if (ev->pairs > 0) {
		struct judged *judged = array_add(&m->judged, &m->judged_count, &m->judged_room, sizeof *judged);
		*judged = (struct judged){ p->verdict == VERDICT_KEEP, wave ? wave->judged : m->judged_count - 1 };
	}
	if (p->state != STATE_VETOED && p->state != STATE_CANCELLED)
		set_state(p, p->verdict == VERDICT_KEEP ? STATE_SIGNING : STATE_DONE, ev->time);
}

static void on_viewer_joined(struct model *m, const struct event *ev)
{
	if (!ev->viewer)
		return;
	struct viewer *v = array_add(&m->viewers, &m->viewer_count, &m->viewer_room, sizeof *v);
	v->id = xstrdup(ev->viewer);
	v->role = xstrdup(ev->role ? ev->role : "observer");
}

static void on_viewer_left(struct model *m, const struct event *ev)
{
	for (size_t i = 0; ev->viewer && i < m->viewer_count; i++)
		if (!strcmp(m->viewers[i].id, ev->viewer)) {
			free(m->viewers[i].id);
			free(m->viewers[i].role);
			array_remove(&m->viewers, &m->viewer_count, i, sizeof *m->viewers);
			return;
		}
}

static void (*const handlers[EVENT_KIND_COUNT])(struct model *, const struct event *) = {
	[EVENT_SESSION_OPENED] = on_session_opened, [EVENT_SESSION_ENDED] = on_session_ended, [EVENT_METRIC_SET] = on_metric_set,
	[EVENT_SETTINGS] = on_settings,
	[EVENT_PAUSED] = on_paused, [EVENT_RESUMED] = on_resumed, [EVENT_AUTONOMY_SET] = on_autonomy_set,
	[EVENT_BASELINE_SET] = on_baseline_set, [EVENT_ALERT] = on_alert, [EVENT_SPENT] = on_spent,
	[EVENT_AGENT_CHANGED] = on_agent_changed, [EVENT_SOURCE_ADDED] = on_source_added,
	[EVENT_SOURCE_IDENTIFIED] = on_source_identified, [EVENT_SOURCE_CHANGED] = on_source_changed, [EVENT_IDEA_ADDED] = on_idea_added,
	[EVENT_PROPOSAL_SUBMITTED] = on_proposal_submitted, [EVENT_PROPOSAL_CONFLICT] = on_proposal_conflict,
	[EVENT_GUARD_STOPPED] = on_guard_stopped, [EVENT_GUARD_WAIVED] = on_guard_waived, [EVENT_APPROVED] = on_approved,
	[EVENT_VETOED] = on_vetoed, [EVENT_REVISION_ASKED] = on_revision_asked, [EVENT_CANCELLED] = on_cancelled,
	[EVENT_RETRIED] = on_retried, [EVENT_SIGNED] = on_signed, [EVENT_LANDED] = on_landed,
	[EVENT_LANDING_FAILED] = on_landing_failed, [EVENT_WAVE_STARTED] = on_wave_started,
	[EVENT_PHASE_STARTED] = on_phase_started, [EVENT_WAVE_ENDED] = on_wave_ended,
	[EVENT_WORKER_CHANGED] = on_worker_changed, [EVENT_ADMISSION_PAIR] = on_admission_pair,
	[EVENT_SCALE_LEARNED] = on_scale_learned, [EVENT_ROUND_STARTED] = on_round_started,
	[EVENT_RUN_STARTED] = on_run_started, [EVENT_RUN_ENDED] = on_run_ended, [EVENT_ROUND_VOIDED] = on_round_voided,
	[EVENT_EVIDENCE] = on_evidence, [EVENT_ELSEWHERE] = on_elsewhere, [EVENT_VERDICT] = on_verdict, [EVENT_VIEWER_JOINED] = on_viewer_joined,
	[EVENT_VIEWER_LEFT] = on_viewer_left,
};

/* Lines for people. The oldest eighth goes at a time, so that a long session does not shift the array at every event. */
static void remember(struct model *m, const struct event *ev)
{
	struct buf line = {0};
	if (!event_line(ev, m, &line)) {
		buf_release(&line);
		return;
	}
	if (m->activity_count == ACTIVITY_MAX) {
		size_t drop = ACTIVITY_MAX / 8;
		for (size_t i = 0; i < drop; i++) {
			free(m->activity[i].by);
			free(m->activity[i].text);
			free(m->activity[i].proposal);
		}
		m->activity_count -= drop;
		memmove(m->activity, m->activity + drop, m->activity_count * sizeof *m->activity);
	}
	struct activity *a = array_add(&m->activity, &m->activity_count, &m->activity_room, sizeof *a);
	*a = (struct activity){ ev->seq, ev->time, ev->kind, xstrdup(ev->by), buf_take(&line), xstrdup(ev->proposal) };
}

void model_init(struct model *m)
{
	*m = (struct model){ .wave_size = 4, .window = 60, .dialogue.bottleneck = { .moved = NAN, .bandwidth = NAN } };
}

void model_apply(struct model *m, const struct event *ev)
{
	m->seq = ev->seq;
	m->time = ev->time;
	if (ev->kind >= EVENT_KIND_COUNT) {
		m->unknown++;
		return;
	}
	if (handlers[ev->kind])
		handlers[ev->kind](m, ev);
	dialogue_apply(m, ev);
	use_follow(m, ev);
	remember(m, ev);
}

void model_tail(struct model *m, const char *run, int64_t lines, int64_t bytes, const char *last_line)
{
	struct turn *t = dialogue_turn(m, run);
	if (t && !t->status) {
		t->log_lines = lines;
		t->log_bytes = bytes;
		string_set(&t->last_line, last_line);
		return;
	}
	struct worker *w = model_worker(m, run);
	if (w) {
		string_set(&w->last_line, last_line);
		w->log_lines = lines;
	}
	struct run *r = w ? NULL : model_run(m, run);
	if (!r || r->status)
		return;
	r->log_lines = lines;
	r->log_bytes = bytes;
	r->has_log = 1;
	string_set(&r->last_line, last_line);
}

static void release_proposal(struct proposal *p)
{
	char *texts[] = { p->id, p->title, p->agent, p->author, p->idea, p->origin, p->conflict, p->decision, p->decided_by, p->decision_reason,
			  p->signed_by, p->approved_by, p->verdict_reason, p->verdict_run, p->baseline, p->landed, p->landing_problem, p->self_review };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (size_t i = 0; i < p->rev; i++) {
		free(p->revisions[i].commit);
		free(p->revisions[i].base);
		free(p->revisions[i].title);
		strings_release(&p->revisions[i].paths);
	}
	free(p->revisions);
	free(p->pairs);
	forget_elsewhere(p);
	free(p->elsewhere);
	strings_release(&p->sources);
	strings_release(&p->reasons);
	strings_release(&p->workers);
	comments_release(&p->comments);
}

static void release_worker(struct worker *w)
{
	char *texts[] = { w->id, w->runner, w->name, w->state, w->reason, w->order, w->status, w->remedy, w->arch, w->place, w->last_line };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(w->history.at);
	free(w->admission.at);
}

static void release_run(struct run *r)
{
	free(r->metrics);
	free(r->reason);
	free(r->artifact);
	free(r->last_line);
}

static void release_source(struct source *s)
{
	char *texts[] = { s->id, s->type, s->title, s->key, s->url, s->authors, s->note, s->status, s->by, s->reason, s->status_reason };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
}

void model_release(struct model *m)
{
	char *texts[] = { m->session, m->target, m->branch, m->metric, m->unit, m->harness, m->runner, m->agent, m->ended_reason,
			  m->pause_reason, m->agent_state, m->agent_text, m->baseline, m->notice, m->last_alert };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (size_t i = 0; i < m->source_count; i++) {
		release_source(&m->sources[i]);
		annotations_release(&m->sources[i]);
	}
	for (size_t i = 0; i < m->idea_count; i++) {
		free(m->ideas[i].id);
		free(m->ideas[i].title);
		free(m->ideas[i].expected);
		free(m->ideas[i].side);
		free(m->ideas[i].text);
		strings_release(&m->ideas[i].sources);
	}
	for (size_t i = 0; i < m->proposal_count; i++)
		release_proposal(&m->proposals[i]);
	for (size_t i = 0; i < m->wave_count; i++) {
		free(m->waves[i].baseline);
		for (size_t k = 0; k < m->waves[i].stay_count; k++)
			free(m->waves[i].stays[k].history.at);
		free(m->waves[i].stays);
		strings_release(&m->waves[i].proposals);
	}
	for (size_t i = 0; i < m->worker_count; i++)
		release_worker(&m->workers[i]);
	for (size_t i = 0; i < m->run_count; i++)
		release_run(&m->runs[i]);
	for (size_t i = 0; i < m->viewer_count; i++) {
		free(m->viewers[i].id);
		free(m->viewers[i].role);
	}
	for (size_t i = 0; i < m->activity_count; i++) {
		free(m->activity[i].by);
		free(m->activity[i].text);
		free(m->activity[i].proposal);
	}
	void *arrays[] = { m->sources, m->ideas, m->proposals, m->waves, m->workers, m->runs, m->viewers, m->activity, m->judged };
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	strings_release(&m->names);
	dialogue_release(&m->dialogue);
	*m = (struct model){0};
}
