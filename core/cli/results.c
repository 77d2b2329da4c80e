/* skydeck results: what was measured, and what it means. */
#include "core/cli/results.h"

#include <math.h>
#include <stdio.h>

#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/line.h"
#include "core/data/query.h"
#include "core/data/view.h"

static void spread_cells(struct table *t, const struct spread *s, size_t pairs)
{
	if (!s->n) {
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		return;
	}
	if (pairs)
		table_cell(t, "%zu", s->n);
	else
		table_cell(t, "%s", "single");
	if (s->n > 1)
		table_cell(t, "%.4g ± %.2g", s->mean, s->sd);
	else
		table_cell(t, "%.4g", s->mean);
}

static void evidence_cell(struct table *t, const struct proposal *p)
{
	if (isfinite(p->evidence) && isfinite(p->needed))
		table_cell(t, "%.3g of %.3g", p->evidence, p->needed);
	else
		table_cell(t, "%s", "");
}

static void result_row(struct table *t, const struct proposal *p)
{
	struct spread s = proposal_spread(p);
	struct buf change = {0};
	change_line(p->change_percent, p->low, p->high, &change);
	table_cell(t, "%s", p->id);
	table_cell(t, "%s", p->verdict == VERDICT_NONE ? "" : verdict_name(p->verdict));
	spread_cells(t, &s, p->pair_count);
	table_cell(t, "%s", buf_str(&change));
	evidence_cell(t, p);
	table_cell(t, "%s", proposal_state_name(p->state));
	table_cell(t, "%s", or_nothing(p->title));
	buf_release(&change);
}

static void baseline_row(struct table *t, const struct model *m)
{
	struct spread s = baseline_spread(m);
	table_cell(t, "base");
	table_cell(t, "%s", "");
	spread_cells(t, &s, s.n);
	for (int i = 0; i < 3; i++)
		table_cell(t, "%s", "");
	table_cell(t, "%.10s, the branch's head", or_nothing(m->baseline));
}

static void total_line(const struct model *m, struct buf *out)
{
	size_t landed = count_in_state(m, STATE_LANDED);
	buf_printf(out, "\n%zu of %zu proposals landed on %s", landed, m->proposal_count, or_nothing(m->branch));
	if (landed)
		buf_printf(out, ": together %+.1f %%", landed_percent(m));
	buf_puts(out, "\n");
}

void results_table(const struct model *m, struct buf *out)
{
	struct table t = { .columns = 8, .right = 1 << 2 | 1 << 3 };
	const char *const head[] = { "ID", "VERDICT", "PAIRS", NULL, "CHANGE", "EVIDENCE", "STATE", "TITLE" };
	for (size_t i = 0; i < t.columns; i++) {
		if (head[i])
			table_cell(&t, "%s", head[i]);
		else
			table_cell(&t, "%s%s%s", m->metric ? m->metric : "METRIC", m->unit ? " " : "",
				   or_nothing(m->unit));
	}
	baseline_row(&t, m);
	for (size_t i = 0; i < m->proposal_count; i++)
		result_row(&t, &m->proposals[i]);
	table_print(&t, out);
	total_line(m, out);
}

static int results_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0, as_tsv = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, { "tsv", 0, OPTION_FLAG, &as_tsv },
		{0} };
	struct access a = {0};
	struct buf out = {0};
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	if (as_json && as_tsv)
		return err_code(err, EXIT_USAGE, "results: --json or --tsv, not both");
	int rc = access_open(cli, &a, err);
	if (!rc && as_json)
		print_json(view_results(&a.model));
	else if (!rc && as_tsv)
		view_results_tsv(&a.model, &out);
	else if (!rc)
		results_table(&a.model, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

const struct cli_command results_command = {
	.name = "results",
	.args = "[--json|--tsv]",
	.help = "the metric table with evidence and verdicts",
	.options = CLI_JSON_OPTION
		   "--tsv\tvalues between tabs, with a header\n",
	.run = results_run,
};
