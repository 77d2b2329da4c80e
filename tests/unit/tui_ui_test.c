/* The shell with panes of paper and a clock of its own: focus, what lies over the panes, prompts, intents, and above all what
 * may and may not spend the human's word. */
#include "tui/ui.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/model.h"

struct paper {
	int acts, shown;
	char last[64], searched[32], answered[64];
};

static int64_t clock_now;
static struct model model;
static struct keymap *map;
static struct ui *ui;
static struct buf told;			/* what reached the backend */
static uint64_t last_tag;
static char revision[32];

static int64_t tick(void)
{
	return clock_now;
}

static void paper_title(const struct pane *p, const struct model *m, struct buf *out)
{
	(void)m;
	buf_printf(out, "figure of %s%s%s", p->ops->name, p->name ? " on " : "", p->name ? p->name : "");
}

static int paper_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct paper *paper = p->state;

	(void)m;
	if (rows && !paper->shown++ && !strcmp(p->ops->name, "Log"))
		intent_query(want, "log", NULL, 7);
	(void)columns;
	return 0;
}

static void paper_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	(void)m;
	canvas_printf(c, 0, 1, STYLE_DEFAULT, "inside of %s", p->ops->name);
}

static enum pane_result paper_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct paper *paper = p->state;

	(void)m;
	paper->acts++;
	snprintf(paper->last, sizeof paper->last, "%s", act->text ? act->text : action_name(act->action));
	switch (act->action) {
	case ACTION_APPROVE: return intent_command(want, "approve", NULL);
	case ACTION_PERMIT: return p->ops->digit == 5 ? intent_command(want, "permit", NULL) : PANE_IGNORED;
	case ACTION_VETO:
		if (!act->text)
			return intent_prompt(want, "veto, because", "", ACTION_VETO);
		return intent_command(want, "veto", NULL);
	case ACTION_ENTER: return intent_open(want, "log", "r1");
	case ACTION_DOWN: return PANE_REDRAW;
	case ACTION_SORT: return intent_message(want, "sorted by %s", "n");
	case ACTION_REVERSE: return intent_go(want, "review", "p7");
	default: return PANE_IGNORED;
	}
}

static void paper_answer(struct pane *p, const struct answer *answer)
{
	struct paper *paper = p->state;

	snprintf(paper->answered, sizeof paper->answered, "%d %s", (int)answer->tag, answer->error ? answer->error : "ok");
}

static int paper_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct paper *paper = p->state;

	(void)m;
	snprintf(paper->searched, sizeof paper->searched, "%s %d", text ? text : "-", direction);
	return text && !strcmp(text, "here");
}

static void paper_show(struct pane *p, const struct model *m, const char *what)
{
	struct paper *paper = p->state;

	(void)m;
	snprintf(paper->last, sizeof paper->last, "show %s", what);
}

static void paper_subject(const struct pane *p, const struct model *m, struct buf *out)
{
	(void)p;
	(void)m;
	buf_puts(out, revision);
}

#define PAPER(called, number, where) .name = called, .digit = number, .context = CONTEXT_##where, .state_size = sizeof(struct paper), \
	.title = paper_title, .sync = paper_sync, .draw = paper_draw, .act = paper_act, .answer = paper_answer, .search = paper_search, \
	.show = paper_show
static const struct pane_ops reading = { PAPER("Reading list", 1, READING) }, grid = { PAPER("Grid", 2, GRID) },
	metrics = { PAPER("Metrics", 3, METRICS) }, review = { PAPER("Review", 4, REVIEW), .title_follows = 1, .subject = paper_subject },
	agent = { PAPER("Agent", 5, AGENT), .subject = paper_subject }, log_pane = { PAPER("Log", 0, LOG) }, help = { PAPER("Help", 0, HELP) };
static const struct pane_ops *const panes[] = { &reading, &grid, &metrics, &review, &agent, &log_pane, &help, NULL };
static const struct ui_command commands[] = { { "veto", "ID --reason TEXT", "refuse a proposal" }, { "vex", "", "annoy" },
	{ "approve", "ID…", "pass" }, { "worker", "quarantine|release|down ID", "a worker" },
	{ "src", "add URL|PATH [--note T] | drop ID", "the list" }, { NULL, NULL, NULL } };

static void on_command(void *data, const char *name, struct json *args_taken, uint64_t tag)
{
	(void)data;
	buf_printf(&told, "command %s %s;", name, json_string(json_get(args_taken, "text"), ""));
	json_free(args_taken);
	last_tag = tag;
}

static void on_query(void *data, const char *name, struct json *args_taken, uint64_t tag)
{
	(void)data;
	buf_printf(&told, "query %s;", name);
	json_free(args_taken);
	last_tag = tag;
}

static int on_line(void *data, const char *line, uint64_t tag, struct err *err)
{
	(void)data;
	last_tag = tag;
	if (!strcmp(line, "bad"))
		return err_set(err, "there is no command `bad`");
	buf_printf(&told, "line %s;", line);
	return 0;
}

static void on_leave(void *data)
{
	(void)data;
	buf_puts(&told, "leave;");
}

static const struct ui_backend backend = { .command = on_command, .query = on_query, .line = on_line, .leave = on_leave };

static int setup(void **state)
{
	struct ui_options options = { .model = &model, .panes = panes, .commands = commands, .backend = &backend, .rows = 24, .columns = 80,
	                              .frozen = 1000000, .clock = tick };

	(void)state;
	model_init(&model);
	options.keymap = map = keymap_new();
	clock_now = 10000000;
	strcpy(revision, "p7 rev 1");
	ui = ui_new(&options);
	ui_draw(ui);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ui_free(ui);
	keymap_free(map);
	model_release(&model);
	buf_release(&told);
	return 0;
}

static void press_all(const char *keys, int alone)
{
	struct err err = { 0 };

	while (*keys) {
		struct input input = { .type = INPUT_KEY };
		int used = key_parse(keys, &input.key, &err);
		assert_true(used > 0);
		ui_input(ui, &input, alone);
		keys += used;
	}
	ui_draw(ui);
}

static void press(const char *keys)
{
	press_all(keys, 1);
}

static void pass(int milliseconds)
{
	clock_now += milliseconds * 1000;
}

static void expect_told(const char *text)
{
	assert_string_equal(buf_str(&told), text);
	buf_truncate(&told, 0);
}

static void line_at(int y, struct buf *out)
{
	struct canvas all = canvas_of((struct grid *)ui_grid(ui));
	struct canvas line;

	if (y < 0)
		y += all.rows;
	line = canvas_sub(&all, (struct rect){ y, 0, 1, all.columns });
	canvas_save(&line, out, 0);
}

static void expect_line(int y, const char *part)
{
	struct buf out = { 0 };

	line_at(y, &out);
	if (!strstr(buf_str(&out), part))
		fail_msg("line %d is: %s, not: %s", y, buf_str(&out), part);
	buf_release(&out);
}

static void test_a_word_needs_focus_time_and_solitude(void **state)
{
	(void)state;
	press("a");
	expect_told("");			/* not even the review's key here */
	press("4a");
	expect_told("");			/* the screen has shown it just now */
	expect_line(-1, "look, then press it again");
	pass(399);
	press("a");
	expect_told("");
	pass(399);
	press("a");
	expect_told("");			/* each refusal starts the wait anew */
	pass(400);
	press("a");
	expect_told("command approve ;");
}

static void test_a_word_is_about_what_was_shown(void **state)
{
	(void)state;
	press("4");
	pass(1000);
	strcpy(revision, "p7 rev 2");		/* another revision came in, not drawn yet */
	press_all("a", 1);
	expect_told("");
	pass(399);
	press("a");
	expect_told("");
	pass(400);
	press("a");
	expect_told("command approve ;");
	revision[0] = '\0';
	press("j");
	pass(1000);
	press("a");
	expect_told("");
	expect_line(-1, "nothing on the screen");
}

static void test_type_ahead_and_noise_do_not_spend_it(void **state)
{
	struct input paste = { .type = INPUT_PASTE, .text = "a", .size = 1 };

	(void)state;
	press("4");
	pass(1000);
	press_all("a", 0);
	expect_told("");
	pass(1000);
	press("ua");				/* u means nothing in the review */
	expect_told("");
	expect_line(-1, "other keys came just before");
	pass(1000);
	ui_input(ui, &paste, 1);
	expect_told("");
	press("a");
	expect_told("");
	pass(1000);
	press("ja");				/* moving about in the review is no noise */
	expect_told("command approve ;");
}

static void test_tab_does_not_approve_anything(void **state)
{
	(void)state;
	press("<Tab><Tab><Tab>");
	assert_string_equal(ui_focused_name(ui), "Review");
	press("a");
	expect_told("");
	press("<Tab><Tab>");
	assert_string_equal(ui_focused_name(ui), "Reading list");
	press("<S-Tab>");
	assert_string_equal(ui_focused_name(ui), "Agent");
}

/* What a child agent asks leave for is answered under the same rules, and nowhere else. */
static void test_leave_is_given_as_a_word_is(void **state)
{
	(void)state;
	press("5a");
	expect_told("");			/* shown just now */
	pass(400);
	press_all("a", 0);
	expect_told("");			/* not alone */
	pass(1000);
	press("a");
	expect_told("command permit ;");
	press(":approve<Enter>");
	expect_told("");
	expect_line(-1, "go to the review (4) first");
	press("4");
	pass(1000);
	press(":permit<Enter>");
	expect_told("");
	expect_line(-1, "go to the agent (5) first");
}

static void test_typed_lines(void **state)
{
	(void)state;
	press(":veto<Space>p7<Space>--reason<Space>slow<Enter>");
	expect_told("line veto p7 --reason slow;");
	press(":bad<Enter>");
	expect_line(-1, "there is no command `bad`");
	press(":zoom<Enter>");
	expect_line(1, "1 Reading list");
	expect_told("");
	press(":approve<Enter>");
	expect_told("");
	expect_line(-1, "go to the review");
	press(":<Up><Up><Up><Enter>");
	expect_line(-1, "there is no command `bad`");
	press(":x<Esc>q");
	expect_told("leave;");
}

static void test_palette_completes(void **state)
{
	(void)state;
	press(":ve");
	expect_line(-1, ":ve");
	expect_line(-3, "veto");
	expect_line(-2, "vex");
	expect_line(-2, "annoy");
	press("<Tab>");
	expect_line(-1, ":veto");
	press("<Tab>");
	expect_line(-1, ":vex");
	press("<Tab>");
	expect_line(-1, ":ve");
	press("<S-Tab><Enter>");
	expect_told("line vex;");
}

static void test_palette_completes_what_follows(void **state)
{
	static const char *const ids[] = { "p1", "p2", "p10" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct proposal *p = array_add(&model.proposals, &model.proposal_count, &model.proposal_room, sizeof *p);
		p->id = xstrdup(ids[i]);
		p->title = xstrdup("fuse two loops");
		p->state = i == 1 ? STATE_WAITING : STATE_VETOED;
	}
	press(":vet<Tab>");
	expect_line(-2, "veto ID --reason TEXT   refuse a proposal");
	expect_line(-3, "p2        fuse two loops (waiting)");
	expect_line(-4, "────");
	press("<Tab>--<Tab>x<Space>y<Enter>");
	expect_told("line veto p2 --reason x y;");
	press(":wor<Space><Tab>");
	expect_line(-1, ":wor\n");
	press("<C-u>worker<Space><Tab><Tab><Enter>");
	expect_told("line worker release;");
	press(":worker<Space>down<Space>");
	expect_line(-2, "worker quarantine|release|down ID");
	press("<C-u>src<Space>");
	expect_line(-4, "add");
	expect_line(-3, "drop");
	press("d<Tab>");
	expect_line(-1, ":src drop\n");
	press("<C-u>src<Space>add<Space>x<Space><Tab>");
	expect_line(-1, ":src add x --note\n");
	press("<Tab>");
	expect_line(-1, ":src add x --note\n");
	press("<Esc>");
	press(":app<Tab>");
	expect_line(-1, ":approve\n");
	press("<Tab>");
	expect_line(-1, ":approve p2\n");
	press("<Tab>");
	expect_line(-1, ":approve p2\n");
}

static void test_a_paste_in_a_prompt_runs_nothing(void **state)
{
	struct input paste = { .type = INPUT_PASTE, .text = "veto p7\nquit\n\x1b[A", .size = 16 };

	(void)state;
	press(":");
	ui_input(ui, &paste, 1);
	ui_draw(ui);
	expect_told("");
	expect_line(-1, ":veto p7 quit [A");
}

static void test_prompts_of_panes(void **state)
{
	(void)state;
	press("4v");
	expect_line(-1, "veto, because");
	expect_told("");
	press("noise<Enter>");
	expect_told("command veto ;");
	press("vno<Esc>");
	expect_told("");
	press("v<Backspace>");
	expect_line(-1, "a approve");
	press("5mhello<Space>you<Enter>");
	expect_told("command steer hello you;");
}

static void test_overlays_and_queries(void **state)
{
	(void)state;
	press("2<Enter>");
	assert_string_equal(ui_focused_name(ui), "Log");
	expect_told("query log;");
	expect_line(1, "Log");
	expect_line(1, "figure of Log on r1");
	assert_false(ui_is_idle(ui));
	ui_answer(ui, last_tag, NULL, "gone");
	ui_draw(ui);
	assert_true(ui_is_idle(ui));
	press("?");
	assert_string_equal(ui_focused_name(ui), "Help");
	press("<Esc>");
	assert_string_equal(ui_focused_name(ui), "Log");
	press("q");
	assert_string_equal(ui_focused_name(ui), "Grid");
	press("<Enter>");
	expect_told("query log;");
	press("q");
	ui_answer(ui, last_tag, NULL, "late: its pane is gone");
	ui_answer(ui, 999, NULL, "nobody asked");
	press("<Enter>");
	press("P");
	ui_answer(ui, last_tag - 1, NULL, "the first of two on their way");
	ui_answer(ui, last_tag, NULL, "the second");
	ui_draw(ui);
	expect_line(-1, "the second");
	assert_true(ui_is_idle(ui));
	press("3");
	assert_string_equal(ui_focused_name(ui), "Metrics");
	expect_told("query log;command pause ;");
	press("r");
	assert_string_equal(ui_focused_name(ui), "Review");
}

static void test_commands_that_fail_are_told(void **state)
{
	(void)state;
	press("P");
	expect_told("command pause ;");
	ui_answer(ui, last_tag, NULL, "observers cannot command");
	ui_draw(ui);
	expect_line(-1, "observers cannot command");
	press("j");
	expect_line(-1, "? help");
	press("s");
	expect_line(-1, "sorted by n");
}

static void test_observers_are_refused_at_the_key(void **state)
{
	struct ui_options options = { .model = &model, .panes = panes, .commands = commands, .backend = &backend, .rows = 24, .columns = 80,
	                              .frozen = 1000000, .clock = tick, .observer = 1, .keymap = map };

	(void)state;
	ui_free(ui);
	ui = ui_new(&options);
	ui_draw(ui);
	press("4");
	pass(1000);
	press("a");
	expect_line(-1, "approve: observers cannot command");
	press("v");
	expect_line(-1, "veto: observers cannot command");
	press("5m");
	expect_line(-1, "steer: observers cannot command");
	press(":pause<Enter>");
	expect_line(-1, "pause: observers cannot command");
	expect_told("");
}

static void test_search(void **state)
{
	(void)state;
	press("/he");
	press("re<Enter>");
	expect_line(-1, "? help");
	press("n");
	expect_line(-1, "? help");
	press("/nowhere<Enter>");
	expect_line(-1, "no match for `nowhere`");
	press("<Esc>n");
	expect_line(-1, "nothing was searched yet");
}

static void test_sizes(void **state)
{
	(void)state;
	press("3");
	expect_line(0, "skydeck");
	expect_line(1, "1 Reading list");
	expect_line(4, "5 Agent");
	expect_line(5, "3 Metrics");
	expect_line(6, "inside of Metrics");
	ui_resize(ui, 34, 120);
	ui_draw(ui);
	expect_line(1, "2 Grid");
	expect_line(1, "┬");
	ui_resize(ui, 12, 40);
	ui_draw(ui);
	expect_line(0, "3 Metrics");
	expect_line(1, "inside of Metrics");
	expect_line(-1, "? help");
	ui_resize(ui, 5, 20);
	ui_draw(ui);
	expect_line(0, "skydeck needs 40x12\n");
	ui_resize(ui, 1, 1);
	ui_draw(ui);
	press("z");
	ui_resize(ui, 24, 80);
	ui_draw(ui);
	expect_line(1, "3 Metrics");
	press("<Esc>");
	expect_line(5, "3 Metrics");
}

static void test_nothing_is_drawn_twice(void **state)
{
	(void)state;
	pass(1000);
	assert_true(ui_is_idle(ui));
	ui_model_changed(ui);
	assert_false(ui_is_idle(ui));
	ui_draw(ui);
	assert_true(ui_is_idle(ui));
}

static void test_the_mouse(void **state)
{
	struct input click = { .type = INPUT_MOUSE, .button = MOUSE_LEFT, .pressed = 1, .y = 28, .x = 5 };

	(void)state;
	ui_resize(ui, 34, 120);
	ui_draw(ui);
	ui_input(ui, &click, 1);
	assert_string_equal(ui_focused_name(ui), "Review");
	click.y = 5;
	click.x = 100;
	ui_input(ui, &click, 1);
	assert_string_equal(ui_focused_name(ui), "Grid");
	click.pressed = 0;
	click.x = 3;
	ui_input(ui, &click, 1);
	assert_string_equal(ui_focused_name(ui), "Grid");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_word_needs_focus_time_and_solitude), TEST(test_a_word_is_about_what_was_shown),
		TEST(test_type_ahead_and_noise_do_not_spend_it), TEST(test_tab_does_not_approve_anything), TEST(test_leave_is_given_as_a_word_is), TEST(test_typed_lines),
		TEST(test_palette_completes), TEST(test_palette_completes_what_follows), TEST(test_a_paste_in_a_prompt_runs_nothing), TEST(test_prompts_of_panes),
		TEST(test_overlays_and_queries), TEST(test_commands_that_fail_are_told), TEST(test_observers_are_refused_at_the_key), TEST(test_search), TEST(test_sizes),
		TEST(test_nothing_is_drawn_twice), TEST(test_the_mouse),
	};
	return cmocka_run_group_tests_name("tui_ui", tests, NULL, NULL);
}
