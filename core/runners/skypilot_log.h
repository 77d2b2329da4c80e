/* The lines of a job's log, out of streams that break. Each stream begins with the log's first line again; a line is told
 * once, in order. Pure: bytes in, lines out. Used by skypilot_follow.c only. */
#ifndef CORE_RUNNERS_SKYPILOT_LOG_H
#define CORE_RUNNERS_SKYPILOT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/runners/skypilot.h"

enum { SKYPILOT_LINE_MAX = 65536 };	/* a longer line is told in pieces of this size */

struct skypilot_remark;

struct skypilot_log {	/* {0}, with line and data set */
	void (*line)(void *data, enum log_part part, const char *line, size_t n);
	void *data;
	int is_stopped;			/* set by whoever wants no more lines, also from inside line() */
	char finished[32];		/* the status in "Job finished (status: SUCCEEDED)", of this stream; "" before */
	/* The rest is the log's own. */
	struct buf pending;		/* a line that has not ended */
	enum log_part part;		/* of the piece before, when is_inside */
	int is_inside;
	uint64_t told, seen;		/* lines of the job's commands: in all, and in this stream */
	unsigned stream;
	struct skypilot_remark *remarks;	/* SkyPilot's own lines since the last one of the commands */
	size_t remark_count, remark_room;
};

void skypilot_log_feed(struct skypilot_log *log, const char *bytes, size_t n);
void skypilot_log_restart(struct skypilot_log *log);	/* the stream broke; the next one begins */
void skypilot_log_end(struct skypilot_log *log);	/* the log is whole: what has no newline is a line, too */
void skypilot_log_release(struct skypilot_log *log);

#endif
