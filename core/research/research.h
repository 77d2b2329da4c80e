/* The sources of a session: searched and fetched, from wherever they are, without blocking. Answers are kept on disk, and
 * come from there while they are fresh and where there is no network; the terms of each service are kept (how often,
 * how many at a time) over all skydecks of this machine. To add a kind: source.h. */
#ifndef CORE_RESEARCH_RESEARCH_H
#define CORE_RESEARCH_RESEARCH_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/data/config.h"
#include "core/io/loop.h"
#include "core/research/source.h"

struct research;
struct research_request;

struct research_setup {
	struct loop *loop;
	const struct config *config;	/* its [source "…"] entries; where none is online, arXiv and GitHub are asked */
	const char *root;		/* the target's */
	const char *cache;		/* folder: $XDG_CACHE_HOME/skydeck/research */
	unsigned hurry;			/* for tests: the pauses between requests are this many times shorter; 0: as the services want them */
};
struct research *research_new(const struct research_setup *setup);
void research_free(struct research *r);		/* cancels what is under way */

struct research_query {
	const char *text;
	const char *kind;		/* of source: "arxiv", "github" …; NULL: all that are configured */
	const char *type;		/* "paper", "fork", "pull-request", "issue"…; NULL: any */
	size_t limit;			/* of each source that is asked, 0: 20, at most 100 */
};
/* type "fork": text begins with the repository whose forks are wanted ("owner/name"), else the best match's.
 * found: for each, as they come. ended: once; problems: a sentence for each source that did not answer, and what to do. */
typedef void research_ended(void *data, const struct strings *problems);
struct research_request *research_search(struct research *r, const struct research_query *query, source_found *found,
                                         research_ended *ended, void *data);

/* What a word of the user's or an agent's means: an arXiv id, a DOI, a GitHub repository, pull request or issue, a page. Fills
 * type, key and url (the caller frees with finding_release); -1: none of these, with what is. No request is made. */
int research_parse(const char *word, struct finding *out, struct err *err);
void finding_release(struct finding *f);	/* of one whose texts are its own */
/* Title, authors, year and abstract of it, from the service that knows: found at most once, and only when its id is that of the
 * answer. problems also say it when what has a title, and that is not the service's. */
struct research_request *research_identify(struct research *r, const struct finding *what, source_found *found, research_ended *ended, void *data);

/* The text of a source: safe text with newlines; "\f" between pages where it has some. hash: of the text, as git hashes a blob. */
struct source_text {
	const char *text;		/* NULL: problem */
	size_t size;
	char hash[41];
	const char *from;		/* the URL or path it came from */
	int is_cut;			/* longer than SOURCE_TEXT_MAX */
	unsigned marks;			/* hidden or dangerous characters that were made visible: a sign of a trick */
	const char *problem;		/* a sentence with the remedy */
	const char *notice;		/* what to know of a text that came: it is old, since the service does not answer; NULL */
};
enum { SOURCE_TEXT_MAX = 2 << 20 };
typedef void research_text(void *data, const struct source_text *text);
struct research_request *research_fetch(struct research *r, const struct finding *what, research_text *came, void *data);

/* Repositories, by URL or path: a bare, shallow clone in the cache, fetched again when it is older than a day. folder: of the
 * clone; commit: its head. */
typedef void research_cloned(void *data, const char *folder, const char *commit, const char *problem);
struct research_request *research_clone(struct research *r, const char *url, research_cloned *cloned, void *data);
const char *research_cloned_at(struct research *r, const char *url, char commit[41]);	/* NULL: not there yet */

void research_cancel(struct research_request *request);	/* no callback comes any more; NULL allowed */

/* Lines of a commit's files that match (POSIX extended; is_plain: as it stands), by `git grep` in the repository folder; paths:
 * a pathspec or NULL. line: safe text; ended: problem NULL is fine, is_cut where limit or time were reached. */
struct code_search;
struct code_query {
	const char *folder, *commit, *pattern, *path;
	int is_plain, ignores_case;
	size_t limit;
};
struct code_search *code_search(struct loop *loop, const struct code_query *query,
                                void (*line)(void *data, const char *path, long number, const char *text),
                                void (*ended)(void *data, const char *problem, int is_cut), void *data, struct err *err);
void code_search_cancel(struct code_search *s);

#endif
