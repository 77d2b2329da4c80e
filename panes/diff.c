/* Reading a unified diff. One pass over the text makes an index of lines; the text itself is kept whole and never
 * copied, so a diff of 700 kB is ready in a few milliseconds. The counts in a hunk's header say which lines belong to
 * it: a removed line that reads "-- a/x" is no header. Headers of git are folded into the file's note; what is not
 * understood is kept as a remark, because a reviewer must see all that is there.
 *
 * Words are compared later, hunk by hunk, when a hunk comes into view. A removed line is paired with the first of
 * the next few added ones that is similar enough (as delta does it); of a pair, what is not in the longest common run
 * of words is emphasised. Every step draws from one budget per hunk. When it is used up, the rest of the hunk is
 * shown as changed as a whole.
 */
#include "panes/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum {
	WORDS_MAX = 256,	/* of a line */
	LOOK_AHEAD = 5,		/* added lines that a removed one is compared with */
	BUDGET = 1 << 20,	/* words compared and bytes split, of a hunk */
	SIMILAR_PERCENT = 40,
};

/* Parsing */

struct parser {
	struct diff *d;
	struct buf note;		/* of the file whose header is being read */
	uint32_t old, new;		/* numbers of the next line */
	uint32_t old_left, new_left;	/* of the hunk */
	int in_header;
	char old_mode[8];
};

static struct diff_line *add_line(struct diff *d, enum diff_kind kind, const char *text, size_t size)
{
	struct diff_line *line = array_add(&d->lines, &d->line_count, &d->line_room, sizeof *line);

	line->kind = kind;
	line->start = (uint32_t)(text - d->text);
	line->size = (uint32_t)size;
	line->file = d->file_count ? (uint32_t)d->file_count - 1 : DIFF_NONE;
	line->hunk = d->file_count && d->files[d->file_count - 1].hunks ? (uint32_t)d->hunk_count - 1 : DIFF_NONE;
	return line;
}

static void end_header(struct parser *p)
{
	struct diff *d = p->d;

	if (p->in_header && p->note.len)
		d->files[d->file_count - 1].note = xstrdup(buf_str(&p->note));
	buf_truncate(&p->note, 0);
	p->in_header = 0;
}

static void end_hunk(struct parser *p)
{
	struct diff *d = p->d;

	p->old_left = p->new_left = 0;
	if (d->hunk_count && !d->hunks[d->hunk_count - 1].end)
		d->hunks[d->hunk_count - 1].end = d->line_count;
}

static void begin_file(struct parser *p, const char *at)
{
	struct diff *d = p->d;
	struct diff_file *file;

	end_header(p);
	end_hunk(p);
	file = array_add(&d->files, &d->file_count, &d->file_room, sizeof *file);
	file->path = xstrdup("");
	file->line = d->line_count;
	add_line(d, DIFF_FILE, at, 0);
	p->in_header = 1;
	p->old_mode[0] = '\0';
}

static int after(const char **rest, size_t *left, const char *line, size_t size, const char *prefix)
{
	size_t n = strlen(prefix);

	if (size < n || strncmp(line, prefix, n))
		return 0;
	*rest = line + n;
	*left = size - n;
	return 1;
}

/* "a/src/x.c" or "\"a/sp\\303\\244.c\"" without quotes and without the prefix of a side. */
static void set_path(struct parser *p, const char *name, size_t size, int has_prefix)
{
	struct diff_file *file = &p->d->files[p->d->file_count - 1];

	if (size >= 2 && name[0] == '"' && name[size - 1] == '"') {
		name++;
		size -= 2;
	}
	if (size == 9 && !strncmp(name, "/dev/null", 9))
		return;
	if (has_prefix && size > 2 && name[1] == '/') {
		name += 2;
		size -= 2;
	}
	free(file->path);
	file->path = xstrndup(name, size);
}

/* "a/x.c b/x.c": both halves name the same file, or the lines that follow say how they differ. */
static void set_path_of_both(struct parser *p, const char *names, size_t size)
{
	if (size % 2)
		set_path(p, names + size / 2 + 1, size / 2, 1);
	else
		set_path(p, names, size, 0);
}

static void note(struct parser *p, const char *text, const char *more, size_t size)
{
	buf_printf(&p->note, "%s%s%.*s", p->note.len ? ", " : "", text, (int)size, more);
}

static void note_mode(struct parser *p, const char *mode, size_t size)
{
	static const struct {
		const char *mode, *word;
	} words[] = { { "100755", "executable" }, { "120000", "symbolic link" }, { "160000", "submodule" } };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (size == 6 && !strncmp(mode, words[i].mode, 6))
			note(p, words[i].word, "", 0);
}

/* Whether the line is one of the header that needs no line of its own. */
static int take_header(struct parser *p, const char *line, size_t size)
{
	const char *rest;
	size_t left;

	if (after(&rest, &left, line, size, "index ") || after(&rest, &left, line, size, "similarity index ") ||
	    after(&rest, &left, line, size, "dissimilarity index ")) {
		if (left > 7 && rest[left - 7] == ' ')
			note_mode(p, rest + left - 6, 6);
	} else if (after(&rest, &left, line, size, "--- ") || after(&rest, &left, line, size, "+++ ")) {
		set_path(p, rest, left, 1);
	} else if (after(&rest, &left, line, size, "rename to ") || after(&rest, &left, line, size, "copy to ")) {
		set_path(p, rest, left, 0);
	} else if (after(&rest, &left, line, size, "rename from ")) {
		note(p, "renamed from ", rest, left);
	} else if (after(&rest, &left, line, size, "copy from ")) {
		note(p, "copied from ", rest, left);
	} else if (after(&rest, &left, line, size, "new file mode ")) {
		note(p, "new file", "", 0);
		note_mode(p, rest, left);
	} else if (after(&rest, &left, line, size, "deleted file mode ")) {
		note(p, "deleted", "", 0);
	} else if (after(&rest, &left, line, size, "old mode ")) {
		snprintf(p->old_mode, sizeof p->old_mode, "%.*s", left < 7 ? (int)left : 7, rest);
	} else if (after(&rest, &left, line, size, "new mode ")) {
		note(p, "mode ", p->old_mode, strlen(p->old_mode));
		buf_printf(&p->note, " to %.*s", (int)left, rest);
	} else if (after(&rest, &left, line, size, "Binary files ")) {
		note(p, "binary", "", 0);
	} else {
		return 0;
	}
	return 1;
}

/* "-12,5" or "-12" (one line). Returns what stands behind it, NULL when it is no range. */
static const char *read_range(const char *s, char sign, uint32_t *first, uint32_t *count)
{
	char *end;

	if (*s++ != sign || *s < '0' || *s > '9')
		return NULL;
	*first = (uint32_t)strtoul(s, &end, 10);
	*count = 1;
	if (*end == ',' && end[1] >= '0' && end[1] <= '9')
		*count = (uint32_t)strtoul(end + 1, &end, 10);
	return end;
}

static int take_hunk(struct parser *p, const char *line, size_t size)
{
	struct diff *d = p->d;
	uint32_t old, old_count, new, new_count;
	struct diff_hunk *hunk;
	struct diff_line *header;
	const char *s = line;

	if (size < 4 || strncmp(s, "@@ ", 3) || !d->file_count)
		return 0;
	s = read_range(s + 3, '-', &old, &old_count);
	if (!s || *s != ' ')
		return 0;
	s = read_range(s + 1, '+', &new, &new_count);
	if (!s || strncmp(s, " @@", 3))
		return 0;
	end_header(p);
	end_hunk(p);
	hunk = array_add(&d->hunks, &d->hunk_count, &d->hunk_room, sizeof *hunk);
	*hunk = (struct diff_hunk){ d->line_count, 0, old, old_count, new, new_count, 0 };
	d->files[d->file_count - 1].hunks++;
	s += s[3] == ' ' ? 4 : 3;
	header = add_line(d, DIFF_HUNK, s, (size_t)(line + size - s));
	header->old = old;
	header->new = new;
	p->old = old;
	p->new = new;
	p->old_left = old_count;
	p->new_left = new_count;
	return 1;
}

static void take_body(struct parser *p, const char *line, size_t size)
{
	struct diff_file *file = &p->d->files[p->d->file_count - 1];
	int removed = size && *line == '-', added = size && *line == '+';
	enum diff_kind kind = removed ? DIFF_REMOVED : added ? DIFF_ADDED : DIFF_CONTEXT;
	struct diff_line *l = add_line(p->d, kind, line + (size > 0), size - (size > 0));

	l->new = p->new;
	if (!added) {
		l->old = p->old++;
		p->old_left -= p->old_left > 0;
	}
	if (!removed) {
		p->new++;
		p->new_left -= p->new_left > 0;
	}
	file->added += (unsigned)added;
	file->removed += (unsigned)removed;
	if (p->old > p->d->last_number)
		p->d->last_number = p->old;
	if (p->new > p->d->last_number)
		p->d->last_number = p->new;
}

static void take_line(struct parser *p, const char *line, size_t size)
{
	const char *rest;
	size_t left;

	if ((p->old_left || p->new_left) && (!size || strchr(" -+", *line))) {
		take_body(p, line, size);
	} else if (after(&rest, &left, line, size, "diff --git ")) {
		begin_file(p, line);
		set_path_of_both(p, rest, left);
	} else if (after(&rest, &left, line, size, "--- ") && !p->in_header) {
		begin_file(p, line);
		set_path(p, rest, left, 1);
	} else if (!take_hunk(p, line, size) && !(p->in_header && take_header(p, line, size)) && size) {
		add_line(p->d, DIFF_REMARK, line, size);
	}
}

void diff_parse(struct diff *d, const char *text)
{
	struct parser p = { .d = d };
	const char *at, *end;

	d->text = xstrdup(text);
	for (at = d->text; *at; at = *end ? end + 1 : end) {
		end = strchr(at, '\n');
		if (!end)
			end = at + strlen(at);
		take_line(&p, at, (size_t)(end - at));
	}
	end_header(&p);
	end_hunk(&p);
	buf_release(&p.note);
}

void diff_release(struct diff *d)
{
	for (size_t i = 0; i < d->file_count; i++) {
		free(d->files[i].path);
		free(d->files[i].note);
	}
	free(d->files);
	free(d->hunks);
	free(d->lines);
	free(d->spans);
	free(d->text);
	*d = (struct diff){ 0 };
}

const char *diff_text(const struct diff *d, const struct diff_line *line)
{
	return d->text + line->start;
}

/* Words */

struct word {
	uint32_t from, to;
	int is_common;
};

struct words {
	const char *text;
	struct word at[WORDS_MAX];
	size_t count;
};

struct emphasis {
	struct diff *d;
	struct words old, new;
	uint16_t *common;	/* of the words from i and j on, how many are common at most; (WORDS_MAX + 1) squared */
	long budget;
};

static int class_of(unsigned char c)
{
	int is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;

	return c == ' ' ? 0 : is_letter ? 1 : 2;
}

/* Runs of letters, runs of blanks, and everything else one by one. -1: too many. */
static int split(struct emphasis *e, const struct diff_line *line, struct words *out)
{
	const char *s = diff_text(e->d, line);

	out->text = s;
	out->count = 0;
	e->budget -= line->size;
	for (uint32_t i = 0; i < line->size; ) {
		int class = class_of((unsigned char)s[i]);
		struct word *w = &out->at[out->count];
		if (out->count++ == WORDS_MAX)
			return -1;
		*w = (struct word){ .from = i++ };
		while (class != 2 && i < line->size && class_of((unsigned char)s[i]) == class)
			i++;
		w->to = i;
	}
	return 0;
}

static int is_same(const struct words *a, size_t i, const struct words *b, size_t j)
{
	uint32_t size = a->at[i].to - a->at[i].from;

	return size == b->at[j].to - b->at[j].from && !memcmp(a->text + a->at[i].from, b->text + b->at[j].from, size);
}

/* Marks the words that both have, in order. -1: the budget does not allow it. */
static int compare(struct emphasis *e)
{
	struct words *a = &e->old, *b = &e->new;
	size_t first = 0, a_end = a->count, b_end = b->count, i, j, wide;

	while (first < a_end && first < b_end && is_same(a, first, b, first)) {
		a->at[first].is_common = b->at[first].is_common = 1;
		first++;
	}
	while (a_end > first && b_end > first && is_same(a, a_end - 1, b, b_end - 1))
		a->at[--a_end].is_common = b->at[--b_end].is_common = 1;
	e->budget -= (long)((a_end - first) * (b_end - first));
	if (e->budget < 0)
		return -1;
	wide = b_end - first + 1;
#define COMMON(i, j) e->common[((i) - first) * wide + (j) - first]
	for (i = a_end + 1; i-- > first; )
		for (j = b_end + 1; j-- > first; )
			COMMON(i, j) = i == a_end || j == b_end ? 0
			             : is_same(a, i, b, j) ? (uint16_t)(COMMON(i + 1, j + 1) + 1)
			             : COMMON(i + 1, j) >= COMMON(i, j + 1) ? COMMON(i + 1, j) : COMMON(i, j + 1);
	for (i = j = first; i < a_end && j < b_end; )
		if (is_same(a, i, b, j))
			a->at[i++].is_common = b->at[j++].is_common = 1;
		else if (COMMON(i + 1, j) >= COMMON(i, j + 1))
			i++;
		else
			j++;
#undef COMMON
	return 0;
}

static int is_blank(const struct words *w, size_t i)
{
	return w->text[w->at[i].from] == ' ';
}

static int are_similar(const struct emphasis *e)
{
	size_t common = 0, all = 0;

	for (int side = 0; side < 2; side++) {
		const struct words *w = side ? &e->new : &e->old;
		for (size_t i = 0; i < w->count; i++)
			if (!is_blank(w, i)) {
				size_t size = w->at[i].to - w->at[i].from;
				all += size;
				common += w->at[i].is_common ? size : 0;
			}
	}
	return common * 100 >= all * SIMILAR_PERCENT && all;
}

/* Blanks between two changed words belong to the change. */
static void keep_spans(struct diff *d, struct diff_line *line, struct words *w)
{
	struct diff_span *last = NULL;

	line->span = (uint32_t)d->span_count;
	for (size_t i = 1; i + 1 < w->count; i++)
		if (is_blank(w, i) && !w->at[i - 1].is_common && !w->at[i + 1].is_common)
			w->at[i].is_common = 0;
	for (size_t i = 0; i < w->count; i++) {
		if (w->at[i].is_common)
			continue;
		if (!last || last->to != w->at[i].from) {
			last = array_add(&d->spans, &d->span_count, &d->span_room, sizeof *last);
			last->from = w->at[i].from;
			line->spans++;
		}
		last->to = w->at[i].to;
	}
}

/* Whether the two lines are one line that changed; then their spans are kept. */
static int try_pair(struct emphasis *e, struct diff_line *old, struct diff_line *new)
{
	if (e->budget < 0 || old->size > 4 * DIFF_COLUMNS || new->size > 4 * DIFF_COLUMNS)
		return 0;
	if (split(e, old, &e->old) < 0 || split(e, new, &e->new) < 0 || compare(e) < 0 || !are_similar(e))
		return 0;
	keep_spans(e->d, old, &e->old);
	keep_spans(e->d, new, &e->new);
	return 1;
}

static void pair_lines(struct emphasis *e, size_t old, size_t new, size_t end)
{
	struct diff_line *lines = e->d->lines;

	for (size_t begin = new; old < begin && new < end && e->budget >= 0; old++) {
		if (lines[old].kind != DIFF_REMOVED)
			continue;
		for (size_t i = new; i < end && i < new + LOOK_AHEAD; i++)
			if (lines[i].kind == DIFF_ADDED && try_pair(e, &lines[old], &lines[i])) {
				new = i + 1;
				break;
			}
	}
}

void diff_emphasize(struct diff *d, size_t hunk)
{
	struct diff_hunk *h = &d->hunks[hunk];
	struct emphasis *e;
	size_t i = h->line + 1, old, new;

	if (h->is_emphasized)
		return;
	h->is_emphasized = 1;
	e = xcalloc(1, sizeof *e);
	e->d = d;
	e->budget = BUDGET;
	e->common = xcalloc((WORDS_MAX + 1) * (WORDS_MAX + 1), sizeof *e->common);
	while (i < h->end) {
		while (i < h->end && d->lines[i].kind != DIFF_REMOVED)
			i++;
		for (old = i; i < h->end && (d->lines[i].kind == DIFF_REMOVED || d->lines[i].kind == DIFF_REMARK); )
			i++;
		for (new = i; i < h->end && (d->lines[i].kind == DIFF_ADDED || d->lines[i].kind == DIFF_REMARK); )
			i++;
		pair_lines(e, old, new, i);
	}
	free(e->common);
	free(e);
}
