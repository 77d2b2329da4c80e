/* The tools of agents, wherever they are called from: a model's turn, an ACP agent's sandbox, or a client of `skydeck mcp`.
 *
 * Each call is checked against its schema, bounded in number and size, carried out by the one function that the table names,
 * and stated as one fact when it is answered. What an agent says can only ever get here: nothing in the table decides. */
#include "core/engine/tools.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/agents/tool.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/engine/state.h"

enum {
	ANSWER_MAX = 200 << 10,			/* bytes of an answer */
	SUMMARY_COLUMNS = 160, VALUE_COLUMNS = 60, VALUE_BYTES = 400,
	OPEN_MAX = 32,				/* proposals of one agent that are not decided */
	NOTES_PER_TURN = 20,			/* by one agent; in an hour where it takes no turns */
	IDEAS_MAX = 500,
	BURST = 240, CALLS_PER_SECOND = 2,	/* of all agents together */
	SAME_MAX = 5, CIRCLES = 16,		/* times running that a call has the same answer; calls that are remembered */
	HOUR = 3600,
};
#define MICRO 1000000

struct circle {
	uint64_t call, answer;			/* hashes */
	unsigned times;
};
struct tool_counts {
	double tokens;				/* calls that may be made now */
	int64_t filled;				/* monotonic: when that was so */
	struct noted {
		unsigned turn, count;
		int64_t since;			/* monotonic */
	} noted[2];				/* by those who come by themselves; by the session's own agent */
	struct circle circles[CIRCLES];		/* the newest first */
};

static const struct {
	const char *name;
	tool_function *run;
	int works_on_ended;
} functions[] = {
	{ "read_file", tool_read_file, 0 }, { "list_files", tool_list_files, 0 }, { "search_code", tool_search_code, 0 },
	{ "read_source", tool_read_source, 0 }, { "search_literature", tool_search_literature, 0 }, { "add_source", tool_add_source, 0 },
	{ "propose_idea", tool_propose_idea, 0 }, { "propose_patch", tool_propose_patch, 0 }, { "read_results", tool_read_results, 1 },
	{ "read_log", tool_read_log, 1 }, { "note", tool_note, 0 },
};

/* what was asked, as a line */

static void add_value(struct buf *out, const struct json *v)
{
	const char *s = json_string(v, NULL);
	if (s) {
		char *safe = text_safe_string(s, strnlen(s, VALUE_BYTES), TEXT_LINE);
		size_t n = text_fit(safe, VALUE_COLUMNS, NULL);
		buf_add(out, safe, n);
		buf_puts(out, safe[n] || strlen(s) > VALUE_BYTES ? "…" : "");
		free(safe);
	} else if (json_is_array(v)) {
		size_t n = 0;
		for (const struct json *i = json_first(v); i && n < 8; i = json_next(i), n++) {
			buf_puts(out, n ? " " : "");
			add_value(out, i);
		}
	} else if (!json_is_object(v)) {
		json_print(v, out);
	}
}

static char *summary(const struct json *args)
{
	struct buf line = {0};
	for (const struct json *i = json_first(args); i && line.len < 4 * SUMMARY_COLUMNS; i = json_next(i)) {
		if (json_is_null(i))
			continue;
		char *key = text_safe_string(json_key(i), strnlen(json_key(i), VALUE_COLUMNS), TEXT_LINE);
		buf_printf(&line, "%s%s ", line.len ? ", " : "", key);
		add_value(&line, i);
		free(key);
	}
	buf_truncate(&line, text_fit(buf_str(&line), SUMMARY_COLUMNS, NULL));
	return buf_take(&line);
}

/* the answer */

static void use_free(struct tool_use *u)
{
	for (struct tool_use **at = &u->engine->uses; *at; at = &(*at)->next)
		if (*at == u) {
			*at = u->next;
			break;
		}
	json_free(u->taken);
	free(u->names[0]);
	free(u->names[1]);
	free(u);
}

/* One whole object whatever it was: a model reads a beginning better than half a document. */
static void cut(struct buf *text)
{
	struct json *less = json_object();
	size_t all = text->len, n = ANSWER_MAX / 2;
	while (n && ((unsigned char)text->data[n] & 0xc0) == 0x80)
		n--;
	char *note = xasprintf("the answer had %zu bytes, and this is its beginning as text: ask for less", all);
	buf_truncate(text, n);
	json_put_bool(less, "is_cut", 1);
	json_put_string(less, "note", note);
	json_put_string(less, "beginning", buf_str(text));
	buf_truncate(text, 0);
	json_print(less, text);
	json_free(less);
	free(note);
}

/* The turn that u's agent is in; others may use tools meanwhile, and are in none. */
static const struct turn *turn_of(const struct tool_use *u)
{
	const struct turn *turn = turn_now(&u->engine->model);
	return turn && turn->agent && !strcmp(turn->agent, u->agent) ? turn : NULL;
}

static void state_call(struct tool_use *u, const char *status)
{
	const struct turn *turn = turn_of(u);
	char *line = summary(u->args);
	engine_emit(u->engine, &(struct event){ .kind = EVENT_TOOL_CALLED, .by = u->by, .turn = turn ? turn->number : 0, .agent = u->agent, .tool = u->name,
		.text = line, .status = status });
	free(line);
}

static struct json *error_object(const char *sentence)
{
	struct json *result = json_object();
	char *safe = text_safe_string(sentence, strlen(sentence), TEXT_NEWLINES | TEXT_TABS);
	json_put_string(result, "error", safe);
	free(safe);
	return result;
}

static struct tool_counts *counts(struct engine *e)
{
	if (!e->tool_counts) {
		e->tool_counts = xcalloc(1, sizeof *e->tool_counts);
		*e->tool_counts = (struct tool_counts){ .tokens = BURST, .filled = clock_monotonic() };
	}
	return e->tool_counts;
}

/* How often running this call had this answer. A model that goes in circles asks the same again and learns nothing. */
static unsigned count_same(struct tool_use *u, const struct buf *answer)
{
	struct tool_counts *c = counts(u->engine);
	struct circle now = { .answer = hash_bytes(buf_str(answer), answer->len), .times = 1 };
	struct buf call = {0};
	size_t i = 0;
	buf_printf(&call, "%s %s ", u->agent, u->name);
	json_print(u->args, &call);
	now.call = hash_bytes(buf_str(&call), call.len);
	buf_release(&call);
	while (i + 1 < CIRCLES && c->circles[i].call != now.call)
		i++;
	if (c->circles[i].call == now.call && c->circles[i].answer == now.answer)
		now.times = c->circles[i].times + 1;
	memmove(c->circles + 1, c->circles, i * sizeof *c->circles);
	c->circles[0] = now;
	return now.times;
}

static int break_circle(struct tool_use *u, struct buf *text)
{
	unsigned times = count_same(u, text);
	if (times <= SAME_MAX)
		return 0;
	char *sentence = xasprintf("the same call again, and for the %uth time running the same answer: nothing has changed since; "
				   "go on with something else", times);
	struct json *object = error_object(sentence);
	buf_truncate(text, 0);
	json_print(object, text);
	json_free(object);
	free(sentence);
	return 1;
}

/* A use that was dropped meanwhile states nothing: the engine may be on its way out. */
static void finish(struct tool_use *u, struct json *result, int is_error)
{
	struct buf text = {0};
	if (u->done) {
		json_print(result, &text);
		if (text.len > ANSWER_MAX)
			cut(&text);
		is_error |= break_circle(u, &text);
		state_call(u, is_error ? "error" : "ok");
		u->done(u->data, buf_str(&text), is_error);
	}
	buf_release(&text);
	json_free(result);
	use_free(u);
}

void tool_answer(struct tool_use *u, struct json *result_taken)
{
	finish(u, result_taken, 0);
}

void tool_refuse(struct tool_use *u, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	finish(u, error_object(n < 0 ? "it failed" : text), 1);
	if (n >= 0)
		free(text);
}

/* how many */

/* What comes faster is refused and leaves no trace in the journal, which it would fill. */
static int take_token(struct engine *e)
{
	struct tool_counts *c = counts(e);
	int64_t now = clock_monotonic();
	c->tokens += (double)(now - c->filled) / MICRO * CALLS_PER_SECOND;
	c->tokens = c->tokens > BURST ? BURST : c->tokens;
	c->filled = now;
	if (c->tokens < 1)
		return -1;
	c->tokens--;
	return 0;
}

static int is_open_proposal(const struct proposal *p)
{
	return p->state == STATE_DRAFTED || p->state == STATE_STOPPED || p->state == STATE_WAITING || p->state == STATE_REVISING ||
	       p->state == STATE_APPROVED || p->state == STATE_QUEUED || p->state == STATE_RUNNING || p->state == STATE_SIGNING;
}

/* The session's own agent counts for itself; those who come by themselves call themselves what they like, and count together. */
static size_t open_proposals(const struct model *m, const char *agent)
{
	int is_own = m->agent && !strcmp(m->agent, agent);
	size_t n = 0;
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		int is_of_own = p->agent && m->agent && !strcmp(p->agent, m->agent);
		n += is_open_proposal(p) && p->agent && strcmp(p->agent, "human") && is_of_own == is_own;
	}
	return n;
}

static int may_note(struct tool_use *u, struct err *err)
{
	const struct turn *turn = turn_of(u);
	const char *own = u->engine->model.agent;
	struct noted *n = &counts(u->engine)->noted[own && !strcmp(own, u->agent)];
	int64_t now = clock_monotonic();
	unsigned number = turn ? turn->number : 0;
	if (n->turn != number || (!number && now - n->since > (int64_t)HOUR * MICRO))
		*n = (struct noted){ number, 0, now };
	if (n->count++ < NOTES_PER_TURN)
		return 0;
	return err_set(err, "%d notes were made in this %s: that is enough; a note is for what the next turn must know", NOTES_PER_TURN,
		       turn ? "turn" : "hour");
}

static int within_quota(struct tool_use *u, struct err *err)
{
	struct engine *e = u->engine;
	size_t open = strcmp(u->name, "propose_patch") || json_string(json_get(u->args, "proposal"), NULL) ? 0 : open_proposals(&e->model, u->agent);
	if (open >= OPEN_MAX)
		return err_set(err, "%zu of your proposals are not decided yet: wait until the human or the measurements have caught up (read_results)", open);
	if (!strcmp(u->name, "propose_idea") && e->model.idea_count >= IDEAS_MAX)
		return err_set(err, "the session has %zu ideas: carry some of them out first", e->model.idea_count);
	return strcmp(u->name, "note") ? 0 : may_note(u, err);
}

/* the call */

static void refuse_early(tool_done *done, void *data, const char *sentence)
{
	struct buf text = {0};
	struct json *object = error_object(sentence);
	json_print(object, &text);
	done(data, buf_str(&text), 1);
	buf_release(&text);
	json_free(object);
}

/* Why no tool can be used now: no fact could be stated of it either. */
static int is_usable(struct engine *e, struct err *err)
{
	if (e->broken)
		return err_set(err, "nothing can be recorded now: %s; try again in a minute", e->why_broken.text);
	if (take_token(e) < 0)
		return err_set(err, "too many calls: %d in a second is what this session takes for long; wait a minute", CALLS_PER_SECOND);
	return 0;
}

static struct tool_use *use_new(struct engine *e, const char *agent, const char *name, const struct json *args, tool_done *done, void *data)
{
	struct tool_use *u = xcalloc(1, sizeof *u);
	const char *who = agent && *agent ? agent : e->model.agent ? e->model.agent : "agent";
	*u = (struct tool_use){ .engine = e, .name = name, .done = done, .data = data, .next = e->uses };
	u->names[0] = !strcmp(who, "human") ? xasprintf("mcp-%s", who) : xstrdup(who);	/* what the human proposes is by "human" */
	u->names[1] = xasprintf("agent %s", u->names[0]);
	u->agent = u->names[0];
	u->by = u->names[1];
	u->taken = json_is_object(args) ? json_copy(args) : json_object();
	u->args = u->taken;
	e->uses = u;
	return u;
}

static size_t function_of(const char *name)
{
	size_t i = 0;
	while (i < sizeof functions / sizeof *functions && strcmp(functions[i].name, name))
		i++;
	return i;
}

static void carry_out(struct tool_use *u)
{
	struct engine *e = u->engine;
	struct err err = {0};
	size_t i = function_of(u->name);
	if (i == sizeof functions / sizeof *functions)
		tool_refuse(u, "there is no tool \"%.64s\"", u->name);
	else if (e->model.state == SESSION_ENDED && !functions[i].works_on_ended)
		tool_refuse(u, "the session has ended: read_results and read_log still tell what came of it");
	else if (within_quota(u, &err) < 0)
		tool_refuse(u, "%s", err.text);
	else
		functions[i].run(u);
}

/* While the session is paused its agent's turn goes on to where it next uses a tool, and waits there: nothing more is asked of a
 * model. Who comes by themselves cost the session nothing. */
static int is_to_wait(const struct tool_use *u)
{
	return u->engine->model.state == SESSION_PAUSED && turn_of(u);
}

static void stop_waiting(struct tool_use *u)
{
	u->waits_in = 0;
}

/* The oldest that waited and need not any more. */
static struct tool_use *waited(const struct engine *e)
{
	struct tool_use *oldest = NULL;
	for (struct tool_use *u = e->uses; u; u = u->next)
		if (u->waits_in && (!is_to_wait(u) || turn_of(u)->number != u->waits_in))
			oldest = u;
	return oldest;
}

void tools_advance(struct engine *e)
{
	for (struct tool_use *u; (u = waited(e));) {
		const struct turn *turn = turn_of(u);
		int is_over = !turn || turn->number != u->waits_in;
		u->waits_in = 0;
		u->cancel = NULL;
		if (is_over)
			tool_refuse(u, "the turn in which this was asked for is over");
		else
			carry_out(u);
	}
}

void tools_call(struct engine *e, const char *agent, const char *name, const struct json *args, tool_done *done, void *data)
{
	const struct tool *tool = tool_find(name);
	struct err err = {0};
	if (is_usable(e, &err) < 0) {
		refuse_early(done, data, err.text);
		return;
	}
	struct tool_use *u = use_new(e, agent, tool ? tool->name : "unknown", args, done, data);
	if (!tool) {
		tool_refuse(u, "there is no tool \"%.64s\"", name ? name : "");
	} else if (tool_check(tool, args, &err) < 0) {
		tool_refuse(u, "%s", err.text);
	} else if (is_to_wait(u)) {
		u->waits_in = turn_of(u)->number;
		u->cancel = stop_waiting;
	} else {
		carry_out(u);
	}
}

/* the socket for tools */

static void answer_request(void *data, const char *text, int is_error)
{
	struct json *result = json_object();
	struct err err = {0};
	struct json *answer = json_parse(text, strlen(text), &err);
	json_take(result, "answer", answer ? answer : error_object(err.text));
	json_put_bool(result, "is_error", is_error || !answer);
	server_answer(data, result);
}

/* Nobody waits any more, or all is given up; then who waits is told so. */
static void drop_use(struct tool_use *u, int is_told)
{
	tool_done *done = u->done;
	u->done = NULL;
	if (is_told || done == answer_request)
		refuse_early(done, u->data, "given up: the engine leaves, or nobody waits for it any more");
	if (u->cancel) {	/* else it answers at some time, and frees itself then */
		u->cancel(u);
		use_free(u);
	}
}

/* Dropping one may end another: the list is walked anew each time. */
void tools_drop(struct engine *e, const void *data)
{
	struct tool_use *u = e->uses;
	while (u) {
		if (u->done && (!data || u->data == data)) {
			drop_use(u, !data);
			u = e->uses;
		} else {
			u = u->next;
		}
	}
}

static void tool_asked(void *data, struct request *request, const char *client, const char *name, const struct json *args)
{
	tools_call(data, client, name, args, answer_request, request);
}

static void tool_gone(void *data, struct request *request)
{
	tools_drop(data, request);
}

int tools_open(struct engine *e, struct err *err)
{
	static const struct tools_handler handler = { .tool = tool_asked, .gone = tool_gone };
	struct buf path = {0};
	link_tools_path(server_path(e->server), &path);
	e->tools_server = server_new_for_tools(e->loop, buf_str(&path), &handler, e, err);
	buf_release(&path);
	return e->tools_server ? 0 : -1;
}

void tools_close(struct engine *e)
{
	server_free(e->tools_server);
	e->tools_server = NULL;
	while (e->uses)
		use_free(e->uses);
	free(e->tool_counts);
	e->tool_counts = NULL;
}

/* for MCP */

static struct json *annotations(const struct tool *tool)
{
	struct json *object = json_object();
	json_put_bool(object, "readOnlyHint", tool->reads_only);
	json_put_bool(object, "destructiveHint", 0);
	json_put_bool(object, "idempotentHint", tool->reads_only);
	json_put_bool(object, "openWorldHint", tool->goes_out);
	return object;
}

struct json *tools_list(void)
{
	struct json *list = json_array();
	size_t count;
	const struct tool *all = tools_all(&count);
	for (size_t i = 0; i < count; i++) {
		struct json *object = json_object();
		json_put_string(object, "name", all[i].name);
		json_put_string(object, "title", all[i].title);
		json_put_string(object, "description", all[i].description);
		json_take(object, "inputSchema", json_copy(all[i].schema));
		json_take(object, "annotations", annotations(&all[i]));
		json_append(list, object);
	}
	return list;
}

int tools_check(const char *name, const struct json *args, struct err *err)
{
	const struct tool *tool = tool_find(name);
	return tool ? tool_check(tool, args, err) : err_code(err, EXIT_USAGE, "there is no tool \"%.64s\"", name ? name : "");
}
