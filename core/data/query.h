/* Questions to the model: what panes, commands and the engine ask more than once. Pure, like the fold. */
#ifndef CORE_DATA_QUERY_H
#define CORE_DATA_QUERY_H

#include "core/data/model.h"

/* "running", "paused", "stopped" (open, but no engine runs), "ended"; engine_runs is what the asker knows of it. */
const char *session_state_name(const struct model *m, int engine_runs);

/* Whether the proposal waits for a human: at a gate, stopped by the guard. */
int proposal_needs_human(const struct proposal *p);
size_t count_needs_human(const struct model *m);
/* When time passes its gate (autonomy auto), in wall microseconds; 0: time does not. */
int64_t proposal_waits_until(const struct model *m, const struct proposal *p);
int proposal_harms_elsewhere(const struct proposal *p);		/* on an architecture other than the one it was kept on */
size_t count_in_state(const struct model *m, enum proposal_state state);

const struct revision *proposal_revision(const struct proposal *p, size_t rev);	/* rev 0: the newest; NULL: none */
const char *proposal_commit(const struct proposal *p);				/* of the newest revision; NULL: conflict */
int proposal_is_judged(const struct proposal *p);				/* has a verdict, or ended otherwise */

/* Sample statistics of one arm over the pairs that count. */
struct spread {
	size_t n;
	double mean, sd, low, high;	/* NAN without samples; low and high are the extremes */
};
struct spread proposal_spread(const struct proposal *p);		/* its values of the last measurement */
struct spread proposal_base_spread(const struct proposal *p);		/* the baseline's in the same rounds */
struct spread baseline_spread(const struct model *m);			/* the present baseline's, over all its rounds */
/* Median of a secondary metric over the runs of an arm in the wave of its last measurement; NAN: none. */
double proposal_secondary(const struct model *m, const struct proposal *p, const char *name);
void secondary_names(const struct model *m, struct strings *out);

/* Kept, and neither vetoed, cancelled nor failed to land since. */
int proposal_is_winner(const struct proposal *p);
/* The landed, else kept, proposal with the largest change; NULL: none. */
const struct proposal *best_proposal(const struct model *m);
/* Product of what landed, in percent: how much faster the branch is than where the session began. */
double landed_percent(const struct model *m);

/* How a source fared, or all of a kind: a proposal that cites two of a kind counts once for it. */
struct yield {
	unsigned sources, read;		/* how many it speaks of; those that were read or used */
	unsigned proposals, kept;
	double gain_percent;		/* sum of the kept ones' changes */
	double usd;			/* what reading cost, and the proposals: their share of the agent's turns, their runs' time on VMs */
};
struct yield source_yield(const struct model *m, const struct source *s);
struct yield kind_yield(const struct model *m, const char *type);
void source_types(const struct model *m, struct strings *out);	/* the types on the list, as they first came */
int source_is_read(const struct source *s);			/* read, or used */
int proposal_cites(const struct model *m, const struct proposal *p, const struct source *s);

/* Candidates kept among those judged since the level's horizon began anew (decision rule 3.6), as far as they count for so
 * many that begin now. */
size_t count_kept_in_horizon(const struct model *m, size_t horizon, size_t coming);
/* The newest run of that step of an arm that went well, from run index `from` on; NULL: none. rev, layout 0: any. */
const struct run *find_run(const struct model *m, size_t from, const char *arm, const char *step, unsigned rev, unsigned layout);
const struct wave *current_wave(const struct model *m);			/* the newest that runs; NULL: none */
const struct wave *wave_on(const struct model *m, const char *worker);	/* the one that runs there; NULL: none */
size_t count_busy_workers(const struct model *m);
size_t count_workers_up(const struct model *m);			/* neither down nor lost */
int worker_is_up(const struct worker *w);
const struct run *worker_run(const struct model *m, const struct worker *w);	/* what executes on it; NULL: nothing */
/* Money until that moment (wall clock, microseconds): what was billed or accrued, and what goes on accruing since. */
double worker_usd(const struct worker *w, int64_t now);
double vm_usd(const struct model *m, int64_t now);
double spent_usd(const struct model *m, int64_t now);		/* VM and API together */
double hourly_usd(const struct model *m);			/* of the workers that are up */

#endif
