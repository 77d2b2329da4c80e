/* What the services that know papers share. */
#ifndef CORE_RESEARCH_PAPER_H
#define CORE_RESEARCH_PAPER_H

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/research/errand.h"
#include "core/research/source.h"

/* Which paper a look-up is about: one of the two is set, in the forms of parse.h. */
struct paper_id {
	char arxiv[40], doi[200];
};
int paper_id_of(const struct finding *what, struct paper_id *out);	/* -1: none */

/* Adds the key and the address that a paper has here: its arXiv id before its DOI. 0; or -1: it has neither. */
int paper_name(const char *arxiv, const char *doi, struct buf *key, struct buf *url);

/* Adds "A, B, C" of a list of objects; name: reads one's. */
void paper_authors(const struct json *list, const char *(*name)(const struct json *one), struct buf *out);

/* A paper as a service tells of it. {0} is an empty one. */
struct paper {
	struct buf key, url, authors, title, note;
	int64_t year;
};
void paper_hand_on(struct errand *e, struct paper *p);	/* it is found, if it has a key and a title; releases it */

/* Adds text that may have markup or references in it ("<i>n</i>-body") as a plain line. */
void paper_plain(const char *text, struct buf *out);

#endif
