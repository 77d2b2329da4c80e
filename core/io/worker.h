/* A thread for blocking libraries. Jobs run one after another in the order given; results come back on the loop's
 * thread through a queue and a pipe. A job owns all it touches: the thread shares nothing that is shown. */
#ifndef CORE_IO_WORKER_H
#define CORE_IO_WORKER_H

#include "core/io/loop.h"

struct worker_thread;

struct worker_thread *worker_thread_new(struct loop *loop);	/* NULL: results come with worker_thread_wait only */
/* Finishes the jobs that wait, and those that their `done`s add, and joins the thread; every `done` is called. Not
 * from inside a `done`. NULL allowed. */
void worker_thread_free(struct worker_thread *w);

/* `work` runs on the thread, then `done` (or NULL) on the loop's; both get data. */
void worker_thread_do(struct worker_thread *w, void (*work)(void *data), void (*done)(void *data), void *data);
/* Waits for everything given so far, blocking the loop; the `done`s are called from here, in order. */
void worker_thread_wait(struct worker_thread *w);

#endif
