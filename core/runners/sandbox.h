/* The sandbox of a local step: a command line for bubblewrap (bwrap(1)), and the environment that a step sees.
 *
 * Inside there is /usr, /etc and what links to them, read-only; the arm's tree at /target, the same for every arm,
 * the only place that lasts; the driver at /skydeck/driver.sh; its own /proc, /dev and an empty /tmp. No network, no
 * home, no .git, no capabilities, no process outside. All of it ends with the command, or with this process. */
#ifndef CORE_RUNNERS_SANDBOX_H
#define CORE_RUNNERS_SANDBOX_H

#include "core/base/err.h"
#include "core/base/mem.h"

#define SANDBOX_TREE "/target"
#define SANDBOX_DRIVER "/skydeck/driver.sh"

/* Adds the command line up to the command itself, which the caller adds behind it. tree, driver: absolute paths here;
 * driver NULL: none. */
void sandbox_command(struct strings *argv, const char *tree, const char *driver);

/* Adds the variables that every step has, as NAME=value: a plain PATH, C.UTF-8, TERM=dumb, HOME=/tmp. Nothing is
 * taken from this process's environment; outside of the sandbox (is_inside 0) PATH and HOME are, or no tools would be
 * found. */
void sandbox_environment(struct strings *env, int is_inside);

/* Tries it once. -1 with a sentence that says what is missing on this machine and what to do. */
int sandbox_probe(struct err *err);

#endif
