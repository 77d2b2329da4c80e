/* A unified diff as git prints it (git-diff, "Generating patch text with -p"), taken apart for reading: files, hunks,
 * lines with their numbers on both sides, and which words of a changed line changed. The text is safe text
 * (core/base/text.h). */
#ifndef PANES_DIFF_H
#define PANES_DIFF_H

#include <stddef.h>
#include <stdint.h>

enum diff_kind {
	DIFF_FILE,		/* begins a file; has no text of its own */
	DIFF_HUNK,		/* begins a hunk; its text stands behind the second @@ */
	DIFF_CONTEXT, DIFF_REMOVED, DIFF_ADDED,
	DIFF_REMARK,		/* "\ No newline at end of file", and whatever is no diff: nothing is left out */
};

enum { DIFF_COLUMNS = 512 };	/* of a line that are shown */
#define DIFF_NONE UINT32_MAX

/* Bytes of a line's text. */
struct diff_span {
	uint32_t from, to;
};

struct diff_line {
	uint32_t start, size;	/* its text without the sign, in the diff's text */
	uint32_t old, new;	/* number on each side, from 1; 0: not on that side; of a removed line new: where it stood */
	uint32_t file, hunk;	/* indices, or DIFF_NONE */
	uint32_t span, spans;	/* the words that changed; none: the whole line did, or it is not known */
	enum diff_kind kind;
};

struct diff_file {
	char *path;		/* the new one; of a deleted file the old one */
	char *note;		/* "new file, executable", "renamed from old.c", "binary"; NULL: changed in place */
	size_t line;		/* its DIFF_FILE line */
	size_t hunks;
	unsigned added, removed;
};

struct diff_hunk {
	size_t line, end;	/* its DIFF_HUNK line, and the line behind its last one */
	uint32_t old, old_count, new, new_count;
	int is_emphasized;
};

struct diff {
	char *text;
	struct diff_line *lines; size_t line_count, line_room;
	struct diff_file *files; size_t file_count, file_room;
	struct diff_hunk *hunks; size_t hunk_count, hunk_room;
	struct diff_span *spans; size_t span_count, span_room;
	uint32_t last_number;	/* the largest line number on either side */
};

/* Fills an empty diff. Total: what is no diff comes out as remarks. */
void diff_parse(struct diff *d, const char *text);
void diff_release(struct diff *d);

/* Finds the words that changed in the lines of a hunk, once. The work is bounded: lines that are too long, too different
 * or too many keep no spans, and are shown as changed as a whole. */
void diff_emphasize(struct diff *d, size_t hunk);

/* The line->size bytes of its text; no NUL behind them. */
const char *diff_text(const struct diff *d, const struct diff_line *line);

#endif
