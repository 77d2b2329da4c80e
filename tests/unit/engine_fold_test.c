/* The fold is total: a journal that was damaged, cut or written by somebody else may leave any field of any event out and
 * name anything, and still every line of it is folded, shown and asked about. Each seed is a session of random events. */
#include "tests/test.h"

#include <math.h>

#include "core/base/random.h"
#include "core/data/line.h"
#include "core/data/model.h"
#include "core/data/query.h"
#include "core/data/view.h"

enum { SESSIONS = 300, EVENTS = 400 };

static const char *const texts[] = {
	"p1", "p2", "p3", "p77", "w1", "w2", "r1", "r2", "r7", "r4294967295", "r99999999999", "base", "aa", "s1", "i1", "build", "checks", "measure",
	"ready", "busy", "admitting", "quarantined", "down", "lost", "keep", "same", "suspect", "ok", "failed", "auto", "manual", "lower", "vm",
	"signing", "conflict", "nonsense", "", "tps", "0123456789012345678901234567890123456789",
};
static const char *const numbers[] = { "0", "1", "2", "3", "-1", "0.5", "-0.02", "1e300", "-1e300", "4294967296", "9007199254740991", "null", "\"x\"" };
static const char *const others[] = { "[]", "{}", "[\"p1\",\"p2\",\"p3\",\"p1\",\"p4\",\"p5\",\"p6\"]", "[null,1,\"p1\"]", "[0.01,-1,null]", "{\"tps\":[1,2],\"x\":null}",
	"[{\"text\":\"t\"},{},{\"file\":\"f\",\"line\":-3}]", "{\"file\":\"f\",\"bytes\":-1}", "true" };

#define PICK(r, table) (table)[random_below(r, sizeof (table) / sizeof *(table))]

static void random_value(struct random *r, struct buf *out)
{
	switch (random_below(r, 5)) {
	case 0:		buf_puts(out, PICK(r, numbers)); break;
	case 1:		buf_puts(out, PICK(r, others)); break;
	default:	json_quote(out, PICK(r, texts)); break;
	}
}

/* Of the field's own kind mostly, so that events reach the bottom of their functions. */
static void likely_value(struct random *r, const char *name, struct buf *out)
{
	static const char *const own[][6] = {
		{ "proposal", "p1", "p2", "p3" }, { "worker", "w1", "w2" }, { "run", "r1", "r2", "r3", "r4" }, { "arm", "base", "p1", "p2", "aa" },
		{ "step", "build", "checks", "measure" }, { "state", "ready", "admitting", "down", "signing" }, { "commit", "c1", "c2" },
		{ "baseline", "c1", "c2" }, { "verdict", "keep", "reject", "suspect" }, { "status", "ok", "failed" }, { "metric", "tps" },
	};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (!strcmp(own[i][0], name)) {
			size_t n = 1;
			while (n < 6 && own[i][n])
				n++;
			json_quote(out, own[i][1 + random_below(r, n - 1)]);
			return;
		}
	static const char *const wholes[] = { "wave", "round", "phase", "layout", "rev", "pairs", "size" };
	for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
		if (!strcmp(wholes[i], name)) {
			buf_printf(out, "%d", (int)random_below(r, 4));
			return;
		}
	if (!strcmp(name, "proposals"))
		buf_puts(out, "[\"p1\",\"p2\"]");
	else if (!strcmp(name, "metrics"))
		buf_puts(out, "{\"tps\":3,\"x\":4}");
	else if (!strcmp(name, "log"))
		buf_puts(out, "{\"file\":\"logs/r1.log\",\"bytes\":3,\"lines\":1}");
	else
		random_value(r, out);
}

static void random_event(struct random *r, uint64_t seq, unsigned drop, struct buf *out)
{
	static const char *const names[] = {
#define X(name, type) #name,
		EVENT_FIELDS(X)
#undef X
	};
	enum event_kind kind = (enum event_kind)random_below(r, EVENT_KIND_COUNT);
	buf_printf(out, "{\"seq\":%llu,\"time\":\"2026-11-21T06:%02d:%02d.000000Z\",\"kind\":\"%s\"", (unsigned long long)seq,
		   (int)random_below(r, 60), (int)random_below(r, 60), event_name(kind));
	if (random_below(r, 4))
		buf_puts(out, random_below(r, 2) ? ",\"by\":\"user ada\"" : ",\"by\":\"engine\"");
	for (unsigned f = 0; f < EVENT_FIELD_COUNT; f++) {
		if (!event_has(kind, (enum event_field)f) || random_below(r, 100) < drop)
			continue;
		buf_printf(out, ",\"%s\":", names[f]);
		if (random_below(r, 4))
			likely_value(r, names[f], out);
		else
			random_value(r, out);
	}
	buf_putc(out, '}');
}

static void promised(const struct model *m)
{
	for (size_t i = 0; i < m->run_count; i++)
		assert_true(m->runs[i].worker && m->runs[i].arm && m->runs[i].step);
	for (size_t i = 0; i < m->wave_count; i++) {
		assert_non_null(m->waves[i].baseline);
		for (size_t k = 0; k < m->waves[i].stay_count; k++)
			assert_true(m->waves[i].stays[k].worker && m->waves[i].stays[k].phase >= 1 && m->waves[i].stays[k].phase <= 3);
	}
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		assert_true(p->id && p->title && p->rev);
		for (size_t k = 0; k < p->rev; k++)
			assert_true(p->revisions[k].title && (!p->revisions[k].commit || p->revisions[k].base));
		for (size_t k = 0; k < p->pair_count; k++)
			assert_true(p->pairs[k].worker && isfinite(p->pairs[k].ratio));
	}
	for (size_t i = 0; i < m->source_count; i++)
		assert_true(m->sources[i].title && m->sources[i].type && m->sources[i].status);
	assert_true(m->wave_size >= 1 && m->wave_size <= WAVE_MAX && m->window >= 0);
}

/* Everything that anybody asks a model. */
static void ask(const struct model *m)
{
	struct strings names = {0};
	struct buf tsv = {0};
	secondary_names(m, &names);
	session_state_name(m, 1);
	count_needs_human(m);
	best_proposal(m);
	landed_percent(m);
	baseline_spread(m);
	count_kept_in_horizon(m, 40, 1);
	find_run(m, 0, "base", "build", 0, 0);
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		proposal_waits_until(m, p);
		proposal_commit(p);
		proposal_spread(p);
		proposal_base_spread(p);
		proposal_secondary(m, p, "x");
		json_free(view_proposal(m, p, 0));
		for (size_t k = 0; k < m->source_count; k++)
			proposal_cites(m, p, &m->sources[k]);
	}
	for (size_t i = 0; i < m->source_count; i++)
		source_yield(m, &m->sources[i]);
	for (size_t i = 0; i < m->worker_count; i++)
		worker_run(m, &m->workers[i]);
	json_free(view_status(m, 1, m->time));
	json_free(view_workers(m, 0, m->time));
	json_free(view_proposals(m, NULL));
	json_free(view_results(m));
	json_free(view_sources(m));
	view_results_tsv(m, &tsv);
	buf_release(&tsv);
	strings_release(&names);
}

static void any_journal_folds(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SESSIONS; seed++) {
		struct random r;
		struct model m;
		struct buf line = {0};
		model_init(&m);
		random_seed(&r, seed);
		for (uint64_t seq = 1; seq <= EVENTS; seq++) {
			struct event ev;
			struct err err = {0};
			buf_truncate(&line, 0);
			random_event(&r, seq, seed % 5 * 15, &line);
			if (event_parse(&ev, buf_str(&line), line.len, &err) < 0)
				fail_msg("seed %u: %s: %s", seed, err.text, buf_str(&line));
			model_apply(&m, &ev);
			event_release(&ev);
		}
		promised(&m);
		ask(&m);
		model_release(&m);
		buf_release(&line);
	}
}

/* Each kind with each of its fields left out alone, after a session that has one of everything. */
static void each_field_may_be_missing(void **state)
{
	(void)state;
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		for (int f = 0; f < EVENT_FIELD_COUNT; f++) {
			if (!event_has((enum event_kind)kind, (enum event_field)f))
				continue;
			struct model m;
			model_init(&m);
			struct event ev = { .kind = (enum event_kind)kind, .seq = 1, .proposal = "p1" };
			struct event submitted = { .kind = EVENT_PROPOSAL_SUBMITTED, .proposal = "p1", .commit = "c", .baseline = "b", .title = "t" };
			struct event up = { .kind = EVENT_WORKER_CHANGED, .worker = "w1", .state = "ready", .noise_percent = NAN, .usd_per_hour = NAN };
			if (f % 2) {
				model_apply(&m, &submitted);
				model_apply(&m, &up);
			}
			model_apply(&m, &ev);
			if (f != FIELD_worker)
				ev.worker = "w1";
			if (f != FIELD_run)
				ev.run = "r1";
			model_apply(&m, &ev);
			promised(&m);
			ask(&m);
			model_release(&m);
		}
}

/* Two workers: what was given first may start last. */
static void runs_start_in_any_order(void **state)
{
	struct model m;
	(void)state;
	model_init(&m);
	for (int i = 1; i <= 2; i++)
		model_apply(&m, &(struct event){ .kind = EVENT_WORKER_CHANGED, .worker = i == 1 ? "w1" : "w2", .state = "ready", .noise_percent = NAN, .usd_per_hour = NAN });
	model_apply(&m, &(struct event){ .kind = EVENT_BASELINE_SET, .commit = "c" });
	model_apply(&m, &(struct event){ .kind = EVENT_RUN_STARTED, .run = "r7", .worker = "w2", .arm = "base", .step = "measure" });
	model_apply(&m, &(struct event){ .kind = EVENT_RUN_STARTED, .run = "r5", .worker = "w1", .arm = "p1", .step = "build" });
	model_apply(&m, &(struct event){ .kind = EVENT_RUN_STARTED, .run = "r6", .worker = "w1", .arm = "p2", .step = "build" });
	assert_int_equal(m.run_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(m.runs[i].number, 5 + i);
	assert_string_equal(worker_run(&m, model_worker(&m, "w2"))->arm, "base");
	assert_string_equal(worker_run(&m, model_worker(&m, "w1"))->arm, "p2");
	model_apply(&m, &(struct event){ .kind = EVENT_RUN_ENDED, .run = "r7", .status = "ok", .seconds = 1 });
	assert_null(worker_run(&m, model_worker(&m, "w2")));
	assert_non_null(find_run(&m, 0, "base", "measure", 0, 0));
	assert_string_equal(worker_run(&m, model_worker(&m, "w1"))->arm, "p2");
	model_apply(&m, &(struct event){ .kind = EVENT_RUN_STARTED, .run = "r5", .worker = "w1", .arm = "p9", .step = "build" });
	assert_int_equal(m.run_count, 3);		/* each starts once */
	model_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_journal_folds),
		cmocka_unit_test(each_field_may_be_missing),
		cmocka_unit_test(runs_start_in_any_order),
	};
	return cmocka_run_group_tests_name("engine_fold", tests, NULL, NULL);
}
