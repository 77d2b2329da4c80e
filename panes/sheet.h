/* What stands in the review below the lines about a proposal: remarks (the end of a log, why a patch does not apply),
 * the diff, and comments under the lines they are about. Rows, made anew when any of it changes; drawn one below the
 * other, or old and new side by side. */
#ifndef PANES_SHEET_H
#define PANES_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "panes/diff.h"
#include "tui/canvas.h"
#include "tui/textview.h"

struct sheet_comment {
	char *file;		/* NULL: on the whole */
	int64_t line;		/* of the new side; 0: on the file */
	char *text;		/* with who says it */
	enum style style;
};

enum row_kind { ROW_NOTE, ROW_LINE, ROW_COMMENT };

struct row {
	enum row_kind kind;
	uint32_t left, right;	/* ROW_LINE: lines of the diff or DIFF_NONE; else left: index of the note or comment */
	uint32_t from, size;	/* ROW_COMMENT: the piece of its text */
};

struct note {
	char *text;
	enum style style;
};

struct sheet {
	struct diff *diff;	/* borrowed; NULL: none */
	struct note *notes; size_t note_count, note_room;
	struct sheet_comment *comments; size_t comment_count, comment_room;
	struct row *rows; size_t row_count, row_room;
	int columns;
	int side_by_side;
};

/* To make one: clear, add, build. Texts are copied. */
void sheet_clear(struct sheet *s);
void sheet_note(struct sheet *s, enum style style, const char *text);	/* a line, or several with newlines between */
void sheet_comment(struct sheet *s, const char *file, int64_t line, const char *who, const char *text, enum style style);
void sheet_build(struct sheet *s, struct diff *diff, int columns, int side_by_side);
void sheet_release(struct sheet *s);

int sheet_text_columns(const struct sheet *s);		/* columns that a line of text has */
uint32_t sheet_line(const struct sheet *s, size_t row);	/* the line of the diff that it shows or stands under, DIFF_NONE */
size_t sheet_row(const struct sheet *s, uint32_t line);	/* the row that shows it; 0: none does */
/* Moves *row to the next one (direction 1) or the one before (-1) that begins a file or, with DIFF_HUNK, a hunk. Whether
 * there is one. */
int sheet_jump(const struct sheet *s, size_t *row, enum diff_kind kind, int direction);

/* As a textview wants it: a row's text without gutters, for search, wrapping and copying. data is the sheet. */
textview_line_function sheet_row_text;

/* Draws the view v of the rows on the whole canvas; words are emphasised where sheet_prepare was called for the view. */
void sheet_prepare(struct sheet *s, const struct textview *v);
void sheet_draw(const struct sheet *s, const struct textview *v, struct canvas *c, int focused);

#endif
