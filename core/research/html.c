/* Pages into text, in one pass over the bytes, with no stack but a depth: inside an element that is dropped only its own name
 * is counted up and down. That is enough for what readers need, nothing in it recurses, and bad markup loses text at worst.
 *
 * A tag is '<' and a letter or '/'; everything else is text. The few elements whose content is no markup (script, style and
 * so on) end at their own end tag and nowhere else, as WHATWG HTML 13.2.5 has it. */
#include "core/research/html.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

enum { NAME_MAX_TAG = 16, VALUE_MAX = 4096, TITLE_MAX = 500 };

struct page {
	const char *at, *end;
	struct buf *out, *title;
	size_t start, limit;	/* of out: where this text begins, and how much it may be */
	int is_pre;		/* white space counts */
	int wants_space;	/* some came, and what follows decides */
	unsigned newlines;	/* that end the text so far */
	char dropped[NAME_MAX_TAG];	/* the element that is left out, while in it */
	unsigned depth;		/* of its own kind, inside it */
	int is_title;
	size_t hidden;
};

struct tag {
	char name[NAME_MAX_TAG];	/* lower case; "" for what is none */
	int is_end, is_closed;		/* </x>, <x/> */
	int is_hidden;
	char text[VALUE_MAX];		/* alt or alttext */
};

static int is_in(const char *name, const char *words)	/* " a b c " */
{
	char padded[NAME_MAX_TAG + 2] = " ";
	strcat(strcat(padded, name), " ");
	return *name && strstr(words, padded) != NULL;
}

static const char raw[] = " script style textarea noscript xmp iframe noembed noframes ";
static const char dropped[] = " script style textarea noscript xmp iframe noembed noframes template svg nav footer select button object canvas audio video dialog datalist ";
static const char blocks[] = " p div section article main header h1 h2 h3 h4 h5 h6 ul ol dl dt dd table tr blockquote pre figure figcaption hr body address details summary form fieldset ";
static const char wide[] = " p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre figure section article ";
static const char empty[] = " area base br col embed hr img input link meta source track wbr ";

static int is_full(const struct page *p)
{
	return p->out->len - p->start >= p->limit;
}

static void put_lines(struct page *p, unsigned n)	/* at least n line ends, none at the beginning */
{
	p->wants_space = 0;
	if (p->out->len == p->start)
		return;
	while (p->newlines < n) {
		buf_putc(p->out, '\n');
		p->newlines++;
	}
}

static void put_bytes(struct page *p, const char *bytes, size_t n)
{
	if (p->is_title) {
		if (p->title && p->title->len + n < TITLE_MAX)
			buf_add(p->title, bytes, n);
		return;
	}
	if (*p->dropped || is_full(p))
		return;
	if (p->wants_space && !p->newlines && p->out->len > p->start)
		buf_putc(p->out, ' ');
	p->wants_space = 0;
	buf_add(p->out, bytes, n);
	p->newlines = 0;
}

static void put_space(struct page *p, char c)
{
	if (p->is_title) {
		if (p->title && p->title->len && p->title->data[p->title->len - 1] != ' ')
			put_bytes(p, " ", 1);
		return;
	}
	if (!p->is_pre || *p->dropped)
		p->wants_space = 1;
	else if (c == '\n' && !is_full(p)) {
		buf_putc(p->out, c);
		p->newlines++;
	} else if (!is_full(p))
		buf_putc(p->out, c == '\t' ? '\t' : ' ');
}

/* Character references. The names that texts of this field use; what is not known stays as it is written. */
static const struct { const char *name; uint32_t cp; } names[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }, { "nbsp", ' ' }, { "copy", 0xa9 }, { "reg", 0xae },
	{ "deg", 0xb0 }, { "plusmn", 0xb1 }, { "micro", 0xb5 }, { "middot", 0xb7 }, { "times", 0xd7 }, { "divide", 0xf7 }, { "sup2", 0xb2 },
	{ "sup3", 0xb3 }, { "frac12", 0xbd }, { "frac14", 0xbc }, { "laquo", 0xab }, { "raquo", 0xbb }, { "sect", 0xa7 }, { "para", 0xb6 },
	{ "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "sbquo", 0x201a }, { "ldquo", 0x201c },
	{ "rdquo", 0x201d }, { "bdquo", 0x201e }, { "bull", 0x2022 }, { "hellip", 0x2026 }, { "prime", 0x2032 }, { "trade", 0x2122 },
	{ "larr", 0x2190 }, { "uarr", 0x2191 }, { "rarr", 0x2192 }, { "darr", 0x2193 }, { "harr", 0x2194 }, { "rArr", 0x21d2 }, { "hArr", 0x21d4 },
	{ "forall", 0x2200 }, { "part", 0x2202 }, { "exist", 0x2203 }, { "empty", 0x2205 }, { "nabla", 0x2207 }, { "isin", 0x2208 },
	{ "notin", 0x2209 }, { "prod", 0x220f }, { "sum", 0x2211 }, { "minus", 0x2212 }, { "lowast", 0x2217 }, { "radic", 0x221a },
	{ "prop", 0x221d }, { "infin", 0x221e }, { "and", 0x2227 }, { "or", 0x2228 }, { "cap", 0x2229 }, { "cup", 0x222a }, { "int", 0x222b },
	{ "sim", 0x223c }, { "asymp", 0x2248 }, { "ne", 0x2260 }, { "equiv", 0x2261 }, { "le", 0x2264 }, { "ge", 0x2265 }, { "sub", 0x2282 },
	{ "sube", 0x2286 }, { "oplus", 0x2295 }, { "otimes", 0x2297 }, { "alpha", 0x3b1 }, { "beta", 0x3b2 }, { "gamma", 0x3b3 },
	{ "delta", 0x3b4 }, { "epsilon", 0x3b5 }, { "theta", 0x3b8 }, { "kappa", 0x3ba }, { "lambda", 0x3bb }, { "mu", 0x3bc }, { "nu", 0x3bd },
	{ "pi", 0x3c0 }, { "rho", 0x3c1 }, { "sigma", 0x3c3 }, { "tau", 0x3c4 }, { "phi", 0x3c6 }, { "chi", 0x3c7 }, { "psi", 0x3c8 },
	{ "omega", 0x3c9 }, { "Gamma", 0x393 }, { "Delta", 0x394 }, { "Theta", 0x398 }, { "Lambda", 0x39b }, { "Sigma", 0x3a3 }, { "Phi", 0x3a6 },
	{ "Psi", 0x3a8 }, { "Omega", 0x3a9 }, { "auml", 0xe4 }, { "ouml", 0xf6 }, { "uuml", 0xfc }, { "Auml", 0xc4 }, { "Ouml", 0xd6 },
	{ "Uuml", 0xdc }, { "szlig", 0xdf }, { "eacute", 0xe9 }, { "egrave", 0xe8 }, { "agrave", 0xe0 }, { "aacute", 0xe1 }, { "ccedil", 0xe7 },
	{ "ntilde", 0xf1 }, { "oacute", 0xf3 }, { "iacute", 0xed }, { "uacute", 0xfa }, { "ecirc", 0xea }, { "oslash", 0xf8 }, { "aring", 0xe5 },
	{ "thinsp", ' ' }, { "ensp", ' ' }, { "emsp", ' ' }, { "shy", 0 }, { "zwj", 0x200d }, { "zwnj", 0x200c }, { "lrm", 0x200e }, { "rlm", 0x200f },
};

static uint32_t number_of(const char *p, size_t n)	/* "#233", "#xe9" */
{
	uint32_t cp = 0;
	int base = n > 1 && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
	size_t from = base == 16 ? 2 : 1;
	if (from == n)
		return UINT32_MAX;
	for (size_t i = from; i < n && cp < 0x110000; i++) {
		if (base == 16 ? !isxdigit((unsigned char)p[i]) : !isdigit((unsigned char)p[i]))
			return UINT32_MAX;
		int digit = isdigit((unsigned char)p[i]) ? p[i] - '0' : tolower((unsigned char)p[i]) - 'a' + 10;
		cp = cp * (uint32_t)base + (uint32_t)digit;
	}
	return cp && cp < 0x110000 ? cp : 0xfffd;
}

/* The reference at p ('&'): the bytes it takes and its code point (0: it shows nothing), or 0 bytes. */
static size_t reference(const char *p, const char *end, uint32_t *cp)
{
	size_t n = 0, left = (size_t)(end - p) - 1;
	left = left < 32 ? left : 32;
	while (n < left && (isalnum((unsigned char)p[1 + n]) || (p[1 + n] == '#' && !n)))
		n++;
	if (!n || n == left || p[1 + n] != ';')
		return 0;
	if (p[1] == '#') {
		*cp = number_of(p + 1, n);
		return *cp == UINT32_MAX ? 0 : n + 2;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == n && !memcmp(names[i].name, p + 1, n)) {
			*cp = names[i].cp;
			return n + 2;
		}
	return 0;
}

static void put_text(struct page *p, const char *s, const char *end)
{
	while (s < end) {
		uint32_t cp;
		char bytes[4];
		size_t n = *s == '&' ? reference(s, end, &cp) : 0;
		if (n && cp == ' ')
			put_space(p, ' ');
		else if (n && cp)
			put_bytes(p, bytes, (size_t)text_encode(cp, bytes));
		else if (!n && isspace((unsigned char)*s))
			put_space(p, *s);
		else if (!n) {
			size_t run = 1;
			while (s + run < end && s[run] != '&' && !isspace((unsigned char)s[run]))
				run++;
			put_bytes(p, s, run);
			n = run;
		}
		s += n ? n : 1;
	}
}

/* tags */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

static int says(const char *style, const char *property, const char *value)	/* "display:none" among the declarations */
{
	size_t n = strlen(property);
	for (const char *p = style; (p = strcasestr(p, property)); p += n) {
		const char *v = p + n;
		int is_whole = p == style || !(isalnum((unsigned char)p[-1]) || p[-1] == '-');
		v += strspn(v, " \t\r\n");
		if (!is_whole || *v++ != ':')
			continue;
		v += strspn(v, " \t\r\n");
		size_t m = strlen(value);
		if (!strncasecmp(v, value, m) && !strchr("123456789.", v[m] ? v[m] : ' '))
			return 1;
	}
	return 0;
}

static void attribute(struct tag *t, const char *name, size_t n, const char *value)
{
#define IS(word) (n == strlen(word) && !strncasecmp(name, word, n))
	if (IS("hidden"))
		t->is_hidden = 1;
	else if (IS("style"))
		t->is_hidden |= says(value, "display", "none") || says(value, "visibility", "hidden") || says(value, "font-size", "0")
		                || says(value, "opacity", "0");
	else if ((IS("alttext") && !strcmp(t->name, "math")) || (IS("alt") && !strcmp(t->name, "img")))
		memcpy(t->text, value, strlen(value) + 1);
#undef IS
}

/* One attribute; returns past it. */
static const char *read_attribute(struct tag *t, const char *p, const char *end)
{
	char value[VALUE_MAX];
	const char *name = p, *from, *to;
	while (p < end && !isspace((unsigned char)*p) && !strchr("=>/", *p))
		p++;
	size_t n = (size_t)(p - name);
	p = skip_space(p, end);
	from = to = p;
	if (p < end && *p == '=') {
		p = skip_space(p + 1, end);
		char quote = p < end && (*p == '"' || *p == '\'') ? *p : 0;
		from = to = p + !!quote;
		while (to < end && (quote ? *to != quote : !isspace((unsigned char)*to) && *to != '>'))
			to++;
		p = to < end && quote ? to + 1 : to;
	}
	size_t size = (size_t)(to - from) < sizeof value - 1 ? (size_t)(to - from) : sizeof value - 1;
	memcpy(value, from, size);
	value[size] = '\0';
	if (strlen(value) == size)
		attribute(t, name, n, value);
	return p > name ? p : p + 1;
}

/* The tag at p->at ('<'); moves past it. */
static void read_tag(struct page *p, struct tag *t)
{
	const char *s = p->at + 1;
	size_t n = 0;
	t->name[0] = t->text[0] = '\0';
	t->is_end = *s == '/', t->is_closed = t->is_hidden = 0;
	s += t->is_end;
	while (s < p->end && !isspace((unsigned char)*s) && *s != '>' && *s != '/') {
		if (n < sizeof t->name - 1 && *s)
			t->name[n++] = (char)tolower((unsigned char)*s);
		s++;
	}
	t->name[n] = '\0';
	while (s < p->end && *s != '>') {
		t->is_closed = *s == '/';
		s = isspace((unsigned char)*s) || *s == '/' ? s + 1 : read_attribute(t, s, p->end);
	}
	p->at = s < p->end ? s + 1 : s;
}

/* Past "-->", or to the end; for <!doctype> and <?pi> past the next '>'. */
static void skip_declaration(struct page *p)
{
	size_t left = (size_t)(p->end - p->at);
	const char *to = left >= 4 && !memcmp(p->at, "<!--", 4) ? memmem(p->at + 4, left - 4, "-->", 3) : memchr(p->at, '>', left);
	p->at = !to ? p->end : *to == '-' ? to + 3 : to + 1;
}

/* To the end tag of an element whose content is no markup. */
static void skip_raw(struct page *p, const char *name)
{
	size_t n = strlen(name);
	for (const char *s = p->at; s < p->end && (s = memchr(s, '<', (size_t)(p->end - s))); s++)
		if ((size_t)(p->end - s) > n + 2 && s[1] == '/' && !strncasecmp(s + 2, name, n) && !isalnum((unsigned char)s[n + 2])) {
			p->at = s;
			return;
		}
	p->at = p->end;
}

/* Inside what is left out: has it ended? */
static void count_dropped(struct page *p, const struct tag *t)
{
	if (strcmp(t->name, p->dropped))
		return;
	if (!t->is_end && !t->is_closed)
		p->depth++;
	else if (t->is_end && !--p->depth)
		p->dropped[0] = '\0';
}

static void drop(struct page *p, const struct tag *t)
{
	if (t->is_closed && !is_in(t->name, raw))
		return;
	memcpy(p->dropped, t->name, sizeof p->dropped);
	p->depth = 1;
	if (is_in(t->name, raw))
		skip_raw(p, t->name);
}

static void begin(struct page *p, const struct tag *t)
{
	if (t->is_hidden && !is_in(t->name, empty)) {
		p->hidden++;
		drop(p, t);
	} else if (is_in(t->name, dropped))
		drop(p, t);
	else if (!strcmp(t->name, "math") && *t->text) {
		put_text(p, t->text, t->text + strlen(t->text));
		drop(p, t);
	} else if (!strcmp(t->name, "title") && !t->is_closed)
		p->is_title = 1;
	else if (!strcmp(t->name, "img") && *t->text && !t->is_hidden) {
		put_bytes(p, "[", 1);
		put_text(p, t->text, t->text + strlen(t->text));
		put_bytes(p, "]", 1);
	} else if (!strcmp(t->name, "br"))
		put_lines(p, p->newlines + 1);
	else if (!strcmp(t->name, "li")) {
		put_lines(p, 1);
		put_bytes(p, "- ", 2);
	} else if (is_in(t->name, " td th "))
		p->wants_space = 1;
	if (!strcmp(t->name, "pre") && !*p->dropped)
		p->is_pre = 1;
}

static void take_tag(struct page *p)
{
	static struct tag t;	/* too large for some stacks, and there is one thread */
	read_tag(p, &t);
	if (*p->dropped) {
		count_dropped(p, &t);
		return;
	}
	if (p->is_title) {	/* its content is text up to its end */
		p->is_title = !(t.is_end && !strcmp(t.name, "title"));
		return;
	}
	if (is_in(t.name, blocks))
		put_lines(p, is_in(t.name, wide) ? 2 : 1);
	if (t.is_end && !strcmp(t.name, "pre"))
		p->is_pre = 0;
	if (!t.is_end)
		begin(p, &t);
}

size_t html_text(const char *html, size_t n, size_t limit, struct buf *out, struct buf *title)
{
	struct page p = { .at = html, .end = html + n, .out = out, .title = title, .start = out->len, .limit = limit };
	while (p.at < p.end && !is_full(&p)) {
		const char *open = memchr(p.at, '<', (size_t)(p.end - p.at)), *to = open ? open : p.end;
		put_text(&p, p.at, to);
		p.at = to;
		if (!open)
			break;
		int next = open + 1 < p.end ? (unsigned char)open[1] : 0;
		if (next == '!' || next == '?')
			skip_declaration(&p);
		else if (isalpha(next) || (next == '/' && open + 2 < p.end && isalpha((unsigned char)open[2])))
			take_tag(&p);
		else {
			put_bytes(&p, "<", 1);
			p.at = open + 1;
		}
	}
	while (out->len > p.start && isspace((unsigned char)out->data[out->len - 1]))
		buf_truncate(out, out->len - 1);
	if (out->len > p.start)
		buf_putc(out, '\n');
	if (out->len - p.start > limit)
		buf_truncate(out, p.start + limit);
	return p.hidden;
}

int html_recode(const char *type, const char *bytes, size_t n, struct buf *out)
{
	static const uint16_t windows[32] = { 0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d,
		0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178 };
	const char *charset = strcasestr(type, "charset=");
	if (!charset || (!strcasestr(charset, "8859-1") && !strcasestr(charset, "latin1") && !strcasestr(charset, "windows-1252")) || text_is_valid(bytes, n))
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char encoded[4];
		buf_add(out, encoded, (size_t)text_encode(c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c, encoded));
	}
	return 1;
}
