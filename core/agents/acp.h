/* The agent that is a child which speaks the Agent Client Protocol, version 1 (https://agentclientprotocol.com). What stands
 * here is for the files that make it up and for their tests; the engine knows acp_agent only. */
#ifndef CORE_AGENTS_ACP_H
#define CORE_AGENTS_ACP_H

#include <stdint.h>

#include "core/agents/agent.h"
#include "core/agents/bill.h"
#include "core/io/child.h"
#include "core/io/rpc.h"

/* Microseconds. */
struct acp_patience {
	int64_t hello, session;		/* until initialize, and a session, are answered */
	int64_t permission;		/* until policy answers in a human's place */
	int64_t cancel;			/* until one that was asked to stop is killed */
	int64_t restart;		/* before the first restart; twice as long before each further one */
	int64_t revive;			/* after the last restart failed, until it is tried anew */
};

/* What the child is asked now. One request at a time. */
enum acp_step { ACP_GONE, ACP_HELLO, ACP_SESSION, ACP_MODE, ACP_MODEL, ACP_READY, ACP_PROMPT };

struct acp_tool {		/* a tool of the child's own, as it last told of it */
	char *id, *title, *status;
	uint64_t shown;		/* hash of the diff or result that was shown last */
};
struct acp_permission {
	struct agent *agent;
	char *id;
	struct json *request, *options;		/* the id of the child's request; its options */
	struct loop_timer *timer;
};

struct agent {
	struct loop *loop;
	const struct config_agent *config;
	const struct agent_listener *listener;
	void *data;
	struct acp_patience patience;
	char *root, *program, *tools_socket, *home, *tree;
	struct strings words;		/* the command */

	struct child *child;
	struct rpc *rpc;
	struct buf errors;		/* the end of what it wrote to stderr since it was started */
	char *gone;			/* why it goes, as far as is known */
	struct child_result result;
	int is_sent_away;		/* it goes because we want it to */
	struct loop_timer *timer;	/* of the step, or before a restart */
	struct loop_timer *killer;	/* of one that shall go */
	unsigned restarts;		/* since a turn went well */
	int64_t not_before;		/* monotonic: it is not started before */
	int is_exhausted;		/* all restarts were for nothing; not before then it is tried anew */

	enum acp_step step;
	int64_t awaited;		/* id of our request */
	char *session;			/* it stays when the child is restarted */
	int can_resume, can_load, is_told;	/* is_told: this session knows who it is */
	char *logins;			/* the ways to log in that it names; NULL: none */
	char *model, *mode, *chosen_mode;	/* the model as it says; the mode to be set; the one that the session is in; NULL: none */
	int wants_model;		/* the configured model is to be set */

	struct turn_plan plan;		/* of the turn that runs; its texts are here */
	char *system, *text;
	int has_turn, is_stopping;
	char *end_status, *end_reason;	/* of a turn that is being stopped */
	struct loop_timer *limit, *stopper;
	double turn_usd, session_usd;	/* session_usd: as the child said last, of its process */
	int was_priced, was_refused;	/* in this turn: the child said what it costs; it was told no */
	struct tokens tokens;
	struct buf last_words;
	unsigned calls, asked, charges, unreadable;
	size_t said;			/* bytes of the transcript */
	size_t complained;		/* bytes of stderr in it */
	struct acp_tool *tools; size_t tool_count, tool_room;
	struct acp_permission **permissions; size_t permission_count, permission_room;
	struct strings unknown;		/* kinds of updates that were told of once */
};

extern const struct agent_ops acp_agent;
struct agent *acp_open(const struct agent_setup *setup, const struct acp_patience *patience, struct err *err);	/* NULL: as is fit for use */

/* acp.c. Stops the turn: status and reason are what it ends with. */
void acp_stop(struct agent *a, const char *status, const char *reason);

/* acp_child.c: the command and how it is confined. Words are split as by a shell: quotes and backslashes, ~/ in front;
 * what needs a shell for more is refused with what to do. */
int acp_split(struct strings *words, const char *command, struct err *err);
int acp_start_child(struct agent *a, int talk[2], const struct child_options *options, struct err *err);
/* Safe text, without the keys that the child was given. The caller frees it. */
char *acp_clean(const struct agent *a, const char *bytes, size_t n, unsigned flags);

/* acp_update.c: what it tells while it works. */
void acp_update(struct agent *a, const struct json *update);
void acp_say(struct agent *a, enum said what, const char *bytes, size_t n);	/* bounded; keys are taken out */
void acp_say_line(struct agent *a, enum said what, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Of the answer to the prompt: tokens, and the price where it named none. */
void acp_account(struct agent *a, const struct json *result);
void acp_forget_tools(struct agent *a);

/* acp_ask.c: permissions. */
void acp_ask(struct agent *a, const struct json *params, const struct json *id);
void acp_ask_end(struct agent *a, const char *reason);	/* cancels all that are open */
int acp_permit(struct agent *a, const char *permission, const char *option, const char *by);
void acp_withdraw(struct agent *a, const struct json *params);	/* $/cancel_request */

#endif
