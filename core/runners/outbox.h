/* What a runner has to tell its listener, told in order from a timer of the loop and from nowhere else: so a callback may
 * call any op of the runner, close included, whatever the runner was doing when it found out. */
#ifndef CORE_RUNNERS_OUTBOX_H
#define CORE_RUNNERS_OUTBOX_H

#include <stddef.h>

#include "core/io/loop.h"
#include "core/runners/runner.h"

struct outbox;

struct outbox *outbox_new(const struct runner_setup *setup);
void outbox_free(struct outbox *o);	/* what is not told yet never is; also from inside a listener's callback; NULL allowed */

/* Each copies what it is given. */
void outbox_worker(struct outbox *o, const struct worker_report *report);
void outbox_started(struct outbox *o, const char *run);
void outbox_ended(struct outbox *o, const struct step_result *result);
void outbox_step_output(struct outbox *o, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);
void outbox_worker_output(struct outbox *o, const char *worker, uint64_t lines, uint64_t bytes, const char *last_line);
void outbox_failed(struct outbox *o, const char *why);

int outbox_has_end(const struct outbox *o, const char *run);	/* the end of that run is still to be told */

#endif
