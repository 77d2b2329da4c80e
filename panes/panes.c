/* The one list of panes. */
#include "panes/panes.h"

extern const struct pane_ops metrics_pane;

const struct pane_ops *const panes[] = {
	&metrics_pane,
	NULL,
};
