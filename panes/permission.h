/* What a child agent asks leave for, as the human sees it and answers: two or three lines on top of the agent's pane. What
 * each key means is said in our words; the agent's own stand behind them, so that it cannot call a yes a no. */
#ifndef PANES_PERMISSION_H
#define PANES_PERMISSION_H

#include <stdint.h>

#include "core/data/dialogue.h"
#include "tui/pane.h"

enum { PERMISSION_ROWS = 3 };

/* Rows it takes of so many; below 2 there is no room to show what an answer would be. */
int permission_rows(const struct permission *asked, int rows);
void permission_draw(const struct permission *asked, const struct keymap *keymap, int64_t now, struct canvas *c);

/* Whether the agent offers what this action would answer. */
int permission_offers(const struct permission *asked, enum action a);
/* asked NULL: nothing is asked for. */
enum pane_result permission_answer(const struct permission *asked, enum action a, struct intent *want);

#endif
