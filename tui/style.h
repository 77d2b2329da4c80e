/* What things look like. Panes name a style; a theme (a text file, compiled in) maps it to colours for terminals of
 * 256 colours, of 16, and of none. */
#ifndef TUI_STYLE_H
#define TUI_STYLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* The one list of styles: enum, name in theme files and in styled screen dumps, meaning. */
#define STYLES(X) \
	X(DEFAULT, "default", "text") \
	X(STRONG, "strong", "text that matters most in its row") \
	X(MUTED, "muted", "what is there to be looked up, not read") \
	X(HEADING, "heading", "names of columns and parts") \
	X(GOOD, "good", "better, kept, passed, ready") \
	X(BAD, "bad", "worse, failed, lost") \
	X(WARN, "warn", "noise, delay, a limit that is near") \
	X(INFO, "info", "in progress") \
	X(ALERT, "alert", "waits for the human") \
	X(LINK, "link", "an id that Enter follows") \
	X(PERSON, "person", "what a human said") \
	X(AGENT, "agent", "what an agent said") \
	X(TITLE_BAR, "title-bar", "the first line of the screen") \
	X(TITLE, "title", "name of a pane") \
	X(TITLE_FOCUS, "title-focus", "name of the focused pane") \
	X(BORDER, "border", "lines between panes") \
	X(BORDER_FOCUS, "border-focus", "lines of the focused pane") \
	X(SELECTED, "selected", "the current row of the focused pane") \
	X(CURRENT, "current", "the current row of another pane") \
	X(MATCH, "match", "what the search found") \
	X(DIFF_ADD, "diff-add", "an added line") \
	X(DIFF_REMOVE, "diff-remove", "a removed line") \
	X(DIFF_ADD_WORD, "diff-add-word", "the changed words of an added line") \
	X(DIFF_REMOVE_WORD, "diff-remove-word", "the changed words of a removed line") \
	X(DIFF_HUNK, "diff-hunk", "header of a hunk or a file") \
	X(DIFF_NUMBER, "diff-number", "line numbers") \
	X(KEY, "key", "a key in the footer and the help") \
	X(BAR, "bar", "the filled part of a gauge") \
	X(BAR_EMPTY, "bar-empty", "the rest of a gauge") \
	X(AXIS, "axis", "axes and zero lines") \
	X(PROMPT, "prompt", "the label in front of what is typed") \
	X(MESSAGE, "message", "an answer of the program in the last line")

enum style {
#define X(id, name, meaning) STYLE_##id,
	STYLES(X)
#undef X
	STYLE_COUNT
};

enum style_depth { DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_COUNT };

/* Marks that lie over a cell whatever its style: the current row, a search hit. */
enum cell_flags { CELL_SELECTED = 1, CELL_CURRENT = 2, CELL_MATCH = 4 };

enum look_attributes { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_ITALIC = 4, LOOK_UNDERLINE = 8, LOOK_REVERSE = 16 };

/* Colours are numbers of the terminal's palette: 0..15 the user's own, 16..255 the fixed xterm cube and greys. */
enum { COLOR_NONE = -1 };	/* the terminal's default */
struct look {
	int16_t foreground, background;
	unsigned attributes;	/* enum look_attributes */
};

struct theme {
	char name[32];
	uint32_t foreground, background;	/* 0xRRGGBB: what the theme takes the terminal's defaults for; for the contrast check */
	struct look looks[STYLE_COUNT][DEPTH_COUNT];
};

const char *style_name(enum style s);
int style_find(const char *name);	/* -1: no such style */

/* Reads a theme file. Each line: STYLE  LOOK [| LOOK for 16 colours [| LOOK for none]], a LOOK being
 * [COLOUR] [on COLOUR] [bold dim italic underline reverse]; a COLOUR is #rrggbb (the nearest of xterm's 240 fixed ones is
 * taken), `default`, or one of the user's palette: black … white, bright-black … bright-white. `foreground #…` and
 * `background #…` state the assumed defaults; # at the start of a line or after a blank and before a blank: a comment.
 * What is left out: 16 colours take the nearest of xterm's default palette, no colours reverse what had a background.
 * -1 with "NAME:LINE: …". */
int theme_parse(struct theme *t, const char *name, const char *text, size_t size, struct err *err);

/* One of the themes that are compiled in ("dark", "light", "plain"), or a file if the name has a /. -1 with what there is. */
int theme_load(struct theme *t, const char *name, struct err *err);

/* What a cell looks like: its style, with the marks over it. */
struct look theme_look(const struct theme *t, enum style s, unsigned flags, enum style_depth depth);

/* How many colours to use. wanted: the setting `ui.colors` (NULL or "auto", "mono", "16", "256", "truecolor", which is
 * shown in 256); NO_COLOR (https://no-color.org: set and not empty) wins over auto; terminal: what terminfo says. */
enum style_depth style_depth(const char *wanted, const char *no_color, int terminal_colors);

/* 0xRRGGBB of a palette number; otherwise for COLOR_NONE. */
uint32_t style_rgb(int color, uint32_t otherwise);
/* Contrast ratio of two colours, 1..21 (WCAG 2.1, "contrast ratio"; 4.5 is level AA for text). */
double style_contrast(uint32_t a, uint32_t b);

#endif
