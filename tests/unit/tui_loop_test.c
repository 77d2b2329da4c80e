/* The shell on a real loop and a real pty: bytes in, bytes out, an emulator at the other end; and that nothing happens when
 * nothing happens. */
#include "tests/test.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vterm.h>

#include "core/base/clock.h"
#include "core/data/model.h"
#include "tui/ui.h"

static int master, slave, approved, left, draws;
static struct loop *loop;
static struct term *term;
static struct keymap *map;
static struct ui *ui;
static struct model model;
static VTerm *vt;
static VTermScreen *screen;
static size_t received;

static void draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	(void)m;
	draws += p->focused;
	for (int y = 0; y < c->rows; y++)
		canvas_printf(c, y, 0, STYLE_GOOD, "%s row %d 日本 ████▌░░", p->ops->name, y);
}

static enum pane_result act(struct pane *p, const struct model *m, const struct act *a, struct intent *want)
{
	(void)p;
	(void)m;
	return a->action == ACTION_APPROVE ? intent_command(want, "approve", NULL) : PANE_IGNORED;
}

static void subject(const struct pane *p, const struct model *m, struct buf *out)
{
	(void)p;
	(void)m;
	buf_puts(out, "p1 rev 1");
}

static const struct pane_ops panes[5] = {
	{ .name = "Reading list", .digit = 1, .context = CONTEXT_READING, .state_size = 1, .draw = draw },
	{ .name = "Grid", .digit = 2, .context = CONTEXT_GRID, .state_size = 1, .draw = draw },
	{ .name = "Metrics", .digit = 3, .context = CONTEXT_METRICS, .state_size = 1, .draw = draw },
	{ .name = "Review", .digit = 4, .context = CONTEXT_REVIEW, .state_size = 1, .draw = draw, .act = act, .subject = subject },
	{ .name = "Agent", .digit = 5, .context = CONTEXT_AGENT, .state_size = 1, .draw = draw },
};
static const struct pane_ops *const list[] = { &panes[0], &panes[1], &panes[2], &panes[3], &panes[4], NULL };

static void on_command(void *data, const char *name, struct json *args_taken, uint64_t tag)
{
	(void)data;
	approved += !strcmp(name, "approve");
	json_free(args_taken);
	ui_answer(ui, tag, NULL, NULL);
}

static int on_line(void *data, const char *line, uint64_t tag, struct err *err)
{
	(void)data;
	(void)tag;
	return err_set(err, "no `%s`", line);
}

static void on_leave(void *data)
{
	(void)data;
	left++;
}

static const struct ui_backend backend = { .command = on_command, .query = on_command, .line = on_line, .leave = on_leave };

static int setup(void **state)
{
	struct winsize size = { .ws_row = 30, .ws_col = 110 };
	struct theme theme;
	struct err err = { 0 };
	struct term_options options = { .name = "xterm-256color", .theme = &theme };
	struct ui_options shell = { .model = &model, .panes = list, .backend = &backend };

	(void)state;
	approved = left = 0;
	received = 0;
	theme_load(&theme, "dark", &err);
	model_init(&model);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	options.in = options.out = slave;
	shell.loop = loop = loop_new();
	shell.term = term = term_open(&options, &err);
	shell.keymap = map = keymap_new();
	assert_non_null(term);
	ui = ui_new(&shell);
	vt = vterm_new(30, 110);
	vterm_set_utf8(vt, 1);
	screen = vterm_obtain_screen(vt);
	vterm_screen_enable_altscreen(screen, 1);
	vterm_screen_reset(screen, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ui_free(ui);
	term_close(term);
	keymap_free(map);
	loop_free(loop);
	model_release(&model);
	vterm_free(vt);
	close(slave);
	if (master >= 0)
		close(master);
	return 0;
}

static void deliver(void)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(master, bytes, sizeof bytes)) > 0) {
		vterm_input_write(vt, bytes, (size_t)n);
		received += (size_t)n;
	}
}

/* For so long, and a few turns more: one who was not on a CPU meanwhile has not turned at all. */
static void run(int milliseconds)
{
	int64_t end = clock_monotonic() + milliseconds * 1000;

	for (int late = 0; late < 3; deliver()) {
		int64_t now = clock_monotonic();
		late += now >= end;
		loop_turn(loop, now < end ? end - now : 10000);
	}
}

static void type(const char *bytes)
{
	assert_int_equal(write(master, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	run(100);
}

static void check(void)
{
	const struct grid *g = ui_grid(ui);

	for (int y = 0; y < g->rows; y++)
		for (int x = 0; x < g->columns; x++) {
			VTermScreenCell seen;
			vterm_screen_get_cell(screen, (VTermPos){ y, x }, &seen);
			if (grid_cell(g, y, x)->width && (seen.chars[0] ? seen.chars[0] : ' ') != grid_cell(g, y, x)->code)
				fail_msg("at %d,%d stands U+%04X, not U+%04X", y, x, seen.chars[0], grid_cell(g, y, x)->code);
		}
}

static void test_keys_are_drawn(void **state)
{
	(void)state;
	run(100);
	check();
	assert_true(received > 1000);
	type("4");
	assert_string_equal(ui_focused_name(ui), "Review");
	check();
	type("z");
	check();
	type("\x1b");
	check();
	assert_string_equal(ui_focused_name(ui), "Review");
	type("\t");
	assert_string_equal(ui_focused_name(ui), "Agent");
}

static void test_type_ahead_never_approves(void **state)
{
	(void)state;
	run(50);
	type("4aaaa\r");
	run(500);
	type("aa");
	assert_int_equal(approved, 0);
	type("\x1b[200~a\x1b[201~");
	assert_int_equal(approved, 0);
	run(500);
	type("a");
	assert_int_equal(approved, 1);
}

static void test_idle_is_silent(void **state)
{
	uint64_t turns;
	size_t bytes;

	(void)state;
	run(200);
	bytes = received;
	turns = loop_wakeups(loop);
	loop_turn(loop, 1500000);
	deliver();
	assert_int_equal(received, bytes);
	assert_int_equal(loop_wakeups(loop), turns + 1);
	ui_model_changed(ui);
	run(200);
	assert_int_equal(received, bytes);
}

/* Facts that pour in are drawn ten times a second at most; a key is drawn at once. */
static void test_a_burst_of_facts_is_few_frames(void **state)
{
	int64_t begin, elapsed;

	(void)state;
	run(300);
	draws = 0;
	begin = clock_monotonic();
	for (int i = 0; i < 100; i++) {
		ui_model_changed(ui);
		loop_turn(loop, 5000);
	}
	elapsed = clock_monotonic() - begin;
	assert_in_range(draws, 1, (uintmax_t)(elapsed / 100000 + 2));
	draws = 0;
	ui_model_changed(ui);
	assert_int_equal(write(master, "5", 1), 1);
	loop_turn(loop, 1000000);
	assert_int_equal(draws, 1);
}

static void test_resize(void **state)
{
	struct winsize size = { .ws_row = 12, .ws_col = 40 };

	(void)state;
	run(100);
	ioctl(slave, TIOCSWINSZ, &size);
	vterm_set_size(vt, 12, 40);
	kill(getpid(), SIGWINCH);
	run(100);
	assert_int_equal(ui_grid(ui)->rows, 12);
	check();
}

static void test_a_line_that_hangs_up_ends_it(void **state)
{
	(void)state;
	run(100);
	close(master);
	master = -1;
	for (int i = 0; i < 50 && !left; i++)
		loop_turn(loop, 100000);
	assert_int_equal(left, 1);
}

/* A program gets the terminal and gives it back; meanwhile nothing is drawn. */
static void test_a_program_has_the_terminal(void **state)
{
	const char *const program[] = { "sh", "-c", "until [ -e \"${TMPDIR:-/tmp}/go\" ]; do sleep 0.1; done; exit 3", NULL };
	const char *const none[] = { "/no/such/program", NULL };
	struct err err = { 0 };
	char go[400];
	uint64_t frames;

	(void)state;
	run(100);
	assert_int_equal(ui_run(ui, program, &err), 0);
	assert_int_equal(ui_run(ui, program, &err), -1);
	assert_string_equal(err.text, "another program has the terminal");
	run(50);
	frames = term_frames(term);
	ui_model_changed(ui);
	type("5");		/* its, not ours */
	assert_int_equal(term_frames(term), frames);
	assert_string_equal(ui_focused_name(ui), "Reading list");
	tcflush(slave, TCIFLUSH);
	close(creat(test_path(go, sizeof go, "go"), 0600));
	while (term_frames(term) == frames)
		run(50);
	run(200);
	check();
	unlink(go);
	type("4");
	assert_string_equal(ui_focused_name(ui), "Review");
	check();
	assert_int_equal(ui_run(ui, none, &err), 0);	/* the shell that would say so is not there: its exit code tells */
	run(300);
	check();
	type("2");
	assert_string_equal(ui_focused_name(ui), "Grid");
}

static void test_q_leaves(void **state)
{
	(void)state;
	run(50);
	type("q");
	assert_int_equal(left, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_keys_are_drawn), TEST(test_type_ahead_never_approves), TEST(test_idle_is_silent), TEST(test_a_burst_of_facts_is_few_frames), TEST(test_resize),
		TEST(test_a_line_that_hangs_up_ends_it), TEST(test_a_program_has_the_terminal), TEST(test_q_leaves),
	};
	return cmocka_run_group_tests_name("tui_loop", tests, NULL, NULL);
}
