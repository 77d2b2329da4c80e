/* Every kind of agent, in the order in which help and errors name them. */
#include "core/agents/agent.h"

#include <string.h>

extern const struct agent_ops acp_agent, api_agent, chat_agent, patches_agent;

const struct agent_ops *const agents[] = {
	&patches_agent,
	&api_agent,
	&chat_agent,
	&acp_agent,
	NULL,
};

const struct agent_ops *agent_find(const char *kind)
{
	for (size_t i = 0; kind && agents[i]; i++)
		if (!strcmp(agents[i]->kind, kind))
			return agents[i];
	return NULL;
}
