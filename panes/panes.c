/* The one list of panes. */
#include "panes/panes.h"

extern const struct pane_ops evidence_pane, grid_pane, log_pane, metrics_pane;

const struct pane_ops *const panes[] = {
	&grid_pane, &metrics_pane, &evidence_pane, &log_pane,
	NULL,
};
