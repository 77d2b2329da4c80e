#include "tui/hyperlink.h"

#include <string.h>
#include <wchar.h>

#include "core/base/text.h"

enum { REPLACEMENT = 0xfffd };

static void add_color(int color, int base, struct buf *out)
{
	if (color >= 16)
		buf_printf(out, ";%d;5;%d", base + 8, color);
	else if (color >= 8)
		buf_printf(out, ";%d", base + 60 + color - 8);
	else if (color >= 0)
		buf_printf(out, ";%d", base + color);
}

/* ECMA-48 SGR, from nothing. */
static void add_look(struct look look, struct buf *out)
{
	static const struct { unsigned look; char code; } map[] = {
		{ LOOK_BOLD, '1' }, { LOOK_DIM, '2' }, { LOOK_ITALIC, '3' }, { LOOK_UNDERLINE, '4' }, { LOOK_REVERSE, '7' },
	};

	buf_puts(out, "\x1b[0");
	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (look.attributes & map[i].look)
			buf_printf(out, ";%c", map[i].code);
	add_color(look.foreground, 30, out);
	add_color(look.background, 40, out);
	buf_putc(out, 'm');
}

static void add_code(uint32_t code, struct buf *out)
{
	char bytes[4];

	buf_add(out, bytes, (size_t)text_encode(code, bytes));
}

/* As term.c hands it to ncurses: where the C library sees another width than the canvas, a mark of the right width. */
static void add_cell(const struct cell *cell, struct buf *out)
{
	int is_odd = wcwidth((wchar_t)cell->code) != cell->width;

	add_code(is_odd ? REPLACEMENT : cell->code, out);
	if (is_odd && cell->width == 2)
		buf_putc(out, ' ');
	if (!is_odd && cell->mark && wcwidth((wchar_t)cell->mark) == 0)
		add_code(cell->mark, out);
}

/* Only what still looks like a link is one: something else may have been drawn over it. */
static void add_cells(const struct grid *g, const struct link *at, const char *url, const struct theme *theme,
	enum style_depth depth, struct buf *out)
{
	int end = at->x + at->columns < g->columns ? at->x + at->columns : g->columns, first = at->x, last = -1, is_open = 0;

	while (at->y < g->rows && first < end && !grid_cell(g, at->y, first)->width)
		first++;
	if (at->y >= g->rows || first >= end)
		return;
	buf_printf(out, "\x1b[%d;%dH", at->y + 1, first + 1);
	for (int x = first; x < end; x++) {
		const struct cell *cell = grid_cell(g, at->y, x);
		int look = cell->style * 8 + (cell->flags & 7);
		if (!cell->width)
			continue;
		if (is_open != (*url && cell->style == STYLE_LINK)) {
			is_open = !is_open;
			buf_printf(out, "\x1b]8;;%s\x1b\\", is_open ? url : "");
		}
		if (look != last)
			add_look(theme_look(theme, cell->style, cell->flags, depth), out);
		last = look;
		add_cell(cell, out);
	}
	if (is_open)
		buf_puts(out, "\x1b]8;;\x1b\\");
}

static int has_link(const struct grid *g, const struct link *link)
{
	for (size_t i = 0; i < g->link_count; i++) {
		const struct link *other = &g->links[i];
		if (other->y == link->y && other->x == link->x && other->columns == link->columns && !strcmp(other->url, link->url))
			return 1;
	}
	return 0;
}

void hyperlink_overlay(const struct grid *before, const struct grid *now, const char *is_changed, const struct theme *theme,
	enum style_depth depth, struct buf *out)
{
	size_t start = out->len;

	buf_puts(out, "\x1b" "7");
	for (size_t i = 0; i < before->link_count; i++)
		if (!has_link(now, &before->links[i]))
			add_cells(now, &before->links[i], "", theme, depth, out);
	for (size_t i = 0; i < now->link_count; i++)
		if (is_changed[now->links[i].y] || !has_link(before, &now->links[i]))
			add_cells(now, &now->links[i], now->links[i].url, theme, depth, out);
	if (out->len == start + 2)
		buf_truncate(out, start);
	else
		buf_puts(out, "\x1b[0m\x1b" "8");
}
