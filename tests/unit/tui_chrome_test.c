/* What stands around the panes, from a model that is written down here. */
#include "tui/chrome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/data/model.h"

enum { MINUTES = 60 * 1000000 };

static struct model m;
static struct grid grid;
static struct chrome chrome;

static struct proposal *add_proposal(const char *id, enum proposal_state state, int64_t since)
{
	struct proposal *p = array_add(&m.proposals, &m.proposal_count, &m.proposal_room, sizeof *p);

	p->id = xstrdup(id);
	p->state = state;
	p->since = since;
	p->change_percent = p->low = p->high = NAN;
	return p;
}

static int setup(void **state)
{
	struct proposal *best;
	struct wave *wave;

	(void)state;
	model_init(&m);
	m.state = SESSION_OPEN;
	m.session = xstrdup("2026-11-21-kernels");
	m.runner = xstrdup("sky");
	m.opened = 1000 * (int64_t)MINUTES;
	m.limit_usd = 30;
	m.vm_usd = 1.2;
	m.api_usd = 0.35;
	m.autonomy = AUTONOMY_AUTO;
	m.window = 60;
	wave = array_add(&m.waves, &m.wave_count, &m.wave_room, sizeof *wave);
	wave->number = 4;
	for (int i = 0; i < 2; i++)
		array_add(&m.viewers, &m.viewer_count, &m.viewer_room, sizeof *m.viewers);
	best = add_proposal("p3", STATE_LANDED, 0);
	best->verdict = VERDICT_KEEP;
	best->change_percent = 11.8;
	best->low = 10.2;
	best->high = 13.1;
	add_proposal("p4", STATE_RUNNING, 0);
	add_proposal("p5", STATE_RUNNING, 0);
	chrome = (struct chrome){ .model = &m, .now = m.opened + 124 * (int64_t)MINUTES, .connected = 1 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_release(&m);
	grid_release(&grid);
	return 0;
}

static void expect_bar(int columns, const char *text)
{
	struct canvas c;
	struct buf out = { 0 };

	grid_release(&grid);
	grid_init(&grid, 1, columns);
	c = canvas_of(&grid);
	chrome_bar(&chrome, &c);
	canvas_save(&c, &out, 0);
	assert_string_equal(buf_str(&out), text);
	for (int x = 0; x < columns; x++)
		assert_true(grid_cell(&grid, 0, x)->style == STYLE_TITLE_BAR || grid_cell(&grid, 0, x)->style == STYLE_ALERT);
	buf_release(&out);
}

static void test_the_bar_gives_up_the_least_first(void **state)
{
	(void)state;
	expect_bar(140, " skydeck   2026-11-21-kernels   autonomy auto   wave 4: 2 running   best +11.8 % [10.2 13.1]   $1.55 of $30   2h04   "
	                "2 viewers\n");
	expect_bar(110, " 2026-11-21-kernels   autonomy auto   wave 4: 2 running   best +11.8 % [10.2 13.1]   $1.55 of $30   2h04\n");
	expect_bar(80, " 2026-11-21-kernels   wave 4: 2 running   best +11.8 % [10.2 13.1]\n");
	expect_bar(30, " 2026-11-21-kernels\n");
	expect_bar(12, " 2026-11-21…\n");
}

static void test_what_waits_is_always_there(void **state)
{
	(void)state;
	assert_false(chrome_counts(&chrome));
	m.autonomy = AUTONOMY_MANUAL;
	add_proposal("p6", STATE_WAITING, chrome.now);
	add_proposal("p7", STATE_SIGNING, chrome.now);
	expect_bar(60, " 2026-11-21-kernels   wave 4: 2 running            ! 2 wait\n");
	expect_bar(24, " 2026-11-21-k… ! 2 wait\n");
	m.proposals[4].state = STATE_LANDED;
	expect_bar(40, " 2026-11-21-kernels           ! 1 waits\n");
}

static void test_a_gate_that_time_passes_counts_down(void **state)
{
	(void)state;
	add_proposal("p6", STATE_WAITING, chrome.now - 20 * 1000000);
	assert_true(chrome_counts(&chrome));
	expect_bar(50, " 2026-11-21-kernels                ! 1 waits 0:40\n");
	chrome.now += 100 * 1000000;
	expect_bar(50, " 2026-11-21-kernels                ! 1 waits 0:00\n");
}

static void test_states_of_the_session(void **state)
{
	(void)state;
	m.state = SESSION_PAUSED;
	expect_bar(40, " 2026-11-21-kernels    paused\n");
	m.pause_reason = xstrdup("the baseline 4f2c91e does not build: build failed (exit 2) (skydeck log r1 shows it)");
	expect_bar(40, " 2026-11-21-kernels    paused\n");
	expect_bar(80, " 2026-11-21-kernels    paused    the baseline 4f2c91e does not build: build fa…\n");
	expect_bar(110, " 2026-11-21-kernels    paused    the baseline 4f2c91e does not build: build failed (exit…   wave 4: 2 running\n");
	expect_bar(190, " skydeck   2026-11-21-kernels    paused    the baseline 4f2c91e does not build: build failed (exit 2) (skyd…   "
	                "wave 4: 2 running   best +11.8 % [10.2 13.1]   $1.55 of $30   2h04   2 viewers\n");
	m.state = SESSION_OPEN;
	chrome.connected = 0;
	expect_bar(40, " 2026-11-21-kernels    stopped\n");
	m.state = SESSION_ENDED;
	m.ended = m.opened + 7 * MINUTES;
	chrome.connected = 1;
	m.notice = xstrdup("no sandbox");
	m.ended_reason = xstrdup("stopped");
	expect_bar(130, " 2026-11-21-kernels    ended    stopped    no sandbox    wave 4: 2 running   best +11.8 % [10.2 13.1]   "
	                "$1.55 of $30   7 min\n");
	m.state = SESSION_NONE;
	chrome.replaying = "12 of 812";
	expect_bar(70, " 2026-11-21-kernels   no session yet    replay 12 of 812\n");
	chrome.replaying = NULL;
	m.state = SESSION_ENDED;
	add_proposal("p6", STATE_WAITING, chrome.now);
	expect_bar(40, " 2026-11-21-kernels    ended\n");
}

static void long_title(const struct pane *p, const struct model *model, struct buf *out)
{
	(void)p;
	(void)model;
	buf_puts(out, "7 of 12 read");
}

static void expect_title(int columns, int follows, const char *waits, const char *text)
{
	struct pane_ops ops = { .name = "Reading list", .digit = 1, .title = long_title, .title_follows = follows };
	struct pane pane = { .ops = &ops };
	struct canvas c;
	struct buf out = { 0 };

	grid_release(&grid);
	grid_init(&grid, 1, columns);
	c = canvas_of(&grid);
	chrome_title(&pane, &m, waits, &c);
	canvas_save(&c, &out, 0);
	assert_string_equal(buf_str(&out), text);
	buf_release(&out);
}

static void test_titles(void **state)
{
	(void)state;
	expect_title(40, 0, NULL, "─1 Reading list ───────── 7 of 12 read ─\n");
	expect_title(40, 1, "", "─1 Reading list ─ 7 of 12 read ─────────\n");
	expect_title(26, 0, NULL, "─1 Reading list ─ 7 of … ─\n");
	expect_title(18, 0, NULL, "─1 Reading list ──\n");
	expect_title(10, 0, NULL, "─1 Read… ─\n");
	expect_title(40, 0, "! 2 wait", "─1 Reading list ─ 7 of 12 r… ─ ! 2 wait\n");
}

static int waits_only(const struct pane *p, const struct model *model, enum action a)
{
	(void)p;
	(void)model;
	return a != ACTION_SIGN && a != ACTION_WAIVE && a != ACTION_RETRY;
}

static void expect_footer(const struct pane_ops *ops, int columns, const char *line)
{
	struct keymap *map = keymap_new();
	struct pane pane = { .ops = ops };
	struct canvas c;
	struct buf out = { 0 };

	grid_release(&grid);
	grid_init(&grid, 1, columns);
	c = canvas_of(&grid);
	chrome_footer(&chrome, map, &pane, &c);
	canvas_save(&c, &out, 0);
	assert_string_equal(buf_str(&out), line);
	buf_release(&out);
	keymap_free(map);
}

static void test_the_footer_keeps_help(void **state)
{
	struct pane_ops review = { .digit = 4, .context = CONTEXT_REVIEW, .offers = waits_only };

	(void)state;
	expect_footer(&review, 120,
	              " a approve  v veto  r ask for changes  c comment  [ ] hunk  { } file  Tab pane  z zoom  / search  : command  ? help\n");
	expect_footer(&review, 60, " a approve  v veto  r ask for changes  c comment  ? help\n");
	expect_footer(&review, 24, " a approve  ? help\n");
	expect_footer(&review, 8, " ? help\n");
}

static int nothing_of_workers(const struct pane *p, const struct model *model, enum action a)
{
	(void)p;
	(void)model;
	return a < ACTION_APPROVE || a >= ACTION_NEXT_PROPOSAL;
}

static void test_the_footer_offers_what_can_be_done(void **state)
{
	struct pane_ops review = { .digit = 4, .context = CONTEXT_REVIEW },
	                grid_ops = { .digit = 2, .context = CONTEXT_GRID, .offers = nothing_of_workers },
	                help = { .context = CONTEXT_HELP };

	(void)state;
	expect_footer(&review, 60, " a approve  S sign  W waive  t retry  v veto  z zoom  ? help\n");
	expect_footer(&grid_ops, 60, " Enter open  f filter  Tab pane  z zoom  / search  ? help\n");
	expect_footer(&help, 60, " Esc back  / search  : command  ? help\n");
	m.autonomy = AUTONOMY_MANUAL;
	add_proposal("p6", STATE_WAITING, chrome.now);
	expect_footer(&grid_ops, 60, " Enter open  f filter  4 review  Tab pane  z zoom  ? help\n");
	chrome.observer = 1;
	expect_footer(&review, 60, " [ ] hunk  { } file  Tab pane  z zoom  / search  ? help\n");
}

static void test_what_the_agent_asks_for_is_there_too(void **state)
{
	struct dialogue *d = &m.dialogue;
	struct permission *p = array_add(&d->permissions, &d->permission_count, &d->permission_room, sizeof *p);
	struct pane_ops grid_ops = { .digit = 2, .context = CONTEXT_GRID, .offers = nothing_of_workers };

	(void)state;
	m.autonomy = AUTONOMY_MANUAL;
	*p = (struct permission){ .id = xstrdup("q1"), .title = xstrdup("Run make") };
	expect_bar(50, " 2026-11-21-kernels              ! agent asks (5)\n");
	expect_footer(&grid_ops, 60, " Enter open  f filter  5 agent  Tab pane  z zoom  ? help\n");
	add_proposal("p6", STATE_WAITING, chrome.now);
	expect_bar(50, " 2026-11-21-kernels   ! agent asks (5)  ! 1 waits\n");
	p->answer = xstrdup("allow_once");
	expect_bar(50, " 2026-11-21-kernels                     ! 1 waits\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_the_bar_gives_up_the_least_first), TEST(test_what_waits_is_always_there), TEST(test_what_the_agent_asks_for_is_there_too),
		TEST(test_a_gate_that_time_passes_counts_down), TEST(test_states_of_the_session), TEST(test_titles),
		TEST(test_the_footer_keeps_help), TEST(test_the_footer_offers_what_can_be_done),
	};
	return cmocka_run_group_tests_name("tui_chrome", tests, NULL, NULL);
}
