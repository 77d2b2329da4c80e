/* The parts of an answer of the Messages API: text, thinking, calls, and whatever else it may have. */
#ifndef CORE_AGENTS_BLOCK_H
#define CORE_AGENTS_BLOCK_H

#include <stddef.h>

#include "core/agents/wire.h"

struct block {
	long index;
	int is_call, is_thinking, is_text;	/* none: a kind that is only given back */
	struct buf start;			/* as it came */
	struct buf text, signature, input, citations;	/* what deltas added; text: of thinking, too */
	int is_altered;				/* characters that are none were replaced in it */
	int is_closed;
};

/* Reads an answer's blocks into out (text, calls), and adds them to message with commas between, as they go back. is_cut: a
 * limit of length ended it, so that the last of them may be half a call, which is left out. Left out, too, is what the API
 * would not take back: text of blanks, and thinking whose signature does not fit any more. */
void blocks_gather(const struct block *blocks, size_t count, int is_cut, struct wire_answer *out, struct buf *message);
void block_release(struct block *b);

#endif
