/* Rows, one of which is selected. The rows stay with the pane; here is only which one is selected and which is the first
 * one shown. Actions move the selection, sync clamps it and scrolls as little as shows it; while nothing shows it leaves
 * the scrolling alone, and as more rows come to show it goes back towards the first.
 */
#include "tui/list.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { WHEEL_ROWS = 3 };

void list_sync(struct list *l, size_t count, int rows)
{
	size_t shown = rows > 0 ? (size_t)rows : 1, more = rows > l->shown_rows ? (size_t)(rows - l->shown_rows) : 0;

	l->count = count;
	l->rows = rows;
	if (l->selected >= count || l->follow)
		l->selected = count ? count - 1 : 0;
	if (rows <= 0)
		return;
	l->shown_rows = rows;
	l->top -= more < l->top ? more : l->top;
	if (l->top + shown > count)
		l->top = count > shown ? count - shown : 0;
	if (l->selected < l->top)
		l->top = l->selected;
	if (l->selected >= l->top + shown)
		l->top = l->selected - shown + 1;
}

void list_select(struct list *l, size_t i)
{
	l->selected = i;
	l->follow = 0;
}

static void move(struct list *l, long by)
{
	long to = (long)l->selected + by, last = (long)l->count - 1;

	l->selected = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
	if (by < 0)
		l->follow = 0;
}

static void click(struct list *l, int row)
{
	if (row >= 0 && row < l->rows && l->top + (size_t)row < l->count)
		list_select(l, l->top + (size_t)row);
}

int list_act(struct list *l, const struct act *act, int first_row)
{
	long page = l->rows > 1 ? l->rows - 1 : 1, half = l->rows > 1 ? l->rows / 2 : 1;

	switch (act->action) {
	case ACTION_UP: move(l, -1); return 1;
	case ACTION_DOWN: move(l, 1); return 1;
	case ACTION_PAGE_UP: move(l, -page); return 1;
	case ACTION_PAGE_DOWN: move(l, page); return 1;
	case ACTION_HALF_PAGE_UP: move(l, -half); return 1;
	case ACTION_HALF_PAGE_DOWN: move(l, half); return 1;
	case ACTION_WHEEL_UP: move(l, -WHEEL_ROWS); return 1;
	case ACTION_WHEEL_DOWN: move(l, WHEEL_ROWS); return 1;
	case ACTION_FIRST: move(l, -(long)l->count); return 1;
	case ACTION_LAST: move(l, (long)l->count); return 1;
	case ACTION_FOLLOW: l->follow = !l->follow; return 1;
	case ACTION_CLICK: click(l, act->y - first_row); return 1;
	default: return 0;
	}
}

void list_draw(const struct list *l, struct canvas *c, int first_row, int focused, list_row_function *row, const void *data)
{
	for (int y = 0; y < l->rows && l->top + (size_t)y < l->count; y++) {
		size_t i = l->top + (size_t)y;
		struct canvas line = canvas_sub(c, (struct rect){ first_row + y, 0, 1, c->columns });
		row(data, i, &line);
		if (i == l->selected) {
			canvas_mark(&line, 0, 0, line.columns, focused ? CELL_SELECTED : CELL_CURRENT);
			if (focused)
				canvas_cursor(&line, 0, 0, 0);
		}
		if (l->search)
			canvas_mark_text(&line, 0, l->search);
	}
}

static int row_has(size_t i, const char *text, list_text_function *row_text, const void *data)
{
	struct buf row = { 0 };
	int has;

	row_text(data, i, &row);
	has = strcasestr(buf_str(&row), text) != NULL;
	buf_release(&row);
	return has;
}

int list_search(struct list *l, const char *text, int direction, list_text_function *row_text, const void *data)
{
	size_t step = direction < 0 ? l->count - 1 : 1, i = l->selected;

	string_set(&l->search, text && *text ? text : NULL);
	if (!l->search || !l->count)
		return 0;
	if (direction)
		i = (i + step) % l->count;
	for (size_t tried = 0; tried < l->count; tried++, i = (i + step) % l->count)
		if (row_has(i, text, row_text, data)) {
			list_select(l, i);
			return 1;
		}
	return 0;
}

void list_release(struct list *l)
{
	free(l->search);
	*l = (struct list){ 0 };
}
