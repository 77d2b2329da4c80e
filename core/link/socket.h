/* The socket of a target's engine: where it is, who may make it and who may speak on it. */
#ifndef CORE_LINK_SOCKET_H
#define CORE_LINK_SOCKET_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Path of the socket of a target: ${TMPDIR:-/tmp}/skydeck-UID/<hash of root>.sock, under /tmp where that is over 100
 * bytes or TMPDIR is not absolute. root: the target's real path. */
void link_socket_path(const char *root, struct buf *out);

/* Path of the socket for tools that stands beside the socket of an engine: x.sock, x.tools.sock. */
void link_tools_path(const char *socket_path, struct buf *out);

/* Makes the folder of path (0700; one that is there must be ours and closed to others, or a sentence) and listens on a
 * fresh socket in it; what was at path is replaced. A non-blocking descriptor, or -1. */
int socket_listen(const char *path, struct err *err);

/* Connects. A non-blocking descriptor, or -1; the code is EXIT_NO_ENGINE when nobody listens. Who listens as another user is
 * told nothing: the folder may be one that somebody made before us. */
int socket_connect(const char *path, struct err *err);

/* Whether the process at the other end runs as our user (SO_PEERCRED, unix(7)). */
int socket_peer_is_ours(int fd);

#endif
