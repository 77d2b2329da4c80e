/* Opening: a session is made or taken up again, and what works for it is started. */
#ifndef CORE_ENGINE_OPEN_H
#define CORE_ENGINE_OPEN_H

#include "core/base/err.h"

struct engine;

/* Lock, settings, repository, journal, model; a new session where options say so. Nothing runs yet. */
int open_session(struct engine *e, struct err *err);
/* After the socket listens: recovery of what a crash left, the session's first facts, runner and agent. */
int open_started(struct engine *e, struct err *err);
/* Closes every run that was started and has not ended. status: enum run_status. */
void open_end_runs(struct engine *e, int status, const char *why);
/* Starts runner, workers and agent of an open session, and closes what no process executes any more; stops them. */
int open_work(struct engine *e, struct err *err);
void open_for_closing(struct engine *e);	/* the runner alone, and only when there is something to take down; says so when that fails */
void open_close_agent(struct engine *e);
void open_close_work(struct engine *e);

#endif
