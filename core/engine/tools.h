/* What an MCP server tells of the tools of agents (core/agents/tool.h). */
#ifndef CORE_ENGINE_TOOLS_H
#define CORE_ENGINE_TOOLS_H

#include "core/base/err.h"
#include "core/base/json.h"

/* The tools as `tools/list` answers them (modelcontextprotocol.io, 2025-11-25, server/tools): name, title, description,
 * inputSchema, annotations; in a fixed order. The caller frees it. */
struct json *tools_list(void);

/* Whether a call could be made. -1 with what is wrong; the code is EXIT_USAGE when there is no such tool. */
int tools_check(const char *name, const struct json *args, struct err *err);

#endif
