/* A batch: steps that one job executes on one VM, one after another, by assets/driver.sh (batch FILE).
 *
 * It is a folder's file while it waits for its end (FOLDER/batches/NAME, with the token and what the engine needs to know
 * the steps again), so that a batch that went on while the engine was away is taken up again. What the job prints is fed in;
 * out come the steps' beginnings and ends, each once, and each step's bytes go to its own log. */
#ifndef CORE_RUNNERS_BATCH_H
#define CORE_RUNNERS_BATCH_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/runners/runner.h"

struct batch;

struct batch_listener {	/* as runner_listener's of these names */
	void (*started)(void *data, const char *run);
	void (*ended)(void *data, const struct step_result *result);
	void (*output)(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);
};

struct batch_setup {
	const struct runner_setup *setup;	/* borrowed as long as the batch lives */
	const char *folder;			/* the runner's own below the session's: notes about batches */
	const char *workdir;			/* the VM's workdir on this side: the driver's file is written there */
	const struct batch_listener *listener;
	void *data;
};

/* name: unique in the session for ever ("w1-b7"); it is also the job's name. Nothing is written yet. */
struct batch *batch_new(const struct batch_setup *setup, const char *worker, const char *name);
void batch_add(struct batch *b, const struct step *step);	/* copied */
size_t batch_count(const struct batch *b);			/* steps that have not ended */
/* Writes the driver's file WORKDIR/NAME.steps and the note. */
int batch_write(struct batch *b, struct err *err);
const char *batch_name(const struct batch *b);
const char *batch_worker(const struct batch *b);
/* Where and as which job it runs; noted, too. 0: not known yet. */
int batch_set_job(struct batch *b, long job, struct err *err);
long batch_job(const struct batch *b);

/* Lines of the job's log, from the first one on. After batch_load, too: what was told before is passed over. */
void batch_feed(struct batch *b, const char *line, size_t n);
/* The job has ended: what has not ended yet ends so, one step_ended each; then the note is removed. */
void batch_end(struct batch *b, enum run_status status, const char *reason);
void batch_free(struct batch *b);				/* forgets it; the note stays; NULL allowed */

/* The step like this one (worker, arm, kind, wave, round, layout, commit) that has not ended: its run id, or NULL. The
 * caller's log path for it is step->log's folder with that id. */
const char *batch_holds(const struct batch *b, const struct step *step);
int batch_has(const struct batch *b, const char *run);

/* The batches whose notes lie in the folder, for an engine that takes up again. Steps that the caller knows to have ended
 * are marked with batch_forget and told no more. */
size_t batch_load_all(const struct batch_setup *setup, struct batch ***out, struct err *err);	/* out: array, to be freed */
void batch_forget(struct batch *b, const char *run);

#endif
