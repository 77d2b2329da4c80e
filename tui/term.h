/* The terminal: a grid goes in, the fewest bytes that make the screen equal to it come out, in one write a frame. */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "tui/canvas.h"
#include "tui/style.h"

struct term;

struct term_options {
	int in, out;			/* the terminal; in -1: none, nothing is ever read */
	const char *name;		/* $TERM; one that terminfo does not know falls back to xterm's */
	const char *colors;		/* the setting ui.colors; NULL: auto */
	const struct theme *theme;
	int mouse;			/* take the mouse from the start */
	int guard;			/* a small process watches this one and restores the terminal when it is killed */
	int rows, columns;		/* the size where `out` is no terminal */
};

/* Takes the terminal over: raw mode, alternate screen, bracketed paste, focus events. NULL with a sentence; the terminal
 * is as it was then. One at a time (ncurses has one screen a process). Needs an UTF-8 locale and sets one for LC_CTYPE. */
struct term *term_open(const struct term_options *options, struct err *err);
void term_close(struct term *t);	/* gives the terminal back as it was; NULL allowed */

int term_in(const struct term *t);	/* fds for the loop: non-blocking */
int term_out(const struct term *t);
int term_rows(const struct term *t);
int term_columns(const struct term *t);
const char *term_name(const struct term *t);	/* the terminfo entry in use: for keys_new */
int term_wants_ascii(const struct term *t);	/* the locale names a character set that is not UTF-8 */

/* Asks the kernel for the size, after SIGWINCH. Returns whether it changed. */
int term_measure(struct term *t);

/* Up to `size` bytes. 0: nothing there now; -1: the terminal is gone, leave. */
long term_read(struct term *t, char *bytes, size_t size);

/* Makes the screen equal to the grid. 0: done; 1: the line is still busy with an earlier frame: nothing was drawn, call
 * again with the latest state once term_flush has returned 0; -1: the terminal is gone. */
int term_draw(struct term *t, const struct grid *g);
/* Writes what waits. 0: nothing waits any more; 1: watch term_out for writing; -1: the terminal is gone. */
int term_flush(struct term *t);

void term_set_theme(struct term *t, const struct theme *theme);
void term_set_mouse(struct term *t, int on);
void term_redraw(struct term *t);	/* the next frame paints everything anew: someone else wrote on the screen */
void term_bell(struct term *t);
/* Text to the clipboard by OSC 52. -1: over the 74,994 bytes that terminals take. */
int term_copy(struct term *t, const char *text, size_t size);
/* The terminal answered DECRQM: with mode 2026 known, frames are bracketed from now on (synchronized output). */
void term_mode_report(struct term *t, int mode, int value);

/* Gives the terminal back, stops the process group as Ctrl-Z does, and takes it over again when it continues. Does
 * nothing where SIGTSTP is ignored. */
void term_suspend(struct term *t);

/* The two halves of it, for a program that has the terminal meanwhile. */
void term_leave(struct term *t);
void term_return(struct term *t);

uint64_t term_bytes(const struct term *t);	/* written so far */
uint64_t term_frames(const struct term *t);	/* that had any bytes */

#endif
