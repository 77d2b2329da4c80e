/* Chat completions, as OpenAI, OpenRouter, vLLM, llama.cpp and Ollama speak them; after openai-python's types, those
 * servers' pages and sources. They agree on the request and differ in what they stream, so that this reader takes whatever
 * can be understood in one way only: calls without index or id, arguments as an object or all at once, several calls under
 * one index, reasoning under two names, errors on top of a chunk, a stream that ends without [DONE].
 *
 * As with the Messages API a request is one run of bytes that only grows. Texts of the user that stand together become one
 * message: the templates of many models want roles to alternate. */
#include "core/agents/chat_calls.h"
#include "core/agents/parts.h"
#include "core/agents/tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOKENS = 16000, REASON_MAX = 600 };

/* OpenRouter's "reasoning_details", which some models want back with their calls: pieces of one text are put together. */
struct details {
	struct buf items;		/* finished, with commas between */
	struct json *last;		/* not finished: its text is kept beside it */
	const char *key;		/* where the text belongs: "text", "summary", "data" */
	struct buf text;
	size_t count;
};

struct wire {
	struct buf head;
	struct talk talk;		/* texts: as they are, not yet JSON */
	/* of the answer that comes in */
	struct wire_listener listener;
	struct chat_calls calls;
	size_t size;
	struct buf text, refusal;
	struct details details;
	struct tokens tokens;
	double usd;
	char *model, *finish, *failure;
	int is_done, is_overloaded;
};

/* --- requests -------------------------------------------------------------------------------------------------------- */

static void put_tools(struct buf *out)
{
	size_t count;
	const struct tool *tools = tools_all(&count);
	buf_puts(out, ",\"tools\":[");
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, i ? ",{\"type\":\"function\",\"function\":{\"name\":" : "{\"type\":\"function\",\"function\":{\"name\":");
		json_quote(out, tools[i].name);
		buf_puts(out, ",\"description\":");
		json_quote(out, tools[i].description);
		buf_puts(out, ",\"parameters\":");
		json_print(tools[i].schema, out);
		buf_puts(out, "}}");
	}
	buf_putc(out, ']');
}

/* Strict is refused for a schema whose objects leave something open. */
static void put_format(struct buf *out, const char *schema)
{
	buf_puts(out, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":");
	buf_puts(out, put_schema(out, schema) ? ",\"strict\":true}}" : "}}");
}

static void put_message(struct buf *out, const char *role, const char *text)
{
	buf_printf(out, "{\"role\":\"%s\",\"content\":", role);
	json_quote(out, text);
	buf_putc(out, '}');
}

static struct wire *chat_open(const struct wire_setup *setup)
{
	struct wire *w = xcalloc(1, sizeof *w);
	w->usd = NAN;
	buf_puts(&w->head, "{\"model\":");
	json_quote(&w->head, setup->config->model ? setup->config->model : "");
	buf_printf(&w->head, ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_completion_tokens\":%ld",
		   setup->tokens > 0 ? setup->tokens : DEFAULT_TOKENS);
	if (setup->config->effort) {
		buf_puts(&w->head, ",\"reasoning_effort\":");
		json_quote(&w->head, setup->config->effort);
	}
	if (setup->schema)
		put_format(&w->head, setup->schema);
	if (setup->with_tools)
		put_tools(&w->head);
	buf_puts(&w->head, ",\"messages\":[");
	if (setup->system && *setup->system)
		put_message(&w->head, "system", setup->system);
	return w;
}

static void chat_headers(const char *key, struct strings *out)
{
	put_key_header(out, "authorization: Bearer ", key);
	strings_add(out, "content-type: application/json");
	strings_add(out, "accept: text/event-stream");
}

static void comma(struct buf *out)
{
	if (out->len)
		buf_putc(out, ',');
}

static void chat_say(struct wire *w, const char *text)
{
	if (w->talk.texts.len)
		buf_puts(&w->talk.texts, "\n\n");
	buf_puts(&w->talk.texts, *text ? text : "(nothing)");
}

static void put_result(struct buf *out, const char *call, const char *text)
{
	buf_puts(out, "{\"role\":\"tool\",\"tool_call_id\":");
	json_quote(out, call);
	buf_puts(out, ",\"content\":");
	json_quote(out, text);
	buf_putc(out, '}');
}

/* There is no member for it: an error says so itself. */
static void chat_result(struct wire *w, const char *call, const char *text, int is_error)
{
	if (!talk_is_open(&w->talk, call))
		return;
	char *says = is_error ? xasprintf("Error: %s", text) : NULL;
	comma(&w->talk.results);
	put_result(&w->talk.results, call, says ? says : text);
	talk_close(&w->talk, call);
	free(says);
}

/* The messages that wait for an answer: results first. */
static void put_waiting(const struct talk *t, struct buf *out)
{
	buf_add(out, buf_str(&t->results), t->results.len);
	for (size_t i = 0; i < t->open.count; i++) {
		comma(out);
		put_result(out, t->open.at[i], not_carried_out);
	}
	if (t->texts.len) {
		comma(out);
		put_message(out, "user", t->texts.data);
	}
}

static void chat_request(const struct wire *w, struct buf *body)
{
	struct buf waiting = {0};
	int has_system = w->head.data[w->head.len - 1] == '}';
	put_waiting(&w->talk, &waiting);
	buf_add(body, w->head.data, w->head.len);
	buf_puts(body, has_system && (w->talk.history.len || waiting.len) ? "," : "");
	buf_add(body, buf_str(&w->talk.history), w->talk.history.len);
	buf_puts(body, w->talk.history.len && waiting.len ? "," : "");
	buf_add(body, buf_str(&waiting), waiting.len);
	buf_puts(body, "]}");
	buf_release(&waiting);
}

/* --- the answer ------------------------------------------------------------------------------------------------------ */

static void forget_answer(struct wire *w)
{
	chat_calls_forget(&w->calls);
	w->size = 0;
	buf_release(&w->text);
	buf_release(&w->refusal);
	buf_release(&w->details.items);
	buf_release(&w->details.text);
	json_free(w->details.last);
	w->details = (struct details){0};
	string_set(&w->model, NULL);
	string_set(&w->finish, NULL);
	string_set(&w->failure, NULL);
	w->tokens = (struct tokens){0};
	w->usd = NAN;
	w->is_done = w->is_overloaded = 0;
}

static void chat_begin(struct wire *w, const struct wire_listener *listener)
{
	forget_answer(w);
	w->listener = listener ? *listener : (struct wire_listener){0};
}

static void fail(struct wire *w, const char *why)
{
	if (!w->failure)
		w->failure = xstrdup(why);
}

static void hear_text(struct wire *w, const char *text)
{
	size_t n = strlen(text);
	buf_add(&w->text, text, n);
	if (n && w->listener.text)
		w->listener.text(w->listener.data, text, n);
}

/* A string, or a list of parts with text in them. */
static void hear_content(struct wire *w, const struct json *content)
{
	hear_text(w, json_string(content, ""));
	if (json_is_array(content))
		for (const struct json *i = json_first(content); i; i = json_next(i))
			hear_text(w, json_string(json_get(i, "text"), ""));
}

static void hear_thought(struct wire *w, const struct json *delta)
{
	const char *text = json_string(json_get(delta, "reasoning_content"), json_string(json_get(delta, "reasoning"), ""));
	if (*text && w->listener.thought)
		w->listener.thought(w->listener.data, text, strlen(text));
}

static void end_detail(struct details *d)
{
	if (!d->last)
		return;
	if (d->key)
		json_put_string(d->last, d->key, buf_str(&d->text));
	comma(&d->items);
	json_print(d->last, &d->items);
	json_free(d->last);
	d->last = NULL;
	buf_truncate(&d->text, 0);
}

/* {"type":"reasoning.text","text":…}, {"type":"reasoning.summary","summary":…}, {"type":"reasoning.encrypted","data":…}. */
static const char *key_of(const struct json *detail)
{
	static const char *const keys[] = { "text", "summary", "data" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (json_string(json_get(detail, keys[i]), NULL))
			return keys[i];
	return NULL;
}

static int goes_on(const struct details *d, const struct json *detail)
{
	const char *type = json_string(json_get(detail, "type"), ""), *before = json_string(json_get(d->last, "type"), "");
	return d->last && !strcmp(type, before) && strcmp(type, "reasoning.encrypted") &&
	       json_integer(json_get(detail, "index"), 0) == json_integer(json_get(d->last, "index"), 0);
}

static void hear_detail(struct wire *w, const struct json *detail)
{
	struct details *d = &w->details;
	const char *key = key_of(detail);
	if (!json_is_object(detail) || d->count == ANSWER_PARTS_MAX)
		return;
	if (goes_on(d, detail)) {
		for (const struct json *i = json_first(detail); i; i = json_next(i))
			if (!json_is_null(i) && (!key || strcmp(json_key(i), key)))
				json_take(d->last, json_key(i), json_copy(i));
	} else {
		end_detail(d);
		d->last = json_copy(detail);
		d->key = NULL;
		d->count++;
	}
	if (key) {
		d->key = key;
		buf_puts(&d->text, json_string(json_get(detail, key), ""));
	}
}

static void hear_call(struct wire *w, const struct json *piece, int is_altered)
{
	if (chat_calls_hear(&w->calls, piece, is_altered))
		fail(w, "the answer holds more calls than any should");
}

/* The call of before there were several: {"function_call":{"name":…,"arguments":…}}. */
static void hear_old_call(struct wire *w, const struct json *function, int is_altered)
{
	struct json *piece = json_object();
	json_put_integer(piece, "index", 0);
	json_take(piece, "function", json_copy(function));
	hear_call(w, piece, is_altered);
	json_free(piece);
}

static void hear_choice(struct wire *w, const struct json *choice, int is_altered)
{
	const struct json *delta = json_get(choice, "delta"), *calls;
	const char *finish = json_string(json_get(choice, "finish_reason"), NULL);
	if (!json_is_object(delta))
		delta = json_get(choice, "message");
	hear_thought(w, delta);
	for (const struct json *i = json_first(json_get(delta, "reasoning_details")); i; i = json_next(i))
		hear_detail(w, i);
	hear_content(w, json_get(delta, "content"));
	buf_puts(&w->refusal, json_string(json_get(delta, "refusal"), ""));
	calls = json_get(delta, "tool_calls");
	if (json_is_array(calls))
		for (const struct json *i = json_first(calls); i; i = json_next(i))
			hear_call(w, i, is_altered);
	if (json_is_object(json_get(delta, "function_call")))
		hear_old_call(w, json_get(delta, "function_call"), is_altered);
	if (finish && *finish)
		string_set(&w->finish, finish);
}

/* prompt_tokens holds those of the cache, unlike the Messages API. Some servers count on in each chunk: the last counts. */
static void hear_usage(struct wire *w, const struct json *usage)
{
	const struct json *details = json_get(usage, "prompt_tokens_details");
	struct tokens *t = &w->tokens;
	if (!json_is_object(usage))
		return;
	int64_t prompt = count_of(usage, "prompt_tokens", t->in + t->read + t->written);
	int64_t read = count_of(details, "cached_tokens", count_of(usage, "prompt_cache_hit_tokens", 0));	/* the latter: DeepSeek */
	int64_t written = count_of(details, "cache_write_tokens", 0);
	read = read < prompt ? read : prompt;
	written = written < prompt - read ? written : prompt - read;
	*t = (struct tokens){ .in = prompt - read - written, .read = read, .written = written, .out = count_of(usage, "completion_tokens", t->out) };
	double usd = json_number(json_get(usage, "cost"), NAN);
	if (usd >= 0)
		w->usd = usd;
}

static int is_passing(const char *type, int64_t code)
{
	return code == 429 || code == 502 || code == 503 || code == 529 || strstr(type, "overloaded") || strstr(type, "rate_limit") ||
	       strstr(type, "unavailable");
}

/* {"error":{"message":…,"code":…}}, {"error":"…"}, or the inner object by itself in an event named error. */
static void hear_error(struct wire *w, const struct json *v)
{
	const struct json *error = json_get(v, "error") ? json_get(v, "error") : v;
	const char *type = json_string(json_get(error, "type"), json_string(json_get(error, "code"), ""));
	const char *message = json_string(json_get(error, "message"), json_string(error, ""));
	int64_t code = json_integer(json_get(error, "code"), 0);
	char *says = code ? xasprintf("the server broke off its answer: %s (%lld)", *message ? message : type, (long long)code)
			  : xasprintf("the server broke off its answer: %s", *message ? message : *type ? type : "it does not say why");
	char *safe = safe_words(says, REASON_MAX);
	w->is_overloaded = is_passing(type, code);
	fail(w, safe);
	free(safe);
	free(says);
}

static void hear(struct wire *w, const char *name, const struct heard *h)
{
	const struct json *error = json_get(h->v, "error"), *choices = json_get(h->v, "choices");
	const char *model = json_string(json_get(h->v, "model"), NULL);
	if (model && *model && !w->model)
		w->model = safe_words(model, 200);
	hear_usage(w, json_get(h->v, "usage"));
	if ((error && !json_is_null(error)) || !strcmp(name, "error")) {
		hear_error(w, h->v);
		return;
	}
	if (json_is_array(choices))
		for (const struct json *i = json_first(choices); i; i = json_next(i))
			if (!json_integer(json_get(i, "index"), 0))
				hear_choice(w, i, h->is_altered);
}

static int is_done(const char *data, size_t n)
{
	while (n && strchr(" \t", data[n - 1]))
		n--;
	return n == 6 && !memcmp(data, "[DONE]", 6);
}

static void chat_event(struct wire *w, const char *name, const char *data, size_t n)
{
	struct heard h;
	if (w->failure || w->is_done)
		return;
	if (!data || n > ANSWER_SIZE_MAX - w->size) {
		fail(w, "the answer is larger than any of this API should be");
		return;
	}
	w->size += n;
	if (is_done(data, n)) {
		w->is_done = 1;
	} else if (!heard_read(&h, data, n)) {
		hear(w, name, &h);
		heard_release(&h);
	} else if (!strcmp(name, "error")) {
		char *words = xstrndup(data, n), *says = safe_words(words, REASON_MAX);
		fail(w, *says ? says : "the server broke off its answer");
		free(says);
		free(words);
	} else if (n) {
		fail(w, "what came is not a stream of chat completions: an event holds no JSON object");
	}
}

/* --- its end --------------------------------------------------------------------------------------------------------- */

static void move_to_history(struct wire *w, const struct buf *calls)
{
	struct talk *t = &w->talk;
	if (!w->text.len && !calls->len)	/* an answer of nothing: what is said next joins what was said */
		return;
	if (talk_waits(t)) {
		struct buf waiting = {0};
		put_waiting(t, &waiting);
		talk_mark(t);
		comma(&t->history);
		buf_add(&t->history, waiting.data, waiting.len);
		buf_release(&waiting);
		talk_moved(t);
	}
	comma(&t->history);
	buf_puts(&t->history, "{\"role\":\"assistant\",\"content\":");
	if (w->text.len)
		json_quote(&t->history, w->text.data);
	else
		buf_puts(&t->history, "null");
	if (calls->len)
		buf_printf(&t->history, ",\"tool_calls\":[%s]", calls->data);
	end_detail(&w->details);
	if (w->details.items.len)
		buf_printf(&t->history, ",\"reasoning_details\":[%s]", w->details.items.data);
	buf_putc(&t->history, '}');
}

static void keep_answer(struct wire *w, struct wire_answer *out)
{
	struct buf calls = {0};
	int is_cut = w->finish && !strcmp(w->finish, "length");
	chat_calls_gather(&w->calls, is_cut, out, &calls);
	out->stop = is_cut ? STOP_MAX_TOKENS : out->call_count ? STOP_CALLS : STOP_END;
	move_to_history(w, &calls);
	for (size_t i = 0; i < out->call_count; i++)
		strings_add(&w->talk.open, out->calls[i].id);
	out->text = buf_take(&w->text);
	buf_release(&calls);
}

static void refuse(struct wire *w, struct wire_answer *out)
{
	char *says = w->refusal.len ? xasprintf("the model refused: %s", w->refusal.data)
				    : xstrdup("the model refused (content_filter): what was asked, or its answer, was filtered out");
	out->stop = STOP_REFUSED;
	out->reason = safe_words(says, REASON_MAX);
	free(says);
	talk_refused(&w->talk);
}

static void chat_finish(struct wire *w, int is_whole, struct wire_answer *out)
{
	*out = (struct wire_answer){ .tokens = w->tokens, .usd = w->usd, .model = w->model };
	w->model = NULL;
	if (w->finish && !strcmp(w->finish, "error"))
		fail(w, "the server broke off its answer and does not say why");
	if (!w->finish && !w->is_done)
		fail(w, is_whole ? "the stream ended before the answer did" : "the connection was lost in the middle of the answer");
	if (w->failure) {
		out->stop = STOP_CUT;
		out->is_overloaded = w->is_overloaded;
		out->reason = w->failure;
		w->failure = NULL;
	} else if (w->refusal.len || (w->finish && !strcmp(w->finish, "content_filter"))) {
		refuse(w, out);
	} else {
		keep_answer(w, out);
	}
	if (!out->text)
		out->text = xstrdup("");
	forget_answer(w);
}

static void chat_close(struct wire *w)
{
	if (!w)
		return;
	forget_answer(w);
	talk_release(&w->talk);
	buf_release(&w->head);
	free(w);
}

const struct wire_ops chat_wire = {
	.kind = "chat", .path = "/chat/completions",
	.open = chat_open, .close = chat_close, .headers = chat_headers, .say = chat_say, .result = chat_result, .request = chat_request,
	.begin = chat_begin, .event = chat_event, .finish = chat_finish, .explain = explain_status,
};
