/* skydeck workers: where runs happen. The table has the columns that somebody has something for: this machine's slots cost
 * nothing and no provider has a word about them. */
#include "core/cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/data/query.h"
#include "core/data/view.h"

static void number_cell(struct table *t, const char *format, double v)
{
	char text[64] = "";
	if (isfinite(v))
		snprintf(text, sizeof text, format, v);
	table_cell(t, "%s", text);
}

/* Slots of this machine are down with the engine, and nobody noted since when. */
static void age_cell(struct table *t, const struct worker *w, const char *state, int64_t now)
{
	char text[CLOCK_TEXT] = "";
	if (w->since && !strcmp(state, w->state))
		clock_duration(now > w->since ? now - w->since : 0, text);
	table_cell(t, "%s", text);
}

static void provider_cell(struct table *t, const struct worker *w)
{
	char old[CLOCK_TEXT] = "";
	int is_old = w && w->status && isfinite(w->age) && w->age >= 1;
	if (is_old)
		clock_duration((int64_t)(w->age * 1e6), old);
	table_cell(t, "%s%s%s%s", w ? or_nothing(w->status) : "", is_old ? " (" : "", old, is_old ? " old)" : "");
}

/* "preempted; skydeck worker retry|down w2" */
static void reason_cell(struct table *t, const struct worker *w)
{
	struct buf actions = {0};
	for (const char *p = or_nothing(w->remedy); *p; p++)
		buf_putc(&actions, *p == ' ' ? '|' : *p);
	table_cell(t, "%s%s%s%s%s%s", or_nothing(w->reason), actions.len && w->reason ? "; " : "",
		actions.len ? "skydeck worker " : "", buf_str(&actions), actions.len ? " " : "", actions.len ? w->id : "");
	buf_release(&actions);
}

static void worker_row(struct table *t, const struct model *m, const struct worker *w, int engine_runs, int64_t now)
{
	const char *state = worker_state_now(w, engine_runs);
	const struct run *run = engine_runs ? worker_run(m, w) : NULL;
	double usd = worker_usd(w, now);
	int is_free = !(usd > 0) && !(w->usd_per_hour > 0), is_down = !strcmp(state, "down");
	table_cell(t, "%s", w->id);
	table_cell(t, "%s%s%s", or_nothing(w->runner), w->runner && w->arch ? " " : "", or_nothing(w->arch));
	table_cell(t, "%s", or_nothing(w->name));
	table_cell(t, "%s", or_nothing(w->place));
	table_cell(t, "%s", state);
	age_cell(t, w, state, now);
	table_cell(t, "%s%s%s", run ? run->step : "", run ? " of " : "", run ? run->arm : "");
	number_cell(t, "%.0f", run && w->round ? w->round : NAN);
	number_cell(t, "%.2f %%", w->noise_percent);
	number_cell(t, "%.2f", is_free || is_down ? NAN : w->usd_per_hour);
	number_cell(t, "%.2f", is_free ? NAN : usd);
	provider_cell(t, is_down ? NULL : w);	/* what it said last is about a VM that was */
	reason_cell(t, w);
}

static void workers_table(const struct model *m, int engine_runs, struct buf *out)
{
	static const char *const head[] = { "ID", "KIND", "NAME", "PLACE", "STATE", "AGE", "NOW", "ROUND", "NOISE", "USD/H", "USD", "STATUS", "WHY" };
	struct table t = { .columns = sizeof head / sizeof *head, .right = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 };
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (size_t i = 0; i < m->worker_count; i++)
		worker_row(&t, m, &m->workers[i], engine_runs, clock_wall());
	table_drop_empty(&t);
	table_print(&t, out);
}

static int workers_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, {0} };
	struct access a = {0};
	struct buf out = {0};
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	int rc = access_open(cli, &a, err);
	if (!rc && as_json)
		print_json(view_workers(&a.model, a.engine_runs, clock_wall()));
	else if (!rc && !a.model.worker_count)
		buf_puts(&out, "no worker has come up yet\n");
	else if (!rc)
		workers_table(&a.model, a.engine_runs, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

const struct cli_command workers_command = {
	.name = "workers", .args = "[--json]", .help = "where runs happen, how noisy it is there and what it costs",
	.options = CLI_JSON_OPTION,
	.run = workers_run,
};
