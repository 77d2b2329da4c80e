/* Logs: the writer's count and the reader's index agree, whatever the bytes and however they come. */
#include "core/io/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"

static char folder[64], path[128];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/skydeck-logs-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/logs/deep/r1.log", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char *command = xasprintf("rm -rf '%s'", folder);
	int rc = system(command);
	free(command);
	return rc;
}

static struct log_writer *open_writer(void)
{
	struct err err = {0};
	struct log_writer *w = log_writer_open(path, &err);
	if (!w)
		fail_msg("%s", err.text);
	return w;
}

static struct log_reader *open_reader(void)
{
	struct err err = {0};
	struct log_reader *r = log_reader_open(path, &err);
	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static void add(struct log_writer *w, const char *bytes, size_t n)
{
	struct err err = {0};
	if (log_writer_add(w, bytes, n, &err))
		fail_msg("%s", err.text);
}

static void adds(struct log_writer *w, const char *s)
{
	add(w, s, strlen(s));
}

static void expect_line(struct log_reader *r, uint64_t i, const char *expected)
{
	struct buf line = {0};
	assert_int_equal(log_reader_line(r, i, &line), 0);
	assert_string_equal(buf_str(&line), expected);
	buf_release(&line);
}

static void lines_as_they_come(void **state)
{
	(void)state;
	struct log_writer *w = open_writer();
	struct log_reader *r = open_reader();
	struct buf none = {0};
	assert_int_equal(log_writer_lines(w), 0);
	assert_string_equal(log_writer_last_line(w), "");
	assert_int_equal(log_reader_refresh(r), 0);
	assert_int_equal(log_reader_line(r, 0, &none), -1);
	adds(w, "first\nsec");
	assert_int_equal(log_writer_lines(w), 2);
	assert_string_equal(log_writer_last_line(w), "sec");
	assert_int_equal(log_reader_refresh(r), 2);
	expect_line(r, 1, "sec");
	adds(w, "ond\nthird");
	expect_line(r, 1, "sec");	/* as of the last refresh */
	assert_int_equal(log_reader_line(r, 2, &none), -1);
	assert_int_equal(log_reader_refresh(r), 3);
	expect_line(r, 2, "third");
	expect_line(r, 1, "second");
	expect_line(r, 0, "first");
	adds(w, "\n\n");
	assert_int_equal(log_writer_lines(w), 4);
	assert_int_equal(log_writer_bytes(w), 20);
	assert_string_equal(log_writer_last_line(w), "third");	/* the last that says something */
	assert_int_equal(log_reader_refresh(r), 4);
	expect_line(r, 3, "");
	assert_int_equal(log_reader_line(r, 4, &none), -1);
	log_writer_close(w);
	log_reader_close(r);
	log_writer_close(NULL);
	log_reader_close(NULL);
}

static void last_line_is_bounded(void **state)
{
	(void)state;
	struct log_writer *w = open_writer();
	char text[2000], expected[LOG_LAST_MAX + 1] = {0};
	memset(text, 'a', sizeof text);
	memset(expected, 'a', LOG_LAST_MAX);
	adds(w, "before\n");
	add(w, text, 500);
	add(w, text, sizeof text);
	assert_string_equal(log_writer_last_line(w), expected);
	adds(w, "\nafter");
	assert_string_equal(log_writer_last_line(w), "after");
	log_writer_close(w);
}

static void an_existing_log_is_taken_up(void **state)
{
	(void)state;
	struct log_writer *w = open_writer();
	adds(w, "one\ntwo\nthr");
	log_writer_close(w);
	w = open_writer();
	assert_int_equal(log_writer_bytes(w), 11);
	assert_int_equal(log_writer_lines(w), 3);
	adds(w, "ee\n");
	assert_string_equal(log_writer_last_line(w), "three");
	assert_int_equal(log_writer_lines(w), 3);
	struct log_reader *r = open_reader();
	assert_int_equal(log_reader_refresh(r), 3);
	expect_line(r, 2, "three");
	log_reader_close(r);
	log_writer_close(w);
}

static void many_lines_in_any_order(void **state)
{
	(void)state;
	enum { LINES = 3 * LOG_STRIDE + 17 };
	struct log_writer *w = open_writer();
	for (int i = 0; i < LINES; i++) {
		char line[64];
		snprintf(line, sizeof line, "line %d\n", i);
		adds(w, line);
	}
	struct log_reader *r = open_reader();
	assert_int_equal(log_reader_refresh(r), LINES);
	for (int k = 0; k < 2 * LINES; k++) {
		int i = k < LINES ? k : (k * 7919) % LINES;
		char line[64];
		snprintf(line, sizeof line, "line %d", i);
		expect_line(r, (uint64_t)i, line);
	}
	log_reader_close(r);
	log_writer_close(w);
}

/* The rule again, in the plainest words. */
static size_t cut_plainly(const char *bytes, size_t n, size_t starts[], size_t lengths[])
{
	size_t count = 0, at = 0;
	while (at < n) {
		size_t length = 0;
		while (at + length < n && bytes[at + length] != '\n' && length < LOG_LINE_MAX)
			length++;
		starts[count] = at;
		lengths[count++] = length;
		at += length;
		if (at < n && bytes[at] == '\n')
			at++;
	}
	return count;
}

static void compare(const char *bytes, size_t n, size_t piece)
{
	static size_t starts[100000], lengths[100000];
	size_t expected = cut_plainly(bytes, n, starts, lengths);
	unlink(path);
	struct log_writer *w = open_writer();
	struct log_reader *r = open_reader();
	for (size_t at = 0; at < n; at += piece) {
		add(w, bytes + at, n - at < piece ? n - at : piece);
		if (at / piece % 5 == 0)
			assert_int_equal(log_reader_refresh(r), log_writer_lines(w));
	}
	assert_int_equal(log_writer_lines(w), expected);
	assert_int_equal(log_reader_refresh(r), expected);
	struct log_reader *fresh = open_reader();
	assert_int_equal(log_reader_refresh(fresh), expected);
	for (size_t i = 0; i < expected; i++) {
		struct buf a = {0}, b = {0};
		assert_int_equal(log_reader_line(r, i, &a), 0);
		assert_int_equal(log_reader_line(fresh, expected - 1 - i, &b), 0);
		assert_int_equal(a.len, lengths[i]);
		assert_int_equal(b.len, lengths[expected - 1 - i]);
		assert_memory_equal(buf_str(&a), bytes + starts[i], a.len);
		assert_memory_equal(buf_str(&b), bytes + starts[expected - 1 - i], b.len);
		buf_release(&a);
		buf_release(&b);
	}
	log_reader_close(r);
	log_reader_close(fresh);
	log_writer_close(w);
}

static void lines_around_the_limit_are_cut_alike(void **state)
{
	(void)state;
	struct buf b = {0};
	for (int length = LOG_LINE_MAX - 2; length <= LOG_LINE_MAX + 2; length++) {
		for (int i = 0; i < length; i++)
			buf_putc(&b, (char)('a' + i % 26));
		buf_puts(&b, length % 2 ? "\n" : "\n\n");
	}
	for (int i = 0; i < 2 * LOG_LINE_MAX; i++)
		buf_putc(&b, 'z');
	const size_t pieces[] = { b.len, LOG_LINE_MAX, LOG_LINE_MAX + 1, 4096, 65521 };
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		compare(b.data, b.len, pieces[i]);
	buf_truncate(&b, 0);
	for (int i = 0; i < 8 * LOG_LINE_MAX; i++)	/* lines of the limit that lie across what is read at once */
		buf_putc(&b, (i < 3 * LOG_LINE_MAX && (i + 1) % LOG_LINE_MAX == 0) || i == 4 * LOG_LINE_MAX ? '\n' : 'y');
	compare(b.data, b.len, b.len);
	buf_release(&b);
}

static void bytes_without_order(void **state)
{
	(void)state;
	struct buf b = {0};
	srand(7);
	for (int i = 0; i < 60000; i++)		/* NUL bytes and all, a newline now and then */
		buf_putc(&b, rand() % 30 ? (char)(rand() % 256) : '\n');
	compare(b.data, b.len, 777);
	compare(b.data, b.len, 61);
	buf_release(&b);
}

static void ten_megabytes_without_a_newline(void **state)
{
	(void)state;
	enum { SIZE = 10 << 20 };
	char *bytes = xmalloc(SIZE);
	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)('a' + i % 26);
	compare(bytes, SIZE, 300007);
	free(bytes);
}

static void a_file_that_became_shorter_is_read_anew(void **state)
{
	(void)state;
	struct log_writer *w = open_writer();
	struct log_reader *r = open_reader();
	adds(w, "one\ntwo\nthree\n");
	assert_int_equal(log_reader_refresh(r), 3);
	expect_line(r, 0, "one");
	assert_int_equal(truncate(path, 0), 0);
	struct buf out = {0};
	assert_int_equal(log_reader_refresh(r), 0);
	adds(w, "new\nx");
	assert_int_equal(log_reader_refresh(r), 2);
	expect_line(r, 0, "new");
	expect_line(r, 1, "x");
	for (int i = 0; i < 100000; i++)
		adds(w, "filler\n");
	assert_int_equal(log_reader_refresh(r), 100001);
	assert_int_equal(truncate(path, 0), 0);		/* and between refresh and line: no bytes are made up */
	assert_int_equal(log_reader_line(r, 1, &out), -1);
	assert_int_equal(out.len, 0);
	log_reader_close(r);
	log_writer_close(w);
}

static void a_full_disk_is_said_once(void **state)
{
	(void)state;
	struct err err = {0};
	strcpy(path, "/dev/full");
	struct log_writer *w = open_writer();
	assert_int_equal(log_writer_bytes(w), 0);	/* /dev/full reads as endless NULs: they are not what is there */
	assert_int_equal(log_writer_add(w, "abc\n", 4, &err), -1);
	assert_non_null(strstr(err.text, "No space left"));
	assert_int_equal(log_writer_add(w, "def", 3, &err), 0);
	assert_int_equal(log_writer_bytes(w), 7);
	assert_int_equal(log_writer_lines(w), 2);
	assert_string_equal(log_writer_last_line(w), "def");
	log_writer_close(w);
}

static void files_that_cannot_be_opened(void **state)
{
	(void)state;
	struct err err = {0};
	assert_null(log_reader_open(path, &err));
	assert_non_null(strstr(err.text, "cannot read the log"));
	strcpy(path, "/proc/no/such.log");
	assert_null(log_writer_open(path, &err));
	assert_non_null(strstr(err.text, "cannot write the log /proc/no/such.log: No such file"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lines_as_they_come), T(last_line_is_bounded), T(an_existing_log_is_taken_up), T(many_lines_in_any_order),
		T(lines_around_the_limit_are_cut_alike), T(bytes_without_order), T(ten_megabytes_without_a_newline),
		T(a_file_that_became_shorter_is_read_anew), T(a_full_disk_is_said_once), T(files_that_cannot_be_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
