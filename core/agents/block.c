/* Blocks go back as they came: the bytes that a block began with are stepped over member by member, and only what deltas
 * said takes the place of what stood there. */
#include "core/agents/block.h"

#include <stdlib.h>
#include <string.h>

#include "core/agents/parts.h"

static int is_object(const struct buf *text)
{
	struct json *v = text->len ? json_parse(text->data, text->len, NULL) : NULL;
	int is = json_is_object(v);
	json_free(v);
	return is;
}

static const char *arguments_of(const struct block *b, char **own)
{
	struct span start = span_get((struct span){ b->start.data, b->start.len }, "input");
	*own = NULL;
	if (b->input.len || !start.at)
		return buf_str(&b->input);
	return *own = xstrndup(start.at, start.len);
}

static void put_member(struct buf *out, const char *key, const char *value, int is_text)
{
	if (out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_printf(out, "\"%s\":", key);
	if (is_text)
		json_quote(out, value);
	else
		buf_puts(out, value);
}

/* A block with what its deltas said in place of what it began with; all else stays byte for byte. */
static void put_block(struct buf *out, const struct block *b, const char *input)
{
	struct buf citations = {0};
	if (b->citations.len)
		buf_printf(&citations, "[%s]", b->citations.data);
	struct { const char *key, *value; int is_text, is_done; } said[] = {
		{ b->is_thinking ? "thinking" : "text", b->text.len ? b->text.data : NULL, 1, 0 },
		{ "signature", b->signature.len ? b->signature.data : NULL, 1, 0 },
		{ "input", input, 0, 0 },
		{ "citations", citations.data, 0, 0 },
	};
	struct span rest = { b->start.data, b->start.len }, key, value;
	size_t count = sizeof said / sizeof *said, i;
	buf_putc(out, '{');
	while (span_next(&rest, &key, &value)) {
		for (i = 0; i < count && !(said[i].value && span_is(key, said[i].key)); i++)
			;
		if (i < count) {
			put_member(out, said[i].key, said[i].value, said[i].is_text);
			said[i].is_done = 1;
			continue;
		}
		buf_puts(out, out->data[out->len - 1] != '{' ? ",\"" : "\"");
		buf_add(out, key.at, key.len);
		buf_puts(out, "\":");
		buf_add(out, value.at, value.len);
	}
	for (i = 0; i < count; i++)
		if (said[i].value && !said[i].is_done)
			put_member(out, said[i].key, said[i].value, said[i].is_text);
	buf_putc(out, '}');
	buf_release(&citations);
}

/* Blocks that the API would not take back: text of blanks, and thinking whose signature no longer fits or never came. */
static int is_kept(const struct block *b, int is_cut)
{
	if (b->is_text)
		return buf_str(&b->text)[strspn(buf_str(&b->text), " \t\r\n")] != '\0';
	if (b->is_thinking)
		return !b->is_altered && (b->signature.len || !is_cut);
	return 1;
}

/* The last block, where the limit of length fell: a call may be half of one, even where its half can be read. */
static int is_half(const struct block *b, int is_last, int is_cut)
{
	return is_cut && is_last && b->is_call && !is_object(&b->input);
}

static void put_call(struct buf *out, const struct block *b, struct wire_answer *a)
{
	struct json *start = json_parse(b->start.data, b->start.len, NULL);
	struct buf input = {0};
	char *own;
	answer_add_call(a, json_string(json_get(start, "id"), ""), json_string(json_get(start, "name"), ""), arguments_of(b, &own), b->is_altered);
	put_arguments(&input, &a->calls[a->call_count - 1]);
	put_block(out, b, input.data);
	buf_release(&input);
	json_free(start);
	free(own);
}

void blocks_gather(const struct block *blocks, size_t count, int is_cut, struct wire_answer *out, struct buf *message)
{
	struct buf text = {0};
	for (size_t i = 0; i < count; i++) {
		const struct block *b = &blocks[i];
		if (b->is_text)
			buf_puts(&text, buf_str(&b->text));
		if (!is_kept(b, is_cut) || is_half(b, i + 1 == count, is_cut))
			continue;
		if (message->len)
			buf_putc(message, ',');
		if (b->is_call)
			put_call(message, b, out);
		else
			put_block(message, b, is_object(&b->input) ? b->input.data : NULL);
	}
	out->text = buf_take(&text);
}

void block_release(struct block *b)
{
	buf_release(&b->start);
	buf_release(&b->text);
	buf_release(&b->signature);
	buf_release(&b->input);
	buf_release(&b->citations);
}
