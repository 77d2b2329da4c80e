/* Permissions: the child asks, a human answers, or policy does after a while: no, once. They are courtesy and no boundary:
 * a child that does not ask is held by the sandbox all the same. So one that asks for a tool of the session's own is told yes
 * at once: it was given that tool, and what it says that it asks for need not be true anyway. */
#include "core/agents/acp.h"

#include <stdlib.h>
#include <string.h>

#include "core/agents/tool.h"
#include "core/base/text.h"

enum { OPEN_MAX = 32, ASKED_MAX = 500 /* in a turn: each stands in the journal */, OPTIONS_MAX = 16, TITLE_MAX = 300, TEXT_MAX = 4 << 10 };

static void release(struct acp_permission *p)
{
	loop_cancel(p->agent->loop, p->timer);
	json_free(p->request);
	json_free(p->options);
	free(p->id);
	free(p);
}

/* Takes it from those that are open. */
static void forget(struct acp_permission *p)
{
	struct agent *a = p->agent;
	for (size_t i = 0; i < a->permission_count; i++)
		if (a->permissions[i] == p) {
			array_remove(&a->permissions, &a->permission_count, i, sizeof *a->permissions);
			break;
		}
	release(p);
}

static void answer(struct agent *a, const struct json *request, const char *option)
{
	struct json *result = json_object(), *outcome = json_object();
	json_put_string(outcome, "outcome", option ? "selected" : "cancelled");
	if (option)
		json_put_string(outcome, "optionId", option);
	json_take(result, "outcome", outcome);
	if (a->rpc)
		rpc_result(a->rpc, request, result);
	else
		json_free(result);
}

/* A tool of tool.h, by the names that clients give to tools of a server. */
static int is_own_tool(const struct json *tool)
{
	static const char *const prefixes[] = { "mcp__skydeck__", "mcp.skydeck." };
	const char *name = json_string(json_get(tool, "name"), NULL);
	if (!name)
		name = json_string(json_get(tool, "title"), "");
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return tool_find(name + strlen(prefixes[i])) != NULL;
	return 0;
}

static const char *option_in(const struct json *options, const char *kind)
{
	for (const struct json *i = json_first(options); i; i = json_next(i))
		if (!strcmp(json_string(json_get(i, "kind"), ""), kind))
			return json_string(json_get(i, "optionId"), NULL);
	return NULL;
}

static void end_by_policy(struct acp_permission *p, const char *kind, const char *reason)
{
	struct agent *a = p->agent;
	const char *option = kind ? option_in(p->options, kind) : NULL;
	answer(a, p->request, option);
	a->was_refused = 1;
	a->listener->answered(a->data, p->id, option ? kind : "cancelled", "policy", reason);
	forget(p);
}

static void nobody_answered(void *data)
{
	struct acp_permission *p = data;
	p->timer = NULL;
	end_by_policy(p, "reject_once", "nobody answered in time");
}

void acp_ask_end(struct agent *a, const char *reason)
{
	while (a->permission_count)
		end_by_policy(a->permissions[0], NULL, reason);
}

int acp_permit(struct agent *a, const char *permission, const char *kind, const char *by)
{
	(void)by;
	for (size_t i = 0; i < a->permission_count; i++) {
		struct acp_permission *p = a->permissions[i];
		int is_cancel = !strcmp(kind, "cancelled");
		const char *option = is_cancel ? NULL : option_in(p->options, kind);
		if (strcmp(p->id, permission))
			continue;
		if (!is_cancel && !option)
			return -1;
		answer(a, p->request, option);
		a->was_refused |= strncmp(kind, "allow", 5) != 0;
		forget(p);
		return 0;
	}
	return -1;
}

static int same_id(const struct json *a, const struct json *b)
{
	struct buf x = {0}, y = {0};
	json_print(a, &x);
	json_print(b, &y);
	int same = !strcmp(buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

void acp_withdraw(struct agent *a, const struct json *params)
{
	const struct json *id = json_get(params, "requestId");
	for (size_t i = 0; id && i < a->permission_count; i++)
		if (same_id(a->permissions[i]->request, id)) {
			end_by_policy(a->permissions[i], NULL, "the agent took its question back");
			return;
		}
}

/* What it wants to do, as it says: a command, else all of its input. */
static char *text_of(const struct agent *a, const struct json *tool)
{
	const struct json *input = json_get(tool, "rawInput");
	const char *command = json_string(json_get(input, "command"), NULL);
	struct buf text = {0};
	if (command)
		buf_puts(&text, command);
	else if (json_is_object(input))
		json_print_pretty(input, &text);
	char *safe = acp_clean(a, buf_str(&text), text.len < TEXT_MAX ? text.len : TEXT_MAX, TEXT_NEWLINES | TEXT_TABS);
	buf_release(&text);
	return safe;
}

/* "allow_once Yes, proceed". Without a kind or an id nobody could choose it. */
static void list_options(const struct agent *a, const struct json *options, struct strings *out)
{
	for (const struct json *i = json_first(options); i && out->count < OPTIONS_MAX; i = json_next(i)) {
		const char *kind = json_string(json_get(i, "kind"), NULL), *name = json_string(json_get(i, "name"), "");
		if (!kind || !json_string(json_get(i, "optionId"), NULL) || !*kind || kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz_")])
			continue;
		char *line = xasprintf("%.40s %.*s", kind, TITLE_MAX, name), *safe = acp_clean(a, line, strlen(line), TEXT_LINE | TEXT_TABS);
		strings_add(out, safe);
		free(line);
		free(safe);
	}
}

void acp_ask(struct agent *a, const struct json *params, const struct json *id)
{
	const struct json *tool = json_get(params, "toolCall"), *options = json_get(params, "options");
	struct strings lines = {0};
	if (json_is_array(options))
		list_options(a, options, &lines);
	if (!json_is_object(tool) || !lines.count) {
		rpc_error(a->rpc, id, RPC_PARAMS, "toolCall and options, each with optionId, name and kind, are needed", NULL);
	} else if (!a->has_turn || a->is_stopping || a->permission_count == OPEN_MAX || a->asked >= ASKED_MAX) {
		answer(a, id, NULL);
	} else if (a->tools_socket && is_own_tool(tool) && option_in(options, "allow_once")) {
		acp_say_line(a, SAID_NOTE, "(it asks for a tool that it was given: %.100s; policy allows it)",
		             json_string(json_get(tool, "title"), ""));
		answer(a, id, option_in(options, "allow_once"));
	} else {
		struct acp_permission *p = xcalloc(1, sizeof *p);
		struct acp_permission **at = array_add(&a->permissions, &a->permission_count, &a->permission_room, sizeof *at);
		const char *said = json_string(json_get(tool, "title"), "it asks for permission");
		char *title = acp_clean(a, said, strnlen(said, TITLE_MAX), TEXT_LINE | TEXT_TABS), *text = text_of(a, tool);
		*p = (struct acp_permission){ .agent = a, .id = xasprintf("t%u-%u", a->plan.number, ++a->asked), .request = json_copy(id),
			.options = json_copy(options) };
		*at = p;
		p->timer = loop_after(a->loop, a->patience.permission, nobody_answered, p);
		a->listener->asks(a->data, &(struct agent_permission){ .id = p->id, .title = title, .text = text, .options = &lines });
		free(title);
		free(text);
	}
	strings_release(&lines);
}
