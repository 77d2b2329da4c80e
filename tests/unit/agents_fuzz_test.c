/* Replays the streams in tests/fuzz/corpus/wire: each kind of answer and fault, and what the fuzzer found; whole, and cut at every
 * so many bytes. */
#include "tests/test.h"

#include <dirent.h>

#include "tests/fuzz/wire_properties.h"

static void replay(const char *path)
{
	struct buf input = {0};
	assert_int_equal(buf_read_file(&input, path, 1 << 20), 0);
	for (size_t n = input.len; n; n -= n > 37 ? 37 : n) {
		const char *broken = wire_property((const uint8_t *)input.data, n);
		if (broken)
			fail_msg("%s, its first %zu bytes, breaks: %s", path, n, broken);
	}
	buf_release(&input);
}

static void streams_hold(void **state)
{
	(void)state;
	DIR *cases = opendir("tests/fuzz/corpus/wire");
	int count = 0;
	assert_non_null(cases);
	for (struct dirent *entry; (entry = readdir(cases));) {
		char path[512];
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof path, "tests/fuzz/corpus/wire/%s", entry->d_name);
		replay(path);
		count++;
	}
	closedir(cases);
	assert_true(count >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(streams_hold) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
