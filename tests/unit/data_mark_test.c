/* Marks of log lines: what compilers, shells and languages print, and what only looks like it. */
#include "tests/test.h"

#include "core/data/mark.h"

static void lines_have_their_marks(void **state)
{
	static const struct { const char *line; enum mark mark; } cases[] = {
		{ "METRIC tg_tps=44.1", MARK_METRIC }, { " METRIC tg_tps=44.1", MARK_NONE }, { "METRICS follow", MARK_NONE },
		{ "SKYDECK run=r7 arm=a", MARK_DRIVER }, { "src/a.c:4:1: error: expected ';'", MARK_ERROR }, { "error[E0308]: mismatched types", MARK_ERROR },
		{ "src/a.c:4:1: warning: unused", MARK_WARNING }, { "ld: undefined reference to `f'", MARK_ERROR }, { "Traceback (most recent call last):", MARK_ERROR },
		{ "==12==ERROR: AddressSanitizer: heap-use-after-free", MARK_ERROR }, { "[ FAILED ] quant", MARK_ERROR }, { "0 errors, 0 failures", MARK_NONE },
		{ "error_count=0", MARK_NONE }, { "", MARK_NONE }, { "Segmentation fault (core dumped)", MARK_ERROR }, { "sh: 1: cmake: command not found", MARK_ERROR },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (mark_of(cases[i].line) != cases[i].mark)
			fail_msg("`%s` is %d", cases[i].line, (int)mark_of(cases[i].line));
}

static void names_of_queries(void **state)
{
	(void)state;
	assert_int_equal(mark_find("metric"), MARK_METRIC);
	assert_int_equal(mark_find("error"), MARK_ERROR);
	assert_int_equal(mark_find("nonsense"), MARK_NONE);
	assert_int_equal(mark_find(""), MARK_NONE);
	assert_int_equal(mark_find(NULL), MARK_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_have_their_marks), cmocka_unit_test(names_of_queries) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
