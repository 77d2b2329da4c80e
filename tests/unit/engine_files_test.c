/* Files that are laid over a tree, whatever a patch has put there. */
#include "tests/test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/engine/files.h"

static char base[512];

static const char *at(const char *name)
{
	static char paths[4][700];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", base, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void assert_holds(const char *name, const char *text)
{
	struct buf b = {0};
	if (buf_read_file(&b, at(name), 1000))
		fail_msg("%s cannot be read", name);
	assert_string_equal(buf_str(&b), text);
	buf_release(&b);
}

static int set_up(void **state)
{
	struct err err = {0};
	(void)state;
	test_path(base, sizeof base, "files.XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_ok(folder_make(at("tree"), &err), &err);
	assert_ok(folder_make(at("outside"), &err), &err);
	put("bench.sh", "harness");
	put("outside/bench.sh", "precious");
	return 0;
}

static void folders_on_the_way_are_made(void **state)
{
	struct err err = {0};
	struct stat st;
	(void)state;
	chmod(at("bench.sh"), 0750);
	assert_ok(file_lay(at("bench.sh"), at("tree"), "a/b/bench.sh", &err), &err);
	assert_holds("tree/a/b/bench.sh", "harness");
	assert_int_equal(stat(at("tree/a/b/bench.sh"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_ok(file_lay(at("bench.sh"), at("tree"), "bench.sh", &err), &err);
	assert_ok(file_lay(at("bench.sh"), at("tree"), "a/b/bench.sh", &err), &err);	/* and again */
	assert_holds("tree/a/b/bench.sh", "harness");
}

static void links_in_the_way_are_replaced(void **state)
{
	struct err err = {0};
	struct stat st;
	(void)state;
	assert_int_equal(symlink("../outside", at("tree/scripts")), 0);
	assert_ok(file_lay(at("bench.sh"), at("tree"), "scripts/bench.sh", &err), &err);
	assert_holds("outside/bench.sh", "precious");
	assert_holds("tree/scripts/bench.sh", "harness");
	assert_int_equal(lstat(at("tree/scripts"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(symlink("../outside/bench.sh", at("tree/bench.sh")), 0);	/* the file itself is a link */
	assert_ok(file_lay(at("bench.sh"), at("tree"), "bench.sh", &err), &err);
	assert_holds("outside/bench.sh", "precious");
	assert_holds("tree/bench.sh", "harness");
	put("tree/plain", "a file where a folder is wanted");
	assert_ok(file_lay(at("bench.sh"), at("tree"), "plain/bench.sh", &err), &err);
	assert_holds("tree/plain/bench.sh", "harness");
}

static void what_cannot_be_is_said(void **state)
{
	struct err err = {0};
	(void)state;
	assert_error(file_lay(at("bench.sh"), at("tree"), "../outside/bench.sh", &err), &err, "cannot write");
	assert_holds("outside/bench.sh", "precious");
	assert_error(file_lay(at("none"), at("tree"), "bench.sh", &err), &err, "cannot read");
	assert_error(file_lay(at("bench.sh"), at("no-tree"), "bench.sh", &err), &err, "cannot write");
	assert_ok(folder_make(at("tree/bench.sh"), &err), &err);
	assert_error(file_lay(at("bench.sh"), at("tree"), "bench.sh", &err), &err, "cannot write");	/* a folder is not removed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(folders_on_the_way_are_made, set_up),
		cmocka_unit_test_setup(links_in_the_way_are_replaced, set_up),
		cmocka_unit_test_setup(what_cannot_be_is_said, set_up),
	};
	return cmocka_run_group_tests_name("engine_files", tests, NULL, NULL);
}
