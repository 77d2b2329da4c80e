/* The folder that SkyPilot brings to a worker's VM: the driver and the frozen harness; batches and bundles come beside them. */
#ifndef CORE_RUNNERS_WORKDIR_H
#define CORE_RUNNERS_WORKDIR_H

#include "core/base/err.h"

/* Makes it, or brings it up to date: path/driver.sh, path/harness (what folder `harness` holds, which may be missing). */
int workdir_make(const char *path, const char *harness, struct err *err);

#endif
