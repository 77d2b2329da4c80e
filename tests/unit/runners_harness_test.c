/* METRIC lines and what experiment.yaml prints, in pieces of every size. */
#include <math.h>

#include "core/runners/harness.h"
#include "tests/test.h"

enum { PI = HARNESS_PI, SKY = HARNESS_SKYPILOT, GC = HARNESS_GREENCEDAR, ALL = PI | SKY | GC };

/* One METRIC line: its name and value and who drops it; name NULL: it is no metric, and refused says so. */
static const struct {
	const char *line, *name;
	double value;
	unsigned dropped_by;
	const char *refused;
} lines[] = {
	{ "METRIC tg_tps=52.25", "tg_tps", 52.25, 0, NULL },
	{ "METRIC \t  x.y_2=-3", "x.y_2", -3, 0, NULL },
	{ "METRIC x=5 \t", "x", 5, 0, NULL },
	{ "METRIC x=1e3", "x", 1000, 0, NULL },
	{ "METRIC x=1.5E-3", "x", 0.0015, 0, NULL },
	{ "METRIC x=.5", "x", 0.5, 0, NULL },
	{ "METRIC x=5.", "x", 5, 0, NULL },
	{ "METRIC x=0", "x", 0, 0, NULL },
	{ "METRIC parse_\xc2\xb5s=7", "parse_\xc2\xb5s", 7, 0, NULL },
	{ "METRIC parse_\xce\xbcs=7", "parse_\xce\xbcs", 7, PI, NULL },
	{ "METRIC a-b=1", "a-b", 1, PI, NULL },
	{ "METRIC x=+5", "x", 5, GC, NULL },
	{ "METRIC x=0x10", "x", 16, GC, NULL },
	{ "METRIC x=0b101", "x", 5, GC, NULL },
	{ "METRIC x=0o17", "x", 15, GC, NULL },
	{ "METRIC k=1,000", "k", 1000, PI | GC, NULL },
	{ "METRIC k=-12,345,678.5", "k", -12345678.5, PI | GC, NULL },
	{ "METRIC x=5ms", "x", 5, PI | GC, NULL },
	{ "METRIC x=5%", "x", 5, PI | GC, NULL },
	{ "METRIC x=5 s", "x", 5, PI | GC, NULL },
	{ "METRIC x=7 y=8", "x", 7, PI | GC, NULL },
	{ "metric x=5", "x", 5, PI | SKY, NULL },
	{ "  50%\r100%\rMETRIC x=5", "x", 5, SKY, NULL },
	{ "METRIC x=5\r", "x", 5, 0, NULL },
	{ "\033[36m(task, pid=1234)\033[0m METRIC x=5", "x", 5, 0, NULL },
	{ "\033[36m(worker1, rank=1, pid=2, ip=10.0.0.2)\033[0m METRIC x=5", "x", 5, 0, NULL },
	{ "(a, pid=1) (a, pid=1) METRIC x=5", "x", 5, 0, NULL },
	{ "METRIC \033[1mx\033[0m=\033[31m5\033[0m", "x", 5, 0, NULL },
	{ "METRIC x=nan", NULL, 0, 0, "METRIC x=nan: not finite" },
	{ "METRIC x=-Infinity", NULL, 0, 0, "not finite" },
	{ "METRIC x=1e999", NULL, 0, 0, "not finite" },
	{ "METRIC x=fast", NULL, 0, 0, "METRIC x=fast: not a number" },
	{ "METRIC x=1.2.3", NULL, 0, 0, "not a number" },
	{ "METRIC x=1,5", NULL, 0, 0, "not a number" },
	{ "METRIC x=0,500", NULL, 0, 0, "not a number" },
	{ "METRIC x=1,0000", NULL, 0, 0, "not a number" },
	{ "METRIC x=0x", NULL, 0, 0, "not a number" },
	{ "METRIC x=0xfg", NULL, 0, 0, "not a number" },
	{ "METRIC x=1e+", NULL, 0, 0, "not a number" },
	{ "METRIC x=--5", NULL, 0, 0, "not a number" },
	{ "METRIC x=5=6", NULL, 0, 0, "not a number" },
	{ "METRIC x = 5", NULL, 0, 0, "not name=value" },
	{ "METRIC x=", NULL, 0, 0, "not name=value" },
	{ "METRIC =5", NULL, 0, 0, "not name=value" },
	{ "METRIC __proto__=5", NULL, 0, 0, "denied" },
	{ "METRIC constructor=5", NULL, 0, 0, "denied" },
	{ "METRIC prototype=5", NULL, 0, 0, "denied" },
	{ "METRIC a\xe2\x80\xae=5", NULL, 0, 0, "METRIC a<U+202E>=5: the name holds bytes" },
	{ "METRIC a\xff=5", NULL, 0, 0, "cannot be shown" },
	{ " METRIC x=5", NULL, 0, 0, NULL },
	{ "METRICS x=5", NULL, 0, 0, NULL },
	{ "METRIC", NULL, 0, 0, NULL },
	{ "the METRIC x=5", NULL, 0, 0, NULL },
	{ "(no pid) METRIC x=5", NULL, 0, 0, NULL },
};

static void check_line(size_t i, size_t step)
{
	struct harness h = {0};
	size_t n = strlen(lines[i].line);
	for (size_t at = 0; at < n; at += step)
		harness_feed(&h, lines[i].line + at, n - at < step ? n - at : step);
	harness_end(&h);
	if (h.metrics.count != (lines[i].name != NULL) || !!h.refused != (lines[i].refused != NULL))
		fail_msg("%s: %zu metrics, %zu refused (%s)", lines[i].line, h.metrics.count, h.refused, h.refused_why);
	if (lines[i].name) {
		assert_string_equal(h.metrics.at[0].name, lines[i].name);
		if (h.metrics.at[0].values[0] != lines[i].value || h.lines[0].value != lines[i].value || h.lines[0].dropped_by != lines[i].dropped_by)
			fail_msg("%s: %g dropped by %u", lines[i].line, h.metrics.at[0].values[0], h.lines[0].dropped_by);
	}
	if (lines[i].refused && !strstr(h.refused_why, lines[i].refused))
		fail_msg("%s: refused as %s", lines[i].line, h.refused_why);
	harness_release(&h);
}

static void takes_the_union_of_the_grammars(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		for (size_t step = 1; step < 8; step += 3)
			check_line(i, step);
}

static struct harness read_text(const char *text)
{
	struct harness h = {0};
	harness_feed(&h, text, strlen(text));
	harness_end(&h);
	return h;
}

static void takes_a_name_printed_again_as_another_sample(void **state)
{
	(void)state;
	struct harness h = read_text("METRIC a=1\nnoise\nMETRIC b=2\r\nMETRIC a=3\nMETRIC a=1\n");
	assert_int_equal(h.metrics.count, 2);
	assert_int_equal(metrics_find(&h.metrics, "a")->count, 3);
	assert_true(metrics_find(&h.metrics, "a")->values[1] == 3);
	assert_int_equal(h.line_count, 4);
	assert_int_equal(h.lines[2].metric, 0);
	assert_int_equal(h.lines[1].metric, 1);
	harness_release(&h);
}

static void reads_ten_megabytes_without_a_newline_in_little_memory(void **state)
{
	(void)state;
	struct harness h = {0};
	char piece[65536];
	memset(piece, 'x', sizeof piece);
	harness_feed(&h, "METRIC a=1\nMETRIC long", 22);
	for (int i = 0; i < 160; i++)
		harness_feed(&h, piece, sizeof piece);
	assert_true(h.line.room <= 2 * HARNESS_LINE_MAX);
	harness_feed(&h, "=5\nMETRIC b=2", 13);
	harness_end(&h);
	assert_int_equal(h.metrics.count, 2);
	assert_int_equal(h.refused, 1);
	harness_release(&h);
}

static void does_not_take_the_beginning_of_a_number_for_it(void **state)
{
	(void)state;
	struct harness h = {0};
	harness_feed(&h, "METRIC a=1", 10);
	for (int i = 0; i < HARNESS_LINE_MAX; i++)
		harness_feed(&h, "0", 1);
	harness_end(&h);
	assert_int_equal(h.metrics.count, 0);
	assert_non_null(strstr(h.refused_why, "the line is too long"));
	harness_release(&h);
}

static void keeps_a_bounded_number_of_names_and_samples(void **state)
{
	(void)state;
	struct harness h = {0};
	char line[64];
	for (int i = 0; i < HARNESS_NAMES + 10; i++)
		harness_feed(&h, line, (size_t)sprintf(line, "METRIC n%d=1\n", i));
	for (int i = 0; i < HARNESS_SAMPLES + 10; i++)
		harness_feed(&h, "METRIC n0=2\n", 12);
	assert_int_equal(h.metrics.count, HARNESS_NAMES);
	assert_int_equal(h.line_count, HARNESS_SAMPLES);
	assert_int_equal(h.refused, 10 + HARNESS_NAMES + 10);
	assert_non_null(strstr(h.refused_why, "too many names"));
	harness_release(&h);
}

static void does_not_count_the_trailer_of_experiment_yaml(void **state)
{
	(void)state;
	struct harness h = read_text(
		"EXPERIMENT: exp-07\nDESC: fuse passes (paper: Dao2022)\nMETRIC tg_tps=50\nMETRIC tg_tps=52\nMETRIC pp_tps=9\n"
		"CHECKS_STATUS: passed\nEXPERIMENT_ID: exp-07\nEXPERIMENT_DESC: fuse passes\n"
		"METRIC tg_tps=50\nMETRIC tg_tps=52\nMETRIC pp_tps=9\nEXPERIMENT_STATUS: done\n");
	assert_int_equal(h.status, HARNESS_DONE);
	assert_null(h.reason);
	assert_string_equal(h.checks, "passed");
	assert_int_equal(metrics_find(&h.metrics, "tg_tps")->count, 2);
	assert_int_equal(metrics_find(&h.metrics, "pp_tps")->count, 1);
	harness_release(&h);
}

static void reads_experiment_yaml_through_sky_logs(void **state)
{
	(void)state;
	struct harness h = read_text(
		"\033[36m(experiment, pid=787)\033[0m EXPERIMENT: e\n\033[36m(experiment, pid=787)\033[0m METRIC a=4\n"
		"\033[36m(experiment, pid=787)\033[0m EXPERIMENT_ID: e\n\033[36m(experiment, pid=787)\033[0m METRIC a=4\n"
		"\033[36m(experiment, pid=787)\033[0m EXPERIMENT_STATUS: done\n\033[0m\033[32m\xe2\x9c\x93 Job finished (status: SUCCEEDED).\033[0m\n");
	assert_int_equal(h.status, HARNESS_DONE);
	assert_int_equal(metrics_find(&h.metrics, "a")->count, 1);
	harness_release(&h);
}

static void lets_a_harness_print_its_experiment_id_first(void **state)
{
	(void)state;
	struct harness h = read_text("EXPERIMENT_ID: wave-3\nMETRIC a=4\nMETRIC a=5\n");
	assert_int_equal(metrics_find(&h.metrics, "a")->count, 2);
	harness_release(&h);
	h = read_text("METRIC a=4\nEXPERIMENT_ID: wave-3\nMETRIC a=4\nMETRIC b=5\n");
	assert_int_equal(metrics_find(&h.metrics, "a")->count, 1);
	assert_int_equal(metrics_find(&h.metrics, "b")->count, 1);
	harness_release(&h);
}

static void tells_the_endings_of_experiment_yaml_apart(void **state)
{
	(void)state;
	static const struct { const char *text; enum harness_status status; const char *reason; } endings[] = {
		{ "EXPERIMENT_STATUS: crash\nEXPERIMENT_ERROR: build failed\n", HARNESS_BUILD_FAILED, "build failed" },
		{ "EXPERIMENT_STATUS: crash\nEXPERIMENT_ERROR: autoresearch.sh not found\n", HARNESS_CRASH, "autoresearch.sh not found" },
		{ "EXPERIMENT_STATUS: crash\nEXPERIMENT_ERROR: benchmark timed out after 300s\n", HARNESS_TIMEOUT, "benchmark timed out after 300s" },
		{ "EXPERIMENT_STATUS: crash\nEXPERIMENT_ERROR: benchmark failed (exit 3)\n", HARNESS_CRASH, "benchmark failed (exit 3)" },
		{ "EXPERIMENT_STATUS: crash\nEXPERIMENT_ERROR: no METRIC lines found in benchmark output\n", HARNESS_NO_METRIC,
		  "no METRIC lines found in benchmark output" },
		{ "EXPERIMENT_ERROR: benchmark failed (exit 3)\nEXPERIMENT_STATUS: crash\n", HARNESS_CRASH, "benchmark failed (exit 3)" },
		{ "METRIC a=1\nCHECKS_STATUS: failed (exit 2)\nEXPERIMENT_STATUS: checks_failed\n", HARNESS_CHECKS_FAILED, "checks failed (exit 2)" },
		{ "METRIC a=1\nCHECKS_STATUS: timeout\nEXPERIMENT_STATUS: checks_failed\n", HARNESS_CHECKS_FAILED, "checks timeout" },
		{ "CHECKS_STATUS: skipped (no autoresearch.checks.sh)\nEXPERIMENT_STATUS: done\n", HARNESS_DONE, NULL },
		{ "EXPERIMENT_STATUS: crash\n", HARNESS_CRASH, NULL },
		{ "METRIC a=1\n", HARNESS_SILENT, NULL },
		{ "EXPERIMENT_ERROR: \033]0;title\007x\n", HARNESS_CRASH, "<1B>]0;title<07>x" },
	};
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		struct harness h = read_text(endings[i].text);
		assert_int_equal(h.status, endings[i].status);
		if (endings[i].reason)
			assert_string_equal(h.reason, endings[i].reason);
		else
			assert_null(h.reason);
		harness_release(&h);
	}
}

static void reads_the_result_line_of_the_gpu_variant(void **state)
{
	(void)state;
	struct harness h = read_text("EXPERIMENT_STATUS: done\nEXPERIMENT_RESULT: exp-12 val_bpb=0.9979 memory_gb=44.0\nEXPERIMENT_DESC: x\n");
	assert_int_equal(h.metrics.count, 2);
	assert_true(metrics_find(&h.metrics, "val_bpb")->values[0] == 0.9979);
	assert_int_equal(h.lines[0].dropped_by, ALL);
	harness_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_union_of_the_grammars),
		cmocka_unit_test(takes_a_name_printed_again_as_another_sample),
		cmocka_unit_test(reads_ten_megabytes_without_a_newline_in_little_memory),
		cmocka_unit_test(does_not_take_the_beginning_of_a_number_for_it),
		cmocka_unit_test(keeps_a_bounded_number_of_names_and_samples),
		cmocka_unit_test(does_not_count_the_trailer_of_experiment_yaml),
		cmocka_unit_test(reads_experiment_yaml_through_sky_logs),
		cmocka_unit_test(lets_a_harness_print_its_experiment_id_first),
		cmocka_unit_test(tells_the_endings_of_experiment_yaml_apart),
		cmocka_unit_test(reads_the_result_line_of_the_gpu_variant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
