/* How programs that read what comes from outside are run: confined (core/io/confine.h), without a home, with limits. */
#ifndef CORE_RESEARCH_CONFINED_H
#define CORE_RESEARCH_CONFINED_H

#include "core/io/child.h"

struct confined {
	const char *const *command;	/* NULL-terminated; no path of its own needs to be named below */
	const char *visible, *writable;	/* absolute paths, or NULL */
	const char *const *env;		/* NAME=value, NULL-terminated, besides PATH and the like; or NULL */
	int network;
	int is_git;			/* nothing but env and its arguments decides what git does */
	int is_patient;			/* on the first CPU alone, which whoever measures leaves to the engine */
	struct child_options options;	/* argv and env are set here */
};
/* As child_start. */
struct child *confined_start(struct loop *loop, const struct confined *confined, struct err *err);

/* Why a command ended badly where the sandbox itself is the reason: bwrap's own words in what it printed. NULL: it is not. */
char *confined_problem(const char *output, size_t n);

#endif
