/* The engine's side of the socket. Newline-delimited JSON-RPC 2.0 (core/io/rpc.h):
 *     hello {version, role: "driver"|"observer"|"script", name, since}  ->  {version, seq, viewer}
 *         once and first; then every event after `since` as notification `event` (params: the event), old ones first
 *     command {name, args}  ->  its result        query {name, args}  ->  its result, bounded
 *     notification tail {run, lines, bytes, line}: the log of a running step grew
 * "script" is a one-shot command: it gets no events and is no viewer. Peers of another user are refused (SO_PEERCRED).
 * An error is {code, message, data: {exit}}: message is a sentence, exit what a command that ends with it exits with.
 * A `since` above the seq that is answered is of another journal: the viewer gets what is new here; it had better begin
 * anew with since 0.
 *
 * Nothing leaves before the turn's facts are on disk: answers and events are held until server_release. No viewer is
 * waited for: one that reads slower than events come is given them from the history again, at its own pace. */
#ifndef CORE_LINK_SERVER_H
#define CORE_LINK_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/io/loop.h"
#include "core/link/socket.h"	/* link_socket_path */

enum {
	LINK_VERSION = 1,
	LINK_WAITING = 256 << 10,	/* bytes that may wait for a viewer before it goes back to the history */
	LINK_LIMIT = 4 << 20,		/* bytes that may wait for any peer before it is closed */
	LINK_PEERS = 64,		/* at a time; more wait to be accepted */
	LINK_OPEN = 256,		/* requests of one peer that wait for an answer; more are refused */
	TOOLS_PEERS = 16,		/* the same two of the server for tools */
	TOOLS_OPEN = 16,
};

struct server;
struct request;		/* a command or query that waits for its answer */

/* None of these may free the server. */
struct server_handler {
	/* viewer: "NAME#3", unique for this server; role: driver or observer. */
	void (*joined)(void *data, const char *viewer, const char *role);
	void (*left)(void *data, const char *viewer);
	/* by: "user NAME". args: an object or NULL. Answer once, now or later, with server_answer or server_refuse. */
	void (*command)(void *data, struct request *request, const char *by, const char *name, const struct json *args);
	void (*query)(void *data, struct request *request, const char *name, const struct json *args);
	/* Adds up to `most` events after `since`, each as one line with \n; returns the last seq added, or since. */
	uint64_t (*history)(void *data, uint64_t since, size_t most, struct buf *out);
	/* Seq of the newest event on disk; 0: none. Asked when the server begins and when facts are released. */
	uint64_t (*newest)(void *data);
};

/* Makes the socket (its folder 0700 and owned by us, or a sentence) and listens. A stale socket file is replaced: the
 * caller holds the lock. */
struct server *server_new(struct loop *loop, const char *path, const struct server_handler *handler, void *data,
                          struct err *err);
/* A second server on a socket of its own, for agents, also those in a sandbox. Whoever reaches it can use tools, and nothing
 * else: it knows no viewer, event, query or other command, and gives no line of what the others say.
 *     hello {version, role: "tools", name}  ->  {version}	name: what the agent calls itself, or none
 *     command {name: "tool", args: {name, args}}  ->  its result
 *     notification cancel {id}: nobody waits for that command any more, and it is not answered
 * Answers are held until server_release here, too. */
struct tools_handler {
	/* client: the name in its hello, as letters, digits and ._- only; NULL: none. args: an object or NULL. */
	void (*tool)(void *data, struct request *request, const char *client, const char *name, const struct json *args);
	/* Nobody waits for it any more; it is still to be answered or refused, now or later. */
	void (*gone)(void *data, struct request *request);
};
struct server *server_new_for_tools(struct loop *loop, const char *path, const struct tools_handler *handler, void *data,
                                    struct err *err);
const char *server_path(const struct server *s);

/* Closes all peers, removes the socket; nobody `left` then. Requests may still be answered. NULL allowed. */
void server_free(struct server *s);

/* Both are safe when the peer has left meanwhile. An answer over RPC_LINE_MAX becomes an error that says so. */
void server_answer(struct request *request, struct json *result_taken);
void server_refuse(struct request *request, const struct err *err);

/* An event was stated: one JSON object without newline; seqs come without gaps. Held until the release. */
void server_event(struct server *s, uint64_t seq, const char *line, size_t len);
/* Leaves with the next release; of several for a run in one turn the last one. Viewers that are behind go without. */
void server_tail(struct server *s, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);

/* The turn's facts are durable (why NULL), or were lost: then held answers become errors saying why, and held events
 * and tails are dropped. To be called at the end of every turn, also when nothing was stated: queries are answered and
 * viewers catch up here. Calls history and newest, nothing else. */
void server_release(struct server *s, const char *why);
size_t server_viewers(const struct server *s);

#endif
