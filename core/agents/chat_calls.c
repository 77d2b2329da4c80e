/* Servers differ most in how they stream calls; each piece is taken for what it can only be. */
#include "core/agents/chat_calls.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/agents/parts.h"

enum { INDEX_MAX = 1 << 20, NAME_SIZE_MAX = 64 };

struct part {				/* a call as it comes in */
	long index;			/* -1: the server counts none */
	struct buf id, name, arguments, extra;	/* extra: "extra_content", which Gemini wants back */
	int is_altered;
};

static struct part *add_part(struct chat_calls *calls, long index)
{
	if (calls->count == ANSWER_PARTS_MAX)
		return NULL;
	struct part *p = array_add(&calls->parts, &calls->count, &calls->room, sizeof *p);
	p->index = index;
	return p;
}

/* Which call a piece belongs to: that of its index, or else of its id; without both, one with a name begins a call and one
 * without goes on with the last. Under an index that is taken, a name with another id is a call of its own (Gemini and
 * some of Ollama count all as 0). */
static struct part *part_of(struct chat_calls *calls, const struct json *piece, const char *id, const char *name)
{
	long index = (long)json_integer(json_get(piece, "index"), -1);
	struct part *last = calls->count ? &calls->parts[calls->count - 1] : NULL;
	if (index < 0 || index > INDEX_MAX)
		index = -1;
	for (size_t i = calls->count; i--;) {
		struct part *p = &calls->parts[i];
		int is_same_id = *id && !strcmp(buf_str(&p->id), id);
		int is_other = *id && *name && p->id.len && !is_same_id;
		if (index >= 0 ? p->index == index && !is_other : is_same_id)
			return p;
	}
	return index < 0 && last && !*name ? last : add_part(calls, index);
}

static void hear_arguments(struct part *p, const struct json *arguments)
{
	if (json_is_object(arguments)) {
		buf_truncate(&p->arguments, 0);
		json_print(arguments, &p->arguments);
	} else {
		buf_puts(&p->arguments, json_string(arguments, ""));
	}
}

int chat_calls_hear(struct chat_calls *calls, const struct json *piece, int is_altered)
{
	const struct json *function = json_get(piece, "function"), *extra = json_get(piece, "extra_content");
	const char *id = json_string(json_get(piece, "id"), ""), *name = json_string(json_get(function, "name"), "");
	struct part *p = part_of(calls, piece, id, name);
	if (!p)
		return -1;
	p->is_altered |= is_altered;
	if (!p->id.len)
		buf_puts(&p->id, id);
	if (!p->name.len)
		buf_puts(&p->name, name);
	if (extra && !p->extra.len)
		json_print(extra, &p->extra);
	hear_arguments(p, json_get(function, "arguments"));
	return 0;
}

static int is_id_used(const struct wire_answer *a, const char *id)
{
	for (size_t i = 0; i < a->call_count; i++)
		if (!strcmp(a->calls[i].id, id))
			return 1;
	return 0;
}

/* Back goes a name that each API takes for one: OpenAI's refuses the whole conversation for any other. */
static void put_name(struct buf *out, const char *name)
{
	buf_putc(out, '"');
	for (size_t i = 0; name[i] && i < NAME_SIZE_MAX; i++)
		buf_putc(out, isalnum((unsigned char)name[i]) || name[i] == '-' ? name[i] : '_');
	buf_puts(out, *name ? "\"" : "unnamed\"");
}

static void put_call(struct buf *out, const struct part *p, const struct wire_call *call)
{
	struct buf arguments = {0};
	if (out->len)
		buf_putc(out, ',');
	buf_puts(out, "{\"id\":");
	json_quote(out, call->id);
	buf_puts(out, ",\"type\":\"function\",\"function\":{\"name\":");
	put_name(out, buf_str(&p->name));
	buf_puts(out, ",\"arguments\":");
	put_arguments(&arguments, call);
	json_quote(out, arguments.data);
	buf_putc(out, '}');
	if (p->extra.len)
		buf_printf(out, ",\"extra_content\":%s", p->extra.data);
	buf_putc(out, '}');
	buf_release(&arguments);
}

/* Where the limit of length fell into a call, it is not one. */
static int is_half(const struct part *p)
{
	const struct buf *arguments = &p->arguments;
	struct json *v = json_parse(buf_str(arguments), arguments->len, NULL);
	int is_whole = json_is_object(v);
	json_free(v);
	return !is_whole;
}

void chat_calls_gather(struct chat_calls *calls, int is_cut, struct wire_answer *out, struct buf *message)
{
	for (size_t i = 0; i < calls->count; i++) {
		const struct part *p = &calls->parts[i];
		char *id = NULL;
		if (is_cut && i + 1 == calls->count && is_half(p))
			continue;
		if (!p->id.len || is_id_used(out, p->id.data))
			id = xasprintf("call_skydeck_%lu", ++calls->named);
		answer_add_call(out, id ? id : p->id.data, buf_str(&p->name), buf_str(&p->arguments), p->is_altered);
		put_call(message, p, &out->calls[out->call_count - 1]);
		free(id);
	}
}

void chat_calls_forget(struct chat_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++) {
		buf_release(&calls->parts[i].id);
		buf_release(&calls->parts[i].name);
		buf_release(&calls->parts[i].arguments);
		buf_release(&calls->parts[i].extra);
	}
	free(calls->parts);
	calls->parts = NULL;
	calls->count = calls->room = 0;
}
