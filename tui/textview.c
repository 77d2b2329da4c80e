/* Lines that scroll both ways. Two kinds use it: texts with a current line (diffs), where up and down move that line, and
 * texts without (logs, transcripts), where they move the view. What grows follows its end until the reader scrolls up, and
 * again from when the reader is back at the end; the columns scrolled to the right stay what they are.
 */
#include "tui/textview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { WHEEL_LINES = 3, COLUMN_STEP = 8 };

/* Rows that line i takes. */
static size_t height(const struct textview *v, size_t i, textview_line_function *line, const void *data)
{
	struct buf scratch = { 0 };
	enum style style = STYLE_DEFAULT;
	int columns;

	if (!v->wrap || !line || v->columns <= 0)
		return 1;
	columns = text_columns(line(data, i, &scratch, &style));
	buf_release(&scratch);
	return columns > v->columns ? (size_t)((columns + v->columns - 1) / v->columns) : 1;
}

/* The first line shown when line `last` is the last one that is shown whole. */
static size_t top_for(const struct textview *v, size_t last, textview_line_function *line, const void *data)
{
	size_t rows = v->rows > 0 ? (size_t)v->rows : 1, used = height(v, last, line, data), top = last;

	while (top > 0) {
		used += height(v, top - 1, line, data);
		if (used > rows)
			break;
		top--;
	}
	return top;
}

void textview_sync(struct textview *v, size_t count, int rows, int columns, textview_line_function *line, const void *data)
{
	size_t end;

	v->count = count;
	v->rows = rows;
	v->columns = columns;
	end = count ? top_for(v, count - 1, line, data) : 0;
	if (v->cursor >= count)
		v->cursor = count ? count - 1 : 0;
	if (v->grows && v->top > end)
		v->follow = 1;
	if (v->top > end || v->follow)
		v->top = end;
	if (v->has_cursor && count) {
		size_t lowest = top_for(v, v->cursor, line, data);
		if (v->top > v->cursor)
			v->top = v->cursor;
		if (v->top < lowest)
			v->top = lowest;
	}
	if (v->follow)
		v->seen = count;
}

static size_t moved(size_t from, long by, size_t count)
{
	long to = (long)from + by;

	if (to < 0 || !count)
		return 0;
	return to >= (long)count ? count - 1 : (size_t)to;
}

static void stop_following(struct textview *v)
{
	if (v->follow)
		v->seen = v->count;
	v->follow = 0;
}

static void move(struct textview *v, long by)
{
	size_t shown = v->rows > 0 ? (size_t)v->rows : 1;

	if (v->has_cursor) {
		v->cursor = moved(v->cursor, by, v->count);
		return;
	}
	if (by < 0)
		stop_following(v);
	v->top = moved(v->top, by, v->count);
	if (by > 0 && v->grows && !v->wrap && v->top + shown >= v->count)
		v->follow = 1;
}

void textview_go(struct textview *v, size_t line)
{
	size_t shown = v->rows > 0 ? (size_t)v->rows : 1;

	stop_following(v);
	v->cursor = line;
	if (!v->has_cursor || line < v->top || line >= v->top + shown)
		v->top = line > shown / 3 ? line - shown / 3 : 0;
}

static void sideways(struct textview *v, int by)
{
	v->left = v->wrap || v->left + by < 0 ? 0 : v->left + by;
}

static void toggle_follow(struct textview *v)
{
	if (v->follow)
		stop_following(v);
	else
		v->follow = v->grows;
}

int textview_act(struct textview *v, const struct act *act, int first_row)
{
	long page = v->rows > 1 ? v->rows - 1 : 1, half = v->rows > 1 ? v->rows / 2 : 1;

	switch (act->action) {
	case ACTION_UP: move(v, -1); return 1;
	case ACTION_DOWN: move(v, 1); return 1;
	case ACTION_PAGE_UP: move(v, -page); return 1;
	case ACTION_PAGE_DOWN: move(v, page); return 1;
	case ACTION_HALF_PAGE_UP: move(v, -half); return 1;
	case ACTION_HALF_PAGE_DOWN: move(v, half); return 1;
	case ACTION_WHEEL_UP: move(v, -WHEEL_LINES); return 1;
	case ACTION_WHEEL_DOWN: move(v, WHEEL_LINES); return 1;
	case ACTION_FIRST: move(v, -(long)v->count); return 1;
	case ACTION_LAST: move(v, (long)v->count); return 1;
	case ACTION_LEFT: sideways(v, -COLUMN_STEP); return 1;
	case ACTION_RIGHT: sideways(v, COLUMN_STEP); return 1;
	case ACTION_LINE_START: v->left = 0; return 1;
	case ACTION_WRAP: v->wrap = !v->wrap; v->left = 0; return 1;
	case ACTION_FOLLOW: toggle_follow(v); return v->grows;
	case ACTION_CLICK:
		if (v->has_cursor && act->y >= first_row)
			v->cursor = moved(v->top, act->y - first_row, v->count);
		return 1;
	default: return 0;
	}
}

size_t textview_new_lines(const struct textview *v)
{
	return v->grows && !v->follow && v->count > v->seen ? v->count - v->seen : 0;
}

/* Draws one line from row y on; returns the rows it took. */
static int draw_line(const struct textview *v, struct canvas *c, int y, const char *text, enum style s)
{
	int first = y;

	if (!v->wrap) {
		if (v->left)
			canvas_text(c, y, -v->left, s, text, -1);
		else
			canvas_text_cut(c, y, 0, s, text, -1);
		return 1;
	}
	do {
		int used;
		size_t bytes = text_fit(text, c->columns, &used);
		canvas_text(c, y++, 0, s, text, c->columns);
		text += bytes;
		if (!bytes)
			break;
	} while (*text && y < c->rows);
	return y - first;
}

static void draw_badge(const struct textview *v, struct canvas *c)
{
	size_t lines = textview_new_lines(v);
	char text[32];

	if (!lines)
		return;
	snprintf(text, sizeof text, " +%zu new ", lines);
	canvas_text_right(c, c->rows - 1, c->columns, STYLE_ALERT, text);
}

void textview_draw(const struct textview *v, struct canvas *c, int focused, textview_line_function *line, const void *data)
{
	struct buf scratch = { 0 };
	int y = 0;

	for (size_t i = v->top; i < v->count && y < c->rows; i++) {
		enum style style = STYLE_DEFAULT;
		const char *text;
		int rows;
		buf_truncate(&scratch, 0);
		text = line(data, i, &scratch, &style);
		rows = draw_line(v, c, y, text, style);
		for (int r = y; r < y + rows; r++) {
			if (v->has_cursor && i == v->cursor)
				canvas_mark(c, r, 0, c->columns, focused ? CELL_SELECTED : CELL_CURRENT);
			if (v->search)
				canvas_mark_text(c, r, v->search);
		}
		if (v->has_cursor && i == v->cursor && focused)
			canvas_cursor(c, y, 0, 0);
		y += rows;
	}
	draw_badge(v, c);
	buf_release(&scratch);
}

static int line_has(size_t i, const char *text, textview_line_function *line, const void *data)
{
	struct buf scratch = { 0 };
	enum style style = STYLE_DEFAULT;
	int has = strcasestr(line(data, i, &scratch, &style), text) != NULL;

	buf_release(&scratch);
	return has;
}

int textview_search(struct textview *v, const char *text, int direction, textview_line_function *line, const void *data)
{
	size_t step = direction < 0 ? v->count - 1 : 1, i = v->has_cursor ? v->cursor : v->search ? v->found : v->top;

	string_set(&v->search, text && *text ? text : NULL);
	if (!v->search || !v->count)
		return 0;
	i = (i + (direction ? step : 0)) % v->count;
	for (size_t tried = 0; tried < v->count; tried++, i = (i + step) % v->count)
		if (line_has(i, text, line, data)) {
			v->found = i;
			textview_go(v, i);
			return 1;
		}
	return 0;
}

void textview_release(struct textview *v)
{
	free(v->search);
	*v = (struct textview){ 0 };
}
