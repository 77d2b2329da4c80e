/* The session as the JSON documents that scripts may rely on (CONTRACT, "JSON"). Pure: what the clock or the lock would
 * tell is given. Every key is always there, null where nothing is known; money and figures are not rounded. The caller
 * frees what is returned. */
#ifndef CORE_DATA_VIEW_H
#define CORE_DATA_VIEW_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/data/model.h"

/* engine_runs: whether an engine runs for the target. Without one nobody is attached, and this machine's workers are
 * down whatever the last event about them said: they die with it. now: wall clock, microseconds, up to which VMs have
 * cost. */
struct json *view_status(const struct model *m, int engine_runs, int64_t now);
struct json *view_workers(const struct model *m, int engine_runs, int64_t now);

/* One proposal as its revision rev shows it; rev 0: the newest. */
struct json *view_proposal(const struct model *m, const struct proposal *p, size_t rev);
/* All of them, or those in a state. */
struct json *view_proposals(const struct model *m, const enum proposal_state *only);

/* Every proposal with what was measured; also as tab-separated values below a line of names, empty where unknown. */
struct json *view_results(const struct model *m);
void view_results_tsv(const struct model *m, struct buf *out);

struct json *view_sources(const struct model *m);	/* with what came of each */

/* What both views and tables show of a worker when no engine runs: "down" where it is this machine's. */
const char *worker_state_now(const struct worker *w, int engine_runs);

#endif
