/* Git on real repositories, each in a folder of its own. What git itself can do to the same input is the judge: patches
 * are made by `git diff`, and the tree that comes out must be the one that `git write-tree` gave. */
#include "core/io/git.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

#define NOBODY "0123456789012345678901234567890123456789"

struct place {
	char dir[1600], repo[1620];	/* a scratch folder, and the repository in it */
	struct git *git;
	char head[GIT_ID];
	char id[GIT_ID];
	struct git_conflict conflict;
	struct err err;
};

/* Runs a script in the scratch folder, where $R is the repository; the test fails with it. */
static void sh(struct place *p, const char *script)
{
	static const char before[] = "set -eu\nunset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE\n"
		"export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=\"$PWD/gitconfig\" R=\"$PWD/repo\"\n";
	char *command = NULL;
	assert_true(asprintf(&command, "cd '%s' || exit 9\n%s%s", p->dir, before, script) > 0);
	if (system(command) != 0)
		fail_msg("script failed: %s", script);
	free(command);
}

static char *slurp(struct place *p, const char *name, size_t *size)
{
	char path[2000];
	struct buf text = {0};
	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	assert_int_equal(buf_read_file(&text, path, 64 << 20), 0);
	if (size)
		*size = text.len;
	return buf_take(&text);
}

static void assert_file(struct place *p, const char *name, const char *expected)
{
	char *text = slurp(p, name, NULL);
	assert_string_equal(text, expected);
	free(text);
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
	char dir[1500];
	struct place *p = *state = &place;
	memset(p, 0, sizeof *p);
	assert_non_null(mkdtemp((char *)test_path(dir, sizeof dir, "git.XXXXXX")));
	snprintf(p->dir, sizeof p->dir, "%s", dir);
	snprintf(p->repo, sizeof p->repo, "%s/repo", dir);
	sh(p, "git config --global user.name Ada; git config --global user.email ada@example.org\n"
	      "git config --global init.defaultBranch main; git config --global protocol.file.allow always\n"
	      "git init -q \"$R\"; cd \"$R\"\n"
	      "mkdir src bench; seq 1 60 >src/numbers.c; printf 'one\\ntwo\\nthree\\n' >src/words.c; printf '#!/bin/sh\\n' >run.sh\n"
	      "chmod +x run.sh; printf 'a\\0b\\0c' >blob.bin; ln -s src/words.c link; printf 'no newline' >src/bare.txt\n"
	      "printf 'x\\r\\ny\\r\\nz\\r\\n' >dos.txt; echo bench >bench/b.c; printf 'a\\nb\\nc\\n' >'with space.c'; : >empty\n"
	      "git add -A; git commit -qm first");
	p->git = git_open(p->repo, &p->err);
	assert_non_null(p->git);
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	git_conflict_release(&p->conflict);
	git_close(p->git);
	sh(p, "chmod -R u+rwx \"$PWD\"; rm -rf \"$PWD\"");
	return 0;
}

/* Opening. */

static void test_open(void **state)
{
	struct place *p = *state;
	assert_string_equal(git_root(p->git), p->repo);
	sh(p, "mkdir none; git init -q empty; git clone -q --bare repo bare.git; git -C repo worktree add -q ../tree -b side");
	assert_null(git_open(at(p, "none"), &p->err));
	assert_non_null(strstr(p->err.text, "git init"));
	assert_null(git_open(at(p, "missing"), &p->err));
	assert_non_null(strstr(p->err.text, "No such file"));

	struct git *g = git_open(at(p, "repo/src"), &p->err);
	assert_non_null(g);
	assert_string_equal(git_root(g), p->repo);
	git_close(g);

	g = git_open(at(p, "empty"), &p->err);
	assert_non_null(g);
	assert_error(git_head(g, p->id, &p->err), &p->err, "no commit yet");
	git_close(g);

	g = git_open(at(p, "bare.git"), &p->err);
	assert_non_null(g);
	assert_ok(git_head(g, p->id, &p->err), &p->err);
	assert_string_equal(p->id, p->head);
	struct strings dirty = {0};
	assert_ok(git_dirty(g, &dirty, &p->err), &p->err);
	assert_int_equal(dirty.count, 0);
	assert_int_equal(git_is_checked_out(g, "refs/heads/main"), 0);
	git_close(g);

	g = git_open(at(p, "tree"), &p->err);
	assert_non_null(g);
	assert_string_equal(git_root(g), at(p, "tree"));
	assert_ok(git_exclude(g, ".skydeck/", &p->err), &p->err);
	git_close(g);
	sh(p, "mkdir tree/.skydeck; : >tree/.skydeck/x; test -z \"$(git -C tree status --porcelain)\"");
}

static void test_open_of_another_user(void **state)
{
	struct place *p = *state;
	if (geteuid() != 0)
		skip();
	git_close(p->git);
	sh(p, "chown -R 65534 \"$R\"");
	p->git = git_open(p->repo, &p->err);
	assert_null(p->git);
	assert_non_null(strstr(p->err.text, "belongs to another user"));
	assert_non_null(strstr(p->err.text, "safe.directory"));
}

static void test_resolve(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; git tag -a -m t v1; git branch other");
	static const char *const names[] = {"HEAD", "main", "v1", "other", "HEAD^0"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_ok(git_resolve(p->git, names[i], p->id, &p->err), &p->err);
		assert_string_equal(p->id, p->head);
	}
	assert_error(git_resolve(p->git, "nonsense", p->id, &p->err), &p->err, "'nonsense' names no commit");
	assert_error(git_resolve(p->git, "HEAD:run.sh", p->id, &p->err), &p->err, "names no commit");
}

static void test_dirty(void **state)
{
	struct place *p = *state;
	struct strings dirty = {0};
	sh(p, "touch repo/untracked; cp repo/.git/index before");
	assert_ok(git_dirty(p->git, &dirty, &p->err), &p->err);
	assert_int_equal(dirty.count, 0);
	sh(p, "cd \"$R\"; echo more >>src/words.c; echo s >run.sh; git add run.sh; rm bench/b.c; touch src/numbers.c; cp .git/index ../before");
	assert_ok(git_dirty(p->git, &dirty, &p->err), &p->err);
	assert_int_equal(dirty.count, 3);
	assert_true(strings_have(&dirty, "src/words.c") && strings_have(&dirty, "run.sh") && strings_have(&dirty, "bench/b.c"));
	strings_release(&dirty);
	sh(p, "cmp before repo/.git/index");
}

static void test_exclude_adds_once(void **state)
{
	struct place *p = *state;
	sh(p, "printf '*.o\\nx.skydeck/' >repo/.git/info/exclude");
	assert_ok(git_exclude(p->git, ".skydeck/", &p->err), &p->err);
	assert_ok(git_exclude(p->git, ".skydeck/", &p->err), &p->err);
	assert_file(p, "repo/.git/info/exclude", "*.o\nx.skydeck/\n.skydeck/\n");
	sh(p, "rm -r repo/.git/info");
	assert_ok(git_exclude(p->git, ".skydeck/", &p->err), &p->err);
	assert_file(p, "repo/.git/info/exclude", ".skydeck/\n");
}

static void test_refs(void **state)
{
	struct place *p = *state;
	static const char ref[] = "refs/skydeck/s/p1/1";
	assert_int_equal(git_ref_get(p->git, ref, p->id), -1);
	assert_error(git_ref_set(p->git, ref, p->head, p->head, "why", &p->err), &p->err, "moved");
	assert_int_equal(git_ref_get(p->git, ref, p->id), -1);
	assert_ok(git_ref_set(p->git, ref, p->head, NULL, "why", &p->err), &p->err);
	assert_int_equal(git_ref_get(p->git, ref, p->id), 0);
	assert_string_equal(p->id, p->head);
	sh(p, "cd \"$R\"; git commit -q --allow-empty -m second; git gc -q --prune=now");
	char second[GIT_ID];
	assert_ok(git_resolve(p->git, "main", second, &p->err), &p->err);
	assert_error(git_ref_set(p->git, ref, second, second, "why", &p->err), &p->err, "someone else moved it");
	assert_ok(git_ref_set(p->git, ref, second, p->head, "why", &p->err), &p->err);
	assert_int_equal(git_ref_get(p->git, ref, p->id), 0);
	assert_string_equal(p->id, second);
	assert_error(git_ref_set(p->git, "refs/bad..name", second, NULL, "why", &p->err), &p->err, "cannot set");
	assert_error(git_ref_set(p->git, ref, "xyz", NULL, "why", &p->err), &p->err, "cannot set");
	assert_ok(git_ref_delete(p->git, ref, &p->err), &p->err);
	assert_int_equal(git_ref_get(p->git, ref, p->id), -1);
}

static void test_checked_out(void **state)
{
	struct place *p = *state;
	sh(p, "git -C \"$R\" branch idle; git -C \"$R\" worktree add -q ../tree -b side");
	assert_int_equal(git_is_checked_out(p->git, "refs/heads/main"), 1);
	assert_int_equal(git_is_checked_out(p->git, "refs/heads/side"), 1);
	assert_int_equal(git_is_checked_out(p->git, "refs/heads/idle"), 0);
	assert_int_equal(git_is_checked_out(p->git, "refs/heads/none"), 0);
	sh(p, "git -C \"$R\" checkout -q --detach");
	assert_int_equal(git_is_checked_out(p->git, "refs/heads/main"), 0);
}

/* Checkout. */

static void test_checkout_is_the_tree(void **state)
{
	struct place *p = *state;
	assert_ok(git_checkout(p->git, p->head, at(p, "deep/er/out/"), 0, &p->err), &p->err);
	sh(p, "rm -rf plain; mkdir plain; git -C \"$R\" archive HEAD | tar -x -C plain; diff -r --no-dereference plain deep/er/out\n"
	      "test -x deep/er/out/run.sh; test ! -x deep/er/out/src/words.c; test \"$(readlink deep/er/out/link)\" = src/words.c\n"
	      "test ! -e deep/er/out.commit; test -z \"$(git -C \"$R\" status --porcelain)\"; test ! -e \"$R/.git/worktrees\"");
}

static void test_checkout_runs_no_filter(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; printf '* text eol=crlf\\n*.c filter=evil\\n' >.gitattributes; git config filter.evil.smudge 'touch ../ran; cat'\n"
	      "git config core.autocrlf true; printf '#!/bin/sh\\ntouch %s/ran\\n' .. >.git/hooks/post-checkout; chmod +x .git/hooks/post-checkout");
	assert_ok(git_checkout(p->git, p->head, at(p, "out"), 0, &p->err), &p->err);
	assert_file(p, "out/src/words.c", "one\ntwo\nthree\n");
	sh(p, "test ! -e ran");
}

static void test_checkout_follows_no_symlink(void **state)
{
	struct place *p = *state;
	sh(p, "mkdir out outside; echo mine >outside/words.c; echo mine >outside/keep; ln -s ../outside out/src; ln -s ../outside/keep out/run.sh\n"
	      "ln -s ../outside out/stale; mkdir -p out/blob.bin/x; mkdir out/link; echo z >out/link/f; echo f >out/bench\n"
	      "mkdir out/locked; : >out/locked/f; chmod 0 out/locked");
	assert_ok(git_checkout(p->git, p->head, at(p, "out"), 0, &p->err), &p->err);
	sh(p, "rm -rf plain; mkdir plain; git -C \"$R\" archive HEAD | tar -x -C plain; diff -r --no-dereference plain out\n"
	      "test \"$(cat outside/*)\" = \"$(printf 'mine\\nmine')\"; test \"$(ls outside)\" = \"$(printf 'keep\\nwords.c')\"");
}

static void test_checkout_keeps_times_and_what_is_untracked(void **state)
{
	struct place *p = *state;
	assert_ok(git_checkout(p->git, p->head, at(p, "out"), 1, &p->err), &p->err);
	sh(p, "cd \"$R\"; git rm -q src/words.c bench/b.c; echo changed >src/numbers.c; printf 'NO newline' >src/bare.txt; mkdir blob; git mv blob.bin blob/bin; git commit -qam second");
	sh(p, "mkdir outside; echo mine >outside/b.c; rm -r out/bench; ln -s ../outside out/bench");
	sh(p, "touch -d 2001-01-01 out/run.sh out/src/numbers.c; chmod a-x out/run.sh; touch -d 2001-01-01 out/dos.txt; : >out/src/words.o");
	char second[GIT_ID];
	assert_ok(git_resolve(p->git, "main", second, &p->err), &p->err);
	assert_ok(git_checkout(p->git, second, at(p, "out"), 1, &p->err), &p->err);
	sh(p, "test -e out/src/words.o; test ! -e out/src/words.c; test ! -e out/blob.bin; test -e out/blob/bin\n"
	      "test \"$(date -r out/dos.txt +%Y)\" = 2001; test \"$(date -r out/run.sh +%Y)\" != 2001; test -x out/run.sh\n"
	      "test \"$(cat out/src/numbers.c)\" = changed; test \"$(cat out/src/bare.txt)\" = 'NO newline'");
	assert_file(p, "outside/b.c", "mine\n");
	sh(p, "rm out/bench");
	/* One that was cut short: both commits are in the record, and what either left goes. */
	sh(p, "cat out.commit >>both; git -C \"$R\" rev-parse HEAD~ >>both; mv both out.commit; echo left >out/src/words.c");
	assert_ok(git_checkout(p->git, second, at(p, "out"), 1, &p->err), &p->err);
	sh(p, "test ! -e out/src/words.c; test \"$(cat out.commit)\" = \"$(git -C \"$R\" rev-parse HEAD)\"");
	assert_ok(git_checkout(p->git, second, at(p, "out"), 0, &p->err), &p->err);
	sh(p, "test ! -e out/src/words.o; test ! -e out.commit");
}

static void test_checkout_of_unsafe_names(void **state)
{
	struct place *p = *state;
	static const char *const names[] = {"..", ".git", ".GIT", "."};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char script[700];
		snprintf(script, sizeof script, "cd \"$R\"; b=$(echo evil | git hash-object -w --stdin)\n"
		         "t=$(printf '100644 blob %%s\\t%%s\\n' $b '%s' | git mktree)\n"
		         "git update-ref refs/heads/evil $(git commit-tree -m evil $t)", names[i]);
		sh(p, script);
		assert_ok(git_resolve(p->git, "evil", p->id, &p->err), &p->err);
		assert_error(git_checkout(p->git, p->id, at(p, "out"), 0, &p->err), &p->err, "not safe to write");
	}
	sh(p, "test -z \"$(ls -A out)\"");
	/* Failed half way with output kept: what both commits may have left stands in the record. */
	assert_ok(git_checkout(p->git, p->head, at(p, "out"), 1, &p->err), &p->err);
	assert_error(git_checkout(p->git, p->id, at(p, "out"), 1, &p->err), &p->err, "not safe to write");
	char both[2 * GIT_ID + 2];
	snprintf(both, sizeof both, "%s\n%s\n", p->head, p->id);
	assert_file(p, "out.commit", both);
	assert_error(git_checkout(p->git, NOBODY, at(p, "out"), 0, &p->err), &p->err, "no commit");
	assert_error(git_checkout(p->git, p->head, at(p, "repo/run.sh/x"), 0, &p->err), &p->err, "cannot make the folder");
}

/* Patches. */

static int lay(struct place *p, const char *diff)
{
	git_conflict_release(&p->conflict);
	return git_commit_patch(p->git, p->head, diff, strlen(diff), "Grace <grace@example.org>", "a message\n", p->id,
	                        &p->conflict, &p->err);
}

/* The patch that git makes of what the script does must give the tree that git has then. */
static void assert_applies(struct place *p, const char *options, const char *script)
{
	char command[2000];
	size_t size;
	snprintf(command, sizeof command, "cd \"$R\"; git reset -q --hard main 2>/dev/null; git clean -ffdxq\n%s\ngit add -A\n"
	         "git diff --cached %s main >../patch; git write-tree >../tree; git reset -q --hard main 2>/dev/null; git clean -ffdxq; git status >/dev/null\n"
	         "cp .git/index ../before", script, options);
	sh(p, command);
	char *diff = slurp(p, "patch", &size);
	git_conflict_release(&p->conflict);
	int rc = git_commit_patch(p->git, p->head, diff, size, NULL, "m", p->id, &p->conflict, &p->err);
	free(diff);
	if (rc)
		fail_msg("%s: %d %s %s", script, rc, rc > 0 ? p->conflict.why : p->err.text, rc > 0 ? p->conflict.hunk : "");
	snprintf(command, sizeof command, "test \"$(git -C repo rev-parse %s^{tree})\" = \"$(cat tree)\"\n"
	         "test \"$(git -C repo rev-parse %s^)\" = %s; cmp before repo/.git/index; test -z \"$(git -C repo status --porcelain)\"",
	         p->id, p->id, p->head);
	sh(p, command);
}

static void test_patches_that_git_makes(void **state)
{
	struct place *p = *state;
	static const char *const scripts[] = {
		"sed -i 's/^2$/two/; s/^30$/thirty/; s/^60$/sixty/; 1d' src/numbers.c; echo tail >>src/numbers.c",
		"sed -i '1i top' src/numbers.c; sed -i 's/two/2/' src/words.c 'with space.c'; sed -i s/b/B/ 'with space.c'",
		"printf 'no newline either' >src/bare.txt; printf 'x' >>src/words.c; printf 'a\\n' >>src/bare.txt",
		"printf 'one\\ntwo\\nthree' >src/words.c",
		"echo new >new.c; mkdir n; echo x >n/x; : >n/empty; rm src/words.c; rm empty; chmod +x n/x",
		"git mv src/numbers.c moved.c; sed -i 's/^5$/five/' moved.c; git mv src/words.c bench/",
		"cp src/numbers.c copy.c; sed -i 's/^7$/seven/' copy.c src/numbers.c",
		"git mv src/words.c t; git mv run.sh src/words.c; git mv t run.sh",
		"chmod -x run.sh; chmod +x src/words.c; echo z >>src/words.c",
		"printf 'a\\0b\\0d' >blob.bin; head -c 3000 /dev/zero >zero.bin; git mv blob.bin b2.bin",
		"rm blob.bin; printf '\\0' >empty",
		"ln -sf ../.. link; ln -s /etc/passwd evil; rm src/words.c; ln -s numbers.c src/words.c",
		"rm link; echo file >link",
		"rm src/words.c; mkdir src/words.c; echo inner >src/words.c/a; rm bench/b.c; rmdir bench; echo file >bench",
		"git init -q sub; git -C sub commit -q --allow-empty -m s; git add sub 2>/dev/null",
		"printf 'x\\r\\nY\\r\\nz\\r\\n' >dos.txt; printf 'q\\r\\n' >new-dos.txt",
		"printf -- '-- a\\n++ b\\n-- c\\n' >>src/words.c; printf -- '--- a/x\\n+++ b/x\\n@@ -1 +1 @@\\n' >>src/numbers.c",
		"echo e >'quote\"d'; echo e >\"$(printf 'tab\\there')\"; echo e >ümlaut; echo e >'a b c'; git mv 'with space.c' 'with two spaces.c'",
	};
	static const char *const options[] = {"--binary -M -C --find-copies-harder", "--binary --no-renames --full-index",
	                                      "--binary --no-prefix -M", "--binary --src-prefix=old/ --dst-prefix=new/ --patience -U1"};
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		for (size_t k = 0; k < sizeof options / sizeof *options; k++)
			assert_applies(p, options[k], scripts[i]);
	assert_applies(p, "-U0", scripts[0]);
	assert_applies(p, "-U0", "sed -i '10,12d; 30a inserted' src/numbers.c");
}

static void test_patch_that_removes_a_removed_line_that_looks_like_a_header(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; printf -- '-- a/x\\n++ b/x\\nrest\\n' >sql; git add sql; git commit -qm sql");
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	assert_applies(p, "", "printf 'rest\\n' >sql");
	assert_applies(p, "", "printf -- '-- A/x\\n++ B/x\\nrest\\n' >sql");
	assert_int_equal(lay(p, "--- sql\n+++ sql\n@@ -1,3 +1,1 @@\n--- a/x\n-++ b/x\n rest\n"), 0);
}

static void test_commit_is_signed(void **state)
{
	struct place *p = *state;
	static const char diff[] = "--- a/src/words.c\n+++ b/src/words.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
	assert_int_equal(lay(p, diff), 0);
	struct buf message = {0}, author = {0};
	assert_ok(git_message(p->git, p->id, &message, &author, &p->err), &p->err);
	assert_string_equal(buf_str(&message), "a message\n");
	assert_string_equal(buf_str(&author), "Grace <grace@example.org>");
	char script[400];
	snprintf(script, sizeof script, "test \"$(git -C repo log -1 --format='%%cn <%%ce>' %s)\" = 'skydeck <skydeck@localhost>'\n"
	         "t=$(git -C repo log -1 --format=%%at %s); test $(($(date +%%s) - t)) -lt 300; git -C repo fsck --strict 2>&1 | "
	         "grep -v dangling | grep . && exit 1 || true", p->id, p->id);
	sh(p, script);
	static const char *const authors[] = {NULL, "nonsense", "<>", "a <b", ""};
	for (size_t i = 0; i < sizeof authors / sizeof *authors; i++) {
		assert_int_equal(git_commit_patch(p->git, p->head, diff, strlen(diff), authors[i], "m", p->id, &p->conflict, &p->err), 0);
		buf_truncate(&author, 0);
		assert_ok(git_message(p->git, p->id, &message, &author, &p->err), &p->err);
		assert_string_equal(buf_str(&author), "skydeck <skydeck@localhost>");
	}
	assert_ok(git_message(p->git, p->id, NULL, NULL, &p->err), &p->err);
	buf_release(&message);
	buf_release(&author);
	assert_int_equal(git_commit_patch(p->git, NOBODY, diff, strlen(diff), NULL, "m", p->id, &p->conflict, &p->err), -1);
	assert_non_null(strstr(p->err.text, "no commit"));
}

static void assert_text(struct place *p, const char *path, const char *mode, const char *text)
{
	char script[700];
	snprintf(script, sizeof script, "test \"$(git -C repo show %s:%s)\" = \"$(printf '%s')\"\n"
	         "test \"$(git -C repo ls-tree %s %s | cut -d' ' -f1)\" = %s", p->id, path, text, p->id, path, mode);
	sh(p, script);
}

static void test_plain_diffs(void **state)
{
	struct place *p = *state;
	static const char hunk[] = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
	static const char *const headers[] = {
		"--- a/src/words.c\n+++ b/src/words.c\n", "--- src/words.c\n+++ src/words.c\n",
		"--- src/words.c\t2024-01-02 03:04:05.0 +0100\n+++ src/words.c\t2024-01-02 03:04:06.0 +0100\n",
		"--- old/src/words.c\n+++ new/src/words.c\n", "some words before\n\n--- a/src/words.c\n+++ b/src/words.c\n",
		"Index: src/words.c\n===========\n--- src/words.c\n+++ src/words.c\n",
		"diff -ru a/src/words.c b/src/words.c\n--- a/src/words.c\n+++ b/src/words.c\n",
	};
	char diff[500];
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		snprintf(diff, sizeof diff, "%s%s", headers[i], hunk);
		assert_int_equal(lay(p, diff), 0);
		assert_text(p, "src/words.c", "100644", "one\\n2\\nthree\\n");
	}
	/* The executable bit stays though nothing in the patch speaks of it, or an index line of another origin does. */
	assert_int_equal(lay(p, "--- run.sh\n+++ run.sh\n@@ -1 +1,2 @@\n #!/bin/sh\n+true\n"), 0);
	assert_text(p, "run.sh", "100755", "#!/bin/sh\\ntrue\\n");
	assert_int_equal(lay(p, "diff --git a/run.sh b/run.sh\nindex 1234567..89abcde 100644\n--- a/run.sh\n+++ b/run.sh\n"
	                        "@@ -1 +1,2 @@\n #!/bin/sh\n+true\n"), 0);
	assert_text(p, "run.sh", "100755", "#!/bin/sh\\ntrue\\n");
	assert_int_equal(lay(p, "--- /dev/null\n+++ b/new/file.c\n@@ -0,0 +1,2 @@\n+a\n+b"), 0);
	assert_text(p, "new/file.c", "100644", "a\\nb\\n");
	assert_int_equal(lay(p, "--- new.c\t1970-01-01 00:00:00.0 +0000\n+++ new.c\t2024-01-02 03:04:06.0 +0100\n@@ -0,0 +1 @@\n+a\n"), 0);
	assert_text(p, "new.c", "100644", "a\\n");
	snprintf(diff, sizeof diff, "--- a/src/words.c\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n--- run.sh\n+++ run.sh\n"
	         "@@ -1 +1,2 @@\n #!/bin/sh\n+true\n-- \n2.39.5\n\n");
	assert_int_equal(lay(p, diff), 0);
	assert_text(p, "run.sh", "100755", "#!/bin/sh\\ntrue\\n");
	snprintf(diff, sizeof diff, "! git -C repo cat-file -e %s:src/words.c 2>/dev/null", p->id);
	sh(p, diff);
}

static void test_hunks_are_looked_for(void **state)
{
	struct place *p = *state;
	/* Made on a file that was ten lines shorter at the top, three longer in the middle. */
	assert_int_equal(lay(p, "--- a/src/numbers.c\n+++ b/src/numbers.c\n@@ -10,3 +10,3 @@\n 20\n-21\n+twenty-one\n 22\n"
	                        "@@ -33,3 +33,2 @@ f\n 40\n-41\n 42\n"), 0);
	char script[300];
	snprintf(script, sizeof script, "seq 1 60 | sed 's/^21$/twenty-one/; /^41$/d' >want; git -C repo show %s:src/numbers.c | cmp - want", p->id);
	sh(p, script);
	/* The nearest of equal places counts. */
	sh(p, "cd \"$R\"; for i in 1 2 3 4 5; do printf 'a\\nb\\nc\\n'; done >same; git add same; git commit -qm same");
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	assert_int_equal(lay(p, "--- a/same\n+++ b/same\n@@ -8,3 +8,3 @@\n a\n-b\n+B\n c\n"), 0);
	assert_text(p, "same", "100644", "a\\nb\\nc\\na\\nb\\nc\\na\\nB\\nc\\na\\nb\\nc\\na\\nb\\nc\\n");
	/* Hunks go downwards, and one that was off by some lines tells where the next one is. */
	assert_int_equal(lay(p, "--- a/same\n+++ b/same\n@@ -12,3 +12,3 @@\n c\n-a\n+A\n b\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n a\n"), 1);
	assert_non_null(strstr(p->conflict.hunk, "@@ -2,3"));
	sh(p, "cd \"$R\"; { seq 1 6; echo h; echo i; cat same; } >more; git add more; git commit -qm more");
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	assert_int_equal(lay(p, "--- a/more\n+++ b/more\n@@ -2,2 +2,2 @@\n-i\n+I\n a\n@@ -9,3 +9,3 @@\n a\n-b\n+B\n c\n"), 0);
	assert_text(p, "more", "100644", "1\\n2\\n3\\n4\\n5\\n6\\nh\\nI\\na\\nb\\nc\\na\\nb\\nc\\na\\nB\\nc\\na\\nb\\nc\\na\\nb\\nc\\n");
	/* One that says that it is the end, or the beginning, is taken at its word. */
	assert_int_equal(lay(p, "--- a/same\n+++ b/same\n@@ -2,2 +2,3 @@\n b\n c\n+end\n"), 0);
	assert_text(p, "same", "100644", "a\\nb\\nc\\na\\nb\\nc\\na\\nb\\nc\\na\\nb\\nc\\na\\nb\\nc\\nend\\n");
	assert_int_equal(lay(p, "--- a/same\n+++ b/same\n@@ -1,2 +1,3 @@\n+top\n b\n c\n"), 1);
	assert_non_null(strstr(p->conflict.why, "line 1 is \"a\", the patch expects \"b\""));
}

struct bad {
	const char *diff, *path, *hunk, *why;	/* hunk: how it begins */
};

static void test_patches_that_do_not_apply(void **state)
{
	struct place *p = *state;
	static const struct bad cases[] = {
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,3 +1,3 @@ main\n one\n-deux\n+2\n three\n", "src/words.c",
		 "@@ -1,3 +1,3 @@ main\n one\n-deux\n+2\n three\n", "hunk 1 of 1 does not apply: line 2 is \"two\", the patch expects \"deux\""},
		{"--- a/src/numbers.c\n+++ b/src/numbers.c\n@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n@@ -59,3 +59,3 @@\n 59\n-60\n+y\n 61\n", "src/numbers.c",
		 "@@ -59,3", "hunk 2 of 2 does not apply: the file ends at line 60, the patch expects \"61\" at line 61"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -900,2 +900,2 @@\n zip\n-two\n+2\n", "src/words.c", "@@ -900", "ends at line 3"},
		{"--- a/src/gone.c\n+++ b/src/gone.c\n@@ -1 +1 @@\n-one\n+two\n", "src/gone.c", "", "does not exist"},
		{"--- a/src\n+++ b/src\n@@ -1 +1 @@\n-one\n+two\n", "src", "", "does not exist"},
		{"--- a/src/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", "src/gone.c", "", "does not exist"},
		{"--- a/src\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", "src", "", "folder"},
		{"--- a/src/words.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n", "src/words.c", "", "does not show all of it"},
		{"--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1 @@\n+x\n", "run.sh", "", "already exists"},
		{"--- /dev/null\n+++ b/src\n@@ -0,0 +1 @@\n+x\n", "src", "", "folder where"},
		{"--- /dev/null\n+++ b/run.sh/x\n@@ -0,0 +1 @@\n+x\n", "run.sh/x", "", "folder where"},
		{"diff --git a/run.sh b/link\nsimilarity index 100%\nrename from run.sh\nrename to link\n", "link", "", "already exists"},
		{"diff --git a/none b/new\nsimilarity index 100%\nrename from none\nrename to new\n", "none", "", "does not exist"},
		{"diff --git a/none b/new\nsimilarity index 100%\ncopy from none\ncopy to new\n", "none", "", "does not exist"},
		{"--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n", "a/../x", "", "leaves the project"},
		{"--- /dev/null\n+++ ../x\n@@ -0,0 +1 @@\n+x\n", "../x", "", "leaves the project"},
		{"--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+x\n", "/etc/x", "", "leaves the project"},
		{"diff --git a//etc/x b//etc/x\nnew file mode 100644\n--- /dev/null\n+++ b//etc/x\n@@ -0,0 +1 @@\n+x\n", "a//etc/x b//etc/x", "", "leaves"},
		{"diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/src/../../x\n@@ -0,0 +1 @@\n+x\n", "b/src/../../x", "", "leaves"},
		{"diff --git a/run.sh b/x\nsimilarity index 100%\nrename from run.sh\nrename to ../x\n", "../x", "", "leaves"},
		{"diff --git \"a/\\056./x\" \"b/\\056./x\"\nnew file mode 100644\n--- /dev/null\n+++ \"b/\\056./x\"\n@@ -0,0 +1 @@\n+x\n", "../x", "", "may name"},
		{"--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x\n", ".git/hooks/pre-commit", "", "may name"},
		{"--- /dev/null\n+++ b/sub/.GIT/config\n@@ -0,0 +1 @@\n+x\n", "sub/.GIT/config", "", "may name"},
		{"diff --git a/sub b/sub\nnew file mode 160000\n--- /dev/null\n+++ b/sub\n@@ -0,0 +1 @@\n+Subproject commit nonsense\n", "sub", "", "submodule"},
		{"diff --git a/d b/d\nnew file mode 040000\n--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+x\n", "d", "", "cannot stand"},
		{"diff --git a/x.bin b/x.bin\nindex 1..2 100644\nBinary files a/blob.bin and b/blob.bin differ\n", NULL, "", ""},
		{"diff --git a/blob.bin b/blob.bin\nindex 1234567..2345678 100644\nBinary files a/blob.bin and b/blob.bin differ\n", "blob.bin", "",
		 "binary"},
		{"", NULL, "", "changes nothing"}, {"\n \n", NULL, "", "changes nothing"},
		{"diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n", NULL, "", "changes nothing"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,3 +1,3 @@\n one\n-two\n+two\n three\n", NULL, "", "changes nothing"},
		{"complete garbage\nno diff at all\n", NULL, "", "no diff in it"},
		{"diff --git a/x b/x\n", NULL, "", "cannot be read"}, {"@@ -1 +1 @@\n-a\n+b\n", NULL, "", "cannot be read"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\n", NULL, "@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\n", "middle of a hunk"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\ndiff --git a/x b/x\n", NULL, "@@ -1,4", "counts more lines"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,2 +1,4 @@\n one\n-two\n-three\n+2\n+3\n", NULL, "@@ -1,2", "other lines than its header counts"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n three\n", NULL, "@@ -1,2", "counts fewer lines"},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,x +1,2 @@\n one\n-two\n+2\n three\n", NULL, "@@ -1,x", ""},
		{"--- a/src/words.c\n+++ b/src/words.c\n@@ -1,3 +1,3 @@\n one\n?two\n+2\n three\n", NULL, "@@ -1,3", "begins with none"},
		{"--- a/src/words.c\r\n+++ b/src/words.c\r\n@@ -1,3 +1,3 @@\r\n one\r\n-two\r\n+2\r\n three\r\n", "src/words.c", "@@ -1,3", "CRLF line ends"},
		{"--- a/dos.txt\n+++ b/dos.txt\n@@ -1,3 +1,3 @@\n x\n-y\n+2\n z\n", "dos.txt", "@@ -1,3", "the file has CRLF"},
		{"--- a/src/bare.txt\n+++ b/src/bare.txt\n@@ -1 +1,2 @@\n no newline\n+more\n", "src/bare.txt", "@@ -1", "has no newline"},
		{"--- a/src/numbers.c\n+++ b/src/numbers.c\n@@ -10,2 +10,3 @@\n 10\n 11\n+x\n", "src/numbers.c", "@@ -10", "no context after"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct bad *c = &cases[i];
		int rc = lay(p, c->diff);
		if (rc != 1)
			fail_msg("%d instead of a conflict: %s\n%s", rc, c->diff, rc < 0 ? p->err.text : p->id);
		int same_path = c->path && p->conflict.path ? !strcmp(c->path, p->conflict.path) : *c->why == '\0' || c->path == p->conflict.path;
		if (!same_path || strncmp(p->conflict.hunk, c->hunk, strlen(c->hunk)) || (!*c->hunk && *p->conflict.hunk && *c->why) ||
		    !strstr(p->conflict.why, c->why))
			fail_msg("%s\npath %s\nhunk %s\nwhy %s", c->diff, p->conflict.path, p->conflict.hunk, p->conflict.why);
	}
	sh(p, "test -z \"$(git -C repo status --porcelain)\"");
}

static void test_crlf_patch_on_crlf_file(void **state)
{
	struct place *p = *state;
	assert_int_equal(lay(p, "diff --git a/dos.txt b/dos.txt\r\nindex 1234567..2345678 100644\r\n--- a/dos.txt\r\n+++ b/dos.txt\r\n"
	                        "@@ -1,3 +1,3 @@\r\n x\r\n-y\r\n+2\r\n z\r\n"), 0);
	assert_text(p, "dos.txt", "100644", "x\\r\\n2\\r\\nz\\r\\n");
}

static void test_patch_with_nul(void **state)
{
	struct place *p = *state;
	static const char diff[] = "--- a/src/words.c\n+++ b/src/words.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\0 and more\n three\n";
	assert_int_equal(git_commit_patch(p->git, p->head, diff, sizeof diff - 1, NULL, "m", p->id, &p->conflict, &p->err), 1);
	assert_non_null(strstr(p->conflict.why, "NUL"));
}

static void test_damaged_binary_patch(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; printf 'a\\0b\\0d' >blob.bin; git diff --binary >../patch; git checkout -q blob.bin; printf 'other\\0' >blob.bin; git commit -qam o");
	char *diff = slurp(p, "patch", NULL);
	assert_int_equal(lay(p, diff), 0);
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	assert_int_equal(lay(p, diff), 1);
	assert_string_equal(p->conflict.path, "blob.bin");
	assert_non_null(strstr(p->conflict.why, "binary"));
	char *literal = strstr(diff, "literal");
	literal[12]++;
	assert_int_equal(lay(p, diff), 1);
	free(diff);
}

static void test_large_patches(void **state)
{
	struct place *p = *state;
	assert_applies(p, "", "yes 'a line of five megabytes' | head -c 5000000 >large.txt");
	sh(p, "cd \"$R\"; seq 1 200000 >long.txt; git add long.txt; git commit -qm long");
	assert_ok(git_head(p->git, p->head, &p->err), &p->err);
	assert_applies(p, "", "seq 1 200000 | sed 's/^\\([0-9]*\\)5$/\\1five/' >long.txt");
	/* A hunk of any size is cut in the conflict. */
	struct buf diff = {0};
	buf_puts(&diff, "--- a/long.txt\n+++ b/long.txt\n@@ -1,1 +1,100001 @@\n-x\n");
	for (int i = 0; i < 100001; i++)
		buf_puts(&diff, "+another line\n");
	assert_int_equal(lay(p, buf_str(&diff)), 1);
	assert_true(strlen(p->conflict.hunk) < 20000);
	assert_non_null(strstr(p->conflict.hunk, "cut here"));
	buf_release(&diff);
}

/* Any damage must end in an answer, and never in anything but a commit or a conflict. */
static void test_mangled_patches(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; sed -i 's/^2$/two/; s/^40$/forty/' src/numbers.c; git mv run.sh r.sh; printf 'a\\0z' >blob.bin; rm link; ln -s x link\n"
	      "echo new >new.c; chmod +x dos.txt; git add -A; git diff --cached -M --binary >../patch; git reset -q --hard");
	size_t size;
	char *diff = slurp(p, "patch", &size), *copy = malloc(size + 1);
	uint32_t seed = 12345;
	for (int round = 0; round < 600; round++) {
		memcpy(copy, diff, size + 1);
		size_t length = size;
		for (int k = 0; k < 1 + round % 5; k++) {
			seed = seed * 1664525 + 1013904223;
			size_t where = (seed >> 8) % length;
			switch (seed >> 29) {
			case 0: length = where + 1; break;
			case 1: memmove(copy + where, copy + where + 1, length - where - 1); length -= length > 1; break;
			case 2: copy[where] = '\n'; break;
			case 3: copy[where] = '0' + (char)(seed >> 4 & 7); break;
			case 4: copy[where] = '\0'; break;
			default: copy[where] = (char)(seed >> 16); break;
			}
		}
		git_conflict_release(&p->conflict);
		int rc = git_commit_patch(p->git, p->head, copy, length, NULL, "m", p->id, &p->conflict, &p->err);
		assert_in_range(rc, 0, 1);
		assert_true(rc == 0 || (p->conflict.why && p->conflict.hunk));
	}
	free(copy);
	free(diff);
	sh(p, "test -z \"$(git -C repo status --porcelain)\"; git -C repo fsck 2>&1 | grep -v dangling | grep . && exit 1 || true");
}

/* Rebasing and looking. */

static void test_rebase(void **state)
{
	struct place *p = *state;
	char change[GIT_ID], other[GIT_ID];
	assert_int_equal(lay(p, "--- a/src/numbers.c\n+++ b/src/numbers.c\n@@ -10,3 +10,3 @@\n 10\n-11\n+eleven\n 12\n"), 0);
	memcpy(change, p->id, sizeof change);
	sh(p, "cd \"$R\"; sed -i '1i zero' src/numbers.c; sed -i s/two/2/ src/words.c; git commit -qam moved");
	assert_ok(git_head(p->git, other, &p->err), &p->err);
	assert_int_equal(git_rebase_commit(p->git, change, other, NULL, p->id, &p->conflict, &p->err), 0);
	char script[600];
	snprintf(script, sizeof script, "cd \"$R\"; test \"$(git rev-parse %s^)\" = %s; git diff main %s | grep -q '^+eleven'\n"
	         "test \"$(git show %s:src/words.c | sed -n 2p)\" = 2; test \"$(git log -1 --format='%%an %%cn %%B' %s)\" = 'Grace skydeck a message'",
	         p->id, other, p->id, p->id, p->id);
	sh(p, script);
	assert_int_equal(git_rebase_commit(p->git, change, other, "new words", p->id, &p->conflict, &p->err), 0);
	struct buf message = {0}, author = {0};
	assert_ok(git_message(p->git, p->id, &message, &author, &p->err), &p->err);
	assert_string_equal(buf_str(&message), "new words");
	buf_release(&message);
	buf_release(&author);

	assert_int_equal(git_rebase_commit(p->git, change, p->id, NULL, p->id, &p->conflict, &p->err), 1);
	assert_non_null(strstr(p->conflict.why, "changes nothing"));

	sh(p, "cd \"$R\"; sed -i 's/^11$/onze/' src/numbers.c; git commit -qam clash");
	assert_ok(git_head(p->git, other, &p->err), &p->err);
	git_conflict_release(&p->conflict);
	assert_int_equal(git_rebase_commit(p->git, change, other, NULL, p->id, &p->conflict, &p->err), 1);
	assert_string_equal(p->conflict.path, "src/numbers.c");
	assert_string_equal(p->conflict.hunk, "<<<<<<< baseline\nonze\n=======\neleven\n>>>>>>> patch\n");
	assert_non_null(strstr(p->conflict.why, "both"));

	sh(p, "cd \"$R\"; git rm -q src/numbers.c; git commit -qm gone");
	assert_ok(git_head(p->git, other, &p->err), &p->err);
	git_conflict_release(&p->conflict);
	assert_int_equal(git_rebase_commit(p->git, change, other, NULL, p->id, &p->conflict, &p->err), 1);
	assert_string_equal(p->conflict.path, "src/numbers.c");
	assert_non_null(strstr(p->conflict.why, "the baseline removed the file and the patch changed it"));
	git_conflict_release(&p->conflict);
	assert_int_equal(git_rebase_commit(p->git, change, NOBODY, NULL, p->id, &p->conflict, &p->err), -1);
	sh(p, "test -z \"$(git -C repo status --porcelain)\"");
}

static const struct git_file *file_of(const struct git_change *change, const char *path)
{
	for (size_t i = 0; i < change->count; i++)
		if (!strcmp(change->files[i].path, path))
			return &change->files[i];
	fail_msg("no file %s in the change", path);
	return NULL;
}

static void test_change(void **state)
{
	struct place *p = *state;
	sh(p, "cd \"$R\"; sed -i 's/^2$/two\\nzwei/' src/numbers.c; git mv 'with space.c' moved.c; chmod -x run.sh; rm bench/b.c; printf 'a\\0' >blob.bin\n"
	      "rm src/words.c; ln -s ../../out src/words.c; echo n >new.c; git init -q sub; git -C sub commit -q --allow-empty -m s\n"
	      "git add -A 2>/dev/null; git commit -qm second");
	assert_ok(git_head(p->git, p->id, &p->err), &p->err);
	struct git_change change = {0};
	assert_ok(git_change_of(p->git, p->head, p->id, &change, &p->err), &p->err);
	assert_int_equal(change.count, 8);
	const struct git_file *f = file_of(&change, "src/numbers.c");
	assert_true(f->added == 2 && f->removed == 1 && f->old_mode == 0100644 && f->new_mode == 0100644 && !f->binary && !f->link);
	assert_string_equal(f->old_path, f->path);
	f = file_of(&change, "moved.c");
	assert_string_equal(f->old_path, "with space.c");
	assert_true(f->added == 0 && f->removed == 0);
	f = file_of(&change, "run.sh");
	assert_true(f->old_mode == 0100755 && f->new_mode == 0100644);
	f = file_of(&change, "bench/b.c");
	assert_true(f->old_mode == 0100644 && f->new_mode == 0 && f->removed == 1);
	assert_true(file_of(&change, "blob.bin")->binary);
	f = file_of(&change, "src/words.c");
	assert_true(f->old_mode == 0100644 && f->new_mode == 0120000);
	assert_string_equal(f->link, "../../out");
	f = file_of(&change, "new.c");
	assert_true(f->old_mode == 0 && f->new_mode == 0100644 && f->added == 1);
	assert_int_equal(file_of(&change, "sub")->new_mode, 0160000);
	assert_int_equal(change.added, 2 + 1 + 1 + 1);
	assert_int_equal(change.removed, 1 + 1 + 3);
	git_change_release(&change);
	assert_int_equal(git_change_of(p->git, NOBODY, p->id, &change, &p->err), -1);
	git_change_release(&change);
}

static void test_diff(void **state)
{
	struct place *p = *state;
	struct buf diff = {0};
	assert_int_equal(lay(p, "--- src/words.c\n+++ src/words.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n--- src/bare.txt\n+++ src/bare.txt\n"
	                        "@@ -1 +1 @@\n-no newline\n\\ No newline at end of file\n+a newline\n"), 0);
	assert_ok(git_diff(p->git, p->head, p->id, 1 << 20, &diff, &p->err), &p->err);
	char script[200];
	snprintf(script, sizeof script, "git -C \"$R\" diff %s %s >want", p->head, p->id);
	sh(p, script);
	assert_file(p, "want", buf_str(&diff));
	size_t whole = diff.len;
	buf_truncate(&diff, 0);
	assert_ok(git_diff(p->git, p->head, p->id, whole, &diff, &p->err), &p->err);
	assert_int_equal(diff.len, whole);
	for (size_t limit = 0; limit < whole; limit += 7) {
		buf_truncate(&diff, 0);
		assert_ok(git_diff(p->git, p->head, p->id, limit, &diff, &p->err), &p->err);
		char *mark = strstr(buf_str(&diff), "\\ cut here");
		assert_non_null(mark);
		assert_true((size_t)(mark - diff.data) <= limit && (mark == diff.data || mark[-1] == '\n'));
	}
	buf_release(&diff);
}

static void test_parent_and_same_tree(void **state)
{
	struct place *p = *state;
	char parent[GIT_ID], second[GIT_ID];
	assert_error(git_parent(p->git, p->head, parent, &p->err), &p->err, "no parent");
	sh(p, "git -C \"$R\" commit -q --allow-empty -m second; git -C \"$R\" rm -q run.sh; git -C \"$R\" commit -qm third");
	assert_ok(git_resolve(p->git, "HEAD~", second, &p->err), &p->err);
	assert_ok(git_parent(p->git, second, parent, &p->err), &p->err);
	assert_string_equal(parent, p->head);
	assert_ok(git_head(p->git, p->id, &p->err), &p->err);
	assert_int_equal(git_same_tree(p->git, p->head, second), 1);
	assert_int_equal(git_same_tree(p->git, p->head, p->id), 0);
	assert_int_equal(git_same_tree(p->git, p->head, NOBODY), 0);
}

/* Without a repository. */

static void test_matches(void **state)
{
	static const struct { const char *specs, *path; int matches; } cases[] = {	/* specs apart by | */
		{"src", "src/a.c", 1}, {"src/", "src/b/a.c", 1}, {"sr", "src/a.c", 0}, {"src/a.c", "src/a.c", 1}, {"a.c", "src/a.c", 0},
		{"*.c", "src/b/a.c", 1}, {"src/*.c", "src/b/a.c", 1}, {"SRC", "src/a.c", 0}, {"./src", "src/a.c", 1}, {"bench|src", "src/a.c", 1},
		{"bench|doc", "src/a.c", 0}, {"src|:!src/a.c", "src/a.c", 0}, {"src|:!src/a.c", "src/b.c", 1}, {":!src", "src/a.c", 0},
		{":!src", "doc/a", 1}, {":(exclude)src", "src/a.c", 0}, {":^src|.", "src/a.c", 0}, {":/src", "src/a.c", 1}, {":(top)src", "src/a", 1},
		{".", "a", 1}, {"[ab].c", "b.c", 1}, {"!src", "src/a.c", 0}, {".|!src", "src/a.c", 0}, {"!src", "doc", 1}, {"", "x", 1}, {"autoresearch.*", "autoresearch.sh", 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strings specs = {0};
		char copy[100], *at_copy = copy, *spec;
		snprintf(copy, sizeof copy, "%s", cases[i].specs);
		while ((spec = strsep(&at_copy, "|")))
			strings_add(&specs, spec);
		if (git_matches(&specs, cases[i].path) != cases[i].matches)
			fail_msg("%s on %s is not %d", cases[i].specs, cases[i].path, cases[i].matches);
		strings_release(&specs);
	}
	assert_int_equal(git_matches(&(struct strings){0}, "x"), 0);
}

static void assert_entry(const struct git_config *c, size_t i, const char *name, const char *value, const char *file)
{
	assert_true(i < c->count);
	assert_string_equal(c->entries[i].name, name);
	assert_string_equal(c->entries[i].value, value);
	assert_non_null(strstr(c->entries[i].file, file));
}

static void test_config(void **state)
{
	struct place *p = *state;
	struct git_config config = {0};
	assert_ok(git_config_read(at(p, "missing"), &config, &p->err), &p->err);
	assert_int_equal(config.count, 0);
	sh(p, "printf '[Target]\\n\\tMeasure = ./run \"a b\" # c\\n[agent \"My One\"]\\n\\tKind = api\\n\\tflag\\n[include]\\n\\tpath = sub/inc\\n"
	      "[include]\\npath=none\\n[target]\\n\\tscope = a\\n\\tscope = b\\n' >config; mkdir sub; printf '[ui]\\ntheme=x\\n[include]\\npath=two\\n[ui]\\nascii' >sub/inc\n"
	      "printf '[z]\\ny=1\\n' >sub/two");
	assert_ok(git_config_read(at(p, "config"), &config, &p->err), &p->err);
	assert_int_equal(config.count, 8);
	assert_entry(&config, 0, "target.measure", "./run a b", "/config");
	assert_entry(&config, 1, "agent.My One.kind", "api", "/config");
	assert_entry(&config, 2, "agent.My One.flag", "true", "/config");
	assert_entry(&config, 3, "ui.theme", "x", "/sub/inc");
	assert_entry(&config, 4, "z.y", "1", "/sub/two");
	assert_entry(&config, 5, "ui.ascii", "true", "/sub/inc");
	assert_entry(&config, 6, "target.scope", "a", "/config");
	assert_entry(&config, 7, "target.scope", "b", "/config");
	git_config_release(&config);
	sh(p, "printf '[target]\\nmeasure = x\\n[bro ken\\n' >config");
	assert_error(git_config_read(at(p, "config"), &config, &p->err), &p->err, "config:3");
	git_config_release(&config);
	sh(p, "printf '[include]\\npath = config\\n' >config");
	assert_error(git_config_read(at(p, "config"), &config, &p->err), &p->err, "include depth");
	git_config_release(&config);
	assert_error(git_config_read(at(p, "sub"), &config, &p->err), &p->err, "directory");
	git_config_release(&config);
}

static void test_create(void **state)
{
	struct place *p = *state;
	sh(p, "mkdir -p new/sub; echo '*.o' >new/.gitignore; : >new/x.o; echo a >new/sub/a; printf '#!/bin/sh\\n' >new/run.sh; chmod +x new/run.sh; ln -s run.sh new/l");
	assert_ok(git_create(at(p, "new"), "The demo target", &p->err), &p->err);
	sh(p, "cd new; test -z \"$(git status --porcelain)\"; test \"$(git symbolic-ref HEAD)\" = refs/heads/main\n"
	      "test \"$(git ls-tree -r HEAD | cut -c1-6 | tr '\\n' ' ')\" = '100644 120000 100755 100644 '; test \"$(git log -1 --format=%s)\" = 'The demo target'\n"
	      "git log -1 --format=%ae | grep -q .; git fsck --strict");
	assert_error(git_create(at(p, "new"), "again", &p->err), &p->err, "already");
	assert_error(git_create("/proc/none", "m", &p->err), &p->err, "cannot make");
}

static void test_hash(void **state)
{
	char id[GIT_ID];
	(void)state;
	git_hash("hello\n", 6, id);
	assert_string_equal(id, "ce013625030ba8dba906f756967f9e9ca394464a");
	git_hash("", 0, id);
	assert_string_equal(id, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

int git_libgit2_init(void);	/* the library's own count, seen past core/io/git */

static void test_library_is_let_go(void **state)
{
	(void)state;
	assert_int_equal(git_libgit2_init(), 1);
}

static void test_open_bare(void **state)
{
	struct place *p = *state;
	sh(p, "git clone -q --bare --depth 1 file://$R bare.git; git -C repo worktree add -q ../other; mkdir repo/src/below");
	static const char *const same[] = { "repo", "repo/.git", "bare.git", "other" };
	char id[GIT_ID];
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct git *g = git_open_bare(at(p, same[i]), &p->err);
		if (!g)
			fail_msg("%s: %s", same[i], p->err.text);
		assert_ok(git_head(g, id, &p->err), &p->err);
		assert_string_equal(id, p->head);
		char objects[2000];
		snprintf(objects, sizeof objects, "%s/objects", git_folder(g));
		assert_int_equal(access(objects, F_OK), 0);
		git_close(g);
	}
	assert_null(git_open_bare(at(p, "repo/src/below"), &p->err));	/* nothing above is looked for */
	assert_null(git_open_bare(at(p, "nowhere"), &p->err));
	assert_non_null(strstr(p->err.text, "No such file"));
}

static void test_file_of_a_commit(void **state)
{
	struct place *p = *state;
	struct buf out = {0};
	assert_int_equal(git_file(p->git, p->head, "src/words.c", 100, &out, &p->err), 0);
	assert_string_equal(buf_str(&out), "one\ntwo\nthree\n");
	buf_truncate(&out, 0);
	assert_int_equal(git_file(p->git, p->head, "./src/words.c", 5, &out, &p->err), GIT_FILE_CUT);
	assert_string_equal(buf_str(&out), "one\nt");
	buf_truncate(&out, 0);
	assert_int_equal(git_file(p->git, p->head, "link", 100, &out, &p->err), GIT_FILE_LINK);
	assert_string_equal(buf_str(&out), "src/words.c");
	buf_truncate(&out, 0);
	assert_int_equal(git_file(p->git, p->head, "empty", 100, &out, &p->err), 0);
	assert_error(git_file(p->git, p->head, "blob.bin", 100, &out, &p->err), &p->err, "blob.bin is binary, 5 bytes");
	assert_error(git_file(p->git, p->head, "src", 100, &out, &p->err), &p->err, "is a folder");
	assert_error(git_file(p->git, p->head, "", 100, &out, &p->err), &p->err, "a path is needed");
	assert_error(git_file(p->git, p->head, "link/x", 100, &out, &p->err), &p->err, "there is no link/x");
	assert_error(git_file(p->git, p->head, "../repo/empty", 100, &out, &p->err), &p->err, "there is no ../repo/empty");
	assert_error(git_file(p->git, p->head, "/etc/passwd", 100, &out, &p->err), &p->err, "there is no /etc/passwd");
	assert_error(git_file(p->git, NOBODY, "src", 100, &out, &p->err), &p->err, "no commit");
	assert_int_equal(out.len, 0);
	buf_release(&out);
}

static void test_folder_of_a_commit(void **state)
{
	struct place *p = *state;
	struct git_listing list = {0};
	assert_ok(git_list(p->git, p->head, "", 100, &list, &p->err), &p->err);
	assert_int_equal(list.count, 8);
	assert_string_equal(list.entries[0].name, "bench");
	assert_int_equal(list.entries[0].mode, 040000);
	assert_string_equal(list.entries[1].name, "blob.bin");
	assert_int_equal(list.entries[1].size, 5);
	assert_string_equal(list.entries[4].name, "link");
	assert_int_equal(list.entries[4].mode, 0120000);
	git_listing_release(&list);
	assert_ok(git_list(p->git, p->head, "src/", 2, &list, &p->err), &p->err);
	assert_int_equal(list.count, 2);
	assert_true(list.is_cut);
	git_listing_release(&list);
	assert_error(git_list(p->git, p->head, "empty", 2, &list, &p->err), &p->err, "is no folder");
	assert_error(git_list(p->git, p->head, "none", 2, &list, &p->err), &p->err, "there is no none");
}

#define GIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIT_TEST(test_open), GIT_TEST(test_open_of_another_user), GIT_TEST(test_resolve), GIT_TEST(test_dirty),
		GIT_TEST(test_exclude_adds_once), GIT_TEST(test_refs), GIT_TEST(test_checked_out), GIT_TEST(test_checkout_is_the_tree),
		GIT_TEST(test_checkout_runs_no_filter), GIT_TEST(test_checkout_follows_no_symlink),
		GIT_TEST(test_checkout_keeps_times_and_what_is_untracked), GIT_TEST(test_checkout_of_unsafe_names),
		GIT_TEST(test_patches_that_git_makes), GIT_TEST(test_patch_that_removes_a_removed_line_that_looks_like_a_header),
		GIT_TEST(test_commit_is_signed), GIT_TEST(test_plain_diffs), GIT_TEST(test_hunks_are_looked_for),
		GIT_TEST(test_patches_that_do_not_apply), GIT_TEST(test_crlf_patch_on_crlf_file), GIT_TEST(test_patch_with_nul), GIT_TEST(test_damaged_binary_patch),
		GIT_TEST(test_large_patches), GIT_TEST(test_mangled_patches), GIT_TEST(test_rebase), GIT_TEST(test_change), GIT_TEST(test_diff),
		GIT_TEST(test_parent_and_same_tree), cmocka_unit_test(test_matches), GIT_TEST(test_config), GIT_TEST(test_create),
		GIT_TEST(test_open_bare), GIT_TEST(test_file_of_a_commit), GIT_TEST(test_folder_of_a_commit),
		cmocka_unit_test(test_hash), cmocka_unit_test(test_library_is_let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
