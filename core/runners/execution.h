/* One step as a child process of this machine: driver in a sandbox, log, the harness's output, and how it ended. */
#ifndef CORE_RUNNERS_EXECUTION_H
#define CORE_RUNNERS_EXECUTION_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/runners/cpus.h"
#include "core/runners/runner.h"

struct execution;

struct execution_plan {
	const struct runner_setup *setup;	/* borrowed until the end */
	const struct step *step;		/* borrowed until the end */
	const char *driver;			/* where assets/driver.sh lies on this machine */
	const struct cpus *cpus;
	/* As runner_listener's of these names. log_trouble: why the log is not whole, or NULL. Both may abandon it. */
	void (*output)(void *data, uint64_t lines, uint64_t bytes, const char *last_line);
	void (*ended)(void *data, const struct step_result *result, const char *log_trouble);
	void *data;
};

/* NULL with a sentence when it could not be started: then nothing was, and no callback comes. */
struct execution *execution_start(const struct execution_plan *plan, struct err *err);
void execution_cancel(struct execution *e);	/* kills it; `ended` follows with RUN_CANCELLED */
void execution_abandon(struct execution *e);	/* kills and forgets it: no callback comes any more; NULL allowed */

#endif
