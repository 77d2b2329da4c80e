/* JSON: what is refused, what is read, and that what is printed reads back the same. */
#include "tests/test.h"

#include <float.h>
#include <math.h>

#include "core/base/json.h"
#include "core/base/mem.h"

static struct json *parse(const char *text)
{
	struct err err = {0};
	struct json *v = json_parse(text, strlen(text), &err);
	if (!v)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static void assert_refused(const char *text, size_t len, const char *why)
{
	struct err err = {0};
	struct json *v = json_parse(text, len, &err);
	if (v)
		fail_msg("accepted, but should say %s: %s", why, text);
	if (!strstr(err.text, why))
		fail_msg("%s: says: %s\nbut should say: %s", text, err.text, why);
}

static void refuses_what_the_library_lets_through(void **state)
{
	static const struct { const char *text, *why; } cases[] = {
		{"", "nothing is there"}, {"  ", "at byte"}, {"\"x\\u0000y\"", "\\u0000 or a broken escape at byte 3"},
		{"{\"a\\u0000\":1}", "\\u0000"}, {"\"\\u00zz\"", "broken escape"}, {"\"\\u12", "broken escape"},
		{"\"\\", "broken escape"}, {"\"\\x\"", "at byte"}, {"\"\\ud800\"", "at byte"},
		{"\"\\udc00\"", "at byte"}, {"\"\xff\"", "not UTF-8 at byte 2"}, {"\"\xc0\xaf\"", "not UTF-8"},
		{"\"\xed\xa0\x80\"", "not UTF-8"}, {"\"\xe2\x82", "not UTF-8"}, {"\"a\nb\"", "control character"},
		{"\"a\tb\"", "control character"}, {"\"abc", "at byte"},
		{"{} x", "something after the document at byte 4"}, {"1 2", "something after"},
		{"truex", "something after"}, {"{}}", "something after"},
		{"\xef\xbb\xbf{}", "belongs to no value at byte 1"}, {"\v1", "belongs to no value"},
		{"[1,\x01 2]", "belongs to no value"}, {"\x7f", "belongs to no value"}, {"01", "number"},
		{"-", "number"}, {"1.", "number"}, {"-.5", "number"}, {"1e", "number"}, {"1e+", "number"},
		{"[00]", "number"}, {".5", "at byte 1"}, {"+1", "at byte 1"}, {"0x10", "something after"},
		{"1.2.3", "something after"}, {"1-2", "something after"}, {"1e999", "too large"},
		{"[[-1e999]]", "too large"}, {"NaN", "at byte"}, {"-Infinity", "number"}, {"nul", "at byte"},
		{"TRUE", "at byte"}, {"[1,]", "at byte"}, {"{\"a\":1,}", "at byte"}, {"{a:1}", "at byte"},
		{"['a']", "at byte"}, {"[1", "byte"}, {"{\"a\"}", "at byte"}, {"/**/1", "at byte"},
		{"{\"a\":1,\"a\":1}", "the key \"a\" stands twice"},
		{"[{\"b\":{\"a\":1,\"\\u0061\":2}}]", "the key \"a\" stands twice"},
		{"{\"\":1,\"\":2}", "the key \"\" stands twice"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].why);
	assert_refused("1\0", 2, "belongs to no value");
	assert_refused("\"a\0b\"", 5, "control character");
	assert_refused("[1] 2", 2, "byte");	/* len counts, not the NUL */
}

static void an_error_is_safe_to_show(void **state)
{
	(void)state;
	assert_refused("[\033[2J]", 6, "<1B>[2J");
	assert_refused("{\"\xe2\x80\xae\":1,\"\xe2\x80\xae\":2}", 17, "<U+202E>");
}

static void finds_repeated_keys_in_large_objects(void **state)
{
	(void)state;
	for (int members = 14; members < 20; members++)
		for (int twin = 0; twin < members; twin++) {
			struct buf text = {0};
			for (int i = 0; i < members; i++)
				buf_printf(&text, "%c\"key%d\":%d", i ? ',' : '{', i, i);
			buf_putc(&text, '}');
			json_free(parse(text.data));
			buf_truncate(&text, text.len - 1);
			buf_printf(&text, ",\"key%d\":0}", twin);
			assert_refused(text.data, text.len, "stands twice");
			buf_release(&text);
		}
}

static void bounds_its_depth(void **state)
{
	struct buf deep = {0};
	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_putc(&deep, '[');
	assert_refused(deep.data, deep.len, "at byte");
	buf_release(&deep);
}

static void reads_values(void **state)
{
	(void)state;
	struct json *v = parse(
		" {\"s\":\"\\u20ac\\ud83d\\ude00/\\/\\n\",\"n\":-1.5e3,\"i\":9007199254740992,\"big\":9007199254740994,"
		"\"half\":0.5,\"t\":true,\"f\":false,\"z\":null,\"list\":[1,\"two\",[]],\"S\":1}\r\n");
	assert_string_equal(json_string(json_get(v, "s"), ""), "\xe2\x82\xac\xf0\x9f\x98\x80//\n");
	assert_true(json_number(json_get(v, "n"), 0) == -1500);
	assert_int_equal(json_integer(json_get(v, "i"), 7), INT64_C(9007199254740992));
	assert_int_equal(json_integer(json_get(v, "big"), 7), 7);
	assert_int_equal(json_integer(json_get(v, "half"), 7), 7);
	assert_int_equal(json_bool(json_get(v, "t"), 9), 1);
	assert_int_equal(json_bool(json_get(v, "f"), 9), 0);
	assert_true(json_is_null(json_get(v, "z")));
	assert_true(json_is_object(v) && json_is_array(json_get(v, "list")) && json_is_number(json_get(v, "n")));
	assert_true(json_number(json_get(v, "S"), 0) == 1);	/* and not "s" */
	assert_int_equal(json_count(v), 10);
	assert_int_equal(json_count(json_get(v, "list")), 3);
	const struct json *second = json_next(json_first(json_get(v, "list")));
	assert_string_equal(json_string(second, ""), "two");
	assert_null(json_key(second));
	assert_string_equal(json_key(json_first(v)), "s");
	json_free(v);
}

static void absent_and_other_types_give_the_default(void **state)
{
	(void)state;
	struct json *v = parse("{\"n\":1,\"s\":\"x\",\"z\":null}");
	assert_null(json_get(v, "N"));
	assert_null(json_get(NULL, "n"));
	assert_null(json_get(json_get(v, "n"), "n"));
	assert_string_equal(json_string(json_get(v, "n"), "d"), "d");
	assert_string_equal(json_string(NULL, "d"), "d");
	assert_int_equal(json_integer(json_get(v, "s"), -1), -1);
	assert_int_equal(json_bool(json_get(v, "n"), -1), -1);
	assert_true(json_number(json_get(v, "z"), 2.5) == 2.5);
	assert_false(json_is_null(NULL) || json_is_object(NULL) || json_is_array(NULL) || json_is_number(NULL));
	assert_int_equal(json_count(NULL) + json_count(json_get(v, "s")), 0);
	assert_null(json_first(json_get(v, "s")));
	assert_null(json_next(NULL));
	assert_null(json_key(NULL));
	json_free(v);
	json_free(NULL);
}

static void assert_prints(const struct json *v, const char *expected)
{
	struct buf out = {0};
	json_print(v, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
}

static void builds_and_prints(void **state)
{
	(void)state;
	struct json *v = json_object(), *list = json_array();
	json_put_string(v, "s", "a\"b\\c\n\t\b\f\r\x01\x7f\xe2\x82\xac");
	json_put_string(v, "none", NULL);
	json_put_integer(v, "i", -9007199254740991);
	json_put_number(v, "n", 0.1);
	json_put_number(v, "nan", NAN);
	json_put_bool(v, "t", 42);
	json_append(list, json_new_number(-INFINITY));
	json_append(list, json_object());
	json_append(list, json_array());
	json_append(list, json_new_bool(0));
	json_take(v, "list", list);
	static const char expected[] =
		"{\"s\":\"a\\\"b\\\\c\\n\\t\\b\\f\\r\\u0001\x7f\xe2\x82\xac\",\"none\":null,\"i\":-9007199254740991,"
		"\"n\":0.1,\"nan\":null,\"t\":true,\"list\":[null,{},[],false]}";
	assert_prints(v, expected);
	struct json *copy = json_copy(v), *again = parse(expected);
	json_free(v);
	assert_prints(copy, expected);
	assert_prints(again, expected);
	json_put_bool(copy, "s", 0);	/* instead, not besides */
	assert_int_equal(json_count(copy), 7);
	assert_int_equal(json_bool(json_get(copy, "s"), 1), 0);
	json_free(copy);
	json_free(again);
}

static void makes_text_valid(void **state)
{
	(void)state;
	struct json *v = json_object();
	json_put_string(v, "k\xff", "a\xc3\x28\xed\xa0\x80");
	assert_string_equal(json_string(json_first(v), ""), "a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_prints(v, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	json_put_string(v, "k\xff", "x");
	assert_int_equal(json_count(v), 1);
	json_free(v);
	struct buf out = {0};
	json_quote(&out, "\xff\"");
	assert_string_equal(out.data, "\"\xef\xbf\xbd\\\"\"");
	buf_release(&out);
}

static void prints_for_people(void **state)
{
	(void)state;
	struct json *v = parse("{\"a\":[1,{\"b\":2}],\"c\":{},\"d\":[]}");
	struct buf out = {0};
	json_print_pretty(v, &out);
	assert_string_equal(out.data,
		"{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
	buf_release(&out);
	json_free(v);
}

static void assert_number(double v, const char *expected)
{
	struct buf out = {0};
	json_print_number(&out, v);
	assert_string_equal(out.data, expected);
	buf_release(&out);
}

static void prints_the_shortest_number(void **state)
{
	(void)state;
	assert_number(0, "0");
	assert_number(-0.0, "-0");
	assert_number(1e15, "1000000000000000");
	assert_number(9007199254740992, "9007199254740992");
	assert_number(-42, "-42");
	assert_number(0.1, "0.1");
	assert_number(0.1 + 0.2, "0.30000000000000004");
	assert_number(5e-324, "4.94065645841247e-324");
	assert_number(1.0 / 3, "0.3333333333333333");
	assert_number(-DBL_MAX, "-1.7976931348623157e+308");
	assert_number(NAN, "null");
	assert_number(INFINITY, "null");
}

static void numbers_read_back_the_same(void **state)
{
	(void)state;
	uint64_t bits = 1;
	for (int i = 0; i < 20000; i++) {
		double v, back;
		bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		memcpy(&v, &bits, sizeof v);
		if (!isfinite(v))
			continue;
		struct buf out = {0};
		json_print_number(&out, v);
		struct json *read = parse(out.data);
		back = json_number(read, NAN);
		assert_memory_equal(&back, &v, sizeof v);
		json_free(read);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_the_library_lets_through),
		cmocka_unit_test(an_error_is_safe_to_show),
		cmocka_unit_test(finds_repeated_keys_in_large_objects),
		cmocka_unit_test(bounds_its_depth),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(absent_and_other_types_give_the_default),
		cmocka_unit_test(builds_and_prints),
		cmocka_unit_test(makes_text_valid),
		cmocka_unit_test(prints_for_people),
		cmocka_unit_test(prints_the_shortest_number),
		cmocka_unit_test(numbers_read_back_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
