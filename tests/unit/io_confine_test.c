/* What a confined child sees and what it cannot reach. Skipped where bubblewrap cannot work. */
#include "tests/test.h"
#include "core/io/confine.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/io/child.h"

static char folder[PATH_MAX];
static int is_possible;

static char *run_inside(const struct confinement *c, const char *const *words)
{
	struct strings argv = {0}, env = {0};
	struct buf output = {0};
	struct err err = {0};
	assert_ok(confine_command(&argv, c, &err), &err);
	for (size_t i = 0; words[i]; i++)
		strings_add(&argv, words[i]);
	strings_add(&argv, NULL);
	confine_environment(&env, c);
	strings_add(&env, NULL);
	struct child_options options = { .argv = (const char *const *)argv.at, .env = (const char *const *)env.at, .timeout = 20000000 };
	assert_ok(child_run(&options, &output, NULL, &err), &err);
	strings_release(&argv);
	strings_release(&env);
	return output.data ? buf_take(&output) : xstrdup("");
}

static void assert_says(const struct confinement *c, const char *script, const char *expected)
{
	char *output = run_inside(c, (const char *const[]){ "sh", "-c", script, NULL });
	assert_string_equal(output, expected);
	free(output);
}

static int make_folder(void **state)
{
	struct confinement nothing = {0};
	struct err err = {0};
	char *bwrap = confine_find("bwrap");
	(void)state;
	if (bwrap) {
		char *output = run_inside(&nothing, (const char *const[]){ "echo", "inside", NULL });
		is_possible = !strcmp(output, "inside\n");
		if (!is_possible)
			print_message("no sandbox here: %s\n", output);
		free(output);
	} else {
		struct strings argv = {0};
		assert_error(confine_command(&argv, &nothing, &err), &err, "install bubblewrap");
		strings_release(&argv);
	}
	free(bwrap);
	char path[PATH_MAX];
	test_path(path, sizeof path, "confine.XXXXXX");
	return mkdtemp(path) && realpath(path, folder) ? 0 : -1;
}

static void need_sandbox(void)
{
	if (!is_possible)
		skip();
}

static char *make(const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	mkdir(path, 0777);
	return path;
}

static char *put(const char *name, const char *text, int mode)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, (mode_t)mode);
	return path;
}

static void has_nothing_but_the_system(void **state)
{
	struct confinement c = {0};
	(void)state;
	need_sandbox();
	setenv("SECRET_KEY", "leaked", 1);
	assert_says(&c, "pwd; env | cut -d= -f1 | grep -v '^_$\\|^PWD$\\|^OLDPWD$\\|^SHLVL$' | sort | tr '\\n' ' '", "/tmp\nHOME LANG PATH TERM TMPDIR ");
	assert_says(&c, "for d in /*; do case $d in /usr|/etc|/bin|/sbin|/lib*|/proc|/dev|/tmp) ;; *) echo $d ;; esac; done; ls -A /tmp", "");
	assert_says(&c, "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n' | grep -c 'le[a]ked'", "0\n");
	assert_says(&c, "ls -d /proc/[0-9]* | wc -l | grep -q '^[1-9]$' && echo few", "few\n");
	assert_says(&c, "cat /etc/shadow /etc/sudoers 2>/dev/null | wc -c; grep CapEff /proc/self/status", "0\nCapEff:\t0000000000000000\n");
	assert_says(&c, "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo\n");
	unsetenv("SECRET_KEY");
}

static void has_what_it_is_given_and_no_more(void **state)
{
	struct strings visible = {0}, writable = {0}, env = {0};
	char *home = make("home"), *tree = make("tree"), *read = make("read"), *other = make("other"), *inner = make("tree/inner");
	char *file = put("read/file", "seen\n", 0644);
	(void)state;
	need_sandbox();
	strings_add(&visible, read);
	strings_add(&visible, "/nowhere/at/all");
	strings_add(&visible, "/");
	strings_add(&visible, inner);
	strings_add(&writable, tree);
	strings_add(&env, "ONE=1 2");
	struct confinement c = { .home = home, .directory = tree, .visible = &visible, .writable = &writable, .env = &env };
	char *script = xasprintf("cat %s; touch %s 2>/dev/null && echo wrote; echo new >inner/made; echo kept >~/kept; cat inner/made ~/kept;"
	                         "echo \"$ONE\"; ls %s; touch %s/x 2>/dev/null; true", file, file, folder, folder);
	assert_says(&c, script, "seen\nnew\nkept\n1 2\nhome\nread\ntree\n");
	assert_says(&c, "cat ~/kept inner/made", "kept\nnew\n");	/* another start: what it wrote is still there */
	char *outside = xasprintf("%s/x", folder);
	assert_int_not_equal(access(outside, F_OK), 0);
	free(outside), free(script);
	strings_release(&visible);
	strings_release(&writable);
	strings_release(&env);
	free(home), free(tree), free(read), free(other), free(inner), free(file);
}

static void leads_no_mount_through_what_a_child_left(void **state)
{
	struct strings visible = {0}, writable = {0};
	char *home = make("hostile"), *outside = make("outside"), *link = xasprintf("%s/link", home), *through = xasprintf("%s/link/sub", home);
	char *sub = make("outside/sub");
	(void)state;
	need_sandbox();
	assert_int_equal(symlink(outside, link), 0);
	strings_add(&visible, through);
	strings_add(&writable, link);
	strings_add(&writable, through);
	struct confinement c = { .home = home, .visible = &visible, .writable = &writable };
	assert_says(&c, "ls link/ 2>/dev/null; echo x 2>/dev/null >link/sub/x && echo wrote; echo end", "end\n");
	strings_release(&visible);
	strings_release(&writable);
	free(home), free(outside), free(link), free(through), free(sub);
}

/* A service of this machine's: where the network is asked for, loopback is there, but no socket in the file system. */
static void reaches_the_network_only_when_it_may(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1) || getsockname(fd, (struct sockaddr *)&address, &size), 0);
	char *script = xasprintf("bash -c 'echo >/dev/tcp/127.0.0.1/%d' 2>/dev/null && echo reached || echo refused", ntohs(address.sin_port));
	if (is_possible) {
		assert_says(&(struct confinement){0}, script, "refused\n");
		assert_says(&(struct confinement){ .network = 1 }, script, "reached\n");
		assert_says(&(struct confinement){ .network = 1 }, "test -s /etc/resolv.conf && echo names", "names\n");
	}
	free(script);
	close(fd);
	need_sandbox();
}

static void connects_to_a_socket_that_it_is_given(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct strings writable = {0};
	(void)state;
	need_sandbox();
	snprintf(address.sun_path, sizeof address.sun_path, "%.90s/sock", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1), 0);
	char *script = xasprintf("/usr/bin/perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); print connect(S,sockaddr_un(\"%s\")) ? \"yes\" : \"no\"'", address.sun_path);
	assert_says(&(struct confinement){0}, script, "no");
	strings_add(&writable, address.sun_path);
	assert_says(&(struct confinement){ .writable = &writable }, script, "yes");
	strings_release(&writable);
	free(script);
	close(fd);
}

/* Programs outside of the system's folders. */

static void assert_runs(const char *program, const char *argument, const char *expected)
{
	const char *argv[] = { program, argument, NULL };
	struct strings visible = {0};
	confine_program(&visible, argv);
	struct confinement c = { .visible = &visible };
	char *output = run_inside(&c, argv);
	assert_string_equal(output, expected);
	free(output);
	strings_release(&visible);
}

static void runs_programs_from_anywhere(void **state)
{
	char *path = xasprintf("%s/app/bin:%s", folder, getenv("PATH")), *old = xstrdup(getenv("PATH"));
	(void)state;
	need_sandbox();
	free(make("app")), free(make("app/bin")), free(make("app/lib")), free(make("app/lib/node_modules")), free(make("app/lib/node_modules/a"));
	free(make("app/lib/node_modules/b")), free(make("secret"));
	free(put("app/bin/interpreter", "#!/bin/sh\necho \"interpreted by $(basename \"$0\")\"; . \"$1\"\n", 0755));
	free(put("app/lib/node_modules/b/part", "echo part\n", 0644));
	free(put("app/lib/node_modules/a/main", "#!/usr/bin/env interpreter\n. \"$(dirname \"$(readlink -f \"$1\")\")/../b/part\"\n", 0755));
	free(put("secret/key", "secret\n", 0644));
	char *link = xasprintf("%s/app/bin/agent", folder), *plain = put("app/bin/plain", "#!/bin/sh\ncat \"$1\"; ls $(dirname $0)\n", 0755);
	char *key = xasprintf("%s/secret/key", folder);
	assert_int_equal(symlink("../lib/node_modules/a/main", link), 0);
	setenv("PATH", path, 1);
	assert_runs("agent", NULL, "interpreted by interpreter\npart\n");	/* a link to a package, run by a program beside it */
	free(make("project")), free(make("project/node_modules")), free(make("project/node_modules/c"));
	free(put("project/node_modules/c/part", "echo another part\n", 0644));
	char *main = put("project/node_modules/c/main", "#!/bin/sh\n. \"$(dirname \"$0\")/part\"\n", 0755);
	assert_runs(main, NULL, "another part\n");
	assert_runs("/bin/sh", main, "another part\n");	/* so for a program that is an argument */
	assert_runs(plain, key, "secret\nplain\n");				/* its argument, and nothing beside it */
	assert_runs("true", NULL, "");
	const char *const behind_env[] = { "env", "-i", "A=b", "agent", NULL };
	struct strings visible = {0};
	confine_program(&visible, behind_env);
	assert_true(strings_have(&visible, link));		/* and for one behind env(1) */
	strings_release(&visible);
	setenv("PATH", old, 1);
	free(path), free(old), free(link), free(plain), free(key), free(main);
}

static void finds_what_a_shell_would(void **state)
{
	char *old = xstrdup(getenv("PATH")), *file = put("program", "#!/bin/sh\n", 0755), *plain = put("text", "", 0644), *found;
	(void)state;
	free(make("sh"));	/* a folder of that name is no program */
	char *path = xasprintf("%s::%s", folder, old);
	setenv("PATH", path, 1);
	assert_string_equal(found = confine_find("program"), file);
	free(found);
	assert_string_equal(found = confine_find(file), file);
	free(found);
	found = confine_find("sh");
	assert_null(strstr(found, folder));
	free(found);
	assert_null(confine_find("text"));
	assert_null(confine_find(plain));
	setenv("PATH", old, 1);
	free(old), free(file), free(plain), free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_nothing_but_the_system),
		cmocka_unit_test(has_what_it_is_given_and_no_more),
		cmocka_unit_test(leads_no_mount_through_what_a_child_left),
		cmocka_unit_test(reaches_the_network_only_when_it_may),
		cmocka_unit_test(connects_to_a_socket_that_it_is_given),
		cmocka_unit_test(runs_programs_from_anywhere),
		cmocka_unit_test(finds_what_a_shell_would),
	};
	return cmocka_run_group_tests(tests, make_folder, NULL);
}
