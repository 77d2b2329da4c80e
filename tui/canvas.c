/* The grid of cells and the views into it. A pane draws here; tui/term.c turns the grid into ink, canvas_save into text.
 *
 * One rule keeps wide characters whole: before a cell is written, the other half of what it held is blanked; so a grid
 * never holds half a character, whatever was drawn over what. With `ascii` set, translation happens as the cell is written:
 * the panes draw the same in both worlds, and each glyph keeps its width.
 */
#include "tui/canvas.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { LINK_MAX = 2083 };	/* bytes; what terminals take */

static const struct cell blank = { .code = ' ', .width = 1 };

void grid_init(struct grid *g, int rows, int columns)
{
	*g = (struct grid){ .cursor_y = -1, .cursor_x = -1 };
	grid_resize(g, rows, columns);
}

void grid_resize(struct grid *g, int rows, int columns)
{
	assert(rows >= 0 && columns >= 0);
	g->cells = xrealloc(g->cells, (size_t)rows * (size_t)columns * sizeof *g->cells);
	g->rows = rows;
	g->columns = columns;
	grid_clear(g);
}

static void forget_links(struct grid *g)
{
	for (size_t i = 0; i < g->link_count; i++)
		free(g->links[i].url);
	g->link_count = 0;
}

static void add_link(struct grid *g, int y, int x, int columns, const char *url)
{
	struct link *link = array_add(&g->links, &g->link_count, &g->link_room, sizeof *link);

	*link = (struct link){ y, x, columns, xstrdup(url) };
}

void grid_copy_links(struct grid *to, const struct grid *from)
{
	forget_links(to);
	for (size_t i = 0; i < from->link_count; i++)
		add_link(to, from->links[i].y, from->links[i].x, from->links[i].columns, from->links[i].url);
}

void grid_clear(struct grid *g)
{
	size_t count = (size_t)g->rows * (size_t)g->columns;

	forget_links(g);

	for (size_t i = 0; i < count; i++)
		g->cells[i] = blank;
	g->cursor_y = g->cursor_x = -1;
	g->cursor_shown = 0;
}

void grid_release(struct grid *g)
{
	forget_links(g);
	free(g->links);
	free(g->cells);
	*g = (struct grid){ 0 };
}

static struct cell *cell_at(const struct grid *g, int y, int x)
{
	return &g->cells[(size_t)y * (size_t)g->columns + (size_t)x];
}

const struct cell *grid_cell(const struct grid *g, int y, int x)
{
	assert(y >= 0 && y < g->rows && x >= 0 && x < g->columns);
	return cell_at(g, y, x);
}

struct canvas canvas_of(struct grid *g)
{
	return (struct canvas){ g, 0, 0, g->rows, g->columns };
}

static int at_least(int v, int low)
{
	return v < low ? low : v;
}

static int at_most(int v, int high)
{
	return v > high ? high : v;
}

struct canvas canvas_sub(const struct canvas *c, struct rect r)
{
	int y = at_most(at_least(r.y, 0), c->rows), x = at_most(at_least(r.x, 0), c->columns);
	int bottom = at_most(r.y + r.rows, c->rows), right = at_most(r.x + r.columns, c->columns);

	return (struct canvas){ c->grid, c->y + y, c->x + x, at_least(bottom - y, 0), at_least(right - x, 0) };
}

/* What a glyph of ours becomes where only ASCII can be shown. Sorted by code point. */
static const struct {
	uint32_t code;
	char ascii;
} fallbacks[] = {
	{ 0xb0, 'o' }, { 0xb1, '~' }, { 0xb5, 'u' }, { 0xb7, '.' }, { 0xd7, 'x' }, { 0x394, 'd' }, { 0x3b1, 'a' }, { 0x3bc, 'u' },
	{ 0x2010, '-' }, { 0x2011, '-' }, { 0x2012, '-' }, { 0x2013, '-' }, { 0x2014, '-' }, { 0x2018, '\'' }, { 0x2019, '\'' },
	{ 0x201c, '"' }, { 0x201d, '"' }, { 0x2022, '*' }, { 0x2026, '~' }, { 0x2190, '<' }, { 0x2191, '^' }, { 0x2192, '>' },
	{ 0x2193, 'v' }, { 0x21b5, '<' }, { 0x2212, '-' }, { 0x2264, '<' }, { 0x2265, '>' }, { 0x2500, '-' }, { 0x2502, '|' },
	{ 0x250a, ':' }, { 0x250c, '+' }, { 0x2510, '+' }, { 0x2514, '+' }, { 0x2518, '+' }, { 0x251c, '+' }, { 0x2524, '+' },
	{ 0x252c, '+' }, { 0x2534, '+' }, { 0x253c, '+' }, { 0x2581, '_' }, { 0x2582, '_' }, { 0x2583, '.' }, { 0x2584, '-' },
	{ 0x2585, '-' }, { 0x2586, '=' }, { 0x2587, '*' }, { 0x2588, '#' }, { 0x2589, '#' }, { 0x258a, '#' }, { 0x258b, '=' },
	{ 0x258c, '=' }, { 0x258d, '-' }, { 0x258e, '-' }, { 0x258f, '-' }, { 0x2591, '.' }, { 0x2592, ':' }, { 0x2593, '%' },
	{ 0x2595, '[' }, { 0x25b2, '^' }, { 0x25b8, '>' }, { 0x25bc, 'v' }, { 0x25be, 'v' }, { 0x25c6, '+' }, { 0x25cb, 'o' },
	{ 0x25cf, '*' }, { 0x2713, 'v' }, { 0x2717, 'x' },
};

static uint32_t to_ascii(uint32_t code)
{
	size_t low = 0, high = sizeof fallbacks / sizeof fallbacks[0];

	if (code < 0x7f)
		return code;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (fallbacks[middle].code == code)
			return (uint32_t)fallbacks[middle].ascii;
		if (fallbacks[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return '?';
}

/* Blanks the other half of a wide character that stands in (y, x), so that it may be written over. */
static void part(struct grid *g, int y, int x)
{
	struct cell *cell = cell_at(g, y, x);
	struct cell *other = cell->width == 2 ? cell + 1 : cell->width == 0 ? cell - 1 : NULL;

	if (other) {
		other->code = ' ';
		other->mark = 0;
		other->width = 1;
	}
}

static void write_cell(const struct canvas *c, int y, int x, enum style s, uint32_t code, int width)
{
	struct grid *g = c->grid;
	struct cell *cell = cell_at(g, c->y + y, c->x + x);

	if (g->ascii && code > 0x7e) {
		code = to_ascii(code);
		if (width == 2)
			write_cell(c, y, x + 1, s, ' ', 1);
		width = 1;
	}
	part(g, c->y + y, c->x + x);
	if (width == 2)
		part(g, c->y + y, c->x + x + 1);
	*cell = (struct cell){ .code = code, .style = (uint8_t)s, .width = (uint8_t)width };
	if (width == 2)
		cell[1] = (struct cell){ .style = (uint8_t)s };
}

/* A character of width 0 goes onto the one before it, the last of several wins. */
static void add_mark(const struct canvas *c, int y, int x, uint32_t code)
{
	struct cell *cell;

	if (x < 0 || x >= c->columns || c->grid->ascii)
		return;
	cell = cell_at(c->grid, c->y + y, c->x + x);
	if (cell->width == 0 && x > 0)
		cell--;
	cell->mark = code;
}

int canvas_text(struct canvas *c, int y, int x, enum style s, const char *text, int max)
{
	int right = max < 0 ? c->columns : at_most(x + max, c->columns), at = x;
	size_t left = strlen(text);

	if (y < 0 || y >= c->rows)
		return 0;
	while (left) {
		uint32_t code;
		int bytes = text_decode(text, left, &code), width;
		if (!bytes) {
			code = 0xfffd;
			bytes = 1;
		}
		width = code < ' ' ? 1 : text_width(code);
		if (at + width > right)
			break;
		if (width == 0)
			add_mark(c, y, at - 1, code);
		else if (at >= 0)
			write_cell(c, y, at, s, code < ' ' ? ' ' : code, width);
		else if (at + width > 0)
			write_cell(c, y, 0, s, ' ', 1);
		at += width;
		text += bytes;
		left -= (size_t)bytes;
	}
	return at - x;
}

int canvas_text_cut(struct canvas *c, int y, int x, enum style s, const char *text, int max)
{
	int room = max < 0 ? c->columns - x : at_most(max, c->columns - x), used;

	if (room <= 0)
		return 0;
	if (text_columns(text) <= room)
		return canvas_text(c, y, x, s, text, room);
	used = canvas_text(c, y, x, s, text, room - 1);
	canvas_put(c, y, x + used, s, 0x2026);
	return used + 1;
}

int canvas_text_right(struct canvas *c, int y, int end, enum style s, const char *text)
{
	int x = end - text_columns(text);

	canvas_text(c, y, x, s, text, -1);
	return x;
}

int canvas_printf(struct canvas *c, int y, int x, enum style s, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return canvas_text(c, y, x, s, text, -1);
}

void canvas_put(struct canvas *c, int y, int x, enum style s, uint32_t code)
{
	int width = text_width(code);

	if (y >= 0 && y < c->rows && x >= 0 && width > 0 && x + width <= c->columns)
		write_cell(c, y, x, s, code, width);
}

void canvas_hline(struct canvas *c, int y, int x, int columns, enum style s)
{
	for (int i = 0; i < columns; i++)
		canvas_put(c, y, x + i, s, 0x2500);
}

void canvas_vline(struct canvas *c, int y, int x, int rows, enum style s)
{
	for (int i = 0; i < rows; i++)
		canvas_put(c, y + i, x, s, 0x2502);
}

void canvas_fill(struct canvas *c, struct rect r, enum style s)
{
	struct canvas inside = canvas_sub(c, r);

	for (int y = 0; y < inside.rows; y++)
		for (int x = 0; x < inside.columns; x++)
			write_cell(&inside, y, x, s, ' ', 1);
}

/* The cells of a stretch of a row, the other halves of wide characters at its ends included. Returns how many. */
static int stretch(const struct canvas *c, int y, int x, int columns, struct cell **first)
{
	int from = at_least(x, 0), to = at_most(x + columns, c->columns);

	if (y < 0 || y >= c->rows || from >= to)
		return 0;
	*first = cell_at(c->grid, c->y + y, c->x + from);
	if ((*first)->width == 0) {
		--*first;
		from--;
	}
	return to - from + (cell_at(c->grid, c->y + y, c->x + to - 1)->width == 2);
}

void canvas_mark(struct canvas *c, int y, int x, int columns, unsigned flags)
{
	struct cell *cell;

	for (int n = stretch(c, y, x, columns, &cell); n > 0; n--, cell++)
		cell->flags |= (uint8_t)flags;
}

void canvas_restyle(struct canvas *c, int y, int x, int columns, enum style s)
{
	struct cell *cell;

	for (int n = stretch(c, y, x, columns, &cell); n > 0; n--, cell++)
		cell->style = (uint8_t)s;
}

static uint32_t fold(uint32_t code)
{
	return code >= 'A' && code <= 'Z' ? code + 32 : code;
}

/* Columns that needle takes up from cell x on, 0 when it does not stand there. */
static int match_at(const struct cell *row, int columns, int x, const char *needle, size_t size)
{
	int start = x;

	while (size) {
		uint32_t code;
		int bytes = text_decode(needle, size, &code);
		if (!bytes || x >= columns || fold(row[x].code) != fold(code))
			return 0;
		x += at_least(row[x].width, 1);
		needle += bytes;
		size -= (size_t)bytes;
	}
	return x - start;
}

int canvas_mark_text(struct canvas *c, int y, const char *needle)
{
	struct cell *row;
	int columns = stretch(c, y, 0, c->columns, &row), found = 0;
	size_t size = strlen(needle);

	for (int x = 0; x < columns && size; ) {
		int length = match_at(row, columns, x, needle, size);
		canvas_mark(c, y, x, length, CELL_MATCH);
		found += length > 0;
		x += at_least(length, 1);
	}
	return found;
}

static int is_plain_address(const char *url)
{
	size_t size = url ? strlen(url) : 0;

	if (!size || size > LINK_MAX || (strncmp(url, "https://", 8) && strncmp(url, "http://", 7)))
		return 0;
	for (size_t i = 0; i < size; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return 0;
	return 1;
}

void canvas_link(struct canvas *c, int y, int x, int columns, const char *url)
{
	int left = at_least(x, 0), right = at_most(x + columns, c->columns);

	if (y >= 0 && y < c->rows && left < right && is_plain_address(url))
		add_link(c->grid, c->y + y, c->x + left, right - left, url);
}

void canvas_cursor(struct canvas *c, int y, int x, int shown)
{
	if (y < 0 || y >= c->rows || x < 0 || x >= c->columns)
		return;
	c->grid->cursor_y = c->y + y;
	c->grid->cursor_x = c->x + x;
	c->grid->cursor_shown = shown;
}

static void open_run(struct buf *out, const struct cell *cell)
{
	buf_printf(out, "{%s%s%s%s:", style_name(cell->style), cell->flags & CELL_SELECTED ? "+selected" : "",
	           cell->flags & CELL_CURRENT ? "+current" : "", cell->flags & CELL_MATCH ? "+match" : "");
}

static void save_code(struct buf *out, uint32_t code, int styled)
{
	char bytes[4];

	buf_add(out, bytes, (size_t)text_encode(code, bytes));
	if (styled && (code == '{' || code == '}'))
		buf_putc(out, (char)code);
}

static void save_row(const struct cell *row, int columns, struct buf *out, int styled)
{
	const struct cell *run = &blank;

	while (columns && row[columns - 1].code == ' ' && !(styled && (row[columns - 1].style || row[columns - 1].flags)))
		columns--;
	for (int x = 0; x < columns; x++) {
		const struct cell *cell = &row[x];
		if (!cell->width)
			continue;
		if (styled && (cell->style != run->style || cell->flags != run->flags)) {
			if (run->style || run->flags)
				buf_putc(out, '}');
			if (cell->style || cell->flags)
				open_run(out, cell);
			run = cell;
		}
		save_code(out, cell->code, styled);
		if (cell->mark)
			save_code(out, cell->mark, styled);
	}
	if (styled && (run->style || run->flags))
		buf_putc(out, '}');
	buf_putc(out, '\n');
}

void canvas_save(const struct canvas *c, struct buf *out, int styled)
{
	for (int y = 0; y < c->rows; y++)
		save_row(c->columns ? cell_at(c->grid, c->y + y, c->x) : NULL, c->columns, out, styled);
}
