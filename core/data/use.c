/* Utilisation. A worker is at one thing at a time; what that is follows from its state, from the runs that execute on it
 * and, while it is idle, from whether anything is left to do without the human. So an event costs a look at each worker
 * at most, and only the kinds that can change the answer cost it.
 *
 * A VM goes on while no engine runs, and is paid for; this machine's own workers end with it: what they were at when the
 * next engine finds them gone counts for nothing. */
#include "core/data/use.h"

#include <math.h>
#include <string.h>

#include "core/data/model.h"
#include "core/data/query.h"

static const char *const words[USE_COUNT] = {
#define X(id, text) text,
	USES(X)
#undef X
};

const char *use_words(enum use u)
{
	return words[u];
}

static int is_state(const struct worker *w, const char *state)
{
	return w->state && !strcmp(w->state, state);
}

static int is_local(const struct worker *w)
{
	return w->runner && !strcmp(w->runner, "local");
}

static unsigned *counter(struct worker_use *u, const struct run *r)
{
	return strcmp(r->step, "measure") ? &u->builds : r->wave ? &u->measured : &u->trials;
}

void use_run(struct worker *w, const struct run *r, int change)
{
	unsigned *n = counter(&w->use, r);
	if (change > 0)
		++*n;
	else if (*n)
		--*n;
}

/* What builds in the background does not take a worker away from what it measures. */
static enum use use_of(const struct worker *w, int is_human_due)
{
	const struct worker_use *u = &w->use;
	if (is_state(w, "quarantined"))
		return USE_OUT;
	if (u->measured)
		return USE_MEASURE;
	if (u->trials)
		return USE_ADMISSION;
	if (u->builds)
		return USE_BUILD;
	if (is_state(w, "starting"))
		return w->status && !strcmp(w->status, "UP") ? USE_SETUP : USE_LAUNCH;
	if (is_state(w, "admitting"))
		return USE_ADMISSION;
	if (is_state(w, "busy"))
		return USE_BETWEEN;
	return is_human_due ? USE_HUMAN : USE_IDLE;
}

static double open_seconds(const struct worker_use *u, int64_t now)
{
	return u->is_paid && now > u->since ? (double)(now - u->since) / 1e6 : 0;
}

static void go_on(struct worker *w, int64_t now, int is_human_due)
{
	struct worker_use *u = &w->use;
	enum use next = use_of(w, is_human_due);
	int is_paid = worker_is_up(w);
	if (u->is_paid == is_paid && u->now == next)
		return;
	u->seconds[u->now] += open_seconds(u, now);
	u->is_paid = is_paid;
	u->now = next;
	u->since = now;
}

static int is_human_due(const struct model *m)
{
	return count_needs_human(m) && !count_in_state(m, STATE_APPROVED) && !count_in_state(m, STATE_QUEUED) && !count_in_state(m, STATE_RUNNING);
}

/* What goes on until now is for something else than it seemed when a run is lost, or a worker starts anew that was up. */
static void end_in_vain(struct model *m, const struct event *ev)
{
	const struct run *r = ev->kind == EVENT_RUN_ENDED ? model_run(m, ev->run) : NULL;
	struct worker *w = model_worker(m, r ? r->worker : ev->kind == EVENT_WORKER_CHANGED ? ev->worker : NULL);
	if (!w || (r && (!r->status || strcmp(r->status, "lost"))))
		return;
	struct worker_use *u = &w->use;
	int restarts = !r && is_state(w, "starting") && u->now != USE_LAUNCH && u->now != USE_SETUP;
	if (r && !is_local(w))
		u->seconds[USE_OUT] += open_seconds(u, ev->time);
	if (r || (restarts && is_local(w)))
		u->since = ev->time;
}

static int can_change_it(enum event_kind kind)
{
	switch (kind) {
	case EVENT_WORKER_CHANGED: case EVENT_RUN_STARTED: case EVENT_RUN_ENDED:
	case EVENT_PROPOSAL_SUBMITTED: case EVENT_PROPOSAL_CONFLICT: case EVENT_GUARD_STOPPED: case EVENT_GUARD_WAIVED:
	case EVENT_APPROVED: case EVENT_VETOED: case EVENT_REVISION_ASKED: case EVENT_CANCELLED: case EVENT_RETRIED:
	case EVENT_SIGNED: case EVENT_LANDED: case EVENT_LANDING_FAILED: case EVENT_WAVE_STARTED: case EVENT_VERDICT:
	case EVENT_SESSION_ENDED:
		return 1;
	default:
		return 0;
	}
}

void use_follow(struct model *m, const struct event *ev)
{
	if (!can_change_it(ev->kind))
		return;
	end_in_vain(m, ev);
	int is_about_worker = ev->kind == EVENT_WORKER_CHANGED || ev->kind == EVENT_RUN_STARTED || ev->kind == EVENT_RUN_ENDED;
	if (!is_about_worker)
		m->is_human_due = is_human_due(m);
	for (size_t i = 0; i < m->worker_count; i++)
		go_on(&m->workers[i], ev->time, m->is_human_due);
}

/* Questions */

void worker_seconds(const struct worker *w, int64_t now, double out[USE_COUNT])
{
	memcpy(out, w->use.seconds, sizeof w->use.seconds);
	out[w->use.now] += open_seconds(&w->use, now);
}

void session_seconds(const struct model *m, int64_t now, double out[USE_COUNT])
{
	memset(out, 0, USE_COUNT * sizeof *out);
	for (size_t i = 0; i < m->worker_count; i++) {
		double own[USE_COUNT];
		worker_seconds(&m->workers[i], now, own);
		for (int u = 0; u < USE_COUNT; u++)
			out[u] += own[u];
	}
}

double use_paid(const double seconds[USE_COUNT])
{
	double sum = 0;
	for (int u = 0; u < USE_COUNT; u++)
		sum += seconds[u];
	return sum;
}

double use_share(const double seconds[USE_COUNT])
{
	double paid = use_paid(seconds);
	return paid > 0 ? seconds[USE_MEASURE] / paid : NAN;
}

size_t use_losses(const double seconds[USE_COUNT], enum use *out, size_t most)
{
	size_t n = 0;
	for (int u = 0; u < USE_COUNT; u++) {
		if (u == USE_MEASURE || !(seconds[u] > 0))
			continue;
		size_t i = n < most ? n++ : most;	/* where it would stand at last; the smallest falls out */
		for (; i > 0 && seconds[out[i - 1]] < seconds[u]; i--)
			if (i < most)
				out[i] = out[i - 1];
		if (i < most)
			out[i] = (enum use)u;
	}
	return n;
}

double usd_per_win(const struct model *m, int64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->proposal_count; i++)
		kept += (size_t)proposal_is_winner(&m->proposals[i]);
	return kept ? spent_usd(m, now) / (double)kept : NAN;
}

struct forecast forecast_usd(const struct model *m, int64_t now)
{
	struct forecast f = { NAN, NAN, NAN };
	double rate = hourly_usd(m), spent = spent_usd(m, now);
	if (m->state == SESSION_ENDED)
		return f;
	if (m->limit_usd > 0 && rate > 0)
		f.hours_to_limit = fmax(0, m->limit_usd - spent) / rate;
	if (m->hours > 0) {
		f.hours_to_end = fmax(0, m->hours - (double)(now - m->opened) / 3.6e9);
		f.usd_at_end = spent + rate * f.hours_to_end;
		if (m->limit_usd > 0 && f.usd_at_end > m->limit_usd)
			f.usd_at_end = fmax(spent, m->limit_usd);
	}
	return f;
}
