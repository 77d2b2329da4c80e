/* propose_patch: a diff becomes a proposal, or the next revision of one, once its author has looked at it again. */
#include "core/engine/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

static const char *text_of(const struct tool_use *u, const char *name)
{
	const char *text = json_string(json_get(u->args, name), NULL);
	return text && *text ? text : NULL;
}

/* What an agent writes, as a field of an event. NULL stays NULL. */
static char *safe_of(const struct tool_use *u, const char *name, unsigned flags)
{
	const char *text = text_of(u, name);
	return text ? text_safe_string(text, strlen(text), flags) : NULL;
}

static void told(void *data, const struct intake_answer *answer)
{
	struct tool_use *u = data;
	if (answer->problem) {
		tool_refuse(u, "%s", answer->problem);
		return;
	}
	struct json *result = json_object();
	struct buf reasons = {0};
	json_put_string(result, "proposal", answer->proposal);
	json_put_integer(result, "rev", (int64_t)answer->rev);
	json_put_string(result, "state", answer->state);
	for (size_t i = 0; answer->reasons && i < answer->reasons->count; i++)
		buf_printf(&reasons, "%s\n", answer->reasons->at[i]);
	if (reasons.len)
		json_take(result, "guard", tool_untrusted("the guard, with names of files", NULL, reasons.data, reasons.len));
	if (answer->conflict)
		json_take(result, "conflict", tool_untrusted("the hunk that does not apply", NULL, answer->conflict, strlen(answer->conflict)));
	buf_release(&reasons);
	if (answer->review)
		json_put_string(result, "own_review", answer->review);
	tool_answer(u, result);
}

static const struct proposal *same_patch(const struct model *m, const char *origin)
{
	for (size_t i = 0; i < m->proposal_count; i++)
		if (m->proposals[i].origin && !strcmp(m->proposals[i].origin, origin))
			return &m->proposals[i];
	return NULL;
}

/* 0 when the named proposal may get a revision from this agent. */
static int may_revise(struct tool_use *u, const struct proposal *p, const char *id)
{
	if (!p)
		tool_refuse(u, "there is no proposal %s", id);
	else if (p->state == STATE_VETOED)
		tool_refuse(u, "%s was vetoed by %s: %s. A veto is final for it: propose something else, without `proposal`", p->id,
			    p->decided_by ? p->decided_by : "the human", p->decision_reason ? p->decision_reason : "");
	else if (!p->agent || strcmp(p->agent, u->agent))
		tool_refuse(u, "%s is not yours: propose your own", p->id);
	else if (!intake_may_revise(p))
		tool_refuse(u, "%s is %s: it gets no revision any more; propose anew, without `proposal`", p->id, proposal_state_name(p->state));
	else
		return 0;
	return -1;
}

static void attach_review(struct tool_use *u, const struct proposal *p)
{
	char *review = safe_of(u, "review", TEXT_NEWLINES | TEXT_TABS);
	struct json *result = json_object();
	engine_emit(u->engine, &(struct event){ .kind = EVENT_SELF_REVIEWED, .by = u->by, .proposal = p->id, .rev = (int64_t)p->rev, .text = review });
	json_put_string(result, "proposal", p->id);
	json_put_string(result, "state", proposal_state_name(p->state));
	free(review);
	tool_answer(u, result);
}

static void read_sources(const struct tool_use *u, struct strings *out)
{
	for (const struct json *i = json_first(json_get(u->args, "sources")); i; i = json_next(i)) {
		const char *word = json_string(i, "");
		char *safe = text_safe_string(word, strlen(word), TEXT_LINE);
		if (*safe)
			strings_add(out, safe);
		free(safe);
	}
}

static void submit(struct tool_use *u, const struct proposal *revised, const char *origin)
{
	const char *diff = text_of(u, "diff");
	const struct idea *idea = model_idea(&u->engine->model, text_of(u, "idea"));
	char *title = safe_of(u, "title", TEXT_LINE), *body = safe_of(u, "reasoning", TEXT_NEWLINES), *expected = safe_of(u, "expected", TEXT_LINE);
	char *words = idea ? xstrdup(idea->title) : safe_of(u, "idea", TEXT_LINE), *review = safe_of(u, "review", TEXT_NEWLINES | TEXT_TABS);
	struct strings sources = {0};
	read_sources(u, &sources);
	if (!sources.count && revised)
		strings_copy(&sources, &revised->sources);
	struct draft draft = { .title = title, .body = body, .idea = words, .expected = expected ? expected : idea ? idea->expected : NULL,
			       .sources = &sources, .diff = diff, .diff_size = strlen(diff), .origin = origin, .revises = revised ? revised->id : NULL };
	intake_patch(u->engine, &draft, u->agent, u->by, review, told, u);
	strings_release(&sources);
	free(review);
	free(words);
	free(expected);
	free(body);
	free(title);
}

static void propose(struct tool_use *u)
{
	const struct model *m = &u->engine->model;
	const char *diff = text_of(u, "diff"), *id = text_of(u, "proposal");
	const struct proposal *revised = id ? model_proposal(m, id) : NULL;
	char hash[GIT_ID];
	if (id && may_revise(u, revised, id))
		return;
	if (revised && !diff && text_of(u, "review")) {
		attach_review(u, revised);
		return;
	}
	if (!diff || (!revised && !text_of(u, "title"))) {
		tool_refuse(u, "a proposal needs a title and a diff: a unified diff against the baseline, paths from the project's root");
		return;
	}
	git_hash(diff, strlen(diff), hash);
	const struct proposal *same = same_patch(m, hash);
	if (same && same->state == STATE_CONFLICT && revised == same)
		tool_refuse(u, "this is the same patch again, and it does not apply: read_results tells where");
	else if (same)
		tool_refuse(u, "this very patch is %s already (%s%s%s): change it, or go on to another idea", same->id, proposal_state_name(same->state),
			    same->verdict ? ", " : "", same->verdict ? verdict_name(same->verdict) : "");
	else
		submit(u, revised, hash);
}

/* The first patch waits for the profile: who proposes shall have seen where the time goes. */
static void stop_waiting(struct tool_use *u)
{
	struct tool_uses *held = &u->engine->held_patches;
	for (size_t i = 0; i < held->count; i++)
		if (held->at[i] == u) {
			array_remove(&held->at, &held->count, i, sizeof *held->at);
			return;
		}
}

void tool_propose_patch(struct tool_use *u)
{
	struct tool_uses *held = &u->engine->held_patches;
	if (!u->engine->turns || profile_is_settled(u->engine)) {
		propose(u);
		return;
	}
	struct tool_use **slot = array_add(&held->at, &held->count, &held->room, sizeof *slot);
	*slot = u;
	u->cancel = stop_waiting;
}

void tools_patch_advance(struct engine *e)
{
	struct tool_uses *held = &e->held_patches;
	while (held->count && profile_is_settled(e)) {
		struct tool_use *u = held->at[0];
		array_remove(&held->at, &held->count, 0, sizeof *held->at);
		u->cancel = NULL;
		propose(u);
	}
}
