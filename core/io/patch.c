/* Why this is not libgit2's: its apply takes a hunk only at the very line that the header names, so a patch made a
 * commit ago fails on a baseline that merely moved; it says that a hunk failed but not against what; and its parser
 * knows diffs in git's form only. So headers are brought into that form here, libgit2 parses them (modes, renames,
 * quoted names, binary data), and the hunks come back to be placed with git's own rules.
 *
 * Both parts are one pass over lines. The first follows the counts of each `@@`, because a removed line that begins
 * with "-- " looks like a header to anything that does not count. */
#include "core/io/patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text_line {
	const char *bytes;
	size_t size;	/* with its newline */
};

/* Cuts the next line off (*at, *left); 0 at the end. */
static int next_line(const char **at, size_t *left, struct text_line *line)
{
	if (!*left)
		return 0;
	const char *newline = memchr(*at, '\n', *left);
	*line = (struct text_line){*at, newline ? (size_t)(newline - *at) + 1 : *left};
	*at += line->size;
	*left -= line->size;
	return 1;
}

static int begins(const struct text_line *line, const char *word)
{
	size_t length = strlen(word);
	return line->size >= length && !memcmp(line->bytes, word, length);
}

/* The text after the first `skip` bytes, without the end of the line. The caller frees it. */
static char *rest_of(const struct text_line *line, size_t skip)
{
	size_t end = line->size;
	while (end > skip && (line->bytes[end - 1] == '\n' || line->bytes[end - 1] == '\r'))
		end--;
	return xstrndup(line->bytes + skip, end - skip);
}

/* Bringing a diff into git's form. */

struct former {
	struct buf *out;
	struct patch_fault *fault;
	size_t old_left, new_left;	/* lines that the hunk at hand still has */
	const char *hunk;		/* where it, or the one just complete, begins */
	int has_header;			/* a `diff --git` line stands above these lines */
	int add_prefix;			/* that line had no a/ and b/ */
	int in_binary;			/* packed data goes through as it is */
	size_t header;			/* where in out that line has its names */
	char *old_name, *new_name;	/* they, where it is plain which is which */
	char *moved_from, *moved_to;	/* what `rename` or `copy` lines said, with prefix */
	int is_new, is_gone;		/* and nothing of the content was seen yet */
};

/* The first fault counts. Takes path; the hunk is quoted up to `end`. */
static void set_fault(struct former *f, char *path, const char *end, const char *why)
{
	if (f->fault->why)
		free(path);
	else
		*f->fault = (struct patch_fault){path, path ? NULL : xstrndup(f->hunk, (size_t)(end - f->hunk)), why};
}

static int leaves_project(const char *header)
{
	for (const char *at = header; *at; at++) {
		int starts = at == header || strchr("/ \"", at[-1]) != NULL;
		int is_up = !strncmp(at, "..", 2) && (!at[2] || strchr("/ \"", at[2]));
		if (starts && (is_up || (*at == '/' && strcmp(at, "/dev/null"))))
			return 1;
	}
	return 0;
}

static void check_path(struct former *f, const struct text_line *line, size_t skip)
{
	char *path = rest_of(line, skip);
	char *tab = strchr(path, '\t');
	if (tab)
		*tab = '\0';
	if (leaves_project(path))
		set_fault(f, path, NULL, "the path leaves the project");
	else
		free(path);
}

static void forget_header(struct former *f)
{
	free(f->old_name);
	free(f->new_name);
	free(f->moved_from);
	free(f->moved_to);
	f->old_name = f->new_name = f->moved_from = f->moved_to = NULL;
	f->has_header = f->add_prefix = f->in_binary = f->is_new = f->is_gone = 0;
}

/* libgit2 wants an index line before any content, and chokes on what some write there. It reads nothing from it that
 * is needed here, so each gets the same. */
static void add_index_line(struct former *f)
{
	buf_puts(f->out, "index 1111111..2222222\n");
	f->is_new = f->is_gone = 0;
}

/* An empty file that comes or goes has no content to show; libgit2 1.5 wants to see its names all the same. */
static void end_header(struct former *f)
{
	if ((f->is_new || f->is_gone) && f->old_name) {
		const char *old_name = f->is_new ? "/dev/null" : f->old_name;
		const char *new_name = f->is_gone ? "/dev/null" : f->new_name;
		add_index_line(f);
		buf_printf(f->out, "--- %s\n+++ %s\n", old_name, new_name);
	}
	forget_header(f);
}

/* The name under the prefix. libgit2 1.5 splits the line at spaces, so a name with one is quoted (git quotes those that
 * hold a quote or a backslash already). */
static char *prefixed(const char *prefix, const char *name)
{
	int is_quoted = *name == '"', add = !is_quoted && strchr(name, ' ') && !strpbrk(name, "\"\\");
	return xasprintf("%s%s%s%s", is_quoted || add ? "\"" : "", prefix, name + is_quoted, add ? "\"" : "");
}

/* "diff --git P P": made without prefixes, when both halves are the same. */
static void take_git_header(struct former *f, const struct text_line *line)
{
	end_header(f);
	char *names = rest_of(line, strlen("diff --git "));
	size_t half = strlen(names) / 2;
	check_path(f, line, strlen("diff --git "));
	f->has_header = 1;
	f->header = f->out->len + strlen("diff --git ");
	if (strlen(names) % 2 && names[half] == ' ') {
		names[half] = '\0';
		f->add_prefix = !strcmp(names, names + half + 1);
		f->old_name = prefixed(f->add_prefix ? "a/" : "", names);
		f->new_name = prefixed(f->add_prefix ? "b/" : "", names + half + 1);
		buf_printf(f->out, "diff --git %s %s\n", f->old_name, f->new_name);
	} else {
		buf_printf(f->out, "diff --git %s\n", names);
	}
	free(names);
}

/* The names of a move stand alone in their lines, without prefix: the line above is written again from them, and so are
 * those below, which settles where it is to be split and whether there are prefixes. */
static void take_move(struct former *f, const struct text_line *line, size_t skip, int is_target)
{
	char *name = rest_of(line, skip);
	check_path(f, line, skip);
	if (!is_target) {
		buf_puts(f->out, "similarity index 100%\n");	/* libgit2 insists on one, nothing reads it */
		free(f->moved_from);
		f->moved_from = prefixed("a/", name);
	} else if (f->moved_from && !f->moved_to) {
		char *rest = xstrdup(strchr(f->out->data + f->header, '\n'));
		f->moved_to = prefixed("b/", name);
		buf_truncate(f->out, f->header);
		buf_printf(f->out, "%s %s%s", f->moved_from, f->moved_to, rest);
		free(rest);
	}
	char *quoted = prefixed("", name);
	buf_printf(f->out, "%.*s%s\n", (int)skip, line->bytes, quoted);
	free(quoted);
	free(name);
}

/* The name in a `---` or `+++` line, without its time stamp; "" for no file, which `diff -N` marks with the epoch. */
static char *plain_name(const struct text_line *line)
{
	char *name = rest_of(line, 4), *tab = strchr(name, '\t');
	if (tab && (!strncmp(tab + 1, "1970-01-01 ", 11) || !strncmp(tab + 1, "1969-12-31 ", 11)))
		*name = '\0';
	else if (tab)
		*tab = '\0';
	if (!strcmp(name, "/dev/null"))
		*name = '\0';
	return name;
}

static const char *without_prefix(const char *name, const char *other)
{
	int is_prefixed = *other ? strcmp(name, other) != 0 : !strncmp(name, "a/", 2) || !strncmp(name, "b/", 2);
	const char *slash = strchr(name, '/');
	return is_prefixed && slash ? slash + 1 : name;
}

static void take_plain_header(struct former *f, const struct text_line *old_line, const struct text_line *new_line)
{
	char *old_name = plain_name(old_line), *new_name = plain_name(new_line);
	const char *path = *new_name ? without_prefix(new_name, old_name) : without_prefix(old_name, new_name);
	check_path(f, old_line, 4);
	check_path(f, new_line, 4);
	char *from = prefixed("a/", path), *to = prefixed("b/", path);
	buf_printf(f->out, "diff --git %s %s\n", from, to);
	free(from);
	free(to);
	if (!*old_name)
		buf_puts(f->out, "new file mode 100644\n");
	else if (!*new_name)
		buf_puts(f->out, "deleted file mode 100644\n");
	buf_printf(f->out, "--- %s%s\n", *old_name ? "a/" : "/dev/null", *old_name ? path : "");
	buf_printf(f->out, "+++ %s%s\n", *new_name ? "b/" : "/dev/null", *new_name ? path : "");
	free(old_name);
	free(new_name);
}

static void take_name(struct former *f, const struct text_line *line)
{
	char *name = rest_of(line, 4);
	int is_old = *line->bytes == '-', is_quoted = *name == '"';
	check_path(f, line, 4);
	if (is_old)
		add_index_line(f);
	if (f->moved_to)
		buf_printf(f->out, "%.4s%s\n", line->bytes, is_old ? f->moved_from : f->moved_to);
	else if (f->add_prefix && strcmp(name, "/dev/null"))
		buf_printf(f->out, "%.4s%s%s%s\n", line->bytes, is_quoted ? "\"" : "", is_old ? "a/" : "b/",
		           name + is_quoted);
	else
		buf_printf(f->out, "%.4s%s\n", line->bytes, name);
	free(name);
}

/* One line below `diff --git`. What git's form does not know there is left out. */
static void take_header_line(struct former *f, const struct text_line *line)
{
	static const char *const known[] = {"old mode ", "new mode ", "new file mode ", "deleted file mode ",
		"rename from ", "rename to ", "copy from ", "copy to ", "GIT binary patch", "Binary files "};
	size_t i = 0, count = sizeof known / sizeof *known;
	while (i < count && !begins(line, known[i]))
		i++;
	if (begins(line, "--- ") || begins(line, "+++ "))
		take_name(f, line);
	if (i == count)
		return;
	f->is_new |= i == 2;
	f->is_gone |= i == 3;
	f->in_binary = i == 8;
	if (i >= 4 && i < 8) {
		take_move(f, line, strlen(known[i]), i % 2);
		return;
	}
	if (i >= 8)
		add_index_line(f);
	char *text = rest_of(line, 0);
	buf_printf(f->out, "%s\n", text);
	free(text);
}

static void open_hunk(struct former *f, const struct text_line *line)
{
	char *header = rest_of(line, 0);
	unsigned long old_lines = 1, new_lines = 1;
	if (sscanf(header, "@@ -%*u,%lu +%*u,%lu", &old_lines, &new_lines) < 2) {
		new_lines = old_lines = 1;
		if (sscanf(header, "@@ -%*u,%lu +%*u", &old_lines) < 1)
			sscanf(header, "@@ -%*u +%*u,%lu", &new_lines);
	}
	forget_header(f);
	f->old_left = old_lines;
	f->new_left = new_lines;
	f->hunk = line->bytes;
	buf_add(f->out, line->bytes, line->size);
	free(header);
}

static void take_hunk_line(struct former *f, const struct text_line *line)
{
	char sign = line->bytes[0];
	buf_add(f->out, line->bytes, line->size);
	if (sign == '\\')
		return;
	int is_old = sign != '+', is_new = sign != '-';
	if (memchr(line->bytes, '\0', line->size))	/* libgit2 1.5 would read beyond the end of such a line */
		set_fault(f, NULL, line->bytes + line->size, "a line of the hunk holds a NUL byte: "
		          "make the patch with git diff --binary");
	else if (!memchr("+- \n\r", sign, 5))
		set_fault(f, NULL, line->bytes + line->size, "a line of the hunk begins with none of space, - and +: "
		          "either it is damaged or the header counts more lines than the hunk has");
	else if ((is_old && !f->old_left) || (is_new && !f->new_left))
		set_fault(f, NULL, line->bytes + line->size, "the hunk has other lines than its header counts");
	f->old_left -= is_old && f->old_left;
	f->new_left -= is_new && f->new_left;
}

/* A line of change right behind a hunk that is complete by its counts would be lost without a word. */
static void close_hunk(struct former *f, const struct text_line *line)
{
	int is_signature = begins(line, "-- ") || begins(line, "--\n") || begins(line, "--\r");
	int is_header = begins(line, "--- ") || begins(line, "+++ ");
	if (memchr("+- ", line->bytes[0], 3) && !is_signature && !is_header)
		set_fault(f, NULL, line->bytes + line->size, "the header counts fewer lines than the hunk has");
	if (line->bytes[0] == '\\')
		buf_add(f->out, line->bytes, line->size);
	else
		f->hunk = NULL;
}

static void take_line(struct former *f, const struct text_line *line, const char **at, size_t *left)
{
	const char *peek = *at;
	size_t peek_left = *left;
	struct text_line next;
	if (f->old_left || f->new_left) {
		take_hunk_line(f, line);
		return;
	}
	if (memchr(line->bytes, '\0', line->size))
		return;
	if (f->hunk)
		close_hunk(f, line);
	if (begins(line, "diff --git ")) {
		take_git_header(f, line);
	} else if (begins(line, "@@ -") && !f->in_binary) {
		open_hunk(f, line);
	} else if (f->in_binary) {
		buf_add(f->out, line->bytes, line->size);
	} else if (f->has_header) {
		take_header_line(f, line);
	} else if (begins(line, "--- ") && next_line(&peek, &peek_left, &next) && begins(&next, "+++ ")) {
		take_plain_header(f, line, &next);
		*at = peek;
		*left = peek_left;
	}
}

int patch_to_git_form(const char *diff, size_t size, struct buf *out, struct patch_fault *fault)
{
	struct former f = {.out = out, .fault = fault};
	struct text_line line;
	*fault = (struct patch_fault){0};
	while (next_line(&diff, &size, &line))
		take_line(&f, &line, &diff, &size);
	if (f.old_left || f.new_left)
		set_fault(&f, NULL, diff, "the patch ends in the middle of a hunk, "
		          "or its header counts more lines than it has");
	end_header(&f);
	if (out->len && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
	return fault->why ? -1 : 0;
}

/* Laying hunks over a text. */

struct text_lines {
	struct text_line *at;
	size_t count, room;
};

struct placement {
	struct text_line *old;		/* the lines that must stand there */
	size_t count;
	int at_start, at_end;		/* there, and nowhere else */
};

void patch_hunk_release(struct patch_hunk *h)
{
	free(h->lines);
	*h = (struct patch_hunk){0};
}

static struct placement placement_of(const struct patch_hunk *hunk)
{
	struct placement p = {.old = xcalloc(hunk->count, sizeof *p.old)};
	int has_context = 0;
	for (size_t i = 0; i < hunk->count; i++) {
		const struct patch_line *line = &hunk->lines[i];
		has_context |= line->sign == ' ';
		if (line->sign != '+')
			p.old[p.count++] = (struct text_line){line->bytes, line->size};
	}
	p.at_start = !hunk->old_start || (hunk->old_start == 1 && has_context);
	p.at_end = has_context && hunk->lines[hunk->count - 1].sign != ' ';
	return p;
}

static int same_line(const struct text_line *a, const struct text_line *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

static int fits(const struct text_lines *text, const struct placement *p, size_t at)
{
	if (at > text->count || p->count > text->count - at || (p->at_end && at + p->count != text->count))
		return 0;
	for (size_t i = 0; i < p->count; i++)
		if (!same_line(&text->at[at + i], &p->old[i]))
			return 0;
	return 1;
}

/* Looks from `expected` outwards, never before `from`. */
static int find_place(const struct text_lines *text, const struct placement *p, size_t from, size_t expected,
                      size_t *place)
{
	if (p->at_start) {
		*place = 0;
		return from == 0 && fits(text, p, 0);
	}
	if (expected > text->count)
		expected = text->count;
	for (size_t away = 0; away <= text->count; away++) {
		*place = expected - away;
		if (expected >= away + from && fits(text, p, *place))
			return 1;
		*place = expected + away;
		if (*place >= from && fits(text, p, *place))
			return 1;
	}
	return 0;
}

static void quote(struct buf *why, const struct text_line *line)
{
	size_t size = line->size;
	while (size && (line->bytes[size - 1] == '\n' || line->bytes[size - 1] == '\r'))
		size--;
	int is_long = size > 80;
	if (is_long)
		for (size = 80; size && ((unsigned char)line->bytes[size] & 0xc0) == 0x80; )
			size--;
	buf_puts(why, "\"");
	buf_add(why, line->bytes, size);
	buf_puts(why, is_long ? "…\"" : "\"");
}

static int ends_in_crlf(const struct text_line *line)
{
	return line->size > 1 && line->bytes[line->size - 2] == '\r' && line->bytes[line->size - 1] == '\n';
}

/* What stands where the hunk says it belongs. */
static void explain(const struct text_lines *text, const struct placement *p, size_t expected, struct buf *why)
{
	if (p->at_start)
		expected = 0;
	for (size_t i = 0; i < p->count; i++) {
		size_t at = expected + i;
		if (at >= text->count) {
			buf_printf(why, "the file ends at line %zu, the patch expects ", text->count);
			quote(why, &p->old[i]);
			buf_printf(why, " at line %zu", at + 1);
			return;
		}
		if (same_line(&text->at[at], &p->old[i]))
			continue;
		if (ends_in_crlf(&p->old[i]) && !ends_in_crlf(&text->at[at])) {
			buf_puts(why, "the patch has CRLF line ends and the file has not: convert it (dos2unix)");
			return;
		}
		if (ends_in_crlf(&text->at[at]) && !ends_in_crlf(&p->old[i])) {
			buf_puts(why, "the file has CRLF line ends and the patch has not: make it from that file");
			return;
		}
		size_t size = text->at[at].size;
		if (size + 1 == p->old[i].size && !memcmp(text->at[at].bytes, p->old[i].bytes, size)) {
			buf_printf(why, "line %zu, the last, has no newline, and the patch expects one", at + 1);
			return;
		}
		buf_printf(why, "line %zu is ", at + 1);
		quote(why, &text->at[at]);
		buf_puts(why, ", the patch expects ");
		quote(why, &p->old[i]);
		return;
	}
	buf_printf(why, "the lines match at line %zu, but the hunk shows no context %s them, as if the file %s there",
	           expected + 1, p->at_end ? "after" : "before", p->at_end ? "ended" : "began");
}

static void add_lines(struct buf *out, const struct text_lines *text, size_t from, size_t to)
{
	for (; from < to; from++)
		buf_add(out, text->at[from].bytes, text->at[from].size);
}

int patch_apply(const char *text, size_t size, const struct patch_hunk *hunks, size_t count, struct buf *out,
                size_t *failed, struct buf *why)
{
	struct text_lines lines = {0};
	for (struct text_line line; next_line(&text, &size, &line); )
		*(struct text_line *)array_add(&lines.at, &lines.count, &lines.room, sizeof line) = line;
	size_t done = 0;	/* lines of the text that are out already */
	size_t shift = 0;	/* what the last hunk was off by; below zero it wraps, and back when added */
	int rc = 0;
	for (size_t i = 0; i < count && !rc; i++) {
		struct placement p = placement_of(&hunks[i]);
		size_t named = hunks[i].old_start - (hunks[i].old_start && hunks[i].old_lines), place;
		size_t expected = named + shift <= lines.count ? named + shift : named;
		if (find_place(&lines, &p, done, expected, &place)) {
			add_lines(out, &lines, done, place);
			for (size_t k = 0; k < hunks[i].count; k++)
				if (hunks[i].lines[k].sign != '-')
					buf_add(out, hunks[i].lines[k].bytes, hunks[i].lines[k].size);
			done = place + p.count;
			shift = place - named;
		} else {
			explain(&lines, &p, expected, why);
			*failed = i;
			rc = -1;
		}
		free(p.old);
	}
	add_lines(out, &lines, done, lines.count);
	free(lines.at);
	return rc;
}
