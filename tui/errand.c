/* The terminal's foreground belongs to one process group at a time; whoever else reads from it is stopped. So the program
 * gets a group and the foreground, and at its end this process takes the foreground back (with SIGTTOU blocked, which
 * would stop it for asking). Where this process is not in the foreground itself, as under a terminal without job control,
 * the program stays in its group.
 *
 * Its end is a readable pidfd. Ctrl-Z in it would leave a screen that nobody serves: a program that stops is continued.
 */
#include "tui/errand.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"

struct errand {
	struct loop *loop;
	pid_t pid;
	int pidfd, tty, has_group;
	void (*ended)(void *data, int code);
	void *data;
};

static struct errand *at_work;	/* for SIGCHLD, which says nothing about whom */

static void take_foreground(int tty, pid_t group)
{
	sigset_t only, before;

	sigemptyset(&only);
	sigaddset(&only, SIGTTOU);
	sigprocmask(SIG_BLOCK, &only, &before);
	tcsetpgrp(tty, group);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void on_child(void *data, int number)
{
	int status;

	(void)data;
	(void)number;
	if (at_work && waitpid(at_work->pid, &status, WNOHANG | WUNTRACED) == at_work->pid) {
		if (WIFSTOPPED(status)) {
			kill(at_work->has_group ? -at_work->pid : at_work->pid, SIGCONT);
			return;
		}
		struct errand *e = at_work;
		at_work = NULL;
		loop_unwatch(e->loop, e->pidfd);
		close(e->pidfd);
		if (e->has_group)
			take_foreground(e->tty, getpgrp());
		e->ended(e->data, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		free(e);
	}
}

static void on_end(void *data, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	on_child(data, SIGCHLD);
}

/* After fork only what is async-signal-safe. */
static void become(const struct errand *e, const char *const *argv, const char *complaint)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	if (e->has_group) {
		setpgid(0, 0);
		take_foreground(e->tty, getpid());
	}
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGHUP);
	execvp(argv[0], (char *const *)argv);
	if (write(STDERR_FILENO, complaint, strlen(complaint)) < 0)
		_exit(126);
	_exit(127);
}

struct errand *errand_start(struct loop *loop, int tty, const char *const *argv, void (*ended)(void *data, int code), void *data, struct err *err)
{
	static const char complaint[] = "skydeck: the program cannot be started\n";
	struct errand *e = xcalloc(1, sizeof *e);

	*e = (struct errand){ loop, 0, -1, tty, tcgetpgrp(tty) == getpgrp(), ended, data };
	e->pid = fork();
	if (!e->pid)
		become(e, argv, complaint);
	if (e->pid > 0 && e->has_group)
		setpgid(e->pid, e->pid);
	e->pidfd = e->pid > 0 ? pidfd_open(e->pid, 0) : -1;
	if (e->pidfd < 0) {
		err_set(err, "%s cannot be started: %s", argv[0], strerror(errno));
		if (e->pid > 0) {
			kill(e->pid, SIGKILL);
			waitpid(e->pid, NULL, 0);
		}
		free(e);
		return NULL;
	}
	at_work = e;
	loop_watch(loop, e->pidfd, LOOP_READ, on_end, NULL);
	loop_signal(loop, SIGCHLD, on_child, NULL);
	return e;
}

void errand_abandon(struct errand *e)
{
	if (!e)
		return;
	at_work = NULL;
	loop_unwatch(e->loop, e->pidfd);
	close(e->pidfd);
	kill(e->has_group ? -e->pid : e->pid, SIGHUP);
	kill(e->has_group ? -e->pid : e->pid, SIGCONT);
	if (e->has_group)
		take_foreground(e->tty, getpgrp());
	free(e);
}
