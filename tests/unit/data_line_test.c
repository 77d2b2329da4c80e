/* The lines that people and logs get: of a worker what is new, what it costs while it costs, and why. */
#include "tests/test.h"

#include <string.h>

#include "core/data/line.h"
#include "core/data/model.h"

static void check_line(struct model *m, const char *json, const char *expected)
{
	struct event ev = {0};
	struct err err = {0};
	struct buf out = {0};
	assert_ok(event_parse(&ev, json, strlen(json), &err), &err);
	model_apply(m, &ev);
	assert_int_equal(event_line(&ev, m, &out), *expected != '\0');
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
	event_release(&ev);
}

static void lines_of_a_worker(void **state)
{
#define WORKER(seq, rest) \
	"{\"seq\":" seq ",\"time\":\"2026-11-21T16:00:0" seq "Z\",\"kind\":\"worker_changed\",\"by\":\"engine\",\"worker\":\"w1\",\"runner\":\"sky\"" rest "}"
	static const struct { const char *event, *line; } cases[] = {
		{ WORKER("1", ",\"state\":\"starting\""), "w1   starting" },
		{ WORKER("2", ",\"state\":\"admitting\",\"usd_per_hour\":0.05"), "w1   admitting, $0.05/h" },
		{ WORKER("3", ",\"state\":\"admitting\",\"usd_per_hour\":0.05,\"usd\":0.01"), "" },
		{ WORKER("4", ",\"state\":\"quarantined\",\"noise_percent\":23.2,\"usd_per_hour\":0.05,\"reason\":\"too noisy; w2 takes its place\""),
		  "w1   quarantined, noise 23.2 %, $0.05/h: too noisy; w2 takes its place" },
		{ WORKER("5", ",\"state\":\"quarantined\",\"status\":\"UP\",\"usd\":0.02,\"reason\":\"too noisy; w2 takes its place\""), "" },
		{ WORKER("6", ",\"state\":\"down\",\"usd_per_hour\":0.05,\"usd\":0.02,\"reason\":\"too noisy\""), "w1   down: too noisy" },
	};
	struct model m;
	(void)state;
	model_init(&m);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_line(&m, cases[i].event, cases[i].line);
	model_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_of_a_worker) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
