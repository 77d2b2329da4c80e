/* Git, through libgit2: repositories, their refs and their settings. Patches and merges are in git_patch.c, what commits hold
 * in git_read.c, and trees as folders and bundles in git_checkout.c.
 *
 * libgit2's global state is counted in and out with each handle (and around each of the functions that need none), so a
 * process that never calls git never loads its tables. */
#include "core/io/git_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *repo_reason(void)
{
	const git_error *last = git_error_last();
	if (!last || !last->message)
		return "git gives no reason";
	for (char *newline; (newline = strchr(last->message, '\n')); )
		*newline = ' ';
	return last->message;
}

int repo_fail(struct err *err, const char *format, ...)
{
	char sentence[600];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	return err_set(err, "%s: %s", sentence, repo_reason());
}

void repo_id(char id[GIT_ID], const git_oid *oid)
{
	git_oid_tostr(id, GIT_ID, oid);
}

int repo_commit(struct git *g, git_commit **commit, const char *id, struct err *err)
{
	git_oid oid;
	if (git_oid_fromstr(&oid, id) < 0 || git_commit_lookup(commit, g->repository, &oid) < 0)
		return repo_fail(err, "no commit %s in %s", id, g->root);
	return 0;
}

int repo_tree(struct git *g, git_tree **tree, const char *id, struct err *err)
{
	git_commit *commit;
	if (repo_commit(g, &commit, id, err))
		return -1;
	int rc = git_commit_tree(tree, commit) < 0 ? repo_fail(err, "cannot read the tree of %s", id) : 0;
	git_commit_free(commit);
	return rc;
}

int repo_is_safe_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && strcasecmp(name, ".git") && !strchr(name, '/');
}

/* Opening. */

/* libgit2 1.5 reports "not found" also for a repository of another user when the user's config lists no safe.directory:
 * one that can be discovered is not missing. */
static int open_failed(const char *path, int code, struct err *err)
{
	struct stat st;
	git_buf found = {0};
	if (stat(path, &st))
		return err_set(err, "cannot open %s: %s", path, strerror(errno));
	int is_there = code == GIT_EOWNER || (code == GIT_ENOTFOUND && !git_repository_discover(&found, path, 0, NULL));
	if (is_there)
		err_set(err, "the repository at %s belongs to another user; if you trust it, name its folder to git: "
		        "git config --global --add safe.directory FOLDER", path);
	else if (code == GIT_ENOTFOUND)
		err_set(err, "no git repository at %s or above it: run `git init` there and commit the project", path);
	else
		repo_fail(err, "cannot open the repository at %s", path);
	git_buf_dispose(&found);
	return -1;
}

static struct git *open_with(const char *path, unsigned flags, struct err *err)
{
	git_repository *repository;
	git_libgit2_init();
	int code = git_repository_open_ext(&repository, path, flags, NULL);
	if (code < 0) {
		open_failed(path, code, err);
		git_libgit2_shutdown();
		return NULL;
	}
	git_repository_set_ident(repository, REPO_NAME, REPO_MAIL);
	const char *root = git_repository_workdir(repository);
	if (!root)
		root = git_repository_path(repository);
	size_t length = strlen(root);
	while (length > 1 && root[length - 1] == '/')
		length--;
	struct git *g = xmalloc(sizeof *g);
	*g = (struct git){.repository = repository, .root = xstrndup(root, length)};
	return g;
}

struct git *git_open(const char *path, struct err *err)
{
	return open_with(path, 0, err);
}

void git_close(struct git *g)
{
	if (!g)
		return;
	git_repository_free(g->repository);
	free(g->root);
	free(g);
	git_libgit2_shutdown();
}

const char *git_root(const struct git *g)
{
	return g->root;
}

int git_head(struct git *g, char id[GIT_ID], struct err *err)
{
	git_oid oid;
	int code = git_reference_name_to_id(&oid, g->repository, "HEAD");
	if (code == GIT_ENOTFOUND)
		return err_set(err, "%s has no commit yet: commit the project first (git add -A && git commit)",
		               g->root);
	if (code < 0)
		return repo_fail(err, "cannot read HEAD of %s", g->root);
	repo_id(id, &oid);
	return 0;
}

int git_resolve(struct git *g, const char *revision, char id[GIT_ID], struct err *err)
{
	git_object *object = NULL, *commit = NULL;
	int code = git_revparse_single(&object, g->repository, revision);
	if (!code)
		code = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (!code)
		repo_id(id, git_object_id(commit));
	git_object_free(commit);
	git_object_free(object);
	return code ? repo_fail(err, "'%s' names no commit in %s", revision, g->root) : 0;
}

int git_dirty(struct git *g, struct strings *paths, struct err *err)
{
	if (git_repository_is_bare(g->repository))
		return 0;
	git_status_options options;
	git_status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
	options.flags = 0;	/* neither untracked nor ignored files; the index is read, never refreshed */
	git_status_list *list;
	if (git_status_list_new(&list, g->repository, &options) < 0)
		return repo_fail(err, "cannot compare %s with its last commit", g->root);
	for (size_t i = 0; i < git_status_list_entrycount(list); i++) {
		const git_status_entry *entry = git_status_byindex(list, i);
		const git_diff_delta *delta = entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
		strings_add(paths, delta->old_file.path ? delta->old_file.path : delta->new_file.path);
	}
	git_status_list_free(list);
	return 0;
}

static int has_line(const char *text, const char *line)
{
	size_t length = strlen(line);
	for (const char *at = text; (at = strstr(at, line)); at++) {
		const char *end = at + length + (at[length] == '\r');
		if ((at == text || at[-1] == '\n') && (!*end || *end == '\n'))
			return 1;
	}
	return 0;
}

int git_exclude(struct git *g, const char *pattern, struct err *err)
{
	char *folder = xasprintf("%sinfo", git_repository_commondir(g->repository));
	char *path = xasprintf("%s/exclude", folder);
	struct buf old = {0}, line = {0};
	int rc = 0;
	if (buf_read_file(&old, path, 16 << 20) && errno != ENOENT) {
		rc = err_set(err, "cannot read %s: %s", path, strerror(errno));
	} else if (!has_line(buf_str(&old), pattern)) {
		buf_printf(&line, "%s%s\n", old.len && old.data[old.len - 1] != '\n' ? "\n" : "", pattern);
		mkdir(folder, 0777);
		int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len)
			rc = err_set(err, "cannot add %s to %s: %s", pattern, path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	buf_release(&old);
	buf_release(&line);
	free(path);
	free(folder);
	return rc;
}

/* Refs. */

int git_ref_get(struct git *g, const char *ref, char id[GIT_ID])
{
	git_oid oid;
	if (git_reference_name_to_id(&oid, g->repository, ref) < 0)
		return -1;
	repo_id(id, &oid);
	return 0;
}

int git_ref_set(struct git *g, const char *ref, const char *id, const char *expect, const char *why, struct err *err)
{
	git_oid oid, present;
	if (git_oid_fromstr(&oid, id) < 0 || (expect && git_oid_fromstr(&present, expect) < 0))
		return repo_fail(err, "cannot set %s", ref);
	git_reference *made = NULL;
	int code = git_reference_create_matching(&made, g->repository, ref, &oid, 1, expect ? &present : NULL, why);
	git_reference_free(made);
	if (code == GIT_EMODIFIED || (code == GIT_ENOTFOUND && expect))
		return err_set(err, "%s is no longer at %.12s: someone else moved it", ref, expect);
	return code < 0 ? repo_fail(err, "cannot set %s", ref) : 0;
}

int git_ref_delete(struct git *g, const char *ref, struct err *err)
{
	return git_reference_remove(g->repository, ref) < 0 ? repo_fail(err, "cannot delete %s", ref) : 0;
}

int git_is_checked_out(struct git *g, const char *ref)
{
	if (git_repository_is_bare(g->repository))
		return 0;
	git_reference *head = NULL, *branch = NULL;
	int is = !git_reference_lookup(&head, g->repository, "HEAD") &&
	         git_reference_type(head) == GIT_REFERENCE_SYMBOLIC &&
	         !strcmp(git_reference_symbolic_target(head), ref);
	if (!is && !git_reference_lookup(&branch, g->repository, ref) && git_reference_is_branch(branch))
		is = git_branch_is_checked_out(branch) == 1;	/* in another worktree of the user's */
	git_reference_free(head);
	git_reference_free(branch);
	return is;
}

/* Repositories that are nobody's business to change. */

struct git *git_open_bare(const char *path, struct err *err)
{
	struct git *g = open_with(path, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE, NULL);
	if (g)
		return g;
	char *inner = xasprintf("%s/.git", path);	/* a folder, or a file that names one */
	struct stat st;
	g = open_with(path, stat(inner, &st) ? GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE : GIT_REPOSITORY_OPEN_NO_SEARCH, err);
	free(inner);
	if (!g)
		return NULL;
	const char *folder = git_repository_commondir(g->repository);
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	free(g->root);
	g->root = xstrndup(folder, length);
	return g;
}

const char *git_folder(const struct git *g)
{
	return g->root;
}


static int has_history_of(struct git *a, struct git *b)
{
	enum { COMMITS = 5000 };
	git_revwalk *walk = NULL;
	git_odb *odb = NULL;
	git_oid id;
	int found = 0;
	if (!git_revwalk_new(&walk, b->repository) && !git_revwalk_push_head(walk) && !git_repository_odb(&odb, a->repository))
		for (int i = 0; i < COMMITS && !found && !git_revwalk_next(&id, walk); i++)
			found = git_odb_exists(odb, &id);
	git_odb_free(odb);
	git_revwalk_free(walk);
	return found;
}

int git_is_related(struct git *a, struct git *b)
{
	return has_history_of(a, b) || has_history_of(b, a);
}
/* Pathspecs. */

/* libgit2 knows negation as a leading "!", where git has its ":" magic. Adds the pattern in libgit2's words and returns
 * whether it excludes. (A leading "!" is a letter to git's pathspecs; here it excludes, as in .gitignore.) */
static int add_pathspec(struct strings *list, const char *spec)
{
	int excludes = 0;
	if (!strncmp(spec, ":(", 2) && strchr(spec, ')')) {
		const char *close = strchr(spec, ')'), *word = strstr(spec, "exclude");
		excludes = word && word < close;
		spec = close + 1;
	} else if (*spec == ':') {
		for (spec++; *spec && strchr("!^/", *spec); spec++)
			excludes |= *spec != '/';
	}
	while (!strncmp(spec, "./", 2))
		spec += 2;
	char *pattern = xasprintf("%s%s", excludes ? "!" : "", *spec ? spec : "*");
	strings_add(list, pattern);
	excludes = *pattern == '!';
	free(pattern);
	return excludes;
}

static int count_excludes(const struct strings *pathspecs)
{
	struct strings ignored = {0};
	int count = 0;
	for (size_t i = 0; i < pathspecs->count; i++)
		count += add_pathspec(&ignored, pathspecs->at[i]);
	strings_release(&ignored);
	return count;
}

/* libgit2 takes the first pattern that fits, git lets every exclusion win: so they go first. */
static void sort_pathspecs(struct strings *sorted, const struct strings *pathspecs)
{
	for (int excluding = 1; excluding >= 0; excluding--)
		for (size_t i = 0; i < pathspecs->count; i++) {
			struct strings one = {0};
			if (add_pathspec(&one, pathspecs->at[i]) == excluding)
				strings_add(sorted, one.at[0]);
			strings_release(&one);
		}
	if ((size_t)count_excludes(pathspecs) == pathspecs->count)
		strings_add(sorted, "*");
}

int git_matches(const struct strings *pathspecs, const char *path)
{
	if (!pathspecs->count)
		return 0;
	struct strings sorted = {0};
	sort_pathspecs(&sorted, pathspecs);
	git_strarray list = {sorted.at, sorted.count};
	git_pathspec *spec = NULL;
	git_libgit2_init();
	int matches = !git_pathspec_new(&spec, &list) &&
	              git_pathspec_matches_path(spec, GIT_PATHSPEC_DEFAULT, path) == 1;
	git_pathspec_free(spec);
	git_libgit2_shutdown();
	strings_release(&sorted);
	return matches;
}

/* Config files. */

enum { INCLUDE_DEPTH = 10 };	/* as deep as libgit2 goes */

static int is_include(const char *name)
{
	size_t length = strlen(name);
	return !strcmp(name, "include.path") ||
	       (!strncmp(name, "includeif.", 10) && length > 15 && !strcmp(name + length - 5, ".path"));
}

/* Where `path` written in `file` leads: as git reads it, relative to the folder of that file. */
static char *included_path(const char *file, const char *path)
{
	const char *home = getenv("HOME"), *slash = strrchr(file, '/');
	if (!strncmp(path, "~/", 2) && home)
		return xasprintf("%s%s", home, path + 1);
	return *path == '/' || !slash ? xstrdup(path) : xasprintf("%.*s/%s", (int)(slash - file), file, path);
}

/* libgit2 1.5 does not say which file an entry is from, but it lists the include right before what it includes. */
static int read_entries(git_config_iterator *iterator, const char *path, struct git_config *out)
{
	char *files[INCLUDE_DEPTH + 2] = {xstrdup(path)};
	git2_config_entry *entry;
	int code;
	while (!(code = git_config_next(&entry, iterator))) {
		unsigned depth = entry->include_depth < INCLUDE_DEPTH ? entry->include_depth : INCLUDE_DEPTH;
		const char *file = files[depth] ? files[depth] : path;
		if (is_include(entry->name)) {
			char *inner = included_path(file, entry->value ? entry->value : "");
			free(files[depth + 1]);
			files[depth + 1] = inner;
			continue;
		}
		struct git_config_entry *to = array_add(&out->entries, &out->count, &out->room, sizeof *to);
		to->name = xstrdup(entry->name);
		to->value = xstrdup(entry->value ? entry->value : "true");
		to->file = xstrdup(file);
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		free(files[i]);
	return code == GIT_ITEROVER ? 0 : -1;
}

int git_config_read(const char *path, struct git_config *out, struct err *err)
{
	struct stat st;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : err_set(err, "cannot read %s: %s", path, strerror(errno));
	git2_config *config = NULL;
	git_config_iterator *iterator = NULL;
	git_libgit2_init();
	int rc = git_config_open_ondisk(&config, path) < 0 || git_config_iterator_new(&iterator, config) < 0 ||
	         read_entries(iterator, path, out);
	if (rc)
		rc = repo_fail(err, "%s", path);
	git_config_iterator_free(iterator);
	git_config_free(config);
	git_libgit2_shutdown();
	return rc;
}

void git_config_release(struct git_config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->entries[i].name);
		free(c->entries[i].value);
		free(c->entries[i].file);
	}
	free(c->entries);
	*c = (struct git_config){0};
}

/* A new repository. */

static int first_commit(git_repository *repository, const char *message)
{
	git_index *index = NULL;
	git_tree *tree = NULL;
	git_signature *signature = NULL;
	git_oid tree_id, commit_id;
	git_strarray all = {0};
	int rc = git_repository_index(&index, repository) < 0 ||
	         git_index_add_all(index, &all, GIT_INDEX_ADD_DEFAULT, NULL, NULL) < 0 || git_index_write(index) < 0 ||
	         git_index_write_tree(&tree_id, index) < 0 || git_tree_lookup(&tree, repository, &tree_id) < 0 ||
	         (git_signature_default(&signature, repository) < 0 &&
	          git_signature_now(&signature, REPO_NAME, REPO_MAIL) < 0) ||
	         git_commit_create(&commit_id, repository, "HEAD", signature, signature, NULL, message, tree, 0,
	                           NULL) < 0;
	git_signature_free(signature);
	git_tree_free(tree);
	git_index_free(index);
	return rc ? -1 : 0;
}

int git_create(const char *folder, const char *message, struct err *err)
{
	git_repository *repository = NULL;
	git_repository_init_options options;
	git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_NO_REINIT | GIT_REPOSITORY_INIT_MKPATH;
	options.initial_head = "main";
	git_libgit2_init();
	int code = git_repository_init_ext(&repository, folder, &options), rc = 0;
	if (code == GIT_EEXISTS)
		rc = err_set(err, "%s holds a git repository already: choose another folder", folder);
	else if (code < 0 || first_commit(repository, message))
		rc = repo_fail(err, "cannot make a repository of %s", folder);
	git_repository_free(repository);
	git_libgit2_shutdown();
	return rc;
}

void git_hash(const void *bytes, size_t n, char id[GIT_ID])
{
	git_oid oid = {{0}};
	git_libgit2_init();
	git_odb_hash(&oid, bytes, n, GIT_OBJECT_BLOB);
	repo_id(id, &oid);
	git_libgit2_shutdown();
}
