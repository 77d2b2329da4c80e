/* The last lines of the log that shows why a proposal failed. */
#ifndef PANES_LOGEND_H
#define PANES_LOGEND_H

#include <stdint.h>

#include "core/data/model.h"
#include "panes/sheet.h"
#include "tui/pane.h"

struct logend {
	char *run;
	uint64_t tag;
	int is_asked;
	char *text, *error;	/* both NULL until the answer is there */
};

/* The run to show; NULL: the proposal did not fail in one. */
const char *logend_run(const struct proposal *p);
/* Asks for the log of p, unless it was asked for. Whether it did. */
int logend_ask(struct logend *l, const struct proposal *p, uint64_t tag, struct intent *want);
void logend_answer(struct logend *l, const struct answer *answer);
/* Adds what is there to the sheet; key: what opens the whole log. */
void logend_note(const struct logend *l, struct sheet *sheet, const char *key);
void logend_release(struct logend *l);

#endif
