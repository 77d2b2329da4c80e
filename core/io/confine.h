/* Children that are not trusted: a command line for bubblewrap (bwrap(1)). Inside there is /usr, /etc and what links to
 * them, read-only; a home of its own; what is named here; an empty /tmp; its own /proc and /dev. No other process, no
 * capabilities; no network unless asked for. All of it ends with the command, or with this process. */
#ifndef CORE_IO_CONFINE_H
#define CORE_IO_CONFINE_H

#include <sys/types.h>

#include "core/base/err.h"
#include "core/base/mem.h"

struct confinement {
	const char *home;		/* absolute: there at the same path, writable, as HOME; NULL: HOME is /tmp */
	const char *directory;		/* where it begins; NULL: HOME */
	const struct strings *visible;	/* absolute paths, there read-only at the same place; what does not exist is passed over */
	const struct strings *writable;	/* the same, writable */
	int network;
	const struct strings *env;	/* NAME=value, all that it has besides PATH, HOME, LANG, TERM=dumb and TMPDIR */
};

/* Adds the command line up to the command itself. -1 when there is no bubblewrap: what to install. */
int confine_command(struct strings *argv, const struct confinement *c, struct err *err);
/* Adds the environment that goes with it, as NAME=value. The child must be started with it (child_options.env): what
 * bubblewrap itself was started with can be read inside, in /proc/1/environ, and on its command line by everybody. */
void confine_environment(struct strings *env, const struct confinement *c);
/* Adds what a program needs to be visible, when it is not below /usr: where it really stands, what runs it (its #! line),
 * and the folder of packages it belongs to; the same of a program behind `env NAME=value …`; and each of its arguments that is
 * an absolute path. argv ends with NULL. */
void confine_program(struct strings *visible, const char *const *argv);

/* The part that is the same for every sandbox: bwrap, what is taken away, the system's folders, /proc, /dev and /tmp. */
void confine_system(struct strings *argv);
void confine_add(struct strings *list, const char *a, const char *b, const char *c);	/* words; b and c may be NULL */
mode_t confine_kind(const char *path);		/* S_IFDIR and the like, of a link itself; 0: nothing is there */
/* The program's path, as a shell finds it in PATH, or NULL; the caller frees it. */
char *confine_find(const char *program);

#endif
