/* The agent's turns: when one begins, what it is told, and what comes of it.
 *
 * What to do next is decided from the model (core/data/stage.h), and what is told is assembled from it (core/data/brief.h), so
 * a turn that an engine's death cut short is lost and nothing with it: the next engine closes it and begins another, which is
 * told the same. The transcript of turn 7 is the log "t7". */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/brief.h"
#include "core/data/query.h"
#include "core/data/stage.h"
#include "core/engine/quotes.h"
#include "core/io/logs.h"

enum { MICRO = 1000000, TAIL_EVERY = 50000, BACKOFF_MIN = 5, BACKOFF_MAX = 300, FAILURES_MAX = 3, FIXES_MAX = 2, CONVENTIONS_MAX = 8 << 10,
	LAST_WORDS_MAX = 400, TREE_TRIES_MAX = 3 };

struct turns {
	struct log_writer *log;		/* of the turn that runs; NULL: none runs */
	unsigned number;
	int64_t begun;			/* monotonic */
	enum said said;
	int is_line_open;
	int64_t tail_sent;		/* monotonic */
	struct loop_timer *tail;
	unsigned failures;		/* in a row */
	int64_t not_before;		/* wall */
	uint64_t failed_at;		/* seq: what the human said since then begins a turn at once */
	struct loop_timer *wake;
	char *conventions;
	char *alerted;			/* what the agent itself said last to everybody, in this turn */
	char tree[GIT_ID];		/* commit that stands in the agent's tree */
	int is_checking_out, tree_tries;
	unsigned fixes;			/* patches of this turn that its own review sent back */
};

static const struct config_agent *config_of(const struct engine *e)
{
	return config_agent_find(&e->config, e->model.agent);
}

static char *by_agent(const struct engine *e)
{
	return xasprintf("agent %s", e->model.agent ? e->model.agent : "patches");
}

/* agents that propose by themselves */

static void agent_proposes(void *data, const struct draft *d)
{
	struct engine *e = data;
	char *by = by_agent(e);
	intake_draft(e, d, e->model.agent, by, NULL);
	free(by);
}

static void state_agent(struct engine *e, const char *state, const char *text)
{
	const struct model *m = &e->model;
	if (!m->agent_state || strcmp(m->agent_state, state) || !text != !m->agent_text || (text && strcmp(text, m->agent_text)))
		engine_emit(e, &(struct event){ .kind = EVENT_AGENT_CHANGED, .agent = m->agent, .state = state, .text = text });
}

static void agent_changed(void *data, const char *state, const char *text)
{
	struct engine *e = data;
	if (e->turns) {		/* whether it is finished is decided here: it only takes turns */
		if (e->turns->log)
			state_agent(e, state, text);
		return;
	}
	e->agent_failed = !strcmp(state, "failed");
	e->agent_finished = e->agent_failed || !strcmp(state, "finished") || !strcmp(state, "idle");	/* idle: only a human moves it on */
	state_agent(e, state, text);
	if (e->agent_failed)
		engine_alert(e, "agent %s: %s", e->model.agent ? e->model.agent : "", text ? text : "failed");
}

static void agent_broken(void *data, const char *origin, const char *title, const char *why)
{
	struct engine *e = data;
	intake_broken(e, e->model.agent, origin, title, why);
}

static int agent_knows(void *data, const char *origin)
{
	return intake_knows(data, origin);
}

/* the transcript */

static void send_tail(struct engine *e)
{
	struct turns *t = e->turns;
	char id[16];
	loop_cancel(e->loop, t->tail);
	t->tail = NULL;
	if (!t->log)
		return;
	t->tail_sent = clock_monotonic();
	snprintf(id, sizeof id, "t%u", t->number);
	const char *raw = log_writer_last_line(t->log);
	char *line = text_safe_string(raw, strlen(raw), TEXT_TABS);
	model_tail(&e->model, id, (int64_t)log_writer_lines(t->log), (int64_t)log_writer_bytes(t->log), line);
	server_tail(e->server, id, log_writer_lines(t->log), log_writer_bytes(t->log), line);
	free(line);
}

static void tail_due(void *data)
{
	struct engine *e = data;
	e->turns->tail = NULL;
	send_tail(e);
}

/* The first of a burst goes at once, what follows is gathered. */
static void tail_soon(struct engine *e)
{
	struct turns *t = e->turns;
	int64_t due = t->tail_sent + TAIL_EVERY - clock_monotonic();
	if (due <= 0)
		send_tail(e);
	else if (!t->tail)
		t->tail = loop_after(e->loop, due, tail_due, e);
}

static void write_log(struct engine *e, const char *bytes, size_t n)
{
	struct err err = {0};
	if (log_writer_add(e->turns->log, bytes, n, &err) < 0)
		engine_alert(e, "the transcript of turn %u: %s", e->turns->number, err.text);
}

static void agent_said(void *data, enum said what, const char *bytes, size_t n)
{
	static const char *const names[] = { "told", "agent", "thinks", "tool", "result", "note" };
	struct engine *e = data;
	struct turns *t = e->turns;
	if (!t || !t->log || !n)
		return;
	if (what != t->said || !log_writer_bytes(t->log)) {
		char head[32];
		int len = snprintf(head, sizeof head, "%s[%s]\n", t->is_line_open ? "\n" : "", names[what]);
		write_log(e, head, (size_t)len);
		t->said = what;
	}
	write_log(e, bytes, n);
	t->is_line_open = bytes[n - 1] != '\n';
	tail_soon(e);
}

/* what it does */

static void tool_done_for_agent(void *data, const char *text, int is_error)
{
	agent_answer(data, text, is_error);
}

static void agent_calls(void *data, struct agent_call *call)
{
	struct engine *e = data;
	tools_call(e, e->model.agent, call->name, call->args, tool_done_for_agent, call);
}

static void agent_spent(void *data, double usd, const char *what)
{
	struct engine *e = data;
	char *by = by_agent(e);
	if (usd > 0)
		engine_emit(e, &(struct event){ .kind = EVENT_SPENT, .by = by, .usd = usd, .what = what, .turn = e->turns && e->turns->log ? e->turns->number : 0 });
	free(by);
	if (e->model.limit_usd > 0 && spent_usd(&e->model, clock_wall()) >= e->model.limit_usd && e->agent)
		e->agent_ops->stop(e->agent, "the session's money is spent (session.budget)");
}

static void agent_asks(void *data, const struct agent_permission *p)
{
	struct engine *e = data;
	char *by = by_agent(e);
	struct event ev = { .kind = EVENT_PERMISSION_ASKED, .by = by, .permission = p->id, .agent = e->model.agent, .title = p->title, .text = p->text };
	if (p->options)
		ev.options = *p->options;
	engine_emit(e, &ev);
	free(by);
}

static void agent_answered(void *data, const char *permission, const char *status, const char *by, const char *reason)
{
	engine_emit(data, &(struct event){ .kind = EVENT_PERMISSION_ANSWERED, .by = by, .permission = permission, .status = status, .reason = reason });
}

static void agent_alert(void *data, const char *text)
{
	struct engine *e = data;
	engine_alert(e, "agent %s: %s", e->model.agent ? e->model.agent : "", text);
	if (e->turns)
		string_set(&e->turns->alerted, text);
}

/* its end */

static void wake(void *data)
{
	struct engine *e = data;	/* the turn of the loop that this makes is all that is wanted */
	e->turns->wake = NULL;
}

static void wake_at(struct engine *e, int64_t wall)
{
	int64_t now = clock_wall();
	loop_cancel(e->loop, e->turns->wake);
	e->turns->wake = loop_after(e->loop, wall > now ? wall - now : 0, wake, e);
}

static void close_log(struct turns *t)
{
	log_writer_close(t->log);
	t->log = NULL;
	t->is_line_open = 0;
}

static void count_failure(struct engine *e, const char *reason)
{
	struct turns *t = e->turns;
	int64_t wait = BACKOFF_MIN;
	for (unsigned i = 0; i < t->failures && wait < BACKOFF_MAX; i++)
		wait *= 2;
	int is_said = reason && t->alerted && strstr(t->alerted, reason);
	if (!t->failures++ && !is_said)
		engine_alert(e, "agent %s: %s", e->model.agent ? e->model.agent : "", reason ? reason : "its turn failed");
	t->not_before = clock_wall() + wait * MICRO;
	t->failed_at = e->model.seq;
	wake_at(e, t->not_before);
}

static void state_end(struct engine *e, const struct turn_end *end)
{
	struct turns *t = e->turns;
	char *by = by_agent(e), *file = xasprintf("logs/t%u.log", t->number), *text = NULL;
	if (end->text)
		text = text_safe_string(end->text, text_cut(end->text, strlen(end->text), LAST_WORDS_MAX), TEXT_LINE);
	engine_emit(e, &(struct event){ .kind = EVENT_TURN_ENDED, .by = by, .turn = t->number, .status = end->status, .reason = end->reason,
		.seconds = (double)(clock_monotonic() - t->begun) / MICRO, .tokens_in = end->tokens.in, .tokens_read = end->tokens.read,
		.tokens_written = end->tokens.written, .tokens_out = end->tokens.out, .calls = end->calls, .text = text,
		.log = { file, t->log ? (int64_t)log_writer_bytes(t->log) : 0, t->log ? (int64_t)log_writer_lines(t->log) : 0 } });
	free(text);
	free(file);
	free(by);
}

static void agent_turn_ended(void *data, const struct turn_end *end)
{
	struct engine *e = data;
	struct turns *t = e->turns;
	if (!t || !t->log)
		return;
	if (end->reason) {
		agent_said(e, SAID_NOTE, end->reason, strlen(end->reason));
		agent_said(e, SAID_NOTE, "\n", 1);
	}
	send_tail(e);
	state_end(e, end);
	close_log(t);
	if (!strcmp(end->status, "failed")) {
		count_failure(e, end->reason);
		return;
	}
	t->failures = 0;
	if (!strcmp(end->status, "refused"))
		engine_alert(e, "agent %s: its model refused turn %u: %s; the turn is dropped, and it goes on with the next", e->model.agent, t->number,
			     end->reason ? end->reason : "no reason was given");
}

static const struct agent_listener listener = {
	.propose = agent_proposes, .changed = agent_changed, .broken = agent_broken, .is_known = agent_knows, .said = agent_said,
	.call = agent_calls, .spent = agent_spent, .asks = agent_asks, .answered = agent_answered, .turn_ended = agent_turn_ended,
	.alert = agent_alert,
};

const struct agent_listener *turns_listener(void)
{
	return &listener;
}

/* its beginning */

static char *read_conventions(const struct engine *e)
{
	static const char *const files[] = { "CONTRIBUTING.md", ".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "CONTRIBUTING", "HACKING.md", "HACKING" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct buf text = {0};
		char *path = xasprintf("%s/%s", e->target.root, files[i]);
		struct stat st;
		int rc = !lstat(path, &st) && S_ISREG(st.st_mode) ? buf_read_file(&text, path, 1 << 20) : -1;
		free(path);
		if (rc < 0)
			continue;
		char *safe = text_safe_string(buf_str(&text), text_cut(buf_str(&text), text.len, CONVENTIONS_MAX), TEXT_NEWLINES | TEXT_TABS);
		buf_release(&text);
		return safe;
	}
	return NULL;
}

struct brief_target turns_target(const struct engine *e)
{
	return (struct brief_target){ e->measure, e->checks, e->turns ? e->turns->conventions : NULL };
}

int turns_may_fix(struct engine *e)
{
	return e->turns && e->turns->log && e->turns->fixes++ < FIXES_MAX;
}

/* What reading cost, where the agent is the reader too. */
static double reading_usd(const struct engine *e)
{
	const char *reader = e->config.session_reader;
	double usd = 0;
	for (size_t i = 0; i < e->model.source_count && (!reader || !*reader || !strcmp(reader, e->model.agent)); i++)
		usd += e->model.sources[i].usd;
	return usd;
}

double turns_usd_left(const struct engine *e)
{
	const struct config_agent *c = config_of(e);
	double left = INFINITY, own = c && c->budget > 0 ? c->budget - agent_usd(&e->model, c->name) - reading_usd(e) : INFINITY;
	if (e->model.limit_usd > 0)
		left = e->model.limit_usd - spent_usd(&e->model, clock_wall());
	return own < left ? own : left;
}

static int open_log(struct engine *e, struct err *err)
{
	struct turns *t = e->turns;
	char id[16];
	snprintf(id, sizeof id, "t%u", t->number);
	char *path = engine_log_path(e, id);
	t->log = log_writer_open(path, err);
	free(path);
	return t->log ? 0 : -1;
}

static void begin_turn(struct engine *e, const struct next *next)
{
	struct turns *t = e->turns;
	const struct config_agent *c = config_of(e);
	struct brief_target target = turns_target(e);
	struct buf system = {0}, text = {0};
	struct err err = {0};
	char *by = by_agent(e);
	if (e->model.dialogue.stage != next->stage || !e->model.dialogue.turn_count)
		engine_emit(e, &(struct event){ .kind = EVENT_STAGE_SET, .by = by, .stage = stage_name(next->stage), .reason = next->reason });
	brief_system(&e->model, &e->config, &target, &system);
	brief_turn(&e->model, &e->config, e->model.agent, next->stage, clock_wall(), &text);
	t->number = e->model.dialogue.turn_count ? e->model.dialogue.turns[e->model.dialogue.turn_count - 1].number + 1 : 1;
	t->begun = clock_monotonic();
	t->fixes = 0;
	string_set(&t->alerted, NULL);
	engine_emit(e, &(struct event){ .kind = EVENT_TURN_STARTED, .by = by, .turn = t->number, .agent = e->model.agent, .stage = stage_name(next->stage),
		.model = e->agent_ops->model ? e->agent_ops->model(e->agent) : NULL, .size = (int64_t)(system.len + text.len) });
	state_agent(e, "working", next->reason);
	struct turn_plan plan = { t->number, buf_str(&system), buf_str(&text),
		{ .usd = turns_usd_left(e), .seconds = c && c->minutes > 0 ? 60.0 * (double)c->minutes : INFINITY, .replies = c ? c->replies : 0,
		  .calls = c ? c->calls : 0, .tokens = c ? c->tokens : 0 } };
	if (open_log(e, &err) < 0 || e->agent_ops->turn(e->agent, &plan, &err) < 0) {
		state_end(e, &(struct turn_end){ .status = "failed", .reason = err.text });
		close_log(t);
		count_failure(e, err.text);
	}
	buf_release(&system);
	buf_release(&text);
	free(by);
}

/* an agent that works in a tree of its own gets the baseline there */

static void tree_ready(struct engine *e, void *owner, const char *name, const char *problem)
{
	struct turns *t = e->turns;
	(void)owner;
	(void)name;
	if (!t)
		return;
	t->is_checking_out = 0;
	if (problem && ++t->tree_tries == TREE_TRIES_MAX)
		engine_alert(e, "the agent's tree could not be brought to the baseline: %s", problem);
	if (problem && t->tree_tries < TREE_TRIES_MAX)
		*t->tree = '\0';
}

static int tree_stands(struct engine *e)
{
	struct turns *t = e->turns;
	if (!e->agent_ops->works_in_tree || !e->model.baseline)
		return 1;
	if (t->is_checking_out)
		return 0;
	if (!strcmp(t->tree, e->model.baseline))
		return 1;
	char *name = xasprintf("../agents/%s/tree", e->model.agent);
	snprintf(t->tree, sizeof t->tree, "%s", e->model.baseline);
	t->is_checking_out = 1;
	trees_checkout(e, e->model.baseline, name, tree_ready, t);
	free(name);
	return 0;
}

/* After failures: 1 when it may try again. */
static int may_try(struct engine *e)
{
	struct turns *t = e->turns;
	const struct dialogue *d = &e->model.dialogue;
	if (!t->failures || was_called_since(&e->model, t->failed_at))
		return 1;
	const char *why = d->turn_count ? d->turns[d->turn_count - 1].reason : NULL;
	if (t->failures >= FAILURES_MAX) {
		state_agent(e, "failed", why);
		e->agent_finished = e->agent_failed = 1;
		return 0;
	}
	state_agent(e, "failed", why);
	return clock_wall() >= t->not_before;
}

/* VMs end with the session's money (pool.c). Where runs cost nothing only the agent does, and what it proposed is still tried. */
static void say_spent(struct engine *e)
{
	double spent = spent_usd(&e->model, clock_wall());
	if (!(e->model.limit_usd > 0) || spent < e->model.limit_usd || e->exit_code)
		return;
	engine_alert(e, "the budget is spent: $%.2f of $%.2f; the agent takes no more turns", spent, e->model.limit_usd);
	e->exit_code = EXIT_BUDGET;
}

/* A turn that runs goes on to its next use of a tool, which waits (tools.c). */
static void say_pause(struct engine *e)
{
	static const char holding[] = "the session is paused: this turn waits where it next uses a tool";
	int is_paused = e->model.state == SESSION_PAUSED, runs = e->turns->log != NULL;
	int is_holding = e->model.agent_text && !strcmp(e->model.agent_text, holding);
	if (e->broken || !e->model.agent_state || strcmp(e->model.agent_state, "working"))
		return;
	if (is_paused)
		state_agent(e, runs ? "working" : "idle", runs ? holding : "the session is paused");
	else if (is_holding && runs)
		state_agent(e, "working", e->model.dialogue.stage_reason);
}

void turns_advance(struct engine *e)
{
	struct turns *t = e->turns;
	if (t)
		say_pause(e);
	if (!t || t->log || !e->agent || !engine_may_run(e) || !may_try(e))
		return;
	e->agent_failed = 0;
	const struct config_agent *c = config_of(e);
	struct next next = stage_next(&e->model, engine_experiments_left(e), c ? c->turns : 0);
	if (turns_usd_left(e) <= 0) {
		next = (struct next){ NEXT_FINISHED, next.stage, "its money is spent" };
		say_spent(e);
	}
	e->agent_finished = next.what == NEXT_FINISHED;
	if (next.what != NEXT_TURN) {
		state_agent(e, e->agent_finished ? "finished" : "idle", next.reason);
		return;
	}
	if (next.stage >= STAGE_HYPOTHESISE && !profile_is_settled(e) && !messages_waiting(&e->model, 1)) {
		state_agent(e, "idle", "waits for the profile of the baseline");
		return;
	}
	if (tree_stands(e))
		begin_turn(e, &next);
}

int turns_stop(struct engine *e, const char *why)
{
	if (!e->turns || !e->turns->log || !e->agent)
		return -1;
	e->agent_ops->stop(e->agent, why);
	return 0;
}

static void cancel_permissions(struct engine *e)
{
	for (const struct permission *p; (p = open_permission(&e->model)) && !e->broken;)
		engine_emit(e, &(struct event){ .kind = EVENT_PERMISSION_ANSWERED, .permission = p->id, .status = "cancelled", .reason = "who asked is gone" });
}

/* No engine will close what the session's end leaves open. */
void turns_end(struct engine *e)
{
	struct turns *t = e->turns;
	const struct turn *cut = turn_now(&e->model);
	if (!t)
		return;
	cancel_permissions(e);
	if (t->log && cut)
		agent_turn_ended(e, &(struct turn_end){ .status = "cancelled", .reason = "the session ended in the middle of it", .calls = cut->calls });
	if (!e->model.agent_state || strcmp(e->model.agent_state, "failed"))
		state_agent(e, "finished", "the session ended");
}

void turns_open(struct engine *e)
{
	struct turn *cut = turn_now(&e->model);
	if (cut) {
		char *by = by_agent(e);
		engine_emit(e, &(struct event){ .kind = EVENT_TURN_ENDED, .by = by, .turn = cut->number, .status = "lost", .seconds = NAN,
			.reason = "the engine ended in the middle of it; what it was told is told again", .calls = cut->calls });
		free(by);
	}
	cancel_permissions(e);
	if (!e->agent || !e->agent_ops->turn)
		return;
	e->turns = xcalloc(1, sizeof *e->turns);
	e->turns->conventions = read_conventions(e);
}

void turns_close(struct engine *e)
{
	struct turns *t = e->turns;
	if (!t)
		return;
	jobs_drop(e, t);
	self_reviews_drop(e);
	tools_drop(e, NULL);
	loop_cancel(e->loop, t->tail);
	loop_cancel(e->loop, t->wake);
	close_log(t);
	free(t->conventions);
	free(t->alerted);
	free(t);
	e->turns = NULL;
}
