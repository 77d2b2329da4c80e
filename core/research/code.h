/* Searching in the files of a commit: code_search of research.h, and its bounds. Git is given an empty repository of its own and
 * the objects of the one that is searched: no configuration, hook or attribute file of that one is ever read. */
#ifndef CORE_RESEARCH_CODE_H
#define CORE_RESEARCH_CODE_H

#include "core/research/research.h"

enum { CODE_PATTERN = 1024, CODE_PATH = 1024, CODE_COLUMNS = 400, CODE_SECONDS = 20, CODE_LIMIT = 10000 };

#endif
