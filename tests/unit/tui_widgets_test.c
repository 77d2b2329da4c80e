/* List, text view, bars and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/bar.h"
#include "tui/list.h"
#include "tui/number.h"
#include "tui/textview.h"

static struct grid grid;
static struct canvas all;

static void draw_on(int rows, int columns)
{
	grid_release(&grid);
	grid_init(&grid, rows, columns);
	all = canvas_of(&grid);
}

static void expect(const char *text, int styled)
{
	struct buf out = { 0 };

	canvas_save(&all, &out, styled);
	assert_string_equal(buf_str(&out), text);
	buf_release(&out);
}

static int teardown(void **state)
{
	(void)state;
	grid_release(&grid);
	return 0;
}

/* List */

static void row_text(const void *data, size_t i, struct buf *out)
{
	(void)data;
	buf_printf(out, "row %zu", i);
}

static void draw_row(const void *data, size_t i, struct canvas *row)
{
	(void)data;
	canvas_printf(row, 0, 0, i % 2 ? STYLE_GOOD : STYLE_DEFAULT, "row %zu", i);
}

static void press(struct list *l, enum action a)
{
	struct act act = { .action = a };

	assert_int_equal(list_act(l, &act, 0), 1);
	list_sync(l, l->count, l->rows);
}

static void test_list_moves_and_scrolls(void **state)
{
	struct list l = { 0 };

	(void)state;
	list_sync(&l, 10, 4);
	press(&l, ACTION_UP);
	assert_int_equal(l.selected, 0);
	press(&l, ACTION_PAGE_DOWN);
	assert_int_equal(l.selected, 3);
	assert_int_equal(l.top, 0);
	press(&l, ACTION_DOWN);
	assert_int_equal(l.top, 1);
	press(&l, ACTION_LAST);
	assert_int_equal(l.selected, 9);
	assert_int_equal(l.top, 6);
	press(&l, ACTION_DOWN);
	assert_int_equal(l.selected, 9);
	press(&l, ACTION_UP);
	assert_int_equal(l.top, 6);
	list_sync(&l, 3, 4);
	assert_int_equal(l.selected, 2);
	assert_int_equal(l.top, 0);
	list_sync(&l, 0, 4);
	press(&l, ACTION_DOWN);
	assert_int_equal(l.selected, 0);
	assert_int_equal(list_act(&l, &(struct act){ .action = ACTION_VETO }, 0), 0);
	list_release(&l);
}

static void test_list_keeps_its_place(void **state)
{
	struct list l = { 0 };

	(void)state;
	list_sync(&l, 20, 5);
	list_select(&l, 7);
	list_sync(&l, 20, 5);
	press(&l, ACTION_UP);
	press(&l, ACTION_UP);
	assert_int_equal(l.top, 3);
	list_sync(&l, 20, 0);
	list_sync(&l, 20, 5);
	assert_int_equal(l.selected, 5);
	assert_int_equal(l.top, 3);
	list_sync(&l, 20, 7);
	assert_int_equal(l.top, 1);
	list_sync(&l, 20, 19);
	assert_int_equal(l.top, 0);
}

static void test_list_follows(void **state)
{
	struct list l = { .follow = 1 };

	(void)state;
	list_sync(&l, 10, 4);
	assert_int_equal(l.selected, 9);
	list_sync(&l, 12, 4);
	assert_int_equal(l.selected, 11);
	press(&l, ACTION_UP);
	list_sync(&l, 20, 4);
	assert_int_equal(l.selected, 10);
	press(&l, ACTION_FOLLOW);
	assert_int_equal(l.selected, 19);
}

static void test_list_draws_and_searches(void **state)
{
	struct list l = { 0 };

	(void)state;
	draw_on(3, 6);
	list_sync(&l, 12, 2);
	assert_int_equal(list_search(&l, "ROW 1", 0, row_text, NULL), 1);
	assert_int_equal(l.selected, 1);
	assert_int_equal(list_search(&l, "row 1", 1, row_text, NULL), 1);
	assert_int_equal(l.selected, 10);
	assert_int_equal(list_search(&l, "row 1", -1, row_text, NULL), 1);
	assert_int_equal(l.selected, 1);
	assert_int_equal(list_search(&l, "row 1", -1, row_text, NULL), 1);
	assert_int_equal(l.selected, 11);
	assert_int_equal(list_search(&l, "xyz", 1, row_text, NULL), 0);
	assert_int_equal(l.selected, 11);
	list_search(&l, NULL, 0, row_text, NULL);
	list_sync(&l, 12, 2);
	list_draw(&l, &all, 1, 1, draw_row, NULL);
	expect("\nrow 10\n{good+selected:row 11}\n", 1);
	assert_int_equal(grid.cursor_y, 2);
	assert_int_equal(list_act(&l, &(struct act){ .action = ACTION_CLICK, .y = 1 }, 1), 1);
	assert_int_equal(l.selected, 10);
	list_release(&l);
}

/* Text view */

static const char *numbered(const void *data, size_t i, struct buf *scratch, enum style *style)
{
	(void)data;
	*style = i == 3 ? STYLE_WARN : STYLE_DEFAULT;
	buf_printf(scratch, "line %zu abcdef", i);
	return buf_str(scratch);
}

static void turn(struct textview *v, enum action a, size_t count)
{
	if (a)
		assert_int_equal(textview_act(v, &(struct act){ .action = a }, 0), 1);
	textview_sync(v, count, v->rows, v->columns, numbered, NULL);
}

static void test_text_follows_until_the_reader_scrolls_up(void **state)
{
	struct textview v = { .grows = 1, .follow = 1, .rows = 3, .columns = 20 };

	(void)state;
	turn(&v, 0, 10);
	assert_int_equal(v.top, 7);
	turn(&v, ACTION_RIGHT, 10);
	turn(&v, ACTION_UP, 10);
	assert_int_equal(v.top, 6);
	turn(&v, 0, 133);
	assert_int_equal(v.top, 6);
	assert_int_equal(textview_new_lines(&v), 123);
	draw_on(3, 20);
	textview_draw(&v, &all, 1, numbered, NULL);
	expect("bcdef\nbcdef\nbcdef      +123 new\n", 0);
	turn(&v, ACTION_LAST, 133);
	assert_int_equal(v.follow, 1);
	assert_int_equal(v.left, 8);
	turn(&v, 0, 140);
	assert_int_equal(v.top, 137);
	assert_int_equal(textview_new_lines(&v), 0);
	textview_release(&v);
}

static void test_text_that_does_not_grow_never_follows(void **state)
{
	struct textview v = { .rows = 3, .columns = 20 };

	(void)state;
	turn(&v, 0, 10);
	turn(&v, ACTION_LAST, 10);
	assert_int_equal(v.top, 7);
	turn(&v, 0, 20);
	assert_int_equal(v.top, 7);
	assert_int_equal(textview_act(&v, &(struct act){ .action = ACTION_FOLLOW }, 0), 0);
}

static void test_text_with_a_current_line(void **state)
{
	struct textview v = { .has_cursor = 1, .rows = 3, .columns = 20 };

	(void)state;
	turn(&v, 0, 10);
	for (int i = 0; i < 4; i++)
		turn(&v, ACTION_DOWN, 10);
	assert_int_equal(v.cursor, 4);
	assert_int_equal(v.top, 2);
	turn(&v, ACTION_UP, 10);
	assert_int_equal(v.top, 2);
	draw_on(3, 9);
	textview_draw(&v, &all, 1, numbered, NULL);
	expect("line 2 a…\n{warn+selected:line 3 a…}\nline 4 a…\n", 1);
	assert_int_equal(grid.cursor_y, 1);
}

static void test_text_wraps(void **state)
{
	struct textview v = { .grows = 1, .follow = 1, .wrap = 1, .rows = 5, .columns = 7 };

	(void)state;
	turn(&v, 0, 10);
	assert_int_equal(v.top, 8);
	draw_on(5, 7);
	textview_draw(&v, &all, 1, numbered, NULL);
	expect("line 8\nabcdef\nline 9\nabcdef\n\n", 0);
	turn(&v, ACTION_UP, 10);
	turn(&v, ACTION_DOWN, 10);
	turn(&v, ACTION_DOWN, 10);
	assert_int_equal(v.follow, 1);
}

static void test_text_search(void **state)
{
	struct textview v = { .rows = 3, .columns = 20 };

	(void)state;
	turn(&v, 0, 30);
	assert_int_equal(textview_search(&v, "LINE 2", 0, numbered, NULL), 1);
	assert_int_equal(v.found, 2);
	assert_int_equal(textview_search(&v, "line 2", 1, numbered, NULL), 1);
	assert_int_equal(v.found, 20);
	turn(&v, 0, 30);
	draw_on(3, 20);
	textview_draw(&v, &all, 1, numbered, NULL);
	expect("line 19 abcdef\n{default+match:line 2}0 abcdef\n{default+match:line 2}1 abcdef\n", 1);
	assert_int_equal(textview_search(&v, "line 2", -1, numbered, NULL), 1);
	assert_int_equal(v.found, 2);
	assert_int_equal(textview_search(&v, "nothing", 1, numbered, NULL), 0);
	assert_int_equal(textview_search(&v, NULL, 0, numbered, NULL), 0);
	assert_null(v.search);
	textview_release(&v);
}

/* Bars */

static void test_progress(void **state)
{
	static const double shares[] = { 0, 0.001, 0.5, 0.683, 1, 7 };

	(void)state;
	draw_on(6, 11);
	for (int i = 0; i < 6; i++)
		bar_progress(&all, i, 0, 11, shares[i], STYLE_DEFAULT, STYLE_DEFAULT);
	expect("░░░░░░░░░░░\n▏░░░░░░░░░░\n█████▌░░░░░\n███████▌░░░\n███████████\n███████████\n", 0);
}

static void test_evidence(void **state)
{
	(void)state;
	draw_on(5, 10);
	bar_evidence(&all, 0, 0, 10, 412, 400, 1, STYLE_DEFAULT);
	bar_evidence(&all, 1, 0, 10, 17, 400, 0, STYLE_DEFAULT);
	bar_evidence(&all, 2, 0, 10, 0.8, 400, 0, STYLE_DEFAULT);
	bar_evidence(&all, 3, 0, 10, 17, 400, 1, STYLE_DEFAULT);
	bar_evidence(&all, 4, 0, 10, NAN, 400, 0, STYLE_DEFAULT);
	expect("██████████\n████▊░░░░░\n▏\n████▊\n\n", 0);
}

static void test_spread(void **state)
{
	struct bar_axis axis = { .low = 1, .high = 0, .zero = 50 };

	(void)state;
	bar_axis_add(&axis, 45, 5);
	bar_axis_add(&axis, 58, NAN);
	bar_axis_add(&axis, NAN, 1);
	bar_axis_add(&axis, 59, 1);
	assert_true(axis.low == 40 && axis.high == 60);
	draw_on(5, 21);
	bar_spread(&all, 0, 0, 21, &axis, 44, 2, STYLE_DEFAULT);
	bar_spread(&all, 1, 0, 21, &axis, NAN, 2, STYLE_DEFAULT);
	bar_spread(&all, 2, 0, 21, &axis, 55, 0, STYLE_DEFAULT);
	bar_spread(&all, 3, 0, 21, &axis, 90, 5, STYLE_DEFAULT);
	bar_interval(&all, 4, 0, 21, &axis, 46, 52, 60, STYLE_DEFAULT);
	expect("  ▕─┼─▏   ┊\n          ┊\n          ┊    ┼\n          ┊         ┼\n      ├─────●───────┤\n", 0);
}

static void test_sparkline(void **state)
{
	static const double values[] = { 99, 0, 1, 2, 3, 4, 5, 6, 7, NAN, 7 };

	(void)state;
	draw_on(3, 10);
	bar_sparkline(&all, 0, 0, 10, values, 11, 0, 0, STYLE_DEFAULT);
	bar_sparkline(&all, 1, 0, 10, values, 3, 0, 100, STYLE_DEFAULT);
	bar_sparkline(&all, 2, 0, 10, values + 1, 1, 0, 0, STYLE_DEFAULT);
	expect("▁▂▃▄▅▆▇█ █\n█▁▁\n▁\n", 0);
}

/* Numbers */

static void is(const char *got, const char *wanted)
{
	assert_string_equal(got, wanted);
}

static void test_numbers(void **state)
{
	char out[NUMBER_TEXT];
	const double column[] = { 3.5, 44.12, NAN };

	(void)state;
	assert_int_equal(number_decimals(column, 3, 4), 2);
	assert_int_equal(number_decimals(column, 1, 4), 3);
	assert_int_equal(number_decimals(NULL, 0, 4), 3);
	assert_int_equal(number_decimals((const double[]){ 123456 }, 1, 4), 0);
	number_fixed(44.125, 2, out), is(out, "44.12");
	number_fixed(NAN, 2, out), is(out, "-");
	number_fixed(1234000, 2, out), is(out, "1.234e+06");
	number_percent(2.06, 1, out), is(out, "+2.1 %");
	number_percent(-0.2, 1, out), is(out, "-0.2 %");
	number_percent(-0.04, 1, out), is(out, "0.0 %");
	number_percent(INFINITY, 1, out), is(out, "-");
	number_interval(6.2, 8, 1, 4, out), is(out, "[ 6.2  8.0]");
	number_interval(-0.24, 13.1, 1, 0, out), is(out, "[-0.2 13.1]");
	number_interval(NAN, 1, 1, 4, out), is(out, "");
	number_money(1.554, out), is(out, "$1.55");
	number_money(0.001, out), is(out, "<$0.01");
	number_money(0, out), is(out, "$0.00");
	number_money(1234.5, out), is(out, "$1234");
	number_bytes(512, out), is(out, "512 B");
	number_bytes(1449, out), is(out, "1.4 kB");
	number_bytes(999700, out), is(out, "1.0 MB");
	number_bytes(43e6, out), is(out, "43 MB");
	number_short(0.8, out), is(out, "0.8");
	number_short(17.2, out), is(out, "17");
	number_short(412.4, out), is(out, "412");
	number_short(1.2e6, out), is(out, "1.2e+06");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list_moves_and_scrolls), TEST(test_list_keeps_its_place), TEST(test_list_follows), TEST(test_list_draws_and_searches),
		TEST(test_text_follows_until_the_reader_scrolls_up), TEST(test_text_that_does_not_grow_never_follows),
		TEST(test_text_with_a_current_line), TEST(test_text_wraps), TEST(test_text_search), TEST(test_progress), TEST(test_evidence),
		TEST(test_spread), TEST(test_sparkline), TEST(test_numbers),
	};
	return cmocka_run_group_tests_name("tui_widgets", tests, NULL, NULL);
}
