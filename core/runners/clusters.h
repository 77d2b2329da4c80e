/* The clusters that a session asked for and that are not known to be gone: what may still cost, also when the engine is
 * dead. A file FOLDER/clusters below the runner's folder, a name a line, that is on disk before a cluster is asked for. */
#ifndef CORE_RUNNERS_CLUSTERS_H
#define CORE_RUNNERS_CLUSTERS_H

#include "core/base/err.h"
#include "core/base/mem.h"

enum { CLUSTERS_MAX = 65536 };	/* bytes of that file that are read */

/* Adds the names to out; a file that is not there has none. */
int clusters_read(const char *folder, struct strings *out, struct err *err);
int clusters_add(const char *folder, const char *name, struct err *err);
int clusters_remove(const char *folder, const char *name, struct err *err);

/* "skydeck-3fa9c1-w1": what people see in `sky status`, the same for a worker of that session and target always. Freed by
 * the caller. */
char *cluster_name(const char *root, const char *session, const char *worker);
/* The worker in such a name: points into it; NULL: it is none of that session's. */
const char *cluster_worker(const char *name, const char *root, const char *session);

#endif
