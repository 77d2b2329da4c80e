/* Text patches, pure: bringing a diff into git's form, and laying hunks over a text. core/io/git does the rest. */
#ifndef CORE_IO_PATCH_H
#define CORE_IO_PATCH_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

/* What is wrong with a diff before anything is compared: a path or a hunk (else NULL) and why (NULL: nothing is). */
struct patch_fault {
	char *path, *hunk;	/* the caller frees them */
	const char *why;
};

/* Adds the diff to out as `git apply` wants it: a plain `---`/`+++` pair gets its `diff --git` line (and its a/ and b/
 * where it has no prefix), as does a diff made with --no-prefix; the last line gets its newline. 0; or -1 when a header
 * names a path that leaves the project (absolute, or with an empty or `..` part), or a hunk is longer than it says. */
int patch_to_git_form(const char *diff, size_t size, struct buf *out, struct patch_fault *fault);

/* A hunk: its lines without the sign, with their newline unless the text ends without one. */
struct patch_line {
	char sign;		/* ' ', '-', '+' */
	const char *bytes;	/* borrowed */
	size_t size;
};
struct patch_hunk {
	size_t old_start, old_lines;	/* as in "@@ -old_start,old_lines" */
	struct patch_line *lines;
	size_t count, room;
};
void patch_hunk_release(struct patch_hunk *h);

/* Lays the hunks over the text, in order, and adds the result to out. A hunk whose lines are not where it says is
 * looked for before and after, nearest first, as `git apply` does: every context line must match; one that begins at
 * line 1 must match there, one that ends without context must match at the end (a hunk without any context: neither).
 * 0; or -1 with the index of the hunk that found no place in *failed and a sentence on what stands there in why. */
int patch_apply(const char *text, size_t size, const struct patch_hunk *hunks, size_t count, struct buf *out,
                size_t *failed, struct buf *why);

#endif
