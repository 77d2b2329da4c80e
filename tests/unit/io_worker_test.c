/* The worker thread: order, which thread runs what, waiting, jobs added by jobs, signals, the end. */
#include "core/io/worker.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"

struct world {
	struct loop *loop;
	struct worker_thread *worker;
	char worked[64], done[64];	/* each written by one thread; worked is read when its job is done */
	pid_t worked_on, done_on;
	int jobs, done_count, stop_at;
};

struct job_data {
	struct world *world;
	char letter;
	int more;	/* jobs that done adds */
};

static void work(void *data)
{
	struct job_data *job = data;
	char letter[2] = { job->letter, 0 };
	usleep(50);
	strcat(job->world->worked, letter);
	job->world->worked_on = gettid();
}

static void done(void *data);

static void give(struct world *w, char letter, int more)
{
	struct job_data *job = xcalloc(1, sizeof *job);
	*job = (struct job_data){ w, letter, more };
	w->jobs++;
	worker_thread_do(w->worker, work, done, job);
}

static void done(void *data)
{
	struct job_data *job = data;
	struct world *w = job->world;
	char letter[2] = { job->letter, 0 };
	strcat(w->done, letter);
	w->done_on = gettid();
	if (job->more)
		give(w, (char)(job->letter + 1), job->more - 1);
	if (++w->done_count == w->stop_at)
		loop_stop(w->loop);
	free(job);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);
	w->loop = loop_new();
	w->worker = worker_thread_new(w->loop);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	worker_thread_free(w->worker);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void results_come_on_the_loop_in_order(void **state)
{
	struct world *w = *state;
	for (char c = 'a'; c <= 'z'; c++)
		give(w, c, 0);
	assert_string_equal(w->done, "");
	w->stop_at = 26;
	loop_run(w->loop);
	assert_string_equal(w->worked, "abcdefghijklmnopqrstuvwxyz");
	assert_string_equal(w->done, w->worked);
	assert_int_equal(w->done_on, gettid());
	assert_int_not_equal(w->worked_on, gettid());
}

static void a_done_may_give_the_next_job(void **state)
{
	struct world *w = *state;
	give(w, 'a', 5);
	w->stop_at = 6;
	loop_run(w->loop);
	assert_string_equal(w->done, "abcdef");
}

static void waiting_takes_what_was_given_so_far(void **state)
{
	struct world *w = *state;
	give(w, 'a', 0);
	give(w, 'b', 0);
	worker_thread_wait(w->worker);
	assert_string_equal(w->done, "ab");
	worker_thread_wait(w->worker);	/* nothing to wait for */
	loop_turn(w->loop, 0);		/* the wake-up of what was taken already does no harm */
	assert_string_equal(w->done, "ab");
}

static void free_finishes_everything(void **state)
{
	struct world *w = *state;
	give(w, 'a', 3);
	give(w, 'x', 0);
	worker_thread_free(w->worker);
	w->worker = NULL;
	assert_int_equal(w->done_count, w->jobs);
	assert_int_equal(w->jobs, 5);
	loop_turn(w->loop, 0);
}

static void works_without_a_loop_and_without_done(void **state)
{
	struct world *w = *state;
	worker_thread_free(w->worker);
	w->worker = worker_thread_new(NULL);
	struct job_data quiet = { w, 'q', 0 };
	worker_thread_do(w->worker, work, NULL, &quiet);
	give(w, 'r', 0);
	worker_thread_wait(w->worker);
	assert_string_equal(w->worked, "qr");
	assert_string_equal(w->done, "r");
	worker_thread_free(w->worker);
	w->worker = NULL;
	worker_thread_free(NULL);
}

static void got_signal(void *data, int number)
{
	(void)number;
	struct world *w = data;
	loop_stop(w->loop);
}

/* The loop blocks the signal only after the thread was made: were it open there, the signal would end the process. */
static void signals_of_the_process_go_to_the_loop(void **state)
{
	struct world *w = *state;
	loop_signal(w->loop, SIGUSR1, got_signal, w);
	kill(getpid(), SIGUSR1);
	loop_run(w->loop);
}

static void a_burst_of_many(void **state)
{
	struct world *w = *state;
	for (int round = 0; round < 40; round++) {
		w->worked[0] = w->done[0] = '\0';
		for (int i = 0; i < 50; i++)
			give(w, 'm', 0);
		worker_thread_wait(w->worker);
		assert_int_equal(strlen(w->worked), 50);
	}
	assert_int_equal(w->done_count, 2000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(results_come_on_the_loop_in_order), T(a_done_may_give_the_next_job), T(waiting_takes_what_was_given_so_far),
		T(free_finishes_everything), T(works_without_a_loop_and_without_done), T(signals_of_the_process_go_to_the_loop),
		T(a_burst_of_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
