/* What a human does with a source, wherever it is shown: the keys of the reading list and of a source's own pane. */
#ifndef PANES_SOURCES_H
#define PANES_SOURCES_H

#include "core/data/model.h"
#include "tui/pane.h"

/* drop, queue, note, browse, pager, copy; PANE_IGNORED for others. source NULL: none is selected. */
enum pane_result sources_act(const struct source *source, const struct act *act, struct intent *want);
int sources_offers(const struct source *source, enum action a);

/* Its address on the web, NULL where it has none; to be freed. */
char *sources_link(const struct source *source);

/* What came of a source or a kind: "2 of 7", "-" before anything was proposed from it. */
void sources_yield_text(unsigned proposals, unsigned kept, char out[32]);

#endif
