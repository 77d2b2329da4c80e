/* Restores the terminal on the ways out that the program does not choose. One terminal a process. */
#ifndef TUI_RESTORE_H
#define TUI_RESTORE_H

#include <stddef.h>
#include <termios.h>

/* What the modes were before they were changed; NULL: there are none (no terminal). Before restore_arm. */
void restore_keep_termios(const struct termios *termios);

/* From now on restore_now writes these bytes (at most 256) to fd and sets the modes back. */
void restore_arm(int fd, const char *bytes, size_t size);
void restore_disarm(void);	/* the terminal is gone: nothing is to be restored */

/* Restores, once per arming. Safe in signal handlers; waits at most a second for a line that is busy. */
void restore_now(void);

/* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT restore before they end the process; handlers of others (sanitizers) stay. */
void restore_on_fatal_signals(void);

/* A child that restores when this process is killed. To be started while armed, and ended when the terminal is in order. */
void restore_start_guard(void);
void restore_end_guard(void);

#endif
