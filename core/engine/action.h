/* A command of a human, as the functions of actions.c's table see it. */
#ifndef CORE_ENGINE_ACTION_H
#define CORE_ENGINE_ACTION_H

#include "core/engine/state.h"

struct call {
	struct engine *engine;
	const char *by;
	const struct json *args;
	struct request *request;
	struct json *result;		/* the answer; NULL: {} */
	int is_pending;			/* answered later */
};
typedef int action_function(struct call *c, struct err *err);

/* A text that was given, safe and bounded; the caller frees it. NULL: it was not given. */
char *call_text(const struct call *c, const char *name);
/* A refusal where the session has ended. */
int call_needs_session(const struct call *c, struct err *err);

/* sources.c */
action_function action_source_add, action_source_drop, action_source_move, action_source_note, action_source_status;

#endif
