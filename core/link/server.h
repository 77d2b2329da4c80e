/* The engine's side of the socket. Newline-delimited JSON-RPC 2.0 (core/io/rpc.h):
 *     hello {version, role: "driver"|"observer"|"script", name, since}  ->  {version, seq, viewer}
 *         then every event after `since` as notification `event` (params: the event), old ones first
 *     command {name, args}  ->  its result        query {name, args}  ->  its result, bounded
 *     notification tail {run, lines, bytes, line}: the log of a running step grew
 * "script" is a one-shot command: it gets no events and is no viewer. Peers of another user are refused (SO_PEERCRED).
 *
 * Nothing leaves before the turn's facts are on disk: answers and events are held until server_release. */
#ifndef CORE_LINK_SERVER_H
#define CORE_LINK_SERVER_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/io/loop.h"

enum { LINK_VERSION = 1 };

struct server;
struct request;		/* a command or query that waits for its answer */

struct server_handler {
	void (*joined)(void *data, const char *viewer, const char *role);	/* driver or observer */
	void (*left)(void *data, const char *viewer);
	/* by: "user NAME". Answer now or later with server_answer or server_refuse, exactly once. */
	void (*command)(void *data, struct request *request, const char *by, const char *name, const struct json *args);
	void (*query)(void *data, struct request *request, const char *name, const struct json *args);
	/* Adds up to `most` events after `since`, each as one line with \n; returns the last seq added (since when none). */
	uint64_t (*history)(void *data, uint64_t since, size_t most, struct buf *out);
};

/* Makes the socket (its folder 0700 and owned by us, or a sentence) and listens. A stale socket file is replaced: the caller holds the lock. */
struct server *server_new(struct loop *loop, const char *path, const struct server_handler *handler, void *data, struct err *err);
void server_free(struct server *s);	/* closes all peers, removes the socket; NULL allowed */

void server_answer(struct request *request, struct json *result_taken);
void server_refuse(struct request *request, const struct err *err);	/* error {code, message, data: {exit}} */

/* An event was stated: one JSON object without newline, with its seq. Held until the release. */
void server_event(struct server *s, uint64_t seq, const char *line, size_t len);
void server_tail(struct server *s, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);	/* leaves with the next release */

/* The turn's facts are durable (why NULL), or were lost: then held events go and held answers become errors saying why. */
void server_release(struct server *s, const char *why);
size_t server_viewers(const struct server *s);

/* Path of the socket of a target: ${TMPDIR:-/tmp}/skydeck-UID/<hash of root>.sock, under /tmp where that is over 100 bytes. */
void link_socket_path(const char *root, struct buf *out);

#endif
