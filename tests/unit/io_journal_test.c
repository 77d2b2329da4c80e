/* The journal: what is committed is there, what failed is gone whole, strangers are left alone, readers always read. */
#include "core/io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

static char folder[64], path[128];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/skydeck-journal-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/journal.db", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char *command = xasprintf("rm -rf '%s'", folder);
	int rc = system(command);
	free(command);
	return rc;
}

static struct journal *open_or_fail(struct journal *(*open_it)(const char *, struct err *))
{
	struct err err = {0};
	struct journal *j = open_it(path, &err);
	if (!j)
		fail_msg("%s", err.text);
	return j;
}

static void append(struct journal *j, uint64_t from, uint64_t to)
{
	struct err err = {0};
	for (uint64_t seq = from; seq <= to; seq++) {
		char body[64];
		snprintf(body, sizeof body, "{\"n\":%d}", (int)seq);
		if (journal_append(j, seq, (int64_t)seq * 10, "test", body, &err))
			fail_msg("%s", err.text);
	}
}

static void commit(struct journal *j)
{
	struct err err = {0};
	if (journal_commit(j, &err))
		fail_msg("%s", err.text);
}

struct fold {
	struct buf text;
	uint64_t count, stop_at;
};

static int add_line(void *data, uint64_t seq, const char *body, size_t len)
{
	struct fold *fold = data;
	assert_int_equal(strlen(body), len);
	buf_printf(&fold->text, "%d %s\n", (int)seq, body);
	fold->count++;
	return seq == fold->stop_at ? 42 : 0;
}

static uint64_t count_all(struct journal *j)
{
	struct fold fold = {0};
	struct err err = {0};
	if (journal_each(j, 0, add_line, &fold, &err))
		fail_msg("%s", err.text);
	buf_release(&fold.text);
	return fold.count;
}

static void sql(const char *statement)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void committed_events_come_back_in_order(void **state)
{
	(void)state;
	struct journal *j = open_or_fail(journal_open);
	assert_int_equal(journal_last(j), 0);
	append(j, 1, 4);
	commit(j);
	commit(j);	/* nothing to do */
	append(j, 5, 5);
	commit(j);
	append(j, 6, 9);	/* never committed */
	journal_close(j);
	j = open_or_fail(journal_open);
	struct fold fold = {0};
	struct err err = {0};
	assert_int_equal(journal_each(j, 3, add_line, &fold, &err), 0);
	assert_string_equal(buf_str(&fold.text), "4 {\"n\":4}\n5 {\"n\":5}\n");
	fold.stop_at = 2;
	fold.count = 0;
	assert_int_equal(journal_each(j, 0, add_line, &fold, &err), 42);
	assert_int_equal(fold.count, 2);
	assert_int_equal(journal_last(j), 5);
	buf_release(&fold.text);
	journal_close(j);
	journal_close(NULL);
}

static void small_facts(void **state)
{
	(void)state;
	struct err err = {0};
	struct journal *j = open_or_fail(journal_open);
	assert_null(journal_get(j, "session"));
	assert_int_equal(journal_put(j, "session", "first", &err), 0);
	append(j, 1, 1);
	assert_int_equal(journal_put(j, "session", "second", &err), 0);	/* joins the event, and goes with it */
	journal_close(j);
	j = open_or_fail(journal_open_reader);
	char *session = journal_get(j, "session"), *format = journal_get(j, "format");
	assert_string_equal(session, "first");
	assert_string_equal(format, "1");
	free(session);
	free(format);
	assert_int_equal(journal_put(j, "session", "third", &err), -1);
	assert_non_null(strstr(err.text, "cannot be written"));
	assert_int_equal(journal_append(j, 1, 1, "k", "{}", &err), -1);
	assert_non_null(strstr(err.text, "reading only"));
	journal_close(j);
}

static void two_journals_share_nothing(void **state)
{
	(void)state;
	char other[160];
	snprintf(other, sizeof other, "%s/100%%?#other.db", folder);
	struct err err = {0};
	struct journal *a = open_or_fail(journal_open), *b = journal_open(other, &err);
	assert_non_null(b);
	append(a, 1, 3);
	append(b, 1, 7);
	commit(b);
	journal_close(b);
	assert_int_equal(count_all(a), 3);
	b = journal_open_reader(other, &err);
	assert_int_equal(count_all(b), 7);
	assert_int_equal(access(other, F_OK), 0);	/* the name itself, nothing unescaped */
	journal_close(a);
	journal_close(b);
}

static void a_failed_append_takes_the_turn_with_it(void **state)
{
	(void)state;
	struct err err = {0};
	struct journal *j = open_or_fail(journal_open);
	append(j, 1, 2);
	commit(j);
	append(j, 3, 4);
	assert_int_equal(journal_append(j, 3, 0, "again", "{}", &err), -1);	/* that seq is taken */
	assert_int_equal(journal_append(j, 5, 0, "later", "{}", &err), -1);	/* or there would be a gap */
	assert_int_equal(journal_put(j, "a", "b", &err), -1);
	err = (struct err){0};
	assert_int_equal(journal_commit(j, &err), -1);
	assert_non_null(strstr(err.text, "cannot write to the journal"));
	assert_int_equal(count_all(j), 2);
	append(j, 3, 3);
	commit(j);
	assert_int_equal(journal_last(j), 3);
	append(j, 4, 4);
	assert_int_equal(journal_put(j, "a", NULL, &err), -1);	/* a put that joins the turn fails it as well */
	assert_int_equal(journal_commit(j, &err), -1);
	assert_int_equal(journal_last(j), 3);
	journal_close(j);
}

/* The whole folder as one string, to see that nothing changed. */
static char *all_bytes(void)
{
	struct buf out = {0};
	char *command = xasprintf("cd '%s' && ls && cat ./* 2>&1 | md5sum", folder);
	FILE *f = popen(command, "r");
	char line[512];
	while (fgets(line, sizeof line, f))
		buf_puts(&out, line);
	pclose(f);
	free(command);
	return buf_take(&out);
}

static void expect_refused(struct journal *(*open_it)(const char *, struct err *), const char *word, const char *other)
{
	struct err err = {0};
	char *before = all_bytes();
	struct journal *j = open_it(path, &err);
	assert_null(j);
	char *after = all_bytes();
	assert_string_equal(before, after);
	if (!strstr(err.text, word) || !strstr(err.text, other))
		fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.text, word, other);
	free(before);
	free(after);
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
	(void)state;
	journal_close(open_or_fail(journal_open));
	sql("UPDATE meta SET value = '7' WHERE key = 'format'; ALTER TABLE event ADD COLUMN more TEXT");
	expect_refused(journal_open, "format 7", "up to 1");
}

static void strangers_are_refused_and_left_alone(void **state)
{
	(void)state;
	sql("CREATE TABLE holiday(photo TEXT)");
	expect_refused(journal_open, "no journal", "journal.db");
	sql("DROP TABLE holiday; CREATE TABLE event(seq); CREATE TABLE meta(key TEXT, value TEXT)");
	expect_refused(journal_open, "no journal", "journal.db");
	FILE *f = fopen(path, "w");
	fputs("This is a letter that somebody keeps under a strange name, and it is long enough to be read as a header.\n"
	      "This is a letter that somebody keeps under a strange name, and it is long enough to be read as a header.\n", f);
	fclose(f);
	expect_refused(journal_open, "no SQLite database", "move it away");
	expect_refused(journal_open_reader, "no SQLite database", "move it away");
}

static void absent_and_empty_files(void **state)
{
	(void)state;
	expect_refused(journal_open_reader, "No such file", path);
	close(open(path, O_CREAT | O_WRONLY, 0644));
	expect_refused(journal_open_reader, "still empty", path);
	struct journal *j = open_or_fail(journal_open);		/* a crash may have left it so */
	append(j, 1, 1);
	commit(j);
	journal_close(j);
	snprintf(path, sizeof path, "%s/no/such/folder/j.db", folder);
	expect_refused(journal_open, "cannot open", "No such file");
}

static void readers_see_what_the_writer_committed_meanwhile(void **state)
{
	(void)state;
	struct journal *writer = open_or_fail(journal_open);
	append(writer, 1, 10);
	commit(writer);
	struct journal *reader = open_or_fail(journal_open_reader);
	assert_int_equal(count_all(reader), 10);
	append(writer, 11, 20);
	assert_int_equal(count_all(reader), 10);
	commit(writer);
	assert_int_equal(count_all(reader), 20);
	journal_close(reader);
	journal_close(writer);
}

/* An engine that was killed with events in its -wal. */
static void leave_a_dead_writer(void)
{
	pid_t pid = fork();
	if (!pid) {
		struct journal *j = journal_open(path, NULL);
		append(j, 1, 30);
		commit(j);
		append(j, 31, 40);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	char *wal = xasprintf("%s-wal", path);
	struct stat info = {0};
	stat(wal, &info);
	assert_true(info.st_size > 0);
	free(wal);
}

/* Runs check as a user who may read everything and write nothing; its exit code is what it returned. */
static int as_nobody(int (*check)(void))
{
	pid_t pid = fork();
	if (!pid) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(99);
		_exit(check());
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int count_as_reader(void)
{
	struct err err = {0};
	struct journal *j = journal_open_reader(path, &err);
	if (!j) {
		fprintf(stderr, "%s\n", err.text);
		return 97;
	}
	int n = (int)count_all(j);
	journal_close(j);
	return n;
}

static void freeze(mode_t mode)
{
	char *command = xasprintf("chmod a=r '%s'/*", folder);
	if (!(mode & S_IWUSR))
		assert_int_equal(system(command), 0);
	free(command);
	assert_int_equal(chmod(folder, mode), 0);
}

static void a_dead_engine_s_journal_is_read_and_taken_up(void **state)
{
	(void)state;
	leave_a_dead_writer();
	assert_int_equal(count_as_reader(), 30);
	assert_int_equal(count_as_reader(), 30);
	freeze(0555);
	assert_int_equal(as_nobody(count_as_reader), 30);
	freeze(0755);
	char *command = xasprintf("chmod u+w '%s'/*", folder);
	assert_int_equal(system(command), 0);
	free(command);
	struct journal *j = open_or_fail(journal_open);
	assert_int_equal(journal_last(j), 30);
	append(j, 31, 31);
	commit(j);
	journal_close(j);
}

static void a_closed_journal_is_read_in_a_folder_that_cannot_be_written(void **state)
{
	(void)state;
	struct journal *j = open_or_fail(journal_open);
	append(j, 1, 12);
	commit(j);
	journal_close(j);
	freeze(0555);
	assert_int_equal(as_nobody(count_as_reader), 12);
	freeze(0755);
}

static int open_as_writer(void)
{
	struct err err = {0};
	struct journal *j = journal_open(path, &err);
	journal_close(j);
	return j ? 1 : strstr(err.text, "journal") ? 2 : 3;
}

static void a_writer_without_permission_gets_a_sentence(void **state)
{
	(void)state;
	journal_close(open_or_fail(journal_open));
	freeze(0555);
	assert_int_equal(as_nobody(open_as_writer), 2);
	freeze(0755);
}

static int writes_until_failure(struct journal *j, const char *word)
{
	struct err err = {0};
	static char body[4000];
	memset(body, 'x', sizeof body - 1);
	uint64_t committed = 0;
	for (uint64_t seq = 1; seq < 10000; seq++) {
		int failed = journal_append(j, seq, 0, "big", body, &err);
		if (seq % 8 && !failed)
			continue;
		if (journal_commit(j, &err)) {
			if (!strstr(err.text, word)) {
				fprintf(stderr, "%s\n", err.text);
				return 2;
			}
			return committed && journal_last(j) == committed && count_all(j) == committed ? 0 : 3;
		}
		committed = seq;
	}
	return 4;
}

static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int bad = fd < 0 || write(fd, text, strlen(text)) < 0;
	if (fd >= 0)
		close(fd);
	return bad;
}

/* In a child process: what it does to itself (name space, limits) ends with it. 77: not allowed here. */
static int on_a_full_disk(void)
{
	char users[64], groups[64];
	snprintf(users, sizeof users, "0 %d 1", (int)geteuid());
	snprintf(groups, sizeof groups, "0 %d 1", (int)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || put("/proc/self/uid_map", users) || put("/proc/self/setgroups", "deny") ||
	    put("/proc/self/gid_map", groups) || mount("none", folder, "tmpfs", 0, "size=512k"))
		return 77;
	struct err err = {0};
	struct journal *j = journal_open(path, &err);
	if (!j)
		return 5;
	int bad = writes_until_failure(j, "disk is full");
	if (!bad && !journal_append(j, 9999, 0, "small", "{}", &err) && !journal_commit(j, &err))
		bad = journal_last(j) != 9999;	/* what still fits goes on */
	journal_close(j);
	return bad;
}

static int over_the_file_limit(void)
{
	struct journal *j = journal_open(path, NULL);
	struct rlimit limit = { 400000, 400000 };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int bad = writes_until_failure(j, "cannot write to the journal");
	journal_close(j);
	return bad;
}

static int in_a_child(int (*check)(void))
{
	pid_t pid = fork();
	if (!pid)
		_exit(check());
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static void a_full_disk_is_a_sentence_and_loses_only_the_turn(void **state)
{
	(void)state;
	int rc = in_a_child(on_a_full_disk);
	if (rc == 77)
		skip();
	assert_int_equal(rc, 0);
}

static void a_failed_write_loses_only_the_turn(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(over_the_file_limit), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(committed_events_come_back_in_order), T(small_facts), T(two_journals_share_nothing),
		T(a_failed_append_takes_the_turn_with_it), T(a_newer_format_is_refused_and_left_alone),
		T(strangers_are_refused_and_left_alone), T(absent_and_empty_files),
		T(readers_see_what_the_writer_committed_meanwhile), T(a_dead_engine_s_journal_is_read_and_taken_up),
		T(a_closed_journal_is_read_in_a_folder_that_cannot_be_written), T(a_writer_without_permission_gets_a_sentence),
		T(a_full_disk_is_a_sentence_and_loses_only_the_turn), T(a_failed_write_loses_only_the_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
