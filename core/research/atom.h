/* An Atom feed as arXiv answers it (RFC 4287; its namespaces: opensearch, arxiv). */
#ifndef CORE_RESEARCH_ATOM_H
#define CORE_RESEARCH_ATOM_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* As it stands in the feed, white space collapsed; not yet safe to show. Empty where absent. */
struct atom_entry {
	struct buf id, title, summary, published, authors, doi, comment, category;	/* authors: "A, B, C" */
	unsigned author_count;
};
struct atom_feed {
	struct atom_entry *entries;
	size_t count, room;
};

/* All of it or nothing. -1 with a sentence: no XML, none of Atom, a document type or entities of its own (which nobody needs here,
 * and which can make gigabytes of a few bytes), nested deeper than ATOM_DEPTH, more than ATOM_ENTRIES. */
enum { ATOM_DEPTH = 32, ATOM_ENTRIES = 2000, ATOM_TEXT = 32 << 10 };	/* bytes of a text; the rest is dropped */
int atom_parse(const char *bytes, size_t n, struct atom_feed *out, struct err *err);
void atom_release(struct atom_feed *feed);

#endif
