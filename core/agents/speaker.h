/* The agents that are a model behind an API, of kind api and chat: turns, tools and questions over whatever wire there is. What
 * stands here is for the files that make it up and for their tests; the engine knows api_agent and chat_agent only. */
#ifndef CORE_AGENTS_SPEAKER_H
#define CORE_AGENTS_SPEAKER_H

#include "core/agents/agent.h"
#include "core/agents/bill.h"
#include "core/agents/conversation.h"

struct speaker_turn;

struct agent {
	struct loop *loop;
	struct http *http;
	const struct wire_ops *wire;
	const struct config_agent *config;
	const struct agent_listener *listener;
	void *data;
	struct endpoint endpoint;
	struct patience patience;
	struct random random;
	char *root;
	char *model;			/* as the server calls it; NULL: nothing heard yet */
	struct strings guessed;		/* models that it was said of that their price is not known */
	struct speaker_turn *turn;
	struct asking *askings;
	char *told_system;		/* as it stands in the newest transcript that holds it… */
	unsigned told_in;		/* …of that turn */
	int entered, is_closed;
};

/* As ops->open, over another wire or with other patience (NULL: conversation_patience). */
struct agent *speaker_open(const struct wire_ops *wire, const struct agent_setup *setup, const struct patience *patience, struct err *err);

/* Around whatever may call the listener: what is closed in there is freed at its end. */
void speaker_enter(struct agent *a);
void speaker_leave(struct agent *a);
struct bill *speaker_ready(struct agent *a, struct err *err);	/* NULL: it cannot ask now, with what to do */
struct conversation *speaker_talk(struct agent *a, const struct wire_setup *wire, const struct conversation_listener *listener, void *data);
/* USD of an answer; says once of each model that its price is not known. what gets "claude-opus-5-5, 12k in, … (…)". */
double speaker_price(struct agent *a, const struct bill *bill, const struct wire_answer *answer, struct buf *what);

/* speaker_turn.c */
int speaker_begin(struct agent *a, const struct turn_plan *plan, struct err *err);
void speaker_stop(struct agent *a, const char *why);
void speaker_drop_turn(struct agent *a);	/* at once, and nobody is told */
void speaker_free_turn(struct agent *a);

/* question.c */
struct asking *speaker_ask(struct agent *a, const struct question *q, struct err *err);
void speaker_ask_cancel(struct asking *asking);
void speaker_drop_askings(struct agent *a);
void speaker_free_askings(struct agent *a);

extern const struct agent_ops api_agent, chat_agent;

#endif
