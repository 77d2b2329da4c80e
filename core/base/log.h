/* The debug log of -v: what a process did, for whoever looks for a fault. Facts go to the journal, never here. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/err.h"

/* Opens the log for appending; one that is open already is closed first. 0, or -1 with a sentence in err. */
int log_open(const char *path, struct err *err);

/* Adds a line: the time, the process id, the text. Does nothing while no log is open. Text is made safe to show. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

void log_close(void);

#endif
