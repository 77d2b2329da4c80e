/* Memory, arrays, strings, buffers, errors, the debug log and hashes: what everything else stands on. */
#include "tests/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct item {
	int number;
	char *name;
};

static void arrays_grow_and_close_gaps(void **state)
{
	struct item *items = NULL;
	size_t count = 0, room = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct item *item = array_add(&items, &count, &room, sizeof *item);
		assert_true(item == &items[i] && !item->number && !item->name);
		item->number = i;
	}
	array_remove(&items, &count, 500, sizeof *items);
	assert_int_equal(items[499].number, 499);
	assert_int_equal(items[500].number, 501);
	assert_int_equal(items[998].number, 999);
	array_remove(&items, &count, 0, sizeof *items);
	assert_int_equal(items[0].number, 1);
	array_remove(&items, &count, 997, sizeof *items);
	assert_int_equal(count, 997);
	assert_int_equal(items[996].number, 998);
	struct item *again = array_add(&items, &count, &room, sizeof *again);
	assert_int_equal(again->number, 0);	/* although 999 stood there once */
	free(items);
}

static void strings_are_copies(void **state)
{
	struct strings list = {0}, copy = {0};
	char word[] = "word", *field = NULL;
	(void)state;
	strings_add(&list, word);
	word[0] = 'x';
	strings_add(&list, "");
	assert_true(strings_have(&list, "word") && strings_have(&list, "") && !strings_have(&list, "xord"));
	strings_add(&copy, "old");
	strings_copy(&copy, &list);
	strings_copy(&copy, &copy);
	strings_release(&list);
	assert_int_equal(copy.count, 2);
	assert_string_equal(copy.at[0], "word");
	assert_int_equal(list.count, 0);
	strings_release(&copy);
	string_set(&field, "abc");
	string_set(&field, field + 1);
	assert_string_equal(field, "bc");
	string_set(&field, NULL);
	assert_null(field);
	assert_null(xstrdup(NULL));
	char *text = xasprintf("%d %s", 7, "x"), *part = xstrndup(text, 3), *zero = xcalloc(0, 5);
	assert_string_equal(text, "7 x");
	assert_string_equal(part, "7 x");
	assert_non_null(zero);
	free(text);
	free(part);
	free(zero);
}

static void buffers_grow_and_shrink(void **state)
{
	struct buf b = {0};
	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "%03d ", i);
	assert_int_equal(b.len, 2000);
	assert_memory_equal(b.data + 1996, "499 ", 5);
	buf_consume(&b, 1992);
	assert_string_equal(buf_str(&b), "498 499 ");
	buf_consume(&b, 0);
	buf_truncate(&b, 3);
	buf_truncate(&b, 10);
	buf_putc(&b, 0);
	buf_puts(&b, "x");
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "498\0x", 6);
	buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
	char *taken = buf_take(&b), *empty = buf_take(&b);
	assert_string_equal(taken, "");
	assert_string_equal(empty, "");
	assert_null(b.data);
	free(taken);
	free(empty);
	buf_release(&b);
}

static void reads_files_up_to_a_limit(void **state)
{
	char path[256];
	struct buf b = {0};
	(void)state;
	FILE *file = fopen(test_path(path, sizeof path, "file"), "w");
	assert_non_null(file);
	for (int i = 0; i < 40000; i++)
		fputc(i % 251, file);
	fclose(file);
	buf_puts(&b, "front");
	assert_int_equal(buf_read_file(&b, path, 40000), 0);
	assert_int_equal(b.len, 40005);
	assert_memory_equal(b.data, "front\0\1\2", 8);
	assert_int_equal((unsigned char)b.data[40004], 39999 % 251);
	buf_truncate(&b, 5);
	assert_int_equal(buf_read_file(&b, path, 39999), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(b.len, 5);
	assert_string_equal(buf_str(&b), "front");
	assert_int_equal(buf_read_file(&b, "/nowhere/at/all", 10), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(buf_read_file(&b, "/", 10), -1);
	assert_int_equal(errno, EISDIR);
	buf_release(&b);
	unlink(path);
}

static void errors_are_safe_sentences(void **state)
{
	struct err err = {0};
	char expected[sizeof err.text + 8];
	(void)state;
	assert_int_equal(err_set(&err, "cannot open %s: no\n", "a\033[2Jb\nc\xff"), -1);
	assert_string_equal(err.text, "cannot open a<1B>[2Jb c<FF>: no");
	assert_int_equal(err.code, EXIT_FAILED);
	assert_int_equal(err_refuse(&err, "(%s)", err.text), -1);
	assert_string_equal(err.text, "(cannot open a<1B>[2Jb c<FF>: no)");
	assert_int_equal(err.code, EXIT_REFUSED);
	assert_int_equal(err_prefix(&err, "line %d", 3), -1);
	assert_string_equal(err.text, "line 3: (cannot open a<1B>[2Jb c<FF>: no)");
	assert_int_equal(err.code, EXIT_REFUSED);
	err_code(&err, EXIT_USAGE, "%s", "");
	assert_string_equal(err.text, "");
	assert_int_equal(err.code, EXIT_USAGE);
	assert_int_equal(err_set(NULL, "x") + err_refuse(NULL, "x"), -2);
	assert_int_equal(err_code(NULL, EXIT_USAGE, "x") + err_prefix(NULL, "x"), -2);
	for (size_t odd = 0; odd < 3; odd++) {	/* cut between characters, wherever the limit falls */
		size_t len = odd;
		memset(expected, '.', odd);
		while (len + 3 < sizeof err.text) {
			memcpy(expected + len, "\xe2\x82\xac", 3);
			len += 3;
		}
		expected[len] = '\0';
		err_set(&err, "%s\xe2\x82\xac", expected);
		assert_string_equal(err.text, expected);
		assert_true(text_is_valid(err.text, strlen(err.text)));
	}
}

static void the_log_takes_lines_while_open(void **state)
{
	char path[256];
	struct err err;
	struct buf b = {0};
	struct stat st;
	(void)state;
	log_line("nobody hears this");
	mode_t mask = umask(0);
	test_path(path, sizeof path, "log");
	assert_error(log_open("/nowhere/at/all", &err), &err, "/nowhere/at/all: No such file");
	assert_ok(log_open(path, &err), &err);
	errno = EBUSY;
	log_line("one %d\n\033", 1);
	assert_int_equal(errno, EBUSY);
	assert_ok(log_open(path, &err), &err);
	log_line("two");
	log_close();
	log_line("nor this");
	assert_int_equal(buf_read_file(&b, path, 1000), 0);
	char expected[64];
	snprintf(expected, sizeof expected, "Z %d one 1 <1B>\n", (int)getpid());
	assert_non_null(strstr(b.data, expected));
	assert_string_equal(b.data + b.len - 5, " two\n");
	assert_null(strstr(b.data, "this"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	umask(mask);
	buf_release(&b);
	unlink(path);
}

static void hashes_as_published(void **state)
{
	(void)state;
	assert_true(hash_string("") == UINT64_C(0xcbf29ce484222325));
	assert_true(hash_string("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_string("foobar") == UINT64_C(0x85944171f73967e8));
	assert_true(hash_bytes("foobar\0", 7) != hash_string("foobar"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_grow_and_close_gaps),
		cmocka_unit_test(strings_are_copies),
		cmocka_unit_test(buffers_grow_and_shrink),
		cmocka_unit_test(reads_files_up_to_a_limit),
		cmocka_unit_test(errors_are_safe_sentences),
		cmocka_unit_test(the_log_takes_lines_while_open),
		cmocka_unit_test(hashes_as_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
