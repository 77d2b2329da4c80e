/* What can be typed behind `:`: the actions of the cockpit and the commands of the engine, found by their beginning. */
#ifndef TUI_PALETTE_H
#define TUI_PALETTE_H

#include "core/base/mem.h"
#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/ui.h"

/* Adds the lines that begin with stem: names, actions first; behind a command's name what can follow it. */
void palette_candidates(const struct ui_command *commands, const struct model *m, const char *stem, struct strings *out);

/* What there is to choose from. */
struct palette {
	const struct ui_command *commands;
	const struct keymap *map;
	enum context context;		/* whose keys are shown */
	const struct model *model;
	const char *line;		/* as typed: how the command in it is used is shown */
	const struct strings *candidates;
	const char *chosen;		/* the candidate that stands in the line; NULL: none */
};

/* Draws the candidates with key and help on the last lines of the canvas, the chosen one marked; under them how the command is used. */
void palette_draw(const struct palette *palette, struct canvas *c);

#endif
