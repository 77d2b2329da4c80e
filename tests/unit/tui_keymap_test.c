/* Actions, bindings and what is made from them. */
#include "tui/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct keymap *map;

static int setup(void **state)
{
	(void)state;
	map = keymap_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	keymap_free(map);
	return 0;
}

static enum action look_up(enum context c, const char *key)
{
	struct key parsed;
	struct err err = { 0 };

	if (key_parse(key, &parsed, &err) < 0)
		fail_msg("%s", err.text);
	return keymap_find(map, c, parsed);
}

static void test_every_action_has_a_name_of_its_own_and_help(void **state)
{
	(void)state;
	for (int a = 0; a < ACTION_COUNT; a++) {
		const char *name = action_name(a);
		assert_int_equal(action_find(name), a);
		/* A name must do as a variable of a git-config section. */
		assert_true(name[0] >= 'a' && name[0] <= 'z');
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
		assert_true(strlen(action_help(a)) > 5);
	}
	assert_int_equal(action_find("frobnicate"), -1);
}

static void test_lookup_walks_to_the_parents(void **state)
{
	(void)state;
	assert_int_equal(look_up(CONTEXT_REVIEW, "a"), ACTION_APPROVE);
	assert_int_equal(look_up(CONTEXT_GRID, "a"), ACTION_NONE);
	assert_int_equal(look_up(CONTEXT_REVIEW, "j"), ACTION_DOWN);
	assert_int_equal(look_up(CONTEXT_METRICS, "<PageDown>"), ACTION_PAGE_DOWN);
	assert_int_equal(look_up(CONTEXT_REVIEW, "<Tab>"), ACTION_FOCUS_NEXT);
	assert_int_equal(look_up(CONTEXT_PROMPT, "<Tab>"), ACTION_EDIT_COMPLETE);
	assert_int_equal(look_up(CONTEXT_PROMPT, "q"), ACTION_NONE);
	assert_int_equal(look_up(CONTEXT_GLOBAL, "j"), ACTION_NONE);
}

static void test_guarded_actions_have_keys_where_they_are_given_only(void **state)
{
	struct keymap_entry list[256];

	(void)state;
	for (int c = 0; c < CONTEXT_COUNT; c++)
		for (size_t i = 0, n = keymap_list(map, c, list, 256); i < n; i++)
			if (action_is_guarded(list[i].action))
				assert_int_equal(list[i].context, action_is_permit(list[i].action) ? CONTEXT_AGENT : CONTEXT_REVIEW);
}

static void test_the_user_is_asked_last(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(keymap_bind(map, "review", "approve", "<C-a>", &err), 0);
	assert_int_equal(keymap_bind(map, "review", "none", "a", &err), 0);
	assert_int_equal(keymap_bind(map, "global", "zoom", "é", &err), 0);
	assert_int_equal(look_up(CONTEXT_REVIEW, "<C-a>"), ACTION_APPROVE);
	assert_int_equal(look_up(CONTEXT_REVIEW, "a"), ACTION_NONE);
	assert_int_equal(look_up(CONTEXT_LOG, "é"), ACTION_ZOOM);
	assert_int_equal(keymap_bind(map, "review", "none", "j", &err), 0);
	assert_int_equal(look_up(CONTEXT_REVIEW, "j"), ACTION_NONE);
}

static void expect_error(const char *context, const char *action, const char *key, const char *part)
{
	struct err err = { 0 };

	assert_int_equal(keymap_bind(map, context, action, key, &err), -1);
	if (!strstr(err.text, part))
		fail_msg("`%s` is not in: %s", part, err.text);
}

static void test_errors(void **state)
{
	(void)state;
	expect_error("revue", "approve", "a", "`revue`");
	expect_error("review", "aprove", "a", "`aprove` is no action");
	expect_error("review", "approve", "ab", "more than one key");
	expect_error("review", "approve", "<Bogus>", "`<Bogus>` is no key");
	expect_error("review", "approve", "", "a key should stand");
	/* The message about contexts names each of them. */
	for (int c = 0; c < CONTEXT_COUNT; c++)
		expect_error("revue", "approve", "a", context_name(c));
}

static void test_keys_of_an_action(void **state)
{
	struct buf out = { 0 };

	(void)state;
	keymap_keys(map, CONTEXT_LOG, ACTION_DOWN, &out);
	assert_string_equal(buf_str(&out), "j, <Down>");
	buf_truncate(&out, 0);
	keymap_keys(map, CONTEXT_LOG, ACTION_APPROVE, &out);
	assert_string_equal(buf_str(&out), "");
	buf_release(&out);
}

static void add_hint(void *data, enum action a, const char *keys, const char *label)
{
	struct buf *out = data;

	(void)a;
	buf_printf(out, "%s%s %s", out->len ? "  " : "", keys, label);
}

static void test_footer(void **state)
{
	struct buf out = { 0 };

	(void)state;
	keymap_hints(map, CONTEXT_REVIEW, add_hint, &out);
	assert_string_equal(buf_str(&out), "a approve  S sign  W waive  t retry  v veto  r ask for changes  c comment  [ ] hunk  "
	                                   "{ } file  Esc back  4 review  5 agent  Tab pane  z zoom  / search  : command  ? help");
	buf_release(&out);
}

/* No default hides another one of its own context by accident, and each context can be left and explained. */
static void test_no_binding_is_dangling(void **state)
{
	struct keymap_entry list[256];

	(void)state;
	for (int c = 0; c < CONTEXT_COUNT; c++) {
		size_t n = keymap_list(map, c, list, 256);
		assert_true(n < 256);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(keymap_find(map, c, list[i].key), list[i].action);
			for (size_t j = i + 1; j < n; j++)
				assert_false(key_equal(list[i].key, list[j].key));
			if (list[i].hint)
				assert_true(*action_label(list[i].action));
		}
		if (c != CONTEXT_PROMPT) {
			assert_int_equal(look_up(c, "?"), ACTION_HELP);
			assert_int_equal(look_up(c, "q"), ACTION_QUIT);
			assert_int_equal(look_up(c, "<Esc>"), ACTION_BACK);
			assert_int_equal(look_up(c, "<C-z>"), ACTION_SUSPEND);
		}
	}
}

/* Every action can be reached by a key, but for those that only the mouse or the palette asks for. */
static void test_every_action_can_be_reached(void **state)
{
	struct keymap_entry list[256];

	(void)state;
	for (int a = 1; a < ACTION_COUNT; a++) {
		int reached = a == ACTION_CLICK || a == ACTION_WHEEL_UP || a == ACTION_WHEEL_DOWN;
		for (int c = 0; c < CONTEXT_COUNT && !reached; c++)
			for (size_t i = 0, n = keymap_list(map, c, list, 256); i < n; i++)
				reached |= list[i].action == (enum action)a;
		if (!reached)
			fail_msg("no key reaches %s", action_name(a));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_action_has_a_name_of_its_own_and_help), TEST(test_lookup_walks_to_the_parents),
		TEST(test_guarded_actions_have_keys_where_they_are_given_only), TEST(test_the_user_is_asked_last), TEST(test_errors),
		TEST(test_keys_of_an_action), TEST(test_footer), TEST(test_no_binding_is_dangling), TEST(test_every_action_can_be_reached),
	};
	return cmocka_run_group_tests_name("tui_keymap", tests, NULL, NULL);
}
