/* Batches: the file for the driver, what a job's log makes of its steps, and notes that outlive an engine. */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/config.h"
#include "core/io/child.h"
#include "core/io/git.h"
#include "core/runners/batch.h"
#include "core/runners/record.h"
#include "tests/test.h"

/* A session's folder, a batch in it, and what its listener heard, a line each. */
struct fixture {
	char folder[PATH_MAX], notes[PATH_MAX + 32], workdir[PATH_MAX + 32];
	struct loop *loop;
	struct config config;
	struct runner_setup runner;
	struct batch_setup setup;
	struct batch *batch;
	struct buf heard;
	size_t outputs;
	char last_line[256];
	double seconds, metric;
	size_t samples;
	uint64_t log_bytes, log_lines;
	struct strings hashes;		/* artifacts that a real build made, heard by their number */
	int free_at_start, free_at_end;
};

static void hear_artifact(struct fixture *f, const char *artifact)
{
	size_t i = 0;
	if (strlen(artifact) < 64) {
		buf_printf(&f->heard, " artifact=%s", artifact);
		return;
	}
	if (!strings_have(&f->hashes, artifact))
		strings_add(&f->hashes, artifact);
	while (strcmp(f->hashes.at[i], artifact))
		i++;
	buf_printf(&f->heard, " artifact=%zu", i);
}

static void started(void *data, const char *run)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "started %s\n", run);
	if (f->free_at_start) {
		batch_free(f->batch);
		f->batch = NULL;
	}
}

static void ended(void *data, const struct step_result *result)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "ended %s %s", result->run, run_status_name(result->status));
	if (result->exit_code)
		buf_printf(&f->heard, " %d", result->exit_code);
	if (result->artifact)
		hear_artifact(f, result->artifact);
	if (result->reason)
		buf_printf(&f->heard, ": %s", result->reason);
	buf_putc(&f->heard, '\n');
	const struct metric *metric = result->metrics ? metrics_find(result->metrics, "x") : NULL;
	f->seconds = result->seconds;
	f->metric = metric_median(metric);
	f->samples = metric ? metric->count : 0;
	f->log_bytes = result->log_bytes;
	f->log_lines = result->log_lines;
	if (f->free_at_end) {
		batch_free(f->batch);
		f->batch = NULL;
	}
}

static void output(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct fixture *f = data;
	(void)run, (void)lines, (void)bytes;
	f->outputs++;
	snprintf(f->last_line, sizeof f->last_line, "%s", last_line);
}

static void host(void *data, const char *arch, long cpus, long memory_mb)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "host %s %ld %ld\n", arch, cpus, memory_mb);
}

static void log_trouble(void *data, const char *run, const char *why)
{
	struct fixture *f = data;
	(void)why;
	buf_printf(&f->heard, "trouble %s\n", run);
}

static const struct batch_listener listener = {
	.started = started, .ended = ended, .output = output, .host = host, .log_trouble = log_trouble,
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	test_path(f->folder, sizeof f->folder, "batch.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->notes, sizeof f->notes, "%s/sky", f->folder);
	snprintf(f->workdir, sizeof f->workdir, "%s/workdir", f->folder);
	f->loop = loop_new();
	config_init(&f->config);
	f->config.target_build = xstrdup("cc -O2 m.c -o m");
	f->runner = (struct runner_setup){ .loop = f->loop, .config = &f->config, .root = f->folder, .folder = f->folder, .metric = "x",
		.measure = "measure.sh", .checks = "checks.sh" };
	f->setup = (struct batch_setup){ .setup = &f->runner, .folder = f->notes, .workdir = f->workdir, .listener = &listener, .data = f };
	f->batch = batch_new(&f->setup, "w1", "w1-b7");
	return f;
}

static void fixture_free(struct fixture *f)
{
	batch_free(f->batch);
	config_release(&f->config);
	loop_free(f->loop);
	buf_release(&f->heard);
	strings_release(&f->hashes);
	free(f);
}

static void add_of(struct fixture *f, const char *run, const char *arm, enum step_kind kind, unsigned round, const struct step *more)
{
	struct step step = *more;
	char *log = xasprintf("%s/logs/%s.log", f->folder, run);
	step.run = run;
	step.worker = "w1";
	step.arm = step.tree_name = arm;
	step.kind = kind;
	step.round = round;
	step.log = log;
	step.label = "b";
	step.experiment = "wave-4";
	step.description = "kernels";
	step.wave = 4;
	step.layout = 2;
	batch_add(f->batch, &step);
	free(log);
}

static void add(struct fixture *f, const char *run, const char *arm, enum step_kind kind, unsigned round)
{
	static const struct step none;
	add_of(f, run, arm, kind, round, &none);
}

static void assert_heard(struct fixture *f, const char *expected)
{
	assert_string_equal(buf_str(&f->heard), expected);
	buf_truncate(&f->heard, 0);
}

static char *read_text(const char *folder, const char *name)
{
	struct buf text = {0};
	char *path = xasprintf("%s/%s", folder, name);
	int rc = buf_read_file(&text, path, 1 << 28);
	free(path);
	if (!rc)
		return text.data ? buf_take(&text) : xstrdup("");
	buf_release(&text);
	return NULL;
}

static char *log_of(const struct fixture *f, const char *run)
{
	char *name = xasprintf("logs/%s.log", run), *text = read_text(f->folder, name);
	free(name);
	return text;
}

static void assert_log(const struct fixture *f, const char *run, const char *expected)
{
	char *text = log_of(f, run);
	assert_string_equal(text ? text : "(none)", expected);
	free(text);
}

static char token[64];

/* Writes the batch and takes its token from the driver's file. */
static void write_batch(struct fixture *f)
{
	struct err err = {0};
	assert_ok(batch_write(f->batch, &err), &err);
	char *steps = read_text(f->workdir, "w1-b7.steps");
	assert_non_null(steps);
	assert_int_equal(sscanf(steps, "token %63s", token), 1);
	free(steps);
}

static void feed_bytes(struct fixture *f, const char *text, size_t size)
{
	if (f->batch)
		batch_feed(f->batch, text, size);
}

/* A job's log, in which @ stands for the token, in pieces of `step` bytes. */
static char *with_token(const char *text)
{
	struct buf out = {0};
	for (; *text; text++)
		*text == '@' ? buf_printf(&out, "token=%s", token) : buf_putc(&out, *text);
	return buf_take(&out);
}

static void feed_in(struct fixture *f, const char *text, size_t step)
{
	char *full = with_token(text);
	size_t size = strlen(full);
	for (size_t i = 0; i < size; i += step)
		feed_bytes(f, full + i, size - i < step ? size - i : step);
	free(full);
}

static void feed(struct fixture *f, const char *text)
{
	feed_in(f, text, strlen(text) + 100);
}

/* Starts anew from the notes, as an engine that comes back does. */
static void reload(struct fixture *f)
{
	struct err err = {0};
	struct batch **batches;
	batch_free(f->batch);
	f->batch = NULL;
	assert_int_equal(batch_load_all(&f->setup, &batches, &err), 1);
	assert_string_equal(err.text, "");
	f->batch = batches[0];
	free(batches);
}

static int note_is_there(const struct fixture *f)
{
	char *text = read_text(f->notes, "w1-b7.batch"), *steps = read_text(f->workdir, "w1-b7.steps");
	int is_there = text != NULL;
	assert_int_equal(is_there, steps != NULL);
	free(text);
	free(steps);
	return is_there;
}

/* --- what is written -------------------------------------------------------------------------------------------------- */

static void writes_the_drivers_file(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	char *bundle = xasprintf("%s/wave-4.bundle", f->folder);
	FILE *file = fopen(bundle, "w");
	fputs("bundle's bytes", file);
	fclose(file);
	strings_add(&f->config.target_artifact, "out/*");
	strings_add(&f->config.target_artifact, ":!out/log");
	string_set(&f->config.target_build, "make -j2 # a \"quote\" and 'others'; x=$(pwd)\n");
	char *harness = xasprintf("%s/harness", f->workdir);
	mkdir(f->workdir, 0777);
	mkdir(harness, 0777);
	free(harness);
	add_of(f, "r1", "base", STEP_BUILD, 0, &(struct step){ .commit = "c0ffee", .bundle = bundle });
	add_of(f, "r2", "p3", STEP_BUILD, 0, &(struct step){ .commit = "beef", .bundle = bundle, .same_as = "abcd" });
	add_of(f, "r3", "p3", STEP_CHECKS, 0, &(struct step){ .commit = "beef" });
	add_of(f, "r4", "p3", STEP_MEASURE, 5, &(struct step){ .padding = 17 });
	write_batch(f);
	char *steps = read_text(f->workdir, "w1-b7.steps"), *copy = read_text(f->workdir, "bundles/wave-4.bundle");
	assert_string_equal(strchr(steps, '\n') + 1,
		"experiment wave-4\ndescription kernels\nbuild make -j2 # a \"quote\" and 'others'; x=$(pwd)\ntimeout build 1800\nchecks checks.sh\n"
		"timeout checks 300\nmeasure measure.sh\ntimeout measure 300\nartifact out/*\nartifact :!out/log\nharness harness\nneeds base\n"
		"step run=r1 arm=base label=b commit=c0ffee bundle=bundles/wave-4.bundle step=build round=0 layout=2 padding=0 tree=arms/base\n"
		"step run=r2 arm=p3 label=b commit=beef same=abcd bundle=bundles/wave-4.bundle step=build round=0 layout=2 padding=0 tree=arms/p3\n"
		"step run=r3 arm=p3 label=b commit=beef step=checks round=0 layout=2 padding=0 tree=arms/p3\n"
		"step run=r4 arm=p3 label=b step=measure round=5 layout=2 padding=17 tree=arms/p3\n");
	assert_string_equal(copy, "bundle's bytes");
	assert_int_equal(batch_count(f->batch), 4);
	assert_ok(batch_write(f->batch, &err), &err);	/* once more is fine */
	free(steps);
	free(copy);
	free(bundle);
	fixture_free(f);
}

static void refuses_what_would_break_the_drivers_file(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	add_of(f, "r1", "base", STEP_BUILD, 0, &(struct step){ .commit = "c0ffee\nstep run=r9" });
	assert_error(batch_write(f->batch, &err), &err, "r1: commit=c0ffee step run=r9 cannot stand in a batch");
	batch_free(f->batch);
	f->batch = batch_new(&f->setup, "w1", "w1-b7");
	add(f, "r1", "../base", STEP_BUILD, 0);
	assert_error(batch_write(f->batch, &err), &err, "r1: arm=../base cannot stand");
	batch_free(f->batch);
	f->batch = batch_new(&f->setup, "w1", "w1-b7");
	add_of(f, "r1", "base", STEP_BUILD, 0, &(struct step){ .commit = "c0ffee", .bundle = "/nowhere/b" });
	assert_error(batch_write(f->batch, &err), &err, "cannot read /nowhere/b: No such file");
	string_set(&f->config.target_build, "cd a\nmake");
	assert_error(batch_write(f->batch, &err), &err, "the command to build has several lines");
	assert_false(note_is_there(f));
	fixture_free(f);
}

static void keeps_newlines_of_a_description_out(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct step step = { .run = "r1", .worker = "w1", .arm = "base", .log = "/x", .experiment = "wave\ntoken forged", .description = "a\r\nstep run=r7" };
	batch_add(f->batch, &step);
	write_batch(f);
	char *steps = read_text(f->workdir, "w1-b7.steps");
	assert_non_null(strstr(steps, "\nexperiment wave token forged\ndescription a\r step run=r7\n"));
	assert_true(batch_takes(f->batch, &step));
	step.experiment = "wave-5";
	assert_false(batch_takes(f->batch, &step));
	free(steps);
	fixture_free(f);
}

/* --- what a log says -------------------------------------------------------------------------------------------------- */

/* A base and two arms, each built, checked and measured once. */
static struct fixture *three_arms(void)
{
	struct fixture *f = fixture_new();
	static const char *const arms[] = { "base", "p3", "p4" };
	for (size_t i = 0; i < 9; i++) {
		char run[8];
		snprintf(run, sizeof run, "r%zu", i + 1);
		add_of(f, run, arms[i % 3], (enum step_kind)(i / 3), i / 6, &(struct step){ .commit = arms[i % 3], .same_as = i % 3 ? "abcd" : NULL });
	}
	write_batch(f);
	return f;
}

static const char whole_log[] =
	"before\nSKYDECK host arch=x86_64 cpus=16 memory_mb=16000 @\nSKYDECK run=r1 arm=base step=build round=0 @\ncc -O2\nSKYDECK end run=r1 exit=0 seconds=1.500000 artifact=abcd @\n"
	"SKYDECK run=r2 arm=p3 step=build round=0 @\r\nm.c:1: error\r\nSKYDECK end run=r2 exit=1 seconds=0.5 @\r\n"
	"SKYDECK run=r3 arm=p4 step=build round=0 @\nSKYDECK end run=r3 exit=0 seconds=0.7 artifact=beef @\n"
	"SKYDECK run=r4 arm=base step=checks round=0 @\nfine\nSKYDECK end run=r4 exit=0 seconds=0.1 @\n"
	"SKYDECK skip run=r5 arm=p3 step=checks round=0 @\n"
	"SKYDECK run=r6 arm=p4 step=checks round=0 @\nSKYDECK end run=r6 exit=0 seconds=0.1 @\n"
	"SKYDECK run=r7 arm=base step=measure round=1 @\nMETRIC x=3\nMETRIC x=5\nMETRIC x=4SKYDECK end run=r7 exit=0 seconds=2.25 @\n"
	"SKYDECK skip run=r8 arm=p3 step=measure round=1 @\n"
	"SKYDECK run=r9 arm=p4 step=measure round=1 @\nSegmentation fault\nSKYDECK end run=r9 exit=139 seconds=0.3 @\nafter\n";
static const char whole_story[] =
	"host x86_64 16 16000\nstarted r1\nended r1 ok artifact=abcd\nstarted r2\nended r2 failed 1: build failed (exit 1)\nstarted r3\nended r3 ok artifact=beef\n"
	"started r4\nended r4 ok\nended r5 cancelled: skipped: its build failed\nstarted r6\nended r6 ok\nstarted r7\nended r7 ok\n"
	"ended r8 cancelled: skipped: its build failed\nstarted r9\nended r9 killed 11: benchmark failed (exit 139, killed by signal 11)\n";

static void tells_each_step_once(void **state)
{
	(void)state;
	for (size_t step = 1; step < 2000; step = step * 3 + 1) {
		struct fixture *f = three_arms();
		feed_in(f, whole_log, step);
		assert_heard(f, whole_story);
		assert_int_equal(batch_count(f->batch), 0);
		assert_log(f, "r1", "cc -O2\n");
		assert_log(f, "r2", "m.c:1: error\r\n");
		assert_log(f, "r3", "");
		assert_log(f, "r5", "(none)");
		assert_log(f, "r7", "METRIC x=3\nMETRIC x=5\nMETRIC x=4");
		batch_end(f->batch, RUN_OK, NULL);
		assert_heard(f, "");
		assert_false(note_is_there(f));
		fixture_free(f);
	}
}

static void reads_samples_seconds_and_sizes(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\nMETRIC x=3\nMETRIC x=5\nMETRIC x=4SKYDECK end run=r7 exit=0 seconds=2.25 @\n");
	assert_true(f->seconds == 2.25 && f->metric == 4);
	assert_int_equal(f->samples, 3);
	assert_int_equal(f->log_lines, 3);
	assert_int_equal(f->log_bytes, 32);
	assert_string_equal(f->last_line, "METRIC x=4");
	fixture_free(f);
}

static void ends_as_a_step_of_this_machine_would(void **state)
{
	(void)state;
	static const struct { const char *said, *reason; } cases[] = {
		{ "hello\nSKYDECK end run=r7 exit=0 seconds=1 @\n", "no-metric: no METRIC lines found in benchmark output" },
		{ "METRIC y=1\nSKYDECK end run=r7 exit=0 seconds=1 @\n", "no-metric: no METRIC x found in benchmark output (it printed y)" },
		{ "METRIC x=1\nSKYDECK end run=r7 exit=124 seconds=300.1 timeout=300 @\n", "timeout 124: benchmark timed out after 300s" },
		{ "METRIC x=1\nSKYDECK end run=r7 exit=124 seconds=3 @\n", "failed 124: benchmark failed (exit 124)" },
		{ "measure.sh not found\nSKYDECK end run=r7 exit=127 seconds=0 @\n", "failed 127: measure.sh not found" },
		{ "else\nSKYDECK end run=r7 exit=127 seconds=0 @\n", "failed 127: benchmark failed (exit 127)" },
		{ "METRIC x=1\nSKYDECK end run=r7 exit=143 seconds=1 @\n", "killed 15: benchmark failed (exit 143, killed by signal 15)" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture *f = three_arms();
		feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\n");
		feed(f, cases[i].said);
		char *expected = xasprintf("started r7\nended r7 %s\n", cases[i].reason);
		assert_heard(f, expected);
		free(expected);
		fixture_free(f);
	}
}

static void believes_no_line_without_the_token(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\nSKYDECK end run=r7 exit=0 seconds=0.001\nMETRIC x=1\n"
	     "SKYDECK end run=r7 exit=0 seconds=0.001 token=0123456789abcdef0123456789ab\nSKYDECK run=r8 arm=p3 step=measure round=1 token=\n"
	     "SKYDECK skip run=r9 arm=p4 token\nSKYDECK end run=r8 exit=0 seconds=9 SKYDECK end run=r7 exit=3 seconds=1 @\n");
	assert_heard(f, "started r7\nended r7 failed 3: benchmark failed (exit 3)\n");
	char *text = log_of(f, "r7");
	assert_non_null(strstr(text, "token=0123456789abcdef0123456789ab\nSKYDECK run=r8 arm=p3 step=measure round=1 token=\nSKYDECK skip run=r9"));
	free(text);
	feed(f, "SKYDECK run=r1000 arm=base step=measure @\nwhose?\nSKYDECK end run=r1000 exit=0 @\nSKYDECK end run=r7 exit=0 seconds=1 @\n"
	     "SKYDECK skip run=r7 @\nSKYDECK run=r7 arm=base @\nagain\nSKYDECK end run=r7 exit=0 seconds=1 @\nSKYDECK @\nSKYDECK end @\nSKYDECK host @\n");
	buf_truncate(&f->heard, 0);
	assert_int_equal(batch_count(f->batch), 8);
	char *after = log_of(f, "r7");
	assert_null(strstr(after, "again"));
	free(after);
	fixture_free(f);
}

static void survives_bytes_of_any_kind(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	char noise[5000];
	uint64_t x = 88172645463325252u;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof noise; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			noise[i] = "\0\n\r\033[SKYDECK end run=r7 exit=9 METRIC x=1 \xff\xc3 token="[x % 52];
		}
		feed_bytes(f, noise, sizeof noise);
		if (round == 50)
			feed(f, "\nSKYDECK run=r7 arm=base step=measure round=1 @\n");
	}
	assert_heard(f, "started r7\n");
	batch_end(f->batch, RUN_LOST, "the VM is gone");
	assert_non_null(strstr(buf_str(&f->heard), "ended r7 lost: the VM is gone\n"));
	assert_int_equal(batch_count(f->batch), 0);
	char *text = log_of(f, "r7");
	free(text);
	fixture_free(f);
}

static void caps_a_log(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	size_t size = 1 << 20;
	char *block = xmalloc(size);
	memset(block, 'x', size);
	feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\n");
	for (unsigned i = 0; i < (RECORD_LOG_MAX >> 20) + 1; i++)
		feed_bytes(f, block, size);
	feed(f, "\nMETRIC x=7\nSKYDECK end run=r7 exit=0 seconds=1 @\n");
	assert_heard(f, "started r7\nended r7 ok\n");
	assert_true(f->metric == 7);
	assert_int_equal(f->log_bytes, RECORD_LOG_MAX + strlen("\nskydeck: the log of a run ends at 64 MiB; 1048588 more bytes were dropped\n"));
	free(block);
	fixture_free(f);
}

static void goes_on_when_a_log_cannot_be_written(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	char *in_the_way = xasprintf("%s/logs", f->folder);
	FILE *file = fopen(in_the_way, "w");
	fclose(file);
	feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\nMETRIC x=7\nSKYDECK end run=r7 exit=0 seconds=1 @\n");
	assert_heard(f, "started r7\ntrouble r7\nended r7 ok\n");
	free(in_the_way);
	fixture_free(f);
}

static void tells_output_ten_times_a_second_at_most(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r7 arm=base step=measure round=1 @\n");
	for (int i = 0; i < 1000; i++)
		feed(f, "line \033[31mred\033[0m\n");
	assert_int_equal(f->outputs, 0);
	for (int i = 0; i < 100 && !f->outputs; i++)
		loop_turn(f->loop, 100000);
	assert_int_equal(f->outputs, 1);
	assert_string_equal(f->last_line, "line red");
	feed(f, "last\nSKYDECK end run=r7 exit=0 seconds=1 @\n");
	assert_int_equal(f->outputs, 2);
	assert_string_equal(f->last_line, "last");
	loop_turn(f->loop, 200000);
	assert_int_equal(f->outputs, 2);
	fixture_free(f);
}

static void says_why_steps_are_left_out(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r1 arm=base step=build round=0 @\nSKYDECK end run=r1 exit=0 seconds=1 artifact=abcd @\n"
	     "SKYDECK run=r2 arm=p3 step=build round=0 @\nSKYDECK end run=r2 exit=0 seconds=1 artifact=abcd same=1 @\n"
	     "SKYDECK skip run=r5 arm=p3 step=checks round=0 @\nSKYDECK run=r4 arm=base step=checks @\nSKYDECK end run=r4 exit=1 seconds=1 @\n"
	     "SKYDECK skip run=r6 arm=p4 step=checks @\nSKYDECK skip run=r7 arm=base step=measure @\n");
	assert_heard(f, "started r1\nended r1 ok artifact=abcd\nstarted r2\nended r2 ok artifact=abcd\n"
		     "ended r5 cancelled: skipped: its build is the same as the baseline's\nstarted r4\nended r4 failed 1: checks failed (exit 1)\n"
		     "ended r6 cancelled: skipped: the baseline's checks failed\nended r7 cancelled: skipped: its checks failed\n");
	fixture_free(f);
}

/* --- how a job ends --------------------------------------------------------------------------------------------------- */

static void ends_what_a_job_leaves_undone(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r1 arm=base step=build round=0 @\nSKYDECK end run=r1 exit=0 seconds=1 @\nSKYDECK run=r2 arm=p3 step=build @\nhalf a li");
	feed(f, "SKYDECK end run=r2 exi");
	batch_end(f->batch, RUN_LOST, "the VM is gone");
	assert_heard(f, "started r1\nended r1 ok\nstarted r2\nended r2 lost: the VM is gone\nended r3 lost: the VM is gone\nended r4 lost: the VM is gone\n"
		     "ended r5 lost: the VM is gone\nended r6 lost: the VM is gone\nended r7 lost: the VM is gone\nended r8 lost: the VM is gone\n"
		     "ended r9 lost: the VM is gone\n");
	assert_log(f, "r2", "half a liSKYDECK end run=r2 exi");
	assert_false(note_is_there(f));
	fixture_free(f);
}

static void tells_the_drivers_own_complaint(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	add(f, "r1", "base", STEP_BUILD, 0);
	write_batch(f);
	feed(f, "first words\n\n\033[1mdriver.sh: timeout is missing\033[0m: install coreutils\n\n");
	batch_end(f->batch, RUN_OK, NULL);
	assert_heard(f, "ended r1 lost: the job ended without this step: driver.sh: timeout is missing: install coreutils\n");
	fixture_free(f);
}

static void tells_a_cancelled_job_from_a_crash(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	feed(f, "SKYDECK run=r1 arm=base step=build @\nSKYDECK end run=r1 exit=1 seconds=1 @\nSKYDECK run=r7 arm=base step=measure @\n");
	batch_cancelled(f->batch);
	feed(f, "Terminated\nSKYDECK end run=r7 exit=143 seconds=1 @\n");
	batch_end(f->batch, RUN_CANCELLED, NULL);
	assert_non_null(strstr(buf_str(&f->heard), "ended r1 failed 1: build failed (exit 1)\nstarted r7\nended r7 cancelled 15: cancelled\nended r2 cancelled: cancelled\n"));
	assert_false(note_is_there(f));
	fixture_free(f);
}

static void may_be_freed_by_its_listener(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	f->free_at_start = 1;
	feed(f, whole_log);
	assert_heard(f, "host x86_64 16 16000\nstarted r1\n");
	fixture_free(f);
	f = three_arms();
	f->free_at_end = 1;
	feed(f, whole_log);
	assert_heard(f, "host x86_64 16 16000\nstarted r1\nended r1 ok artifact=abcd\n");
	fixture_free(f);
	f = three_arms();
	f->free_at_end = 1;
	batch_end(f->batch, RUN_LOST, "gone");
	assert_heard(f, "ended r1 lost: gone\n");
	assert_true(note_is_there(f));
	fixture_free(f);
}

/* --- notes ------------------------------------------------------------------------------------------------------------ */

static void takes_up_where_an_engine_left(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	struct err err = {0};
	assert_ok(batch_set_job(f->batch, 12, &err), &err);
	char *cut = strstr(whole_log, "METRIC x=5"), *first = xstrndup(whole_log, (size_t)(cut - whole_log) + 4);
	feed(f, first);
	free(first);
	buf_truncate(&f->heard, 0);
	reload(f);
	assert_string_equal(batch_name(f->batch), "w1-b7");
	assert_string_equal(batch_worker(f->batch), "w1");
	assert_int_equal(batch_job(f->batch), 12);
	assert_int_equal(batch_count(f->batch), 9);
	assert_false(batch_has(f->batch, "r10"));
	struct step wanted = { .worker = "w1", .arm = "base", .kind = STEP_MEASURE, .wave = 4, .round = 1, .layout = 2, .commit = "base" };
	assert_string_equal(batch_holds(f->batch, &wanted), "r7");
	wanted.commit = "other";
	assert_null(batch_holds(f->batch, &wanted));
	wanted.commit = NULL;
	assert_null(batch_holds(f->batch, &wanted));
	char *path = xasprintf("%s/logs/r1.log", f->folder);	/* the journal knows of r1 to r6: their logs are left alone */
	FILE *file = fopen(path, "a");
	fputs("kept\n", file);
	fclose(file);
	free(path);
	for (int i = 1; i <= 6; i++) {
		char run[8];
		snprintf(run, sizeof run, "r%d", i);
		batch_forget(f->batch, run);
	}
	assert_int_equal(batch_count(f->batch), 3);
	assert_false(batch_has(f->batch, "r6"));
	batch_began(f->batch, "r7");
	batch_began(f->batch, "r77");
	feed(f, whole_log);
	char *story = xasprintf("host x86_64 16 16000\n%s", strstr(whole_story, "started r7\n") + strlen("started r7\n"));
	assert_heard(f, story);
	free(story);
	assert_log(f, "r1", "cc -O2\nkept\n");
	assert_log(f, "r7", "METRIC x=3\nMETRIC x=5\nMETRIC x=4");
	batch_end(f->batch, RUN_OK, NULL);
	assert_false(note_is_there(f));
	fixture_free(f);
}

static void keeps_every_field_of_a_step(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	string_set(&f->config.target_build, "true");
	struct step step = { .run = "r1", .worker = "w1", .arm = "aa", .kind = STEP_CHECKS, .tree_name = "base", .commit = "c0ffee", .same_as = "abcd",
		.log = "/elsewhere/r1.log", .label = "a", .experiment = "wave \"4\"", .description = "é\ttab", .wave = 4294967295u, .rev = 3, .round = 5,
		.layout = 2, .padding = 4095 };
	batch_add(f->batch, &step);
	assert_ok(batch_write(f->batch, &err), &err);
	char *before = read_text(f->notes, "w1-b7.batch"), *words = read_text(f->workdir, "w1-b7.steps");
	reload(f);
	assert_ok(batch_write(f->batch, &err), &err);	/* what was read writes the same */
	char *after = read_text(f->notes, "w1-b7.batch"), *again = read_text(f->workdir, "w1-b7.steps");
	assert_string_equal(after, before);
	assert_string_equal(again, words);
	struct stat info;
	char *path = xasprintf("%s/w1-b7.batch", f->notes);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);	/* it holds the token */
	free(path);
	free(before);
	free(after);
	free(words);
	free(again);
	fixture_free(f);
}

static void leaves_broken_notes_and_loads_the_others(void **state)
{
	(void)state;
	struct fixture *f = three_arms();
	struct err err = {0};
	static const char *const names[] = { "w1-b1.batch", "w1-b10.batch", "w1-b2.batch", "w1-b3.batch", ".hidden.batch", "other", "w1-b9.batch.12.part" };
	char *good = read_text(f->notes, "w1-b7.batch"), *note = xstrdup(good), *name = strstr(note, "w1-b7");
	memcpy(name, "w1-b2", 5);
	const char *const contents[] = { "{\"name\": \"w1-b", "{}", note, good, "x", "x", "x" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = xasprintf("%s/%s", f->notes, names[i]);
		FILE *file = fopen(path, "w");
		fputs(contents[i], file);
		fclose(file);
		free(path);
	}
	struct batch **batches;
	assert_int_equal(batch_load_all(&f->setup, &batches, &err), 2);
	assert_non_null(strstr(err.text, "w1-b1.batch is broken ("));
	assert_string_equal(batch_name(batches[0]), "w1-b2");
	assert_string_equal(batch_name(batches[1]), "w1-b7");
	batch_free(batches[0]);
	batch_free(batches[1]);
	free(batches);
	free(good);
	free(note);
	f->setup.folder = "/nowhere/at/all";
	err.text[0] = '\0';
	assert_int_equal(batch_load_all(&f->setup, &batches, &err), 0);
	assert_string_equal(err.text, "");
	fixture_free(f);
}

/* --- the driver itself ------------------------------------------------------------------------------------------------ */

/* Runs a script in the fixture's folder; its output, raw. */
static char *shell(const struct fixture *f, const char *script)
{
	char driver[PATH_MAX];
	assert_non_null(realpath("assets/driver.sh", driver));
	char *full = xasprintf("driver='%s'; cd '%s' || exit; exec 2>&1; export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1; %s", driver, f->folder, script);
	const char *argv[] = { "sh", "-c", full, NULL };
	struct child_options options = { .argv = argv, .timeout = 100000000 };
	struct buf out = {0};
	struct err err = {0};
	assert_ok(child_run(&options, &out, NULL, &err), &err);
	free(full);
	return out.data ? buf_take(&out) : xstrdup("");
}

/* A target with a baseline and three proposals, as commits; their ids, a line each. */
static const char make_target[] =
	"git init -q t && cd t && git config user.name n && git config user.email e@x && commit() { git add -A && git commit -qm m && git rev-parse HEAD; } &&"
	" printf 'int main(void) { return 0; }\\n' >m.c && echo 'exit 0' >checks.sh && commit && "
	" echo '// only a comment' >>m.c && commit && git reset -q --hard HEAD~ &&"
	" echo 'broken' >>m.c && commit && git reset -q --hard HEAD~ &&"
	" printf 'int main(int c, char **v) { return c > 5 && **v; }\\n' >m.c && commit";

/* Builds and measures all four in the given round, as runs from r<first> on. */
static void run_driver(struct fixture *f, char ids[4][64], unsigned round, unsigned first, const char *same)
{
	static const char *const arms[] = { "base", "p3", "p4", "p5" };
	char *bundle = xasprintf("%s/r.bundle", f->folder), run[8];
	batch_free(f->batch);
	f->batch = batch_new(&f->setup, "w1", "w1-b7");
	for (unsigned i = 0; i < 8; i++) {
		snprintf(run, sizeof run, "r%u", first + i);
		add_of(f, run, arms[i % 4], i < 4 ? STEP_BUILD : STEP_MEASURE, i < 4 ? 0 : round,
		       &(struct step){ .commit = ids[i % 4], .bundle = i < 4 ? bundle : NULL, .same_as = i && i < 4 ? same : NULL, .padding = 7 });
	}
	write_batch(f);
	char *log = shell(f, "cd workdir && sh $driver batch w1-b7.steps");
	for (size_t i = 0, size = strlen(log); i < size; i += 7)
		feed_bytes(f, log + i, size - i < 7 ? size - i : 7);
	batch_end(f->batch, RUN_OK, NULL);
	free(log);
	free(bundle);
}

/* p3 builds the baseline's program, p4 does not compile, p5 builds another. */
static void runs_a_batch_with_the_driver(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	char ids[4][64], *said = shell(f, make_target);
	if (sscanf(said, "%63s %63s %63s %63s", ids[0], ids[1], ids[2], ids[3]) != 4)
		fail_msg("%s", said);
	free(said);
	struct err err = {0};
	char *target = xasprintf("%s/t", f->folder), *bundle = xasprintf("%s/r.bundle", f->folder);
	struct git *git = git_open(target, &err);
	assert_ok(git_bundle(git, (const char *[]){ ids[0], ids[1], ids[2], ids[3] }, 4, bundle, &err), &err);
	git_close(git);
	free(target);
	free(bundle);
	free(shell(f, "mkdir -p workdir/harness && printf '%s\\n' 'echo \"METRIC x=$SKYDECK_ROUND\"; echo \"$EXPERIMENT_ID $EXPERIMENT_DESC $SKYDECK_ARM "
		      "$SKYDECK_LAYOUT ${#SKYDECK_PADDING} $BUILD_CMD\"; [ $SKYDECK_ROUND != 2 ] || exit 4; printf METRIC\\ x=9' >workdir/harness/measure.sh"));
	run_driver(f, ids, 1, 10, NULL);
	assert_non_null(strstr(buf_str(&f->heard), "host "));
	buf_consume(&f->heard, strcspn(buf_str(&f->heard), "\n") + 1);
	assert_heard(f, "started r10\nended r10 ok artifact=0\nstarted r11\nended r11 ok artifact=0\nstarted r12\nended r12 failed 1: build failed (exit 1)\n"
		     "started r13\nended r13 ok artifact=1\nstarted r14\nended r14 ok\nstarted r15\nended r15 ok\n"
		     "ended r16 cancelled: skipped: its build failed\nstarted r17\nended r17 ok\n");
	assert_log(f, "r17", "METRIC x=1\nwave-4 kernels b 2 7 cc -O2 m.c -o m\nMETRIC x=9");
	char *broken = log_of(f, "r12");
	assert_non_null(strstr(broken, "error"));
	free(broken);
	run_driver(f, ids, 2, 20, f->hashes.at[0]);	/* the next batch knows what the baseline's build made */
	buf_consume(&f->heard, strcspn(buf_str(&f->heard), "\n") + 1);
	assert_heard(f, "started r20\nended r20 ok artifact=0\nstarted r21\nended r21 ok artifact=0\nstarted r22\nended r22 failed 1: build failed (exit 1)\n"
		     "started r23\nended r23 ok artifact=1\nstarted r24\nended r24 failed 4: benchmark failed (exit 4)\n"
		     "ended r25 cancelled: skipped: its build is the same as the baseline's\nended r26 cancelled: skipped: its build failed\n"
		     "started r27\nended r27 failed 4: benchmark failed (exit 4)\n");
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_drivers_file),
		cmocka_unit_test(refuses_what_would_break_the_drivers_file),
		cmocka_unit_test(keeps_newlines_of_a_description_out),
		cmocka_unit_test(tells_each_step_once),
		cmocka_unit_test(reads_samples_seconds_and_sizes),
		cmocka_unit_test(ends_as_a_step_of_this_machine_would),
		cmocka_unit_test(believes_no_line_without_the_token),
		cmocka_unit_test(survives_bytes_of_any_kind),
		cmocka_unit_test(caps_a_log),
		cmocka_unit_test(goes_on_when_a_log_cannot_be_written),
		cmocka_unit_test(tells_output_ten_times_a_second_at_most),
		cmocka_unit_test(says_why_steps_are_left_out),
		cmocka_unit_test(ends_what_a_job_leaves_undone),
		cmocka_unit_test(tells_the_drivers_own_complaint),
		cmocka_unit_test(tells_a_cancelled_job_from_a_crash),
		cmocka_unit_test(may_be_freed_by_its_listener),
		cmocka_unit_test(takes_up_where_an_engine_left),
		cmocka_unit_test(keeps_every_field_of_a_step),
		cmocka_unit_test(leaves_broken_notes_and_loads_the_others),
		cmocka_unit_test(runs_a_batch_with_the_driver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
