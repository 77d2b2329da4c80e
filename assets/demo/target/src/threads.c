// The team. A decode step runs some fifty short tasks, so the others spin for the next one rather than sleep; after a while
// they give their CPU away between looks. With one CPU there is no team and a task is a plain call.
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { MOST = 64, SPINS = 2000 };

static struct {
	pthread_t members[MOST];
	int threads;
	task_fn *task;
	void *context;
	atomic_int turn;		// counts the tasks given out; -1 ends the team
	atomic_int busy;
} team = { .threads = 1 };

static void wait_look(int *spins)
{
	if (++*spins > SPINS)
		sched_yield();
}

static void *member(void *arg)
{
	int thread = (int)(long)arg, seen = 0;
	for (;;) {
		int turn, spins = 0;
		while ((turn = atomic_load_explicit(&team.turn, memory_order_acquire)) == seen)
			wait_look(&spins);
		if (turn < 0)
			return NULL;
		seen = turn;
		team.task(team.context, thread, team.threads);
		atomic_fetch_sub_explicit(&team.busy, 1, memory_order_release);
	}
}

void threads_stop(void)
{
	atomic_store(&team.turn, -1);
	for (int t = 1; t < team.threads; t++)
		pthread_join(team.members[t], NULL);
	team.threads = 1;
}

int threads_count(void)
{
	return team.threads;
}

void threads_start(int threads)
{
	cpu_set_t cpus;

	threads_stop();
	if (threads == 0)
		threads = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	if (threads > MOST)
		threads = MOST;
	atomic_store(&team.turn, 0);
	for (int t = 1; t < threads; t++) {
		if (pthread_create(&team.members[t], NULL, member, (void *)(long)t) != 0)
			break;
		team.threads = t + 1;
	}
}

void threads_run(task_fn *task, void *context)
{
	int spins = 0;

	if (team.threads == 1) {
		task(context, 0, 1);
		return;
	}
	team.task = task;
	team.context = context;
	atomic_store_explicit(&team.busy, team.threads - 1, memory_order_relaxed);
	atomic_store_explicit(&team.turn, (atomic_load(&team.turn) + 1) & 0xffff, memory_order_release);
	task(context, 0, team.threads);
	while (atomic_load_explicit(&team.busy, memory_order_acquire) != 0)
		wait_look(&spins);
}
