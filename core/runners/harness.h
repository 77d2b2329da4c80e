/* What a harness prints: METRIC lines, and what SkyPilot's published experiment.yaml says around them.
 *
 *     METRIC name=value        at the start of a line, one or more blanks between; a name printed again is another sample
 *
 * The grammar is the union of what three tools take (pi-autoresearch, SkyPilot's example, GreenCedar's
 * codex-autoresearch); each line carries a mark for every tool that would drop it. A value is a decimal number, or 0x
 * 0o 0b, or one with thousands separators (1,000), and a unit may follow it (5ms, 5 s): the unit is passed over. What
 * is not finite, or no number, is counted and named, but is no metric. Colour codes and `sky logs`' "(task, pid=1) "
 * are passed over too. */
#ifndef CORE_RUNNERS_HARNESS_H
#define CORE_RUNNERS_HARNESS_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/data/metric.h"

enum harness_tool { HARNESS_PI = 1, HARNESS_SKYPILOT = 2, HARNESS_GREENCEDAR = 4 };

/* What experiment.yaml said (its exit code is always 0); HARNESS_SILENT: this was another harness. */
enum harness_status {
	HARNESS_SILENT,
	HARNESS_DONE,
	HARNESS_CRASH,
	HARNESS_BUILD_FAILED,
	HARNESS_TIMEOUT,
	HARNESS_NO_METRIC,
	HARNESS_CHECKS_FAILED,
};

/* Bytes of a line that are looked at, bytes of a name, METRIC lines and different names of one run that are kept. */
enum { HARNESS_LINE_MAX = 4096, HARNESS_NAME_MAX = 128, HARNESS_SAMPLES = 65536, HARNESS_NAMES = 256 };

struct harness_line {
	size_t metric;		/* index into metrics.at */
	double value;
	unsigned dropped_by;	/* enum harness_tool, or-ed */
};

/* {0} is one that has read nothing. */
struct harness {
	struct metrics metrics;
	struct harness_line *lines;	/* in the order printed */
	size_t line_count, line_room;
	enum harness_status status;
	char *reason;			/* of a status that is no success: "benchmark timed out after 300s"; safe text */
	char *checks;			/* what CHECKS_STATUS said, safe text; NULL: nothing */
	size_t refused;			/* METRIC lines that are no metric… */
	char *refused_why;		/* …and the first of them: "METRIC x=nan: not finite"; safe text */

	struct buf line;		/* from here on: the parser's own */
	int is_cut, after_return, has_header, in_trailer;
};

/* Takes bytes as they come, in pieces of any size. */
void harness_feed(struct harness *h, const char *bytes, size_t n);
void harness_end(struct harness *h);	/* the last line may lack its newline */
void harness_release(struct harness *h);

#endif
