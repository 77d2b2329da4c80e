/* What the reader of a source is asked, and what of its answer is believed. Pure. The reader is a call without tools over
 * text that nobody vouches for: only this structure comes out of it, and a claim only with words that stand in the text. */
#ifndef CORE_ENGINE_CLAIMS_H
#define CORE_ENGINE_CLAIMS_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/engine/quotes.h"

enum { PIECE_MAX = 48 << 10, PIECES_MAX = 6, CLAIMS_MAX = 40, CLAIMS_TRIED = 100, CLAIM_TEXT_MAX = 400, CLAIM_QUOTE_MIN = 16, CLAIM_QUOTE_MAX = 600,
	SUMMARY_MAX = 1200 };

extern const char claims_system[], claims_schema[];

struct claims_about {
	const char *title, *metric;	/* of the source; of the target */
	const char *source;		/* "s3" */
	size_t piece, pieces;		/* from 1 */
};
/* The text of one call: a piece of the source behind a fence. */
void claims_ask(struct buf *out, const struct claims_about *about, const char *text, size_t size);

/* Where the piece that begins at byte `from` ends: at a page's, paragraph's or line's end where one is near. */
size_t claims_piece(const char *text, size_t size, size_t from);

struct found_claim {
	char *text, *quote, *place;	/* safe, one line; the quote as the source has it */
};
struct found_claims {
	struct found_claim *at;
	size_t count, room;
	unsigned dropped;		/* said without words that stand in the source */
	struct buf summary;		/* safe, one line */
};
/* Adds what one answer holds, whatever that is. -1: it is no such document, and nothing was added. */
int claims_take(struct found_claims *out, const struct quotes *source, const char *answer, size_t size, struct err *err);
void claims_release(struct found_claims *c);

#endif
