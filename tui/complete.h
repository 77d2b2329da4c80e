/* What can follow a command in a typed line: words, options and ids, from the command's own grammar ("ID --reason TEXT"). */
#ifndef TUI_COMPLETE_H
#define TUI_COMPLETE_H

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tui/ui.h"

/* Adds the lines that begin with `line`, which has a blank after the command's name, and have its last word completed; ids of
 * proposals are those to which the command can do something. None while free text is typed. */
void complete_line(const struct ui_command *command, const struct model *m, const char *line, struct strings *out);

/* What the last word of the line is the id of: a proposal's title and state, a worker's name. Nothing otherwise. */
void complete_explain(const struct model *m, const char *line, struct buf *out);

#endif
