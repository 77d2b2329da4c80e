/* Intents: what a pane wants the shell to do. Filled by the pane, carried out and cleared by the shell. */
#include "tui/pane.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

static enum pane_result fill(struct intent *want, enum intent_kind kind, const char *name, const char *text)
{
	intent_clear(want);
	want->kind = kind;
	want->name = xstrdup(name);
	want->text = xstrdup(text);
	return PANE_INTENT;
}

enum pane_result intent_command(struct intent *want, const char *name, struct json *args_taken)
{
	fill(want, INTENT_COMMAND, name, NULL);
	want->args = args_taken;
	return PANE_INTENT;
}

enum pane_result intent_query(struct intent *want, const char *name, struct json *args_taken, uint64_t tag)
{
	fill(want, INTENT_QUERY, name, NULL);
	want->args = args_taken;
	want->tag = tag;
	return PANE_INTENT;
}

enum pane_result intent_open(struct intent *want, const char *pane, const char *on)
{
	return fill(want, INTENT_OPEN, pane, on);
}

enum pane_result intent_go(struct intent *want, const char *pane, const char *what)
{
	return fill(want, INTENT_GO, pane, what);
}

enum pane_result intent_close(struct intent *want)
{
	return fill(want, INTENT_CLOSE, NULL, NULL);
}

enum pane_result intent_prompt(struct intent *want, const char *label, const char *initial, enum action then)
{
	fill(want, INTENT_PROMPT, label, initial);
	want->action = then;
	return PANE_INTENT;
}

enum pane_result intent_message(struct intent *want, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	return fill(want, INTENT_MESSAGE, NULL, line);
}

enum pane_result intent_copy(struct intent *want, const char *text)
{
	return fill(want, INTENT_COPY, NULL, text);
}

enum pane_result intent_errand(struct intent *want, const char *what, const char *on, const char *path)
{
	fill(want, INTENT_ERRAND, what, on);
	if (path) {
		want->args = json_object();
		json_put_string(want->args, "path", path);
	}
	return PANE_INTENT;
}

void intent_clear(struct intent *want)
{
	free(want->name);
	free(want->text);
	json_free(want->args);
	*want = (struct intent){ 0 };
}
