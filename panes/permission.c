/* The kinds of answers are the protocol's; which of them there are, and in what words, the agent says. */
#include "panes/permission.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"

enum { SECOND = 1000000, POLICY_SECONDS = 5 /* CONTRACT, Agents */, GAP = 2, WORDS = 28 };

/* The kinds of the Agent Client Protocol (PermissionOptionKind). */
static const struct {
	enum action action;
	const char *kind, *words;
} kinds[] = {
	{ ACTION_PERMIT, "allow_once", "allow once" }, { ACTION_REFUSE, "reject_once", "refuse" },
	{ ACTION_PERMIT_ALWAYS, "allow_always", "allow always" }, { ACTION_REFUSE_ALWAYS, "reject_always", "refuse always" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static size_t kind_of(enum action a)
{
	size_t k = 0;

	while (k < KINDS && kinds[k].action != a)
		k++;
	return k;
}

int permission_offers(const struct permission *asked, enum action a)
{
	size_t k = kind_of(a);

	return asked && k < KINDS && permission_words(asked, kinds[k].kind);
}

enum pane_result permission_answer(const struct permission *asked, enum action a, struct intent *want)
{
	size_t k = kind_of(a);
	struct json *args;

	if (!asked)
		return intent_message(want, "the agent asks for nothing");
	if (!permission_offers(asked, a))
		return intent_message(want, "%s does not offer to %s", asked->agent ? asked->agent : "the agent", kinds[k].words);
	args = json_object();
	json_put_string(args, "permission", asked->id);
	json_put_string(args, "option", kinds[k].kind);
	return intent_command(want, "permit", args);
}

int permission_rows(const struct permission *asked, int rows)
{
	if (!asked || rows < 2)
		return asked && rows;
	return asked->text && *asked->text && rows > 2 * PERMISSION_ROWS ? PERMISSION_ROWS : 2;
}

/* "a allow once "Yes, proceed"": the agent's words only where there is room for those of all. */
static void option_text(const struct permission *asked, const struct keymap *keymap, size_t k, int with_words,
	struct buf *key, struct buf *text)
{
	const char *words = permission_words(asked, kinds[k].kind);
	int used;
	size_t fits = words ? text_fit(words, WORDS, &used) : 0;

	buf_truncate(key, 0);
	buf_truncate(text, 0);
	keymap_keys(keymap, CONTEXT_AGENT, kinds[k].action, key);
	buf_truncate(key, strcspn(buf_str(key), ","));
	buf_puts(text, kinds[k].words);
	if (with_words && words && *words)
		buf_printf(text, " \"%.*s%s\"", (int)fits, words, words[fits] ? "…" : "");
}

/* Draws, or only measures (c NULL), the options from column x on; returns where they end. */
static int options(const struct permission *asked, const struct keymap *keymap, int with_words, int x, struct canvas *c)
{
	struct buf key = { 0 }, text = { 0 };

	for (size_t k = 0; k < KINDS; k++) {
		if (!permission_words(asked, kinds[k].kind))
			continue;
		option_text(asked, keymap, k, with_words, &key, &text);
		if (c) {
			canvas_text(c, c->rows - 1, x, STYLE_KEY, buf_str(&key), -1);
			canvas_text_cut(c, c->rows - 1, x + text_columns(buf_str(&key)) + 1, STYLE_DEFAULT, buf_str(&text), -1);
		}
		x += text_columns(buf_str(&key)) + 1 + text_columns(buf_str(&text)) + GAP;
	}
	buf_release(&key);
	buf_release(&text);
	return x;
}

void permission_draw(const struct permission *asked, const struct keymap *keymap, int64_t now, struct canvas *c)
{
	int64_t left = asked->time + POLICY_SECONDS * SECOND - now;
	char time[CLOCK_TEXT];
	struct buf flat = { 0 };
	int x = 1;

	x += canvas_text_cut(c, 0, x, STYLE_ALERT, asked->agent ? asked->agent : "the agent", 24);
	x += canvas_text(c, 0, x, STYLE_ALERT, " asks: ", -1);
	canvas_text_cut(c, 0, x, STYLE_STRONG, asked->title, -1);
	if (c->rows < 2)
		return;
	if (c->rows > 2) {
		for (const char *at = asked->text; *at; at += strcspn(at, "\n"), at += *at == '\n')
			buf_printf(&flat, "%s%.*s", flat.len ? " | " : "", (int)strcspn(at, "\n"), at);
		canvas_text_cut(c, 1, 1, STYLE_DEFAULT, buf_str(&flat), -1);
		buf_release(&flat);
	}
	x = options(asked, keymap, options(asked, keymap, 1, 1, NULL) <= c->columns, 1, c);
	clock_duration(left > 0 ? left : 0, time);
	if (c->columns - x > 30)
		canvas_printf(c, c->rows - 1, x, STYLE_MUTED, "else policy answers in %s", time);
}
