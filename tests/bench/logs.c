/* logs FILE: writes a log of 128 MB to FILE as the engine does (written, cut into lines and counted), and reads it as
 * the cockpit's log pane is answered (an index of every 256th line, then 50 lines anywhere). Prints samples, a line
 * each: "write MB/s", "index MB/s", "screen MICROSECONDS". The file stays, for others to be timed on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/io/logs.h"

enum { MEGABYTE = 1000000, BYTES = 128 * MEGABYTE, BLOCK = 65536, TIMES = 5, SCREEN = 50 };

static double seconds_since(int64_t start)
{
	return (double)(clock_monotonic() - start) / 1e6;
}

static void die(const struct err *err)
{
	fprintf(stderr, "bench: %s\n", err->text);
	exit(1);
}

/* Lines of 20 to 150 bytes, as compilers and benchmarks print them. */
static void fill(char *block)
{
	size_t next = 20;
	for (size_t i = 0; i < BLOCK; i++) {
		block[i] = i == next ? '\n' : (char)('a' + i % 26);
		if (i == next)
			next += 20 + i * 7919 % 131;
	}
}

static void write_log(const char *path)
{
	static char block[BLOCK];
	struct err err = {0};
	remove(path);
	struct log_writer *w = log_writer_open(path, &err);
	if (!w)
		die(&err);
	fill(block);
	int64_t start = clock_monotonic();
	for (size_t n = 0; n < BYTES; n += sizeof block)
		if (log_writer_add(w, block, sizeof block, &err) < 0)
			die(&err);
	printf("write %.0f\n", BYTES / seconds_since(start) / MEGABYTE);
	log_writer_close(w);
}

static void read_log(const char *path)
{
	struct err err = {0};
	struct buf text = {0};
	struct log_reader *r = log_reader_open(path, &err);
	if (!r)
		die(&err);
	int64_t start = clock_monotonic();
	uint64_t lines = log_reader_refresh(r);
	printf("index %.0f\n", BYTES / seconds_since(start) / MEGABYTE);
	for (uint64_t screen = 0; screen < 100; screen++, buf_truncate(&text, 0)) {
		start = clock_monotonic();
		for (uint64_t i = 0; i < SCREEN; i++)
			log_reader_line(r, screen * 7919 * 331 % (lines - SCREEN) + i, &text);
		printf("screen %.1f\n", seconds_since(start) * 1e6);
	}
	buf_release(&text);
	log_reader_close(r);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: logs FILE\n");
		return 2;
	}
	for (int i = 0; i < 2; i++)
		write_log(argv[1]);
	for (int i = 0; i < TIMES; i++)
		read_log(argv[1]);
	return 0;
}
