/* Server-sent events: the examples of the standard, every way to end a line, every size of piece, and what is too large. */
#include "core/agents/wire.h"

#include "tests/test.h"

#include "core/base/mem.h"

static struct buf heard;

static void hear(void *data, const char *name, const char *text, size_t n)
{
	(void)data;
	buf_printf(&heard, "[%s|", name);
	if (text)
		buf_add(&heard, text, n);
	else
		buf_puts(&heard, "dropped");
	buf_putc(&heard, ']');
}

static void feed(struct sse *s, const char *bytes, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step) {
		size_t size = n - i < step ? n - i : step;
		char *piece = xmalloc(size);
		memcpy(piece, bytes + i, size);
		sse_feed(s, piece, size, hear, NULL);
		free(piece);
	}
}

static void assert_heard(const char *stream, const char *events)
{
	size_t n = strlen(stream);
	for (size_t step = 1; step <= n; step++) {
		struct sse s = {0};
		feed(&s, stream, n, step);
		assert_string_equal(buf_str(&heard), events);
		sse_release(&s);
		buf_release(&heard);
	}
}

static void reads_events(void **state)
{
	(void)state;
	assert_heard("data: one\n\n", "[|one]");
	assert_heard("event: x\ndata: 1\n\ndata: 2\n\n", "[x|1][|2]");
	assert_heard("data:no space\n\ndata:  two\n\n", "[|no space][| two]");
	assert_heard("data: YHOO\ndata: +2\ndata: 10\n\n", "[|YHOO\n+2\n10]");
	assert_heard("data\n\ndata\ndata\n\ndata:", "[|][|\n]");
	assert_heard(": a comment\n\n:\n\ndata: x\n: another\n\n", "[|x]");
	assert_heard("id: 7\nretry: 10\nnobody: knows\ndata: x\n\n", "[|x]");
	assert_heard("event: alone\n\ndata: x\n\n", "[|x]");
	assert_heard("data: {\"a\":\"b: c\"}\n\n", "[|{\"a\":\"b: c\"}]");
	assert_heard("data: unfinished\n", "");
	assert_heard("data: unfinished", "");
}

static void reads_every_end_of_a_line(void **state)
{
	(void)state;
	assert_heard("event: x\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", "[x|1][|2]");
	assert_heard("event: x\rdata: 1\r\rdata: 2\r\r", "[x|1][|2]");
	assert_heard("data: 1\n\r\ndata: 2\r\n\ndata: 3\r\r\n", "[|1][|2][|3]");
	assert_heard("\n\r\n\r\r\ndata: 1\n\n", "[|1]");
}

static void reads_beyond_the_standard(void **state)
{
	(void)state;
	assert_heard("\xef\xbb\xbf" "data: 1\n\n", "[|1]");
	assert_heard("data: 1\n\n\xef\xbb\xbf" "data: 2\n\n", "[|1]");
	assert_heard("error: {\"code\":500}\n\n", "[error|{\"code\":500}]");
}

static void takes_bytes_as_they_are(void **state)
{
	(void)state;
	struct sse s = {0};
	feed(&s, "data: a\0b\xff\n\n", 12, 5);
	assert_int_equal(heard.len, 7);
	assert_memory_equal(heard.data, "[|a\0b\xff]", 7);
	sse_release(&s);
	buf_release(&heard);
}

static void drops_what_is_too_large(void **state)
{
	(void)state;
	enum { PIECE = 1 << 20 };
	struct sse s = {0};
	char *piece = xmalloc(PIECE);
	memset(piece, 'x', PIECE);
	sse_feed(&s, "event: big\ndata: ", 17, hear, NULL);
	for (int i = 0; i < 65; i++)
		sse_feed(&s, piece, PIECE, hear, NULL);
	assert_int_equal(s.line.room, 0);
	sse_feed(&s, "\ndata: rest\n\ndata: next\n\n", 25, hear, NULL);
	assert_string_equal(buf_str(&heard), "[big|dropped][|next]");
	buf_truncate(&heard, 0);
	for (int i = 0; i < 70; i++) {		/* many lines of one event */
		sse_feed(&s, "data: ", 6, hear, NULL);
		sse_feed(&s, piece, PIECE, hear, NULL);
		sse_feed(&s, "\n", 1, hear, NULL);
	}
	sse_feed(&s, "\ndata: last\n\n", 13, hear, NULL);
	assert_string_equal(buf_str(&heard), "[|dropped][|last]");
	assert_true(s.data.room <= PIECE);
	free(piece);
	sse_release(&s);
	buf_release(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_events),
		cmocka_unit_test(reads_every_end_of_a_line),
		cmocka_unit_test(reads_beyond_the_standard),
		cmocka_unit_test(takes_bytes_as_they_are),
		cmocka_unit_test(drops_what_is_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
