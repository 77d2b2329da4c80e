/* Git, through libgit2. The user's working tree, index and branch are never touched: proposals are commits on hidden
 * refs (refs/skydeck/<session>/<proposal>/<revision>), trees are plain checkouts of a commit, landing moves one branch.
 * A handle belongs to one thread. Ids are 40 hex digits. */
#ifndef CORE_IO_GIT_H
#define CORE_IO_GIT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"

enum { GIT_ID = 41 };

struct git;

/* Opens the repository that holds path (discovery upwards). Errors say what to do (git init; commit first). */
struct git *git_open(const char *path, struct err *err);
void git_close(struct git *g);	/* NULL allowed */
const char *git_root(const struct git *g);	/* the working tree's root, no slash at the end */
int git_head(struct git *g, char id[GIT_ID], struct err *err);	/* error when there is no commit yet */
int git_resolve(struct git *g, const char *revision, char id[GIT_ID], struct err *err);	/* to a commit */
int git_dirty(struct git *g, struct strings *paths, struct err *err);	/* tracked files with uncommitted changes */
int git_exclude(struct git *g, const char *pattern, struct err *err);	/* adds to .git/info/exclude once */

/* Refs. set creates or moves; expect (may be NULL) must be its present value, else -1 and nothing changes. */
int git_ref_get(struct git *g, const char *ref, char id[GIT_ID]);	/* -1: absent */
int git_ref_set(struct git *g, const char *ref, const char *id, const char *expect, const char *why, struct err *err);
int git_ref_delete(struct git *g, const char *ref, struct err *err);
int git_is_checked_out(struct git *g, const char *ref);	/* HEAD of the user's tree points at it */

/* One file of a change, as the guard and the lists need it. */
struct git_file {
	char *path, *old_path;		/* equal unless renamed */
	unsigned added, removed;	/* lines */
	unsigned old_mode, new_mode;	/* git modes; 0: absent on that side */
	int binary;
	char *link;			/* target when the new side is a symlink */
};
struct git_change {
	struct git_file *files;
	size_t count, room;
	unsigned added, removed;
};
void git_change_release(struct git_change *c);

/* Where a patch failed to apply. */
struct git_conflict {
	char *path;	/* NULL: not tied to a file */
	char *hunk;	/* the hunk that failed with its header, "" when unknown */
	char *why;
};
void git_conflict_release(struct git_conflict *c);

/* Applies a unified diff (git's form, or plain ---/+++) to parent's tree in memory and commits it there with that
 * message and author ("Name <mail>"; NULL or anything else: skydeck), committer skydeck. A diff that changes nothing is
 * a conflict. 0 and the commit's id; 1 and the conflict when it does not apply; -1 on failure. */
int git_commit_patch(struct git *g, const char *parent, const char *diff, size_t diff_size, const char *author,
                     const char *message, char id[GIT_ID], struct git_conflict *conflict, struct err *err);
/* The change of `commit` against its first parent put onto `onto` (a three-way merge in memory): same returns. */
int git_rebase_commit(struct git *g, const char *commit, const char *onto, const char *message, char id[GIT_ID],
                      struct git_conflict *conflict, struct err *err);

/* Writes a git bundle (v2) with these commits and their trees, but not their parents: what a worker needs to check them
 * out, and no more. Read with `git bundle unbundle` (or index-pack), since the history behind the commits is missing. The
 * file is made anew (to a temporary name first, then renamed). */
int git_bundle(struct git *g, const char *const *commits, size_t count, const char *path, struct err *err);

int git_change_of(struct git *g, const char *from, const char *to, struct git_change *out, struct err *err);
/* The change as a unified diff. At most limit bytes, then a line ("\\ cut here…") says that it was cut. */
int git_diff(struct git *g, const char *from, const char *to, size_t limit, struct buf *out, struct err *err);
int git_parent(struct git *g, const char *commit, char id[GIT_ID], struct err *err);
/* The message as it stands in the commit, and "Name <mail>"; either may be NULL. */
int git_message(struct git *g, const char *commit, struct buf *message, struct buf *author, struct err *err);
int git_same_tree(struct git *g, const char *a, const char *b);	/* 1: the two commits hold the same tree */
/* 1: one of the pathspecs names the path (git's rules, with :! or ! exclusions; no repository needed); 0 for none. */
int git_matches(const struct strings *pathspecs, const char *path);

/* Writes the commit's tree into an existing or new folder: files not in the tree are removed unless keep_untracked says
 * so (build output of an incremental target), nothing outside is followed (symlinks are written as symlinks). Files that
 * are right already keep their time. With keep_untracked the commit is noted beside the folder in FOLDER.commit, so that
 * the next such checkout removes what only the former commit held; remove that file together with the folder. */
int git_checkout(struct git *g, const char *commit, const char *folder, int keep_untracked, struct err *err);

/* Every entry of a git-config file, in file order: name "section.sub.key" as git lower-cases it. Includes are followed
 * and not listed themselves. A key without "=" has the value "true"; file is the one that the entry stands in. */
struct git_config_entry {
	char *name, *value;
	char *file;
};
struct git_config {
	struct git_config_entry *entries;
	size_t count, room;
};
int git_config_read(const char *path, struct git_config *out, struct err *err);	/* a missing file is an empty list */
void git_config_release(struct git_config *c);

/* For `skydeck demo`: a new repository with everything below folder committed. */
int git_create(const char *folder, const char *message, struct err *err);
void git_hash(const void *bytes, size_t n, char id[GIT_ID]);	/* git's blob hash, for naming contents */

/* Repositories that are read, and never written: a bare one, or the .git of a working tree (path: either of the two; nothing
 * above is looked for). Nothing that its configuration names is run. */
struct git *git_open_bare(const char *path, struct err *err);
const char *git_folder(const struct git *g);	/* where refs and objects stand; no slash at the end */

/* Adds what the file has in the commit, at most limit bytes of it. 0: the whole; flags: what it was instead. -1: not there, a
 * folder, a submodule, or binary (NUL in its first 8000 bytes, as git has it), with its size. */
enum git_file_flags { GIT_FILE_CUT = 1, GIT_FILE_LINK = 2 };	/* LINK: out is where the symlink leads, which is not followed */
enum { GIT_FILE_MAX = 64 << 20 };				/* a larger one is not read at all: -1 */
int git_file(struct git *g, const char *commit, const char *path, size_t limit, struct buf *out, struct err *err);

/* What a folder of the commit holds ("": its root), in git's order: at most limit entries, is_cut when there are more. */
struct git_entry {
	char *name;		/* bytes as they are: not safe text */
	unsigned mode;		/* git's: 040000 folder, 100644, 100755, 120000 symlink, 160000 submodule */
	uint64_t size;		/* bytes; 0 for folders and submodules, and where the object is missing */
};
struct git_listing {
	struct git_entry *entries;
	size_t count, room;
	int is_cut;
};
int git_list(struct git *g, const char *commit, const char *folder, size_t limit, struct git_listing *out, struct err *err);
void git_listing_release(struct git_listing *l);

/* 1: the two have history in common, as a repository and its fork do. Looks at the newest few thousand commits of each. */
int git_is_related(struct git *a, struct git *b);

#endif
