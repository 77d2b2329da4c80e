/* The table of kinds of sources. */
#include "core/research/folder.h"

#include <stddef.h>
#include <string.h>

#include "core/research/source.h"

const struct source_ops *const sources[] = { &folder_source, NULL };

const struct source_ops *source_find(const char *kind)
{
	for (const struct source_ops *const *s = sources; *s; s++)
		if (kind && !strcmp((*s)->kind, kind))
			return *s;
	return NULL;
}
