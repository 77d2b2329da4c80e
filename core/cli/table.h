/* Aligned columns for people. */
#ifndef CORE_CLI_TABLE_H
#define CORE_CLI_TABLE_H

#include "core/base/buf.h"
#include "core/base/mem.h"

/* Set columns and right (bit i: column i is aligned to the right); cells {0}. */
struct table {
	size_t columns;
	unsigned right;
	struct strings cells;		/* row by row */
};

void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes out the columns that have nothing below the first row, their head; for a table whose rows are whole. */
void table_drop_empty(struct table *t);

/* Adds the rows, two blanks between columns, nothing behind the last one; empties the table. Cells are safe text. */
void table_print(struct table *t, struct buf *out);

#endif
