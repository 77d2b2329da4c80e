/* The agent's turns: when one begins, what it is told, and what comes of it. */
#include "core/engine/state.h"

#include <stdlib.h>
#include <string.h>

static void agent_proposes(void *data, const struct draft *d)
{
	struct engine *e = data;
	char *by = xasprintf("agent %s", e->model.agent ? e->model.agent : "patches");
	intake_draft(e, d, e->model.agent, by, NULL);
	free(by);
}

static void agent_changed(void *data, const char *state, const char *text)
{
	struct engine *e = data;
	e->agent_failed = !strcmp(state, "failed");
	e->agent_finished = e->agent_failed || !strcmp(state, "finished") || !strcmp(state, "idle");	/* idle: only a human moves it on */
	if (!e->model.agent_state || strcmp(e->model.agent_state, state) || !text != !e->model.agent_text ||
	    (text && strcmp(text, e->model.agent_text)))
		engine_emit(e, &(struct event){ .kind = EVENT_AGENT_CHANGED, .agent = e->model.agent, .state = state, .text = text });
	if (e->agent_failed)
		engine_alert(e, "agent %s: %s", e->model.agent ? e->model.agent : "", text ? text : "failed");
}

static void agent_broken(void *data, const char *origin, const char *title, const char *why)
{
	struct engine *e = data;
	intake_broken(e, e->model.agent, origin, title, why);
}

static int agent_knows(void *data, const char *origin)
{
	return intake_knows(data, origin);
}

static const struct agent_listener listener = {
	.propose = agent_proposes, .changed = agent_changed, .broken = agent_broken, .is_known = agent_knows,
};

const struct agent_listener *turns_listener(void)
{
	return &listener;
}
