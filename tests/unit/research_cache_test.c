/* Answers on disk, whole or not at all; turns at a service, over several that want them. */
#include "core/research/cache.h"

#include "tests/test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/research/pace.h"

static char folder[300];

static int setup(void **state)
{
	static int number;
	char name[32];
	(void)state;
	snprintf(name, sizeof name, "deep/er/cache%d", number++);
	test_path(folder, sizeof folder, name);
	return 0;
}

static size_t count_files(char *last, size_t size)
{
	DIR *dir = opendir(folder);
	size_t n = 0;
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.') {
			snprintf(last, size, "%s/%s", folder, e->d_name);
			n++;
		}
	closedir(dir);
	return n;
}

static void test_whole(void **state)
{
	struct cache *c = cache_new(folder, 0);
	struct cached a;
	char path[600];
	struct stat st;
	(void)state;
	assert_int_equal(cache_read(c, "q", &a), -1);
	cache_write(c, "q", "text/html", "W/\"x\"", "a\0b", 3, 77);
	assert_int_equal(cache_read(c, "q", &a), 0);
	assert_string_equal(a.type, "text/html");
	assert_string_equal(a.tag, "W/\"x\"");
	assert_int_equal(a.when, 77);
	assert_int_equal(a.body.len, 3);
	assert_memory_equal(a.body.data, "a\0b", 4);
	cached_release(&a);
	cache_write(c, "q", "", "", "", 0, 78);
	assert_int_equal(cache_read(c, "q", &a), 0);
	assert_int_equal(a.body.len, 0);
	cached_release(&a);
	cache_write(c, "two\nlines", "", "", "x", 1, 1);
	cache_write(c, "t", "a\nwhen 1", "", "x", 1, 1);
	assert_int_equal(count_files(path, sizeof path), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	cache_drop(c, "q");
	assert_int_equal(cache_read(c, "q", &a), -1);
	cache_free(c);
	c = cache_new("/proc/nothing/here", 0);		/* nothing is kept, and nothing fails */
	cache_write(c, "q", "", "", "x", 1, 1);
	assert_int_equal(cache_read(c, "q", &a), -1);
	assert_null(cache_folder(c));
	cache_free(c);
}

/* Any byte of the file may be lost or another: what is then read is the answer, or nothing. */
static void test_damaged(void **state)
{
	struct cache *c = cache_new(folder, 0);
	struct cached a;
	struct buf file = {0};
	char path[600];
	size_t still_good = 0;
	(void)state;
	cache_write(c, "question", "t", "g", "the body", 8, 1234567);
	assert_int_equal(count_files(path, sizeof path), 1);
	assert_int_equal(buf_read_file(&file, path, 1 << 20), 0);
	for (size_t i = 0; i < file.len * 2; i++) {
		size_t at = i % file.len;
		FILE *f = fopen(path, "w");
		char changed = (char)(file.data[at] ^ 1);
		fwrite(file.data, 1, at, f);
		if (i >= file.len) {
			fwrite(&changed, 1, 1, f);
			fwrite(file.data + at + 1, 1, file.len - at - 1, f);
		}
		fclose(f);
		if (!cache_read(c, "question", &a)) {
			assert_string_equal(a.body.data, "the body");
			still_good++;
			cached_release(&a);
		}
	}
	assert_in_range(still_good, 1, 10);	/* type, tag and date of another letter or digit */
	buf_release(&file);
	cache_free(c);
}

static void test_bounded(void **state)
{
	enum { LIMIT = 1 << 20, SIZE = 50000 };
	struct cache *c = cache_new(folder, LIMIT);
	struct cached a;
	char *body = xcalloc(1, LIMIT), question[32], path[600];
	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(question, sizeof question, "q%d", i);
		cache_write(c, question, "", "", body, SIZE, i);
		usleep(2000);	/* a time of its own */
	}
	assert_in_range(count_files(path, sizeof path) * SIZE, LIMIT / 2, LIMIT + SIZE);
	assert_int_equal(cache_read(c, "q99", &a), 0);
	cached_release(&a);
	assert_int_equal(cache_read(c, "q0", &a), -1);
	cache_write(c, "giant", "", "", body, LIMIT, 1);	/* one that would take the room of all others */
	assert_int_equal(cache_read(c, "giant", &a), -1);
	free(body);
	cache_free(c);
}

struct wanting {
	struct pace *pace;
	struct pace_turn *turn;
	int came;
	int64_t until, when;
};

static void go(void *data, int64_t until)
{
	struct wanting *w = data;
	w->came++;
	w->until = until;
	w->when = clock_monotonic();
	if (until)
		w->turn = NULL;
}

static void wait_for(struct loop *loop, const struct wanting *w)
{
	while (!w->came)
		loop_turn(loop, -1);
}

static void test_turns(void **state)
{
	struct loop *loop = loop_new();
	struct cache *c = cache_new(folder, 0);
	struct pace *one = pace_new(loop, folder, "service", 300000), *other = pace_new(loop, folder, "service", 300000);
	struct wanting a = {0}, b = {0}, third = {0}, fourth = {0};
	(void)state;
	a.turn = pace_ask(one, go, &a);
	b.turn = pace_ask(one, go, &b);
	assert_int_equal(a.came, 0);
	wait_for(loop, &a);
	third.turn = pace_ask(other, go, &third);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 100000);
	assert_int_equal(b.came + third.came, 0);	/* one at a time, here and elsewhere */
	int64_t ended = clock_monotonic();
	pace_end(a.turn, 0);
	while (!b.came && !third.came)
		loop_turn(loop, -1);
	assert_int_equal(b.came + third.came, 1);	/* whose look is first is chance */
	struct wanting *second = b.came ? &b : &third, *last = b.came ? &third : &b;
	assert_true(second->when - ended >= 290000);	/* the file has the wall clock's time */
	ended = clock_monotonic();
	pace_end(second->turn, 0);
	wait_for(loop, last);
	assert_true(last->when - ended >= 290000);
	pace_end(last->turn, INT64_C(60000000));	/* it refused */
	fourth.turn = pace_ask(one, go, &fourth);
	wait_for(loop, &fourth);
	assert_true(fourth.until > clock_wall() + 50000000);
	pace_free(other);
	other = pace_new(loop, folder, "service", 0);	/* as after a restart */
	a = (struct wanting){0};
	a.turn = pace_ask(other, go, &a);
	pace_end(pace_ask(other, go, &b), -1);
	wait_for(loop, &a);
	assert_true(a.until > 0);
	pace_free(one);
	pace_free(other);
	pace_free(NULL);
	pace_end(NULL, 0);
	cache_free(c);
	loop_free(loop);
}

/* No folder to share; a file that makes no sense; a time that is far ahead. */
static void test_turns_without_a_file(void **state)
{
	struct loop *loop = loop_new();
	struct cache *c = cache_new(folder, 0);
	char path[600];
	static const char *const contents[] = { "nonsense", "9999999999999999999999 -5\n", "99999999999999999 99999999999999999\n" };
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct wanting a = {0};
		struct pace *p = pace_new(loop, i < 3 ? folder : NULL, "broken", 1000);
		snprintf(path, sizeof path, "%s/broken.pace", folder);
		FILE *f = fopen(path, "w");
		fputs(i < 3 ? contents[i] : "", f);
		fclose(f);
		a.turn = pace_ask(p, go, &a);
		wait_for(loop, &a);
		assert_int_equal(a.until, 0);
		pace_free(p);
	}
	cache_free(c);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, setup)
		TEST(whole), TEST(damaged), TEST(bounded), TEST(turns), TEST(turns_without_a_file),
	};
	return cmocka_run_group_tests_name("research/cache", tests, NULL, NULL);
}
