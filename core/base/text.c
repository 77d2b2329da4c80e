/* The one sanitiser at the boundary, UTF-8, and columns. Everything shown from outside has passed text_safe once, so
 * that panes, pages and JSON can print what they are given.
 *
 * The bytes are decoded one code point at a time (runs of plain ASCII are copied whole) and each is either kept or
 * written out as an ASCII mark. Marks are themselves safe text, so passing twice changes nothing. Two things that
 * Unicode allows are refused because they reach beyond their own cell: a combining mark with no character to stand on
 * would land on our own drawing, and more than four on one character do not fit a cell of curses. A variation selector
 * after a symbol only asks for a colourful picture, and terminals disagree about its width: it is dropped, and marked
 * anywhere else. */
#include "core/base/text.h"

#include <string.h>

#include "core/base/unicode.h"

enum { TAB = 8, MARKS_PER_CELL = 4, EMOJI_SELECTOR = 0xfe0f };

struct safe {
	struct buf *out;
	unsigned flags;
	size_t column;		/* on the line being written, for tabs */
	size_t marks;
	uint32_t base;		/* the character that a combining mark would join, or 0 */
	int combined;		/* how many did */
};

/* Of eight bytes at once: none is below space, and none above tilde. */
static int are_plain(const char *s)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t v;
	memcpy(&v, s, sizeof v);
	return !((((v - ones * 0x20) & ~v) | (v + ones) | v) & high);
}

static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;
	while (n + 8 <= len && are_plain(s + n))
		n += 8;
	while (n < len && (unsigned char)(s[n] - 0x20) < 0x5f)
		n++;
	return n;
}

static void keep(struct safe *t, const char *s, size_t len, uint32_t last, size_t columns)
{
	buf_add(t->out, s, len);
	t->column += columns;
	t->base = last;
	t->combined = 0;
}

static void mark(struct safe *t, const char *format, uint32_t value)
{
	size_t before = t->out->len;
	buf_printf(t->out, format, value);
	t->column += t->out->len - before;
	t->base = 0;
	t->combined = 0;
	t->marks++;
}

/* The length of a colour sequence at s: ESC [ digits, ; and : up to m (ECMA-48 8.3.117); 0 when it is none. */
static size_t colour_sequence(const char *s, size_t len)
{
	size_t n = 2;
	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (n < len && s[n] >= '0' && s[n] <= ';')
		n++;
	return n < len && s[n] == 'm' ? n + 1 : 0;
}

/* Takes the control character at s; returns how many bytes that were. */
static size_t take_control(struct safe *t, const char *s, size_t len)
{
	if (*s == '\n') {
		keep(t, t->flags & TEXT_NEWLINES ? "\n" : " ", 1, 0, 1);
		if (t->flags & TEXT_NEWLINES)
			t->column = 0;
		return 1;
	}
	if (*s == '\t' && t->flags & TEXT_TABS) {
		size_t blanks = TAB - t->column % TAB;
		keep(t, "        ", blanks, ' ', blanks);
		return 1;
	}
	if (t->flags & TEXT_STRIP_SGR) {
		size_t colour = colour_sequence(s, len);
		if (colour)
			return colour;
		if (*s == '\r' && (len == 1 || s[1] == '\n'))
			return 1;
	}
	mark(t, "<%02X>", (unsigned char)*s);
	return 1;
}

static int is_symbol(uint32_t cp)
{
	static const uint32_t strays[] = {0xa9, 0xae, 0x203c, 0x2049, 0x2122, 0x2139, 0x3030, 0x303d, 0x3297, 0x3299};
	for (size_t i = 0; i < sizeof strays / sizeof *strays; i++)
		if (cp == strays[i])
			return 1;
	return (cp >= 0x2190 && cp <= 0x2bff) || cp >= 0x1f000;
}

/* Takes what is no plain ASCII at s; returns how many bytes that were. */
static size_t take_other(struct safe *t, const char *s, size_t len)
{
	uint32_t cp;
	int n = text_decode(s, len, &cp);
	if (!n) {
		mark(t, "<%02X>", (unsigned char)*s);
		return 1;
	}
	if (cp < 0x20 || cp == 0x7f)
		return take_control(t, s, len);
	enum unicode_kind kind = unicode_kind(cp);
	if (kind == UNICODE_COMBINING && t->base && t->combined < MARKS_PER_CELL) {
		buf_add(t->out, s, (size_t)n);
		t->combined++;
	} else if (kind == UNICODE_NARROW || kind == UNICODE_WIDE) {
		keep(t, s, (size_t)n, cp, kind == UNICODE_WIDE ? 2 : 1);
	} else if (cp != EMOJI_SELECTOR || !is_symbol(t->base) || t->combined) {
		mark(t, "<U+%04X>", cp);
	}
	return (size_t)n;
}

size_t text_safe(struct buf *out, const char *bytes, size_t len, unsigned flags)
{
	struct safe t = {.out = out, .flags = flags};
	buf_add(out, "", 0);	/* so that out has a string even for nothing */
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(bytes + i, len - i);
		if (run)
			keep(&t, bytes + i, run, (unsigned char)bytes[i + run - 1], run);
		i += run;
		if (i < len)
			i += take_other(&t, bytes + i, len - i);
	}
	return t.marks;
}

char *text_safe_string(const char *bytes, size_t len, unsigned flags)
{
	struct buf out = {0};
	text_safe(&out, bytes, len, flags);
	return buf_take(&out);
}

/* Table 3-7 of the Unicode Standard, as arithmetic: the shortest form only, no surrogates, nothing above U+10FFFF. */
int text_decode(const char *s, size_t len, uint32_t *cp)
{
	const unsigned char *b = (const unsigned char *)s;
	if (!len)
		return 0;
	if (b[0] < 0x80) {
		*cp = b[0];
		return 1;
	}
	int n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || len < (size_t)n)
		return 0;
	uint32_t c = b[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3fu);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	*cp = c;
	return n;
}

int text_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (int i = n - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)((0xf00u >> n & 0xff) | cp);
	return n;
}

int text_is_valid(const char *s, size_t len)
{
	uint32_t cp;
	for (size_t i = plain_run(s, len); i < len; i += plain_run(s + i, len - i)) {
		int n = text_decode(s + i, len - i, &cp);
		if (!n)
			return 0;
		i += (size_t)n;
	}
	return 1;
}

int text_width(uint32_t cp)
{
	switch (unicode_kind(cp)) {
	case UNICODE_WIDE:
		return 2;
	case UNICODE_NARROW:
		return 1;
	default:
		return 0;
	}
}

size_t text_fit(const char *s, int columns, int *used)
{
	size_t len = strlen(s), i = 0;
	int sum = 0;
	while (i < len) {
		uint32_t cp = 0xfffd;
		int n = text_decode(s + i, len - i, &cp), width = text_width(cp);
		if (sum + width > columns)
			break;
		sum += width;
		i += n ? (size_t)n : 1;
	}
	if (used)
		*used = sum;
	return i;
}

int text_columns(const char *s)
{
	int columns;
	text_fit(s, INT32_MAX, &columns);
	return columns;
}
