/* Mails with patches: what each part is, that the diff is untouched, and that nothing in the words can act. */
#include "core/agents/mail.h"

#include "tests/test.h"

#define DIFF "diff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-one\n+two\n"
#define SIGNATURE "-- \n2.39.5\n\n"

static struct mail mail;
static struct err err;

static int teardown(void **state)
{
	(void)state;
	mail_release(&mail);
	return 0;
}

static void parse(const char *text)
{
	mail_release(&mail);
	assert_ok(mail_parse(&mail, text, strlen(text), &err), &err);
}

static void assert_diff(const char *text, const char *diff)
{
	assert_int_equal(mail.diff_size, strlen(diff));
	assert_memory_equal(text + mail.diff, diff, mail.diff_size);
}

static void test_format_patch(void **state)
{
	static const char text[] =
		"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
		"From: Mira Okafor <mira@kernels.example>\nDate: Sat, 14 Nov 2026 11:17:00 +0000\n"
		"Subject: [PATCH v2 3/12] quant: two running sums\n in the dot product\nMIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
		"Each block waits.\n\nTwo sums do not.\n\nIdea: independent sums\n  hide their latency\nExpected: +2..5 % tg_tps\n"
		"Source: backend:ggml-cpu\nSource: arXiv:2205.14135\n---\n x.c | 2 +-\n 1 file changed\n\n" DIFF SIGNATURE;
	(void)state;
	parse(text);
	assert_string_equal(mail.title, "quant: two running sums in the dot product");
	assert_string_equal(mail.author, "Mira Okafor <mira@kernels.example>");
	assert_string_equal(mail.date, "Sat, 14 Nov 2026 11:17:00 +0000");
	assert_string_equal(mail.body, "Each block waits.\n\nTwo sums do not.\n\nIdea: independent sums\n  hide their latency\n"
	                               "Expected: +2..5 % tg_tps\nSource: backend:ggml-cpu\nSource: arXiv:2205.14135");
	assert_string_equal(mail.idea, "independent sums hide their latency");
	assert_string_equal(mail.expected, "+2..5 % tg_tps");
	assert_int_equal(mail.sources.count, 2);
	assert_string_equal(mail.sources.at[0], "backend:ggml-cpu");
	assert_string_equal(mail.sources.at[1], "arXiv:2205.14135");
	assert_diff(text, DIFF);
}

static void test_titles(void **state)
{
	static const struct { const char *header, *title; } cases[] = {
		{"Subject: plain", "plain"}, {"Subject: [PATCH] a", "a"}, {"Subject: Re: [RFC PATCH 1/2] [AVX2] faster", "[AVX2] faster"},
		{"subject:no space", "no space"}, {"Subject: [fix] b", "[fix] b"}, {"Subject:", ""}, {"Subject: a\n\tb\n  c", "a b  c"},
		{"Subject: =?UTF-8?q?Gr=C3=BC=C3=9Fe_an?= alle", "Grüße an alle"}, {"Subject: =?utf-8?B?w6Rw?= =?utf-8?b?w7xy?=", "äpür"},
		{"Subject: [PATCH] =?UTF-8?q?a=20?=\n =?UTF-8?q?b?=", "a b"}, {"Subject: =?ISO-8859-1?Q?caf=E9?=", "café"},
		{"Subject: =?koi8-r?Q?abc?=", "=?koi8-r?Q?abc?="}, {"Subject: =?utf-8?q?unfinished", "=?utf-8?q?unfinished"},
		{"Subject: =?utf-8?q?=1B[31mred?=", "<1B>[31mred"}, {"Subject: a\033]0;x\007b", "a<1B>]0;x<07>b"}, {"Subject: a =?b", "a =?b"},
		{"Subject: =?utf-8?q?two?= words", "two words"}, {"Subject: =?utf-8?q?line=0Abreak?=", "line break"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[300];
		snprintf(text, sizeof text, "From: a <b@c>\n%s\n\nbody\n---\n\n" DIFF, cases[i].header);
		parse(text);
		assert_string_equal(mail.title, cases[i].title);
		assert_string_equal(mail.body, "body");
		assert_diff(text, DIFF);
	}
}

static void test_authors(void **state)
{
	static const struct { const char *from, *author; } cases[] = {
		{"Ada <ada@x.org>", "Ada <ada@x.org>"}, {"\"Lovelace, Ada\" <ada@x.org>", "Lovelace, Ada <ada@x.org>"},
		{"ada@x.org", "ada@x.org <ada@x.org>"}, {"<ada@x.org>", "ada@x.org <ada@x.org>"}, {"=?utf-8?q?J=C3=B6?= <j@x>", "Jö <j@x>"},
		{"=?utf-8?q?x=3Croot=40y=3E?= <j@x>", "x(root@y) <j@x>"}, {"  Ada  <a@b>", "Ada <a@b>"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[300];
		snprintf(text, sizeof text, "From: %s\nSubject: s\n\n" DIFF, cases[i].from);
		parse(text);
		assert_string_equal(mail.author, cases[i].author);
	}
	parse("From: Sender <s@x>\nSubject: t\n\nFrom: Real Author <r@x>\n\nwords\nFrom: here on\n---\n" DIFF);
	assert_string_equal(mail.author, "Real Author <r@x>");
	assert_string_equal(mail.body, "words\nFrom: here on");
}

static void test_bare_diffs(void **state)
{
	static const char plain[] = "--- x.c\n+++ x.c\n@@ -1 +1 @@\n-one\n+two\n";
	(void)state;
	parse(DIFF);
	assert_string_equal(mail.title, "");
	assert_string_equal(mail.body, "");
	assert_null(mail.author);
	assert_null(mail.date);
	assert_null(mail.idea);
	assert_null(mail.expected);
	assert_diff(DIFF, DIFF);
	parse(plain);
	assert_diff(plain, plain);
	static const char svn[] = "Index: x.c\n=====\n--- x.c\n+++ x.c\n@@ -1 +1 @@\n-one\n+two\n";
	parse(svn);
	assert_string_equal(mail.title, "");
	assert_diff(svn, plain);
	static const char words[] = "\nmake: use it\n\nBecause.\n\nsource: s2\nExpect: much\n\n" DIFF;
	parse(words);
	assert_string_equal(mail.title, "make: use it");
	assert_string_equal(mail.body, "Because.\n\nsource: s2\nExpect: much");
	assert_string_equal(mail.sources.at[0], "s2");
	assert_string_equal(mail.expected, "much");
	assert_diff(words, DIFF);
	/* "--- " below "diff --git" in the words is no second beginning, and a first "---" pair is none where git's line follows. */
	static const char both[] = "title\n\n--- a\n+++ b\n" DIFF;
	parse(both);
	assert_diff(both, DIFF);
}

static void test_no_diff(void **state)
{
	(void)state;
	parse("From: a <b@c>\nSubject: only words\n\nbody\n" SIGNATURE);
	assert_int_equal(mail.diff_size, 0);
	assert_string_equal(mail.title, "only words");
	assert_string_equal(mail.body, "body");
	parse("\n");
	assert_int_equal(mail.diff_size, 0);
	assert_string_equal(mail.title, "");
}

static void test_signature(void **state)
{
	static const char removed[] = "t\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-- \n one\n";
	static const char last[] = "t\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n one\n-- \n";
	static const char two[] = "t\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n one\n-- \ndiff --git a/y b/y\nnew file mode 100644\n";
	(void)state;
	parse(removed);
	assert_diff(removed, removed + 3);
	parse(last);
	assert_diff(last, last + 3);
	parse(two);
	assert_diff(two, two + 3);
	static const char signature[] = "t\n\n" DIFF "-- \ngit version 2\n";
	parse(signature);
	assert_diff(signature, DIFF);
}

static void test_crlf(void **state)
{
	static const char diff[] = "diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-one\r\n+two\r\n";
	char text[600];
	(void)state;
	snprintf(text, sizeof text, "From: A <a@b>\r\nSubject: [PATCH]\r\n folded\r\n\r\nwords\r\nSource: s1\r\n---\r\n x | 2\r\n\r\n%s-- \r\n2.39.5\r\n", diff);
	parse(text);
	assert_string_equal(mail.title, "folded");
	assert_string_equal(mail.author, "A <a@b>");
	assert_string_equal(mail.body, "words\nSource: s1");
	assert_string_equal(mail.sources.at[0], "s1");
	assert_diff(text, diff);
}

static void test_unsafe_words(void **state)
{
	(void)state;
	parse("From: E\033[2Jvil <e@x>\nDate: \x80\nSubject: s\n\nbody \xe2\x80\xae tupni\tx\r\x01\nIdea: \033c\nExpected: a\xff\nSource: \xe2\x80\x8bq\n---\n" DIFF);
	assert_string_equal(mail.author, "E(1B)[2Jvil <e@x>");
	assert_string_equal(mail.date, "<80>");
	assert_null(strchr(mail.body, '\033'));
	assert_non_null(strstr(mail.body, "<U+202E>"));
	assert_string_equal(mail.idea, "<1B>c");
	assert_string_equal(mail.expected, "a<FF>");
	assert_string_equal(mail.sources.at[0], "<U+200B>q");
}

static void assert_refused(const char *text, const char *part)
{
	mail_release(&mail);
	assert_error(mail_parse(&mail, text, strlen(text), &err), &err, part);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("", "empty");
	assert_refused("From: a <b@c>\nSubject: s\nContent-Transfer-Encoding: quoted-printable\n\nx=20\n", "quoted-printable");
	assert_refused("From: a <b@c>\nSubject: s\ncontent-transfer-encoding:\n BASE64\n\nx=20\n", "BASE64");
	assert_refused("From: a <b@c>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n", "attachments");
	assert_refused("From 0 Mon\nFrom: a <b@c>\nSubject: 1\n\n" DIFF SIGNATURE "From 0 Mon\nFrom: a <b@c>\nSubject: 2\n\n" DIFF, "several mails");
	parse("From: a <b@c>\nSubject: s\n\nContent-Transfer-Encoding: base64\nFrom here on\n\n" DIFF);
	assert_string_equal(mail.body, "Content-Transfer-Encoding: base64\nFrom here on");
}

/* Every cut of a mail, and any byte in place of another, is some mail: no read beyond, and the diff stays inside. */
static void test_any_bytes(void **state)
{
	static const char text[] = "From 0 M\nFrom: =?utf-8?q?a=20?= <b@c>\nSubject: [PATCH] =?utf-8?B?w6Rw?=\n x\n\nIdea: a\n b\nSource: s\n---\n x\n\n"
		"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-o\n+t\n-- \n2\n";
	static const char bytes[] = {'\0', '\n', '\r', '=', '?', ' ', '<', '>', '[', '-', '\xff', '"'};
	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		for (size_t k = 0; k <= sizeof bytes; k++) {
			size_t size = k ? sizeof text - 1 : i;
			char *copy = malloc(size ? size : 1);	/* of its exact size, for the sanitizer to see */
			memcpy(copy, text, size);
			if (k && i < size)
				copy[i] = bytes[k - 1];
			mail_release(&mail);
			int rc = mail_parse(&mail, copy, size, &err);
			assert_true(rc == 0 || *err.text);
			assert_true(mail.diff + mail.diff_size <= size);
			assert_non_null(mail.title);
			assert_non_null(mail.body);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_format_patch, teardown), cmocka_unit_test_teardown(test_titles, teardown),
		cmocka_unit_test_teardown(test_authors, teardown), cmocka_unit_test_teardown(test_bare_diffs, teardown),
		cmocka_unit_test_teardown(test_no_diff, teardown), cmocka_unit_test_teardown(test_signature, teardown),
		cmocka_unit_test_teardown(test_crlf, teardown), cmocka_unit_test_teardown(test_unsafe_words, teardown),
		cmocka_unit_test_teardown(test_refused, teardown), cmocka_unit_test_teardown(test_any_bytes, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
