/* How a proposal stands, in the marks, words and colours that all panes share. */
#ifndef PANES_STANDING_H
#define PANES_STANDING_H

#include "core/base/buf.h"
#include "core/data/model.h"
#include "tui/style.h"

struct standing {
	const char *mark;	/* ◆ kept, ▸ under way, ! waits for the human, x failed or refused, · not kept */
	const char *verdict;	/* the word, "" while there is none */
	const char *state;	/* in the user's words ("to sign !"), "" once the verdict says it all */
	const char *word;	/* whichever of the two says more: for where there is room for one */
	enum style style;	/* of mark and words */
};

struct standing standing_of(const struct proposal *p);

/* Whether it is out of the session or never was in it: vetoed, cancelled, in conflict, failed. Shown muted. */
int standing_is_out(const struct proposal *p);

/* Adds "keep landed +6.0 % [5.3 6.7]": all that came of it, in one breath. */
void standing_line(const struct proposal *p, struct buf *out);

/* How far the reading of a source is: · found, q queued, ▸ being read, r read, u used, x dropped; and its colour. */
const char *standing_source_mark(const struct source *s);
enum style standing_source_style(const struct source *s);

/* Whether a line of a turn's transcript says who speaks from here on: "[told]", "[agent]" … (core/engine/turns.c) */
int standing_is_speaker(const char *line);

/* Whether an agent takes turns here: others propose by themselves, and are told nothing. */
int standing_has_turns(const struct model *m);

/* What the agent has to hear of a proposal, that holds this text (NULL: whatever was said last); NULL: nothing. */
const struct message *standing_said(const struct model *m, const struct proposal *p, const char *text);

/* Adds what became of something that the agent has to hear: "told in turn 7", "waits for its next turn"; and, where it is
 * about a proposal, "answered by rev 3". */
void standing_told(const struct model *m, const struct message *message, struct buf *out);

/* The colour of a line about an event: who said it, or what it means. */
enum style standing_event_style(const struct model *m, const struct activity *a);

/* Adds the line of an activity without the advice on commands of the shell that lines for a terminal end in. */
void standing_event_text(const struct activity *a, struct buf *out);

/* Better, worse, or nothing to be said: by the interval where there is one. */
enum style standing_change_style(const struct proposal *p);

#endif
