/* What both wires do the same: reading an event leniently, reading a call's arguments, saying things, and the conversation
 * that only grows. */
#ifndef CORE_AGENTS_PARTS_H
#define CORE_AGENTS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/agents/span.h"
#include "core/agents/wire.h"

enum { ANSWER_SIZE_MAX = 96 << 20, ANSWER_PARTS_MAX = 1000 };	/* bytes of events; blocks or calls */

/* One event's JSON. Where it is JSON but for characters that are none (NUL, lone surrogates, bytes that are not UTF-8),
 * those are U+FFFD and is_altered says so. */
struct heard {
	struct json *v;
	struct span text;	/* what v was read from: the event's own, or mended */
	char *mended;
	int is_altered;
};
int heard_read(struct heard *h, const char *data, size_t n);	/* -1: it is no JSON object */
void heard_release(struct heard *h);

char *safe_words(const char *s, size_t max);	/* safe text on one line, of at most max bytes and "…" */
int64_t count_of(const struct json *usage, const char *key, int64_t otherwise);	/* tokens: 0 to 2^53 */

/* Adds a call, its arguments read. Those that cannot be used get a problem that the model can act on. */
void answer_add_call(struct wire_answer *a, const char *id, const char *name, const char *arguments, int is_altered);

/* As arguments go back to a model: as they came when they could be read, else wrapped so that they are JSON at all. */
void put_arguments(struct buf *out, const struct wire_call *call);

/* A schema for structured output, without the keywords that the APIs refuse there (limits of numbers, strings, arrays);
 * whoever gets the answer checks those. 1: every object in it lists and requires all that it may hold. */
int put_schema(struct buf *out, const char *schema);

void put_key_header(struct strings *out, const char *name, const char *key);	/* "x-api-key: KEY"; nothing for a key of blanks */

/* What an HTTP status other than 200 means (wire_ops.explain); the same for both. */
void explain_status(int status, const char *body, size_t n, const struct strings *headers, struct wire_trouble *out);

/* The conversation. What stands in history was answered and is never written again; what waits for an answer is kept
 * apart, so that a refusal takes it back and a cut stream leaves it to be asked again. */
struct talk_mark {
	size_t length, user_end;
};
struct talk {
	struct buf history;		/* messages, with commas between */
	struct buf results, texts;	/* that wait for an answer: as its wire writes them */
	struct strings open;		/* ids of calls without a result */
	size_t user_end;		/* in history: the last '}' of the last block of the last user message; 0: none */
	size_t blocks;			/* in history since then */
	struct talk_mark *marks;	/* where each text began that the user said by itself */
	size_t mark_count, mark_room;
};
int talk_is_open(const struct talk *t, const char *id);
void talk_close(struct talk *t, const char *id);	/* it has its result */
int talk_waits(const struct talk *t);			/* for an answer to something */
void talk_mark(struct talk *t);				/* before what waits moves to history */
void talk_moved(struct talk *t);			/* after it */
void talk_refused(struct talk *t);
void talk_release(struct talk *t);

extern const char not_carried_out[];	/* the result of a call that got none */

#endif
