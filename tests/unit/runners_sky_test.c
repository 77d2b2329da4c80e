/* The sky runner over a real loop and tests/sky-lab/fake-sky, whose VMs are folders and whose jobs really execute the driver.
 * There is no API server, so everything goes through the command. The VMs' clock runs twenty times as fast. timeout: 300 */
#define FLEET_SECOND 50000LL
#define INIT_FOR (60 * FLEET_SECOND)
#include "core/runners/fleet.c"
#include "core/runners/fleet_down.c"
#include "core/runners/fleet_tell.c"
#include "core/runners/fleet_up.c"
#include "core/runners/fleet_watch.c"

#include <limits.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "tests/test.h"

enum { PATIENCE = 100000000 };	/* microseconds until a test gives up waiting */

/* A runner, and what its listener heard: "w1 starting UP: why [remedy]", "started r1", "ended r1 ok", "failed why". */
struct fixture {
	char folder[PATH_MAX];
	struct loop *loop;
	struct config config;
	struct runner_setup setup;
	const struct runner_ops *ops;
	struct runner *runner;
	struct buf heard, steps;	/* steps: only what was heard of them */
	size_t ended, worker_outputs;
	struct step_result last;
	char reason[1024], arch[64], place[64];
	double value, usd, usd_per_hour;
	const char *close_at;		/* close the runner when this is heard */
};

static void hear(struct fixture *f, const char *text)
{
	size_t at = f->heard.len;
	buf_printf(&f->heard, "%s\n", text);
	if (f->close_at && !strncmp(f->heard.data + at, f->close_at, strlen(f->close_at))) {
		f->ops->close(f->runner);
		f->runner = NULL;
	}
}

static void worker_changed(void *data, const struct worker_report *r)
{
	struct fixture *f = data;
	char *text = xasprintf("%s %s%s%s%s%s%s%s%s", r->worker, r->state, r->status ? " " : "", r->status ? r->status : "",
			       r->why ? ": " : "", r->why ? r->why : "", r->remedy ? " [" : "", r->remedy ? r->remedy : "", r->remedy ? "]" : "");
	if (isfinite(r->usd))
		f->usd = r->usd;
	if (isfinite(r->usd_per_hour))
		f->usd_per_hour = r->usd_per_hour;
	if (r->arch)
		snprintf(f->arch, sizeof f->arch, "%s", r->arch);
	if (r->place)
		snprintf(f->place, sizeof f->place, "%s", r->place);
	hear(f, text);
	free(text);
}

static void step_started(void *data, const char *run)
{
	struct fixture *f = data;
	char *text = xasprintf("started %s", run);
	buf_printf(&f->steps, "%s\n", text);
	hear(f, text);
	free(text);
}

static void step_ended(void *data, const struct step_result *result)
{
	struct fixture *f = data;
	char *text = xasprintf("ended %s %s", result->run, run_status_name(result->status));
	f->ended++;
	f->last = *result;
	f->value = result->metrics ? metric_median(metrics_find(result->metrics, "x")) : NAN;
	snprintf(f->reason, sizeof f->reason, "%s", result->reason ? result->reason : "");
	buf_printf(&f->steps, "%s\n", text);
	hear(f, text);
	free(text);
}

static void step_output(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	(void)data, (void)run, (void)lines, (void)bytes, (void)last_line;
}

static void worker_output(void *data, const char *worker, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct fixture *f = data;
	(void)worker, (void)bytes, (void)last_line;
	f->worker_outputs++;
	assert_true(lines > 0);
}

static void failed(void *data, const char *why)
{
	char *text = xasprintf("failed: %s", why);
	hear(data, text);
	free(text);
}

static const struct runner_listener listener = { worker_changed, step_started, step_ended, step_output, worker_output, failed };

/* --- the fake SkyPilot ----------------------------------------------------------------------------------------------- */

static void put(const struct fixture *f, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static void trouble(const struct fixture *f, const char *command, const char *lines)
{
	char *name = xasprintf("fake/trouble/%s", command);
	put(f, name, lines);
	free(name);
}

static void fake(const char *arguments)
{
	char *command = xasprintf("sky %s", arguments);
	assert_int_equal(system(command), 0);
	free(command);
}

static char *text_of(const struct fixture *f, const char *name)
{
	struct buf text = {0};
	char *path = xasprintf("%s/%s", f->folder, name);
	buf_read_file(&text, path, 16 << 20);
	free(path);
	return text.data ? buf_take(&text) : xstrdup("");
}

static size_t count_of(const struct fixture *f, const char *name, const char *part)
{
	char *text = text_of(f, name);
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		n++;
	free(text);
	return n;
}

static void assert_count(const struct fixture *f, const char *name, const char *part, size_t wanted)
{
	size_t n = count_of(f, name, part);
	char *text = text_of(f, name), *log = text_of(f, "logs/w1.log");
	if (n != wanted) {
		fprintf(stderr, "w1.log:\n%s\n", log);	/* cmocka cuts what is long */
		fail_msg("%s: \"%s\" stands there %zu times, not %zu:\n%s\nheard:\n%s", name, part, n, wanted, text, buf_str(&f->heard));
	}
	free(text), free(log);
}

static void assert_heard(const struct fixture *f, const char *text)
{
	if (!strstr(buf_str(&f->heard), text)) {
		char *log = text_of(f, "logs/w1.log");
		fail_msg("not heard: \"%s\", but:\n%s\n%s\nw1.log:\n%s", text, buf_str(&f->heard), f->reason, log);
	}
}

/* --- its life -------------------------------------------------------------------------------------------------------- */

static struct fixture *fixture_new(void)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	test_path(f->folder, sizeof f->folder, "sky.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	char *bin = xasprintf("%s/bin", f->folder), *sky = xasprintf("%s/sky", bin), *state = xasprintf("%s/fake", f->folder);
	char *script = realpath("tests/sky-lab/fake-sky", NULL), *path = xasprintf("%s:%s", bin, getenv("SKY_TEST_PATH"));
	char *troubles = xasprintf("%s/trouble", state);
	mkdir(bin, 0777);
	mkdir(state, 0777);
	mkdir(troubles, 0777);
	assert_int_equal(symlink(script, sky), 0);
	setenv("PATH", path, 1);
	setenv("FAKE_SKY", state, 1);
	setenv("SKYPILOT_API_SERVER_ENDPOINT", "http://127.0.0.1:1", 1);
	setenv("HOME", f->folder, 1);
	free(bin), free(sky), free(state), free(script), free(path), free(troubles);
	f->loop = loop_new();
	config_init(&f->config);
	f->config.sky_autostop = 10;
	strings_add(&f->config.sky_infra, "slurm/local");
	/* A VM's trees are there once it is set up, so that no test needs git. */
	string_set(&f->config.target_setup, "mkdir -p arms/base && cp measure.sh arms/base/\n");
	f->ops = runner_find("sky");
	f->usd = f->usd_per_hour = NAN;
	f->setup = (struct runner_setup){ .loop = f->loop, .config = &f->config, .root = f->folder, .folder = f->folder, .metric = "x",
		.session = "s1", .measure = "measure.sh", .listener = &listener, .data = f };
	return f;
}

static void open_runner(struct fixture *f)
{
	struct err err = {0};
	if (!(f->runner = f->ops->open(&f->setup, &err)))
		fail_msg("%s", err.text);
}

static void fixture_free(struct fixture *f)
{
	f->ops->close(f->runner);
	fake("fake-end");
	loop_free(f->loop);
	config_release(&f->config);
	buf_release(&f->heard);
	buf_release(&f->steps);
	free(f);
}

/* Turns the loop until this was heard. */
static void wait_for(struct fixture *f, const char *text)
{
	int64_t limit = clock_monotonic() + PATIENCE;
	while (!strstr(buf_str(&f->heard), text)) {
		if (clock_monotonic() > limit) {
			char *log = text_of(f, "logs/w1.log");
			fail_msg("waited too long for \"%s\"; heard:\n%s\nw1.log:\n%s", text, buf_str(&f->heard), log);
		}
		loop_turn(f->loop, 100000);
	}
}

static void turn_for(struct fixture *f, int64_t microseconds)
{
	int64_t limit = clock_monotonic() + microseconds;
	while (clock_monotonic() < limit)
		loop_turn(f->loop, 20000);
}

static void wait_for_ends(struct fixture *f, size_t n)
{
	int64_t limit = clock_monotonic() + PATIENCE;
	while (f->ended < n) {
		if (clock_monotonic() > limit)
			fail_msg("waited too long for %zu ends; heard:\n%s", n, buf_str(&f->heard));
		loop_turn(f->loop, 100000);
	}
}

static void forget_heard(struct fixture *f)
{
	buf_truncate(&f->heard, 0);
	f->ended = 0;
}

/* The target's measure script reaches the VM in the workdir, as another file of it. */
static void start(struct fixture *f, const char *measure)
{
	struct err err = {0};
	char *folder = xasprintf("%s/sky/w1", f->folder);
	char *above = xasprintf("%s/sky", f->folder);
	mkdir(above, 0777);
	mkdir(folder, 0777);
	put(f, "sky/w1/measure.sh", measure);
	free(folder);
	free(above);
	open_runner(f);
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
}

static struct step make_step(const char *run, unsigned round, const char *log)
{
	return (struct step){ .run = run, .worker = "w1", .arm = "base", .tree_name = "base", .kind = STEP_MEASURE, .log = log, .label = "a",
		.experiment = "wave-1", .description = "s1", .wave = 1, .round = round, .layout = 1 };
}

static void submit(struct fixture *f, const char *run, unsigned round)
{
	struct err err = {0};
	char *log = xasprintf("%s/logs/%s.log", f->folder, run);
	struct step step = make_step(run, round, log);
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	free(log);
}

static const char *cluster(const struct fixture *f)
{
	return f->ops->host(f->runner, "w1");
}

/* --- tests ----------------------------------------------------------------------------------------------------------- */

static void brings_a_vm_up_runs_a_batch_and_takes_it_down(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, "echo METRIC x=5");
	assert_true(f->ops->costs_money && f->ops->keeps_trees(f->runner));
	assert_int_equal(f->ops->capacity(f->runner), 4);
	wait_for(f, "w1 ready UP");
	assert_string_equal(f->place, "local");
	assert_true(f->usd_per_hour > 0.09 && f->usd_per_hour < 0.11);
	assert_true(strlen(f->arch) > 2);
	assert_int_equal(f->ops->count_up(f->runner), 1);
	assert_null(f->ops->caution(f->runner));
	assert_int_equal(strncmp(cluster(f), "skydeck-", 8), 0);
	assert_count(f, "sky/clusters", cluster(f), 1);
	submit(f, "r1", 1);
	submit(f, "r2", 2);
	wait_for_ends(f, 2);
	assert_string_equal(buf_str(&f->steps), "started r1\nended r1 ok\nstarted r2\nended r2 ok\n");
	assert_true(f->value == 5);
	assert_count(f, "fake/calls", "exec ", 1);	/* one batch of both */
	assert_count(f, "logs/r2.log", "METRIC x=5\n", 1);
	assert_true(f->worker_outputs > 0);
	for (int64_t limit = clock_monotonic() + PATIENCE; !isfinite(f->usd) && clock_monotonic() < limit;)
		loop_turn(f->loop, 50000);
	assert_true(isfinite(f->usd));
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 down");
	assert_int_equal(f->ops->count_up(f->runner), 0);
	assert_count(f, "sky/clusters", "skydeck", 0);
	assert_count(f, "fake/calls", "down ", 1);
	fixture_free(f);
}

static size_t calls(const struct fixture *f, const char *part)
{
	return count_of(f, "fake/calls", part);
}

static void wait_for_calls(struct fixture *f, const char *part, size_t n)
{
	int64_t limit = clock_monotonic() + PATIENCE;
	while (calls(f, part) < n) {
		if (clock_monotonic() > limit)
			fail_msg("waited too long for %zu calls of %s; heard:\n%s", n, part, buf_str(&f->heard));
		loop_turn(f->loop, 50000);
	}
}

static const char quick[] = "echo METRIC x=5";

/* A measure script whose run ends when the test says so. */
static char *until_told(const struct fixture *f)
{
	return xasprintf("echo METRIC x=5; until [ -f %s/go ]; do sleep 0.05; done", f->folder);
}

static void sends_a_second_batch_behind_the_first(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	char *measure = until_told(f);
	start(f, measure);
	free(measure);
	wait_for(f, "w1 ready");
	submit(f, "r1", 1);
	wait_for(f, "started r1");
	submit(f, "r2", 2);
	submit(f, "r3", 3);
	wait_for_calls(f, "exec ", 2);
	submit(f, "r4", 4);		/* two are outstanding: it waits */
	turn_for(f, 300000);
	assert_count(f, "fake/calls", "exec ", 2);
	put(f, "go", "");
	wait_for_ends(f, 4);
	assert_string_equal(buf_str(&f->steps), "started r1\nended r1 ok\nstarted r2\nended r2 ok\nstarted r3\nended r3 ok\nstarted r4\nended r4 ok\n");
	assert_count(f, "fake/calls", "exec ", 3);
	fixture_free(f);
}

static void cancels_what_waits_and_what_runs(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, "echo METRIC x=5; [ $SKYDECK_ROUND = 3 ] || sleep 60");
	wait_for(f, "w1 ready");
	submit(f, "r1", 1);
	submit(f, "r2", 2);
	wait_for(f, "started r1");
	submit(f, "r3", 3);
	wait_for_calls(f, "exec ", 2);
	submit(f, "r4", 4);
	f->ops->cancel(f->runner, "r4");
	wait_for(f, "ended r4 cancelled");
	f->ops->cancel(f->runner, "r2");	/* the whole job */
	wait_for(f, "ended r2 cancelled");
	assert_heard(f, "ended r1 cancelled");
	wait_for(f, "ended r3 ok");		/* the next one goes on */
	assert_int_equal(calls(f, "cancel "), 1);
	f->ops->cancel(f->runner, "r3");	/* has ended: nothing happens */
	turn_for(f, 200000);
	assert_int_equal(f->ended, 4);
	fixture_free(f);
}

static void sends_while_it_cancels(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, "echo METRIC x=5; sleep 60");
	wait_for(f, "w1 ready");
	trouble(f, "cancel", "hang\nhang\n");
	submit(f, "r1", 1);
	wait_for(f, "started r1");
	submit(f, "r2", 2);
	wait_for_calls(f, "exec ", 2);
	f->ops->cancel(f->runner, "r1");
	f->ops->cancel(f->runner, "r2");
	submit(f, "r3", 3);
	wait_for_calls(f, "exec ", 3);
	assert_null(strstr(buf_str(&f->heard), "ended r"));	/* SkyPilot has not answered */
	fixture_free(f);
}

static void launches_again_what_fails_for_a_while(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	trouble(f, "launch", "Connection to the VM was lost\n-\n");
	start(f, quick);
	wait_for(f, "w1 ready");
	assert_heard(f, "launch 2 of 3: ");
	assert_heard(f, "Connection to the VM was lost");
	assert_int_equal(calls(f, "down "), 1);		/* it had stayed INIT */
	assert_null(strstr(buf_str(&f->heard), "lost ["));
	fixture_free(f);
}

static void gives_a_launch_up_after_its_retries(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	f->config.sky_retries = 1;
	trouble(f, "launch", "no luck\nno luck\nno luck\nno luck\n");
	start(f, quick);
	wait_for(f, "w1 lost");
	assert_heard(f, "[retry down]");
	assert_int_equal(calls(f, "launch -y -d"), 2);
	assert_null(strstr(buf_str(&f->heard), "failed:"));
	assert_int_equal(f->ops->count_up(f->runner), 1);	/* it may still cost */
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 down");
	trouble(f, "launch", "");
	forget_heard(f);
	struct err err = {0};
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
	wait_for(f, "w1 ready");
	fixture_free(f);
}

static void launches_again_what_stays_half_up(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, quick);
	wait_for(f, "w1 ready UP");
	char *init = xasprintf("fake-is %s INIT", cluster(f));
	fake(init);
	free(init);
	forget_heard(f);
	wait_for(f, "w1 starting INIT: launch 2 of 3: its state has been INIT for five minutes");
	forget_heard(f);
	wait_for(f, "w1 ready UP");
	assert_int_equal(calls(f, "launch -y -d"), 2);
	fixture_free(f);
}

static void takes_down_what_is_still_being_launched(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	trouble(f, "launch", "hang\n");
	start(f, quick);
	wait_for(f, "w1 starting INIT");
	f->ops->stop_worker(f->runner, "w1");
	char *folder = xasprintf("%s/fake/clusters/%s", f->folder, cluster(f));
	while (!access(folder, F_OK))
		loop_turn(f->loop, 50000);
	free(folder);
	/* SkyPilot's server goes on with a launch when its client is gone. */
	char *vm = xasprintf("mkdir -p fake/clusters/%s/jobs && cd fake/clusters/%s && echo UP >status && date +%%s >launched && echo 10 >autostop",
			     cluster(f), cluster(f));
	char *command = xasprintf("cd %s && %s", f->folder, vm);
	assert_int_equal(system(command), 0);
	free(command);
	free(vm);
	wait_for(f, "w1 down");
	assert_true(calls(f, "down ") > 1);
	assert_count(f, "sky/clusters", "skydeck", 0);
	fixture_free(f);
}

static void goes_down_by_itself_when_there_is_nothing_to_do(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	f->config.sky_autostop = 1;	/* a minute of three seconds */
	start(f, quick);
	wait_for(f, "w1 ready UP");
	turn_for(f, 60 * FLEET_SECOND);
	char *lose = xasprintf("fake-lose %s", cluster(f));
	fake(lose);
	free(lose);
	wait_for(f, "w1 down: it went down by itself");
	assert_int_equal(f->ops->count_up(f->runner), 0);
	assert_int_equal(calls(f, "launch -y -d"), 1);
	fixture_free(f);
}

static void leaves_a_cluster_of_somebody_else_alone(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	trouble(f, "launch", "sky.exceptions.ClusterOwnerIdentityMismatchError: the cluster is owned by another identity\n");
	start(f, quick);
	wait_for(f, "w1 lost");
	assert_int_equal(f->ops->count_up(f->runner), 0);
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 down");
	assert_int_equal(calls(f, "down "), 0);
	fixture_free(f);
}

static void says_that_no_worker_can_ever_start(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	trouble(f, "dryrun", "No resource satisfying Slurm(cpus=64, region=local) on Slurm.\n");
	open_runner(f);
	wait_for(f, "failed: ");
	assert_heard(f, "No resource satisfying");
	assert_heard(f, skypilot_remedy(SKYPILOT_INFEASIBLE));
	fixture_free(f);

	f = fixture_new();
	trouble(f, "launch", "No resource satisfying Slurm(cpus=64, region=local) on Slurm.\n");
	start(f, quick);
	wait_for(f, "failed: ");
	assert_heard(f, "w1 lost");
	assert_int_equal(calls(f, "launch -y -d"), 1);
	fixture_free(f);
}

static void names_a_set_up_that_fails(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	string_set(&f->config.target_setup, "echo no compiler here >&2\nexit 7\n");
	start(f, quick);
	wait_for(f, "w1 lost");
	assert_heard(f, "target.setup failed: no compiler here");
	assert_heard(f, "[retry down]");
	assert_true(count_of(f, "logs/w1.log", "no compiler here") > 0);
	fixture_free(f);
}

static void replaces_a_vm_that_is_gone(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, "echo METRIC x=5; sleep 60");
	wait_for(f, "w1 ready UP");
	submit(f, "r1", 1);
	wait_for(f, "started r1");
	submit(f, "r2", 2);
	forget_heard(f);
	char *lose = xasprintf("fake-lose %s", cluster(f));
	fake(lose);
	free(lose);
	wait_for_ends(f, 2);
	wait_for(f, "w1 lost: the VM is gone: preempted or taken down elsewhere [retry]\nw1 starting");
	assert_heard(f, "ended r1 lost");
	assert_heard(f, "ended r2 lost");
	forget_heard(f);
	wait_for(f, "w1 ready");
	assert_int_equal(calls(f, "launch -y -d"), 2);
	fixture_free(f);
}

static void retries_to_take_a_vm_down_and_says_when_it_cannot(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	start(f, quick);
	wait_for(f, "w1 ready");
	trouble(f, "down", "no\nno\nno\nno\nno\n");
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 lost");
	char *text = xasprintf("it may still cost: sky down %s [retry down]", cluster(f));
	assert_heard(f, "could not be taken down: ");
	assert_heard(f, text);
	free(text);
	assert_int_equal(calls(f, "down "), 5);
	assert_int_equal(f->ops->count_up(f->runner), 1);
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 down");
	fixture_free(f);
}

static void takes_a_vm_up_again_and_what_runs_on_it(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	start(f, "echo METRIC x=$SKYDECK_ROUND; sleep 2; echo end");
	wait_for(f, "w1 ready");
	submit(f, "r1", 1);
	submit(f, "r2", 2);
	wait_for(f, "ended r1 ok");
	wait_for(f, "started r2");
	f->ops->close(f->runner);
	forget_heard(f);
	open_runner(f);
	assert_int_equal(f->ops->count_up(f->runner), 1);
	assert_false(f->ops->has(f->runner, "r1"));
	assert_true(f->ops->has(f->runner, "r2"));
	char *log = xasprintf("%s/logs/r9.log", f->folder);
	struct step same = make_step("r9", 2, log), other = make_step("r9", 3, log);
	assert_string_equal(f->ops->holds(f->runner, &same), "r2");
	assert_null(f->ops->holds(f->runner, &other));
	free(log);
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
	wait_for(f, "ended r2 ok");
	assert_true(f->value == 2);
	wait_for(f, "w1 ready");
	turn_for(f, 200000);
	assert_null(strstr(buf_str(&f->heard), "r1"));		/* told before */
	assert_null(strstr(buf_str(&f->heard), "started r2"));
	assert_count(f, "logs/r2.log", "METRIC x=2\n", 1);
	assert_int_equal(calls(f, "launch -y -d"), 1);
	assert_count(f, "fake/calls", "exec ", 1);
	submit(f, "r3", 3);
	wait_for(f, "ended r3 ok");
	fixture_free(f);
}

static void asks_a_slow_server_again(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.sky_retries = 0;
	start(f, quick);
	wait_for(f, "w1 ready");
	f->ops->close(f->runner);
	forget_heard(f);
	trouble(f, "queue", "the request timed out\nthe request timed out\nthe request timed out\n");
	open_runner(f);
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
	wait_for(f, "w1 ready");
	assert_null(strstr(buf_str(&f->heard), "lost"));
	assert_int_equal(calls(f, "launch -y -d"), 1);
	assert_true(calls(f, "queue ") >= 4);
	fixture_free(f);
}

static void loses_what_ran_on_a_vm_that_went_while_nobody_looked(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	start(f, "echo METRIC x=5; sleep 60");
	wait_for(f, "w1 ready");
	submit(f, "r1", 1);
	wait_for(f, "started r1");
	f->ops->close(f->runner);
	forget_heard(f);
	fake("fake-end");
	open_runner(f);
	assert_true(f->ops->has(f->runner, "r1"));
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
	wait_for(f, "ended r1 lost");
	wait_for(f, "w1 ready");
	assert_int_equal(calls(f, "launch -y -d"), 2);
	fixture_free(f);
}

static void lets_no_vm_cost_more_than_allowed(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	f->config.sky_maxhourly = 0.15;
	start(f, quick);
	wait_for(f, "w1 ready");
	assert_error(f->ops->start_worker(f->runner, "w2", &err), &err, "runner.sky.maxhourly allows 0.15");
	assert_error(f->ops->start_worker(f->runner, "w1", &err), &err, "runs already");
	fixture_free(f);

	f = fixture_new();
	f->config.sky_maxhourly = 0.05;	/* the price is not known yet when it is started */
	start(f, quick);
	wait_for(f, "runner.sky.maxhourly allows 0.05");
	turn_for(f, 300000);
	assert_int_equal(calls(f, "launch -y -d"), 0);
	fixture_free(f);
}

static void sees_that_there_is_no_autostop(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	put(f, "fake/no-autostop", "");
	start(f, quick);
	wait_for(f, "no autostop here: it runs until skydeck takes it down");
	assert_string_equal(f->ops->caution(f->runner), "no autostop");
	assert_int_equal(calls(f, "autostop "), 1);
	fixture_free(f);
}

static void bears_a_listener_that_closes_it(void **state)
{
	(void)state;
	static const char *const moments[] = { "w1 starting", "w1 ready", "started r1", "ended r1" };
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		struct fixture *f = fixture_new();
		f->close_at = moments[i];
		start(f, "echo METRIC x=5");
		int64_t limit = clock_monotonic() + PATIENCE;
		int has_submitted = 0;
		while (f->runner) {
			if (clock_monotonic() > limit)
				fail_msg("not heard: %s, but:\n%s", moments[i], buf_str(&f->heard));
			loop_turn(f->loop, 50000);
			if (f->runner && !has_submitted && strstr(buf_str(&f->heard), "w1 ready")) {
				submit(f, "r1", 1);
				has_submitted = 1;
			}
		}
		turn_for(f, 100000);
		fixture_free(f);
	}
}

static void runs_a_task_of_ones_own(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	struct err err = {0};
	put(f, "experiment.yaml", "name: experiment\nenvs:\n  EXPERIMENT_ID: none\n  BUILD_CMD: make\nrun: |\n  echo \"EXPERIMENT_START: $EXPERIMENT_ID\"\n"
	    "  sh ./measure.sh\n  echo \"EXPERIMENT_STATUS: $(cat status)\"\n");
	string_set(&f->config.sky_task, "experiment.yaml");
	open_runner(f);
	assert_false(f->ops->keeps_trees(f->runner));
	assert_ok(f->ops->start_worker(f->runner, "w1", &err), &err);
	wait_for(f, "w1 ready");
	assert_int_equal(calls(f, "launch -y -d"), 0);
	assert_int_equal(f->ops->count_up(f->runner), 0);
	char *tree = xasprintf("%s/tree", f->folder), *log = xasprintf("%s/logs/r1.log", f->folder);
	mkdir(tree, 0777);
	put(f, "tree/measure.sh", "echo METRIC x=7");
	put(f, "tree/status", "done\n");
	struct step step = make_step("r1", 1, log);
	step.tree = tree;
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	wait_for(f, "ended r1 ok");
	assert_true(f->value == 7);
	assert_count(f, "logs/r1.log", "EXPERIMENT_START: wave-1\n", 1);
	assert_int_equal(f->ops->count_up(f->runner), 1);
	put(f, "tree/measure.sh", "echo EXPERIMENT_ERROR: build failed");
	put(f, "tree/status", "crash\n");
	step.run = "r2";
	assert_ok(f->ops->submit(f->runner, &step, &err), &err);
	wait_for(f, "ended r2 failed");
	assert_string_equal(f->reason, "build failed");
	assert_int_equal(calls(f, "launch -y -d"), 1);
	assert_count(f, "fake/calls", "exec ", 1);
	step.kind = STEP_BUILD;
	step.run = "r3";
	assert_error(f->ops->submit(f->runner, &step, &err), &err, "builds and checks by itself");
	f->ops->stop_worker(f->runner, "w1");
	wait_for(f, "w1 down");
	free(tree);
	free(log);
	fixture_free(f);

	f = fixture_new();
	put(f, "experiment.yaml", "name: x\nrun: [\n");
	string_set(&f->config.sky_task, "experiment.yaml");
	assert_null(f->ops->open(&f->setup, &err));
	if (!strstr(err.text, "experiment.yaml:"))
		fail_msg("%s", err.text);
	fixture_free(f);
}

static void keeps_batches_long_beside_what_they_cost(void **state)
{
	(void)state;
	struct fixture *f = fixture_new();
	open_runner(f);
	assert_int_equal(f->ops->ahead(f->runner, "w1", NAN), 4);
	assert_int_equal(f->ops->ahead(f->runner, "w1", 10), 12);
	assert_int_equal(f->ops->ahead(f->runner, "w1", 1000), 2);
	assert_int_equal(f->ops->ahead(f->runner, "w1", 0.1), 64);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_a_vm_up_runs_a_batch_and_takes_it_down),
		cmocka_unit_test(sends_a_second_batch_behind_the_first),
		cmocka_unit_test(cancels_what_waits_and_what_runs),
		cmocka_unit_test(sends_while_it_cancels),
		cmocka_unit_test(launches_again_what_fails_for_a_while),
		cmocka_unit_test(gives_a_launch_up_after_its_retries),
		cmocka_unit_test(launches_again_what_stays_half_up),
		cmocka_unit_test(takes_down_what_is_still_being_launched),
		cmocka_unit_test(goes_down_by_itself_when_there_is_nothing_to_do),
		cmocka_unit_test(leaves_a_cluster_of_somebody_else_alone),
		cmocka_unit_test(says_that_no_worker_can_ever_start),
		cmocka_unit_test(names_a_set_up_that_fails),
		cmocka_unit_test(replaces_a_vm_that_is_gone),
		cmocka_unit_test(retries_to_take_a_vm_down_and_says_when_it_cannot),
		cmocka_unit_test(takes_a_vm_up_again_and_what_runs_on_it),
		cmocka_unit_test(asks_a_slow_server_again),
		cmocka_unit_test(loses_what_ran_on_a_vm_that_went_while_nobody_looked),
		cmocka_unit_test(lets_no_vm_cost_more_than_allowed),
		cmocka_unit_test(sees_that_there_is_no_autostop),
		cmocka_unit_test(bears_a_listener_that_closes_it),
		cmocka_unit_test(runs_a_task_of_ones_own),
		cmocka_unit_test(keeps_batches_long_beside_what_they_cost),
	};
	setenv("SKY_TEST_PATH", getenv("PATH"), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
