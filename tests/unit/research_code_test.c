/* Searching in commits: what is found, how it is bounded, and what a hostile repository or question cannot do.
 * timeout: 120 */
#include "tests/research/shell.h"
#include "tests/test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/io/child.h"
#include "core/research/code.h"

struct seen {
	struct loop *loop;
	struct code_search *search;
	struct buf lines;		/* "path:number:text\n" each */
	size_t count, cancel_at;
	int ended, is_cut, cancel_in_end;
	char *problem;
	char root[400], commit[41];
};

static void sh(struct seen *seen, const char *script)
{
	test_shell(seen->root, script, seen->commit);
}

static int setup(void **state)
{
	static int number;
	struct seen *seen = xcalloc(1, sizeof *seen);
	char name[32];
	snprintf(name, sizeof name, "code%d", number++);
	test_path(seen->root, sizeof seen->root, name);
	mkdir(seen->root, 0700);
	seen->loop = loop_new();
	sh(seen, "git init -q . && mkdir -p src/deep && printf 'int one;\\nint foo(void);\\n' >src/a.c && printf 'foo = 1\\n' >src/deep/b.txt &&"
	   "printf 'foo\\n' >\"$(printf 'new\\nline')\" && printf 'foo\\0bar' >binary && printf -- 'foo\\n' >-dash && git add -A && git commit -qm one && git rev-parse HEAD");
	*state = seen;
	return 0;
}

static int teardown(void **state)
{
	struct seen *seen = *state;
	loop_free(seen->loop);
	buf_release(&seen->lines);
	free(seen->problem);
	free(seen);
	return 0;
}

static void line(void *data, const char *path, long number, const char *text)
{
	struct seen *seen = data;
	buf_printf(&seen->lines, "%s:%ld:%s\n", path, number, text);
	if (++seen->count == seen->cancel_at) {
		code_search_cancel(seen->search);
		loop_stop(seen->loop);
	}
}

static void ended(void *data, const char *problem, int is_cut)
{
	struct seen *seen = data;
	seen->ended++;
	seen->is_cut = is_cut;
	string_set(&seen->problem, problem);
	if (seen->cancel_in_end)
		code_search_cancel(seen->search);
	loop_stop(seen->loop);
}

static void search(struct seen *seen, struct code_query query)
{
	struct err err = {0};
	buf_truncate(&seen->lines, 0);
	seen->count = 0;
	query.folder = query.folder ? query.folder : seen->root;
	query.commit = query.commit ? query.commit : seen->commit;
	seen->search = code_search(seen->loop, &query, line, ended, seen, &err);
	if (!seen->search)
		fail_msg("%s", err.text);
	loop_run(seen->loop);
}

static const char *lines(struct seen *seen)
{
	return buf_str(&seen->lines);
}

static void lines_that_match_come_with_path_and_number(void **state)
{
	struct seen *seen = *state;
	search(seen, (struct code_query){ .pattern = "^(int )?foo" });
	assert_null(seen->problem);
	assert_false(seen->is_cut);
	assert_string_equal(lines(seen), "-dash:1:foo\nnew line:1:foo\nsrc/a.c:2:int foo(void);\nsrc/deep/b.txt:1:foo = 1\n");
	search(seen, (struct code_query){ .pattern = "foo(", .is_plain = 1, .path = "src" });
	assert_string_equal(lines(seen), "src/a.c:2:int foo(void);\n");
	search(seen, (struct code_query){ .pattern = "FOO", .ignores_case = 1, .path = "*.txt" });
	assert_string_equal(lines(seen), "src/deep/b.txt:1:foo = 1\n");
	search(seen, (struct code_query){ .pattern = "nothing at all" });
	assert_null(seen->problem);
	assert_int_equal(seen->count, 0);
}

static void a_bare_repository_is_searched_too(void **state)
{
	struct seen *seen = *state;
	char bare[500];
	sh(seen, "git clone -q --bare . bare.git");
	snprintf(bare, sizeof bare, "%s/bare.git", seen->root);
	search(seen, (struct code_query){ .pattern = "foo", .path = "src/a.c", .folder = bare });
	assert_string_equal(lines(seen), "src/a.c:2:int foo(void);\n");
}

static void a_limit_ends_the_search(void **state)
{
	struct seen *seen = *state;
	sh(seen, "seq 1 300000 >many && git add many && git commit -qm many && git rev-parse HEAD");
	search(seen, (struct code_query){ .pattern = "[0-9]", .limit = 7 });
	assert_int_equal(seen->count, 7);
	assert_true(seen->is_cut);
	assert_null(seen->problem);
	search(seen, (struct code_query){ .pattern = "[0-9]" });
	assert_int_equal(seen->count, CODE_LIMIT);
}

static void long_and_hostile_lines_are_cut_and_made_safe(void **state)
{
	struct seen *seen = *state;
	sh(seen, "{ printf 'foo \\033[2J \\342\\200\\256'; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo 'foo end'; } >src/long && git add -A && git commit -qm l &&"
	   "git rev-parse HEAD");
	search(seen, (struct code_query){ .pattern = "foo", .path = "src/long" });
	assert_int_equal(seen->count, 2);
	const char *first = lines(seen), *newline = strchr(first, '\n');
	assert_non_null(strstr(first, "foo <1B>[2J <U+202E>xxx"));
	char *one = xstrndup(first, (size_t)(newline - first));
	assert_int_equal(text_columns(one), CODE_COLUMNS + (int)strlen("src/long:1:"));
	free(one);
	assert_string_equal(newline + 1, "src/long:2:foo end\n");
}

static void what_is_cancelled_says_nothing_more(void **state)
{
	struct seen *seen = *state;
	sh(seen, "seq 1 300000 >many && git add many && git commit -qm many && git rev-parse HEAD");
	seen->cancel_at = 3;
	search(seen, (struct code_query){ .pattern = "[0-9]" });
	for (int i = 0; i < 5; i++)
		loop_turn(seen->loop, 10000);
	assert_int_equal(seen->count, 3);
	assert_int_equal(seen->ended, 0);
	struct err err = {0};
	struct code_query query = { .folder = seen->root, .commit = seen->commit, .pattern = "[0-9]" };
	code_search_cancel(code_search(seen->loop, &query, line, ended, seen, &err));	/* before anything came */
	code_search_cancel(NULL);
	seen->cancel_at = 0;
	seen->cancel_in_end = 1;
	search(seen, (struct code_query){ .pattern = "int one" });
	assert_int_equal(seen->ended, 1);
}

static void refused(struct seen *seen, struct code_query query, const char *part)
{
	struct err err = {0};
	query.folder = query.folder ? query.folder : seen->root;
	query.commit = query.commit ? query.commit : seen->commit;
	if (code_search(seen->loop, &query, line, ended, seen, &err))
		fail_msg("was searched, but should say: %s", part);
	if (!strstr(err.text, part))
		fail_msg("says: %s\nbut should say: %s", err.text, part);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	struct seen *seen = *state;
	char long_one[10001];
	memset(long_one, 'a', 10000);
	long_one[10000] = '\0';
	refused(seen, (struct code_query){ .pattern = long_one }, "has 10000 bytes");
	refused(seen, (struct code_query){ .pattern = "a\nb" }, "newline");
	refused(seen, (struct code_query){ .pattern = "" }, "needs a pattern");
	refused(seen, (struct code_query){ .pattern = "a", .path = long_one }, "has 10000 bytes");
	refused(seen, (struct code_query){ .pattern = "a", .path = "../x" }, "names nothing");
	refused(seen, (struct code_query){ .pattern = "a", .path = "src/.." }, "names nothing");
	refused(seen, (struct code_query){ .pattern = "a", .path = "/etc/passwd" }, "names nothing");
	refused(seen, (struct code_query){ .pattern = "a", .path = ":(exclude)src" }, "names nothing");
	refused(seen, (struct code_query){ .pattern = "a", .commit = "HEAD" }, "40 hexadecimal");
	refused(seen, (struct code_query){ .pattern = "a", .commit = "--open-files-in-pager=touch /tmp/x; 1234567" }, "40 hexadecimal");
	refused(seen, (struct code_query){ .pattern = "a", .folder = "/etc" }, "no git repository");
}

static void a_leading_dash_is_no_option(void **state)
{
	struct seen *seen = *state;
	search(seen, (struct code_query){ .pattern = "--open-files-in-pager=false" });
	assert_null(seen->problem);
	assert_int_equal(seen->count, 0);
	search(seen, (struct code_query){ .pattern = "foo", .path = "-dash" });
	assert_string_equal(lines(seen), "-dash:1:foo\n");
}

static void a_pattern_that_is_wrong_is_said_in_gits_words(void **state)
{
	struct seen *seen = *state;
	search(seen, (struct code_query){ .pattern = "foo(" });
	assert_non_null(seen->problem);
	assert_non_null(strstr(seen->problem, "git cannot search for 'foo(': "));
	if (!strstr(seen->problem, "Unmatched ( or \\("))
		fail_msg("%s", seen->problem);
	search(seen, (struct code_query){ .pattern = "foo", .commit = "1234567890123456789012345678901234567890" });
	assert_non_null(seen->problem);
}

/* What its configuration names would leave a file behind; so would the configuration it includes. */
static void what_a_repository_configures_is_not_run(void **state)
{
	struct seen *seen = *state;
	sh(seen, "printf '#!/bin/sh\\ntouch \"%s/ran\"\\n' \"$PWD\" >evil && chmod +x evil &&"
	   "git config core.fsmonitor \"$PWD/evil\" && git config core.pager \"$PWD/evil\" && git config core.sshCommand \"$PWD/evil\" &&"
	   "git config core.hooksPath \"$PWD\" && git config diff.evil.textconv \"$PWD/evil\" && git config alias.grep '!touch ran' &&"
	   "git config pager.grep \"$PWD/evil\" && git config extensions.partialClone evil && git config remote.evil.url \"ext::$PWD/evil\" &&"
	   "git config remote.evil.promisor true && git config protocol.ext.allow always && echo '* diff=evil' >.git/info/attributes &&"
	   "echo 'this is no [config' >>.git/config && mkdir .git/objects/aa 2>/dev/null; rm -f .git/objects/$(printf %s $(echo 'foo = 1' | git hash-object --stdin -t blob 2>/dev/null || echo d/d) | sed 's/../&\\//')");
	char ran[500];
	search(seen, (struct code_query){ .pattern = "foo" });
	snprintf(ran, sizeof ran, "%s/ran", seen->root);
	assert_int_equal(access(ran, F_OK), -1);
	assert_non_null(strstr(lines(seen), "src/a.c:2:int foo(void);"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_that_match_come_with_path_and_number, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bare_repository_is_searched_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_limit_ends_the_search, setup, teardown),
		cmocka_unit_test_setup_teardown(long_and_hostile_lines_are_cut_and_made_safe, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_cancelled_says_nothing_more, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_leading_dash_is_no_option, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pattern_that_is_wrong_is_said_in_gits_words, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_repository_configures_is_not_run, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
