// A fixed team of threads that all run the same function and wait for each other.
#pragma once

typedef void task_fn(void *context, int thread, int threads);

// Starts the team; 0 takes one thread for each CPU this process may run on. A running team is stopped first.
void threads_start(int threads);
void threads_stop(void);
int threads_count(void);
// Calls task(context, t, threads) once for each t, the caller being thread 0, and returns when all are done.
void threads_run(task_fn *task, void *context);
// The part of 0..count that falls to a thread: the first item, and the item after the last.
static inline int part_first(int count, int thread, int threads) { return (int)((long)count * thread / threads); }
static inline int part_end(int count, int thread, int threads) { return part_first(count, thread + 1, threads); }
