/* The engine of one target: it owns the journal, the workers, the agents and the money. */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

#include "core/base/err.h"

struct event;
struct model;

enum engine_open {
	ENGINE_JOIN,	/* the open session; a new one only if the target never had one; else the ended one is shown */
	ENGINE_JOIN_OR_NEW,	/* the open session, else a new one */
	ENGINE_NEW,	/* a new one; an open one is refused */
};

struct engine_options {
	const char *directory;		/* where the target is */
	const char *autonomy, *agent, *runner;	/* NULL: the config's */
	double budget, hours;		/* negative: the config's */
	long experiments;		/* negative: the config's */
	enum engine_open open;
	int end_with_session;		/* leave when the session has ended and no cockpit is attached (run) */
	void (*line)(void *data, const char *line);	/* lines of what happens, for --plain; NULL: none */
	void *data;
	/* Called once the session is open and the socket listens; NULL allowed. */
	void (*ready)(void *data);
};

/* Opens the target's session (joins and resumes an open one), runs until the engine leaves, and returns an exit code:
 * EXIT_DONE, or another with a sentence in err. SIGTERM, SIGINT and SIGHUP end the engine, not the session. */
int engine_run(const struct engine_options *options, struct err *err);

#endif
