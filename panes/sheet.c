/* The rows of the review and how they look. tui/textview keeps the place, scrolls and searches; here are the gutters
 * with the numbers of both sides, the emphasis within a line, the two columns, and comments in place, none of which a
 * plain text has.
 *
 * A file's first hunk shares the row of its file, so that a small pane has one line more for what matters. Lines
 * are cut at DIFF_COLUMNS, and say how much is left out: a minified file must not stop the cockpit.
 */
#include "panes/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { BOTH_NUMBERS = 60, DIGITS_MIN = 3, HUNK_MIN = 20 };

/* Making */

void sheet_clear(struct sheet *s)
{
	for (size_t i = 0; i < s->note_count; i++)
		free(s->notes[i].text);
	for (size_t i = 0; i < s->comment_count; i++) {
		free(s->comments[i].file);
		free(s->comments[i].text);
	}
	s->note_count = s->comment_count = s->row_count = 0;
	s->diff = NULL;
}

void sheet_release(struct sheet *s)
{
	sheet_clear(s);
	free(s->notes);
	free(s->comments);
	free(s->rows);
	*s = (struct sheet){ 0 };
}

void sheet_note(struct sheet *s, enum style style, const char *text)
{
	for (;;) {
		size_t size = strcspn(text, "\n");
		struct note *note = array_add(&s->notes, &s->note_count, &s->note_room, sizeof *note);
		note->text = xstrndup(text, size);
		note->style = style;
		if (!text[size] || !text[size + 1])
			return;
		text += size + 1;
	}
}

void sheet_comment(struct sheet *s, const char *file, int64_t line, const char *who, const char *text, enum style style)
{
	struct sheet_comment *c = array_add(&s->comments, &s->comment_count, &s->comment_room, sizeof *c);

	*c = (struct sheet_comment){ xstrdup(file), line, xasprintf("%s: %s", who, text), style };
}

static struct row *add_row(struct sheet *s, enum row_kind kind, size_t left, uint32_t right)
{
	struct row *row = array_add(&s->rows, &s->row_count, &s->row_room, sizeof *row);

	*row = (struct row){ kind, (uint32_t)left, right, 0, 0 };
	return row;
}

static int digits(const struct sheet *s)
{
	int n = 1;

	for (uint32_t v = s->diff ? s->diff->last_number : 0; v >= 10; v /= 10)
		n++;
	return n < DIGITS_MIN ? DIGITS_MIN : n;
}

/* Columns of the numbers, with a blank behind each. */
static int gutter(const struct sheet *s)
{
	return (s->side_by_side || s->columns < BOTH_NUMBERS ? 1 : 2) * (digits(s) + 1);
}

static int half(const struct sheet *s)
{
	return (s->columns - 1) / 2;
}

int sheet_text_columns(const struct sheet *s)
{
	int columns = (s->side_by_side ? half(s) : s->columns) - gutter(s);

	return columns > 1 ? columns : 1;
}

/* The pieces of a comment, wrapped between words. */
static void add_comment(struct sheet *s, size_t i)
{
	const char *text = s->comments[i].text, *at = text;
	int room = s->columns - gutter(s) - 2;

	do {
		size_t fits = text_fit(at, room > 8 ? room : 8, NULL), size = fits;
		struct row *row;
		while (at[fits] && size > 0 && at[size] != ' ')
			size--;
		if (!size)
			size = fits;
		row = add_row(s, ROW_COMMENT, i, DIFF_NONE);
		row->from = (uint32_t)(at - text);
		row->size = (uint32_t)size;
		at += size + strspn(at + size, " ");
	} while (*at);
}

static int is_about(const struct sheet *s, const struct sheet_comment *c, const struct diff_line *line)
{
	if (!c->file || line->file == DIFF_NONE || strcmp(c->file, s->diff->files[line->file].path))
		return 0;
	if (!c->line)
		return line->kind == DIFF_FILE;
	return (line->kind == DIFF_CONTEXT || line->kind == DIFF_ADDED) && line->new == c->line;
}

static void add_comments_of(struct sheet *s, uint32_t line)
{
	for (size_t i = 0; i < s->comment_count && line != DIFF_NONE; i++)
		if (is_about(s, &s->comments[i], &s->diff->lines[line]))
			add_comment(s, i);
}

static void add_line(struct sheet *s, uint32_t left, uint32_t right)
{
	add_row(s, ROW_LINE, left, right);
	add_comments_of(s, left);
	if (right != left)
		add_comments_of(s, right);
}

/* A run of removed lines beside the run of added ones that follows it. Returns the line behind both. */
static size_t add_beside(struct sheet *s, size_t i)
{
	const struct diff *d = s->diff;
	size_t old = i, old_end, new, new_end;

	while (i < d->line_count && d->lines[i].kind == DIFF_REMOVED)
		i++;
	old_end = new = i;
	while (i < d->line_count && d->lines[i].kind == DIFF_ADDED)
		i++;
	new_end = i;
	while (old < old_end || new < new_end) {
		add_line(s, old < old_end ? (uint32_t)old : DIFF_NONE, new < new_end ? (uint32_t)new : DIFF_NONE);
		old += old < old_end;
		new += new < new_end;
	}
	return i;
}

static int shares_row_of_file(const struct diff *d, size_t i)
{
	return d->lines[i].kind == DIFF_HUNK && i > 0 && d->lines[i - 1].kind == DIFF_FILE;
}

static void add_diff(struct sheet *s)
{
	const struct diff *d = s->diff;

	for (size_t i = 0; i < d->line_count; ) {
		enum diff_kind kind = d->lines[i].kind;
		if (shares_row_of_file(d, i)) {
			i++;
		} else if (s->side_by_side && (kind == DIFF_REMOVED || kind == DIFF_ADDED)) {
			i = add_beside(s, i);
		} else {
			add_line(s, (uint32_t)i, kind == DIFF_CONTEXT && s->side_by_side ? (uint32_t)i : DIFF_NONE);
			i++;
		}
	}
}

static int has_place(const struct sheet *s, const struct sheet_comment *c)
{
	for (size_t i = 0; s->diff && i < s->diff->line_count; i++)
		if (is_about(s, c, &s->diff->lines[i]))
			return 1;
	return !c->file;	/* said above the diff */
}

/* Comments on lines that the diff does not show stand before it. */
static void add_homeless(struct sheet *s)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		struct sheet_comment *c = &s->comments[i];
		if (!has_place(s, c)) {
			char *text = c->line ? xasprintf("%s:%lld  %s", c->file, (long long)c->line, c->text)
			                     : xasprintf("%s  %s", c->file, c->text);
			free(c->text);
			c->text = text;
			add_comment(s, i);
		}
	}
}

void sheet_build(struct sheet *s, struct diff *diff, int columns, int side_by_side)
{
	s->diff = diff;
	s->columns = columns;
	s->side_by_side = side_by_side;
	s->row_count = 0;
	for (size_t i = 0; i < s->note_count; i++)
		add_row(s, ROW_NOTE, i, DIFF_NONE);
	add_homeless(s);
	if (diff)
		add_diff(s);
}

/* Finding */

static uint32_t line_of(const struct row *row)
{
	if (row->kind != ROW_LINE)
		return DIFF_NONE;
	return row->right != DIFF_NONE ? row->right : row->left;
}

uint32_t sheet_line(const struct sheet *s, size_t row)
{
	if (row >= s->row_count)
		return DIFF_NONE;
	while (row > 0 && s->rows[row].kind == ROW_COMMENT)
		row--;
	return line_of(&s->rows[row]);
}

size_t sheet_row(const struct sheet *s, uint32_t line)
{
	for (size_t i = 0; i < s->row_count && line != DIFF_NONE; i++)
		if (s->rows[i].kind == ROW_LINE && (s->rows[i].left == line || s->rows[i].right == line))
			return i;
	return 0;
}

int sheet_jump(const struct sheet *s, size_t *row, enum diff_kind kind, int direction)
{
	for (size_t i = *row + (size_t)direction; i < s->row_count; i += (size_t)direction) {
		uint32_t line = line_of(&s->rows[i]);
		enum diff_kind found = line == DIFF_NONE ? DIFF_REMARK : s->diff->lines[line].kind;
		if (found == DIFF_FILE || (kind == DIFF_HUNK && found == DIFF_HUNK)) {
			*row = i;
			return 1;
		}
	}
	return 0;
}

/* Texts */

/* Bytes of a line that are shown. */
static size_t shown_size(const struct diff *d, const struct diff_line *line)
{
	const char *s = diff_text(d, line);
	size_t i = 0;

	if (line->size <= DIFF_COLUMNS)
		return line->size;
	for (int columns = 0; i < line->size; ) {
		uint32_t code = 0xfffd;
		int bytes = text_decode(s + i, line->size - i, &code);
		columns += text_width(code);
		if (columns > DIFF_COLUMNS)
			break;
		i += bytes ? (size_t)bytes : 1;
	}
	return i;
}

static char sign(const struct diff_line *line)
{
	return line->kind == DIFF_ADDED ? '+' : line->kind == DIFF_REMOVED ? '-' : ' ';
}

static void hunk_text(const struct diff *d, uint32_t hunk, struct buf *out)
{
	const struct diff_hunk *h = &d->hunks[hunk];
	const struct diff_line *line = &d->lines[h->line];

	buf_printf(out, "@@ -%u,%u +%u,%u @@", h->old, h->old_count, h->new, h->new_count);
	if (line->size)
		buf_printf(out, " %.*s", (int)shown_size(d, line), diff_text(d, line));
}

static void file_text(const struct diff *d, uint32_t file, struct buf *out)
{
	const struct diff_file *f = &d->files[file];

	buf_puts(out, f->path);
	if (f->added || f->removed)
		buf_printf(out, "  +%u -%u", f->added, f->removed);
	if (f->note)
		buf_printf(out, "  %s", f->note);
}

static void line_text(const struct diff *d, uint32_t i, struct buf *out)
{
	const struct diff_line *line = &d->lines[i];
	size_t shown;

	if (line->kind == DIFF_FILE) {
		file_text(d, line->file, out);
		return;
	}
	if (line->kind == DIFF_HUNK) {
		hunk_text(d, line->hunk, out);
		return;
	}
	shown = shown_size(d, line);
	if (line->kind != DIFF_REMARK)
		buf_putc(out, sign(line));
	buf_add(out, diff_text(d, line), shown);
	if (shown < line->size)
		buf_printf(out, "… %u bytes more", (unsigned)(line->size - shown));
}

const char *sheet_row_text(const void *data, size_t i, struct buf *scratch, enum style *style)
{
	const struct sheet *s = data;
	const struct row *row = &s->rows[i];

	(void)style;
	if (row->kind == ROW_NOTE)
		return s->notes[row->left].text;
	if (row->kind == ROW_COMMENT) {
		buf_add(scratch, s->comments[row->left].text + row->from, row->size);
		return buf_str(scratch);
	}
	if (row->left != DIFF_NONE)
		line_text(s->diff, row->left, scratch);
	if (row->right != DIFF_NONE && row->right != row->left) {
		if (row->left != DIFF_NONE)
			buf_puts(scratch, "  ");
		line_text(s->diff, row->right, scratch);
	}
	return buf_str(scratch);
}

/* Drawing */

void sheet_prepare(struct sheet *s, const struct textview *v)
{
	for (size_t i = v->top; i < s->row_count && i < v->top + (size_t)(v->rows > 0 ? v->rows : 0); i++) {
		uint32_t line = line_of(&s->rows[i]);
		if (line != DIFF_NONE && s->diff->lines[line].hunk != DIFF_NONE)
			diff_emphasize(s->diff, s->diff->lines[line].hunk);
	}
}

static enum style style_of(enum diff_kind kind, int is_word)
{
	switch (kind) {
	case DIFF_ADDED: return is_word ? STYLE_DIFF_ADD_WORD : STYLE_DIFF_ADD;
	case DIFF_REMOVED: return is_word ? STYLE_DIFF_REMOVE_WORD : STYLE_DIFF_REMOVE;
	case DIFF_REMARK: return STYLE_MUTED;
	case DIFF_FILE: case DIFF_HUNK: return STYLE_DIFF_HUNK;
	default: return STYLE_DEFAULT;
	}
}

/* Draws text[from..to) at x. Returns the columns it takes. */
static int draw_bytes(struct canvas *c, int y, int x, enum style style, const char *text, size_t from, size_t to)
{
	struct buf piece = { 0 };
	int used;

	if (from >= to)
		return 0;
	buf_add(&piece, text + from, to - from);
	used = canvas_text(c, y, x, style, buf_str(&piece), -1);
	buf_release(&piece);
	return used;
}

/* Draws bytes [from, to) of what line_text made of a line of code: the sign, its text with the changed words, what is left
 * out. */
static void draw_text(const struct diff *d, uint32_t i, struct canvas *c, int y, int x, const char *text, size_t from,
                      size_t to)
{
	const struct diff_line *line = &d->lines[i];
	enum style base = style_of(line->kind, 0), word = style_of(line->kind, 1);
	size_t text_end = shown_size(d, line) + (line->kind != DIFF_REMARK);
	size_t end = text_end < to ? text_end : to;

	for (uint32_t k = line->span; k < line->span + line->spans && from < end; k++) {
		size_t span_from = d->spans[k].from + 1, span_to = d->spans[k].to + 1;
		span_to = span_to < end ? span_to : end;
		if (span_to <= from)
			continue;
		if (span_from > end)
			break;
		if (span_from > from) {
			x += draw_bytes(c, y, x, base, text, from, span_from);
			from = span_from;
		}
		x += draw_bytes(c, y, x, word, text, from, span_to);
		from = span_to;
	}
	x += draw_bytes(c, y, x, base, text, from, end);
	draw_bytes(c, y, x, STYLE_WARN, text, from > text_end ? from : text_end, to);
}

static void draw_number(const struct sheet *s, struct canvas *c, int y, int x, uint32_t number)
{
	if (number)
		canvas_printf(c, y, x, STYLE_DIFF_NUMBER, "%*u", digits(s), number);
}

static void draw_gutter(const struct sheet *s, const struct diff_line *line, struct canvas *c, int y, int is_right)
{
	uint32_t new = line->kind == DIFF_REMOVED ? 0 : line->new;

	if (line->kind == DIFF_REMARK)
		return;
	if (s->side_by_side) {
		draw_number(s, c, y, 0, is_right ? new : line->old);
	} else if (s->columns < BOTH_NUMBERS) {
		draw_number(s, c, y, 0, new ? new : line->old);
	} else {
		draw_number(s, c, y, 0, line->old);
		draw_number(s, c, y, digits(s) + 1, new);
	}
}

/* One line of the diff with its gutter, on a canvas of its own. Returns the rows it took. */
static int draw_line(const struct sheet *s, const struct textview *v, uint32_t i, struct canvas *c, int is_right)
{
	const struct diff_line *line = &s->diff->lines[i];
	struct canvas text_part = canvas_sub(c, (struct rect){ 0, gutter(s), c->rows, c->columns });
	struct buf text = { 0 };
	int y = 0;

	line_text(s->diff, i, &text);
	draw_gutter(s, line, c, 0, is_right);
	if (!v->wrap) {
		draw_text(s->diff, i, &text_part, 0, -v->left, buf_str(&text), 0, text.len);
		if (text_columns(buf_str(&text)) - v->left > text_part.columns)
			canvas_put(&text_part, 0, text_part.columns - 1, STYLE_MUTED, 0x2026);
		y = 1;
	}
	for (size_t from = 0, bytes = 1; v->wrap && (from < text.len || !y) && bytes && y < c->rows; y++) {
		bytes = text_fit(buf_str(&text) + from, text_part.columns, NULL);
		draw_text(s->diff, i, &text_part, y, 0, buf_str(&text), from, from + bytes);
		from += bytes;
	}
	buf_release(&text);
	return y;
}

/* The row of a file, with its first hunk at the right end; or of a hunk. */
static void draw_header(const struct sheet *s, uint32_t i, struct canvas *c)
{
	const struct diff_line *line = &s->diff->lines[i];
	struct buf text = { 0 };
	int x = 0;

	if (line->kind == DIFF_FILE) {
		const struct diff_file *f = &s->diff->files[line->file];
		x = canvas_text_cut(c, 0, 0, STYLE_STRONG, f->path, -1) + 2;
		if (f->added || f->removed) {
			x += canvas_printf(c, 0, x, STYLE_DIFF_ADD, "+%u ", f->added);
			x += canvas_printf(c, 0, x, STYLE_DIFF_REMOVE, "-%u", f->removed) + 2;
		}
		if (f->note)
			x += canvas_text_cut(c, 0, x, STYLE_WARN, f->note, -1) + 2;
		if (i + 1 < s->diff->line_count && shares_row_of_file(s->diff, i + 1))
			hunk_text(s->diff, s->diff->lines[i + 1].hunk, &text);
	} else {
		hunk_text(s->diff, line->hunk, &text);
	}
	if (text.len && line->kind == DIFF_FILE && x + text_columns(text.data) < c->columns)
		canvas_text_right(c, 0, c->columns, STYLE_DIFF_HUNK, text.data);
	else if (text.len && (line->kind == DIFF_HUNK || x + HUNK_MIN < c->columns))
		canvas_text_cut(c, 0, x, STYLE_DIFF_HUNK, text.data, -1);
	buf_release(&text);
}

static int draw_beside(const struct sheet *s, const struct textview *v, const struct row *row, struct canvas *c)
{
	struct textview cut = *v;
	struct canvas left = canvas_sub(c, (struct rect){ 0, 0, 1, half(s) });
	struct canvas right = canvas_sub(c, (struct rect){ 0, half(s) + 1, 1, half(s) });

	cut.wrap = 0;
	if (row->left != DIFF_NONE)
		draw_line(s, &cut, row->left, &left, 0);
	if (row->right != DIFF_NONE)
		draw_line(s, &cut, row->right, &right, 1);
	canvas_put(c, 0, half(s), STYLE_BORDER, 0x2502);
	return 1;
}

static int draw_note(const struct sheet *s, const struct textview *v, const struct row *row, struct canvas *c)
{
	const char *text = s->notes[row->left].text;
	enum style style = s->notes[row->left].style;
	int y = 0;

	if (!v->wrap) {
		if (v->left)
			canvas_text(c, 0, -v->left, style, text, -1);
		else
			canvas_text_cut(c, 0, 0, style, text, -1);
		return 1;
	}
	do {
		size_t bytes = text_fit(text, v->columns, NULL);
		draw_bytes(c, y++, 0, style, text, 0, bytes);
		text += bytes;
		if (!bytes)
			break;
	} while (*text && y < c->rows);
	return y;
}

static int draw_comment(const struct sheet *s, const struct row *row, struct canvas *c)
{
	const struct sheet_comment *comment = &s->comments[row->left];
	int x = gutter(s);

	canvas_put(c, 0, x, comment->style, 0x250a);
	draw_bytes(c, 0, x + 2, comment->style, comment->text, row->from, row->from + row->size);
	return 1;
}

static int draw_row(const struct sheet *s, const struct textview *v, const struct row *row, struct canvas *c)
{
	enum diff_kind kind;

	if (row->kind == ROW_NOTE)
		return draw_note(s, v, row, c);
	if (row->kind == ROW_COMMENT)
		return draw_comment(s, row, c);
	kind = row->left != DIFF_NONE ? s->diff->lines[row->left].kind : DIFF_ADDED;
	if (kind == DIFF_FILE || kind == DIFF_HUNK) {
		draw_header(s, row->left, c);
		return 1;
	}
	if (s->side_by_side && kind != DIFF_REMARK)
		return draw_beside(s, v, row, c);
	return draw_line(s, v, row->left, c, 0);
}

void sheet_draw(const struct sheet *s, const struct textview *v, struct canvas *c, int focused)
{
	int y = 0;

	for (size_t i = v->top; i < s->row_count && y < c->rows; i++) {
		struct canvas rest = canvas_sub(c, (struct rect){ y, 0, c->rows - y, c->columns });
		int rows = draw_row(s, v, &s->rows[i], &rest);
		for (int r = 0; r < rows; r++) {
			if (i == v->cursor)
				canvas_mark(&rest, r, 0, rest.columns, focused ? CELL_SELECTED : CELL_CURRENT);
			if (v->search)
				canvas_mark_text(&rest, r, v->search);
		}
		if (i == v->cursor && focused)
			canvas_cursor(&rest, 0, 0, 0);
		y += rows;
	}
}
