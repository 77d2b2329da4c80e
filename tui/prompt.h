/* One line that is typed: editing, history, completion. It knows neither what it is for nor where it stands. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tui/action.h"
#include "tui/canvas.h"

struct prompt {
	char *label;			/* owned; NULL: no line is being typed */
	struct buf text;
	size_t cursor;			/* byte in text, at the start of a character */
	struct strings *history;	/* borrowed: lines accepted before, newest last; NULL: none is kept */
	size_t history_at;		/* history->count: the new line */
	char *draft;			/* the new line while the history is shown */
	char *stem;			/* what had been typed when completion began */
	size_t candidate;		/* which completion stands there, from 1; 0: the stem */
};

enum prompt_result { PROMPT_IGNORED, PROMPT_MOVED, PROMPT_CHANGED, PROMPT_ACCEPTED, PROMPT_ABORTED };

void prompt_open(struct prompt *p, const char *label, const char *initial, struct strings *history);
void prompt_close(struct prompt *p);

/* Inserts text at the cursor; newlines and tabs become blanks, other controls are dropped. */
void prompt_insert(struct prompt *p, const char *text, size_t size);

/* An action of the prompt context. ACCEPTED: the text is in p->text and was added to the history. */
enum prompt_result prompt_act(struct prompt *p, enum action a);

/* Replaces the text by the next (direction 1) or previous (-1) of the candidates, which must all begin with the stem;
 * after the last comes the stem again. A single one is taken, with a blank for what follows. */
void prompt_complete(struct prompt *p, const struct strings *candidates, int direction);
/* What the candidates are to begin with: the stem while completing, else the text. */
const char *prompt_stem(const struct prompt *p);

/* Draws label and text on row y; the cursor is shown there. Long text is scrolled so that the cursor can be seen. */
void prompt_draw(const struct prompt *p, struct canvas *c, int y);

#endif
