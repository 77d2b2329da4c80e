/* Single mode: one measured run is one execution of the user's own SkyPilot task (experiment.yaml), unchanged. */
#ifndef CORE_RUNNERS_SOLO_H
#define CORE_RUNNERS_SOLO_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/runners/outbox.h"
#include "core/runners/runner.h"

struct solo;

/* NULL with a sentence when its log cannot be written. setup and outbox are borrowed, the step is copied. */
struct solo *solo_new(const struct runner_setup *setup, struct outbox *outbox, const struct step *step, struct err *err);
const char *solo_run(const struct solo *s);
const char *solo_tree(const struct solo *s);
/* What goes over the task file: EXPERIMENT_ID and what else the harness is promised. Adds "K=V" and a NULL at the end. */
void solo_environment(const struct solo *s, struct strings *env);
void solo_feed(struct solo *s, const char *line, size_t n);	/* what the task prints */
/* The task has ended by itself, well or not: its end is told. */
void solo_end(struct solo *s, int is_success);
/* It ended for another reason, which is nobody's verdict. */
void solo_abort(struct solo *s, enum run_status status, const char *reason);
void solo_free(struct solo *s);	/* NULL allowed */

#endif
