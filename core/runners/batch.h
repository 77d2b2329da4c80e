/* A batch: steps that one job executes on one VM, one after another, by assets/driver.sh (batch FILE).
 *
 * It is a note in a folder (FOLDER/NAME.batch, with the token and what the engine needs to know the steps again) until it
 * has ended, so that a batch that went on while the engine was away is taken up again. What the job prints is fed in; out
 * come the steps' beginnings and ends, each once, and each step's bytes go to its own log. */
#ifndef CORE_RUNNERS_BATCH_H
#define CORE_RUNNERS_BATCH_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/runners/runner.h"

struct batch;

/* Called from batch_feed, batch_end and the loop; any of them may free the batch. */
struct batch_listener {	/* as runner_listener's of these names */
	void (*started)(void *data, const char *run);
	void (*ended)(void *data, const struct step_result *result);
	void (*output)(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);
	/* What the driver found the VM to be; "" and 0: not known. NULL: nobody asks. */
	void (*host)(void *data, const char *arch, long cpus, long memory_mb);
	/* A log is not whole (a full disk); the run goes on. NULL: nobody asks. */
	void (*log_trouble)(void *data, const char *run, const char *why);
};

struct batch_setup {
	const struct runner_setup *setup;	/* borrowed as long as the batch lives */
	const char *folder;			/* the runner's own below the session's: notes about batches */
	const char *workdir;			/* the VM's workdir on this side: the driver's file is written there. Of a batch that is
						 * loaded: may be NULL, the driver's file is then left where it is */
	const struct batch_listener *listener;
	void *data;
};

/* name: unique in the session for ever ("w1-b7"); it is also the job's name. Nothing is written yet. */
struct batch *batch_new(const struct batch_setup *setup, const char *worker, const char *name);
/* Whether the step can be in it: its worker, and experiment and description of the steps that are (a batch has one of each). */
int batch_takes(const struct batch *b, const struct step *step);
void batch_add(struct batch *b, const struct step *step);	/* copied */
size_t batch_count(const struct batch *b);			/* steps that have not ended */
/* Writes the driver's file WORKDIR/NAME.steps, the bundles that its builds need (WORKDIR/bundles/), and the note. */
int batch_write(struct batch *b, struct err *err);
const char *batch_name(const struct batch *b);
const char *batch_worker(const struct batch *b);
/* As which job of the worker it runs; noted, too. 0: not known yet. */
int batch_set_job(struct batch *b, long job, struct err *err);
long batch_job(const struct batch *b);

/* Lines of the job's log, from the first one on. After batch_load_all, too: what was told before is passed over. */
void batch_feed(struct batch *b, const char *line, size_t n);
/* The job was asked to end: a step that a signal ends from now on is cancelled, and no failure of its arm. */
void batch_cancelled(struct batch *b);
/* The job has ended: what has not ended yet ends so (RUN_LOST in place of RUN_OK: the job did not do them), one step_ended
 * each; then the note and the driver's file here are removed. */
void batch_end(struct batch *b, enum run_status status, const char *reason);
void batch_free(struct batch *b);				/* forgets it; the note stays; NULL allowed */

/* The step like this one (worker, arm, kind, wave, round, layout, commit) that has not ended: its run id, or NULL. The
 * caller's log path for it is step->log's folder with that id. */
const char *batch_holds(const struct batch *b, const struct step *step);
int batch_has(const struct batch *b, const char *run);		/* likewise */

/* The batches whose notes lie in the folder, in the order of their names, for an engine that takes up again. Returns how
 * many; one that cannot be read is left where it is and named in err (the others are loaded all the same). The caller
 * marks what it knows of: a step that has ended is told no more and its log not touched; of one that has begun only the end
 * is still told, and its log is written anew. */
size_t batch_load_all(const struct batch_setup *setup, struct batch ***out, struct err *err);	/* out: array, to be freed */
void batch_forget(struct batch *b, const char *run);
void batch_began(struct batch *b, const char *run);

#endif
