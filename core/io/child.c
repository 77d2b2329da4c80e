/* Child processes. Each leads a process group, so that a kill reaches what it started, and dies with this process
 * (PR_SET_PDEATHSIG). Its end is a readable pidfd in the loop: no SIGCHLD handler, no pid that could be another's by
 * now.
 *
 * A child is reaped in three steps: look at how the leader ended without reaping it, kill the rest of its group while
 * the zombie still reserves the group's id, then reap. A grandchild that left the group and holds the pipe open
 * cannot hold us up: what stands in the pipe at that moment is taken, and the pipe is closed.
 *
 * What fails between fork and exec comes back as two numbers through a pipe that exec closes, so that child_start
 * knows. After fork only async-signal-safe calls are made: other threads may hold any lock. */
#include "core/io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { CHUNK = 65536, PIPE = 4 * CHUNK, GRACE = 2000000, ABANDON_WAIT = 100 };	/* bytes; microseconds; milliseconds */

enum stage { STAGE_FOLDER, STAGE_CPUS, STAGE_LIMITS, STAGE_EXEC };

struct failure {	/* what the child tells when it does not come to be */
	int stage, number;
};

struct child {
	struct loop *loop;
	pid_t pid;
	int pidfd, output_fd;	/* output_fd -1: none, or closed by all who wrote to it */
	struct loop_timer *timer;
	int64_t started;
	int timed_out, in_callback, abandoned;
	void (*output)(void *data, const char *bytes, size_t n);
	void (*ended)(void *data, const struct child_result *result);
	void *data;
};

struct plan {	/* all that the child needs after fork, made before it */
	const struct child_options *options;
	int in, out, errors, status;
	cpu_set_t *cpus;
	size_t cpus_size;
	pid_t parent;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void fail_child(int status, enum stage stage)
{
	struct failure failure = { stage, errno };
	ssize_t n = write(status, &failure, sizeof failure);
	(void)n;
	_exit(127);
}

static void default_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0 unless one of them cannot be had. The hard limit of CPU is a second behind: it kills with
 * SIGKILL, which would not say why. */
static int limit(const struct child_options *options)
{
	const struct { int what; rlim_t soft, hard; } limits[] = {
		{ RLIMIT_AS, options->memory_limit, options->memory_limit },
		{ RLIMIT_DATA, options->data_limit, options->data_limit },
		{ RLIMIT_FSIZE, options->file_limit, options->file_limit },
		{ RLIMIT_CPU, options->cpu_limit, options->cpu_limit + 1 },
	};
	int any = 0;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].soft) {
			any = 1;
			if (setrlimit(limits[i].what, &(struct rlimit){ limits[i].soft, limits[i].hard }))
				return -1;
		}
	return any ? setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) : 0;
}

/* proc(5), oom_score_adj. Where it cannot be said, all are equal. */
static void say_expendable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : write(fd, "1000", 4);
	(void)n;
	close_fd(&fd);
}

static void become(const struct plan *plan)
{
	const struct child_options *options = plan->options;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != plan->parent)	/* it died before the line above */
		_exit(127);
	/* Away from 0 to 2 first, which may be closed here and so among these. */
	int in = fcntl(plan->in, F_DUPFD_CLOEXEC, 3), out = fcntl(plan->out, F_DUPFD_CLOEXEC, 3);
	int errors = fcntl(plan->errors, F_DUPFD_CLOEXEC, 3), status = fcntl(plan->status, F_DUPFD_CLOEXEC, 3);
	dup2(in, 0);
	dup2(out, 1);
	dup2(errors, 2);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (plan->cpus && sched_setaffinity(0, plan->cpus_size, plan->cpus))
		fail_child(status, STAGE_CPUS);
	if (options->directory && chdir(options->directory))
		fail_child(status, STAGE_FOLDER);
	if (limit(options))
		fail_child(status, STAGE_LIMITS);
	if (options->is_expendable)
		say_expendable();
	default_signals();
	execvpe(options->argv[0], (char *const *)options->argv, options->env ? (char *const *)options->env : environ);
	fail_child(status, STAGE_EXEC);
}

static int explain(const struct failure *failure, const struct child_options *options, struct err *err)
{
	const char *program = options->argv[0], *why = strerror(failure->number);
	switch (failure->stage) {
	case STAGE_FOLDER:
		return err_set(err, "cannot start %s in %s: %s", program, options->directory, why);
	case STAGE_CPUS:
		return err_set(err, "cannot start %s on the CPUs given (%s): this machine or its container does not offer "
		               "them", program, why);
	case STAGE_LIMITS:
		return err_set(err, "cannot start %s with the limits given (%s): those of this session are lower (ulimit -H -a)",
		               program, why);
	default:
		if (failure->number == ENOENT)
			return err_set(err, strchr(program, '/')
			               ? "cannot start %s: it, or the interpreter named in its first line, does not exist"
			               : "cannot start %s: no such program in PATH", program);
		return err_set(err, "cannot start %s: %s", program, why);
	}
}

/* The child's stdin: a file in memory never blocks either side, however slowly it is read. */
static int open_input(const struct child_options *options, struct err *err)
{
	if (!options->input) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_set(err, "cannot open /dev/null: %s", strerror(errno)) : fd;
	}
	int fd = memfd_create("stdin", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < options->input_size;) {
		ssize_t n = write(fd, options->input + at, options->input_size - at);
		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			close_fd(&fd);
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, "cannot keep the input of %s: %s", options->argv[0], strerror(errno));
	return fd;
}

/* end[0] for us (-1: nothing to read), end[1] for the child. */
static int open_output(const struct child_options *options, int end[2], struct err *err)
{
	if (options->output) {
		if (pipe2(end, O_CLOEXEC))
			return err_set(err, "cannot make a pipe for %s: %s", options->argv[0], strerror(errno));
		fcntl(end[0], F_SETFL, O_NONBLOCK);
		fcntl(end[0], F_SETPIPE_SZ, PIPE);	/* a measured program seldom waits for us; may fail */
		return 0;
	}
	end[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return end[1] < 0 ? err_set(err, "cannot open /dev/null: %s", strerror(errno)) : 0;
}

/* Its stdin and stdout are pipes, ours in own: what reads and what writes. */
static int open_talk(struct plan *plan, int own[2], struct err *err)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC))
		return err_set(err, "cannot make a pipe for %s: %s", plan->options->argv[0], strerror(errno));
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return err_set(err, "cannot make a pipe for %s: %s", plan->options->argv[0], strerror(errno));
	}
	plan->in = in[0];
	plan->out = out[1];
	own[0] = out[0];
	own[1] = in[1];
	return 0;
}

static int open_streams(struct plan *plan, int own[2], int output[2], struct err *err)
{
	if (plan->options->talk ? open_talk(plan, own, err) : (plan->in = open_input(plan->options, err)) < 0)
		return -1;
	if (open_output(plan->options, output, err))
		return -1;
	plan->errors = output[1];
	if (!plan->options->talk)
		plan->out = output[1];
	return 0;
}

static int plan_cpus(struct plan *plan, struct err *err)
{
	const struct child_options *options = plan->options;
	int highest = 0;
	for (size_t i = 0; i < options->cpu_count; i++) {
		if (options->cpus[i] < 0 || options->cpus[i] > 1 << 16)
			return err_set(err, "there is no CPU %d", options->cpus[i]);
		if (options->cpus[i] > highest)
			highest = options->cpus[i];
	}
	if (!options->cpu_count)
		return 0;
	plan->cpus_size = CPU_ALLOC_SIZE(highest + 1);
	plan->cpus = xcalloc(1, plan->cpus_size);
	for (size_t i = 0; i < options->cpu_count; i++)
		CPU_SET_S((size_t)options->cpus[i], plan->cpus_size, plan->cpus);
	return 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Forks with all signals blocked, so that none of our handlers runs in the child. Returns after its exec. */
static pid_t spawn(struct plan *plan, struct err *err)
{
	int status[2];
	if (pipe2(status, O_CLOEXEC))
		return err_set(err, "cannot make a pipe for %s: %s", plan->options->argv[0], strerror(errno));
	plan->status = status[1];
	plan->parent = getpid();
	signal(SIGCHLD, SIG_DFL);	/* where a parent left it ignored, the kernel would reap before we look */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (!pid)
		become(plan);
	int number = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(status[1]);
	struct failure failure;
	ssize_t n = 0;
	if (pid > 0) {
		setpgid(pid, pid);
		while ((n = read(status[0], &failure, sizeof failure)) < 0 && errno == EINTR)
			;
	}
	close(status[0]);
	if (pid < 0)
		return err_set(err, "cannot start %s: %s", plan->options->argv[0], strerror(number));
	if (n == sizeof failure) {
		reap(pid);
		return explain(&failure, plan->options, err);
	}
	return pid;
}

static void close_output(struct child *child)
{
	if (child->output_fd >= 0)
		loop_unwatch(child->loop, child->output_fd);
	close_fd(&child->output_fd);
}

/* One read of at most limit bytes. Returns what was read; 0: nothing there. */
static size_t read_output(struct child *child, size_t limit)
{
	char chunk[CHUNK];
	ssize_t n = read(child->output_fd, chunk, limit < sizeof chunk ? limit : sizeof chunk);
	if (n <= 0) {
		if (!n || (errno != EAGAIN && errno != EINTR))
			close_output(child);
		return 0;
	}
	child->in_callback = 1;
	child->output(child->data, chunk, (size_t)n);
	child->in_callback = 0;
	return (size_t)n;
}

static void child_free(struct child *child)
{
	loop_cancel(child->loop, child->timer);
	loop_unwatch(child->loop, child->pidfd);
	close_fd(&child->pidfd);
	close_output(child);
	free(child);
}

static void output_ready(void *data, int fd, unsigned events)
{
	struct child *child = data;
	(void)fd, (void)events;
	read_output(child, CHUNK);
	if (child->abandoned)
		child_abandon(child);
}

static void drain(struct child *child)
{
	int left = 0;
	if (child->output_fd < 0 || ioctl(child->output_fd, FIONREAD, &left))
		return;
	while (left > 0 && child->output_fd >= 0 && !child->abandoned) {
		size_t n = read_output(child, (size_t)left);
		if (!n)
			return;
		left -= (int)n;
	}
}

static void leader_ended(void *data, int fd, unsigned events)
{
	struct child *child = data;
	siginfo_t info = {0};
	(void)fd, (void)events;
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	struct child_result result = { .exited = info.si_code == CLD_EXITED, .status = info.si_status,
		.timed_out = child->timed_out, .seconds = (double)(clock_monotonic() - child->started) / 1e6 };
	kill(-child->pid, SIGKILL);
	reap(child->pid);
	child->pid = 0;
	if (!child->abandoned)
		drain(child);
	child->in_callback = 1;
	if (!child->abandoned)
		child->ended(child->data, &result);
	child_free(child);
}

static void kill_group(void *data)
{
	struct child *child = data;
	child->timer = NULL;
	kill(-child->pid, SIGKILL);
}

static void time_is_up(void *data)
{
	struct child *child = data;
	child->timed_out = 1;
	kill(-child->pid, SIGTERM);
	child->timer = loop_after(child->loop, GRACE, kill_group, child);
}

static struct child *adopt(struct loop *loop, pid_t pid, int output_fd, const struct child_options *options)
{
	struct child *child = xcalloc(1, sizeof *child);
	*child = (struct child){ .loop = loop, .pid = pid, .output_fd = output_fd, .started = clock_monotonic(),
		.output = options->output, .ended = options->ended, .data = options->data };
	child->pidfd = pidfd_open(pid, 0);
	if (child->pidfd < 0) {
		free(child);
		return NULL;
	}
	loop_watch(loop, child->pidfd, LOOP_READ, leader_ended, child);
	if (output_fd >= 0)
		loop_watch(loop, output_fd, LOOP_READ, output_ready, child);
	if (options->timeout > 0)
		child->timer = loop_after(loop, options->timeout, time_is_up, child);
	return child;
}

struct child *child_start(struct loop *loop, const struct child_options *options, struct err *err)
{
	struct plan plan = { .options = options, .in = -1, .out = -1, .errors = -1 };
	int output[2] = { -1, -1 }, own[2] = { -1, -1 };
	struct child *child = NULL;
	pid_t pid = -1;
	int64_t started = clock_monotonic();
	if (plan_cpus(&plan, err) || open_streams(&plan, own, output, err))
		goto out;
	if ((pid = spawn(&plan, err)) < 0)
		goto out;
	child = adopt(loop, pid, output[0], options);
	if (child) {
		child->started = started;
		output[0] = -1;
		if (options->talk)
			memcpy(options->talk, own, sizeof own);
		own[0] = own[1] = -1;
	} else {
		err_set(err, "cannot watch %s: %s (Linux 5.3 or later is needed)", options->argv[0], strerror(errno));
		kill(-pid, SIGKILL);
		reap(pid);
	}
out:
	close_fd(&plan.in);
	if (options->talk)
		close_fd(&plan.out);
	close_fd(&own[0]);
	close_fd(&own[1]);
	close_fd(&output[0]);
	close_fd(&output[1]);
	free(plan.cpus);
	return child;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

void child_kill(struct child *child)
{
	if (child->pid)
		kill(-child->pid, SIGKILL);
}

void child_abandon(struct child *child)
{
	child_kill(child);
	child->abandoned = 1;
	if (child->in_callback)	/* its caller comes back here */
		return;
	close_output(child);
	loop_cancel(child->loop, child->timer);
	child->timer = NULL;
	/* Nearly always it is gone at once; where the kernel holds it for longer, the loop reaps it. */
	struct pollfd gone = { .fd = child->pidfd, .events = POLLIN };
	if (poll(&gone, 1, ABANDON_WAIT) == 1)
		leader_ended(child, child->pidfd, LOOP_READ);
}

struct capture {
	struct loop *loop;
	struct buf *output;
	struct child_result result;
};

static void capture_output(void *data, const char *bytes, size_t n)
{
	struct capture *capture = data;
	buf_add(capture->output, bytes, n);
}

static void capture_end(void *data, const struct child_result *result)
{
	struct capture *capture = data;
	capture->result = *result;
	loop_stop(capture->loop);
}

int child_run(const struct child_options *options, struct buf *output, struct child_result *result, struct err *err)
{
	struct capture capture = { .loop = loop_new(), .output = output };
	struct child_options own = *options;
	own.output = output ? capture_output : NULL;
	own.ended = capture_end;
	own.data = &capture;
	struct child *child = child_start(capture.loop, &own, err);
	if (child)
		loop_run(capture.loop);
	loop_free(capture.loop);
	if (child && result)
		*result = capture.result;
	return child ? 0 : -1;
}
