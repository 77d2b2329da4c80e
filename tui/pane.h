/* What a pane is: one .c that ends in one const struct pane_ops. The shell (tui/ui) owns its state, calls `sync` and then `draw` once per
 * turn, and carries out the intents it returns; a pane touches neither the terminal nor the link. */
#ifndef TUI_PANE_H
#define TUI_PANE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/keymap.h"

struct model;
struct pane_ops;

struct pane {
	const struct pane_ops *ops;
	void *state;		/* ops->state_size bytes, zero before open */
	char *name;		/* what it was opened on ("p7", "r12"); NULL for the five main panes */
	int focused;		/* keys come here: draw the selection as CELL_SELECTED, else as CELL_CURRENT */
	int rows, columns;	/* of its inside, as of the last sync; 0 while only its title shows */
	int64_t now;		/* wall clock that is shown, microseconds; frozen by SKYDECK_TIME */
	const struct keymap *keymap;	/* for panes that explain keys */
};

/* An action that reached the pane. */
struct act {
	enum action action;
	const char *text;	/* what was typed into the prompt that the pane asked for; else NULL */
	int y, x;		/* ACTION_CLICK: where, within the pane's inside */
};

enum pane_result {
	PANE_IGNORED,		/* not mine: the shell tries its own */
	PANE_HANDLED,		/* nothing to draw */
	PANE_REDRAW,
	PANE_INTENT,		/* the shell shall do what stands in the intent, and draw */
};

enum intent_kind {
	INTENT_NONE,
	INTENT_COMMAND,		/* a command of the engine: name, args */
	INTENT_QUERY,		/* a bounded question: name, args; the answer comes to `answer` with this tag */
	INTENT_OPEN,		/* open the pane `name` over the others, on `text` (NULL: on nothing) */
	INTENT_GO,		/* focus the main pane `name` and show `text` there (its `show`) */
	INTENT_CLOSE,		/* close this pane, if it lies over the others */
	INTENT_PROMPT,		/* ask for a line: label `name`, first text `text`; when it is accepted `action` comes to the pane with it */
	INTENT_MESSAGE,		/* a sentence in the last line: why something is not possible, what was done */
	INTENT_COPY,		/* `text` to the clipboard */
	INTENT_ERRAND,		/* a program outside: `name` is "ssh", "pager", "browser" or "save"; `text` a host, a log or source ("r12", "w1", "t7", "s3") or a link; args {path} of "save" */
};

struct intent {
	enum intent_kind kind;
	char *name, *text;	/* owned */
	struct json *args;	/* owned; NULL counts as {} */
	uint64_t tag;
	enum action action;
};

/* Each fills an empty intent and returns PANE_INTENT, so that a handler can end in `return intent_open(want, "log", run)`. */
enum pane_result intent_command(struct intent *want, const char *name, struct json *args_taken);
enum pane_result intent_query(struct intent *want, const char *name, struct json *args_taken, uint64_t tag);
enum pane_result intent_open(struct intent *want, const char *pane, const char *on);
enum pane_result intent_go(struct intent *want, const char *pane, const char *what);
enum pane_result intent_close(struct intent *want);
enum pane_result intent_prompt(struct intent *want, const char *label, const char *initial, enum action then);
enum pane_result intent_message(struct intent *want, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum pane_result intent_copy(struct intent *want, const char *text);
enum pane_result intent_errand(struct intent *want, const char *what, const char *on, const char *path);	/* path may be NULL */
void intent_clear(struct intent *want);	/* frees what it owns; empty again */

/* The answer to an INTENT_QUERY of this pane. */
struct answer {
	uint64_t tag;
	const struct json *result;	/* NULL when it failed */
	const char *error;		/* the sentence then */
};

struct pane_ops {
	const char *name;	/* "Reading list": shown; its first word in small letters is what INTENT_OPEN and the palette say */
	int digit;		/* 1..5: a main pane; 0: opens over the others */
	enum context context;	/* of its keys */
	int title_follows;	/* the title's figures stand right behind the name instead of at the right end */
	size_t state_size;

	/* Both optional; p->name is set before open. */
	void (*open)(struct pane *p);
	void (*close)(struct pane *p);

	/* Adds the one most useful figure for the title line ("7 of 12 read"); it is cut where it does not fit. */
	void (*title)(const struct pane *p, const struct model *m, struct buf *out);

	/* Called before each draw and whenever the model has changed: clamp, follow, scroll to rows x columns (0 x 0: only the
	 * title shows). May put one INTENT_QUERY into `want` for what is missing on the screen; asked again only when the
	 * pane asks again. Returns whether what it shows changes by the clock alone (a countdown, a duration): then it is
	 * drawn every second. */
	int (*sync)(struct pane *p, const struct model *m, int rows, int columns, struct intent *want);

	/* Changes nothing: same pane and model, same cells. The canvas is blank and has p->rows x p->columns. */
	void (*draw)(const struct pane *p, const struct model *m, struct canvas *c);

	/* Optional, as all below. */
	enum pane_result (*act)(struct pane *p, const struct model *m, const struct act *act, struct intent *want);
	void (*answer)(struct pane *p, const struct answer *answer);

	/* Goes to the next place after (direction 1) or before (-1) the current one that holds text; 0 with text: the current one
	 * counts too (while it is typed); text NULL: the search is over, show no matches. Returns whether there is one. */
	int (*search)(struct pane *p, const struct model *m, const char *text, int direction);

	/* Selects what another pane points at ("p7"). */
	void (*show)(struct pane *p, const struct model *m, const char *what);

	/* Whether the action can do anything to what is selected now; the footer leaves out what cannot. Absent: all can. */
	int (*offers)(const struct pane *p, const struct model *m, enum action a);

	/* What an approval would be about, as drawn now ("p15 rev 2"); nothing added: nothing. The shell lets a guarded action
	 * through only when exactly this has been on the screen for a while (DESIGN 7). */
	void (*subject)(const struct pane *p, const struct model *m, struct buf *out);
};

#endif
