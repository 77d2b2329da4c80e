/* An engine outlives the shell that started it, as a tmux server does: it is the grandchild of who asks for it, in a
 * session of its own, with nothing of the terminal left open; its stderr goes to .skydeck/engine.log. A pipe stays, on
 * which it says "ready", or its exit code and its sentence; silence means that it died, and the log says of what. */
#include "core/cli/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/link/socket.h"

enum { READY_FD = 3, OPTIONS_MOST = 32, WAIT_MICROSECONDS = 20000, LISTEN_SECONDS = 10 };

static const char ready_word[] = "ready\n";

static void say(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

void engine_tell_ready(int fd)
{
	if (fd < 0)
		return;
	say(fd, ready_word, strlen(ready_word));
	close(fd);
}

void engine_tell_failed(int fd, const struct err *err)
{
	if (fd < 0)
		return;
	char *text = xasprintf("%d %s\n", err->code ? (int)err->code : EXIT_FAILED, err->text);
	say(fd, text, strlen(text));
	free(text);
	close(fd);
}

/* In the grandchild: only stdin, stdout, stderr and the pipe stay open. */
static void become_engine(const struct target *t, const char *const *options, int log, int ready)
{
	const char *argv[OPTIONS_MOST + 8] = { "skydeck", "-C", t->root, "serve", "--ready", "3" };
	size_t n = 6;
	for (size_t i = 0; options && options[i] && i < OPTIONS_MOST; i++)
		argv[n++] = options[i];
	int null = open("/dev/null", O_RDWR);
	int pipe_end = fcntl(ready, F_DUPFD, 16), log_end = fcntl(log, F_DUPFD, 16);	/* out of the way of 0 to 3 */
	if (null < 0 || pipe_end < 0 || log_end < 0 || chdir("/") < 0)
		_exit(EXIT_FAILED);
	dup2(null, STDIN_FILENO);
	dup2(log_end, STDOUT_FILENO);
	dup2(log_end, STDERR_FILENO);
	dup2(pipe_end, READY_FD);
	close_range(READY_FD + 1, ~0U, 0);
	/* By its own path, so that ps shows its name; one that was replaced meanwhile still starts as what it was. */
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	if (!access(path, X_OK))
		execv(path, (char **)argv);
	execv("/proc/self/exe", (char **)argv);
	_exit(EXIT_FAILED);
}

static int read_answer(int fd, const char *log_path, struct err *err)
{
	char answer[1100];
	size_t len = 0;
	for (ssize_t n; len < sizeof answer - 1; len += (size_t)n) {
		n = read(fd, answer + len, sizeof answer - 1 - len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			break;
	}
	answer[len] = '\0';
	if (!strcmp(answer, ready_word))
		return 0;
	char *end;
	long code = strtol(answer, &end, 10);
	if (end == answer || *end != ' ')
		return err_set(err, "the engine ended while it started; %s says why", log_path);
	end[strcspn(end, "\n")] = '\0';
	return err_code(err, (enum exit_code)code, "%s", end + 1);
}

/* The intermediate process goes at once, so that nobody here has to wait for the engine. */
static int spawn(const struct target *t, const char *const *options, int log, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, "cannot make a pipe to the engine: %s", strerror(errno));
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		setsid();
		pid_t engine = fork();
		if (engine == 0)
			become_engine(t, options, log, ends[1]);
		_exit(engine < 0);
	}
	int status = 0;
	close(ends[1]);
	if (child < 0 || (waitpid(child, &status, 0) == child && status)) {
		close(ends[0]);
		return err_set(err, "cannot start the engine: %s", strerror(errno));
	}
	return ends[0];
}

/* Another one is starting it, or it was there all along: until somebody answers at its socket. */
static int wait_for_other(const struct target *t, struct err *err)
{
	int64_t until = clock_monotonic() + LISTEN_SECONDS * 1000000LL;
	for (; clock_monotonic() < until; usleep(WAIT_MICROSECONDS)) {
		struct buf path = {0};
		target_socket(t, &path);
		int fd = socket_connect(buf_str(&path), err);
		buf_release(&path);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (!target_engine_runs(t))
			break;
	}
	return err_set(err, "an engine (pid %ld) holds the lock of %s, but does not answer: skydeck doctor",
		target_engine_pid(t), t->root);
}

int engine_start(const struct target *t, const char *const *options, struct err *err)
{
	if (target_engine_runs(t))
		return wait_for_other(t, err);
	mkdir(t->folder, 0777);
	char *log_path = target_path(t, "engine.log");
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666), rc = -1;
	if (log < 0) {
		err_set(err, "cannot write %s: %s", log_path, strerror(errno));
	} else {
		int fd = spawn(t, options, log, err);
		rc = fd < 0 ? -1 : read_answer(fd, log_path, err);
		if (fd >= 0)
			close(fd);
		close(log);
	}
	free(log_path);
	if (rc && err->code == EXIT_REFUSED && target_engine_runs(t))
		rc = wait_for_other(t, err);
	return rc;
}
