/* The journal of a session, event by event, and on as it grows. */
#ifndef CORE_CLI_FOLLOW_H
#define CORE_CLI_FOLLOW_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/data/event.h"
#include "core/data/model.h"
#include "core/engine/target.h"

struct follow {
	const struct target *target;
	const char *session;	/* NULL: the current one */
	uint64_t since;		/* only events after it */
	int on;			/* 1: goes on as the journal grows, until the session has ended */
	int needs_engine;	/* 1: an open session that no engine works on any more is an error */
	/* Called for each event, with the model after it; returning 1 stops. body: the event as the journal has it. */
	int (*event)(void *data, const struct event *ev, const struct model *m, const char *body, size_t len);
	void *data;
};

/* Folds the journal into m (initialised by the caller, who releases it) and calls back as said. 0, or -1. */
int follow_events(const struct follow *f, struct model *m, struct err *err);

/* Adds "14:02:11  p3   keep …" and a newline; returns 0 and adds nothing where the event is not worth a line. */
int follow_line(const struct event *ev, const struct model *m, struct buf *out);

#endif
