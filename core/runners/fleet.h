/* The life of the session's VMs: launched, set up, looked after, taken down. It tells the engine about each worker through
 * the outbox, and its owner what that means for what runs there. */
#ifndef CORE_RUNNERS_FLEET_H
#define CORE_RUNNERS_FLEET_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/runners/outbox.h"
#include "core/runners/runner.h"
#include "core/runners/skypilot.h"

struct fleet;

struct fleet_setup {
	const struct runner_setup *setup;	/* all borrowed */
	struct skypilot *sky;
	struct outbox *outbox;
	const char *folder;	/* the runner's own, absolute */
	const char *task;	/* single mode: the user's task file, whose first run brings a VM up. NULL: VMs come up by themselves */
	/* From the loop, and never the engine's doing; none may free the vms. */
	void (*ready)(void *data, const char *worker);
	void (*jobs)(void *data, const char *worker, const struct job_facts *jobs, size_t n);	/* a VM from before stands, and knows these */
	/* What ran or waited there has ended so. */
	void (*gone)(void *data, const char *worker, enum run_status status, const char *why);
	void *data;
};

struct fleet *fleet_new(const struct fleet_setup *setup, struct err *err);
void fleet_free(struct fleet *v);				/* touches no VM; NULL allowed */

int fleet_start(struct fleet *v, const char *worker, struct err *err);
void fleet_stop(struct fleet *v, const char *worker);
size_t fleet_count_up(const struct fleet *v);		/* not known to be gone */
int fleet_lack_autostop(const struct fleet *v);

int fleet_is_started(const struct fleet *v, const char *worker);	/* and not being taken down */
int fleet_is_ready(const struct fleet *v, const char *worker);
const char *fleet_cluster(const struct fleet *v, const char *worker);	/* NULL: there never was that worker */
char *fleet_workdir(const struct fleet *v, const char *worker);		/* freed by the caller */
char *fleet_task_path(const struct fleet *v, const char *name);		/* FOLDER/NAME.yaml; freed by the caller */

void fleet_log(struct fleet *v, const char *worker, const char *bytes, size_t n);	/* into the worker's own log */
void fleet_arch(struct fleet *v, const char *worker, const char *arch);
void fleet_used(struct fleet *v, const char *worker);	/* it has just been given something to do, or has just ended it */
void fleet_look(struct fleet *v);				/* something there is not as it should be: ask soon, and with a refresh */

/* Single mode. Whether the cluster stands, so that `exec` will do; else it is noted, and the caller launches it, and then
 * says what came of that. -1 with a sentence: it cannot be noted. */
int fleet_claim(struct fleet *v, const char *worker, struct err *err);
void fleet_launched(struct fleet *v, const char *worker, const struct skypilot_answer *answer);

#endif
