/* What an answer of a model costs, and how it is known. */
#ifndef CORE_AGENTS_BILL_H
#define CORE_AGENTS_BILL_H

#include "core/agents/wire.h"
#include "core/base/buf.h"
#include "core/base/err.h"

struct bill;

/* From the table of prices, the user's ($XDG_CONFIG_HOME/skydeck/prices.json) and the target's (ROOT/.skydeck/prices.json) laid
 * over it. is_near: it is asked on this machine, where a model without a price costs nothing. NULL: a file is wrong. */
struct bill *bill_new(const char *root, int is_near, struct err *err);
void bill_free(struct bill *b);		/* NULL allowed */

/* USD; the server's own word first, else its model's price, else that of the one that was asked for. *is_guessed: neither has a
 * price, and that of the dearest was taken. source gets "price table of 2026-11-20" and the like. */
double bill_of(const struct bill *b, const struct wire_answer *answer, const char *model, int *is_guessed, struct buf *source);

/* "12.1k in, 48k cached, 1.2k out" */
void bill_say_tokens(struct buf *out, const struct tokens *t);

#endif
