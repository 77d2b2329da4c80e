/* The other side of the socket: a cockpit, or a one-shot command. SIGPIPE is expected to be ignored. */
#ifndef CORE_LINK_CLIENT_H
#define CORE_LINK_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/data/event.h"
#include "core/io/loop.h"

struct client;

/* Each may free the client. */
struct client_handler {
	/* Answer to hello: the engine's seq at that moment; events up to it are history. viewer: NULL for a script. */
	void (*welcomed)(void *data, uint64_t seq, const char *viewer);
	void (*event)(void *data, const struct event *ev);
	void (*tail)(void *data, const char *run, int64_t lines, int64_t bytes, const char *last_line);
	/* The answer to client_command or client_query; err NULL: result. tag: what was given. Comes exactly once for
	 * each, also when the engine goes away, but not after client_free. */
	void (*answer)(void *data, uint64_t tag, const struct json *result, const struct err *err);
	/* The engine is gone, or refused the hello (why is its sentence). Comes once and last; then client_free. */
	void (*closed)(void *data, const char *why);
};

/* role: "driver", "observer" or "script"; name: NULL for the login name; since: last seq already known.
 * NULL with EXIT_NO_ENGINE in err when nobody listens. What is asked before `welcomed` is sent all the same. */
struct client *client_new(struct loop *loop, const char *socket_path, const char *role, const char *name,
                          uint64_t since, const struct client_handler *handler, void *data, struct err *err);
void client_free(struct client *c);	/* NULL allowed */
void client_command(struct client *c, const char *name, struct json *args_taken, uint64_t tag);
void client_query(struct client *c, const char *name, struct json *args_taken, uint64_t tag);	/* args: NULL allowed */

/* One call, waiting for its answer: connects, asks, closes. method: "command" or "query". The error carries the exit
 * code (EXIT_NO_ENGINE, EXIT_REFUSED, …); the engine not answering for timeout seconds is EXIT_FAILED. */
struct json *client_call(const char *socket_path, const char *method, const char *name, struct json *args_taken,
                         double timeout, struct err *err);

#endif
