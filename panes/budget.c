/* What was spent, on what, what the limit leaves; what models cost by agent, by stage and for reading; what each proposal cost;
 * and what the time of workers went to: a row for each, with the share that was measured and the largest of what was lost.
 * VMs are counted by their bill as far as it came, from then on by the clock and their price. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/data/query.h"
#include "panes/page.h"
#include "panes/standing.h"
#include "tui/bar.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { LABEL = 16, GAUGE = 30, WIDE = 60, WIDER = 84, LOSSES = 2, PROPOSALS_MOST = 12 };

struct budget_state {
	struct page page;
};

static void amount(struct page *page, const char *label, double usd, const char *note)
{
	char money[NUMBER_TEXT];
	struct buf text = { 0 };

	number_money(usd, money);
	buf_printf(&text, "%10s%s%s", money, *note ? "   " : "", note);
	page_add(page, label, STYLE_MUTED, LABEL, buf_str(&text), STYLE_DEFAULT);
	buf_release(&text);
}

static void hours_text(double hours, char out[CLOCK_TEXT])
{
	clock_duration((int64_t)(hours * 3.6e9), out);
}

static void add_limit(struct page *page, const struct model *m, int64_t now)
{
	double left = m->limit_usd - spent_usd(m, now), rate = hourly_usd(m);
	struct forecast f = forecast_usd(m, now);
	char text[96] = "", hours[CLOCK_TEXT];

	if (!(m->limit_usd > 0)) {
		page_add(page, "limit", STYLE_MUTED, LABEL, "      none   this runner costs nothing", STYLE_DEFAULT);
		return;
	}
	amount(page, "limit", m->limit_usd, "");
	if (f.hours_to_limit > 0) {
		hours_text(f.hours_to_limit, hours);
		snprintf(text, sizeof text, "lasts %s at $%.2f/h", hours, rate);
	}
	amount(page, "left", left > 0 ? left : 0, text);
}

/* What it will have cost when session.hours are over, and what a winner cost on the average. */
static void add_forecast(struct page *page, const struct model *m, int64_t now)
{
	struct forecast f = forecast_usd(m, now);
	double win = usd_per_win(m, now);
	char text[96], hours[CLOCK_TEXT];
	size_t kept = 0;

	if (isfinite(f.hours_to_end)) {
		hours_text(f.hours_to_end, hours);
		snprintf(text, sizeof text, f.hours_to_limit < f.hours_to_end ? "in %s; the limit comes first" : "in %s, when the session's time is up", hours);
		amount(page, "at the end", f.usd_at_end, text);
	}
	for (size_t i = 0; i < m->proposal_count; i++)
		kept += (size_t)proposal_is_winner(&m->proposals[i]);
	snprintf(text, sizeof text, "%zu kept so far", kept);
	if (isfinite(win))
		amount(page, "per winner", win, text);
}

static void percent_text(double share, char out[16])
{
	if (isfinite(share))
		snprintf(out, 16, "%.0f %%", 100 * share);
	else
		snprintf(out, 16, "-");
}

static void losses_text(const double seconds[USE_COUNT], size_t most, struct buf *out)
{
	enum use losses[LOSSES];
	size_t n = use_losses(seconds, losses, most);

	for (size_t i = 0; i < n; i++) {
		double percent = 100 * seconds[losses[i]] / use_paid(seconds);
		if (percent >= 0.5)
			buf_printf(out, "%s%s %.0f %%", out->len ? ", " : "", use_words(losses[i]), percent);
	}
}

static void add_row(struct page *page, const char *lead, const double seconds[USE_COUNT], double rate, double usd, enum style s)
{
	char paid[CLOCK_TEXT], price[NUMBER_TEXT], money[NUMBER_TEXT], share[16];
	struct buf text = { 0 }, losses = { 0 };

	clock_duration((int64_t)(use_paid(seconds) * 1e6), paid);
	number_money(rate > 0 ? rate : 0, price);
	number_money(usd, money);
	percent_text(use_share(seconds), share);
	losses_text(seconds, page->columns >= WIDER ? LOSSES : 1, &losses);
	if (page->columns >= WIDE)
		buf_printf(&text, "%10s %7s %7s %9s   %s", money, price, paid, share, buf_str(&losses));
	else
		buf_printf(&text, "%10s %10s", money, share);
	page_add(page, lead, STYLE_MUTED, LABEL, buf_str(&text), s);
	buf_release(&text);
	buf_release(&losses);
}

static void add_workers(struct page *page, const struct model *m, int64_t now)
{
	double seconds[USE_COUNT];

	page_heading(page, "workers");
	if (!m->worker_count) {
		page_add(page, NULL, STYLE_DEFAULT, 0, "None has been up yet.", STYLE_MUTED);
		return;
	}
	page_add(page, NULL, STYLE_MUTED, LABEL, page->columns >= WIDE ? "         $      /h      up measuring   lost most to" : "         $  measuring", STYLE_MUTED);
	for (size_t i = 0; i < m->worker_count; i++) {
		const struct worker *w = &m->workers[i];
		char lead[64];
		snprintf(lead, sizeof lead, "%s %s", w->id, w->state ? w->state : "");
		worker_seconds(w, now, seconds);
		add_row(page, lead, seconds, worker_is_up(w) ? w->usd_per_hour : 0, worker_usd(w, now), worker_is_up(w) ? STYLE_DEFAULT : STYLE_MUTED);
	}
	session_seconds(m, now, seconds);
	if (m->worker_count > 1)
		add_row(page, "together", seconds, hourly_usd(m), vm_usd(m, now), STYLE_STRONG);
}

/* Models */

struct bill {
	double usd;
	unsigned turns;
	struct tokens tokens;
};

/* Of the turns of an agent (NULL: of all) in a stage (STAGE_COUNT: in all). */
static struct bill bill_of(const struct model *m, const char *agent, enum stage stage)
{
	struct bill bill = { 0 };

	for (size_t i = 0; i < m->dialogue.turn_count; i++) {
		const struct turn *t = &m->dialogue.turns[i];
		if ((agent && (!t->agent || strcmp(t->agent, agent))) || (stage != STAGE_COUNT && t->stage != stage))
			continue;
		bill.usd += t->usd;
		bill.turns++;
		bill.tokens.in += t->tokens.in + t->tokens.written;
		bill.tokens.read += t->tokens.read;
		bill.tokens.out += t->tokens.out;
	}
	return bill;
}

static void add_bill(struct page *page, const char *lead, struct bill bill, enum style s)
{
	char money[NUMBER_TEXT], in[NUMBER_TEXT], read[NUMBER_TEXT], out[NUMBER_TEXT];
	struct buf text = { 0 };

	if (!bill.turns)
		return;
	number_money(bill.usd, money);
	number_count((double)bill.tokens.in, in);
	number_count((double)bill.tokens.read, read);
	number_count((double)bill.tokens.out, out);
	buf_printf(&text, "%10s %7u", money, bill.turns);
	if (page->columns >= WIDE)
		buf_printf(&text, " %9s %9s %9s", in, read, out);
	page_add(page, lead, STYLE_MUTED, LABEL, buf_str(&text), s);
	buf_release(&text);
}

static void add_reading(struct page *page, const struct model *m)
{
	double usd = 0;
	unsigned sources = 0;
	char note[64];

	for (size_t i = 0; i < m->source_count; i++) {
		usd += m->sources[i].usd;
		sources += m->sources[i].usd > 0;
	}
	snprintf(note, sizeof note, "of %u source%s; in the turns above", sources, sources == 1 ? "" : "s");
	if (sources)
		amount(page, "reading", usd, note);
}

static void add_models(struct page *page, const struct model *m)
{
	struct strings agents = { 0 };
	double rest = m->api_usd - agent_usd(m, NULL);

	if (!m->dialogue.turn_count)
		return;
	page_heading(page, "models");
	page_add(page, NULL, STYLE_MUTED, LABEL, page->columns >= WIDE ? "         $   turns tokens in    cached       out"
	                                                               : "         $   turns", STYLE_MUTED);
	for (size_t i = 0; i < m->dialogue.turn_count; i++)
		if (m->dialogue.turns[i].agent && !strings_have(&agents, m->dialogue.turns[i].agent))
			strings_add(&agents, m->dialogue.turns[i].agent);
	for (size_t i = 0; i < agents.count; i++)
		add_bill(page, agents.at[i], bill_of(m, agents.at[i], STAGE_COUNT), STYLE_STRONG);
	for (int i = 0; i < STAGE_COUNT; i++)
		add_bill(page, stage_name((enum stage)i), bill_of(m, NULL, (enum stage)i), STYLE_DEFAULT);
	add_reading(page, m);
	if (rest >= 0.005)
		amount(page, "else", rest, "outside of turns");
	strings_release(&agents);
}

/* Proposals, the dearest first: its share of the turns it came of, and of the time of machines. */

struct cost {
	const struct proposal *proposal;
	double models, machines;
};

static int by_cost(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;
	double difference = x->models + x->machines - y->models - y->machines;

	return difference > 0 ? -1 : difference < 0;
}

static void add_cost(struct page *page, const struct cost *cost)
{
	char models[NUMBER_TEXT], machines[NUMBER_TEXT], lead[64];
	struct standing standing = standing_of(cost->proposal);
	struct buf text = { 0 };

	number_money(cost->models, models);
	number_money(cost->machines, machines);
	snprintf(lead, sizeof lead, "%s %s", standing.mark, cost->proposal->id);
	buf_printf(&text, "%10s %9s   ", models, cost->machines > 0 ? machines : "-");
	if (page->columns >= WIDE)
		standing_line(cost->proposal, &text);
	page_add(page, lead, standing.style, LABEL, buf_str(&text), STYLE_DEFAULT);
	buf_release(&text);
}

static void add_proposals(struct page *page, const struct model *m)
{
	struct cost *costs = xcalloc(m->proposal_count + 1, sizeof *costs);
	size_t count = 0;

	for (size_t i = 0; i < m->proposal_count; i++) {
		const struct proposal *p = &m->proposals[i];
		struct cost cost = { p, proposal_usd(m, p->id), p->usd };
		if (cost.models > 0)
			costs[count++] = cost;
	}
	if (count) {
		qsort(costs, count, sizeof *costs, by_cost);
		page_heading(page, count > PROPOSALS_MOST ? "proposals, the dearest" : "proposals");
		page_add(page, NULL, STYLE_MUTED, LABEL, "    models  machines", STYLE_MUTED);
	}
	for (size_t i = 0; i < count && i < PROPOSALS_MOST; i++)
		add_cost(page, &costs[i]);
	free(costs);
}

static int budget_sync(struct pane *p, const struct model *m, int rows, int columns, struct intent *want)
{
	struct budget_state *s = p->state;

	(void)want;
	page_begin(&s->page, columns);
	amount(&s->page, "machines", vm_usd(m, p->now), "");
	amount(&s->page, "models", m->api_usd, "what agents asked of language models");
	amount(&s->page, "together", spent_usd(m, p->now), "");
	page_blank(&s->page);
	add_limit(&s->page, m, p->now);
	add_forecast(&s->page, m, p->now);
	add_models(&s->page, m);
	add_proposals(&s->page, m);
	add_workers(&s->page, m, p->now);
	page_blank(&s->page);
	page_add(&s->page, NULL, STYLE_DEFAULT, 0, "Machines are counted by their bill, and by the clock and their price since it came. "
		"At the limit everything stops and they are taken down.", STYLE_MUTED);
	page_sync(&s->page, rows);
	return hourly_usd(m) > 0 && m->state != SESSION_ENDED;
}

static void budget_title(const struct pane *p, const struct model *m, struct buf *out)
{
	char money[NUMBER_TEXT];

	number_money(spent_usd(m, p->now), money);
	buf_puts(out, money);
	if (m->limit_usd > 0)
		buf_printf(out, " of $%g, %.0f %%", m->limit_usd, 100 * spent_usd(m, p->now) / m->limit_usd);
}

static void budget_draw(const struct pane *p, const struct model *m, struct canvas *c)
{
	const struct budget_state *s = p->state;
	double share = spent_usd(m, p->now) / m->limit_usd;

	page_draw(&s->page, c, p->focused);
	if (m->limit_usd > 0 && !s->page.view.top && c->columns >= LABEL + 14 + GAUGE)
		bar_progress(c, 2, LABEL + 13, GAUGE, share, share > 0.8 ? STYLE_WARN : STYLE_BAR, STYLE_BAR_EMPTY);
}

static enum pane_result budget_act(struct pane *p, const struct model *m, const struct act *act, struct intent *want)
{
	struct budget_state *s = p->state;

	(void)m;
	(void)want;
	return page_act(&s->page, act);
}

static int budget_search(struct pane *p, const struct model *m, const char *text, int direction)
{
	struct budget_state *s = p->state;

	(void)m;
	return page_search(&s->page, text, direction);
}

static void budget_close(struct pane *p)
{
	struct budget_state *s = p->state;

	page_release(&s->page);
}

const struct pane_ops budget_pane = {
	.name = "Budget",
	.context = CONTEXT_BUDGET,
	.state_size = sizeof(struct budget_state),
	.close = budget_close,
	.title = budget_title,
	.sync = budget_sync,
	.draw = budget_draw,
	.act = budget_act,
	.search = budget_search,
};
