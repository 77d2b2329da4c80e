/* Cells as bytes that write them again where they stand, as a link or no longer as one: ncurses knows no hyperlinks, so they
 * are laid over its frame. The terminal's cursor and attributes are as before then. */
#ifndef TUI_HYPERLINK_H
#define TUI_HYPERLINK_H

#include "core/base/buf.h"
#include "tui/canvas.h"
#include "tui/style.h"

/* Adds what turns the links of `before` into those of `now` (OSC 8, as in
 * https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda). is_changed: of each row, whether ncurses wrote cells of
 * it, which are no links any more then. Adds nothing where nothing has to be done. */
void hyperlink_overlay(const struct grid *before, const struct grid *now, const char *is_changed, const struct theme *theme,
	enum style_depth depth, struct buf *out);

#endif
