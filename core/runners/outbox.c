/* A queue of copies between a runner and its listener. Where a runner hears of things from several sides (a child process,
 * an HTTP stream, a timer), telling them on at once would mean that any of those calls may return into freed memory: the
 * listener may close the runner. Here only deliver() calls the listener, and it touches nothing of the runner's. */
#include "core/runners/outbox.h"

#include <stdlib.h>
#include <string.h>

enum message_kind { MESSAGE_WORKER, MESSAGE_STARTED, MESSAGE_ENDED, MESSAGE_STEP_OUTPUT, MESSAGE_WORKER_OUTPUT, MESSAGE_FAILED };

struct message {
	enum message_kind kind;
	char *text, *last_line;		/* the run, the worker, or why; its strings are the message's own, below too */
	uint64_t lines, bytes;
	struct worker_report report;
	struct step_result result;
	struct metrics metrics;
	struct message *next;
};

struct outbox {
	struct loop *loop;
	const struct runner_listener *listener;
	void *data;
	struct message *first, **end;
	struct loop_timer *timer;
	int is_telling, is_freed;
};

static void free_message(struct message *m)
{
	const struct worker_report *r = &m->report;
	const char *own[] = { m->text, m->last_line, r->worker, r->name, r->state, r->why, r->remedy, r->status, r->arch, r->place,
			      m->result.run, m->result.artifact, m->result.reason };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free((char *)own[i]);
	metrics_release(&m->metrics);
	free(m);
}

static void release(struct outbox *o)
{
	for (struct message *m = o->first, *next; m; m = next) {
		next = m->next;
		free_message(m);
	}
	loop_cancel(o->loop, o->timer);
	free(o);
}

static void tell(const struct runner_listener *l, void *data, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_WORKER:
		l->worker_changed(data, &m->report);
		break;
	case MESSAGE_STARTED:
		l->step_started(data, m->text);
		break;
	case MESSAGE_ENDED:
		l->step_ended(data, &m->result);
		break;
	case MESSAGE_STEP_OUTPUT:
		l->step_output(data, m->text, m->lines, m->bytes, m->last_line);
		break;
	case MESSAGE_WORKER_OUTPUT:
		l->worker_output(data, m->text, m->lines, m->bytes, m->last_line);
		break;
	case MESSAGE_FAILED:
		l->failed(data, m->text);
		break;
	}
}

static void deliver(void *data)
{
	struct outbox *o = data;
	o->timer = NULL;
	o->is_telling = 1;
	while (o->first && !o->is_freed) {
		struct message *m = o->first;
		o->first = m->next;
		if (!o->first)
			o->end = &o->first;
		tell(o->listener, o->data, m);
		free_message(m);
	}
	o->is_telling = 0;
	if (o->is_freed)
		release(o);
}

static struct message *add(struct outbox *o, enum message_kind kind, const char *text)
{
	struct message *m = xcalloc(1, sizeof *m);
	m->kind = kind;
	m->text = xstrdup(text);
	*o->end = m;
	o->end = &m->next;
	if (!o->timer)
		o->timer = loop_after(o->loop, 0, deliver, o);
	return m;
}

struct outbox *outbox_new(const struct runner_setup *setup)
{
	struct outbox *o = xcalloc(1, sizeof *o);
	o->loop = setup->loop;
	o->listener = setup->listener;
	o->data = setup->data;
	o->end = &o->first;
	return o;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	o->is_freed = 1;
	if (!o->is_telling)
		release(o);
}

void outbox_worker(struct outbox *o, const struct worker_report *report)
{
	struct worker_report *r = &add(o, MESSAGE_WORKER, NULL)->report;
	*r = *report;
	r->worker = xstrdup(report->worker);
	r->name = xstrdup(report->name);
	r->state = xstrdup(report->state);
	r->why = xstrdup(report->why);
	r->remedy = xstrdup(report->remedy);
	r->status = xstrdup(report->status);
	r->arch = xstrdup(report->arch);
	r->place = xstrdup(report->place);
}

void outbox_started(struct outbox *o, const char *run)
{
	add(o, MESSAGE_STARTED, run);
}

void outbox_ended(struct outbox *o, const struct step_result *result)
{
	struct message *m = add(o, MESSAGE_ENDED, NULL);
	m->result = *result;
	m->result.run = xstrdup(result->run);
	m->result.artifact = xstrdup(result->artifact);
	m->result.reason = xstrdup(result->reason);
	if (result->metrics) {
		metrics_copy(&m->metrics, result->metrics);
		m->result.metrics = &m->metrics;
	}
}

static void add_output(struct outbox *o, enum message_kind kind, const char *whose, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct message *m = add(o, kind, whose);
	m->lines = lines;
	m->bytes = bytes;
	m->last_line = xstrdup(last_line);
}

void outbox_step_output(struct outbox *o, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	add_output(o, MESSAGE_STEP_OUTPUT, run, lines, bytes, last_line);
}

void outbox_worker_output(struct outbox *o, const char *worker, uint64_t lines, uint64_t bytes, const char *last_line)
{
	add_output(o, MESSAGE_WORKER_OUTPUT, worker, lines, bytes, last_line);
}

void outbox_failed(struct outbox *o, const char *why)
{
	add(o, MESSAGE_FAILED, why);
}

int outbox_has_end(const struct outbox *o, const char *run)
{
	for (const struct message *m = o->first; m; m = m->next)
		if (m->kind == MESSAGE_ENDED && !strcmp(m->result.run, run))
			return 1;
	return 0;
}
