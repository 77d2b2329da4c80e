/* What doctor says of the agents that are configured, and of the programs that research and profiles use. */
#ifndef CORE_CLI_AGENTS_H
#define CORE_CLI_AGENTS_H

#include "core/cli/finding.h"
#include "core/data/config.h"

/* Nothing is started or asked: no key leaves, and none is shown. */
void agents_check(struct findings *f, const struct config *config);

#endif
