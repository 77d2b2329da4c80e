/* What a human (or a script) may command. One table from name to function; each checks that the state allows it, states
 * a fact, and answers. A refusal is exit code 4 with what can be done instead. */
#include "core/engine/action.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/agents/mail.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/engine/open.h"

enum { PATCH_MAX = 8 << 20, REASON_MAX = 4000 };

char *call_text(const struct call *c, const char *name)
{
	const char *s = json_string(json_get(c->args, name), NULL);
	if (!s)
		return NULL;
	size_t n = strnlen(s, REASON_MAX);
	return text_safe_string(s, n, TEXT_LINE);
}

static struct proposal *proposal_arg(const struct call *c, const struct json *v, struct err *err)
{
	const char *id = json_string(v, NULL);
	struct proposal *p = model_proposal(&c->engine->model, id);
	if (!p)
		err_set(err, "there is no proposal %s: skydeck proposals lists them", id ? id : "(none named)");
	return p;
}

static struct proposal *the_proposal(const struct call *c, struct err *err)
{
	return proposal_arg(c, json_get(c->args, "proposal"), err);
}

int call_needs_session(const struct call *c, struct err *err)
{
	const struct engine *e = c->engine;
	if (e->model.state == SESSION_ENDED)
		return err_refuse(err, "session %s has ended: skydeck run starts another", e->model.session);
	return 0;
}

/* gates */

int action_approve(struct engine *e, const char *by, struct proposal *p, struct err *err)
{
	if (p->state == STATE_STOPPED)
		return err_refuse(err, "%s was stopped by the guard (%s): skydeck waive %s --reason TEXT lets it through", p->id,
				  p->reasons.count ? p->reasons.at[0] : "", p->id);
	if (p->state != STATE_WAITING)
		return err_refuse(err, "%s is %s: only what waits can be approved", p->id, proposal_state_name(p->state));
	engine_emit(e, &(struct event){ .kind = EVENT_APPROVED, .by = by, .proposal = p->id, .rev = (int64_t)p->rev });
	return 0;
}

int action_sign(struct engine *e, const char *by, struct proposal *p, struct err *err)
{
	if (p->state != STATE_SIGNING || p->asked_to_sign)
		return err_refuse(err, "%s is %s: only what was kept and waits for a signature can be signed", p->id,
				  p->asked_to_sign ? "signed already" : proposal_state_name(p->state));
	engine_emit(e, &(struct event){ .kind = EVENT_SIGNED, .by = by, .proposal = p->id, .rev = (int64_t)p->rev });
	return 0;
}

/* The revision that the human saw, where they say: what they did not see is not approved. */
static int check_rev(const struct call *c, const struct proposal *p, struct err *err)
{
	int64_t rev = json_integer(json_get(c->args, "rev"), 0);
	if (rev && rev != (int64_t)p->rev)
		return err_refuse(err, "%s is at revision %zu now, not %lld: look at it again", p->id, p->rev, (long long)rev);
	return 0;
}

static int approve(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	const struct json *list = json_get(c->args, "proposals");
	if (!json_count(list))
		return err_code(err, EXIT_USAGE, "approve needs the id of a proposal");
	for (int pass = 0; pass < 2; pass++)	/* all or none */
		for (const struct json *i = json_first(list); i; i = json_next(i)) {
			struct proposal *p = proposal_arg(c, i, err);
			if (!p || check_rev(c, p, err) < 0)
				return -1;
			if (p->state != STATE_WAITING && !pass)
				return action_approve(e, c->by, p, err);	/* which refuses */
			if (p->state == STATE_WAITING && pass)
				action_approve(e, c->by, p, err);
		}
	/* autonomy wave: one word passes what would run together */
	for (size_t i = 0; i < e->model.proposal_count && e->model.autonomy == AUTONOMY_WAVE; i++)
		if (e->model.proposals[i].state == STATE_WAITING && count_in_state(&e->model, STATE_APPROVED) < e->model.wave_size)
			action_approve(e, c->by, &e->model.proposals[i], NULL);
	return 0;
}

/* The proposal that is being put on the branch. What has begun to move the branch is waited for first: then it has landed. */
static int is_landing(struct engine *e, const struct proposal *p)
{
	return e->landing && p->state == STATE_SIGNING && p->asked_to_sign;
}

static int veto(struct call *c, struct err *err)
{
	landing_settle(c->engine);
	struct proposal *p = the_proposal(c, err);
	char *reason = call_text(c, "reason");
	int rc = p ? 0 : -1;
	if (p && (!reason || !*reason))
		rc = err_code(err, EXIT_USAGE, "a veto needs a reason, which the agent gets to read: --reason TEXT");
	else if (p && (p->state == STATE_LANDED || p->state == STATE_VETOED || p->state == STATE_CANCELLED))
		rc = err_refuse(err, "%s is %s already", p->id, proposal_state_name(p->state));
	if (!rc) {
		struct engine *e = c->engine;
		if (is_landing(e, p))
			landing_abort(e);
		engine_emit(e, &(struct event){ .kind = EVENT_VETOED, .by = c->by, .proposal = p->id, .reason = reason });
		wave_proposal_gone(e, p);
		if (e->agent && e->agent_ops->tell)
			e->agent_ops->tell(e->agent, CAUSE_VETOED, p->id, reason);
	}
	free(reason);
	return rc;
}

static int waive(struct call *c, struct err *err)
{
	struct proposal *p = the_proposal(c, err);
	char *reason = call_text(c, "reason");
	int rc = p ? check_rev(c, p, err) : -1;
	if (!rc && p->state != STATE_STOPPED)
		rc = err_refuse(err, "%s is %s: only what the guard stopped can be waived", p->id, proposal_state_name(p->state));
	else if (!rc && (!reason || !*reason))
		rc = err_code(err, EXIT_USAGE, "waving a proposal past the guard needs a reason: --reason TEXT");
	if (!rc)
		engine_emit(c->engine, &(struct event){ .kind = EVENT_GUARD_WAIVED, .by = c->by, .proposal = p->id, .rev = (int64_t)p->rev, .reason = reason });
	free(reason);
	return rc;
}

static void read_comments(const struct call *c, struct comments *out)
{
	char *whole = call_text(c, "comment");
	if (whole && *whole)
		comments_add(out, NULL, 0, whole, c->by);
	free(whole);
	for (const struct json *i = json_first(json_get(c->args, "comments")); i; i = json_next(i)) {
		const char *file = json_string(json_get(i, "file"), NULL), *text = json_string(json_get(i, "text"), "");
		char *safe_file = file ? text_safe_string(file, strlen(file), TEXT_LINE) : NULL;
		char *safe = text_safe_string(text, strnlen(text, REASON_MAX), TEXT_LINE);
		if (*safe)
			comments_add(out, safe_file, json_integer(json_get(i, "line"), 0), safe, c->by);
		free(safe);
		free(safe_file);
	}
}

static int revise(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	struct proposal *p = the_proposal(c, err);
	struct comments comments = {0};
	int rc = p ? 0 : -1;
	read_comments(c, &comments);
	if (p && !comments.count)
		rc = err_code(err, EXIT_USAGE, "asking for changes needs a comment: --comment TEXT");
	else if (p && (p->state == STATE_LANDED || p->state == STATE_VETOED || p->state == STATE_CANCELLED || p->asked_to_sign))
		rc = err_refuse(err, "%s is %s: changes cannot be asked for any more", p->id, p->asked_to_sign ? "signed" : proposal_state_name(p->state));
	if (!rc) {
		engine_emit(e, &(struct event){ .kind = EVENT_REVISION_ASKED, .by = c->by, .proposal = p->id, .rev = (int64_t)p->rev, .comments = comments });
		wave_proposal_gone(e, p);
		if (e->agent && e->agent_ops->tell)
			e->agent_ops->tell(e->agent, CAUSE_REVISION_ASKED, p->id, comments.at[0].text);
	}
	comments_release(&comments);
	return rc;
}

static int sign(struct call *c, struct err *err)
{
	struct proposal *p = the_proposal(c, err);
	return !p || check_rev(c, p, err) < 0 ? -1 : action_sign(c->engine, c->by, p, err);
}

static int cancel(struct call *c, struct err *err)
{
	landing_settle(c->engine);
	struct proposal *p = the_proposal(c, err);
	if (!p)
		return -1;
	if (p->state >= STATE_LANDED || p->state == STATE_DONE)
		return err_refuse(err, "%s is %s: there is nothing to cancel", p->id, proposal_state_name(p->state));
	if (is_landing(c->engine, p))
		landing_abort(c->engine);
	engine_emit(c->engine, &(struct event){ .kind = EVENT_CANCELLED, .by = c->by, .proposal = p->id });
	wave_proposal_gone(c->engine, p);
	return 0;
}

static int retry(struct call *c, struct err *err)
{
	struct proposal *p = the_proposal(c, err);
	if (!p)
		return -1;
	int may = p->state == STATE_DONE || p->state == STATE_CANCELLED;
	if (!may || !proposal_commit(p))
		return err_refuse(err, "%s is %s: only what is done or cancelled can be tried again", p->id, proposal_state_name(p->state));
	engine_emit(c->engine, &(struct event){ .kind = EVENT_RETRIED, .by = c->by, .proposal = p->id, .rev = (int64_t)p->rev });
	return 0;
}

/* proposals of people */

static void read_sources(const struct call *c, struct strings *out)
{
	for (const struct json *i = json_first(json_get(c->args, "sources")); i; i = json_next(i)) {
		const char *s = json_string(i, "");
		char *safe = text_safe_string(s, strnlen(s, 200), TEXT_LINE);
		if (*safe)
			strings_add(out, safe);
		free(safe);
	}
}

static int propose_patch(struct call *c, const char *path, const char *title, struct strings *sources, struct err *err)
{
	struct buf file = {0};
	struct mail mail = {0};
	struct stat st;
	int rc = 0;
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		rc = err_set(err, "cannot read %s: it is no file", path);	/* the engine would wait for a pipe's other end */
	else if (buf_read_file(&file, path, PATCH_MAX) < 0)
		rc = err_set(err, "cannot read %s: %s", path, errno == EFBIG ? "it is over 8 MB" : strerror(errno));
	else if (mail_parse(&mail, buf_str(&file), file.len, err) < 0)
		rc = err_prefix(err, "%s", path);
	if (!rc) {
		for (size_t i = 0; i < mail.sources.count; i++)
			strings_add(sources, mail.sources.at[i]);
		struct draft d = { .title = title ? title : mail.title, .body = mail.body, .author = mail.author, .idea = mail.idea,
				   .expected = mail.expected, .sources = sources, .diff = buf_str(&file) + mail.diff, .diff_size = mail.diff_size,
				   .revises = json_string(json_get(c->args, "proposal"), NULL) };
		c->is_pending = 1;
		intake_draft(c->engine, &d, "human", c->by, c->request);
	}
	mail_release(&mail);
	buf_release(&file);
	return rc;
}

static int propose(struct call *c, struct err *err)
{
	const char *path = json_string(json_get(c->args, "path"), NULL), *commit = json_string(json_get(c->args, "commit"), NULL);
	const char *revises = json_string(json_get(c->args, "proposal"), NULL);
	const struct proposal *revised = revises ? model_proposal(&c->engine->model, revises) : NULL;
	struct strings sources = {0};
	int rc;
	if (call_needs_session(c, err) < 0)
		return -1;
	if (revises && !revised)
		return err_set(err, "there is no proposal %s: skydeck proposals lists them", revises);
	if (revised && !intake_may_revise(revised))
		return err_refuse(err, "%s is %s and gets no other revision now: ask for changes first (skydeck revise), or propose the patch by itself",
				  revises, proposal_state_name(revised->state));
	char *title = call_text(c, "title");
	read_sources(c, &sources);
	if (path) {
		rc = propose_patch(c, path, title, &sources, err);
	} else if (commit) {
		c->is_pending = 1;
		intake_commit(c->engine, commit, title, &sources, c->by, c->request);
		rc = 0;
	} else {
		rc = err_code(err, EXIT_USAGE, "propose needs a patch file, or --commit REV");
	}
	strings_release(&sources);
	free(title);
	return rc;
}

/* the session */

static int steer(struct call *c, struct err *err)
{
	char *text = call_text(c, "text");
	if (!text || !*text) {
		free(text);
		return err_code(err, EXIT_USAGE, "steer needs a text");
	}
	engine_emit(c->engine, &(struct event){ .kind = EVENT_STEERED, .by = c->by, .text = text });
	if (c->engine->agent && c->engine->agent_ops->tell)
		c->engine->agent_ops->tell(c->engine->agent, CAUSE_STEERED, NULL, text);
	c->result = json_object();
	json_put_bool(c->result, "is_read", c->engine->agent && c->engine->agent_ops->turn);
	free(text);
	return 0;
}

static int set_autonomy(struct call *c, struct err *err)
{
	const char *name = json_string(json_get(c->args, "autonomy"), NULL);
	enum autonomy a;
	if (autonomy_parse(name, &a) < 0)
		return err_code(err, EXIT_USAGE, "autonomy is manual, wave or auto");
	if (a != c->engine->model.autonomy)
		engine_emit(c->engine, &(struct event){ .kind = EVENT_AUTONOMY_SET, .by = c->by, .autonomy = name });
	return 0;
}

static int pause_session(struct call *c, struct err *err)
{
	(void)err;
	if (c->engine->model.state == SESSION_OPEN)
		engine_emit(c->engine, &(struct event){ .kind = EVENT_PAUSED, .by = c->by });
	return 0;
}

static int resume_session(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	struct err problem = {0};
	if (e->model.state != SESSION_PAUSED)
		return 0;
	if (!e->runner && open_work(e, &problem) < 0)	/* why it was paused may be mended by now */
		return err_refuse(err, "nothing can run yet: %s", problem.text);
	e->exit_code = 0;
	e->fatal = (struct err){0};
	string_set(&e->full, NULL);
	engine_emit(e, &(struct event){ .kind = EVENT_RESUMED, .by = c->by });
	return 0;
}

static int stop(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	(void)err;
	char *reason = xasprintf("stopped by %s", c->by);
	engine_end_session(e, reason);
	free(reason);
	e->stopping = 1;
	return 0;
}

/* the agent's turn */

static int permit(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	const char *id = json_string(json_get(c->args, "permission"), NULL), *option = json_string(json_get(c->args, "option"), "cancelled");
	const struct permission *asked = id ? find_permission(&e->model, id) : open_permission(&e->model);
	if (!asked)
		return err_refuse(err, "no permission %s was asked for: skydeck status says what is asked", id ? id : "(none named)");
	if (asked->answer)
		return err_refuse(err, "%s is answered already: %s by %s", asked->id, asked->answer, asked->by ? asked->by : "the engine");
	if (strcmp(option, "cancelled") && !permission_words(asked, option))
		return err_refuse(err, "%s cannot be answered with %.40s: the agent does not offer that", asked->id, option);
	if (!e->agent || !e->agent_ops->permit || e->agent_ops->permit(e->agent, asked->id, option, c->by) < 0)
		return err_refuse(err, "nobody waits for %s any more", asked->id);
	engine_emit(e, &(struct event){ .kind = EVENT_PERMISSION_ANSWERED, .by = c->by, .permission = asked->id, .status = option });
	return 0;
}

static int turn_stop(struct call *c, struct err *err)
{
	char *why = xasprintf("stopped by %s", c->by);
	int rc = turns_stop(c->engine, why) < 0 ? err_refuse(err, "the agent is in no turn that could be stopped") : 0;
	free(why);
	return rc;
}

static int worker_action(struct call *c, struct err *err)
{
	struct engine *e = c->engine;
	const char *id = json_string(json_get(c->args, "worker"), NULL), *action = json_string(json_get(c->args, "action"), "");
	const struct worker *w = model_worker(&e->model, id);
	if (!w)
		return err_set(err, "there is no worker %s: skydeck workers lists them", id ? id : "(none named)");
	return pool_action(e, c->by, w, action, err);
}

static const struct {
	const char *name;
	action_function *run;
	int works_on_ended;
} actions[] = {
	{ "approve", approve, 0 }, { "veto", veto, 0 }, { "waive", waive, 0 }, { "revise", revise, 0 }, { "sign", sign, 0 },
	{ "cancel", cancel, 0 }, { "retry", retry, 0 }, { "propose", propose, 0 }, { "steer", steer, 0 }, { "autonomy", set_autonomy, 0 },
	{ "pause", pause_session, 0 }, { "resume", resume_session, 0 }, { "stop", stop, 1 }, { "source_add", action_source_add, 0 },
	{ "source_drop", action_source_drop, 0 }, { "source_move", action_source_move, 0 }, { "source_note", action_source_note, 0 },
	{ "source_status", action_source_status, 0 }, { "worker", worker_action, 0 }, { "permit", permit, 0 }, { "turn_stop", turn_stop, 0 },
};

static int dispatch(struct call *c, const char *name, struct err *err)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(actions[i].name, name))
			continue;
		if (c->engine->broken)
			return err_set(err, "nothing can be decided now: %s", c->engine->why_broken.text);
		if (!actions[i].works_on_ended && call_needs_session(c, err) < 0)
			return -1;
		return actions[i].run(c, err);
	}
	return err_code(err, EXIT_USAGE, "there is no command \"%s\"", name);
}

void actions_command(void *data, struct request *request, const char *by, const char *name, const struct json *args)
{
	struct err err = {0};
	struct call c = { .engine = data, .by = by, .args = args, .request = request };
	if (dispatch(&c, name, &err) < 0)
		server_refuse(request, &err);
	else if (!c.is_pending)
		server_answer(request, c.result ? c.result : json_object());
}
