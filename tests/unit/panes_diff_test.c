/* Unified diffs: what is in them, and which words of a line changed. */
#include "tests/test.h"

#include "core/base/buf.h"
#include "panes/diff.h"

static struct diff d;

static void parse(const char *text)
{
	diff_release(&d);
	diff_parse(&d, text);
}

static int teardown(void **state)
{
	(void)state;
	diff_release(&d);
	return 0;
}

/* A letter a line: F file, H hunk, the sign, r remark; with the numbers of both sides. */
static void expect_lines(const char *text)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < d.line_count; i++) {
		const struct diff_line *l = &d.lines[i];
		buf_printf(&out, "%c%u/%u ", "FH -+r"[l->kind], l->old, l->new);
	}
	assert_string_equal(buf_str(&out), text);
	buf_release(&out);
}

/* The spans of a line in brackets. */
static void expect_words(size_t line, const char *text)
{
	const struct diff_line *l = &d.lines[line];
	struct buf out = { 0 };
	size_t at = 0;

	for (uint32_t i = l->span; i < l->span + l->spans; i++) {
		buf_printf(&out, "%.*s[", (int)(d.spans[i].from - at), diff_text(&d, l) + at);
		buf_printf(&out, "%.*s]", (int)(d.spans[i].to - d.spans[i].from), diff_text(&d, l) + d.spans[i].from);
		at = d.spans[i].to;
	}
	buf_printf(&out, "%.*s", (int)(l->size - at), diff_text(&d, l) + at);
	assert_string_equal(buf_str(&out), text);
	buf_release(&out);
}

#define HEAD "diff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\n+++ b/x.c\n"

static void test_files_hunks_and_numbers(void **state)
{
	(void)state;
	parse(HEAD "@@ -3,3 +3,4 @@ int main(void)\n one\n-two\n+2\n+two\n three\n@@ -20 +21 @@\n-old\n\\ No newline at end of file\n+new\n"
	      "diff --git a/y.h b/y.h\nnew file mode 100755\nindex 0..1\n--- /dev/null\n+++ b/y.h\n@@ -0,0 +1,1 @@\n+only\n");
	expect_lines("F0/0 H3/3  3/3 -4/4 +0/4 +0/5  5/6 H20/21 -20/21 r0/0 +0/21 F0/0 H0/1 +0/1 ");
	assert_int_equal(d.file_count, 2);
	assert_string_equal(d.files[0].path, "x.c");
	assert_null(d.files[0].note);
	assert_int_equal(d.files[0].added, 3);
	assert_int_equal(d.files[0].removed, 2);
	assert_int_equal(d.files[0].hunks, 2);
	assert_string_equal(d.files[1].path, "y.h");
	assert_string_equal(d.files[1].note, "new file, executable");
	assert_int_equal(d.hunk_count, 3);
	assert_int_equal(d.hunks[0].end, d.hunks[1].line);
	assert_int_equal(d.hunks[2].end, d.line_count);
	assert_int_equal(d.lines[1].size, strlen("int main(void)"));
	assert_int_equal(d.lines[12].file, 1);
	assert_int_equal(d.lines[12].hunk, 2);
}

static void test_a_removed_line_is_no_header(void **state)
{
	(void)state;
	parse(HEAD "@@ -1,2 +1,2 @@\n--- a/x.c\n+++ b/evil.c\n same\n");
	expect_lines("F0/0 H1/1 -1/1 +0/1  2/2 ");
	assert_int_equal(d.file_count, 1);
	assert_string_equal(d.files[0].path, "x.c");
}

static void test_what_git_says_of_a_file(void **state)
{
	(void)state;
	parse("diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
	      "diff --git a/old name.c b/new name.c\nsimilarity index 90%\nrename from old name.c\nrename to new name.c\n"
	      "diff --git a/x.bin b/x.bin\nindex 1..2 100644\nBinary files a/x.bin and b/x.bin differ\n"
	      "diff --git a/link b/link\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n"
	      "diff --git a/gone.c b/gone.c\ndeleted file mode 100644\nindex 1..0\n--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
	      "diff --git \"a/t\\303\\244.c\" \"b/t\\303\\244.c\"\nindex 1..2 100644\n");
	assert_int_equal(d.file_count, 6);
	assert_string_equal(d.files[0].path, "run.sh");
	assert_string_equal(d.files[0].note, "mode 100644 to 100755");
	assert_string_equal(d.files[1].path, "new name.c");
	assert_string_equal(d.files[1].note, "renamed from old name.c");
	assert_string_equal(d.files[2].path, "x.bin");
	assert_string_equal(d.files[2].note, "binary");
	assert_string_equal(d.files[3].note, "new file, symbolic link");
	assert_string_equal(d.files[4].path, "gone.c");
	assert_string_equal(d.files[4].note, "deleted");
	expect_lines("F0/0 F0/0 F0/0 F0/0 H0/1 +0/1 r0/0 F0/0 H1/0 -1/0 F0/0 ");
}

static void test_nothing_is_left_out(void **state)
{
	(void)state;
	parse("what is this\n" HEAD "GIT binary patch\n@@ nonsense\n@@ -1 +1 @@\n-a\n+b\n+beyond the count\n\\ cut here: the diff has more than 5 bytes\n");
	expect_lines("r0/0 F0/0 r0/0 r0/0 H1/1 -1/1 +0/1 r0/0 r0/0 ");
	parse("");
	assert_int_equal(d.line_count, 0);
	parse("@@ -1 +1 @@");
	expect_lines("r0/0 ");
	parse("--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n--- a/y.c\n+++ b/y.c\n@@ -1 +1 @@\n-a\n+b");
	assert_int_equal(d.file_count, 2);
	assert_string_equal(d.files[1].path, "y.c");
}

static void test_changed_words(void **state)
{
	(void)state;
	parse(HEAD "@@ -1,2 +1,2 @@\n-  pack(out, end - begin);\n+  pack(out, (end - begin) & ~31);\n same\n");
	diff_emphasize(&d, 0);
	expect_words(2, "  pack(out, end - begin);");
	expect_words(3, "  pack(out, [(]end - begin[) & ~31]);");
	parse(HEAD "@@ -1 +1 @@\n-int a = old name;\n+int a = new word;\n");
	diff_emphasize(&d, 0);
	expect_words(2, "int a = [old name];");
	expect_words(3, "int a = [new word];");
}

static void test_lines_find_their_partners(void **state)
{
	(void)state;
	parse(HEAD "@@ -1,2 +1,3 @@\n-alpha(1, 2, 3);\n-gamma(7, 8, 9);\n+nothing alike at all here\n+alpha(1, 2, 4);\n+gamma(7, 0, 9);\n");
	diff_emphasize(&d, 0);
	expect_words(2, "alpha(1, 2, [3]);");
	expect_words(3, "gamma(7, [8], 9);");
	assert_int_equal(d.lines[4].spans, 0);
	expect_words(5, "alpha(1, 2, [4]);");
	expect_words(6, "gamma(7, [0], 9);");
}

static void test_the_work_is_bounded(void **state)
{
	struct buf text = { 0 };

	(void)state;
	/* a line of too many words, many lines that are nothing like each other, and at last one that changed in a word */
	buf_puts(&text, HEAD "@@ -1,203 +1,203 @@\n");
	for (int side = 0; side < 2; side++) {
		for (int line = 0; line < 201; line++) {
			buf_putc(&text, side ? '+' : '-');
			for (int i = 0; i < (line ? 30 : 300); i++)
				buf_printf(&text, line ? "%d." : "%d,", line * 1000 + 2 * i + (line && side));
			buf_putc(&text, '\n');
		}
	}
	buf_puts(&text, " same\n-last(1, 2)\n+last(1, 3)\n@@ -900 +900 @@\n-last(1, 2)\n+last(1, 3)\n");
	parse(buf_str(&text));
	diff_emphasize(&d, 0);
	assert_int_equal(d.span_count, 0);
	diff_emphasize(&d, 1);
	expect_words(d.line_count - 1, "last(1, [3])");
	buf_release(&text);
}

static void test_a_large_diff(void **state)
{
	struct buf text = { 0 };

	(void)state;
	buf_puts(&text, HEAD "@@ -0,0 +1,20000 @@\n");
	for (int i = 0; i < 20000; i++)
		buf_puts(&text, "+a line of thirty-five bytes or so\n");
	parse(buf_str(&text));
	assert_int_equal(d.line_count, 20002);
	assert_int_equal(d.lines[20001].new, 20000);
	assert_int_equal(d.last_number, 20001);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_hunks_and_numbers),
		cmocka_unit_test(test_a_removed_line_is_no_header),
		cmocka_unit_test(test_what_git_says_of_a_file),
		cmocka_unit_test(test_nothing_is_left_out),
		cmocka_unit_test(test_changed_words),
		cmocka_unit_test(test_lines_find_their_partners),
		cmocka_unit_test(test_the_work_is_bounded),
		cmocka_unit_test(test_a_large_diff),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
