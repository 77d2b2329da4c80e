/* Where the time goes, before anything is proposed: the baseline is run once with a profiler looking on, as soon as it is
 * built, and the roofline says on which side it stands. Where no profiler can look (VMs), the
 * harness's own METRICs are all that is known. */
#include "core/engine/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/query.h"
#include "core/io/logs.h"

enum { WAIT_SECONDS = 900, MICRO = 1000000, LINES_MAX = 200, TEXT_MAX = 4000 };
#define MEMORY_SHARE 0.5	/* of the bandwidth that is used from which on memory is the limit */
#define COMPUTE_SHARE 0.2	/* below which it is not */

struct profile {
	int is_under_way;
	int64_t since;			/* wall: waited for from then on */
};

struct finding_text {
	char what[16];
	struct buf parts;
	double moved, bandwidth;
};

static void read_line(struct finding_text *f, const char *line)
{
	double v;
	if (!strncmp(line, "PROFILE part ", 13) && f->parts.len < TEXT_MAX)
		buf_printf(&f->parts, "%s\n", line + 13);
	else if (sscanf(line, "PROFILE moved=%lf", &v) == 1)
		f->moved = v;
	else if (sscanf(line, "PROFILE bandwidth=%lf", &v) == 1)
		f->bandwidth = v;
	else if (!strncmp(line, "PROFILE what=", 13))
		snprintf(f->what, sizeof f->what, "%s", strcmp(line + 13, "gprof") ? "perf" : "gprof");
}

/* The driver prints what it saw last. */
static void read_log(struct engine *e, const char *run, struct finding_text *f)
{
	struct err err = {0};
	char *path = engine_log_path(e, run);
	struct log_reader *r = log_reader_open(path, &err);
	uint64_t total = r ? log_reader_refresh(r) : 0;
	for (uint64_t i = total > LINES_MAX ? total - LINES_MAX : 0; i < total; i++) {
		struct buf raw = {0};
		if (!log_reader_line(r, i, &raw)) {
			char *line = text_safe_string(buf_str(&raw), raw.len, TEXT_LINE);
			read_line(f, line);
			free(line);
		}
		buf_release(&raw);
	}
	log_reader_close(r);
	free(path);
}

/* The newest good run of the baseline. */
static const struct run *measured(const struct engine *e)
{
	return find_run(&e->model, e->model.baseline_run, "base", "measure", 0, 0);
}

/* What the harness itself says: its METRICs, and the bytes it moved, if it counts them. */
static void ask_harness(const struct run *run, struct finding_text *f)
{
	int has_parts = f->parts.len > 0;
	for (size_t i = 0; !has_parts && run && run->metrics && i < run->metrics->count && f->parts.len < TEXT_MAX; i++)
		buf_printf(&f->parts, "%s %.6g\n", run->metrics->at[i].name, metric_median(&run->metrics->at[i]));
	double bytes = run && run->metrics ? metric_median(metrics_find(run->metrics, "bytes_moved")) : NAN;
	if (isnan(f->moved) && run && run->seconds > 0)
		f->moved = bytes / run->seconds;
}

static void state_profile(struct engine *e, const char *run, const char *trouble)
{
	struct finding_text f = { .what = "harness", .moved = NAN, .bandwidth = NAN };
	if (run)
		read_log(e, run, &f);
	ask_harness(measured(e), &f);
	double share = f.moved / f.bandwidth;
	const char *side = share >= MEMORY_SHARE ? "memory" : share < COMPUTE_SHARE ? "compute" : NULL;
	const char *reason = trouble ? trouble
			   : isnan(f.moved) ? "this machine counts no bytes moved; a harness that knows them can print METRIC bytes_moved=N"
			   : isnan(f.bandwidth) ? "the machine's bandwidth could not be measured" : NULL;
	engine_emit(e, &(struct event){ .kind = EVENT_PROFILED, .commit = e->model.baseline, .what = f.what, .side = side,
		.text = f.parts.len ? buf_str(&f.parts) : NULL, .moved = f.moved, .bandwidth = f.bandwidth, .reason = reason, .run = run });
	buf_release(&f.parts);
}

static void ended(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result)
{
	struct profile *p = owner;
	(void)plan;
	p->is_under_way = 0;
	if (result->status == RUN_CANCELLED)
		return;
	if (result->status == RUN_OK && run) {
		state_profile(e, result->run, NULL);
		return;
	}
	char *trouble = xasprintf("the profile could not be taken: %s", result->reason ? result->reason : run_status_name(result->status));
	state_profile(e, NULL, trouble);
	free(trouble);
}

/* One on which the baseline stands built. It need not be admitted yet: the runner lets nothing else execute beside a profile. */
static const struct worker *worker_for(const struct engine *e)
{
	for (size_t i = 0; i < e->model.worker_count; i++) {
		const struct worker *w = &e->model.workers[i];
		const struct base_site *site = base_site(e, w->id);
		if ((!strcmp(w->state, "ready") || !strcmp(w->state, "admitting")) && site && !strcmp(site->commit, e->model.baseline) &&
		    base_is_ready(e, w->id, site->layout))
			return w;
	}
	return NULL;
}

static int is_wanted(const struct engine *e)
{
	const struct bottleneck *b = &e->model.dialogue.bottleneck;
	return e->turns && e->runner && e->model.baseline && (!b->commit || strcmp(b->commit, e->model.baseline));
}

void profile_advance(struct engine *e)
{
	if (!is_wanted(e) || !engine_may_run(e) || current_wave(&e->model) || e->landing)
		return;
	if (!e->profile) {
		e->profile = xcalloc(1, sizeof *e->profile);
		e->profile->since = clock_wall();
	}
	if (pool_keeps_trees(e)) {
		if (measured(e))
			state_profile(e, NULL, "profiles are taken where the trees are, by the local runner; this is what the harness prints");
		return;
	}
	const struct worker *w = e->profile->is_under_way ? NULL : worker_for(e);
	if (!w)
		return;
	e->profile->is_under_way = 1;
	steps_submit(e, &(struct step_plan){ .arm = "base", .worker = w->id, .tree = "base", .label = "a", .kind = STEP_PROFILE,
		.layout = base_site(e, w->id)->layout }, ended, e->profile);
}

int profile_is_settled(const struct engine *e)
{
	return e->model.dialogue.bottleneck.what || pool_keeps_trees(e) || !e->profile ||
	       clock_wall() > e->profile->since + (int64_t)WAIT_SECONDS * MICRO;
}

void profile_abort(struct engine *e)
{
	if (e->profile)
		steps_drop(e, e->profile);
	free(e->profile);
	e->profile = NULL;
}
