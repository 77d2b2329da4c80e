/* SkyPilot, as doctor looks at it: through the `sky` command alone, so that what is said here is what the user would see. */
#ifndef CORE_CLI_VMS_H
#define CORE_CLI_VMS_H

#include "core/base/mem.h"
#include "core/cli/finding.h"
#include "core/engine/target.h"

/* The clusters that any session of the target may have left running: sessions/ID/sky/clusters, a name a line. Names that
 * SkyPilot would not allow are left out and said. */
void vms_noted(const struct target *t, struct strings *names, struct findings *f);

/* Is `sky` there, does its API server answer, which clouds are enabled, which of the noted clusters are up, how long and
 * for how much. Those are added to up. holder: whether an engine runs that looks after them. */
void vms_look(const struct strings *names, int holder, struct strings *up, struct findings *f);

/* Takes them down, says of each whether it is, and takes those that are gone off the lists. Takes as long as SkyPilot does;
 * the caller holds the engine's lock. */
void vms_down(const struct target *t, const struct strings *names, struct findings *f);

#endif
