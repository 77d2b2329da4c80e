/* Comments that the user has written and the engine does not have yet. They are kept until the model shows them: a
 * refused or lost command loses no words. */
#ifndef PANES_DRAFTS_H
#define PANES_DRAFTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/data/model.h"

struct draft {
	char *proposal;
	char *file;		/* NULL: on the whole */
	int64_t line;		/* of the new side; 0: on the file */
	char *text;
	int is_sent;		/* on its way; gone when the model has it */
};

struct drafts {
	struct draft *at;
	size_t count, room;
	unsigned changes;	/* goes up with every change */
};

/* The draft at that place, or NULL. */
const struct draft *drafts_find(const struct drafts *d, const char *proposal, const char *file, int64_t line);
/* Writes it, or over what stands there; an empty text takes it away. */
void drafts_put(struct drafts *d, const char *proposal, const char *file, int64_t line, const char *text);
size_t drafts_count(const struct drafts *d, const char *proposal);
/* The array of them for the command `revise`, and marks them as sent. The caller owns it. */
struct json *drafts_send(struct drafts *d, const char *proposal);
/* Drops those that were sent and that the proposal has now. */
void drafts_settle(struct drafts *d, const struct proposal *p);
void drafts_release(struct drafts *d);

#endif
