/* The panes of the cockpit. */
#ifndef PANES_PANES_H
#define PANES_PANES_H

#include "tui/pane.h"

/* NULL-terminated: digits 1 to 5 in their order, then those that open over them. */
extern const struct pane_ops *const panes[];

#endif
