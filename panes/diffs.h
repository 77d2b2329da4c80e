/* The diffs that the review has asked for: a few are kept, so that going back and forth in the queue asks once. */
#ifndef PANES_DIFFS_H
#define PANES_DIFFS_H

#include <stddef.h>
#include <stdint.h>

#include "panes/diff.h"
#include "tui/pane.h"

enum { DIFFS_KEPT = 6 };

enum slot_state { SLOT_EMPTY, SLOT_ASKED, SLOT_READY, SLOT_FAILED };

struct slot {
	enum slot_state state;
	char *proposal;
	size_t rev, from;	/* from: the older revision of an interdiff; 0: against the baseline */
	uint64_t tag;		/* of the question; also names what the slot holds */
	uint64_t used;
	struct diff diff;
	int is_cut;
	char *error;		/* SLOT_FAILED */
	uint32_t place;		/* the line where the reader was; DIFF_NONE: at the top */
};

struct diffs {
	struct slot slots[DIFFS_KEPT];
	uint64_t uses;
};

/* The slot of that diff, or NULL. The one that was got last is never given up next. */
struct slot *diffs_get(struct diffs *d, const char *proposal, size_t rev, size_t from);
/* Asks for it: fills the intent and takes the slot that was not used for longest. */
void diffs_ask(struct diffs *d, const char *proposal, size_t rev, size_t from, uint64_t tag, struct intent *want);
/* Whether the answer was for a slot. One that is about anything but what was asked fails the slot. */
int diffs_answer(struct diffs *d, const struct answer *answer);
void slot_clear(struct slot *s);
void diffs_release(struct diffs *d);

#endif
