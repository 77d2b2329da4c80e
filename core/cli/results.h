/* The metric table for people. */
#ifndef CORE_CLI_RESULTS_H
#define CORE_CLI_RESULTS_H

#include "core/base/buf.h"
#include "core/data/model.h"

/* Adds the table: the baseline, then a line for each proposal, then what landed in all. */
void results_table(const struct model *m, struct buf *out);

#endif
