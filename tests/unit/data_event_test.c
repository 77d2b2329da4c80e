/* The codec of events: every kind there and back, what is absent, what is not ours, and what is no event. */
#include "tests/test.h"

#include <math.h>

#include "core/base/clock.h"
#include "core/data/event.h"

static const char *const field_names[] = {
#define X(name, type) #name,
	EVENT_FIELDS(X)
#undef X
};

/* An event in which every field holds something that only that field holds. */
struct full {
	struct event ev;
	char texts[EVENT_FIELD_COUNT][32];
};

static void fill_text(struct full *f, const char **at, enum event_field field)
{
	snprintf(f->texts[field], sizeof f->texts[field], "%s \"ü\\ %d", field_names[field], field);
	*at = f->texts[field];
}

static void fill(struct full *f, enum event_kind kind)
{
	*f = (struct full){ .ev = { .kind = kind, .seq = 7, .time = 1795241212123456, .by = "user ada" } };
#define TEXT(name) fill_text(f, &f->ev.name, FIELD_##name);
#define WHOLE(name) f->ev.name = FIELD_##name + 1000;
#define REAL(name) f->ev.name = FIELD_##name + 0.125;
#define LIST(name) strings_add(&f->ev.name, "p1"); strings_add(&f->ev.name, #name);
#define REALS(name) reals_add(&f->ev.name, 0.5); reals_add(&f->ev.name, 1e-9);
#define METRICS(name) metrics_add(&f->ev.name, "tg_tps", 61.5); metrics_add(&f->ev.name, "pp", 1); metrics_add(&f->ev.name, "pp", 2);
#define COMMENTS(name) comments_add(&f->ev.name, "src/a.c", 12, "why?", "user ada"); comments_add(&f->ev.name, NULL, 0, "all of it", "user ada");
#define LOG(name) f->ev.name = (struct log_reference){ xstrdup("logs/r1.log"), 44, 2 };
#define X(name, type) type(name)
	EVENT_FIELDS(X)
#undef X
#undef TEXT
#undef WHOLE
#undef REAL
#undef LIST
#undef REALS
#undef METRICS
#undef COMMENTS
#undef LOG
}

static void full_release(struct full *f)
{
#define TEXT(name)
#define WHOLE(name)
#define REAL(name)
#define LIST(name) strings_release(&f->ev.name);
#define REALS(name) free(f->ev.name.at);
#define METRICS(name) metrics_release(&f->ev.name);
#define COMMENTS(name) comments_release(&f->ev.name);
#define LOG(name) free(f->ev.name.file);
#define X(name, type) type(name)
	EVENT_FIELDS(X)
#undef X
#undef TEXT
#undef WHOLE
#undef REAL
#undef LIST
#undef REALS
#undef METRICS
#undef COMMENTS
#undef LOG
}

static int printed_has(const struct buf *line, enum event_field field)
{
	char key[64];
	snprintf(key, sizeof key, ",\"%s\":", field_names[field]);
	return strstr(buf_str(line), key) != NULL;
}

/* Printed, read and printed again it is the same line; the line holds the kind's fields and no others. */
static void every_kind_round_trips(void **state)
{
	(void)state;
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		struct full f;
		struct event back;
		struct buf once = {0}, twice = {0};
		struct err err;
		fill(&f, (enum event_kind)kind);
		event_print(&f.ev, &once);
		assert_ok(event_parse(&back, once.data, once.len, &err), &err);
		assert_int_equal(back.kind, kind);
		assert_int_equal(back.seq, 7);
		assert_int_equal(back.time, f.ev.time);
		assert_string_equal(back.by, "user ada");
		for (int field = 0; field < EVENT_FIELD_COUNT; field++)
			if (field != FIELD_id)		/* comments hold keys of the same name as no field does, but for "text", "file", "line" */
				assert_int_equal(printed_has(&once, (enum event_field)field) || (field == FIELD_text && strstr(once.data, "\"text\"")),
						 event_has((enum event_kind)kind, (enum event_field)field) ||
						 (field == FIELD_text && event_has((enum event_kind)kind, FIELD_comments)));
		event_print(&back, &twice);
		assert_string_equal(twice.data, once.data);
		event_release(&back);
		full_release(&f);
		buf_release(&once);
		buf_release(&twice);
	}
}

static void parsed_fields_have_their_values(void **state)
{
	static const char line[] = "{\"seq\":9,\"time\":\"2026-11-21T06:06:52.5Z\",\"kind\":\"run_ended\",\"by\":\"engine\",\"run\":\"r3\","
				   "\"status\":\"ok\",\"exit\":0,\"seconds\":0.25,\"metrics\":{\"tg\":[1,3],\"pp\":5},"
				   "\"log\":{\"file\":\"logs/r3.log\",\"bytes\":10,\"lines\":2}}";
	struct event ev;
	struct err err;
	(void)state;
	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	assert_string_equal(ev.run, "r3");
	assert_string_equal(ev.status, "ok");
	assert_true(ev.seconds == 0.25);
	assert_int_equal(ev.metrics.count, 2);
	assert_true(metric_median(metrics_find(&ev.metrics, "tg")) == 2);
	assert_true(metric_median(metrics_find(&ev.metrics, "pp")) == 5);
	assert_string_equal(ev.log.file, "logs/r3.log");
	assert_int_equal(ev.log.lines, 2);
	assert_null(ev.reason);
	event_release(&ev);
}

static void print(const struct event *ev, const char *expected)
{
	struct buf out = {0};
	event_print(ev, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
}

static void what_is_not_known_is_absent(void **state)
{
	(void)state;
	print(&(struct event){ .kind = EVENT_VERDICT, .seq = 1, .proposal = "p1", .rev = 2, .verdict = "same", .change_percent = NAN, .low = NAN,
		.high = NAN, .shrunk_percent = NAN, .evidence = NAN, .needed = NAN },
	      "{\"seq\":1,\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"verdict\",\"by\":\"engine\",\"proposal\":\"p1\",\"rev\":2,"
	      "\"verdict\":\"same\",\"pairs\":0}");
	print(&(struct event){ .kind = EVENT_RESUMED, .seq = 2, .by = "user ada" },
	      "{\"seq\":2,\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"resumed\",\"by\":\"user ada\"}");
}

/* A REAL that a line lacks is unknown, not zero: a cost or a change must not be made up. */
static void absent_numbers_are_not_zero(void **state)
{
	static const char line[] = "{\"seq\":1,\"time\":\"2026-11-21T06:06:52Z\",\"kind\":\"verdict\",\"proposal\":\"p1\",\"verdict\":\"park\",\"low\":null}";
	struct event ev;
	struct err err;
	(void)state;
	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	assert_true(isnan(ev.change_percent));
	assert_true(isnan(ev.low));
	assert_int_equal(ev.pairs, 0);
	assert_string_equal(ev.by, "engine");
	event_release(&ev);
}

static void null_lane_is_null(void **state)
{
	struct event ev;
	struct err err;
	struct buf out = {0};
	(void)state;
	event_print(&(struct event){ .kind = EVENT_RUN_STARTED, .seq = 1, .run = "r1", .arm = "null", .worker = "w1", .step = "measure" }, &out);
	assert_non_null(strstr(out.data, "\"arm\":null,"));
	assert_ok(event_parse(&ev, out.data, out.len, &err), &err);
	assert_string_equal(ev.arm, "null");
	event_release(&ev);
	buf_release(&out);
}

static void comments_are_by_who_made_the_event(void **state)
{
	static const char line[] = "{\"seq\":1,\"time\":\"2026-11-21T06:06:52Z\",\"kind\":\"revision_asked\",\"by\":\"user ada\",\"proposal\":\"p1\",\"rev\":1,"
				   "\"comments\":[{\"text\":\"why?\",\"file\":\"a.c\",\"line\":3},{\"text\":\"no\"}]}";
	struct event ev;
	struct err err;
	(void)state;
	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	assert_int_equal(ev.comments.count, 2);
	assert_string_equal(ev.comments.at[0].by, "user ada");
	assert_string_equal(ev.comments.at[0].file, "a.c");
	assert_int_equal(ev.comments.at[0].line, 3);
	assert_null(ev.comments.at[1].file);
	event_release(&ev);
}

/* What a newer version writes is read as far as it is known. */
static void unknown_is_passed_over(void **state)
{
	static const char unknown[] = "{\"seq\":4,\"time\":\"2026-11-21T06:06:52Z\",\"kind\":\"teleported\",\"by\":\"engine\",\"where\":\"moon\"}";
	static const char member[] = "{\"seq\":5,\"time\":\"2026-11-21T06:06:52Z\",\"kind\":\"approved\",\"mood\":\"good\",\"proposal\":\"p1\",\"rev\":1,"
				     "\"verdict\":\"keep\"}";
	struct event ev;
	struct err err;
	(void)state;
	assert_ok(event_parse(&ev, unknown, strlen(unknown), &err), &err);
	assert_int_equal(ev.kind, EVENT_UNKNOWN);
	assert_string_equal(ev.kind_name, "teleported");
	print(&ev, "{\"seq\":4,\"time\":\"2026-11-21T06:06:52.000000Z\",\"kind\":\"teleported\",\"by\":\"engine\"}");
	event_release(&ev);
	assert_ok(event_parse(&ev, member, strlen(member), &err), &err);
	assert_string_equal(ev.proposal, "p1");
	assert_null(ev.verdict);
	event_release(&ev);
}

static void wrong_types_are_absent(void **state)
{
	static const char line[] = "{\"seq\":\"x\",\"time\":\"2026-11-21T06:06:52Z\",\"kind\":\"wave_started\",\"by\":3,\"wave\":\"one\",\"baseline\":7,"
				   "\"proposals\":\"p1\",\"seed\":1.5,\"alpha\":[]}";
	struct event ev;
	struct err err;
	(void)state;
	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	assert_int_equal(ev.seq, 0);
	assert_string_equal(ev.by, "engine");
	assert_int_equal(ev.wave, 0);
	assert_null(ev.baseline);
	assert_int_equal(ev.proposals.count, 0);
	assert_true(isnan(ev.alpha));
	event_release(&ev);
}

static void what_is_no_event_is_refused(void **state)
{
	static const char *const lines[] = {
		"{\"seq\":1,\"time\":\"2026-11-21T06:06:52Z\"}", "{\"seq\":1,\"kind\":\"resumed\"}",
		"{\"seq\":1,\"time\":\"yesterday\",\"kind\":\"resumed\"}", "[]", "7",
	};
	struct event ev;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_error(event_parse(&ev, lines[i], strlen(lines[i]), &err), &err, "an event needs a kind and a time");
	assert_error(event_parse(&ev, "{", 1, &err), &err, "JSON");
}

static void names_are_those_of_the_list(void **state)
{
	(void)state;
	assert_string_equal(event_name(EVENT_PROPOSAL_SUBMITTED), "proposal_submitted");
	assert_string_equal(event_name(EVENT_UNKNOWN), "unknown");
	assert_true(event_has(EVENT_LANDED, FIELD_commit));
	assert_false(event_has(EVENT_LANDED, FIELD_rev));
	assert_false(event_has(EVENT_UNKNOWN, FIELD_rev));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_round_trips),
		cmocka_unit_test(parsed_fields_have_their_values),
		cmocka_unit_test(what_is_not_known_is_absent),
		cmocka_unit_test(absent_numbers_are_not_zero),
		cmocka_unit_test(null_lane_is_null),
		cmocka_unit_test(comments_are_by_who_made_the_event),
		cmocka_unit_test(unknown_is_passed_over),
		cmocka_unit_test(wrong_types_are_absent),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(names_are_those_of_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
