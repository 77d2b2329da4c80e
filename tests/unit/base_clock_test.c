/* Times as text and back. */
#include "tests/test.h"

#include <time.h>

#include "core/base/clock.h"

static void assert_formats(int64_t wall, const char *expected)
{
	char text[CLOCK_TEXT];
	int64_t back;
	clock_format(wall, text);
	assert_string_equal(text, expected);
	assert_int_equal(clock_parse(text, &back), 0);
	assert_int_equal(back, wall);
}

static void formats_and_reads_back(void **state)
{
	(void)state;
	assert_formats(0, "1970-01-01T00:00:00.000000Z");
	assert_formats(INT64_C(1795241212123456), "2026-11-21T06:06:52.123456Z");
	assert_formats(-1, "1969-12-31T23:59:59.999999Z");
	assert_formats(INT64_C(-1000000), "1969-12-31T23:59:59.000000Z");
	assert_formats(INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z");
	char text[CLOCK_TEXT];
	clock_format(INT64_MAX, text);
	clock_format(INT64_MIN, text);
	clock_date(INT64_MAX, text);
	clock_time_of_day(INT64_MIN, text);
}

static void assert_parses(const char *text, const char *expected)
{
	int64_t wall;
	char out[CLOCK_TEXT];
	if (clock_parse(text, &wall))
		fail_msg("refused: %s", text);
	clock_format(wall, out);
	assert_string_equal(out, expected);
}

static void reads_other_forms(void **state)
{
	(void)state;
	assert_parses("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z");
	assert_parses("2024-05-01T12:00:00-04:30", "2024-05-01T16:30:00.000000Z");
	assert_parses("2024-01-01T00:30:00.5+01:00", "2023-12-31T23:30:00.500000Z");
	assert_parses("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456Z");
	assert_parses("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z");
}

static void refuses_what_is_no_time(void **state)
{
	static const char *const wrong[] = {
		"", "now", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00x", "2024-01-01T00:00:00Zx",
		"2024-01-01 00:00:00Z", "2024-1-01T00:00:00Z", " 2024-01-01T00:00:00Z", "2024-02-30T00:00:00Z",
		"2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
		"2024-01-32T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z",
		"2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00+01:00Z",
		"2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00*01:00", "2024-01-01T00:00:00+0100",
		"+024-01-01T00:00:00Z",
	};
	int64_t wall;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (clock_parse(wrong[i], &wall) != -1)
			fail_msg("accepted: %s", wrong[i]);
}

static void shows_local_time(void **state)
{
	char text[CLOCK_TEXT];
	(void)state;
	setenv("TZ", "UTC-02:30", 1);
	tzset();
	clock_time_of_day(INT64_C(1795241212123456), text);
	assert_string_equal(text, "08:36:52");
	clock_date(INT64_C(1795217400000000), text);
	assert_string_equal(text, "2026-11-21");
	clock_date(INT64_C(1795220999000000), text);
	assert_string_equal(text, "2026-11-21");
	clock_date(INT64_C(1795300200000000), text);
	assert_string_equal(text, "2026-11-22");
}

static void assert_lasts(int64_t seconds, const char *expected)
{
	char text[CLOCK_TEXT];
	clock_duration(seconds * 1000000 + 999999, text);
	assert_string_equal(text, expected);
}

static void shows_durations(void **state)
{
	char text[CLOCK_TEXT];
	(void)state;
	assert_lasts(0, "0:00");
	assert_lasts(7, "0:07");
	assert_lasts(252, "4:12");
	assert_lasts(3599, "59:59");
	assert_lasts(3600, "1h00");
	assert_lasts(7440, "2h04");
	clock_duration(-5, text);
	assert_string_equal(text, "0:00");
	clock_duration(INT64_MAX, text);
}

static void clocks_go_forward(void **state)
{
	(void)state;
	int64_t before = clock_monotonic();
	assert_true(clock_monotonic() >= before);
	assert_true(clock_wall() > INT64_C(1600000000000000));
	assert_true(clock_wall() / 1000000 - time(NULL) <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_and_reads_back),
		cmocka_unit_test(reads_other_forms),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(shows_local_time),
		cmocka_unit_test(shows_durations),
		cmocka_unit_test(clocks_go_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
