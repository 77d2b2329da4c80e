/* Both sides of the socket, on one loop: a made-up engine with its journal in memory, clients, and raw peers that
 * misbehave. */
#include "core/link/server.h"

#include "tests/test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/rpc.h"
#include "core/link/client.h"

enum { GIVE_UP = 60 * 1000000 };	/* microseconds, only so that a failure ends */

/* Turns the loop until cond holds. */
#define UNTIL(engine, cond) \
	for (int64_t until = clock_monotonic() + GIVE_UP; !(cond); loop_turn((engine)->loop, 100000)) \
		assert_true(clock_monotonic() < until)

/* The engine: events are lines of one buffer, durable when the turn ends. */
struct engine {
	struct loop *loop;
	struct server *server;
	char dir[256], path[300];
	struct buf lines;
	size_t *ends, count, room;	/* where event i + 1 ends in lines */
	size_t durable, most_seen;
	uint64_t history_calls, first_since;	/* what history was first asked for since history_calls was 0 */
	const char *why;		/* the next release fails with it */
	int answers, is_mute, is_unreadable;
	struct request *kept;
	int commands, queries;
	char joined[256], left[256], by[64];
};

static void emit(struct engine *e, const char *text)
{
	struct buf line = {0};
	buf_printf(&line, "{\"seq\":%zu,\"time\":\"2026-11-21T06:06:52.123456Z\",\"kind\":\"alert\",\"text\":\"%s\"}",
	           e->count + 1, text);
	buf_add(&e->lines, line.data, line.len);
	buf_putc(&e->lines, '\n');
	*(size_t *)array_add(&e->ends, &e->count, &e->room, sizeof *e->ends) = e->lines.len;
	server_event(e->server, e->count, line.data, line.len);
	buf_release(&line);
}

static void emit_many(struct engine *e, int n)
{
	char text[128];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < n; i++)
		emit(e, text);
}

static void append(char *list, size_t size, const char *word)
{
	snprintf(list + strlen(list), size - strlen(list), "%s ", word);
}

static void engine_joined(void *data, const char *viewer, const char *role)
{
	struct engine *e = data;
	append(e->joined, sizeof e->joined, viewer);
	append(e->joined, sizeof e->joined, role);
	emit(e, "joined");
}

static void engine_left(void *data, const char *viewer)
{
	struct engine *e = data;
	append(e->left, sizeof e->left, viewer);
	emit(e, "left");
}

static void engine_command(void *data, struct request *request, const char *by, const char *name,
                           const struct json *args)
{
	struct engine *e = data;
	struct err err;
	e->commands++;
	snprintf(e->by, sizeof e->by, "%s", by);
	if (!strcmp(name, "approve")) {
		struct json *result = json_object();
		json_put_string(result, "id", json_string(json_get(args, "id"), NULL));
		emit(e, "approved");
		server_answer(request, result);
	} else {
		err_code(&err, EXIT_BUDGET, "nobody can %s", name);
		server_refuse(request, &err);
	}
}

static void engine_query(void *data, struct request *request, const char *name, const struct json *args)
{
	struct engine *e = data;
	e->queries++;
	(void)name;
	if (e->is_mute) {
		e->kept = request;
		return;
	}
	char *bulk = xmalloc((size_t)json_integer(json_get(args, "bytes"), 0) + 1);
	memset(bulk, 'b', (size_t)json_integer(json_get(args, "bytes"), 0));
	bulk[json_integer(json_get(args, "bytes"), 0)] = '\0';
	struct json *result = json_object();
	json_put_string(result, "bulk", bulk);
	server_answer(request, result);
	free(bulk);
	e->answers++;
}

static uint64_t engine_history(void *data, uint64_t since, size_t most, struct buf *out)
{
	struct engine *e = data;
	size_t last = since + most < e->durable ? since + most : e->durable;
	if (most > e->most_seen)
		e->most_seen = most;
	if (last <= since || e->is_unreadable)
		return since;
	size_t from = since ? e->ends[since - 1] : 0;
	buf_add(out, e->lines.data + from, e->ends[last - 1] - from);
	if (!e->history_calls++)
		e->first_since = since;
	return last;
}

static uint64_t engine_newest(void *data)
{
	return ((struct engine *)data)->durable;
}

static const struct server_handler engine_handler = {
	engine_joined, engine_left, engine_command, engine_query, engine_history, engine_newest,
};

/* The end of a turn: the facts are on disk, or are rolled back. */
static void commit(void *data)
{
	struct engine *e = data;
	const char *why = e->why;
	e->why = NULL;
	if (why) {
		e->count = e->durable;
		buf_truncate(&e->lines, e->count ? e->ends[e->count - 1] : 0);
	}
	e->durable = e->count;
	if (e->server)
		server_release(e->server, why);
}

static void engine_path(struct engine *e)
{
	static int number;
	char name[32];
	snprintf(name, sizeof name, "link-%ld-%d", (long)getpid(), ++number);
	test_path(e->dir, sizeof e->dir, name);
	snprintf(e->path, sizeof e->path, "%s/engine.sock", e->dir);
}

static int setup(void **state)
{
	struct engine *e = xcalloc(1, sizeof *e);
	struct err err;
	engine_path(e);
	e->loop = loop_new();
	loop_before_sleep(e->loop, commit, e);
	e->server = server_new(e->loop, e->path, &engine_handler, e, &err);
	if (!e->server)
		fail_msg("%s", err.text);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct engine *e = *state;
	server_free(e->server);
	loop_free(e->loop);
	assert_int_equal(rmdir(e->dir), 0);	/* the socket went with the server */
	free(e->ends);
	buf_release(&e->lines);
	free(e);
	return 0;
}

/* A client that remembers what it was told. */
struct viewer {
	struct client *client;
	uint64_t welcome_seq, last, events;
	int is_welcome, is_disordered, tails, answers, closes, frees_itself;
	int64_t tail_lines;
	char name[64], text[64], tail[64], why[1024];
	struct err err;
	uint64_t tag;
	size_t result_size;
};

static void viewer_welcomed(void *data, uint64_t seq, const char *viewer)
{
	struct viewer *v = data;
	v->is_welcome = 1;
	v->welcome_seq = seq;
	snprintf(v->name, sizeof v->name, "%s", viewer ? viewer : "none");
}

static void viewer_event(void *data, const struct event *ev)
{
	struct viewer *v = data;
	v->is_disordered |= v->last && ev->seq != v->last + 1;
	v->last = ev->seq;
	v->events++;
	snprintf(v->text, sizeof v->text, "%.60s", ev->text);
	if (v->frees_itself) {
		client_free(v->client);
		v->client = NULL;
	}
}

static void viewer_tail(void *data, const char *run, int64_t lines, int64_t bytes, const char *last_line)
{
	struct viewer *v = data;
	v->tails++;
	v->tail_lines = lines;
	assert_int_equal(bytes, lines * 10);
	snprintf(v->tail, sizeof v->tail, "%s: %s", run, last_line);
}

static void viewer_answer(void *data, uint64_t tag, const struct json *result, const struct err *err)
{
	struct viewer *v = data;
	assert_true(!result != !err);
	v->answers++;
	v->tag = tag;
	v->err = err ? *err : (struct err){0};
	v->result_size = strlen(json_string(json_get(result, "bulk"), ""));
}

static void viewer_closed(void *data, const char *why)
{
	struct viewer *v = data;
	v->closes++;
	snprintf(v->why, sizeof v->why, "%s", why);
	client_free(v->client);
	v->client = NULL;
}

static const struct client_handler viewer_handler = {
	viewer_welcomed, viewer_event, viewer_tail, viewer_answer, viewer_closed,
};

static void attach(struct engine *e, struct viewer *v, const char *role, uint64_t since)
{
	struct err err;
	*v = (struct viewer){0};
	v->client = client_new(e->loop, e->path, role, "anna", since, &viewer_handler, v, &err);
	if (!v->client)
		fail_msg("%s", err.text);
	UNTIL(e, v->is_welcome);
}

/* A raw peer: bytes in, lines out. */
static int raw_reading = -1;	/* whose bytes raw_line has */

static int raw_connect(struct engine *e)
{
	struct err err;
	int fd = socket_connect(e->path, &err);
	if (fd < 0)
		fail_msg("%s", err.text);
	raw_reading = -1;
	return fd;
}

static void raw_send(struct engine *e, int fd, const char *bytes, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t got = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
		if (got > 0)
			sent += (size_t)got;
		else if (errno != EAGAIN)
			return;
		else
			loop_turn(e->loop, 1000);
	}
}

static void raw_say(struct engine *e, int fd, const char *line)
{
	raw_send(e, fd, line, strlen(line));
}

/* The next line without its newline, "" at the end of the connection. What was read ahead is lost when another peer is
 * read. */
static const char *raw_line(struct engine *e, int fd)
{
	static char bytes[65536], line[RPC_LINE_MAX + 1];
	static size_t at, count;
	size_t n = 0;
	if (raw_reading != fd)
		at = count = 0;
	raw_reading = fd;
	for (int64_t until = clock_monotonic() + GIVE_UP; n < sizeof line - 1;) {
		if (at < count) {
			if (bytes[at] == '\n')
				break;
			line[n++] = bytes[at++];
			continue;
		}
		ssize_t got = recv(fd, bytes, sizeof bytes, 0);
		if (!got || (got < 0 && errno != EAGAIN))
			break;
		at = 0;
		count = got > 0 ? (size_t)got : 0;
		if (got < 0) {
			assert_true(clock_monotonic() < until);
			loop_turn(e->loop, 1000);
		}
	}
	at += at < count;
	line[n] = '\0';
	return line;
}

#define MESSAGE(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}\n"
#define HELLO(role) MESSAGE("1", "hello", "\"version\":1,\"role\":\"" role "\",\"name\":\"raw\",\"since\":0")
#define QUERY MESSAGE("2", "query", "\"name\":\"q\",\"args\":{\"bytes\":%d}")

static void assert_line(struct engine *e, int fd, const char *part)
{
	const char *line = raw_line(e, fd);
	if (!strstr(line, part))
		fail_msg("got: %s\nbut expected: %s", line, part);
}

static void set(void *data)
{
	*(int *)data = 1;
}

/* How often the loop wakes up while nothing happens. */
static uint64_t idle_turns(struct engine *e)
{
	uint64_t before = loop_wakeups(e->loop);
	int is_over = 0;
	loop_after(e->loop, 50000, set, &is_over);
	while (!is_over)
		loop_turn(e->loop, -1);
	return loop_wakeups(e->loop) - before;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void two_viewers_see_the_same_events_in_order(void **state)
{
	struct engine *e = *state;
	struct viewer a, b;
	emit(e, "before");
	attach(e, &a, "driver", 0);
	attach(e, &b, "observer", 0);
	assert_string_equal(e->joined, "anna#1 driver anna#2 observer ");
	assert_string_equal(a.name, "anna#1");
	assert_int_equal(server_viewers(e->server), 2);
	assert_int_equal(a.welcome_seq, 2);
	emit_many(e, 20000);
	emit(e, "last");
	UNTIL(e, a.last == 20004 && b.last == 20004);
	assert_false(a.is_disordered || b.is_disordered);
	assert_int_equal(a.events, 20004);
	assert_int_equal(b.events, 20004);
	assert_string_equal(b.text, "last");
	client_free(a.client);
	UNTIL(e, b.last == 20005);
	assert_string_equal(e->left, "anna#1 ");
	assert_int_equal(server_viewers(e->server), 1);
	client_free(b.client);
}

static void a_viewer_may_begin_in_the_middle(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	emit_many(e, 10);
	loop_turn(e->loop, 0);
	attach(e, &v, "driver", 7);
	UNTIL(e, v.last == 11);
	assert_int_equal(v.events, 4);
	client_free(v.client);
	attach(e, &v, "driver", 4711);	/* of another journal */
	emit(e, "new");
	UNTIL(e, !strcmp(v.text, "new"));
	assert_false(v.is_disordered);
	client_free(v.client);
}

static void a_long_history_comes_in_chunks_while_new_events_come(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	emit_many(e, 50000);
	loop_turn(e->loop, 0);
	attach(e, &v, "driver", 0);
	assert_true(v.last < 50000);
	emit_many(e, 10);	/* while it catches up */
	UNTIL(e, v.last == e->count);
	assert_int_equal(v.events, 50011);
	assert_false(v.is_disordered);
	assert_true(e->most_seen <= 1000);
	e->history_calls = 0;
	emit(e, "live");
	UNTIL(e, v.last == e->count);
	assert_int_equal(e->history_calls, 0);	/* no history is read for one that is live */
	client_free(v.client);
}

static void catching_up_needs_nobody_to_wake_the_loop(void **state)
{
	struct engine *e = *state;
	int late = 0;
	for (int i = 0; i < 5000; i++)	/* so short that the socket takes more than a turn sends */
		emit(e, "");
	int fd = raw_connect(e);
	raw_say(e, fd, HELLO("driver"));
	loop_after(e->loop, GIVE_UP / 4, set, &late);
	for (char bytes[65536]; e->history_calls < 5001 / 512 + 1;) {
		while (recv(fd, bytes, sizeof bytes, 0) > 0)
			;
		loop_turn(e->loop, -1);
		assert_false(late);
	}
	close(fd);
}

static void a_viewer_that_does_not_read_costs_a_bounded_buffer_and_loses_nothing(void **state)
{
	struct engine *e = *state;
	struct viewer quick;
	int slow = raw_connect(e);
	raw_say(e, slow, HELLO("driver"));
	assert_line(e, slow, "\"seq\":1");
	attach(e, &quick, "driver", 0);
	for (int i = 0; i < 50; i++) {
		emit_many(e, 1000);
		server_tail(e->server, "r1", 1, 10, "x");
		loop_turn(e->loop, 0);
	}
	UNTIL(e, quick.last == e->count);
	for (int i = 0; i < 20; i++)
		loop_turn(e->loop, 0);
	assert_int_equal(server_viewers(e->server), 2);
	e->history_calls = 0;
	for (int64_t seq = 0; seq < (int64_t)e->count;) {
		const char *line = raw_line(e, slow);
		if (strstr(line, "\"tail\""))	/* those of the beginning */
			continue;
		const char *at = strstr(line, "\"params\":{\"seq\":");
		assert_non_null(at);
		assert_int_equal(atoll(at + strlen("\"params\":{\"seq\":")), ++seq);
	}
	assert_in_range(e->first_since, 500, 4000);	/* events of 240 bytes, kept for it and in the kernel */
	close(slow);
	client_free(quick.client);
}

static void tails_go_to_live_viewers_and_only_the_last_of_a_turn(void **state)
{
	struct engine *e = *state;
	struct viewer v, script;
	attach(e, &v, "observer", 0);
	attach(e, &script, "script", 0);
	UNTIL(e, v.last == e->count);
	server_tail(e->server, "r1", 5, 50, "five \"quoted\"");
	server_tail(e->server, "r1", 7, 70, "seven \"quoted\"");
	UNTIL(e, v.tails);
	assert_int_equal(v.tails, 1);
	assert_string_equal(v.tail, "r1: seven \"quoted\"");
	assert_int_equal(v.tail_lines, 7);
	assert_int_equal(script.tails, 0);
	client_free(v.client);
	client_free(script.client);
}

static void a_script_is_no_viewer_and_gets_no_events(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	emit_many(e, 5);
	loop_turn(e->loop, 0);
	attach(e, &v, "script", 0);
	assert_string_equal(v.name, "none");
	assert_int_equal(v.welcome_seq, 5);
	emit_many(e, 5);
	client_command(v.client, "approve", NULL, 3);
	UNTIL(e, v.answers == 1);
	assert_int_equal(v.err.code, 0);
	assert_int_equal(v.events, 0);
	assert_int_equal(server_viewers(e->server), 0);
	client_free(v.client);
	for (int i = 0; i < 3; i++)
		loop_turn(e->loop, 0);
	assert_string_equal(e->joined, "");
	assert_string_equal(e->left, "");
}

static void answers_find_who_asked_and_errors_keep_their_exit_code(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "driver", 0);
	struct json *args = json_object();
	json_put_integer(args, "bytes", 12);
	client_query(v.client, "q", args, 41);
	UNTIL(e, v.answers == 1);
	assert_int_equal(v.tag, 41);
	assert_int_equal(v.result_size, 12);
	client_command(v.client, "fly", NULL, 42);
	UNTIL(e, v.answers == 2);
	assert_int_equal(v.tag, 42);
	assert_int_equal(v.err.code, EXIT_BUDGET);
	assert_string_equal(v.err.text, "nobody can fly");
	assert_int_equal(strncmp(e->by, "user ", 5), 0);
	args = json_object();
	json_put_integer(args, "bytes", RPC_LINE_MAX);
	client_query(v.client, "q", args, 43);
	UNTIL(e, v.answers == 3);
	assert_non_null(strstr(v.err.text, "ask for less"));
	client_free(v.client);
}

static void an_observer_cannot_command_but_asks(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "observer", 0);
	client_command(v.client, "approve", NULL, 1);
	UNTIL(e, v.answers == 1);
	assert_int_equal(v.err.code, EXIT_REFUSED);
	assert_string_equal(v.err.text, "observers cannot command; attach without --observe");
	assert_int_equal(e->commands, 0);
	client_query(v.client, "q", NULL, 2);
	UNTIL(e, v.answers == 2);
	assert_int_equal(v.err.code, 0);
	client_free(v.client);
}

static void nothing_leaves_when_the_facts_are_lost(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "driver", 0);
	UNTIL(e, v.last == 1);
	e->why = NULL;
	client_command(v.client, "approve", NULL, 9);
	while (!e->commands) {
		e->why = "the journal cannot be written: No space left on device";
		loop_turn(e->loop, 1000);
	}
	UNTIL(e, v.answers == 1);
	assert_int_equal(v.err.code, EXIT_FAILED);
	assert_string_equal(v.err.text, "the journal cannot be written: No space left on device");
	for (int i = 0; i < 5; i++)
		loop_turn(e->loop, 0);
	assert_int_equal(v.last, 1);
	emit(e, "again");	/* with the seq of the lost one */
	UNTIL(e, v.last == 2);
	assert_string_equal(v.text, "again");
	assert_false(v.is_disordered);
	client_free(v.client);
}

static void answers_wait_for_the_release(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "driver", 0);
	e->is_mute = 1;
	client_query(v.client, "q", NULL, 5);
	UNTIL(e, e->kept);
	for (int i = 0; i < 3; i++)
		loop_turn(e->loop, 0);
	assert_int_equal(v.answers, 0);
	server_answer(e->kept, NULL);
	UNTIL(e, v.answers == 1);
	client_free(v.client);
}

static void a_peer_that_dies_in_the_middle_is_answered_into_nothing(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	struct err err;
	attach(e, &v, "driver", 0);
	int fd = raw_connect(e);
	e->is_mute = 1;
	raw_say(e, fd, HELLO("driver"));
	raw_say(e, fd, MESSAGE("2", "query", "\"name\":\"q\"") "{\"jsonrpc\":");
	UNTIL(e, e->kept);
	close(fd);
	UNTIL(e, *e->left);
	assert_string_equal(e->left, "raw#2 ");
	err_set(&err, "too late");
	server_refuse(e->kept, &err);
	e->kept = NULL;
	client_query(v.client, "q", NULL, 1);	/* this one outlives the server */
	UNTIL(e, e->kept);
	server_free(e->server);
	e->server = NULL;
	server_answer(e->kept, json_object());
	UNTIL(e, v.closes);
	assert_int_equal(v.answers, 1);
	assert_int_equal(v.err.code, EXIT_FAILED);
	assert_non_null(strstr(v.why, "the engine is gone"));
}

static void garbage_is_answered_and_harms_nobody(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "driver", 0);
	int fd = raw_connect(e);
	raw_say(e, fd, "GET / HTTP/1.1\n");
	assert_line(e, fd, "-32700");
	raw_send(e, fd, "\0\xff\x1b[2J\n", 7);
	assert_line(e, fd, "-32700");
	raw_say(e, fd, "[1,2]\n");
	assert_line(e, fd, "-32600");
	raw_say(e, fd, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"hello\",\"params\":[]}\n");
	assert_line(e, fd, "version");
	raw_say(e, fd, MESSAGE("\"x\"", "command", "\"name\":\"approve\""));
	assert_line(e, fd, "say hello first");
	raw_say(e, fd, HELLO("king"));
	assert_line(e, fd, "driver, observer or script");
	raw_say(e, fd, HELLO("script"));
	assert_line(e, fd, "\"result\"");
	raw_say(e, fd, HELLO("driver"));
	assert_line(e, fd, "hello was said already");
	raw_say(e, fd, MESSAGE("9", "command", "\"args\":{}"));
	assert_line(e, fd, "a command is {name, args}");
	raw_say(e, fd, MESSAGE("9", "query", "\"name\":\"q\",\"args\":[]"));
	assert_line(e, fd, "a query is {name, args}");
	raw_say(e, fd, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"dance\"}\n");
	assert_line(e, fd, "-32601");
	raw_say(e, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"command\",\"params\":{\"name\":\"approve\"}}\n");
	raw_say(e, fd, MESSAGE("10", "query", "\"name\":\"q\",\"args\":null"));
	assert_line(e, fd, "\"id\":10,\"result\"");
	assert_int_equal(e->commands, 0);	/* a notification is no command */
	emit(e, "still there");
	UNTIL(e, !strcmp(v.text, "still there"));
	close(fd);
	client_free(v.client);
}

static void another_version_is_named_with_what_to_do(void **state)
{
	struct engine *e = *state;
	int fd = raw_connect(e);
	char kill_it[32];
	raw_say(e, fd, MESSAGE("1", "hello", "\"version\":2,\"role\":\"driver\",\"since\":0"));
	const char *line = raw_line(e, fd);
	snprintf(kill_it, sizeof kill_it, "kill %ld", (long)getpid());
	assert_non_null(strstr(line, "version 1 of the link"));
	assert_non_null(strstr(line, "this skydeck version 2"));
	assert_non_null(strstr(line, kill_it));
	assert_non_null(strstr(line, "\"data\":{\"exit\":1}"));
	close(fd);
}

static void a_line_without_end_closes_the_peer(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	attach(e, &v, "driver", 0);
	int fd = raw_connect(e);
	raw_say(e, fd, HELLO("driver"));
	char *bytes = xmalloc(2 * RPC_LINE_MAX);
	memset(bytes, ' ', 2 * RPC_LINE_MAX);
	raw_send(e, fd, bytes, 2 * RPC_LINE_MAX);
	free(bytes);
	UNTIL(e, *e->left);
	assert_int_equal(server_viewers(e->server), 1);
	emit(e, "on");
	UNTIL(e, !strcmp(v.text, "on"));
	close(fd);
	client_free(v.client);
}

static void a_flood_of_questions_without_reading_closes_the_peer(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	char question[256];
	attach(e, &v, "driver", 0);
	int fd = raw_connect(e);
	raw_say(e, fd, HELLO("driver"));
	snprintf(question, sizeof question, QUERY, 100000);
	for (int i = 0; i < 500 && !*e->left; i++) {
		raw_say(e, fd, question);
		loop_turn(e->loop, 0);
	}
	UNTIL(e, *e->left);
	assert_in_range(e->answers, 35, 60);	/* 4 MB, and what the kernel holds */
	emit(e, "on");
	UNTIL(e, !strcmp(v.text, "on"));
	close(fd);
	client_free(v.client);
}

static void too_many_open_questions_are_refused(void **state)
{
	struct engine *e = *state;
	struct err err;
	int fd = raw_connect(e);
	struct request *kept[LINK_OPEN];
	char line[256];
	e->is_mute = 1;
	raw_say(e, fd, HELLO("script"));
	assert_line(e, fd, "\"result\"");
	for (int i = 0; i < LINK_OPEN; i++) {
		e->kept = NULL;
		snprintf(line, sizeof line, QUERY, 1);
		raw_say(e, fd, line);
		UNTIL(e, e->kept);
		kept[i] = e->kept;
	}
	raw_say(e, fd, line);
	assert_line(e, fd, "read their answers first");
	err_set(&err, "no");
	for (int i = 0; i < LINK_OPEN; i++)
		server_refuse(kept[i], &err);
	assert_line(e, fd, "\"no\"");
	e->is_mute = 0;
	e->answers = 0;
	raw_say(e, fd, line);
	UNTIL(e, e->answers);
	close(fd);
}

static void more_peers_than_places_wait_for_one(void **state)
{
	struct engine *e = *state;
	int fds[LINK_PEERS + 1];
	for (int i = 0; i <= LINK_PEERS; i++) {
		fds[i] = raw_connect(e);
		raw_say(e, fds[i], HELLO("script"));
		for (int turn = 0; turn < 3; turn++)
			loop_turn(e->loop, 0);
	}
	for (int i = 0; i < LINK_PEERS; i++)
		assert_line(e, fds[i], "\"result\"");
	char c;
	assert_int_equal(recv(fds[LINK_PEERS], &c, 1, 0), -1);
	assert_in_range(idle_turns(e), 1, 3);	/* it does not keep the loop awake */
	assert_int_equal(recv(fds[LINK_PEERS], &c, 1, 0), -1);
	close(fds[0]);
	assert_line(e, fds[LINK_PEERS], "\"result\"");
	for (int i = 1; i <= LINK_PEERS; i++)
		close(fds[i]);
}

static void a_history_that_cannot_be_read_is_waited_for(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	emit_many(e, 10);
	e->is_unreadable = 1;
	attach(e, &v, "driver", 0);
	emit(e, "new");
	assert_in_range(idle_turns(e), 1, 8);	/* it does not try without end */
	assert_int_equal(v.events, 0);	/* no gap */
	e->is_unreadable = 0;
	UNTIL(e, v.last == e->count);
	assert_int_equal(v.events, e->count);
	client_free(v.client);
}

static void a_client_may_free_itself_in_an_event(void **state)
{
	struct engine *e = *state;
	struct viewer v = { .frees_itself = 1 };
	struct err err;
	emit_many(e, 100);
	v.client = client_new(e->loop, e->path, "driver", NULL, 0, &viewer_handler, &v, &err);
	assert_non_null(v.client);
	client_query(v.client, "q", NULL, 1);
	UNTIL(e, !v.client);
	UNTIL(e, *e->left);
	assert_int_equal(v.events, 1);
	assert_int_equal(v.closes, 0);
}

static void the_folder_is_ours_alone(void **state)
{
	struct engine *e = *state;
	struct engine other = {0};
	struct stat st;
	struct err err;
	assert_int_equal(stat(e->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(e->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	engine_path(&other);
	assert_int_equal(mkdir(other.dir, 0700), 0);
	assert_int_equal(chmod(other.dir, 0755), 0);
	assert_error(socket_listen(other.path, &err), &err, "chmod 700");
	assert_int_equal(rmdir(other.dir), 0);
	assert_int_equal(symlink(e->dir, other.dir), 0);
	assert_error(socket_listen(other.path, &err), &err, "not a folder of yours");
	assert_int_equal(unlink(other.dir), 0);
	memset(other.path + strlen(other.path), 'x', 150);
	assert_error(socket_listen(other.path, &err), &err, "too long");
}

static void a_stale_socket_is_replaced(void **state)
{
	struct engine *e = *state;
	struct viewer v;
	struct err err;
	char name[400];
	snprintf(name, sizeof name, "%s.old", e->path);
	assert_int_equal(rename(e->path, name), 0);
	server_free(e->server);
	assert_int_equal(rename(name, e->path), 0);	/* as after kill -9: nobody listens there */
	assert_null(client_new(e->loop, e->path, "driver", NULL, 0, &viewer_handler, &v, &err));
	assert_int_equal(err.code, EXIT_NO_ENGINE);
	e->server = server_new(e->loop, e->path, &engine_handler, e, &err);
	assert_non_null(e->server);
	attach(e, &v, "driver", 0);
	client_free(v.client);
}

static void the_path_follows_tmpdir_unless_it_is_long(void **state)
{
	struct buf a = {0}, b = {0}, c = {0};
	char expected[64], deep[200], *old = xstrdup(getenv("TMPDIR"));
	(void)state;
	snprintf(expected, sizeof expected, "/x/skydeck-%u/", (unsigned)geteuid());
	setenv("TMPDIR", "/x", 1);
	link_socket_path("/home/anna/kernels", &a);
	assert_int_equal(strncmp(a.data, expected, strlen(expected)), 0);
	assert_string_equal(a.data + a.len - 5, ".sock");
	memset(deep, 'd', sizeof deep);
	deep[0] = '/';
	deep[sizeof deep - 1] = '\0';
	setenv("TMPDIR", deep, 1);
	link_socket_path("/home/anna/kernels", &b);
	assert_int_equal(strncmp(b.data, "/tmp/skydeck-", 13), 0);
	assert_string_equal(strrchr(b.data, '/'), strrchr(a.data, '/'));
	setenv("TMPDIR", "relative", 1);
	link_socket_path("/home/anna/other", &c);
	assert_int_equal(strncmp(c.data, "/tmp/skydeck-", 13), 0);
	assert_string_not_equal(c.data, b.data);
	if (old)
		setenv("TMPDIR", old, 1);
	else
		unsetenv("TMPDIR");
	free(old);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

/* The server turns in this process while another one, with another user if uid is set, calls. Returns how it exited. */
static int in_another_process(struct engine *e, uid_t uid, int (*act)(struct engine *e))
{
	pid_t pid = fork();
	if (!pid)
		_exit(uid && setuid(uid) ? 99 : act(e));
	int status;
	UNTIL(e, waitpid(pid, &status, WNOHANG) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct json *call(struct engine *e, const char *method, const char *name, double timeout, struct err *err)
{
	struct json *args = json_object();
	json_put_string(args, "id", "p7");
	json_put_integer(args, "bytes", 3);
	return client_call(e->path, method, name, args, timeout, err);
}

static int act_well(struct engine *e)
{
	struct err err;
	struct json *result = call(e, "command", "approve", 30, &err);
	int is_right = result && !strcmp(json_string(json_get(result, "id"), ""), "p7");
	json_free(result);
	return is_right ? 0 : 1;
}

static int act_wrongly(struct engine *e)
{
	struct err err = {0};
	return call(e, "command", "fly", 30, &err) || strcmp(err.text, "nobody can fly") ? 1 : (int)err.code;
}

static int act_late(struct engine *e)
{
	struct err err = {0};
	return call(e, "query", "q", 0.1, &err) || !strstr(err.text, "has not answered for 0.1 s") ? 77 : (int)err.code;
}

/* A client of ours says nothing to who is not its user; one of another make is told that it may not. */
static int act_as_a_stranger(struct engine *e)
{
	static const char line[] = MESSAGE("1", "command", "\"name\":\"approve\",\"args\":{}");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct err err = {0};
	char answer[1000] = "";
	snprintf(a.sun_path, sizeof a.sun_path, "%.100s", e->path);
	if (call(e, "command", "approve", 30, &err) || !strstr(err.text, "belongs to somebody else"))
		return 77;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) || send(fd, line, sizeof line - 1, 0) < 0 || recv(fd, answer, sizeof answer - 1, 0) < 0)
		return 78;
	return strstr(answer, "this engine belongs to user") ? (int)err.code : 79;
}

static void one_call_waits_for_its_answer(void **state)
{
	struct engine *e = *state;
	struct err err;
	assert_int_equal(in_another_process(e, 0, act_well), 0);
	assert_int_equal(in_another_process(e, 0, act_wrongly), EXIT_BUDGET);
	e->is_mute = 1;
	assert_int_equal(in_another_process(e, 0, act_late), EXIT_FAILED);
	server_answer(e->kept, NULL);
	assert_null(client_call("/nowhere/at/all.sock", "query", "status", NULL, 1, &err));
	assert_int_equal(err.code, EXIT_NO_ENGINE);
	assert_string_equal(err.text, "no engine runs for this target: start one with skydeck or skydeck serve");
}

static void another_user_is_refused(void **state)
{
	struct engine *e = *state;
	struct err err;
	if (geteuid())
		skip();	/* only root can become someone else */
	server_free(e->server);
	assert_int_equal(rmdir(e->dir), 0);
	/* TMPDIR may be closed to others. */
	snprintf(e->dir, sizeof e->dir, "/tmp/link-stranger-%ld", (long)getpid());
	snprintf(e->path, sizeof e->path, "%.200s/engine.sock", e->dir);
	e->server = server_new(e->loop, e->path, &engine_handler, e, &err);
	assert_non_null(e->server);
	assert_int_equal(chmod(e->dir, 0755), 0);	/* so that only SO_PEERCRED is in the way */
	assert_int_equal(chmod(e->path, 0666), 0);
	assert_int_equal(in_another_process(e, 65534, act_as_a_stranger), EXIT_REFUSED);
	assert_int_equal(e->commands, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_viewers_see_the_same_events_in_order),
		TEST(a_viewer_may_begin_in_the_middle),
		TEST(a_long_history_comes_in_chunks_while_new_events_come),
		TEST(catching_up_needs_nobody_to_wake_the_loop),
		TEST(a_viewer_that_does_not_read_costs_a_bounded_buffer_and_loses_nothing),
		TEST(tails_go_to_live_viewers_and_only_the_last_of_a_turn),
		TEST(a_script_is_no_viewer_and_gets_no_events),
		TEST(answers_find_who_asked_and_errors_keep_their_exit_code),
		TEST(an_observer_cannot_command_but_asks),
		TEST(nothing_leaves_when_the_facts_are_lost),
		TEST(answers_wait_for_the_release),
		TEST(a_peer_that_dies_in_the_middle_is_answered_into_nothing),
		TEST(garbage_is_answered_and_harms_nobody),
		TEST(another_version_is_named_with_what_to_do),
		TEST(a_line_without_end_closes_the_peer),
		TEST(a_flood_of_questions_without_reading_closes_the_peer),
		TEST(too_many_open_questions_are_refused),
		TEST(more_peers_than_places_wait_for_one),
		TEST(a_history_that_cannot_be_read_is_waited_for),
		TEST(a_client_may_free_itself_in_an_event),
		TEST(the_folder_is_ours_alone),
		TEST(a_stale_socket_is_replaced),
		TEST(the_path_follows_tmpdir_unless_it_is_long),
		TEST(one_call_waits_for_its_answer),
		TEST(another_user_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
