/* SkyPilot's task files, through libyaml: the one that skydeck writes, and a look at one that the user wrote. */
#ifndef CORE_RUNNERS_TASK_H
#define CORE_RUNNERS_TASK_H

#include "core/base/err.h"

struct task_plan {
	const char *name;		/* of the job: it stands in front of the log's lines and in the queue */
	const char *infra, *cpus, *memory, *accelerators;	/* NULL: SkyPilot's choice */
	const char *workdir;		/* absolute; NULL: none */
	const char *setup, *run;	/* shell text, UTF-8; NULL: none */
	long autostop;			/* idle minutes after which the VM goes down (autodown); 0: none is written */
};

/* Writes the file anew (to a temporary name first, then renamed). Texts are quoted as YAML needs it, whatever they hold;
 * what no YAML can hold (control characters, bytes that are no UTF-8) is an error that names the key. */
int task_write(const char *path, const struct task_plan *plan, struct err *err);

/* What a user's task file says. Errors name file, line and column, and what is wrong there. */
struct task_facts {
	char *name, *workdir, *infra;	/* NULL: not said */
	int has_setup, has_run;
};
int task_read(const char *path, struct task_facts *out, struct err *err);
void task_facts_release(struct task_facts *facts);

#endif
