/* Asking SkyPilot. A question goes to the API server (POST, a request id in a header, GET /api/get until it has ended), or
 * through the `sky` command when the server does not answer, is of an unknown version, or answers in an unknown shape. Which
 * of the two is decided by GET /api/health: once, and again after each failure; a server that answers nonsense is left alone
 * for a minute. The command finds its own way (it starts a local server where none runs, and knows logins that we do not).
 *
 * Every answer comes from the loop: what fails at once is told by a timer. Whoever is called back may forget any call or
 * close everything: a call in a callback is freed when the last of them has returned.
 *
 * Sources: SkyPilot 0.12 to 0.14.1: sky/server/server.py, common.py (endpoint), constants.py (headers), client/service_
 * account_auth.py. */
#include "core/runners/skypilot_ways.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/io/confine.h"

enum {	/* microseconds */
	HEALTH_TIMEOUT = 10000000, POST_TIMEOUT = 30000000, GET_TIMEOUT = 60000000, COMMAND_TIMEOUT = 120000000,
	SILENT_FOR = 2000000, REFUSED_FOR = 60000000, BUSY_WAIT = 1000000,
};
enum { BUSY_TRIES = 5, OUTPUT_MAX = 32 << 20, HEALTH_MAX = 1 << 20, CONFIG_MAX = 1 << 20 };

enum server { SERVER_UNKNOWN, SERVER_SPEAKS, SERVER_SILENT };

struct skypilot {
	struct loop *loop;
	struct http *http;
	char *endpoint, *shown;		/* shown: without a password */
	char *authorization;		/* a header, or NULL */
	char *user_id, *user;		/* as sky tells them; the server keeps the name. NULL: not known */
	struct strings env;		/* of commands */
	enum server server;
	struct skypilot_health health;
	struct err why;			/* it is silent: why */
	int64_t silent_until;
	struct http_request *asking;
	struct buf heard;
	struct skypilot_call **calls;
	size_t call_count, call_room;
	struct err how;
};

/* --- calls ----------------------------------------------------------------------------------------------------------- */

void skypilot_enlist(struct skypilot *s, struct skypilot_call *call)
{
	struct skypilot_call **slot = array_add(&s->calls, &s->call_count, &s->call_room, sizeof *s->calls);
	*slot = call;
	call->s = s;
}

static void delist(struct skypilot_call *call)
{
	struct skypilot *s = call->s;
	size_t i = 0;
	while (s->calls[i] != call)
		i++;
	array_remove(&s->calls, &s->call_count, i, sizeof *s->calls);
	call->s = NULL;
}

static void call_free(struct skypilot_call *call)
{
	call->release(call);
	free(call);
}

void skypilot_forget(struct skypilot_call *call)
{
	if (!call || !call->s)
		return;
	call->stop(call);
	delist(call);
	if (!call->depth)
		call_free(call);
}

void skypilot_enter(struct skypilot_call *call)
{
	call->depth++;
}

int skypilot_leave(struct skypilot_call *call)
{
	int lives = call->s != NULL;
	if (!--call->depth && !lives)
		call_free(call);
	return lives;
}

/* --- the server ------------------------------------------------------------------------------------------------------ */

static void let_go(struct skypilot *s)
{
	for (size_t i = 0; i < s->call_count; i++)	/* go adds or removes none */
		if (s->calls[i]->is_waiting) {
			s->calls[i]->is_waiting = 0;
			s->calls[i]->go(s->calls[i]);
		}
}

static void fall_silent(struct skypilot *s, const char *why, int64_t pause)
{
	s->server = SERVER_SILENT;
	s->silent_until = clock_monotonic() + pause;
	err_set(&s->why, "%s", why);
	log_line("skypilot: %s: %s", s->shown, why);
}

void skypilot_server_failed(struct skypilot *s, const char *why)
{
	if (s->server == SERVER_SPEAKS)
		log_line("skypilot: %s: %s", s->shown, why);
	if (s->server == SERVER_SPEAKS)
		s->server = SERVER_UNKNOWN;
}

void skypilot_server_refused(struct skypilot *s, const char *path, int status)
{
	struct err why;
	int wants_login = status == 401 || status == 403 || (status >= 300 && status < 400);
	err_set(&why, "it answers %d to %s%s", status, path, wants_login ? ": it wants a login" : ", in a shape that is not known");
	fall_silent(s, why.text, REFUSED_FOR);
}

static void health_came(void *data, const char *bytes, size_t n)
{
	struct skypilot *s = data;
	if (s->heard.len < HEALTH_MAX)
		buf_add(&s->heard, bytes, n);
}

static void health_ended(void *data, const struct http_result *result)
{
	struct skypilot *s = data;
	struct err err;
	s->asking = NULL;
	if (!result->status)
		fall_silent(s, result->problem, SILENT_FOR);
	else if (skypilot_read_health(&s->health, result->status, buf_str(&s->heard), s->heard.len, &err))
		fall_silent(s, err.text, REFUSED_FOR);
	else
		s->server = SERVER_SPEAKS;
	let_go(s);
}

static void ask_health(struct skypilot *s)
{
	struct http_plan plan = { .method = "GET", .url = "/api/health", .timeout = HEALTH_TIMEOUT, .body_came = health_came,
		.ended = health_ended, .data = s };
	buf_truncate(&s->heard, 0);
	s->health = (struct skypilot_health){0};
	s->asking = skypilot_request(s, &plan);
	if (!s->asking)
		fall_silent(s, "its address cannot be used", REFUSED_FOR);
}

void skypilot_go_when_known(struct skypilot_call *call)
{
	struct skypilot *s = call->s;
	if (s->server == SERVER_SILENT && clock_monotonic() >= s->silent_until)
		s->server = SERVER_UNKNOWN;
	if (s->server == SERVER_UNKNOWN && !s->asking)
		ask_health(s);
	call->is_waiting = s->server == SERVER_UNKNOWN;
	if (!call->is_waiting)
		call->go(call);
}

int skypilot_speaks(const struct skypilot *s)
{
	return s->server == SERVER_SPEAKS;
}

struct http_request *skypilot_request(struct skypilot *s, const struct http_plan *plan)
{
	char api[64], version[96];
	const char *headers[5] = {0};
	size_t n = 0;
	struct http_plan own = *plan;
	struct err err;
	char *url = xasprintf("%s%s", s->endpoint, plan->url);
	if (plan->body)
		headers[n++] = "Content-Type: application/json";
	if (s->authorization)
		headers[n++] = s->authorization;
	if (s->health.api_version && s->health.version[0]) {
		snprintf(api, sizeof api, "X-SkyPilot-API-Version: %ld", s->health.api_version);
		snprintf(version, sizeof version, "X-SkyPilot-Version: %s", s->health.version);
		headers[n++] = api;
		headers[n++] = version;
	}
	own.url = url;
	own.headers = headers;
	struct http_request *request = http_start(s->http, &own, &err);
	if (!request)
		log_line("skypilot: %s", err.text);
	free(url);
	return request;
}

struct child *skypilot_command(struct skypilot *s, const struct strings *arguments, const struct child_options *options, struct err *err)
{
	const char **argv = xcalloc(arguments->count + 2, sizeof *argv), **env = xcalloc(s->env.count + 1, sizeof *env);
	struct child_options own = *options;
	argv[0] = "sky";
	for (size_t i = 0; i < arguments->count; i++)
		argv[i + 1] = arguments->at[i];
	for (size_t i = 0; i < s->env.count; i++)
		env[i] = s->env.at[i];
	own.argv = argv;
	own.env = env;
	struct child *child = child_start(s->loop, &own, err);
	free(argv);
	free(env);
	return child;
}

struct loop *skypilot_loop(struct skypilot *s)
{
	return s->loop;
}

struct json *skypilot_body(const struct skypilot *s, const char *cluster)
{
	struct json *body = json_object();
	if (cluster)
		json_put_string(body, "cluster_name", cluster);
	if (s->user_id && s->user) {	/* else the server takes whom it runs as */
		struct json *env = json_object();
		json_put_string(env, "SKYPILOT_USER_ID", s->user_id);
		json_put_string(env, "SKYPILOT_USER", s->user);
		json_take(body, "env_vars", env);
	}
	return body;
}

/* --- questions ------------------------------------------------------------------------------------------------------- */

struct skypilot_ask {
	struct skypilot_call call;
	char *what, *path, *body, *member;
	struct strings arguments;
	skypilot_asked *asked;
	void *data;
	struct http_request *request;
	struct child *child;
	struct loop_timer *timer;
	struct buf heard;
	char *id;			/* of the request at the server */
	int busy_tries, has_asked_twice, is_too_much;
	enum skypilot_trouble trouble;	/* for the timer */
	struct err says;
};

static void ask_stop(struct skypilot_call *call)
{
	struct skypilot_ask *ask = (struct skypilot_ask *)call;
	http_cancel(ask->request);
	if (ask->child)
		child_abandon(ask->child);
	loop_cancel(call->s->loop, ask->timer);
	ask->request = NULL;
	ask->child = NULL;
	ask->timer = NULL;
}

static void ask_release(struct skypilot_call *call)
{
	struct skypilot_ask *ask = (struct skypilot_ask *)call;
	free(ask->what);
	free(ask->path);
	free(ask->body);
	free(ask->member);
	free(ask->id);
	strings_release(&ask->arguments);
	buf_release(&ask->heard);
}

static void tell(struct skypilot_ask *ask, const struct json *value)
{
	struct skypilot_call *call = &ask->call;
	struct skypilot_answer answer = { .trouble = ask->trouble, .problem = ask->trouble ? ask->says.text : NULL };
	skypilot_enter(call);	/* it keeps its sentence until they have read it */
	skypilot_forget(call);
	ask->asked(ask->data, value, &answer);
	skypilot_leave(call);
}

static void tell_later(void *data)
{
	struct skypilot_ask *ask = data;
	ask->timer = NULL;
	tell(ask, NULL);
}

static void ask_heard(void *data, const char *bytes, size_t n)
{
	struct skypilot_ask *ask = data;
	if (ask->heard.len + n <= OUTPUT_MAX)
		buf_add(&ask->heard, bytes, n);
	else
		ask->is_too_much = 1;
}

/* The answer in what the command printed. */
static struct json *read_output(struct skypilot_ask *ask, const struct json **value)
{
	struct json *v = skypilot_find_json(buf_str(&ask->heard), ask->heard.len);
	*value = ask->member ? json_get(v, ask->member) : v;
	if (*value)
		return v;
	ask->trouble = skypilot_explain_output(&ask->says, ask->what, buf_str(&ask->heard), ask->heard.len);
	if (ask->trouble == SKYPILOT_OTHER && v)
		err_set(&ask->says, "%s: sky does not say it", ask->what);
	else if (ask->trouble == SKYPILOT_OTHER && !ask->heard.len)
		err_set(&ask->says, "%s: sky printed nothing", ask->what);
	return v;
}

static void command_ended(void *data, const struct child_result *result)
{
	struct skypilot_ask *ask = data;
	struct json *v = NULL;
	const struct json *value = NULL;
	ask->child = NULL;
	if (result->timed_out) {
		ask->trouble = SKYPILOT_TIMED_OUT;
		err_set(&ask->says, "%s: sky %s did not end within %d s", ask->what, ask->arguments.at[0], COMMAND_TIMEOUT / 1000000);
	} else if (!result->exited) {
		ask->trouble = SKYPILOT_INTERRUPTED;
		err_set(&ask->says, "%s: sky %s was killed by signal %d", ask->what, ask->arguments.at[0], result->status);
	} else if (result->status) {
		ask->trouble = skypilot_explain_output(&ask->says, ask->what, buf_str(&ask->heard), ask->heard.len);
	} else {
		v = read_output(ask, &value);
	}
	tell(ask, value);
	json_free(v);
}

static void ask_command(struct skypilot_ask *ask)
{
	struct child_options options = { .timeout = COMMAND_TIMEOUT, .output = ask_heard, .ended = command_ended, .data = ask };
	buf_truncate(&ask->heard, 0);
	ask->child = skypilot_command(ask->call.s, &ask->arguments, &options, &ask->says);
	if (!ask->child) {
		ask->trouble = SKYPILOT_NOT_INSTALLED;
		ask->timer = loop_after(ask->call.s->loop, 0, tell_later, ask);
	}
}

static void ask_now(void *data)
{
	struct skypilot_ask *ask = data;
	ask->timer = NULL;
	skypilot_go_when_known(&ask->call);
}

/* The server is not to be had, or not to be understood: the command. */
static void give_up_rest(struct skypilot_ask *ask, const struct http_result *result)
{
	struct skypilot *s = ask->call.s;
	if (!result->status)
		skypilot_server_failed(s, result->problem);
	else
		skypilot_server_refused(s, ask->path, result->status);
	ask_command(ask);
}

static int took(const struct http_result *result, int64_t timeout)
{
	return !result->status && result->seconds * 1e6 >= (double)timeout * 0.98;
}

/* Takes back what hangs at the server, so that polls do not pile up there. */
static void take_back(struct skypilot *s, const char *id)
{
	struct buf body = {0};
	buf_puts(&body, "{\"request_ids\":[");
	json_quote(&body, id);
	buf_puts(&body, "]}");
	struct http_plan plan = { .method = "POST", .url = "/api/cancel", .body = body.data, .body_size = body.len, .timeout = POST_TIMEOUT };
	skypilot_request(s, &plan);
	buf_release(&body);
}

static void get_ended(void *data, const struct http_result *result)
{
	struct skypilot_ask *ask = data;
	struct json *value = NULL;
	ask->request = NULL;
	if (took(result, GET_TIMEOUT)) {
		ask->trouble = SKYPILOT_TIMED_OUT;
		err_set(&ask->says, "%s: the API server did not come to it within %d s", ask->what, GET_TIMEOUT / 1000000);
		take_back(ask->call.s, ask->id);
		tell(ask, NULL);
		return;
	}
	if ((result->status == 503 || result->status == 404) && ask->busy_tries++ < BUSY_TRIES) {	/* 404: it has forgotten the request */
		ask->timer = loop_after(ask->call.s->loop, BUSY_WAIT, ask_now, ask);
		return;
	}
	if (!result->status || ask->is_too_much ||
	    skypilot_read_reply(result->status, buf_str(&ask->heard), ask->heard.len, ask->what, &value, &ask->trouble, &ask->says) ==
	    SKYPILOT_REPLY_UNKNOWN) {
		give_up_rest(ask, result);
		return;
	}
	tell(ask, value);
	json_free(value);
}

static void post_ended(void *data, const struct http_result *result)
{
	struct skypilot_ask *ask = data;
	struct skypilot *s = ask->call.s;
	ask->request = NULL;
	if (result->status == 503 && ask->busy_tries++ < BUSY_TRIES) {
		ask->timer = loop_after(s->loop, BUSY_WAIT, ask_now, ask);
		return;
	}
	if (result->status == 200 && ask->id) {
		char *path = xasprintf("/api/get?request_id=%s", ask->id);
		struct http_plan plan = { .method = "GET", .url = path, .timeout = GET_TIMEOUT, .body_came = ask_heard, .ended = get_ended, .data = ask };
		buf_truncate(&ask->heard, 0);
		ask->request = skypilot_request(s, &plan);
		free(path);
		if (ask->request)
			return;
	}
	give_up_rest(ask, result);
}

static void ask_header(void *data, const char *name, const char *value)
{
	struct skypilot_ask *ask = data;
	if (!strcmp(name, "x-skypilot-request-id") && skypilot_is_request_id(value))
		string_set(&ask->id, value);
}

static void ask_go(struct skypilot_call *call)
{
	struct skypilot_ask *ask = (struct skypilot_ask *)call;
	struct http_plan plan = { .method = "POST", .url = ask->path, .body = ask->body, .body_size = strlen(ask->body),
		.timeout = POST_TIMEOUT, .header = ask_header, .ended = post_ended, .data = ask };
	string_set(&ask->id, NULL);
	if (skypilot_speaks(call->s) && (ask->request = skypilot_request(call->s, &plan)))
		return;
	ask_command(ask);
}

struct skypilot_call *skypilot_ask(struct skypilot *s, struct skypilot_question *question, skypilot_asked *asked, void *data)
{
	struct skypilot_ask *ask = xcalloc(1, sizeof *ask);
	struct buf body = {0};
	json_print(question->body, &body);
	json_free(question->body);
	ask->call.go = ask_go;
	ask->call.stop = ask_stop;
	ask->call.release = ask_release;
	ask->what = xstrdup(question->what);
	ask->path = xstrdup(question->path);
	ask->member = xstrdup(question->member);
	ask->body = buf_take(&body);
	ask->arguments = question->arguments;
	ask->asked = asked;
	ask->data = data;
	skypilot_enlist(s, &ask->call);
	ask->timer = loop_after(s->loop, 0, ask_now, ask);
	return &ask->call;
}

/* --- opening and closing --------------------------------------------------------------------------------------------- */

static char *home_file(const char *name)
{
	const char *home = getenv("HOME");
	return xasprintf("%s/.sky/%s", home ? home : "", name);
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* The server as sky finds it. */
static void find_server(struct skypilot *s)
{
	const char *port = variable("SKYPILOT_API_SERVER_LOCAL_PORT"), *token = variable("SKYPILOT_SERVICE_ACCOUNT_TOKEN");
	const char *global = variable("SKYPILOT_GLOBAL_CONFIG");
	char *file = global ? xstrdup(global) : home_file("config.yaml"), *from_file = NULL;
	struct buf config = {0};
	string_set(&s->endpoint, variable("SKYPILOT_API_SERVER_ENDPOINT"));
	if (!buf_read_file(&config, file, CONFIG_MAX)) {
		if (!s->endpoint)
			s->endpoint = skypilot_config_value(buf_str(&config), config.len, "endpoint");
		if (!token)
			token = from_file = skypilot_config_value(buf_str(&config), config.len, "service_account_token");
	}
	if (!s->endpoint)
		s->endpoint = xasprintf("http://127.0.0.1:%s", port && !port[strspn(port, "0123456789")] ? port : "46580");
	for (size_t n = strlen(s->endpoint); n && s->endpoint[n - 1] == '/'; n--)
		s->endpoint[n - 1] = '\0';
	if (token && !token[strcspn(token, "\r\n")])
		s->authorization = xasprintf("Authorization: Bearer %s", token);
	const char *scheme = strstr(s->endpoint, "://"), *at = strrchr(s->endpoint, '@');
	if (scheme && at && at > scheme) {
		char *shown = xasprintf("%.*s%s", (int)(scheme + 3 - s->endpoint), s->endpoint, at + 1);
		s->shown = text_safe_string(shown, strlen(shown), TEXT_LINE);
		free(shown);
	} else {
		s->shown = text_safe_string(s->endpoint, strlen(s->endpoint), TEXT_LINE);
	}
	buf_release(&config);
	free(from_file);
	free(file);
}

static void find_user(struct skypilot *s)
{
	enum { ID_MAX = 256 };
	struct buf id = {0};
	char *file = home_file("user_hash");
	if (variable("SKYPILOT_USER_ID"))
		buf_puts(&id, variable("SKYPILOT_USER_ID"));
	else
		buf_read_file(&id, file, ID_MAX);
	size_t n = strspn(buf_str(&id), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
	if (n)
		s->user_id = xstrndup(id.data, n);
	static const char *const names[] = { "LOGNAME", "USER", "LNAME", "USERNAME" };	/* Python's getpass.getuser */
	for (size_t i = 0; i < sizeof names / sizeof *names && !s->user; i++)
		s->user = xstrdup(variable(names[i]));
	struct passwd *entry = s->user ? NULL : getpwuid(getuid());
	if (entry)
		s->user = xstrdup(entry->pw_name);
	buf_release(&id);
	free(file);
}

static void gather_env(struct skypilot *s)
{
	static const char *const own[] = { "SKYPILOT_DISABLE_USAGE_COLLECTION=1", "NO_COLOR=1", "PYTHONUNBUFFERED=1" };
	for (char **i = environ; *i; i++) {
		int is_own = 0;
		for (size_t j = 0; j < sizeof own / sizeof *own; j++)
			is_own |= !strncmp(*i, own[j], strcspn(own[j], "=") + 1);
		if (!is_own)
			strings_add(&s->env, *i);
	}
	for (size_t j = 0; j < sizeof own / sizeof *own; j++)
		strings_add(&s->env, own[j]);
}

void skypilot_withhold_keys(struct skypilot *s, const struct config *config)
{
	struct strings kept = {0};
	for (size_t i = 0; i < s->env.count; i++) {
		char *name = xstrndup(s->env.at[i], strcspn(s->env.at[i], "="));
		if (!config_is_key(config, name))
			strings_add(&kept, s->env.at[i]);
		free(name);
	}
	strings_release(&s->env);
	s->env = kept;
}

struct skypilot *skypilot_open(struct loop *loop, struct err *err)
{
	char *sky = confine_find("sky");
	free(sky);
	if (!sky) {
		err_set(err, "there is no `sky` in PATH: %s", skypilot_remedy(SKYPILOT_NOT_INSTALLED));
		return NULL;
	}
	struct skypilot *s = xcalloc(1, sizeof *s);
	s->loop = loop;
	s->http = http_new(loop);
	find_server(s);
	find_user(s);
	gather_env(s);
	return s;
}

void skypilot_close(struct skypilot *s)
{
	if (!s)
		return;
	while (s->call_count)
		skypilot_forget(s->calls[0]);	/* whoever asks stands before its question, and takes it along */
	http_free(s->http);
	free(s->calls);
	free(s->endpoint);
	free(s->shown);
	free(s->authorization);
	free(s->user_id);
	free(s->user);
	strings_release(&s->env);
	buf_release(&s->heard);
	free(s);
}

const char *skypilot_how(const struct skypilot *s)
{
	struct err *how = &((struct skypilot *)s)->how;
	if (s->server == SERVER_SPEAKS)
		err_set(how, "REST of %s at %s", s->health.version[0] ? s->health.version : "an unknown version", s->shown);
	else if (s->server == SERVER_SILENT)
		err_set(how, "the sky command: %s, at %s", s->why.text, s->shown);
	else
		err_set(how, "the server at %s has not answered yet", s->shown);
	return how->text;
}
