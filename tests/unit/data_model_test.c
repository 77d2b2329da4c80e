/* The fold, one kind of event after another and whole lives of proposals. Every fact is stated as the engine states it:
 * applied to a model, and printed as a line of the journal. At the end of each test the lines are read back and folded
 * into a second model (that is a restart, an attach, a replay), which must be the same in every field. */
#include "tests/test.h"

#include <math.h>

#include "core/data/model.h"
#include "core/data/query.h"

struct story {
	struct model live;
	struct strings journal;
};

static int64_t at_second(double seconds)
{
	return 1795241212000000 + (int64_t)(seconds * 1e6);
}

static void state_at(struct story *s, double seconds, struct event ev)
{
	struct buf line = {0};
	ev.seq = s->live.seq + 1;
	ev.time = at_second(seconds);
	event_print(&ev, &line);
	strings_add(&s->journal, buf_str(&line));
	buf_release(&line);
	model_apply(&s->live, &ev);
}

#define STATE(s, ...) state_at(s, (double)(s)->live.seq, (struct event){ __VA_ARGS__ })
#define NO_BILL .usd = NAN, .age = NAN
#define NO_CHANGE .change_percent = NAN, .low = NAN, .high = NAN, .shrunk_percent = NAN, .evidence = NAN, .needed = NAN

/* A text of the whole model: what differs in any field differs here. */
static void dump_strings(struct buf *out, const char *name, const struct strings *list)
{
	buf_printf(out, " %s=[", name);
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, "%s ", list->at[i]);
	buf_putc(out, ']');
}

static void dump_reals(struct buf *out, const char *name, const struct reals *list)
{
	buf_printf(out, " %s=[", name);
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, "%.17g ", list->at[i]);
	buf_putc(out, ']');
}

#define T(field) buf_printf(out, " " #field "=%s", field ? field : "(null)")
#define N(field) buf_printf(out, " " #field "=%lld", (long long)(field))
#define R(field) buf_printf(out, " " #field "=%.17g", field)

static void dump_proposal(struct buf *out, const struct proposal *p)
{
	T(p->id); T(p->title); T(p->agent); T(p->author); T(p->idea); T(p->origin); T(p->conflict); T(p->decision); T(p->decided_by);
	T(p->decision_reason); T(p->signed_by); T(p->approved_by); T(p->verdict_reason); T(p->verdict_run); T(p->baseline); T(p->landed);
	T(p->landing_problem); N(p->state); N(p->since); N(p->waived); N(p->asked_to_sign); N(p->verdict); N(p->wave);
	R(p->evidence); R(p->needed); R(p->change_percent); R(p->low); R(p->high); R(p->shrunk_percent);
	dump_strings(out, "sources", &p->sources);
	dump_strings(out, "reasons", &p->reasons);
	dump_strings(out, "workers", &p->workers);
	for (size_t i = 0; i < p->rev; i++) {
		const struct revision *r = &p->revisions[i];
		T(r->commit); T(r->base); T(r->title); N(r->files); N(r->added); N(r->removed); N(r->time);
	}
	for (size_t i = 0; i < p->pair_count; i++) {
		const struct pair *q = &p->pairs[i];
		T(q->worker); N(q->round); N(q->phase); N(q->stay); R(q->ratio); R(q->value); R(q->base_value); R(q->evidence); R(q->change_percent);
	}
	for (size_t i = 0; i < p->comments.count; i++) {
		const struct comment *c = &p->comments.at[i];
		T(c->file); N(c->line); T(c->text); T(c->by);
	}
	buf_putc(out, '\n');
}

static void dump_runs(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < m->run_count; i++) {
		const struct run *r = &m->runs[i];
		N(r->number); T(r->worker); T(r->arm); T(r->status); T(r->step); N(r->rev); N(r->wave); N(r->round); N(r->layout); N(r->exit);
		N(r->started); R(r->seconds); R(r->value); T(r->reason); T(r->artifact); N(r->log_bytes); N(r->log_lines); N(r->has_log); N(r->voided);
		for (size_t k = 0; r->metrics && k < r->metrics->count; k++)
			buf_printf(out, " %s=%.17g", r->metrics->at[k].name, metric_median(&r->metrics->at[k]));
		buf_putc(out, '\n');
	}
}

static void dump_rest(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < m->source_count; i++) {
		const struct source *s = &m->sources[i];
		T(s->id); T(s->type); T(s->title); T(s->key); T(s->url); T(s->authors); T(s->note); T(s->status);
	}
	for (size_t i = 0; i < m->idea_count; i++) {
		const struct idea *d = &m->ideas[i];
		T(d->id); T(d->title); T(d->expected);
		dump_strings(out, "sources", &d->sources);
	}
	for (size_t i = 0; i < m->wave_count; i++) {
		const struct wave *w = &m->waves[i];
		N(w->number); T(w->baseline); N(w->seed); N(w->started); N(w->ended); R(w->alpha); N(w->is_single);
		dump_strings(out, "proposals", &w->proposals);
		for (size_t k = 0; k < w->stay_count; k++) {
			const struct stay *stay = &w->stays[k];
			N(stay->phase); N(stay->layout); T(stay->worker);
			dump_reals(out, "history", &stay->history);
		}
	}
	for (size_t i = 0; i < m->worker_count; i++) {
		const struct worker *w = &m->workers[i];
		T(w->id); T(w->runner); T(w->name); T(w->state); T(w->reason); T(w->status); T(w->remedy); T(w->arch); T(w->place);
		R(w->noise_percent); R(w->usd_per_hour); R(w->age); N(w->since); R(w->usd); N(w->accrued); T(w->last_line); N(w->admitted);
		N(w->running); N(w->round); N(w->round_wave); N(w->rounds_done); N(w->rounds_wave); N(w->admission_round); T(w->order);
		dump_reals(out, "history", &w->history);
		dump_reals(out, "admission", &w->admission);
		N(w->use.since); N(w->use.now); N(w->use.is_paid);
		for (int u = 0; u < USE_COUNT; u++)
			R(w->use.seconds[u]);
	}
	for (size_t i = 0; i < m->viewer_count; i++) {
		T(m->viewers[i].id); T(m->viewers[i].role);
	}
	for (size_t i = 0; i < m->activity_count; i++) {
		const struct activity *a = &m->activity[i];
		N(a->seq); N(a->time); N(a->kind); T(a->text); T(a->proposal);
	}
}

static void dump(struct buf *out, const struct model *m)
{
	N(m->seq); N(m->time); N(m->unknown); N(m->state); T(m->session); T(m->target); T(m->branch); T(m->metric); T(m->unit); T(m->harness);
	T(m->runner); T(m->agent); T(m->ended_reason); T(m->pause_reason); N(m->lower_is_better); N(m->opened); N(m->ended); N(m->seed);
	N(m->autonomy); R(m->window); R(m->hours); R(m->limit_usd); R(m->vm_usd); R(m->api_usd); N(m->wave_size); T(m->agent_state); T(m->agent_text);
	T(m->baseline); T(m->notice); T(m->last_alert); N(m->alert_time);
	buf_puts(out, " judged=");
	for (size_t i = 0; i < m->judged_count; i++)
		buf_puts(out, m->judged[i].is_kept ? "+" : "-");
	buf_putc(out, '\n');
	for (size_t i = 0; i < m->proposal_count; i++)
		dump_proposal(out, &m->proposals[i]);
	dump_runs(out, m);
	dump_rest(out, m);
}
#undef T
#undef N
#undef R

static void begin(struct story *s)
{
	*s = (struct story){0};
	model_init(&s->live);
	STATE(s, .kind = EVENT_SESSION_OPENED, .session = "2026-11-21-kernels", .target = "/src/kernels", .branch = "autoresearch/2026-11-21-kernels",
	      .metric = "tps", .unit = "t/s", .direction = "higher", .harness = "h", .runner = "local", .agent = "patches", .seed = 11);
	STATE(s, .kind = EVENT_BASELINE_SET, .commit = "b0");
	STATE(s, .kind = EVENT_SETTINGS, .size = 4, .window = 60, .limit_usd = 30);
	STATE(s, .kind = EVENT_AUTONOMY_SET, .autonomy = "manual");
}

/* Reads the journal back, and compares. */
static void end(struct story *s)
{
	struct model again;
	struct buf live = {0}, folded = {0};
	model_init(&again);
	for (size_t i = 0; i < s->journal.count; i++) {
		struct event ev;
		struct err err;
		assert_ok(event_parse(&ev, s->journal.at[i], strlen(s->journal.at[i]), &err), &err);
		model_apply(&again, &ev);
		event_release(&ev);
	}
	dump(&live, &s->live);
	dump(&folded, &again);
	size_t same = 0;
	while (same < live.len && same < folded.len && live.data[same] == folded.data[same])
		same++;
	if (live.len != folded.len || same < live.len)
		fail_msg("the journal gives another model: …%.200s…\ninstead of …%.200s…", folded.data + (same > 60 ? same - 60 : 0),
			 live.data + (same > 60 ? same - 60 : 0));
	buf_release(&live);
	buf_release(&folded);
	model_release(&again);
	model_release(&s->live);
	strings_release(&s->journal);
}

static struct proposal *proposal(struct story *s, const char *id)
{
	struct proposal *p = model_proposal(&s->live, id);
	assert_non_null(p);
	return p;
}

#define assert_state(s, id, wanted) assert_string_equal(proposal_state_name(proposal(s, id)->state), wanted)

static void propose(struct story *s, const char *id, int rev)
{
	char commit[32];
	const char *sources[] = { "s1" };
	snprintf(commit, sizeof commit, "%s-%d", id, rev);
	STATE(s, .kind = EVENT_PROPOSAL_SUBMITTED, .by = "agent patches", .proposal = id, .rev = rev, .commit = commit, .title = "fuse", .idea = "i1",
	      .agent = "patches", .author = "Ada <ada@example.org>", .origin = "0001.patch abc", .baseline = s->live.baseline, .files = 2,
	      .added = 41, .removed = 18, .sources = { (char **)sources, 1, 1 });
}

static void approve(struct story *s, const char *id)
{
	STATE(s, .kind = EVENT_APPROVED, .by = "user ada", .proposal = id, .rev = 1);
}

static void start_wave(struct story *s, int number, const char **ids, size_t count)
{
	STATE(s, .kind = EVENT_WAVE_STARTED, .wave = number, .baseline = s->live.baseline, .proposals = { (char **)ids, count, count }, .seed = 5, .alpha = 0.0025);
}

static void worker_ready(struct story *s)
{
	STATE(s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .runner = "local", .name = "cpu 1", .state = "starting", .noise_percent = NAN, .usd_per_hour = 0);
	STATE(s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "ready", .noise_percent = 0.5, .usd_per_hour = NAN);
}

static void measure(struct story *s, const char *run, const char *arm, int wave, int round, double value)
{
	struct metrics metrics = {0};
	char log[] = "logs/x.log";
	metrics_add(&metrics, "tps", value);
	metrics_add(&metrics, "pp", 10 * value);
	STATE(s, .kind = EVENT_RUN_STARTED, .run = run, .worker = "w1", .arm = arm, .rev = 1, .step = "measure", .round = round, .wave = wave, .layout = 1);
	STATE(s, .kind = EVENT_RUN_ENDED, .run = run, .status = "ok", .seconds = 0.5, .metrics = metrics, .log = { log, 44, 2 });
	metrics_release(&metrics);
}

static void pair(struct story *s, const char *id, int round, double value, double base)
{
	STATE(s, .kind = EVENT_EVIDENCE, .proposal = id, .worker = "w1", .round = round, .phase = 1, .ratio = log(value / base), .value = value,
	      .base_value = base, .pairs = round, .evidence = 10 * round, .needed = 400, .change_percent = 100 * (value / base - 1), .low = NAN, .high = NAN);
}

static void verdict(struct story *s, const char *id, const char *word, double change)
{
	const char *workers[] = { "w1" };
	STATE(s, .kind = EVENT_VERDICT, .proposal = id, .rev = 1, .verdict = word, .pairs = isnan(change) ? 0 : 2, .change_percent = change, .low = change - 1,
	      .high = change + 1, .shrunk_percent = change * 0.9, .evidence = isnan(change) ? NAN : 412, .needed = isnan(change) ? NAN : 400,
	      .workers = { (char **)workers, isnan(change) ? 0 : 1, 1 }, .reason = isnan(change) ? "no run was made" : NULL);
}

static void a_session_opens_pauses_and_ends(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	assert_int_equal(s.live.state, SESSION_OPEN);
	assert_string_equal(s.live.session, "2026-11-21-kernels");
	assert_string_equal(s.live.baseline, "b0");
	assert_true(s.live.window == 60 && s.live.limit_usd == 30 && s.live.wave_size == 4 && s.live.seed == 11 && !s.live.lower_is_better);
	STATE(&s, .kind = EVENT_PAUSED, .by = "user ada", .reason = "lunch");
	assert_int_equal(s.live.state, SESSION_PAUSED);
	assert_string_equal(s.live.pause_reason, "lunch");
	STATE(&s, .kind = EVENT_RESUMED);
	assert_int_equal(s.live.state, SESSION_OPEN);
	assert_null(s.live.pause_reason);
	STATE(&s, .kind = EVENT_SESSION_ENDED, .reason = "done");
	STATE(&s, .kind = EVENT_RESUMED);	/* changes nothing any more */
	STATE(&s, .kind = EVENT_PAUSED);
	assert_int_equal(s.live.state, SESSION_ENDED);
	assert_string_equal(session_state_name(&s.live, 0), "ended");
	end(&s);
}

static void session_states_depend_on_the_engine(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	assert_string_equal(session_state_name(&s.live, 1), "running");
	assert_string_equal(session_state_name(&s.live, 0), "stopped");
	STATE(&s, .kind = EVENT_PAUSED);
	assert_string_equal(session_state_name(&s.live, 1), "paused");
	end(&s);
}

static void facts_about_the_session(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_SPENT, .usd = 1.25, .what = "vm w1");
	STATE(&s, .kind = EVENT_SPENT, .usd = 0.1, .what = "api ideas");
	STATE(&s, .kind = EVENT_SPENT, .usd = NAN, .what = "vm w1");
	assert_true(s.live.vm_usd == 1.25 && s.live.api_usd == 0.1 && spent_usd(&s.live, s.live.time) == 1.35);
	STATE(&s, .kind = EVENT_ALERT, .text = "look here");
	assert_string_equal(s.live.last_alert, "look here");
	STATE(&s, .kind = EVENT_AGENT_CHANGED, .agent = "patches", .state = "failed", .text = "no folder");
	assert_string_equal(s.live.agent_state, "failed");
	STATE(&s, .kind = EVENT_METRIC_SET, .metric = "pp");
	assert_string_equal(s.live.metric, "pp");
	STATE(&s, .kind = EVENT_VIEWER_JOINED, .viewer = "ada#1", .role = "driver");
	STATE(&s, .kind = EVENT_VIEWER_JOINED, .viewer = "bob#2", .role = "observer");
	STATE(&s, .kind = EVENT_VIEWER_LEFT, .viewer = "ada#1");
	STATE(&s, .kind = EVENT_VIEWER_LEFT, .viewer = "nobody#9");
	assert_int_equal(s.live.viewer_count, 1);
	assert_string_equal(s.live.viewers[0].id, "bob#2");
	STATE(&s, .kind = EVENT_STEERED, .by = "user ada", .text = "mind the cache");
	assert_string_equal(s.live.activity[s.live.activity_count - 1].text, "steered by user ada: mind the cache");
	end(&s);
}

static void sources_and_ideas_are_added_once(void **state)
{
	struct story s;
	const char *cites[] = { "s1", "arXiv:2205.14135" };
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_SOURCE_ADDED, .source = "s1", .type = "paper", .title = "FlashAttention", .id = "arXiv:2205.14135", .url = "https://x");
	STATE(&s, .kind = EVENT_SOURCE_ADDED, .source = "s1", .type = "note", .title = "another");
	assert_int_equal(s.live.source_count, 1);
	assert_string_equal(s.live.sources[0].status, "found");
	assert_ptr_equal(model_source(&s.live, "arXiv:2205.14135"), &s.live.sources[0]);
	STATE(&s, .kind = EVENT_SOURCE_CHANGED, .source = "s1", .status = "used");
	STATE(&s, .kind = EVENT_SOURCE_CHANGED, .source = "s9", .status = "used");
	assert_string_equal(s.live.sources[0].status, "used");
	STATE(&s, .kind = EVENT_IDEA_ADDED, .idea = "i1", .title = "tiles", .expected = "+3 %", .sources = { (char **)cites, 2, 2 });
	STATE(&s, .kind = EVENT_IDEA_ADDED, .idea = "i1", .title = "again");
	assert_int_equal(s.live.idea_count, 1);
	assert_int_equal(model_idea(&s.live, "i1")->sources.count, 2);
	end(&s);
}

static void a_proposal_waits_and_is_approved(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	propose(&s, "p1", 1);
	const struct proposal *p = proposal(&s, "p1");
	assert_state(&s, "p1", "waiting");
	assert_true(proposal_needs_human(p));
	assert_int_equal(p->rev, 1);
	assert_string_equal(proposal_commit(p), "p1-1");
	assert_string_equal(p->revisions[0].base, "b0");
	assert_true(isnan(p->change_percent));
	approve(&s, "p1");
	assert_state(&s, "p1", "approved");
	assert_string_equal(p->approved_by, "user ada");
	assert_string_equal(p->decision, "approved");
	assert_false(proposal_needs_human(p));
	end(&s);
}

static void the_guard_stops_and_a_human_waives(void **state)
{
	struct story s;
	const char *reasons[] = { "bench.c is protected", "over 400 lines" };
	(void)state;
	begin(&s);
	propose(&s, "p1", 1);
	STATE(&s, .kind = EVENT_GUARD_STOPPED, .proposal = "p1", .rev = 1, .reasons = { (char **)reasons, 2, 2 });
	assert_state(&s, "p1", "stopped");
	assert_int_equal(proposal(&s, "p1")->reasons.count, 2);
	STATE(&s, .kind = EVENT_GUARD_WAIVED, .by = "user ada", .proposal = "p1", .rev = 1, .reason = "I know");
	assert_state(&s, "p1", "waiting");
	assert_true(proposal(&s, "p1")->waived);
	propose(&s, "p1", 2);	/* the guard looks anew */
	assert_false(proposal(&s, "p1")->waived);
	assert_int_equal(proposal(&s, "p1")->reasons.count, 0);
	end(&s);
}

static void a_conflict_belongs_to_its_revision(void **state)
{
	struct story s;
	const char *reasons[] = { "too long" };
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_PROPOSAL_CONFLICT, .proposal = "p1", .rev = 1, .text = "src/a.c: hunk 1\n@@ -1 +1 @@", .title = "broken");
	assert_state(&s, "p1", "conflict");
	assert_null(proposal_commit(proposal(&s, "p1")));
	assert_non_null(strstr(proposal(&s, "p1")->conflict, "hunk 1"));
	propose(&s, "p1", 2);
	assert_state(&s, "p1", "waiting");
	assert_null(proposal(&s, "p1")->conflict);
	STATE(&s, .kind = EVENT_GUARD_STOPPED, .proposal = "p1", .rev = 2, .reasons = { (char **)reasons, 1, 1 });
	STATE(&s, .kind = EVENT_GUARD_WAIVED, .by = "user ada", .proposal = "p1", .rev = 2);
	approve(&s, "p1");
	verdict(&s, "p1", "keep", 5);
	STATE(&s, .kind = EVENT_PROPOSAL_CONFLICT, .proposal = "p1", .rev = 3, .text = "no longer applies", .title = "fuse");
	const struct proposal *p = proposal(&s, "p1");
	assert_int_equal(p->rev, 3);
	assert_null(proposal_commit(p));
	assert_string_equal(proposal_revision(p, 2)->commit, "p1-2");
	assert_int_equal(p->reasons.count, 0);		/* the guard's and the judge's words were about another revision */
	assert_false(p->waived);
	assert_int_equal(p->verdict, VERDICT_NONE);
	assert_null(best_proposal(&s.live));
	end(&s);
}

static void vetoes_and_changes_asked_for(void **state)
{
	struct story s;
	char file[] = "src/a.c", why[] = "why?", all[] = "all";
	struct comment at[] = { { file, 12, why, NULL }, { NULL, 0, all, NULL } };
	(void)state;
	begin(&s);
	propose(&s, "p1", 1);
	STATE(&s, .kind = EVENT_REVISION_ASKED, .by = "user ada", .proposal = "p1", .rev = 1, .comments = { at, 2, 2 });
	const struct proposal *p = proposal(&s, "p1");
	assert_state(&s, "p1", "revising");
	assert_string_equal(p->decision, "revise");
	assert_string_equal(p->comments.at[0].by, "user ada");
	propose(&s, "p1", 2);
	assert_state(&s, "p1", "waiting");
	assert_null(p->decision);
	assert_int_equal(p->comments.count, 2);		/* what was said stays */
	STATE(&s, .kind = EVENT_VETOED, .by = "user bob", .proposal = "p1", .reason = "no");
	assert_state(&s, "p1", "vetoed");
	assert_string_equal(p->decided_by, "user bob");
	assert_string_equal(p->decision_reason, "no");
	verdict(&s, "p1", "keep", 3);			/* a measurement that ends late does not undo it */
	assert_state(&s, "p1", "vetoed");
	assert_null(best_proposal(&s.live));
	propose(&s, "p2", 1);
	STATE(&s, .kind = EVENT_CANCELLED, .by = "user ada", .proposal = "p2");
	assert_state(&s, "p2", "cancelled");
	STATE(&s, .kind = EVENT_RETRIED, .by = "user ada", .proposal = "p2", .rev = 1);
	assert_state(&s, "p2", "waiting");		/* it never passed the gate */
	approve(&s, "p2");
	STATE(&s, .kind = EVENT_CANCELLED, .by = "user ada", .proposal = "p2");
	STATE(&s, .kind = EVENT_RETRIED, .by = "user ada", .proposal = "p2", .rev = 1);
	assert_state(&s, "p2", "approved");
	end(&s);
}

static void proposals_are_found_whatever_their_order(void **state)
{
	struct story s;
	static const char *const ids[] = { "p3", "p2", "p1", "p7", "p4000000000" };
	(void)state;
	begin(&s);
	for (size_t i = 0; i < 5; i++) {
		assert_null(model_proposal(&s.live, ids[i]));
		propose(&s, ids[i], 1);
		propose(&s, ids[i], 2);
		assert_int_equal(s.live.proposal_count, i + 1);
	}
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(proposal(&s, ids[i]), &s.live.proposals[i]);
	propose(&s, "base", 1);
	propose(&s, "p0", 1);
	STATE(&s, .kind = EVENT_PROPOSAL_CONFLICT, .proposal = "px", .rev = 1, .text = "hunk 1", .title = "broken");
	assert_int_equal(s.live.proposal_count, 5);	/* these are no ids of proposals */
	assert_null(model_proposal(&s.live, "base"));
	end(&s);
}

static void time_passes_gates_only_under_auto(void **state)
{
	struct story s;
	const char *reasons[] = { "too long" };
	(void)state;
	begin(&s);
	propose(&s, "p1", 1);
	const struct proposal *p = proposal(&s, "p1");
	assert_int_equal(proposal_waits_until(&s.live, p), 0);
	state_at(&s, 100, (struct event){ .kind = EVENT_AUTONOMY_SET, .autonomy = "auto" });
	assert_int_equal(proposal_waits_until(&s.live, p), at_second(160));	/* the countdown begins with its mode */
	STATE(&s, .kind = EVENT_PAUSED);
	assert_int_equal(proposal_waits_until(&s.live, p), 0);
	STATE(&s, .kind = EVENT_RESUMED);
	propose(&s, "p2", 1);
	STATE(&s, .kind = EVENT_GUARD_STOPPED, .proposal = "p2", .rev = 1, .reasons = { (char **)reasons, 1, 1 });
	assert_int_equal(proposal_waits_until(&s.live, proposal(&s, "p2")), 0);
	approve(&s, "p1");
	assert_int_equal(proposal_waits_until(&s.live, p), 0);
	assert_int_equal(count_needs_human(&s.live), 1);
	STATE(&s, .kind = EVENT_SESSION_ENDED);
	assert_int_equal(count_needs_human(&s.live), 0);
	end(&s);
}

static void workers_are_admitted_and_learn(void **state)
{
	struct story s;
	double magnitudes[] = { 0.01, 0.02 };
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .runner = "local", .name = "cpu 1", .state = "starting", .noise_percent = NAN, .usd_per_hour = 0);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "admitting", .noise_percent = NAN, .usd_per_hour = NAN);
	STATE(&s, .kind = EVENT_ADMISSION_PAIR, .worker = "w1", .round = 1, .ratio = -0.004);
	const struct worker *w = model_worker(&s.live, "w1");
	assert_int_equal(w->admission.count, 1);
	assert_true(w->history.count == 1 && w->history.at[0] == 0.004);
	assert_false(w->admitted);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "ready", .noise_percent = 0.4, .usd_per_hour = NAN);
	assert_true(w->admitted && w->noise_percent == 0.4 && w->usd_per_hour == 0);
	STATE(&s, .kind = EVENT_SCALE_LEARNED, .worker = "w1", .magnitudes = { magnitudes, 2, 2 });
	assert_int_equal(w->history.count, 3);
	for (int i = 0; i < 100; i++)
		STATE(&s, .kind = EVENT_SCALE_LEARNED, .worker = "w1", .magnitudes = { magnitudes, 1, 1 });
	assert_int_equal(w->history.count, HISTORY_MAX);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "quarantined", .noise_percent = 7, .usd_per_hour = NAN, .reason = "noisy");
	assert_false(w->admitted);
	assert_int_equal(w->admission.count, 0);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = NULL, .state = "ready");
	STATE(&s, .kind = EVENT_ADMISSION_PAIR, .worker = "w9", .round = 1, .ratio = 1);
	assert_int_equal(s.live.worker_count, 1);
	end(&s);
}

static void a_vm_costs_while_it_is_up(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	state_at(&s, 1000, (struct event){ .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .runner = "sky", .state = "starting", .noise_percent = NAN, .usd_per_hour = 3.6 });
	state_at(&s, 2000, (struct event){ .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "ready", .noise_percent = NAN, .usd_per_hour = NAN });
	const struct worker *w = model_worker(&s.live, "w1");
	assert_true(fabs(worker_usd(w, at_second(2500)) - 1.5) < 1e-9);
	assert_true(fabs(hourly_usd(&s.live) - 3.6) < 1e-9);
	state_at(&s, 3000, (struct event){ .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "down", .noise_percent = NAN, .usd_per_hour = NAN });
	assert_true(fabs(worker_usd(w, at_second(8000)) - 2.0) < 1e-9);
	assert_true(hourly_usd(&s.live) == 0);
	state_at(&s, 9000, (struct event){ .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "starting", .noise_percent = NAN, .usd_per_hour = NAN });
	assert_true(fabs(w->usd - 2.0) < 1e-9);
	end(&s);
}

/* What the provider bills replaces what the price said until then; after it the price goes on from there. */
static void a_bill_counts_more_than_the_price(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	state_at(&s, 1000, (struct event){ .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .runner = "sky", .state = "ready", .noise_percent = NAN, .usd_per_hour = 3.6 });
	state_at(&s, 2000, (struct event){ .kind = EVENT_WORKER_CHANGED, .age = NAN, .usd = 0.75, .worker = "w1", .state = "ready", .noise_percent = NAN, .usd_per_hour = NAN });
	const struct worker *w = model_worker(&s.live, "w1");
	assert_true(worker_usd(w, at_second(2000)) == 0.75);
	assert_true(fabs(worker_usd(w, at_second(3000)) - 1.75) < 1e-9);
	STATE(&s, .kind = EVENT_SPENT, .usd = 0.5, .what = "api patches");
	STATE(&s, .kind = EVENT_SPENT, .usd = 0.25, .what = "vm earlier");
	assert_true(fabs(vm_usd(&s.live, at_second(3000)) - 2) < 1e-9);
	assert_true(fabs(spent_usd(&s.live, at_second(3000)) - 2.5) < 1e-9);
	end(&s);
}

/* Where it is and of what kind stays known; how old its status is, why, and what would help are the last event's own. */
static void what_a_provider_says_of_a_vm(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, .usd = NAN, .age = 42, .worker = "w1", .runner = "sky", .state = "lost", .noise_percent = NAN, .usd_per_hour = 0.34,
	      .status = "INIT", .arch = "x86", .place = "us-east-1a", .reason = "preempted", .remedy = "retry down");
	const struct worker *w = model_worker(&s.live, "w1");
	assert_string_equal(w->remedy, "retry down");
	assert_true(w->age == 42);
	int64_t since = w->since;
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "lost", .noise_percent = NAN, .usd_per_hour = NAN);
	assert_null(w->remedy);
	assert_null(w->reason);
	assert_true(isnan(w->age) && w->since == since);
	assert_string_equal(w->status, "INIT");
	assert_string_equal(w->arch, "x86");
	assert_string_equal(w->place, "us-east-1a");
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "starting", .noise_percent = NAN, .usd_per_hour = NAN, .status = "UP");
	assert_string_equal(w->status, "UP");
	assert_true(w->since > since);
	end(&s);
}

/* Its own log's tail shows while it comes up, and leaves no trace. */
static void a_vm_says_how_it_comes_up(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .runner = "sky", .state = "starting", .noise_percent = NAN, .usd_per_hour = NAN);
	model_tail(&s.live, "w1", 3, 99, "Launching 1 instance");
	assert_string_equal(model_worker(&s.live, "w1")->last_line, "Launching 1 instance");
	STATE(&s, .kind = EVENT_WORKER_CHANGED, NO_BILL, .worker = "w1", .state = "admitting", .noise_percent = NAN, .usd_per_hour = NAN);
	assert_null(model_worker(&s.live, "w1")->last_line);
	end(&s);
}

static void a_wave_may_be_of_single_runs(void **state)
{
	struct story s;
	const char *ids[] = { "p1" };
	(void)state;
	begin(&s);
	start_wave(&s, 1, ids, 1);
	STATE(&s, .kind = EVENT_WAVE_STARTED, .wave = 2, .baseline = "b0", .proposals = { (char **)ids, 1, 1 }, .seed = 5, .alpha = 0.0025, .mode = "single");
	assert_false(model_wave(&s.live, 1)->is_single);
	assert_true(model_wave(&s.live, 2)->is_single);
	end(&s);
}

static void runs_start_once_and_end(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	worker_ready(&s);
	measure(&s, "r1", "base", 0, 1, 100);
	STATE(&s, .kind = EVENT_RUN_STARTED, .run = "r2", .worker = "w1", .arm = "null", .step = "measure", .round = 1, .wave = 1);
	const struct run *r = model_run(&s.live, "r2");
	assert_ptr_equal(worker_run(&s.live, model_worker(&s.live, "w1")), r);
	assert_null(r->status);
	STATE(&s, .kind = EVENT_RUN_STARTED, .run = "r2", .worker = "w1", .arm = "p9", .step = "build", .wave = 7);	/* an id starts once */
	assert_string_equal(r->arm, "null");
	STATE(&s, .kind = EVENT_RUN_ENDED, .run = "r2", .status = "failed", .exit = 3, .seconds = 0.1, .reason = "benchmark failed (exit 3)");
	assert_true(r->exit == 3 && !r->has_log && isnan(r->value));
	assert_null(worker_run(&s.live, model_worker(&s.live, "w1")));
	assert_true(model_run(&s.live, "r1")->value == 100);
	assert_true(metric_median(metrics_find(model_run(&s.live, "r1")->metrics, "pp")) == 1000);
	STATE(&s, .kind = EVENT_RUN_ENDED, .run = "r99", .status = "ok");
	STATE(&s, .kind = EVENT_RUN_STARTED, .run = "x", .worker = "w1", .step = "build");
	assert_int_equal(s.live.run_count, 2);
	assert_null(model_run(&s.live, "r3"));
	end(&s);
}

/* A tail is beside the events: a model that got one is the one of the journal again when the run ends. */
static void tails_leave_no_trace(void **state)
{
	struct story s;
	char log[] = "logs/r1.log";
	(void)state;
	begin(&s);
	worker_ready(&s);
	STATE(&s, .kind = EVENT_RUN_STARTED, .run = "r1", .worker = "w1", .arm = "base", .step = "build", .wave = 1);
	model_tail(&s.live, "r1", 12, 400, "cc src/a.c");
	assert_string_equal(model_run(&s.live, "r1")->last_line, "cc src/a.c");
	assert_int_equal(model_run(&s.live, "r1")->log_lines, 12);
	STATE(&s, .kind = EVENT_RUN_ENDED, .run = "r1", .status = "ok", .seconds = 2, .log = { log, 500, 14 });
	model_tail(&s.live, "r1", 99, 999, "late");
	model_tail(&s.live, "r7", 1, 1, "of nobody");
	assert_null(model_run(&s.live, "r1")->last_line);
	assert_int_equal(model_run(&s.live, "r1")->log_lines, 14);
	end(&s);
}

static void the_level_counts_what_is_surely_of_its_horizon(void **state)
{
	struct story s;
	const char *first[] = { "p1", "p2" }, *second[] = { "p3" }, *third[] = { "p4" };
	(void)state;
	begin(&s);
	worker_ready(&s);
	for (int i = 0; i < 4; i++) {
		char id[] = { 'p', (char)('1' + i), '\0' };
		propose(&s, id, 1);
		approve(&s, id);
	}
	start_wave(&s, 1, first, 2);
	start_wave(&s, 2, second, 1);
	verdict(&s, "p1", "keep", 8);
	assert_int_equal(count_kept_in_horizon(&s.live, 40, 1), 1);
	assert_int_equal(count_kept_in_horizon(&s.live, 4, 1), 1);
	assert_int_equal(count_kept_in_horizon(&s.live, 4, 2), 0);	/* with the two that are under way one of them is beyond it */
	verdict(&s, "p2", "reject", -1);
	assert_int_equal(count_kept_in_horizon(&s.live, 2, 1), 0);
	verdict(&s, "p3", "keep", 8);
	assert_int_equal(count_kept_in_horizon(&s.live, 2, 1), 0);	/* it began in the horizon before */
	assert_int_equal(count_kept_in_horizon(&s.live, 40, 1), 2);
	start_wave(&s, 3, third, 1);
	assert_int_equal(count_kept_in_horizon(&s.live, 0, 1), 0);
	end(&s);
}

static void a_wave_measures_and_a_winner_lands(void **state)
{
	struct story s;
	const char *ids[] = { "p1", "p2" };
	(void)state;
	begin(&s);
	worker_ready(&s);
	propose(&s, "p1", 1);
	propose(&s, "p2", 1);
	approve(&s, "p1");
	approve(&s, "p2");
	start_wave(&s, 1, ids, 2);
	assert_state(&s, "p1", "queued");
	assert_int_equal(current_wave(&s.live)->number, 1);
	STATE(&s, .kind = EVENT_PHASE_STARTED, .wave = 1, .phase = 1, .worker = "w1", .layout = 1);
	STATE(&s, .kind = EVENT_ROUND_STARTED, .round = 1, .worker = "w1", .wave = 1, .phase = 1, .order = "base p2 p1");
	assert_string_equal(model_worker(&s.live, "w1")->order, "base p2 p1");
	measure(&s, "r1", "base", 1, 1, 100);
	measure(&s, "r2", "p2", 1, 1, 99);
	assert_state(&s, "p2", "running");
	measure(&s, "r3", "p1", 1, 1, 110);
	pair(&s, "p1", 1, 110, 100);
	pair(&s, "p2", 1, 99, 100);
	measure(&s, "r4", "base", 1, 2, 102);
	measure(&s, "r5", "p1", 1, 2, 108);
	pair(&s, "p1", 2, 108, 102);
	const struct proposal *p = proposal(&s, "p1");
	struct spread own = proposal_spread(p), base = proposal_base_spread(p);
	assert_true(own.n == 2 && own.mean == 109 && fabs(own.sd - sqrt(2)) < 1e-12 && own.low == 108 && own.high == 110);
	assert_true(base.mean == 101);
	assert_int_equal(baseline_spread(&s.live).n, 2);
	assert_true(proposal_secondary(&s.live, p, "pp") == 1090);
	assert_true(p->evidence == 20 && p->needed == 400);
	verdict(&s, "p2", "reject", -1);
	verdict(&s, "p1", "keep", 8);
	assert_state(&s, "p2", "done");
	assert_state(&s, "p1", "signing");
	assert_true(p->change_percent == 8 && p->low == 7 && p->high == 9 && p->evidence == 412);
	assert_int_equal(s.live.judged_count, 2);
	assert_true(!s.live.judged[0].is_kept && s.live.judged[1].is_kept);
	STATE(&s, .kind = EVENT_WAVE_ENDED, .wave = 1);
	assert_null(current_wave(&s.live));
	assert_ptr_equal(best_proposal(&s.live), p);
	STATE(&s, .kind = EVENT_SIGNED, .by = "user ada", .proposal = "p1", .rev = 1);
	assert_false(proposal_needs_human(p));
	STATE(&s, .kind = EVENT_LANDED, .proposal = "p1", .commit = "c1", .branch = "autoresearch/x");
	STATE(&s, .kind = EVENT_BASELINE_SET, .commit = "c1");
	assert_state(&s, "p1", "landed");
	assert_string_equal(p->landed, "c1");
	assert_string_equal(p->signed_by, "user ada");
	assert_true(fabs(landed_percent(&s.live) - 8) < 1e-9);
	assert_int_equal(baseline_spread(&s.live).n, 0);	/* of the new one nothing is known yet */
	end(&s);
}

static void other_winners_are_measured_again(void **state)
{
	struct story s;
	const char *ids[] = { "p1", "p2" }, *second[] = { "p2" };
	(void)state;
	begin(&s);
	worker_ready(&s);
	propose(&s, "p1", 1);
	propose(&s, "p2", 1);
	approve(&s, "p1");
	approve(&s, "p2");
	start_wave(&s, 1, ids, 2);
	pair(&s, "p2", 1, 105, 100);
	verdict(&s, "p2", "keep", 5);
	STATE(&s, .kind = EVENT_SIGNED, .by = "user ada", .proposal = "p2", .rev = 1);
	STATE(&s, .kind = EVENT_LANDED, .proposal = "p1", .commit = "c1");
	STATE(&s, .kind = EVENT_BASELINE_SET, .commit = "c1");
	propose(&s, "p2", 2);
	STATE(&s, .kind = EVENT_APPROVED, .by = "engine", .proposal = "p2", .rev = 2);
	const struct proposal *p = proposal(&s, "p2");
	assert_string_equal(p->approved_by, "user ada");	/* its approval was a human's and holds */
	assert_int_equal(p->verdict, VERDICT_NONE);
	assert_int_equal(p->pair_count, 0);
	assert_true(isnan(p->change_percent) && isnan(p->evidence));
	assert_false(p->asked_to_sign);				/* but a new signature is needed */
	start_wave(&s, 2, second, 1);
	assert_string_equal(p->baseline, "c1");
	assert_int_equal(p->wave, 2);
	verdict(&s, "p2", "keep", 2);
	assert_true(proposal_needs_human(p));
	end(&s);
}

static void a_verdict_without_a_run_counts_for_nothing(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	propose(&s, "p1", 1);
	approve(&s, "p1");
	verdict(&s, "p1", "same", NAN);
	assert_state(&s, "p1", "done");
	assert_int_equal(proposal(&s, "p1")->verdict, VERDICT_SAME);
	assert_int_equal(s.live.judged_count, 0);
	assert_string_equal(proposal(&s, "p1")->verdict_reason, "no run was made");
	end(&s);
}

static void a_landing_that_fails_says_where_it_goes(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	for (int i = 1; i <= 2; i++) {
		const char *id = i == 1 ? "p1" : "p2";
		propose(&s, id, 1);
		approve(&s, id);
		verdict(&s, id, "keep", 5);
		STATE(&s, .kind = EVENT_SIGNED, .by = "user ada", .proposal = id, .rev = 1);
	}
	STATE(&s, .kind = EVENT_LANDING_FAILED, .proposal = "p1", .state = "conflict", .reason = "src/a.c: does not apply");
	assert_state(&s, "p1", "conflict");
	assert_string_equal(proposal(&s, "p1")->conflict, "src/a.c: does not apply");
	STATE(&s, .kind = EVENT_LANDING_FAILED, .proposal = "p2", .state = "done", .verdict = "checks-failed", .reason = "exit 1", .run = "r7");
	assert_state(&s, "p2", "done");
	assert_int_equal(proposal(&s, "p2")->verdict, VERDICT_CHECKS_FAILED);
	assert_string_equal(proposal(&s, "p2")->verdict_run, "r7");
	assert_string_equal(proposal(&s, "p2")->landing_problem, "exit 1");
	assert_false(proposal(&s, "p2")->asked_to_sign);
	STATE(&s, .kind = EVENT_RETRIED, .by = "user ada", .proposal = "p2", .rev = 1);
	assert_int_equal(proposal(&s, "p2")->verdict, VERDICT_NONE);
	assert_null(proposal(&s, "p2")->landing_problem);
	end(&s);
}

/* kill -9 in a round: the next engine closes the run as lost, voids the round, and goes on with the next number. */
static void a_restart_voids_the_round_that_was_open(void **state)
{
	struct story s;
	const char *ids[] = { "p1" };
	(void)state;
	begin(&s);
	worker_ready(&s);
	propose(&s, "p1", 1);
	approve(&s, "p1");
	start_wave(&s, 1, ids, 1);
	STATE(&s, .kind = EVENT_PHASE_STARTED, .wave = 1, .phase = 1, .worker = "w1", .layout = 1);
	STATE(&s, .kind = EVENT_ROUND_STARTED, .round = 1, .worker = "w1", .wave = 1, .phase = 1, .order = "base p1");
	measure(&s, "r1", "base", 1, 1, 100);
	measure(&s, "r2", "p1", 1, 1, 110);
	pair(&s, "p1", 1, 110, 100);
	STATE(&s, .kind = EVENT_ROUND_STARTED, .round = 2, .worker = "w1", .wave = 1, .phase = 1, .order = "p1 base");
	measure(&s, "r3", "p1", 1, 2, 500);
	STATE(&s, .kind = EVENT_RUN_STARTED, .run = "r4", .worker = "w1", .arm = "base", .step = "measure", .round = 2, .wave = 1);
	assert_int_equal(model_worker(&s.live, "w1")->round, 2);
	STATE(&s, .kind = EVENT_RUN_ENDED, .run = "r4", .status = "lost", .seconds = NAN, .reason = "the engine ended");
	STATE(&s, .kind = EVENT_ROUND_VOIDED, .round = 2, .worker = "w1", .wave = 1, .reason = "the engine ended");
	assert_int_equal(model_worker(&s.live, "w1")->round, 0);
	assert_true(model_run(&s.live, "r3")->voided && model_run(&s.live, "r4")->voided);
	assert_false(model_run(&s.live, "r1")->voided || model_run(&s.live, "r2")->voided);
	assert_true(proposal_secondary(&s.live, proposal(&s, "p1"), "pp") == 1100);	/* what is void does not count */
	STATE(&s, .kind = EVENT_PHASE_STARTED, .wave = 1, .phase = 1, .worker = "w1", .layout = 1);
	measure(&s, "r5", "base", 1, 2, 100);
	measure(&s, "r6", "p1", 1, 2, 112);
	pair(&s, "p1", 2, 112, 100);
	assert_int_equal(proposal(&s, "p1")->pair_count, 2);
	assert_int_equal(proposal(&s, "p1")->pairs[1].stay, 1);
	assert_int_equal(model_worker(&s.live, "w1")->rounds_done, 2);
	end(&s);
}

static void a_voided_admission_round_spares_waves(void **state)
{
	struct story s;
	const char *ids[] = { "p1" };
	(void)state;
	begin(&s);
	worker_ready(&s);
	propose(&s, "p1", 1);
	approve(&s, "p1");
	start_wave(&s, 1, ids, 1);
	measure(&s, "r1", "base", 1, 1, 100);
	measure(&s, "r2", "aa", 0, 1, 100);
	STATE(&s, .kind = EVENT_ROUND_VOIDED, .round = 1, .worker = "w1", .wave = 0, .reason = "x");
	assert_true(model_run(&s.live, "r2")->voided);
	assert_false(model_run(&s.live, "r1")->voided);
	end(&s);
}

/* The fold never fails: events that name what is not there change nothing but the count and the time. */
static void events_about_nothing_change_nothing(void **state)
{
	struct story s;
	const char *ids[] = { "p8" };
	(void)state;
	begin(&s);
	static const enum event_kind kinds[] = {
		EVENT_GUARD_STOPPED, EVENT_GUARD_WAIVED, EVENT_APPROVED, EVENT_VETOED, EVENT_REVISION_ASKED, EVENT_CANCELLED, EVENT_RETRIED,
		EVENT_SIGNED, EVENT_LANDED, EVENT_LANDING_FAILED, EVENT_EVIDENCE, EVENT_VERDICT, EVENT_PHASE_STARTED, EVENT_WAVE_ENDED,
		EVENT_SCALE_LEARNED, EVENT_ADMISSION_PAIR, EVENT_ROUND_STARTED, EVENT_ROUND_VOIDED, EVENT_RUN_ENDED, EVENT_SOURCE_CHANGED,
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		STATE(&s, .kind = kinds[i], .proposal = event_has(kinds[i], FIELD_proposal) ? "p9" : NULL, .worker = "w9", .run = "r9", .source = "s9", .wave = 9, NO_CHANGE);
		STATE(&s, .kind = kinds[i], NO_CHANGE);
	}
	STATE(&s, .kind = EVENT_PROPOSAL_SUBMITTED, .title = "nameless");
	STATE(&s, .kind = EVENT_PROPOSAL_CONFLICT, .title = "nameless");
	start_wave(&s, 3, ids, 1);
	assert_int_equal(s.live.proposal_count + s.live.run_count + s.live.worker_count + s.live.source_count, 0);
	assert_int_equal(s.live.wave_count, 1);
	end(&s);
}

static void unknown_kinds_are_counted(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	STATE(&s, .kind = EVENT_UNKNOWN, .kind_name = "teleported");
	assert_int_equal(s.live.unknown, 1);
	assert_int_equal(s.live.seq, 5);
	assert_int_equal(s.live.time, at_second(4));
	end(&s);
}

static void activity_is_bounded(void **state)
{
	struct story s;
	(void)state;
	begin(&s);
	for (int i = 0; i < ACTIVITY_MAX + 500; i++)
		STATE(&s, .kind = EVENT_ALERT, .text = "x");
	assert_in_range(s.live.activity_count, 1, ACTIVITY_MAX);
	assert_int_equal(s.live.activity[s.live.activity_count - 1].seq, s.live.seq);
	end(&s);
}

static void names_read_back(void **state)
{
	enum proposal_state st;
	(void)state;
	for (int i = 0; i < PROPOSAL_STATE_COUNT; i++) {
		assert_int_equal(proposal_state_parse(proposal_state_name((enum proposal_state)i), &st), 0);
		assert_int_equal(st, i);
	}
	for (int i = 0; i < VERDICT_COUNT; i++)
		assert_int_equal(verdict_parse(verdict_name((enum verdict)i)), i);
	assert_int_equal(proposal_state_parse("asleep", &st), -1);
	assert_int_equal(verdict_parse("maybe"), VERDICT_NONE);
	assert_int_equal(verdict_parse(NULL), VERDICT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_opens_pauses_and_ends),
		cmocka_unit_test(session_states_depend_on_the_engine),
		cmocka_unit_test(facts_about_the_session),
		cmocka_unit_test(sources_and_ideas_are_added_once),
		cmocka_unit_test(a_proposal_waits_and_is_approved),
		cmocka_unit_test(the_guard_stops_and_a_human_waives),
		cmocka_unit_test(a_conflict_belongs_to_its_revision),
		cmocka_unit_test(vetoes_and_changes_asked_for),
		cmocka_unit_test(proposals_are_found_whatever_their_order),
		cmocka_unit_test(time_passes_gates_only_under_auto),
		cmocka_unit_test(workers_are_admitted_and_learn),
		cmocka_unit_test(a_vm_costs_while_it_is_up),
		cmocka_unit_test(a_bill_counts_more_than_the_price),
		cmocka_unit_test(what_a_provider_says_of_a_vm),
		cmocka_unit_test(a_vm_says_how_it_comes_up),
		cmocka_unit_test(a_wave_may_be_of_single_runs),
		cmocka_unit_test(the_level_counts_what_is_surely_of_its_horizon),
		cmocka_unit_test(runs_start_once_and_end),
		cmocka_unit_test(tails_leave_no_trace),
		cmocka_unit_test(a_wave_measures_and_a_winner_lands),
		cmocka_unit_test(other_winners_are_measured_again),
		cmocka_unit_test(a_verdict_without_a_run_counts_for_nothing),
		cmocka_unit_test(a_landing_that_fails_says_where_it_goes),
		cmocka_unit_test(a_restart_voids_the_round_that_was_open),
		cmocka_unit_test(a_voided_admission_round_spares_waves),
		cmocka_unit_test(events_about_nothing_change_nothing),
		cmocka_unit_test(unknown_kinds_are_counted),
		cmocka_unit_test(activity_is_bounded),
		cmocka_unit_test(names_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
