/* The engine's side of the socket: events go out to the viewers, commands and queries come in.
 *
 * All that states a fact is held until the end of the turn, when the journal has it: server_release is where every byte
 * of it leaves, in one order: answers to hello, live events, tails, answers, and then history for those who are behind.
 *
 * A viewer is either live, and is handed each event as it is released, or behind, and is handed chunks of the history
 * as its output drains. A new one begins behind; one whose output passes LINK_WAITING falls behind again and goes on
 * from the last event it was given. So a slow line costs a quarter megabyte and some reading of the journal, and never
 * an event. What is asked for faster than it is read (answers cannot be had again) closes the peer at LINK_LIMIT.
 *
 * rpc says that a peer is gone from a timer, so never while the lists are walked here, and `left`, which states a fact,
 * is never called while facts are being released.
 *
 * The server for tools is the same machine with a far smaller mouth (tools_call below): its peers are agents, also those
 * that are locked up, and what they can say is all that keeps them from deciding. They are no viewers and get no event. */
#include "core/link/server.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/rpc.h"

enum {
	HISTORY_EVENTS = 512,		/* for one viewer in one turn */
	TAIL_WAITING = 64 << 10,	/* a viewer with more than that waiting is spared the tails */
	ANSWER_LONGEST = RPC_LINE_MAX - 1024,
	NAME_COLUMNS = 40,
	CLIENT_COLUMNS = 32,
	ACCEPT_PAUSE = 1000000,		/* microseconds, when the process is out of descriptors */
};

enum role { ROLE_NONE, ROLE_DRIVER, ROLE_OBSERVER, ROLE_SCRIPT, ROLE_TOOLS };
static const char *const role_names[] = {
	[ROLE_DRIVER] = "driver", [ROLE_OBSERVER] = "observer", [ROLE_SCRIPT] = "script",
	[ROLE_TOOLS] = "tools",
};

struct peer {
	struct peer *next;
	struct server *server;
	struct rpc *rpc;
	enum role role;			/* ROLE_NONE before its hello */
	char *viewer;			/* NULL: no viewer */
	char *client;			/* what an agent calls itself; NULL: nothing */
	struct json *hello;		/* id of the hello that waits for the release */
	uint64_t sent;			/* newest event that was handed to rpc */
	size_t open;			/* its requests that wait for an answer */
	int is_stranger, is_behind;
};

struct request {
	struct request *next;
	struct server *server;		/* NULL: closed meanwhile */
	struct peer *peer;		/* NULL: left meanwhile */
	struct json *id;
	struct json *result;		/* these two: set when it is answered */
	struct err *error;
};

struct tail {
	char *run;
	struct buf params;
};

struct server {
	struct loop *loop;
	char *path, *by;
	int fd;
	const struct server_handler *handler;	/* NULL: this one is for tools */
	const struct tools_handler *tools;	/* NULL: this one is for viewers */
	void *data;
	struct peer *peers;
	size_t peer_count, peers_most;
	uint64_t viewers_ever;
	struct request *requests, **request_end;	/* in the order they came */
	struct buf held;		/* events of this turn, a line each */
	uint64_t held_first, held_count;
	struct tail *tails;
	size_t tail_count, tail_room;
	uint64_t durable;		/* newest event that may be told */
	struct buf chunk;		/* of history; kept for its memory */
	struct loop_timer *again, *accepting;
};

static int is_live(const struct peer *p)
{
	return p->viewer && !p->is_behind;
}

/* Requests. */

static void request_free(struct request *r)
{
	json_free(r->id);
	json_free(r->result);
	free(r->error);
	free(r);
}

static struct request *request_new(struct peer *p, const struct json *id)
{
	struct request *r = xcalloc(1, sizeof *r);
	r->server = p->server;
	r->peer = p;
	r->id = json_copy(id);
	p->open++;
	*p->server->request_end = r;
	p->server->request_end = &r->next;
	return r;
}

static void reply_error(struct peer *p, const struct json *id, int code, const struct err *err)
{
	struct json *data = json_object();
	json_put_integer(data, "exit", err->code ? err->code : EXIT_FAILED);
	rpc_error(p->rpc, id, code, err->text, data);
}

static void answered(struct request *r)
{
	if (!r->server)
		request_free(r);
}

void server_answer(struct request *request, struct json *result_taken)
{
	assert(!request->result && !request->error);
	request->result = result_taken ? result_taken : json_object();
	answered(request);
}

void server_refuse(struct request *request, const struct err *err)
{
	assert(!request->result && !request->error);
	request->error = xmalloc(sizeof *err);
	*request->error = *err;
	answered(request);
}

static size_t printed_size(const struct json *v)
{
	struct buf text = {0};
	json_print(v, &text);
	size_t size = text.len;
	buf_release(&text);
	return size;
}

static void send_answer(struct request *r, const char *why)
{
	struct err err;
	size_t size;
	if (r->error) {
		err = *r->error;
	} else if (why) {
		err_set(&err, "%s", why);
	} else if ((size = printed_size(r->result)) > ANSWER_LONGEST) {
		err_set(&err, "the answer has %zu bytes, more than a line may have: ask for less of it", size);
	} else {
		rpc_result(r->peer->rpc, r->id, r->result);
		r->result = NULL;
		return;
	}
	reply_error(r->peer, r->id, RPC_FAILED, &err);
}

static void send_answers(struct server *s, const char *why)
{
	for (struct request **at = &s->requests, *r; (r = *at);) {
		if (!r->result && !r->error) {
			at = &r->next;
			continue;
		}
		if (r->peer) {
			r->peer->open--;
			send_answer(r, why);
		}
		*at = r->next;
		if (!*at)
			s->request_end = at;
		request_free(r);
	}
}

/* Peers. */

static void accept_peers(void *data, int fd, unsigned events);

static void peer_free(struct peer *p)
{
	rpc_free(p->rpc);
	json_free(p->hello);
	free(p->viewer);
	free(p->client);
	free(p);
}

/* Nobody waits for the answer any more. */
static void request_left(struct request *r)
{
	r->peer = NULL;
	if (r->server->tools && !r->result && !r->error)
		r->server->tools->gone(r->server->data, r);
}

static void peer_closed(void *data, const char *why)
{
	struct peer *p = data;
	struct server *s = p->server;
	struct peer **at = &s->peers;
	log_line("link: %s is gone: %s", p->viewer ? p->viewer : "a peer", why);
	for (struct request *r = s->requests; r; r = r->next)
		if (r->peer == p)
			request_left(r);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (s->peer_count-- == s->peers_most && !s->accepting)
		loop_watch(s->loop, s->fd, LOOP_READ, accept_peers, s);
	if (p->viewer)
		s->handler->left(s->data, p->viewer);
	peer_free(p);
}

/* What peers say. */

static enum role role_find(const struct server *s, const char *name)
{
	for (enum role role = s->tools ? ROLE_TOOLS : ROLE_DRIVER; name && role <= (s->tools ? ROLE_TOOLS : ROLE_SCRIPT); role++)
		if (!strcmp(role_names[role], name))
			return role;
	return ROLE_NONE;
}

static char *viewer_name(struct server *s, const char *name)
{
	char *safe = text_safe_string(name, strlen(name), TEXT_LINE);
	safe[text_fit(safe, NAME_COLUMNS, NULL)] = '\0';
	char *viewer = xasprintf("%s#%" PRIu64, safe, ++s->viewers_ever);
	free(safe);
	return viewer;
}

static int check_hello(const struct peer *p, const struct json *params, enum role role, struct err *err)
{
	int64_t version = json_integer(json_get(params, "version"), 0);
	if (p->role)
		return err_code(err, EXIT_USAGE, "hello was said already on this connection");
	if (version != LINK_VERSION)
		return err_set(err, "the engine speaks version %d of the link and this skydeck version %" PRId64
		               ": use the skydeck that the engine came with, or end it with kill %ld and start it "
		               "again (its session goes on where it was)", LINK_VERSION, version, (long)getpid());
	if (!role)
		return err_code(err, EXIT_USAGE, p->server->tools ? "this socket is for tools: the role in hello must be tools"
		                : "the role in hello must be driver, observer or script");
	return 0;
}

/* Letters that mean nothing to anybody who reads it in a sentence, a path or an argument. */
static char *client_name(const char *name)
{
	char *safe = text_safe_string(name, strnlen(name, 4 * CLIENT_COLUMNS), TEXT_LINE);
	safe[text_fit(safe, CLIENT_COLUMNS, NULL)] = '\0';
	for (char *c = safe; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '-';
	return safe;
}

static void hello(struct peer *p, const struct json *params, const struct json *id)
{
	struct server *s = p->server;
	enum role role = role_find(s, json_string(json_get(params, "role"), NULL));
	int64_t since = json_integer(json_get(params, "since"), 0);
	struct err err;
	if (check_hello(p, params, role, &err)) {
		reply_error(p, id, RPC_INVALID, &err);
		return;
	}
	p->role = role;
	p->hello = json_copy(id);
	p->sent = since > 0 ? (uint64_t)since : 0;
	if (role == ROLE_TOOLS && *json_string(json_get(params, "name"), ""))
		p->client = client_name(json_string(json_get(params, "name"), ""));
	if (role == ROLE_SCRIPT || role == ROLE_TOOLS)
		return;
	p->is_behind = 1;
	p->viewer = viewer_name(s, json_string(json_get(params, "name"), s->by + strlen("user ")));
	s->handler->joined(s->data, p->viewer, role_names[role]);
}

static int check_request(const struct peer *p, int is_command, const struct json *params, struct err *err)
{
	const struct json *args = json_get(params, "args");
	if (!p->role)
		return err_code(err, EXIT_USAGE, "say hello first: {version, role, name, since}");
	if (!json_string(json_get(params, "name"), NULL) || (args && !json_is_object(args) && !json_is_null(args)))
		return err_code(err, EXIT_USAGE, "a %s is {name, args}: a text and an object",
		                is_command ? "command" : "query");
	if (is_command && p->role == ROLE_OBSERVER)
		return err_refuse(err, "observers cannot command; attach without --observe");
	if (p->open >= LINK_OPEN)
		return err_set(err, "%d requests of this connection wait already: read their answers first", LINK_OPEN);
	return 0;
}

static void ask(struct peer *p, int is_command, const struct json *params, const struct json *id)
{
	struct server *s = p->server;
	const char *name = json_string(json_get(params, "name"), NULL);
	const struct json *args = json_get(params, "args");
	struct err err;
	if (check_request(p, is_command, params, &err)) {
		reply_error(p, id, RPC_PARAMS, &err);
		return;
	}
	if (json_is_null(args))
		args = NULL;
	struct request *r = request_new(p, id);
	if (is_command)
		s->handler->command(s->data, r, s->by, name, args);
	else
		s->handler->query(s->data, r, name, args);
}

/* Tools. */

static void call_tool(struct peer *p, const struct json *params, const struct json *id)
{
	const struct json *args = json_get(params, "args"), *arguments = json_get(args, "args");
	const char *name = json_string(json_get(args, "name"), NULL);
	struct err err;
	if (!p->role)
		err_code(&err, EXIT_USAGE, "say hello first: {version, role: \"tools\", name}");
	else if (strcmp(json_string(json_get(params, "name"), ""), "tool"))
		err_refuse(&err, "this socket is for tools: the command tool is all that it takes");
	else if (!name || (arguments && !json_is_object(arguments) && !json_is_null(arguments)))
		err_code(&err, EXIT_USAGE, "the command tool is {name, args}: a text and an object");
	else if (p->open >= TOOLS_OPEN)
		err_refuse(&err, "%d calls of this connection wait already: wait for their answers first", TOOLS_OPEN);
	else {
		p->server->tools->tool(p->server->data, request_new(p, id), p->client, name, json_is_null(arguments) ? NULL : arguments);
		return;
	}
	reply_error(p, id, RPC_PARAMS, &err);
}

static int same_id(const struct json *a, const struct json *b)
{
	const char *text = json_string(a, NULL), *other = json_string(b, NULL);
	if (text || other)
		return text && other && !strcmp(text, other);
	return json_is_number(a) && json_is_number(b) && json_integer(a, -1) == json_integer(b, -2);
}

static void cancel_tool(struct peer *p, const struct json *id)
{
	for (struct request *r = p->server->requests; r; r = r->next)
		if (r->peer == p && same_id(r->id, id)) {
			p->open--;
			request_left(r);
			return;
		}
}

static void tools_call(struct peer *p, const char *method, const struct json *params, const struct json *id)
{
	struct err err;
	if (!id) {
		if (!strcmp(method, "cancel"))
			cancel_tool(p, json_get(params, "id"));
	} else if (!strcmp(method, "hello")) {
		hello(p, params, id);
	} else if (!strcmp(method, "command")) {
		call_tool(p, params, id);
	} else {
		err_refuse(&err, "this socket is for tools: hello and the command tool are all that it takes");
		reply_error(p, id, RPC_METHOD, &err);
	}
}

static void peer_call(void *data, const char *method, const struct json *params, const struct json *id)
{
	struct peer *p = data;
	struct err err;
	if (p->server->tools && !p->is_stranger) {
		tools_call(p, method, params, id);
		return;
	}
	if (!id)	/* nothing here is a notification: who does not wait for the answer has not asked */
		return;
	if (p->is_stranger) {
		err_refuse(&err, "this engine belongs to %s: only that user may attach", p->server->by);
		reply_error(p, id, RPC_INVALID, &err);
	} else if (!strcmp(method, "hello")) {
		hello(p, params, id);
	} else if (!strcmp(method, "command") || !strcmp(method, "query")) {
		ask(p, method[0] == 'c', params, id);
	} else {
		err_code(&err, EXIT_USAGE, "the link has no method %s: hello, command and query are all", method);
		reply_error(p, id, RPC_METHOD, &err);
	}
}

static const struct rpc_handler peer_calls = { .call = peer_call, .closed = peer_closed };

/* Accepting. */

static void peer_new(struct server *s, int fd)
{
	struct peer *p = xcalloc(1, sizeof *p);
	p->server = s;
	p->is_stranger = !socket_peer_is_ours(fd);
	p->next = s->peers;
	s->peers = p;
	s->peer_count++;
	p->rpc = rpc_new(s->loop, fd, fd, LINK_LIMIT, &peer_calls, p);
}

static void accept_again(void *data)
{
	struct server *s = data;
	s->accepting = NULL;
	loop_watch(s->loop, s->fd, LOOP_READ, accept_peers, s);
}

static void accept_peers(void *data, int fd, unsigned events)
{
	struct server *s = data;
	(void)events;
	while (s->peer_count < s->peers_most) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (peer >= 0) {
			peer_new(s, peer);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {	/* out of descriptors: do not spin on it */
			log_line("link: cannot accept: %s", strerror(errno));
			s->accepting = loop_after(s->loop, ACCEPT_PAUSE, accept_again, s);
			break;
		}
	}
	loop_unwatch(s->loop, fd);
}

static char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char *safe = user ? text_safe_string(user->pw_name, strlen(user->pw_name), TEXT_LINE) : NULL;
	char *by = safe ? xasprintf("user %s", safe) : xasprintf("user %u", (unsigned)geteuid());
	free(safe);
	return by;
}

static struct server *listen_at(struct loop *loop, const char *path, void *data, struct err *err)
{
	int fd = socket_listen(path, err);
	if (fd < 0)
		return NULL;
	struct server *s = xcalloc(1, sizeof *s);
	s->loop = loop;
	s->path = xstrdup(path);
	s->by = user_name();	/* of the peers too: all others are strangers */
	s->fd = fd;
	s->data = data;
	s->request_end = &s->requests;
	loop_watch(loop, fd, LOOP_READ, accept_peers, s);
	return s;
}

struct server *server_new(struct loop *loop, const char *path, const struct server_handler *handler, void *data,
                          struct err *err)
{
	assert(handler->joined && handler->left && handler->command && handler->query);
	assert(handler->history && handler->newest);
	struct server *s = listen_at(loop, path, data, err);
	if (!s)
		return NULL;
	s->handler = handler;
	s->peers_most = LINK_PEERS;
	s->durable = handler->newest(data);
	return s;
}

struct server *server_new_for_tools(struct loop *loop, const char *path, const struct tools_handler *handler, void *data,
                                    struct err *err)
{
	assert(handler->tool && handler->gone);
	struct server *s = listen_at(loop, path, data, err);
	if (!s)
		return NULL;
	s->tools = handler;
	s->peers_most = TOOLS_PEERS;
	return s;
}

const char *server_path(const struct server *s)
{
	return s->path;
}

/* What is held for the release. */

void server_event(struct server *s, uint64_t seq, const char *line, size_t len)
{
	if (!s->held_count)
		s->held_first = seq;
	assert(seq == s->held_first + s->held_count && !memchr(line, '\n', len));
	s->held_count++;
	buf_add(&s->held, line, len);
	buf_putc(&s->held, '\n');
}

static struct tail *tail_find(struct server *s, const char *run)
{
	for (size_t i = 0; i < s->tail_count; i++)
		if (!strcmp(s->tails[i].run, run))
			return &s->tails[i];
	struct tail *tail = array_add(&s->tails, &s->tail_count, &s->tail_room, sizeof *tail);
	tail->run = xstrdup(run);
	return tail;
}

void server_tail(struct server *s, const char *run, uint64_t lines, uint64_t bytes, const char *last_line)
{
	struct buf *params = &tail_find(s, run)->params;
	buf_truncate(params, 0);
	buf_puts(params, "{\"run\":");
	json_quote(params, run);
	buf_printf(params, ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"line\":", lines, bytes);
	json_quote(params, last_line ? last_line : "");
	buf_putc(params, '}');
}

static void drop_held(struct server *s)
{
	s->held_count = 0;
	buf_truncate(&s->held, 0);
	for (size_t i = 0; i < s->tail_count; i++) {
		free(s->tails[i].run);
		buf_release(&s->tails[i].params);
	}
	s->tail_count = 0;
}

/* The release. */

static void welcome(struct peer *p)
{
	struct json *result = json_object();
	json_put_integer(result, "version", LINK_VERSION);
	if (p->role != ROLE_TOOLS) {
		json_put_integer(result, "seq", (int64_t)p->server->durable);
		json_put_string(result, "viewer", p->viewer);
	}
	rpc_result(p->rpc, p->hello, result);
	json_free(p->hello);
	p->hello = NULL;
	if (p->sent > p->server->durable)
		p->sent = p->server->durable;
}

/* Hands the events in lines, the first of which is `seq`, to p. Where limited, it stops when more waits than may. */
static void hand_over(struct peer *p, const struct buf *lines, uint64_t seq, int is_limited)
{
	const char *line = buf_str(lines), *end = line + lines->len, *newline;
	for (; line < end; line = newline + 1, seq++) {
		newline = memchr(line, '\n', (size_t)(end - line));
		assert(newline);
		if (is_limited && rpc_waiting(p->rpc) > LINK_WAITING) {
			rpc_flush(p->rpc);
			if (rpc_waiting(p->rpc) > LINK_WAITING / 2) {
				p->is_behind = 1;
				return;
			}
		}
		rpc_notify_text(p->rpc, "event", line, (size_t)(newline - line));
		p->sent = seq;
	}
}

static void send_tails(struct server *s, struct peer *p)
{
	for (size_t i = 0; i < s->tail_count && is_live(p) && rpc_waiting(p->rpc) < TAIL_WAITING; i++)
		rpc_notify_text(p->rpc, "tail", s->tails[i].params.data, s->tails[i].params.len);
}

/* One chunk of history, if the viewer takes it. 1: it could take another one at once. */
static int catch_up(struct server *s, struct peer *p)
{
	p->is_behind = p->sent < s->durable;
	if (!p->is_behind || rpc_waiting(p->rpc) >= LINK_WAITING)
		return 0;
	buf_truncate(&s->chunk, 0);
	if (s->handler->history(s->data, p->sent, HISTORY_EVENTS, &s->chunk) <= p->sent) {
		log_line("link: the history after event %" PRIu64 " cannot be read, %s waits", p->sent, p->viewer);
		return 0;
	}
	hand_over(p, &s->chunk, p->sent + 1, 0);
	p->is_behind = p->sent < s->durable;
	rpc_flush(p->rpc);
	return p->is_behind && rpc_waiting(p->rpc) < LINK_WAITING;
}

static void next_turn(void *data)
{
	((struct server *)data)->again = NULL;	/* it was there so that the loop does not sleep */
}

static void release_facts(struct server *s)
{
	s->durable = s->handler->newest(s->data);
	for (struct peer *p = s->peers; p; p = p->next) {
		if (is_live(p))
			hand_over(p, &s->held, s->held_first, 1);
		send_tails(s, p);
	}
}

void server_release(struct server *s, const char *why)
{
	if (!why && s->handler)
		release_facts(s);
	drop_held(s);
	send_answers(s, why);
	int is_more = 0;
	for (struct peer *p = s->peers; p; p = p->next) {
		if (p->hello)
			welcome(p);
		if (p->is_behind)
			is_more |= catch_up(s, p);
		rpc_flush(p->rpc);
	}
	if (is_more && !s->again)
		s->again = loop_after(s->loop, 0, next_turn, s);
}

size_t server_viewers(const struct server *s)
{
	size_t n = 0;
	for (const struct peer *p = s->peers; p; p = p->next)
		n += p->viewer != NULL;
	return n;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	loop_unwatch(s->loop, s->fd);
	loop_cancel(s->loop, s->again);
	loop_cancel(s->loop, s->accepting);
	close(s->fd);
	unlink(s->path);
	for (struct request *r = s->requests, *next; r; r = next) {
		next = r->next;
		r->server = NULL;
		r->peer = NULL;
		if (r->result || r->error)
			request_free(r);
	}
	for (struct peer *p = s->peers, *next; p; p = next) {
		next = p->next;
		peer_free(p);
	}
	drop_held(s);
	free(s->tails);
	buf_release(&s->held);
	buf_release(&s->chunk);
	free(s->path);
	free(s->by);
	free(s);
}
