/* JSON-RPC 2.0, one message a line (https://www.jsonrpc.org/specification), over any non-blocking byte stream: the
 * cockpit's socket, ACP agents, the MCP server. Lines up to RPC_LINE_MAX, or what rpc_allow_lines says; output is a
 * bounded buffer. */
#ifndef CORE_IO_RPC_H
#define CORE_IO_RPC_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/io/loop.h"

enum { RPC_LINE_MAX = 1 << 20 };
enum rpc_code { RPC_PARSE = -32700, RPC_INVALID = -32600, RPC_METHOD = -32601, RPC_PARAMS = -32602, RPC_FAILED = -32000 };

struct rpc;

struct rpc_handler {
	/* A request (id != NULL) or a notification (id == NULL). A request is answered by rpc_result or rpc_error,
	 * now or later (with a json_copy of id: it and params are borrowed for the call). params is an object, an
	 * array or NULL. */
	void (*call)(void *data, const char *method, const struct json *params, const struct json *id);
	/* The answer to rpc_request, once: result, or error ({code, message, data}); the other is NULL. May be
	 * NULL itself. */
	void (*answer)(void *data, int64_t id, const struct json *result, const struct json *error);
	/* The peer is gone, sent a line over the limit, or stopped reading until `limit` bytes waited; why is a
	 * sentence. Once, from the loop, never from inside a function below. Nothing is sent or read any more;
	 * free the rpc here or later. */
	void (*closed)(void *data, const char *why);
	/* A line that is no JSON; why is a sentence. NULL: it is answered, as the specification says. May not free. */
	void (*unreadable)(void *data, const char *line, size_t len, const char *why);
};

/* Takes over fds (makes them non-blocking; may be the same) and watches them. limit: bytes of output that may
 * wait. What is sent leaves in the next turn, or at rpc_flush: never inside the call that sends it. */
struct rpc *rpc_new(struct loop *loop, int in, int out, size_t limit, const struct rpc_handler *handler, void *data);
/* Another longest line, in bytes. What is longer than RPC_LINE_MAX may hold 2^20 values: it costs memory and time. */
void rpc_allow_lines(struct rpc *rpc, size_t longest);
/* Closes the fds. Safe inside its own callbacks: until they return, what is sent goes nowhere. NULL allowed. */
void rpc_free(struct rpc *rpc);

/* params_taken: an object, an array or NULL (none). Returns the request's id, from 1. */
int64_t rpc_request(struct rpc *rpc, const char *method, struct json *params_taken);
void rpc_notify(struct rpc *rpc, const char *method, struct json *params_taken);
/* The same with params that are printed as JSON already, on one line. */
void rpc_notify_text(struct rpc *rpc, const char *method, const char *params, size_t len);
/* Answers. id NULL (a notification was answered): nothing is sent. result NULL is null. */
void rpc_result(struct rpc *rpc, const struct json *id, struct json *result_taken);
void rpc_error(struct rpc *rpc, const struct json *id, int code, const char *message, struct json *data_taken);
void rpc_flush(struct rpc *rpc);	/* writes what the peer takes now; the rest goes when it is ready */
size_t rpc_waiting(const struct rpc *rpc);	/* bytes of output not yet taken */

#endif
