/* Answers computed from the model each time they are asked for: a session has tens of proposals and a pane draws a few
 * times a second, so nothing is cached and nothing can be stale. */
#include "core/data/query.h"

#include <math.h>
#include <string.h>

const char *session_state_name(const struct model *m, int engine_runs)
{
	if (m->state == SESSION_ENDED)
		return "ended";
	if (!engine_runs)
		return "stopped";
	return m->state == SESSION_PAUSED ? "paused" : "running";
}

int proposal_needs_human(const struct proposal *p)
{
	return p->state == STATE_WAITING || p->state == STATE_STOPPED || (p->state == STATE_SIGNING && !p->asked_to_sign);
}

size_t count_needs_human(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->proposal_count; i++)
		n += (size_t)proposal_needs_human(&m->proposals[i]);
	return m->state == SESSION_ENDED ? 0 : n;
}

int proposal_harms_elsewhere(const struct proposal *p)
{
	for (size_t i = 0; i < p->elsewhere_count; i++)
		if (p->elsewhere[i].answer == ELSEWHERE_HARMED)
			return 1;
	return 0;
}

int64_t proposal_waits_until(const struct model *m, const struct proposal *p)
{
	if (m->state != SESSION_OPEN || m->autonomy != AUTONOMY_AUTO || p->state == STATE_STOPPED || !proposal_needs_human(p))
		return 0;
	if (p->state == STATE_SIGNING && (p->landing_problem || proposal_harms_elsewhere(p)))	/* time would only fail again; a trade is a human's */
		return 0;
	return p->since + (int64_t)(m->window * 1e6);
}

size_t count_in_state(const struct model *m, enum proposal_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < m->proposal_count; i++)
		n += m->proposals[i].state == state;
	return n;
}

const struct revision *proposal_revision(const struct proposal *p, size_t rev)
{
	if (!rev)
		rev = p->rev;
	return rev && rev <= p->rev ? &p->revisions[rev - 1] : NULL;
}

const char *proposal_commit(const struct proposal *p)
{
	const struct revision *r = proposal_revision(p, 0);
	return r ? r->commit : NULL;
}

int proposal_is_judged(const struct proposal *p)
{
	return p->state == STATE_DONE || p->state == STATE_SIGNING || p->state >= STATE_LANDED;
}

static void add_sample(struct spread *s, double *squares, double v)
{
	if (!isfinite(v))
		return;
	double delta = v - (s->n ? s->mean : 0);
	s->low = s->n ? fmin(s->low, v) : v;
	s->high = s->n ? fmax(s->high, v) : v;
	s->n++;
	s->mean = s->n == 1 ? v : s->mean + delta / (double)s->n;
	*squares += s->n == 1 ? 0 : delta * (v - s->mean);
}

static struct spread finish(struct spread s, double squares)
{
	s.sd = s.n > 1 ? sqrt(squares / (double)(s.n - 1)) : s.n ? 0 : NAN;
	return s;
}

static const struct spread no_samples = { 0, NAN, NAN, NAN, NAN };

struct spread proposal_spread(const struct proposal *p)
{
	struct spread s = no_samples;
	double squares = 0;
	for (size_t i = 0; i < p->pair_count; i++)
		add_sample(&s, &squares, p->pairs[i].value);
	if (!p->pair_count)
		add_sample(&s, &squares, p->unpaired);
	return finish(s, squares);
}

struct spread proposal_base_spread(const struct proposal *p)
{
	struct spread s = no_samples;
	double squares = 0;
	for (size_t i = 0; i < p->pair_count; i++)
		add_sample(&s, &squares, p->pairs[i].base_value);
	return finish(s, squares);
}

static int is_measured(const struct run *r, const char *arm)
{
	return !r->voided && r->status && !strcmp(r->status, "ok") && !strcmp(r->step, "measure") && r->arm && !strcmp(r->arm, arm);
}

struct spread baseline_spread(const struct model *m)
{
	struct spread s = no_samples;
	double squares = 0;
	const struct wave *w = NULL;
	for (size_t i = 0; i < m->run_count; i++) {
		const struct run *r = &m->runs[i];
		if (!is_measured(r, "base"))
			continue;
		if (r->wave && (!w || w->number != r->wave))
			w = model_wave(m, r->wave);
		if (!r->wave || !w || !m->baseline || strcmp(w->baseline, m->baseline))
			continue;
		add_sample(&s, &squares, r->value);
	}
	return finish(s, squares);
}

double proposal_secondary(const struct model *m, const struct proposal *p, const char *name)
{
	struct metrics all = {0};
	for (size_t i = 0; p->wave && i < m->run_count; i++) {
		const struct run *r = &m->runs[i];
		if (r->wave == p->wave && r->metrics && is_measured(r, p->id))
			metrics_add(&all, name, metric_median(metrics_find(r->metrics, name)));
	}
	double v = metric_median(metrics_find(&all, name));
	metrics_release(&all);
	return v;
}

void secondary_names(const struct model *m, struct strings *out)
{
	for (size_t i = m->run_count; i-- > 0;) {
		const struct metrics *all = m->runs[i].metrics;
		for (size_t k = 0; all && k < all->count; k++)
			if ((!m->metric || strcmp(all->at[k].name, m->metric)) && !strings_have(out, all->at[k].name))
				strings_add(out, all->at[k].name);
		if (all)
			return;		/* every run of a harness prints the same names */
	}
}

int proposal_is_winner(const struct proposal *p)
{
	return p->verdict == VERDICT_KEEP && (p->state == STATE_SIGNING || p->state == STATE_LANDED);
}

const struct proposal *best_proposal(const struct model *m)
{
	const struct proposal *best = NULL;
	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		if (!proposal_is_winner(p) || !isfinite(p->change_percent))
			continue;
		int landed = p->state == STATE_LANDED, best_landed = best && best->state == STATE_LANDED;
		if (!best || landed > best_landed || (landed == best_landed && p->change_percent > best->change_percent))
			best = p;
	}
	return best;
}

double landed_percent(const struct model *m)
{
	double product = 1;
	for (size_t i = 0; i < m->proposal_count; i++)
		if (m->proposals[i].state == STATE_LANDED && isfinite(m->proposals[i].change_percent))
			product *= 1 + m->proposals[i].change_percent / 100;
	return (product - 1) * 100;
}

int proposal_cites(const struct model *m, const struct proposal *p, const struct source *s)
{
	const struct idea *idea = model_idea(m, p->idea);
	return strings_have(&p->sources, s->id) || (s->key && strings_have(&p->sources, s->key)) ||
	       (idea && strings_have(&idea->sources, s->id));
}

int source_is_read(const struct source *s)
{
	return !strcmp(s->status, "read") || !strcmp(s->status, "used");
}

static void count_source(struct yield *y, const struct source *s)
{
	y->sources++;
	y->read += source_is_read(s) != 0;
	y->usd += s->usd;
}

static void count_proposal(struct yield *y, const struct model *m, const struct proposal *p)
{
	y->proposals++;
	y->usd += p->usd + proposal_usd(m, p->id);
	if (!proposal_is_winner(p))
		return;
	y->kept++;
	y->gain_percent += isfinite(p->change_percent) ? p->change_percent : 0;
}

struct yield source_yield(const struct model *m, const struct source *s)
{
	struct yield y = {0};
	count_source(&y, s);
	for (size_t i = 0; i < m->proposal_count; i++)
		if (proposal_cites(m, &m->proposals[i], s))
			count_proposal(&y, m, &m->proposals[i]);
	return y;
}

static int cites_kind(const struct model *m, const struct proposal *p, const char *type)
{
	for (size_t i = 0; i < m->source_count; i++)
		if (!strcmp(m->sources[i].type, type) && proposal_cites(m, p, &m->sources[i]))
			return 1;
	return 0;
}

struct yield kind_yield(const struct model *m, const char *type)
{
	struct yield y = {0};
	for (size_t i = 0; i < m->source_count; i++)
		if (!strcmp(m->sources[i].type, type))
			count_source(&y, &m->sources[i]);
	for (size_t i = 0; i < m->proposal_count; i++)
		if (cites_kind(m, &m->proposals[i], type))
			count_proposal(&y, m, &m->proposals[i]);
	return y;
}

void source_types(const struct model *m, struct strings *out)
{
	for (size_t i = 0; i < m->source_count; i++)
		if (!strings_have(out, m->sources[i].type))
			strings_add(out, m->sources[i].type);
}

/* Waves run side by side, so what began before a horizon may be judged within it, and what begins now beyond it. A kept one
 * raises the level of those only that belong to the same horizon for certain: they began in it, and all that is under way
 * has room in it. Else the level is the lowest, which is good anywhere. */
size_t count_kept_in_horizon(const struct model *m, size_t horizon, size_t coming)
{
	size_t kept = 0, under_way = count_in_state(m, STATE_QUEUED) + count_in_state(m, STATE_RUNNING);
	size_t first = horizon ? m->judged_count - m->judged_count % horizon : 0;
	if (m->judged_count + under_way + coming > first + horizon)
		return 0;
	for (size_t i = first; i < m->judged_count; i++)
		kept += m->judged[i].is_kept && m->judged[i].begun >= first;
	return kept;
}

const struct run *find_run(const struct model *m, size_t from, const char *arm, const char *step, unsigned rev, unsigned layout)
{
	for (size_t i = m->run_count; i-- > from;) {
		const struct run *r = &m->runs[i];
		if (!r->arm || strcmp(r->arm, arm) || strcmp(r->step, step) || (rev && r->rev != rev) || (layout && r->layout != layout))
			continue;
		return r->status && !strcmp(r->status, "ok") ? r : NULL;
	}
	return NULL;
}

const struct wave *current_wave(const struct model *m)
{
	for (size_t i = m->wave_count; i-- > 0;)
		if (!m->waves[i].ended)
			return &m->waves[i];
	return NULL;
}

const struct wave *wave_on(const struct model *m, const char *worker)
{
	for (size_t i = m->wave_count; i-- > 0;) {
		const struct wave *w = &m->waves[i];
		if (!w->ended && w->stay_count && !strcmp(w->stays[w->stay_count - 1].worker, worker))
			return w;
	}
	return NULL;
}

size_t count_busy_workers(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->worker_count; i++)
		n += m->workers[i].state && !strcmp(m->workers[i].state, "busy");
	return n;
}

int worker_is_up(const struct worker *w)
{
	return w->state && strcmp(w->state, "down") && strcmp(w->state, "lost");
}

size_t count_workers_up(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->worker_count; i++)
		n += worker_is_up(&m->workers[i]);
	return n;
}

const struct run *worker_run(const struct model *m, const struct worker *w)
{
	return w->running && w->running <= m->run_count ? &m->runs[w->running - 1] : NULL;
}

double worker_usd(const struct worker *w, int64_t now)
{
	int accrues = worker_is_up(w) && w->usd_per_hour > 0 && now > w->accrued;
	return w->usd + (accrues ? w->usd_per_hour * (double)(now - w->accrued) / 3.6e9 : 0);
}

double vm_usd(const struct model *m, int64_t now)
{
	double usd = m->vm_usd;
	for (size_t i = 0; i < m->worker_count; i++)
		usd += worker_usd(&m->workers[i], now);
	return usd;
}

double spent_usd(const struct model *m, int64_t now)
{
	return vm_usd(m, now) + m->api_usd;
}

double hourly_usd(const struct model *m)
{
	double usd = 0;
	for (size_t i = 0; i < m->worker_count; i++)
		usd += worker_is_up(&m->workers[i]) && m->workers[i].usd_per_hour > 0 ? m->workers[i].usd_per_hour : 0;
	return usd;
}
