/* What a step inside of the sandbox sees, and what it cannot do. Skipped where bubblewrap cannot work. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/io/child.h"
#include "core/runners/cpus.h"
#include "core/runners/sandbox.h"
#include "tests/test.h"

static char folder[PATH_MAX];
static struct err probe_error;
static int is_possible;

static int make_folder(void **state)
{
	(void)state;
	is_possible = sandbox_probe(&probe_error) == 0;
	test_path(folder, sizeof folder, "sandbox.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void need_sandbox(void)
{
	if (is_possible)
		return;
	print_message("no sandbox here: %s\n", probe_error.text);
	skip();
}

/* A new folder of this name below the test's; the caller frees the path. */
static char *make_tree(const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	mkdir(path, 0777);
	return path;
}

static void write_file(const char *tree, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", tree, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

/* Runs a shell script inside and returns what it printed; the caller frees it. */
static char *run_inside(const char *tree, const char *script, double timeout, struct child_result *result)
{
	struct strings argv = {0}, env = {0};
	struct buf output = {0};
	struct err err = {0};
	sandbox_command(&argv, tree, NULL);
	strings_add(&argv, "sh");
	strings_add(&argv, "-c");
	strings_add(&argv, script);
	strings_add(&argv, NULL);
	sandbox_environment(&env, 1);
	strings_add(&env, NULL);
	struct child_options options = { .argv = (const char *const *)argv.at, .env = (const char *const *)env.at,
		.timeout = (int64_t)(timeout * 1e6) };
	assert_ok(child_run(&options, &output, result, &err), &err);
	strings_release(&argv);
	strings_release(&env);
	return output.data ? buf_take(&output) : xstrdup("");
}

static void assert_inside(const char *tree, const char *script, const char *expected)
{
	char *output = run_inside(tree, script, 60, NULL);
	assert_string_equal(output, expected);
	free(output);
}

static void sees_the_tree_and_the_system_and_nothing_else(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("plain");
	write_file(tree, "file", "hello\n");
	assert_inside(tree, "pwd; cat file; echo new >made; cat made", "/target\nhello\nnew\n");
	assert_inside(tree, "for d in /*; do case $d in /usr|/etc|/bin|/sbin|/lib*|/proc|/dev|/tmp|/target) ;; *) echo $d ;; esac; done; ls -A /tmp", "");
	assert_inside(tree, "ls -d /home /root /var /run /mnt 2>/dev/null; ls -A ~; echo end", "end\n");
	assert_inside(tree, "ls -d /proc/[0-9]* | wc -l | grep -q '^[1-9]$' && echo few", "few\n");
	free(tree);
}

static void has_only_its_own_environment(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("environment");
	setenv("SECRET_KEY", "leaked", 1);
	assert_inside(tree, "env | grep -v '^_=\\|^PWD=\\|^OLDPWD=\\|^SHLVL=' | sort",
		      "HOME=/tmp\nLANG=C.UTF-8\nLC_ALL=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=dumb\n");
	assert_inside(tree, "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n' | grep -c 'le[a]ked'", "0\n");
	unsetenv("SECRET_KEY");
	free(tree);
}

static void cannot_reach_the_network(void **state)
{
	(void)state;
	need_sandbox();
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1) || getsockname(fd, (struct sockaddr *)&address, &size), 0);
	char *tree = make_tree("network"), *outside = xasprintf("bash -c 'echo >/dev/tcp/127.0.0.1/%d'", ntohs(address.sin_port));
	char *inside = xasprintf("%s 2>/dev/null || echo refused; sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '", outside);
	assert_int_equal(system(outside), 0);	/* the same line reaches it from here */
	assert_inside(tree, inside, "refused\nlo\n");
	close(fd);
	free(outside);
	free(inside);
	free(tree);
}

static void cannot_write_outside_of_its_tree(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("write");
	assert_inside(tree, "for d in / /usr /usr/bin /etc /bin /proc/sys/kernel; do touch $d/skydeck-was-here 2>/dev/null && echo $d; done;"
		      "mount -o remount,rw,bind /usr 2>/dev/null && echo remounted; mount -t tmpfs none /etc 2>/dev/null && echo mounted;"
		      "grep CapEff /proc/self/status; touch /tmp/skydeck-was-here mine && echo done", "CapEff:\t0000000000000000\ndone\n");
	assert_int_not_equal(access("/usr/skydeck-was-here", F_OK), 0);
	assert_int_not_equal(access("/tmp/skydeck-was-here", F_OK), 0);
	free(tree);
}

static void cannot_read_what_is_roots(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("private");
	/* Counted, so that a failure does not print it. */
	assert_inside(tree, "cat /etc/shadow /etc/gshadow /etc/sudoers 2>/dev/null | wc -c; ls -A /etc/ssh /etc/ssl/private 2>/dev/null | grep -v ':$\\|^$'; true", "0\n");
	free(tree);
}

static void does_not_see_the_repository(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("git folder"), *git = make_tree("git folder/.git");
	write_file(git, "HEAD", "ref\n");
	assert_inside(tree, "ls -A .git; echo x >.git/new; cat .git/new", "x\n");
	assert_int_equal(access(git, F_OK), 0);
	char *new_file = xasprintf("%s/new", git);
	assert_int_not_equal(access(new_file, F_OK), 0);
	free(new_file);
	free(git);
	free(tree);
	tree = make_tree("git file");
	write_file(tree, ".git", "gitdir: /somewhere\n");
	assert_inside(tree, "cat .git 2>/dev/null || echo covered", "covered\n");
	free(tree);
}

static void does_not_follow_the_symlinks_of_a_tree(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("hostile"), *outside = make_tree("outside");
	char *link = xasprintf("%s/out", tree), *git = xasprintf("%s/.git", tree), *up = xasprintf("%s/up", tree);
	assert_int_equal(symlink(outside, link) || symlink(outside, git) || symlink("../outside", up), 0);
	assert_inside(tree, "echo x >out/file; echo x >.git/file; echo x >up/file; mkdir -p out/a; true 2>/dev/null",
		      "sh: 1: cannot create out/file: Directory nonexistent\nsh: 1: cannot create .git/file: Directory nonexistent\n"
		      "sh: 1: cannot create up/file: Directory nonexistent\nmkdir: cannot create directory \xe2\x80\x98out\xe2\x80\x99: File exists\n");
	assert_int_equal(rmdir(outside), 0);	/* it stayed empty */
	free(link);
	free(git);
	free(up);
	free(outside);
	free(tree);
}

static void takes_a_tree_with_any_name(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("a 'b'\n\"$(c)\" --ro-bind \xff");
	write_file(tree, "file", "hello\n");
	assert_inside(tree, "cat file; pwd", "hello\n/target\n");
	free(tree);
}

static int is_running(const char *word)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	while (!found && (entry = readdir(proc))) {
		struct buf text = {0};
		char *path = xasprintf("/proc/%s/cmdline", entry->d_name);
		if (*entry->d_name >= '0' && *entry->d_name <= '9' && !buf_read_file(&text, path, 65536))
			found = text.len && memmem(text.data, text.len, word, strlen(word));
		buf_release(&text);
		free(path);
	}
	closedir(proc);
	return found;
}

static void takes_all_its_processes_with_it(void **state)
{
	(void)state;
	need_sandbox();
	char *tree = make_tree("many"), *word = xasprintf("27182.%d", (int)getpid());
	char *script = xasprintf("n=0; while [ $n -lt 40 ]; do (trap '' TERM HUP; sleep %s) & setsid sleep %s & n=$((n+1)); done; echo up; wait", word, word);
	struct child_result result;
	char *output = NULL;
	for (int seconds = 1; seconds < 60 && !(output && *output); seconds *= 4) {	/* on a slow machine all take longer to be there */
		free(output);
		output = run_inside(tree, script, seconds, &result);
	}
	assert_string_equal(output, "up\n");
	assert_int_equal(result.timed_out, 1);
	for (int i = 0; i < 100 && is_running(word); i++)
		usleep(50000);
	assert_int_equal(is_running(word), 0);
	free(output);
	free(script);
	free(word);
	free(tree);
}

static void says_what_to_do_without_bubblewrap(void **state)
{
	(void)state;
	struct err err = {0};
	char *path = xstrdup(getenv("PATH"));
	setenv("PATH", folder, 1);
	int rc = sandbox_probe(&err);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.text, "apt install bubblewrap"));
	assert_non_null(strstr(err.text, "sandbox = off"));
}

static void says_what_to_do_when_bubblewrap_cannot_work(void **state)
{
	(void)state;
	struct err err = {0};
	char *path = xstrdup(getenv("PATH")), *bin = make_tree("bin"), *mine = xasprintf("%s:%s", bin, path), *program = xasprintf("%s/bwrap", bin);
	write_file(bin, "bwrap", "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n");
	chmod(program, 0755);
	setenv("PATH", mine, 1);
	int rc = sandbox_probe(&err);
	setenv("PATH", path, 1);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.text, "(bwrap: No permissions to create a new namespace): user namespaces may be off"));
	free(path);
	free(bin);
	free(mine);
	free(program);
}

/* --- CPU lists ----------------------------------------------------------------------------------------------------- */

static void reads_and_writes_lists_of_cpus(void **state)
{
	(void)state;
	static const struct { const char *text, *result, *error; } lists[] = {
		{ "1-3,6", "1-3,6", NULL }, { "6, 3 ,2,1", "1-3,6", NULL }, { "0", "0", NULL }, { "0-7", "0-7", NULL }, { "2,2,2-3", "2-3", NULL },
		{ "", NULL, "a list such as 1-3,6" }, { "3-1", NULL, "a list such as" }, { "a", NULL, "a list such as" }, { "1,", NULL, "a list such as" },
		{ "1-", NULL, "a list such as" }, { "8", NULL, "CPU 8 is not among those skydeck may use here: 0-7" }, { "5-99999999999", NULL, "CPU 8 is not" },
	};
	int numbers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct cpus allowed = { numbers, 8, 8 };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct cpus cpus = {0};
		struct err err = {0};
		if (lists[i].error) {
			assert_error(cpus_parse(&cpus, lists[i].text, &allowed, &err), &err, lists[i].error);
		} else {
			assert_ok(cpus_parse(&cpus, lists[i].text, &allowed, &err), &err);
			char *text = cpus_text(&cpus);
			assert_string_equal(text, lists[i].result);
			free(text);
		}
		cpus_release(&cpus);
	}
}

static void finds_the_cpus_of_this_process(void **state)
{
	(void)state;
	struct cpus allowed = {0}, part = {0};
	struct err err = {0};
	assert_ok(cpus_allowed(&allowed, &err), &err);
	cpu_set_t set;
	assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
	assert_int_equal(allowed.count, CPU_COUNT(&set));
	cpus_slice(&part, &allowed, 0, 1);
	assert_true(cpus_overlap(&part, &allowed));
	part.at[0] = 60000;
	assert_false(cpus_overlap(&part, &allowed));
	cpus_release(&part);
	cpus_release(&allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_the_tree_and_the_system_and_nothing_else),
		cmocka_unit_test(has_only_its_own_environment),
		cmocka_unit_test(cannot_reach_the_network),
		cmocka_unit_test(cannot_write_outside_of_its_tree),
		cmocka_unit_test(cannot_read_what_is_roots),
		cmocka_unit_test(does_not_see_the_repository),
		cmocka_unit_test(does_not_follow_the_symlinks_of_a_tree),
		cmocka_unit_test(takes_a_tree_with_any_name),
		cmocka_unit_test(takes_all_its_processes_with_it),
		cmocka_unit_test(says_what_to_do_without_bubblewrap),
		cmocka_unit_test(says_what_to_do_when_bubblewrap_cannot_work),
		cmocka_unit_test(reads_and_writes_lists_of_cpus),
		cmocka_unit_test(finds_the_cpus_of_this_process),
	};
	return cmocka_run_group_tests(tests, make_folder, NULL);
}
