/* OpenAlex: works by search and by DOI. */
#ifndef CORE_RESEARCH_OPENALEX_H
#define CORE_RESEARCH_OPENALEX_H

#include "core/research/source.h"

extern const struct source_ops openalex_source;

#endif
