/* The manual page, and the rows of the tables that it and the help are made of. */
#ifndef CORE_CLI_MANUAL_H
#define CORE_CLI_MANUAL_H

#include "core/base/buf.h"

enum { MANUAL_CELLS = 3 };

/* A line of a table that is text: its cells stand between tabs; what is not there is empty. */
struct manual_row {
	const char *at[MANUAL_CELLS];
	int len[MANUAL_CELLS];
};
int manual_next(const char **text, struct manual_row *row);	/* 0 at the end; *text moves on by a line */

/* assets/skydeck.1, with the commands and the settings in their places, as roff. */
void manual_page(struct buf *out);

#endif
