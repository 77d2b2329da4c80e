/* A job's log as SkyPilot streams it. What the task's commands print has a prefix, `ESC[36m(task, pid=12)ESC[0m `, that
 * stands in the log file on the VM: those lines come again as they were in every stream, and are counted, so that a second
 * stream is silent until it is past what was told. All other lines are remarks, by SkyPilot or by what carries the log; they
 * may differ from stream to stream ("Waiting 1s for the logs", srun's complaints), so a remark is known again by its text,
 * and only among those that were told since the last line of the commands.
 *
 * A line of a running job may end in CR where that of an ended job ends in LF (the server reads the same file in two ways):
 * CR, LF and CRLF end a line all the same. What the commands print last, when it has no newline, SkyPilot shows in the log of
 * an ended job only, with its own last words in the same line. Lines in <sky-payload> are for SkyPilot's own client. See skylet/log_lib.py,
 * skylet/executor/slurm.py and server/stream_utils.py of SkyPilot 0.14. */
#include "core/runners/skypilot_log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

enum { REMARKS_MAX = 4096 };

struct skypilot_remark {
	uint64_t hash;
	unsigned stream;	/* the last one that held it */
};

struct span {
	const char *at;
	size_t len;
};

static int starts(struct span s, const char *with)
{
	size_t n = strlen(with);
	return s.len >= n && !memcmp(s.at, with, n);
}

static size_t digits(struct span s)
{
	size_t n = 0;
	while (n < s.len && isdigit((unsigned char)s.at[n]))
		n++;
	return n;
}

/* Whether s, what stands between the brackets, ends in pid=12 or pid=12, ip=10.0.0.2. */
static int names_process(struct span s)
{
	const char *pid = memmem(s.at, s.len, "pid=", 4), *next;
	while (pid && (next = memmem(pid + 4, s.len - (size_t)(pid + 4 - s.at), "pid=", 4)))
		pid = next;
	if (!pid || pid == s.at || pid[-1] != ' ')
		return 0;
	struct span rest = { pid + 4, s.len - (size_t)(pid + 4 - s.at) };
	size_t n = digits(rest);
	rest = (struct span){ rest.at + n, rest.len - n };
	return n && (!rest.len || starts(rest, ", ip="));
}

/* The length of a line's prefix, its one space included, and what it says about the line; 0: there is none. */
static size_t prefix_length(struct span line, enum log_part *part)
{
	static const char colour[] = "\033[36m", plain[] = "\033[0m";
	size_t from = starts(line, colour) ? sizeof colour - 1 : 0;
	if (from >= line.len || line.at[from] != '(')
		return 0;
	for (size_t i = from + 1; i < line.len && i < from + 512; i++) {
		struct span inner = { line.at + from + 1, i - from - 1 }, behind = { line.at + i + 1, line.len - i - 1 };
		if (line.at[i] != ')' || (from && !starts(behind, plain)) || !names_process(inner))
			continue;
		size_t end = i + 1 + (from ? sizeof plain - 1 : 0);
		*part = starts(inner, "setup pid=") ? LOG_SETUP : LOG_TASK;
		return end + (end < line.len && line.at[end] == ' ');
	}
	return 0;
}

static const char finish_words[] = "\xe2\x9c\x93 Job finished (status: ";	/* of sky/utils/ux_utils.py */

static void note_finish(struct skypilot_log *log, struct span line)
{
	const char *at = memmem(line.at, line.len, finish_words, sizeof finish_words - 1);
	if (!at)
		return;
	at += sizeof finish_words - 1;
	size_t n = 0, room = sizeof log->finished - 1;
	while (at + n < line.at + line.len && n < room && (isupper((unsigned char)at[n]) || at[n] == '_'))
		n++;
	memcpy(log->finished, at, n);
	log->finished[n] = '\0';
}

/* Whether it was told before this stream; else it is noted as told now. */
static int is_known_remark(struct skypilot_log *log, struct span line)
{
	while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
		line.len--;
	uint64_t hash = hash_bytes(line.at, line.len);
	for (size_t i = 0; i < log->remark_count; i++)
		if (log->remarks[i].hash == hash && log->remarks[i].stream != log->stream) {
			log->remarks[i].stream = log->stream;
			return 1;
		}
	if (log->remark_count < REMARKS_MAX) {
		struct skypilot_remark *remark = array_add(&log->remarks, &log->remark_count, &log->remark_room, sizeof *remark);
		*remark = (struct skypilot_remark){ hash, log->stream };
	}
	return 0;
}

static void tell(struct skypilot_log *log, enum log_part part, struct span line)
{
	if (part == LOG_SKYPILOT) {
		if (log->seen >= log->told && !is_known_remark(log, line))
			log->line(log->data, part, line.at, line.len);
		return;
	}
	if (log->seen++ < log->told)
		return;
	log->told = log->seen;
	log->remark_count = 0;
	log->line(log->data, part, line.at, line.len);
}

/* Where SkyPilot's last words begin in a line of the commands that has no newline: they are glued to it. NULL: they are not. */
static const char *glued_finish(struct span line)
{
	static const char reset[] = "\033[0m", green[] = "\033[32m";
	const char *at = memmem(line.at, line.len, finish_words, sizeof finish_words - 1);
	size_t before = at ? (size_t)(at - line.at) : 0;
	if (before < sizeof green - 1 || memcmp(at - sizeof green + 1, green, sizeof green - 1))
		return NULL;
	at -= sizeof green - 1;
	before -= sizeof green - 1;
	return before >= sizeof reset - 1 && !memcmp(at - sizeof reset + 1, reset, sizeof reset - 1) ? at - sizeof reset + 1 : at;
}

/* A line, or a piece of one that is too long. */
static void take_line(struct skypilot_log *log, struct span line, int has_ended)
{
	enum log_part part = log->is_inside ? log->part : LOG_SKYPILOT;
	size_t prefix = log->is_inside ? 0 : prefix_length(line, &part);
	int is_control = !log->is_inside && starts(line, "<sky-payload");
	log->is_inside = !has_ended;
	log->part = part;
	if (is_control)
		return;
	const char *from = line.at + prefix, *end = line.at + line.len;
	const char *finish = part == LOG_SKYPILOT ? line.at : glued_finish((struct span){ from, line.len - prefix });
	const char *to = finish ? finish : end;
	if (finish)
		note_finish(log, (struct span){ finish, (size_t)(end - finish) });
	if (part != LOG_SKYPILOT)
		tell(log, part, (struct span){ from, (size_t)(to - from) });
	if (finish && !log->is_stopped)
		tell(log, LOG_SKYPILOT, (struct span){ finish, (size_t)(end - finish) });
}

/* The length of the first line in s, its end included; 0: it is not whole. A CR at the very end may belong to a CRLF. */
static size_t line_length(struct span s)
{
	for (size_t i = 0; i < s.len && i < SKYPILOT_LINE_MAX; i++) {
		if (s.at[i] == '\n')
			return i + 1;
		if (s.at[i] == '\r' && i + 1 < s.len)
			return i + 1 + (s.at[i + 1] == '\n');
	}
	return s.len > SKYPILOT_LINE_MAX ? SKYPILOT_LINE_MAX : 0;
}

void skypilot_log_feed(struct skypilot_log *log, const char *bytes, size_t n)
{
	if (log->is_stopped)
		return;
	buf_add(&log->pending, bytes, n);
	size_t used = 0, len;
	while (!log->is_stopped && (len = line_length((struct span){ log->pending.data + used, log->pending.len - used }))) {
		char last = log->pending.data[used + len - 1];
		used += len;
		take_line(log, (struct span){ log->pending.data + used - len, len }, last == '\n' || last == '\r');
	}
	buf_consume(&log->pending, used);
}

void skypilot_log_restart(struct skypilot_log *log)
{
	buf_truncate(&log->pending, 0);
	log->is_inside = 0;
	log->finished[0] = '\0';
	log->seen = 0;
	log->stream++;
}

void skypilot_log_end(struct skypilot_log *log)
{
	if (log->pending.len && !log->is_stopped)
		take_line(log, (struct span){ log->pending.data, log->pending.len }, 1);
	buf_truncate(&log->pending, 0);
}

void skypilot_log_release(struct skypilot_log *log)
{
	buf_release(&log->pending);
	free(log->remarks);
	log->remarks = NULL;
	log->remark_count = log->remark_room = 0;
}
