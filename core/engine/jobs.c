/* Git's work. libgit2 blocks, so it lives on one thread; jobs go there and come back in order. An owner that goes away
 * (a wave that is aborted) drops its jobs: they still run to their end, and then nobody listens. */
#include "core/engine/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/engine/files.h"

static void work(void *data)
{
	struct job *job = data;
	job->work(job);
}

static void done(void *data)
{
	struct job *job = data;
	for (struct job **at = &job->engine->jobs; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			break;
		}
	job->done(job);
}

void jobs_do(struct engine *e, struct job *job)
{
	job->engine = e;
	job->next = e->jobs;
	e->jobs = job;
	worker_thread_do(e->git_thread, work, done, job);
}

void jobs_drop(struct engine *e, const void *owner)
{
	for (struct job *job = e->jobs; job; job = job->next)
		if (!owner || job->owner == owner)
			job->dropped = 1;
}

char *tree_path(const struct engine *e, const char *name)
{
	char *below = xasprintf("trees/%s", name), *path = engine_path(e, below);
	free(below);
	return path;
}

struct checkout {
	struct job job;
	char *commit, *name, *path, *harness;
	checkout_done *done;
	struct err err;
	int rc;
};

static void checkout_work(struct job *job)
{
	struct checkout *c = (struct checkout *)job;
	struct engine *e = job->engine;
	c->rc = folder_make(c->path, &c->err);
	if (!c->rc)
		c->rc = git_checkout(e->git, c->commit, c->path, e->config.target_incremental, &c->err);
	for (size_t i = 0; i < e->harness.count && !c->rc; i++) {
		char *from = xasprintf("%s/%s", c->harness, e->harness.at[i]);
		c->rc = file_lay(from, c->path, e->harness.at[i], &c->err);
		free(from);
	}
}

static void checkout_finished(struct job *job)
{
	struct checkout *c = (struct checkout *)job;
	if (!job->dropped)
		c->done(job->engine, job->owner, c->name, c->rc ? c->err.text : NULL);
	free(c->commit);
	free(c->name);
	free(c->path);
	free(c->harness);
	free(c);
}

void trees_checkout(struct engine *e, const char *commit, const char *name, checkout_done *call, void *owner)
{
	struct checkout *c = xcalloc(1, sizeof *c);
	*c = (struct checkout){ .job = { .owner = owner, .work = checkout_work, .done = checkout_finished },
		.commit = xstrdup(commit), .name = xstrdup(name), .path = tree_path(e, name), .harness = engine_path(e, "harness"), .done = call };
	jobs_do(e, &c->job);
}
