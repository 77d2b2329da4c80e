/* Following by looking again: a reader of the journal asks five times a second what came after the last event. That
 * works the same with an engine, without one, and across the end of one and the start of the next; the cost is one
 * indexed query. What is printed leaves after each look, so that a pipe sees it when it happened. */
#include "core/cli/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/data/line.h"

enum { PAUSE_MICROSECONDS = 200000 };

struct fold {
	const struct follow *follow;
	struct model *model;
	struct err *err;
	int failed, stopped;
};

static int one(void *data, uint64_t seq, const char *body, size_t len)
{
	struct fold *fold = data;
	struct event ev;
	if (event_parse(&ev, body, len, fold->err) < 0) {
		err_prefix(fold->err, "event %llu of the journal cannot be read", (unsigned long long)seq);
		return fold->failed = 1;
	}
	ev.seq = seq;
	model_apply(fold->model, &ev);
	if (seq > fold->follow->since)
		fold->stopped = fold->follow->event(fold->follow->data, &ev, fold->model, body, len);
	event_release(&ev);
	return fold->stopped;
}

static int follow_journal(const struct follow *f, struct journal *j, struct model *m, struct err *err)
{
	struct fold fold = { f, m, err, 0, 0 };
	for (int last = 0;;) {
		uint64_t before = m->seq;
		if (journal_each(j, m->seq, one, &fold, err) < 0 || fold.failed)
			return -1;
		fflush(stdout);
		if (fold.stopped || !f->on || m->state == SESSION_ENDED)
			return 0;
		if (m->seq != before)
			continue;
		if (last)
			return err_set(err, "the engine is gone and session %s is open: skydeck run takes it up again",
				m->session);
		if (f->needs_engine && !target_engine_runs(f->target))
			last = 1;	/* look once more: it may have ended the session as it left */
		else
			usleep(PAUSE_MICROSECONDS);
	}
}

int follow_events(const struct follow *f, struct model *m, struct err *err)
{
	char *id = f->session ? xstrdup(f->session) : session_current(f->target);
	if (!id)
		return err_set(err, "there is no session in %s yet: start one with skydeck, or skydeck run",
			f->target->root);
	char *path = session_path(f->target, id, "journal.db");
	struct journal *j = journal_open_reader(path, err);
	int rc = j ? follow_journal(f, j, m, err) : -1;
	journal_close(j);
	free(path);
	free(id);
	return rc;
}

int follow_line(const struct event *ev, const struct model *m, struct buf *out)
{
	char time[CLOCK_TEXT];
	size_t start = out->len;
	clock_time_of_day(ev->time, time);
	buf_printf(out, "%s  ", time);
	if (!event_line(ev, m, out)) {
		buf_truncate(out, start);
		return 0;
	}
	buf_putc(out, '\n');
	return 1;
}
