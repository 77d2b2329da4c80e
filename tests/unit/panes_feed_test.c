/* The feed grows with the model: whatever the events, one that was there from the first of them says what one says that is
 * made at the end. And the lines of a turn that runs: what is asked for, and when. */
#include "tests/test.h"

#include "core/base/mem.h"
#include "core/data/model.h"
#include "panes/feed.h"
#include "panes/live.h"

static struct model model;

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	model_init(&model);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_release(&model);
	return 0;
}

static void apply(const char *line)
{
	struct event ev;
	struct err err = { 0 };

	assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
	model_apply(&model, &ev);
	event_release(&ev);
}

static void text_of(const struct feed *f, struct buf *out)
{
	for (size_t i = 0; i < f->page.count; i++)
		buf_printf(out, "%s [%llu %u]\n", f->page.lines[i].text, (unsigned long long)f->lines[i].seq, f->lines[i].turn);
}

static void expect_same(const struct feed *grown, int columns, uint64_t seq)
{
	struct feed fresh = { 0 };
	struct buf is = { 0 }, should = { 0 };

	feed_open(&fresh);
	feed_sync(&fresh, &model, 10, columns);
	text_of(grown, &is);
	text_of(&fresh, &should);
	if (strcmp(buf_str(&is), buf_str(&should)))
		fail_msg("after event %llu:\n%s\nnot:\n%s", (unsigned long long)seq, buf_str(&is), buf_str(&should));
	buf_release(&is);
	buf_release(&should);
	feed_release(&fresh);
}

static void test_it_grows_to_what_it_is_made_as(void **state)
{
	struct feed feed = { 0 };
	struct buf text = { 0 };
	char *rest, *line;

	(void)state;
	assert_int_equal(buf_read_file(&text, "tests/screens/dialogue.jsonl", 1 << 20) < 0, 0);
	feed_open(&feed);
	for (line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		apply(line);
		feed_sync(&feed, &model, 10, 90);
		expect_same(&feed, 90, model.seq);
	}
	assert_int_equal(feed.page.view.cursor, feed.count - 1);
	feed_release(&feed);
	buf_release(&text);
}

/* Activity and uses of tools are kept up to a number; the oldest go many at a time. */
static void test_what_the_model_forgets(void **state)
{
	struct feed feed = { 0 };
	char line[300];
	size_t least;

	(void)state;
	feed_open(&feed);
	for (int i = 1; i <= 3 * ACTIVITY_MAX; i++) {
		snprintf(line, sizeof line, i % 3 ? "{\"seq\":%d,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"steered\",\"by\":\"user ada\",\"text\":\"word %d\"}"
			: "{\"seq\":%d,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"tool_called\",\"by\":\"agent x\",\"tool\":\"note\",\"text\":\"%d\",\"status\":\"ok\"}", i, i);
		apply(line);
		if (i % 37 == 0)
			feed_sync(&feed, &model, 10, 90);
	}
	feed_sync(&feed, &model, 10, 90);
	expect_same(&feed, 90, model.seq);
	least = model.activity_count + model.dialogue.called_count;
	assert_int_equal(feed.count, least);
	assert_true(model.dialogue.called_count <= CALLED_MAX);
	feed_release(&feed);
}

/* Who reads something above stays at it when lines above it change. */
static void test_the_reader_stays(void **state)
{
	struct feed feed = { 0 };
	uint64_t seq;

	(void)state;
	feed_open(&feed);
	apply("{\"seq\":1,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"turn_started\",\"turn\":1,\"agent\":\"x\",\"stage\":\"read\"}");
	for (int i = 2; i < 9; i++) {
		char line[200];
		snprintf(line, sizeof line, "{\"seq\":%d,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"tool_called\",\"turn\":1,\"tool\":\"read_file\",\"text\":\"%d\",\"status\":\"ok\"}", i, i);
		apply(line);
	}
	apply("{\"seq\":9,\"time\":\"2026-11-21T12:00:01Z\",\"kind\":\"steered\",\"by\":\"user ada\",\"text\":\"one\"}");
	apply("{\"seq\":10,\"time\":\"2026-11-21T12:00:01Z\",\"kind\":\"steered\",\"by\":\"user ada\",\"text\":\"two\"}");
	feed_sync(&feed, &model, 4, 90);
	feed_act(&feed, &(struct act){ .action = ACTION_UP });
	feed_sync(&feed, &model, 4, 90);
	seq = feed_current(&feed)->seq;
	assert_int_equal(seq, 9);
	apply("{\"seq\":11,\"time\":\"2026-11-21T12:00:02Z\",\"kind\":\"turn_ended\",\"turn\":1,\"status\":\"done\",\"seconds\":2,\"text\":\"so\"}");
	apply("{\"seq\":12,\"time\":\"2026-11-21T12:00:03Z\",\"kind\":\"turn_started\",\"turn\":2,\"agent\":\"x\",\"stage\":\"read\"}");
	feed_sync(&feed, &model, 4, 90);
	assert_int_equal(feed_current(&feed)->seq, 9);		/* though seven lines became one */
	assert_false(feed.page.view.follow);
	feed_act(&feed, &(struct act){ .action = ACTION_LAST });
	assert_true(feed.page.view.follow);
	feed_release(&feed);
}

/* A turn's end says why it failed; that the agent failed of it is no news. */
static void test_a_failure_is_told_once(void **state)
{
	struct feed feed = { 0 };
	struct buf text = { 0 };

	(void)state;
	feed_open(&feed);
	apply("{\"seq\":1,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"turn_started\",\"turn\":1,\"agent\":\"x\",\"stage\":\"read\"}");
	apply("{\"seq\":2,\"time\":\"2026-11-21T12:00:01Z\",\"kind\":\"turn_ended\",\"turn\":1,\"status\":\"failed\",\"reason\":\"no key\"}");
	apply("{\"seq\":3,\"time\":\"2026-11-21T12:00:01Z\",\"kind\":\"agent_changed\",\"agent\":\"x\",\"state\":\"failed\",\"text\":\"no key\"}");
	apply("{\"seq\":4,\"time\":\"2026-11-21T12:00:02Z\",\"kind\":\"agent_changed\",\"agent\":\"x\",\"state\":\"idle\",\"text\":\"it rests\"}");
	feed_sync(&feed, &model, 10, 90);
	text_of(&feed, &text);
	assert_int_equal(feed.count, 3);
	assert_null(strstr(buf_str(&text), "x failed"));
	assert_non_null(strstr(buf_str(&text), "x idle: it rests"));
	buf_release(&text);
	feed_release(&feed);
}

/* Live */

static struct live live;
static int asked;

static void tail(int64_t lines, int64_t bytes, const char *last)
{
	struct intent want = { 0 };

	model_tail(&model, "t1", lines, bytes, last);
	live_sync(&live, turn_now(&model), 6, 40, &want);
	asked += want.kind == INTENT_QUERY;
	intent_clear(&want);
}

static void answer(const char *text)
{
	struct err err = { 0 };
	struct json *result = json_parse(text, strlen(text), &err);

	assert_non_null(result);
	live_answer(&live, &(struct answer){ 0, result, NULL });
	json_free(result);
	asked = 0;
}

static const char *last_shown(void)
{
	return live.page.count ? live.page.lines[live.page.count - 1].text : "";
}

static void test_a_line_that_grows_is_not_asked_for(void **state)
{
	char line[600];

	(void)state;
	apply("{\"seq\":1,\"time\":\"2026-11-21T12:00:00Z\",\"kind\":\"turn_started\",\"turn\":1,\"agent\":\"x\",\"stage\":\"read\"}");
	tail(1, 3, "Loo");
	assert_string_equal(last_shown(), "  Loo");		/* at once */
	assert_int_equal(asked, 1);
	tail(1, 7, "Looking");
	assert_int_equal(asked, 1);				/* no second question while one is open */
	answer("{\"tails\":[{\"of\":\"t1\",\"lines\":[\"Looking\"]}]}");
	for (int i = 8; i < 30; i++) {
		snprintf(line, sizeof line, "Looking%.*s", i - 7, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		tail(1, i, line);
		assert_string_equal(last_shown() + 2, line);
	}
	assert_true(asked <= 1);				/* what came while the first was open */
	answer("{\"tails\":[{\"of\":\"t1\",\"lines\":[\"Lookingaaaaaaaaaaaaaaaaaaaaaa\"]}]}");
	tail(2, 40, "next");
	assert_int_equal(asked, 1);				/* a new line: what became of the one before is not known */
	answer("{\"tails\":[{\"of\":\"t1\",\"lines\":[\"Looking up.\",\"next\"]}]}");
	assert_string_equal(last_shown(), "  next");
	tail(2, 60, "next");
	assert_int_equal(asked, 1);				/* it grows behind what is told of it */
	answer("{\"tails\":[{\"of\":\"t9\",\"lines\":[\"not this\"]}]}");
	assert_string_equal(last_shown(), "  next");
	apply("{\"seq\":2,\"time\":\"2026-11-21T12:00:02Z\",\"kind\":\"turn_ended\",\"turn\":1,\"status\":\"done\",\"seconds\":2}");
	tail(2, 60, "next");
	assert_null(live.of);
	live_release(&live);
	live = (struct live){ 0 };
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_it_grows_to_what_it_is_made_as), TEST(test_what_the_model_forgets), TEST(test_the_reader_stays), TEST(test_a_failure_is_told_once),
		TEST(test_a_line_that_grows_is_not_asked_for),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
