/* A patch as people send it: what `git format-patch` writes, some words with a diff below, or a bare diff. */
#ifndef CORE_AGENTS_MAIL_H
#define CORE_AGENTS_MAIL_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"

/* All text is safe to show (core/base/text.h). */
struct mail {
	char *title;			/* one line, without "[PATCH n/m]"; "" when there is none */
	char *body;			/* without the diffstat and all else below "---"; "" when there is none */
	char *author, *date;		/* "Name <mail>" and as it was written; NULL when absent */
	char *idea, *expected;		/* the body's `Idea:` and `Expected:` (or `Expect:`); NULL when absent */
	struct strings sources;		/* from its `Source:` lines */
	size_t diff, diff_size;		/* where the diff stands in the bytes; size 0 when there is none */
};

/* Splits n bytes. The body's `Idea:`, `Expected:` and `Source:` lines, which may go on in indented lines, stay in it.
 * Headers as in RFC 5322, encoded words (RFC 2047) in UTF-8, ASCII and Latin-1. -1 for what cannot be split: nothing,
 * several mails in one file, a body in quoted-printable or base64, attachments. */
int mail_parse(struct mail *m, const char *bytes, size_t n, struct err *err);
void mail_release(struct mail *m);

#endif
