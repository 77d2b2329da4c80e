/* What the files of core/io/git*.c share, and nobody else includes: libgit2 itself, and a repository's insides. */
#ifndef CORE_IO_GIT_OWN_H
#define CORE_IO_GIT_OWN_H

#include "core/io/git.h"

/* libgit2 has other things under four of our names; in these files its own read git2_…. Types only, but for a function
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

#define REPO_NAME "skydeck"	/* who commits, and who moves refs */
#define REPO_MAIL "skydeck@localhost"

struct git {
	git_repository *repository;
	char *root;
};

const char *repo_reason(void);	/* what libgit2 said last, on one line; valid until its next call */
/* Sets "sentence: what libgit2 said" and returns -1. */
int __attribute__((format(printf, 2, 3))) repo_fail(struct err *err, const char *format, ...);
void repo_id(char id[GIT_ID], const git_oid *oid);
/* The object behind 40 hex digits, for the caller to free; -1 and err. */
int repo_commit(struct git *g, git_commit **commit, const char *id, struct err *err);
int repo_tree(struct git *g, git_tree **tree, const char *id, struct err *err);
/* One name of a path. Trees are not checked when they are read: one made by hand can name what git itself never would. */
int repo_is_safe_name(const char *name);

#endif
