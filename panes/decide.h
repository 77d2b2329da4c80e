/* The human's word on a proposal: approve, sign, veto, wave past the guard, ask for changes, comment, cancel, retry.
 * What the state does not allow is answered with why. Embedded in the review's state; {0} is an empty one. */
#ifndef PANES_DECIDE_H
#define PANES_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "core/data/model.h"
#include "panes/drafts.h"
#include "tui/pane.h"

/* Where a comment goes: the current line. */
struct comment_place {
	char *file;		/* NULL: the proposal as a whole */
	int64_t line;		/* of the new side; 0: the file */
	char *about;		/* put before the text, "(removed line 90) "; NULL: nothing */
};

struct decide {
	struct drafts drafts;
	char *shown;				/* whose whole diff stands on the screen; NULL: none */
	size_t shown_rev;
	char *decided;				/* the last decision made here, until the engine confirms it */
	enum proposal_state decided_in;
	int decided_signed;
	char *asked;				/* what the open prompt is about: what is typed goes there */
	size_t asked_rev;
	struct comment_place place;
};

/* Whether the action is one of these. */
int decide_takes(enum action a);

/* Carries it out on p or, when act->text is what was typed, on what the prompt was opened on. here: where a comment goes. */
enum pane_result decide_act(struct decide *d, const struct keymap *map, const struct model *m, const struct proposal *p,
                            const struct comment_place *here, const struct act *act, struct intent *want);

/* What is drawn now: the whole diff of the newest revision of p; NULL: of none. */
void decide_shown(struct decide *d, const struct proposal *p);
int decide_is_shown(const struct decide *d, const struct proposal *p);

/* Whether the engine has confirmed the last decision on it. Told once. */
int decide_is_confirmed(struct decide *d, const struct model *m);
/* The human went on by themselves: the decision moves nothing any more. */
void decide_forget(struct decide *d);

void comment_place_release(struct comment_place *place);
void decide_release(struct decide *d);

/* Whether the action, if it is a decision, can be made on the proposal as it is now (NULL: there is none). */
int decide_offers(const struct proposal *p, enum action a);

/* The keys of an action in the review, for sentences (":waive" when it has none); the caller frees it. */
char *decide_key(const struct keymap *map, enum action a);

#endif
