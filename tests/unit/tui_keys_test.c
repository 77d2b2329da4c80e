/* The decoder: keys, and everything that must not become one. Every case is also fed a byte at a time. */
#include "tui/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"

static void note(void *data, const struct input *input)
{
	struct buf *out = data;

	switch (input->type) {
	case INPUT_KEY:
		key_print(input->key, out);
		break;
	case INPUT_PASTE:
		buf_printf(out, "(paste:%s)", input->text);
		break;
	case INPUT_MOUSE:
		buf_printf(out, "(mouse %d %s %d,%d)", input->button, input->pressed ? "down" : "up", input->y, input->x);
		break;
	case INPUT_FOCUS:
	case INPUT_UNFOCUS:
		buf_puts(out, input->type == INPUT_FOCUS ? "(focus)" : "(unfocus)");
		break;
	case INPUT_MODE:
		buf_printf(out, "(mode %d %d)", input->mode, input->value);
	}
}

/* Feeds in pieces of `piece` bytes, a millisecond apart, then waits until nothing is pending. */
static void feed(struct keys *k, const char *bytes, size_t size, size_t piece, struct buf *out)
{
	int64_t now = 1000000;

	for (size_t i = 0; i < size; i += piece, now += 1000)
		keys_feed(k, bytes + i, size - i < piece ? size - i : piece, now, note, out);
	if (keys_deadline(k))
		keys_wait(k, keys_deadline(k), note, out);
	assert_int_equal(keys_deadline(k), 0);
}

static void expect_term(const char *term, const char *bytes, const char *events)
{
	for (size_t piece = strlen(bytes); piece; piece = piece > 1 ? 1 : 0) {
		struct keys *k = keys_new(term);
		struct buf out = { 0 };
		feed(k, bytes, strlen(bytes), piece, &out);
		assert_string_equal(buf_str(&out), events);
		buf_release(&out);
		keys_free(k);
	}
}

static void expect(const char *bytes, const char *events)
{
	expect_term("xterm-256color", bytes, events);
}

static void test_plain_keys(void **state)
{
	(void)state;
	expect("jG<", "jG<lt>");
	expect("\r\t \x7f\x01\x04", "<Enter><Tab><Space><Backspace><C-a><C-d>");
	expect("é日", "é日");
	expect("\x1b", "<Esc>");
	expect("\x1bm", "<A-m>");
	expect("\x1b\x1b", "<Esc><Esc>");
	expect("\x1b[Z", "<S-Tab>");
}

static void test_cursor_and_function_keys(void **state)
{
	(void)state;
	expect("\x1b[A\x1bOA\x1b[1;5C", "<Up><Up><C-Right>");
	expect("\x1b[5~\x1b[6~\x1b[H\x1bOF\x1b[3~", "<PageUp><PageDown><Home><End><Delete>");
	expect("\x1bOP\x1b[15~", "<F1><F5>");
	expect("\x1b[99;5u", "<C-c>");
	expect_term("linux", "\x1b[[A\x1b[1~", "<F1><Home>");
	expect_term("no-such-terminal", "\x1b[A\x1bOB", "<Up><Down>");
}

static void test_replies_are_swallowed(void **state)
{
	(void)state;
	expect("a\x1b]11;rgb:1c1c/1c1c/1c1c\x07""b", "ab");
	expect("a\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\b", "ab");
	expect("\x1bP1$r0m\x1b\\j\x1b_app\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\k", "jk");
	expect("\x1b[?62;22c\x1b[>1;10;0cx\x1b[24;80Ry\x1b[4;600;800tz\x1b[0n", "xyz");
	expect("\x1b[?2026;2$y\x1b[?2026;0$y", "(mode 2026 2)(mode 2026 0)");
	expect("\x1b[I\x1b[O", "(focus)(unfocus)");
	expect("\x1b[12345678;678zj", "j");
	expect("\x1b[~\x1b[u\x1b[;A\x1b[1;2;3;4;5A\x1b[99~\x1b[1$~j", "j");
	expect("\x1b[0000000000000000000000000000000000000000000000000000000000000000000000000000000000000001Aj", "j");
}

static void test_a_string_that_never_ends_frees_the_keyboard(void **state)
{
	struct keys *k = keys_new("xterm");
	struct buf out = { 0 };

	(void)state;
	keys_feed(k, "\x1b]11;rgb", 8, 1000000, note, &out);
	keys_wait(k, 1100000, note, &out);
	assert_true(keys_deadline(k) > 1100000);
	keys_wait(k, keys_deadline(k), note, &out);
	keys_feed(k, "j", 1, 5000000, note, &out);
	assert_string_equal(buf_str(&out), "j");
	buf_truncate(&out, 0);
	keys_feed(k, "\x1b]\rk", 4, 6000000, note, &out);
	assert_string_equal(buf_str(&out), "<Enter>k");
	buf_release(&out);
	keys_free(k);
}

static void test_a_paste_is_one_event(void **state)
{
	(void)state;
	expect("\x1b[200~hi\nq\x1b[201~j", "(paste:hi\nq)j");
	expect("\x1b[200~a\x1b[20\x1b[A\x1b[201~", "(paste:a\x1b[20\x1b[A)");
	expect("\x1b[200~never ended", "(paste:never ended)");
	expect("\x1b[201~j", "j");
}

static void test_a_huge_paste_is_bounded(void **state)
{
	struct keys *k = keys_new("xterm");
	struct buf out = { 0 }, bytes = { 0 };

	(void)state;
	buf_puts(&bytes, "\x1b[200~");
	for (int i = 0; i < 200000; i++)
		buf_puts(&bytes, "0123456789");
	buf_puts(&bytes, "\x1b[201~j");
	feed(k, bytes.data, bytes.len, 4096, &out);
	assert_true(out.len > 1000000 && out.len < 1100000);
	assert_string_equal(out.data + out.len - 2, ")j");
	buf_release(&out);
	buf_release(&bytes);
	keys_free(k);
}

static void test_mouse(void **state)
{
	(void)state;
	expect("\x1b[<0;10;5M\x1b[<0;10;5m", "(mouse 0 down 4,9)(mouse 0 up 4,9)");
	expect("\x1b[<64;300;80M\x1b[<65;1;1M", "(mouse 3 down 79,299)(mouse 4 down 0,0)");
	expect("\x1b[<35;10;5Mx", "x");
	expect("\x1b[<0;;M\x1b[<0;0;0M\x1b[<99999999999;1;1Mx", "x");
	expect("\x1b[M !!j", "j");
}

static void test_a_sequence_that_is_split(void **state)
{
	struct keys *k = keys_new("xterm");
	struct buf out = { 0 };

	(void)state;
	keys_feed(k, "\x1b", 1, 1000000, note, &out);
	assert_int_equal(keys_deadline(k), 1000000 + KEYS_ESCAPE_WAIT);
	keys_wait(k, 1040000, note, &out);
	keys_feed(k, "[", 1, 1040000, note, &out);
	keys_feed(k, "A", 1, 1080000, note, &out);
	assert_string_equal(buf_str(&out), "<Up>");
	/* 60 ms are too long: it was an Escape, but the rest is not typed. */
	buf_truncate(&out, 0);
	keys_feed(k, "\x1b", 1, 2000000, note, &out);
	keys_wait(k, 2050000, note, &out);
	keys_feed(k, "[A", 2, 2060000, note, &out);
	assert_string_equal(buf_str(&out), "<Esc><Up>");
	/* By hand, [ and A come apart. */
	buf_truncate(&out, 0);
	keys_feed(k, "\x1b", 1, 3000000, note, &out);
	keys_wait(k, 3050000, note, &out);
	keys_feed(k, "[", 1, 3060000, note, &out);
	keys_feed(k, "A", 1, 3070000, note, &out);
	assert_string_equal(buf_str(&out), "<Esc>[A");
	/* A mouse report that stops halfway presses no digits. */
	buf_truncate(&out, 0);
	keys_feed(k, "\x1b[<0;1", 6, 4000000, note, &out);
	keys_wait(k, keys_deadline(k), note, &out);
	keys_feed(k, "j", 1, 5000000, note, &out);
	assert_string_equal(buf_str(&out), "j");
	buf_release(&out);
	keys_free(k);
}

static void test_written_form(void **state)
{
	static const char *const forms[] = {
		"j", "G", "<lt>", "<Space>", "<C-x>", "<A-m>", "<Enter>", "<S-Tab>", "<C-A-Left>", "<PageDown>", "<F12>", "é", ">", "<C-Space>",
		"<A-S-Up>", "[", "<C-]>", "<Esc>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct key key, again;
		struct err err = { 0 };
		struct buf out = { 0 };
		assert_int_equal(key_parse(forms[i], &key, &err), (int)strlen(forms[i]));
		key_print(key, &out);
		assert_string_equal(buf_str(&out), forms[i]);
		key_parse(buf_str(&out), &again, &err);
		assert_true(key_equal(key, again));
		buf_release(&out);
	}
}

static void test_written_form_variants_and_errors(void **state)
{
	struct key key, other;
	struct err err = { 0 };

	(void)state;
	key_parse("<c-X>", &key, &err);
	key_parse("<C-x>", &other, &err);
	assert_true(key_equal(key, other));
	key_parse("<S-a>", &key, &err);
	assert_int_equal(key.code, 'A');
	assert_int_equal(key.modifiers, 0);
	assert_int_equal(key_parse("<PageDown>rest", &key, &err), 10);
	assert_int_equal(key_parse("<Nope>", &key, &err), -1);
	assert_non_null(strstr(err.text, "<Nope>"));
	assert_int_equal(key_parse("<Enter", &key, &err), -1);
	assert_int_equal(key_parse("", &key, &err), -1);
	assert_int_equal(key_parse("<>", &key, &err), -1);
	assert_int_equal(key_parse("\x01", &key, &err), -1);
}

static void ignore(void *data, const struct input *input)
{
	(void)data;
	(void)input;
}

static void test_noise_does_no_harm(void **state)
{
	static const char alphabet[] = "\x1b\x1b\x1b[[[]OP<>?;0129~MmIcRu$y\x07\\\x7f\x80\xc3\xa9\xff aA";
	struct random random;
	struct keys *k = keys_new("xterm-256color");

	(void)state;
	random_seed(&random, 11);
	for (int64_t now = 1000000; now < 21000000; now += 100) {
		char bytes[8];
		size_t size = 1 + random_below(&random, sizeof bytes);
		for (size_t i = 0; i < size; i++)
			bytes[i] = alphabet[random_below(&random, sizeof alphabet - 1)];
		keys_feed(k, bytes, size, now, ignore, NULL);
		if (random_below(&random, 50) == 0 && keys_deadline(k))
			keys_wait(k, now = keys_deadline(k), ignore, NULL);
	}
	keys_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_keys), cmocka_unit_test(test_cursor_and_function_keys),
		cmocka_unit_test(test_replies_are_swallowed), cmocka_unit_test(test_a_string_that_never_ends_frees_the_keyboard),
		cmocka_unit_test(test_a_paste_is_one_event), cmocka_unit_test(test_a_huge_paste_is_bounded), cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_a_sequence_that_is_split), cmocka_unit_test(test_written_form),
		cmocka_unit_test(test_written_form_variants_and_errors), cmocka_unit_test(test_noise_does_no_harm),
	};
	return cmocka_run_group_tests_name("tui_keys", tests, NULL, NULL);
}
