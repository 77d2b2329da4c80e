/* The reader: sources that wait (status "queued", by their position) are read, a few at a time, by calls without tools, and what
 * comes back is believed as far as claims.h says. What waits stands in the model, so a restart loses no more than the calls that
 * were under way; who waits for it is in memory.
 *
 * A source that nobody can be asked about counts as read once its text was there to be given out. */
#include "core/engine/reading.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/engine/claims.h"

enum { READS_MAX = 3, ANSWER_SECONDS = 600, ANSWER_TOKENS = 6000, ANSWER_MAX = 256 << 10, MICRO = 1000000 };

struct waiter {
	char *source;
	reading_done *done;
	void *data;
	struct waiter *next;
};

struct read {
	struct reading *reading;
	char *source, *model;
	struct source_text text;
	struct quotes quotes;
	struct found_claims found;
	size_t stated;			/* of the claims */
	size_t at, end;			/* the piece that is asked about */
	size_t piece, pieces, answered;
	struct asking *asking;
	struct loop_timer *timer;
	char *problem;			/* of the last piece that went wrong */
	struct read *next;
};

/* who is asked */

static int is_own_agent(const struct engine *e)
{
	const char *name = e->config.session_reader;
	return !name || !*name || (e->model.agent && !strcmp(name, e->model.agent));
}

static void silent_propose(void *data, const struct draft *draft) { (void)data; (void)draft; }
static void silent_changed(void *data, const char *state, const char *text) { (void)data; (void)state; (void)text; }
static void silent_broken(void *data, const char *origin, const char *title, const char *why) { (void)data; (void)origin; (void)title; (void)why; }
static int knows_all(void *data, const char *origin) { (void)data; (void)origin; return 1; }
static void silent_said(void *data, enum said what, const char *bytes, size_t n) { (void)data; (void)what; (void)bytes; (void)n; }
static void silent_spent(void *data, double usd, const char *what) { (void)data; (void)usd; (void)what; }
static void silent_asks(void *data, const struct agent_permission *permission) { (void)data; (void)permission; }
static void silent_ended(void *data, const struct turn_end *end) { (void)data; (void)end; }
static void silent_answered(void *data, const char *permission, const char *status, const char *by, const char *reason)
{
	(void)data; (void)permission; (void)status; (void)by; (void)reason;
}
static void no_call(void *data, struct agent_call *call)
{
	(void)data;
	agent_answer(call, "a reader has no tools", 1);
}
static void reader_alert(void *data, const char *text)
{
	engine_alert(data, "%s", text);
}

/* A reader proposes nothing and gets no tools, whatever it is configured as. */
static const struct agent_listener silent = {
	.propose = silent_propose, .changed = silent_changed, .broken = silent_broken, .is_known = knows_all, .said = silent_said, .call = no_call,
	.spent = silent_spent, .asks = silent_asks, .answered = silent_answered, .turn_ended = silent_ended, .alert = reader_alert,
};

static void open_reader(struct reading *r)
{
	struct engine *e = r->engine;
	const struct config_agent *config = config_agent_find(&e->config, e->config.session_reader);
	const struct agent_ops *ops = config ? agent_find(config->kind) : NULL;
	struct err err = {0};
	if (r->reader || r->reader_problem)
		return;
	if (!ops || !ops->ask)
		err_set(&err, "session.reader is \"%s\", which %s", e->config.session_reader,
			config ? "is of a kind that cannot be asked: name one of kind api or chat" : "is no [agent] of the configuration");
	else
		r->reader = ops->open(&(struct agent_setup){ .loop = e->loop, .config = config, .root = e->target.root, .folder = e->folder,
							     .listener = &silent, .data = e }, &err);
	r->reader_ops = ops;
	if (r->reader)
		return;
	r->reader_problem = xstrdup(err.text);
	engine_alert(e, "sources are not read: %s", err.text);
}

struct asked {
	const struct agent_ops *ops;
	struct agent *agent;
	const char *name;
};

/* NULL agent: nobody can be asked. */
static struct asked who_is_asked(struct reading *r)
{
	struct engine *e = r->engine;
	if (is_own_agent(e))
		return (struct asked){ e->agent_ops, e->agent && e->agent_ops->ask ? e->agent : NULL, e->model.agent };
	open_reader(r);
	return (struct asked){ r->reader_ops, r->reader, e->config.session_reader };
}

/* NULL: there is money for another call. */
static const char *no_money(const struct engine *e, const char *name)
{
	const struct config_agent *c = config_agent_find(&e->config, name);
	double read = 0;
	if (e->model.limit_usd > 0 && spent_usd(&e->model, clock_wall()) >= e->model.limit_usd)
		return "the session's money is spent (session.budget)";
	for (size_t i = 0; i < e->model.source_count; i++)
		read += e->model.sources[i].usd;
	return c && c->budget > 0 && read + agent_usd(&e->model, name) >= c->budget ? "the reader's money is spent (its budget)" : NULL;
}

/* the end of one */

static void tell(struct reading *r, const char *source, const char *problem)
{
	for (int is_told = 1; is_told;) {
		is_told = 0;
		for (struct waiter **at = &r->waiters; *at; at = &(*at)->next) {
			struct waiter *w = *at;
			if (strcmp(w->source, source))
				continue;
			*at = w->next;
			w->done(w->data, w->source, problem);	/* which may drop others: begin anew */
			free(w->source);
			free(w);
			is_told = 1;
			break;
		}
	}
}

static void read_free(struct read *read)
{
	struct reading *r = read->reading;
	struct asked asked = read->asking ? who_is_asked(r) : (struct asked){0};
	if (asked.agent)
		asked.ops->ask_cancel(read->asking);
	loop_cancel(r->engine->loop, read->timer);
	reading_drop(r->engine, read);	/* its text may still be on its way */
	for (struct read **at = &r->reads; *at; at = &(*at)->next)
		if (*at == read) {
			*at = read->next;
			break;
		}
	quotes_release(&read->quotes);
	claims_release(&read->found);
	source_text_release(&read->text);
	free(read->problem);
	free(read->model);
	free(read->source);
	free(read);
}

static void say_what_came(const struct read *read, const char *nobody, struct buf *out)
{
	const struct source *s = model_source(&read->reading->engine->model, read->source);
	if (nobody)
		buf_printf(out, "%s: it has no claims, its text can be quoted", nobody);
	else
		buf_printf(out, "%zu claim%s", read->found.count, read->found.count == 1 ? "" : "s");
	if (read->found.dropped)
		buf_printf(out, "; %u more dropped: the words quoted do not stand in it", read->found.dropped);
	if (!nobody && read->answered < read->pieces)
		buf_printf(out, "; %zu of %zu pieces were read%s%s", read->answered, read->pieces, read->problem ? ": " : "", read->problem ? read->problem : "");
	if (!nobody && read->end < read->text.size && !read->problem)
		buf_printf(out, "; the first %zu kB of %zu were read", read->end >> 10, read->text.size >> 10);
	if (s && reading_is_unverified(s))
		buf_puts(out, "; it could not be verified that it is what its title says");
	if (read->text.marks)
		buf_printf(out, "; %u hidden characters stand in it, which can be a trick", read->text.marks);
}

/* A proposal that came of it says more than that it was read. */
static const char *status_otherwise(const struct engine *e, const struct source *s, const char *status)
{
	return source_yield(&e->model, s).proposals ? "used" : status;
}

/* Back to where it stood, or on to "read"; what a human or a proposal said meanwhile stands. */
static void settle(struct read *read, const char *status, const char *reason)
{
	struct engine *e = read->reading->engine;
	const struct source *s = model_source(&e->model, read->source);
	char *safe = text_safe_string(reason, strlen(reason), TEXT_LINE);
	if (s && !strcmp(s->status, "reading"))
		reading_status(e, NULL, read->source, status_otherwise(e, s, status), safe);
	free(safe);
}

static void fail(struct read *read, const char *problem)
{
	struct reading *r = read->reading;
	char *source = xstrdup(read->source), *why = xasprintf("could not be read: %s", problem);
	settle(read, "found", why);
	read_free(read);
	tell(r, source, why);
	free(why);
	free(source);
}

static void succeed(struct read *read, const char *nobody)
{
	struct reading *r = read->reading;
	struct asked asked = who_is_asked(r);
	char *source = xstrdup(read->source), *by = asked.name ? xasprintf("agent %s", asked.name) : NULL;
	struct buf reason = {0};
	if (read->found.summary.len)
		engine_emit(r->engine, &(struct event){ .kind = EVENT_SOURCE_NOTED, .by = by, .source = source, .text = buf_str(&read->found.summary) });
	say_what_came(read, nobody, &reason);
	settle(read, "read", buf_str(&reason));
	read_free(read);
	tell(r, source, NULL);
	buf_release(&reason);
	free(by);
	free(source);
}

/* asking */

static void ask_next(struct read *read);

static void state_claims(struct read *read, const char *name)
{
	struct engine *e = read->reading->engine;
	char *by = xasprintf("agent %s", name ? name : "reader");
	for (; read->stated < read->found.count; read->stated++) {
		const struct found_claim *c = &read->found.at[read->stated];
		char id[24];
		snprintf(id, sizeof id, "c%zu", e->model.dialogue.claim_count + 1);
		engine_emit(e, &(struct event){ .kind = EVENT_CLAIM_ADDED, .by = by, .claim = id, .source = read->source, .text = c->text, .quote = c->quote,
			.place = c->place, .hash = read->text.hash, .model = read->model });
	}
	free(by);
}

static void state_cost(struct read *read, double usd, const char *name)
{
	char *what, *by;
	if (!(usd > 0) || !isfinite(usd))
		return;
	what = xasprintf("reading %s: %s", read->source, read->model ? read->model : "a model");
	by = xasprintf("agent %s", name ? name : "reader");
	engine_emit(read->reading->engine, &(struct event){ .kind = EVENT_SPENT, .by = by, .usd = usd, .what = what, .source = read->source });
	free(by);
	free(what);
}

static void answered(void *data, const char *text, const char *problem, double usd, const char *model)
{
	struct read *read = data;
	struct asked asked = who_is_asked(read->reading);
	struct err err = {0};
	read->asking = NULL;
	loop_cancel(read->reading->engine->loop, read->timer);
	read->timer = NULL;
	if (model) {
		free(read->model);
		read->model = text_safe_string(model, strnlen(model, 100), TEXT_LINE);
	}
	state_cost(read, usd, asked.name);
	size_t n = text ? strnlen(text, ANSWER_MAX) : 0;
	if (!text)
		err_set(&err, "%s", problem ? problem : "the reader did not answer");
	else if (!claims_take(&read->found, &read->quotes, text, n, &err))
		read->answered++;
	if (err.text[0])
		string_set(&read->problem, err.text);
	state_claims(read, asked.name);
	read->at = read->end;
	if (!text && !read->answered)
		fail(read, read->problem);	/* the next piece would fare no better */
	else
		ask_next(read);
}

static void too_late(void *data)
{
	struct read *read = data;
	struct asked asked = who_is_asked(read->reading);
	read->timer = NULL;
	if (asked.agent)
		asked.ops->ask_cancel(read->asking);
	read->asking = NULL;
	answered(read, NULL, "the reader did not answer in 10 minutes", NAN, NULL);
}

static void finish(struct read *read)
{
	if (read->answered || !read->problem)
		succeed(read, NULL);
	else
		fail(read, read->problem);
}

static void ask_next(struct read *read)
{
	struct engine *e = read->reading->engine;
	struct asked asked = who_is_asked(read->reading);
	const struct source *s = model_source(&e->model, read->source);
	const char *why = !asked.agent ? "nobody can be asked any more" : !engine_may_run(e) ? "the session does not run" : no_money(e, asked.name);
	struct err err = {0};
	if (read->piece == read->pieces || !s || why) {
		if (why && read->piece < read->pieces)
			string_set(&read->problem, why);
		finish(read);
		return;
	}
	struct buf text = {0};
	read->end = claims_piece(read->text.text, read->text.size, read->at);
	read->piece++;
	claims_ask(&text, &(struct claims_about){ s->title, e->model.metric, s->id, read->piece, read->pieces }, read->text.text + read->at,
		   read->end - read->at);
	struct question q = { .system = claims_system, .text = buf_str(&text), .schema = claims_schema, .tokens = ANSWER_TOKENS, .answered = answered,
			      .data = read };
	read->asking = asked.ops->ask(asked.agent, &q, &err);
	buf_release(&text);
	if (read->asking) {
		read->timer = loop_after(e->loop, (int64_t)ANSWER_SECONDS * MICRO, too_late, read);
		return;
	}
	string_set(&read->problem, err.text);
	finish(read);
}

static size_t count_pieces(const struct source_text *t)
{
	size_t n = 0;
	for (size_t at = 0; at < t->size && n < PIECES_MAX; n++)
		at = claims_piece(t->text, t->size, at);
	return n;
}

static void text_came(void *data, const char *source, const struct source_text *text)
{
	struct read *read = data;
	(void)source;
	if (!text->text || !text->size) {
		fail(read, text->problem ? text->problem : "it is empty");
		return;
	}
	source_text_copy(&read->text, text);
	quotes_init(&read->quotes, read->text.text, read->text.size);
	read->pieces = count_pieces(&read->text);
	struct asked asked = who_is_asked(read->reading);
	if (!asked.agent)
		succeed(read, read->reading->reader_problem ? read->reading->reader_problem : "there is no agent that could be asked");
	else
		ask_next(read);
}

/* the queue */

static struct read *find_read(const struct reading *r, const char *source)
{
	struct read *read = r->reads;
	while (read && strcmp(read->source, source))
		read = read->next;
	return read;
}

static const struct source *next_queued(const struct reading *r)
{
	const struct model *m = &r->engine->model;
	const struct source *next = NULL;
	for (size_t i = 0; i < m->source_count; i++) {
		const struct source *s = &m->sources[i];
		int waits = !strcmp(s->status, "queued") || !strcmp(s->status, "reading");	/* reading, by an engine that is gone */
		if (waits && !find_read(r, s->id) && (!next || s->position < next->position))
			next = s;
	}
	return next;
}

static void begin(struct reading *r, const struct source *s)
{
	struct read *read = xcalloc(1, sizeof *read);
	*read = (struct read){ .reading = r, .source = xstrdup(s->id), .next = r->reads };
	r->reads = read;
	reading_status(r->engine, NULL, read->source, "reading", NULL);
	reading_fetch(r->engine, read->source, text_came, read);
}

static void refuse_waiting(struct reading *r, const char *why)
{
	for (struct waiter *w = r->waiters; w;) {
		if (find_read(r, w->source)) {
			w = w->next;
			continue;
		}
		char *source = xstrdup(w->source);
		tell(r, source, why);
		free(source);
		w = r->waiters;
	}
}

void reading_advance(struct engine *e)
{
	struct reading *r = engine_may_run(e) ? reading_of(e) : e->reading;	/* what is queued may be a former engine's */
	size_t n = 0;
	if (!r || e->broken)
		return;
	if (!engine_may_run(e)) {
		refuse_waiting(r, "the session does not run now: nothing is read until it is resumed");
		return;
	}
	for (const struct read *read = r->reads; read; read = read->next)
		n++;
	for (const struct source *s; n < READS_MAX && (s = next_queued(r)); n++)
		begin(r, s);
	/* dismissed while it waited */
	for (struct waiter *w = r->waiters; w;) {
		const struct source *s = model_source(&e->model, w->source);
		if (find_read(r, w->source) || (s && !strcmp(s->status, "queued"))) {
			w = w->next;
			continue;
		}
		char *source = xstrdup(w->source);
		tell(r, source, s && source_is_read(s) ? NULL : "it was taken off the list");
		free(source);
		w = r->waiters;
	}
}

void reading_end(struct engine *e)
{
	for (size_t i = 0; i < e->model.source_count; i++) {
		const struct source *s = &e->model.sources[i];
		if (!strcmp(s->status, "queued") || !strcmp(s->status, "reading"))
			reading_status(e, NULL, s->id, status_otherwise(e, s, "found"), "the session ended before it was read");
	}
}

static int was_read(const struct model *m, const struct source *s)
{
	if (!strcmp(s->status, "read") || claims_of(m, s->id))
		return 1;
	for (size_t i = 0; i < s->annotation_count; i++)
		if (s->annotations[i].by && !strncmp(s->annotations[i].by, "agent ", 6))
			return 1;
	return 0;
}

void reading_read(struct engine *e, const char *source, reading_done *done, void *data)
{
	struct reading *r = reading_of(e);
	const struct source *s = model_source(&e->model, source);
	char *problem = NULL;
	if (!s)
		problem = xasprintf("there is no source %s on the reading list", source);
	else if (!strcmp(s->status, "dismissed"))
		problem = xasprintf("%s was dismissed%s%s: read another", s->id, s->status_reason ? ": " : "", s->status_reason ? s->status_reason : "");
	else if (!find_read(r, s->id) && !was_read(&e->model, s) && !engine_may_run(e))
		problem = xstrdup("the session does not run now: nothing is read until it is resumed");
	if (problem || (was_read(&e->model, s) && !find_read(r, s->id))) {
		done(data, source, problem);
		free(problem);
		return;
	}
	struct waiter *w = xcalloc(1, sizeof *w), **last = &r->waiters;
	*w = (struct waiter){ xstrdup(s->id), done, data, NULL };
	while (*last)
		last = &(*last)->next;
	*last = w;
	if (!find_read(r, s->id) && strcmp(s->status, "queued"))
		reading_status(e, NULL, s->id, "queued", NULL);
}

void reader_drop(struct reading *r, const void *data)
{
	for (struct waiter **at = &r->waiters; *at;) {
		struct waiter *w = *at;
		if (w->data != data) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w->source);
		free(w);
	}
}

void reader_close(struct reading *r, const char *why)
{
	while (r->reads)
		read_free(r->reads);
	while (r->waiters) {
		char *source = xstrdup(r->waiters->source);
		tell(r, source, why);
		free(source);
	}
	if (r->reader)
		r->reader_ops->close(r->reader);
	r->reader = NULL;
	free(r->reader_problem);
	r->reader_problem = NULL;
}
