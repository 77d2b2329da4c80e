/* What a step leaves behind, the same wherever it runs: its log, its METRIC lines, and how it ended. */
#ifndef CORE_RUNNERS_RECORD_H
#define CORE_RUNNERS_RECORD_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/io/logs.h"
#include "core/runners/harness.h"
#include "core/runners/runner.h"

#ifndef RECORD_LOG_MAX
#define RECORD_LOG_MAX (64u << 20)	/* bytes of one run's log; what comes after is counted and dropped */
#endif
enum { RECORD_OUTPUT_EVERY = 125000 };	/* microseconds between two calls of a listener's output */

/* {0} with setup, kind and tree is one that has no log yet. */
struct record {
	const struct runner_setup *setup;	/* borrowed */
	enum step_kind kind;
	const char *tree;		/* the arm's folder here; NULL: it is not here */
	struct log_writer *log;		/* NULL: none could be opened */
	struct harness harness;
	uint64_t dropped;		/* bytes that did not fit in the log */
	struct err trouble;		/* why the log is not whole; its text is empty while it is */
};

/* What driver and clock said. */
struct record_end {
	int is_cancelled, is_timed_out;
	int has_begun;			/* the driver ran: what follows is the command's doing */
	int code;			/* the shell's: 128+N by signal N */
	const char *artifact;		/* NULL or "": none */
};

int record_open(struct record *r, const char *log, struct err *err);	/* the log is added to, if it is there */
void record_add(struct record *r, const char *bytes, size_t n);
uint64_t record_lines(const struct record *r);
uint64_t record_bytes(const struct record *r);
char *record_last_line(const struct record *r);		/* safe text; the caller frees it */
/* Ends the log and fills in what it can say of the result: status, exit code, artifact, metrics, the log's size; run and
 * seconds are the caller's. Returns the reason, which the caller frees (it is in the result, too); NULL when all is well. */
char *record_finish(struct record *r, const struct record_end *end, struct step_result *result);
void record_release(struct record *r);

long record_limit(const struct runner_setup *setup, enum step_kind kind);		/* seconds a step of that kind may take */
const char *record_command(const struct runner_setup *setup, enum step_kind kind);	/* NULL: none is configured */

#endif
