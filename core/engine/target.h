/* Where a session is kept: the target's root, its .skydeck folder, one folder per session, the lock of the engine. */
#ifndef CORE_ENGINE_TARGET_H
#define CORE_ENGINE_TARGET_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/data/config.h"
#include "core/data/model.h"
#include "core/io/journal.h"

struct target {
	char *root;		/* working tree's root, no slash at the end */
	char *folder;		/* root/.skydeck */
};

/* The git working tree that holds directory. */
int target_find(const char *directory, struct target *t, struct err *err);
void target_release(struct target *t);
char *target_path(const struct target *t, const char *format, ...) __attribute__((format(printf, 2, 3)));	/* below .skydeck; caller frees */

/* Takes the engine's lock: a descriptor to keep, or -1 with a sentence that names who holds it. */
int target_lock(const struct target *t, struct err *err);
int target_engine_runs(const struct target *t);
void target_socket(const struct target *t, struct buf *path);	/* of .skydeck/engine where it says, else the default */
int target_note_engine(const struct target *t, const char *socket_path, struct err *err);	/* writes .skydeck/engine: socket, pid */
long target_engine_pid(const struct target *t);			/* 0: unknown */

/* The id of the current session, or NULL where there never was one; caller frees. */
char *session_current(const struct target *t);
int session_make_current(const struct target *t, const char *id, struct err *err);
char *session_new_id(const struct target *t, int64_t now);	/* "<date>-<name>", "-2" and so on where taken */
char *session_path(const struct target *t, const char *id, const char *name);	/* below the session's folder; name NULL: the folder */

/* Folds a journal into m (already initialised). since: events up to it are skipped. */
int session_fold(struct journal *j, struct model *m, struct err *err);
/* Reads the current session, or the named one, for a command that only looks. Exit code 1 where there is none. */
int session_read(const struct target *t, const char *id, struct model *m, struct err *err);

/* .skydeck/config over the user's ($XDG_CONFIG_HOME/skydeck/config). Errors name file, line, key and what is allowed. */
int settings_load(const struct target *t, struct config *c, struct err *err);
/* A warning where HEAD holds .skydeck, which is the user's own by design; NULL: it does not. The caller frees it. */
struct git;
char *settings_came_along(struct git *g);

#endif
