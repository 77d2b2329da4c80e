/* Bundles, read by git itself in an empty store: what a worker does with them. */
#include "core/io/git.h"

#include <unistd.h>

#include "tests/test.h"

struct place {
	char dir[1600];
	struct git *git;
	char first[GIT_ID], second[GIT_ID], third[GIT_ID];
	struct err err;
};

/* Runs a script in the scratch folder; the test fails with it. */
static void sh(struct place *p, const char *script)
{
	char *command = NULL;
	assert_true(asprintf(&command, "cd '%s' || exit 9\nset -eu\nunset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE\n"
			     "export GIT_CONFIG_NOSYSTEM=1 HOME=\"$PWD\" GIT_DIR=$PWD/store.git one=%s two=%s three=%s\n%s",
			     p->dir, p->first, p->second, p->third, script) > 0);
	if (system(command) != 0)
		fail_msg("script failed: %s", script);
	free(command);
}

static const char *at(struct place *p, const char *name)
{
	static char path[2000];
	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	return path;
}

static int setup(void **state)
{
	static struct place place;
	char dir[1500], repo[1700];
	struct place *p = *state = &place;
	memset(p, 0, sizeof *p);
	assert_non_null(mkdtemp((char *)test_path(dir, sizeof dir, "bundle.XXXXXX")));
	snprintf(p->dir, sizeof p->dir, "%s", dir);
	sh(p, "unset GIT_DIR; git init -q repo; cd repo; git config user.name Ada; git config user.email ada@example.org\n"
	      "mkdir -p src/deep; seq 1 5000 >src/deep/numbers; echo run >run.sh; chmod +x run.sh; ln -s src/deep link; : >empty\n"
	      "echo one >a; git add -A; git commit -qm first\n"
	      "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; echo two >a; git commit -qam second; git tag -am tagged v1\n"
	      "echo three >a; echo only >src/new; git add src a; git commit -qam third\n"
	      "cd ..; git init -q --bare store.git");
	snprintf(repo, sizeof repo, "%s/repo", dir);
	p->git = git_open(repo, &p->err);
	assert_non_null(p->git);
	assert_ok(git_resolve(p->git, "HEAD", p->third, &p->err), &p->err);
	assert_ok(git_resolve(p->git, "HEAD~", p->second, &p->err), &p->err);
	assert_ok(git_resolve(p->git, "HEAD~2", p->first, &p->err), &p->err);
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	git_close(p->git);
	return 0;
}

static void brings_commits_without_their_history(void **state)
{
	struct place *p = *state;
	const char *commits[] = { p->third };
	assert_ok(git_bundle(p->git, commits, 1, at(p, "b"), &p->err), &p->err);
	sh(p, "git bundle unbundle b >refs; [ \"$(cat refs)\" = \"$three refs/skydeck/$three\" ]\n"
	      "git cat-file -e $three; ! git cat-file -e $two 2>/dev/null; ! git cat-file -e $one 2>/dev/null\n"
	      "mkdir out; GIT_INDEX_FILE=$PWD/index git read-tree $three; GIT_INDEX_FILE=$PWD/index git --work-tree=out checkout-index -qa\n"
	      "cd out; cmp a ../repo/a; cmp src/new ../repo/src/new; cmp src/deep/numbers ../repo/src/deep/numbers; [ -x run.sh ]\n"
	      "[ \"$(readlink link)\" = src/deep ]; [ -f empty ]; [ ! -s empty ]");
}

static void brings_several_commits_once_each(void **state)
{
	struct place *p = *state;
	const char *commits[] = { p->first, p->third, p->first };
	assert_ok(git_bundle(p->git, commits, 3, at(p, "b"), &p->err), &p->err);
	sh(p, "[ \"$(head -c 15 b)\" = '# v2 git bundle' ]; git bundle unbundle b >refs; [ $(wc -l <refs) = 2 ]\n"
	      "for id in $one $three; do git ls-tree -r $id >/dev/null; done; ! git cat-file -e $two 2>/dev/null\n"
	      "[ $(git show $one:a) = one ]; [ $(git show $three:a) = three ]");
}

static void adds_to_a_store_that_has_some_of_it(void **state)
{
	struct place *p = *state;
	const char *commits[] = { p->first, p->second };
	assert_ok(git_bundle(p->git, commits, 1, at(p, "b1"), &p->err), &p->err);
	assert_ok(git_bundle(p->git, commits + 1, 1, at(p, "b2"), &p->err), &p->err);
	sh(p, "git bundle unbundle b1 >/dev/null; git bundle unbundle b2 >/dev/null; git bundle unbundle b2 >/dev/null\n"
	      "[ $(git show $one:a) = one ]; [ $(git show $two:a) = two ]");
}

static void can_be_indexed_as_a_pack(void **state)
{
	struct place *p = *state;
	const char *commits[] = { p->third };
	assert_ok(git_bundle(p->git, commits, 1, at(p, "b"), &p->err), &p->err);
	sh(p, "n=$(sed '/^$/q' b | wc -c); tail -c +$((n + 1)) b | git index-pack --stdin >/dev/null; [ $(git show $three:a) = three ]");
}

static void replaces_the_file_whole_or_leaves_it(void **state)
{
	struct place *p = *state;
	const char *good[] = { p->third }, *bad[] = { p->third, "0123456789012345678901234567890123456789" }, *worse[] = { "HEAD" };
	sh(p, "echo old >b");
	assert_error(git_bundle(p->git, bad, 2, at(p, "b"), &p->err), &p->err, "no commit 0123456789");
	assert_error(git_bundle(p->git, worse, 1, at(p, "b"), &p->err), &p->err, "no commit HEAD");
	sh(p, "[ $(cat b) = old ]; [ $(ls | wc -l) = 3 ]");
	assert_ok(git_bundle(p->git, good, 1, at(p, "b"), &p->err), &p->err);
	sh(p, "git bundle unbundle b >/dev/null; [ $(ls | wc -l) = 3 ]");
	assert_error(git_bundle(p->git, good, 1, at(p, "absent/b"), &p->err), &p->err, "cannot write");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(brings_commits_without_their_history, setup, teardown),
		cmocka_unit_test_setup_teardown(brings_several_commits_once_each, setup, teardown),
		cmocka_unit_test_setup_teardown(adds_to_a_store_that_has_some_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(can_be_indexed_as_a_pack, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_the_file_whole_or_leaves_it, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
