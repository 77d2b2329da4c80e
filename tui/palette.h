/* What can be typed behind `:`: the actions of the cockpit and the commands of the engine, found by their beginning. */
#ifndef TUI_PALETTE_H
#define TUI_PALETTE_H

#include "core/base/mem.h"
#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/ui.h"

/* Adds the names that begin with stem, actions first; none once the stem has a blank. */
void palette_candidates(const struct ui_command *commands, const char *stem, struct strings *out);

/* Draws the candidates with key and help on the last lines of the canvas, at most `most`; the chosen one marked. */
void palette_draw(const struct ui_command *commands, const struct keymap *map, enum context context, const struct strings *candidates,
                  const char *chosen, struct canvas *c);

#endif
