/* Styles and themes: the files parse, their text can be read on the backgrounds they are for, what they leave out is derived. */
#include "tui/style.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct theme load(const char *name)
{
	struct theme t;
	struct err err = { 0 };

	if (theme_load(&t, name, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

static void test_every_theme_loads(void **state)
{
	static const char *const names[] = { "dark", "light", "plain" };
	struct theme t;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(load(names[i]).name, names[i]);
	assert_int_equal(theme_load(&t, "mauve", &err), -1);
	assert_non_null(strstr(err.text, "dark, light, plain"));
	assert_int_equal(theme_load(&t, "./themes/light.theme", &err), 0);
	assert_int_equal(theme_load(&t, "./no/such.theme", &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
}

/* Lines and the empty part of a gauge are not read. */
static int is_text(int s)
{
	return s != STYLE_BORDER && s != STYLE_BORDER_FOCUS && s != STYLE_AXIS && s != STYLE_BAR && s != STYLE_BAR_EMPTY;
}

static void check_contrast(const struct theme *t, uint32_t ground)
{
	static const unsigned flags[] = { 0, CELL_SELECTED, CELL_CURRENT, CELL_MATCH };

	for (int s = 0; s < STYLE_COUNT; s++)
		for (size_t f = 0; f < 4 && is_text(s); f++) {
			struct look look = theme_look(t, s, flags[f], DEPTH_256);
			double contrast = style_contrast(style_rgb(look.foreground, t->foreground), style_rgb(look.background, ground));
			if (contrast < 4.5)
				fail_msg("%s: %s with mark %u on #%06x: %.2f", t->name, style_name(s), flags[f], (unsigned)ground, contrast);
		}
}

static void test_text_can_be_read(void **state)
{
	struct theme dark = load("dark"), light = load("light");

	(void)state;
	check_contrast(&dark, 0x000000);
	check_contrast(&dark, dark.background);
	check_contrast(&dark, 0x282828);
	check_contrast(&light, light.background);
	check_contrast(&light, 0xfdf6e3);
	check_contrast(&light, 0xf0f0f0);
}

static void test_contrast_is_that_of_wcag(void **state)
{
	(void)state;
	assert_true(style_contrast(0x000000, 0xffffff) > 20.99);
	assert_true(style_contrast(0x777777, 0xffffff) > 4.47 && style_contrast(0xffffff, 0x777777) < 4.49);
	assert_true(style_contrast(0x123456, 0x123456) < 1.01);
}

static void test_what_is_left_out_is_derived(void **state)
{
	static const char text[] = "good #00ff00 bold\nalert #000000 on #ffff00\nbad #ff0000 | magenta | underline\n";
	struct theme t;
	struct err err = { 0 };
	struct look look;

	(void)state;
	assert_int_equal(theme_parse(&t, "x", text, strlen(text), &err), 0);
	look = theme_look(&t, STYLE_GOOD, 0, DEPTH_256);
	assert_int_equal(look.foreground, 46);
	assert_int_equal(look.attributes, LOOK_BOLD);
	assert_int_equal(theme_look(&t, STYLE_GOOD, 0, DEPTH_16).foreground, 10);
	assert_int_equal(theme_look(&t, STYLE_GOOD, 0, DEPTH_MONO).foreground, COLOR_NONE);
	assert_int_equal(theme_look(&t, STYLE_ALERT, 0, DEPTH_MONO).attributes, LOOK_REVERSE);
	assert_int_equal(theme_look(&t, STYLE_BAD, 0, DEPTH_16).foreground, 5);
	assert_int_equal(theme_look(&t, STYLE_BAD, 0, DEPTH_MONO).attributes, LOOK_UNDERLINE);
	assert_int_equal(theme_look(&t, STYLE_WARN, 0, DEPTH_256).foreground, COLOR_NONE);
}

static void test_marks(void **state)
{
	struct theme dark = load("dark"), plain = load("plain");
	struct look selected = theme_look(&dark, STYLE_SELECTED, 0, DEPTH_256);
	struct look good = theme_look(&dark, STYLE_GOOD, 0, DEPTH_256), both = theme_look(&dark, STYLE_GOOD, CELL_SELECTED, DEPTH_256);

	(void)state;
	assert_int_equal(both.background, selected.background);
	assert_int_equal(both.foreground, good.foreground);
	assert_int_equal(theme_look(&dark, STYLE_ALERT, CELL_SELECTED, DEPTH_256).background,
	                 theme_look(&dark, STYLE_ALERT, 0, DEPTH_256).background);
	/* Nobody knows what the user's red looks like on the user's foreground. */
	assert_int_equal(theme_look(&plain, STYLE_BAD, CELL_SELECTED, DEPTH_16).foreground, COLOR_NONE);
	for (int d = 0; d < DEPTH_COUNT; d++)
		for (unsigned flag = CELL_SELECTED; flag <= CELL_MATCH; flag <<= 1) {
			struct look with = theme_look(&dark, STYLE_DEFAULT, flag, d), without = theme_look(&dark, STYLE_DEFAULT, 0, d);
			assert_memory_not_equal(&with, &without, sizeof with);
		}
}

static void expect_error(const char *text, const char *part)
{
	struct theme t;
	struct err err = { 0 };

	assert_int_equal(theme_parse(&t, "mine", text, strlen(text), &err), -1);
	if (!strstr(err.text, part))
		fail_msg("`%s` is not in: %s", part, err.text);
}

static void test_errors_name_the_line(void **state)
{
	(void)state;
	expect_error("# fine\ngood green\ngod red\n", "mine:3: `god` is no style");
	expect_error("good gren\n", "mine:1: `gren`");
	expect_error("\n\ngood green on\n", "mine:3: behind `on`");
	expect_error("good\n", "mine:1: a look is missing");
	expect_error("good red | red | bold | red\n", "mine:1: at most three");
	expect_error("good #12345\n", "`#12345`");
	expect_error("background blue\n", "mine:1: background is #rrggbb");
}

static void test_comments(void **state)
{
	static const char text[] = "# a\n  good green # b\n\nbad #ff0000 #\r\n#warn x";
	struct theme t;
	struct err err = { 0 };

	(void)state;
	if (theme_parse(&t, "x", text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(theme_look(&t, STYLE_GOOD, 0, DEPTH_256).foreground, 2);
	assert_int_equal(theme_look(&t, STYLE_BAD, 0, DEPTH_256).foreground, 196);
}

static void test_depth(void **state)
{
	(void)state;
	assert_int_equal(style_depth(NULL, NULL, 256), DEPTH_256);
	assert_int_equal(style_depth("auto", "", 8), DEPTH_16);
	assert_int_equal(style_depth(NULL, "1", 256), DEPTH_MONO);
	assert_int_equal(style_depth("16", "1", 256), DEPTH_16);
	assert_int_equal(style_depth("mono", NULL, 256), DEPTH_MONO);
	assert_int_equal(style_depth("truecolor", NULL, 8), DEPTH_256);
	assert_int_equal(style_depth("auto", NULL, -1), DEPTH_MONO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_theme_loads), cmocka_unit_test(test_text_can_be_read),
		cmocka_unit_test(test_contrast_is_that_of_wcag), cmocka_unit_test(test_what_is_left_out_is_derived),
		cmocka_unit_test(test_marks), cmocka_unit_test(test_errors_name_the_line), cmocka_unit_test(test_comments),
		cmocka_unit_test(test_depth),
	};
	return cmocka_run_group_tests_name("tui_style", tests, NULL, NULL);
}
