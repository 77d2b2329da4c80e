/* The one poll loop of a process. Watched fds are a table indexed by fd, timers a list in the order they are due,
 * signals one signalfd, hooks an array that runs once per turn: events first, then work is committed, flushed and
 * drawn.
 *
 * Callbacks may watch, unwatch and close anything while a turn is being dispatched. So the poll array is a copy, and
 * each watch has a number that never comes again: what poll saw on an fd that was closed, and perhaps opened anew,
 * finds another number there and is dropped. poll is level-triggered; nothing is lost by looking again in the next
 * turn.
 *
 * poll(2) reports POLLHUP for ever, so a watcher that forgets to unwatch would spin. The loop therefore reports a
 * hangup only when the bytes are used up, and stops watching as it does. */
#include "core/io/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

struct watch {
	loop_fd_function *call;	/* NULL: not watched */
	void *data;
	unsigned events;
	uint64_t number;
};

struct loop_timer {
	struct loop_timer *next;
	int64_t due;
	uint64_t number;
	loop_function *call;
	void *data;
};

struct hook {
	loop_function *call;
	void *data;
};

struct signal_watch {
	loop_signal_function *call;
	void *data;
};

struct loop {
	struct watch *watches;	/* index: fd */
	size_t watch_count, watch_room;
	struct pollfd *polled;
	uint64_t *polled_number;	/* of the watch behind each entry of polled */
	size_t polled_room;
	struct loop_timer *timers;
	struct hook *hooks;
	size_t hook_count, hook_room;
	struct signal_watch signals[NSIG];
	sigset_t signal_set, old_mask;
	int signal_fd;
	uint64_t numbers, turns;
	int stopping, turning;
};

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof *loop);
	loop->signal_fd = -1;
	sigemptyset(&loop->signal_set);
	pthread_sigmask(SIG_SETMASK, NULL, &loop->old_mask);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(!loop->turning);
	while (loop->timers)
		loop_cancel(loop, loop->timers);
	if (loop->signal_fd >= 0) {
		struct signalfd_siginfo info;	/* one that still waits would end the process when it is let through */
		while (read(loop->signal_fd, &info, sizeof info) > 0)
			;
		close(loop->signal_fd);
		pthread_sigmask(SIG_SETMASK, &loop->old_mask, NULL);
	}
	free(loop->watches);
	free(loop->polled);
	free(loop->polled_number);
	free(loop->hooks);
	free(loop);
}

void loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_function *call, void *data)
{
	assert(fd >= 0 && call);
	while (loop->watch_count <= (size_t)fd)
		array_add(&loop->watches, &loop->watch_count, &loop->watch_room, sizeof *loop->watches);
	loop->watches[fd] = (struct watch){ call, data, events, ++loop->numbers };
}

void loop_unwatch(struct loop *loop, int fd)
{
	if (fd >= 0 && (size_t)fd < loop->watch_count)
		loop->watches[fd] = (struct watch){0};
}

struct loop_timer *loop_after(struct loop *loop, int64_t delay, loop_function *call, void *data)
{
	struct loop_timer *timer = xcalloc(1, sizeof *timer);
	timer->due = clock_monotonic() + (delay > 0 ? delay : 0);
	timer->number = ++loop->numbers;
	timer->call = call;
	timer->data = data;
	struct loop_timer **at = &loop->timers;
	while (*at && (*at)->due <= timer->due)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	return timer;
}

void loop_cancel(struct loop *loop, struct loop_timer *timer)
{
	for (struct loop_timer **at = &loop->timers; timer && *at; at = &(*at)->next)
		if (*at == timer) {
			*at = timer->next;
			free(timer);
			return;
		}
}

static void signals_ready(void *data, int fd, unsigned events)
{
	struct loop *loop = data;
	struct signalfd_siginfo info;
	(void)events;
	while (read(fd, &info, sizeof info) == sizeof info) {
		const struct signal_watch *watch = &loop->signals[info.ssi_signo];
		if (watch->call)
			watch->call(watch->data, (int)info.ssi_signo);
	}
}

void loop_signal(struct loop *loop, int signal_number, loop_signal_function *call, void *data)
{
	assert(signal_number > 0 && signal_number < NSIG);
	loop->signals[signal_number] = (struct signal_watch){ call, data };
	sigaddset(&loop->signal_set, signal_number);
	pthread_sigmask(SIG_BLOCK, &loop->signal_set, NULL);
	int fd = signalfd(loop->signal_fd, &loop->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		perror("skydeck: signalfd");
		abort();
	}
	loop->signal_fd = fd;
	loop_watch(loop, fd, LOOP_READ, signals_ready, loop);
}

void loop_before_sleep(struct loop *loop, loop_function *call, void *data)
{
	struct hook *hook = array_add(&loop->hooks, &loop->hook_count, &loop->hook_room, sizeof *hook);
	*hook = (struct hook){ call, data };
}

static size_t fill_poll(struct loop *loop)
{
	if (loop->polled_room < loop->watch_count) {
		loop->polled_room = loop->watch_room;
		loop->polled = xrealloc(loop->polled, loop->polled_room * sizeof *loop->polled);
		loop->polled_number = xrealloc(loop->polled_number, loop->polled_room * sizeof *loop->polled_number);
	}
	size_t n = 0;
	for (size_t fd = 0; fd < loop->watch_count; fd++) {
		const struct watch *watch = &loop->watches[fd];
		if (!watch->call)
			continue;
		int wanted = (watch->events & LOOP_READ ? POLLIN : 0) | (watch->events & LOOP_WRITE ? POLLOUT : 0);
		loop->polled[n] = (struct pollfd){ .fd = (int)fd, .events = (short)wanted };
		loop->polled_number[n++] = watch->number;
	}
	return n;
}

/* How long this turn may sleep, in microseconds; -1: until something happens. */
static int64_t time_to_sleep(const struct loop *loop, int64_t longest)
{
	if (!loop->timers)
		return longest;
	int64_t left = loop->timers->due - clock_monotonic();
	if (left < 0)
		left = 0;
	return longest < 0 || left < longest ? left : longest;
}

static int wait_for_events(struct loop *loop, size_t count, int64_t longest)
{
	int64_t sleep = time_to_sleep(loop, longest);
	struct timespec limit = { .tv_sec = sleep / 1000000, .tv_nsec = sleep % 1000000 * 1000 };
	int n = ppoll(loop->polled, count, sleep < 0 ? NULL : &limit, NULL);
	return n < 0 ? 0 : n;	/* EINTR: a handler outside of the loop ran; the next turn looks again */
}

static int has_bytes(int fd)
{
	int n;
	return !ioctl(fd, FIONREAD, &n) && n > 0;
}

static void dispatch(struct loop *loop, const struct pollfd *polled, uint64_t number)
{
	size_t fd = (size_t)polled->fd;
	if (fd >= loop->watch_count || loop->watches[fd].number != number)
		return;
	struct watch watch = loop->watches[fd];
	unsigned events = (polled->revents & POLLIN ? LOOP_READ : 0) | (polled->revents & POLLOUT ? LOOP_WRITE : 0);
	int gone = polled->revents & (POLLHUP | POLLERR | POLLNVAL);
	if (gone && !(watch.events & LOOP_READ && has_bytes(polled->fd))) {
		events = LOOP_HANGUP | (watch.events & (LOOP_READ | LOOP_WRITE));
		loop_unwatch(loop, polled->fd);
	}
	events &= watch.events | LOOP_HANGUP;
	if (gone && !events)	/* bytes are left, poll did not say POLLIN: they are to be read all the same */
		events = LOOP_READ;
	watch.call(watch.data, polled->fd, events);
}

/* Timers that were added by these calls wait for the next turn, however short they are. */
static void fire_timers(struct loop *loop)
{
	int64_t now = clock_monotonic();
	uint64_t newest = loop->numbers;
	while (loop->timers && loop->timers->due <= now && loop->timers->number <= newest) {
		struct loop_timer *timer = loop->timers;
		loop->timers = timer->next;
		timer->call(timer->data);
		free(timer);	/* after the call: no new one can get its address and be cancelled for it */
	}
}

void loop_turn(struct loop *loop, int64_t longest)
{
	assert(!loop->turning);
	loop->turning = 1;
	size_t count = fill_poll(loop);
	int left = wait_for_events(loop, count, longest);
	loop->turns++;
	for (size_t i = 0; i < count && left > 0; i++)
		if (loop->polled[i].revents) {
			left--;
			dispatch(loop, &loop->polled[i], loop->polled_number[i]);
		}
	fire_timers(loop);
	for (size_t i = 0; i < loop->hook_count; i++)
		loop->hooks[i].call(loop->hooks[i].data);
	loop->turning = 0;
}

void loop_run(struct loop *loop)
{
	for (int64_t longest = 0; !loop->stopping; longest = -1)
		loop_turn(loop, longest);
	loop->stopping = 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = 1;
}

uint64_t loop_wakeups(const struct loop *loop)
{
	return loop->turns;
}
