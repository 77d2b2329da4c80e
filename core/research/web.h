/* Questions to services and pages: from the cache while it is fresh, else over the network in the service's own pace, else from
 * the cache however old it is. Nothing blocks, and nothing is asked twice in a row when it failed. */
#ifndef CORE_RESEARCH_WEB_H
#define CORE_RESEARCH_WEB_H

#include <stddef.h>
#include <stdint.h>

#include "core/io/loop.h"
#include "core/research/cache.h"
#include "core/research/pace.h"

struct web;
struct web_get;

struct web *web_new(struct loop *loop, struct cache *cache);
void web_free(struct web *w);		/* also from inside came; NULL allowed */

/* A service that is asked with its own terms. Borrowed: it outlives its questions. */
struct service {
	const char *name;		/* "arXiv" */
	const char *base;		/* "https://export.arxiv.org": no slash at the end */
	const char *const *hosts;	/* others that it may send us to, https only; NULL-terminated, or NULL */
	const char *keyenv;		/* variable that holds the key; NULL: none. Read when a request goes out, to base's host alone */
	const char *key_header;		/* "x-api-key: "; NULL: key_query */
	const char *key_query;		/* "api_key": in the URL */
	const char *const *headers;	/* what every request says besides; NULL-terminated, or NULL */
	struct pace *pace;
	int64_t refusal;		/* microseconds that nobody asks after a 429 or 403 that names no time */
	int64_t forbidden;		/* the same after a 403; 0: refusal */
};
void web_trust(struct web *w, const char *base);	/* the user named it: pages there may be on this machine, and http */

struct web_answer {
	int status;		/* of HTTP; 0: none came, and problem says why */
	const char *type;	/* Content-Type, lower case; "" */
	const char *body;	/* NUL after it; there for 200 alone */
	size_t size;
	const char *url;	/* where it came from in the end, without the key */
	int64_t when;		/* wall clock */
	int is_old;		/* from the cache, past its time, since the service did not answer: problem says why */
	const char *problem;	/* a sentence; NULL: a fresh 200 */
};
struct web_question {
	const struct service *service;	/* NULL: a page that anybody may have named: https, public addresses only */
	const char *url, *accept;	/* accept NULL: anything */
	int64_t fresh;			/* how long an answer is good for, microseconds */
	int64_t timeout;		/* 0: 30 s */
	size_t max_size;		/* 0: 8 MiB */
	/* Once, from the loop, never from inside web_ask. Returns 1 when the answer is what was hoped for and may be kept. */
	int (*came)(void *data, const struct web_answer *answer);
	void *data;
};
struct web_get *web_ask(struct web *w, const struct web_question *q);	/* the texts are borrowed for the call */
void web_cancel(struct web_get *g);	/* it does not come any more; NULL allowed, and from inside its own came nothing */

#endif
