/* The layout over every size: nothing overlaps, nothing stands out, nothing is left unused that a pane could have. */
#include "tui/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *taken;
static int height, width;

static void take(struct rect r, const char *what)
{
	if (r.rows == 0 || r.columns == 0)
		return;
	if (r.y < 0 || r.x < 0 || r.rows < 0 || r.columns < 0 || r.y + r.rows > height || r.x + r.columns > width)
		fail_msg("%s %d,%d %dx%d is outside of %dx%d", what, r.y, r.x, r.rows, r.columns, height, width);
	for (int y = r.y; y < r.y + r.rows; y++)
		for (int x = r.x; x < r.x + r.columns; x++)
			if (taken[y * width + x]++)
				fail_msg("%s overlaps at %d,%d of %dx%d", what, y, x, height, width);
}

static void check(int rows, int columns, int focused, int zoomed, int overlay)
{
	struct layout l = layout_make(rows, columns, focused, zoomed, overlay);
	size_t cells = (size_t)rows * (size_t)columns;

	height = rows;
	width = columns;
	memset(taken, 0, cells);
	take(l.bar, "bar");
	take(l.footer, "footer");
	take(l.divider, "divider");
	take(l.overlay.title, "overlay title");
	take(l.overlay.body, "overlay");
	for (int i = 0; i < LAYOUT_PANES; i++) {
		take(l.panes[i].title, "title");
		take(l.panes[i].body, "body");
		assert_true(!l.panes[i].body.rows || l.panes[i].title.rows == 1);
	}
	for (size_t i = 0; i < cells && l.kind != LAYOUT_MESSAGE; i++)
		if (!taken[i])
			fail_msg("%dx%d focus %d: cell %zu is nobody's", rows, columns, focused, i);
	if (l.kind == LAYOUT_MESSAGE)
		return;
	if (overlay) {
		assert_true(l.overlay.body.rows >= 8);
		return;
	}
	assert_true(l.panes[focused].body.rows >= 3);
	assert_int_equal(l.overlay.title.rows, 0);
	for (int i = 0; i < LAYOUT_PANES && l.kind == LAYOUT_OVERVIEW && !zoomed; i++)
		assert_true(l.panes[i].title.rows == 1 && (i == 4 || l.panes[i].body.rows >= 2));
	for (int i = 0; i < LAYOUT_PANES && l.kind == LAYOUT_STRIPS && !zoomed; i++)
		assert_true(l.panes[i].title.rows == 1 && (i == focused || l.panes[i].body.rows == 0));
}

static void test_every_size(void **state)
{
	(void)state;
	taken = malloc(90 * 310);
	for (int rows = 1; rows <= 82; rows++)
		for (int columns = 1; columns <= 302; columns += columns < 104 ? 1 : 7)
			for (int focused = 0; focused < LAYOUT_PANES; focused++) {
				check(rows, columns, focused, 0, 0);
				check(rows, columns, focused, 1, 0);
				check(rows, columns, focused, 0, 1);
			}
	free(taken);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(layout_make(34, 120, 0, 0, 0).kind, LAYOUT_OVERVIEW);
	assert_int_equal(layout_make(24, 80, 0, 0, 0).kind, LAYOUT_STRIPS);
	assert_int_equal(layout_make(12, 40, 0, 0, 0).kind, LAYOUT_SINGLE);
	assert_int_equal(layout_make(11, 40, 0, 0, 0).kind, LAYOUT_MESSAGE);
	assert_int_equal(layout_make(5, 20, 0, 0, 0).kind, LAYOUT_MESSAGE);
	assert_int_equal(layout_make(0, 0, 0, 0, 0).kind, LAYOUT_MESSAGE);
}

static void test_the_focused_pane_grows(void **state)
{
	(void)state;
	for (int i = 0; i < LAYOUT_PANES; i++) {
		int other = i < 2 ? 3 : 0;
		int with = layout_make(40, 140, i, 0, 0).panes[i].body.rows, without = layout_make(40, 140, other, 0, 0).panes[i].body.rows;
		assert_true(with > without);
		assert_true(layout_make(40, 140, i, 1, 0).panes[i].body.rows > with);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size), cmocka_unit_test(test_kinds), cmocka_unit_test(test_the_focused_pane_grows),
	};
	return cmocka_run_group_tests_name("tui_layout", tests, NULL, NULL);
}
