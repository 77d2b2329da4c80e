/* The two ways to SkyPilot, below skypilot.c and skypilot_follow.c only: its command, and its API server's REST. What is
 * asked here is answered once, by whichever way there is. */
#ifndef CORE_RUNNERS_SKYPILOT_WAYS_H
#define CORE_RUNNERS_SKYPILOT_WAYS_H

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/io/child.h"
#include "core/io/http.h"
#include "core/runners/skypilot.h"
#include "core/runners/skypilot_parse.h"

/* What is under way: the first member of an action, a question, a follower. */
struct skypilot_call {
	struct skypilot *s;			/* NULL: it is over, and s may be gone */
	void (*go)(struct skypilot_call *call);	/* the server is known, or known to be silent */
	void (*stop)(struct skypilot_call *call);	/* ends what it does; s is still there */
	void (*release)(struct skypilot_call *call);	/* frees what it owns, but not itself */
	int is_waiting;				/* for go */
	int depth;				/* it is in a callback so deep: freed after the last */
};

/* call: allocated with xcalloc, freed by forget (or by the last leave). */
void skypilot_enlist(struct skypilot *s, struct skypilot_call *call);
void skypilot_enter(struct skypilot_call *call);
int skypilot_leave(struct skypilot_call *call);	/* whether it still lives */

/* Calls go: at once, or when the server has said what it is. Never calls back from inside but through go. */
void skypilot_go_when_known(struct skypilot_call *call);
int skypilot_speaks(const struct skypilot *s);	/* in go: by REST; else by the command */
void skypilot_server_failed(struct skypilot *s, const char *why);	/* it did not answer: asked anew before the next */
void skypilot_server_refused(struct skypilot *s, const char *path, int status);	/* it answers, but not so that we understand it: the command for a while */

/* http_start with the server's address in front of plan->url, and its headers. NULL: as if it had not answered. */
struct http_request *skypilot_request(struct skypilot *s, const struct http_plan *plan);
/* child_start of "sky" with these arguments, silent telemetry, no colours; options: output, ended, data, timeout. */
struct child *skypilot_command(struct skypilot *s, const struct strings *arguments, const struct child_options *options, struct err *err);
struct loop *skypilot_loop(struct skypilot *s);

/* {"cluster_name": …} and who asks, of a POST. */
struct json *skypilot_body(const struct skypilot *s, const char *cluster);

/* A question with one answer. */
struct skypilot_ask;
/* value: NULL on trouble. The ask is gone after it. */
typedef void skypilot_asked(void *data, const struct json *value, const struct skypilot_answer *answer);
struct skypilot_question {
	const char *what;		/* for sentences: "the queue of w1" */
	const char *path;		/* "/queue" */
	struct json *body;		/* taken */
	struct strings arguments;	/* of the command; taken */
	const char *member;		/* what counts in the command's object; NULL: all */
};
struct skypilot_call *skypilot_ask(struct skypilot *s, struct skypilot_question *question, skypilot_asked *asked, void *data);

#endif
