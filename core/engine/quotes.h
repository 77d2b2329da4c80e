/* Whether words really stand in a text, and where. Pure. What a reader quotes is believed only after it was found here:
 * letter by letter, but for white space, which any layout may change. */
#ifndef CORE_ENGINE_QUOTES_H
#define CORE_ENGINE_QUOTES_H

#include <stddef.h>

#include "core/base/buf.h"

/* A text made ready to be searched. Borrows it. */
struct quotes {
	const char *text;
	size_t size;
	struct buf flat;	/* the text with each run of white space as one blank, none at its ends */
};
void quotes_init(struct quotes *q, const char *text, size_t size);
void quotes_release(struct quotes *q);

struct quote_place {
	size_t start, end;	/* bytes of the text: from its first character to behind its last */
	size_t flat, length;	/* the same words in q->flat */
};
/* The first occurrence at or behind byte `from` of the text. -1: it does not stand there, or is no words at all. */
int quotes_find(const struct quotes *q, const char *quote, size_t from, struct quote_place *out);

/* "page 4", "pages 4-5" where the text has form feeds between its pages; else "line 12", "lines 12-19". Of bytes start to
 * end. The caller frees it. */
char *quotes_where(const char *text, size_t size, size_t start, size_t end);

/* The longest beginning of at most n bytes that splits no character. */
size_t text_cut(const char *text, size_t size, size_t n);

#endif
