/* White space is what flattening drops: blanks, tabs, line and page ends, and the no-break space, which PDFs and HTML put
 * where others put a blank. Nothing else is forgiven: a hyphen at a line's end, another dash or quotation mark is another text,
 * and the reader is told to copy letter by letter. */
#include "core/engine/quotes.h"

#include <string.h>

#include "core/base/mem.h"

static size_t space_at(const char *p, size_t left)
{
	if (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		return 1;
	return left > 1 && (unsigned char)p[0] == 0xC2 && (unsigned char)p[1] == 0xA0 ? 2 : 0;
}

static void flatten(const char *text, size_t size, struct buf *out)
{
	int is_apart = 0;
	for (size_t i = 0; i < size;) {
		size_t space = space_at(text + i, size - i), start = i;
		if (space) {
			is_apart = 1;
			i += space;
			continue;
		}
		while (i < size && !space_at(text + i, size - i))
			i++;
		if (is_apart && out->len)
			buf_putc(out, ' ');
		is_apart = 0;
		buf_add(out, text + start, i - start);
	}
}

void quotes_init(struct quotes *q, const char *text, size_t size)
{
	*q = (struct quotes){ .text = text, .size = size };
	flatten(text, size, &q->flat);
}

void quotes_release(struct quotes *q)
{
	buf_release(&q->flat);
}

/* Where the byte of flat number `wanted` stands in the text. */
static size_t in_text(const struct quotes *q, size_t wanted)
{
	size_t flat = 0;
	int is_apart = 0;
	for (size_t i = 0; i < q->size;) {
		size_t space = space_at(q->text + i, q->size - i);
		if (space) {
			is_apart = 1;
			i += space;
			continue;
		}
		flat += is_apart && flat;
		is_apart = 0;
		if (flat >= wanted)
			return i;
		flat++;
		i++;
	}
	return q->size;
}

/* How many bytes of flat stand for the first n of the text. */
static size_t in_flat(const struct quotes *q, size_t n)
{
	struct buf before = {0};
	if (!n)
		return 0;
	flatten(q->text, n < q->size ? n : q->size, &before);
	n = before.len;
	buf_release(&before);
	return n;
}

int quotes_find(const struct quotes *q, const char *quote, size_t from, struct quote_place *out)
{
	struct buf words = {0};
	flatten(quote, strlen(quote), &words);
	size_t first = in_flat(q, from);
	const char *hay = buf_str(&q->flat), *found = NULL;
	if (words.len && first < q->flat.len)
		found = memmem(hay + first, q->flat.len - first, words.data, words.len);
	if (found) {
		out->flat = (size_t)(found - hay);
		out->length = words.len;
		out->start = in_text(q, out->flat);
		out->end = in_text(q, out->flat + words.len - 1) + 1;
	}
	buf_release(&words);
	return found ? 0 : -1;
}

static size_t count(const char *text, size_t size, char c)
{
	size_t n = 0;
	for (const char *p = text, *end = text + size; p < end && (p = memchr(p, c, (size_t)(end - p))); p++)
		n++;
	return n;
}

char *quotes_where(const char *text, size_t size, size_t start, size_t end)
{
	end = end > size ? size : end;
	start = start > end ? end : start;
	int has_pages = size && memchr(text, '\f', size) != NULL;
	char c = has_pages ? '\f' : '\n';
	const char *what = has_pages ? "page" : "line";
	size_t first = 1 + count(text, start, c), last = first + (end > start ? count(text + start, end - start - 1, c) : 0);
	return first == last ? xasprintf("%s %zu", what, first) : xasprintf("%ss %zu-%zu", what, first, last);
}

size_t text_cut(const char *text, size_t size, size_t n)
{
	if (size <= n)
		return size;
	while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return n;
}
