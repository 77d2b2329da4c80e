/* The cockpit: a link to the engine, a copy of the model, the shell, and a terminal or a script. */
#ifndef TUI_COCKPIT_H
#define TUI_COCKPIT_H

#include "core/base/err.h"
#include "tui/pane.h"
#include "tui/ui.h"

struct cockpit_options {
	const char *socket_path;
	const char *directory;			/* the target's root: where commands typed behind `:` run */
	const char *program;			/* this program, to run them with */
	const struct pane_ops *const *panes;
	const struct ui_command *commands;
	const char *theme;			/* NULL: the setting ui.theme */
	const char *script;			/* instructions instead of a human (CONTRACT, "Scripted cockpit"); NULL: none */
	int observe, ascii, no_mouse;
	int leave_at_end;			/* leave when the session ends */
};

/* Runs until the human leaves. Returns an exit code; err has a sentence unless it is EXIT_DONE. */
int cockpit_run(const struct cockpit_options *options, struct err *err);

#endif
