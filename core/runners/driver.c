/* The driver's lines, found in the stream of a step or of a whole batch. A command may leave its last line
 * unfinished, and `sky logs` puts its own words in front, so a line of the driver may begin anywhere; it is one only
 * if it ends in the token. What could still become one is held back, at most DRIVER_LINE_MAX bytes; all else passes
 * through at once. */
#include "core/runners/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"

static const char mark[] = "SKYDECK ";
enum { MARK = sizeof mark - 1 };

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void take_field(struct driver_line *line, const char *key, const char *value)
{
	if (!strcmp(key, "run"))
		copy(line->run, sizeof line->run, value);
	else if (!strcmp(key, "arm"))
		copy(line->arm, sizeof line->arm, value);
	else if (!strcmp(key, "step"))
		copy(line->step, sizeof line->step, value);
	else if (!strcmp(key, "artifact"))
		copy(line->artifact, sizeof line->artifact, value);
	else if (!strcmp(key, "arch"))
		copy(line->arch, sizeof line->arch, value);
	else if (!strcmp(key, "boot"))
		copy(line->boot, sizeof line->boot, value);
	else if (!strcmp(key, "round"))
		line->round = (unsigned)strtoul(value, NULL, 10);
	else if (!strcmp(key, "exit"))
		line->exit_code = (int)strtol(value, NULL, 10);
	else if (!strcmp(key, "seconds"))
		line->seconds = strtod(value, NULL);
	else if (!strcmp(key, "timeout"))
		line->timeout = strtol(value, NULL, 10);
	else if (!strcmp(key, "cpus"))
		line->cpus = strtol(value, NULL, 10);
	else if (!strcmp(key, "memory_mb"))
		line->memory_mb = strtol(value, NULL, 10);
	else if (!strcmp(key, "same"))
		line->is_same = !strcmp(value, "1");
	else if (!strcmp(key, "kept"))
		line->is_kept = !strcmp(value, "1");
}

/* text: what stands between the mark and the newline. 0: it is no line of the driver. */
static int parse_line(const char *token, const char *text, size_t len, struct driver_line *line)
{
	char copied[DRIVER_LINE_MAX + 1], *next = copied, *field;
	if (len && text[len - 1] == '\r')
		len--;
	memcpy(copied, text, len);
	copied[len] = '\0';
	char *last = strrchr(copied, ' ');
	if (!token || !last || strncmp(last, " token=", 7) || strcmp(last + 7, token))
		return 0;
	*last = '\0';
	*line = (struct driver_line){ .word = DRIVER_RUN, .seconds = -1 };
	while ((field = strsep(&next, " "))) {
		char *equals = strchr(field, '=');
		if (equals) {
			*equals = '\0';
			take_field(line, field, equals + 1);
		} else if (!strcmp(field, "end")) {
			line->word = DRIVER_END;
		} else if (!strcmp(field, "skip")) {
			line->word = DRIVER_SKIP;
		} else if (!strcmp(field, "host")) {
			line->word = DRIVER_HOST;
		}
	}
	return 1;
}

/* How many of the last bytes could be the beginning of a mark. */
static size_t half_mark(const char *bytes, size_t n)
{
	size_t longest = n < MARK - 1 ? n : MARK - 1;
	while (longest && memcmp(bytes + n - longest, mark, longest))
		longest--;
	return longest;
}

static void pass(struct driver *d, size_t from, size_t to)
{
	if (to > from)
		d->output(d->data, d->pending.data + from, to - from);
}

void driver_feed(struct driver *d, const char *bytes, size_t n)
{
	buf_add(&d->pending, bytes, n);
	const char *data = d->pending.data;
	size_t len = d->pending.len, from = 0, at = 0, keep;	/* [from, at): output that is not passed on yet */
	for (;;) {
		const char *found = memmem(data + at, len - at, mark, MARK);
		if (!found) {
			keep = len - half_mark(data + at, len - at);
			break;
		}
		size_t start = (size_t)(found - data), left = len - start;
		const char *newline = memchr(found, '\n', left < DRIVER_LINE_MAX ? left : DRIVER_LINE_MAX);
		struct driver_line line;
		if (!newline && left < DRIVER_LINE_MAX) {
			keep = start;
			break;
		}
		/* The last mark of the line: what stands before it is a command's. */
		for (const char *next = found; newline && next; next = memmem(next + 1, (size_t)(newline - next) - 1, mark, MARK))
			start = (size_t)(next - data);
		at = start + MARK;
		if (newline && parse_line(d->token, data + at, (size_t)(newline - data) - at, &line)) {
			pass(d, from, start);
			d->said(d->data, &line);
			from = at = (size_t)(newline - data) + 1;
		}
	}
	pass(d, from, keep);
	buf_consume(&d->pending, keep);
}

void driver_end(struct driver *d)
{
	pass(d, 0, d->pending.len);
	buf_truncate(&d->pending, 0);
}

void driver_release(struct driver *d)
{
	buf_release(&d->pending);
}

void driver_new_token(char token[DRIVER_TOKEN])
{
	snprintf(token, DRIVER_TOKEN, "%014" PRIx64 "%014" PRIx64, random_fresh_seed(), random_fresh_seed());
}

void driver_put(struct buf *out, const char *word, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "%s ", word);
	for (; *text; text++)
		buf_putc(out, *text == '\n' ? ' ' : *text);
	buf_putc(out, '\n');
}
