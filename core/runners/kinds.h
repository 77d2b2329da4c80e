/* Kinds of VM: each entry of runner.sky.infra is one, with the same cpus, memory and accelerators; workers are dealt out to
 * them in turn. What one costs an hour is asked for with a dry run, which also finds out whether it can be had at all. */
#ifndef CORE_RUNNERS_KINDS_H
#define CORE_RUNNERS_KINDS_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/runners/runner.h"
#include "core/runners/skypilot.h"
#include "core/runners/task.h"

struct kinds;

struct kinds_setup {
	const struct runner_setup *setup;	/* borrowed */
	struct skypilot *sky;
	const char *folder;			/* for task files; borrowed */
	const char *task;			/* the user's own task file, which decides alone; NULL: the config does. Borrowed */
	/* From the loop; may not free the kinds. */
	void (*priced)(void *data, size_t kind);	/* once a kind: its price is known, or never will be */
	void (*impossible)(void *data, const char *why);	/* such a VM can never be had; the sentence names the remedy */
	void *data;
};

struct kinds *kinds_new(const struct kinds_setup *setup);	/* asks for the prices */
void kinds_free(struct kinds *k);				/* NULL allowed */
size_t kinds_of(const struct kinds *k, const char *worker);
const char *kinds_place(const struct kinds *k, size_t kind);	/* NULL: SkyPilot's choice */
double kinds_usd_per_hour(const struct kinds *k, size_t kind);	/* NAN: not known */
int kinds_is_priced(const struct kinds *k, size_t kind);

/* A task's resources: those of the kind. */
void kinds_fill(const struct kinds *k, size_t kind, struct task_plan *plan);
/* "…; remedy" of what SkyPilot answered; freed by the caller. */
char *explain_trouble(const struct skypilot_answer *answer);

#endif
