/* Pages of the web that anybody may have named, and what stands on this machine: read, never searched. */
#ifndef CORE_RESEARCH_PAGE_H
#define CORE_RESEARCH_PAGE_H

#include "core/research/source.h"

extern const struct source_ops page_source;	/* research.c's last resort; in no table, since nobody configures it */

#endif
