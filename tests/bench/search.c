/* search write MB                  a stream for `git fast-import`: one commit with so many MB of source text, 15 kB a file
 * search copy URL CACHE            the copy that sources are searched in, as repository_clone makes it: prints its folder and commit
 * search time FOLDER COMMIT        prints "NAME VALUE" lines: milliseconds until a search has ended, of words that nothing has (all must be
 *                                  read), until the first line of one that has some, and until a search that was cancelled is gone */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/random.h"
#include "core/research/repository.h"

enum { FILE_SIZE = 15000, LINES = 20000, LINE = 160, RUNS = 5 };

struct timing {
	struct loop *loop;
	int64_t began, first;
	struct code_search *search;
	size_t lines;
	int ended, cancels;
};

static void die(const char *sentence)
{
	fprintf(stderr, "search: %s\n", sentence);
	exit(1);
}

static int one_of(struct random *random, int n)
{
	return (int)random_below(random, (uint64_t)n);
}

/* Words of some letters with numbers, so that they pack about as source text does. */
static void make_lines(struct random *random, char (*lines)[LINE])
{
	static const char *const words[] = { "int", "for", "vec", "dot", "row", "mul", "tensor", "block", "quant", "load", "store", "ptr", "len", "idx", "scale", "sum" };
	for (int i = 0; i < LINES; i++) {
		size_t at = (size_t)snprintf(lines[i], LINE, "%.*s", one_of(random, 5), "\t\t\t\t");
		for (int n = 3 + one_of(random, 6); n--; )
			at += (size_t)snprintf(lines[i] + at, LINE - at, "%c%s%d ", 'a' + one_of(random, 26), words[one_of(random, 16)], one_of(random, 4000));
		snprintf(lines[i] + at, LINE - at, ";\n");
	}
}

static void write_commit(long megabytes)
{
	struct random random;
	char (*lines)[LINE] = xcalloc(LINES, LINE);
	struct buf file = {0};
	random_seed(&random, 5);
	make_lines(&random, lines);
	printf("commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata 1\nx\n");
	for (long i = 0; i * FILE_SIZE < megabytes << 20; i++) {
		buf_truncate(&file, 0);
		while (file.len < FILE_SIZE)
			buf_puts(&file, lines[one_of(&random, LINES)]);
		printf("M 644 inline d%ld/s%ld/f%ld.c\ndata %zu\n%s\n", i % 50, i / 50 % 40, i, file.len, file.data);
	}
	printf("done\n");
	buf_release(&file);
	free(lines);
}

static void cloned(void *data, const char *folder, const char *commit, const char *problem)
{
	struct timing *t = data;
	if (problem)
		die(problem);
	printf("%s %s\n", folder, commit);
	loop_stop(t->loop);
}

static void line(void *data, const char *path, long number, const char *text)
{
	struct timing *t = data;
	(void)path, (void)number, (void)text;
	if (!t->lines++)
		t->first = clock_monotonic();
}

static void ended(void *data, const char *problem, int is_cut)
{
	struct timing *t = data;
	(void)is_cut;
	if (problem)
		die(problem);
	t->ended = 1;
	loop_stop(t->loop);
}

static void cancel(void *data)
{
	struct timing *t = data;
	t->began = clock_monotonic();
	code_search_cancel(t->search);
	loop_stop(t->loop);
}

static void search(struct timing *t, const char *name, struct code_query query)
{
	struct err err = {0};
	*t = (struct timing){ .loop = t->loop, .cancels = t->cancels };
	t->began = clock_monotonic();
	t->search = code_search(t->loop, &query, line, ended, t, &err);
	if (!t->search)
		die(err.text);
	if (t->cancels)
		loop_after(t->loop, 200000, cancel, t);
	loop_run(t->loop);
	int64_t now = query.limit ? t->first : clock_monotonic();
	printf("%s %.3f\n", name, (double)(now - t->began) / 1e3);
}

static void time_searches(struct timing *t, const char *folder, const char *commit)
{
	const struct code_query query = { .folder = folder, .commit = commit };
	for (int i = 0; i < RUNS; i++) {
		struct code_query q = query;
		q.pattern = "zqnothing9x";
		q.is_plain = 1;
		search(t, "plain", q);
		q.is_plain = 0;
		q.pattern = "zqnothing[0-9]+x";
		search(t, "regex", q);
		q.pattern = "qtensor3[0-9]* ";
		q.limit = 200;
		search(t, "first", q);
	}
	for (t->cancels = 1; t->cancels <= RUNS; t->cancels++) {
		struct code_query q = query;
		q.pattern = "zq(nothing|none)[0-9]+x";
		search(t, "cancelled", q);
	}
}

int main(int argc, char **argv)
{
	struct timing t = { .loop = loop_new() };
	if (argc == 3 && !strcmp(argv[1], "write")) {
		write_commit(atol(argv[2]));
	} else if (argc == 4 && !strcmp(argv[1], "copy")) {
		repository_clone(t.loop, argv[3], argv[2], cloned, &t);
		loop_run(t.loop);
	} else if (argc == 4 && !strcmp(argv[1], "time")) {
		time_searches(&t, argv[2], argv[3]);
	} else {
		die("write MB | copy URL CACHE | time FOLDER COMMIT");
	}
	loop_free(t.loop);
	return 0;
}
