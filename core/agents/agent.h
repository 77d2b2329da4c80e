/* Who proposes. An agent turns what it knows into drafts; whether a draft becomes a commit, runs or lands is not its
 * business. To add one: a file that ends in one `const struct agent_ops`, listed in core/agents/agents.c. */
#ifndef CORE_AGENTS_AGENT_H
#define CORE_AGENTS_AGENT_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/json.h"
#include "core/data/config.h"
#include "core/data/dialogue.h"
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

/* What the human did that an agent which proposes by itself may answer. */
enum agent_cause { CAUSE_VETOED, CAUSE_REVISION_ASKED, CAUSE_STEERED, CAUSE_RESULT };

/* What a turn may take. When one is reached the turn ends with status "limit" and a reason. 0, or INFINITY: no limit. */
struct turn_limits {
	double usd, seconds;
	long replies, calls, tokens;		/* requests to the model; uses of tools; output tokens of one reply */
};
struct turn_plan {
	unsigned number;
	const char *system;			/* the same bytes from turn to turn: who it is, the rules, the project */
	const char *text;			/* what it is told this time */
	struct turn_limits limits;
};
struct turn_end {
	const char *status;			/* "done", "refused", "failed", "limit", "cancelled" (dialogue.h) */
	const char *reason;			/* a sentence with the remedy, or NULL */
	const char *text;			/* its last words, safe, one paragraph; NULL: none */
	struct tokens tokens;			/* of the turn */
	unsigned calls;
};

/* The agent wants a tool (tool.h). It is answered once, now or later; also after its turn was stopped, which is harmless. */
struct agent_call {
	const char *name;			/* as the agent wrote it, safe: may be unknown */
	const struct json *args;		/* NULL: they were no JSON object; problem says why */
	const char *problem;
};
/* text: what the agent reads. Frees the call. */
void agent_answer(struct agent_call *call, const char *text, int is_error);

/* How a line of the transcript begins: what the session told, what the agent said, thought and did, and what happened. */
enum said { SAID_TOLD, SAID_TEXT, SAID_THOUGHT, SAID_TOOL, SAID_RESULT, SAID_NOTE };

struct agent_permission {			/* a child asks; answered by agent_ops.permit, else by policy in 5 s */
	const char *id, *title, *text;		/* id: unique in this agent's life; safe text */
	const struct strings *options;		/* as in dialogue.h */
};

/* None of these may close the agent. The texts are safe to show, but for said's bytes. */
struct agent_listener {
	void (*propose)(void *data, const struct draft *draft);
	/* state: "working", "idle" (may propose again), "finished" (nothing more comes by itself), "failed".
	 * text: a sentence or NULL. */
	void (*changed)(void *data, const char *state, const char *text);
	/* A patch that could not even be read: it is shown, never dropped. Its origin is known from then on, too. */
	void (*broken)(void *data, const char *origin, const char *title, const char *why);
	/* Whether a draft of this origin was taken before, in this run of the engine or an earlier one. */
	int (*is_known)(void *data, const char *origin);

	/* While a turn runs. said: raw bytes as they come, of a kind; a change of kind is a new paragraph. */
	void (*said)(void *data, enum said what, const char *bytes, size_t n);
	void (*call)(void *data, struct agent_call *call);
	void (*spent)(void *data, double usd, const char *what);	/* at once when it is known; what: a sentence for the budget */
	void (*asks)(void *data, const struct agent_permission *permission);
	void (*answered)(void *data, const char *permission, const char *status, const char *by, const char *reason);
	void (*turn_ended)(void *data, const struct turn_end *end);	/* once for each turn; another may begin from the loop's next turn */
	void (*alert)(void *data, const char *text);
};

struct agent_setup {				/* the texts are borrowed for the call that takes them */
	struct loop *loop;
	const struct config_agent *config;
	const char *root;			/* the target's root; config's paths are relative to it */
	const char *folder;			/* the session's: a home and a tree of its own are made below it */
	const char *program;			/* this skydeck's path, for `skydeck mcp` */
	const char *tools_socket;		/* that answers tools and nothing else; NULL: none */
	const struct agent_listener *listener;
	void *data;
};

struct agent;
struct asking;

/* One call without tools: for text that is not trusted, and for a review. Costs are told by `answered`, not by `spent`. */
struct question {
	const char *system, *text;
	const char *schema;			/* JSON Schema of the answer; NULL: any text */
	long tokens;				/* of output */
	/* text: NULL when problem says why there is none. Not called after ask_cancel. */
	void (*answered)(void *data, const char *text, const char *problem, double usd, const char *model);
	void *data;
};

struct agent_ops {
	const char *kind;			/* [agent "NAME"] kind */
	int works_in_tree;			/* it works on files: FOLDER/agents/NAME/tree holds the baseline before a turn begins */
	/* Tells the listener nothing before the loop turns. */
	struct agent *(*open)(const struct agent_setup *setup, struct err *err);
	/* May be NULL. */
	void (*tell)(struct agent *a, enum agent_cause cause, const char *proposal, const char *text);
	/* NULL: it proposes by itself. -1: it cannot now (one runs; no key), with what to do. The texts are borrowed. */
	int (*turn)(struct agent *a, const struct turn_plan *plan, struct err *err);
	void (*stop)(struct agent *a, const char *why);		/* turn_ended follows with "cancelled"; nothing where none runs */
	struct asking *(*ask)(struct agent *a, const struct question *q, struct err *err);	/* may be NULL */
	void (*ask_cancel)(struct asking *asking);
	/* A human's word; option: an option's kind, or "cancelled". -1: nobody waits for it. May be NULL. */
	int (*permit)(struct agent *a, const char *permission, const char *option, const char *by);
	const char *(*model)(const struct agent *a);		/* as shown beside its costs; may be NULL, and return NULL */
	void (*close)(struct agent *a);
};

const struct agent_ops *agent_find(const char *kind);
extern const struct agent_ops *const agents[];	/* NULL-terminated */

#endif
