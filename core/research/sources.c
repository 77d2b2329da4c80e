/* The table of kinds of sources. */
#include "core/research/folder.h"

#include <stddef.h>
#include <string.h>

#include "core/research/source.h"

const struct source_ops *const source_kinds[] = { &folder_source, NULL };

const struct source_ops *source_find(const char *kind)
{
	for (const struct source_ops *const *s = source_kinds; *s; s++)
		if (kind && !strcmp((*s)->kind, kind))
			return *s;
	return NULL;
}
