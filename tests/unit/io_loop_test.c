/* The loop: readiness, hangups that do not spin, changes while a turn is dispatched, timers, signals, hooks. */
#include "core/io/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"

static char trace[256];

static void note(const char *word)
{
	strncat(trace, word, sizeof trace - strlen(trace) - 1);
}

static int setup(void **state)
{
	trace[0] = '\0';
	*state = loop_new();
	return 0;
}

static int teardown(void **state)
{
	loop_free(*state);
	return 0;
}

static void make_pipe(int end[2])
{
	assert_int_equal(pipe2(end, O_CLOEXEC | O_NONBLOCK), 0);
}

struct seen {
	struct loop *loop;
	unsigned calls, events, hangups;
	size_t bytes;
	int other;	/* an fd that the callback acts on */
};

static void read_one_byte(void *data, int fd, unsigned events)
{
	struct seen *seen = data;
	char c;
	seen->calls++;
	seen->events = events;
	seen->hangups += !!(events & LOOP_HANGUP);
	if (events & LOOP_READ && read(fd, &c, 1) == 1)
		seen->bytes++;
}

static void count_only(void *data, int fd, unsigned events)
{
	struct seen *seen = data;
	(void)fd;
	seen->calls++;
	seen->events = events;
}

static void bytes_come_before_the_hangup_which_comes_once(void **state)
{
	struct seen seen = {0};
	int end[2];
	make_pipe(end);
	assert_int_equal(write(end[1], "abc", 3), 3);
	close(end[1]);
	loop_watch(*state, end[0], LOOP_READ, read_one_byte, &seen);
	for (int i = 0; i < 3; i++) {
		loop_turn(*state, 0);
		assert_int_equal(seen.events, LOOP_READ);
	}
	assert_int_equal(seen.bytes, 3);
	for (int i = 0; i < 5; i++)
		loop_turn(*state, 0);
	assert_int_equal(seen.calls, 4);	/* the end of file is there to be read, and no call follows */
	assert_int_equal(seen.events, LOOP_READ | LOOP_HANGUP);
	close(end[0]);
}

static void hangup_of_a_socket_and_of_a_writer(void **state)
{
	struct seen reader = {0}, writer = {0}, idle = {0};
	int pair[2], end[2], quiet[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	close(pair[1]);
	make_pipe(end);
	close(end[0]);
	make_pipe(quiet);
	close(quiet[1]);
	loop_watch(*state, pair[0], LOOP_READ, read_one_byte, &reader);
	loop_watch(*state, end[1], LOOP_WRITE, count_only, &writer);
	loop_watch(*state, quiet[0], 0, count_only, &idle);
	for (int i = 0; i < 4; i++)
		loop_turn(*state, 0);
	assert_int_equal(reader.bytes, 1);
	assert_int_equal(reader.hangups, 1);
	assert_int_equal(reader.calls, 2);
	assert_int_equal(writer.calls, 1);
	assert_int_equal(writer.events, LOOP_WRITE | LOOP_HANGUP);
	assert_int_equal(idle.calls, 1);
	assert_int_equal(idle.events, LOOP_HANGUP);
	close(pair[0]);
	close(end[1]);
	close(quiet[0]);
}

static void second_watch_replaces_the_first(void **state)
{
	struct seen first = {0}, second = {0};
	int end[2];
	make_pipe(end);
	loop_watch(*state, end[1], LOOP_WRITE, count_only, &first);
	loop_watch(*state, end[1], LOOP_WRITE, count_only, &second);
	loop_turn(*state, 0);
	assert_int_equal(first.calls, 0);
	assert_int_equal(second.calls, 1);
	loop_unwatch(*state, end[1]);
	loop_turn(*state, 0);
	assert_int_equal(second.calls, 1);
	close(end[0]);
	close(end[1]);
}

/* Closes the other fd and opens a pipe that gets the same number, watched as well. */
static struct seen reborn;
static void close_and_reopen_the_other(void *data, int fd, unsigned events)
{
	struct seen *seen = data;
	(void)events;
	seen->calls++;
	loop_unwatch(seen->loop, fd);
	loop_unwatch(seen->loop, seen->other);
	close(seen->other);
	int end[2];
	make_pipe(end);
	assert_int_equal(end[0], seen->other);	/* the lowest free one is what the kernel gives */
	loop_watch(seen->loop, seen->other, LOOP_READ, count_only, &reborn);
	reborn.other = end[1];
}

static void an_fd_reused_during_dispatch_gets_no_stale_event(void **state)
{
	int a[2], b[2];
	make_pipe(a);
	make_pipe(b);
	struct seen one = { .loop = *state, .other = b[0] }, two = { .loop = *state, .other = a[0] };
	reborn = (struct seen){0};
	loop_watch(*state, a[0], LOOP_READ, close_and_reopen_the_other, &one);
	loop_watch(*state, b[0], LOOP_READ, close_and_reopen_the_other, &two);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	loop_turn(*state, 0);
	assert_int_equal(one.calls + two.calls, 1);
	assert_int_equal(reborn.calls, 0);
	assert_int_equal(write(reborn.other, "x", 1), 1);
	loop_turn(*state, 0);
	assert_int_equal(reborn.calls, 1);
	int all[] = { a[0], a[1], b[0], b[1], reborn.other };
	for (int i = 0; i < 5; i++)
		close(all[i]);
}

static void note_a(void *data) { (void)data; note("a"); }
static void note_b(void *data) { (void)data; note("b"); }
static void note_c(void *data) { (void)data; note("c"); }

static void timers_fire_in_order_and_can_be_cancelled(void **state)
{
	int64_t start = clock_monotonic();
	loop_after(*state, 500000, note_c, NULL);	/* so late that it is the last, however slowly the others are set */
	loop_after(*state, 1000, note_a, NULL);
	struct loop_timer *gone = loop_after(*state, 1500, note_c, NULL);
	loop_after(*state, 1000, note_b, NULL);
	loop_cancel(*state, gone);
	loop_cancel(*state, NULL);
	while (strlen(trace) < 3)
		loop_turn(*state, -1);
	assert_string_equal(trace, "abc");
	assert_true(clock_monotonic() - start >= 500000);
	assert_true(loop_wakeups(*state) <= 6);	/* it slept in between */
}

static struct loop_timer *own;
static int fired;
static void again(void *data)
{
	fired++;
	struct loop_timer *old = own;
	own = loop_after(data, -5, again, data);
	loop_cancel(data, old);		/* the one that fires now: nothing happens */
}

static void a_timer_that_rearms_itself_fires_once_a_turn(void **state)
{
	fired = 0;
	own = loop_after(*state, 0, again, *state);
	for (int turn = 1; turn <= 2000; turn++) {	/* often within one microsecond */
		loop_turn(*state, -1);
		assert_int_equal(fired, turn);
	}
}

static struct loop_timer *victim;
static void cancel_victim(void *data)
{
	note("k");
	loop_cancel(data, victim);
}

static void a_timer_may_cancel_the_next_one(void **state)
{
	loop_after(*state, 0, cancel_victim, *state);
	victim = loop_after(*state, 0, note_a, NULL);
	loop_turn(*state, 0);
	loop_turn(*state, 0);
	assert_string_equal(trace, "k");
}

static void hook_stop(void *data)
{
	note("s");
	loop_stop(data);
}

static void run_calls_hooks_first_and_after_stop(void **state)
{
	loop_before_sleep(*state, note_a, NULL);
	loop_before_sleep(*state, note_b, NULL);
	loop_after(*state, 2000, hook_stop, *state);
	loop_run(*state);
	assert_string_equal(trace, "absab");
	loop_stop(*state);
	loop_run(*state);	/* stopped before it began: no turn */
	assert_string_equal(trace, "absab");
	loop_after(*state, 2000, hook_stop, *state);
	loop_run(*state);
	assert_string_equal(trace, "absab" "absab");
}

static void got_signal(void *data, int number)
{
	(void)data;
	note(number == SIGUSR1 ? "1" : "2");
}

static void signals_arrive_in_the_loop_only(void **state)
{
	loop_signal(*state, SIGUSR1, got_signal, NULL);
	loop_signal(*state, SIGUSR2, got_signal, NULL);
	raise(SIGUSR2);
	raise(SIGUSR1);
	assert_string_equal(trace, "");
	loop_turn(*state, 0);
	assert_string_equal(trace, "12");
	raise(SIGUSR1);		/* never read: loop_free must not let it end the process */
}

static void mask_is_restored_by_free(void **state)
{
	sigset_t now;
	(void)state;
	struct loop *loop = loop_new();
	loop_signal(loop, SIGUSR1, got_signal, NULL);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGUSR1));
	loop_free(loop);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_false(sigismember(&now, SIGUSR1));
	loop_free(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(bytes_come_before_the_hangup_which_comes_once), T(hangup_of_a_socket_and_of_a_writer),
		T(second_watch_replaces_the_first), T(an_fd_reused_during_dispatch_gets_no_stale_event),
		T(timers_fire_in_order_and_can_be_cancelled), T(a_timer_that_rearms_itself_fires_once_a_turn),
		T(a_timer_may_cancel_the_next_one), T(run_calls_hooks_first_and_after_stop), T(signals_arrive_in_the_loop_only),
		cmocka_unit_test(mask_is_restored_by_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
