/* GitHub's REST API: repositories, forks and how they diverge, pull requests, issues. */
#ifndef CORE_RESEARCH_GITHUB_H
#define CORE_RESEARCH_GITHUB_H

#include "core/research/source.h"

extern const struct source_ops github_source;

#endif
