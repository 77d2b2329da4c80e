/* One thread for calls that block (git, compression): jobs go in by one list, results come out by another, and an
 * eventfd wakes the loop. The lists and two counts under one lock are all that is shared; a job's data belongs to the
 * thread while `work` runs and to the loop's thread before and after.
 *
 * The thread blocks every signal: those of the process are for the loop's signalfd. */
#include "core/io/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/mem.h"

struct job {
	struct job *next;
	void (*work)(void *data);
	void (*done)(void *data);
	void *data;
};

struct jobs {
	struct job *first, **end;	/* end: where the next one is hung; NULL while none ever was */
};

struct worker_thread {
	struct loop *loop;
	pthread_t thread;
	int event_fd, in_done;
	pthread_mutex_t lock;		/* over what follows */
	pthread_cond_t changed;		/* a job was added, a job was finished, or stopping was set */
	struct jobs waiting, finished;
	uint64_t given_count, finished_count;
	int stopping;
};

static void die(const char *what, int number)
{
	fprintf(stderr, "skydeck: %s: %s\n", what, strerror(number));
	abort();
}

static void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	if (!jobs->first)
		jobs->end = &jobs->first;
	*jobs->end = job;
	jobs->end = &job->next;
}

static struct job *jobs_take(struct jobs *jobs)
{
	struct job *job = jobs->first;
	if (job)
		jobs->first = job->next;
	return job;
}

static void *thread_main(void *data)
{
	struct worker_thread *w = data;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct job *job = jobs_take(&w->waiting);
		if (!job && w->stopping)
			break;
		if (!job) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		job->work(job->data);
		pthread_mutex_lock(&w->lock);
		jobs_add(&w->finished, job);
		w->finished_count++;
		pthread_cond_broadcast(&w->changed);
		eventfd_write(w->event_fd, 1);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static struct job *take_finished(struct worker_thread *w)
{
	pthread_mutex_lock(&w->lock);
	struct job *job = jobs_take(&w->finished);
	pthread_mutex_unlock(&w->lock);
	return job;
}

/* One at a time, so that a `done` may wait for others itself. */
static void call_done(struct worker_thread *w)
{
	struct job *job;
	while ((job = take_finished(w))) {
		w->in_done++;
		if (job->done)
			job->done(job->data);
		w->in_done--;
		free(job);
	}
}

static void results_ready(void *data, int fd, unsigned events)
{
	eventfd_t count;
	(void)events;
	eventfd_read(fd, &count);
	call_done(data);
}

struct worker_thread *worker_thread_new(struct loop *loop)
{
	struct worker_thread *w = xcalloc(1, sizeof *w);
	w->loop = loop;
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event_fd < 0)
		die("eventfd", errno);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed)
		die("cannot start a thread", failed);
	if (loop)
		loop_watch(loop, w->event_fd, LOOP_READ, results_ready, w);
	return w;
}

static int has_unfinished(struct worker_thread *w)
{
	pthread_mutex_lock(&w->lock);
	int has = w->given_count > w->finished_count || w->finished.first;
	pthread_mutex_unlock(&w->lock);
	return has;
}

void worker_thread_free(struct worker_thread *w)
{
	if (!w)
		return;
	assert(!w->in_done);
	while (has_unfinished(w))
		worker_thread_wait(w);
	pthread_mutex_lock(&w->lock);
	w->stopping = 1;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	if (w->loop)
		loop_unwatch(w->loop, w->event_fd);
	close(w->event_fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void worker_thread_do(struct worker_thread *w, void (*work)(void *data), void (*done)(void *data), void *data)
{
	struct job *job = xcalloc(1, sizeof *job);
	*job = (struct job){ .work = work, .done = done, .data = data };
	pthread_mutex_lock(&w->lock);
	jobs_add(&w->waiting, job);
	w->given_count++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void worker_thread_wait(struct worker_thread *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t given = w->given_count;
	while (w->finished_count < given)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	call_done(w);
}
