/* The fold of what passes between session and agent. What an event adds to a turn is counted here, by the turn that runs
 * when the event is stated: an agent has one at a time. */
#include "core/data/dialogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/model.h"

enum { TURN_NUMBER_MAX = 1000000000, YEAR_MAX = 9999 };

static const struct {
	const char *name, *about;
} stages[] = {
#define X(id, name, about) { name, about },
	STAGES(X)
#undef X
};

const char *stage_name(enum stage s)
{
	return stages[s].name;
}

const char *stage_about(enum stage s)
{
	return stages[s].about;
}

int stage_parse(const char *name, enum stage *out)
{
	for (int i = 0; name && i < STAGE_COUNT; i++)
		if (!strcmp(name, stages[i].name)) {
			*out = (enum stage)i;
			return 0;
		}
	return -1;
}

/* turns */

struct turn *turn_now(const struct model *m)
{
	const struct dialogue *d = &m->dialogue;
	struct turn *last = d->turn_count ? &d->turns[d->turn_count - 1] : NULL;
	return last && !last->status ? last : NULL;
}

static struct turn *turn_numbered(const struct dialogue *d, int64_t number)
{
	for (size_t i = d->turn_count; i-- > 0;)
		if (d->turns[i].number == number)
			return &d->turns[i];
	return NULL;
}

struct turn *dialogue_turn(const struct model *m, const char *log)
{
	char *end;
	if (!log || *log != 't')
		return NULL;
	long number = strtol(log + 1, &end, 10);
	return end > log + 1 && !*end ? turn_numbered(&m->dialogue, number) : NULL;
}

static void on_turn_started(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	if (ev->turn < 1 || ev->turn > TURN_NUMBER_MAX || turn_numbered(d, ev->turn))
		return;
	struct turn *t = array_add(&d->turns, &d->turn_count, &d->turn_room, sizeof *t);
	*t = (struct turn){ .number = (unsigned)ev->turn, .seq = ev->seq, .agent = xstrdup(ev->agent), .model = xstrdup(ev->model), .started = ev->time,
			    .stage = d->stage, .seconds = NAN, .size = ev->size };
	stage_parse(ev->stage, &t->stage);
	for (size_t i = 0; i < d->message_count; i++)
		if (!d->messages[i].turn)
			d->messages[i].turn = t->number;
}

static int delivers(const char *status)
{
	return strcmp(status, "failed") && strcmp(status, "lost");
}

static void on_turn_ended(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	struct turn *t = turn_numbered(d, ev->turn);
	if (!t || t->status)
		return;
	t->status = xstrdup(ev->status ? ev->status : "done");
	t->reason = xstrdup(ev->reason);
	t->text = xstrdup(ev->text);
	t->last = ev->seq;
	t->ended = ev->time;
	t->seconds = ev->seconds;
	t->tokens = (struct tokens){ ev->tokens_in, ev->tokens_read, ev->tokens_written, ev->tokens_out };
	t->calls = ev->calls > 0 ? (unsigned)ev->calls : 0;
	t->log_bytes = ev->log.bytes;
	t->log_lines = ev->log.lines;
	string_set(&t->last_line, NULL);
	for (size_t i = 0; i < d->message_count && !delivers(t->status); i++)
		if (d->messages[i].turn == t->number)
			d->messages[i].turn = 0;
}

static void called_release(struct tool_called *c)
{
	char *texts[] = { c->agent, c->tool, c->text, c->status };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
}

static void drop_oldest_calls(struct dialogue *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		called_release(&d->called[i]);
	d->called_count -= n;
	if (d->called_count)
		memmove(d->called, d->called + n, d->called_count * sizeof *d->called);
}

static void on_tool_called(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	struct turn *t = turn_numbered(d, ev->turn);
	if (t && !t->status)
		t->calls++;
	if (d->called_count == CALLED_MAX)
		drop_oldest_calls(d, CALLED_MAX / 4);
	struct tool_called *c = array_add(&d->called, &d->called_count, &d->called_room, sizeof *c);
	*c = (struct tool_called){ ev->seq, ev->time, t ? t->number : 0, xstrdup(ev->agent), xstrdup(ev->tool ? ev->tool : "tool"), xstrdup(ev->text),
				   xstrdup(ev->status) };
}

static void on_spent(struct model *m, const struct event *ev)
{
	struct turn *t = turn_numbered(&m->dialogue, ev->turn);
	struct source *s = model_source(m, ev->source);
	if (!isfinite(ev->usd))
		return;
	if (t)
		t->usd += ev->usd;
	if (s)
		s->usd += ev->usd;
}

/* what it is told */

static int is_message(enum event_kind kind)
{
	switch (kind) {
	case EVENT_STEERED: case EVENT_VETOED: case EVENT_REVISION_ASKED: case EVENT_VERDICT: case EVENT_PROPOSAL_CONFLICT:
	case EVENT_GUARD_STOPPED: case EVENT_CANCELLED: case EVENT_LANDED: case EVENT_LANDING_FAILED:
		return 1;
	default:
		return 0;
	}
}

static int is_urgent(const struct message *message)
{
	return message->kind == EVENT_STEERED || message->kind == EVENT_VETOED || message->kind == EVENT_REVISION_ASKED;
}

static char *text_of(const struct event *ev)
{
	const struct comments *c = &ev->comments;
	if (ev->kind != EVENT_REVISION_ASKED)
		return xstrdup(ev->text ? ev->text : ev->reason ? ev->reason : ev->verdict);
	struct buf text = {0};
	for (size_t i = 0; i < c->count; i++) {
		buf_puts(&text, i ? "\n" : "");
		if (c->at[i].file)
			buf_printf(&text, "%s:%lld: ", c->at[i].file, (long long)c->at[i].line);
		buf_puts(&text, c->at[i].text ? c->at[i].text : "");
	}
	return buf_take(&text);
}

static void remember_message(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	struct message *message = array_add(&d->messages, &d->message_count, &d->message_room, sizeof *message);
	*message = (struct message){ ev->seq, ev->time, ev->kind, xstrdup(ev->by), text_of(ev), xstrdup(ev->proposal), 0 };
}

int was_called_since(const struct model *m, uint64_t seq)
{
	const struct dialogue *d = &m->dialogue;
	for (size_t i = d->message_count; i-- > 0 && d->messages[i].seq > seq;)
		if (is_urgent(&d->messages[i]))
			return 1;
	return 0;
}

size_t messages_waiting(const struct model *m, int only_urgent)
{
	size_t n = 0;
	for (size_t i = 0; i < m->dialogue.message_count; i++) {
		const struct message *message = &m->dialogue.messages[i];
		n += !message->turn && (!only_urgent || is_urgent(message));
	}
	return n;
}

/* what comes of it */

static void on_claim_added(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	struct turn *t = turn_now(m);
	if (!ev->claim || !model_source(m, ev->source) || find_claim(m, ev->claim))
		return;
	struct claim *c = array_add(&d->claims, &d->claim_count, &d->claim_room, sizeof *c);
	*c = (struct claim){ xstrdup(ev->claim), xstrdup(ev->source), xstrdup(ev->text), xstrdup(ev->quote), xstrdup(ev->place), xstrdup(ev->hash),
			     xstrdup(ev->model) };
	if (t)
		t->claims++;
}

const struct claim *find_claim(const struct model *m, const char *id)
{
	for (size_t i = m->dialogue.claim_count; id && i-- > 0;)
		if (!strcmp(m->dialogue.claims[i].id, id))
			return &m->dialogue.claims[i];
	return NULL;
}

size_t claims_of(const struct model *m, const char *source)
{
	size_t n = 0;
	for (size_t i = 0; source && i < m->dialogue.claim_count; i++)
		n += !strcmp(m->dialogue.claims[i].source, source);
	return n;
}

static int is_by_agent(const struct event *ev)
{
	return ev->by && !strncmp(ev->by, "agent ", 6);
}

static void count_for_turn(struct model *m, const struct event *ev)
{
	struct turn *t = is_by_agent(ev) ? turn_now(m) : NULL;
	struct proposal *p = model_proposal(m, ev->proposal);
	if (ev->kind == EVENT_SOURCE_ADDED && t)
		t->sources++;
	if (ev->kind == EVENT_IDEA_ADDED && t)
		t->ideas++;
	if (ev->kind != EVENT_PROPOSAL_SUBMITTED && ev->kind != EVENT_PROPOSAL_CONFLICT)
		return;
	if (t) {
		t->proposals++;
		t->conflicts += ev->kind == EVENT_PROPOSAL_CONFLICT;
	}
	if (p && p->rev == (size_t)ev->rev) {
		p->turn = t ? t->number : 0;
		string_set(&p->self_review, NULL);
	}
}

static void on_self_reviewed(struct model *m, const struct event *ev)
{
	struct proposal *p = model_proposal(m, ev->proposal);
	if (p && p->rev == (size_t)ev->rev)
		string_set(&p->self_review, ev->text);
}

static void on_noted(struct model *m, const struct event *ev)
{
	struct strings *notes = &m->dialogue.notes;
	if (!ev->text)
		return;
	if (notes->count == NOTES_MAX) {
		free(notes->at[0]);
		array_remove(&notes->at, &notes->count, 0, sizeof *notes->at);
	}
	strings_add(notes, ev->text);
}

static void bottleneck_release(struct bottleneck *b)
{
	char *texts[] = { b->commit, b->what, b->side, b->text, b->reason };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
}

static void on_profiled(struct model *m, const struct event *ev)
{
	struct bottleneck *b = &m->dialogue.bottleneck;
	bottleneck_release(b);
	*b = (struct bottleneck){ xstrdup(ev->commit), xstrdup(ev->what ? ev->what : "harness"), xstrdup(ev->side), xstrdup(ev->text),
				  xstrdup(ev->reason), ev->moved, ev->bandwidth };
}

static void on_stage_set(struct model *m, const struct event *ev)
{
	if (!stage_parse(ev->stage, &m->dialogue.stage))
		string_set(&m->dialogue.stage_reason, ev->reason);
}

/* the reading list */

static void on_source_moved(struct model *m, const struct event *ev)
{
	struct source *s = model_source(m, ev->source);
	if (!s || ev->position < 1 || ev->position > (int64_t)m->source_count)
		return;
	unsigned from = s->position, to = (unsigned)ev->position;
	for (size_t i = 0; i < m->source_count; i++) {
		unsigned *at = &m->sources[i].position;
		if (*at > from && *at <= to)
			--*at;
		else if (*at < from && *at >= to)
			++*at;
	}
	s->position = to;
}

static void on_source_noted(struct model *m, const struct event *ev)
{
	struct source *s = model_source(m, ev->source);
	if (!s || !ev->text)
		return;
	struct annotation *a = array_add(&s->annotations, &s->annotation_count, &s->annotation_room, sizeof *a);
	*a = (struct annotation){ xstrdup(ev->by), xstrdup(ev->text) };
}

void annotations_release(struct source *s)
{
	for (size_t i = 0; i < s->annotation_count; i++) {
		free(s->annotations[i].by);
		free(s->annotations[i].text);
	}
	free(s->annotations);
}

/* permissions */

static struct permission *permission_in(const struct dialogue *d, const char *id)
{
	for (size_t i = d->permission_count; id && i-- > 0;)
		if (!strcmp(d->permissions[i].id, id))
			return &d->permissions[i];
	return NULL;
}

static void on_permission_asked(struct model *m, const struct event *ev)
{
	struct dialogue *d = &m->dialogue;
	if (!ev->permission || permission_in(d, ev->permission))
		return;
	struct permission *p = array_add(&d->permissions, &d->permission_count, &d->permission_room, sizeof *p);
	*p = (struct permission){ .id = xstrdup(ev->permission), .agent = xstrdup(ev->agent), .title = xstrdup(ev->title ? ev->title : ""),
				  .text = xstrdup(ev->text), .time = ev->time };
	strings_copy(&p->options, &ev->options);
}

static void on_permission_answered(struct model *m, const struct event *ev)
{
	struct permission *p = permission_in(&m->dialogue, ev->permission);
	if (!p || p->answer)
		return;
	p->answer = xstrdup(ev->status ? ev->status : "cancelled");
	p->by = xstrdup(ev->by);
}

const struct permission *open_permission(const struct model *m)
{
	for (size_t i = 0; i < m->dialogue.permission_count; i++)
		if (!m->dialogue.permissions[i].answer)
			return &m->dialogue.permissions[i];
	return NULL;
}

const struct permission *find_permission(const struct model *m, const char *id)
{
	return permission_in(&m->dialogue, id);
}

const char *permission_words(const struct permission *p, const char *kind)
{
	size_t size = strlen(kind);
	for (size_t i = 0; i < p->options.count; i++) {
		const char *text = p->options.at[i];
		if (!strncmp(text, kind, size) && (text[size] == ' ' || !text[size]))
			return text + size + strspn(text + size, " ");
	}
	return NULL;
}

/* money */

double stage_usd(const struct model *m, enum stage s)
{
	double usd = 0;
	for (size_t i = 0; i < m->dialogue.turn_count; i++)
		usd += m->dialogue.turns[i].stage == s ? m->dialogue.turns[i].usd : 0;
	return usd;
}

double agent_usd(const struct model *m, const char *agent)
{
	double usd = 0;
	for (size_t i = 0; i < m->dialogue.turn_count; i++) {
		const struct turn *t = &m->dialogue.turns[i];
		usd += !agent || (t->agent && !strcmp(t->agent, agent)) ? t->usd : 0;
	}
	return usd;
}

double proposal_usd(const struct model *m, const char *proposal)
{
	const struct proposal *p = model_proposal(m, proposal);
	const struct turn *t = p && p->turn ? turn_numbered(&m->dialogue, p->turn) : NULL;
	return t ? t->usd / (t->proposals ? t->proposals : 1) : 0;
}

struct tokens session_tokens(const struct model *m)
{
	struct tokens sum = {0};
	for (size_t i = 0; i < m->dialogue.turn_count; i++) {
		const struct tokens *t = &m->dialogue.turns[i].tokens;
		sum.in += t->in;
		sum.read += t->read;
		sum.written += t->written;
		sum.out += t->out;
	}
	return sum;
}

static void (*const handlers[EVENT_KIND_COUNT])(struct model *, const struct event *) = {
	[EVENT_TURN_STARTED] = on_turn_started, [EVENT_TURN_ENDED] = on_turn_ended, [EVENT_TOOL_CALLED] = on_tool_called,
	[EVENT_SPENT] = on_spent, [EVENT_CLAIM_ADDED] = on_claim_added, [EVENT_SELF_REVIEWED] = on_self_reviewed, [EVENT_NOTED] = on_noted,
	[EVENT_PROFILED] = on_profiled, [EVENT_STAGE_SET] = on_stage_set, [EVENT_SOURCE_MOVED] = on_source_moved,
	[EVENT_SOURCE_NOTED] = on_source_noted, [EVENT_PERMISSION_ASKED] = on_permission_asked,
	[EVENT_PERMISSION_ANSWERED] = on_permission_answered, [EVENT_SOURCE_ADDED] = count_for_turn, [EVENT_IDEA_ADDED] = count_for_turn,
	[EVENT_PROPOSAL_SUBMITTED] = count_for_turn, [EVENT_PROPOSAL_CONFLICT] = count_for_turn,
};

void dialogue_apply(struct model *m, const struct event *ev)
{
	if (handlers[ev->kind])
		handlers[ev->kind](m, ev);
	if (is_message(ev->kind))
		remember_message(m, ev);
}

void dialogue_release(struct dialogue *d)
{
	for (size_t i = 0; i < d->turn_count; i++) {
		char *texts[] = { d->turns[i].agent, d->turns[i].model, d->turns[i].status, d->turns[i].reason, d->turns[i].text, d->turns[i].last_line };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free(texts[k]);
	}
	for (size_t i = 0; i < d->message_count; i++) {
		free(d->messages[i].by);
		free(d->messages[i].text);
		free(d->messages[i].proposal);
	}
	for (size_t i = 0; i < d->claim_count; i++) {
		char *texts[] = { d->claims[i].id, d->claims[i].source, d->claims[i].text, d->claims[i].quote, d->claims[i].place, d->claims[i].hash,
				  d->claims[i].model };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free(texts[k]);
	}
	for (size_t i = 0; i < d->permission_count; i++) {
		struct permission *p = &d->permissions[i];
		char *texts[] = { p->id, p->agent, p->title, p->text, p->answer, p->by };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free(texts[k]);
		strings_release(&p->options);
	}
	drop_oldest_calls(d, d->called_count);
	void *arrays[] = { d->turns, d->messages, d->claims, d->permissions, d->called };
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	strings_release(&d->notes);
	bottleneck_release(&d->bottleneck);
	free(d->stage_reason);
}
