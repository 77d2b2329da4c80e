/* Replays the inputs in tests/fuzz/corpus: those that once broke something, and one for each kind of trouble. */
#include "tests/test.h"

#include <dirent.h>
#include <unistd.h>

#include "tests/fuzz/properties.h"

static void replay(const char *dir, const char *(*property)(const uint8_t *bytes, size_t len))
{
	DIR *cases = opendir(dir);
	int count = 0;
	if (!cases)
		fail_msg("cannot open %s", dir);
	for (struct dirent *entry; (entry = readdir(cases));) {
		char path[512];
		struct buf input = {0};
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		assert_int_equal(buf_read_file(&input, path, 1 << 20), 0);
		const char *broken = property((const uint8_t *)buf_str(&input), input.len);
		if (broken)
			fail_msg("%s breaks: %s", path, broken);
		buf_release(&input);
		count++;
	}
	closedir(cases);
	assert_true(count >= 10);
}

static void text_holds(void **state)
{
	(void)state;
	replay("tests/fuzz/corpus/text", text_property);
}

static void json_holds(void **state)
{
	(void)state;
	replay("tests/fuzz/corpus/json", json_property);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_holds),
		cmocka_unit_test(json_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
