/* Hashes stand for calls: a false alarm every 2^64 calls harms nobody. */
#include "core/agents/repetition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

static int repeats_every(const struct repetition *r, unsigned step)
{
	if (r->count < step * REPETITION_TIMES)
		return 0;
	for (unsigned i = step; i < step * REPETITION_TIMES; i++)
		if (r->last[i] != r->last[i - step])
			return 0;
	return 1;
}

enum repeated repetition_add(struct repetition *r, const char *name, const char *arguments)
{
	char *both = xasprintf("%s %s", name, arguments);
	memmove(r->last + 1, r->last, sizeof r->last - sizeof *r->last);
	r->last[0] = hash_bytes(both, strlen(both));
	free(both);
	r->count++;
	enum repeated what = repeats_every(r, 1) ? REPEATED_CALL : repeats_every(r, 2) ? REPEATED_PAIR : REPEATED_NOT;
	r->warnings += what != REPEATED_NOT;
	return what;
}
