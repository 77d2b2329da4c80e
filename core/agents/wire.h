/* A model API as bytes: what a request says and what a stream of server-sent events answers. One conversation each; the
 * speaker (speaker.c) does the rest, the same for all. Two implementations: api.c (Anthropic Messages) and chat.c (chat
 * completions as OpenAI, OpenRouter, vLLM, llama.cpp and Ollama speak them). Pure: no clock, no network. */
#ifndef CORE_AGENTS_WIRE_H
#define CORE_AGENTS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/data/config.h"
#include "core/data/dialogue.h"

struct wire;

struct wire_setup {
	const struct config_agent *config;	/* model, effort */
	const char *system;
	const char *schema;			/* of the answer (structured output); NULL: any */
	int with_tools;				/* all of tool.h, or none */
	long tokens;				/* of output */
};

struct wire_call {
	char *id, *name;			/* name: safe; may be unknown, or "" */
	char *arguments;			/* as they came; "{}" where nothing did */
	struct json *args;			/* an object; NULL: they are none, and problem says why */
	char *problem;
};
enum wire_stop { STOP_END, STOP_CALLS, STOP_MAX_TOKENS, STOP_REFUSED, STOP_PAUSED, STOP_CONTEXT, STOP_CUT };
struct wire_answer {
	enum wire_stop stop;			/* CUT: the stream ended before its end, or an error came in it: nothing of it counts */
	char *reason;				/* of a refusal, a cut or an error: a sentence; NULL: none */
	char *text;				/* all of its text, as it came: not safe; "" none */
	struct wire_call *calls;
	size_t call_count, call_room;
	struct tokens tokens;			/* of this request; written counts both kinds of cache */
	int64_t written_hour;			/* of written: into the cache of an hour */
	double usd;				/* as the server says; NAN: it does not */
	char *model;				/* as the server says; NULL */
	int is_overloaded;			/* of CUT: wait as for 529 */
};
void wire_answer_release(struct wire_answer *a);

/* What an HTTP status other than 200 means. */
struct wire_trouble {
	int retry;				/* 0: asking again does not help */
	double wait;				/* seconds that the server asks for; NAN: it does not */
	char *text;				/* a sentence with the remedy; the key never stands in it */
};

struct wire_listener {				/* as it streams; raw bytes */
	void (*text)(void *data, const char *bytes, size_t n);
	void (*thought)(void *data, const char *bytes, size_t n);
	void *data;
};

struct wire_ops {
	const char *kind;			/* of the agent: "api", "chat" */
	const char *path;			/* behind the base: "/v1/messages" */
	const char *url;			/* base where none is configured; NULL: it must be */
	const char *keyenv;			/* where none is configured; NULL: no key is sent then, since whose it were is not known */
	int needs_key;				/* also on loopback: never */
	struct wire *(*open)(const struct wire_setup *setup);
	void (*close)(struct wire *w);
	void (*headers)(const char *key, struct strings *out);	/* "Name: value"; key NULL: none */
	/* The conversation. result: the answer to a call of the last answer; what is no such call is passed over, and a call
	 * that has none when the next answer comes is answered with an error. say: a user's text; it stands behind all results
	 * (what is left of the budget, or steering). */
	void (*say)(struct wire *w, const char *text);
	void (*result)(struct wire *w, const char *call, const char *text, int is_error);
	void (*request)(const struct wire *w, struct buf *body);	/* the same bytes each time */
	/* One answer: begin, event for each server-sent event (name may be ""), then finish, which adds it to the conversation
	 * unless it was cut (the same may be asked again) or refused (then all since the last text that the user said by itself,
	 * behind no results, is dropped). A call that the answer's length limit cut off is not among the calls. is_whole: the
	 * transfer ended as it should. */
	void (*begin)(struct wire *w, const struct wire_listener *listener);
	void (*event)(struct wire *w, const char *name, const char *data, size_t n);
	void (*finish)(struct wire *w, int is_whole, struct wire_answer *out);
	void (*explain)(int status, const char *body, size_t n, const struct strings *headers, struct wire_trouble *out);	/* headers: "name: value" */
};
extern const struct wire_ops api_wire, chat_wire;

/* Server-sent events (WHATWG HTML, 9.2), from pieces of any size. Lines and events up to 64 MiB: of a longer one the event
 * comes with text NULL, which wire_ops.event takes for a failed answer. An event that no blank line ends is none. {0} is
 * the beginning of a stream; the callback must not release it. */
struct sse {
	struct buf line, name, data;
	int has_begun, is_long, is_dropped, saw_return, has_data;
};
typedef void sse_event(void *data, const char *name, const char *text, size_t n);
void sse_feed(struct sse *s, const char *bytes, size_t n, sse_event *event, void *data);
void sse_release(struct sse *s);

/* Prices: assets/prices.json, over which the user's own files are laid (prices.json beside the config files). */
struct prices;
struct prices *prices_new(const char *const *paths, struct err *err);	/* NULL-terminated; a file that is not there is passed over; NULL with file and reason */
void prices_free(struct prices *p);
const char *prices_date(const struct prices *p);		/* of the newest table: "2026-11-20" */
/* USD of a request. is_known 0: the model is not in the table, and the dearest one's price was taken, so that a limit holds. */
double prices_of(const struct prices *p, const char *model, const struct tokens *t, int64_t written_hour, int *is_known);

#endif
