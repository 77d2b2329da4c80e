/* How a proposal stands, in the marks, words and colours that all panes share. */
#ifndef PANES_STANDING_H
#define PANES_STANDING_H

#include "core/data/model.h"
#include "tui/style.h"

struct standing {
	const char *mark;	/* one column: ◆ kept, ▸ under way, ! waits for the human, x failed or refused, · measured and not kept */
	const char *verdict;	/* the word, "" while there is none */
	const char *state;	/* in the user's words ("to sign !"), "" once the verdict says it all */
	const char *word;	/* whichever of the two says more: for where there is room for one */
	enum style style;	/* of mark and words */
};

struct standing standing_of(const struct proposal *p);

/* Whether it is out of the session or never was in it: vetoed, cancelled, in conflict, failed. Shown muted. */
int standing_is_out(const struct proposal *p);

/* Better, worse, or nothing to be said: by the interval where there is one. */
enum style standing_change_style(const struct proposal *p);

#endif
