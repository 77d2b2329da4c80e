/* How often a service may be asked, over all skydecks of this machine: one request at a time, a pause between two, and none at
 * all for a while after it refused. Kept in a file that is locked while a request is under way. */
#ifndef CORE_RESEARCH_PACE_H
#define CORE_RESEARCH_PACE_H

#include <stdint.h>

#include "core/io/loop.h"

struct pace;
struct pace_turn;

/* folder: where its file is, made before, or NULL; name: the service's, a file's name. interval: microseconds from the end of one request
 * to the beginning of the next. Where the file cannot be used, the terms are kept within this process. */
struct pace *pace_new(struct loop *loop, const char *folder, const char *name, int64_t interval);
void pace_free(struct pace *p);		/* turns that were asked for never come; NULL allowed */

/* Asks for a turn: go is called when it has come, from the loop, never from in here; in the order asked. It lasts until pace_end.
 * Where the service refuses for longer than PACE_PATIENCE, go is called at once, with until: then there is no turn. */
enum { PACE_PATIENCE = 3000000 };
typedef void pace_go(void *data, int64_t until);	/* 0: go; else the wall clock when the service may be asked again */
struct pace_turn *pace_ask(struct pace *p, pace_go *go, void *data);
/* Ends the turn, or the wait for it (NULL allowed). refused_for: microseconds that nobody may ask; 0: none; -1: nothing was asked. */
void pace_end(struct pace_turn *turn, int64_t refused_for);

#endif
