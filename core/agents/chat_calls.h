/* The calls of a chat completion, put together out of the pieces that they stream in. */
#ifndef CORE_AGENTS_CHAT_CALLS_H
#define CORE_AGENTS_CHAT_CALLS_H

#include <stddef.h>

#include "core/agents/wire.h"

struct part;
struct chat_calls {
	struct part *parts;
	size_t count, room;
	unsigned long named;		/* ids that were made up, in the whole conversation */
};

int chat_calls_hear(struct chat_calls *calls, const struct json *piece, int is_altered);	/* -1: there are too many */

/* Adds the calls to out, and to message with commas between, as they go back. Each has an id then that no other has. is_cut: a
 * limit of length ended the answer; the last of them is left out when it is only half there. */
void chat_calls_gather(struct chat_calls *calls, int is_cut, struct wire_answer *out, struct buf *message);
void chat_calls_forget(struct chat_calls *calls);

#endif
