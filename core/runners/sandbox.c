/* bubblewrap's arguments. The choices that are not plain:
 *
 *  - Everything is unshared, capabilities are dropped too: root inside would otherwise be root with CAP_SYS_ADMIN in
 *    a namespace of its own, and could remount /usr writable.
 *  - Only /usr and /etc are bound; /bin, /lib and their like are made again as the links they are. Where a system has
 *    real folders there, those are bound instead. Files of /etc that only root may read are covered: a sandbox that
 *    root starts runs as root.
 *  - The tree is bound as the last thing but the covers over its .git, and nothing is ever mounted or made on a path
 *    that the tree could lead elsewhere: a .git is covered only if it is a real folder or file; a symlink leads to a
 *    place inside, where there is nothing to see.
 *  - Arguments, not a shell: a path may hold blanks and newlines. */
#include "core/runners/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/io/child.h"

static const char *const system_folders[] = { "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
static const char *const private_files[] = { "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-",
					     "/etc/sudoers" };
static const char *const private_folders[] = { "/etc/ssh", "/etc/ssl/private", "/etc/sudoers.d" };

enum {
	COUNT_FOLDERS = sizeof system_folders / sizeof *system_folders,
	COUNT_FILES = sizeof private_files / sizeof *private_files,
	COUNT_PRIVATE = sizeof private_folders / sizeof *private_folders,
	PROBE_SECONDS = 10,
};

static void add(struct strings *list, const char *a, const char *b, const char *c)
{
	strings_add(list, a);
	if (b)
		strings_add(list, b);
	if (c)
		strings_add(list, c);
}

static mode_t kind_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) ? 0 : st.st_mode & S_IFMT;
}

static void bind_system(struct strings *argv)
{
	for (size_t i = 0; i < COUNT_FOLDERS; i++) {
		const char *path = system_folders[i];
		char target[4096];
		ssize_t n;
		if (kind_of(path) == S_IFDIR) {
			add(argv, "--ro-bind", path, path);
		} else if (kind_of(path) == S_IFLNK && (n = readlink(path, target, sizeof target - 1)) > 0) {
			target[n] = '\0';
			add(argv, "--symlink", target, path);
		}
	}
	for (size_t i = 0; i < COUNT_FILES; i++)
		if (kind_of(private_files[i]) == S_IFREG)
			add(argv, "--ro-bind", "/dev/null", private_files[i]);
	for (size_t i = 0; i < COUNT_PRIVATE; i++)
		if (kind_of(private_folders[i]) == S_IFDIR)
			add(argv, "--tmpfs", private_folders[i], NULL);
}

static void bind_tree(struct strings *argv, const char *tree)
{
	add(argv, "--bind", tree, SANDBOX_TREE);
	char *git = xasprintf("%s/.git", tree);
	if (kind_of(git) == S_IFDIR)
		add(argv, "--tmpfs", SANDBOX_TREE "/.git", NULL);
	else if (kind_of(git) == S_IFREG)
		add(argv, "--ro-bind", "/dev/null", SANDBOX_TREE "/.git");
	free(git);
}

void sandbox_command(struct strings *argv, const char *tree, const char *driver)
{
	add(argv, "bwrap", "--unshare-all", "--die-with-parent");
	add(argv, "--new-session", "--cap-drop", "ALL");
	bind_system(argv);
	add(argv, "--proc", "/proc", NULL);
	add(argv, "--dev", "/dev", NULL);
	add(argv, "--tmpfs", "/tmp", NULL);
	if (driver)
		add(argv, "--ro-bind", driver, SANDBOX_DRIVER);
	bind_tree(argv, tree);
	add(argv, "--remount-ro", "/", NULL);
	add(argv, "--chdir", SANDBOX_TREE, "--");
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

static int is_installed(const char *program)
{
	const char *path = getenv("PATH");
	for (const char *at = path ? path : ""; *at;) {
		size_t n = strcspn(at, ":");
		char *file = xasprintf("%.*s/%s", (int)n, at, program);
		int found = n && !access(file, X_OK);
		free(file);
		if (found)
			return 1;
		at += n + (at[n] == ':');
	}
	return 0;
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
	if (!is_installed("bwrap"))
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
