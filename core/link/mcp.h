/* The tools of the session for any MCP client (Claude Code, Codex, pi …): a server of the Model Context Protocol on stdin and
 * stdout, newline-delimited JSON-RPC, of the four versions with a handshake (2024-11-05 to 2025-11-25; a client of a later one
 * falls back on the error that it gets). It lists the tools by itself; each call goes to the engine, over its socket for
 * tools, which may come, go and come again meanwhile. */
#ifndef CORE_LINK_MCP_H
#define CORE_LINK_MCP_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/io/loop.h"

enum { MCP_LINE_MAX = 64 << 20 };

struct mcp_setup {
	struct loop *loop;
	int in, out;			/* stay open; they do not block while it runs */
	const char *version;		/* of this program */
	const char *agent;		/* in whose name; NULL: as the client calls itself; "": the session's own agent */
	const struct json *tools;	/* for tools/list */
	/* Whether the call could be made. -1 with what is wrong; the code is EXIT_USAGE when there is no such tool. */
	int (*check)(const char *name, const struct json *args, struct err *err);
	/* Where the socket for tools is now: asked at each attempt to connect. */
	int (*find)(void *data, struct buf *path, struct err *err);
	void *data;
};

/* Serves until `in` ends and what was asked is answered (waited for at most ten seconds), or `out` is closed. */
void mcp_run(const struct mcp_setup *setup);

#endif
