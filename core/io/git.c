/* Git, through libgit2: this is the one file that sees it. Its global state is counted in and out with each handle
 * (and around each of the functions that need none), so a process that never calls git never loads its tables.
 *
 * Nothing here touches the user's index, working tree or branch. A proposal is made in memory: its parent's tree is
 * read into an index that has no file, the patch is laid over that, and the result is written as blobs, trees and a
 * commit that only a hidden ref will hold. A checkout writes plain files through core/io/folder, with no filters, hooks
 * or worktree registration. */
#include "core/io/git.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libgit2 has other things under four of our names; in this file its own read git2_…. Types only, but for a function
 * that is never called, so nothing of it reaches the linker. */
#define git_config git2_config
#define git_config_entry git2_config_entry
#define git_diff git2_diff
#define git_rebase_commit git2_rebase_commit
#include <git2.h>
#undef git_config
#undef git_config_entry
#undef git_diff
#undef git_rebase_commit

#include "core/io/folder.h"

struct git {
	git_repository *repository;
	char *root;
};

static const char skydeck_name[] = "skydeck", skydeck_mail[] = "skydeck@localhost";

/* What libgit2 said last, on one line. Valid until its next call. */
static const char *reason(void)
{
	const git_error *last = git_error_last();
	if (!last || !last->message)
		return "git gives no reason";
	for (char *newline; (newline = strchr(last->message, '\n')); )
		*newline = ' ';
	return last->message;
}

/* Sets "sentence: what libgit2 said" and returns -1. */
static int __attribute__((format(printf, 2, 3))) fail(struct err *err, const char *format, ...)
{
	char sentence[600];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	return err_set(err, "%s: %s", sentence, reason());
}

static void id_text(char id[GIT_ID], const git_oid *oid)
{
	git_oid_tostr(id, GIT_ID, oid);
}

static int commit_lookup(struct git *g, git_commit **commit, const char *id, struct err *err)
{
	git_oid oid;
	if (git_oid_fromstr(&oid, id) < 0 || git_commit_lookup(commit, g->repository, &oid) < 0)
		return fail(err, "no commit %s in %s", id, g->root);
	return 0;
}

static int tree_lookup(struct git *g, git_tree **tree, const char *id, struct err *err)
{
	git_commit *commit;
	if (commit_lookup(g, &commit, id, err))
		return -1;
	int rc = git_commit_tree(tree, commit) < 0 ? fail(err, "cannot read the tree of %s", id) : 0;
	git_commit_free(commit);
	return rc;
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
		fail(err, "cannot open the repository at %s", path);
	git_buf_dispose(&found);
	return -1;
}

struct git *git_open(const char *path, struct err *err)
{
	git_repository *repository;
	git_libgit2_init();
	int code = git_repository_open_ext(&repository, path, 0, NULL);
	if (code < 0) {
		open_failed(path, code, err);
		git_libgit2_shutdown();
		return NULL;
	}
	git_repository_set_ident(repository, skydeck_name, skydeck_mail);
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
		return err_set(err, "%s has no commit yet: commit the project first (git add -A && git commit)", g->root);
	if (code < 0)
		return fail(err, "cannot read HEAD of %s", g->root);
	id_text(id, &oid);
	return 0;
}

int git_resolve(struct git *g, const char *revision, char id[GIT_ID], struct err *err)
{
	git_object *object = NULL, *commit = NULL;
	int code = git_revparse_single(&object, g->repository, revision);
	if (!code)
		code = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (!code)
		id_text(id, git_object_id(commit));
	git_object_free(commit);
	git_object_free(object);
	return code ? fail(err, "'%s' names no commit in %s", revision, g->root) : 0;
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
		return fail(err, "cannot compare %s with its last commit", g->root);
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
	id_text(id, &oid);
	return 0;
}

int git_ref_set(struct git *g, const char *ref, const char *id, const char *expect, const char *why, struct err *err)
{
	git_oid oid, present;
	if (git_oid_fromstr(&oid, id) < 0 || (expect && git_oid_fromstr(&present, expect) < 0))
		return fail(err, "cannot set %s", ref);
	git_reference *made = NULL;
	int code = git_reference_create_matching(&made, g->repository, ref, &oid, 1, expect ? &present : NULL, why);
	git_reference_free(made);
	if (code == GIT_EMODIFIED || (code == GIT_ENOTFOUND && expect))
		return err_set(err, "%s is no longer at %.12s: someone else moved it", ref, expect);
	return code < 0 ? fail(err, "cannot set %s", ref) : 0;
}

int git_ref_delete(struct git *g, const char *ref, struct err *err)
{
	return git_reference_remove(g->repository, ref) < 0 ? fail(err, "cannot delete %s", ref) : 0;
}

int git_is_checked_out(struct git *g, const char *ref)
{
	if (git_repository_is_bare(g->repository))
		return 0;
	git_reference *head = NULL, *branch = NULL;
	int is = !git_reference_lookup(&head, g->repository, "HEAD") && git_reference_type(head) == GIT_REFERENCE_SYMBOLIC &&
	         !strcmp(git_reference_symbolic_target(head), ref);
	if (!is && !git_reference_lookup(&branch, g->repository, ref) && git_reference_is_branch(branch))
		is = git_branch_is_checked_out(branch) == 1;	/* in another worktree of the user's */
	git_reference_free(head);
	git_reference_free(branch);
	return is;
}

/* Checkout. */

static int is_in_tree(const char *name, const void *tree)
{
	return git_tree_entry_byname(tree, name) != NULL;
}

/* Trees are not checked when they are read: one made by hand can name what git itself never would. */
static int is_safe_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && strcasecmp(name, ".git") && !strchr(name, '/');
}

static int write_blob(struct git *g, const git_tree_entry *entry, int folder, struct err *err)
{
	git_blob *blob;
	if (git_blob_lookup(&blob, g->repository, git_tree_entry_id(entry)) < 0)
		return fail(err, "cannot read %s", git_tree_entry_name(entry));
	enum folder_kind kind = FOLDER_FILE;
	if (git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
		kind = FOLDER_SYMLINK;
	else if (git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE)
		kind = FOLDER_EXECUTABLE;
	int rc = folder_put(folder, git_tree_entry_name(entry), kind, git_blob_rawcontent(blob),
	                    (size_t)git_blob_rawsize(blob), err);
	git_blob_free(blob);
	return rc;
}

static int write_tree(struct git *g, const git_tree *tree, int folder, int keep_untracked, struct err *err);

/* A subfolder, or the empty folder that stands for a submodule. */
static int write_folder(struct git *g, const git_tree_entry *entry, int folder, int keep_untracked, struct err *err)
{
	int inner = folder_enter(folder, git_tree_entry_name(entry), err);
	if (inner < 0)
		return -1;
	int rc = 0;
	git_tree *tree = NULL;
	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
		if (git_tree_lookup(&tree, g->repository, git_tree_entry_id(entry)) < 0)
			rc = fail(err, "cannot read the folder %s", git_tree_entry_name(entry));
		else
			rc = write_tree(g, tree, inner, keep_untracked, err);
	}
	git_tree_free(tree);
	close(inner);
	return rc;
}

static int write_tree(struct git *g, const git_tree *tree, int folder, int keep_untracked, struct err *err)
{
	if (!keep_untracked && folder_prune(folder, is_in_tree, tree, err))
		return -1;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		if (!is_safe_name(git_tree_entry_name(entry)))
			return err_set(err, "the tree holds the name '%s', which is not safe to write", git_tree_entry_name(entry));
		int is_file = git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
		if (is_file ? write_blob(g, entry, folder, err) : write_folder(g, entry, folder, keep_untracked, err))
			return -1;
	}
	return 0;
}

/* Removes what the tree of `former` holds and the new one does not. */
static int remove_stale(struct git *g, const char *former, git_tree *tree, int folder, struct err *err)
{
	git_tree *old;
	git2_diff *diff = NULL;
	if (tree_lookup(g, &old, former, NULL))
		return 0;	/* long gone: then so is the knowledge of what it held */
	int rc = git_diff_tree_to_tree(&diff, g->repository, old, tree, NULL) < 0 ? fail(err, "cannot compare trees") : 0;
	for (size_t i = 0; !rc && i < git_diff_num_deltas(diff); i++)
		if (git_diff_get_delta(diff, i)->status == GIT_DELTA_DELETED)
			rc = folder_remove_path(folder, git_diff_get_delta(diff, i)->old_file.path, err);
	git_diff_free(diff);
	git_tree_free(old);
	return rc;
}

static int write_record(const char *record, const char *former, const char *commit, struct err *err)
{
	FILE *file = fopen(record, "we");
	if (!file || (fprintf(file, "%s%s\n", former, commit) < 0) | (fclose(file) != 0))
		return err_set(err, "cannot write %s: %s", record, strerror(errno));
	return 0;
}

/* With build output kept, a file that the former commit had and this one has not would stay behind. So the commit
 * that was written stands in FOLDER.commit; while it is being written both do, in case that is cut short. */
static int write_over(struct git *g, git_tree *tree, const char *commit, const char *record, int fd, struct err *err)
{
	struct buf former = {0};
	buf_read_file(&former, record, 1 << 16);
	int rc = write_record(record, buf_str(&former), commit, err);
	for (size_t at = 0; !rc && at + GIT_ID <= former.len; at += GIT_ID) {
		former.data[at + GIT_ID - 1] = '\0';
		rc = remove_stale(g, former.data + at, tree, fd, err);
	}
	buf_release(&former);
	if (!rc)
		rc = write_tree(g, tree, fd, 1, err);
	return rc ? rc : write_record(record, "", commit, err);
}

int git_checkout(struct git *g, const char *commit, const char *folder, int keep_untracked, struct err *err)
{
	git_tree *tree;
	if (tree_lookup(g, &tree, commit, err))
		return -1;
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	char *record = xasprintf("%.*s.commit", (int)length, folder);
	int fd = folder_open(folder, err), rc = -1;
	if (fd >= 0 && keep_untracked) {
		rc = write_over(g, tree, commit, record, fd, err);
	} else if (fd >= 0) {
		unlink(record);
		rc = write_tree(g, tree, fd, 0, err);
	}
	if (rc && fd >= 0)
		err_prefix(err, "checking %.12s out into %s", commit, folder);
	if (fd >= 0)
		close(fd);
	git_tree_free(tree);
	free(record);
	return rc;
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
		*to = (struct git_config_entry){xstrdup(entry->name), xstrdup(entry->value ? entry->value : "true"), xstrdup(file)};
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
		rc = fail(err, "%s", path);
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
