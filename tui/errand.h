/* A program that has the terminal for a while: ssh, a pager. */
#ifndef TUI_ERRAND_H
#define TUI_ERRAND_H

#include "core/base/err.h"
#include "core/io/loop.h"

struct errand;

/* Starts it on the terminal `tty` (a descriptor of it), in a process group of its own in the foreground, so that its
 * Ctrl-C is not ours. `ended` comes once, from the loop, after the terminal is ours again: exit code, or -1 when a signal
 * ended it. The terminal must have been given back before (term_leave). NULL with a sentence. One at a time. */
struct errand *errand_start(struct loop *loop, int tty, const char *const *argv, void (*ended)(void *data, int code), void *data, struct err *err);
/* Hangs up on it and forgets it; no callback. NULL allowed. */
void errand_abandon(struct errand *e);

#endif
