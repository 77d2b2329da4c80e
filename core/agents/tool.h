/* The tools of an agent: one table (assets/tools.json) for model APIs, MCP and the manual. What they do is the engine's
 * (core/engine/tools.c): each has one implementation there, and its answer is one JSON object. */
#ifndef CORE_AGENTS_TOOL_H
#define CORE_AGENTS_TOOL_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/json.h"

struct tool {
	const char *name, *title, *description;
	const struct json *schema;	/* of its arguments: JSON Schema, an object without further properties */
	int reads_only;			/* changes nothing */
	int goes_out;			/* asks the network */
};

/* In a fixed order, so that what a model is sent is the same bytes each time. They live as long as the program. */
const struct tool *tools_all(size_t *count);
const struct tool *tool_find(const char *name);	/* also with the prefix that MCP clients show, mcp__skydeck__; NULL: none */

/* Arguments against the schema: known names, required ones, type, enum, minLength, maxLength, minimum, maximum,
 * maxItems, items. -1 with a sentence that the model can act on. args NULL is an empty object. */
int tool_check(const struct tool *tool, const struct json *args, struct err *err);

#endif
