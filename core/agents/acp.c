/* The life of a child that speaks ACP: started at the first turn, asked who it is, given a session, told what to do, once a
 * turn. One request of ours waits at a time; what the child asks has ids of its own, which rpc keeps apart.
 *
 * The first prompt of a session begins with the system text, since the protocol has no place for it. A child that ends is
 * started again, each time after a longer wait, and takes its session up again where it can; a turn whose prompt it had
 * already is over then, for nobody knows how much of it was done. Logging in is the human's: it is never done from here.
 *
 * Nothing of this is what holds the child: that is bubblewrap (acp_child.c). */
#include "core/agents/acp.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/io/folder.h"

enum {
	SECOND = 1000000, LINE_MAX_BYTES = 64 << 20, OUTPUT_MAX = 64 << 20,
	ERRORS_KEPT = 4 << 10, ERRORS_SAID = 64 << 10, UNREADABLE_SAID = 5, SHOWN_MAX = 200,	/* bytes, lines */
	RESTARTS_MAX = 5, VERSION = 1, LOGIN_NEEDED = -32000,
};

static const struct acp_patience usual = { .hello = 10 * SECOND, .session = 60 * SECOND, .permission = 5 * SECOND, .cancel = 5 * SECOND,
	.restart = SECOND, .revive = 60 * SECOND };
static const int64_t last_words = SECOND / 2;	/* one that closed its stdout has this long to end by itself */
#define FILE_LARGEST (4ULL << 30)	/* bytes: its /tmp is memory */

static void advance(struct agent *a);
static void lost(struct agent *a);
static void prompt(struct agent *a);

/* --- the end of a turn -------------------------------------------------------------------------------------------- */

static void stop_timer(struct agent *a, struct loop_timer **timer)
{
	loop_cancel(a->loop, *timer);
	*timer = NULL;
}

static void end_turn(struct agent *a, const char *status, const char *reason)
{
	if (!a->has_turn)
		return;
	char *text = a->last_words.len ? acp_clean(a, buf_str(&a->last_words), a->last_words.len, TEXT_LINE | TEXT_TABS) : NULL;
	char *why = reason ? xstrdup(reason) : NULL, *how = xstrdup(a->is_stopping ? a->end_status : status);
	if (a->is_stopping && a->end_reason)
		string_set(&why, a->end_reason);
	struct turn_end end = { .status = how, .reason = why, .text = text, .tokens = a->tokens, .calls = a->calls };
	acp_ask_end(a, "the turn is over");
	stop_timer(a, &a->limit);
	stop_timer(a, &a->stopper);
	acp_forget_tools(a);
	buf_release(&a->last_words);
	string_set(&a->system, NULL);
	string_set(&a->text, NULL);
	string_set(&a->end_status, NULL);
	string_set(&a->end_reason, NULL);
	a->has_turn = a->is_stopping = 0;
	a->listener->turn_ended(a->data, &end);
	free(text);
	free(why);
	free(how);
}

/* --- the end of the child ----------------------------------------------------------------------------------------- */

static void kill_child(void *data)
{
	struct agent *a = data;
	a->killer = NULL;
	if (a->child)
		child_kill(a->child);
}

static void was_gone(void *data)
{
	struct agent *a = data;
	a->killer = NULL;
	if (!a->child && !a->rpc)
		lost(a);
}

/* Nothing is heard of it any more, and it has `after` to end by itself. why: what is told of it where nothing better is known. */
static void send_away(struct agent *a, int64_t after, const char *why)
{
	if (!a->gone)
		a->gone = xstrdup(why);
	rpc_free(a->rpc);
	a->rpc = NULL;
	stop_timer(a, &a->timer);
	stop_timer(a, &a->killer);
	a->killer = loop_after(a->loop, a->child ? after : 0, a->child ? kill_child : was_gone, a);
}

/* The last line that it wrote to stderr, safe; the caller frees it. */
static char *last_error(const struct agent *a)
{
	const char *text = buf_str(&a->errors), *end = text + a->errors.len;
	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	const char *begin = end;
	while (begin > text && begin[-1] != '\n' && end - begin < SHOWN_MAX)
		begin--;
	return acp_clean(a, begin, (size_t)(end - begin), TEXT_LINE | TEXT_TABS | TEXT_STRIP_SGR);
}

static char *how_it_ended(const struct agent *a)
{
	char *error = last_error(a), *text;
	int was_killed = a->gone && strncmp(a->gone, "the peer closed", 15);
	/* The sandbox ends as a shell would where a signal ended what ran in it. */
	int signal = !a->result.exited ? a->result.status : a->result.status > 128 && a->result.status <= 128 + SIGRTMAX ? a->result.status - 128 : 0;
	if (was_killed)
		text = xasprintf("%s%s%s", a->gone, *error ? ": " : "", error);
	else if (signal)	/* what it wrote before need not be why */
		text = xasprintf("it was ended by signal %d%s%s", signal, *error ? "; the last that it wrote: " : "", error);
	else
		text = xasprintf("it ended with exit code %d%s%s", a->result.status, *error ? ": " : "", error);
	free(error);
	return text;
}

static void restart_now(void *data)
{
	struct agent *a = data;
	a->timer = NULL;
	advance(a);
}

static void give_up(struct agent *a, const char *how)
{
	char *why = xasprintf("%s; it was started %d times in vain: try its command yourself (command under [agent \"%s\"]), then steer to go on",
	                      how, RESTARTS_MAX + 1, a->config->name);
	a->is_exhausted = 1;
	a->restarts = 0;
	a->not_before = clock_monotonic() + a->patience.revive;
	a->listener->alert(a->data, why);
	a->listener->changed(a->data, "failed", why);
	end_turn(a, "failed", why);
	free(why);
}

static void start_again(struct agent *a, const char *how, int had_prompt)
{
	int64_t wait = a->patience.restart << a->restarts++;
	char *why = xasprintf("%s; it is started again%s (restart %u of %d)", how, had_prompt || !a->has_turn ? " for the next turn" : "",
	                      a->restarts, RESTARTS_MAX);
	a->not_before = clock_monotonic() + wait;
	a->listener->alert(a->data, why);
	if (had_prompt)
		end_turn(a, "failed", how);
	else if (a->has_turn)
		a->listener->changed(a->data, "working", why);
	free(why);
	if (a->has_turn)
		advance(a);
}

/* Neither it nor its pipes are there any more. */
static void lost(struct agent *a)
{
	int had_prompt = a->step == ACP_PROMPT, was_sent_away = a->is_sent_away;
	char *how = how_it_ended(a);
	stop_timer(a, &a->timer);
	stop_timer(a, &a->killer);
	acp_ask_end(a, "the agent is gone");
	string_set(&a->gone, NULL);
	buf_release(&a->errors);
	a->step = ACP_GONE;
	a->awaited = 0;
	a->is_sent_away = 0;
	if (a->is_stopping)
		end_turn(a, "failed", how);
	else if (was_sent_away)
		advance(a);	/* a turn that began since */
	else if (a->restarts >= RESTARTS_MAX)
		give_up(a, how);
	else
		start_again(a, how, had_prompt);
	free(how);
}

static void child_ended(void *data, const struct child_result *result)
{
	struct agent *a = data;
	a->child = NULL;
	a->result = *result;
	if (!a->rpc)
		lost(a);
}

static void rpc_closed(void *data, const char *why)
{
	send_away(data, last_words, why);
}

static void child_complains(void *data, const char *bytes, size_t n)
{
	struct agent *a = data;
	buf_add(&a->errors, bytes, n);
	if (a->errors.len > ERRORS_KEPT)
		buf_consume(&a->errors, a->errors.len - ERRORS_KEPT);
	if (!a->has_turn || a->complained > ERRORS_SAID)
		return;
	size_t room = ERRORS_SAID - a->complained;
	acp_say(a, SAID_NOTE, bytes, n < room ? n : room);
	a->complained += n;
	if (a->complained > ERRORS_SAID)
		acp_say_line(a, SAID_NOTE, "(it writes more to stderr than is kept)");
}

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

static void no_answer(void *data)
{
	struct agent *a = data;
	a->timer = NULL;
	int is_hello = a->step == ACP_HELLO;
	char *why = xasprintf("it did not answer %s in %.3g s", is_hello ? "initialize" : "in time about its session",
	                      (double)(is_hello ? a->patience.hello : a->patience.session) / SECOND);
	send_away(a, 0, why);
	free(why);
}

/* patience 0: it may take as long as it wants. */
static void ask(struct agent *a, enum acp_step step, const char *method, struct json *params_taken, int64_t patience)
{
	a->step = step;
	stop_timer(a, &a->timer);
	a->awaited = rpc_request(a->rpc, method, params_taken);
	if (patience)
		a->timer = loop_after(a->loop, patience, no_answer, a);
}

static struct json *about_session(const struct agent *a)
{
	struct json *params = json_object();
	json_put_string(params, "sessionId", a->session);
	return params;
}

static void say_hello(struct agent *a)
{
	struct json *params = json_object(), *can = json_object(), *files = json_object(), *who = json_object();
	json_put_integer(params, "protocolVersion", VERSION);
	json_put_bool(files, "readTextFile", 0);
	json_put_bool(files, "writeTextFile", 0);
	json_take(can, "fs", files);
	json_put_bool(can, "terminal", 0);
	json_take(params, "clientCapabilities", can);
	json_put_string(who, "name", "skydeck");
	json_put_string(who, "title", "skydeck");
	json_put_string(who, "version", SKYDECK_VERSION);
	json_take(params, "clientInfo", who);
	ask(a, ACP_HELLO, "initialize", params, a->patience.hello);
}

/* The tools of the session, through `skydeck mcp` beside the child. */
static struct json *tool_servers(const struct agent *a)
{
	struct json *list = json_array();
	if (!a->program || !a->tools_socket)
		return list;
	struct json *server = json_object(), *args = json_array(), *env = json_array(), *variable = json_object();
	json_put_string(server, "name", "skydeck");
	json_put_string(server, "command", a->program);
	json_append(args, json_new_string("mcp"));
	json_take(server, "args", args);
	json_put_string(variable, "name", "SKYDECK_SOCK");
	json_put_string(variable, "value", a->tools_socket);
	json_append(env, variable);
	json_take(server, "env", env);
	json_append(list, server);
	return list;
}

static void open_session(struct agent *a)
{
	const char *method = a->session && a->can_resume ? "session/resume" : a->session && a->can_load ? "session/load" : "session/new";
	struct json *params = json_object();
	if (!strcmp(method, "session/new")) {
		string_set(&a->session, NULL);
		string_set(&a->chosen_mode, NULL);
		a->is_told = 0;
	} else {
		json_put_string(params, "sessionId", a->session);
	}
	json_put_string(params, "cwd", a->tree);
	json_take(params, "mcpServers", tool_servers(a));
	ask(a, ACP_SESSION, method, params, a->patience.session);
}

/* Its mode, its model, then it is ready. */
static void set_up_session(struct agent *a)
{
	struct json *params = about_session(a);
	if (a->mode) {
		json_put_string(params, "modeId", a->mode);
		string_set(&a->mode, NULL);
		ask(a, ACP_MODE, "session/set_mode", params, a->patience.session);
	} else if (a->wants_model) {
		json_put_string(params, "configId", "model");
		json_put_string(params, "value", a->config->model);
		a->wants_model = 0;
		ask(a, ACP_MODEL, "session/set_config_option", params, a->patience.session);
	} else {
		json_free(params);
		a->step = ACP_READY;
		prompt(a);
	}
}

static void prompt(struct agent *a)
{
	if (!a->has_turn || a->is_stopping || !a->rpc)
		return;
	struct json *params = about_session(a), *blocks = json_array(), *block = json_object();
	char *text = a->is_told ? xstrdup(a->text) : xasprintf("%s\n\n%s", a->system, a->text);
	a->listener->said(a->data, SAID_TOLD, text, strlen(text));
	a->listener->said(a->data, SAID_TOLD, "\n", 1);
	json_put_string(block, "type", "text");
	json_put_string(block, "text", text);
	json_append(blocks, block);
	json_take(params, "prompt", blocks);
	a->is_told = 1;
	ask(a, ACP_PROMPT, "session/prompt", params, 0);
	free(text);
}

/* --- what it answers ---------------------------------------------------------------------------------------------- */

/* The turn cannot be, whoever starts it again. */
static void refuse_turn(struct agent *a, const char *why)
{
	a->is_sent_away = 1;
	a->listener->alert(a->data, why);
	end_turn(a, "failed", why);
	send_away(a, 0, why);
}

static void refuse_error(struct agent *a, const char *when, const struct json *error)
{
	const char *said = json_string(json_get(error, "message"), "");
	char *message = acp_clean(a, said, strnlen(said, SHOWN_MAX), TEXT_LINE | TEXT_TABS), *why;
	if (json_integer(json_get(error, "code"), 0) == LOGIN_NEEDED)
		why = xasprintf("it is not logged in (%s): name the variable that holds its key as keyenv under [agent \"%s\"], or log in by hand "
		                "with HOME=%s%s%s", message, a->config->name, a->home, a->logins ? "; it offers: " : "", a->logins ? a->logins : "");
	else
		why = xasprintf("it refused %s: %s", when, message);
	refuse_turn(a, why);
	free(message);
	free(why);
}

static void learn_logins(struct agent *a, const struct json *methods)
{
	struct buf names = {0};
	for (const struct json *i = json_first(methods); i && names.len < SHOWN_MAX; i = json_next(i))
		buf_printf(&names, "%s%.60s", names.len ? ", " : "", json_string(json_get(i, "name"), json_string(json_get(i, "id"), "?")));
	free(a->logins);
	a->logins = names.len ? acp_clean(a, buf_str(&names), names.len, TEXT_LINE | TEXT_TABS) : NULL;
	buf_release(&names);
}

static void on_hello(struct agent *a, const struct json *result, const struct json *error)
{
	const struct json *can = json_get(result, "agentCapabilities");
	int64_t version = json_integer(json_get(result, "protocolVersion"), -1);
	if (error) {
		refuse_error(a, "initialize", error);
	} else if (version != VERSION) {
		char *why = xasprintf("it speaks version %lld of the Agent Client Protocol, and here version %d is spoken: "
		                      "another version of it may do", (long long)version, VERSION);
		refuse_turn(a, why);
		free(why);
	} else {
		a->can_load = json_bool(json_get(can, "loadSession"), 0);
		a->can_resume = json_is_object(json_get(json_get(can, "sessionCapabilities"), "resume"));
		learn_logins(a, json_get(result, "authMethods"));
		open_session(a);
	}
}

static int has_mode(const struct json *modes, const char *id)
{
	for (const struct json *i = json_first(json_get(modes, "availableModes")); i; i = json_next(i))
		if (!strcmp(json_string(json_get(i, "id"), ""), id))
			return 1;
	return 0;
}

/* Modes in which the human is asked. Codex's own choice has a model judge instead of a human; Claude's may be any. */
static void choose_mode(struct agent *a, const struct json *modes)
{
	const char *now = json_string(json_get(modes, "currentModeId"), "");
	const char *wanted = has_mode(modes, "workspace-write") ? "workspace-write" : has_mode(modes, "default") ? "default" : now;
	if (json_is_object(modes)) {
		string_set(&a->mode, strcmp(now, wanted) ? wanted : NULL);
		string_set(&a->chosen_mode, *wanted ? wanted : NULL);
	} else {	/* a session that was taken up: whatever it thinks */
		string_set(&a->mode, a->chosen_mode);
	}
}

static void choose_model(struct agent *a, const struct json *options)
{
	a->wants_model = 0;
	for (const struct json *i = json_first(options); i; i = json_next(i)) {
		const char *now = json_string(json_get(i, "currentValue"), "");
		if (strcmp(json_string(json_get(i, "id"), ""), "model"))
			continue;
		a->wants_model = a->config->model && strcmp(now, a->config->model);
		if (!a->model && *now)
			a->model = acp_clean(a, now, strnlen(now, SHOWN_MAX), TEXT_LINE);
	}
}

static void on_session(struct agent *a, const struct json *result, const struct json *error)
{
	const char *id = json_string(json_get(result, "sessionId"), NULL);
	int is_login = json_integer(json_get(error, "code"), 0) == LOGIN_NEEDED;
	if (error && a->session && !is_login) {	/* what it cannot take up is begun anew */
		string_set(&a->session, NULL);
		open_session(a);
	} else if (error) {
		refuse_error(a, "a session", error);
	} else if (!a->session && (!id || !*id)) {
		refuse_turn(a, "it opened a session without saying its id: it does not speak version 1 of the Agent Client Protocol");
	} else {
		if (!a->session)
			a->session = xstrdup(id);
		choose_mode(a, json_get(result, "modes"));
		choose_model(a, json_get(result, "configOptions"));
		set_up_session(a);
	}
}

static void on_set(struct agent *a, const struct json *result, const struct json *error)
{
	const char *what = a->step == ACP_MODE ? "mode" : "model", *said = json_string(json_get(error, "message"), "");
	(void)result;
	if (error)
		acp_say_line(a, SAID_NOTE, "(it does not change its %s: %.200s)", what, said);
	else if (a->step == ACP_MODEL)
		string_set(&a->model, a->config->model);
	set_up_session(a);
}

/* Such as a model that cannot be reached: the child and its session may be used again. */
static void prompt_failed(struct agent *a, const struct json *error)
{
	const char *said = json_string(json_get(error, "message"), ""), *more = json_string(json_get(error, "data"), NULL);
	if (json_integer(json_get(error, "code"), 0) == LOGIN_NEEDED) {
		refuse_error(a, "the prompt", error);
		return;
	}
	if (!more)
		more = json_string(json_get(json_get(error, "data"), "details"), NULL);
	char *text = xasprintf("its turn failed: %s%s%s", said, more ? ": " : "", more ? more : "");
	char *why = acp_clean(a, text, strnlen(text, 2 * SHOWN_MAX), TEXT_LINE | TEXT_TABS);
	end_turn(a, "failed", why);
	free(text);
	free(why);
}

static void on_prompt(struct agent *a, const struct json *result, const struct json *error)
{
	static const struct { const char *stop, *status, *reason; } ends[] = {
		{ "end_turn", "done", NULL },
		{ "refusal", "refused", "its model refused; the turn is dropped, and the next one goes on" },
		{ "cancelled", "cancelled", "it stopped by itself" },
		{ "max_tokens", "limit", "an answer of its model reached its longest length" },
		{ "max_turn_requests", "limit", "it reached its own limit of requests in a turn" },
	};
	const char *stop = json_string(json_get(result, "stopReason"), "");
	a->step = ACP_READY;
	if (error && a->has_turn && !a->is_stopping) {
		prompt_failed(a, error);
		return;
	}
	a->restarts = 0;
	if (a->has_turn)
		acp_account(a, result);
	if (!strcmp(stop, "cancelled") && a->was_refused) {	/* as some do; it heard all that it was told */
		end_turn(a, "done", "it stopped when a permission was refused");
		return;
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (!strcmp(stop, ends[i].stop)) {
			end_turn(a, ends[i].status, ends[i].reason);
			return;
		}
	char *why = acp_clean(a, stop, strnlen(stop, SHOWN_MAX), TEXT_LINE);
	char *text = xasprintf("it ended its turn for a reason that is not known here (%s)", why);
	end_turn(a, "done", text);
	free(why);
	free(text);
}

static void rpc_answered(void *data, int64_t id, const struct json *result, const struct json *error)
{
	struct agent *a = data;
	static void (*const takes[])(struct agent *a, const struct json *result, const struct json *error) = {
		[ACP_HELLO] = on_hello, [ACP_SESSION] = on_session, [ACP_MODE] = on_set, [ACP_MODEL] = on_set, [ACP_PROMPT] = on_prompt };
	if (id != a->awaited || !a->rpc)
		return;
	a->awaited = 0;
	stop_timer(a, &a->timer);
	takes[a->step](a, result, error);
}

static int is_of_session(const struct agent *a, const struct json *params)
{
	const char *id = json_string(json_get(params, "sessionId"), NULL);
	return id && a->session && !strcmp(id, a->session);
}

static void rpc_called(void *data, const char *method, const struct json *params, const struct json *id)
{
	struct agent *a = data;
	if (!id && !strcmp(method, "session/update")) {
		/* Before the prompt it is history that is played back, or a list of commands. */
		if (is_of_session(a, params) && a->step == ACP_PROMPT)
			acp_update(a, json_get(params, "update"));
	} else if (!id && !strcmp(method, "$/cancel_request")) {
		acp_withdraw(a, params);
	} else if (id && !strcmp(method, "session/request_permission")) {
		acp_ask(a, params, id);
	} else if (id) {
		rpc_error(a->rpc, id, RPC_METHOD, "Method not found", NULL);
	}
}

static void rpc_unreadable(void *data, const char *line, size_t len, const char *why)
{
	struct agent *a = data;
	if (a->unreadable++ >= UNREADABLE_SAID)
		return;
	char *begin = xstrndup(line, len < SHOWN_MAX ? len : SHOWN_MAX);
	acp_say_line(a, SAID_NOTE, "(it wrote a line that is no JSON: %s: %s)", why, begin);
	free(begin);
}

static const struct rpc_handler peer = { .call = rpc_called, .answer = rpc_answered, .closed = rpc_closed, .unreadable = rpc_unreadable };

/* --- start and turn ----------------------------------------------------------------------------------------------- */

static int start(struct agent *a, struct err *err)
{
	struct child_options options = { .output = child_complains, .ended = child_ended, .data = a,
		.file_limit = FILE_LARGEST, .is_expendable = 1 };
	int talk[2];
	if (acp_start_child(a, talk, &options, err))
		return -1;
	a->rpc = rpc_new(a->loop, talk[0], talk[1], OUTPUT_MAX, &peer, a);
	rpc_allow_lines(a->rpc, LINE_MAX_BYTES);
	a->session_usd = 0;	/* it counts from its start */
	say_hello(a);
	return 0;
}

/* From the loop only. */
static void advance(struct agent *a)
{
	int64_t wait = a->not_before - clock_monotonic();
	struct err err = {0};
	if (!a->has_turn || a->step != ACP_GONE || a->child || a->rpc || a->timer)
		return;
	if (wait > 0)
		a->timer = loop_after(a->loop, wait, restart_now, a);
	else if (start(a, &err)) {
		a->listener->alert(a->data, err.text);
		end_turn(a, "failed", err.text);
	}
}

static void time_is_up(void *data)
{
	struct agent *a = data;
	a->limit = NULL;
	char *why = xasprintf("it took longer than %.3g minutes (minutes under [agent \"%s\"])", a->plan.limits.seconds / 60, a->config->name);
	acp_stop(a, "limit", why);
	free(why);
}

static void begin(struct agent *a, const struct turn_plan *plan)
{
	double seconds = plan->limits.seconds;
	a->plan = *plan;
	a->system = xstrdup(plan->system);
	a->text = xstrdup(plan->text);
	a->plan.system = a->plan.text = NULL;
	a->has_turn = 1;
	a->tokens = (struct tokens){0};
	a->turn_usd = 0;
	a->was_priced = a->was_refused = 0;
	a->calls = a->asked = a->charges = a->unreadable = 0;
	a->said = a->complained = 0;
	a->is_exhausted = 0;
	if (isfinite(seconds) && seconds > 0 && seconds < 1e9)
		a->limit = loop_after(a->loop, (int64_t)(seconds * SECOND), time_is_up, a);
}

static int is_able(struct agent *a, struct err *err)
{
	const char *key = a->config->keyenv;
	if (a->has_turn)
		return err_set(err, "a turn of %s runs already", a->config->name), 0;
	if (a->is_exhausted && clock_monotonic() < a->not_before)
		return err_set(err, "%s could not be started: try its command yourself (command under [agent \"%s\"]), then steer to go on",
		               a->config->name, a->config->name), 0;
	if (key && *key && (!getenv(key) || !*getenv(key)))
		return err_set(err, "there is no key for %s: set %s, which keyenv names, and start skydeck again", a->config->name, key), 0;
	return 1;
}

static int acp_turn(struct agent *a, const struct turn_plan *plan, struct err *err)
{
	struct err problem = {0};
	if (!is_able(a, err))
		return -1;
	begin(a, plan);
	if (a->step == ACP_GONE && !a->child && !a->rpc && !a->timer && a->not_before <= clock_monotonic() && start(a, &problem)) {
		a->has_turn = 0;
		stop_timer(a, &a->limit);
		string_set(&a->system, NULL);
		string_set(&a->text, NULL);
		return err_set(err, "%s", problem.text);
	}
	if (a->step == ACP_READY)
		prompt(a);
	else
		advance(a);
	return 0;
}

static void stopped(void *data)
{
	struct agent *a = data;
	a->stopper = NULL;
	end_turn(a, "cancelled", NULL);
}

static void does_not_stop(void *data)
{
	struct agent *a = data;
	a->stopper = NULL;
	a->is_sent_away = 1;
	acp_say_line(a, SAID_NOTE, "(it did not stop when it was asked to, and is ended)");
	send_away(a, 0, "it did not stop when it was asked to");
}

void acp_stop(struct agent *a, const char *status, const char *reason)
{
	if (!a->has_turn || a->is_stopping)
		return;
	a->is_stopping = 1;
	a->end_status = xstrdup(status);
	a->end_reason = reason ? xstrdup(reason) : NULL;
	stop_timer(a, &a->limit);
	if (a->step == ACP_PROMPT && a->rpc) {
		rpc_notify(a->rpc, "session/cancel", about_session(a));
		acp_ask_end(a, "the turn is being stopped");
		a->stopper = loop_after(a->loop, a->patience.cancel, does_not_stop, a);
	} else {
		if (a->step == ACP_GONE)
			stop_timer(a, &a->timer);
		a->stopper = loop_after(a->loop, 0, stopped, a);
	}
}

/* --- the table's -------------------------------------------------------------------------------------------------- */

static int make_folder(char **path, const struct agent_setup *setup, const char *name, struct err *err)
{
	*path = xasprintf("%s/agents/%s/%s", setup->folder, setup->config->name, name);
	int fd = folder_open(*path, err);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void acp_close(struct agent *a)
{
	struct loop_timer **const timers[] = { &a->timer, &a->killer, &a->limit, &a->stopper };
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
		stop_timer(a, timers[i]);
	rpc_free(a->rpc);
	a->rpc = NULL;
	if (a->child)
		child_abandon(a->child);
	while (a->permission_count)
		acp_permit(a, a->permissions[0]->id, "cancelled", NULL);
	acp_forget_tools(a);
	char *const texts[] = { a->root, a->program, a->tools_socket, a->home, a->tree, a->gone, a->session, a->logins, a->model, a->mode,
	                        a->chosen_mode, a->system, a->text, a->end_status, a->end_reason };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(a->permissions);
	buf_release(&a->errors);
	buf_release(&a->last_words);
	strings_release(&a->words);
	strings_release(&a->unknown);
	free(a);
}

struct agent *acp_open(const struct agent_setup *setup, const struct acp_patience *patience, struct err *err)
{
	const char *name = setup->config->name;
	struct agent *a = xcalloc(1, sizeof *a);
	*a = (struct agent){ .loop = setup->loop, .config = setup->config, .listener = setup->listener, .data = setup->data,
		.patience = patience ? *patience : usual, .root = xstrdup(setup->root), .program = xstrdup(setup->program),
		.tools_socket = xstrdup(setup->tools_socket) };
	char *program = a->program ? realpath(a->program, NULL) : NULL;
	int rc = -1;
	if (program)
		string_set(&a->program, program);
	free(program);
	if (!*name || *name == '.' || strchr(name, '/'))
		err_set(err, "an agent of kind acp cannot be called \"%s\": a folder is named after it", name);
	else if (acp_split(&a->words, setup->config->command, err))
		err_prefix(err, "agent \"%s\"", name);
	else
		rc = make_folder(&a->home, setup, "home", err) || make_folder(&a->tree, setup, "tree", err);
	if (!rc)
		return a;
	acp_close(a);
	return NULL;
}

static struct agent *open_usual(const struct agent_setup *setup, struct err *err)
{
	return acp_open(setup, NULL, err);
}

static void stop_turn(struct agent *a, const char *why)
{
	acp_stop(a, "cancelled", why);
}

static const char *model_of(const struct agent *a)
{
	return a->model ? a->model : a->config->model;
}

const struct agent_ops acp_agent = {
	.kind = "acp",
	.works_in_tree = 1,
	.open = open_usual,
	.turn = acp_turn,
	.stop = stop_turn,
	.permit = acp_permit,
	.model = model_of,
	.close = acp_close,
};
