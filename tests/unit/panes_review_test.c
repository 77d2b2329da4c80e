/* The review: its screens, compared with tests/screens/review/NAME.txt (UPDATE=1 writes them anew), and what its keys
 * do. The session is session.jsonl; a question for a diff is answered from PROPOSAL-REV-FROM.diff, one for a log with
 * made lines. */
#include "tests/test.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/data/model.h"
#include "panes/diff.h"
#include "tui/pane.h"

#define FOLDER "tests/screens/review/"

extern const struct pane_ops review_pane;

static struct model model;
static struct keymap *keymap;
static struct pane pane;
static struct intent want;
static int ascii, is_counting;
static int queries;

static void read_file(const char *name, struct buf *out)
{
	char path[200];

	snprintf(path, sizeof path, FOLDER "%s", name);
	if (buf_read_file(out, path, 4 << 20) < 0)
		fail_msg("%s cannot be read", path);
}

static void apply(const char *line)
{
	struct event ev;
	struct err err = { 0 };

	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	model_apply(&model, &ev);
	event_release(&ev);
}

static void fold(const char *name)
{
	struct buf text = { 0 };
	char *rest, *line;

	read_file(name, &text);
	for (line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		apply(line);
	buf_release(&text);
	pane.now = model.time + 20 * 1000000;
}

static struct json *diff_answer(const struct json *args, const char *text)
{
	struct json *result = json_object();

	json_put_string(result, "proposal", json_string(json_get(args, "proposal"), ""));
	json_put_integer(result, "rev", json_integer(json_get(args, "rev"), 0));
	json_put_integer(result, "from", json_integer(json_get(args, "from"), 0));
	json_put_string(result, "text", text);
	json_put_bool(result, "is_cut", 0);
	return result;
}

static struct json *log_answer(const struct json *args)
{
	struct json *result = json_object(), *lines = json_array();
	char line[80];

	assert_int_equal(json_integer(json_get(args, "from"), 0), -20);
	for (int i = 5; i <= 24; i++) {
		snprintf(line, sizeof line, i == 24 ? "checks: 1 of 40 failed" : "check %d: %s", i, i == 22 ? "attention: row 3 is 1.25, the reference says 1.00" : "ok");
		json_append(lines, json_new_string(line));
	}
	json_take(result, "lines", lines);
	return result;
}

/* Answers what the pane asked for. text: of a diff; NULL: from its file. */
static void answer_with(const char *text)
{
	struct buf file = { 0 };
	struct answer a = { .tag = want.tag };
	struct json *result;
	char name[100];

	if (!strcmp(want.name, "log")) {
		result = log_answer(want.args);
	} else {
		snprintf(name, sizeof name, "%s-%d-%d.diff", json_string(json_get(want.args, "proposal"), ""),
		         (int)json_integer(json_get(want.args, "rev"), 0), (int)json_integer(json_get(want.args, "from"), 0));
		if (!text)
			read_file(name, &file);
		result = diff_answer(want.args, text ? text : buf_str(&file));
	}
	a.result = result;
	intent_clear(&want);
	pane.ops->answer(&pane, &a);
	json_free(result);
	buf_release(&file);
}

/* One turn: as the shell does before it draws. */
static int sync_once(void)
{
	intent_clear(&want);
	is_counting = pane.ops->sync(&pane, &model, pane.rows, pane.columns, &want);
	queries += want.kind == INTENT_QUERY;
	return want.kind == INTENT_QUERY;
}

static void sync_all(void)
{
	for (int i = 0; sync_once(); i++) {
		assert_true(i < 5);
		answer_with(NULL);
	}
}

static void size(int columns, int rows)
{
	pane.rows = rows;
	pane.columns = columns;
	sync_all();
}

static enum pane_result act_text(enum action a, const char *text)
{
	enum pane_result result;

	intent_clear(&want);
	result = pane.ops->act(&pane, &model, &(struct act){ .action = a, .text = text }, &want);
	return result;
}

/* An action, and the turn after it. */
static void act(enum action a)
{
	act_text(a, NULL);
	sync_all();
}

static void expect_intent(enum intent_kind kind, const char *name, const char *text)
{
	struct buf args = { 0 };

	if (want.args)
		json_print(want.args, &args);
	assert_int_equal(want.kind, kind);
	assert_string_equal(want.name ? want.name : "", name);
	assert_string_equal(want.args ? buf_str(&args) : want.text ? want.text : "", text);
	buf_release(&args);
}

static void show(const char *id)
{
	pane.ops->show(&pane, &model, id);
	sync_all();
}

static void expect_subject(const char *subject)
{
	struct buf out = { 0 };

	pane.ops->subject(&pane, &model, &out);
	assert_string_equal(buf_str(&out), subject);
	buf_release(&out);
}

static void save(struct buf *out, int styled)
{
	struct grid grid;
	struct canvas c;

	pane.ops->title(&pane, &model, out);
	buf_putc(out, '\n');
	grid_init(&grid, pane.rows, pane.columns);
	grid.ascii = ascii;
	c = canvas_of(&grid);
	pane.ops->draw(&pane, &model, &c);
	canvas_save(&c, out, styled);
	grid_release(&grid);
}

static int screen_has(const char *text)
{
	struct buf out = { 0 };
	int has;

	save(&out, 0);
	has = strstr(buf_str(&out), text) != NULL;
	buf_release(&out);
	return has;
}

static void golden_as(const char *name, int styled)
{
	struct buf now = { 0 }, expected = { 0 };
	char path[200];
	FILE *f;

	save(&now, styled);
	snprintf(path, sizeof path, FOLDER "%s.txt", name);
	if (getenv("UPDATE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(buf_str(&now), f);
		fclose(f);
	}
	if (buf_read_file(&expected, path, 1 << 20) < 0)
		fail_msg("%s is missing: UPDATE=1 writes it, then look at it", path);
	if (strcmp(buf_str(&now), buf_str(&expected)))
		fail_msg("%s says\n%s\nbut the screen is\n%s", path, buf_str(&expected), buf_str(&now));
	buf_release(&now);
	buf_release(&expected);
}

static void golden(const char *name)
{
	golden_as(name, 0);
}

static int setup(void **state)
{
	(void)state;
	keymap = keymap_new();
	model_init(&model);
	ascii = queries = 0;
	pane = (struct pane){ .ops = &review_pane, .focused = 1, .keymap = keymap, .state = xcalloc(1, review_pane.state_size) };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	intent_clear(&want);
	pane.ops->close(&pane);
	free(pane.state);
	model_release(&model);
	keymap_free(keymap);
	return 0;
}

/* Screens */

static void test_overview(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 12);
	golden("stopped-120x12");
	show("p8");
	golden("overview-120x12");
	golden_as("overview-120x12-styled", 1);
	pane.focused = 0;
	golden_as("unfocused-120x12-styled", 1);
	apply("{\"seq\":1000,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"autonomy_set\",\"by\":\"user kim\",\"autonomy\":\"wave\"}");
	sync_all();
	assert_true(screen_has("approving it approves what else waits too, up to a wave of 4"));
}

static void test_zoomed(void **state)
{
	(void)state;
	fold("session.jsonl");
	apply("{\"seq\":1000,\"time\":\"2026-11-21T14:01:40.000000Z\",\"kind\":\"autonomy_set\",\"by\":\"user kim\",\"autonomy\":\"auto\"}");
	size(200, 48);
	assert_true(is_counting);
	show("p8");
	act(ACTION_MARK_VIEWED);
	golden("zoomed-200x48");
	act(ACTION_SIDE_BY_SIDE);
	golden("stacked-200x48");
	golden_as("stacked-200x48-styled", 1);
}

static void test_other_states(void **state)
{
	static const char *const shown[][2] = {
		{ "p6", "conflict-120x24" }, { "p1", "landed-120x24" }, { "p3", "checks-failed-120x24" }, { "p2", "signing-120x24" }, { "p5", "vetoed-120x24" },
	};

	(void)state;
	fold("session.jsonl");
	size(120, 24);
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		show(shown[i][0]);
		golden(shown[i][1]);
	}
	show("p7");
	golden_as("stopped-120x24-styled", 1);
}

static void test_small(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(80, 20);
	show("p8");
	golden("80x20");
	size(40, 10);
	golden("40x10");
	act(ACTION_WRAP);
	golden("40x10-wrapped");
	show("p3");
	golden("checks-failed-40x10");
	size(80, 20);
	ascii = 1;
	show("p8");
	golden("80x20-ascii");
	for (int rows = 0; rows < 8; rows++)	/* whatever the size, it draws */
		for (int columns = 1; columns < 50; columns += 7) {
			struct buf out = { 0 };
			size(columns, rows);
			save(&out, 0);
			buf_release(&out);
		}
}

static void test_few(void **state)
{
	(void)state;
	apply("{\"seq\":1,\"time\":\"2026-11-21T14:00:00Z\",\"kind\":\"proposal_submitted\",\"proposal\":\"p1\",\"rev\":1,\"commit\":\"c\",\"title\":\"only one\",\"baseline\":\"4f2c91e000\",\"files\":1,\"added\":1,\"removed\":3}");
	size(80, 16);
	golden("one-80x16");
}

static void test_hostile(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 16);
	show("p9");
	golden("hostile-120x16");
	golden_as("hostile-120x16-styled", 1);
}

static void test_empty(void **state)
{
	(void)state;
	size(120, 12);
	golden("empty-120x12");
	size(40, 10);
	golden("empty-40x10");
	expect_subject("");
	assert_int_equal(act_text(ACTION_APPROVE, NULL), PANE_INTENT);
	expect_intent(INTENT_MESSAGE, "", "there is no proposal to approve yet");
	act(ACTION_DOWN);
	act(ACTION_NEXT_HUNK);
	act(ACTION_MARK_VIEWED);
}

static void test_long_lines(void **state)
{
	struct buf text = { 0 };

	(void)state;
	fold("session.jsonl");
	size(120, 12);
	pane.ops->show(&pane, &model, "p9");
	assert_true(sync_once());
	buf_puts(&text, "diff --git a/x.js b/x.js\nindex 1..2 100644\n--- a/x.js\n+++ b/x.js\n@@ -1 +1 @@\n-");
	for (int i = 0; i < 200000; i++)
		buf_putc(&text, 'a' + i % 26);
	buf_puts(&text, "\n+short\n");
	answer_with(buf_str(&text));
	sync_all();
	act(ACTION_DOWN);
	act(ACTION_WRAP);
	golden("long-line-120x12");
	buf_release(&text);
}

/* What the word is about */

static void test_subject_is_what_is_drawn(void **state)
{
	(void)state;
	fold("session.jsonl");
	pane.rows = 12;
	pane.columns = 120;
	pane.ops->show(&pane, &model, "p8");
	assert_true(sync_once());
	expect_subject("");			/* asked for, not there */
	assert_true(screen_has("reading the diff of p8"));
	answer_with(NULL);
	expect_subject("");			/* there, not drawn */
	sync_once();
	expect_subject("p8 rev 2");
	act_text(ACTION_NEXT_PROPOSAL, NULL);
	expect_subject("");			/* another is selected, but not drawn */
	assert_int_equal(act_text(ACTION_APPROVE, NULL), PANE_INTENT);
	expect_intent(INTENT_MESSAGE, "", "the diff of p9 rev 1 is not on the screen yet: look at it first");
	sync_all();
	expect_subject("p9 rev 1");
	pane.ops->show(&pane, &model, "p7");
	expect_subject("");			/* of the same revision, but not drawn */
	show("p8");
	expect_subject("p8 rev 2");
	act(ACTION_INTERDIFF);
	expect_subject("");			/* part of the revision only */
	golden("interdiff-120x12");
	act(ACTION_INTERDIFF);
	size(40, 6);
	show("p3");
	assert_true(screen_has("1 of 40 failed"));
	expect_subject("");			/* not a line of the diff */
	act(ACTION_LAST);
	expect_subject("p3 rev 1");
	size(120, 12);
	show("p8");
	expect_subject("p8 rev 2");
	apply("{\"seq\":1001,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"proposal_submitted\",\"proposal\":\"p8\",\"rev\":3,\"commit\":\"c\",\"title\":\"t\",\"baseline\":\"4f2c91e000\",\"files\":1,\"added\":1,\"removed\":1}");
	expect_subject("");			/* a revision that nobody has seen */
	pane.rows = 0;
	sync_all();
	expect_subject("");			/* its title alone */
}

static void test_an_answer_about_something_else(void **state)
{
	struct json *args = json_object(), *result;
	struct answer a = { 0 };
	uint64_t tag;

	(void)state;
	fold("session.jsonl");
	pane.rows = 12;
	pane.columns = 120;
	pane.ops->show(&pane, &model, "p8");
	assert_true(sync_once());
	json_put_string(args, "proposal", "p8");
	json_put_integer(args, "rev", 1);
	result = diff_answer(args, "diff --git a/x b/x\n");
	a.result = result;
	a.tag = want.tag + 77;
	tag = want.tag;
	pane.ops->answer(&pane, &a);		/* nobody asked */
	assert_false(sync_once());
	assert_true(screen_has("reading the diff of p8"));
	a.tag = tag;
	pane.ops->answer(&pane, &a);		/* of another revision */
	assert_false(sync_once());
	expect_subject("");
	assert_true(screen_has("the diff cannot be shown: the answer was about something else"));
	json_free(result);
	json_free(args);
}

static void test_a_failed_answer(void **state)
{
	struct answer a = { .error = "there is no revision 2 of p8" };

	(void)state;
	fold("session.jsonl");
	pane.rows = 12;
	pane.columns = 120;
	pane.ops->show(&pane, &model, "p8");
	assert_true(sync_once());
	a.tag = want.tag;
	pane.ops->answer(&pane, &a);
	assert_false(sync_once());		/* not asked again by itself */
	expect_subject("");
	assert_true(screen_has("the diff cannot be shown: there is no revision 2 of p8 (<Enter> asks again)"));
	show("p9");
	pane.ops->show(&pane, &model, "p8");	/* who comes back asks again */
	assert_true(sync_once());
	a.tag = want.tag;
	pane.ops->answer(&pane, &a);
	act(ACTION_ENTER);
	expect_subject("p8 rev 2");
}

static void test_answers_come_late(void **state)
{
	struct answer a = { 0 };
	struct json *args;

	(void)state;
	fold("session.jsonl");
	pane.rows = 12;
	pane.columns = 120;
	pane.ops->show(&pane, &model, "p8");
	assert_true(sync_once());
	a.tag = want.tag;
	args = want.args;
	want.args = NULL;
	show("p9");
	a.result = diff_answer(args, "diff --git a/late.c b/late.c\n@@ -1 +1 @@\n-a\n+b\n");
	pane.ops->answer(&pane, &a);
	assert_false(sync_once());
	expect_subject("p9 rev 1");
	assert_false(screen_has("late.c"));
	pane.ops->show(&pane, &model, "p8");
	assert_false(sync_once());		/* it is there by now */
	expect_subject("p8 rev 2");
	assert_true(screen_has("late.c"));
	json_free((struct json *)a.result);
	json_free(args);
}

/* Deciding */

static void test_approve_goes_on_when_it_is_true(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 12);
	show("p8");
	assert_int_equal(act_text(ACTION_APPROVE, NULL), PANE_INTENT);
	expect_intent(INTENT_COMMAND, "approve", "{\"proposals\":[\"p8\"],\"rev\":2}");
	sync_all();
	expect_subject("p8 rev 2");		/* the engine has not said so yet */
	apply("{\"seq\":1001,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"approved\",\"proposal\":\"p8\",\"rev\":2,\"by\":\"user kim\"}");
	sync_all();
	expect_subject("p9 rev 1");
	/* a word of somebody else, or one after which the human did something, moves nothing */
	act_text(ACTION_APPROVE, NULL);
	act(ACTION_DOWN);
	apply("{\"seq\":1002,\"time\":\"2026-11-21T14:02:01Z\",\"kind\":\"approved\",\"proposal\":\"p9\",\"rev\":1,\"by\":\"user kim\"}");
	sync_all();
	expect_subject("p9 rev 1");
	act_text(ACTION_APPROVE, NULL);
	expect_intent(INTENT_MESSAGE, "", "p9 is approved: only what waits can be approved");
	apply("{\"seq\":1003,\"time\":\"2026-11-21T14:02:02Z\",\"kind\":\"proposal_submitted\",\"proposal\":\"p10\",\"rev\":1,\"commit\":\"c\",\"title\":\"newer\",\"baseline\":\"4f2c91e000\",\"files\":1,\"added\":1,\"removed\":1}");
	sync_all();
	expect_subject("p9 rev 1");		/* arrivals neither */
	show("p10");
	act_text(ACTION_VETO, NULL);
	act_text(ACTION_VETO, "no");
	apply("{\"seq\":1004,\"time\":\"2026-11-21T14:02:03Z\",\"kind\":\"vetoed\",\"proposal\":\"p10\",\"by\":\"user kim\"}");
	sync_all();
	expect_subject("p2 rev 1");		/* from the last that waits to the first */
}

static void test_veto_stays_with_what_it_was_opened_on(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 12);
	show("p8");
	act_text(ACTION_VETO, NULL);
	assert_int_equal(want.action, ACTION_VETO);
	expect_intent(INTENT_PROMPT, "why not p8?", "");
	show("p9");
	act_text(ACTION_VETO, "too clever");
	expect_intent(INTENT_COMMAND, "veto", "{\"proposal\":\"p8\",\"reason\":\"too clever\"}");
	apply("{\"seq\":1001,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"vetoed\",\"proposal\":\"p8\",\"by\":\"user kim\"}");
	sync_all();
	expect_subject("p9 rev 1");		/* what was selected meanwhile stays */
	act_text(ACTION_VETO, NULL);
	act_text(ACTION_VETO, "  ");
	expect_intent(INTENT_MESSAGE, "", "a veto needs a reason, which the agent gets to read: p9 was not vetoed");
	show("p1");
	act_text(ACTION_VETO, NULL);
	expect_intent(INTENT_MESSAGE, "", "p1 is landed: it cannot be vetoed any more");
}

static void test_disabled_actions_say_why(void **state)
{
	static const struct {
		const char *id;
		enum action action;
		const char *says;
	} cases[] = {
		{ "p7", ACTION_APPROVE, "p7 was stopped by the guard: W waves it through, with a reason" },
		{ "p2", ACTION_APPROVE, "p2 was approved and measured: S signs it" },
		{ "p4", ACTION_APPROVE, "p4 is done: only what waits can be approved" },
		{ "p8", ACTION_SIGN, "p8 is waiting: only what was kept and waits for a signature can be signed" },
		{ "p8", ACTION_WAIVE, "p8 is waiting: only what the guard stopped can be waved through" },
		{ "p8", ACTION_RETRY, "p8 is waiting: only what is done or cancelled can be tried again" },
		{ "p4", ACTION_CANCEL, "p4 is done: there is nothing to cancel" },
		{ "p1", ACTION_REVISE, "p1 is landed: changes cannot be asked for any more" },
		{ "p9", ACTION_INTERDIFF, "p9 has one revision only" },
		{ "p9", ACTION_SIDE_BY_SIDE, "side by side needs 140 columns for the diff, here are 79" },
		{ "p9", ACTION_LOG, "p9 has not run yet: there is no log" },
		{ "p4", ACTION_NEXT_FILE, "that was the last file" },
	};

	(void)state;
	fold("session.jsonl");
	size(120, 12);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		show(cases[i].id);
		assert_int_equal(act_text(cases[i].action, NULL), PANE_INTENT);
		expect_intent(INTENT_MESSAGE, "", cases[i].says);
	}
}

static void test_sign_waive_cancel_retry(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 12);
	show("p2");
	act_text(ACTION_SIGN, NULL);
	expect_intent(INTENT_COMMAND, "sign", "{\"proposal\":\"p2\",\"rev\":1}");
	show("p7");
	act_text(ACTION_WAIVE, NULL);
	expect_intent(INTENT_PROMPT, "why may p7 pass the guard?", "");
	act_text(ACTION_WAIVE, "it is the point");
	expect_intent(INTENT_COMMAND, "waive", "{\"proposal\":\"p7\",\"reason\":\"it is the point\",\"rev\":1}");
	act_text(ACTION_WAIVE, NULL);
	apply("{\"seq\":1001,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"proposal_submitted\",\"proposal\":\"p7\",\"rev\":2,\"commit\":\"c\",\"title\":\"t\",\"baseline\":\"4f2c91e000\",\"files\":1,\"added\":1,\"removed\":1}");
	apply("{\"seq\":1002,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"guard_stopped\",\"proposal\":\"p7\",\"rev\":2,\"reasons\":[\"worse\"]}");
	act_text(ACTION_WAIVE, "it is the point");
	expect_intent(INTENT_MESSAGE, "", "p7 is at revision 2 now: look at it again");
	show("p8");
	act_text(ACTION_CANCEL, NULL);
	expect_intent(INTENT_PROMPT, "take p8 out of the session? (y)", "");
	act_text(ACTION_CANCEL, "");
	expect_intent(INTENT_MESSAGE, "", "p8 stays in the session");
	act_text(ACTION_CANCEL, "y");
	expect_intent(INTENT_COMMAND, "cancel", "{\"proposal\":\"p8\"}");
	show("p3");
	act_text(ACTION_RETRY, NULL);
	expect_intent(INTENT_COMMAND, "retry", "{\"proposal\":\"p3\"}");
	act_text(ACTION_LOG, NULL);
	expect_intent(INTENT_OPEN, "log", "r1");
}

/* Comments */

static void test_comments_are_kept_until_the_engine_has_them(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 30);
	show("p8");
	act(ACTION_DOWN);
	act(ACTION_DOWN);
	act(ACTION_DOWN);	/* the removed line 90 */
	act_text(ACTION_COMMENT, NULL);
	assert_int_equal(want.action, ACTION_COMMENT);
	expect_intent(INTENT_PROMPT, "comment on src/quant.c:90:", "");
	act_text(ACTION_COMMENT, "why not for one row?");
	sync_all();
	assert_true(screen_has("you, not sent yet: (removed line 90) why not for one row?"));
	assert_true(screen_has("1 comment of yours: r sends it"));
	expect_subject("p8 rev 2");
	golden("comment-120x30");
	act(ACTION_DOWN);
	act_text(ACTION_COMMENT, NULL);		/* the line that it stands under: the comment is changed */
	expect_intent(INTENT_PROMPT, "comment on src/quant.c:90:", "(removed line 90) why not for one row?");
	act_text(ACTION_REVISE, NULL);
	expect_intent(INTENT_COMMAND, "revise",
	              "{\"proposal\":\"p8\",\"comments\":[{\"file\":\"src/quant.c\",\"line\":90,\"text\":\"(removed line 90) why not for one row?\"}]}");
	sync_all();
	assert_true(screen_has("not sent yet"));	/* it may be refused */
	apply("{\"seq\":1001,\"time\":\"2026-11-21T14:02:00Z\",\"kind\":\"revision_asked\",\"proposal\":\"p8\",\"rev\":2,\"by\":\"user kim\",\"comments\":[{\"file\":\"src/quant.c\",\"line\":90,\"text\":\"(removed line 90) why not for one row?\"}]}");
	sync_all();
	expect_subject("p9 rev 1");
	show("p8");
	assert_false(screen_has("not sent yet"));
	assert_true(screen_has("kim: (removed line 90) why not for one row?"));
	show("p9");
	show("p8");
	pane.ops->search(&pane, &model, "& ~31", 0);
	act_text(ACTION_COMMENT, NULL);
	expect_intent(INTENT_PROMPT, "comment on src/quant.c:98:", "");
	act_text(ACTION_COMMENT, "what packs the last partial block?");
	sync_all();
	sync_all();
	assert_true(screen_has("not sent yet"));	/* the same words again, but these were not sent */
	act_text(ACTION_COMMENT, NULL);
	act_text(ACTION_COMMENT, "");
	sync_all();
	assert_false(screen_has("not sent yet"));
	show("p9");
	act_text(ACTION_REVISE, NULL);
	expect_intent(INTENT_PROMPT, "what should change in p9?", "");
	act_text(ACTION_REVISE, "explain it");
	expect_intent(INTENT_COMMAND, "revise", "{\"proposal\":\"p9\",\"comment\":\"explain it\"}");
}

/* Moving */

static void expect_cursor(const char *line)
{
	struct buf out = { 0 };
	char text[200];

	save(&out, 1);
	snprintf(text, sizeof text, "%s", line);
	if (!strstr(buf_str(&out), text))
		fail_msg("%s is not in\n%s", text, buf_str(&out));
	buf_release(&out);
}

static void test_jumps_and_search(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 14);
	show("p2");
	act(ACTION_NEXT_HUNK);
	expect_cursor("{diff-hunk+selected:@@ -80,7 +80,7 @@ void pass_2(int n)}");
	act(ACTION_NEXT_HUNK);
	act(ACTION_PREVIOUS_HUNK);
	expect_cursor("{diff-hunk+selected:@@ -80,7 +80,7 @@ void pass_2(int n)}");
	assert_true(pane.ops->search(&pane, &model, "5 * FACTOR", 0));
	sync_all();
	assert_true(screen_has("5 * factor"));
	assert_false(pane.ops->search(&pane, &model, "not in there", 1));
	pane.ops->search(&pane, &model, NULL, 0);
	show("p8");
	act(ACTION_NEXT_FILE);
	expect_cursor("{strong+selected:src/quant.h}");
	act_text(ACTION_COPY, NULL);
	expect_intent(INTENT_COPY, "", "src/quant.h");
	show("p2");		/* where the reader was */
	assert_true(screen_has("5 * factor"));
	show("p8");
	expect_cursor("{strong+selected:src/quant.h}");
	assert_int_equal(queries, 2);	/* each diff was asked for once */
}

static void click(int y, int x)
{
	intent_clear(&want);
	pane.ops->act(&pane, &model, &(struct act){ .action = ACTION_CLICK, .y = y, .x = x }, &want);
	sync_all();
}

static void test_clicks_and_viewed_marks(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 30);
	click(3, 10);
	expect_subject("p9 rev 1");
	click(2, 39);
	expect_subject("p8 rev 2");
	click(10, 60);
	expect_cursor("{diff-number+selected: 90}{default+selected:     }{diff-remove+selected:-}");
	click(29, 3);
	expect_cursor("{strong+selected:src/quant.h}");
	click(2, 40);		/* the line between */
	expect_subject("p8 rev 2");
	act(ACTION_FIRST);
	act(ACTION_MARK_VIEWED);
	assert_true(screen_has("1 of 2 viewed"));
	expect_cursor("{strong+selected:src/quant.h}");
	act(ACTION_MARK_VIEWED);
	assert_true(screen_has("2 of 2 viewed"));
	act(ACTION_MARK_VIEWED);
	assert_true(screen_has("1 of 2 viewed"));
}

static void test_a_removed_line_at_the_end_of_a_hunk_has_a_place(void **state)
{
	(void)state;
	fold("session.jsonl");
	size(120, 20);
	pane.ops->show(&pane, &model, "p9");
	sync_once();
	answer_with("diff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\n+++ b/x.c\n@@ -7,2 +7,1 @@\n first\n-second\n");
	sync_all();
	act(ACTION_LAST);
	act_text(ACTION_COMMENT, NULL);
	expect_intent(INTENT_PROMPT, "comment on x.c:7:", "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_overview), TEST(test_zoomed), TEST(test_other_states), TEST(test_small), TEST(test_few), TEST(test_hostile), TEST(test_empty),
		TEST(test_long_lines), TEST(test_subject_is_what_is_drawn), TEST(test_an_answer_about_something_else), TEST(test_a_failed_answer),
		TEST(test_approve_goes_on_when_it_is_true), TEST(test_veto_stays_with_what_it_was_opened_on), TEST(test_disabled_actions_say_why),
		TEST(test_sign_waive_cancel_retry), TEST(test_comments_are_kept_until_the_engine_has_them), TEST(test_jumps_and_search),
		TEST(test_a_removed_line_at_the_end_of_a_hunk_has_a_place), TEST(test_answers_come_late),
		TEST(test_clicks_and_viewed_marks),
	};
	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
