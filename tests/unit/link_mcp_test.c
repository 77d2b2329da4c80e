/* The bridge in a process of its own, a client on its stdin and stdout, and a made-up engine behind the socket for tools. */
/* timeout: 120 */
#include "core/link/mcp.h"

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/link/server.h"

enum { GIVE_UP = 60 * 1000000, KEPT_MAX = 64 };

struct engine {
	struct loop *loop;
	struct server *server;
	char dir[256], path[300];
	int is_mute, is_held, holds;	/* keeps requests; releases nothing; …from the next call on */
	const char *why;		/* the release fails with it */
	struct request *kept[KEPT_MAX];
	size_t kept_count, calls, left;
	char last[256];
	/* the bridge */
	pid_t pid;
	int to, from;
	struct buf input;
	char *line;			/* the last one */
};

static struct engine *the_engine;

static void answer(struct request *r, const char *text)
{
	struct json *result = json_object(), *object = json_object();
	json_put_string(object, "text", text);
	json_take(result, "answer", object);
	json_put_bool(result, "is_error", 0);
	server_answer(r, result);
}

static void tool(void *data, struct request *request, const char *client, const char *name, const struct json *args)
{
	struct engine *e = data;
	const char *text = json_string(json_get(args, "text"), "");
	e->calls++;
	e->is_held |= e->holds;
	snprintf(e->last, sizeof e->last, "%s %s %s", client ? client : "(nobody)", name, text);
	if (e->is_mute)
		e->kept[e->kept_count++] = request;
	else
		answer(request, text);
}

static void gone(void *data, struct request *request)
{
	struct engine *e = data;
	struct err err = {0};
	e->left++;
	for (size_t i = 0; i < e->kept_count; i++)
		if (e->kept[i] == request)
			e->kept[i] = e->kept[--e->kept_count];
	err_set(&err, "given up");
	server_refuse(request, &err);
}

static const struct tools_handler handler = { .tool = tool, .gone = gone };

static void release(void *data)
{
	struct engine *e = data;
	if (e->server && !e->is_held)
		server_release(e->server, e->why);
}

static void start_engine(struct engine *e)
{
	struct err err = {0};
	e->server = server_new_for_tools(e->loop, e->path, &handler, e, &err);
	if (!e->server)
		fail_msg("%s", err.text);
}

static void stop_engine(struct engine *e)
{
	server_free(e->server);
	e->server = NULL;
	for (size_t i = 0; i < e->kept_count; i++)
		answer(e->kept[i], "too late");
	e->kept_count = 0;
}

/* the bridge */

static int find(void *data, struct buf *path, struct err *err)
{
	struct engine *e = data;
	(void)err;
	buf_puts(path, e->path);
	return 0;
}

static int check(const char *name, const struct json *args, struct err *err)
{
	if (!name || strcmp(name, "note"))
		return err_code(err, EXIT_USAGE, "there is no tool \"%s\"", name ? name : "");
	return json_get(args, "bad") ? err_set(err, "note has no argument bad") : 0;
}

static void start_bridge(struct engine *e, const char *agent)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	e->pid = fork();
	assert_true(e->pid >= 0);
	if (!e->pid) {
		struct json *tools = json_array();
		close(in[1]);
		close(out[0]);
		for (int i = 0; i < 100; i++)
			json_append(tools, json_new_string("a tool that is described in many words"));
		struct mcp_setup setup = { .loop = loop_new(), .in = in[0], .out = out[1], .version = "1", .agent = agent, .tools = tools, .check = check,
			.find = find, .data = e };
		mcp_run(&setup);
		loop_free(setup.loop);
		json_free(tools);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	e->to = in[1];
	e->from = out[0];
	fcntl(e->to, F_SETFL, O_NONBLOCK);
	fcntl(e->from, F_SETFL, O_NONBLOCK);
}

static void end_input(struct engine *e)
{
	close(e->to);
	e->to = -1;
}

/* Writes what the bridge takes now; 0: it takes nothing. */
static size_t push(struct engine *e, const char *bytes, size_t n)
{
	ssize_t sent = write(e->to, bytes, n);
	assert_true(sent >= 0 || errno == EAGAIN);
	return sent > 0 ? (size_t)sent : 0;
}

static void say_bytes(struct engine *e, const char *bytes, size_t n)
{
	int64_t until = clock_monotonic() + GIVE_UP;
	for (size_t sent = 0; sent < n;) {
		sent += push(e, bytes + sent, n - sent);
		loop_turn(e->loop, 0);
		assert_true(clock_monotonic() < until);
	}
}

static void say_part(struct engine *e, const char *text)
{
	say_bytes(e, text, strlen(text));
}

static void say(struct engine *e, const char *line)
{
	say_part(e, line);
	say_part(e, "\n");
}

static void pull(struct engine *e)
{
	char chunk[65536];
	ssize_t n = read(e->from, chunk, sizeof chunk);
	if (n > 0)
		buf_add(&e->input, chunk, (size_t)n);
}

static const char *hear(struct engine *e)
{
	int64_t until = clock_monotonic() + GIVE_UP;
	const char *newline;
	free(e->line);
	e->line = NULL;
	while (!(newline = memchr(buf_str(&e->input), '\n', e->input.len))) {
		loop_turn(e->loop, 1000);
		pull(e);
		assert_true(clock_monotonic() < until);
	}
	size_t n = (size_t)(newline - e->input.data);
	e->line = xstrndup(e->input.data, n);
	buf_consume(&e->input, n + 1);
	return e->line;
}

static void assert_heard(struct engine *e, const char *part)
{
	const char *line = hear(e);
	if (!strstr(line, part))
		fail_msg("got: %.300s\nbut expected: %s", line, part);
}

static int wait_bridge(struct engine *e)
{
	int status = 0;
	int64_t until = clock_monotonic() + GIVE_UP;
	while (!waitpid(e->pid, &status, WNOHANG)) {
		loop_turn(e->loop, 1000);
		pull(e);
		assert_true(clock_monotonic() < until);
	}
	e->pid = 0;
	return status;
}

#define UNTIL(e, cond) \
	for (int64_t until_ = clock_monotonic() + GIVE_UP; !(cond); loop_turn((e)->loop, 1000)) \
		assert_true(clock_monotonic() < until_)

#define CALL(id, args) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"note\",\"arguments\":" args "}}"
#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"

static int setup(void **state)
{
	static int number;
	struct engine *e = xcalloc(1, sizeof *e);
	char name[32];
	snprintf(name, sizeof name, "mcp-%ld-%d", (long)getpid(), ++number);
	test_path(e->dir, sizeof e->dir, name);
	snprintf(e->path, sizeof e->path, "%s/x.tools.sock", e->dir);
	e->loop = loop_new();
	loop_before_sleep(e->loop, release, e);
	e->to = e->from = -1;
	start_engine(e);
	*state = the_engine = e;
	return 0;
}

static int teardown(void **state)
{
	struct engine *e = *state;
	if (e->to >= 0)
		close(e->to);
	stop_engine(e);		/* first: else the bridge waits for what it keeps */
	if (e->pid)
		assert_int_equal(wait_bridge(e), 0);
	close(e->from);
	loop_free(e->loop);
	assert_int_equal(rmdir(e->dir), 0);
	buf_release(&e->input);
	free(e->line);
	free(e);
	return 0;
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

static void a_call_is_made_in_the_clients_name(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	say(e, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-03-26\",\"clientInfo\":{\"name\":\"claude \\u202ecode\"}}}");
	assert_heard(e, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"skydeck\"");
	say(e, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	say(e, CALL("\"a\"", "{\"text\":\"hello\"}"));
	assert_heard(e, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"text\\\":\\\"hello\\\"}\"}],"
			"\"structuredContent\":{\"text\":\"hello\"},\"isError\":false}}");
	assert_string_equal(e->last, "claude--U-202E-code note hello");
	end_input(e);
	assert_int_equal(wait_bridge(e), 0);
	assert_int_equal(e->input.len, 0);
}

static void the_sessions_own_agent_has_no_name_of_its_own(void **state)
{
	struct engine *e = *state;
	start_bridge(e, "");
	say(e, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":{\"name\":\"claude-code\"}}}");
	assert_heard(e, "\"protocolVersion\":\"2025-11-25\"");
	say(e, CALL("1", "{\"text\":\"x\"}"));
	assert_heard(e, "\"isError\":false");
	assert_string_equal(e->last, "(nobody) note x");
}

static void what_cannot_be_asked_is_said(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	static const char *const dialogue[][2] = {
		{ "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\"}", "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"error\":{\"code\":-32601" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}", "-32601" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"approve\"}}", "\"id\":1,\"error\":{\"code\":-32602,\"message\":\"there is no tool \\\"approve\\\"\"" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}", "-32602" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":7}", "-32602" },
		{ CALL("1", "{\"bad\":1}"), "{\"content\":[{\"type\":\"text\",\"text\":\"note has no argument bad\"}],\"isError\":true}" },
		{ "{", "\"id\":null,\"error\":{\"code\":-32700" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\\u0000\"}", "-32700" },
		{ "[]", "-32600" },
		{ "7", "-32600" },
		{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", "\"id\":1,\"error\":{\"code\":-32600" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", "\"id\":null,\"error\":{\"code\":-32600" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "\"id\":null,\"error\":{\"code\":-32600" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n" PING("10"), "\"id\":10,\"result\":{}" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":4}}\r\n\n" PING("11") "\r", "\"id\":11,\"result\":{}" },
		{ "[" PING("12") ",7]", "\"id\":12,\"result\":{}" },
	};
	for (size_t i = 0; i < sizeof dialogue / sizeof *dialogue; i++) {
		say(e, dialogue[i][0]);
		assert_heard(e, dialogue[i][1]);
	}
	assert_heard(e, "-32600");	/* the 7 of the batch */
	assert_int_equal(e->calls, 0);
}

static void an_answer_waits_until_its_facts_are_on_disk(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->holds = 1;
	say(e, CALL("1", "{\"text\":\"x\"}"));
	UNTIL(e, e->calls == 1);
	say(e, PING("2"));
	assert_heard(e, "\"id\":2,\"result\":{}");
	assert_int_equal(e->input.len, 0);
	e->holds = e->is_held = 0;
	e->why = "the disk is full";
	assert_heard(e, "{\"content\":[{\"type\":\"text\",\"text\":\"the disk is full\"}],\"isError\":true}");
}

static void a_cancelled_call_is_given_up_and_not_answered(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->is_mute = 1;
	say(e, CALL("1", "{\"text\":\"one\"}"));
	say(e, CALL("\"1\"", "{\"text\":\"two\"}"));
	UNTIL(e, e->kept_count == 2);
	say(e, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"reason\":\"no\"}}");
	UNTIL(e, e->left == 1);
	assert_int_equal(e->kept_count, 1);
	answer(e->kept[--e->kept_count], "two");
	assert_heard(e, "\"id\":\"1\",\"result\"");
	say(e, PING("2"));
	assert_heard(e, "\"id\":2,\"result\":{}");
}

static void a_client_that_goes_gives_its_calls_up(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->is_mute = 1;
	for (int i = 0; i < 3; i++)
		say(e, CALL("1", "{}"));
	UNTIL(e, e->kept_count == 3);
	kill(e->pid, SIGKILL);
	wait_bridge(e);
	UNTIL(e, e->left == 3);
	assert_int_equal(e->kept_count, 0);
}

static void one_peer_has_so_many_calls_open(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->is_mute = 1;
	for (int i = 0; i < TOOLS_OPEN; i++)
		say(e, CALL("1", "{}"));
	say(e, CALL("2", "{}"));
	assert_heard(e, "\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"16 calls of this connection wait already");
	assert_int_equal(e->kept_count, TOOLS_OPEN);
}

static void the_engine_may_go_and_come(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->is_mute = 1;
	say(e, CALL("1", "{\"text\":\"lost\"}"));
	UNTIL(e, e->kept_count == 1);
	stop_engine(e);
	assert_heard(e, "\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"the engine went away before it answered");
	say(e, CALL("2", "{}"));
	assert_heard(e, "skydeck serve");
	e->is_mute = 0;
	start_engine(e);
	say(e, CALL("3", "{\"text\":\"back\"}"));
	assert_heard(e, "\"structuredContent\":{\"text\":\"back\"}");
}

static void what_was_asked_before_the_end_is_answered(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	e->is_mute = 1;
	say(e, CALL("1", "{\"text\":\"x\"}"));
	say(e, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}");
	end_input(e);
	UNTIL(e, e->kept_count == 1);
	answer(e->kept[--e->kept_count], "x");
	assert_heard(e, "\"id\":2");
	assert_heard(e, "\"id\":1");
	assert_int_equal(wait_bridge(e), 0);
}

static void lines_of_any_length(void **state)
{
	struct engine *e = *state;
	size_t most = 70 << 20, less = 20 << 20;
	char *text = xmalloc(most);
	memset(text, 'x', most);
	start_bridge(e, NULL);
	say_part(e, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"");
	say_bytes(e, text, less);
	say(e, "\"}");
	assert_heard(e, "\"id\":1,\"result\":{}");
	say_part(e, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"note\",\"arguments\":{\"text\":\"");
	say_bytes(e, text, 2 << 20);
	say(e, "\"}}}");
	assert_heard(e, "make them smaller");
	say_bytes(e, text, most);
	say(e, "");
	assert_heard(e, "a line of more than 64 MiB was dropped");
	say(e, PING("3"));
	assert_heard(e, "\"id\":3,\"result\":{}");
	assert_int_equal(e->calls, 0);
	free(text);
}

static void who_does_not_read_is_not_read(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
	struct engine *e = *state;
	size_t asked = 0, at = 0, heard = 0;
	start_bridge(e, NULL);
	for (int quiet = 0; quiet < 50 && asked < 100000;) {
		size_t n = push(e, line + at, sizeof line - 1 - at);
		at = (at + n) % (sizeof line - 1);
		asked += n && !at;
		quiet = n ? 0 : quiet + 1;
		if (!n)
			poll(NULL, 0, 10);
	}
	assert_true(asked > 100 && asked < 20000);	/* some 4 KB each: 8 MiB, and what the pipes hold */
	while (heard < asked) {
		assert_heard(e, "\"id\":1,\"result\":{\"tools\":[");
		heard++;
	}
	say_bytes(e, line + at, sizeof line - 1 - at);
	assert_heard(e, "\"id\":1");
}

static void a_client_that_closes_its_ears_ends_it(void **state)
{
	struct engine *e = *state;
	start_bridge(e, NULL);
	close(e->from);
	e->from = open("/dev/null", O_RDONLY | O_CLOEXEC);
	push(e, PING("1") "\n", strlen(PING("1")) + 1);
	assert_int_equal(wait_bridge(e), 0);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(a_call_is_made_in_the_clients_name), CASE(the_sessions_own_agent_has_no_name_of_its_own), CASE(what_cannot_be_asked_is_said),
		CASE(an_answer_waits_until_its_facts_are_on_disk), CASE(a_cancelled_call_is_given_up_and_not_answered),
		CASE(a_client_that_goes_gives_its_calls_up), CASE(one_peer_has_so_many_calls_open), CASE(the_engine_may_go_and_come),
		CASE(what_was_asked_before_the_end_is_answered), CASE(lines_of_any_length), CASE(who_does_not_read_is_not_read),
		CASE(a_client_that_closes_its_ears_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
