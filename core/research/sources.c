/* The table of kinds of sources. */
#include "core/research/source.h"

#include <stddef.h>
#include <string.h>

#include "core/research/arxiv.h"
#include "core/research/folder.h"
#include "core/research/github.h"
#include "core/research/openalex.h"
#include "core/research/semanticscholar.h"

const struct source_ops *const source_kinds[] = { &folder_source, &arxiv_source, &github_source, &semanticscholar_source, &openalex_source, NULL };

const struct source_ops *source_find(const char *kind)
{
	for (const struct source_ops *const *s = source_kinds; *s; s++)
		if (kind && !strcmp((*s)->kind, kind))
			return *s;
	return NULL;
}

int source_list_nothing(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err)
{
	(void)config, (void)root, (void)found, (void)data, (void)err;
	return 0;
}
