/* The table of runners, and the words of their contract. */
#include "core/runners/runner.h"

#include <string.h>

extern const struct runner_ops local_runner, sky_runner;

const struct runner_ops *const runners[] = { &local_runner, &sky_runner, NULL };

const struct runner_ops *runner_find(const char *name)
{
	for (size_t i = 0; name && runners[i]; i++)
		if (!strcmp(runners[i]->name, name))
			return runners[i];
	return NULL;
}

const char *step_name(enum step_kind kind)
{
	static const char *const names[STEP_KINDS] = { "build", "checks", "measure", "profile" };
	return names[kind];
}

const char *run_status_name(enum run_status status)
{
	static const char *const names[] = {
#define X(id, name) [id] = name,
		RUN_STATUSES(X)
#undef X
	};
	return names[status];
}
