/* The terminal against an emulator: after every frame the emulated screen must equal the grid. */
#include "tui/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vterm.h>

#include "core/base/buf.h"
#include "core/base/random.h"

/* ncurses keeps 1.6 kB of every screen but the first. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:new_prescr";
}

enum { REPLACEMENT = 0xfffd };

static struct theme dark;
static struct term *term;
static VTerm *vt;
static VTermScreen *screen;
static struct buf sent;	/* what was delivered last */
static int ends[2];	/* [0]: the emulator's, [1]: the program's */

static void open_all(const char *name, int rows, int columns)
{
	struct term_options options = { .in = -1, .name = name, .theme = &dark, .rows = rows, .columns = columns };
	struct err err = { 0 };

	/* Shells export these; they must not freeze the size. */
	setenv("LINES", "7", 1);
	setenv("COLUMNS", "19", 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	options.out = ends[1];
	term = term_open(&options, &err);
	if (!term)
		fail_msg("%s: %s", name, err.text);
	vt = vterm_new(rows, columns);
	vterm_set_utf8(vt, 1);
	screen = vterm_obtain_screen(vt);
	vterm_screen_enable_altscreen(screen, 1);
	vterm_screen_reset(screen, 1);
}

static void close_all(void)
{
	term_close(term);
	vterm_free(vt);
	close(ends[0]);
	close(ends[1]);
}

/* Moves what is on the line into the emulator; returns the bytes. */
static size_t deliver(void)
{
	char bytes[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(ends[0], bytes, sizeof bytes)) > 0) {
		vterm_input_write(vt, bytes, (size_t)n);
		buf_add(&sent, bytes, (size_t)n);
		total += (size_t)n;
	}
	return total;
}

static size_t draw(const struct grid *g)
{
	size_t total;
	int busy = term_draw(term, g);

	assert_int_equal(busy, 0);
	for (total = deliver(); term_flush(term) == 1; )
		total += deliver();
	return total + deliver();
}

static int is_color(VTermColor color, int wanted, int foreground)
{
	if (wanted == COLOR_NONE)
		return foreground ? VTERM_COLOR_IS_DEFAULT_FG(&color) : VTERM_COLOR_IS_DEFAULT_BG(&color);
	return VTERM_COLOR_IS_INDEXED(&color) && !VTERM_COLOR_IS_DEFAULT_FG(&color) && color.indexed.idx == wanted;
}

static void check_look(const struct cell *cell, const VTermScreenCell *seen, int y, int x)
{
	struct look look = theme_look(&dark, cell->style, cell->flags, DEPTH_256);
	int blank = cell->code == ' ';

	if (!is_color(seen->bg, look.background, 0) && !(look.attributes & LOOK_REVERSE))
		fail_msg("background at %d,%d: not %d (%s)", y, x, look.background, style_name(cell->style));
	if (!blank && !is_color(seen->fg, look.foreground, 1))
		fail_msg("foreground at %d,%d: not %d (%s)", y, x, look.foreground, style_name(cell->style));
	if (!blank && (seen->attrs.bold != !!(look.attributes & LOOK_BOLD) || !seen->attrs.underline != !(look.attributes & LOOK_UNDERLINE)))
		fail_msg("attributes at %d,%d", y, x);
}

static void check(const struct grid *g, int colors, const char *what)
{
	for (int y = 0; y < g->rows; y++)
		for (int x = 0; x < g->columns; x++) {
			const struct cell *cell = grid_cell(g, y, x);
			VTermScreenCell seen;
			uint32_t code;
			vterm_screen_get_cell(screen, (VTermPos){ y, x }, &seen);
			if (!cell->width)
				continue;
			code = seen.chars[0] ? seen.chars[0] : ' ';
			if (code != cell->code || (cell->mark && seen.chars[1] != cell->mark))
				fail_msg("%s: at %d,%d of %dx%d stands U+%04X, not U+%04X", what, y, x, g->rows, g->columns, code, cell->code);
			if (colors)
				check_look(cell, &seen, y, x);
		}
	if (g->cursor_y >= 0) {
		VTermPos cursor;
		vterm_state_get_cursorpos(vterm_obtain_state(vt), &cursor);
		assert_int_equal(cursor.row, g->cursor_y);
		assert_int_equal(cursor.col, g->cursor_x);
	}
}

static void scribble(struct grid *g, struct random *random)
{
	static const char *const pieces[] = {
		"hello, world", "日本語", "e\xcc\x81t\xc3\xa9", "────┼────", "████▌░░░", "x", "                              ", "a日b本c", "▁▂▃▄▅▆▇█",
	};
	struct canvas c = canvas_of(g);
	int strokes = 1 + (int)random_below(random, 12);

	if (random_below(random, 12) == 0)
		grid_clear(g);
	for (int i = 0; i < strokes; i++) {
		int y = (int)random_below(random, (uint64_t)g->rows), x = (int)random_below(random, (uint64_t)g->columns);
		canvas_text(&c, y, x, (enum style)random_below(random, STYLE_COUNT), pieces[random_below(random, 9)], -1);
		canvas_mark(&c, y, x, 5, (unsigned)random_below(random, 8));
		if (random_below(random, 4) == 0)
			canvas_link(&c, y, x, 1 + (int)random_below(random, 20), i % 2 ? "https://example.org/a" : "http://example.org/b?c=d");
	}
	if (random_below(random, 3) == 0)
		grid_copy_links(g, &(struct grid){ 0 });
	if (random_below(random, 6) == 0) {	/* what a log does: the lines move up by one */
		memmove(g->cells, g->cells + g->columns, (size_t)(g->rows - 1) * (size_t)g->columns * sizeof *g->cells);
		canvas_fill(&c, (struct rect){ g->rows - 1, 0, 1, g->columns }, STYLE_DEFAULT);
	}
	for (int y = 0; y < g->rows; y++)	/* libvterm puts a mark on the last column into the next row */
		for (int x = g->columns - 2; x < g->columns; x++)
			g->cells[y * g->columns + x].mark = 0;
	g->cursor_y = random_below(random, 2) ? (int)random_below(random, (uint64_t)g->rows) : -1;
	g->cursor_x = g->columns / 2;
	g->cursor_shown = (int)random_below(random, 2);
}

static void random_scenes(const char *name, int colors)
{
	struct random random;
	struct grid g;

	random_seed(&random, 42);
	open_all(name, 24, 80);
	grid_init(&g, 24, 80);
	for (int frame = 0; frame < 300; frame++) {
		if (random_below(&random, 20) == 0) {
			int rows = 5 + (int)random_below(&random, 60), columns = 20 + (int)random_below(&random, 200);
			grid_resize(&g, rows, columns);
			vterm_set_size(vt, rows, columns);
		}
		scribble(&g, &random);
		draw(&g);
		check(&g, colors, name);
		assert_int_equal(draw(&g), 0);
	}
	grid_release(&g);
	close_all();
}

static void test_random_scenes(void **state)
{
	(void)state;
	random_scenes("xterm-256color", 1);
	random_scenes("screen", 0);
	random_scenes("linux", 0);
	random_scenes("vt100", 0);
	random_scenes("xterm", 0);
	random_scenes("tmux-256color", 1);
}

static int count_sent(const char *part)
{
	int n = 0;

	for (const char *at = sent.data ? sent.data : ""; (at = memmem(at, (size_t)(sent.data + sent.len - at), part, strlen(part))) != NULL; at++)
		n++;
	return n;
}

static size_t draw_anew(const struct grid *g)
{
	buf_truncate(&sent, 0);
	return draw(g);
}

static void test_links(void **state)
{
	static const char to_a[] = "\x1b]8;;https://example.org/a\x1b\\", none[] = "\x1b]8;;\x1b\\";
	struct grid g;
	struct canvas c;

	(void)state;
	open_all("xterm-256color", 5, 40);
	grid_init(&g, 5, 40);
	c = canvas_of(&g);
	canvas_text(&c, 1, 3, STYLE_LINK, "example.org/a", -1);
	canvas_link(&c, 1, 3, 13, "https://example.org/a");
	canvas_link(&c, 2, 3, 13, "javascript:alert(1)");
	canvas_link(&c, 2, 3, 13, "https://example.org/\x1b\\a");
	canvas_link(&c, 2, 3, 13, "https://example.org/a b");
	assert_int_equal(g.link_count, 1);
	draw_anew(&g);
	check(&g, 1, "a link");
	assert_int_equal(count_sent(to_a), 1);
	assert_int_equal(count_sent(none), 1);
	assert_int_equal(draw_anew(&g), 0);		/* it is there */
	canvas_text(&c, 1, 30, STYLE_DEFAULT, "more", -1);
	draw_anew(&g);
	assert_int_equal(count_sent(to_a), 1);		/* its row was written */
	canvas_text(&c, 3, 0, STYLE_DEFAULT, "elsewhere", -1);
	draw_anew(&g);
	assert_int_equal(count_sent(to_a), 0);
	canvas_text(&c, 1, 5, STYLE_DEFAULT, "over it", -1);
	draw_anew(&g);
	check(&g, 1, "something over a link");
	assert_int_equal(count_sent(to_a), 2);		/* before and behind it */
	grid_copy_links(&g, &(struct grid){ 0 });
	draw_anew(&g);
	check(&g, 1, "no link any more");
	assert_int_equal(count_sent("\x1b]8"), 0);
	assert_int_equal(count_sent("example") + count_sent("ex"), 1);	/* written again, as text */
	grid_release(&g);
	close_all();
	open_all("linux", 5, 40);			/* it would print them */
	grid_init(&g, 5, 40);
	c = canvas_of(&g);
	canvas_text(&c, 1, 3, STYLE_LINK, "example.org/a", -1);
	canvas_link(&c, 1, 3, 13, "https://example.org/a");
	draw_anew(&g);
	assert_int_equal(count_sent("\x1b]8"), 0);
	grid_release(&g);
	close_all();
	buf_release(&sent);
}

static void test_unknown_terminals_fall_back(void **state)
{
	(void)state;
	open_all("xterm-ghostty", 24, 80);
	assert_string_equal(term_name(term), "xterm-256color");
	close_all();
	open_all("something-256color", 24, 80);
	assert_string_equal(term_name(term), "xterm-256color");
	close_all();
	open_all("nonsense", 24, 80);
	assert_string_equal(term_name(term), "xterm");
	close_all();
}

static void test_a_terminal_that_cannot_move_its_cursor(void **state)
{
	struct term_options options = { .in = -1, .out = open("/dev/null", O_WRONLY), .name = "dumb", .theme = &dark };
	struct err err = { 0 };

	(void)state;
	assert_null(term_open(&options, &err));
	assert_non_null(strstr(err.text, "dumb"));
	assert_non_null(strstr(err.text, "--plain"));
	close(options.out);
}

static void test_a_small_change_is_few_bytes(void **state)
{
	struct grid g;
	struct canvas c;
	size_t first, one;

	(void)state;
	open_all("xterm-256color", 50, 200);
	grid_init(&g, 50, 200);
	c = canvas_of(&g);
	for (int y = 0; y < 50; y++)
		canvas_printf(&c, y, 0, STYLE_DEFAULT, "row %d of the screen, with some words in it", y);
	first = draw(&g);
	assert_true(first > 1000 && first < 4000);
	canvas_put(&c, 25, 100, STYLE_DEFAULT, 'x');
	one = draw(&g);
	assert_in_range(one, 1, 12);
	assert_int_equal(term_frames(term), 2);
	assert_int_equal(term_bytes(term), first + one);
	term_redraw(term);
	assert_true(draw(&g) > 1000);
	check(&g, 1, "redraw");
	grid_release(&g);
	close_all();
}

/* A terminal may refuse to insert and delete characters outside of its scroll region. */
static void test_the_scroll_region_is_the_whole_screen(void **state)
{
	struct grid g;
	char bytes[4096];
	ssize_t n;

	(void)state;
	open_all("xterm-256color", 44, 100);
	grid_init(&g, 44, 100);
	term_draw(term, &g);
	n = read(ends[0], bytes, sizeof bytes);
	assert_true(n > 0);
	assert_non_null(memmem(bytes, (size_t)n, "\x1b[1;44r", 7));
	grid_release(&g);
	close_all();
}

static void test_frames_are_bracketed_once_the_terminal_said_yes(void **state)
{
	struct grid g;
	struct canvas c;
	char bytes[4096];
	ssize_t n;

	(void)state;
	open_all("xterm-256color", 5, 20);
	grid_init(&g, 5, 20);
	c = canvas_of(&g);
	draw(&g);
	term_mode_report(term, 2026, 0);
	canvas_put(&c, 0, 0, STYLE_DEFAULT, 'x');
	term_draw(term, &g);
	n = read(ends[0], bytes, sizeof bytes);
	assert_null(memmem(bytes, (size_t)n, "2026", 4));
	term_mode_report(term, 2026, 2);
	canvas_put(&c, 0, 0, STYLE_DEFAULT, 'y');
	term_draw(term, &g);
	n = read(ends[0], bytes, sizeof bytes);
	assert_true(n > 16);
	assert_memory_equal(bytes, "\x1b[?2026h", 8);
	assert_memory_equal(bytes + n - 8, "\x1b[?2026l", 8);
	grid_release(&g);
	close_all();
}

/* Nobody reads: the program must neither wait nor pile up frames, and the last state must come through in the end. */
static void test_a_busy_line(void **state)
{
	struct grid g;
	struct canvas c;
	int drawn = 0, small = 4096;

	(void)state;
	open_all("xterm-256color", 50, 200);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	grid_init(&g, 50, 200);
	c = canvas_of(&g);
	for (int frame = 0; frame < 100; frame++) {
		for (int y = 0; y < 50; y++)
			canvas_printf(&c, y, 0, (enum style)(frame % 20), "frame %d row %d ......................................", frame, y);
		drawn += term_draw(term, &g) == 0;
	}
	assert_true(drawn > 0 && drawn < 50);
	while (term_flush(term) == 1)
		deliver();
	deliver();
	draw(&g);
	check(&g, 1, "busy line");
	grid_release(&g);
	close_all();
}

static void test_a_line_that_is_gone(void **state)
{
	struct grid g;

	(void)state;
	open_all("xterm-256color", 5, 20);
	signal(SIGPIPE, SIG_IGN);
	grid_init(&g, 5, 20);
	shutdown(ends[0], SHUT_RDWR);
	assert_int_equal(term_draw(term, &g), -1);
	grid_release(&g);
	close_all();
}

static void test_copy(void **state)
{
	char bytes[256] = "";

	(void)state;
	open_all("xterm-256color", 5, 20);
	term_flush(term);
	deliver();
	assert_int_equal(term_copy(term, "hello", 5), 0);
	assert_true(read(ends[0], bytes, sizeof bytes - 1) > 0);
	assert_string_equal(bytes, "\x1b]52;c;aGVsbG8=\a");
	assert_int_equal(term_copy(term, "hello", 80000), -1);
	close_all();
}

static void test_colors_can_be_switched_off(void **state)
{
	struct grid g;
	struct canvas c;
	VTermScreenCell seen;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	open_all("xterm-256color", 5, 20);
	unsetenv("NO_COLOR");
	grid_init(&g, 5, 20);
	c = canvas_of(&g);
	canvas_text(&c, 0, 0, STYLE_ALERT, "x", -1);
	draw(&g);
	vterm_screen_get_cell(screen, (VTermPos){ 0, 0 }, &seen);
	assert_true(VTERM_COLOR_IS_DEFAULT_FG(&seen.fg) && VTERM_COLOR_IS_DEFAULT_BG(&seen.bg));
	assert_int_equal(seen.attrs.reverse, 1);
	grid_release(&g);
	close_all();
}

/* A child on a pty of its own that takes the terminal over and ends in one of several ways. */
static void end_badly(int how, struct buf *bytes, struct termios *before, struct termios *after)
{
	int master, slave;
	char chunk[4096];
	ssize_t n;
	pid_t child;
	int ready[2], restored = 0;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(pipe(ready), 0);
	tcgetattr(slave, before);
	child = fork();
	if (!child) {
		struct term_options options = { .in = slave, .out = slave, .name = "xterm-256color", .theme = &dark, .guard = 1 };
		struct err err;
		struct grid g;
		struct term *t;
		close(master);
		for (int number = 1; number < 32; number++)	/* cmocka's */
			signal(number, SIG_DFL);
		t = term_open(&options, &err);
		if (!t)
			_exit(1);
		grid_init(&g, 24, 80);
		term_draw(t, &g);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		if (how)
			kill(getpid(), how);
		else
			term_close(t);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], chunk, 1), 1);
	waitpid(child, NULL, 0);
	/* After SIGKILL it is the guard that restores, a moment later; the end of what it writes is the last to come. */
	fcntl(master, F_SETFL, O_NONBLOCK);
	for (int tenths = 0; tenths < 100 && !restored; tenths++) {
		while ((n = read(master, chunk, sizeof chunk)) > 0)
			buf_add(bytes, chunk, (size_t)n);
		tcgetattr(slave, after);
		restored = memmem(bytes->data, bytes->len, "\x1b[?1049l", 8) && after->c_lflag == before->c_lflag;
		if (!restored)
			usleep(100000);
	}
	close(master);
	close(slave);
	close(ready[0]);
}

static void test_the_terminal_is_restored_however_it_ends(void **state)
{
	static const int ways[] = { 0, SIGABRT, SIGFPE, SIGKILL };

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct buf bytes = { 0 };
		struct termios before, after;
		const char *left;
		end_badly(ways[i], &bytes, &before, &after);
		if (!memmem(bytes.data, bytes.len, "\x1b[?1049h", 8))
			fail_msg("way %zu: the alternate screen was not entered", i);
		left = memmem(bytes.data, bytes.len, "\x1b[?1049l", 8);
		if (!left || !memmem(bytes.data, bytes.len, "\x1b[?2004l", 8) || !memmem(bytes.data, bytes.len, "\x1b[?1000l", 8))
			fail_msg("way %zu: the screen was not restored", i);
		assert_int_equal(before.c_lflag, after.c_lflag);
		assert_int_equal(before.c_iflag, after.c_iflag);
		assert_int_equal(before.c_oflag, after.c_oflag);
		buf_release(&bytes);
	}
}

/* Where the C library sees another width than we, nothing may shift. */
static void test_characters_of_doubtful_width(void **state)
{
	struct grid g;
	struct canvas c;
	VTermScreenCell seen;

	(void)state;
	open_all("xterm-256color", 5, 20);
	grid_init(&g, 5, 20);
	c = canvas_of(&g);
	canvas_text(&c, 0, 0, STYLE_DEFAULT, "axb日cd", -1);
	g.cells[1].code = 0x378;	/* unassigned */
	g.cells[3].code = 'n';		/* narrow, but in two cells */
	draw(&g);
	g.cells[1].code = g.cells[3].code = REPLACEMENT;
	for (int x = 0; x < 7; x++) {
		vterm_screen_get_cell(screen, (VTermPos){ 0, x }, &seen);
		assert_int_equal(seen.chars[0], x == 4 ? ' ' : grid_cell(&g, 0, x)->code);
	}
	grid_release(&g);
	close_all();
}

static int setup(void **state)
{
	struct err err = { 0 };

	(void)state;
	return theme_load(&dark, "dark", &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_scenes), cmocka_unit_test(test_links), cmocka_unit_test(test_unknown_terminals_fall_back),
		cmocka_unit_test(test_a_terminal_that_cannot_move_its_cursor), cmocka_unit_test(test_a_small_change_is_few_bytes),
		cmocka_unit_test(test_the_scroll_region_is_the_whole_screen),
		cmocka_unit_test(test_frames_are_bracketed_once_the_terminal_said_yes), cmocka_unit_test(test_a_busy_line),
		cmocka_unit_test(test_a_line_that_is_gone), cmocka_unit_test(test_copy), cmocka_unit_test(test_characters_of_doubtful_width),
		cmocka_unit_test(test_colors_can_be_switched_off),
		cmocka_unit_test(test_the_terminal_is_restored_however_it_ends),
	};
	return cmocka_run_group_tests_name("tui_term", tests, setup, NULL);
}
