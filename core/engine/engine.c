/* The engine: one loop, one way to state a fact, one hook per turn.
 *
 * A turn of the loop is: what came in (steps that ended, commands, drafts, time) states facts; then the hook moves the
 * session on as far as it will go (gates, admission, wave, landing), makes all facts of the turn durable in one
 * transaction, and only then lets answers and events leave. When the journal cannot be written nothing leaves: the
 * model is folded anew from what is on disk, everything that runs is dropped as a crash would drop it, and the engine
 * tries every few seconds to state that it is paused. */
#include "core/engine/engine.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "core/engine/open.h"
#include "core/engine/state.h"

enum { RETRY_SECONDS = 5, LEAVE_SECONDS = 600, MICRO = 1000000, LOST_MAX = 3 };

static void hold_line(struct engine *e, const struct event *ev)
{
	char time[CLOCK_TEXT];
	size_t start = e->held.len;
	clock_time_of_day(ev->time, time);
	buf_printf(&e->held, "%s  ", time);
	if (event_line(ev, &e->model, &e->held))
		buf_putc(&e->held, '\n');
	else
		buf_truncate(&e->held, start);
}

void engine_emit(struct engine *e, struct event *ev)
{
	if (e->broken)
		return;
	const struct worker *worker = ev->kind == EVENT_WORKER_CHANGED && !ev->runner ? model_worker(&e->model, ev->worker) : NULL;
	if (worker)
		ev->runner = worker->runner;
	ev->seq = e->model.seq + 1;
	ev->time = clock_wall();
	if (ev->time < e->model.time)
		ev->time = e->model.time;	/* the wall clock was set back: facts keep their order */
	buf_truncate(&e->line, 0);
	event_print(ev, &e->line);
	if (journal_append(e->journal, ev->seq, ev->time, event_name(ev->kind), buf_str(&e->line), &e->why_broken) < 0) {
		e->broken = JOURNAL_FAILED;
		return;
	}
	/* The model folds what stands on the line, as every viewer and every restart will; and its own texts, which ev may
	 * borrow, can be replaced without harm. */
	struct event folded;
	if (event_parse(&folded, buf_str(&e->line), e->line.len, &e->why_broken) < 0) {
		e->broken = JOURNAL_FAILED;
		return;
	}
	model_apply(&e->model, &folded);
	if (e->server)
		server_event(e->server, ev->seq, buf_str(&e->line), e->line.len);
	if (e->options.line)
		hold_line(e, &folded);
	event_release(&folded);
}

struct event worker_event(const char *worker, const char *state)
{
	return (struct event){ .kind = EVENT_WORKER_CHANGED, .worker = worker, .state = state, .noise_percent = NAN, .usd_per_hour = NAN,
			       .usd = NAN, .age = NAN };
}

void state_worker(struct engine *e, const char *worker, const char *state)
{
	struct event ev = worker_event(worker, state);
	engine_emit(e, &ev);
}

void engine_alert(struct engine *e, const char *format, ...)
{
	va_list args;
	char *text;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	char *safe = text_safe_string(text, (size_t)n, TEXT_LINE);
	log_line("alert: %s", safe);
	engine_emit(e, &(struct event){ .kind = EVENT_ALERT, .text = safe });
	free(safe);
	free(text);
}

char *engine_path(const struct engine *e, const char *name)
{
	return session_path(&e->target, e->model.session, name);
}

char *engine_log_path(const struct engine *e, const char *id)
{
	char *name = xasprintf("logs/%s.log", id), *path = engine_path(e, name);
	free(name);
	return path;
}

int engine_may_run(const struct engine *e)
{
	return !e->broken && !e->stopping && e->model.state == SESSION_OPEN;
}

void engine_pause(struct engine *e, const char *reason)
{
	if (e->model.state == SESSION_OPEN)
		engine_emit(e, &(struct event){ .kind = EVENT_PAUSED, .reason = reason });
}

/* What was under way has no verdict and will get none. */
static void cancel_measured(struct engine *e)
{
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		if (p->state == STATE_QUEUED || p->state == STATE_RUNNING)
			engine_emit(e, &(struct event){ .kind = EVENT_CANCELLED, .proposal = p->id });
	}
	for (const struct wave *wave; (wave = current_wave(&e->model));)
		engine_emit(e, &(struct event){ .kind = EVENT_WAVE_ENDED, .wave = wave->number });
}

void engine_end_session(struct engine *e, const char *reason)
{
	if (e->model.state == SESSION_ENDED || e->model.state == SESSION_NONE)
		return;
	landing_settle(e);
	wave_abort(e);
	landing_abort(e);
	admission_abort(e);
	open_end_runs(e, RUN_CANCELLED, "the session ended");
	cancel_measured(e);
	reading_end(e);
	turns_end(e);
	open_for_closing(e);
	int must_close = e->runner && e->runner_ops->count_up;
	for (size_t i = 0; i < e->model.worker_count && !e->runner_ops->costs_money; i++) {
		const struct worker *w = &e->model.workers[i];
		if (w->state && strcmp(w->state, "down"))
			state_worker(e, w->id, "down");
	}
	engine_emit(e, &(struct event){ .kind = EVENT_SESSION_ENDED, .reason = reason });
	if (must_close) {
		open_close_agent(e);
		pool_close(e);
		arms_drop(e, NULL);
	} else {
		open_close_work(e);
	}
}

void engine_fail(struct engine *e, const struct err *err)
{
	e->fatal = *err;
	e->exit_code = err->code ? err->code : EXIT_FAILED;
	engine_alert(e, "%s", err->text);
	if (e->options.end_with_session)
		engine_end_session(e, "nothing can run here");
	else
		engine_pause(e, err->text);
}

void engine_fail_baseline(struct engine *e, const char *what)
{
	struct err err = { .code = EXIT_FAILED };
	snprintf(err.text, sizeof err.text, "the baseline %.10s %.800s: mend it, commit, then %sskydeck run", e->model.baseline, what,
		 e->options.end_with_session ? "" : "skydeck stop and ");
	engine_fail(e, &err);
}

void engine_give_up(struct engine *e, const char *reason)
{
	if (!e->options.end_with_session) {
		engine_pause(e, reason);
		return;
	}
	/* the session stays open: the next engine takes it up when the trouble is over */
	e->exit_code = EXIT_FAILED;
	err_set(&e->fatal, "%s; run it again when that is mended, the session is still open", reason);
	pool_leave(e);
	e->stopping = 1;
}

void engine_lost(struct engine *e, const char *what, const char *why)
{
	if (!what)
		e->lost = 0;
	if (!what || (why && !strcmp(why, "cancelled")))
		return;
	engine_alert(e, "%s could not be executed: %s", what, why ? why : "it was lost");
	if (e->lost_pass == e->pass)
		return;		/* a job, or a worker, that went took all with it that was on it: that is one time */
	e->lost_pass = e->pass;
	if (++e->lost < LOST_MAX || !engine_may_run(e))
		return;
	e->lost = 0;
	char *reason = xasprintf("%s could not be executed, %d times running: %s", what, LOST_MAX, why ? why : "it was lost");
	engine_give_up(e, reason);
	free(reason);
}

/* Time passes the gates under autonomy auto, after the window that the cockpit counts down. */
static void pass_gates(struct engine *e)
{
	int64_t now = clock_wall();
	for (size_t i = 0; i < e->model.proposal_count && engine_may_run(e); i++) {
		struct proposal *p = &e->model.proposals[i];
		int64_t until = proposal_waits_until(&e->model, p);
		if (!until || until > now)
			continue;
		if (p->state == STATE_WAITING)
			action_approve(e, "engine", p, NULL);
		else
			action_sign(e, "engine", p, NULL);
	}
}

static int is_final(const struct engine *e, const struct proposal *p)
{
	switch (p->state) {
	case STATE_DONE: case STATE_LANDED: case STATE_VETOED: case STATE_CANCELLED:
		return 1;
	case STATE_STOPPED: case STATE_CONFLICT: case STATE_REVISING:
		return e->model.autonomy == AUTONOMY_AUTO;
	case STATE_SIGNING:
		return e->model.autonomy == AUTONOMY_AUTO && (p->landing_problem || proposal_harms_elsewhere(p)) && !p->asked_to_sign;
	default:
		return 0;
	}
}

size_t engine_experiments_left(const struct engine *e)
{
	size_t n = 0, most = e->config.session_experiments > 0 ? (size_t)e->config.session_experiments : SIZE_MAX;
	for (size_t i = 0; i < e->model.proposal_count; i++) {
		const struct proposal *p = &e->model.proposals[i];
		n += p->verdict != VERDICT_NONE || p->state == STATE_DONE || p->state == STATE_QUEUED || p->state == STATE_RUNNING;
	}
	return n < most ? most - n : 0;
}

/* A winner that may still land. */
static int any_to_sign(const struct engine *e)
{
	for (size_t i = 0; i < e->model.proposal_count; i++)
		if (e->model.proposals[i].state == STATE_SIGNING && !e->model.proposals[i].landing_problem &&
		    !(e->model.autonomy == AUTONOMY_AUTO && proposal_harms_elsewhere(&e->model.proposals[i])))
			return 1;
	return 0;
}

/* Who started a session for its agent's sake has not got what was asked for. */
static void note_failure(struct engine *e)
{
	if (!e->options.end_with_session || e->exit_code)
		return;
	e->exit_code = EXIT_FAILED;
	err_set(&e->fatal, "agent %s failed: %s; what was decided before stands (skydeck results)", e->model.agent ? e->model.agent : "",
		e->model.agent_text ? e->model.agent_text : "it did not say why");
}

/* A session ends by itself when nobody will propose any more and nothing is left to decide, or when a limit is reached. */
static void end_when_done(struct engine *e)
{
	const struct config *c = &e->config;
	if (!engine_may_run(e) || current_wave(&e->model) || e->landing || e->preparing || e->intake_waiting)
		return;
	if (c->session_hours > 0 && clock_wall() > e->model.opened + (int64_t)(c->session_hours * 3600e6) && !landing_is_due(e)) {
		engine_end_session(e, "the time is up (session.hours)");
		return;
	}
	if (!engine_experiments_left(e) && !any_to_sign(e)) {
		engine_end_session(e, "the number of experiments is reached (session.experiments)");
		return;
	}
	if (!e->agent || !e->agent_finished || (e->model.autonomy != AUTONOMY_AUTO && !e->options.end_with_session))
		return;
	for (size_t i = 0; i < e->model.proposal_count; i++)
		if (!is_final(e, &e->model.proposals[i]))
			return;
	if (e->agent_failed)
		note_failure(e);
	engine_end_session(e, e->agent_failed ? "the agent failed" : "every proposal is decided and the agent has no more");
}

static void advance(struct engine *e)
{
	for (uint64_t before = e->model.seq + e->changes + 1; before != e->model.seq + e->changes && !e->broken;) {
		before = e->model.seq + e->changes;
		e->pass++;
		while (steps_advance(e))
			e->changes++;
		pass_gates(e);
		pool_advance(e);
		arms_advance(e);
		admission_advance(e);
		landing_advance(e);
		wave_advance(e);
		reading_advance(e);
		profile_advance(e);
		tools_advance(e);
		tools_patch_advance(e);
		turns_advance(e);
		end_when_done(e);
	}
}

static int fold_anew(struct engine *e)
{
	struct err err = {0};
	model_release(&e->model);
	model_init(&e->model);
	int rc = session_fold(e->journal, &e->model, &err);
	if (rc)
		log_line("journal: %s", err.text);
	return rc;
}

/* As after a crash: what ran is lost, what is on disk is the truth. */
static void forget_turn(struct engine *e)
{
	log_line("journal: %s", e->why_broken.text);
	tools_drop(e, NULL);
	wave_abort(e);
	landing_abort(e);
	admission_abort(e);
	profile_abort(e);
	steps_drop(e, NULL);
	jobs_drop(e, NULL);
	fold_anew(e);
	if (!e->is_closing || e->model.state != SESSION_ENDED)
		open_close_work(e);
	else
		arms_drop(e, NULL);	/* what costs comes down, whether that can be written or not */
	e->stopping = 0;	/* whoever asked for it is told that it was not done */
	e->lost = 0;
	buf_truncate(&e->held, 0);
}

static void commit(struct engine *e)
{
	if (!e->broken && journal_commit(e->journal, &e->why_broken) < 0)
		e->broken = JOURNAL_FAILED;
	if (e->broken == JOURNAL_FAILED) {
		forget_turn(e);
		e->broken = JOURNAL_WAITS;
		e->retry = clock_wall() + (int64_t)RETRY_SECONDS * MICRO;
	}
	e->durable = e->model.seq;
	server_release(e->server, e->broken ? e->why_broken.text : NULL);
	server_release(e->tools_server, e->broken ? e->why_broken.text : NULL);
	if (e->held.len && e->options.line)
		e->options.line(e->options.data, buf_str(&e->held));
	buf_truncate(&e->held, 0);
}

static void try_again(struct engine *e)
{
	if (fold_anew(e)) {
		e->retry = clock_wall() + (int64_t)RETRY_SECONDS * MICRO;
		return;
	}
	e->broken = JOURNAL_FINE;
	landing_recover(e);
	char *reason = xasprintf("the journal could not be written: %s", e->why_broken.text);
	engine_pause(e, reason);
	free(reason);
	commit(e);
	struct err err = {0};
	if (!e->broken && open_work(e, &err) < 0)
		engine_alert(e, "%s", err.text);
}

static int64_t next_deadline(const struct engine *e)
{
	int64_t next = INT64_MAX;
	if (e->broken)
		return e->retry;
	for (size_t i = 0; i < e->model.proposal_count && engine_may_run(e); i++) {
		int64_t until = proposal_waits_until(&e->model, &e->model.proposals[i]);
		if (until && until < next)
			next = until;
	}
	int64_t gathered = engine_may_run(e) ? wave_waits_until(e) : 0;
	if (gathered && gathered < next)
		next = gathered;
	if (e->config.session_hours > 0 && engine_may_run(e)) {
		int64_t end = e->model.opened + (int64_t)(e->config.session_hours * 3600e6) + MICRO;
		next = end < next && end > clock_wall() ? end : next;	/* past it, what is under way is waited for */
	}
	if (e->is_closing && e->closing_until < next)
		next = e->closing_until;
	int64_t broke = pool_deadline(e);
	next = broke < next ? broke : next;
	if (e->idle_since && e->idle_since + (int64_t)LEAVE_SECONDS * MICRO < next)
		next = e->idle_since + (int64_t)LEAVE_SECONDS * MICRO;
	return next;
}

static void on_timer(void *data)
{
	struct engine *e = data;
	e->timer = NULL;
	if (e->broken && clock_wall() >= e->retry)
		try_again(e);
}

/* An engine whose session has ended leaves: at once when its session was all it was for, else after a while alone. */
static void leave_when_idle(struct engine *e, int64_t now)
{
	int ended = e->model.state == SESSION_ENDED, alone = !server_viewers(e->server);
	if (!ended || !alone || e->is_closing) {
		e->idle_since = 0;
		return;
	}
	if (!e->idle_since)
		e->idle_since = now;
	if (e->options.end_with_session || now - e->idle_since >= (int64_t)LEAVE_SECONDS * MICRO)
		loop_stop(e->loop);
}

static void on_turn(void *data)
{
	struct engine *e = data;
	if (!e->broken)
		advance(e);
	commit(e);
	int64_t now = clock_wall();
	leave_when_idle(e, now);
	if (e->stopping && !e->is_closing)
		loop_stop(e->loop);
	loop_cancel(e->loop, e->timer);
	int64_t next = next_deadline(e);
	e->timer = next == INT64_MAX ? NULL : loop_after(e->loop, next > now ? next - now : 0, on_timer, e);
}

static void on_signal(void *data, int number)
{
	struct engine *e = data;
	log_line("signal %d: the engine leaves, the session stays open", number);
	if (number == SIGINT)
		e->exit_code = EXIT_INTERRUPTED;
	pool_leave(e);
	loop_stop(e->loop);
}

static uint64_t history(void *data, uint64_t since, size_t most, struct buf *out);

static void joined(void *data, const char *viewer, const char *role)
{
	engine_emit(data, &(struct event){ .kind = EVENT_VIEWER_JOINED, .viewer = viewer, .role = role });
}

static void left(void *data, const char *viewer)
{
	engine_emit(data, &(struct event){ .kind = EVENT_VIEWER_LEFT, .viewer = viewer });
}

static uint64_t newest(void *data)
{
	const struct engine *e = data;
	return e->durable;
}

static const struct server_handler handler = {
	.joined = joined, .left = left, .command = actions_command, .query = queries_query, .history = history, .newest = newest,
};

struct lines {
	struct buf *out;
	uint64_t last;
	size_t left;
};

static int add_line(void *data, uint64_t seq, const char *body, size_t len)
{
	struct lines *lines = data;
	buf_add(lines->out, body, len);
	buf_putc(lines->out, '\n');
	lines->last = seq;
	return --lines->left == 0;
}

static uint64_t history(void *data, uint64_t since, size_t most, struct buf *out)
{
	struct engine *e = data;
	struct lines lines = { out, since, most };
	struct err err = {0};
	if (most && journal_each(e->journal, since, add_line, &lines, &err) < 0)
		log_line("history: %s", err.text);
	return lines.last;
}

static int listen_on_socket(struct engine *e, struct err *err)
{
	struct buf path = {0};
	link_socket_path(e->target.root, &path);
	e->server = server_new(e->loop, buf_str(&path), &handler, e, err);
	int rc = e->server && !tools_open(e, err) ? target_note_engine(&e->target, buf_str(&path), err) : -1;
	buf_release(&path);
	return rc;
}

static void close_all(struct engine *e)
{
	landing_settle(e);
	tools_drop(e, NULL);
	wave_abort(e);
	landing_abort(e);
	admission_abort(e);
	profile_abort(e);
	steps_drop(e, NULL);
	jobs_drop(e, NULL);
	open_close_work(e);
	struct err ignored = {0};
	if (e->journal && !e->broken)
		journal_commit(e->journal, &ignored);
	server_free(e->server);
	e->server = NULL;
	worker_thread_free(e->git_thread);
	tools_close(e);
	git_close(e->git);
	journal_close(e->journal);
	model_release(&e->model);
	config_release(&e->config);
	strings_release(&e->harness);
	free(e->folder);
	free(e->measure);
	free(e->checks);
	free(e->full);
	free(e->held_patches.at);
	sites_free(e);
	bundles_free(e);
	buf_release(&e->line);
	buf_release(&e->held);
	loop_free(e->loop);
	if (e->lock >= 0) {
		char *note = target_path(&e->target, "engine");
		unlink(note);
		free(note);
		close(e->lock);
	}
	target_release(&e->target);
}

/* To who reads lines: what no event of this engine says. */
static void say(struct engine *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct engine *e, const char *format, ...)
{
	char time[CLOCK_TEXT], text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	clock_time_of_day(clock_wall(), time);
	buf_printf(&e->held, "%s  %s\n", time, text);
}

static void say_where_it_stands(struct engine *e)
{
	const struct model *m = &e->model;
	if (m->state == SESSION_ENDED)
		say(e, "session %s has ended: %s; skydeck serve --new starts another", m->session, m->ended_reason ? m->ended_reason : "it is over");
	else if (!e->is_new)
		say(e, "session %s goes on; proposals: %zu, waiting for you: %zu (skydeck status)", m->session, m->proposal_count, count_needs_human(m));
	if (m->state != SESSION_ENDED && !e->config.agent_count)
		say(e, "no agent is configured, so only you propose: skydeck propose FILE; skydeck help config says how to name one");
}

int engine_run(const struct engine_options *options, struct err *err)
{
	struct engine e = { .options = *options, .lock = -1, .pass = 1 };
	model_init(&e.model);
	config_init(&e.config);
	e.loop = loop_new();
	int rc = open_session(&e, err);
	if (!rc)
		say_where_it_stands(&e);
	if (!rc)
		rc = listen_on_socket(&e, err);
	if (!rc)
		rc = open_started(&e, err);
	if (rc) {
		rc = err->code ? (int)err->code : EXIT_FAILED;
		close_all(&e);
		return rc;
	}
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		loop_signal(e.loop, signals[i], on_signal, &e);
	signal(SIGPIPE, SIG_IGN);
	loop_before_sleep(e.loop, on_turn, &e);
	on_turn(&e);	/* what opening stated becomes durable before anybody is told that the engine is there */
	if (options->ready)
		options->ready(options->data);
	loop_run(e.loop);
	if (e.exit_code && e.fatal.text[0])
		*err = e.fatal;
	rc = e.exit_code;
	close_all(&e);
	return rc;
}
