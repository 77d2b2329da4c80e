/* Safe text: what becomes a mark, what stays, and how many columns it takes. */
#include "tests/test.h"

#include "core/base/text.h"

static void assert_safe(const char *bytes, size_t len, unsigned flags, const char *expected, size_t marks)
{
	struct buf out = {0}, twice = {0};
	size_t made = text_safe(&out, bytes, len, flags);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, strlen(expected));
	assert_int_equal(made, marks);
	assert_true(text_is_valid(out.data, out.len));
	assert_int_equal(text_safe(&twice, out.data, out.len, flags), 0);
	assert_string_equal(twice.data, out.data);
	buf_release(&out);
	buf_release(&twice);
}

#define SAFE(bytes, flags, expected, marks) assert_safe(bytes, sizeof bytes - 1, flags, expected, marks)

static void keeps_what_is_harmless(void **state)
{
	(void)state;
	SAFE("", TEXT_LINE, "", 0);
	SAFE("plain ~", TEXT_LINE, "plain ~", 0);
	SAFE("na\xc3\xafve \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80 \xe2\x94\x80", TEXT_LINE,
		"na\xc3\xafve \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80 \xe2\x94\x80", 0);
	SAFE("e\xcc\x81", TEXT_LINE, "e\xcc\x81", 0);
	SAFE("\xef\xbf\xbd", TEXT_LINE, "\xef\xbf\xbd", 0);
}

static void marks_controls(void **state)
{
	(void)state;
	SAFE("a\033[31mb", TEXT_LINE, "a<1B>[31mb", 1);
	SAFE("\0\x07\x08\x7f\r", TEXT_LINE, "<00><07><08><7F><0D>", 5);
	SAFE("\xc2\x9b\x33\x31m", TEXT_LINE, "<U+009B>31m", 1);
	SAFE("\x9b", TEXT_LINE, "<9B>", 1);
	SAFE("\033]52;c;eA==\x07", TEXT_NEWLINES | TEXT_TABS | TEXT_STRIP_SGR, "<1B>]52;c;eA==<07>", 2);
}

static void marks_what_hides(void **state)
{
	static const uint32_t hidden[] = {
		0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029,
		0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0x3164, 0xe000, 0xfdd0, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xffff,
		0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xf0000, 0x378, 0x10ffff,
	};
	(void)state;
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
		char bytes[8] = "x", expected[24];
		size_t len = 1 + (size_t)text_encode(hidden[i], bytes + 1);
		snprintf(expected, sizeof expected, "x<U+%04X>", (unsigned)hidden[i]);
		assert_safe(bytes, len, TEXT_LINE, expected, 1);
	}
}

static void marks_bytes_that_are_no_utf8(void **state)
{
	(void)state;
	SAFE("\xff", TEXT_LINE, "<FF>", 1);
	SAFE("\xc0\x80", TEXT_LINE, "<C0><80>", 2);
	SAFE("\xed\xa0\x80", TEXT_LINE, "<ED><A0><80>", 3);
	SAFE("\xe2\x82", TEXT_LINE, "<E2><82>", 2);
	SAFE("\xf4\x90\x80\x80x", TEXT_LINE, "<F4><90><80><80>x", 4);
}

static void combining_marks_need_a_character(void **state)
{
	(void)state;
	SAFE("\xcc\x81x", TEXT_LINE, "<U+0301>x", 1);
	SAFE("a\n\xcc\x81", TEXT_NEWLINES, "a\n<U+0301>", 1);
	SAFE("\x01\xcc\x81", TEXT_LINE, "<01><U+0301>", 2);
	SAFE("a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", TEXT_LINE, "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81<U+0301>", 1);
}

static void drops_the_emoji_selector_after_symbols_only(void **state)
{
	(void)state;
	SAFE("\xe2\x9a\xa0\xef\xb8\x8f!", TEXT_LINE, "\xe2\x9a\xa0!", 0);
	SAFE("\xc2\xa9\xef\xb8\x8f", TEXT_LINE, "\xc2\xa9", 0);
	SAFE("a\xef\xb8\x8f", TEXT_LINE, "a<U+FE0F>", 1);
	SAFE("\xe2\x9a\xa0\xef\xb8\x8e", TEXT_LINE, "\xe2\x9a\xa0<U+FE0E>", 1);
}

static void lines_and_tabs(void **state)
{
	(void)state;
	SAFE("a\nb\tc", TEXT_LINE, "a b<09>c", 1);
	SAFE("a\nb", TEXT_NEWLINES, "a\nb", 0);
	SAFE("\ta\tbcdefghi\tj", TEXT_TABS, "        a       bcdefghi        j", 0);
	SAFE("abc\n\tx", TEXT_TABS | TEXT_NEWLINES, "abc\n        x", 0);
	SAFE("\xe6\xbc\xa2\tx", TEXT_TABS, "\xe6\xbc\xa2      x", 0);
	SAFE("e\xcc\x81\tx", TEXT_TABS, "e\xcc\x81       x", 0);
	SAFE("\x01\tx", TEXT_TABS, "<01>    x", 1);
}

static void strips_colours(void **state)
{
	(void)state;
	SAFE("\033[1;31merror\033[0m\033[m\r\n", TEXT_STRIP_SGR | TEXT_NEWLINES, "error\n", 0);
	SAFE("\033[38:2::255:0:0mx", TEXT_STRIP_SGR, "x", 0);
	SAFE("done\r", TEXT_STRIP_SGR, "done", 0);
	SAFE("10%\r20%", TEXT_STRIP_SGR, "10%<0D>20%", 1);
	SAFE("\033[2J\033[?25l\033[31", TEXT_STRIP_SGR, "<1B>[2J<1B>[?25l<1B>[31", 3);
	SAFE("e\033[0m\xcc\x81", TEXT_STRIP_SGR, "e\xcc\x81", 0);
}

static void decodes_only_the_shortest_form(void **state)
{
	(void)state;
	uint32_t cp;
	char bytes[4];
	assert_int_equal(text_decode("", 0, &cp), 0);
	for (uint32_t i = 0; i <= 0x10ffff; i++) {
		if (i >= 0xd800 && i <= 0xdfff)
			continue;
		int n = text_encode(i, bytes);
		if (text_decode(bytes, (size_t)n, &cp) != n || cp != i || text_decode(bytes, (size_t)n - 1, &cp))
			fail_msg("U+%04X", (unsigned)i);
	}
	static const char *const wrong[] = {
		"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xc3(", "\xe2\x82(", "\xfe",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(text_decode(wrong[i], strlen(wrong[i]), &cp), 0);
		assert_false(text_is_valid(wrong[i], strlen(wrong[i])));
	}
	assert_true(text_is_valid("a\n\xe2\x82\xac", 5));
	assert_false(text_is_valid("a\n\xe2\x82\xac", 4));
	assert_int_equal(text_encode(0xd800, bytes), 3);
	assert_memory_equal(bytes, "\xef\xbf\xbd", 3);
}

static void knows_widths(void **state)
{
	static const struct { uint32_t cp; int width; } cases[] = {
		{'a', 1}, {' ', 1}, {'~', 1}, {0xe9, 1}, {0xb1, 1}, {0x301, 0}, {0x20dd, 0}, {0x903, 1}, {0x1100, 2},
		{0x1161, 0}, {0x11a8, 0}, {0x2500, 1}, {0x2588, 1}, {0x25b2, 1}, {0x2714, 1}, {0x26a0, 1}, {0x2705, 2},
		{0x231a, 2}, {0x3000, 2}, {0x3042, 2}, {0x4e00, 2}, {0xac00, 2}, {0xff01, 2}, {0xff61, 1}, {0x1f1e6, 1},
		{0x1f600, 2}, {0x1f3fb, 2}, {0x20000, 2}, {0x1d400, 1}, {0x28ff, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (text_width(cases[i].cp) != cases[i].width)
			fail_msg("U+%04X is %d wide", (unsigned)cases[i].cp, text_width(cases[i].cp));
	assert_int_equal(text_columns("a\xe6\xbc\xa2" "e\xcc\x81"), 4);
	assert_int_equal(text_columns(""), 0);
}

static void fits_whole_characters(void **state)
{
	int used;
	(void)state;
	assert_int_equal(text_fit("abc", 2, &used), 2);
	assert_int_equal(used, 2);
	assert_int_equal(text_fit("a\xe6\xbc\xa2", 2, &used), 1);
	assert_int_equal(used, 1);
	assert_int_equal(text_fit("a\xe6\xbc\xa2", 3, &used), 4);
	assert_int_equal(used, 3);
	assert_int_equal(text_fit("e\xcc\x81x", 1, &used), 3);
	assert_int_equal(text_fit("e", 0, NULL), 0);
	assert_int_equal(text_fit("e", -1, &used), 0);
	assert_int_equal(used, 0);
}

static void no_byte_of_256_acts(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 8; flags++)
		for (int a = 0; a < 256; a++)
			for (int b = 0; b < 256; b++) {
				char *out = text_safe_string((char[]){(char)a, (char)b}, 2, flags);
				int acts = 0;
				for (const unsigned char *s = (const unsigned char *)out; *s; s++)
					acts |= *s == 0x7f || (*s < 0x20 && !(*s == '\n' && flags & TEXT_NEWLINES));
				if (acts || !text_is_valid(out, strlen(out)))
					fail_msg("%02x %02x with flags %u", a, b, flags);
				free(out);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_harmless),
		cmocka_unit_test(marks_controls),
		cmocka_unit_test(marks_what_hides),
		cmocka_unit_test(marks_bytes_that_are_no_utf8),
		cmocka_unit_test(combining_marks_need_a_character),
		cmocka_unit_test(drops_the_emoji_selector_after_symbols_only),
		cmocka_unit_test(lines_and_tabs),
		cmocka_unit_test(strips_colours),
		cmocka_unit_test(decodes_only_the_shortest_form),
		cmocka_unit_test(knows_widths),
		cmocka_unit_test(fits_whole_characters),
		cmocka_unit_test(no_byte_of_256_acts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
