/* A conversation with a model over HTTP: one request at a time, its answer as it streams, and all the patience that an
 * unattended session needs: what may be asked again is, after the wait that the server asks for, or a growing one. */
#ifndef CORE_AGENTS_CONVERSATION_H
#define CORE_AGENTS_CONVERSATION_H

#include <stddef.h>
#include <stdint.h>

#include "core/agents/endpoint.h"
#include "core/agents/wire.h"
#include "core/base/random.h"
#include "core/io/http.h"
#include "core/io/loop.h"

/* Microseconds; those of conversation_patience are what sessions use, tests are less patient. */
struct patience {
	int64_t base, cap;		/* the first wait, doubled each time up to cap; up to a quarter less by chance */
	int64_t longest;		/* that a server may ask for; for more the request fails */
	int64_t silence;		/* in a stream, and before it from afar */
	int64_t first;			/* before the first word of a model on this machine: it reads the whole prompt first */
	int64_t uneasy;			/* without a word, before that is said */
	unsigned attempts;
	size_t answer_max;		/* bytes of an answer, with all that is around its words */
};
extern const struct patience conversation_patience;

/* Each may free the conversation. Sentences are safe text without the key. */
struct conversation_listener {
	void (*text)(void *data, const char *bytes, size_t n);
	void (*thought)(void *data, const char *bytes, size_t n);
	void (*waits)(void *data, const char *sentence);		/* NULL: it goes on */
	void (*used)(void *data, const struct wire_answer *answer);	/* of each answer, also one that was cut; before the next */
	void (*answered)(void *data, struct wire_answer *answer);	/* never STOP_CUT; what is taken out of it is set to NULL */
	void (*failed)(void *data, const char *why);
};

struct conversation_setup {
	struct loop *loop;
	struct http *http;
	const struct wire_ops *wire;
	const struct endpoint *endpoint;	/* this and all below are borrowed while it lives */
	const struct patience *patience;
	struct random *random;
	const struct conversation_listener *listener;
	void *data;
};

struct conversation;
struct conversation *conversation_new(const struct conversation_setup *setup, const struct wire_setup *wire);
void conversation_free(struct conversation *c);		/* NULL allowed */

/* What is said stands in wire.h. Not while a request runs. */
void conversation_say(struct conversation *c, const char *text);
void conversation_result(struct conversation *c, const char *call, const char *text, int is_error);
/* Asks; nothing is called before the loop turns. */
void conversation_ask(struct conversation *c);

/* Ends the request that runs: no callback comes any more but `used`, when something of an answer was there; then it is over
 * for good. Not from inside a callback. */
void conversation_stop(struct conversation *c);
/* The same at once and from anywhere; conversation_stop may follow. */
void conversation_hush(struct conversation *c);

#endif
