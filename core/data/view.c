/* Documents for scripts. One function a kind of object, in the order of CONTRACT's keys; what CONTRACT does not print
 * stands behind what it prints.
 *
 * The journal of an engine that was killed still says "busy" and "joined"; whoever asks knows whether an engine runs,
 * and a document must not claim work that nobody does. */
#include "core/data/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/data/query.h"

static struct json *strings_json(const struct strings *list)
{
	struct json *array = json_array();
	for (size_t i = 0; i < list->count; i++)
		json_append(array, json_new_string(list->at[i]));
	return array;
}

static void put_time(struct json *object, const char *key, int64_t wall)
{
	char text[CLOCK_TEXT];
	if (wall)
		clock_format(wall, text);
	json_put_string(object, key, wall ? text : NULL);
}

static void put_count(struct json *object, const char *key, unsigned n)
{
	if (n)
		json_put_integer(object, key, n);
	else
		json_put_string(object, key, NULL);
}

static const char *verdict_or_null(const struct proposal *p)
{
	return p->verdict == VERDICT_NONE ? NULL : verdict_name(p->verdict);
}

/* workers */

static int is_local(const struct worker *w)
{
	return w->runner && !strcmp(w->runner, "local");
}

const char *worker_state_now(const struct worker *w, int engine_runs)
{
	return !engine_runs && is_local(w) ? "down" : w->state;
}

/* This machine's workers ended with the engine. */
static int64_t use_until(const struct model *m, const struct worker *w, int engine_runs, int64_t now)
{
	return !engine_runs && is_local(w) ? m->time : now;
}

static double measuring_of(const struct model *m, const struct worker *w, int engine_runs, int64_t now)
{
	double seconds[USE_COUNT];
	worker_seconds(w, use_until(m, w, engine_runs, now), seconds);
	return use_share(seconds);
}

/* {"set_up":41.2,"builds":3.5}: seconds that were paid for and not measured in, by what they went to. */
static struct json *lost_json(const struct model *m, const struct worker *w, int engine_runs, int64_t now)
{
	double seconds[USE_COUNT];
	struct json *object = json_object();
	worker_seconds(w, use_until(m, w, engine_runs, now), seconds);
	for (int u = 0; u < USE_COUNT; u++) {
		char key[32];
		snprintf(key, sizeof key, "%s", use_words((enum use)u));
		for (char *c = key; *c; c++)
			*c = *c == ' ' || *c == '-' ? '_' : *c;
		if (u != USE_MEASURE && seconds[u] > 0)
			json_put_number(object, key, seconds[u]);
	}
	return object;
}

static double utilisation_of(const struct model *m, int engine_runs, int64_t now)
{
	double measured = 0, paid = 0;
	for (size_t i = 0; i < m->worker_count; i++) {
		double seconds[USE_COUNT];
		worker_seconds(&m->workers[i], use_until(m, &m->workers[i], engine_runs, now), seconds);
		measured += seconds[USE_MEASURE];
		paid += use_paid(seconds);
	}
	return paid > 0 ? measured / paid : NAN;
}

static struct json *worker_json(const struct model *m, const struct worker *w, int engine_runs, int64_t now)
{
	const char *state = worker_state_now(w, engine_runs);
	const struct run *run = engine_runs ? worker_run(m, w) : NULL;
	struct json *object = json_object();
	json_put_string(object, "id", w->id);
	json_put_string(object, "runner", w->runner);
	json_put_string(object, "name", w->name);
	json_put_string(object, "state", state);
	json_put_string(object, "arm", run ? run->arm : NULL);
	put_count(object, "round", w->round);
	json_put_number(object, "noise_percent", w->noise_percent);
	json_put_number(object, "usd_per_hour", w->usd_per_hour);
	json_put_number(object, "usd", worker_usd(w, now));
	put_time(object, "since", w->since);
	json_put_string(object, "step", run ? run->step : NULL);
	json_put_string(object, "reason", w->reason);
	json_put_string(object, "remedy", w->remedy);
	json_put_string(object, "status", w->status);
	json_put_string(object, "place", w->place);
	json_put_string(object, "arch", w->arch);
	json_put_number(object, "measuring", measuring_of(m, w, engine_runs, now));
	json_take(object, "lost", lost_json(m, w, engine_runs, now));
	return object;
}

struct json *view_workers(const struct model *m, int engine_runs, int64_t now)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->worker_count; i++)
		json_append(array, worker_json(m, &m->workers[i], engine_runs, now));
	return array;
}

/* status */

static struct json *metric_json(const struct model *m)
{
	struct json *object = json_object();
	json_put_string(object, "name", m->metric);
	json_put_string(object, "unit", m->unit ? m->unit : "");
	json_put_string(object, "direction", m->lower_is_better ? "lower" : "higher");
	return object;
}

static struct json *counts_json(const struct model *m)
{
	static const enum proposal_state first[] = {
		STATE_WAITING, STATE_STOPPED, STATE_QUEUED, STATE_RUNNING, STATE_DONE, STATE_SIGNING, STATE_LANDED,
		STATE_VETOED, STATE_DRAFTED, STATE_CONFLICT, STATE_REVISING, STATE_APPROVED, STATE_CANCELLED,
	};
	struct json *object = json_object();
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		json_put_integer(object, proposal_state_name(first[i]), (int64_t)count_in_state(m, first[i]));
	return object;
}

static struct json *best_json(const struct model *m)
{
	const struct proposal *p = best_proposal(m);
	if (!p)
		return json_new_string(NULL);
	struct json *object = json_object();
	json_put_number(object, "change_percent", p->change_percent);
	json_put_number(object, "low", p->low);
	json_put_number(object, "high", p->high);
	json_put_string(object, "proposal", p->id);
	return object;
}

static struct json *wave_json(const struct model *m)
{
	const struct wave *w = m->wave_count ? &m->waves[m->wave_count - 1] : NULL;
	struct json *object = json_object();
	json_put_integer(object, "number", w ? w->number : 0);
	json_put_integer(object, "size", w ? (int64_t)w->proposals.count : 0);
	json_put_bool(object, "running", w && !w->ended);
	return object;
}

static struct json *needs_human_json(const struct model *m)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->proposal_count && m->state != SESSION_ENDED; i++)
		if (proposal_needs_human(&m->proposals[i]))
			json_append(array, json_new_string(m->proposals[i].id));
	return array;
}

struct json *view_status(const struct model *m, int engine_runs, int64_t now)
{
	struct json *object = json_object(), *baseline = json_object(), *spent = json_object();
	json_put_string(object, "session", m->session);
	json_put_string(object, "target", m->target);
	json_put_string(object, "branch", m->branch);
	json_put_string(object, "autonomy", autonomy_name(m->autonomy));
	json_put_string(object, "state", session_state_name(m, engine_runs));
	json_put_string(baseline, "commit", m->baseline);
	json_take(object, "baseline", baseline);
	json_take(object, "metric", metric_json(m));
	json_take(object, "counts", counts_json(m));
	json_take(object, "best", best_json(m));
	json_take(object, "wave", wave_json(m));
	json_take(object, "workers", view_workers(m, engine_runs, now));
	json_put_number(spent, "vm_usd", vm_usd(m, now));
	json_put_number(spent, "api_usd", m->api_usd);
	json_put_number(spent, "limit_usd", m->limit_usd);
	json_take(object, "spent", spent);
	json_take(object, "needs_human", needs_human_json(m));
	json_put_integer(object, "viewers", engine_runs ? (int64_t)m->viewer_count : 0);
	json_put_integer(object, "seq", (int64_t)m->seq);
	json_put_string(object, "pause_reason", m->state == SESSION_PAUSED ? m->pause_reason : NULL);
	json_put_string(object, "ended_reason", m->state == SESSION_ENDED ? m->ended_reason : NULL);
	json_put_string(object, "notice", m->notice);
	json_put_number(object, "utilisation", utilisation_of(m, engine_runs, now));
	return object;
}

/* proposals */

static struct json *guard_json(const struct proposal *p)
{
	struct json *object = json_object();
	json_put_bool(object, "ok", !p->reasons.count);
	json_take(object, "reasons", strings_json(&p->reasons));
	json_put_bool(object, "waived", p->waived);
	return object;
}

static struct json *comments_json(const struct comments *comments)
{
	struct json *array = json_array();
	for (size_t i = 0; i < comments->count; i++) {
		const struct comment *c = &comments->at[i];
		struct json *object = json_object();
		json_put_string(object, "file", c->file);
		if (c->file)
			json_put_integer(object, "line", c->line);
		else
			json_put_string(object, "line", NULL);
		json_put_string(object, "text", c->text);
		json_put_string(object, "by", c->by);
		json_append(array, object);
	}
	return array;
}

static struct json *review_json(const struct proposal *p)
{
	struct json *object = json_object();
	json_put_string(object, "decision", p->decision);
	json_put_string(object, "by", p->decision ? p->decided_by : NULL);
	json_put_string(object, "reason", p->decision ? p->decision_reason : NULL);
	json_take(object, "comments", comments_json(&p->comments));
	return object;
}

struct json *view_proposal(const struct model *m, const struct proposal *p, size_t rev)
{
	const struct revision *r = proposal_revision(p, rev);
	struct json *object = json_object();
	json_put_string(object, "id", p->id);
	json_put_integer(object, "rev", (int64_t)(rev ? rev : p->rev));
	json_put_string(object, "title", r && r->title ? r->title : p->title);
	json_put_string(object, "state", proposal_state_name(p->state));
	json_put_string(object, "verdict", verdict_or_null(p));
	json_put_string(object, "agent", p->agent);
	json_put_string(object, "author", p->author);
	json_take(object, "sources", strings_json(&p->sources));
	json_put_string(object, "commit", r ? r->commit : NULL);
	json_put_integer(object, "files", r ? r->files : 0);
	json_put_integer(object, "added", r ? r->added : 0);
	json_put_integer(object, "removed", r ? r->removed : 0);
	json_take(object, "guard", guard_json(p));
	json_take(object, "review", review_json(p));
	put_time(object, "waits_until", proposal_waits_until(m, p));
	put_count(object, "wave", p->wave);
	json_put_string(object, "baseline", p->baseline ? p->baseline : r ? r->base : NULL);
	json_put_string(object, "landed", p->landed);
	json_put_string(object, "base", r ? r->base : NULL);
	json_put_string(object, "idea", p->idea);
	json_put_string(object, "conflict", p->conflict);
	json_put_string(object, "verdict_reason", p->verdict_reason);
	json_put_string(object, "run", p->verdict_run);
	json_put_string(object, "landing_problem", p->landing_problem);
	put_time(object, "since", p->since);
	return object;
}

struct json *view_proposals(const struct model *m, const enum proposal_state *only)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->proposal_count; i++)
		if (!only || m->proposals[i].state == *only)
			json_append(array, view_proposal(m, &m->proposals[i], 0));
	return array;
}

/* results */

/* Those of the verdict; before it those that pairs came from. */
static struct json *result_workers(const struct proposal *p)
{
	struct strings seen = {0};
	for (size_t i = 0; !p->workers.count && i < p->pair_count; i++)
		if (p->pairs[i].worker && !strings_have(&seen, p->pairs[i].worker))
			strings_add(&seen, p->pairs[i].worker);
	struct json *array = strings_json(p->workers.count ? &p->workers : &seen);
	strings_release(&seen);
	return array;
}

/* A confirmation on the host of the first phase confirms less (decision rule 3.7): whoever reads the result is told. */
static struct json *one_host(const struct model *m, const struct proposal *p)
{
	if (!p->pair_count || p->pairs[p->pair_count - 1].phase < 2)
		return json_new_string(NULL);
	for (size_t i = 0; i < p->pair_count; i++) {
		const struct worker *w = model_worker(m, p->pairs[i].worker);
		if (!w || !is_local(w))
			return json_new_bool(0);
	}
	return json_new_bool(1);
}

static struct json *secondary_json(const struct model *m, const struct proposal *p, const struct strings *names)
{
	struct json *object = json_object();
	for (size_t i = 0; i < names->count; i++)
		json_put_number(object, names->at[i], proposal_secondary(m, p, names->at[i]));
	return object;
}

/* Of one value nothing is known about its spread. */
static double sd_of(const struct spread *s)
{
	return s->n > 1 ? s->sd : NAN;
}

/* What other architectures than the deciding one said about it. */
static struct json *architectures_json(const struct proposal *p)
{
	static const char *const answers[] = { NULL, "fine", "harmed" };
	struct json *array = json_array();
	for (size_t i = 0; i < p->elsewhere_count; i++) {
		const struct elsewhere *other = &p->elsewhere[i];
		struct json *object = json_object();
		json_put_string(object, "arch", other->arch);
		json_put_integer(object, "pairs", (int64_t)other->pair_count);
		json_put_number(object, "change_percent", other->change_percent);
		json_put_number(object, "low", other->low);
		json_put_number(object, "high", other->high);
		json_put_number(object, "harm_evidence", other->harm);
		json_put_string(object, "answer", answers[other->answer]);
		json_append(array, object);
	}
	return array;
}

static int is_single(const struct model *m, const struct proposal *p)
{
	const struct wave *wave = model_wave(m, p->wave);
	return wave && wave->is_single;
}

static struct json *result_json(const struct model *m, const struct proposal *p, const struct strings *names)
{
	struct spread own = proposal_spread(p), base = proposal_base_spread(p);
	struct json *object = json_object();
	json_put_string(object, "id", p->id);
	json_put_string(object, "title", p->title);
	json_put_string(object, "state", proposal_state_name(p->state));
	json_put_string(object, "verdict", verdict_or_null(p));
	json_put_integer(object, "pairs", (int64_t)p->pair_count);
	json_put_number(object, "mean", own.mean);
	json_put_number(object, "sd", sd_of(&own));
	json_put_number(object, "baseline_mean", base.mean);
	json_put_number(object, "change_percent", p->change_percent);
	json_put_number(object, "low", p->low);
	json_put_number(object, "high", p->high);
	json_put_number(object, "shrunk_percent", p->shrunk_percent);
	json_put_number(object, "evidence", p->evidence);
	json_put_number(object, "needed", p->needed);
	json_take(object, "workers", result_workers(p));
	json_put_bool(object, "paired", !is_single(m, p));
	json_take(object, "secondary", secondary_json(m, p, names));
	json_put_string(object, "commit", proposal_commit(p));
	json_take(object, "sources", strings_json(&p->sources));
	json_put_integer(object, "rev", (int64_t)p->rev);
	put_count(object, "wave", p->wave);
	put_count(object, "phase", p->pair_count ? p->pairs[p->pair_count - 1].phase : 0);
	json_take(object, "one_host", one_host(m, p));
	json_take(object, "architectures", architectures_json(p));
	json_put_string(object, "reason", p->verdict_reason);
	json_put_string(object, "run", p->verdict_run);
	json_put_string(object, "baseline", p->baseline);
	json_put_string(object, "landed", p->landed);
	return object;
}

struct json *view_results(const struct model *m)
{
	struct strings names = {0};
	struct json *array = json_array();
	secondary_names(m, &names);
	for (size_t i = 0; i < m->proposal_count; i++)
		json_append(array, result_json(m, &m->proposals[i], &names));
	strings_release(&names);
	return array;
}

static void tsv_number(struct buf *out, double v)
{
	buf_putc(out, '\t');
	if (isfinite(v))
		json_print_number(out, v);
}

/* Safe text has no newline; a tab in it is a mark already (core/base/text.h). */
static void tsv_text(struct buf *out, const char *s)
{
	buf_printf(out, "\t%s", s ? s : "");
}

void view_results_tsv(const struct model *m, struct buf *out)
{
	buf_puts(out, "id\tstate\tverdict\tpairs\tmean\tsd\tbaseline_mean\tchange_percent\tlow\thigh\t"
		      "shrunk_percent\tevidence\tneeded\tcommit\ttitle\n");
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		struct spread own = proposal_spread(p), base = proposal_base_spread(p);
		buf_puts(out, p->id);
		tsv_text(out, proposal_state_name(p->state));
		tsv_text(out, verdict_or_null(p));
		buf_printf(out, "\t%zu", p->pair_count);
		const double numbers[] = { own.mean, sd_of(&own), base.mean, p->change_percent, p->low, p->high,
					   p->shrunk_percent, p->evidence, p->needed };
		for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
			tsv_number(out, numbers[k]);
		tsv_text(out, proposal_commit(p));
		tsv_text(out, p->title);
		buf_putc(out, '\n');
	}
}

/* sources */

static struct json *yield_json(const struct yield *y)
{
	struct json *object = json_object();
	json_put_integer(object, "proposals", y->proposals);
	json_put_integer(object, "kept", y->kept);
	json_put_number(object, "gain_percent", y->gain_percent);
	json_put_number(object, "usd", y->usd);
	return object;
}

static struct json *claims_json(const struct model *m, const struct source *s)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->dialogue.claim_count; i++) {
		const struct claim *c = &m->dialogue.claims[i];
		if (strcmp(c->source, s->id))
			continue;
		struct json *object = json_object();
		json_put_string(object, "id", c->id);
		json_put_string(object, "text", c->text);
		json_put_string(object, "quote", c->quote);
		json_put_string(object, "place", c->place);
		json_put_string(object, "hash", c->hash);
		json_put_string(object, "model", c->model);
		json_append(array, object);
	}
	return array;
}

static struct json *annotations_json(const struct source *s)
{
	struct json *array = json_array();
	for (size_t i = 0; i < s->annotation_count; i++) {
		struct json *object = json_object();
		json_put_string(object, "by", s->annotations[i].by);
		json_put_string(object, "text", s->annotations[i].text);
		json_append(array, object);
	}
	return array;
}

static struct json *ideas_json(const struct model *m, const struct source *s)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->idea_count; i++)
		if (strings_have(&m->ideas[i].sources, s->id))
			json_append(array, json_new_string(m->ideas[i].id));
	return array;
}

static struct json *source_json(const struct model *m, const struct source *s)
{
	struct yield y = source_yield(m, s);
	struct json *object = json_object();
	json_put_string(object, "id", s->id);
	json_put_string(object, "type", s->type);
	json_put_string(object, "title", s->title);
	json_put_string(object, "url", s->url);
	json_put_string(object, "status", s->status);
	json_take(object, "yield", yield_json(&y));
	json_put_string(object, "key", s->key);
	json_put_string(object, "authors", s->authors);
	json_put_string(object, "note", s->note);
	put_count(object, "year", s->year);
	json_put_integer(object, "position", s->position);
	json_put_string(object, "by", s->by);
	json_put_bool(object, "identified", s->is_identified);
	json_put_string(object, "reason", s->reason);
	json_put_string(object, "status_reason", s->status_reason);
	json_take(object, "notes", annotations_json(s));
	json_take(object, "claims", claims_json(m, s));
	json_take(object, "ideas", ideas_json(m, s));
	return object;
}

struct json *view_sources(const struct model *m)
{
	struct json *array = json_array();
	for (size_t i = 0; i < m->source_count; i++)
		json_append(array, source_json(m, &m->sources[i]));
	return array;
}
