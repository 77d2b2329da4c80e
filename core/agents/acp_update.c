/* What the child tells while it works, made lines of the transcript, and what it costs. All of it is its own word: the
 * transcript is no proof of what was done, and what it proposes comes through the tools.
 *
 * A cost is told as the sum of a process so far, and only by some: the difference to the last is spent at once. Who tells
 * none is priced by the tokens that its answer to the prompt names, by model, since that counts calls in the background
 * too. */
#include "core/agents/acp.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"

enum {
	SAID_MAX = 8 << 20, TITLE_MAX = 300, RESULT_MAX = 8 << 10, LAST_WORDS_MAX = 4 << 10,	/* bytes; of a turn, of one */
	TOOLS_MAX = 256, CHARGES_MAX = 200, UNKNOWN_MAX = 16, MODELS_MAX = 32, ENTRIES_MAX = 100,
};
static const double usd_max = 1e6;	/* what a child may say that it cost: more is no figure */
static const double usd_small = 0.01;	/* from the CHARGES_MAX-th charge of a turn on, what is less waits for the next */

/* --- the transcript ----------------------------------------------------------------------------------------------- */

static void say_bytes(struct agent *a, enum said what, const char *bytes, size_t n)
{
	if (!a->has_turn || !n || a->said > SAID_MAX)
		return;
	a->said += n;
	if (a->said > SAID_MAX) {
		static const char note[] = "(it says more than is kept)\n";
		a->listener->said(a->data, SAID_NOTE, note, sizeof note - 1);
		return;
	}
	a->listener->said(a->data, what, bytes, n);
}

void acp_say(struct agent *a, enum said what, const char *bytes, size_t n)
{
	char *text = acp_clean(a, bytes, n, TEXT_NEWLINES | TEXT_TABS | TEXT_STRIP_SGR);
	say_bytes(a, what, text, strlen(text));
	free(text);
}

void acp_say_line(struct agent *a, enum said what, const char *format, ...)
{
	va_list arguments;
	char *line = NULL;
	va_start(arguments, format);
	int n = vasprintf(&line, format, arguments);
	va_end(arguments);
	xcheck(n < 0 ? NULL : line);
	char *text = acp_clean(a, line, (size_t)n, TEXT_LINE | TEXT_TABS), *with_end = xasprintf("%s\n", text);
	say_bytes(a, what, with_end, strlen(with_end));
	free(line);
	free(text);
	free(with_end);
}

/* A change of kind is a new paragraph; so is a text behind which lines follow. */
static void say_text(struct agent *a, enum said what, const struct json *update)
{
	const struct json *content = json_get(update, "content");
	const char *text = json_string(json_get(content, "text"), NULL), *type = json_string(json_get(content, "type"), "?");
	if (!text) {
		acp_say_line(a, SAID_NOTE, "(%.40s)", type);
		return;
	}
	acp_say(a, what, text, strlen(text));
	if (what != SAID_TEXT)
		return;
	buf_puts(&a->last_words, text);
	if (a->last_words.len > LAST_WORDS_MAX)
		buf_consume(&a->last_words, a->last_words.len - LAST_WORDS_MAX);
}

/* --- tools of its own --------------------------------------------------------------------------------------------- */

static void release_tool(struct acp_tool *t)
{
	free(t->id);
	free(t->title);
	free(t->status);
}

void acp_forget_tools(struct agent *a)
{
	for (size_t i = 0; i < a->tool_count; i++)
		release_tool(&a->tools[i]);
	free(a->tools);
	a->tools = NULL;
	a->tool_count = a->tool_room = 0;
}

static struct acp_tool *find_tool(struct agent *a, const char *id)
{
	for (size_t i = a->tool_count; i-- > 0; )
		if (!strcmp(a->tools[i].id, id))
			return &a->tools[i];
	if (a->tool_count == TOOLS_MAX) {
		release_tool(&a->tools[0]);
		array_remove(&a->tools, &a->tool_count, 0, sizeof *a->tools);
	}
	struct acp_tool *tool = array_add(&a->tools, &a->tool_count, &a->tool_room, sizeof *tool);
	*tool = (struct acp_tool){ .id = xstrdup(id), .title = xstrdup("a tool"), .status = xstrdup("pending") };
	a->calls++;
	buf_truncate(&a->last_words, 0);
	return tool;
}

static int differs(char **field, const struct json *value)
{
	const char *text = json_string(value, NULL);
	if (!text || !strcmp(text, *field))
		return 0;
	free(*field);
	*field = xstrndup(text, TITLE_MAX);
	return 1;
}

static void add_lines(struct buf *out, const char *mark, const char *text, const char *end)
{
	while (text < end && out->len < RESULT_MAX) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
		size_t room = RESULT_MAX - out->len, n = (size_t)(stop - text);
		buf_puts(out, mark);
		buf_add(out, text, n < room ? n : room);
		buf_putc(out, '\n');
		text = newline ? newline + 1 : end;
	}
	if (text < end)
		buf_puts(out, "…\n");
}

/* What changed between two texts: whole lines, without those that are the same at both ends. */
static void add_diff(struct buf *out, const char *path, const char *old, const char *new)
{
	const char *old_end = old + strlen(old), *new_end = new + strlen(new), *o = old, *n = new;
	for (const char *p = old, *q = new; *p && *p == *q; p++, q++)
		if (*p == '\n') {
			o = p + 1;
			n = q + 1;
		}
	for (const char *p = old_end, *q = new_end; p > o && q > n && p[-1] == q[-1]; p--, q--)
		if (p == old_end || p[-1] == '\n') {
			old_end = p;
			new_end = q;
		}
	buf_printf(out, "%s\n", path);
	add_lines(out, "-", o, old_end);
	add_lines(out, "+", n, new_end);
}

static void add_content(const struct json *content, struct buf *diffs, struct buf *results)
{
	for (const struct json *i = json_first(content); i && diffs->len + results->len < RESULT_MAX; i = json_next(i)) {
		const char *type = json_string(json_get(i, "type"), ""), *text = json_string(json_get(json_get(i, "content"), "text"), NULL);
		if (!strcmp(type, "diff"))
			add_diff(diffs, json_string(json_get(i, "path"), "?"), json_string(json_get(i, "oldText"), ""),
			         json_string(json_get(i, "newText"), ""));
		else if (!strcmp(type, "content") && text)
			add_lines(results, "", text, text + strlen(text));
	}
}

static void say_content(struct agent *a, struct acp_tool *tool, const struct json *update)
{
	struct buf diffs = {0}, results = {0};
	const char *raw = json_string(json_get(update, "rawOutput"), NULL);
	add_content(json_get(update, "content"), &diffs, &results);
	if (raw && !results.len)
		add_lines(&results, "", raw, raw + strlen(raw));
	uint64_t now = hash_bytes(buf_str(&diffs), diffs.len) ^ hash_bytes(buf_str(&results), results.len) * 31;
	if (now != tool->shown) {	/* what stands in one update often comes again with the next */
		acp_say(a, SAID_NOTE, buf_str(&diffs), diffs.len);
		acp_say(a, SAID_RESULT, buf_str(&results), results.len);
	}
	tool->shown = diffs.len || results.len ? now : tool->shown;
	buf_release(&diffs);
	buf_release(&results);
}

static void on_tool(struct agent *a, const struct json *update)
{
	const char *id = json_string(json_get(update, "toolCallId"), "?");
	if (!a->has_turn)
		return;
	unsigned before = a->calls;
	struct acp_tool *tool = find_tool(a, id);
	int is_new = a->calls != before, changed = differs(&tool->title, json_get(update, "title"));
	changed |= differs(&tool->status, json_get(update, "status"));
	if (is_new || changed)
		acp_say_line(a, SAID_TOOL, "%s: %s", tool->title, tool->status);
	say_content(a, tool, update);
	if (is_new && a->plan.limits.calls > 0 && a->calls > (unsigned long)a->plan.limits.calls) {
		char *why = xasprintf("it used more than %ld tools in this turn (calls under [agent \"%s\"])", a->plan.limits.calls,
		                      a->config->name);
		acp_stop(a, "limit", why);
		free(why);
	}
}

static void on_plan(struct agent *a, const struct json *update)
{
	struct buf text = {0};
	int count = 0;
	buf_puts(&text, "plan\n");
	for (const struct json *i = json_first(json_get(update, "entries")); i && count < ENTRIES_MAX; i = json_next(i), count++) {
		const char *status = json_string(json_get(i, "status"), "");
		buf_printf(&text, "[%c] %.*s\n", !strcmp(status, "completed") ? 'x' : !strcmp(status, "in_progress") ? '>' : ' ', TITLE_MAX,
		           json_string(json_get(i, "content"), ""));
	}
	acp_say(a, SAID_NOTE, buf_str(&text), text.len);
	buf_release(&text);
}

/* --- money -------------------------------------------------------------------------------------------------------- */

static void spend(struct agent *a, double usd, const char *what)
{
	if (!(usd > 0))
		return;
	a->turn_usd += usd;
	a->listener->spent(a->data, usd, what);
	if (a->turn_usd >= a->plan.limits.usd && a->plan.limits.usd > 0)
		acp_stop(a, "limit", "the money for this turn is spent");
}

static void take_model(struct agent *a, const char *name)
{
	if (!name || !*name || (a->model && !strcmp(a->model, name)))
		return;
	free(a->model);
	a->model = acp_clean(a, name, strnlen(name, TITLE_MAX), TEXT_LINE);
}

static void on_usage(struct agent *a, const struct json *update)
{
	const struct json *cost = json_get(update, "cost");
	double amount = json_number(json_get(cost, "amount"), NAN);
	take_model(a, json_string(json_get(json_get(update, "_meta"), "_claude/model"), NULL));
	if (!isfinite(amount) || amount < 0 || amount > usd_max || !a->has_turn)	/* without a turn: it is in the next sum, too */
		return;
	if (strcmp(json_string(json_get(cost, "currency"), "USD"), "USD")) {
		acp_say_line(a, SAID_NOTE, "(it names a cost that is not in USD: its tokens are priced instead)");
		return;
	}
	double before = amount < a->session_usd ? 0 : a->session_usd;	/* it began to count anew */
	a->was_priced = 1;
	if (amount > before && a->charges++ >= CHARGES_MAX && amount - before < usd_small)
		return;		/* each is an event: what is next to nothing is told with what follows */
	char *what = xasprintf("%s, as it says", a->model ? a->model : a->config->name);
	a->session_usd = amount;
	spend(a, amount - before, what);
	free(what);
}

static int64_t count_of(const struct json *counts, const char *a, const char *b)
{
	int64_t n = json_integer(json_get(counts, a), -1);
	if (n < 0)
		n = json_integer(json_get(counts, b), 0);
	return n < 0 || n > (int64_t)1e12 ? 0 : n;
}

/* Uncached input, cache and output are apart in all of them, whichever way they are named. */
static struct tokens tokens_of(const struct json *counts)
{
	struct tokens t = { .in = count_of(counts, "inputTokens", "input_tokens"), .out = count_of(counts, "outputTokens", "output_tokens") };
	t.read = count_of(counts, "cachedReadTokens", "cachedInputTokens");
	t.written = count_of(counts, "cachedWriteTokens", "cacheWriteInputTokens");
	return t;
}

static void account_for(struct agent *a, const struct bill *bill, const char *model, const struct json *counts)
{
	struct tokens t = tokens_of(counts);
	a->tokens.in += t.in;
	a->tokens.read += t.read;
	a->tokens.written += t.written;
	a->tokens.out += t.out;
	if (!bill || a->was_priced || !(t.in + t.read + t.written + t.out))
		return;
	char *name = acp_clean(a, model, strnlen(model, TITLE_MAX), TEXT_LINE);
	struct wire_answer answer = { .tokens = t, .usd = NAN, .model = name };
	struct buf what = {0}, source = {0};
	int is_guessed = 0;
	double usd = bill_of(bill, &answer, a->config->model ? a->config->model : name, &is_guessed, &source);
	buf_printf(&what, "%s, ", name);
	bill_say_tokens(&what, &t);
	buf_printf(&what, " (%s)", buf_str(&source));
	spend(a, usd, buf_str(&what));
	buf_release(&what);
	buf_release(&source);
	free(name);
}

void acp_account(struct agent *a, const struct json *result)
{
	const struct json *quota = json_get(json_get(result, "_meta"), "quota"), *models = json_get(quota, "model_usage");
	const struct json *counts = json_get(quota, "token_count");
	struct err err = {0};
	int count = 0;
	struct bill *bill = a->was_priced ? NULL : bill_new(a->root, 0, &err);
	if (!a->was_priced && !bill)
		a->listener->alert(a->data, err.text);
	for (const struct json *i = json_first(models); i && count < MODELS_MAX; i = json_next(i), count++)
		account_for(a, bill, json_string(json_get(i, "model"), "?"), json_get(i, "token_count"));
	if (!count)
		account_for(a, bill, a->model ? a->model : a->config->model ? a->config->model : "?", counts ? counts : json_get(result, "usage"));
	if (json_first(models) && !a->model)
		take_model(a, json_string(json_get(json_first(models), "model"), NULL));
	bill_free(bill);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void on_text(struct agent *a, const struct json *update)
{
	say_text(a, SAID_TEXT, update);
}

static void on_thought(struct agent *a, const struct json *update)
{
	say_text(a, SAID_THOUGHT, update);
}

static void on_mode(struct agent *a, const struct json *update)
{
	acp_say_line(a, SAID_NOTE, "(its mode is now %.100s)", json_string(json_get(update, "currentModeId"), "?"));
}

static void on_notice(struct agent *a, const struct json *update)
{
	acp_say_line(a, SAID_NOTE, "(%.40s: %.300s)", json_string(json_get(update, "severity"), "notice"),
	             json_string(json_get(update, "title"), ""));
}

static void on_options(struct agent *a, const struct json *update)
{
	for (const struct json *i = json_first(json_get(update, "configOptions")); i; i = json_next(i))
		if (!strcmp(json_string(json_get(i, "id"), ""), "model"))
			take_model(a, json_string(json_get(i, "currentValue"), NULL));
}

static const struct {
	const char *name;
	void (*take)(struct agent *a, const struct json *update);	/* NULL: nothing that anybody needs */
} kinds[] = {
	{ "agent_message_chunk", on_text }, { "agent_thought_chunk", on_thought }, { "tool_call", on_tool }, { "tool_call_update", on_tool },
	{ "plan", on_plan }, { "usage_update", on_usage }, { "current_mode_update", on_mode }, { "config_option_update", on_options },
	{ "notice", on_notice }, { "user_message_chunk", NULL }, { "available_commands_update", NULL }, { "session_info_update", NULL },
};

void acp_update(struct agent *a, const struct json *update)
{
	const char *kind = json_string(json_get(update, "sessionUpdate"), "");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kinds[i].name, kind)) {
			if (kinds[i].take)
				kinds[i].take(a, update);
			return;
		}
	if (a->unknown.count >= UNKNOWN_MAX)
		return;
	char *name = xstrndup(kind, TITLE_MAX);
	if (!strings_have(&a->unknown, name)) {
		strings_add(&a->unknown, name);
		acp_say_line(a, SAID_NOTE, "(it tells of \"%s\", which is not known here)", name);
	}
	free(name);
}
