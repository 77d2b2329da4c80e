/* The members of a JSON object as the bytes they came in, for what must go back unchanged: numbers of any size, members
 * that nobody here knows. */
#ifndef CORE_AGENTS_SPAN_H
#define CORE_AGENTS_SPAN_H

#include <stddef.h>

struct span {
	const char *at;
	size_t len;
};

/* The next member of an object. *rest is the whole object, which json_parse took, at first; it moves on. key: as it stands
 * between its quotes. 0 at the end. */
int span_next(struct span *rest, struct span *key, struct span *value);

/* The value of a member; at NULL: it has none of that name. */
struct span span_get(struct span object, const char *key);

int span_is(struct span s, const char *text);

#endif
