/* Every key that works where the help was asked for, and what it does: read from the keymap, so that it cannot be
 * wrong. The pane's name is the context ("metrics"); its own keys come first, then those of lists or texts, then
 * those that work everywhere. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "panes/page.h"
#include "tui/keymap.h"
#include "tui/pane.h"

enum { KEYS_WIDE = 20, KEYS_NARROW = 12, NARROW = 60 };

struct help_state {
	struct page page;
};

static enum context context_of(const struct pane *p)
{
	int context = p->name ? context_find(p->name) : -1;

	return context < 0 ? CONTEXT_GLOBAL : (enum context)context;
}

static const char *heading_of(enum context c)
{
	switch (c) {
	case CONTEXT_GLOBAL: return "everywhere";
	case CONTEXT_LIST: return "in every list";
	case CONTEXT_TEXT: return "in every text";
	default: return NULL;
	}
}

/* Whether an action was explained already: further out the same key sits on it, or another one that is named with it.
 * */
static int is_listed(const struct keymap_entry *entries, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (entries[k].action == entries[i].action)
			return 1;
	return 0;
}

static void add_entry(struct page *page, const struct pane *p, enum action a)
{
	int indent = page->columns >= NARROW ? KEYS_WIDE : KEYS_NARROW;
	struct buf keys = { 0 };

	buf_putc(&keys, ' ');
	keymap_keys(p->keymap, context_of(p), a, &keys);
	if (text_columns(buf_str(&keys)) >= indent) {	/* more keys than there is room for: a row of their own */
		page_add(page, NULL, STYLE_DEFAULT, 0, buf_str(&keys), STYLE_KEY);
		page_add(page, "", STYLE_KEY, indent, action_help(a), STYLE_DEFAULT);
	} else {
		page_add(page, buf_str(&keys), STYLE_KEY, indent, action_help(a), STYLE_DEFAULT);
	}
	buf_release(&keys);
}

static void make(struct page *page, const struct pane *p)
{
	enum context context = context_of(p), last = CONTEXT_COUNT;
	size_t count = keymap_list(p->keymap, context, NULL, 0);
	struct keymap_entry *entries = xcalloc(count + 1, sizeof *entries);

	keymap_list(p->keymap, context, entries, count);
	for (size_t i = 0; i < count; i++) {
		if (is_listed(entries, i))
			continue;
		if (entries[i].context != last) {
			const char *heading = heading_of(entries[i].context);
			char *own = heading ? NULL : xasprintf("in the %s", context_name(entries[i].context));
			page_heading(page, heading ? heading : own);
			free(own);
		}
		last = entries[i].context;
		add_entry(page, p, entries[i].action);
	}
	free(entries);
	page_blank(page);
	page_add(page, NULL, STYLE_DEFAULT, 0,
		"Behind : every action can be typed by its name, and the commands of the shell too. "
		"Keys are changed in the config: [keys \"CONTEXT\"] ACTION = KEY.", STYLE_MUTED);
}

static int help_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct help_state *s = p->state;

	(void)m;
	(void)want;
	if (p->keymap && (!s->page.count || s->page.columns != columns)) {
		page_begin(&s->page, columns);
		make(&s->page, p);
	}
	page_sync(&s->page, rows);
	return 0;
}

static void help_title(const struct pane *p, const struct model *m, struct buf *out)
{
	(void)m;
	if (context_of(p) == CONTEXT_GLOBAL)
		buf_puts(out, "keys");
	else
		buf_printf(out, "keys of: %s", context_name(context_of(p)));
}

static void help_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct help_state *s = p->state;

	(void)m;
	page_draw(&s->page, c, p->focused);
}

static enum pane_result help_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct help_state *s = p->state;

	(void)m;
	return act->action == ACTION_ENTER ? intent_close(want) : page_act(&s->page, act);
}

static int help_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct help_state *s = p->state;

	(void)m;
	return page_search(&s->page, text, direction);
}

static void help_close(struct pane *p)
{
	struct help_state *s = p->state;

	page_release(&s->page);
}

const struct pane_ops help_pane = {
	.name = "Help",
	.context = CONTEXT_HELP,
	.state_size = sizeof(struct help_state),
	.close = help_close,
	.title = help_title,
	.sync = help_sync,
	.draw = help_draw,
	.act = help_act,
	.search = help_search,
};
