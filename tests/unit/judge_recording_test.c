/* Recorded runs, in both forms: what they become, and what is said about data that cannot be judged. */
#include "tests/test.h"

#include <math.h>

#include "core/judge/recording.h"

static int parse(struct recording *r, const char *text, enum recording_direction direction, struct err *err)
{
	return recording_parse(r, text, strlen(text), direction, err);
}

static void test_json(void **state)
{
	(void)state;
	struct recording r;
	struct err err = {0};
	const char *text = " {\"alpha\":0.01,\"workers\":["
		"{\"id\":\"a\",\"history\":[0.5,0],\"pairs\":[0.1,-2]},{\"pairs\":[]}]}";
	assert_ok(parse(&r, text, RECORDING_UNKNOWN, &err), &err);
	assert_true(r.alpha == 0.01 && r.count == 2);
	assert_string_equal(r.workers[0].id, "a");
	assert_true(r.workers[0].history.count == 2 && r.workers[0].history.magnitude[0] == 0.5);
	assert_true(r.workers[0].count == 2 && r.workers[0].pairs[0] == 0.1 && r.workers[0].pairs[1] == -2);
	assert_true(r.workers[1].count == 0 && r.workers[1].history.count == 0);
	recording_release(&r);
	assert_ok(parse(&r, "\xef\xbb\xbf{\"workers\":[]}", RECORDING_HIGHER, &err), &err);
	assert_true(isnan(r.alpha) && r.count == 0);
	recording_release(&r);
}

/* Rows and columns in another order, quotes, blanks, CR LF, rounds above 9, an unused column, a round cut off. */
static void test_csv(void **state)
{
	(void)state;
	const char *text =
		"\xef\xbb\xbf" "arm, value,note,round,worker\r\n"
		"p3, 120 ,\"x \"\"y\"\", z\",10,\"w,2\"\r\n"
		"base,100,,2,w1\r\n"
		"\r\n"
		"base,100,,10,\"w,2\"\r\n"
		"base,50,,9,\"w,2\"\r\n"
		"p3,3,,3,w1\r\n"
		"p3,80,,2,w1\r\n"
		"p3,55,,9,\"w,2\"";
	struct recording r;
	struct err err = {0};
	assert_ok(parse(&r, text, RECORDING_HIGHER, &err), &err);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.workers[0].id, "w,2");
	assert_string_equal(r.workers[1].id, "w1");
	assert_int_equal(r.workers[0].count, 2);
	assert_true(fabs(r.workers[0].pairs[0] - log(1.1)) < 1e-15 && fabs(r.workers[0].pairs[1] - log(1.2)) < 1e-15);
	assert_int_equal(r.workers[1].count, 1);
	assert_true(fabs(r.workers[1].pairs[0] - log(0.8)) < 1e-15);
	recording_release(&r);
	assert_ok(parse(&r, text, RECORDING_LOWER, &err), &err);
	assert_true(fabs(r.workers[0].pairs[0] + log(1.1)) < 1e-15);
	recording_release(&r);
	assert_error(parse(&r, text, RECORDING_UNKNOWN, &err), &err, "--direction");
	assert_int_equal(err.code, EXIT_USAGE);
	recording_release(&r);
}

static void test_bad_data(void **state)
{
	(void)state;
#define ROWS "worker,round,arm,value\n"
	static const struct { const char *text, *says; } cases[] = {
		{"", "empty"},
		{"\n \n", "empty"},
		{"[]", "no column worker"},
		{"worker;round;arm;value\n", "line 1: no column worker"},
		{ROWS "w,1,base", "line 2: no value"},
		{ROWS "w,1,,5", "line 2: no arm"},
		{ROWS "w,1,base,5x", "line 2: worker w, round 1, arm base: value 5x"},
		{ROWS "w,1,base,1e999", "value 1e999"},
		{ROWS "w,1,base,0", "value 0"},
		{ROWS "w,1,base,-1", "value -1"},
		{ROWS "w,1,base,nan", "value nan"},
		{ROWS "w,1.5,base,1", "round 1.5 is no whole number"},
		{ROWS "w,1,base,1\r2\n", "value 1"},
		{ROWS "w,99999999999999999999,base,1", "round 99999999999999999999"},
		{ROWS "w,1,b,1\nw,1,c,1", "line 3: a third arm c; there are base and b"},
		{ROWS "w,1,b,1\nw,1,b,1\nw,1,base,1", "round 1 (line 4) has the arm beside base twice"},
		{ROWS "w,1,b,1\nw,1,b,1", "round 1 (line 2) has the arm beside base twice"},
		{ROWS "w,1,base,1e308\nw,1,b,1e-308", "round 1: its values are too far apart"},
		{ROWS "v,1,base,1\nv,2,b,1\nv,2,base,1\nw,1,base,1", "worker v, round 1 (line 2) has base only"},
		{"{", "not valid JSON"},
		{"{\"workers\":{}}", "workers is missing"},
		{"{\"workers\":[],\"alpha\":null}", "alpha is no number"},
		{"{\"workers\":[{\"id\":\"w\",\"pairs\":3}]}", "worker w: pairs is missing, or no array"},
		{"{\"workers\":[{\"id\":\"w\",\"pairs\":[],\"history\":3}]}", "worker w: history is no array"},
		{"{\"workers\":[{\"id\":\"w\",\"pairs\":[]},[]]}", "worker number 2 is no object"},
		{"{\"workers\":[{\"id\":\"w\",\"pairs\":[0,\"1\"]}]}", "worker w: pair 2 is no finite number"},
		{"{\"workers\":[{\"id\":\"w\",\"history\":[-1],\"pairs\":[]}]}", "worker w: history entry 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct recording r;
		struct err err = {0};
		assert_error(parse(&r, cases[i].text, RECORDING_HIGHER, &err), &err, cases[i].says);
		assert_int_equal(err.code, EXIT_FAILED);
		recording_release(&r);
	}
	struct recording r;
	struct err err = {0};
	assert_error(recording_parse(&r, "a\0b", 3, RECORDING_HIGHER, &err), &err, "NUL");
	assert_error(parse(&r, "{\"workers\":[]}", RECORDING_LOWER, &err), &err, "d > 0 is better");
	assert_int_equal(err.code, EXIT_USAGE);
	recording_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_bad_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
