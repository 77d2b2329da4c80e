/* Errands as research.c runs them: one source, one piece of work. Kinds see them through source.h. */
#ifndef CORE_RESEARCH_ERRAND_H
#define CORE_RESEARCH_ERRAND_H

#include "core/research/research.h"

/* A source that can be asked: a configured one, or one of ours. */
struct known_source {
	const struct source_ops *ops;
	const struct config_source *config;	/* NULL: not configured */
	struct service service;			/* service.base NULL: not online */
	char *base;
	int is_spare;				/* not searched; asked for what is plainly its own */
};

/* What errands do their work with, and what they report to. None of it is called from inside errand_start, or after errand_free. */
struct errand_world {
	struct loop *loop;
	struct web *web;
	struct cache *cache;
	const char *root;
	void (*found)(void *data, const struct finding *safe);
	void (*problem)(void *data, const char *sentence);
	void (*text)(void *data, const struct source_text *text);
	/* Around whatever comes in from outside: between the two nothing is freed. leave: the errand may have ended. */
	void (*enter)(void *data);
	void (*leave)(void *data);
	void *data;
};
struct errand *errand_new(const struct errand_world *world, struct known_source *source);
void errand_drop(struct errand *e);	/* lets go of all it holds; it reports nothing any more */
void errand_free(struct errand *e);
int errand_has_ended(const struct errand *e);
int errand_is_denied(const struct errand *e);

void errand_search(struct errand *e, const struct research_query *query);
int errand_identify(struct errand *e, const struct finding *what);	/* -1: not of that source's world */
int errand_fetch(struct errand *e, const struct finding *what);

/* Safe text of at most max bytes of s, cut between characters; NULL for NULL and for nothing. The caller frees. */
char *safe_part(const char *s, size_t max, unsigned flags);

#endif
