/* Asking an engine to leave, and waiting until it and all it started are gone. */
#ifndef CORE_CLI_STOP_H
#define CORE_CLI_STOP_H

#include "core/cli/cli.h"

/* Sends the command stop and returns when no process of the session is left; -1 after ten seconds, naming what is. */
int engine_stop(const struct cli *cli, int now, struct err *err);

#endif
