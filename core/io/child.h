/* Child processes: each in a process group of its own, output read without blocking, killed as a group. */
#ifndef CORE_IO_CHILD_H
#define CORE_IO_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/io/loop.h"

struct child;

struct child_result {
	int exited;		/* 1: exit code in status; 0: killed by the signal in status */
	int status;
	int timed_out;		/* the timeout fired and the group was killed */
	double seconds;		/* monotonic, from start to the end of the group's leader */
};

struct child_options {
	const char *const *argv;	/* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;		/* NULL-terminated NAME=value; NULL keeps this process's environment */
	const char *directory;		/* or NULL */
	int64_t timeout;		/* microseconds; 0: none. Then SIGTERM to the group, SIGKILL after 2 s */
	const int *cpus;		/* pins the child to these CPUs (before exec); cpu_count 0: not pinned */
	size_t cpu_count;
	/* Of each of its processes (setrlimit(2)); 0: none. Where one is given there are no core files either. */
	uint64_t memory_limit, data_limit, file_limit;	/* bytes: of addresses (AS), of memory of its own (DATA), of one file (FSIZE) */
	unsigned cpu_limit;				/* seconds (CPU): then it is killed by SIGXCPU */
	int is_expendable;		/* where memory runs out the kernel ends it, and what it starts, before anything else */
	const char *input;		/* bytes for stdin (copied, as a file in memory), or NULL for /dev/null */
	size_t input_size;
	/* Where the child is spoken with, as by rpc: gets what reads its stdout and what writes its stdin, which the caller
	 * closes. `output` then hears stderr alone, and input is not used. NULL: none. */
	int *talk;
	/* stdout and stderr arrive here together, in order; NULL: /dev/null. It may kill or abandon the child. */
	void (*output)(void *data, const char *bytes, size_t n);
	/* Called once, after the leader ended and its output was drained (a grandchild that keeps the pipe open is
	 * killed with the group). The child is freed after it returns. */
	void (*ended)(void *data, const struct child_result *result);
	void *data;
};

/* Starts it: setpgid, PR_SET_PDEATHSIG(SIGKILL), default signals, no fd but 0-2. NULL with a sentence, also when
 * the folder, the CPUs or the program itself are not there. The options are borrowed for the call. The child dies
 * with the thread that started it: call from the loop's. */
struct child *child_start(struct loop *loop, const struct child_options *options, struct err *err);
pid_t child_pid(const struct child *child);
void child_kill(struct child *child);	/* the whole group, at once; `ended` still comes */
void child_abandon(struct child *child);	/* kills the group and forgets it: no callback comes any more */

/* Runs a command to its end without a loop, for one-shot uses; output may be NULL. 0 unless it could not start.
 * The options' output, ended and data are not used. */
struct buf;
int child_run(const struct child_options *options, struct buf *output, struct child_result *result, struct err *err);

#endif
