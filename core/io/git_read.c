/* What commits hold, and what changed between two of them. */
#include "core/io/git_own.h"

#include <stdlib.h>
#include <string.h>

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
	int rc = repo_tree(g, &old, from, err) || repo_tree(g, &new, to, err) ? -1 : 0;
	if (!rc && (git_diff_tree_to_tree(diff, g->repository, old, new, &options) < 0 ||
	            git_diff_find_similar(*diff, NULL) < 0))
		rc = repo_fail(err, "cannot compare %.12s with %.12s", from, to);
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
			rc = repo_fail(err, "cannot compare %.12s with %.12s", from, to);
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
		rc = repo_fail(err, "cannot print the diff of %.12s and %.12s", from, to);
	git_diff_free(diff);
	return rc;
}

int git_parent(struct git *g, const char *commit, char id[GIT_ID], struct err *err)
{
	git_commit *object;
	if (repo_commit(g, &object, commit, err))
		return -1;
	const git_oid *parent = git_commit_parent_id(object, 0);
	if (parent)
		repo_id(id, parent);
	git_commit_free(object);
	return parent ? 0 : err_set(err, "commit %.12s is the first of its history: it has no parent", commit);
}

int git_message(struct git *g, const char *commit, struct buf *message, struct buf *author, struct err *err)
{
	git_commit *object;
	if (repo_commit(g, &object, commit, err))
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
	int same = !repo_tree(g, &one, a, NULL) && !repo_tree(g, &other, b, NULL) &&
	           git_oid_equal(git_tree_id(one), git_tree_id(other));
	git_tree_free(one);
	git_tree_free(other);
	return same;
}

/* Files and folders of one commit. */

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
	int rc = repo_tree(g, tree, commit, err);
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
		rc = repo_fail(err, "cannot read the folder %s", folder);
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
