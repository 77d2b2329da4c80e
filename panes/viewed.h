/* The files of a proposal's revision, and which of them the human has looked through. */
#ifndef PANES_VIEWED_H
#define PANES_VIEWED_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/data/model.h"
#include "panes/diff.h"
#include "tui/canvas.h"

struct viewed {
	struct strings marks;	/* "p15 2 src/x.c" */
};

int viewed_has(const struct viewed *v, const struct proposal *p, const char *path);
int viewed_toggle(struct viewed *v, const struct proposal *p, const char *path);	/* whether it is marked now */

/* Draws a heading with the count, and the files below it; `current` (DIFF_NONE: none) is marked and always among them. */
void viewed_draw(const struct viewed *v, const struct proposal *p, const struct diff *d, uint32_t current, struct canvas *c);
/* The file that is drawn in a row of a canvas of so many rows; DIFF_NONE: none is. */
uint32_t viewed_file(const struct diff *d, uint32_t current, int rows, int row);

#endif
