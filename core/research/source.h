/* Where sources come from. To add a kind: a file that ends in one `const struct source_ops`, listed in sources.c. Its functions
 * build requests and read answers; when, in which pace and from which cache is the errand's business (errand.c, web.c). */
#ifndef CORE_RESEARCH_SOURCE_H
#define CORE_RESEARCH_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/data/config.h"
#include "core/research/web.h"

/* One entry of the reading list; safe text. key: the id in its own world ("arXiv:2205.14135"); NULLs where unknown. */
struct finding {
	const char *type, *title, *key, *url, *authors, *note;
	const char *reason;	/* why it is there; NULL */
	unsigned year;		/* 0: not known */
};
typedef void source_found(void *data, const struct finding *finding);

struct errand;		/* one search, look-up or fetch at one source, while it lasts */
struct research_query;

struct source_ops {
	const char *kind;	/* [source "NAME"] kind */
	/* Calls found for each entry. root: the target's root, that relative paths start from. Online kinds: source_list_nothing. */
	int (*list)(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err);
	/* Each asks for what it needs, and what comes back goes to errand_found or errand_text; NULL: it cannot. */
	void (*search)(struct errand *e, const struct research_query *query);
	int (*identify)(struct errand *e, const struct finding *what);	/* -1: not of its world, nothing was asked */
	int (*fetch)(struct errand *e, const struct finding *what);	/* likewise */
	const char *const *types;	/* that a search here can find; NULL-terminated */
	/* An online kind's: its terms, of which base is the default, and the microseconds between two requests. */
	struct service service;
	int64_t interval;
	int is_asked_by_name;		/* also where it is not configured, for what is plainly its own */
};

const struct source_ops *source_find(const char *kind);	/* NULL: no such kind here */
extern const struct source_ops *const source_kinds[];
int source_list_nothing(const struct config_source *config, const char *root, source_found *found, void *data, struct err *err);

/* For the kinds. What is handed in may be anything that came from outside: it is made safe, bounded and copied. Nothing of these does
 * anything any more once the errand was cancelled. */

/* A question to the errand's service: the URL is base and what the format gives ("/works?search=%s"), or a whole page's. */
struct source_question {
	const char *accept;
	int64_t fresh, timeout;		/* microseconds; 0: SOURCE_DAY, web.h's */
	size_t max_size;
	/* The body (status 200). Returns 1 when it was what it should be, 0 after errand_fail. number: the question's. */
	int (*came)(struct errand *e, const struct web_answer *answer, unsigned number);
	/* There is none, and the problem is not yet said; NULL: errand_fail does. */
	void (*missed)(struct errand *e, const struct web_answer *answer, unsigned number);
	unsigned number;
};
#define SOURCE_SECOND INT64_C(1000000)
#define SOURCE_HOUR (3600 * SOURCE_SECOND)
#define SOURCE_DAY (24 * SOURCE_HOUR)
void errand_ask(struct errand *e, const struct source_question *q, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Where all is asked and answered, settled is called, and may ask again; state is freed by release. */
void errand_keep(struct errand *e, void *state_taken, void (*settled)(struct errand *e), void (*release)(void *state));
void *errand_state(const struct errand *e);

size_t errand_limit(const struct errand *e);		/* findings that are still wanted */
void errand_found(struct errand *e, const struct finding *finding);
void errand_fail(struct errand *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void errand_deny(struct errand *e);			/* a look-up: the service that must know says there is no such thing; no other is asked */
void errand_title(struct errand *e, const char *title);	/* the service's: is it the one that was claimed? */

/* The text of a fetch; ends it. The first that comes counts. */
void errand_text(struct errand *e, const char *from, const char *text, size_t size);
void errand_file(struct errand *e, const char *path);	/* of a PDF or a text file on this machine */
/* Of the first of these URLs that has one, HTML, PDF or plain; "/…" is the service's own, in its pace. */
void errand_read(struct errand *e, const char *const *urls, size_t count);

/* Parses an answer of the service's. NULL after errand_fail. The caller frees. */
struct json;
struct json *errand_json(struct errand *e, const struct web_answer *answer);

#endif
