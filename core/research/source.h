/* Where sources come from. To add a kind: a file that ends in one `const struct source_ops`, listed in sources.c. */
#ifndef CORE_RESEARCH_SOURCE_H
#define CORE_RESEARCH_SOURCE_H

#include "core/base/err.h"
#include "core/data/config.h"

/* One entry of the reading list; safe text. key: the id in its own world ("arXiv:2205.14135"); NULLs where unknown. */
struct finding {
	const char *type, *title, *key, *url, *authors, *note;
	const char *reason;	/* why it is there; NULL */
	unsigned year;		/* 0: not known */
};
typedef void source_found(void *data, const struct finding *finding);

struct source_ops {
	const char *kind;	/* [source "NAME"] kind */
	/* Calls found for each entry. root: the target's root, that relative paths start from. */
	int (*list)(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err);
};

const struct source_ops *source_find(const char *kind);	/* NULL: no such kind here */
extern const struct source_ops *const source_kinds[];

#endif
