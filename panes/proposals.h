/* The queue of proposals as the review shows it: which come first, and the words for where each stands. */
#ifndef PANES_PROPOSALS_H
#define PANES_PROPOSALS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/data/model.h"
#include "tui/canvas.h"

/* All proposals: what waits for the human, then what runs or will, then what is over; each in the order of arrival. The
 * caller frees the array; its pointers live until the next event. */
const struct proposal **proposals_order(const struct model *m, size_t *count);

/* Adds the word of panes/standing.h, with the countdown where time passes a gate ("waits 3:10"); returns its style. */
enum style proposals_word(const struct model *m, const struct proposal *p, int64_t now, struct buf *out);

/* Draws one as a line of a list: mark (! where it waits for the human), id, word, title. */
void proposals_draw(const struct model *m, const struct proposal *p, int64_t now, struct canvas *row);

/* "user kim" is kim for people. */
const char *proposals_person(const char *by);

#endif
