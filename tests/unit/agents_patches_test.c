/* The folder of patches: what is in it, what is added and changed, and all that can be wrong with a file. */
#include "core/agents/agent.h"

#include "tests/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum { GIVE_UP = 60 * 1000000 };	/* microseconds, only so that a failure ends */

/* Turns the loop until cond holds. */
#define UNTIL(f, cond) \
	for (int64_t until = clock_monotonic() + GIVE_UP; !(cond); loop_turn((f)->loop, 100000)) \
		assert_true(clock_monotonic() < until)

struct fixture {
	struct loop *loop;
	char root[256], dir[300];
	struct config_agent config;
	struct agent *agent;
	struct buf heard;		/* what the listener was told, a line each */
	struct strings origins;		/* that it took */
	int proposals, most_in_a_turn, in_this_turn, is_forgetful, is_wrong;
	int finished;
};

static void listener_propose(void *data, const struct draft *draft)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "propose %s|%s|%zu sources|%.10s\n", draft->title, draft->origin, draft->sources->count,
	           draft->diff);
	f->is_wrong |= draft->revises || !draft->diff_size || draft->diff[draft->diff_size - 1] != '\n';
	strings_add(&f->origins, draft->origin);
	f->proposals++;
	if (++f->in_this_turn > f->most_in_a_turn)
		f->most_in_a_turn = f->in_this_turn;
}

static void listener_changed(void *data, const char *state, const char *text)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "%s %s\n", state, text ? text : "");
	f->finished += !strcmp(state, "finished");
}

static void listener_broken(void *data, const char *origin, const char *title, const char *why)
{
	struct fixture *f = data;
	buf_printf(&f->heard, "broken %s|%s|%s\n", origin, title, why);
	strings_add(&f->origins, origin);
}

static int listener_is_known(void *data, const char *origin)
{
	struct fixture *f = data;
	return !f->is_forgetful && strings_have(&f->origins, origin);
}

static const struct agent_listener listener = {
	.propose = listener_propose, .changed = listener_changed, .broken = listener_broken, .is_known = listener_is_known,
};

static void new_turn(void *data)
{
	((struct fixture *)data)->in_this_turn = 0;
}

static int setup(void **state)
{
	static int number;
	char name[64];
	struct fixture *f = xcalloc(1, sizeof *f);
	snprintf(name, sizeof name, "patches-%ld-%d", (long)getpid(), ++number);
	test_path(f->root, sizeof f->root, name);
	snprintf(f->dir, sizeof f->dir, "%s/patches", f->root);
	assert_int_equal(mkdir(f->root, 0755), 0);
	assert_int_equal(mkdir(f->dir, 0755), 0);
	f->loop = loop_new();
	loop_before_sleep(f->loop, new_turn, f);
	string_set(&f->config.name, "mine");
	string_set(&f->config.kind, "patches");
	string_set(&f->config.dir, "patches");
	*state = f;
	return 0;
}

static void close_agent(struct fixture *f)
{
	if (f->agent)
		agent_find("patches")->close(f->agent);
	f->agent = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[400];
	close_agent(f);
	assert_false(f->is_wrong);
	loop_free(f->loop);
	snprintf(command, sizeof command, "rm -rf '%s'", f->root);
	assert_int_equal(system(command), 0);
	string_set(&f->config.name, NULL);
	string_set(&f->config.kind, NULL);
	string_set(&f->config.dir, NULL);
	buf_release(&f->heard);
	strings_release(&f->origins);
	free(f);
	return 0;
}

static int open_agent(struct fixture *f, struct err *err)
{
	const struct agent_setup s = { .loop = f->loop, .config = &f->config, .root = f->root, .listener = &listener, .data = f };
	f->agent = agent_find("patches")->open(&s, err);
	return f->agent ? 0 : -1;
}

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	return path;
}

static void put(const struct fixture *f, const char *name, const char *bytes)
{
	size_t n = strlen(bytes);
	FILE *file = fopen(path_of(f, name), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void put_patch(const struct fixture *f, const char *name, const char *title)
{
	char bytes[2048];
	snprintf(bytes, sizeof bytes,
		"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
		"From: Anna Example <anna@example.org>\n"
		"Date: Sat, 21 Nov 2026 06:06:52 +0000\n"
		"Subject: [PATCH] %s\n"
		"\n"
		"It touches the row once.\n"
		"\n"
		"Expected: 3 %% faster\n"
		"Source: arXiv:1805.02867\n"
		"---\n"
		" a.c | 2 +-\n"
		" 1 file changed, 1 insertion(+), 1 deletion(-)\n"
		"\n"
		"diff --git a/a.c b/a.c\n"
		"index 1111111..2222222 100644\n"
		"--- a/a.c\n"
		"+++ b/a.c\n"
		"@@ -1 +1 @@\n"
		"-int a;\n"
		"+int b;\n"
		"-- \n"
		"2.39.5\n", title);
	put(f, name, bytes);
}

static int heard(const struct fixture *f, const char *part)
{
	return strstr(buf_str(&f->heard), part) != NULL;
}

/* Where `part` is in what was heard; it fails the test when it is not. */
static size_t heard_at(const struct fixture *f, const char *part)
{
	const char *at = strstr(buf_str(&f->heard), part);
	if (!at)
		fail_msg("heard:\n%sbut not: %s", buf_str(&f->heard), part);
	return (size_t)(at - f->heard.data);
}

static void set(void *data)
{
	*(int *)data = 1;
}

/* So long that whatever rests is read. */
static void wait_a_while(struct fixture *f)
{
	int is_over = 0;
	loop_after(f->loop, 500000, set, &is_over);
	while (!is_over)
		loop_turn(f->loop, -1);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void patches_come_in_the_order_of_their_names(void **state)
{
	struct fixture *f = *state;
	struct err err;
	put_patch(f, "0002-second.patch", "Second");
	put_patch(f, "0001-first.diff", "First");
	put_patch(f, "0003-third.eml", "Third");
	put_patch(f, "notes.txt", "Not this");
	put_patch(f, ".hidden.patch", "Nor this");
	put_patch(f, "0004.patch~", "Nor this backup");
	assert_ok(open_agent(f, &err), &err);
	assert_string_equal(buf_str(&f->heard), "");	/* not before the loop turns */
	UNTIL(f, f->finished);
	assert_int_equal(f->proposals, 3);
	assert_true(heard_at(f, "working reads 3 patches in patches") < heard_at(f, "propose First|0001-first.diff "));
	assert_true(heard_at(f, "propose First|") < heard_at(f, "propose Second|"));
	assert_true(heard_at(f, "propose Second|") < heard_at(f, "propose Third|"));
	assert_true(heard_at(f, "propose Third|") < heard_at(f, "finished "));
	assert_true(heard(f, "|1 sources|diff --git\n"));
	const char *origin = f->origins.at[0];
	assert_int_equal(strlen(origin), strlen("0001-first.diff 0123456789ab"));
	assert_int_equal(strspn(strrchr(origin, ' ') + 1, "0123456789abcdef"), 12);
}

static void what_was_taken_before_is_not_proposed_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	put_patch(f, "a.patch", "A");
	put_patch(f, "b.patch", "B");
	put(f, "c.patch", "Subject: Words\n\nno patch\n");
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished == 1);
	assert_true(heard(f, "|Words|there is no diff in it\n"));
	close_agent(f);
	buf_truncate(&f->heard, 0);
	put_patch(f, "b.patch", "B, better");
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished == 2);
	assert_int_equal(f->proposals, 3);
	assert_true(heard(f, "propose B, better|b.patch "));
	assert_false(heard(f, "broken"));
}

static void new_and_changed_files_are_proposed_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char elsewhere[400];
	put_patch(f, "a.patch", "A");
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished == 1);
	put_patch(f, "z.patch", "Z");	/* both in one go, and sorted */
	put_patch(f, "a.patch", "A, better");
	UNTIL(f, f->finished == 2);
	assert_int_equal(f->proposals, 3);
	assert_true(heard_at(f, "propose A, better|a.patch ") < heard_at(f, "propose Z|z.patch "));
	put_patch(f, "../m.tmp", "Moved");
	snprintf(elsewhere, sizeof elsewhere, "%s/m.tmp", f->root);
	assert_int_equal(rename(elsewhere, path_of(f, "m.patch")), 0);
	UNTIL(f, f->finished == 3);
	assert_true(heard(f, "propose Moved|m.patch "));
	put_patch(f, "../l.tmp", "Linked");
	snprintf(elsewhere, sizeof elsewhere, "%s/l.tmp", f->root);
	assert_int_equal(symlink(elsewhere, path_of(f, "l.patch")), 0);
	UNTIL(f, f->finished == 4);
	assert_true(heard(f, "propose Linked|l.patch "));
	assert_int_equal(f->proposals, 5);
}

static void a_file_is_read_when_it_is_complete_and_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	f->is_forgetful = 1;	/* every reading is a proposal */
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished == 1);
	FILE *half = fopen(path_of(f, "half.patch"), "w");
	assert_non_null(half);
	fputs("Subject: half\n", half);
	fflush(half);
	int64_t begin = clock_monotonic();
	for (int i = 0; i < 3; i++) {
		put_patch(f, "thrice.patch", "Thrice");
		loop_turn(f->loop, 0);
		loop_turn(f->loop, 0);
	}
	if (clock_monotonic() - begin >= 200000) {	/* a machine so slow that it did rest */
		fclose(half);
		skip();
	}
	assert_int_equal(f->proposals, 0);
	put_patch(f, "gone.patch", "Gone");
	assert_int_equal(unlink(path_of(f, "gone.patch")), 0);
	UNTIL(f, f->finished == 2);
	assert_int_equal(f->proposals, 1);
	assert_false(heard(f, "half"));
	assert_false(heard(f, "gone"));
	fclose(half);
	UNTIL(f, f->finished == 3);
	assert_true(heard(f, "|half|there is no diff in it\n"));
	wait_a_while(f);
	assert_int_equal(f->finished, 3);
}

static void what_cannot_be_read_is_said_and_not_dropped(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int fd = open(path_of(f, "big.patch"), O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0 && !ftruncate(fd, (8 << 20) + 1));
	close(fd);
	assert_int_equal(mkdir(path_of(f, "folder.patch"), 0755), 0);
	assert_int_equal(mkfifo(path_of(f, "pipe.patch"), 0644), 0);
	assert_int_equal(symlink("/nowhere/at/all", path_of(f, "dangling.patch")), 0);
	put(f, "empty.patch", "");
	put(f, "evil\033[2J.patch", "no diff");
	put(f, "bare.diff", "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int a;\n+int b;\n");
	put_patch(f, "fine.patch", "Fine");
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished);
	heard_at(f, "broken big.patch too-large|big.patch|big.patch has 8388609 bytes; a patch may have 8388608\n");
	heard_at(f, "broken folder.patch unreadable|folder.patch|folder.patch cannot be read: it is not a file\n");
	heard_at(f, "broken pipe.patch unreadable|");
	heard_at(f, "broken dangling.patch unreadable|dangling.patch|dangling.patch cannot be read: No such file");
	heard_at(f, "broken empty.patch cbf29ce48422|empty.patch|the patch file is empty\n");	/* FNV's offset basis */
	heard_at(f, "broken evil<1B>[2J.patch ");
	heard_at(f, "propose bare.diff|bare.diff ");	/* no title but its name */
	heard_at(f, "|0 sources|--- a/a.c\n");
	heard_at(f, "propose Fine|");
}

static void a_large_folder_is_read_one_file_a_turn(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char name[32], title[32];
	for (int i = 0; i < 300; i++) {
		int n = i * 77 % 300;	/* a folder's own order is any */
		snprintf(name, sizeof name, "%04d.patch", n);
		snprintf(title, sizeof title, "Patch %d", n);
		put_patch(f, name, title);
	}
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished);
	assert_int_equal(f->proposals, 300);
	assert_int_equal(f->most_in_a_turn, 1);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(atoi(f->origins.at[i]), i);
}

static void what_changes_while_others_are_read_comes_after_them(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char name[32];
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "%d.patch", i);
		put_patch(f, name, name);
	}
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->proposals == 1);
	put_patch(f, "0.patch", "Changed");
	loop_turn(f->loop, 0);
	usleep(250000);	/* it rested, and the folder is still being read */
	assert_true(f->proposals < 5);
	UNTIL(f, f->finished == 2);
	assert_int_equal(f->proposals, 6);
	assert_true(heard_at(f, "propose 4.patch|") < heard_at(f, "propose Changed|0.patch "));
}

static void a_revision_is_waited_for_by_name(void **state)
{
	struct fixture *f = *state;
	const struct agent_ops *ops = agent_find("patches");
	struct err err;
	put_patch(f, "a.patch", "A");
	assert_ok(open_agent(f, &err), &err);
	ops->tell(f->agent, CAUSE_REVISION_ASKED, "p1", "name it");	/* while it reads: said afterwards */
	assert_false(heard(f, "idle"));
	UNTIL(f, heard(f, "idle waits for the patch of p1 to be changed in patches\n"));
	assert_int_equal(f->finished, 0);
	ops->tell(f->agent, CAUSE_REVISION_ASKED, "p2", NULL);
	heard_at(f, "idle waits for the patch of p2 to be changed in patches\n");
	ops->tell(f->agent, CAUSE_VETOED, "p3", "no");
	assert_false(heard(f, "p3"));
	put_patch(f, "a.patch", "A, renamed");
	UNTIL(f, f->finished == 1);
	heard_at(f, "propose A, renamed|a.patch ");
}

static void a_folder_that_goes_away_is_said(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished);
	put_patch(f, "a.patch", "A");	/* noticed, and gone before it is read */
	loop_turn(f->loop, 0);
	assert_int_equal(unlink(path_of(f, "a.patch")), 0);
	assert_int_equal(rmdir(f->dir), 0);
	UNTIL(f, heard(f, "failed the folder of patches patches is gone\n"));
	wait_a_while(f);
	assert_int_equal(f->finished, 1);
}

static void it_needs_a_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_null(agent_find("nonsense"));
	assert_null(agent_find(NULL));
	string_set(&f->config.dir, NULL);
	assert_error(open_agent(f, &err), &err, "the agent mine has no folder of patches: set agent.mine.dir");
	string_set(&f->config.dir, "missing");
	assert_error(open_agent(f, &err), &err, "cannot read the folder of patches missing: No such file or directory");
	put_patch(f, "a.patch", "A");
	string_set(&f->config.dir, "patches/a.patch");
	assert_error(open_agent(f, &err), &err, "patches/a.patch is not a folder");
	string_set(&f->config.dir, f->dir);	/* absolute */
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->finished);
	assert_int_equal(f->proposals, 1);
}

static void closing_in_the_middle_is_the_end(void **state)
{
	struct fixture *f = *state;
	struct err err;
	put_patch(f, "a.patch", "A");
	put_patch(f, "b.patch", "B");
	assert_ok(open_agent(f, &err), &err);
	UNTIL(f, f->proposals == 1);
	put_patch(f, "c.patch", "C");
	loop_turn(f->loop, 0);
	close_agent(f);
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, 0);
	assert_true(f->proposals <= 2);
	assert_int_equal(f->finished, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(patches_come_in_the_order_of_their_names),
		TEST(what_was_taken_before_is_not_proposed_again),
		TEST(new_and_changed_files_are_proposed_while_it_runs),
		TEST(a_file_is_read_when_it_is_complete_and_once),
		TEST(what_cannot_be_read_is_said_and_not_dropped),
		TEST(a_large_folder_is_read_one_file_a_turn),
		TEST(what_changes_while_others_are_read_comes_after_them),
		TEST(a_revision_is_waited_for_by_name),
		TEST(a_folder_that_goes_away_is_said),
		TEST(it_needs_a_folder),
		TEST(closing_in_the_middle_is_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
