/* Copies of repositories: made, kept, fetched again, given up; and what a hostile one, or a hostile word, cannot do.
 * timeout: 120 */
#include "tests/research/shell.h"
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/child.h"
#include "core/io/git.h"
#include "core/research/repository.h"

struct seen {
	struct loop *loop;
	struct repository_clone *clone;
	char root[400], cache[500], url[500], head[41];
	char *folder, *commit, *problem;
	int done, cancel_in_done;
};

static void sh(struct seen *seen, const char *script)
{
	test_shell(seen->root, script, seen->head);
}

static int setup(void **state)
{
	static int number;
	struct seen *seen = xcalloc(1, sizeof *seen);
	char name[32];
	snprintf(name, sizeof name, "repository%d", number++);
	test_path(seen->root, sizeof seen->root, name);
	mkdir(seen->root, 0700);
	snprintf(seen->cache, sizeof seen->cache, "%s/cache", seen->root);
	snprintf(seen->url, sizeof seen->url, "file://%s/theirs", seen->root);
	seen->loop = loop_new();
	sh(seen, "git init -q theirs && cd theirs && echo one >file && git add -A && git commit -qm one && echo two >file && git commit -qam two && git rev-parse HEAD");
	*state = seen;
	return 0;
}

static void forget(struct seen *seen)
{
	string_set(&seen->folder, NULL);
	string_set(&seen->commit, NULL);
	string_set(&seen->problem, NULL);
}

static int teardown(void **state)
{
	struct seen *seen = *state;
	loop_free(seen->loop);
	forget(seen);
	free(seen);
	return 0;
}

static void done(void *data, const char *folder, const char *commit, const char *problem)
{
	struct seen *seen = data;
	seen->done++;
	string_set(&seen->folder, folder);
	string_set(&seen->commit, commit);
	string_set(&seen->problem, problem);
	if (seen->cancel_in_done)
		repository_clone_cancel(seen->clone);
	loop_stop(seen->loop);
}

static void get(struct seen *seen, const char *url)
{
	forget(seen);
	seen->done = 0;
	seen->clone = repository_clone(seen->loop, seen->cache, url, done, seen);
	assert_int_equal(seen->done, 0);	/* never from in there */
	loop_run(seen->loop);
	assert_int_equal(seen->done, 1);
}

static void got(struct seen *seen, const char *url)
{
	get(seen, url);
	if (seen->problem)
		fail_msg("%s: %s", url, seen->problem);
	assert_non_null(seen->folder);
	assert_string_equal(seen->commit, seen->head);
}

static void says(struct seen *seen, const char *url, const char *part)
{
	get(seen, url);
	if (!seen->problem || !strstr(seen->problem, part))
		fail_msg("%s says: %s\nbut should say: %s", url, seen->problem ? seen->problem : "(nothing)", part);
}

static void file_is(struct seen *seen, const char *commit, const char *expected)
{
	struct err err = {0};
	struct buf out = {0};
	struct git *g = git_open_bare(seen->folder, &err);
	if (!g)
		fail_msg("%s", err.text);
	assert_ok(git_file(g, commit, "file", 100, &out, &err), &err);
	assert_string_equal(buf_str(&out), expected);
	git_close(g);
	buf_release(&out);
}

static size_t copies(const struct seen *seen)
{
	char path[600];
	size_t count = 0;
	snprintf(path, sizeof path, "%s/repositories", seen->cache);
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir)); )
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static void age(struct seen *seen)
{
	char path[1000];
	struct timespec old[2] = { { .tv_sec = time(NULL) - REPOSITORY_AGE - 60 }, { .tv_sec = time(NULL) - REPOSITORY_AGE - 60 } };
	snprintf(path, sizeof path, "%s/skydeck-fetched", seen->folder);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

/* --- */

static void a_copy_is_bare_and_shallow(void **state)
{
	struct seen *seen = *state;
	char commit[41];
	assert_null(repository_at(seen->cache, seen->url, commit));
	got(seen, seen->url);
	file_is(seen, seen->head, "two\n");
	assert_string_equal(repository_at(seen->cache, seen->url, commit), seen->folder);
	assert_string_equal(commit, seen->head);
	assert_int_equal(copies(seen), 1);
	char *script = xasprintf("cd '%s' && test $(git rev-list --count HEAD) = 1 && test ! -e hooks && test ! -e description && git fsck", seen->folder);
	sh(seen, script);
	free(script);
}

static void what_is_young_is_not_fetched_again(void **state)
{
	struct seen *seen = *state;
	got(seen, seen->url);
	char *first = xstrdup(seen->head);
	sh(seen, "cd theirs && echo three >file && git commit -qam three && git rev-parse HEAD");
	get(seen, seen->url);
	assert_string_equal(seen->commit, first);
	age(seen);
	got(seen, seen->url);
	file_is(seen, seen->head, "three\n");
	file_is(seen, first, "two\n");	/* and what was quoted from the older one can still be checked */
	assert_int_equal(copies(seen), 1);
	free(first);
}

static void where_it_cannot_be_fetched_the_old_one_stays(void **state)
{
	struct seen *seen = *state;
	got(seen, seen->url);
	sh(seen, "mv theirs gone");
	age(seen);
	says(seen, seen->url, "cannot be copied");
	assert_non_null(strstr(seen->problem, "its older copy is used"));
	assert_string_equal(seen->commit, seen->head);
	file_is(seen, seen->head, "two\n");
}

static void what_fails_leaves_nothing(void **state)
{
	struct seen *seen = *state;
	char url[600];
	snprintf(url, sizeof url, "file://%s/nowhere", seen->root);
	says(seen, url, "cannot be copied");
	assert_null(seen->folder);
	assert_int_equal(copies(seen), 0);
	snprintf(url, sizeof url, "%s#no-such-branch", seen->url);
	says(seen, url, "no-such-branch");
	assert_int_equal(copies(seen), 0);
	sh(seen, "mkdir -p cache/repositories/x.part-4194999-0/objects");	/* of a process that cannot be */
	says(seen, url, "no-such-branch");
	assert_int_equal(copies(seen), 0);
}

static void a_branch_and_a_pull_request_are_copies_of_their_own(void **state)
{
	struct seen *seen = *state;
	char url[600];
	sh(seen, "cd theirs && git checkout -qb side/one && echo side >file && git commit -qam side && git rev-parse HEAD");
	snprintf(url, sizeof url, "%s#side/one", seen->url);
	got(seen, url);
	file_is(seen, seen->head, "side\n");
	sh(seen, "cd theirs && echo pull >file && git commit -qam pull && git update-ref refs/pull/12/head HEAD && git rev-parse HEAD");
	snprintf(url, sizeof url, "%s#pull/12", seen->url);
	got(seen, url);
	file_is(seen, seen->head, "pull\n");
	assert_int_equal(copies(seen), 2);
}

static void large_files_are_left_out(void **state)
{
	struct seen *seen = *state;
	struct err err = {0};
	struct buf out = {0};
	sh(seen, "cd theirs && git config uploadpack.allowFilter true && head -c 9000000 /dev/zero >large && git add -A && git commit -qm l && git rev-parse HEAD");
	got(seen, seen->url);
	file_is(seen, seen->head, "two\n");
	struct git *g = git_open_bare(seen->folder, &err);
	assert_error(git_file(g, seen->head, "large", 100, &out, &err), &err, "large files are left out");
	git_close(g);
	sh(seen, "cd theirs && echo three >file && git commit -qam three && git rev-parse HEAD");
	age(seen);
	got(seen, seen->url);
	char *script = xasprintf("! grep -q promisor '%s/config'", seen->folder);
	sh(seen, script);
	free(script);
}

static void one_by_path_is_used_where_it_is(void **state)
{
	struct seen *seen = *state;
	char path[500], commit[41];
	snprintf(path, sizeof path, "%s/theirs", seen->root);
	sh(seen, "cd theirs && git config core.fsmonitor 'touch ../ran' && git config core.sshCommand 'touch ../ran' && chmod -R a-w .git && find .git | sort >../before; git rev-parse HEAD");
	got(seen, path);
	assert_non_null(strstr(seen->folder, "/theirs/.git"));
	assert_non_null(repository_at(seen->cache, path, commit));
	assert_string_equal(commit, seen->head);
	sh(seen, "(cd theirs; find .git | sort) | cmp - before; test ! -e ran; test ! -e cache; chmod -R u+w theirs");
	snprintf(path, sizeof path, "%s/nothing", seen->root);
	says(seen, path, "No such file");
	sh(seen, "mkdir empty");
	snprintf(path, sizeof path, "%s/empty", seen->root);
	says(seen, path, "no git repository");
}

/* Hooks, filters, templates and what its configuration names would each leave a file. */
static void nothing_of_theirs_is_run(void **state)
{
	struct seen *seen = *state;
	sh(seen, "printf '#!/bin/sh\\ntouch \"%s/ran\"\\n' \"$PWD\" >evil && chmod +x evil && mkdir -p template/hooks && cp evil template/hooks/reference-transaction &&"
	   "cp evil template/hooks/post-checkout && git config --global init.templateDir \"$PWD/template\" && git config --global filter.lfs.smudge \"$PWD/evil\" &&"
	   "git config --global core.hooksPath \"$PWD/template/hooks\" && cd theirs && echo '* filter=lfs' >.gitattributes &&"
	   "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = ../evil\\n' >.gitmodules && cp ../evil .git/hooks/post-upload-pack &&"
	   "git config uploadpack.packObjectsHook ../evil && git config core.fsmonitor ../evil && git config core.sshCommand ../evil && git add .gitattributes .gitmodules 2>/dev/null &&"
	   "git -c core.fsmonitor=false -c core.hooksPath=/dev/null commit -qm evil && git rev-parse HEAD && rm -f ../ran");
	got(seen, seen->url);
	sh(seen, "test ! -e ran; git config --global --unset init.templateDir; git config --global --unset core.hooksPath");
}

static void what_is_cancelled_leaves_nothing(void **state)
{
	struct seen *seen = *state;
	repository_clone_cancel(repository_clone(seen->loop, seen->cache, seen->url, done, seen));
	for (int turns = 1; turns < 6; turns++) {
		struct repository_clone *c = repository_clone(seen->loop, seen->cache, seen->url, done, seen);
		for (int i = 0; i < turns && !seen->done; i++)
			loop_turn(seen->loop, 1000);
		if (!seen->done)
			repository_clone_cancel(c);
		assert_int_equal(seen->done, 0);
		assert_int_equal(copies(seen), 0);
	}
	repository_clone_cancel(NULL);
	seen->cancel_in_done = 1;
	got(seen, seen->url);
}

static void a_damaged_copy_is_made_anew(void **state)
{
	struct seen *seen = *state;
	got(seen, seen->url);
	char *script = xasprintf("rm -rf '%s/objects' && echo x >'%s/HEAD'", seen->folder, seen->folder);
	sh(seen, script);
	free(script);
	got(seen, seen->url);
	file_is(seen, seen->head, "two\n");
}

static void only_public_hosts_are_asked(void **state)
{
	struct seen *seen = *state;
	says(seen, "https://127.0.0.1:1/owner/name", "127.0.0.1");
	says(seen, "https://localhost/owner/name", "localhost");
	says(seen, "https://169.254.169.254/latest", "169.254.169.254");
	assert_null(seen->folder);
	assert_int_equal(copies(seen), 0);
}

static void words_are_taken_apart(void **state)
{
	(void)state;
	static const struct { const char *word, *url, *ref; } fine[] = {
		{ "https://example.org/a/b.git", "https://example.org/a/b.git", "HEAD" },
		{ "https://example.org:8443/~a/b/", "https://example.org:8443/~a/b", "HEAD" },
		{ "https://example.org/a/b#feature/x-1", "https://example.org/a/b", "refs/heads/feature/x-1" },
		{ "https://example.org/a/b#pull/7", "https://example.org/a/b", "refs/pull/7/head" },
		{ "https://github.com/o/n/pull/12/files", "https://github.com/o/n", "refs/pull/12/head" },
		{ "https://github.com/o/n/tree/dev/x", "https://github.com/o/n", "refs/heads/dev/x" },
		{ "https://github.com/o/n/issues/3", "https://github.com/o/n", "HEAD" },
		{ "https://example.org/a/b/pull/12", "https://example.org/a/b/pull/12", "HEAD" },
	};
	static const char *const wrong[] = {
		"http://example.org/a", "git://example.org/a", "ssh://git@example.org/a", "git@example.org:a/b", "ext::sh -c id", "--upload-pack=touch x",
		"https://user:secret@example.org/a", "https://example.org", "https://example.org/", "https:///a", "https://-x.org/a", "https://example.org:0/a",
		"https://example.org:99999/a", "https://example.org:x/a", "https://example.org/../a", "https://example.org/a b", "https://example.org/a\nb", "https://example.org/a?b",
		"https://example.org/a#--upload-pack=x", "https://example.org/a#-x", "https://example.org/a#a..b", "https://example.org/a#x.lock", "https://example.org/a#:refs/heads/y",
		"https://example.org/a#", "https://example.org/a#pull/x y", "https://example.org/a#\xe2\x80\xae", "file://x", "relative/path", "", "https://ex\xc3\xa4mple.org/a",
	};
	struct repository_place place;
	struct err err = {0};
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		assert_ok(repository_parse(fine[i].word, &place, &err), &err);
		assert_string_equal(place.url, fine[i].url);
		assert_string_equal(place.ref, fine[i].ref);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!repository_parse(wrong[i], &place, &err))
			fail_msg("taken for a repository: %s", wrong[i]);
	char long_one[5000];
	memset(long_one, 'a', sizeof long_one);
	memcpy(long_one, "https://e.org/", 14);
	long_one[sizeof long_one - 1] = '\0';
	assert_error(repository_parse(long_one, &place, &err), &err, "no repository that can be copied");
	memcpy(long_one, "file:///aaaaaa", 14);
	assert_error(repository_parse(long_one, &place, &err), &err, "no repository that can be copied");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_copy_is_bare_and_shallow), T(what_is_young_is_not_fetched_again), T(where_it_cannot_be_fetched_the_old_one_stays),
		T(what_fails_leaves_nothing), T(a_branch_and_a_pull_request_are_copies_of_their_own), T(large_files_are_left_out),
		T(one_by_path_is_used_where_it_is), T(nothing_of_theirs_is_run), T(what_is_cancelled_leaves_nothing), T(a_damaged_copy_is_made_anew),
		T(only_public_hosts_are_asked), cmocka_unit_test(words_are_taken_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
