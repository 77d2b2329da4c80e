/* The local runner over a real loop, with small shell targets. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/config.h"
#include "core/runners/record.h"
#include "core/runners/runner.h"
#include "core/runners/sandbox.h"
#include "tests/test.h"

enum { PATIENCE = 50000000 };	/* microseconds until a test gives up waiting */

/* A runner, what its listener heard ("started r1", "ended r1 ok", "w1 ready"), and the last result in full. */
struct fixture {
	char folder[PATH_MAX];
	struct loop *loop;
	struct config config;
	struct runner_setup setup;
	const struct runner_ops *ops;
	struct runner *runner;
	struct buf heard;
	size_t ended, outputs;
	struct step_result last;
	char reason[1024], artifact[80], last_line[1024];
	struct metrics metrics;
	const char *close_at;		/* close the runner when this is heard */
};

static struct err probe_error;
static int is_possible;

static int probe(void **state)
{
	(void)state;
	is_possible = sandbox_probe(&probe_error) == 0;
	return 0;
}

static void need_sandbox(void)
{
	if (is_possible)
		return;
	print_message("no sandbox here: %s\n", probe_error.text);
	skip();
}

static size_t cpu_count(void)
{
	cpu_set_t set;
	sched_getaffinity(0, sizeof set, &set);
	return (size_t)CPU_COUNT(&set);
}

static void hear(struct fixture *f, const char *word, const char *what, const char *more)
{
	size_t at = f->heard.len;
	buf_printf(&f->heard, "%s %s%s%s\n", word, what, *more ? " " : "", more);
	if (f->close_at && !strncmp(f->heard.data + at, f->close_at, strlen(f->close_at))) {
		f->ops->close(f->runner);
		f->runner = NULL;
	}
}

static void worker_changed(void *data, const struct worker_report *report)
{
	hear(data, report->worker, report->state, report->why ? report->why : "");
}

static void step_started(void *data, const char *run)
{
	hear(data, "started", run, "");
}

static void step_ended(void *data, const struct step_result *result)
{
	struct fixture *f = data;
	f->ended++;
	f->last = *result;
	snprintf(f->reason, sizeof f->reason, "%s", result->reason ? result->reason : "");
	snprintf(f->artifact, sizeof f->artifact, "%s", result->artifact ? result->artifact : "");
	metrics_release(&f->metrics);
	if (result->metrics)
		metrics_copy(&f->metrics, result->metrics);
	hear(f, "ended", result->run, run_status_name(result->status));
}

static void step_output(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct fixture *f = data;
	(void)bytes;
	f->outputs++;
	snprintf(f->last_line, sizeof f->last_line, "%s", last_line);
	assert_true(lines > 0);
	if (f->close_at && !strcmp(f->close_at, "output"))
		hear(f, "output", run, "");
}

static const struct runner_listener listener = {
	.worker_changed = worker_changed, .step_started = step_started, .step_ended = step_ended, .step_output = step_output,
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	test_path(f->folder, sizeof f->folder, "local.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->loop = loop_new();
	config_init(&f->config);
	f->ops = runner_find("local");
	f->setup = (struct runner_setup){ .loop = f->loop, .config = &f->config, .root = f->folder, .folder = f->folder, .metric = "x",
		.measure = "measure.sh", .checks = "checks.sh", .listener = &listener, .data = f };
	return f;
}

static void open_runner(struct fixture *f)
{
	struct err err = {0};
	if (!(f->runner = f->ops->open(&f->setup, &err)))
		fail_msg("%s", err.text);
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
}

static void fixture_free(struct fixture *f)
{
	f->ops->close(f->runner);
	loop_free(f->loop);
	config_release(&f->config);
	buf_release(&f->heard);
	metrics_release(&f->metrics);
	free(f);
}

static void put(const struct fixture *f, const char *arm, const char *name, const char *text)
{
	char *folder = xasprintf("%s/%s", f->folder, arm), *path = xasprintf("%s/%s", folder, name);
	mkdir(folder, 0777);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(folder);
	free(path);
}

/* Submits a step on the tree of the arm, by default to w1; the log is FOLDER/RUN.log. */
static void submit_to(struct fixture *f, const char *worker, const char *run, const char *arm, enum step_kind kind)
{
	struct err err = {0};
	char *tree = xasprintf("%s/%s", f->folder, arm), *log = xasprintf("%s/%s.log", f->folder, run);
	mkdir(tree, 0777);
	struct step step = { .run = run, .worker = worker, .arm = arm, .kind = kind, .tree = tree, .log = log, .label = "b",
		.experiment = "wave-4", .description = "two words", .round = 7, .layout = 2, .padding = 100 };
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	free(tree);
	free(log);
}

static void submit(struct fixture *f, const char *run, const char *arm, enum step_kind kind)
{
	submit_to(f, "w1", run, arm, kind);
}

/* Turns the loop until so many steps have ended, or this text was heard (NULL: only the first). */
static void turn_until(struct fixture *f, size_t ended, const char *text)
{
	int64_t limit = clock_monotonic() + PATIENCE;
	while (f->ended < ended || (text && !strstr(buf_str(&f->heard), text))) {
		if (clock_monotonic() > limit)
			fail_msg("waited too long for %s; heard:\n%s", text ? text : "the end", buf_str(&f->heard));
		loop_turn(f->loop, 100000);
	}
}

static char *read_log(const struct fixture *f, const char *run)
{
	struct buf text = {0};
	char *path = xasprintf("%s/%s.log", f->folder, run);
	assert_int_equal(buf_read_file(&text, path, 256 << 20), 0);
	free(path);
	return text.data ? buf_take(&text) : xstrdup("");
}

static void assert_log(const struct fixture *f, const char *run, const char *expected)
{
	char *text = read_log(f, run);
	assert_string_equal(text, expected);
	free(text);
}

static size_t place_of(const struct fixture *f, const char *text)
{
	const char *found = strstr(buf_str(&f->heard), text);
	if (!found)
		fail_msg("not heard: %s; but:\n%s", text, buf_str(&f->heard));
	return (size_t)(found - f->heard.data);
}

static void assert_before(const struct fixture *f, const char *first, const char *second)
{
	if (place_of(f, first) >= place_of(f, second))
		fail_msg("\"%s\" should come before \"%s\":\n%s", first, second, buf_str(&f->heard));
}

/* --- how steps end ------------------------------------------------------------------------------------------------- */

static void tells_the_endings_of_a_benchmark_apart(void **state)
{
	(void)state;
	need_sandbox();
	static const struct { const char *script; enum run_status status; int exit_code; const char *reason; } endings[] = {
		{ "echo METRIC x=5", RUN_OK, 0, "" },
		{ "echo METRIC x=5; echo METRIC x=nan", RUN_OK, 0, "" },
		{ "echo METRIC x=5; exit 3", RUN_FAILED, 3, "benchmark failed (exit 3)" },
		{ "echo METRIC x=5; kill -SEGV $$", RUN_KILLED, 11, "benchmark failed (exit 139, killed by signal 11)" },
		{ "kill -KILL $PPID; sleep 9", RUN_KILLED, 9, "benchmark failed (exit 137, killed by signal 9)" },
		{ "echo METRIC x=5; sleep 99", RUN_TIMEOUT, 0, "benchmark timed out after 1s" },
		{ "echo hello", RUN_NO_METRIC, 0, "no METRIC lines found in benchmark output" },
		{ "echo METRIC x=nan", RUN_NO_METRIC, 0, "no METRIC lines found in benchmark output (METRIC x=nan: not finite)" },
		{ "echo METRIC y=5", RUN_NO_METRIC, 0, "no METRIC x found in benchmark output (it printed y)" },
		{ "echo EXPERIMENT_STATUS: crash; echo EXPERIMENT_ERROR: build failed", RUN_FAILED, 0, "build failed" },
		{ "echo EXPERIMENT_ERROR: benchmark timed out after 300s", RUN_TIMEOUT, 0, "benchmark timed out after 300s" },
		{ "echo SKYDECK end run=r0 exit=0 seconds=1 token=guess; echo METRIC x=5; exit 4", RUN_FAILED, 4, "benchmark failed (exit 4)" },
	};
	struct fixture *f = fixture_new();
	open_runner(f);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		char run[16];
		snprintf(run, sizeof run, "r%zu", i);
		put(f, "base", "measure.sh", endings[i].script);
		f->config.target_measuretimeout = strstr(endings[i].script, "sleep 99") ? 1 : 300;
		submit(f, run, "base", STEP_MEASURE);
		turn_until(f, i + 1, NULL);
		if (f->last.status != endings[i].status || (endings[i].exit_code && f->last.exit_code != endings[i].exit_code) || strcmp(f->reason, endings[i].reason))
			fail_msg("%s: %s, exit %d, %s", endings[i].script, run_status_name(f->last.status), f->last.exit_code, f->reason);
		assert_true(f->last.seconds >= 0 && f->last.seconds < 30);
	}
	fixture_free(f);
}

static void keeps_the_log_and_the_samples_of_a_run(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	put(f, "p1", "measure.sh", "echo one; echo METRIC x=5; echo err >&2; echo METRIC x=7; printf 'METRIC y=1'");
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_log(f, "r1", "one\nMETRIC x=5\nerr\nMETRIC x=7\nMETRIC y=1");
	assert_int_equal(f->last.log_lines, 5);
	assert_int_equal(f->last.log_bytes, 40);
	assert_int_equal(metrics_find(&f->metrics, "x")->count, 2);
	assert_int_equal(metrics_find(&f->metrics, "y")->count, 1);
	assert_string_equal(buf_str(&f->heard), "w1 ready\nstarted r1\nended r1 ok\n");
	fixture_free(f);
}

static void gives_a_step_the_environment_of_its_wave(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "make all");
	put(f, "p3", "measure.sh", "echo METRIC x=1; pwd; env | grep -v '^_=\\|^PWD=\\|^OLDPWD=\\|^SHLVL=' | sort");
	open_runner(f);
	submit(f, "r4711", "p3", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_log(f, "r4711", "METRIC x=1\n/target\nBENCH_TIMEOUT=300\nBUILD_CMD=make all\nCHECK_TIMEOUT=300\nEXPERIMENT_DESC=two words\n"
		   "EXPERIMENT_ID=wave-4\nHOME=/tmp\nLANG=C.UTF-8\nLC_ALL=C.UTF-8\n"
		   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nSKYDECK_ARM=b\nSKYDECK_LAYOUT=2\n"
		   "SKYDECK_PADDING=                                                                                                    \n"
		   "SKYDECK_ROUND=7\nTERM=dumb\n");
	fixture_free(f);
}

static void builds_and_checks_an_arm(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "cc m.c -o m");
	put(f, "p1", "m.c", "int main(void) { return 4; }\n");
	put(f, "p1", "checks.sh", "./m");
	open_runner(f);
	submit(f, "r1", "p1", STEP_BUILD);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_OK);
	assert_int_equal(strlen(f->artifact), 64);
	submit(f, "r2", "p1", STEP_CHECKS);
	turn_until(f, 2, NULL);
	assert_int_equal(f->last.status, RUN_FAILED);
	assert_string_equal(f->reason, "checks failed (exit 4)");
	put(f, "p1", "m.c", "int main(void) {\n");
	submit(f, "r3", "p1", STEP_BUILD);
	turn_until(f, 3, NULL);
	assert_int_equal(f->last.status, RUN_FAILED);
	assert_string_equal(f->reason, "build failed (exit 1)");
	assert_string_equal(f->artifact, "");
	fixture_free(f);
}

static void times_out_builds_and_checks(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "sleep 99");
	f->config.target_buildtimeout = f->config.target_checktimeout = 1;
	put(f, "p1", "checks.sh", "sleep 99");
	open_runner(f);
	submit(f, "r1", "p1", STEP_BUILD);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_TIMEOUT);
	assert_string_equal(f->reason, "build timed out after 1s");
	submit(f, "r2", "p1", STEP_CHECKS);
	turn_until(f, 2, NULL);
	assert_int_equal(f->last.status, RUN_TIMEOUT);
	assert_string_equal(f->reason, "checks timeout after 1s");
	fixture_free(f);
}

static void says_that_the_harness_is_missing(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	f->setup.measure = "autoresearch.sh";
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_FAILED);
	assert_string_equal(f->reason, "autoresearch.sh not found");
	fixture_free(f);
}

static void bounds_the_log_of_a_flood_and_still_finds_its_metric(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	put(f, "p1", "measure.sh", "head -c 68000000 /dev/zero | tr '\\0' x; echo; echo METRIC x=5");
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_OK);
	char *text = read_log(f, "r1");
	assert_int_equal(strlen(text), f->last.log_bytes);
	assert_string_equal(text + RECORD_LOG_MAX, "\nskydeck: the log of a run ends at 64 MiB; 891148 more bytes were dropped\n");
	free(text);
	fixture_free(f);
}

static void takes_any_bytes_as_output(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	put(f, "p1", "measure.sh", "head -c 3000000 /dev/urandom; echo; echo METRIC x=5; printf '\\033]0;title\\007last'; sleep 0.3");
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_OK);
	assert_string_equal(f->last_line, "<1B>]0;title<07>last");
	fixture_free(f);
}

static void tells_of_output_at_most_ten_times_a_second(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	put(f, "p1", "measure.sh", "i=0; while [ $i -lt 60 ]; do echo line $i; sleep 0.01; i=$((i+1)); done; echo METRIC x=5");
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_true(f->outputs >= 2);
	assert_true((double)f->outputs <= 1 + 10 * (f->last.seconds + 1));
	assert_string_equal(f->last_line, "METRIC x=5");
	fixture_free(f);
}

/* --- when they run, and where -------------------------------------------------------------------------------------- */

static void measures_while_nothing_builds(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "sleep 0.3");
	put(f, "p1", "measure.sh", "echo METRIC x=5; sleep 0.2");
	put(f, "p1", "checks.sh", "sleep 0.1");
	open_runner(f);
	submit(f, "r1", "p1", STEP_BUILD);
	submit(f, "r2", "p2", STEP_BUILD);
	submit(f, "r3", "p1", STEP_MEASURE);
	submit(f, "r4", "p3", STEP_BUILD);
	submit(f, "r5", "p1", STEP_CHECKS);
	turn_until(f, 5, NULL);
	if (cpu_count() > 1) {
		assert_before(f, "started r2", "ended r1");
		assert_before(f, "started r5", "ended r4");
	}
	assert_before(f, "ended r1", "started r3");
	assert_before(f, "ended r2", "started r3");
	assert_before(f, "ended r3", "started r4");
	assert_before(f, "ended r3", "started r5");
	fixture_free(f);
}

static void builds_no_more_at_a_time_than_there_are_cpus(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "sleep 0.2");
	open_runner(f);
	size_t count = cpu_count() + 1;
	for (size_t i = 0; i < count && count < 40; i++) {
		char run[16], arm[16];
		snprintf(run, sizeof run, "r%zu", 100 + i);
		snprintf(arm, sizeof arm, "p%zu", i);
		submit(f, run, arm, STEP_BUILD);
	}
	if (count >= 40)
		skip();
	turn_until(f, count, NULL);
	size_t started = 0, running = 0, most = 0;
	for (const char *at = buf_str(&f->heard); *at; at = strchr(at, '\n') + 1) {
		started += !strncmp(at, "started", 7);
		running += !strncmp(at, "started", 7);
		running -= !strncmp(at, "ended", 5);
		most = running > most ? running : most;
	}
	assert_int_equal(started, count);
	assert_int_equal(most, cpu_count());
	fixture_free(f);
}

static void runs_the_steps_of_one_tree_one_after_another(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "sleep 0.2");
	put(f, "p1", "checks.sh", "true");
	open_runner(f);
	submit(f, "r1", "p1", STEP_BUILD);
	submit(f, "r2", "p1", STEP_CHECKS);
	turn_until(f, 2, NULL);
	assert_before(f, "ended r1", "started r2");
	fixture_free(f);
}

static void measures_on_the_cpus_of_its_slot(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	string_set(&f->config.target_build, "grep Cpus_allowed_list /proc/self/status");
	put(f, "p1", "measure.sh", "echo METRIC x=1; nproc");
	open_runner(f);
	assert_int_equal(f->ops->capacity(f->runner), 1);
	submit(f, "r1", "p1", STEP_MEASURE);
	turn_until(f, 1, NULL);
	char *expected = xasprintf("METRIC x=1\n%zu\n", cpu_count() > 1 ? cpu_count() - 1 : 1);
	assert_log(f, "r1", expected);
	free(expected);
	fixture_free(f);
}

static void measures_in_two_slots_at_once_and_builds_beside_in_its_own(void **state)
{
	(void)state;
	need_sandbox();
	if (cpu_count() < 2) {
		print_message("two slots need two CPUs\n");
		skip();
	}
	struct fixture *f = fixture_new();
	struct err err = {0};
	cpu_set_t set;
	int cpus[2], n = 0;
	sched_getaffinity(0, sizeof set, &set);
	for (int cpu = 0; n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	char *list = xasprintf("%d,%d", cpus[0], cpus[1]);
	string_set(&f->config.local_cpus, list);
	f->config.local_slots = 2;
	string_set(&f->config.target_build, "nproc");
	put(f, "p1", "measure.sh", "echo METRIC x=5; n=0; until [ -e /target/stop ] || [ $n -gt 400 ]; do sleep 0.05; n=$((n+1)); done");
	put(f, "p2", "measure.sh", "echo METRIC x=5; sleep 0.2");
	open_runner(f);
	assert_ok(f->ops->start_worker(f->runner, "w2", &err), &err);
	assert_error(f->ops->start_worker(f->runner, "w3", &err), &err, "all 2 slots");
	assert_string_equal(f->ops->host(f->runner, "w1"), f->ops->host(f->runner, "w2"));
	submit_to(f, "w1", "r1", "p1", STEP_MEASURE);
	submit_to(f, "w2", "r2", "p2", STEP_MEASURE);
	submit_to(f, "w2", "r3", "p3", STEP_BUILD);
	submit_to(f, "w1", "r4", "p4", STEP_BUILD);
	submit_to(f, "w2", "r5", "p2", STEP_MEASURE);
	turn_until(f, 3, "ended r5");	/* with r1 still running */
	put(f, "p1", "stop", "");
	turn_until(f, 5, NULL);
	assert_before(f, "started r2", "ended r1");
	assert_before(f, "ended r2", "started r3");
	assert_before(f, "ended r3", "ended r1");
	assert_before(f, "ended r1", "started r4");
	assert_log(f, "r3", "1\n");
	free(list);
	fixture_free(f);
}

/* --- ends before the end ------------------------------------------------------------------------------------------- */

static int is_running(const char *word)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	while (!found && (entry = readdir(proc))) {
		struct buf text = {0};
		char *path = xasprintf("/proc/%s/cmdline", entry->d_name);
		if (*entry->d_name >= '0' && *entry->d_name <= '9' && !buf_read_file(&text, path, 65536))
			found = text.len && memmem(text.data, text.len, word, strlen(word));
		buf_release(&text);
		free(path);
	}
	closedir(proc);
	return found;
}

static void assert_gone(const char *word)
{
	for (int i = 0; i < 200 && is_running(word); i++)
		usleep(50000);
	assert_int_equal(is_running(word), 0);
}

static char *long_script(char *word, size_t size)
{
	static int count;
	snprintf(word, size, "31415.%d%03d", (int)getpid(), ++count);
	return xasprintf("echo up; setsid sleep %s & sleep %s", word, word);
}

static void cancels_what_runs_and_what_waits(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	char word[64], *script = long_script(word, sizeof word);
	put(f, "p1", "measure.sh", script);
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	submit(f, "r2", "p2", STEP_MEASURE);
	turn_until(f, 0, "started r1");
	f->ops->cancel(f->runner, "r2");
	f->ops->cancel(f->runner, "r99");
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_CANCELLED);
	f->ops->cancel(f->runner, "r1");
	f->ops->cancel(f->runner, "r1");
	turn_until(f, 2, NULL);
	assert_string_equal(buf_str(&f->heard), "w1 ready\nstarted r1\nended r2 cancelled\nended r1 cancelled\n");
	assert_gone(word);
	free(script);
	fixture_free(f);
}

static void stops_a_worker_with_its_steps(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	struct err err = {0};
	put(f, "p1", "measure.sh", "sleep 99");
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	submit(f, "r2", "p2", STEP_BUILD);
	turn_until(f, 0, "started r1");
	f->ops->stop_worker(f->runner, "w1");
	struct step late = { .run = "r3", .worker = "w1", .arm = "p1", .tree = f->folder, .log = "x" };
	assert_error(f->ops->submit(f->runner, &late, &err), &err, "worker w1 is not up");
	turn_until(f, 2, "w1 down");
	assert_before(f, "ended r1 cancelled", "w1 down");
	assert_before(f, "ended r2 cancelled", "w1 down");
	assert_ok(f->ops->start_worker(f->runner, "w2", &err), &err);
	turn_until(f, 2, "w2 ready");
	fixture_free(f);
}

static void kills_what_runs_when_it_is_closed(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	char word[64], *script = long_script(word, sizeof word);
	put(f, "p1", "measure.sh", script);
	open_runner(f);
	submit(f, "r1", "p1", STEP_MEASURE);
	submit(f, "r2", "p2", STEP_BUILD);
	int64_t limit = clock_monotonic() + PATIENCE;
	while (!is_running(word) && clock_monotonic() < limit)
		loop_turn(f->loop, 20000);
	assert_true(is_running(word));
	f->ops->close(f->runner);
	f->runner = NULL;
	assert_gone(word);
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, 10000);
	assert_null(strstr(buf_str(&f->heard), "ended"));
	free(script);
	fixture_free(f);
}

static void may_be_closed_from_any_callback(void **state)
{
	(void)state;
	need_sandbox();
	static const char *const moments[] = { "w1 ready", "started r1", "output", "ended r1", "ended r2", "w1 down" };
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		struct fixture *f = fixture_new();
		put(f, "p1", "measure.sh", "echo METRIC x=5; sleep 0.2; echo more");
		put(f, "p2", "measure.sh", "sleep 99");
		f->close_at = moments[i];
		open_runner(f);
		submit(f, "r1", "p1", STEP_MEASURE);
		submit(f, "r2", "p2", STEP_MEASURE);
		int64_t limit = clock_monotonic() + PATIENCE;
		while (f->runner && clock_monotonic() < limit) {
			if (i >= 4 && strstr(buf_str(&f->heard), "started r2"))
				f->ops->stop_worker(f->runner, "w1");
			loop_turn(f->loop, 100000);
		}
		assert_null(f->runner);
		size_t heard = f->heard.len;
		loop_turn(f->loop, 10000);
		assert_int_equal(f->heard.len, heard);
		fixture_free(f);
	}
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

static void runs_without_a_sandbox_when_told_so_and_says_it(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	f->config.local_sandbox = 0;
	put(f, "p 'x'\n", "measure.sh", "echo METRIC x=5; cat file");
	put(f, "p 'x'\n", "file", "here\n");
	open_runner(f);
	assert_string_equal(f->ops->caution(f->runner), "sandbox off");
	submit(f, "r1", "p 'x'\n", STEP_MEASURE);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_OK);
	assert_log(f, "r1", "METRIC x=5\nhere\n");
	fixture_free(f);
}

static void has_nothing_to_warn_of_with_a_sandbox(void **state)
{
	(void)state;
	need_sandbox();
	struct fixture *f = fixture_new();
	open_runner(f);
	assert_null(f->ops->caution(f->runner));
	assert_false(f->ops->costs_money);
	fixture_free(f);
}

static void refuses_slots_that_do_not_fit(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.local_sandbox = 0;
	f->config.local_slots = 5000;
	assert_null(f->ops->open(&f->setup, &err));
	assert_non_null(strstr(err.text, "runner.local.slots is 5000, but there are only"));
	f->config.local_slots = 1;
	string_set(&f->config.local_cpus, "0-9999");
	assert_null(f->ops->open(&f->setup, &err));
	assert_non_null(strstr(err.text, "is not among those skydeck may use here"));
	fixture_free(f);
}

static void refuses_steps_that_cannot_be_taken(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.local_sandbox = 0;
	open_runner(f);
	struct step step = { .run = "r1", .worker = "w9", .arm = "p1", .tree = f->folder, .log = "x" };
	assert_error(f->ops->submit(f->runner, &step, &err), &err, "worker w9 is not up");
	step.worker = "w1";
	step.tree = "/no/such/tree";
	assert_error(f->ops->submit(f->runner, &step, &err), &err, "/no/such/tree");
	assert_error(f->ops->start_worker(f->runner, "w1", &err), &err, "runs already");
	submit(f, "r1", "p1", STEP_CHECKS);
	step.tree = f->folder;
	assert_error(f->ops->submit(f->runner, &step, &err), &err, "in the queue already");
	fixture_free(f);
}

static void loses_a_step_whose_log_cannot_be_written(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.local_sandbox = 0;
	open_runner(f);
	struct step step = { .run = "r1", .worker = "w1", .arm = "p1", .tree = f->folder, .log = "/dev/null/r1.log" };
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_LOST);
	assert_non_null(strstr(f->reason, "/dev/null/r1.log"));
	fixture_free(f);
}

static void goes_on_when_the_disk_is_full_and_says_so(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.local_sandbox = 0;
	put(f, "p1", "measure.sh", "echo METRIC x=5");
	open_runner(f);
	char *tree = xasprintf("%s/p1", f->folder);
	struct step step = { .run = "r1", .worker = "w1", .arm = "p1", .kind = STEP_MEASURE, .tree = tree, .log = "/dev/full" };
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	turn_until(f, 1, NULL);
	assert_int_equal(f->last.status, RUN_OK);
	assert_before(f, "w1 ready cannot write the log /dev/full", "ended r1 ok");
	free(tree);
	fixture_free(f);
}

static void names_its_steps_and_statuses(void **state)
{
	(void)state;
	assert_string_equal(step_name(STEP_BUILD), "build");
	assert_string_equal(step_name(STEP_MEASURE), "measure");
	assert_string_equal(run_status_name(RUN_NO_METRIC), "no-metric");
	assert_string_equal(run_status_name(RUN_CANCELLED), "cancelled");
	assert_string_equal(runner_find("local")->name, "local");
	assert_null(runner_find("absent"));
	assert_null(runner_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_endings_of_a_benchmark_apart),
		cmocka_unit_test(keeps_the_log_and_the_samples_of_a_run),
		cmocka_unit_test(gives_a_step_the_environment_of_its_wave),
		cmocka_unit_test(builds_and_checks_an_arm),
		cmocka_unit_test(times_out_builds_and_checks),
		cmocka_unit_test(says_that_the_harness_is_missing),
		cmocka_unit_test(bounds_the_log_of_a_flood_and_still_finds_its_metric),
		cmocka_unit_test(takes_any_bytes_as_output),
		cmocka_unit_test(tells_of_output_at_most_ten_times_a_second),
		cmocka_unit_test(measures_while_nothing_builds),
		cmocka_unit_test(builds_no_more_at_a_time_than_there_are_cpus),
		cmocka_unit_test(runs_the_steps_of_one_tree_one_after_another),
		cmocka_unit_test(measures_on_the_cpus_of_its_slot),
		cmocka_unit_test(measures_in_two_slots_at_once_and_builds_beside_in_its_own),
		cmocka_unit_test(cancels_what_runs_and_what_waits),
		cmocka_unit_test(stops_a_worker_with_its_steps),
		cmocka_unit_test(kills_what_runs_when_it_is_closed),
		cmocka_unit_test(may_be_closed_from_any_callback),
		cmocka_unit_test(runs_without_a_sandbox_when_told_so_and_says_it),
		cmocka_unit_test(has_nothing_to_warn_of_with_a_sandbox),
		cmocka_unit_test(refuses_slots_that_do_not_fit),
		cmocka_unit_test(refuses_steps_that_cannot_be_taken),
		cmocka_unit_test(loses_a_step_whose_log_cannot_be_written),
		cmocka_unit_test(goes_on_when_the_disk_is_full_and_says_so),
		cmocka_unit_test(names_its_steps_and_statuses),
	};
	return cmocka_run_group_tests(tests, probe, NULL);
}
