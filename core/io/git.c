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

#include "core/io/file.h"
#include "core/io/folder.h"
#include "core/io/patch.h"

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
	int is = !git_reference_lookup(&head, g->repository, "HEAD") &&
	         git_reference_type(head) == GIT_REFERENCE_SYMBOLIC &&
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
			return err_set(err, "the tree holds the name '%s', which is not safe to write",
			               git_tree_entry_name(entry));
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
	int rc = 0;
	if (git_diff_tree_to_tree(&diff, g->repository, old, tree, NULL) < 0)
		rc = fail(err, "cannot compare two trees");
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
	int failed = !file || fprintf(file, "%s%s\n", former, commit) < 0;
	if (file && fclose(file))
		failed = 1;
	return failed ? err_set(err, "cannot write %s: %s", record, strerror(errno)) : 0;
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

/* Bundles: gitformat-bundle(5). A git that unbundles one asks for the history behind a commit only if the header names
 * prerequisites, and only `git fetch` walks it: so none are named. */

static int take_pack(void *bytes, size_t size, void *payload)
{
	buf_add(payload, bytes, size);
	return 0;
}

/* Adds the commit to the pack, and its line to the header unless it stands there. */
static int add_to_bundle(struct git *g, git_packbuilder *pack, const char *id, struct buf *header, struct err *err)
{
	git_commit *commit;
	char ref[GIT_ID + 20], full[GIT_ID];
	if (commit_lookup(g, &commit, id, err))
		return -1;
	id_text(full, git_commit_id(commit));
	git_commit_free(commit);
	snprintf(ref, sizeof ref, " refs/skydeck/%s\n", full);
	if (strstr(buf_str(header), ref))
		return 0;
	buf_printf(header, "%s%s", full, ref);
	git_oid oid;
	if (git_oid_fromstr(&oid, full) < 0 || git_packbuilder_insert_commit(pack, &oid) < 0)
		return fail(err, "cannot pack the commit %.12s", full);
	return 0;
}

int git_bundle(struct git *g, const char *const *commits, size_t count, const char *path, struct err *err)
{
	git_packbuilder *pack;
	struct buf out = {0};
	int rc = 0;
	if (git_packbuilder_new(&pack, g->repository) < 0)
		return fail(err, "cannot pack commits of %s", g->root);
	buf_puts(&out, "# v2 git bundle\n");
	for (size_t i = 0; i < count && !rc; i++)
		rc = add_to_bundle(g, pack, commits[i], &out, err);
	buf_putc(&out, '\n');
	if (!rc && git_packbuilder_foreach(pack, take_pack, &out) < 0)
		rc = fail(err, "cannot pack commits of %s", g->root);
	if (!rc)
		rc = file_write(path, out.data, out.len, 0644, err);
	git_packbuilder_free(pack);
	buf_release(&out);
	return rc;
}

/* Conflicts. Each function that may find one returns 0, 1 with the conflict, or -1 with err. */

enum { HUNK_LIMIT = 16 << 10 };	/* a conflict is shown to people and agents: more of a hunk helps neither */

static int __attribute__((format(printf, 4, 5)))
conflict_set(struct git_conflict *c, const char *path, const char *hunk, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	git_conflict_release(c);
	if (vasprintf(&c->why, format, args) < 0)
		abort();
	va_end(args);
	c->path = xstrdup(path);
	c->hunk = strlen(hunk) <= HUNK_LIMIT ? xstrdup(hunk) : xasprintf("%.*s\n\\ cut here\n", (int)HUNK_LIMIT, hunk);
	return 1;
}

void git_conflict_release(struct git_conflict *c)
{
	free(c->path);
	free(c->hunk);
	free(c->why);
	*c = (struct git_conflict){0};
}

/* Patches. What it takes to lay one over a tree: the tree as it was, and as it becomes. */
struct laying {
	struct git *g;
	git_tree *tree;
	git_index *index;
	git2_diff *diff;
	struct git_conflict *conflict;
	struct err *err;
};

static int is_safe_path(const char *path)
{
	char *copy = xstrdup(path), *at = copy, *name;
	int safe = *path != '\0';
	while (safe && (name = strsep(&at, "/")))
		safe = is_safe_name(name);
	free(copy);
	return safe;
}

static const char *path_of(const git_diff_delta *delta)
{
	int is_gone = delta->status == GIT_DELTA_DELETED || !delta->new_file.path;
	return is_gone ? delta->old_file.path : delta->new_file.path;
}

/* Old names leave the index before anything new comes in, so that a patch may swap two files or make one a folder. */
static int take_out(struct laying *l, const git_diff_delta *delta)
{
	const char *old_path = delta->old_file.path, *new_path = delta->new_file.path;
	if ((old_path && !is_safe_path(old_path)) || (new_path && !is_safe_path(new_path)))
		return conflict_set(l->conflict, path_of(delta), "", "the path is not one that a patch may name");
	if (delta->status == GIT_DELTA_DELETED || delta->status == GIT_DELTA_RENAMED)
		git_index_remove(l->index, old_path, 0);
	return 0;
}

/* The bytes that a patch sees under an id; a submodule is the one line that git shows for it. */
static int read_content(struct laying *l, const git_oid *id, unsigned mode, struct buf *out)
{
	if (mode == GIT_FILEMODE_COMMIT) {
		buf_printf(out, "Subproject commit %s\n", git_oid_tostr_s(id));
		return 0;
	}
	git_blob *blob;
	if (git_blob_lookup(&blob, l->g->repository, id) < 0)
		return fail(l->err, "cannot read a file of the baseline");
	buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return 0;
}

/* What the delta starts from: a file that is modified may have been modified by an earlier delta of the same patch,
 * all else starts from the tree as it was. */
static int read_old(struct laying *l, const git_diff_delta *delta, struct buf *out, unsigned *mode)
{
	const git_index_entry *entry = git_index_get_bypath(l->index, delta->old_file.path, 0);
	if (delta->status == GIT_DELTA_MODIFIED && entry) {
		*mode = entry->mode;
		return read_content(l, &entry->id, entry->mode, out);
	}
	git_tree_entry *old = NULL;
	if (delta->status == GIT_DELTA_MODIFIED || git_tree_entry_bypath(&old, l->tree, delta->old_file.path) < 0)
		return conflict_set(l->conflict, delta->old_file.path, "", "the file does not exist in the baseline");
	*mode = git_tree_entry_filemode(old);
	int rc = *mode != GIT_FILEMODE_TREE
	         ? read_content(l, git_tree_entry_id(old), *mode, out)
	         : conflict_set(l->conflict, delta->old_file.path, "", "it is a folder in the baseline");
	git_tree_entry_free(old);
	return rc;
}

static void read_hunk(git_patch *patch, size_t i, const git_diff_hunk *header, size_t count, struct patch_hunk *hunk)
{
	*hunk = (struct patch_hunk){.old_start = (size_t)header->old_start, .old_lines = (size_t)header->old_lines};
	for (size_t k = 0; k < count; k++) {
		const git_diff_line *line;
		if (git_patch_get_line_in_hunk(&line, patch, i, k) < 0)
			continue;
		if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
		    line->origin == GIT_DIFF_LINE_DELETION) {
			struct patch_line *to = array_add(&hunk->lines, &hunk->count, &hunk->room, sizeof *to);
			*to = (struct patch_line){line->origin, line->content, line->content_len};
		} else if (hunk->count && hunk->lines[hunk->count - 1].size) {
			hunk->lines[hunk->count - 1].size--;	/* "\ No newline at end of file": of the line before */
		}
	}
}

static void print_hunk(git_patch *patch, size_t i, struct buf *out)
{
	const git_diff_hunk *header;
	size_t count;
	if (git_patch_get_hunk(&header, &count, patch, i) < 0)
		return;
	buf_add(out, header->header, header->header_len);
	for (size_t k = 0; k < count && out->len <= HUNK_LIMIT; k++) {
		const git_diff_line *line;
		if (git_patch_get_line_in_hunk(&line, patch, i, k) < 0)
			continue;
		if (strchr(" +-", line->origin))
			buf_putc(out, line->origin);
		buf_add(out, line->content, line->content_len);
	}
}

static int lay_hunks(struct laying *l, git_patch *patch, const char *path, const struct buf *old, struct buf *out)
{
	size_t count = git_patch_num_hunks(patch), failed = 0;
	struct patch_hunk *hunks = xcalloc(count, sizeof *hunks);
	struct buf why = {0}, shown = {0};
	for (size_t i = 0; i < count; i++) {
		const git_diff_hunk *header;
		size_t lines;
		if (!git_patch_get_hunk(&header, &lines, patch, i))
			read_hunk(patch, i, header, lines, &hunks[i]);
	}
	int rc = patch_apply(buf_str(old), old->len, hunks, count, out, &failed, &why);
	if (rc) {
		print_hunk(patch, failed, &shown);
		rc = conflict_set(l->conflict, path, buf_str(&shown), "hunk %zu of %zu does not apply: %s", failed + 1,
		                  count, buf_str(&why));
	}
	for (size_t i = 0; i < count; i++)
		patch_hunk_release(&hunks[i]);
	free(hunks);
	buf_release(&why);
	buf_release(&shown);
	return rc;
}

static int is_other_delta(const git_diff_delta *delta, void *payload)
{
	return delta != payload;
}

/* Binary data is packed: libgit2 unpacks and checks it, on this one file. */
static int lay_binary(struct laying *l, const git_diff_delta *delta, git_oid *id)
{
	git_apply_options options;
	git_apply_options_init(&options, GIT_APPLY_OPTIONS_VERSION);
	options.delta_cb = is_other_delta;
	options.payload = (void *)delta;
	git_index *made = NULL;
	const git_index_entry *entry = NULL;
	if (!git_apply_to_tree(&made, l->g->repository, l->tree, l->diff, &options))
		entry = git_index_get_bypath(made, delta->new_file.path, 0);
	if (entry)
		*id = entry->id;
	git_index_free(made);
	if (!entry)
		return conflict_set(l->conflict, path_of(delta), "", "the binary change does not apply: %s", reason());
	return 0;
}

/* Where the patch names no change of mode, the file keeps its own: an index line of another origin changes nothing. */
static unsigned new_mode(const git_diff_delta *delta, unsigned old_mode)
{
	unsigned mode = delta->new_file.mode;
	if (delta->status != GIT_DELTA_ADDED && (!mode || mode == delta->old_file.mode))
		mode = old_mode;
	if (!mode)
		return GIT_FILEMODE_BLOB;
	return S_ISREG(mode) ? (mode & 0100 ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB) : mode;
}

/* A file where a folder is, or below a file: libgit2's index would take both and write either. */
static int stands_in_the_way(git_index *index, const char *path)
{
	char *copy = xasprintf("%s/", path);
	int found = !git_index_find_prefix(NULL, index, copy);
	copy[strlen(path)] = '\0';
	for (char *slash; !found && (slash = strrchr(copy, '/')); ) {
		*slash = '\0';
		found = git_index_get_bypath(index, copy, 0) != NULL;
	}
	free(copy);
	return found;
}

static int put_in(struct laying *l, const git_diff_delta *delta, const git_oid *id, unsigned mode)
{
	const char *path = delta->new_file.path;
	if (delta->status != GIT_DELTA_MODIFIED && git_index_get_bypath(l->index, path, 0))
		return conflict_set(l->conflict, path, "", "the file already exists in the baseline");
	if (stands_in_the_way(l->index, path))
		return conflict_set(l->conflict, path, "",
		                    "the baseline has a folder where the patch has a file, or the reverse");
	git_index_entry entry = {.path = path, .mode = mode, .id = *id};
	if (git_index_add(l->index, &entry) < 0)
		return conflict_set(l->conflict, path, "", "cannot stand in the tree: %s", reason());
	return 0;
}

static int store(struct laying *l, const git_diff_delta *delta, const struct buf *content, unsigned mode, git_oid *id)
{
	static const char submodule[] = "Subproject commit ";
	if (mode == GIT_FILEMODE_COMMIT) {
		int is_id = !strncmp(buf_str(content), submodule, sizeof submodule - 1) &&
		            git_oid_fromstrn(id, content->data + sizeof submodule - 1, GIT_OID_HEXSZ) == 0;
		return is_id ? 0 : conflict_set(l->conflict, path_of(delta), "", "a submodule without its commit");
	}
	if (git_blob_create_from_buffer(id, l->g->repository, buf_str(content), content->len) < 0)
		return fail(l->err, "cannot store a file in the repository");
	return 0;
}

static int lay_delta(struct laying *l, const git_diff_delta *delta, git_patch *patch)
{
	struct buf old = {0}, content = {0};
	unsigned mode = 0;
	git_oid id;
	int is_binary = (delta->flags & GIT_DIFF_FLAG_BINARY) != 0, is_gone = delta->status == GIT_DELTA_DELETED;
	int rc = delta->status == GIT_DELTA_ADDED ? 0 : read_old(l, delta, &old, &mode);
	if (!rc && !is_binary)
		rc = lay_hunks(l, patch, path_of(delta), &old, &content);
	if (!rc && is_gone && content.len)
		rc = conflict_set(l->conflict, path_of(delta), "",
		                  "the patch removes the file but does not show all of it");
	if (!rc && !is_gone) {
		mode = new_mode(delta, mode);
		rc = is_binary ? lay_binary(l, delta, &id) : store(l, delta, &content, mode, &id);
		if (!rc)
			rc = put_in(l, delta, &id, mode);
	}
	buf_release(&old);
	buf_release(&content);
	return rc;
}

static int lay_all(struct laying *l)
{
	int rc = 0;
	for (size_t i = 0; i < git_diff_num_deltas(l->diff) && !rc; i++)
		rc = take_out(l, git_diff_get_delta(l->diff, i));
	for (size_t i = 0; i < git_diff_num_deltas(l->diff) && !rc; i++) {
		git_patch *patch = NULL;
		const git_diff_delta *delta = git_diff_get_delta(l->diff, i);
		if (git_patch_from_diff(&patch, l->diff, i) < 0)
			return conflict_set(l->conflict, path_of(delta), "", "cannot be read: %s", reason());
		rc = lay_delta(l, git_patch_get_delta(patch), patch);
		git_patch_free(patch);
	}
	return rc;
}

static int parse_failed(struct laying *l, const char *diff, size_t size, const struct buf *text)
{
	size_t i = 0;
	while (i < size && strchr(" \t\r\n", diff[i]))
		i++;
	if (i == size)
		return conflict_set(l->conflict, NULL, "", "the diff is empty: it changes nothing");
	if (!text->len)
		return conflict_set(l->conflict, NULL, "", "there is no diff in it");
	/* libgit2 counts the lines of the text that it was given, which is not the one that people have. */
	const char *message = reason(), *line = strstr(message, " at line ");
	return conflict_set(l->conflict, NULL, "", "the diff cannot be read: %.*s",
	                    (int)(line ? line - message : (ptrdiff_t)strlen(message)), message);
}

static int lay_patch(struct laying *l, const char *diff, size_t size)
{
	struct buf text = {0};
	struct patch_fault fault;
	int rc;
	if (patch_to_git_form(diff, size, &text, &fault))
		rc = conflict_set(l->conflict, fault.path, fault.hunk ? fault.hunk : "", "%s", fault.why);
	else if (git_diff_from_buffer(&l->diff, buf_str(&text), text.len) < 0 || !git_diff_num_deltas(l->diff))
		rc = parse_failed(l, diff, size, &text);
	else
		rc = lay_all(l);
	free(fault.path);
	free(fault.hunk);
	buf_release(&text);
	return rc;
}

/* "Name <mail>" at this moment; skydeck itself where that is no such thing. */
static int signature_of(git_signature **signature, const char *author, struct err *err)
{
	const char *open = author ? strchr(author, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
	int rc = -1;
	if (close) {
		char *name = xstrndup(author, (size_t)(open - author));
		char *mail = xstrndup(open + 1, (size_t)(close - open) - 1);
		rc = git_signature_now(signature, name, mail);
		free(name);
		free(mail);
	}
	if (rc < 0 && git_signature_now(signature, skydeck_name, skydeck_mail) < 0)
		return fail(err, "cannot sign a commit");
	return 0;
}

/* Commits what the index holds onto parent. */
static int commit_index(struct git *g, git_index *index, git_commit *parent, const git_signature *author,
                        const char *message, char id[GIT_ID], struct git_conflict *conflict, struct err *err)
{
	git_oid tree_id, commit_id;
	git_tree *tree = NULL;
	git_signature *committer = NULL;
	int rc = 0;
	if (git_index_write_tree_to(&tree_id, index, g->repository) < 0)
		rc = fail(err, "cannot write a tree to %s", g->root);
	else if (git_oid_equal(&tree_id, git_commit_tree_id(parent)))
		rc = conflict_set(conflict, NULL, "", "it changes nothing: the baseline already holds all of it");
	else if (signature_of(&committer, NULL, err))
		rc = -1;
	else if (git_tree_lookup(&tree, g->repository, &tree_id) < 0 ||
	         git_commit_create(&commit_id, g->repository, NULL, author, committer, NULL, message, tree, 1,
	                           (const git_commit **)&parent) < 0)
		rc = fail(err, "cannot write a commit to %s", g->root);
	else
		id_text(id, &commit_id);
	git_signature_free(committer);
	git_tree_free(tree);
	return rc;
}

int git_commit_patch(struct git *g, const char *parent, const char *diff, size_t diff_size, const char *author,
                     const char *message, char id[GIT_ID], struct git_conflict *conflict, struct err *err)
{
	struct laying l = {.g = g, .conflict = conflict, .err = err};
	git_commit *commit = NULL;
	git_signature *signature = NULL;
	*conflict = (struct git_conflict){0};
	int rc = commit_lookup(g, &commit, parent, err);
	if (!rc && (git_commit_tree(&l.tree, commit) < 0 || git_index_new(&l.index) < 0 ||
	            git_index_read_tree(l.index, l.tree) < 0))
		rc = fail(err, "cannot read the tree of %.12s", parent);
	if (!rc)
		rc = lay_patch(&l, diff, diff_size);
	if (!rc)
		rc = signature_of(&signature, author, err);
	if (!rc)
		rc = commit_index(g, l.index, commit, signature, message, id, conflict, err);
	git_signature_free(signature);
	git_diff_free(l.diff);
	git_index_free(l.index);
	git_tree_free(l.tree);
	git_commit_free(commit);
	return rc;
}

/* The first block between conflict markers. */
static char *first_clash(const char *text, size_t size)
{
	const char *from = memmem(text, size, "<<<<<<< ", 8);
	const char *mark = from ? memmem(from, size - (size_t)(from - text), "\n>>>>>>> ", 9) : NULL;
	const char *end = mark ? memchr(mark + 1, '\n', size - (size_t)(mark + 1 - text)) : NULL;
	return from ? xstrndup(from, end ? (size_t)(end + 1 - from) : size - (size_t)(from - text)) : xstrdup("");
}

static int describe_clash(struct git *g, git_index *index, struct git_conflict *conflict)
{
	const git_index_entry *old, *ours, *theirs;
	git_index_conflict_iterator *iterator = NULL;
	if (git_index_conflict_iterator_new(&iterator, index) < 0 ||
	    git_index_conflict_next(&old, &ours, &theirs, iterator) < 0) {
		git_index_conflict_iterator_free(iterator);
		return conflict_set(conflict, NULL, "", "does not merge: %s", reason());
	}
	const char *path = ours ? ours->path : theirs ? theirs->path : old->path;
	git_merge_file_result merged = {0};
	git_merge_file_options options;
	git_merge_file_options_init(&options, GIT_MERGE_FILE_OPTIONS_VERSION);
	options.our_label = "baseline";
	options.their_label = "patch";
	if (!ours || !theirs) {
		conflict_set(conflict, path, "", "the %s removed the file and the %s changed it",
		             ours ? "patch" : "baseline", ours ? "baseline" : "patch");
	} else if (git_merge_file_from_index(&merged, g->repository, old, ours, theirs, &options) < 0) {
		conflict_set(conflict, path, "", "both the baseline and the patch changed the file: %s", reason());
	} else {
		char *clash = first_clash(merged.ptr, merged.len);
		conflict_set(conflict, path, clash, "both the baseline and the patch changed these lines");
		free(clash);
	}
	git_merge_file_result_free(&merged);
	git_index_conflict_iterator_free(iterator);
	return 1;
}

int git_rebase_commit(struct git *g, const char *commit, const char *onto, const char *message, char id[GIT_ID],
                      struct git_conflict *conflict, struct err *err)
{
	git_commit *moved = NULL, *base = NULL;
	git_index *index = NULL;
	*conflict = (struct git_conflict){0};
	int rc = commit_lookup(g, &moved, commit, err) || commit_lookup(g, &base, onto, err) ? -1 : 0;
	unsigned mainline = !rc && git_commit_parentcount(moved) > 1;
	if (!rc && git_cherrypick_commit(&index, g->repository, moved, base, mainline, NULL) < 0)
		rc = fail(err, "cannot put %.12s onto %.12s", commit, onto);
	if (!rc && git_index_has_conflicts(index))
		rc = describe_clash(g, index, conflict);
	if (!rc)
		rc = commit_index(g, index, base, git_commit_author(moved),
		                  message ? message : git_commit_message(moved), id, conflict, err);
	git_index_free(index);
	git_commit_free(base);
	git_commit_free(moved);
	return rc;
}

/* What changed. */

void git_change_release(struct git_change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->files[i].path);
		free(c->files[i].old_path);
		free(c->files[i].link);
	}
	free(c->files);
	*c = (struct git_change){0};
}

static int tree_diff(struct git *g, const char *from, const char *to, git2_diff **diff, struct err *err)
{
	git_tree *old = NULL, *new = NULL;
	git_diff_options options;
	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags |= GIT_DIFF_INDENT_HEURISTIC;
	int rc = tree_lookup(g, &old, from, err) || tree_lookup(g, &new, to, err) ? -1 : 0;
	if (!rc && (git_diff_tree_to_tree(diff, g->repository, old, new, &options) < 0 ||
	            git_diff_find_similar(*diff, NULL) < 0))
		rc = fail(err, "cannot compare %.12s with %.12s", from, to);
	git_tree_free(old);
	git_tree_free(new);
	return rc;
}

static char *link_target(struct git *g, const git_diff_delta *delta)
{
	git_blob *blob;
	if (delta->new_file.mode != GIT_FILEMODE_LINK ||
	    git_blob_lookup(&blob, g->repository, &delta->new_file.id) < 0)
		return NULL;
	char *target = xstrndup(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return target;
}

/* A file that becomes one of another type (a symlink, say) comes as two: gone, and come again. It is one here. */
static struct git_file *file_for(struct git_change *out, const git_diff_delta *delta)
{
	struct git_file *last = out->count ? &out->files[out->count - 1] : NULL;
	int is_other_half = last && !strcmp(last->path, delta->new_file.path) &&
	                    ((delta->status == GIT_DELTA_ADDED && !last->new_mode) ||
	                     (delta->status == GIT_DELTA_DELETED && !last->old_mode));
	if (is_other_half)
		return last;
	struct git_file *file = array_add(&out->files, &out->count, &out->room, sizeof *file);
	file->path = xstrdup(delta->new_file.path);
	file->old_path = xstrdup(delta->old_file.path);
	return file;
}

static int add_file(struct git *g, git2_diff *diff, size_t i, struct git_change *out)
{
	git_patch *patch = NULL;
	size_t added = 0, removed = 0;
	if (git_patch_from_diff(&patch, diff, i) < 0)
		return -1;
	if (patch)
		git_patch_line_stats(NULL, &added, &removed, patch);
	const git_diff_delta *delta = git_diff_get_delta(diff, i);	/* only now: the patch tells binary files */
	struct git_file *file = file_for(out, delta);
	file->added += (unsigned)added;
	file->removed += (unsigned)removed;
	file->binary |= (delta->flags & GIT_DIFF_FLAG_BINARY) != 0;
	if (delta->status != GIT_DELTA_ADDED)
		file->old_mode = delta->old_file.mode;
	if (delta->status != GIT_DELTA_DELETED) {
		file->new_mode = delta->new_file.mode;
		file->link = link_target(g, delta);
	}
	out->added += (unsigned)added;
	out->removed += (unsigned)removed;
	git_patch_free(patch);
	return 0;
}

int git_change_of(struct git *g, const char *from, const char *to, struct git_change *out, struct err *err)
{
	git2_diff *diff = NULL;
	int rc = tree_diff(g, from, to, &diff, err);
	for (size_t i = 0; !rc && i < git_diff_num_deltas(diff); i++)
		if (add_file(g, diff, i, out))
			rc = fail(err, "cannot compare %.12s with %.12s", from, to);
	git_diff_free(diff);
	return rc;
}

struct printing {
	struct buf *out;
	size_t end;
};

static int print_line(const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *payload)
{
	struct printing *p = payload;
	(void)delta, (void)hunk;
	size_t sign = strchr(" +-", line->origin) != NULL;
	if (p->out->len + sign + line->content_len > p->end)
		return GIT_EUSER;
	buf_add(p->out, &line->origin, sign);
	buf_add(p->out, line->content, line->content_len);
	return 0;
}

int git_diff(struct git *g, const char *from, const char *to, size_t limit, struct buf *out, struct err *err)
{
	git2_diff *diff = NULL;
	size_t start = out->len;
	struct printing p = {out, limit < SIZE_MAX - start ? start + limit : SIZE_MAX};
	int rc = tree_diff(g, from, to, &diff, err);
	int code = rc ? 0 : git_diff_print(diff, GIT_DIFF_FORMAT_PATCH, print_line, &p);
	while (code == GIT_EUSER && out->len > start && out->data[out->len - 1] != '\n')
		buf_truncate(out, out->len - 1);
	if (code == GIT_EUSER)
		buf_printf(out, "\\ cut here: the diff has more than %zu bytes\n", limit);
	else if (code < 0)
		rc = fail(err, "cannot print the diff of %.12s and %.12s", from, to);
	git_diff_free(diff);
	return rc;
}

int git_parent(struct git *g, const char *commit, char id[GIT_ID], struct err *err)
{
	git_commit *object;
	if (commit_lookup(g, &object, commit, err))
		return -1;
	const git_oid *parent = git_commit_parent_id(object, 0);
	if (parent)
		id_text(id, parent);
	git_commit_free(object);
	return parent ? 0 : err_set(err, "commit %.12s is the first of its history: it has no parent", commit);
}

int git_message(struct git *g, const char *commit, struct buf *message, struct buf *author, struct err *err)
{
	git_commit *object;
	if (commit_lookup(g, &object, commit, err))
		return -1;
	if (message)
		buf_puts(message, git_commit_message(object));
	if (author)
		buf_printf(author, "%s <%s>", git_commit_author(object)->name,
		           git_commit_author(object)->email);
	git_commit_free(object);
	return 0;
}

int git_same_tree(struct git *g, const char *a, const char *b)
{
	git_tree *one = NULL, *other = NULL;
	int same = !tree_lookup(g, &one, a, NULL) && !tree_lookup(g, &other, b, NULL) &&
	           git_oid_equal(git_tree_id(one), git_tree_id(other));
	git_tree_free(one);
	git_tree_free(other);
	return same;
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
	          git_signature_now(&signature, skydeck_name, skydeck_mail) < 0) ||
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
		rc = fail(err, "cannot make a repository of %s", folder);
	git_repository_free(repository);
	git_libgit2_shutdown();
	return rc;
}

void git_hash(const void *bytes, size_t n, char id[GIT_ID])
{
	git_oid oid = {{0}};
	git_libgit2_init();
	git_odb_hash(&oid, bytes, n, GIT_OBJECT_BLOB);
	id_text(id, &oid);
	git_libgit2_shutdown();
}

/* Reading one commit of a repository that is nobody's business to change. */

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

/* Its entry, or the tree itself where path is "" (entry stays NULL). */
static int find_entry(struct git *g, const char *commit, const char *path, git_tree **tree, git_tree_entry **entry, struct err *err)
{
	while (!strncmp(path, "./", 2))
		path += 2;
	if (!strcmp(path, "."))
		path = "";
	char *plain = xstrdup(path);
	for (size_t n = strlen(plain); n && plain[n - 1] == '/'; n--)
		plain[n - 1] = '\0';
	int rc = tree_lookup(g, tree, commit, err);
	if (!rc && *plain && git_tree_entry_bypath(entry, *tree, plain) < 0)
		rc = err_set(err, "there is no %s in commit %.12s: list_files shows what is", plain, commit);
	free(plain);
	return rc;
}

static uint64_t size_of(struct git *g, const git_oid *id)
{
	git_odb *odb = NULL;
	size_t size = 0;
	git_object_t type;
	if (git_repository_odb(&odb, g->repository) < 0 || git_odb_read_header(&size, &type, odb, id) < 0)
		size = 0;
	git_odb_free(odb);
	return size;
}

static int add_contents(struct git *g, const git_tree_entry *entry, const char *path, size_t limit, struct buf *out, struct err *err)
{
	const git_oid *id = git_tree_entry_id(entry);
	git_blob *blob;
	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
		return err_set(err, "%s is a folder: name a file in it", path);
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return err_set(err, "%s is a submodule, whose files are not here", path);
	uint64_t size = size_of(g, id);
	if (size > GIT_FILE_MAX)
		return err_set(err, "%s has %llu MB: too large to be read", path, (unsigned long long)size >> 20);
	if (git_blob_lookup(&blob, g->repository, id) < 0)
		return err_set(err, "%s is not in this copy of the repository: large files are left out", path);
	const char *bytes = git_blob_rawcontent(blob);
	int flags = git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK ? GIT_FILE_LINK : 0;
	if (size && memchr(bytes, '\0', size < 8000 ? size : 8000))
		flags = err_set(err, "%s is binary, %llu bytes", path, (unsigned long long)size);
	else
		buf_add(out, size ? bytes : "", size < limit ? size : limit);
	git_blob_free(blob);
	return flags >= 0 && size > limit ? flags | GIT_FILE_CUT : flags;
}

int git_file(struct git *g, const char *commit, const char *path, size_t limit, struct buf *out, struct err *err)
{
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int rc = find_entry(g, commit, path, &tree, &entry, err);
	if (!rc)
		rc = entry ? add_contents(g, entry, path, limit, out, err) : err_set(err, "a path is needed: name a file");
	git_tree_entry_free(entry);
	git_tree_free(tree);
	return rc;
}

static void add_entries(struct git *g, const git_tree *tree, size_t limit, struct git_listing *out)
{
	size_t count = git_tree_entrycount(tree);
	out->is_cut = count > limit;
	for (size_t i = 0; i < count && i < limit; i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		struct git_entry *e = array_add(&out->entries, &out->count, &out->room, sizeof *e);
		e->name = xstrdup(git_tree_entry_name(entry));
		e->mode = (unsigned)git_tree_entry_filemode(entry);
		e->size = git_tree_entry_type(entry) == GIT_OBJECT_BLOB ? size_of(g, git_tree_entry_id(entry)) : 0;
	}
}

int git_list(struct git *g, const char *commit, const char *folder, size_t limit, struct git_listing *out, struct err *err)
{
	git_tree *tree = NULL, *inner = NULL;
	git_tree_entry *entry = NULL;
	int rc = find_entry(g, commit, folder ? folder : "", &tree, &entry, err);
	if (!rc && entry && git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		rc = err_set(err, "%s is no folder: read_file reads it", folder);
	if (!rc && entry && git_tree_lookup(&inner, g->repository, git_tree_entry_id(entry)) < 0)
		rc = fail(err, "cannot read the folder %s", folder);
	if (!rc)
		add_entries(g, inner ? inner : tree, limit, out);
	git_tree_entry_free(entry);
	git_tree_free(inner);
	git_tree_free(tree);
	return rc;
}

void git_listing_release(struct git_listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].name);
	free(l->entries);
	*l = (struct git_listing){0};
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
