/* workers and worker ssh on a session with VMs that no engine holds: what is shown of them, and who can be logged in to. */
#include "tests/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/data/event.h"
#include "core/io/journal.h"

static char root[256], ssh_folder[300];

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

/* The events of a fold test up to seq, in the journal of a new target. */
static void session_until(uint64_t last)
{
	static int number;
	char name[32], line[4096];
	struct err err = {0};
	snprintf(name, sizeof name, "target%d", ++number);
	test_path(root, sizeof root, name);
	char *make = xasprintf("mkdir -p %s/.skydeck/sessions/s && git init -q %s", root, root);
	assert_int_equal(system(make), 0);
	free(make);
	char *current = xasprintf("%s/.skydeck/current", root), *path = xasprintf("%s/.skydeck/sessions/s/journal.db", root);
	write_file(current, "s\n", 0644);
	struct journal *j = journal_open(path, &err);
	assert_non_null(j);
	FILE *f = fopen("tests/fold/vms/events.jsonl", "r");
	assert_non_null(f);
	for (uint64_t seq = 1; seq <= last && fgets(line, sizeof line, f); seq++) {
		struct event ev;
		line[strcspn(line, "\n")] = '\0';
		assert_ok(event_parse(&ev, line, strlen(line), &err), &err);
		assert_ok(journal_append(j, seq, ev.time, "any", line, &err), &err);
		event_release(&ev);
	}
	fclose(f);
	assert_ok(journal_commit(j, &err), &err);
	journal_close(j);
	free(current);
	free(path);
}

/* Runs a command in a process of its own, since ssh takes it over; its exit code. What it prints, and the sentence of its
 * error, go to out. */
static int run(struct buf *out, const char *name, const char *a, const char *b, const char *c)
{
	char path[256], *argv[] = { xstrdup(name), xstrdup(a), xstrdup(b), xstrdup(c), NULL };
	const struct cli_command *command = cli_find(name);
	struct cli cli = { .directory = root };
	int argc = 1, status;
	while (argv[argc])
		argc++;
	assert_non_null(command);
	test_path(path, sizeof path, "printed");
	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		struct err err = {0};
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		setenv("PATH", ssh_folder, 1);
		int rc = command->run(&cli, argc, argv, &err);
		if (rc < 0)
			printf("%s\n", err.text);
		fflush(NULL);
		_exit(rc < 0 ? (int)err.code : rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_truncate(out, 0);
	assert_int_equal(buf_read_file(out, path, 1 << 20), 0);
	for (int i = 0; i < 4; i++)
		free(argv[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int setup(void **state)
{
	(void)state;
	char path[320];
	test_path(ssh_folder, sizeof ssh_folder, "bin");
	mkdir(ssh_folder, 0755);
	snprintf(path, sizeof path, "%s/ssh", ssh_folder);
	write_file(path, "#!/bin/sh\nIFS=,; echo \"ssh: $*\"; read -r line; echo \"heard $line\"; exit 7\n", 0755);
	return 0;
}

static void says(const struct buf *out, const char *part)
{
	if (!strstr(buf_str(out), part))
		fail_msg("it does not say \"%s\": %s", part, buf_str(out));
}

static void vms_are_shown_with_what_their_provider_says(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(19);
	assert_int_equal(run(&out, "workers", NULL, NULL, NULL), 0);
	says(&out, "ID  KIND");
	says(&out, "w1  sky x86_64   sky-k-w1  us-east-1a  busy ");
	says(&out, "no capacity in us-east-1b; skydeck worker retry|down w2");
	says(&out, "0.36");
	says(&out, "0.90 %");
	assert_null(strstr(buf_str(&out), "ROUND"));	/* no engine: nothing executes, and no column is kept for it */
	for (const char *line = buf_str(&out); *line; line += strcspn(line, "\n") + 1)
		assert_int_not_equal(line[strcspn(line, "\n") - 1], ' ');
	session_until(13);
	assert_int_equal(run(&out, "workers", NULL, NULL, NULL), 0);
	says(&out, "UP (0:42 old)");
	buf_release(&out);
}

static void one_that_is_down_has_no_price_and_no_status(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(21);
	assert_int_equal(run(&out, "workers", NULL, NULL, NULL), 0);
	const char *w1 = strstr(buf_str(&out), "\nw1 ");
	assert_non_null(w1);
	assert_null(memmem(w1 + 1, strcspn(w1 + 1, "\n"), "UP", 2));
	assert_null(memmem(w1 + 1, strcspn(w1 + 1, "\n"), "0.36", 4));
	assert_non_null(memmem(w1 + 1, strcspn(w1 + 1, "\n"), "0.02", 4));
	buf_release(&out);
}

static void nobody_there_is_said(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(3);
	assert_int_equal(run(&out, "workers", NULL, NULL, NULL), 0);
	says(&out, "no worker has come up yet");
	buf_release(&out);
}

static void ssh_is_handed_the_name_and_its_exit_code_back(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(19);
	assert_int_equal(run(&out, "worker", "ssh", "w1", NULL), 7);
	assert_string_equal(buf_str(&out), "ssh: sky-k-w1\nheard \n");
	assert_int_equal(run(&out, "worker", "ssh", "w1", "hostname"), 7);
	says(&out, "ssh: sky-k-w1,hostname\n");
	buf_release(&out);
}

static void who_cannot_be_logged_in_to_is_said(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(19);
	assert_int_equal(run(&out, "worker", "ssh", "w2", NULL), EXIT_REFUSED);
	says(&out, "w2 is lost, no capacity in us-east-1b: skydeck worker retry w2");
	assert_int_equal(run(&out, "worker", "ssh", "w9", NULL), EXIT_FAILED);
	says(&out, "there is no worker w9");
	session_until(21);
	assert_int_equal(run(&out, "worker", "ssh", "w1", NULL), EXIT_REFUSED);
	says(&out, "w1 is down");
	session_until(5);
	assert_int_equal(run(&out, "worker", "ssh", "w1", NULL), EXIT_REFUSED);
	says(&out, "w1 is not up yet");
	session_until(6);
	assert_int_equal(run(&out, "worker", "ssh", "w1", NULL), 7);	/* UP, though not ready: that is when one wants to look */
	buf_release(&out);
}

static void what_is_no_action_is_named(void **state)
{
	struct buf out = {0};
	(void)state;
	session_until(19);
	assert_int_equal(run(&out, "worker", "reboot", "w1", NULL), EXIT_USAGE);
	says(&out, "quarantine, release, down, retry, replace or ssh, not reboot");
	assert_int_equal(run(&out, "worker", "down", "w1", "w2"), EXIT_USAGE);
	static const char *const actions[] = { "quarantine", "release", "down", "retry", "replace" };
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		assert_int_equal(run(&out, "worker", actions[i], "w1", NULL), EXIT_NO_ENGINE);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vms_are_shown_with_what_their_provider_says),
		cmocka_unit_test(one_that_is_down_has_no_price_and_no_status),
		cmocka_unit_test(nobody_there_is_said),
		cmocka_unit_test(ssh_is_handed_the_name_and_its_exit_code_back),
		cmocka_unit_test(who_cannot_be_logged_in_to_is_said),
		cmocka_unit_test(what_is_no_action_is_named),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
