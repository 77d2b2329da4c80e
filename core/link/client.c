/* The other side of the socket: says hello, hands events to whoever folds them, and matches answers to what was asked.
 *
 * An error of the engine comes back as the struct err that it was there, with its exit code: a one-shot command prints
 * its sentence and exits with it. A refused hello is the end of the connection: what was asked gets that error too, and
 * `closed` says it.
 *
 * Any callback may free the client, so calling it is the last thing done with it; only end() goes on, and looks. */
#include "core/link/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/rpc.h"
#include "core/link/server.h"
#include "core/link/socket.h"

enum { OUTPUT_LIMIT = 8 << 20 };

struct question {
	int64_t id;
	uint64_t tag;
};

struct client {
	struct rpc *rpc;
	const struct client_handler *handler;
	void *data;
	int64_t hello;			/* id of the hello; 0 once it is answered */
	struct question *questions;	/* that wait for an answer */
	size_t count, room;
	int is_over, is_ending;		/* closed was, or is being, called */
	int is_freed;			/* while it is being ended: end() releases the memory */
};

static void err_from_json(const struct json *error, struct err *err)
{
	int64_t code = json_integer(json_get(json_get(error, "data"), "exit"), EXIT_FAILED);
	err_code(err, code > 0 && code < 256 ? (enum exit_code)code : EXIT_FAILED, "%s",
	         json_string(json_get(error, "message"), "the engine refused and gave no reason"));
}

static void release(struct client *c)
{
	free(c->questions);
	free(c);
}

/* The end: every question that waits is answered with err, then closed is called. */
static void end(struct client *c, const struct err *err)
{
	if (c->is_over)
		return;
	c->is_over = c->is_ending = 1;
	while (!c->is_freed && c->count) {
		uint64_t tag = c->questions[0].tag;
		array_remove(&c->questions, &c->count, 0, sizeof *c->questions);
		c->handler->answer(c->data, tag, NULL, err);
	}
	if (!c->is_freed)
		c->handler->closed(c->data, err->text);
	c->is_ending = 0;
	if (c->is_freed)
		release(c);
}

static void rpc_closed(void *data, const char *why)
{
	struct err err;
	err_set(&err, "the engine is gone (%s): skydeck or skydeck serve starts it again", why);
	end(data, &err);
}

static void welcomed(struct client *c, const struct json *result, const struct json *error)
{
	struct err err;
	c->hello = 0;
	if (error) {
		err_from_json(error, &err);
		end(c, &err);
		return;
	}
	int64_t seq = json_integer(json_get(result, "seq"), 0);
	c->handler->welcomed(c->data, seq > 0 ? (uint64_t)seq : 0, json_string(json_get(result, "viewer"), NULL));
}

static void rpc_answered(void *data, int64_t id, const struct json *result, const struct json *error)
{
	struct client *c = data;
	struct err err;
	if (c->is_over)
		return;
	if (id == c->hello) {
		welcomed(c, result, error);
		return;
	}
	for (size_t i = 0; i < c->count; i++)
		if (c->questions[i].id == id) {
			uint64_t tag = c->questions[i].tag;
			array_remove(&c->questions, &c->count, i, sizeof *c->questions);
			if (error)
				err_from_json(error, &err);
			c->handler->answer(c->data, tag, error ? NULL : result, error ? &err : NULL);
			return;
		}
}

static void event_came(struct client *c, const struct json *params)
{
	struct event ev;
	struct err err;
	if (event_from_json(&ev, json_copy(params), &err)) {
		log_line("link: an event that is none: %s", err.text);
		return;
	}
	c->handler->event(c->data, &ev);
	event_release(&ev);
}

static void rpc_called(void *data, const char *method, const struct json *params, const struct json *id)
{
	struct client *c = data;
	struct err err;
	if (c->is_over)
		return;
	if (id) {
		err_code(&err, EXIT_USAGE, "a viewer answers nothing");
		rpc_error(c->rpc, id, RPC_METHOD, err.text, NULL);
	} else if (!strcmp(method, "event") && json_is_object(params)) {
		event_came(c, params);
	} else if (!strcmp(method, "tail")) {
		c->handler->tail(c->data, json_string(json_get(params, "run"), ""),
		                 json_integer(json_get(params, "lines"), 0), json_integer(json_get(params, "bytes"), 0),
		                 json_string(json_get(params, "line"), ""));
	}
}

static const struct rpc_handler rpc_calls = { .call = rpc_called, .answer = rpc_answered, .closed = rpc_closed };

struct client *client_new(struct loop *loop, const char *socket_path, const char *role, const char *name,
                          uint64_t since, const struct client_handler *handler, void *data, struct err *err)
{
	int fd = socket_connect(socket_path, err);
	if (fd < 0)
		return NULL;
	struct client *c = xcalloc(1, sizeof *c);
	c->handler = handler;
	c->data = data;
	c->rpc = rpc_new(loop, fd, fd, OUTPUT_LIMIT, &rpc_calls, c);
	struct json *params = json_object();
	json_put_integer(params, "version", LINK_VERSION);
	json_put_string(params, "role", role);
	json_put_string(params, "name", name);
	json_put_integer(params, "since", (int64_t)since);
	c->hello = rpc_request(c->rpc, "hello", params);
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	rpc_free(c->rpc);
	c->is_freed = 1;
	if (!c->is_ending)
		release(c);
}

static void ask(struct client *c, const char *method, const char *name, struct json *args_taken, uint64_t tag)
{
	struct json *params = json_object();
	json_put_string(params, "name", name);
	json_take(params, "args", args_taken ? args_taken : json_object());
	struct question *q = array_add(&c->questions, &c->count, &c->room, sizeof *q);
	*q = (struct question){ rpc_request(c->rpc, method, params), tag };
}

void client_command(struct client *c, const char *name, struct json *args_taken, uint64_t tag)
{
	ask(c, "command", name, args_taken, tag);
}

void client_query(struct client *c, const char *name, struct json *args_taken, uint64_t tag)
{
	ask(c, "query", name, args_taken, tag);
}

/* One call. */

struct call {
	struct json *result;
	struct err *err;
	int is_done;
	double timeout;
};

static void call_welcomed(void *data, uint64_t seq, const char *viewer)
{
	(void)data, (void)seq, (void)viewer;
}

static void call_event(void *data, const struct event *ev)
{
	(void)data, (void)ev;
}

static void call_tail(void *data, const char *run, int64_t lines, int64_t bytes, const char *last_line)
{
	(void)data, (void)run, (void)lines, (void)bytes, (void)last_line;
}

static void call_answer(void *data, uint64_t tag, const struct json *result, const struct err *err)
{
	struct call *call = data;
	(void)tag;
	call->is_done = 1;
	if (result)
		call->result = json_copy(result);
	else if (call->err)
		*call->err = *err;
}

static void call_closed(void *data, const char *why)
{
	(void)data, (void)why;	/* the answer came before it */
}

static void call_late(void *data)
{
	struct call *call = data;
	call->is_done = 1;
	err_set(call->err, "the engine has not answered for %g s: it is busy or hangs; try again or see skydeck doctor",
	        call->timeout);
}

struct json *client_call(const char *socket_path, const char *method, const char *name, struct json *args_taken,
                         double timeout, struct err *err)
{
	static const struct client_handler handler = { call_welcomed, call_event, call_tail, call_answer, call_closed };
	struct call call = { .err = err, .timeout = timeout };
	struct loop *loop = loop_new();
	struct client *c = client_new(loop, socket_path, "script", NULL, 0, &handler, &call, err);
	assert(!strcmp(method, "command") || !strcmp(method, "query"));
	if (c) {
		ask(c, method, name, args_taken, 0);
		loop_after(loop, (int64_t)(timeout * 1e6), call_late, &call);
		while (!call.is_done)
			loop_turn(loop, -1);
	} else {
		json_free(args_taken);
	}
	client_free(c);
	loop_free(loop);
	return call.result;
}
