/* Who proposes. An agent turns what it knows into drafts; whether a draft becomes a commit, runs or lands is not its
 * business. To add one: a file that ends in one `const struct agent_ops`, listed in core/agents/agents.c. */
#ifndef CORE_AGENTS_AGENT_H
#define CORE_AGENTS_AGENT_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/data/config.h"
#include "core/io/loop.h"

/* A patch as its author wrote it. All but the diff is safe text. Borrowed for the call. */
struct draft {
	const char *title, *body, *author;	/* body: no diffstat; author: "Name <mail>" or NULL */
	const char *idea, *expected;		/* NULL: the title is the idea */
	const struct strings *sources;		/* ids or keys of sources */
	const char *diff;			/* raw bytes, from the first "diff --git" */
	size_t diff_size;
	const char *origin;			/* "0001-softmax.patch 1f3c9a…": file, hash of its bytes; NULL: none */
	const char *revises;			/* proposal that this is the next revision of; NULL: a new one */
};

/* What the human did that an agent may answer. */
enum agent_cause { CAUSE_VETOED, CAUSE_REVISION_ASKED, CAUSE_STEERED, CAUSE_RESULT };

/* None of these may close the agent. The texts are safe to show. */
struct agent_listener {
	void (*propose)(void *data, const struct draft *draft);
	/* state: "working", "idle" (may propose again), "finished" (nothing more comes by itself), "failed".
	 * text: a sentence or NULL. */
	void (*changed)(void *data, const char *state, const char *text);
	/* A patch that could not even be read: it is shown, never dropped. Its origin is known from then on, too. */
	void (*broken)(void *data, const char *origin, const char *title, const char *why);
	/* Whether a draft of this origin was taken before, in this run of the engine or an earlier one. */
	int (*is_known)(void *data, const char *origin);
};

struct agent_setup {
	struct loop *loop;
	const struct config_agent *config;
	const char *root;			/* the target's root; config's paths are relative to it */
	const struct agent_listener *listener;
	void *data;
};

struct agent;

struct agent_ops {
	const char *kind;			/* [agent "NAME"] kind */
	/* Tells the listener nothing before the loop turns. */
	struct agent *(*open)(const struct agent_setup *setup, struct err *err);
	/* May be NULL. */
	void (*tell)(struct agent *a, enum agent_cause cause, const char *proposal, const char *text);
	void (*close)(struct agent *a);
};

const struct agent_ops *agent_find(const char *kind);
extern const struct agent_ops *const agents[];	/* NULL-terminated */

#endif
