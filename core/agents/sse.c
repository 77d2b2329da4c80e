/* Server-sent events out of bytes as they arrive (WHATWG HTML, section 9.2), for both model APIs. A line that is whole in
 * what came is read where it stands; only what is cut off by the end of a piece is kept.
 *
 * Beyond the standard: a line "error: …", as older llama.cpp servers send it, is an event named error. What is dropped for
 * its size is told as an event without text, since an answer with a hole in it must not be taken for whole. */
#include "core/agents/wire.h"

#include <string.h>

enum { LINE_MAX_SIZE = 64 << 20, KEPT_ROOM = 1 << 20 };

void sse_release(struct sse *s)
{
	buf_release(&s->line);
	buf_release(&s->name);
	buf_release(&s->data);
}

/* Whoever sent one huge event does not cost its memory for the rest of the stream. */
static void empty(struct buf *b)
{
	if (b->room > KEPT_ROOM)
		buf_release(b);
	else
		buf_truncate(b, 0);
}

static void dispatch(struct sse *s, sse_event *event, void *data)
{
	int is_dropped = s->is_dropped, has_data = s->has_data;
	s->is_dropped = s->has_data = 0;
	if (is_dropped)
		event(data, buf_str(&s->name), NULL, 0);
	else if (has_data)
		event(data, buf_str(&s->name), buf_str(&s->data), s->data.len);
	empty(&s->name);
	empty(&s->data);
}

static void add_data(struct sse *s, const char *value, size_t n)
{
	if (s->data.len + n >= LINE_MAX_SIZE)
		s->is_dropped = 1;
	if (s->is_dropped)
		return;
	if (s->has_data)
		buf_putc(&s->data, '\n');
	buf_add(&s->data, value, n);
	s->has_data = 1;
}

static void set_name(struct sse *s, const char *value, size_t n)
{
	buf_truncate(&s->name, 0);
	buf_add(&s->name, value, n);
}

static int is_field(const char *line, size_t n, const char *name)
{
	return n == strlen(name) && !memcmp(line, name, n);
}

static void read_line(struct sse *s, const char *line, size_t n, sse_event *event, void *data)
{
	if (!s->has_begun && n >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
		line += 3;
		n -= 3;
	}
	s->has_begun = 1;
	if (!n) {
		dispatch(s, event, data);
		return;
	}
	const char *colon = memchr(line, ':', n), *value = colon ? colon + 1 : line + n;
	size_t name = colon ? (size_t)(colon - line) : n, rest = n - (size_t)(value - line);
	if (rest && *value == ' ') {
		value++;
		rest--;
	}
	if (is_field(line, name, "data")) {
		add_data(s, value, rest);
	} else if (is_field(line, name, "event")) {
		set_name(s, value, rest);
	} else if (is_field(line, name, "error")) {
		set_name(s, "error", 5);
		add_data(s, value, rest);
	}
}

static void keep(struct sse *s, const char *bytes, size_t n)
{
	if (s->line.len + n > LINE_MAX_SIZE) {
		s->is_long = s->is_dropped = 1;
		buf_release(&s->line);
	}
	if (!s->is_long)
		buf_add(&s->line, bytes, n);
}

static void end_line(struct sse *s, const char *bytes, size_t n, sse_event *event, void *data)
{
	if (!s->line.len && !s->is_long) {
		read_line(s, bytes, n, event, data);
		return;
	}
	keep(s, bytes, n);
	if (!s->is_long)
		read_line(s, s->line.data, s->line.len, event, data);
	s->is_long = 0;
	empty(&s->line);
}

void sse_feed(struct sse *s, const char *bytes, size_t n, sse_event *event, void *data)
{
	for (size_t i = 0, from = 0; i < n; from = i) {
		if (s->saw_return && bytes[i] == '\n')
			from = ++i;
		s->saw_return = 0;
		while (i < n && bytes[i] != '\n' && bytes[i] != '\r')
			i++;
		if (i == n) {
			keep(s, bytes + from, n - from);
			return;
		}
		s->saw_return = bytes[i] == '\r';
		end_line(s, bytes + from, i - from, event, data);
		i++;
	}
}
