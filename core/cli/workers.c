/* skydeck workers, skydeck worker: where runs happen. */
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

static void worker_row(struct table *t, const struct model *m, const struct worker *w, int engine_runs)
{
	const struct run *run = engine_runs ? worker_run(m, w) : NULL;
	table_cell(t, "%s", w->id);
	table_cell(t, "%s", or_nothing(w->runner));
	table_cell(t, "%s", or_nothing(w->name));
	table_cell(t, "%s", worker_state_now(w, engine_runs));
	table_cell(t, "%s%s%s", run ? run->step : "", run ? " of " : "", run ? run->arm : "");
	number_cell(t, "%.0f", w->round ? w->round : NAN);
	number_cell(t, "%.2f %%", w->noise_percent);
	number_cell(t, "%.2f", w->usd_per_hour);
	table_cell(t, "%s", or_nothing(w->reason));
}

static void workers_table(const struct model *m, int engine_runs, struct buf *out)
{
	static const char *const head[] = { "ID", "RUNNER", "NAME", "STATE", "NOW", "ROUND", "NOISE", "USD/H", "" };
	struct table t = { .columns = 9, .right = 1 << 5 | 1 << 6 | 1 << 7 };
	for (size_t i = 0; i < t.columns; i++)
		table_cell(&t, "%s", head[i]);
	for (size_t i = 0; i < m->worker_count; i++)
		worker_row(&t, m, &m->workers[i], engine_runs);
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
	else if (!rc)
		workers_table(&a.model, a.engine_runs, &out);
	print_text(&out);
	access_release(&a);
	return rc;
}

static int worker_command_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	if (cli_options(argc, argv, NULL, 2, 2, err) < 0)
		return -1;
	if (strcmp(argv[1], "quarantine") && strcmp(argv[1], "release") && strcmp(argv[1], "down"))
		return err_code(err, EXIT_USAGE, "worker: the action is quarantine, release or down, not %s", argv[1]);
	struct json *args = json_object();
	json_put_string(args, "action", argv[1]);
	json_put_string(args, "worker", argv[2]);
	struct json *result = access_command(cli, "worker", args, err);
	return result ? print_answer(result, 0, "%s: %s", argv[2], argv[1]) : -1;
}

const struct cli_command workers_command = {
	.name = "workers", .args = "[--json]", .help = "where runs happen, and how noisy it is there",
	.run = workers_run,
};
const struct cli_command worker_command = {
	.name = "worker", .args = "quarantine|release|down ID",
	.help = "take a worker out, let it in again, or end it", .run = worker_command_run,
};
