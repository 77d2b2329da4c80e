/* Commits made in memory: a proposal's parent is read into an index that has no file, the patch is laid over that (or the
 * commit merged onto another), and the result is written as blobs, trees and a commit that only a hidden ref will hold. The
 * user's index, working tree and branch are never touched. */
#include "core/io/git_own.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/io/patch.h"

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
		safe = repo_is_safe_name(name);
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
		return repo_fail(l->err, "cannot read a file of the baseline");
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
		return conflict_set(l->conflict, path_of(delta), "", "the binary change does not apply: %s", repo_reason());
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
		return conflict_set(l->conflict, path, "", "cannot stand in the tree: %s", repo_reason());
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
		return repo_fail(l->err, "cannot store a file in the repository");
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
			return conflict_set(l->conflict, path_of(delta), "", "cannot be read: %s", repo_reason());
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
	const char *message = repo_reason(), *line = strstr(message, " at line ");
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
	if (rc < 0 && git_signature_now(signature, REPO_NAME, REPO_MAIL) < 0)
		return repo_fail(err, "cannot sign a commit");
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
		rc = repo_fail(err, "cannot write a tree to %s", g->root);
	else if (git_oid_equal(&tree_id, git_commit_tree_id(parent)))
		rc = conflict_set(conflict, NULL, "", "it changes nothing: the baseline already holds all of it");
	else if (signature_of(&committer, NULL, err))
		rc = -1;
	else if (git_tree_lookup(&tree, g->repository, &tree_id) < 0 ||
	         git_commit_create(&commit_id, g->repository, NULL, author, committer, NULL, message, tree, 1,
	                           (const git_commit **)&parent) < 0)
		rc = repo_fail(err, "cannot write a commit to %s", g->root);
	else
		repo_id(id, &commit_id);
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
	int rc = repo_commit(g, &commit, parent, err);
	if (!rc && (git_commit_tree(&l.tree, commit) < 0 || git_index_new(&l.index) < 0 ||
	            git_index_read_tree(l.index, l.tree) < 0))
		rc = repo_fail(err, "cannot read the tree of %.12s", parent);
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
		return conflict_set(conflict, NULL, "", "does not merge: %s", repo_reason());
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
		conflict_set(conflict, path, "", "both the baseline and the patch changed the file: %s", repo_reason());
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
	int rc = repo_commit(g, &moved, commit, err) || repo_commit(g, &base, onto, err) ? -1 : 0;
	unsigned mainline = !rc && git_commit_parentcount(moved) > 1;
	if (!rc && git_cherrypick_commit(&index, g->repository, moved, base, mainline, NULL) < 0)
		rc = repo_fail(err, "cannot put %.12s onto %.12s", commit, onto);
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
