/* Intake: a draft becomes a commit on its hidden ref, passes the guard and waits at the first gate; or it is shown as a
 * conflict. Nothing that was proposed is ever dropped. Agents, `skydeck propose` and re-basing all come through here. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/data/query.h"
#include "core/engine/guard.h"

enum { CONFLICT_MAX = 16 << 10, TEXT_MAX = 4000, TITLE_MAX = 300, SOURCES_MAX = 32, REASONS_MAX = 32 };

struct intake {
	struct job job;
	struct request *request;
	/* what was drafted */
	char *proposal, *title, *body, *author, *idea, *expected, *origin, *agent, *by, *revision, *review;
	struct strings sources;
	struct buf diff;
	intake_told *told;		/* an agent waits */
	void *data;
	int is_reviewed;
	/* where it goes; what came of it */
	char *onto, *ref;
	unsigned rev;
	char commit[GIT_ID];
	struct git_change change;
	struct git_conflict conflict;
	int rc;				/* 0 committed, 1 conflict, -1 error */
	struct err err;
};

static void intake_free(struct intake *t)
{
	char *texts[] = { t->proposal, t->title, t->body, t->author, t->idea, t->expected, t->origin, t->agent, t->by, t->revision, t->review, t->onto, t->ref };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	strings_release(&t->sources);
	buf_release(&t->diff);
	git_change_release(&t->change);
	git_conflict_release(&t->conflict);
	free(t);
}

static char *message_of(const struct intake *t)
{
	struct buf b = {0};
	buf_printf(&b, "%s\n", t->title);
	if (t->body && *t->body)
		buf_printf(&b, "\n%s", t->body);
	if (b.data[b.len - 1] != '\n')
		buf_putc(&b, '\n');
	return buf_take(&b);
}

static void intake_work(struct job *job)
{
	struct intake *t = (struct intake *)job;
	struct git *g = job->engine->git;
	char *message = message_of(t);
	if (t->revision) {
		char id[GIT_ID];
		t->rc = git_resolve(g, t->revision, id, &t->err);
		if (!t->rc)
			t->rc = git_rebase_commit(g, id, t->onto, t->title ? message : NULL, t->commit, &t->conflict, &t->err);
	} else {
		t->rc = git_commit_patch(g, t->onto, buf_str(&t->diff), t->diff.len, t->author, message, t->commit, &t->conflict, &t->err);
	}
	if (!t->rc)
		t->rc = git_change_of(g, t->onto, t->commit, &t->change, &t->err);
	if (!t->rc)
		t->rc = git_ref_set(g, t->ref, t->commit, NULL, "skydeck: proposed", &t->err);
	if (!t->rc && t->revision && !t->title) {
		struct buf text = {0};
		if (!git_message(g, t->commit, &text, NULL, &t->err)) {
			size_t n = strcspn(buf_str(&text), "\n");
			t->title = text_safe_string(buf_str(&text), n, TEXT_LINE);
		}
		buf_release(&text);
	}
	free(message);
}

/* The idea that a draft works on: that of the revision before where it names none, the one of the same words, or a new one. */
static const char *idea_of(struct engine *e, const struct intake *t, const struct strings *sources)
{
	const struct proposal *revised = model_proposal(&e->model, t->proposal);
	const char *title = t->idea ? t->idea : t->title;
	if (!t->idea && revised && revised->idea)
		return revised->idea;
	for (size_t i = 0; i < e->model.idea_count; i++)
		if (!strcmp(e->model.ideas[i].title, title))
			return e->model.ideas[i].id;
	char id[16];
	snprintf(id, sizeof id, "i%zu", e->model.idea_count + 1);
	engine_emit(e, &(struct event){ .kind = EVENT_IDEA_ADDED, .idea = id, .title = title, .expected = t->expected, .sources = *sources });
	return e->model.idea_count ? e->model.ideas[e->model.idea_count - 1].id : NULL;
}

/* Ids of sources where the reading list has them; else the word as it was given. */
static void known_sources(const struct engine *e, const struct strings *given, struct strings *out)
{
	for (size_t i = 0; i < given->count && out->count < SOURCES_MAX; i++) {
		const struct source *s = model_source(&e->model, given->at[i]);
		const char *id = s ? s->id : given->at[i];
		if (!strings_have(out, id))
			strings_add(out, id);
	}
}

static void mark_used(struct engine *e, const struct strings *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *s = model_source(&e->model, sources->at[i]);
		if (s && strcmp(s->status, "used"))
			engine_emit(e, &(struct event){ .kind = EVENT_SOURCE_CHANGED, .source = s->id, .status = "used" });
	}
}

static void conflict_text(const struct intake *t, struct buf *out)
{
	const struct git_conflict *c = &t->conflict;
	struct buf raw = {0};
	if (c->path)
		buf_printf(&raw, "%s: ", c->path);
	buf_puts(&raw, c->why ? c->why : t->rc < 0 ? t->err.text : "does not apply");
	if (c->hunk && *c->hunk)
		buf_printf(&raw, "\n%s", c->hunk);
	text_safe(out, buf_str(&raw), raw.len < CONFLICT_MAX ? raw.len : CONFLICT_MAX, TEXT_NEWLINES | TEXT_TABS);
	buf_release(&raw);
}

/* To the agent that waits. problem NULL: it was submitted. */
static void tell(struct engine *e, struct intake *t, const char *problem)
{
	const struct proposal *p = problem ? NULL : model_proposal(&e->model, t->proposal);
	intake_told *told = t->told;
	t->told = NULL;
	if (told)
		told(t->data, &(struct intake_answer){ .proposal = t->proposal, .rev = t->rev, .state = p ? proposal_state_name(p->state) : NULL,
			.conflict = p ? p->conflict : NULL, .reasons = p ? &p->reasons : NULL, .review = t->review, .problem = problem });
}

static void answer(struct engine *e, struct intake *t)
{
	tell(e, t, NULL);
	if (!t->request)
		return;
	const struct proposal *p = model_proposal(&e->model, t->proposal);
	struct json *result = json_object();
	json_put_string(result, "proposal", t->proposal);
	json_put_string(result, "state", p ? proposal_state_name(p->state) : NULL);
	if (p && p->conflict)
		json_put_string(result, "conflict", p->conflict);
	server_answer(t->request, result);
}

static void changed_paths(const struct git_change *change, struct strings *out)
{
	for (size_t i = 0; i < change->count && change->count <= PATHS_MAX; i++) {
		const char *sides[] = { change->files[i].path, change->files[i].old_path };
		for (size_t k = 0; k < 2; k++) {
			char *safe = sides[k] ? text_safe_string(sides[k], strlen(sides[k]), TEXT_LINE) : NULL;
			if (safe && !strings_have(out, safe))
				strings_add(out, safe);
			free(safe);
		}
	}
	if (out->count > PATHS_MAX)
		strings_release(out);
}

static void cut_reasons(struct strings *reasons)
{
	size_t all = reasons->count;
	if (all <= REASONS_MAX)
		return;
	while (reasons->count > REASONS_MAX)
		free(reasons->at[--reasons->count]);
	char *more = xasprintf("and %zu more", all - REASONS_MAX);
	strings_add(reasons, more);
	free(more);
}

/* What a submission says of its commit. *paths is the event's for its call, and to be released after it. */
static void describe_commit(struct event *ev, const char *commit, const char *onto, const struct git_change *change, struct strings *paths)
{
	changed_paths(change, paths);
	ev->kind = EVENT_PROPOSAL_SUBMITTED;
	ev->commit = commit;
	ev->baseline = onto;
	ev->files = (int64_t)change->count;
	ev->added = change->added;
	ev->removed = change->removed;
	ev->paths = *paths;
}

static void state_proposal(struct engine *e, struct intake *t)
{
	struct strings sources = {0}, reasons = {0}, paths = {0};
	known_sources(e, &t->sources, &sources);
	const char *idea = idea_of(e, t, &sources);
	struct event ev = { .by = t->by, .proposal = t->proposal, .rev = t->rev, .title = t->title, .sources = sources, .idea = idea,
			    .agent = t->agent, .author = t->author, .origin = t->origin };
	if (t->rc) {
		struct buf text = {0};
		conflict_text(t, &text);
		ev.kind = EVENT_PROPOSAL_CONFLICT;
		ev.text = buf_str(&text);
		engine_emit(e, &ev);
		buf_release(&text);
	} else {
		describe_commit(&ev, t->commit, t->onto, &t->change, &paths);
		guard_check(&e->config, &e->harness, &t->change, &reasons);
		cut_reasons(&reasons);
		ev.state = reasons.count ? "stopped" : "waiting";
		engine_emit(e, &ev);
		if (reasons.count)
			engine_emit(e, &(struct event){ .kind = EVENT_GUARD_STOPPED, .proposal = t->proposal, .rev = t->rev, .reasons = reasons });
	}
	if (t->review && !t->rc)
		engine_emit(e, &(struct event){ .kind = EVENT_SELF_REVIEWED, .by = t->by, .proposal = t->proposal, .rev = t->rev, .text = t->review });
	mark_used(e, &sources);
	strings_release(&paths);
	strings_release(&reasons);
	strings_release(&sources);
}

int intake_may_revise(const struct proposal *p)
{
	return p->state == STATE_DRAFTED || p->state == STATE_REVISING || p->state == STATE_CONFLICT || p->state == STATE_STOPPED ||
	       p->state == STATE_WAITING;
}

/* Where the draft goes: the next revision of what it revises, else a proposal of its own. */
static void place(struct engine *e, struct intake *t, const struct proposal *revised)
{
	string_set(&t->proposal, revised ? revised->id : NULL);
	if (!revised)
		t->proposal = xasprintf("p%u", e->next_proposal++);
	t->rev = revised ? (unsigned)revised->rev + 1 : 1;
	free(t->ref);
	t->ref = xasprintf("refs/skydeck/%s/%s/%u", e->model.session, t->proposal, t->rev);
	string_set(&t->onto, e->model.baseline);
}

/* While it was made into a commit its place may have been taken by another revision, or closed by a decision. */
static int must_move(const struct engine *e, const struct intake *t, int *is_closed)
{
	const struct proposal *p = model_proposal(&e->model, t->proposal);
	*is_closed = p && (t->rev == 1 || !intake_may_revise(p));
	return p && (*is_closed || p->rev + 1 != t->rev);
}

static void place_anew(struct engine *e, struct intake *t, int is_closed)
{
	place(e, t, is_closed ? NULL : model_proposal(&e->model, t->proposal));
	git_change_release(&t->change);
	git_conflict_release(&t->conflict);
	t->change = (struct git_change){0};
	t->conflict = (struct git_conflict){0};
	t->err = (struct err){0};
	t->rc = 0;
	jobs_do(e, &t->job);
}

static void intake_finished(struct job *job);

static void reviewed(void *data, const char *review, int wants_fix)
{
	struct intake *t = data;
	struct engine *e = t->job.engine;
	string_set(&t->review, review);
	if (!wants_fix || !turns_may_fix(e)) {
		intake_finished(&t->job);
		return;
	}
	char *problem = xasprintf("not submitted: your own review wants it fixed first, then call propose_patch again: %s", review);
	e->intake_waiting--;
	tell(e, t, problem);
	free(problem);
	intake_free(t);
}

/* 1: the author is asked, and reviewed() goes on. */
static int goes_to_review(struct engine *e, struct intake *t)
{
	struct strings findings = {0};
	if (!t->told || t->rc || t->review || t->is_reviewed || !t->agent || !e->model.agent || strcmp(t->agent, e->model.agent))
		return 0;		/* who comes by itself has no model here that it could have asked, at the session's cost */
	t->is_reviewed = 1;
	guard_check(&e->config, &e->harness, &t->change, &findings);
	int asked = !self_review(e, t->title, buf_str(&t->diff), t->diff.len, &findings, reviewed, t);
	strings_release(&findings);
	return asked;
}

static void intake_finished(struct job *job)
{
	struct intake *t = (struct intake *)job;
	struct engine *e = job->engine;
	int is_closed = 0;
	if (!job->dropped && e->model.state != SESSION_ENDED && goes_to_review(e, t))
		return;
	if (!job->dropped && e->model.state != SESSION_ENDED && must_move(e, t, &is_closed) && !(is_closed && (t->request || t->told))) {
		place_anew(e, t, is_closed);
		return;
	}
	e->intake_waiting--;
	if (job->dropped || e->model.state == SESSION_ENDED)
		tell(e, t, "it could not be recorded: the session ended or the engine left");
	if (job->dropped) {		/* the journal failed, or the engine leaves: an agent proposes it again */
		if (t->request) {
			err_set(&t->err, "the proposal could not be recorded: propose it again");
			server_refuse(t->request, &t->err);
		}
	} else if (is_closed) {
		err_refuse(&t->err, "%s cannot get another revision any more", t->proposal);
		tell(e, t, t->err.text);
		if (t->request)
			server_refuse(t->request, &t->err);
	} else if (e->model.state == SESSION_ENDED) {
		if (t->request) {
			err_refuse(&t->err, "the session has ended");
			server_refuse(t->request, &t->err);
		}
	} else if (t->rc < 0 && t->request && t->revision) {
		server_refuse(t->request, &t->err);	/* no such commit: nothing was proposed */
	} else {
		if (!t->title)
			t->title = xstrdup(t->revision ? t->revision : "untitled");
		state_proposal(e, t);
		answer(e, t);
	}
	intake_free(t);
}

/* File name part of "NAME HASH". */
static int same_file(const char *a, const char *b)
{
	const char *end_a = a ? strrchr(a, ' ') : NULL, *end_b = b ? strrchr(b, ' ') : NULL;
	return end_a && end_b && end_a - a == end_b - b && !strncmp(a, b, (size_t)(end_a - a));
}

/* A changed file is the next revision of its proposal while that still waits for one or for its first word. */
static struct proposal *revised_by(const struct engine *e, const struct draft *d)
{
	struct proposal *named = model_proposal(&e->model, d->revises);
	if (d->revises)
		return named && intake_may_revise(named) ? named : NULL;
	for (size_t i = e->model.proposal_count; i-- > 0;) {
		struct proposal *p = &e->model.proposals[i];
		if (!same_file(p->origin, d->origin))
			continue;
		return intake_may_revise(p) ? p : NULL;
	}
	return NULL;
}

static struct intake *intake_new(struct engine *e, const struct proposal *revised, const char *by, struct request *request)
{
	struct intake *t = xcalloc(1, sizeof *t);
	t->job.work = intake_work;
	t->job.done = intake_finished;
	t->request = request;
	t->by = xstrdup(by);
	place(e, t, revised);
	e->intake_waiting++;
	return t;
}

/* A text for an event: an event is a line that every viewer takes in one piece. */
static char *bounded(const char *s)
{
	return s && strlen(s) > TEXT_MAX ? text_safe_string(s, TEXT_MAX, TEXT_LINE) : xstrdup(s);
}

/* A diff by itself has no title: a revision keeps that of the one before, a new one is called as its file is. */
static char *title_of(const struct draft *d, const struct proposal *revised)
{
	if (d->title && *d->title)
		return strlen(d->title) > TITLE_MAX ? text_safe_string(d->title, TITLE_MAX, TEXT_LINE) : xstrdup(d->title);
	const char *before = revised ? revised->revisions[revised->rev - 1].title : NULL;
	return xstrdup(before ? before : "untitled");
}

static void take_draft(struct engine *e, const struct draft *d, const char *agent, struct intake *t, const struct proposal *revised)
{
	t->title = title_of(d, revised);
	t->body = xstrdup(d->body);
	t->author = bounded(d->author);
	t->idea = bounded(d->idea);
	t->expected = bounded(d->expected);
	t->origin = xstrdup(d->origin);
	t->agent = xstrdup(agent);
	if (d->sources)
		strings_copy(&t->sources, d->sources);
	buf_add(&t->diff, d->diff ? d->diff : "", d->diff_size);
	jobs_do(e, &t->job);
}

void intake_draft(struct engine *e, const struct draft *d, const char *agent, const char *by, struct request *request)
{
	const struct proposal *revised = revised_by(e, d);
	take_draft(e, d, agent, intake_new(e, revised, by, request), revised);
}

void intake_patch(struct engine *e, const struct draft *d, const char *agent, const char *by, const char *review, intake_told *told, void *data)
{
	const struct proposal *revised = revised_by(e, d);
	struct intake *t = intake_new(e, revised, by, NULL);
	t->told = told;
	t->data = data;
	t->review = xstrdup(review);
	take_draft(e, d, agent, t, revised);
}

void intake_commit(struct engine *e, const char *revision, const char *title, const struct strings *sources, const char *by, struct request *request)
{
	struct intake *t = intake_new(e, NULL, by, request);
	t->revision = xstrdup(revision);
	t->title = xstrdup(title);
	if (sources)
		strings_copy(&t->sources, sources);
	jobs_do(e, &t->job);
}

void intake_broken(struct engine *e, const char *agent, const char *origin, const char *title, const char *why)
{
	char id[16];
	snprintf(id, sizeof id, "p%u", e->next_proposal++);
	char *by = xasprintf("agent %s", agent ? agent : "patches");
	engine_emit(e, &(struct event){ .kind = EVENT_PROPOSAL_CONFLICT, .by = by, .proposal = id, .rev = 1, .title = title, .agent = agent,
					.origin = origin, .text = why });
	free(by);
}

int intake_knows(const struct engine *e, const char *origin)
{
	for (size_t i = 0; i < e->model.proposal_count; i++)
		if (e->model.proposals[i].origin && !strcmp(e->model.proposals[i].origin, origin))
			return 1;
	return 0;
}

/* re-basing */

struct moved {
	char *proposal, *commit, *ref;
	char id[GIT_ID];
	struct git_conflict conflict;
	struct git_change change;
	struct err err;
	int rc;
	unsigned rev;
};
struct rebase {
	struct job job;
	char *onto;
	struct moved *at;
	size_t count, room;
};

static void rebase_work(struct job *job)
{
	struct rebase *r = (struct rebase *)job;
	struct git *g = job->engine->git;
	for (size_t i = 0; i < r->count; i++) {
		struct moved *m = &r->at[i];
		struct buf message = {0};
		m->rc = git_message(g, m->commit, &message, NULL, &m->err);
		if (!m->rc)
			m->rc = git_rebase_commit(g, m->commit, r->onto, buf_str(&message), m->id, &m->conflict, &m->err);
		if (!m->rc)
			m->rc = git_change_of(g, r->onto, m->id, &m->change, &m->err);
		if (!m->rc && !m->change.count) {
			m->rc = 1;
			m->conflict.why = xstrdup("changes nothing any more: the baseline already holds it");
		}
		if (!m->rc)
			m->rc = git_ref_set(g, m->ref, m->id, NULL, "skydeck: moved to the new baseline", &m->err);
		buf_release(&message);
	}
}

/* The content was approved; only where it stands has changed. So its approval goes with it, its signature does not. */
static void state_moved(struct engine *e, const struct rebase *r, const struct moved *m)
{
	const struct proposal *p = model_proposal(&e->model, m->proposal);
	if (!p || p->rev + 1 != m->rev || (p->state != STATE_APPROVED && p->state != STATE_SIGNING))
		return;
	struct strings paths = {0};
	/* Borrowed from the model: engine_emit folds a copy of what it printed. */
	struct event ev = { .proposal = m->proposal, .rev = m->rev, .title = p->title, .sources = p->sources, .idea = p->idea,
			    .agent = p->agent, .author = p->author, .origin = p->origin };
	if (m->rc) {
		struct intake shown = { .conflict = m->conflict, .rc = m->rc, .err = m->err };
		struct buf text = {0};
		buf_printf(&text, "on the new baseline %.10s: ", r->onto);
		conflict_text(&shown, &text);
		ev.kind = EVENT_PROPOSAL_CONFLICT;
		ev.text = buf_str(&text);
		engine_emit(e, &ev);
		buf_release(&text);
	} else {
		describe_commit(&ev, m->id, r->onto, &m->change, &paths);
		engine_emit(e, &ev);
		engine_emit(e, &(struct event){ .kind = EVENT_APPROVED, .proposal = m->proposal, .rev = m->rev });
	}
	strings_release(&paths);
}

static void rebase_finished(struct job *job)
{
	struct rebase *r = (struct rebase *)job;
	struct engine *e = job->engine;
	e->preparing = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct moved *m = &r->at[i];
		if (!job->dropped && (e->model.state == SESSION_OPEN || e->model.state == SESSION_PAUSED))
			state_moved(e, r, m);
		free(m->proposal);
		free(m->commit);
		free(m->ref);
		git_conflict_release(&m->conflict);
		git_change_release(&m->change);
	}
	free(r->at);
	free(r->onto);
	free(r);
}

void intake_rebase(struct engine *e, const struct strings *proposals)
{
	struct rebase *r = xcalloc(1, sizeof *r);
	r->job.work = rebase_work;
	r->job.done = rebase_finished;
	r->job.owner = r;
	r->onto = xstrdup(e->model.baseline);
	for (size_t i = 0; i < proposals->count; i++) {
		const struct proposal *p = model_proposal(&e->model, proposals->at[i]);
		const struct revision *revision = p ? proposal_revision(p, 0) : NULL;
		if (!revision || !revision->commit || (p->state == STATE_APPROVED && !strcmp(revision->base, e->model.baseline)))
			continue;
		struct moved *m = array_add(&r->at, &r->count, &r->room, sizeof *m);
		m->proposal = xstrdup(p->id);
		m->commit = xstrdup(revision->commit);
		m->rev = (unsigned)p->rev + 1;
		m->ref = xasprintf("refs/skydeck/%s/%s/%u", e->model.session, p->id, m->rev);
	}
	e->preparing = 1;
	jobs_do(e, &r->job);
}
