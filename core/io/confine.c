/* bubblewrap's arguments. The choices that are not plain:
 *
 *  - Everything is unshared, capabilities are dropped too: root inside would otherwise be root with CAP_SYS_ADMIN in
 *    a namespace of its own, and could remount /usr writable.
 *  - Only /usr and /etc are bound; /bin, /lib and their like are made again as the links they are. Where a system has
 *    real folders there, those are bound instead. Files of /etc that only root may read are covered: a sandbox that
 *    root starts runs as root.
 *  - What is writable is bound last, and nothing is ever mounted or made below it: what a child left there, such as a
 *    symlink, leads no mount elsewhere.
 *  - A visible path that is a symlink is made again as one, to where it really leads: programs find what belongs to
 *    them from their real place.
 *  - Arguments, not a shell: a path may hold blanks and newlines. Values of variables never stand on the command line. */
#include "core/io/confine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const system_folders[] = { "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
static const char *const private_files[] = { "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-",
					     "/etc/sudoers" };
static const char *const private_folders[] = { "/etc/ssh", "/etc/ssl/private", "/etc/sudoers.d" };
static const char *const made_folders[] = { "/proc", "/dev", "/sys" };
static const char names_file[] = "/etc/resolv.conf", plain_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum {
	COUNT_FOLDERS = sizeof system_folders / sizeof *system_folders,
	COUNT_FILES = sizeof private_files / sizeof *private_files,
	COUNT_PRIVATE = sizeof private_folders / sizeof *private_folders,
	COUNT_MADE = sizeof made_folders / sizeof *made_folders,
	LONGEST_PATH = 4096, FIRST_LINE = 256, DEEPEST = 4,	/* bytes; programs that run programs */
};

void confine_add(struct strings *list, const char *a, const char *b, const char *c)
{
	strings_add(list, a);
	if (b)
		strings_add(list, b);
	if (c)
		strings_add(list, c);
}

mode_t confine_kind(const char *path)
{
	struct stat st;
	return lstat(path, &st) ? 0 : st.st_mode & S_IFMT;
}

/* Whether path is folder or stands below it; by their names only. */
static int is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	return !strncmp(path, folder, n) && (path[n] == '/' || !path[n]);
}

static int is_below_any(const char *path, const struct strings *folders)
{
	for (size_t i = 0; folders && i < folders->count; i++)
		if (is_below(path, folders->at[i]))
			return 1;
	return 0;
}

static int is_system(const char *path)
{
	for (size_t i = 0; i < COUNT_FOLDERS; i++)
		if (is_below(path, system_folders[i]))
			return 1;
	return 0;
}

/* Absolute, plain, and no place that is made anew inside. */
static int can_be_bound(const char *path)
{
	if (path[0] != '/' || !path[strspn(path, "/")] || strstr(path, "/../") || is_system(path))
		return 0;
	size_t n = strlen(path);
	if (n >= 3 && !strcmp(path + n - 3, "/.."))
		return 0;
	for (size_t i = 0; i < COUNT_MADE; i++)
		if (is_below(path, made_folders[i]))
			return 0;
	return strcmp(path, "/tmp") != 0;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

static void bind_system(struct strings *argv)
{
	for (size_t i = 0; i < COUNT_FOLDERS; i++) {
		const char *path = system_folders[i];
		char target[LONGEST_PATH];
		ssize_t n;
		if (confine_kind(path) == S_IFDIR) {
			confine_add(argv, "--ro-bind", path, path);
		} else if (confine_kind(path) == S_IFLNK && (n = readlink(path, target, sizeof target - 1)) > 0) {
			target[n] = '\0';
			confine_add(argv, "--symlink", target, path);
		}
	}
	for (size_t i = 0; i < COUNT_FILES; i++)
		if (confine_kind(private_files[i]) == S_IFREG)
			confine_add(argv, "--ro-bind", "/dev/null", private_files[i]);
	for (size_t i = 0; i < COUNT_PRIVATE; i++)
		if (confine_kind(private_folders[i]) == S_IFDIR)
			confine_add(argv, "--tmpfs", private_folders[i], NULL);
}

void confine_system(struct strings *argv)
{
	confine_add(argv, "bwrap", "--unshare-all", "--die-with-parent");
	confine_add(argv, "--new-session", "--cap-drop", "ALL");
	bind_system(argv);
	confine_add(argv, "--proc", "/proc", NULL);
	confine_add(argv, "--dev", "/dev", NULL);
	confine_add(argv, "--tmpfs", "/tmp", NULL);
}

/* Where names are looked up is often a link to a file that a service keeps in /run. */
static void bind_names(struct strings *argv)
{
	char *real = realpath(names_file, NULL);
	if (real && can_be_bound(real))
		confine_add(argv, "--ro-bind", real, real);
	free(real);
}

static void bind_visible(struct strings *argv, struct strings *bound, const char *path)
{
	char *real = realpath(path, NULL);
	if (!real || !can_be_bound(path) || is_below_any(path, bound)) {
		free(real);
		return;
	}
	if (confine_kind(path) == S_IFLNK) {
		bind_visible(argv, bound, real);
		confine_add(argv, "--symlink", real, path);
	} else {
		confine_add(argv, "--ro-bind", path, path);
	}
	strings_add(bound, path);
	free(real);
}

static int by_length(const void *a, const void *b)
{
	size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);
	return x < y ? -1 : x > y;
}

/* Outer folders first, so that what stands in them is there already and is not mounted again. */
static struct strings outer_first(const struct strings *paths)
{
	struct strings sorted = {0};
	if (paths && paths->count) {
		strings_copy(&sorted, paths);
		qsort(sorted.at, sorted.count, sizeof *sorted.at, by_length);
	}
	return sorted;
}

static void bind_writable(struct strings *argv, struct strings *bound, const char *path)
{
	if (!confine_kind(path) || !can_be_bound(path) || is_below_any(path, bound))
		return;
	confine_add(argv, "--bind", path, path);
	strings_add(bound, path);
}

int confine_command(struct strings *argv, const struct confinement *c, struct err *err)
{
	char *bwrap = confine_find("bwrap");
	if (!bwrap)
		return err_set(err, "bubblewrap is not installed, and nothing that is not trusted is run without it: apt "
		               "install bubblewrap (dnf install, pacman -S)");
	free(bwrap);
	struct strings inner = {0}, writable = {0}, visible = outer_first(c->visible);
	if (c->home)
		strings_add(&writable, c->home);
	for (size_t i = 0; c->writable && i < c->writable->count; i++)
		strings_add(&writable, c->writable->at[i]);
	confine_system(argv);
	if (c->network) {
		confine_add(argv, "--share-net", NULL, NULL);
		bind_names(argv);
	}
	strings_copy(&inner, &writable);	/* nothing is made below what is writable */
	for (size_t i = 0; i < visible.count; i++)
		bind_visible(argv, &inner, visible.at[i]);
	strings_release(&inner);
	struct strings order = outer_first(&writable);
	for (size_t i = 0; i < order.count; i++)
		bind_writable(argv, &inner, order.at[i]);
	confine_add(argv, "--remount-ro", "/", NULL);
	confine_add(argv, "--chdir", c->directory ? c->directory : c->home ? c->home : "/tmp", "--");
	strings_release(&inner);
	strings_release(&writable);
	strings_release(&visible);
	strings_release(&order);
	return 0;
}

static void add_variable(struct strings *env, const char *name, const char *value)
{
	char *variable = xasprintf("%s=%s", name, value);
	strings_add(env, variable);
	free(variable);
}

void confine_environment(struct strings *env, const struct confinement *c)
{
	const char *path = getenv("PATH"), *lang = getenv("LANG");
	add_variable(env, "PATH", path && *path ? path : plain_path);
	add_variable(env, "HOME", c->home ? c->home : "/tmp");
	add_variable(env, "LANG", lang && *lang ? lang : "C.UTF-8");
	add_variable(env, "TERM", "dumb");
	add_variable(env, "TMPDIR", "/tmp");
	for (size_t i = 0; c->env && i < c->env->count; i++)
		strings_add(env, c->env->at[i]);
}

/* --- what a program needs ----------------------------------------------------------------------------------------- */

char *confine_find(const char *program)
{
	const char *path = getenv("PATH");
	if (strchr(program, '/'))
		return access(program, X_OK) ? NULL : xstrdup(program);
	for (const char *at = path ? path : ""; *at;) {
		size_t n = strcspn(at, ":");
		char *file = xasprintf("%.*s/%s", (int)n, at, program);
		struct stat st;
		if (n && !stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK))
			return file;
		free(file);
		at += n + (at[n] == ':');
	}
	return NULL;
}

static void add_once(struct strings *visible, const char *path)
{
	if (can_be_bound(path) && !strings_have(visible, path))
		strings_add(visible, path);
}

static void add_if_there(struct strings *visible, char *path_taken)
{
	if (confine_kind(path_taken))
		add_once(visible, path_taken);
	free(path_taken);
}

/* The folder of Node packages that it is part of: the outermost, since packages use those beside them. */
static void add_packages(struct strings *visible, const char *real)
{
	static const char folder[] = "/node_modules/";
	const char *found = strstr(real, folder);
	if (found)
		add_if_there(visible, xasprintf("%.*s", (int)(found - real + (int)sizeof folder - 2), real));
}

/* PREFIX/bin/program: its libraries; all of PREFIX where that is an environment of Python's or a manager of versions. */
static void add_prefix(struct strings *visible, const char *path)
{
	const char *name = strrchr(path, '/');
	size_t folder = (size_t)(name - path), prefix = folder;
	while (prefix && path[prefix - 1] != '/')
		prefix--;
	if (prefix < 2)
		return;
	const char *last = path + prefix;
	size_t length = folder - prefix;
	char *marker = xasprintf("%.*spyvenv.cfg", (int)prefix, path);
	if (confine_kind(marker) || (length == 5 && !strncmp(last, "shims", 5)))
		add_if_there(visible, xstrndup(path, prefix - 1));
	else if (length == 3 && !strncmp(last, "bin", 3))
		add_if_there(visible, xasprintf("%.*slib", (int)prefix, path));
	free(marker);
}

/* /opt/NAME is one thing. */
static void add_option(struct strings *visible, const char *real)
{
	if (strncmp(real, "/opt/", 5))
		return;
	size_t n = 5 + strcspn(real + 5, "/");
	if (real[n])
		add_if_there(visible, xstrndup(real, n));
}

static void add_file(struct strings *visible, const char *path)
{
	char *real = realpath(path, NULL);
	if (real) {
		add_once(visible, path);
		add_once(visible, real);
		add_packages(visible, real);
		add_option(visible, real);
	}
	free(real);
}

/* The word that names the program of a #! line, into word; env(1) looks it up. 0 when there is none. */
static int interpreter(const char *path, char *word, size_t size)
{
	char line[FIRST_LINE] = "";
	FILE *file = fopen(path, "re");
	int is_script = file && fgets(line, sizeof line, file) && !strncmp(line, "#!", 2);
	if (file)
		fclose(file);
	if (!is_script)
		return 0;
	char *rest = NULL, *first = strtok_r(line + 2, " \t\r\n", &rest), *next = first;
	const char *base = first ? strrchr(first, '/') : NULL;
	if (base && !strcmp(base, "/env"))
		while ((next = strtok_r(NULL, " \t\r\n", &rest)) && (*next == '-' || strchr(next, '=')))
			;
	if (next)
		snprintf(word, size, "%s", next);
	return next != NULL;
}

static void add_program(struct strings *visible, const char *program, int depth)
{
	char *path = confine_find(program), word[FIRST_LINE];
	if (path && path[0] == '/' && depth < DEEPEST) {
		char *real = realpath(path, NULL);
		add_file(visible, path);
		add_prefix(visible, path);
		if (real && strcmp(real, path))
			add_prefix(visible, real);
		if (interpreter(path, word, sizeof word))
			add_program(visible, word, depth + 1);
		free(real);
	}
	free(path);
}

/* Of `env -i NAME=value program …` the program. NULL: it is none of these. */
static const char *behind_env(const char *const *argv)
{
	const char *base = argv[0] && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	if (!base || strcmp(base, "env"))
		return NULL;
	while (*++argv && (**argv == '-' || strchr(*argv, '=')))
		;
	return *argv;
}

void confine_program(struct strings *visible, const char *const *argv)
{
	const char *behind = behind_env(argv);
	add_program(visible, argv[0], 0);
	if (behind)
		add_program(visible, behind, 0);
	for (size_t i = 1; argv[0] && argv[i]; i++)
		if (argv[i][0] == '/')
			add_file(visible, argv[i]);
}
