/* Which key does what, per context. Lookup goes context -> its parent -> ... -> global. */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "tui/action.h"
#include "tui/keys.h"

/* X(id, name, parent) */
#define CONTEXTS(X) \
	X(GLOBAL, "global", GLOBAL) \
	X(LIST, "list", GLOBAL) \
	X(TEXT, "text", GLOBAL) \
	X(READING, "reading", LIST) \
	X(SOURCE, "source", TEXT) \
	X(GRID, "grid", LIST) \
	X(METRICS, "metrics", LIST) \
	X(REVIEW, "review", TEXT) \
	X(AGENT, "agent", TEXT) \
	X(LOG, "log", TEXT) \
	X(EVENTS, "events", LIST) \
	X(IDEAS, "ideas", LIST) \
	X(BUDGET, "budget", TEXT) \
	X(HELP, "help", TEXT) \
	X(PROMPT, "prompt", PROMPT)

enum context {
#define X(id, name, parent) CONTEXT_##id,
	CONTEXTS(X)
#undef X
	CONTEXT_COUNT
};

const char *context_name(enum context c);
int context_find(const char *name);		/* -1: no such context */
enum context context_parent(enum context c);	/* of the last one: itself */

struct keymap;

struct keymap *keymap_new(void);	/* the defaults */
void keymap_free(struct keymap *m);

/* What the user's config says: [keys "CONTEXT"] ACTION = KEY. The key does this action in this context from now on;
 * the action's default keys stay. ACTION `none` frees the key. Defaults come through the same function. */
int keymap_bind(struct keymap *m, const char *context, const char *action, const char *key, struct err *err);

/* ACTION_NONE: not bound. */
enum action keymap_find(const struct keymap *m, enum context c, struct key key);

/* Adds the keys of an action as they are reached from this context ("j, <Down>"); nothing when none. */
void keymap_keys(const struct keymap *m, enum context c, enum action a, struct buf *out);

/* Goes over the bindings that hold in a context, its own first, hidden ones left out. Returns how many there are; entry i is
 * filled when i is below that. For the help pane. */
struct keymap_entry {
	enum context context;		/* where it is bound */
	enum action action;
	struct key key;
	int hint;			/* shows in the footer */
};
size_t keymap_list(const struct keymap *m, enum context c, struct keymap_entry *out, size_t room);

/* The footer: "a approve  v veto  [ ] hunk  …", keys of actions with the same label side by side. Calls `each` for every
 * hint in order of their worth. */
typedef void keymap_hint_function(void *data, enum action a, const char *keys, const char *label);
void keymap_hints(const struct keymap *m, enum context c, keymap_hint_function *each, void *data);

#endif
