/* The reading list at work, as its two halves see it: reading.c (what is on the list, and its text) and reader.c (who reads it). */
#ifndef CORE_ENGINE_READING_H
#define CORE_ENGINE_READING_H

#include "core/engine/state.h"

struct reading {
	struct engine *engine;
	struct research *research;
	struct identifying *identifying;
	struct fetch *fetches;
	struct kept_text *kept;		/* texts, the newest first */
	struct waiter *waiters;		/* who wants a source read */
	struct read *reads;		/* those that are being read */
	struct agent *reader;		/* of session.reader, when that is not the session's own agent */
	const struct agent_ops *reader_ops;
	char *reader_problem;		/* why it cannot be opened */
};

struct reading *reading_of(struct engine *e);		/* opens it when it is not */
int reading_is_unverified(const struct source *s);	/* nobody vouches for its title and authors */
int reading_is_repository(const struct source *s);	/* its text is files: those of a clone */
/* Puts it on the list, or finds it there: its id, borrowed. NULL: it could not be written down. */
const char *reading_found(struct engine *e, const char *by, const struct finding *f, const char *reason, const char *note);
void reading_status(struct engine *e, const char *by, const char *source, const char *status, const char *reason);

/* reader.c */
void reader_drop(struct reading *r, const void *data);
void reader_close(struct reading *r, const char *why);	/* who waits is told; what was being read waits on the list */

/* A text of its own. */
void source_text_copy(struct source_text *to, const struct source_text *from);
void source_text_release(struct source_text *t);

#endif
