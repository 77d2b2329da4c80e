/* What the agent is told: assembled from the model and the settings alone, so that it is the same after a restart and can
 * be looked at. Text from outside (titles, claims, quotes, notes, comments of sources) stands behind fences (core/base/fence.h);
 * what the human said does not. */
#ifndef CORE_DATA_BRIEF_H
#define CORE_DATA_BRIEF_H

#include "core/base/buf.h"
#include "core/data/config.h"
#include "core/data/model.h"

struct brief_target {
	const char *measure, *checks;		/* commands of the harness */
	const char *conventions;		/* of the project, as far as a file says them; NULL: none */
};
/* Who it is, the rules, the project: the same bytes in all turns of a session. */
void brief_system(const struct model *m, const struct config *c, const struct brief_target *target, struct buf *out);
/* The state of things and what is wanted now. stage: of the turn; now: wall clock, for the money. */
void brief_turn(const struct model *m, const struct config *c, const char *agent, enum stage stage, int64_t now, struct buf *out);
/* For the review of a patch by its own author: the diff, the conventions, the guard's findings. */
void brief_review(const struct brief_target *target, const char *title, const char *diff, size_t diff_size, const struct strings *findings, struct buf *out);
extern const char brief_review_system[], brief_review_schema[];

#endif
