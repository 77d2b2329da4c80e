/* Keys to actions. The defaults below are data: every one goes through keymap_bind, as the user's config does, so what a user can write
 * is what we write. The footer and the help read the same list. Bindings that are hints show in the footer, in this order.
 */
#include "tui/keymap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct binding {
	enum context context;
	enum action action;
	struct key key;
	int hint;
};

struct keymap {
	struct binding *bindings;	/* the last one that fits holds */
	size_t count, room;
};

static const struct {
	const char *name;
	enum context parent;
} contexts[CONTEXT_COUNT] = {
#define X(id, name, parent) { name, CONTEXT_##parent },
	CONTEXTS(X)
#undef X
};

/* A context, an action, its keys with a blank between; + before the action: a hint. */
static const struct {
	const char *context, *action, *keys;
} defaults[] = {
	{ "review", "+approve", "a" }, { "review", "+sign", "S" }, { "review", "+waive", "W" }, { "review", "+retry", "t" },
	{ "review", "+veto", "v" }, { "review", "+revise", "r" }, { "review", "+comment", "c" }, { "review", "cancel", "x" },
	{ "review", "+previous-hunk", "[" }, { "review", "+next-hunk", "]" }, { "review", "+previous-file", "{" },
	{ "review", "+next-file", "}" }, { "review", "previous-proposal", "K <C-p>" }, { "review", "next-proposal", "J <C-n>" },
	{ "review", "interdiff", "D" }, { "review", "side-by-side", "|" }, { "review", "mark-viewed", "<Space>" },
	{ "review", "log", "L" }, { "review", "wrap", "w" },

	{ "reading", "+enter", "<Enter>" }, { "reading", "+add", "+" }, { "reading", "+drop", "x" }, { "reading", "+queue", "Q" },
	{ "reading", "+note", "c" }, { "reading", "+move-up", "K" }, { "reading", "+move-down", "J" }, { "reading", "+browse", "o" },
	{ "reading", "+pager", "|" }, { "reading", "+filter", "f" }, { "reading", "+yield", "Y" }, { "reading", "sort", "s" },
	{ "reading", "reverse", "r" },
	{ "source", "+queue", "Q" }, { "source", "+drop", "x" }, { "source", "+note", "c" }, { "source", "+browse", "o" },
	{ "source", "+pager", "|" },
	{ "grid", "+enter", "<Enter> o" }, { "grid", "+retry", "R" }, { "grid", "+release", "r" }, { "grid", "+cancel", "x" },
	{ "grid", "+quarantine", "Q" }, { "grid", "+replace", "p" }, { "grid", "+shut-down", "D" }, { "grid", "+ssh", "s" },
	{ "grid", "+filter", "f" }, { "grid", "log", "L" }, { "grid", "pager", "|" },
	{ "metrics", "+enter", "<Enter> o" }, { "metrics", "+sort", "s" }, { "metrics", "reverse", "r" }, { "metrics", "filter", "f" },
	{ "metrics", "log", "L" },
	{ "agent", "+permit", "a" }, { "agent", "+permit-always", "A" }, { "agent", "+refuse", "d" }, { "agent", "+refuse-always", "D" },
	{ "agent", "+enter", "<Enter> o" }, { "agent", "+steer", "m" }, { "agent", "+stop-turn", "x" },
	{ "log", "+follow", "F" }, { "log", "+previous-metric", "[" }, { "log", "+next-metric", "] m" },
	{ "log", "+previous-error", "{" }, { "log", "+next-error", "} e" }, { "log", "filter", "f" }, { "log", "+wrap", "w" },
	{ "log", "+pager", "|" }, { "log", "+save", "s" },
	{ "agent", "+follow", "F" }, { "agent", "wrap", "w" },
	{ "events", "+enter", "<Enter> o" }, { "events", "+filter", "f" }, { "events", "+follow", "F" },
	{ "ideas", "+enter", "<Enter> o" },

	{ "list", "up", "k <Up>" }, { "list", "down", "j <Down>" }, { "list", "left", "h <Left>" }, { "list", "right", "l <Right>" },
	{ "list", "page-up", "<PageUp> <C-b>" }, { "list", "page-down", "<PageDown> <C-f>" }, { "list", "half-page-up", "<C-u>" },
	{ "list", "half-page-down", "<C-d>" }, { "list", "first", "g <Home>" }, { "list", "last", "G <End>" },
	{ "list", "enter", "<Enter>" },

	{ "text", "up", "k <Up>" }, { "text", "down", "j <Down>" }, { "text", "left", "h <Left>" }, { "text", "right", "l <Right>" },
	{ "text", "page-up", "<PageUp> <C-b>" }, { "text", "page-down", "<PageDown> <C-f>" }, { "text", "half-page-up", "<C-u>" },
	{ "text", "half-page-down", "<C-d>" }, { "text", "first", "g <Home>" }, { "text", "last", "G <End>" },
	{ "text", "line-start", "0 ^" }, { "text", "enter", "<Enter>" },

	{ "global", "+back", "<Esc>" }, { "global", "quit", "q <C-c>" }, { "global", "pane-1", "1" }, { "global", "pane-2", "2" },
	{ "global", "pane-3", "3" }, { "global", "+pane-4", "4" }, { "global", "+pane-5", "5" }, { "global", "+focus-next", "<Tab>" },
	{ "global", "focus-previous", "<S-Tab>" }, { "global", "+zoom", "z" }, { "global", "+search", "/" },
	{ "global", "search-next", "n" }, { "global", "search-previous", "N" }, { "global", "+palette", ":" }, { "global", "+help", "?" },
	{ "global", "events", "E" }, { "global", "ideas", "I" }, { "global", "budget", "$" },
	{ "global", "pause", "P" }, { "global", "resume", "R" }, { "global", "autonomy", "A" }, { "global", "steer", "M" },
	{ "global", "mouse", "<A-m>" }, { "global", "copy", "y" }, { "global", "theme", "T" }, { "global", "redraw", "<C-l>" },
	{ "global", "suspend", "<C-z>" },

	{ "prompt", "edit-accept", "<Enter>" }, { "prompt", "edit-abort", "<Esc> <C-c>" }, { "prompt", "edit-complete", "<Tab>" },
	{ "prompt", "edit-complete-back", "<S-Tab>" }, { "prompt", "edit-older", "<Up> <C-p>" },
	{ "prompt", "edit-newer", "<Down> <C-n>" }, { "prompt", "edit-left", "<Left> <C-b>" },
	{ "prompt", "edit-right", "<Right> <C-f>" }, { "prompt", "edit-start", "<Home> <C-a>" }, { "prompt", "edit-end", "<End> <C-e>" },
	{ "prompt", "edit-delete-back", "<Backspace>" }, { "prompt", "edit-delete", "<Delete> <C-d>" },
	{ "prompt", "edit-delete-word", "<C-w>" }, { "prompt", "edit-delete-start", "<C-u>" }, { "prompt", "suspend", "<C-z>" },
};

const char *context_name(enum context c)
{
	assert(c < CONTEXT_COUNT);
	return contexts[c].name;
}

int context_find(const char *name)
{
	for (int i = 0; i < CONTEXT_COUNT; i++)
		if (!strcmp(contexts[i].name, name))
			return i;
	return -1;
}

enum context context_parent(enum context c)
{
	assert(c < CONTEXT_COUNT);
	return contexts[c].parent;
}

int keymap_bind(struct keymap *m, const char *context, const char *action, const char *key, struct err *err)
{
	struct binding *b;
	struct key parsed;
	int where = context_find(context), hint = *action == '+', what = action_find(action + hint), used;

	if (where < 0)
		return err_set(err, "there are no keys for `%s`; contexts are global, list, text, reading, source, grid, metrics, review, agent, "
		               "log, events, ideas, budget, help and prompt", context);
	if (what < 0)
		return err_set(err, "`%s` is no action; `skydeck help keys` lists them", action);
	used = key_parse(key, &parsed, err);
	if (used < 0)
		return -1;
	if (key[used])
		return err_set(err, "`%s` is more than one key: one key to an entry, such as j, <C-x> or <PageDown>", key);
	b = array_add(&m->bindings, &m->count, &m->room, sizeof *b);
	*b = (struct binding){ where, what, parsed, hint };
	return 0;
}

static void bind_default(struct keymap *m, const char *context, const char *action, const char *keys)
{
	char *copy = xstrdup(keys), *rest;
	struct err err;

	for (char *key = strtok_r(copy, " ", &rest); key; key = strtok_r(NULL, " ", &rest)) {
		if (keymap_bind(m, context, action, key, &err) < 0)
			assert(!"a default binding does not parse");
		/* Only the first key of an action is a hint. */
		action += *action == '+';
	}
	free(copy);
}

struct keymap *keymap_new(void)
{
	struct keymap *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		bind_default(m, defaults[i].context, defaults[i].action, defaults[i].keys);
	return m;
}

void keymap_free(struct keymap *m)
{
	if (!m)
		return;
	free(m->bindings);
	free(m);
}

static const struct binding *find(const struct keymap *m, enum context c, struct key key)
{
	for (enum context at = c; ; at = context_parent(at)) {
		for (size_t i = m->count; i-- > 0; )
			if (m->bindings[i].context == at && key_equal(m->bindings[i].key, key))
				return &m->bindings[i];
		if (context_parent(at) == at)
			return NULL;
	}
}

enum action keymap_find(const struct keymap *m, enum context c, struct key key)
{
	const struct binding *b = find(m, c, key);

	return b ? b->action : ACTION_NONE;
}

size_t keymap_list(const struct keymap *m, enum context c, struct keymap_entry *out, size_t room)
{
	size_t count = 0;

	for (enum context at = c; ; at = context_parent(at)) {
		for (size_t i = 0; i < m->count; i++) {
			const struct binding *b = &m->bindings[i];
			if (b->context != at || b->action == ACTION_NONE || find(m, c, b->key) != b)
				continue;
			if (count < room)
				out[count] = (struct keymap_entry){ b->context, b->action, b->key, b->hint };
			count++;
		}
		if (context_parent(at) == at)
			return count;
	}
}

/* The bindings that hold; the caller frees them. */
static struct keymap_entry *entries(const struct keymap *m, enum context c, size_t *count)
{
	struct keymap_entry *list = xcalloc(m->count + 1, sizeof *list);

	*count = keymap_list(m, c, list, m->count);
	return list;
}

void keymap_keys(const struct keymap *m, enum context c, enum action a, struct buf *out)
{
	size_t count;
	struct keymap_entry *list = entries(m, c, &count);
	int first = 1;

	for (size_t i = 0; i < count; i++)
		if (list[i].action == a) {
			buf_puts(out, first ? "" : ", ");
			key_print(list[i].key, out);
			first = 0;
		}
	free(list);
}

/* In the footer <Tab> is Tab: brackets are for where keys are written one after another. */
static void print_short(struct key key, struct buf *out)
{
	size_t from = out->len, size;

	key_print(key, out);
	size = out->len - from;
	if (size > 2 && out->data[from] == '<') {
		memmove(out->data + from, out->data + from + 1, size - 2);
		buf_truncate(out, out->len - 2);
	}
}

void keymap_hints(const struct keymap *m, enum context c, keymap_hint_function *each, void *data)
{
	size_t count;
	struct keymap_entry *list = entries(m, c, &count);
	struct buf keys = { 0 };

	for (size_t i = 0; i < count; i++) {
		const char *label = action_label(list[i].action);
		if (!list[i].hint)
			continue;
		print_short(list[i].key, &keys);
		if (i + 1 < count && list[i + 1].hint && !strcmp(action_label(list[i + 1].action), label)) {
			buf_putc(&keys, ' ');
			continue;
		}
		each(data, list[i].action, buf_str(&keys), label);
		buf_truncate(&keys, 0);
	}
	buf_release(&keys);
	free(list);
}
