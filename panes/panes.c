/* The one list of panes. */
#include "panes/panes.h"

extern const struct pane_ops agent_pane, budget_pane, events_pane, evidence_pane, grid_pane, help_pane, ideas_pane,
	log_pane, metrics_pane, reading_pane, review_pane, source_pane;

const struct pane_ops *const panes[] = {
	&reading_pane, &grid_pane, &metrics_pane, &review_pane, &agent_pane,
	&evidence_pane, &log_pane, &source_pane, &events_pane, &ideas_pane, &budget_pane, &help_pane,
	NULL,
};
