/* Children: output, ends of every kind, groups, timeouts, what they inherit, starts that fail. */
#include "core/io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/clock.h"

struct seen {
	struct loop *loop;
	struct child *child;
	struct buf output;
	struct child_result result;
	int ended, outputs;
	enum { NOTHING, KILL, ABANDON } on_output, on_end;
};

static void act(struct seen *seen, int what)
{
	if (what == KILL)
		child_kill(seen->child);
	else if (what == ABANDON)
		child_abandon(seen->child);
}

static void got_output(void *data, const char *bytes, size_t n)
{
	struct seen *seen = data;
	seen->outputs++;
	buf_add(&seen->output, bytes, n);
	act(seen, seen->on_output);
	if (seen->on_output == ABANDON)
		loop_stop(seen->loop);
}

static void got_end(void *data, const struct child_result *result)
{
	struct seen *seen = data;
	seen->ended++;
	seen->result = *result;
	act(seen, seen->on_end);
	loop_stop(seen->loop);
}

static int setup(void **state)
{
	struct seen *seen = calloc(1, sizeof *seen);
	seen->loop = loop_new();
	*state = seen;
	return 0;
}

static int teardown(void **state)
{
	struct seen *seen = *state;
	loop_free(seen->loop);
	buf_release(&seen->output);
	free(seen);
	return 0;
}

#define SHELL(script) (const char *const[]){ "sh", "-c", script, NULL }

static struct child_options options_for(struct seen *seen, const char *const *argv)
{
	return (struct child_options){ .argv = argv, .output = got_output, .ended = got_end, .data = seen };
}

static void start(struct seen *seen, const struct child_options *options)
{
	struct err err = {0};
	seen->child = child_start(seen->loop, options, &err);
	if (!seen->child)
		fail_msg("%s", err.text);
}

static void run(struct seen *seen, const struct child_options *options)
{
	start(seen, options);
	loop_run(seen->loop);
	assert_int_equal(seen->ended, 1);
}

static int is_alive(pid_t pid)
{
	char path[64], state = 'X';
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	int n = fscanf(f, "%*d (%*[^)]) %c", &state);
	fclose(f);
	return n == 1 && state != 'Z' && state != 'X';
}

static int dies_soon(pid_t pid)
{
	for (int i = 0; i < 20000 && is_alive(pid); i++)
		usleep(1000);
	return !is_alive(pid);
}

static void output_of_both_streams_in_order_and_the_exit_code(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("echo one; echo two >&2; echo three; exit 3"));
	run(seen, &options);
	assert_string_equal(buf_str(&seen->output), "one\ntwo\nthree\n");
	assert_int_equal(seen->result.exited, 1);
	assert_int_equal(seen->result.status, 3);
	assert_int_equal(seen->result.timed_out, 0);
	assert_true(seen->result.seconds > 0 && seen->result.seconds < 60);
}

static void a_flood_that_ends_at_once_is_taken_whole(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("head -c 3000000 /dev/zero"));
	run(seen, &options);
	assert_int_equal(seen->output.len, 3000000);
}

static void what_waits_in_the_pipe_at_the_end_is_taken_whole(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("exec head -c 200000 /dev/zero"));
	start(seen, &options);
	usleep(200000);		/* it has ended, and more than one read's worth is there */
	loop_run(seen->loop);
	assert_int_equal(seen->output.len, 200000);
}

static void a_signal_is_no_exit_code(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("kill -SEGV $$"));
	run(seen, &options);
	assert_int_equal(seen->result.exited, 0);
	assert_int_equal(seen->result.status, SIGSEGV);
}

static void input_folder_and_environment(void **state)
{
	struct seen *seen = *state;
	static char big[300000];
	memset(big, 'x', sizeof big);
	struct child_options options = options_for(seen, SHELL("pwd; echo \"$A-$HOME-\"; wc -c"));
	options.env = (const char *const[]){ "A=b", NULL };
	options.directory = "/usr";
	options.input = big;
	options.input_size = sizeof big;
	run(seen, &options);
	assert_string_equal(buf_str(&seen->output), "/usr\nb--\n300000\n");
}

static void without_input_and_output_there_is_dev_null(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("cat; echo lost"));
	options.output = NULL;
	run(seen, &options);
	assert_int_equal(seen->result.status, 0);
}

static void nothing_is_inherited_but_0_to_2_and_default_signals(void **state)
{
	struct seen *seen = *state;
	int leak = open("/dev/null", O_RDONLY), far = fcntl(leak, F_DUPFD, 200);	/* both without O_CLOEXEC */
	signal(SIGUSR1, SIG_IGN);
	sigset_t block;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	struct child_options options = options_for(seen, SHELL("ls /proc/$$/fd; exec grep -E 'Sig(Blk|Ign)' /proc/self/status"));
	run(seen, &options);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	signal(SIGUSR1, SIG_DFL);
	close(leak);
	close(far);
	static const char clean[] = "0\n1\n2\nSigBlk:\t0000000000000000\nSigIgn:\t";
	assert_memory_equal(buf_str(&seen->output), clean, sizeof clean - 1);
	/* 32 and 33 are the C library's own: nobody can set them, so they stay as whoever started the tests left them. */
	unsigned long long ignored = strtoull(buf_str(&seen->output) + sizeof clean - 1, NULL, 16);
	assert_int_equal(ignored & ~(3ull << 31), 0);
}

static void it_leads_a_group_and_dies_with_its_starter(void **state)
{
	struct seen *seen = *state;
	int end[2];
	assert_int_equal(pipe(end), 0);
	pid_t starter = fork();
	if (!starter) {
		struct child_options options = options_for(seen, SHELL("exec sleep 60"));
		struct child *child = child_start(seen->loop, &options, NULL);
		pid_t pid = child ? child_pid(child) : 0;
		if (getpgid(pid) != pid || write(end[1], &pid, sizeof pid) != sizeof pid)
			_exit(1);
		raise(SIGKILL);
	}
	pid_t pid = 0;
	close(end[1]);
	assert_int_equal(read(end[0], &pid, sizeof pid), sizeof pid);
	close(end[0]);
	waitpid(starter, NULL, 0);
	assert_true(pid > 1);
	assert_true(dies_soon(pid));
}

static void cpus_are_pinned(void **state)
{
	struct seen *seen = *state;
	cpu_set_t mine;
	sched_getaffinity(0, sizeof mine, &mine);
	int last = -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &mine))
			last = i;
	struct child_options options = options_for(seen, SHELL("grep Cpus_allowed_list /proc/self/status"));
	options.cpus = &last;
	options.cpu_count = 1;
	run(seen, &options);
	char expected[64];
	snprintf(expected, sizeof expected, "Cpus_allowed_list:\t%d\n", last);
	assert_string_equal(buf_str(&seen->output), expected);
}

static void a_grandchild_on_the_pipe_is_killed_with_the_group(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("sleep 60 & echo $!; exit 7"));
	run(seen, &options);
	assert_int_equal(seen->result.status, 7);
	assert_true(seen->result.seconds < 30);
	pid_t grandchild = (pid_t)atoi(buf_str(&seen->output));
	assert_true(grandchild > 1);
	assert_true(dies_soon(grandchild));
}

static void a_grandchild_that_left_the_group_does_not_hold_us_up(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("cd \"${TMPDIR:-/tmp}\" && setsid sh -c 'echo $$; : >stray; exec yes' &"
		"until [ -e \"${TMPDIR:-/tmp}/stray\" ]; do sleep 0.05; done; sleep 0.1"));
	run(seen, &options);
	pid_t stray = (pid_t)atoi(buf_str(&seen->output));
	assert_true(stray > 1);
	kill(stray, SIGKILL);
	assert_true(seen->result.seconds < 30);
}

/* With a timeout that leaves the shell the time to set its trap, on a slow machine, too. */
static void run_out_of_time(struct seen *seen, struct child_options *options)
{
	for (options->timeout = 200000; options->timeout < 60000000; options->timeout *= 4) {
		seen->ended = 0;
		run(seen, options);
		if (seen->result.exited || seen->result.status != SIGTERM)
			return;
	}
}

static void timeout_ends_the_group(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("trap 'echo bye; exit 5' TERM; sleep 60 & wait"));
	run_out_of_time(seen, &options);
	assert_int_equal(seen->result.timed_out, 1);
	assert_int_equal(seen->result.exited, 1);
	assert_int_equal(seen->result.status, 5);
	assert_string_equal(buf_str(&seen->output), "bye\n");
}

static void timeout_kills_what_ignores_sigterm(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("trap '' TERM; while :; do sleep 0.1; done"));
	run_out_of_time(seen, &options);
	assert_int_equal(seen->result.timed_out, 1);
	assert_int_equal(seen->result.exited, 0);
	assert_int_equal(seen->result.status, SIGKILL);
	assert_true(seen->result.seconds >= 2.0);
}

static void kill_from_output_still_ends(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("echo go; exec sleep 60"));
	seen->on_output = KILL;
	seen->on_end = KILL;	/* too late, and harmless */
	run(seen, &options);
	assert_int_equal(seen->result.status, SIGKILL);
	assert_int_equal(seen->result.timed_out, 0);
}

static void abandon_from_every_place(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("echo go; exec sleep 60"));
	seen->on_output = ABANDON;
	start(seen, &options);
	pid_t pid = child_pid(seen->child);
	loop_run(seen->loop);
	assert_false(is_alive(pid));
	start(seen, &options);	/* before anything came */
	pid = child_pid(seen->child);
	child_abandon(seen->child);
	loop_turn(seen->loop, 0);
	assert_false(is_alive(pid));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);	/* and no zombie is left */
	assert_int_equal(errno, ECHILD);
	assert_int_equal(seen->ended, 0);
	assert_int_equal(seen->outputs, 1);
	seen->on_output = NOTHING;
	seen->on_end = ABANDON;
	options.argv = SHELL("exit 0");
	run(seen, &options);
}

static void abandon_during_the_last_drain(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("echo last words"));
	seen->on_output = ABANDON;
	start(seen, &options);
	usleep(100000);		/* both fds are ready in one turn */
	loop_run(seen->loop);
	assert_int_equal(seen->ended, 0);
	assert_int_equal(seen->outputs, 1);
}

static void expect_no_start(struct seen *seen, const struct child_options *options, const char *word)
{
	struct err err = {0};
	assert_null(child_start(seen->loop, options, &err));
	if (!strstr(err.text, word))
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	loop_turn(seen->loop, 0);
	assert_int_equal(seen->ended, 0);
}

static void starts_that_fail_are_sentences(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, (const char *const[]){ "no-such-program", NULL });
	expect_no_start(seen, &options, "cannot start no-such-program: no such program in PATH");
	options.argv = (const char *const[]){ "/nowhere/x", NULL };
	expect_no_start(seen, &options, "does not exist");
	options.argv = (const char *const[]){ "/etc/passwd", NULL };
	expect_no_start(seen, &options, "Permission denied");
	options.argv = SHELL("exit 0");
	options.directory = "/nowhere";
	expect_no_start(seen, &options, "in /nowhere: No such file");
	options.directory = NULL;
	int absent = 60000, negative = -1;
	options.cpus = &absent;
	options.cpu_count = 1;
	expect_no_start(seen, &options, "CPUs");
	options.cpus = &negative;
	expect_no_start(seen, &options, "no CPU -1");
}

static void an_ignored_sigchld_does_not_lose_the_end(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("exit 4"));
	signal(SIGCHLD, SIG_IGN);
	run(seen, &options);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(seen->result.status, 4);
}

static void works_with_our_own_0_to_2_closed(void **state)
{
	struct seen *seen = *state;
	pid_t pid = fork();
	if (!pid) {
		close(0), close(1), close(2);
		struct child_options options = { .argv = SHELL("cat; echo err >&2"), .input = "in ", .input_size = 3 };
		struct child_result result = {0};
		int bad = child_run(&options, &seen->output, &result, NULL) || strcmp(buf_str(&seen->output), "in err\n");
		_exit(bad);
	}
	int status = 1;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void run_without_a_loop(void **state)
{
	struct seen *seen = *state;
	struct child_options options = { .argv = SHELL("cat; exit 2"), .input = "hello", .input_size = 5 };
	struct child_result result = {0};
	struct err err = {0};
	assert_int_equal(child_run(&options, &seen->output, &result, &err), 0);
	assert_string_equal(buf_str(&seen->output), "hello");
	assert_int_equal(result.status, 2);
	assert_int_equal(child_run(&options, NULL, NULL, &err), 0);
	options.argv = (const char *const[]){ "no-such-program", NULL };
	assert_int_equal(child_run(&options, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.text, "PATH"));
}

static void one_that_is_spoken_with_and_its_stderr_apart(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("read line; echo \"heard $line\"; echo aside >&2; cat >/dev/null"));
	int talk[2] = { -1, -1 };
	char text[32] = "";
	options.talk = talk;
	start(seen, &options);
	assert_int_equal(write(talk[1], "hello\n", 6), 6);
	assert_int_equal(read(talk[0], text, sizeof text), 12);
	assert_string_equal(text, "heard hello\n");
	close(talk[1]);
	loop_run(seen->loop);
	assert_string_equal(buf_str(&seen->output), "aside\n");
	assert_int_equal(read(talk[0], text, sizeof text), 0);
	close(talk[0]);
	options.argv = (const char *const[]){ "no-such-program", NULL };
	talk[0] = talk[1] = -1;
	assert_null(child_start(seen->loop, &options, NULL));
	assert_int_equal(talk[0], -1);
}

static void limits_hold_for_the_child_alone(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("ulimit -v; ulimit -d; ulimit -f; ulimit -t; ulimit -c; yes | head -c 9000 >\"$TMPDIR/large\""));
	options.memory_limit = 512 << 20;
	options.data_limit = 256 << 20;
	options.file_limit = 8192;
	options.cpu_limit = 7;
	run(seen, &options);
	assert_memory_equal(buf_str(&seen->output), "524288\n262144\n16\n7\n0\n", 21);
	assert_true(seen->result.status != 0);
	struct rlimit mine;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &mine), 0);
	assert_true(mine.rlim_cur > 8192);
}

static void the_expendable_go_first_when_memory_runs_out(void **state)
{
	struct seen *seen = *state;
	struct child_options options = options_for(seen, SHELL("cat /proc/self/oom_score_adj"));
	options.is_expendable = 1;
	run(seen, &options);
	assert_string_equal(buf_str(&seen->output), "1000\n");
	struct buf own = {0};
	assert_true(buf_read_file(&own, "/proc/self/oom_score_adj", 100) >= 0);
	buf_truncate(&seen->output, 0);
	seen->ended = 0;
	options.is_expendable = 0;
	run(seen, &options);
	assert_string_equal(buf_str(&seen->output), buf_str(&own));
	buf_release(&own);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(output_of_both_streams_in_order_and_the_exit_code), T(a_flood_that_ends_at_once_is_taken_whole),
		T(what_waits_in_the_pipe_at_the_end_is_taken_whole), T(a_signal_is_no_exit_code),
		T(input_folder_and_environment), T(without_input_and_output_there_is_dev_null),
		T(nothing_is_inherited_but_0_to_2_and_default_signals), T(it_leads_a_group_and_dies_with_its_starter),
		T(cpus_are_pinned), T(a_grandchild_on_the_pipe_is_killed_with_the_group),
		T(a_grandchild_that_left_the_group_does_not_hold_us_up), T(timeout_ends_the_group),
		T(timeout_kills_what_ignores_sigterm), T(kill_from_output_still_ends), T(abandon_from_every_place),
		T(abandon_during_the_last_drain), T(starts_that_fail_are_sentences), T(an_ignored_sigchld_does_not_lose_the_end),
		T(works_with_our_own_0_to_2_closed), T(run_without_a_loop), T(one_that_is_spoken_with_and_its_stderr_apart),
		T(limits_hold_for_the_child_alone), T(the_expendable_go_first_when_memory_runs_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
