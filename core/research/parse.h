/* What words mean: ids and addresses of papers, repositories and pages, by their patterns. Pure: nobody is asked. */
#ifndef CORE_RESEARCH_PARSE_H
#define CORE_RESEARCH_PARSE_H

#include <stddef.h>

/* An http or https URL of the plain form that all readers understand alike: no user, no escapes in the host. */
struct place {
	int is_secure;		/* https */
	char host[256];		/* lower case; an IPv6 address with its brackets */
	unsigned port;
	const char *rest;	/* from the '/', '?' or '#' on, or "" */
};
int place_parse(const char *url, struct place *out);	/* -1: not of this form */
int place_is_near(const struct place *p);		/* loopback, by its name */
int place_is_same(const struct place *a, const struct place *b);	/* scheme, host and port */
char *place_join(const char *base, const char *location);	/* where a redirect leads to; NULL: nowhere */

/* "2205.14135", "cs/9901002", with or without arXiv:, version, or as a URL: the id without its version. -1: none. */
enum { ARXIV_ID = 40 };
int parse_arxiv(const char *word, char id[ARXIV_ID]);
/* "10.1145/3600006.3613165", with or without doi: or as a URL: in lower case. -1: none. */
enum { DOI_MAX = 200 };
int parse_doi(const char *word, char doi[DOI_MAX]);
/* "github:owner/name", "github:owner/name#12", "github.com/owner/name/pull/12", its URL. number 0: the repository itself. */
struct github_name {
	char owner[64], name[104];	/* letters, digits, - _ . */
	unsigned long number;
	int is_pull;			/* where the word says so */
};
int parse_github(const char *word, struct github_name *out);
int parse_owner_name(const char *word, size_t n, struct github_name *out);	/* "owner/name" alone */

/* Adds text as a part of a URL's query or path: all but letters, digits and -._~ in percent. */
struct buf;
void url_quote(struct buf *out, const char *text);

#endif
