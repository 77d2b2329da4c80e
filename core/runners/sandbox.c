/* The arguments that a step adds to those of every sandbox (core/io/confine.c): its tree is bound as the last thing but
 * the covers over its .git, and nothing is ever mounted or made on a path that the tree could lead elsewhere: a .git is
 * covered only if it is a real folder or file; a symlink leads to a place inside, where there is nothing to see. */
#include "core/runners/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/io/child.h"
#include "core/io/confine.h"

enum { PROBE_SECONDS = 10 };

static void bind_tree(struct strings *argv, const char *tree)
{
	confine_add(argv, "--bind", tree, SANDBOX_TREE);
	char *git = xasprintf("%s/.git", tree);
	if (confine_kind(git) == S_IFDIR)
		confine_add(argv, "--tmpfs", SANDBOX_TREE "/.git", NULL);
	else if (confine_kind(git) == S_IFREG)
		confine_add(argv, "--ro-bind", "/dev/null", SANDBOX_TREE "/.git");
	free(git);
}

void sandbox_command(struct strings *argv, const char *tree, const char *driver)
{
	confine_system(argv);
	if (driver)
		confine_add(argv, "--ro-bind", driver, SANDBOX_DRIVER);
	bind_tree(argv, tree);
	confine_add(argv, "--remount-ro", "/", NULL);
	confine_add(argv, "--chdir", SANDBOX_TREE, "--");
}

static void add_variable(struct strings *env, const char *name, const char *value)
{
	char *variable = xasprintf("%s=%s", name, value);
	strings_add(env, variable);
	free(variable);
}

void sandbox_environment(struct strings *env, int is_inside)
{
	const char *path = is_inside ? NULL : getenv("PATH"), *home = is_inside ? NULL : getenv("HOME");
	add_variable(env, "PATH", path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add_variable(env, "HOME", home ? home : "/tmp");
	add_variable(env, "LANG", "C.UTF-8");
	add_variable(env, "LC_ALL", "C.UTF-8");
	add_variable(env, "TERM", "dumb");
}

static const char *remedy(const char *said)
{
	struct stat st;
	if (!stat("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &st) && strstr(said, "ermission denied"))
		return "AppArmor may forbid it: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
	if (strstr(said, "namespace") || strstr(said, "uid map"))
		return "user namespaces may be off: sysctl kernel.unprivileged_userns_clone=1 "
			"user.max_user_namespaces=10000";
	return "in a container, start that with the rights to make namespaces and mounts (docker run --privileged)";
}

int sandbox_probe(struct err *err)
{
	static const char off[] =
		"or set sandbox = off under [runner \"local\"] in .skydeck/config, if you trust what will run";
	char *bwrap = confine_find("bwrap");
	free(bwrap);
	if (!bwrap)
		return err_set(err, "bubblewrap is not installed: apt install bubblewrap (dnf install, pacman -S), %s",
			       off);
	struct strings argv = {0}, env = {0};
	struct buf output = {0};
	struct child_result result = {0};
	char folder[] = "/tmp/skydeck.XXXXXX";
	int rc = -1;
	if (!mkdtemp(folder))
		return err_set(err, "cannot make a folder in /tmp");
	sandbox_command(&argv, folder, NULL);
	strings_add(&argv, "true");
	strings_add(&argv, NULL);
	sandbox_environment(&env, 1);
	strings_add(&env, NULL);
	struct child_options options = { .argv = (const char *const *)argv.at, .env = (const char *const *)env.at,
		.timeout = PROBE_SECONDS * 1000000 };
	if (child_run(&options, &output, &result, err) == 0) {
		char *said = text_safe_string(buf_str(&output), strcspn(buf_str(&output), "\n"), TEXT_LINE);
		rc = result.exited && !result.status ? 0 :
			err_set(err, "bubblewrap cannot make a sandbox here (%s): %s, %s",
				*said ? said : "it does not answer", remedy(said), off);
		free(said);
	}
	rmdir(folder);
	strings_release(&argv);
	strings_release(&env);
	buf_release(&output);
	return rc;
}
