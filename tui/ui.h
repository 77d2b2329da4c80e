/* The shell: owns the panes' states, focus, zoom, what lies over them, the prompt and the status line; turns input into
 * actions and intents, and draws once per turn of the loop. It knows no link and no engine: what it wants goes to the backend. */
#ifndef TUI_UI_H
#define TUI_UI_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/io/loop.h"
#include "tui/keymap.h"
#include "tui/pane.h"
#include "tui/term.h"

struct model;
struct ui;

struct ui_backend {
	/* The answer to each comes back by ui_answer with this tag. */
	void (*command)(void *data, const char *name, struct json *args_taken, uint64_t tag);
	void (*query)(void *data, const char *name, struct json *args_taken, uint64_t tag);
	/* A line behind `:` that is no action of the cockpit ("veto p7 --reason …"). 0, or -1 with a sentence to be shown. */
	int (*line)(void *data, const char *line, uint64_t tag, struct err *err);
	void (*leave)(void *data);	/* the human quits the cockpit, or the terminal is gone */
	/* What an INTENT_ERRAND asks for. 0, or -1 with a sentence; NULL: there are none. */
	int (*errand)(void *data, const char *what, const char *on, const char *path, struct err *err);
};

/* What the palette completes and explains beside the actions. */
struct ui_command {
	const char *name, *args, *help;
};

struct ui_options {
	struct loop *loop;			/* NULL: no timers, no terminal: the caller feeds and draws (tests) */
	struct term *term;			/* NULL: no terminal (--script); borrowed */
	struct keymap *keymap;			/* borrowed */
	const struct model *model;		/* borrowed */
	const struct pane_ops *const *panes;	/* NULL-terminated: digits 1 to 5, and those that open over them */
	const struct ui_command *commands;	/* ends with a NULL name */
	const struct ui_backend *backend;
	void *data;				/* the backend's */
	int rows, columns;			/* without a terminal */
	int ascii, mouse, bell, observer;
	const char *theme;
	int64_t frozen;				/* the wall clock that is shown; 0: it runs */
	int64_t (*clock)(void);			/* monotonic microseconds; NULL: clock_monotonic */
};

/* With a loop: watches the terminal, its signals and timers, and draws before the loop sleeps. */
struct ui *ui_new(const struct ui_options *options);
void ui_free(struct ui *ui);	/* NULL allowed; before the loop and the terminal */

/* Something was folded into the model, or told beside it: drawn at the end of the turn, ten times a second at most. */
void ui_model_changed(struct ui *ui);
void ui_model_news(struct ui *ui);	/* the same, drawn at the end of this turn: the first of what a human waits for */
void ui_connected(struct ui *ui, int connected);	/* whether the engine is there */
void ui_replaying(struct ui *ui, const char *where);	/* shown in the title bar; NULL: live */
/* The answer to a command, query or line; error NULL: result. */
void ui_answer(struct ui *ui, uint64_t tag, const struct json *result, const char *error);
/* A sentence in the last line, until the next key. */
void ui_message(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the terminal to a program until it ends; meanwhile nothing is drawn or read, and the model goes on. -1 with a
 * sentence: there is no terminal, or the program does not start. */
int ui_run(struct ui *ui, const char *const *argv, struct err *err);

/* Input without a terminal, one event at a time; `alone`: nothing else came with it (DESIGN 7: type-ahead never approves). */
void ui_input(struct ui *ui, const struct input *input, int alone);
void ui_resize(struct ui *ui, int rows, int columns);
/* Runs an action as its key would, but for the guarded ones. */
void ui_action(struct ui *ui, enum action action);

/* Brings the panes up to date and draws, if anything changed. */
void ui_draw(struct ui *ui);
const struct grid *ui_grid(const struct ui *ui);	/* what was drawn last */

/* Nothing is left to do without new facts: no query is unanswered, nothing to draw, no grace before an approval runs. */
int ui_is_idle(const struct ui *ui);
const char *ui_focused_name(const struct ui *ui);	/* "Review"; for tests and scripts */

#endif
