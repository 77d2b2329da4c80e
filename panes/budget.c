/* What was spent, on what, and what the limit leaves. VMs that run have cost since the last event about them: that is
 * counted up to the time shown, and said to be an estimate. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/data/query.h"
#include "panes/page.h"
#include "tui/bar.h"
#include "tui/number.h"
#include "tui/pane.h"

enum { LABEL = 16, GAUGE = 30 };

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

static void add_limit(struct page *page, const struct model *m, int64_t now)
{
	double left = m->limit_usd - spent_usd(m, now), rate = hourly_usd(m);
	char text[96] = "", hours[CLOCK_TEXT];

	if (!(m->limit_usd > 0)) {
		page_add(page, "limit", STYLE_MUTED, LABEL, "      none   this runner costs nothing", STYLE_DEFAULT);
		return;
	}
	amount(page, "limit", m->limit_usd, "");
	if (rate > 0 && left > 0) {
		clock_duration((int64_t)(left / rate * 3.6e9), hours);
		snprintf(text, sizeof text, "lasts %s at $%.2f/h", hours, rate);
	}
	amount(page, "left", left > 0 ? left : 0, text);
}

static void add_workers(struct page *page, const struct model *m, int64_t now)
{
	page_heading(page, "workers");
	for (size_t i = 0; i < m->worker_count; i++) {
		const struct worker *w = &m->workers[i];
		char lead[64], note[128], rate[NUMBER_TEXT];
		snprintf(lead, sizeof lead, "%s %s", w->id, w->state ? w->state : "");
		number_money(w->usd_per_hour > 0 ? w->usd_per_hour : 0, rate);
		snprintf(note, sizeof note, "%s/h  %.60s", rate, w->name ? w->name : "");
		amount(page, lead, worker_usd(w, now), note);
	}
	if (!m->worker_count)
		page_add(page, NULL, STYLE_DEFAULT, 0, "None has been up yet.", STYLE_MUTED);
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
	add_workers(&s->page, m, p->now);
	page_blank(&s->page);
	page_add(&s->page, NULL, STYLE_DEFAULT, 0, "Workers are counted by the clock, the sums above by what was booked. "
		"At the limit everything stops.", STYLE_MUTED);
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
