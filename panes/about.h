/* What a human should know of a proposal before its diff: lines with a label, the more important ones first when
 * there is not room for all. */
#ifndef PANES_ABOUT_H
#define PANES_ABOUT_H

#include <stddef.h>
#include <stdint.h>

#include "core/data/model.h"
#include "tui/canvas.h"

struct about_line {
	char label[12];		/* "idea"; "" where the line goes on */
	char *text, *right;	/* right: at the right end, NULL mostly */
	enum style style;
	int rank;		/* 0: must be seen; larger ones go first */
};

struct about {
	struct about_line *lines;
	size_t count, room;
};

/* What about_make is asked to say beside the proposal itself. */
struct about_view {
	int64_t now;
	size_t from;		/* the revision that the shown interdiff begins at; 0: the whole is shown */
	int is_cut;		/* the diff shown is not all of it */
	size_t unsent;		/* comments of the user that were not sent yet */
	const char *whole_key, *send_key;	/* keys that show the whole again, and that send the comments */
	int rows, columns;	/* room for the lines; few rows: without what the pane's title says */
};

/* Replaces the lines. */
void about_make(struct about *a, const struct model *m, const struct proposal *p, const struct about_view *view);
void about_draw(const struct about *a, struct canvas *c);
void about_release(struct about *a);

#endif
