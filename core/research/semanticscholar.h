/* Semantic Scholar's Graph API: papers by search, arXiv id and DOI. */
#ifndef CORE_RESEARCH_SEMANTICSCHOLAR_H
#define CORE_RESEARCH_SEMANTICSCHOLAR_H

#include "core/research/source.h"

extern const struct source_ops semanticscholar_source;

#endif
