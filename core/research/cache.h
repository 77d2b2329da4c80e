/* Answers of services, kept on disk: a file each, written whole, in a folder of bounded size that several engines share.
 * What is damaged, or is another question's, is not there. */
#ifndef CORE_RESEARCH_CACHE_H
#define CORE_RESEARCH_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

struct cache;

/* Makes the folder, readable by its owner alone. limit: bytes that the files may have together; 0: CACHE_LIMIT. A folder that
 * cannot be made keeps nothing. */
enum { CACHE_LIMIT = 512 << 20 };
struct cache *cache_new(const char *folder, size_t limit);
const char *cache_folder(const struct cache *c);	/* NULL: nothing is kept */
void cache_free(struct cache *c);	/* NULL allowed */

/* question: what was asked, without secrets: its hash names the file. type, tag: of the answer (Content-Type, ETag); may be "". */
struct cached {
	char *type, *tag;
	struct buf body;
	int64_t when;		/* wall clock, microseconds */
};
int cache_read(const struct cache *c, const char *question, struct cached *out);	/* -1: not there */
void cache_write(struct cache *c, const char *question, const char *type, const char *tag, const char *body, size_t size, int64_t now);
void cache_drop(struct cache *c, const char *question);
void cached_release(struct cached *c);

#endif
