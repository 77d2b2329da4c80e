/* Mails with patches. The text and the diff are parted here, before git sees anything, because the words of a mail may
 * look like a patch to a lenient parser, and because a body is shown to people and agents while a diff is applied: the
 * words become safe text, the diff stays as it came, byte for byte.
 *
 * The diff begins at the first "diff --git", else at the first "---" line with a "+++" line below it. A mail that went
 * through a mail program has CRLF at every line: the words are read without the CRs, and the diff is left alone, since
 * only whoever applies it can tell whether the files have them too. */
#include "core/agents/mail.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

struct line {
	const char *at;
	size_t size;	/* without its end */
};

struct reader {
	const char *at, *end;
	struct line line;
};

static int next_line(struct reader *r)
{
	if (r->at == r->end)
		return 0;
	const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at)), *end = newline ? newline : r->end;
	r->line = (struct line){r->at, (size_t)(end - r->at)};
	if (r->line.size && end[-1] == '\r')
		r->line.size--;
	r->at = newline ? newline + 1 : r->end;
	return 1;
}

/* Whether the line begins with the word, letters of either case. */
static int begins(const struct line *line, const char *word)
{
	size_t length = strlen(word);
	return line->size >= length && !strncasecmp(line->at, word, length);
}

static int is_exactly(const struct line *line, const char *text)
{
	return line->size == strlen(text) && !memcmp(line->at, text, line->size);
}

/* Encoded words. */

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void decode_base64(struct buf *out, const char *text, size_t size)
{
	unsigned bits = 0, have = 0;
	for (size_t i = 0; i < size && base64_value(text[i]) >= 0; i++) {
		bits = bits << 6 | (unsigned)base64_value(text[i]);
		if ((have += 6) >= 8)
			buf_putc(out, (char)(bits >> (have -= 8)));
	}
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void decode_quoted(struct buf *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '=' && i + 2 < size && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
			buf_putc(out, (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])));
			i += 2;
		} else {
			buf_putc(out, text[i] == '_' ? ' ' : text[i]);
		}
	}
}

static void add_in_utf8(struct buf *out, const struct buf *bytes, int is_latin)
{
	char encoded[4];
	if (!is_latin)
		buf_add(out, buf_str(bytes), bytes->len);
	for (size_t i = 0; is_latin && i < bytes->len; i++)
		buf_add(out, encoded, (size_t)text_encode((unsigned char)bytes->data[i], encoded));
}

/* "=?charset?Q?text?=" at `at`: adds what it means and returns its length; 0 when it is none that is known here. */
static size_t take_encoded_word(struct buf *out, const char *at, const char *end)
{
	const char *charset = at + 2, *mark[3];
	if (end - at < 8 || at[0] != '=' || at[1] != '?')
		return 0;
	for (int i = 0; i < 3; i++) {
		mark[i] = memchr(i ? mark[i - 1] + 1 : charset, '?', (size_t)(end - (i ? mark[i - 1] + 1 : charset)));
		if (!mark[i])
			return 0;
	}
	size_t name = (size_t)(mark[0] - charset);
	int is_latin = name == 10 && !strncasecmp(charset, "iso-8859-1", name);
	int is_utf8 = (name == 5 && !strncasecmp(charset, "utf-8", name)) ||
	              (name == 8 && !strncasecmp(charset, "us-ascii", name));
	char kind = mark[1] == mark[0] + 2 ? (char)toupper((unsigned char)mark[0][1]) : '\0';
	if (mark[2] + 1 == end || mark[2][1] != '=' || !(is_latin || is_utf8) || !(kind == 'B' || kind == 'Q'))
		return 0;
	struct buf bytes = {0};
	(kind == 'B' ? decode_base64 : decode_quoted)(&bytes, mark[1] + 1, (size_t)(mark[2] - mark[1]) - 1);
	add_in_utf8(out, &bytes, is_latin);
	buf_release(&bytes);
	return (size_t)(mark[2] + 2 - at);
}

/* The value of a header as one line of safe text. Space between two encoded words is none (RFC 2047, section 6.2). */
static char *header_text(const struct buf *value)
{
	struct buf plain = {0};
	const char *at = buf_str(value), *end = at + value->len, *word_end = NULL;
	while (at < end) {
		const char *word = at;
		while (word_end == at && word < end && strchr(" \t", *word))
			word++;
		size_t used = take_encoded_word(&plain, word, end);
		if (!used && (used = word == at ? take_encoded_word(&plain, at, end) : 0) == 0) {
			buf_putc(&plain, *at == '\t' ? ' ' : *at);
			at++;
			continue;
		}
		at = word_end = word + used;
	}
	char *text = text_safe_string(buf_str(&plain), plain.len, TEXT_LINE | TEXT_TABS);
	buf_release(&plain);
	return text;
}

/* Headers. */

static char *without_patch_mark(char *title)
{
	char *at = title;
	for (;;) {
		at += strspn(at, " ");
		char *close = *at == '[' ? strchr(at, ']') : NULL, *mark = close ? strstr(at, "PATCH") : NULL;
		if (mark && mark < close)
			at = close + 1;
		else if (!strncasecmp(at, "Re:", 3))
			at += 3;
		else
			break;
	}
	memmove(title, at, strlen(at) + 1);
	for (size_t length = strlen(title); length && title[length - 1] == ' '; )
		title[--length] = '\0';
	return title;
}

/* `"Name, Other" <mail>` without the quotes, and "mail" as a name too where there is no other. A name that was encoded
 * may hold brackets: they become round, or a part of it could pass for the address. */
static char *author_of(char *from_take)
{
	char *from = from_take + strspn(from_take, " "), *open = strrchr(from, '<'), *out;
	char *close = open ? strchr(open, '>') : NULL;
	if (!close) {
		out = xasprintf("%s <%s>", from, from);
	} else {
		size_t name = (size_t)(open - from);
		while (name && strchr(" \"", from[name - 1]))
			name--;
		for (size_t i = 0; i < name; i++)
			from[i] = from[i] == '<' ? '(' : from[i] == '>' ? ')' : from[i];
		size_t skip = strspn(from, " \"");
		skip = skip < name ? skip : name;
		if (skip == name)
			out = xasprintf("%.*s %.*s", (int)(close - open) - 1, open + 1, (int)(close - open) + 1, open);
		else
			out = xasprintf("%.*s %.*s", (int)(name - skip), from + skip, (int)(close - open) + 1, open);
	}
	free(from_take);
	return out;
}

static void take_header(struct mail *m, const struct buf *header)
{
	struct line line = {buf_str(header), header->len};
	const char *colon = memchr(line.at, ':', line.size);
	char **field = begins(&line, "Subject:") ? &m->title : begins(&line, "From:") ? &m->author : NULL;
	if (begins(&line, "Date:"))
		field = &m->date;
	if (!field)
		return;
	size_t skip = (size_t)(colon + 1 - line.at);
	while (skip < line.size && strchr(" \t", line.at[skip]))
		skip++;
	struct buf value = {0};
	buf_add(&value, line.at + skip, line.size - skip);
	char *text = header_text(&value);
	free(*field);
	*field = field == &m->title ? without_patch_mark(text) : field == &m->author ? author_of(text) : text;
	buf_release(&value);
}

static int is_refused(const struct buf *header, struct err *err)
{
	struct line line = {buf_str(header), header->len};
	if (begins(&line, "Content-Transfer-Encoding:") &&
	    (strcasestr(line.at, "quoted-printable") || strcasestr(line.at, "base64")))
		return err_set(err, "the mail's body is packed (%s): save the patch as `git format-patch` writes it",
		               line.at);
	if (begins(&line, "Content-Type:") && strcasestr(line.at, "multipart/"))
		return err_set(err, "the mail has attachments: save the patch as `git format-patch` writes it");
	return 0;
}

static int is_header_name(const struct line *line)
{
	size_t i = 0;
	while (i < line->size && (isalnum((unsigned char)line->at[i]) || line->at[i] == '-'))
		i++;
	return i > 0 && i < line->size && line->at[i] == ':';
}

/* A mail begins with headers, the sender or the subject among them; any other text begins with its title. */
static int has_headers(struct reader r)
{
	int found = 0;
	while (next_line(&r) && r.line.size && (is_header_name(&r.line) || strchr(" \t", *r.line.at)))
		found |= begins(&r.line, "From:") || begins(&r.line, "Subject:");
	return found;
}

static int read_headers(struct mail *m, struct reader *r, struct err *err)
{
	struct buf header = {0};
	int rc = 0, more = 1;
	while (!rc && more) {
		more = next_line(r) && r->line.size;
		int goes_on = more && header.len && strchr(" \t", *r->line.at);
		if (header.len && !goes_on) {
			rc = is_refused(&header, err);
			take_header(m, &header);
			buf_truncate(&header, 0);
		}
		if (more)
			buf_add(&header, r->line.at, r->line.size);
	}
	buf_release(&header);
	return rc;
}

/* Body and diff. */

static int begins_exactly(const struct line *line, const char *word)
{
	return line->size >= strlen(word) && !memcmp(line->at, word, strlen(word));
}

static const char *find_diff(struct reader r)
{
	const char *plain = NULL, *former = NULL;
	while (next_line(&r)) {
		if (begins_exactly(&r.line, "diff --git "))
			return r.line.at;
		if (!plain && former && begins_exactly(&r.line, "+++ "))
			plain = former;
		former = begins_exactly(&r.line, "--- ") ? r.line.at : NULL;
	}
	return plain;
}

/* The "-- " line and the version below it. In a hunk the line below would begin with a sign. */
static const char *without_signature(const char *diff, const char *end)
{
	struct reader r = {.at = diff, .end = end};
	while (next_line(&r)) {
		const char *at = r.line.at;
		struct reader below = r;
		if ((is_exactly(&r.line, "-- ") || is_exactly(&r.line, "--")) && next_line(&below) && below.line.size &&
		    !strchr(" +-\\@", *below.line.at) && !begins_exactly(&below.line, "diff "))
			return at;
	}
	return end;
}

/* "From 0123…" with the date that format-patch always writes, or another mail's headers right below. */
static int holds_another_mail(const char *diff, const char *end)
{
	struct reader r = {.at = diff, .end = end};
	while (next_line(&r))
		if (begins_exactly(&r.line, "From ") && has_headers(r))
			return 1;
	return 0;
}

/* In-body headers, as git reads them: "From:" on the first line says who wrote it, where another sent it. */
static void read_body(struct mail *m, struct reader r, int needs_title)
{
	struct buf body = {0}, header = {0};
	int begun = 0;
	while (next_line(&r)) {
		if (is_exactly(&r.line, "---") || is_exactly(&r.line, "-- ") || begins_exactly(&r.line, "diff -") ||
		    begins_exactly(&r.line, "Index: "))
			break;
		if (!begun && !r.line.size)
			continue;
		if (!begun && (begins(&r.line, "From:") || needs_title)) {
			buf_truncate(&header, 0);
			buf_puts(&header, begins(&r.line, "From:") ? "" : "Subject: ");
			buf_add(&header, r.line.at, r.line.size);
			take_header(m, &header);
			needs_title = needs_title && begins(&r.line, "From:");
			continue;
		}
		begun = 1;
		buf_add(&body, r.line.at, r.line.size);
		buf_putc(&body, '\n');
	}
	while (body.len && isspace((unsigned char)body.data[body.len - 1]))
		buf_truncate(&body, body.len - 1);
	free(m->body);
	m->body = text_safe_string(buf_str(&body), body.len, TEXT_NEWLINES | TEXT_TABS);
	buf_release(&body);
	buf_release(&header);
}

/* "Key: value" and the indented lines below it, as one line; NULL for any other line. */
static char *field_text(struct reader *r, const char *key)
{
	if (!begins(&r->line, key))
		return NULL;
	struct buf text = {0};
	const char *at = r->line.at + strlen(key), *end = r->line.at + r->line.size;
	for (;;) {
		while (at < end && *at == ' ')
			at++;
		if (at < end && text.len)
			buf_putc(&text, ' ');
		buf_add(&text, at, (size_t)(end - at));
		if (r->at == r->end || *r->at != ' ')
			break;
		next_line(r);
		at = r->line.at;
		end = at + r->line.size;
	}
	return buf_take(&text);
}

static void read_fields(struct mail *m)
{
	struct reader r = {.at = m->body, .end = m->body + strlen(m->body)};
	while (next_line(&r)) {
		char *idea = field_text(&r, "Idea:"), *source = idea ? NULL : field_text(&r, "Source:");
		char *expected = idea || source ? NULL : field_text(&r, "Expected:");
		if (!idea && !source && !expected)
			expected = field_text(&r, "Expect:");
		if (idea && *idea)
			string_set(&m->idea, idea);
		if (expected && *expected)
			string_set(&m->expected, expected);
		if (source && *source)
			strings_add(&m->sources, source);
		free(idea);
		free(source);
		free(expected);
	}
}

int mail_parse(struct mail *m, const char *bytes, size_t n, struct err *err)
{
	*m = (struct mail){.title = xstrdup(""), .body = xstrdup("")};
	struct reader r = {.at = bytes, .end = bytes + n}, first = r;
	if (!n)
		return err_set(err, "the patch file is empty");
	if (next_line(&first) && begins_exactly(&first.line, "From ") && has_headers(first))
		r = first;
	int is_mail = has_headers(r);
	if (is_mail && read_headers(m, &r, err))
		return -1;
	const char *diff = find_diff(r), *end = diff ? without_signature(diff, r.end) : r.end;
	if (diff && holds_another_mail(diff, r.end))
		return err_set(err, "the file holds several mails: save one patch a file, as `git format-patch` does");
	if (diff) {
		m->diff = (size_t)(diff - bytes);
		m->diff_size = (size_t)(end - diff);
		r.end = diff;
	}
	read_body(m, r, !is_mail);
	read_fields(m);
	return 0;
}

void mail_release(struct mail *m)
{
	free(m->title);
	free(m->body);
	free(m->author);
	free(m->date);
	free(m->idea);
	free(m->expected);
	strings_release(&m->sources);
	*m = (struct mail){0};
}
