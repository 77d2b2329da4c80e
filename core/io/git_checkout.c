/* Trees on their way out: as plain files, written through core/io/folder with no filters, hooks or worktree registration,
 * and as bundles for other machines. */
#include "core/io/git_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/file.h"
#include "core/io/folder.h"

/* Checkout. */

static int is_in_tree(const char *name, const void *tree)
{
	return git_tree_entry_byname(tree, name) != NULL;
}

static int write_blob(struct git *g, const git_tree_entry *entry, int folder, struct err *err)
{
	git_blob *blob;
	if (git_blob_lookup(&blob, g->repository, git_tree_entry_id(entry)) < 0)
		return repo_fail(err, "cannot read %s", git_tree_entry_name(entry));
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
			rc = repo_fail(err, "cannot read the folder %s", git_tree_entry_name(entry));
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
		if (!repo_is_safe_name(git_tree_entry_name(entry)))
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
	if (repo_tree(g, &old, former, NULL))
		return 0;	/* long gone: then so is the knowledge of what it held */
	int rc = 0;
	if (git_diff_tree_to_tree(&diff, g->repository, old, tree, NULL) < 0)
		rc = repo_fail(err, "cannot compare two trees");
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
	if (repo_tree(g, &tree, commit, err))
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
	if (repo_commit(g, &commit, id, err))
		return -1;
	repo_id(full, git_commit_id(commit));
	git_commit_free(commit);
	snprintf(ref, sizeof ref, " refs/skydeck/%s\n", full);
	if (strstr(buf_str(header), ref))
		return 0;
	buf_printf(header, "%s%s", full, ref);
	git_oid oid;
	if (git_oid_fromstr(&oid, full) < 0 || git_packbuilder_insert_commit(pack, &oid) < 0)
		return repo_fail(err, "cannot pack the commit %.12s", full);
	return 0;
}

int git_bundle(struct git *g, const char *const *commits, size_t count, const char *path, struct err *err)
{
	git_packbuilder *pack;
	struct buf out = {0};
	int rc = 0;
	if (git_packbuilder_new(&pack, g->repository) < 0)
		return repo_fail(err, "cannot pack commits of %s", g->root);
	buf_puts(&out, "# v2 git bundle\n");
	for (size_t i = 0; i < count && !rc; i++)
		rc = add_to_bundle(g, pack, commits[i], &out, err);
	buf_putc(&out, '\n');
	if (!rc && git_packbuilder_foreach(pack, take_pack, &out) < 0)
		rc = repo_fail(err, "cannot pack commits of %s", g->root);
	if (!rc)
		rc = file_write(path, out.data, out.len, 0644, err);
	git_packbuilder_free(pack);
	buf_release(&out);
	return rc;
}
