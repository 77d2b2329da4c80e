/* Turns at a service. The lock (flock) is held for as long as a request lasts: a process that dies lets go of it, and nobody
 * else has a connection at that time. The file says, in wall-clock microseconds, when the last request ended and until when
 * the service wants to be left alone. A lock that another holds is looked at again and again: the kernel has no queue that
 * a poll loop could wait in. Times that cannot be (the clock went back) count as none. */
#include "core/research/pace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

enum { LOOK_AGAIN = 100000 };	/* microseconds */
static const int64_t refusal_max = INT64_C(24) * 3600 * 1000000;

struct pace_turn {
	struct pace *pace;
	struct pace_turn *next;
	pace_go *go;
	void *data;
	int has_come;
};

struct pace {
	struct loop *loop;
	struct loop_timer *timer;
	char *path;
	int fd;			/* locked while >= 0 */
	int64_t interval, last, until;
	struct pace_turn *turns;	/* the first one's has come, or is the next */
};

struct pace *pace_new(struct loop *loop, const char *folder, const char *name, int64_t interval)
{
	struct pace *p = xcalloc(1, sizeof *p);
	p->loop = loop;
	p->path = folder ? xasprintf("%s/%s.pace", folder, name) : NULL;
	p->interval = interval;
	p->fd = -1;
	return p;
}

static void unlock(struct pace *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void pace_free(struct pace *p)
{
	if (!p)
		return;
	loop_cancel(p->loop, p->timer);
	while (p->turns) {
		struct pace_turn *t = p->turns;
		p->turns = t->next;
		free(t);
	}
	unlock(p);
	free(p->path);
	free(p);
}

static void read_times(struct pace *p)
{
	char text[80] = "";
	int64_t last = 0, until = 0, now = clock_wall();
	ssize_t n = pread(p->fd, text, sizeof text - 1, 0);
	if (n > 0 && sscanf(text, "%" SCNd64 " %" SCNd64, &last, &until) == 2) {
		p->last = last;
		p->until = until;
	}
	if (p->last > now)
		p->last = now;
	if (p->until > now + refusal_max)
		p->until = 0;
}

static void write_times(struct pace *p)
{
	char text[80];
	int n = snprintf(text, sizeof text, "%-19" PRId64 " %-19" PRId64 "\n", p->last, p->until);
	if (p->fd >= 0 && pwrite(p->fd, text, (size_t)n, 0) < 0)
		return;		/* the disk is full: the next one here still knows */
}

/* 0: ours (or there is no file to share); -1: another's. */
static int lock(struct pace *p)
{
	if (p->fd >= 0 || !p->path)
		return 0;
	p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return 0;
	if (flock(p->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		unlock(p);
		return -1;
	}
	read_times(p);
	return 0;
}

static void look(void *data);

static void look_in(struct pace *p, int64_t microseconds)
{
	if (!p->timer)
		p->timer = loop_after(p->loop, microseconds, look, p);
}

static void refuse(struct pace *p, struct pace_turn *t)
{
	p->turns = t->next;
	unlock(p);
	if (p->turns)
		look_in(p, 0);
	pace_go *go = t->go;
	void *its = t->data;
	int64_t until = p->until;
	free(t);
	go(its, until);
}

static void look(void *data)
{
	struct pace *p = data;
	struct pace_turn *t = p->turns;
	p->timer = NULL;
	if (!t || t->has_come)
		return;
	if (lock(p) < 0) {
		look_in(p, LOOK_AGAIN);
		return;
	}
	int64_t now = clock_wall(), rest = p->last ? p->last + p->interval - now : 0, refused = p->until - now;
	if (refused > PACE_PATIENCE) {
		refuse(p, t);
		return;
	}
	rest = rest > refused ? rest : refused;
	if (rest > 0) {
		if (rest > LOOK_AGAIN)	/* others may have an older wish */
			unlock(p);
		look_in(p, rest);
		return;
	}
	t->has_come = 1;
	p->last = now;
	write_times(p);		/* whoever is killed in the middle of it has asked all the same */
	t->go(t->data, 0);
}

struct pace_turn *pace_ask(struct pace *p, pace_go *go, void *data)
{
	struct pace_turn *t = xcalloc(1, sizeof *t), **end = &p->turns;
	*t = (struct pace_turn){ .pace = p, .go = go, .data = data };
	while (*end)
		end = &(*end)->next;
	*end = t;
	look_in(p, 0);
	return t;
}

void pace_end(struct pace_turn *turn, int64_t refused_for)
{
	if (!turn)
		return;
	struct pace *p = turn->pace;
	for (struct pace_turn **at = &p->turns; *at; at = &(*at)->next)
		if (*at == turn) {
			*at = turn->next;
			break;
		}
	if (turn->has_come) {
		int64_t now = clock_wall();
		if (refused_for >= 0)
			p->last = now;
		if (refused_for > 0)
			p->until = now + (refused_for < refusal_max ? refused_for : refusal_max);
		write_times(p);
		unlock(p);
	}
	free(turn);
	if (p->turns)
		look_in(p, 0);
}
