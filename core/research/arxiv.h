/* arXiv's API: papers by id and by search (Atom), their text as HTML or PDF. */
#ifndef CORE_RESEARCH_ARXIV_H
#define CORE_RESEARCH_ARXIV_H

#include "core/research/source.h"

extern const struct source_ops arxiv_source;

#endif
