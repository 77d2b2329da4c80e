/* See parts.h. The JSON of a stream is read strictly first (core/base/json.h); only what fails is mended, so that one odd
 * character of a model does not cost its whole answer. Arguments of tools are never mended: a path that is not quite the
 * one the model wrote is worse than an error. */
#include "core/agents/parts.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

const char not_carried_out[] = "{\"error\":\"this call was not carried out\"}";

/* --- an event -------------------------------------------------------------------------------------------------------- */

static const char replacement[] = "\xef\xbf\xbd";

/* The value of the escape \uXXXX at s, or -1. */
static int escaped_unit(const char *s, const char *end)
{
	int value = 0;
	if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return -1;
		value = value * 16 + (isdigit((unsigned char)s[i]) ? s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
	}
	return value;
}

static size_t mend_escape(struct buf *out, const char *s, const char *end)
{
	int unit = escaped_unit(s, end), low = escaped_unit(s + (unit < 0 ? 0 : 6), end);
	size_t n = unit < 0 ? 2 : unit >= 0xd800 && unit < 0xdc00 && low >= 0xdc00 && low < 0xe000 ? 12 : 6;
	if (n > (size_t)(end - s))
		n = (size_t)(end - s);
	if (n == 6 && (!unit || (unit >= 0xd800 && unit < 0xe000)))
		buf_puts(out, replacement);
	else
		buf_add(out, s, n);
	return n;
}

/* Inside strings only: elsewhere such bytes are no JSON, and stay so. */
static void mend(struct buf *out, const char *s, size_t n)
{
	const char *end = s + n;
	uint32_t cp;
	int is_inside = 0;
	while (s < end) {
		size_t used = 1;
		if (*s == '"')
			is_inside = !is_inside;
		if (is_inside && *s == '\\') {
			used = mend_escape(out, s, end);
		} else if (is_inside && (unsigned char)*s < 0x20) {
			*s ? buf_printf(out, "\\u%04x", *s) : buf_puts(out, replacement);
		} else if ((used = (size_t)text_decode(s, (size_t)(end - s), &cp))) {
			buf_add(out, s, used);
		} else {
			buf_puts(out, replacement);
			used = 1;
		}
		s += used;
	}
}

int heard_read(struct heard *h, const char *data, size_t n)
{
	*h = (struct heard){ .v = json_parse(data, n, NULL), .text = { data, n } };
	if (!h->v) {
		struct buf mended = {0};
		mend(&mended, data, n);
		h->text.len = mended.len;
		h->text.at = h->mended = buf_take(&mended);
		h->v = json_parse(h->text.at, h->text.len, NULL);
		h->is_altered = 1;
	}
	if (json_is_object(h->v))
		return 0;
	heard_release(h);
	return -1;
}

void heard_release(struct heard *h)
{
	json_free(h->v);
	free(h->mended);
	*h = (struct heard){0};
}

char *safe_words(const char *s, size_t max)
{
	struct buf b = {0};
	size_t n = strnlen(s, 4 * max);
	text_safe(&b, s, n, TEXT_LINE);
	if (b.len > max) {
		while (max && ((unsigned char)b.data[max] & 0xc0) == 0x80)
			max--;
		buf_truncate(&b, max);
		buf_puts(&b, "…");
	}
	return buf_take(&b);
}

int64_t count_of(const struct json *usage, const char *key, int64_t otherwise)
{
	int64_t n = json_integer(json_get(usage, key), -1);
	return n < 0 ? otherwise : n;
}

/* --- calls ----------------------------------------------------------------------------------------------------------- */

void answer_add_call(struct wire_answer *a, const char *id, const char *name, const char *arguments, int is_altered)
{
	struct err err;
	struct wire_call *call = array_add(&a->calls, &a->call_count, &a->call_room, sizeof *call);
	*call = (struct wire_call){ .id = xstrdup(id), .name = safe_words(name, 200), .arguments = xstrdup(*arguments ? arguments : "{}") };
	call->args = json_parse(call->arguments, strlen(call->arguments), &err);
	if (!call->args)
		call->problem = xasprintf("the arguments are %s: call the tool again with one JSON object", err.text);
	else if (is_altered)
		call->problem = xstrdup("the arguments hold characters that are none (NUL, half of a surrogate pair, or bytes that are not UTF-8):"
					" call the tool again without them");
	else if (!json_is_object(call->args))
		call->problem = xstrdup("the arguments are JSON, but no object: call the tool again with one JSON object");
	if (call->problem) {
		json_free(call->args);
		call->args = NULL;
	}
}

/* The wrapping is what Anthropic's page on fine-grained tool streaming proposes. */
void put_arguments(struct buf *out, const struct wire_call *call)
{
	if (call->args) {
		buf_puts(out, call->arguments);
		return;
	}
	buf_puts(out, "{\"INVALID_JSON\":");
	json_quote(out, call->arguments);
	buf_putc(out, '}');
}

/* --- schemas --------------------------------------------------------------------------------------------------------- */

static int is_among(const char *key, const char *const *words)
{
	while (*words && strcmp(key, *words))
		words++;
	return *words != NULL;
}

/* Whether one object of a schema lists and requires all that it may hold. */
static int is_exact(const struct json *schema)
{
	const struct json *properties = json_get(schema, "properties");
	if (!properties && strcmp(json_string(json_get(schema, "type"), ""), "object"))
		return 1;
	return !json_bool(json_get(schema, "additionalProperties"), 1) && json_count(properties) == json_count(json_get(schema, "required"));
}

static int put_part(struct buf *out, const struct json *v, int is_schema);

static int put_members(struct buf *out, const struct json *v, int are_named)
{
	static const char *const refused[] = { "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
					       "minItems", "maxItems", "uniqueItems", "$schema", NULL };
	static const char *const maps[] = { "properties", "$defs", "definitions", NULL };
	static const char *const schemas[] = { "items", "anyOf", "allOf", "oneOf", NULL };
	int exact = 1, is_first = 1;
	buf_putc(out, '{');
	for (const struct json *i = json_first(v); i; i = json_next(i)) {
		const char *key = json_key(i);
		if (!are_named && is_among(key, refused))
			continue;
		buf_puts(out, is_first ? "" : ",");
		is_first = 0;
		json_quote(out, key);
		buf_putc(out, ':');
		if (!are_named && is_among(key, maps) && json_is_object(i))
			exact &= put_members(out, i, 1);
		else
			exact &= put_part(out, i, are_named || is_among(key, schemas));
	}
	buf_putc(out, '}');
	return exact;
}

static int put_part(struct buf *out, const struct json *v, int is_schema)
{
	int exact = 1;
	if (is_schema && json_is_object(v)) {
		exact = put_members(out, v, 0);
		return exact && is_exact(v);
	}
	if (!is_schema || !json_is_array(v)) {
		json_print(v, out);
		return 1;
	}
	buf_putc(out, '[');
	for (const struct json *i = json_first(v); i; i = json_next(i)) {
		buf_puts(out, i == json_first(v) ? "" : ",");
		exact &= put_part(out, i, 1);
	}
	buf_putc(out, ']');
	return exact;
}

int put_schema(struct buf *out, const char *schema)
{
	struct json *v = json_parse(schema, strlen(schema), NULL);
	int exact = 0;
	if (v)
		exact = put_part(out, v, 1);
	else
		buf_puts(out, "{\"type\":\"object\"}");
	json_free(v);
	return exact;
}

/* A key from an environment often has the newline of the file it came from. */
void put_key_header(struct strings *out, const char *name, const char *key)
{
	size_t from = key ? strspn(key, " \t\r\n") : 0, to = key ? strlen(key) : 0;
	while (to > from && strchr(" \t\r\n", key[to - 1]))
		to--;
	if (to <= from)
		return;
	char *line = xasprintf("%s%.*s", name, (int)(to - from), key + from);
	strings_add(out, line);
	free(line);
}

/* --- the conversation ------------------------------------------------------------------------------------------------ */

int talk_is_open(const struct talk *t, const char *id)
{
	return strings_have(&t->open, id);
}

void talk_close(struct talk *t, const char *id)
{
	for (size_t i = 0; i < t->open.count; i++)
		if (!strcmp(t->open.at[i], id)) {
			free(t->open.at[i]);
			array_remove(&t->open.at, &t->open.count, i, sizeof *t->open.at);
			return;
		}
}

int talk_waits(const struct talk *t)
{
	return t->results.len || t->texts.len || t->open.count;
}

void talk_mark(struct talk *t)
{
	if (t->results.len || t->open.count || !t->texts.len)
		return;
	struct talk_mark *mark = array_add(&t->marks, &t->mark_count, &t->mark_room, sizeof *mark);
	*mark = (struct talk_mark){ t->history.len, t->user_end };
}

static void forget_waiting(struct talk *t)
{
	buf_truncate(&t->results, 0);
	buf_truncate(&t->texts, 0);
	strings_release(&t->open);
}

void talk_moved(struct talk *t)
{
	forget_waiting(t);
	t->blocks = 0;
}

/* Results belong to calls, and calls to the text before them: a turn goes as a whole, or the rest could not be sent. */
void talk_refused(struct talk *t)
{
	int is_by_itself = t->texts.len && !t->results.len && !t->open.count;
	forget_waiting(t);
	if (is_by_itself || !t->mark_count)
		return;
	const struct talk_mark *mark = &t->marks[--t->mark_count];
	buf_truncate(&t->history, mark->length);
	t->user_end = mark->user_end;
	t->blocks = 0;
}

void talk_release(struct talk *t)
{
	buf_release(&t->history);
	buf_release(&t->results);
	buf_release(&t->texts);
	strings_release(&t->open);
	free(t->marks);
}
