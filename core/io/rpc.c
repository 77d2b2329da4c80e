/* JSON-RPC 2.0, one message a line, over a socket or a pair of pipes.
 *
 * In: bytes are gathered to lines, each line is checked in full before anything hears of it, and what is wrong is
 * answered as the specification says (section 5.1). Answers are matched with the requests that wait; others are
 * dropped. Out: messages are printed straight into one buffer; notifications whose parameters are printed already
 * (events, sent to every viewer) are copied there without a tree.
 *
 * Nobody waits for a peer: one that sends a line without end, or does not read until the buffer is full, is
 * dropped. The owner hears of it from a timer of no delay, so never in the middle of its own loop over viewers. It
 * may free the rpc in any callback: while one runs (`busy`), freeing closes everything and leaves the memory to
 * whoever called it. */
#include "core/io/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { CHUNK = 65536, LAST_READS = 32, MOST_VALUES = 1 << 20 };	/* LAST_READS chunks hold more than any pipe that a dead peer left */

struct rpc {
	struct loop *loop;
	int in, out, is_socket;
	size_t limit, longest;	/* bytes of output that may wait; of a line */
	const struct rpc_handler *handler;
	void *data;
	struct buf input, output;
	size_t scanned, sent;	/* bytes of input without a newline; bytes of output that the peer took */
	int watches_write;
	int64_t last_id, *waiting;	/* ids of requests that no answer came for */
	size_t waiting_count, waiting_room;
	char *why;		/* it ended; timer tells the owner */
	struct loop_timer *timer;
	int input_ended, output_ended, busy, freed;
};

static void release(struct rpc *rpc)
{
	buf_release(&rpc->input);
	buf_release(&rpc->output);
	free(rpc->waiting);
	free(rpc->why);
	free(rpc);
}

/* The end of a stretch that calls back: where a callback freed it, it goes now. */
static void leave(struct rpc *rpc)
{
	if (!--rpc->busy && rpc->freed)
		release(rpc);
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

static int read_some(struct rpc *rpc);

static void unwatch(struct rpc *rpc)
{
	loop_unwatch(rpc->loop, rpc->in);
	loop_unwatch(rpc->loop, rpc->out);
}

static void finish(void *data)
{
	struct rpc *rpc = data;
	rpc->timer = NULL;
	rpc->busy++;
	for (int i = 0; i < LAST_READS && read_some(rpc); i++)
		;
	if (!rpc->freed) {
		rpc->input_ended = 1;
		unwatch(rpc);
		rpc->handler->closed(rpc->data, rpc->why);
	}
	leave(rpc);
}

/* Nothing is written any more. take_rest: what the peer wrote before it went away is still read. */
static void end(struct rpc *rpc, int take_rest, const char *why)
{
	rpc->output_ended = 1;
	buf_release(&rpc->output);
	rpc->sent = 0;
	if (!take_rest)
		rpc->input_ended = 1;
	if (rpc->why)
		return;
	rpc->why = xstrdup(why);
	rpc->timer = loop_after(rpc->loop, 0, finish, rpc);
}

/* --- output ---------------------------------------------------------------------------------------------------- */

static void peer_ready(void *data, int fd, unsigned events);

static void watch(struct rpc *rpc)
{
	unsigned writing = rpc_waiting(rpc) ? LOOP_WRITE : 0;
	rpc->watches_write = writing != 0;
	if (rpc->in == rpc->out) {
		loop_watch(rpc->loop, rpc->in, LOOP_READ | writing, peer_ready, rpc);
	} else {
		loop_watch(rpc->loop, rpc->in, LOOP_READ, peer_ready, rpc);
		loop_watch(rpc->loop, rpc->out, writing, peer_ready, rpc);
	}
}

static ssize_t write_some(const struct rpc *rpc)
{
	const char *bytes = rpc->output.data + rpc->sent;
	size_t n = rpc->output.len - rpc->sent;
	return rpc->is_socket ? send(rpc->out, bytes, n, MSG_NOSIGNAL) : write(rpc->out, bytes, n);
}

/* Gives room back: all of it when nothing waits, else only when that moves less than was sent. */
static void drop_sent(struct rpc *rpc)
{
	if (rpc->sent == rpc->output.len)
		buf_release(&rpc->output);
	else if (rpc->sent > rpc->output.len / 2)
		buf_consume(&rpc->output, rpc->sent);
	else
		return;
	rpc->sent = 0;
}

void rpc_flush(struct rpc *rpc)
{
	while (rpc_waiting(rpc)) {
		ssize_t n = write_some(rpc);
		if (n > 0) {
			rpc->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			end(rpc, 1, "the peer closed its end");
			return;
		}
	}
	drop_sent(rpc);
	if (!rpc->output_ended && rpc->watches_write != (rpc_waiting(rpc) > 0))
		watch(rpc);
}

size_t rpc_waiting(const struct rpc *rpc)
{
	return rpc->output.len - rpc->sent;
}

static void print_or_null(struct buf *out, const struct json *v)
{
	if (v)
		json_print(v, out);
	else
		buf_puts(out, "null");
}

/* Every message begins and ends with these two. */
static int begin(struct rpc *rpc)
{
	if (rpc->output_ended)
		return 0;
	buf_puts(&rpc->output, "{\"jsonrpc\":\"2.0\"");
	return 1;
}

static void done(struct rpc *rpc)
{
	buf_puts(&rpc->output, "}\n");
	if (rpc_waiting(rpc) > rpc->limit) {
		char *why = xasprintf("the peer stopped reading: %zu bytes waited for it", rpc_waiting(rpc));
		end(rpc, 0, why);
		free(why);
	} else if (!rpc->watches_write) {
		watch(rpc);
	}
}

static void put_method(struct rpc *rpc, const char *method)
{
	buf_puts(&rpc->output, ",\"method\":");
	json_quote(&rpc->output, method);
}

static void put_params(struct rpc *rpc, const struct json *params)
{
	if (!params)
		return;
	buf_puts(&rpc->output, ",\"params\":");
	json_print(params, &rpc->output);
}

int64_t rpc_request(struct rpc *rpc, const char *method, struct json *params_taken)
{
	int64_t id = ++rpc->last_id;
	if (begin(rpc)) {
		int64_t *waiting = array_add(&rpc->waiting, &rpc->waiting_count, &rpc->waiting_room, sizeof *waiting);
		*waiting = id;
		buf_printf(&rpc->output, ",\"id\":%lld", (long long)id);
		put_method(rpc, method);
		put_params(rpc, params_taken);
		done(rpc);
	}
	json_free(params_taken);
	return id;
}

void rpc_notify(struct rpc *rpc, const char *method, struct json *params_taken)
{
	if (begin(rpc)) {
		put_method(rpc, method);
		put_params(rpc, params_taken);
		done(rpc);
	}
	json_free(params_taken);
}

void rpc_notify_text(struct rpc *rpc, const char *method, const char *params, size_t len)
{
	if (!begin(rpc))
		return;
	put_method(rpc, method);
	buf_puts(&rpc->output, ",\"params\":");
	buf_add(&rpc->output, params, len);
	done(rpc);
}

void rpc_result(struct rpc *rpc, const struct json *id, struct json *result_taken)
{
	if (id && begin(rpc)) {
		buf_puts(&rpc->output, ",\"id\":");
		json_print(id, &rpc->output);
		buf_puts(&rpc->output, ",\"result\":");
		print_or_null(&rpc->output, result_taken);
		done(rpc);
	}
	json_free(result_taken);
}

/* id NULL: it could not be read, and is answered as null. */
static void send_error(struct rpc *rpc, const struct json *id, int code, const char *message, const struct json *data)
{
	if (!begin(rpc))
		return;
	buf_puts(&rpc->output, ",\"id\":");
	print_or_null(&rpc->output, id);
	buf_printf(&rpc->output, ",\"error\":{\"code\":%d,\"message\":", code);
	json_quote(&rpc->output, message);
	if (data) {
		buf_puts(&rpc->output, ",\"data\":");
		json_print(data, &rpc->output);
	}
	buf_putc(&rpc->output, '}');
	done(rpc);
}

void rpc_error(struct rpc *rpc, const struct json *id, int code, const char *message, struct json *data_taken)
{
	if (id)
		send_error(rpc, id, code, message, data_taken);
	json_free(data_taken);
}

/* --- input ----------------------------------------------------------------------------------------------------- */

static int is_structured(const struct json *v)
{
	return json_is_object(v) || json_is_array(v);
}

/* Numbers must survive being read and printed again: whole, and exact in a double. */
static int is_id(const struct json *v)
{
	return json_is_null(v) || json_string(v, NULL) || json_integer(v, INT64_MIN) != INT64_MIN;
}

static int is_version_2(const struct json *message)
{
	return !strcmp(json_string(json_get(message, "jsonrpc"), ""), "2.0");
}

/* What a request lacks (section 4), or NULL. */
static const char *fault_of(const struct json *message)
{
	const struct json *id = json_get(message, "id"), *params = json_get(message, "params");
	if (json_is_array(message))
		return "batches are not taken: send one message a line";
	if (!json_is_object(message))
		return "a message must be an object";
	if (!is_version_2(message))
		return "\"jsonrpc\" must be \"2.0\"";
	if (id && !is_id(id))
		return "\"id\" must be a string, a whole number up to 2^53, or null";
	if (!json_string(json_get(message, "method"), NULL))
		return "\"method\" must be a string";
	if (params && !is_structured(params))
		return "\"params\" must be an object or an array";
	return NULL;
}

static int is_error(const struct json *error)
{
	return json_is_object(error) && json_integer(json_get(error, "code"), INT64_MIN) != INT64_MIN &&
	       json_string(json_get(error, "message"), NULL);
}

static void take_answer(struct rpc *rpc, const struct json *message)
{
	int64_t id = json_integer(json_get(message, "id"), 0);
	const struct json *result = json_get(message, "result"), *error = json_get(message, "error");
	size_t i = 0;
	while (i < rpc->waiting_count && rpc->waiting[i] != id)
		i++;
	if (i == rpc->waiting_count)
		return;
	array_remove(&rpc->waiting, &rpc->waiting_count, i, sizeof *rpc->waiting);
	struct json *malformed = NULL;
	if (!result == !error || (error && !is_error(error)) || !is_version_2(message)) {
		malformed = json_object();
		json_put_integer(malformed, "code", RPC_INVALID);
		json_put_string(malformed, "message", "the peer's answer is not valid JSON-RPC 2.0");
	}
	if (rpc->handler->answer)
		rpc->handler->answer(rpc->data, id, malformed ? NULL : result, malformed ? malformed : error);
	json_free(malformed);
}

/* Answers are never answered, however wrong: two peers would go on for ever. */
static void take_message(struct rpc *rpc, const struct json *message)
{
	const struct json *method = json_get(message, "method"), *id = json_get(message, "id");
	if (!method && (json_get(message, "result") || json_get(message, "error"))) {
		take_answer(rpc, message);
		return;
	}
	const char *fault = fault_of(message);
	if (fault)
		send_error(rpc, id && is_id(id) ? id : NULL, RPC_INVALID, fault, NULL);
	else
		rpc->handler->call(rpc->data, json_string(method, ""), json_get(message, "params"), id);
}

/* A tree takes many times the bytes of a line that is nothing but small values. Those inside of strings count too. */
static int has_too_many_values(const char *line, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; len > RPC_LINE_MAX && i < len; i++)
		count += line[i] == ',' || line[i] == '[' || line[i] == '{';
	return count > MOST_VALUES;
}

static void take_line(struct rpc *rpc, const char *line, size_t len)
{
	struct err err = {0};
	struct json *message = NULL;
	if (len && line[len - 1] == '\r')
		len--;
	if (!len)
		return;
	if (has_too_many_values(line, len))
		err_set(&err, "a line of %zu bytes holds too many values", len);
	else
		message = json_parse(line, len, &err);
	if (message)
		take_message(rpc, message);
	else if (rpc->handler->unreadable)
		rpc->handler->unreadable(rpc->data, line, len, err.text);
	else
		send_error(rpc, NULL, RPC_PARSE, err.text, NULL);
	json_free(message);
}

static void end_too_long(struct rpc *rpc)
{
	char *why = xasprintf("the peer sent a line of more than %zu MiB", rpc->longest >> 20);
	end(rpc, 0, why);
	free(why);
}

static void take_lines(struct rpc *rpc)
{
	size_t start = 0;
	const char *newline;
	while (!rpc->input_ended && !rpc->freed &&
	       (newline = memchr(rpc->input.data + rpc->scanned, '\n', rpc->input.len - rpc->scanned))) {
		size_t at = (size_t)(newline - rpc->input.data);
		if (at - start > rpc->longest)
			break;
		take_line(rpc, rpc->input.data + start, at - start);
		start = rpc->scanned = at + 1;
	}
	buf_consume(&rpc->input, start);
	rpc->scanned = rpc->input.len;
	if (rpc->input.len > rpc->longest && !rpc->freed)
		end_too_long(rpc);
	if (!rpc->input.len)
		buf_release(&rpc->input);
}

/* One read and all it calls for. 0: nothing more to read. Runs with busy raised. */
static int read_some(struct rpc *rpc)
{
	char chunk[CHUNK];
	if (rpc->input_ended || rpc->freed)
		return 0;
	ssize_t n = read(rpc->in, chunk, sizeof chunk);
	if (n > 0) {
		buf_add(&rpc->input, chunk, (size_t)n);
		take_lines(rpc);
		return 1;
	}
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno == EAGAIN)
		return 0;
	end(rpc, 0, rpc->input.len ? "the peer closed the connection within a line" : "the peer closed the connection");
	return 0;
}

static void peer_ready(void *data, int fd, unsigned events)
{
	struct rpc *rpc = data;
	rpc->busy++;
	if (fd == rpc->in && events & LOOP_READ)
		read_some(rpc);
	if (!rpc->freed && fd == rpc->out && events & LOOP_WRITE)
		rpc_flush(rpc);
	if (!rpc->freed && events & LOOP_HANGUP)
		end(rpc, fd != rpc->in, "the peer closed its end");
	leave(rpc);
}

struct rpc *rpc_new(struct loop *loop, int in, int out, size_t limit, const struct rpc_handler *handler, void *data)
{
	struct rpc *rpc = xcalloc(1, sizeof *rpc);
	int type;
	socklen_t size = sizeof type;
	*rpc = (struct rpc){ .loop = loop, .in = in, .out = out, .limit = limit, .longest = RPC_LINE_MAX, .handler = handler,
		.data = data };
	rpc->is_socket = !getsockopt(out, SOL_SOCKET, SO_TYPE, &type, &size);
	if (!rpc->is_socket)
		signal(SIGPIPE, SIG_IGN);	/* a pipe has no MSG_NOSIGNAL */
	fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
	fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
	watch(rpc);
	return rpc;
}

void rpc_allow_lines(struct rpc *rpc, size_t longest)
{
	rpc->longest = longest;
}

void rpc_free(struct rpc *rpc)
{
	if (!rpc || rpc->freed)
		return;
	rpc->freed = rpc->output_ended = 1;
	buf_release(&rpc->output);
	rpc->sent = 0;
	unwatch(rpc);
	loop_cancel(rpc->loop, rpc->timer);
	rpc->timer = NULL;
	close(rpc->in);
	if (rpc->out != rpc->in)
		close(rpc->out);
	rpc->busy++;
	leave(rpc);
}
