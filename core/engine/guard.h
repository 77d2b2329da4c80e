/* What no agent can talk past: protected paths, scope, size, binaries, modes, links, submodules. */
#ifndef CORE_ENGINE_GUARD_H
#define CORE_ENGINE_GUARD_H

#include "core/data/config.h"
#include "core/io/git.h"

/* Adds one sentence per finding to reasons; none: the change may pass to the first gate. harness: paths of the measure
 * and checks scripts, protected whatever the config says. Paths are made safe for display. */
void guard_check(const struct config *config, const struct strings *harness, const struct git_change *change, struct strings *reasons);

#endif
