/* Anthropic's Messages API: requests, and the stream that answers them. After the vendor's pages on streaming, tool use,
 * prompt caching and errors, version 2026-10-21; only what 2023-06-01 takes too is sent, and no sampling parameters.
 *
 * A request is one run of bytes: a head that open() writes once (model, system, tools), the messages so far, each written
 * once and never again, and what is told now. So its beginning is the same from request to request, which is what the
 * cache of the other side is asked by; and a long conversation costs a copy. Two breakpoints: an hour's at the end of the
 * system text (it covers the tools, which stand before it there), and one of five minutes that moves with the last block
 * of the user's. The other side looks back 20 blocks from a breakpoint only: behind an answer of many calls the former
 * place is marked once more.
 *
 * What the model said goes back as it came: of each block the bytes are kept, and only what deltas made of them is put in,
 * so that signed thinking and blocks that nobody here knows stay what they were. */
#include "core/agents/block.h"
#include "core/agents/parts.h"
#include "core/agents/tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKBACK = 18, INDEX_MAX = 1 << 20, DEFAULT_TOKENS = 16000, REASON_MAX = 600 };

struct wire {
	struct buf head;
	struct talk talk;
	/* of the answer that comes in */
	struct wire_listener listener;
	struct block *blocks;
	size_t block_count, block_room, size;
	struct tokens tokens;
	int64_t written_hour;
	double usd;
	char *model, *stop, *refusal;
	char *failure;				/* a sentence: nothing of it counts */
	int is_complete, is_overloaded;
};

/* --- requests -------------------------------------------------------------------------------------------------------- */

static void put_text_block(struct buf *out, const char *text)
{
	int is_blank = !text[strspn(text, " \t\r\n")];		/* which the API refuses */
	buf_puts(out, "{\"type\":\"text\",\"text\":");
	json_quote(out, is_blank ? "(nothing)" : text);
	buf_putc(out, '}');
}

static void put_system(struct buf *out, const char *system)
{
	if (!system || !system[strspn(system, " \t\r\n")])
		return;
	buf_puts(out, ",\"system\":[");
	put_text_block(out, system);
	buf_truncate(out, out->len - 1);
	buf_puts(out, ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]");
}

static void put_tools(struct buf *out)
{
	size_t count;
	const struct tool *tools = tools_all(&count);
	buf_puts(out, ",\"tools\":[");
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
		json_quote(out, tools[i].name);
		buf_puts(out, ",\"description\":");
		json_quote(out, tools[i].description);
		buf_puts(out, ",\"input_schema\":");
		json_print(tools[i].schema, out);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

/* Models of before adaptive thinking refuse it. */
static int can_think(const char *model)
{
	static const char *const older[] = { "claude-2", "claude-3", "claude-haiku-4", "claude-sonnet-4-2", "claude-sonnet-4-5", "claude-opus-4-1",
					     "claude-opus-4-2", "claude-opus-4-5" };
	for (size_t i = 0; i < sizeof older / sizeof *older; i++)
		if (!strncmp(model, older[i], strlen(older[i])))
			return 0;
	return 1;
}

static void put_output_config(struct buf *out, const char *effort, const char *schema)
{
	if (!effort && !schema)
		return;
	buf_puts(out, ",\"output_config\":{");
	if (effort) {
		buf_puts(out, "\"effort\":");
		json_quote(out, effort);
	}
	if (schema) {
		buf_puts(out, effort ? ",\"format\":" : "\"format\":");
		buf_puts(out, "{\"type\":\"json_schema\",\"schema\":");
		put_schema(out, schema);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

static struct wire *api_open(const struct wire_setup *setup)
{
	struct wire *w = xcalloc(1, sizeof *w);
	const char *model = setup->config->model ? setup->config->model : "";
	buf_puts(&w->head, "{\"model\":");
	json_quote(&w->head, model);
	buf_printf(&w->head, ",\"max_tokens\":%ld,\"stream\":true", setup->tokens > 0 ? setup->tokens : DEFAULT_TOKENS);
	if (can_think(model))
		buf_puts(&w->head, ",\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}");
	put_output_config(&w->head, setup->config->effort, setup->schema);
	if (setup->with_tools)
		put_tools(&w->head);
	put_system(&w->head, setup->system);
	buf_puts(&w->head, ",\"messages\":[");
	return w;
}

static void api_headers(const char *key, struct strings *out)
{
	put_key_header(out, "x-api-key: ", key);
	strings_add(out, "anthropic-version: 2026-10-21");
	strings_add(out, "content-type: application/json");
	strings_add(out, "accept: text/event-stream");
}

static void comma(struct buf *out)
{
	if (out->len)
		buf_putc(out, ',');
}

static void api_say(struct wire *w, const char *text)
{
	comma(&w->talk.texts);
	put_text_block(&w->talk.texts, text);
	w->talk.blocks++;
}

static void put_result(struct buf *out, const char *call, const char *text, int is_error)
{
	buf_puts(out, "{\"type\":\"tool_result\",\"tool_use_id\":");
	json_quote(out, call);
	buf_puts(out, is_error ? ",\"is_error\":true,\"content\":[" : ",\"content\":[");
	put_text_block(out, text);
	buf_puts(out, "]}");
}

static void api_result(struct wire *w, const char *call, const char *text, int is_error)
{
	if (!talk_is_open(&w->talk, call))
		return;
	comma(&w->talk.results);
	put_result(&w->talk.results, call, text, is_error);
	talk_close(&w->talk, call);
	w->talk.blocks++;
}

/* The message that waits for an answer, results first. The place of its last block's closing brace in out is returned. */
static size_t put_waiting(const struct talk *t, struct buf *out)
{
	buf_puts(out, "{\"role\":\"user\",\"content\":[");
	size_t from = out->len;
	buf_add(out, buf_str(&t->results), t->results.len);
	for (size_t i = 0; i < t->open.count; i++) {
		buf_puts(out, out->len > from ? "," : "");
		put_result(out, t->open.at[i], not_carried_out, 1);
	}
	buf_puts(out, t->texts.len && out->len > from ? "," : "");
	buf_add(out, buf_str(&t->texts), t->texts.len);
	size_t end = out->len - 1;
	buf_puts(out, "]}");
	return end;
}

static void put_breakpoint(struct buf *out, const char *from, size_t to, size_t len)
{
	buf_add(out, from, to);
	buf_puts(out, ",\"cache_control\":{\"type\":\"ephemeral\"}");
	buf_add(out, from + to, len - to);
}

static void api_request(const struct wire *w, struct buf *body)
{
	const struct talk *t = &w->talk;
	buf_add(body, w->head.data, w->head.len);
	if (t->user_end && (!talk_waits(t) || t->blocks + t->open.count > LOOKBACK))
		put_breakpoint(body, t->history.data, t->user_end, t->history.len);
	else
		buf_add(body, buf_str(&t->history), t->history.len);
	if (talk_waits(t)) {
		struct buf waiting = {0};
		size_t end = put_waiting(t, &waiting);
		buf_puts(body, t->history.len ? "," : "");
		put_breakpoint(body, waiting.data, end, waiting.len);
		buf_release(&waiting);
	}
	buf_puts(body, "]}");
}

/* --- the answer ------------------------------------------------------------------------------------------------------ */

static void forget_answer(struct wire *w)
{
	for (size_t i = 0; i < w->block_count; i++)
		block_release(&w->blocks[i]);
	free(w->blocks);
	w->blocks = NULL;
	w->block_count = w->block_room = w->size = 0;
	string_set(&w->model, NULL);
	string_set(&w->stop, NULL);
	string_set(&w->refusal, NULL);
	string_set(&w->failure, NULL);
	w->is_complete = w->is_overloaded = 0;
	w->tokens = (struct tokens){0};
	w->written_hour = 0;
	w->usd = NAN;
}

static void api_begin(struct wire *w, const struct wire_listener *listener)
{
	forget_answer(w);
	w->listener = listener ? *listener : (struct wire_listener){0};
}

static void fail(struct wire *w, const char *why)
{
	if (!w->failure)
		w->failure = xstrdup(why);
}

static void hear_text(struct wire *w, struct block *b, const char *text)
{
	size_t n = strlen(text);
	if (!n)
		return;
	buf_add(&b->text, text, n);
	if (b->is_thinking && w->listener.thought)
		w->listener.thought(w->listener.data, text, n);
	if (b->is_text && w->listener.text)
		w->listener.text(w->listener.data, text, n);
}

/* Cumulative: a number that is there takes the place of the one before. */
static void hear_usage(struct wire *w, const struct json *usage)
{
	const struct json *kinds = json_get(usage, "cache_creation");
	struct tokens *t = &w->tokens;
	int64_t hour = count_of(kinds, "ephemeral_1h_input_tokens", w->written_hour);
	int64_t minutes = count_of(kinds, "ephemeral_5m_input_tokens", 0);
	t->in = count_of(usage, "input_tokens", t->in);
	t->out = count_of(usage, "output_tokens", t->out);
	t->read = count_of(usage, "cache_read_input_tokens", t->read);
	t->written = count_of(usage, "cache_creation_input_tokens", kinds ? hour + minutes : t->written);
	w->written_hour = hour < t->written ? hour : t->written;
	double usd = json_number(json_get(usage, "cost"), NAN);		/* OpenRouter's */
	if (usd >= 0)
		w->usd = usd;
}

static void hear_message(struct wire *w, const struct json *message)
{
	const char *model = json_string(json_get(message, "model"), NULL);
	if (model && !w->model)
		w->model = safe_words(model, 200);
	hear_usage(w, json_get(message, "usage"));
}

static struct block *block_of(struct wire *w, long index)
{
	for (size_t i = w->block_count; i--;)
		if (w->blocks[i].index == index)
			return &w->blocks[i];
	return NULL;
}

static void hear_block(struct wire *w, long index, const struct heard *h)
{
	const struct json *start = json_get(h->v, "content_block");
	const char *type = json_string(json_get(start, "type"), NULL);
	int is_call = type && !strcmp(type, "tool_use");
	const struct block *same = block_of(w, index);		/* some proxies count each block as 0 */
	if (!type || index < 0 || index > INDEX_MAX || (same && !same->is_closed) || w->block_count == ANSWER_PARTS_MAX ||
	    (is_call && !*json_string(json_get(start, "id"), ""))) {
		fail(w, "a part of the answer begins in a way that the Messages API does not have");
		return;
	}
	struct block *b = array_add(&w->blocks, &w->block_count, &w->block_room, sizeof *b);
	struct span bytes = span_get(h->text, "content_block");
	*b = (struct block){ .index = index, .is_call = is_call, .is_text = !strcmp(type, "text"), .is_thinking = !strcmp(type, "thinking"),
			     .is_altered = h->is_altered };
	buf_add(&b->start, bytes.at, bytes.len);
	buf_puts(&b->signature, json_string(json_get(start, "signature"), ""));
	hear_text(w, b, json_string(json_get(start, b->is_thinking ? "thinking" : b->is_text ? "text" : ""), ""));
}

static void hear_delta(struct wire *w, struct block *b, const struct heard *h)
{
	const struct json *delta = json_get(h->v, "delta");
	const char *type = json_string(json_get(delta, "type"), "");
	b->is_altered |= h->is_altered;
	if (!strcmp(type, "text_delta"))
		hear_text(w, b, json_string(json_get(delta, "text"), ""));
	else if (!strcmp(type, "thinking_delta"))
		hear_text(w, b, json_string(json_get(delta, "thinking"), ""));
	else if (!strcmp(type, "signature_delta"))
		buf_puts(&b->signature, json_string(json_get(delta, "signature"), ""));
	else if (!strcmp(type, "input_json_delta"))
		buf_puts(&b->input, json_string(json_get(delta, "partial_json"), ""));
	else if (!strcmp(type, "citations_delta") && json_is_object(json_get(delta, "citation"))) {
		struct span citation = span_get(span_get(h->text, "delta"), "citation");
		comma(&b->citations);
		buf_add(&b->citations, citation.at, citation.len);
	}
}

static void hear_end(struct wire *w, const struct json *v)
{
	const struct json *delta = json_get(v, "delta"), *details = json_get(delta, "stop_details");
	const char *stop = json_string(json_get(delta, "stop_reason"), NULL);
	const char *category = json_string(json_get(details, "category"), NULL), *why = json_string(json_get(details, "explanation"), NULL);
	hear_usage(w, json_get(v, "usage"));
	if (!stop)
		return;
	string_set(&w->stop, stop);
	free(w->refusal);
	char *says = xasprintf("the model refused%s%s%s%s%s", category ? " (" : "", category ? category : "", category ? ")" : "",
			       why && *why ? ": " : "", why ? why : "");
	w->refusal = safe_words(says, REASON_MAX);
	free(says);
}

static void hear_error(struct wire *w, const struct json *v)
{
	const struct json *error = json_get(v, "error") ? json_get(v, "error") : v;
	const char *type = json_string(json_get(error, "type"), ""), *message = json_string(json_get(error, "message"), json_string(error, ""));
	char *says = xasprintf("the API broke off its answer: %s%s%s", type, *type && *message ? ": " : "", message);
	w->is_overloaded = !strcmp(type, "overloaded_error") || !strcmp(type, "rate_limit_error");
	char *safe = safe_words(says, REASON_MAX);
	fail(w, safe);
	free(safe);
	free(says);
}

static void hear(struct wire *w, const char *type, const struct heard *h)
{
	long index = (long)json_integer(json_get(h->v, "index"), -1);
	struct block *b;
	if (!strcmp(type, "content_block_delta")) {
		if ((b = block_of(w, index)))
			hear_delta(w, b, h);
		else
			fail(w, "the answer goes on with a part that did not begin");
	} else if (!strcmp(type, "content_block_stop")) {
		if ((b = block_of(w, index)))
			b->is_closed = 1;
	} else if (!strcmp(type, "content_block_start")) {
		hear_block(w, index, h);
	} else if (!strcmp(type, "message_start")) {
		hear_message(w, json_get(h->v, "message"));
	} else if (!strcmp(type, "message_delta")) {
		hear_end(w, h->v);
	} else if (!strcmp(type, "message_stop")) {
		w->is_complete = 1;
	} else if (!strcmp(type, "error")) {
		hear_error(w, h->v);
	}
}

static void api_event(struct wire *w, const char *name, const char *data, size_t n)
{
	struct heard h;
	if (w->failure || w->is_complete)
		return;
	if (!data || n > ANSWER_SIZE_MAX - w->size) {
		fail(w, "the answer is larger than any of this API should be");
		return;
	}
	w->size += n;
	if (!heard_read(&h, data, n)) {
		hear(w, json_string(json_get(h.v, "type"), name), &h);
		heard_release(&h);
	} else if (n) {
		fail(w, "what came is not a stream of the Messages API: an event holds no JSON object");
	}
}

/* --- its end --------------------------------------------------------------------------------------------------------- */

static enum wire_stop stop_of(const struct wire *w, const struct wire_answer *a)
{
	const char *stop = w->stop ? w->stop : "";
	if (!strcmp(stop, "max_tokens"))
		return STOP_MAX_TOKENS;
	if (!strcmp(stop, "model_context_window_exceeded"))
		return STOP_CONTEXT;
	if (a->call_count)	/* whatever the reason: each wants its result */
		return STOP_CALLS;
	return strcmp(stop, "pause_turn") ? STOP_END : STOP_PAUSED;
}

static void move_to_history(struct wire *w, const struct buf *message)
{
	struct talk *t = &w->talk;
	if (!message->len)	/* an answer of nothing: what is said next joins what was said */
		return;
	if (talk_waits(t)) {
		struct buf waiting = {0};
		size_t end = put_waiting(t, &waiting);
		talk_mark(t);
		comma(&t->history);
		t->user_end = t->history.len + end;
		buf_add(&t->history, waiting.data, waiting.len);
		buf_release(&waiting);
		talk_moved(t);
	}
	comma(&t->history);
	buf_puts(&t->history, "{\"role\":\"assistant\",\"content\":[");
	buf_add(&t->history, message->data, message->len);
	buf_puts(&t->history, "]}");
	t->blocks += w->block_count;
}

static void keep_answer(struct wire *w, struct wire_answer *out)
{
	struct buf message = {0};
	const char *stop = w->stop ? w->stop : "";
	int is_cut = !strcmp(stop, "max_tokens") || !strcmp(stop, "model_context_window_exceeded");
	blocks_gather(w->blocks, w->block_count, is_cut, out, &message);
	out->stop = stop_of(w, out);
	move_to_history(w, &message);
	for (size_t i = 0; i < out->call_count; i++)
		strings_add(&w->talk.open, out->calls[i].id);
	buf_release(&message);
}

static void api_finish(struct wire *w, int is_whole, struct wire_answer *out)
{
	*out = (struct wire_answer){ .tokens = w->tokens, .written_hour = w->written_hour, .usd = w->usd, .model = w->model };
	w->model = NULL;
	if (!w->is_complete)
		fail(w, is_whole ? "the stream ended before the answer did" : "the connection was lost in the middle of the answer");
	if (w->failure) {
		out->stop = STOP_CUT;
		out->is_overloaded = w->is_overloaded;
		out->reason = w->failure;
		w->failure = NULL;
	} else if (w->stop && !strcmp(w->stop, "refusal")) {
		out->stop = STOP_REFUSED;
		out->reason = w->refusal;
		w->refusal = NULL;
		talk_refused(&w->talk);
	} else {
		keep_answer(w, out);
	}
	if (!out->text)
		out->text = xstrdup("");
	forget_answer(w);
}

static void api_close(struct wire *w)
{
	if (!w)
		return;
	forget_answer(w);
	talk_release(&w->talk);
	buf_release(&w->head);
	free(w);
}

const struct wire_ops api_wire = {
	.kind = "api", .path = "/v1/messages", .url = "https://api.anthropic.com", .keyenv = "ANTHROPIC_API_KEY", .needs_key = 1,
	.open = api_open, .close = api_close, .headers = api_headers, .say = api_say, .result = api_result, .request = api_request,
	.begin = api_begin, .event = api_event, .finish = api_finish, .explain = explain_status,
};
