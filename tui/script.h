/* A scripted cockpit: one instruction a line (CONTRACT, "Scripted cockpit").
 *     keys TEXT    type TEXT    wait idle    wait text "…" [SECONDS]    wait event NAME [SECONDS]    size COLSxROWS
 *     save [--styled] FILE    expect "…"    expect-not "…"    quit         # a comment
 * Events of the history count as come in; `wait event` takes those up to the one that it waits for. */
#ifndef TUI_SCRIPT_H
#define TUI_SCRIPT_H

#include "core/base/err.h"

struct script;
struct cockpit;

struct script *script_load(const char *path, struct err *err);	/* NULL with file, line and what is wrong */
void script_free(struct script *s);
void script_event(struct script *s, const char *kind);	/* an event came in */

/* Runs all instructions. -1 at the first that fails: its line in err, the screen on stderr. */
int script_run(struct script *s, struct cockpit *c, struct err *err);

#endif
