/* JSON-RPC: the specification's examples, every wrong message, peers that flood, stall, vanish, and owners that free. */
#include "core/io/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { LIMIT = 300000 };

struct world {
	struct loop *loop;
	struct rpc *rpc;
	int own, peer;	/* the two ends of the socket */
	struct buf heard, from_peer;
	int calls, closed, free_on_call, free_on_answer, free_on_close, answer_much;
};

static void say(struct world *w, const char *what, const struct json *v)
{
	buf_printf(&w->heard, " %s", what);
	if (v)
		json_print(v, &w->heard);
}

static void drop(struct world *w)
{
	rpc_free(w->rpc);
	w->rpc = NULL;
}

static void on_call(void *data, const char *method, const struct json *params, const struct json *id)
{
	struct world *w = data;
	w->calls++;
	if (w->free_on_call) {
		struct rpc *freed = w->rpc;
		drop(w);
		rpc_result(freed, id, NULL);	/* goes nowhere */
		rpc_notify(freed, "late", json_object());
		return;
	}
	if (!strcmp(method, "subtract")) {
		double first = json_number(json_first(params), 0), second = json_number(json_next(json_first(params)), 0);
		rpc_result(w->rpc, id, json_new_number(first - second));
	} else if (!strcmp(method, "much")) {
		static char text[2000];
		memset(text, 'x', sizeof text - 1);
		rpc_result(w->rpc, id, json_new_string(text));
	} else if (!strcmp(method, "fail")) {
		rpc_error(w->rpc, id, RPC_FAILED, "no \"luck\"\n", json_new_bool(1));
	} else if (!strcmp(method, "nothing")) {
		rpc_result(w->rpc, id, NULL);
	} else if (!strcmp(method, "note")) {
		say(w, method, params);
		say(w, id ? "id" : "-", id);
	} else {
		rpc_error(w->rpc, id, RPC_METHOD, "no such method", NULL);
	}
}

static void on_answer(void *data, int64_t id, const struct json *result, const struct json *error)
{
	struct world *w = data;
	buf_printf(&w->heard, " #%d", (int)id);
	say(w, result ? "result" : "error", result ? result : error);
	if (w->free_on_answer)
		drop(w);
}

static void on_closed(void *data, const char *why)
{
	struct world *w = data;
	w->closed++;
	buf_printf(&w->heard, " closed: %s", why);
	if (w->free_on_close)
		drop(w);
}

static const struct rpc_handler handler = { .call = on_call, .answer = on_answer, .closed = on_closed };

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	w->loop = loop_new();
	w->own = pair[0];
	w->peer = pair[1];
	w->rpc = rpc_new(w->loop, pair[0], pair[0], LIMIT, &handler, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	rpc_free(w->rpc);
	loop_free(w->loop);
	if (w->peer >= 0)
		close(w->peer);
	buf_release(&w->heard);
	buf_release(&w->from_peer);
	free(w);
	return 0;
}

static void settle(struct world *w)
{
	for (int i = 0; i < 10; i++)
		loop_turn(w->loop, 0);
}

/* What the peer finds on its end now; valid until the next call. */
static const char *peer_reads(struct world *w)
{
	char chunk[65536];
	ssize_t n;
	buf_truncate(&w->from_peer, 0);
	settle(w);
	while ((n = read(w->peer, chunk, sizeof chunk)) > 0) {
		buf_add(&w->from_peer, chunk, (size_t)n);
		settle(w);
	}
	return buf_str(&w->from_peer);
}

static void peer_sends(struct world *w, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = send(w->peer, bytes, n, MSG_NOSIGNAL);
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		} else if (errno != EAGAIN) {
			return;
		}
		loop_turn(w->loop, 0);
	}
	settle(w);
}

static void expect(struct world *w, const char *line, const char *answer)
{
	peer_sends(w, line, strlen(line));
	assert_string_equal(peer_reads(w), answer);
}

static void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%.200s\" does not hold \"%s\"", text, part);
}

static void requests_are_answered_with_their_id(void **state)
{
	struct world *w = *state;
	expect(w, "{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42, 23], \"id\": 1}\n",
	       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":19}\n");
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[23,42],\"id\":\"a\\nb\"}\r\n",
	       "{\"jsonrpc\":\"2.0\",\"id\":\"a\\nb\",\"result\":-19}\n");
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"fail\",\"id\":0}\n", "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32000,"
	       "\"message\":\"no \\\"luck\\\"\\n\",\"data\":true}}\n");
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\",\"id\":null}\n", "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":null}\n");
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"foobar\",\"id\":9007199254740991}\n",
	       "{\"jsonrpc\":\"2.0\",\"id\":9007199254740991,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n");
}

static void notifications_get_no_answer(void **state)
{
	struct world *w = *state;
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":{\"a\":[1]}}\n"
	       "\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"foobar\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n", "");
	assert_string_equal(buf_str(&w->heard), " note{\"a\":[1]} - note -");
}

static void a_line_may_come_byte_by_byte(void **state)
{
	struct world *w = *state;
	const char *line = "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[3,1],\"id\":7}\n";
	for (const char *c = line; *c; c++) {
		assert_int_equal(w->calls, 0);
		peer_sends(w, c, 1);
	}
	assert_string_equal(peer_reads(w), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":2}\n");
}

static void what_is_wrong_is_said_and_the_next_line_still_read(void **state)
{
	static const struct { const char *line, *id; int code; } wrong[] = {
		{ "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", "null", RPC_PARSE },
		{ "{}{}", "null", RPC_PARSE }, { "\xff\xfe", "null", RPC_PARSE },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\\u0000x\"}", "null", RPC_PARSE },
		{ "[]", "null", RPC_INVALID }, { "1", "null", RPC_INVALID }, { "null", "null", RPC_INVALID },
		{ "[{\"jsonrpc\":\"2.0\",\"method\":\"note\"}]", "null", RPC_INVALID },
		{ "{}", "null", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":[],\"id\":5}", "5", RPC_INVALID },
		{ "{\"jsonrpc\":\"1.0\",\"method\":\"note\",\"id\":5}", "5", RPC_INVALID },
		{ "{\"jsonrpc\":2.0,\"method\":\"note\",\"id\":5}", "5", RPC_INVALID },
		{ "{\"method\":\"note\",\"id\":\"q\"}", "\"q\"", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":\"bar\",\"id\":5}", "5", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":null}", "null", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"id\":1.5}", "null", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"id\":9007199254740993000}", "null", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"id\":[1]}", "null", RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", "1", RPC_INVALID },
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char *start = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":\"", wrong[i].id, wrong[i].code);
		peer_sends(w, wrong[i].line, strlen(wrong[i].line));
		peer_sends(w, "\n", 1);
		const char *answer = peer_reads(w);
		if (strncmp(answer, start, strlen(start)) || strcmp(strchr(answer, '\n'), "\n"))
			fail_msg("%s gave %s", wrong[i].line, answer);
		struct json *parsed = json_parse(answer, strlen(answer), NULL);
		assert_non_null(parsed);
		json_free(parsed);
		free(start);
	}
	expect(w, "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[1,1],\"id\":2}\n", "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":0}\n");
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->closed, 0);
}

static void our_own_messages(void **state)
{
	struct world *w = *state;
	struct json *params = json_object();
	json_put_integer(params, "x", 1);
	assert_int_equal(rpc_request(w->rpc, "ask", params), 1);
	assert_int_equal(rpc_request(w->rpc, "more", NULL), 2);
	rpc_notify(w->rpc, "tell", json_array());
	rpc_notify(w->rpc, "quiet", NULL);
	rpc_notify_text(w->rpc, "event", "{\"seq\":1}", 9);
	rpc_result(w->rpc, NULL, json_object());
	rpc_error(w->rpc, NULL, RPC_FAILED, "never sent", json_object());
	char c;
	assert_int_equal(read(w->peer, &c, 1), -1);	/* nothing leaves before the turn ends or a flush */
	assert_true(rpc_waiting(w->rpc) > 0);
	rpc_flush(w->rpc);
	assert_int_equal(rpc_waiting(w->rpc), 0);
	assert_string_equal(peer_reads(w),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"x\":1}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"more\"}\n"
		"{\"jsonrpc\":\"2.0\",\"method\":\"tell\",\"params\":[]}\n{\"jsonrpc\":\"2.0\",\"method\":\"quiet\"}\n"
		"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":1}}\n");
	rpc_notify(w->rpc, "later", NULL);	/* without a flush the loop sends it */
	assert_string_equal(peer_reads(w), "{\"jsonrpc\":\"2.0\",\"method\":\"later\"}\n");
	assert_int_equal(rpc_waiting(w->rpc), 0);
}

static void answers_find_their_request_once(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 6; i++)
		rpc_request(w->rpc, "ask", NULL);
	peer_reads(w);
	expect(w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":null}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"no\"}}\n", "");
	assert_string_equal(buf_str(&w->heard), " #2 resultnull #1 error{\"code\":-1,\"message\":\"no\"}");
	buf_truncate(&w->heard, 0);
	/* again, unknown, of another type, and the error for "your answer was bad" that a peer may send: all dropped */
	expect(w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":1}\n"
	       "{\"jsonrpc\":\"2.0\",\"id\":\"3\",\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}\n"
	       "{\"result\":1}\n", "");
	assert_string_equal(buf_str(&w->heard), "");
	static const char *const malformed[] = { "\"result\":1,\"error\":{\"code\":1,\"message\":\"m\"}", "\"error\":\"text\"",
		"\"error\":{\"code\":\"1\",\"message\":\"m\"}" };
	for (int i = 0; i < 3; i++) {
		char *line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%d,%s}\n", 3 + i, malformed[i]);
		expect(w, line, "");
		expect_contains(buf_str(&w->heard), "error{\"code\":-32600,\"message\":\"the peer's answer is not valid");
		buf_truncate(&w->heard, 0);
		free(line);
	}
	expect(w, "{\"id\":6,\"result\":1}\n", "");
	expect_contains(buf_str(&w->heard), "#6 error{\"code\":-32600");
}

static void a_line_at_the_limit_passes_and_one_over_does_not(void **state)
{
	struct world *w = *state;
	const char *head = "{\"jsonrpc\":\"2.0\",\"method\":\"other\",\"params\":[\"", *tail = "\"]}";
	struct buf line = {0};
	buf_puts(&line, head);
	while (line.len < RPC_LINE_MAX - strlen(tail))
		buf_putc(&line, 'x');
	buf_puts(&line, tail);
	assert_int_equal(line.len, RPC_LINE_MAX);
	buf_putc(&line, '\n');
	peer_sends(w, line.data, line.len);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->closed, 0);
	buf_truncate(&line, line.len - 1);
	buf_puts(&line, " \n");
	peer_sends(w, line.data, line.len);
	assert_int_equal(w->calls, 1);
	assert_string_equal(buf_str(&w->heard), " closed: the peer sent a line of more than 1 MiB");
	buf_release(&line);
}

static void a_line_without_end_is_cut_off(void **state)
{
	struct world *w = *state;
	char *flood = xmalloc(3 << 20);
	memset(flood, 'x', 3 << 20);
	w->free_on_close = 1;
	peer_sends(w, flood, 3 << 20);
	assert_string_equal(buf_str(&w->heard), " closed: the peer sent a line of more than 1 MiB");
	free(flood);
}

static void a_peer_that_does_not_read_is_dropped_from_the_loop(void **state)
{
	struct world *w = *state;
	for (int sent = 1;; sent++) {
		rpc_notify_text(w->rpc, "event", "{\"seq\":123456789}", 17);
		if (!rpc_waiting(w->rpc))	/* it was dropped, and what waited with it */
			break;
		if (sent % 100 == 0)
			rpc_flush(w->rpc);
		assert_true(rpc_waiting(w->rpc) <= LIMIT);
	}
	assert_int_equal(w->closed, 0);		/* never from inside a call */
	rpc_notify(w->rpc, "ignored", json_object());
	rpc_request(w->rpc, "ignored", json_object());
	settle(w);
	assert_int_equal(w->closed, 1);
	expect_contains(buf_str(&w->heard), " closed: the peer stopped reading: 3000");
	settle(w);
	assert_int_equal(w->closed, 1);
}

static void a_peer_that_asks_and_never_reads_is_dropped(void **state)
{
	struct world *w = *state;
	struct buf flood = {0};
	for (int i = 0; i < 2000; i++)
		buf_puts(&flood, "{\"jsonrpc\":\"2.0\",\"method\":\"much\",\"id\":1}\n");
	peer_sends(w, flood.data, flood.len);
	assert_int_equal(w->closed, 1);
	assert_true(w->calls < 500);	/* not even the lines that were read already */
	expect_contains(buf_str(&w->heard), "the peer stopped reading");
	buf_release(&flood);
}

static void a_slow_peer_gets_every_byte(void **state)
{
	struct world *w = *state;
	struct buf got = {0};
	size_t expected = 0;
	int small = 8192;
	setsockopt(w->own, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	for (int i = 0; i < 6000; i++) {
		char params[32], piece[500];
		int n = snprintf(params, sizeof params, "[%d]", i);
		expected += strlen("{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":}\n") + (size_t)n;
		rpc_notify_text(w->rpc, "event", params, (size_t)n);
		if (i % 50)
			continue;
		loop_turn(w->loop, 0);
		ssize_t r = read(w->peer, piece, sizeof piece);		/* less than was sent: parts of lines stay behind */
		buf_add(&got, piece, r > 0 ? (size_t)r : 0);
	}
	assert_true(rpc_waiting(w->rpc) > LIMIT / 3);	/* the rest goes in several writes */
	buf_puts(&got, peer_reads(w));
	assert_int_equal(w->closed, 0);
	assert_int_equal(got.len, expected);
	const char *at = got.data;
	for (int i = 0; i < 6000; i++) {
		char line[80];
		int n = snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":[%d]}\n", i);
		assert_memory_equal(at, line, (size_t)n);
		at += n;
	}
	buf_release(&got);
}

static void the_last_words_of_a_peer_are_heard(void **state)
{
	struct world *w = *state;
	const char *words = "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n{\"half";
	assert_int_equal(write(w->peer, words, strlen(words)), (ssize_t)strlen(words));
	close(w->peer);
	w->peer = -1;
	rpc_notify(w->rpc, "too late", NULL);
	rpc_flush(w->rpc);	/* fails: that must not keep what the peer had said from us */
	settle(w);
	expect_contains(buf_str(&w->heard), " note - note - closed: the peer closed");
	assert_int_equal(w->closed, 1);
}

static void an_orderly_end(void **state)
{
	struct world *w = *state;
	close(w->peer);
	w->peer = -1;
	w->free_on_close = 1;
	settle(w);
	assert_string_equal(buf_str(&w->heard), " closed: the peer closed the connection");
	assert_null(w->rpc);
}

static void freeing_inside_callbacks(void **state)
{
	struct world *w = *state;
	w->free_on_call = 1;
	const char *two = "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1}\n{\"jsonrpc\":\"2.0\",\"method\":\"b\",\"id\":2}\n";
	peer_sends(w, two, strlen(two));
	assert_int_equal(w->calls, 1);
	assert_null(w->rpc);
	char c;
	assert_int_equal(read(w->peer, &c, 1), 0);	/* and the peer sees the end */
	rpc_free(NULL);
}

static void freeing_inside_an_answer(void **state)
{
	struct world *w = *state;
	w->free_on_answer = 1;
	rpc_request(w->rpc, "a", NULL);
	rpc_request(w->rpc, "b", NULL);
	peer_reads(w);
	const char *two = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":1}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}\n";
	peer_sends(w, two, strlen(two));
	assert_null(w->rpc);
	expect_contains(buf_str(&w->heard), " #1 error");
	assert_null(strstr(buf_str(&w->heard), "#2"));
}

static void freeing_before_closed_was_told(void **state)
{
	struct world *w = *state;
	char *text = xmalloc(LIMIT + 1);
	memset(text, ' ', LIMIT + 1);
	rpc_notify_text(w->rpc, "event", text, LIMIT + 1);
	drop(w);
	settle(w);
	assert_int_equal(w->closed, 0);
	free(text);
}

static void a_pair_of_pipes(void **state)
{
	struct world *w = *state;
	int to[2], from[2];
	drop(w);
	assert_int_equal(pipe(to) + pipe(from), 0);
	w->rpc = rpc_new(w->loop, to[0], from[1], LIMIT, &handler, w);
	close(w->peer);
	w->peer = from[0];
	fcntl(w->peer, F_SETFL, O_NONBLOCK);
	const char *line = "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[3,1],\"id\":7}\n";
	assert_int_equal(write(to[1], line, strlen(line)), (ssize_t)strlen(line));
	assert_string_equal(peer_reads(w), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":2}\n");
	/* It closes the end it reads from, after a last word on the other. */
	const char *last = "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n";
	assert_int_equal(write(to[1], last, strlen(last)), (ssize_t)strlen(last));
	close(w->peer);
	w->peer = to[1];
	rpc_notify(w->rpc, "x", NULL);
	rpc_flush(w->rpc);
	settle(w);
	assert_string_equal(buf_str(&w->heard), " note - closed: the peer closed its end");
}

static void on_unreadable(void *data, const char *line, size_t len, const char *why)
{
	struct world *w = data;
	buf_printf(&w->heard, " %zu bytes, %.3s: %s", len, line, why);
}

static void a_peer_that_may_send_longer_lines(void **state)
{
	static const struct rpc_handler hears = { .call = on_call, .closed = on_closed, .unreadable = on_unreadable };
	struct world *w = *state;
	struct buf line = {0};
	int pair[2];
	drop(w);
	close(w->peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	w->rpc = rpc_new(w->loop, pair[0], pair[0], LIMIT, &hears, w);
	w->peer = pair[1];
	fcntl(w->peer, F_SETFL, O_NONBLOCK);
	rpc_allow_lines(w->rpc, 4 << 20);
	buf_puts(&line, "{\"jsonrpc\":\"2.0\",\"method\":\"other\",\"params\":[\"");
	while (line.len < 3 << 20)
		buf_putc(&line, 'x');
	buf_puts(&line, "\"]}\n");
	peer_sends(w, line.data, line.len);
	assert_int_equal(w->calls, 1);
	buf_truncate(&line, 0);
	while (line.len < 3 << 20)
		buf_puts(&line, "[,");
	buf_puts(&line, "\n{\n");
	peer_sends(w, line.data, line.len);
	assert_non_null(strstr(buf_str(&w->heard), "holds too many values 1 bytes, {\n"));
	assert_int_equal(w->closed, 0);
	w->free_on_close = 1;
	memset(line.data, 'x', line.len);
	peer_sends(w, line.data, line.len);
	peer_sends(w, line.data, line.len);
	assert_non_null(strstr(buf_str(&w->heard), "closed: the peer sent a line of more than 4 MiB"));
	buf_release(&line);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(requests_are_answered_with_their_id), T(notifications_get_no_answer), T(a_line_may_come_byte_by_byte),
		T(what_is_wrong_is_said_and_the_next_line_still_read), T(our_own_messages), T(answers_find_their_request_once),
		T(a_line_at_the_limit_passes_and_one_over_does_not), T(a_line_without_end_is_cut_off),
		T(a_peer_that_does_not_read_is_dropped_from_the_loop), T(a_peer_that_asks_and_never_reads_is_dropped),
		T(a_slow_peer_gets_every_byte), T(the_last_words_of_a_peer_are_heard), T(an_orderly_end),
		T(freeing_inside_callbacks), T(freeing_inside_an_answer), T(freeing_before_closed_was_told), T(a_pair_of_pipes),
		T(a_peer_that_may_send_longer_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
