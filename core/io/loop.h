/* The one poll loop of a process: file descriptors, timers, signals, and one hook before it sleeps. */
#ifndef CORE_IO_LOOP_H
#define CORE_IO_LOOP_H

#include <stdint.h>

struct loop;
struct loop_timer;

/* HANGUP is always reported, once: the other side is gone, or the fd is broken, and nothing is left to read (READ
 * comes with it where READ was watched, so that a reader sees its end of file). The fd is then no longer watched. */
enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

typedef void loop_fd_function(void *data, int fd, unsigned events);
typedef void loop_function(void *data);
typedef void loop_signal_function(void *data, int signal_number);

struct loop *loop_new(void);
/* Not from inside a callback. Timers are gone, signals as they were. NULL allowed. */
void loop_free(struct loop *loop);

/* Watches fd; a second call for the same fd replaces the first. The loop never closes it. It is safe to add and
 * remove any fd, its own included, from inside any callback. */
void loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_function *call, void *data);
void loop_unwatch(struct loop *loop, int fd);

/* Calls once after `delay` microseconds of the monotonic clock, in a later turn when called from a timer; equal
 * times in the order given. The handle is valid until it fired (cancelling it inside its own call is harmless) or
 * was cancelled. */
struct loop_timer *loop_after(struct loop *loop, int64_t delay, loop_function *call, void *data);
void loop_cancel(struct loop *loop, struct loop_timer *timer);	/* NULL allowed */

/* Blocks the signal outside of the poll and calls back in the loop (signalfd). */
void loop_signal(struct loop *loop, int signal_number, loop_signal_function *call, void *data);

/* Runs at the end of every turn, before the loop sleeps: where facts are committed, output is flushed, the screen
 * drawn. Hooks run in the order they were added. */
void loop_before_sleep(struct loop *loop, loop_function *call, void *data);

/* Runs turns until loop_stop. One turn: what is ready, then timers that are due, then the hooks. The first one
 * does not sleep, so that the hooks see what was done before it; the turn that calls loop_stop still ends with its
 * hooks. */
void loop_run(struct loop *loop);
/* One turn; sleeps at most longest microseconds (-1: until something happens). */
void loop_turn(struct loop *loop, int64_t longest);
void loop_stop(struct loop *loop);

uint64_t loop_wakeups(const struct loop *loop);		/* turns so far, for the bench */

#endif
