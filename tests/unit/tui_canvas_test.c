/* The grid: clipping, wide characters that are never cut in half, ASCII, marks, and the text it is saved as. */
#include "tui/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/random.h"

static struct grid grid;
static struct canvas all;

static int setup(void **state)
{
	(void)state;
	grid_init(&grid, 4, 10);
	all = canvas_of(&grid);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	grid_release(&grid);
	return 0;
}

static void expect(const char *text, int styled)
{
	struct buf out = { 0 };

	canvas_save(&all, &out, styled);
	assert_string_equal(buf_str(&out), text);
	buf_release(&out);
}

static void test_text_is_clipped(void **state)
{
	struct canvas sub = canvas_sub(&all, (struct rect){ 1, 2, 2, 5 });

	(void)state;
	assert_int_equal(canvas_text(&sub, 0, 3, STYLE_DEFAULT, "abcdef", -1), 2);
	assert_int_equal(canvas_text(&sub, 1, -2, STYLE_DEFAULT, "abcdef", -1), 6);
	assert_int_equal(canvas_text(&sub, 2, 0, STYLE_DEFAULT, "out", -1), 0);
	assert_int_equal(canvas_text(&sub, -1, 0, STYLE_DEFAULT, "out", -1), 0);
	canvas_text(&all, 0, 0, STYLE_DEFAULT, "abcdef", 3);
	expect("abc\n     ab\n  cdef\n\n", 0);
}

static void test_sub_canvas_is_clipped(void **state)
{
	struct canvas sub = canvas_sub(&all, (struct rect){ -1, 7, 10, 10 });
	struct canvas none = canvas_sub(&sub, (struct rect){ 5, 5, 1, 1 });

	(void)state;
	assert_int_equal(sub.y, 0);
	assert_int_equal(sub.rows, 4);
	assert_int_equal(sub.columns, 3);
	assert_int_equal(none.rows * none.columns, 0);
	canvas_fill(&none, (struct rect){ 0, 0, 9, 9 }, STYLE_BAD);
	expect("\n\n\n\n", 1);
}

static void test_cut(void **state)
{
	(void)state;
	assert_int_equal(canvas_text_cut(&all, 0, 0, STYLE_DEFAULT, "abcdefghij", -1), 10);
	assert_int_equal(canvas_text_cut(&all, 1, 0, STYLE_DEFAULT, "abcdefghijk", -1), 10);
	assert_int_equal(canvas_text_cut(&all, 2, 0, STYLE_DEFAULT, "日本語", 4), 3);
	assert_int_equal(canvas_text_cut(&all, 3, 10, STYLE_DEFAULT, "a", -1), 0);
	assert_int_equal(canvas_text_right(&all, 3, 10, STYLE_DEFAULT, "+2.1 %"), 4);
	expect("abcdefghij\nabcdefghi…\n日…\n    +2.1 %\n", 0);
}

static void test_wide_characters_stay_whole(void **state)
{
	(void)state;
	canvas_text(&all, 0, 0, STYLE_DEFAULT, "日本", -1);
	canvas_put(&all, 0, 1, STYLE_DEFAULT, 'x');
	canvas_text(&all, 1, 0, STYLE_DEFAULT, "日本", -1);
	canvas_put(&all, 1, 2, STYLE_DEFAULT, 'x');
	canvas_text(&all, 2, 0, STYLE_DEFAULT, "a日本", -1);
	canvas_put(&all, 2, 2, STYLE_DEFAULT, 0x8a9e);
	canvas_text(&all, 3, 7, STYLE_DEFAULT, "日本", -1);
	expect(" x本\n日x\na 語\n       日\n", 0);
	assert_int_equal(grid_cell(&grid, 3, 8)->width, 0);
	canvas_text(&all, 3, -1, STYLE_DEFAULT, "日a", -1);
	expect(" x本\n日x\na 語\n a     日\n", 0);
}

static void test_combining_marks(void **state)
{
	(void)state;
	assert_int_equal(canvas_text(&all, 0, 0, STYLE_DEFAULT, "e\xcc\x81日\xcc\x81", -1), 3);
	assert_int_equal(grid_cell(&grid, 0, 0)->mark, 0x301);
	assert_int_equal(grid_cell(&grid, 0, 1)->mark, 0x301);
	canvas_put(&all, 0, 0, STYLE_DEFAULT, 'x');
	assert_int_equal(grid_cell(&grid, 0, 0)->mark, 0);
}

static void test_no_control_reaches_a_cell(void **state)
{
	(void)state;
	canvas_text(&all, 0, 0, STYLE_DEFAULT, "a\x1b\n\xff""b", -1);
	expect("a  \xef\xbf\xbd""b\n\n\n\n", 0);
}

static void test_ascii(void **state)
{
	(void)state;
	grid.ascii = 1;
	canvas_hline(&all, 0, 0, 3, STYLE_BORDER);
	canvas_text(&all, 1, 0, STYLE_DEFAULT, "█▌░…é日.", -1);
	canvas_vline(&all, 2, 1, 2, STYLE_BORDER);
	expect("---\n#=.~?? .\n |\n |\n", 0);
}

static void test_styled_dump(void **state)
{
	(void)state;
	canvas_text(&all, 0, 0, STYLE_GOOD, "ok", -1);
	canvas_text(&all, 0, 3, STYLE_DEFAULT, "{}", -1);
	canvas_text(&all, 1, 0, STYLE_BAD, "ab", -1);
	canvas_mark(&all, 1, 1, 99, CELL_SELECTED);
	canvas_mark(&all, 1, 1, 1, CELL_MATCH);
	canvas_restyle(&all, 1, 2, 99, STYLE_MUTED);
	expect("{good:ok} {{}}\n{bad:a}{bad+selected+match:b}{muted+selected:        }\n\n\n", 1);
	expect("ok {}\nab\n\n\n", 0);
}

static void test_marks_cover_whole_characters(void **state)
{
	(void)state;
	canvas_text(&all, 0, 0, STYLE_DEFAULT, "日本語", -1);
	canvas_mark(&all, 0, 1, 2, CELL_MATCH);
	for (int x = 0; x < 6; x++)
		assert_int_equal(grid_cell(&grid, 0, x)->flags, x < 4 ? CELL_MATCH : 0);
}

static void test_search_marks(void **state)
{
	(void)state;
	canvas_text(&all, 0, 0, STYLE_DEFAULT, "abABab日", -1);
	assert_int_equal(canvas_mark_text(&all, 0, "aB"), 3);
	assert_int_equal(canvas_mark_text(&all, 0, "日"), 1);
	assert_int_equal(canvas_mark_text(&all, 0, ""), 0);
	assert_int_equal(canvas_mark_text(&all, 9, "a"), 0);
	expect("{default+match:abABab日}\n\n\n\n", 1);
}

static void test_cursor(void **state)
{
	struct canvas sub = canvas_sub(&all, (struct rect){ 2, 3, 2, 4 });

	(void)state;
	assert_int_equal(grid.cursor_y, -1);
	canvas_cursor(&sub, 1, 3, 1);
	assert_int_equal(grid.cursor_y, 3);
	assert_int_equal(grid.cursor_x, 6);
	canvas_cursor(&sub, 1, 4, 1);
	assert_int_equal(grid.cursor_x, 6);
}

/* Whatever is drawn over whatever: each wide cell has its right half, each right half its wide cell. */
static void test_random_scenes_hold_no_half_characters(void **state)
{
	static const char *const pieces[] = { "日本", "a", "xyz", "é", "e\xcc\x81", "語", " ", "─┼█" };
	struct random random;

	(void)state;
	random_seed(&random, 7);
	for (int i = 0; i < 20000; i++) {
		struct rect r = { (int)random_below(&random, 5) - 1, (int)random_below(&random, 12) - 1,
		                  (int)random_below(&random, 5), (int)random_below(&random, 12) };
		struct canvas sub = canvas_sub(&all, r);
		canvas_text(&sub, (int)random_below(&random, 4), (int)random_below(&random, 14) - 3, STYLE_DEFAULT,
		            pieces[random_below(&random, 8)], (int)random_below(&random, 6) - 1);
		if (random_below(&random, 30) == 0)
			canvas_fill(&sub, (struct rect){ 0, 0, 1, (int)random_below(&random, 4) }, STYLE_GOOD);
		for (int y = 0; y < 4; y++)
			for (int x = 0; x < 10; x++) {
				int width = grid_cell(&grid, y, x)->width;
				assert_true(width != 2 || (x < 9 && grid_cell(&grid, y, x + 1)->width == 0));
				assert_true(width != 0 || (x > 0 && grid_cell(&grid, y, x - 1)->width == 2));
			}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_text_is_clipped), TEST(test_sub_canvas_is_clipped), TEST(test_cut), TEST(test_wide_characters_stay_whole),
		TEST(test_combining_marks), TEST(test_no_control_reaches_a_cell), TEST(test_ascii), TEST(test_styled_dump),
		TEST(test_marks_cover_whole_characters), TEST(test_search_marks), TEST(test_cursor), TEST(test_random_scenes_hold_no_half_characters),
	};
	return cmocka_run_group_tests_name("tui_canvas", tests, NULL, NULL);
}
