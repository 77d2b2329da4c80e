/* skydeck status: one screen of text, or one document. */
#include "core/cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "core/data/view.h"

static void row(struct table *t, const char *name, const char *text)
{
	table_cell(t, "%s", name);
	table_cell(t, "%s", text);
}

static void row_taken(struct table *t, const char *name, struct buf *text)
{
	row(t, name, buf_str(text));
	buf_release(text);
}

static void session_rows(struct table *t, const struct model *m, int engine_runs)
{
	struct buf b = {0};
	const char *reason = m->state == SESSION_ENDED ? m->ended_reason
			   : m->state == SESSION_PAUSED ? m->pause_reason : NULL;
	buf_printf(&b, "%s: %s%s%s", m->session, session_state_name(m, engine_runs), reason ? ", " : "",
		   or_nothing(reason));
	row_taken(t, "session", &b);
	row(t, "target", or_nothing(m->target));
	row(t, "branch", or_nothing(m->branch));
	row(t, "autonomy", autonomy_name(m->autonomy));
	if (m->notice)
		row(t, "note", m->notice);
	if (m->agent) {
		buf_printf(&b, "%s%s%s%s%s", m->agent, m->agent_state ? " " : "", or_nothing(m->agent_state),
			   m->agent_text ? ": " : "", or_nothing(m->agent_text));
		row_taken(t, "agent", &b);
	}
}

static void baseline_rows(struct table *t, const struct model *m)
{
	struct spread s = baseline_spread(m);
	struct buf b = {0};
	buf_printf(&b, "%.10s", or_nothing(m->baseline));
	if (s.n)
		buf_printf(&b, ", %s %.4g ± %.2g%s%s over %zu runs, %s is better", or_nothing(m->metric), s.mean,
			   s.sd, m->unit ? " " : "", or_nothing(m->unit), s.n, m->lower_is_better ? "lower" : "higher");
	row_taken(t, "baseline", &b);
	const struct proposal *best = best_proposal(m);
	if (!best)
		return;
	change_line(best->change_percent, best->low, best->high, &b);
	buf_printf(&b, "  %s, %s: %s", best->id, proposal_state_name(best->state), or_nothing(best->title));
	row_taken(t, "best", &b);
}

static void work_rows(struct table *t, const struct model *m, int engine_runs)
{
	struct buf b = {0};
	for (int s = 0; s < PROPOSAL_STATE_COUNT; s++) {
		size_t n = count_in_state(m, (enum proposal_state)s);
		if (n)
			buf_printf(&b, "%s%zu %s", b.len ? ", " : "", n, proposal_state_name((enum proposal_state)s));
	}
	row(t, "proposals", b.len ? buf_str(&b) : "none yet");
	buf_release(&b);
	const struct wave *w = current_wave(m);
	if (w) {
		buf_printf(&b, "%u:", w->number);
		for (size_t i = 0; i < w->proposals.count; i++)
			buf_printf(&b, " %s", w->proposals.at[i]);
		row_taken(t, "wave", &b);
	}
	for (size_t i = 0; i < m->worker_count; i++) {
		const struct worker *worker = &m->workers[i];
		const struct run *run = engine_runs ? worker_run(m, worker) : NULL;
		buf_printf(&b, "%s %s", worker->id, worker_state_now(worker, engine_runs));
		if (run)
			buf_printf(&b, ", %s of %s", run->step, run->arm);
		if (run && worker->round)
			buf_printf(&b, ", round %u", worker->round);
		if (!isnan(worker->noise_percent))
			buf_printf(&b, ", noise %.1f %%", worker->noise_percent);
		row_taken(t, i ? "" : "workers", &b);
	}
}

static void money_row(struct table *t, const struct model *m)
{
	struct buf b = {0};
	double spent = spent_usd(m, clock_wall());
	if (spent <= 0)
		return;
	buf_printf(&b, "$%.2f of $%.2f", spent, m->limit_usd);
	row_taken(t, "spent", &b);
}

static void permission_row(struct table *t, const struct model *m, const char **name)
{
	const struct permission *asked = open_permission(m);
	struct buf b = {0};
	if (!asked)
		return;
	buf_printf(&b, "%s %s asks: %s", asked->id, or_nothing(asked->agent), asked->title);
	row_taken(t, *name, &b);
	*name = "";
}

static void human_rows(struct table *t, const struct model *m)
{
	const char *name = "for you";
	permission_row(t, m, &name);
	for (size_t i = 0; i < m->proposal_count && m->state != SESSION_ENDED; i++) {
		const struct proposal *p = &m->proposals[i];
		char until[CLOCK_TEXT];
		struct buf b = {0};
		if (!proposal_needs_human(p))
			continue;
		buf_printf(&b, "%s %s: %s", p->id, proposal_state_name(p->state), or_nothing(p->title));
		if (proposal_waits_until(m, p)) {
			clock_time_of_day(proposal_waits_until(m, p), until);
			buf_printf(&b, " (until %s)", until);
		}
		row_taken(t, name, &b);
		name = "";
	}
}

static void status_text(const struct model *m, int engine_runs, struct buf *out)
{
	struct table t = { .columns = 2 };
	session_rows(&t, m, engine_runs);
	baseline_rows(&t, m);
	work_rows(&t, m, engine_runs);
	money_row(&t, m);
	human_rows(&t, m);
	table_print(&t, out);
}

static int status_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, {0} };
	struct access a = {0};
	struct buf out = {0};
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	int rc = access_open(cli, &a, err);
	if (!rc && as_json)
		print_json(view_status(&a.model, a.engine_runs, clock_wall()));
	else if (!rc)
		status_text(&a.model, a.engine_runs, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

const struct cli_command status_command = {
	.name = "status",
	.args = "[--json]",
	.help = "where the session stands, and what waits for you",
	.options = CLI_JSON_OPTION,
	.run = status_run,
};
