/* Repositories of others: bare and shallow copies in the cache, and the human's own where they are. Git runs in a confined
 * child that has the network only for a URL, no home, no hooks, no templates, no submodules, no filters and no prompt. Of a
 * repository by path nothing is ever written, and nothing that its configuration names is run. */
#ifndef CORE_RESEARCH_REPOSITORY_H
#define CORE_RESEARCH_REPOSITORY_H

#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/research/research.h"

struct repository_clone;

/* What a URL or path names. url: what git is asked for, "" where it is used in place; ref: "HEAD", "refs/heads/…" or
 * "refs/pull/N/head"; host: of an https URL, its port. */
struct repository_place {
	char url[1024], ref[256], host[256];
	unsigned port;
	int is_local;		/* "file:///…" (copied) or an absolute path (used in place): for what the human named, never an agent */
	char path[1024];	/* of a local one */
};
/* "https://host/path", with "#branch" or "#pull/12" behind it, or GitHub's ".../pull/12" and ".../tree/branch". -1: a sentence. */
int repository_parse(const char *url, struct repository_place *out, struct err *err);

/* Makes sure that it is there and not older than REPOSITORY_AGE, and calls done once, from the loop, never from in here. Where
 * it cannot be fetched again the old copy is given with its problem too: folder is NULL only when there is none. A copy is
 * given up over REPOSITORY_SIZE bytes or REPOSITORY_TIME; files of over 8 MB are left out where the server can; only addresses that are public are asked, without a proxy. cache: the
 * folder of the cache, made where missing. */
enum { REPOSITORY_AGE = 24 * 60 * 60, REPOSITORY_TIME = 10 * 60 };	/* seconds */
#define REPOSITORY_SIZE ((size_t)2 << 30)
struct repository_clone *repository_clone(struct loop *loop, const char *cache, const char *url, research_cloned *done, void *data);
void repository_clone_cancel(struct repository_clone *c);	/* done is not called any more; NULL allowed */

/* The folder and the head of what is there, of any age; valid until the next call. NULL: not there yet. */
const char *repository_at(const char *cache, const char *url, char commit[41]);

#endif
