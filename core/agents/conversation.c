/* A conversation with a model over HTTP. What a request says and what a stream means is the wire's; here is when to ask, when to
 * ask again, and when to give up.
 *
 * An answer counts whole or not at all: a stream that breaks off is dropped with what was said in it, and the same request goes
 * out again, byte for byte, so that a cache of its beginning serves. Its tokens were paid for all the same and are told.
 *
 * Asked again is what may go better: no connection, silence, a cut, and the statuses that the wire says so of (six attempts;
 * reference: the vendors' own clients honour retry-after and else double from half a second).
 *
 * Any callback may free the conversation, stop the agent or close it, in the middle of a piece of a stream: between enter() and
 * leave() nothing is freed, and after each callback is_over says whether somebody still listens. */
#include "core/agents/conversation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { SECOND = 1000000, GATHER = 40000, ERROR_MAX = 64 << 10, HEADERS_MAX = 64, HEADER_MAX = 2048, SENTENCE_MAX = 700 };

const struct patience conversation_patience = {
	.base = SECOND / 2, .cap = 60LL * SECOND, .longest = 600LL * SECOND, .silence = 90LL * SECOND, .first = 300LL * SECOND,
	.uneasy = 20LL * SECOND, .attempts = 6, .answer_max = 64u << 20,
};

struct conversation {
	struct conversation_setup to;
	struct wire *wire;
	struct wire_listener hears;
	struct buf request;		/* as it goes out, at each attempt */
	struct http_request *http;
	struct loop_timer *begin, *watch;	/* the next attempt; silence */
	int64_t asked, last_byte;	/* monotonic */
	unsigned attempt;
	/* of the attempt that runs */
	int status;
	struct strings headers;
	struct buf error;		/* the body of an answer that is no stream */
	struct sse sse;
	size_t bytes, events;
	int has_begun;			/* the wire's answer: it wants to be finished */
	int says_it_waits, has_spoken;
	/* of its life */
	int entered, is_over, is_freed;
};

static void free_now(struct conversation *c)
{
	c->to.wire->close(c->wire);
	sse_release(&c->sse);
	strings_release(&c->headers);
	buf_release(&c->error);
	buf_release(&c->request);
	free(c);
}

static void enter(struct conversation *c)
{
	c->entered++;
}

static void leave(struct conversation *c)
{
	if (!--c->entered && c->is_freed)
		free_now(c);
}

static void drop_attempt(struct conversation *c)
{
	http_cancel(c->http);
	loop_cancel(c->to.loop, c->begin);
	loop_cancel(c->to.loop, c->watch);
	c->http = NULL;
	c->begin = c->watch = NULL;
}

/* What is told. */

static char *sentence(const struct conversation *c, const char *text)
{
	struct buf safe = {0};
	text_safe(&safe, text, strlen(text), TEXT_LINE);
	char *out = xstrdup(buf_str(&safe));
	buf_release(&safe);
	endpoint_hide_key(c->to.endpoint, &out);
	size_t n = strlen(out);
	if (n > SENTENCE_MAX) {
		for (n = SENTENCE_MAX; n && (out[n] & 0xc0) == 0x80; n--)
			;
		out[n] = '\0';
	}
	return out;
}

static void tell_wait(struct conversation *c, const char *text)
{
	if (c->is_over)
		return;
	c->says_it_waits = text != NULL;
	c->to.listener->waits(c->to.data, text);
}

static void fail(struct conversation *c, const char *text)
{
	if (c->is_over)
		return;
	char *why = sentence(c, text);
	c->to.listener->failed(c->to.data, why);
	free(why);
}

static void heard_text(void *data, const char *bytes, size_t n)
{
	struct conversation *c = data;
	c->has_spoken = 1;
	if (!c->is_over)
		c->to.listener->text(c->to.data, bytes, n);
}

static void heard_thought(void *data, const char *bytes, size_t n)
{
	struct conversation *c = data;
	c->has_spoken = 1;
	if (!c->is_over)
		c->to.listener->thought(c->to.data, bytes, n);
}

/* Waiting for the next attempt. */

static void send_request(void *data);

static void say_seconds(struct buf *out, int64_t wait)
{
	double seconds = (double)wait / SECOND;
	if (seconds < 1)
		buf_puts(out, "a moment");
	else
		buf_printf(out, "%.0f s", seconds);
}

static int64_t waiting_time(struct conversation *c, double asked_for)
{
	const struct patience *p = c->to.patience;
	int64_t wait = p->base;
	if (isfinite(asked_for) && asked_for >= 0)
		return asked_for * SECOND < (double)INT64_MAX / 2 ? (int64_t)(asked_for * SECOND) : INT64_MAX / 2;
	for (unsigned i = 1; i < c->attempt && wait < p->cap; i++)
		wait *= 2;
	if (wait > p->cap)
		wait = p->cap;
	return wait - (int64_t)random_below(c->to.random, (uint64_t)wait / 4 + 1);
}

static void ask_again(struct conversation *c, const char *why, double asked_for)
{
	const struct patience *p = c->to.patience;
	int64_t wait = waiting_time(c, asked_for);
	char *reason = sentence(c, why);
	struct buf text = {0};
	if (c->attempt >= p->attempts) {
		buf_printf(&text, "%s; given up after %u attempts", reason, c->attempt);
		fail(c, buf_str(&text));
	} else if (wait > p->longest) {
		char pause[CLOCK_TEXT];
		clock_duration(wait, pause);
		buf_printf(&text, "%s; it wants to be left alone for %s, which is too long to wait for", reason, pause);
		fail(c, buf_str(&text));
	} else {
		buf_puts(&text, "waits ");
		say_seconds(&text, wait);
		buf_printf(&text, ": %s, attempt %u of %u", reason, c->attempt + 1, p->attempts);
		c->begin = loop_after(c->to.loop, wait, send_request, c);
		tell_wait(c, buf_str(&text));
	}
	buf_release(&text);
	free(reason);
}

/* The end of an attempt. */

static const char *header_of(const struct conversation *c, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < c->headers.count; i++)
		if (!strncmp(c->headers.at[i], name, n) && !strncmp(c->headers.at[i] + n, ": ", 2))
			return c->headers.at[i] + n + 2;
	return NULL;
}

static void begin_answer(struct conversation *c)
{
	if (!c->has_begun)
		c->to.wire->begin(c->wire, &c->hears);
	c->has_begun = 1;
}

static int is_no_stream(const struct conversation *c)
{
	const char *type = header_of(c, "content-type");
	return !c->events && type && strncasecmp(type, "text/event-stream", 17);
}

static void cut_answer(struct conversation *c, const struct wire_answer *answer, const char *problem)
{
	struct buf why = {0};
	if (!problem && is_no_stream(c)) {
		buf_printf(&why, "%s answers with %s where a stream of events was asked for: is the agent's url that of its API?", c->to.endpoint->where,
			   header_of(c, "content-type"));
		fail(c, buf_str(&why));
	} else {
		buf_printf(&why, "%s", answer->reason ? answer->reason : problem ? problem : "the answer ended before its end");
		ask_again(c, buf_str(&why), NAN);
	}
	buf_release(&why);
}

/* is_final: nobody asks again, and nobody is told but of what it cost. */
static void finish_answer(struct conversation *c, const char *problem, int is_final)
{
	struct wire_answer answer = {0};
	c->has_begun = 0;
	c->to.wire->finish(c->wire, !problem, &answer);
	c->to.listener->used(c->to.data, &answer);
	if (is_final || c->is_over)
		;
	else if (answer.stop == STOP_CUT)
		cut_answer(c, &answer, problem);
	else
		c->to.listener->answered(c->to.data, &answer);
	wire_answer_release(&answer);
}

static void refused_request(struct conversation *c)
{
	struct wire_trouble trouble = { .wait = NAN };
	struct buf why = {0};
	if (c->status >= 300 && c->status < 400) {
		const char *to = header_of(c, "location");
		buf_printf(&why, "%s sends elsewhere (%d), to %s: set that as the agent's url if you trust it; nothing was sent there",
			   c->to.endpoint->where, c->status, to ? to : "no place that it names");
		fail(c, buf_str(&why));
		buf_release(&why);
		return;
	}
	c->to.wire->explain(c->status, buf_str(&c->error), c->error.len, &c->headers, &trouble);
	buf_puts(&why, trouble.text ? trouble.text : "the request was refused");
	if ((c->status == 401 || c->status == 403) && c->to.endpoint->keyenv)
		buf_printf(&why, " (the key is that of %s)", c->to.endpoint->keyenv);
	else if (c->status == 401)
		buf_puts(&why, " (none was sent: name the variable that holds it as the agent's keyenv)");
	if (trouble.retry)
		ask_again(c, buf_str(&why), trouble.wait);
	else
		fail(c, buf_str(&why));
	free(trouble.text);
	buf_release(&why);
}

static void end_attempt(struct conversation *c, const char *problem)
{
	drop_attempt(c);
	if (c->status == 200) {
		begin_answer(c);
		finish_answer(c, problem, 0);
	} else if (c->status) {
		refused_request(c);
	} else {
		ask_again(c, problem ? problem : "there was no answer", NAN);
	}
}

static void answer_too_long(struct conversation *c)
{
	struct buf why = {0};
	drop_attempt(c);
	buf_printf(&why, "%s sent over %zu MiB in one answer, which no model does: the request was given up", c->to.endpoint->where,
		   c->to.patience->answer_max >> 20);
	if (c->has_begun)
		finish_answer(c, why.data, 1);
	fail(c, buf_str(&why));
	buf_release(&why);
}

/* Silence. */

static void watch_silence(void *data);

static int64_t silence_limit(const struct conversation *c)
{
	return c->bytes || !c->to.endpoint->is_near ? c->to.patience->silence : c->to.patience->first;
}

static void watch_on(struct conversation *c, int64_t quiet)
{
	int64_t next = silence_limit(c), uneasy = c->to.patience->uneasy;
	if (!c->bytes && !c->says_it_waits && uneasy < next)
		next = uneasy;
	loop_cancel(c->to.loop, c->watch);
	c->watch = loop_after(c->to.loop, next > quiet ? next - quiet : 0, watch_silence, c);
}

static void watch_silence(void *data)
{
	struct conversation *c = data;
	const struct patience *p = c->to.patience;
	int64_t quiet = clock_monotonic() - c->last_byte, limit = silence_limit(c);
	struct buf text = {0};
	enter(c);
	c->watch = NULL;
	if (quiet >= limit) {
		buf_printf(&text, "%s said nothing for %.0f s", c->to.endpoint->where, (double)limit / SECOND);
		end_attempt(c, buf_str(&text));
	} else {
		if (!c->bytes && !c->says_it_waits && quiet >= p->uneasy) {
			buf_printf(&text, "has asked %s %.0f s ago and heard nothing yet", c->to.endpoint->where, (double)quiet / SECOND);
			tell_wait(c, buf_str(&text));
		}
		if (!c->is_over)
			watch_on(c, quiet);
	}
	buf_release(&text);
	leave(c);
}

/* An attempt. */

static void on_event(void *data, const char *name, const char *text, size_t n)
{
	struct conversation *c = data;
	c->events++;
	if (!c->is_over)
		c->to.wire->event(c->wire, name, text, n);
}

static void on_header(void *data, const char *name, const char *value)
{
	struct conversation *c = data;
	c->status = http_status(c->http);
	c->last_byte = clock_monotonic();
	if (c->headers.count >= HEADERS_MAX || strlen(name) + strlen(value) > HEADER_MAX)
		return;
	char *line = xasprintf("%s: %s", name, value);
	strings_add(&c->headers, line);
	free(line);
}

static void on_body(void *data, const char *bytes, size_t n)
{
	struct conversation *c = data;
	int is_first;
	enter(c);
	c->status = http_status(c->http);
	c->last_byte = clock_monotonic();
	is_first = !c->bytes;
	c->bytes += n;
	if (is_first)
		watch_on(c, 0);
	if (c->status != 200) {
		buf_add(&c->error, bytes, c->error.len + n > ERROR_MAX ? ERROR_MAX - c->error.len : n);
		if (c->error.len >= ERROR_MAX)
			end_attempt(c, NULL);
	} else {
		if (c->says_it_waits)
			tell_wait(c, NULL);
		begin_answer(c);
		if (!c->is_over)
			sse_feed(&c->sse, bytes, n, on_event, c);
		if (!c->is_over && c->bytes > c->to.patience->answer_max)
			answer_too_long(c);
		if (c->http && c->has_spoken)	/* the first word at once, then those of a moment together */
			http_rest(c->http, GATHER);
	}
	leave(c);
}

static void on_ended(void *data, const struct http_result *result)
{
	struct conversation *c = data;
	enter(c);
	c->http = NULL;
	if (result->status)
		c->status = result->status;
	end_attempt(c, result->problem);
	leave(c);
}

static void forget_attempt(struct conversation *c)
{
	sse_release(&c->sse);
	strings_release(&c->headers);
	buf_truncate(&c->error, 0);
	c->sse = (struct sse){0};
	c->status = c->has_spoken = 0;
	c->bytes = c->events = 0;
}

static struct http_request *post(struct conversation *c, const char *key, struct err *err)
{
	struct strings headers = {0};
	c->to.wire->headers(key, &headers);
	const char **lines = xcalloc(headers.count + 1, sizeof *lines);
	for (size_t i = 0; i < headers.count; i++)
		lines[i] = headers.at[i];
	struct http_request *r = http_start(c->to.http, &(struct http_plan){
		.method = "POST", .url = c->to.endpoint->url, .headers = lines, .body = buf_str(&c->request), .body_size = c->request.len,
		.connect_timeout = 10LL * SECOND, .header = on_header, .body_came = on_body, .ended = on_ended, .data = c,
	}, err);
	free(lines);
	strings_release(&headers);
	return r;
}

static void send_request(void *data)
{
	struct conversation *c = data;
	struct err err = {0};
	const char *key;
	enter(c);
	c->begin = NULL;
	c->attempt++;
	forget_attempt(c);
	c->last_byte = clock_monotonic();
	if (endpoint_key(c->to.endpoint, &key, &err) || !(c->http = post(c, key, &err)))
		fail(c, err.text);
	else
		watch_on(c, 0);
	leave(c);
}

/* What others see. */

struct conversation *conversation_new(const struct conversation_setup *setup, const struct wire_setup *wire)
{
	struct conversation *c = xcalloc(1, sizeof *c);
	c->to = *setup;
	c->hears = (struct wire_listener){ heard_text, heard_thought, c };
	c->wire = setup->wire->open(wire);
	return c;
}

void conversation_hush(struct conversation *c)
{
	c->is_over = 1;
	drop_attempt(c);
}

void conversation_stop(struct conversation *c)
{
	conversation_hush(c);
	enter(c);
	if (c->has_begun)
		finish_answer(c, "stopped", 1);
	leave(c);
}

void conversation_free(struct conversation *c)
{
	if (!c || c->is_freed)
		return;
	conversation_hush(c);
	c->is_freed = 1;
	if (!c->entered)
		free_now(c);
}

void conversation_say(struct conversation *c, const char *text)
{
	c->to.wire->say(c->wire, text);
}

void conversation_result(struct conversation *c, const char *call, const char *text, int is_error)
{
	c->to.wire->result(c->wire, call, text, is_error);
}

void conversation_ask(struct conversation *c)
{
	buf_truncate(&c->request, 0);
	c->to.wire->request(c->wire, &c->request);
	c->attempt = 0;
	c->begin = loop_after(c->to.loop, 0, send_request, c);
}
