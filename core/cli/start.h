/* Starting a target's engine in the background. */
#ifndef CORE_CLI_START_H
#define CORE_CLI_START_H

#include "core/base/err.h"
#include "core/engine/target.h"

/* Starts the engine of t as a process of its own, unless one runs: skydeck serve with the given options (their list ends
 * with NULL; NULL: none). Returns 0 once it listens; else -1 with the engine's own sentence and exit code. */
int engine_start(const struct target *t, const char *const *options, struct err *err);

/* The other end: what `serve --ready FD` tells who started it. Neither does anything when fd is below 0. */
void engine_tell_ready(int fd);
void engine_tell_failed(int fd, const struct err *err);

#endif
