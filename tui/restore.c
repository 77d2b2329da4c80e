/* Restoring the terminal whatever ends the process. A fatal signal's handler may not allocate, nor can a process killed by
 * SIGKILL do anything: so what restores is kept as plain bytes, ready from the moment the terminal is taken over, and a
 * second process, the guard, waits for the end of a pipe. It ignores every signal of the terminal, and it leaves as soon as it is
 * told that the terminal is in order. Without it a killed cockpit would leave the shell in raw mode.
 */
#include "tui/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES_MAX = 256, DESCRIPTORS = 256 };

static struct {
	volatile sig_atomic_t armed;
	int fd, has_termios;
	char bytes[BYTES_MAX];
	size_t size;
	struct termios termios;
} restore;

static int guard_pipe = -1;
static pid_t guard;

static void write_all(int fd, const char *bytes, size_t size)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (errno != EINTR && (errno != EAGAIN || poll(&ready, 1, 1000) <= 0)) {
			return;
		}
	}
}

void restore_now(void)
{
	if (!restore.armed)
		return;
	restore.armed = 0;
	write_all(restore.fd, restore.bytes, restore.size);
	if (restore.has_termios)
		tcsetattr(restore.fd, TCSANOW, &restore.termios);
}

static void on_fatal_signal(int number)
{
	restore_now();
	raise(number);	/* the disposition is the default again */
}

void restore_on_fatal_signals(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = { .sa_handler = on_fatal_signal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) }, old;

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

/* The guard's whole life. A byte on the pipe: the terminal is in order; its end without one: this process' parent was killed. */
static void guard_life(int pipe_end)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE };
	char byte = 0;

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (fd != pipe_end && fd != restore.fd)
			close(fd);
	while (read(pipe_end, &byte, 1) < 0 && errno == EINTR)
		;
	if (byte != 'q')
		restore_now();
	_exit(0);
}

void restore_start_guard(void)
{
	int ends[2];

	if (guard || pipe2(ends, O_CLOEXEC) < 0)
		return;
	guard = fork();
	if (!guard) {
		close(ends[1]);
		guard_life(ends[0]);
	}
	close(ends[0]);
	guard_pipe = ends[1];
}

void restore_end_guard(void)
{
	if (guard > 0 && write(guard_pipe, "q", 1) == 1)
		waitpid(guard, NULL, 0);
	if (guard_pipe >= 0)
		close(guard_pipe);
	guard_pipe = -1;
	guard = 0;
}

void restore_keep_termios(const struct termios *termios)
{
	restore.has_termios = termios != NULL;
	if (termios)
		restore.termios = *termios;
}

void restore_arm(int fd, const char *bytes, size_t size)
{
	if (size <= BYTES_MAX)
		memcpy(restore.bytes, bytes, restore.size = size);
	restore.fd = fd;
	restore.armed = 1;
}

void restore_disarm(void)
{
	restore.armed = 0;
}
