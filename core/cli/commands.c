/* The table of commands, in the order of the help: to start, to look, to decide, to steer, to read, to keep house. */
#include "core/cli/cli.h"

#include <stddef.h>
#include <string.h>

#define COMMANDS(X) \
	X(init) X(demo) X(run) X(attach) X(serve) X(status) X(proposals) X(show) X(diff) \
	X(approve) X(veto) X(waive) X(revise) X(sign) X(cancel) X(retry) X(propose) X(steer) X(permit) X(refuse) \
	X(sources) X(source) X(workers) X(worker) X(autonomy) X(pause) X(resume) X(stop) \
	X(log) X(events) X(results) X(judge) X(mcp) X(doctor) X(version) X(help)

#define X(name) extern const struct cli_command name##_command;
COMMANDS(X)
#undef X

const struct cli_command *const cli_commands[] = {
#define X(name) &name##_command,
	COMMANDS(X)
#undef X
	NULL
};

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (!strcmp(cli_commands[i]->name, name))
			return cli_commands[i];
	return NULL;
}
