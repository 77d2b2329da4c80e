/* Commits in files (git bundles), for workers that keep their own trees. A file holds what was asked for together, which is
 * a wave's baseline and its proposals: one file goes to the worker, whatever the number of arms. */
#include "core/engine/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/engine/files.h"

struct bundle {
	char *path;
	struct strings commits;
	int is_written;
	struct bundle *next;
};
struct bundle_job {
	struct job job;
	struct bundle *bundle;		/* the job's own until it is written */
	struct err err;
	int rc;
};

static void free_bundle(struct bundle *b)
{
	strings_release(&b->commits);
	free(b->path);
	free(b);
}

void bundles_free(struct engine *e)
{
	for (struct bundle *b = e->bundles, *next; b; b = next) {
		next = b->next;
		free_bundle(b);
	}
	e->bundles = NULL;
}

static struct bundle *find(const struct engine *e, const char *commit)
{
	for (struct bundle *b = e->bundles; b; b = b->next)
		if (strings_have(&b->commits, commit))
			return b;
	return NULL;
}

const char *bundle_path(const struct engine *e, const char *commit)
{
	const struct bundle *b = find(e, commit);
	return b && b->is_written ? b->path : NULL;
}

static void forget(struct engine *e, struct bundle *b)
{
	for (struct bundle **at = &e->bundles; *at; at = &(*at)->next)
		if (*at == b) {
			*at = b->next;
			break;
		}
	free_bundle(b);
}

static void work(struct job *job)
{
	struct bundle_job *j = (struct bundle_job *)job;
	j->rc = git_bundle(job->engine->git, (const char *const *)j->bundle->commits.at, j->bundle->commits.count, j->bundle->path, &j->err);
}

static void written(struct job *job)
{
	struct bundle_job *j = (struct bundle_job *)job;
	struct engine *e = job->engine;
	if (!job->dropped && !j->rc) {
		j->bundle->is_written = 1;
		e->changes++;
	} else {
		forget(e, j->bundle);
		if (!job->dropped)
			engine_lost(e, "what the workers are to build", j->err.text);
	}
	free(j);
}

/* Named by what is in it: the same commits make the same file after a restart. */
static char *path_of(const struct engine *e, const char *const *commits, size_t count)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < count; i++)
		hash = random_mix(hash, hash_string(commits[i]));
	char *name = xasprintf("bundles/%016llx.bundle", (unsigned long long)hash), *path = engine_path(e, name);
	free(name);
	return path;
}

int bundles_have(struct engine *e, const char *const *commits, size_t count)
{
	struct err err = {0};
	size_t known = 0, written_already = 0;
	for (size_t i = 0; i < count; i++) {
		const struct bundle *b = find(e, commits[i]);
		known += b != NULL;
		written_already += b && b->is_written;
	}
	if (known == count)
		return written_already == count;
	char *folder = engine_path(e, "bundles");
	int rc = folder_make(folder, &err);
	free(folder);
	if (rc) {
		engine_lost(e, "what the workers are to build", err.text);
		return 0;
	}
	struct bundle *b = xcalloc(1, sizeof *b);
	b->path = path_of(e, commits, count);
	for (size_t i = 0; i < count; i++)
		if (!strings_have(&b->commits, commits[i]))
			strings_add(&b->commits, commits[i]);
	b->next = e->bundles;
	e->bundles = b;
	struct bundle_job *j = xcalloc(1, sizeof *j);
	*j = (struct bundle_job){ .job = { .owner = e, .work = work, .done = written }, .bundle = b };
	jobs_do(e, &j->job);
	return 0;
}
