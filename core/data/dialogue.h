/* What passes between the session and its agent, folded: the turns it took, what it has to be told, what it noted, the
 * claims it found in sources, the permissions it asked for, and where the target's time goes. Part of the model. */
#ifndef CORE_DATA_DIALOGUE_H
#define CORE_DATA_DIALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/data/event.h"

/* X(id, name, what the agent is about in it). In this order; after reflecting it reads, or has new ideas, again. */
#define STAGES(X) \
	X(PROFILE, "profile", "finds out where the time goes") \
	X(READ, "read", "searches and reads sources") \
	X(HYPOTHESISE, "hypothesise", "states ideas, each with its sources and what it expects") \
	X(PROPOSE, "propose", "writes patches for ideas") \
	X(REFLECT, "reflect", "learns from verdicts and vetoes")
enum stage {
#define X(id, name, about) STAGE_##id,
	STAGES(X)
#undef X
	STAGE_COUNT
};
const char *stage_name(enum stage s);
const char *stage_about(enum stage s);
int stage_parse(const char *name, enum stage *out);	/* -1: no such stage */

struct annotation {
	char *by, *text;
};

/* A sentence that a source holds, with the words that say it. */
struct claim {
	char *id, *source, *text;
	char *quote, *place;	/* word for word; "page 4", "lines 12-19" */
	char *hash;		/* of the text that was quoted from, as git hashes a blob */
	char *model;		/* who extracted it */
};

/* What the agent has to hear. Delivered with the first turn that begins after it and goes well; a turn that failed or was
 * lost delivers nothing. */
struct message {
	uint64_t seq;		/* of the event */
	int64_t time;
	enum event_kind kind;	/* STEERED VETOED REVISION_ASKED: each starts a turn; VERDICT CONFLICT GUARD_STOPPED CANCELLED LANDED LANDING_FAILED: told */
	char *by, *text, *proposal;	/* proposal: NULL where it is about none */
	unsigned turn;		/* it was told in; 0: not yet */
};

struct tokens {
	int64_t in, read, written, out;	/* uncached input; read from and written to the cache; output */
};

/* One turn: the session speaks, the agent answers and uses tools until it has nothing more to say. Its transcript is the
 * log "t<number>". */
struct turn {
	unsigned number;
	uint64_t seq, last;	/* of the events that began and ended it; last 0: it runs */
	char *agent, *model;
	enum stage stage;
	char *status;		/* NULL: it runs; "done", "refused", "failed", "lost", "limit", "cancelled" */
	char *reason, *text;	/* a sentence; its last words */
	int64_t started, ended;
	double seconds, usd;
	struct tokens tokens;
	unsigned calls;		/* of tools */
	unsigned proposals, ideas, sources, claims;	/* that came of it */
	unsigned conflicts;		/* of the proposals: they do not apply */
	int64_t size;		/* bytes that it was told */
	int64_t log_bytes, log_lines;
	char *last_line;	/* while it runs, told beside the events (model_tail) */
};

/* A use of a tool. */
struct tool_called {
	uint64_t seq;		/* of the event */
	int64_t time;
	unsigned turn;		/* 0: outside of the session's turns */
	char *agent, *tool;
	char *text, *status;	/* what was asked, in a line; "ok", "error" */
};

/* A child agent asks whether it may do something. */
struct permission {
	char *id, *agent, *title, *text;
	struct strings options;	/* "allow_once Yes, proceed": the kind, a space, the words */
	char *answer, *by;	/* "allow_once", "cancelled" …; NULL: still open */
	int64_t time;
};

/* Where the time goes, and on which side of the roofline (Williams, Waterman, Patterson 2009) the target stands. */
struct bottleneck {
	char *commit, *what;	/* measured how: "perf", "gprof", "harness"; NULL: not measured yet */
	char *side;		/* "memory", "compute", or NULL: not known */
	char *text;		/* lines: share, function */
	char *reason;		/* why no more is known; NULL: nothing is missing */
	double moved, bandwidth;	/* bytes per second: what it moves, what the machine can; NAN: not known */
};

struct dialogue {
	enum stage stage;
	char *stage_reason;
	struct turn *turns; size_t turn_count, turn_room;
	struct message *messages; size_t message_count, message_room;
	struct claim *claims; size_t claim_count, claim_room;
	struct permission *permissions; size_t permission_count, permission_room;
	struct tool_called *called; size_t called_count, called_room;	/* oldest first; the newest CALLED_MAX at most */
	struct strings notes;			/* the agent's own, oldest first; the newest NOTES_MAX */
	struct bottleneck bottleneck;
};
enum { NOTES_MAX = 100, CALLED_MAX = 1000 };

struct model;
struct source;
/* In the fold, after the session's own handlers. */
void dialogue_apply(struct model *m, const struct event *ev);
void dialogue_release(struct dialogue *d);
void annotations_release(struct source *s);

struct turn *dialogue_turn(const struct model *m, const char *log);	/* "t7"; NULL: none */
struct turn *turn_now(const struct model *m);				/* the one that runs; NULL: none */
size_t messages_waiting(const struct model *m, int only_urgent);	/* not told yet; urgent: those that start a turn */
int was_called_since(const struct model *m, uint64_t seq);		/* something urgent came after that event */
const struct claim *find_claim(const struct model *m, const char *id);
size_t claims_of(const struct model *m, const char *source);		/* how many */
const struct permission *open_permission(const struct model *m);	/* the oldest that waits; NULL: none */
const struct permission *find_permission(const struct model *m, const char *id);
const char *permission_words(const struct permission *p, const char *kind);	/* the agent's for that answer; NULL: it does not offer it */

/* Money of the agent, by what it went to. A proposal's share: of its turns, split between the proposals of each. */
double stage_usd(const struct model *m, enum stage s);
double agent_usd(const struct model *m, const char *agent);		/* NULL: all of them */
double proposal_usd(const struct model *m, const char *proposal);
struct tokens session_tokens(const struct model *m);

#endif
