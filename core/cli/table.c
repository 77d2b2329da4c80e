/* A table is collected whole and then laid out, since a column is as wide as its widest cell. Widths are columns of the
 * terminal, not bytes (core/base/text.h). */
#include "core/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"

enum { MOST_COLUMNS = 16 };

void table_cell(struct table *t, const char *format, ...)
{
	va_list args;
	char *text;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	strings_add(&t->cells, n < 0 ? "" : text);
	if (n >= 0)
		free(text);
}

static void pad(struct buf *out, int columns)
{
	while (columns-- > 0)
		buf_putc(out, ' ');
}

static int is_empty(const struct table *t, size_t column)
{
	for (size_t i = t->columns + column; i < t->cells.count; i += t->columns)
		if (*t->cells.at[i])
			return 0;
	return 1;
}

static void drop_column(struct table *t, size_t column)
{
	size_t kept = 0;
	unsigned below = t->right & ((1u << column) - 1), above = t->right >> (column + 1) << column;
	for (size_t i = 0; i < t->cells.count; i++)
		if (i % t->columns == column)
			free(t->cells.at[i]);
		else
			t->cells.at[kept++] = t->cells.at[i];
	t->cells.count = kept;
	t->columns--;
	t->right = below | above;
}

void table_drop_empty(struct table *t)
{
	for (size_t column = t->columns; column-- > 0;)
		if (t->columns > 1 && is_empty(t, column))
			drop_column(t, column);
}

void table_print(struct table *t, struct buf *out)
{
	int widths[MOST_COLUMNS] = {0};
	for (size_t i = 0; i < t->cells.count; i++) {
		int *width = &widths[i % t->columns], own = text_columns(t->cells.at[i]);
		*width = own > *width ? own : *width;
	}
	for (size_t i = 0; i < t->cells.count; i++) {
		size_t column = i % t->columns;
		int gap = widths[column] - text_columns(t->cells.at[i]), right = t->right >> column & 1;
		pad(out, right ? gap : 0);
		buf_puts(out, t->cells.at[i]);
		pad(out, right || column + 1 == t->columns ? 0 : gap);
		if (column + 1 < t->columns) {
			buf_puts(out, "  ");
			continue;
		}
		while (out->len && out->data[out->len - 1] == ' ')
			buf_truncate(out, out->len - 1);
		buf_putc(out, '\n');
	}
	strings_release(&t->cells);
}
