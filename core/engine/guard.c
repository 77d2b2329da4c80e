/* The guard stands before the first gate in every mode. It looks at the change alone, file by file, and says everything
 * it finds at once, so that a human who waves a proposal through has seen all of it. */
#include "core/engine/guard.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

/* Where build flags live: a patch that edits these changes what is measured, not the code. Naming one in target.scope
 * lifts the protection. */
static const char *const build_files[] = {
	"Makefile", "makefile", "GNUmakefile", "*.mk", "CMakeLists.txt", "*.cmake", "configure", "configure.ac", "meson.build",
	"meson_options.txt", "meson.options", "Makefile.am", "Makefile.in", "CMakePresets.json", "CMakeUserPresets.json", "SConstruct", "SConscript",
	"BUILD.bazel", "*.bzl", "build.ninja", "build.zig", "build.gradle", "pom.xml", "setup.cfg", "rust-toolchain", "rust-toolchain.toml",
	"Cargo.toml", "Cargo.lock", ".cargo/*", "build.rs", "go.mod", "go.sum", "package.json", "pyproject.toml", "setup.py",
};
static const char *const own_files[] = {
	".skydeck", ".auto", "autoresearch.sh", "autoresearch.checks.sh", "autoresearch.config.json", ".git", ".gitattributes", ".gitmodules",
	"setup_deps.sh",
};

enum { FILES_MAX = 1000 };	/* that are looked at: the loop waits meanwhile, and no human reads more */

static int matches_one(const char *pattern, const char *path)
{
	char *at[] = { (char *)(pattern) };
	struct strings one = { at, 1, 1 };
	return git_matches(&one, path);
}

static int in_table(const char *const *table, size_t count, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	for (size_t i = 0; i < count; i++)
		if (matches_one(table[i], path) || matches_one(table[i], name))
			return 1;
	return 0;
}

static void add(struct strings *reasons, const char *path, const char *why)
{
	char *safe = text_safe_string(path, strlen(path), TEXT_LINE), *reason = xasprintf("%s %s", safe, why);
	if (!strings_have(reasons, reason))
		strings_add(reasons, reason);
	free(reason);
	free(safe);
}

static void check_path(const struct config *c, const struct strings *harness, const char *path, struct strings *reasons)
{
	if (strings_have(harness, path) || in_table(own_files, sizeof own_files / sizeof *own_files, path))
		add(reasons, path, "belongs to the harness");
	else if (c->target_protect.count && git_matches(&c->target_protect, path))
		add(reasons, path, "is protected (target.protect)");
	else if (c->target_scope.count && !git_matches(&c->target_scope, path))
		add(reasons, path, "is outside of target.scope");
	else if (!c->target_scope.count && in_table(build_files, sizeof build_files / sizeof *build_files, path))
		add(reasons, path, "holds build flags");
}

/* Whether a link at path with that target points out of the tree. */
static int leaves_tree(const char *path, const char *link)
{
	if (*link == '/')
		return 1;
	int depth = 0;
	for (const char *p = path; (p = strchr(p, '/')); p++)
		depth++;
	for (const char *p = link; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			depth--;
		else if (n && !(n == 1 && *p == '.'))
			depth++;
		if (depth < 0)
			return 1;
		p += n + (p[n] == '/');
	}
	return 0;
}

static void check_kind(const struct git_file *f, struct strings *reasons)
{
	enum { TYPE = 0170000, LINK = 0120000, MODULE = 0160000 };
	unsigned old_type = f->old_mode & TYPE, new_type = f->new_mode & TYPE;
	if (old_type == MODULE || new_type == MODULE)
		add(reasons, f->path, "is a submodule");
	else if (new_type == LINK && f->link && leaves_tree(f->path, f->link))
		add(reasons, f->path, "is a symbolic link that leaves the tree");
	else if (f->old_mode && f->new_mode && f->old_mode != f->new_mode)
		add(reasons, f->path, "changes its mode");
	else if (!f->old_mode && f->new_mode == 0100755)
		add(reasons, f->path, "is a new executable file");
	if (f->binary)
		add(reasons, f->path, "is binary");
}

void guard_check(const struct config *c, const struct strings *harness, const struct git_change *change, struct strings *reasons)
{
	if (change->count > FILES_MAX) {
		char *reason = xasprintf("%zu changed files are too many: only %d of them were looked at", change->count, FILES_MAX);
		strings_add(reasons, reason);
		free(reason);
	}
	for (size_t i = 0; i < change->count && i < FILES_MAX; i++) {
		const struct git_file *f = &change->files[i];
		check_path(c, harness, f->path, reasons);
		if (f->old_path && strcmp(f->old_path, f->path))
			check_path(c, harness, f->old_path, reasons);
		check_kind(f, reasons);
	}
	long lines = (long)change->added + (long)change->removed;
	if (c->target_maxlines && lines > c->target_maxlines) {
		char *reason = xasprintf("%ld changed lines are more than %ld (target.maxlines)", lines, c->target_maxlines);
		strings_add(reasons, reason);
		free(reason);
	}
}
