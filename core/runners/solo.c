/* The task builds, checks and measures in one go and says in words how that went (EXPERIMENT_STATUS, EXPERIMENT_ERROR), for its
 * exit code is always 0; harness.c knows the words, record.c what they mean. How long it took is counted from the first line
 * that it prints to the last: before that it waited for its VM, and after it SkyPilot takes seconds to say that it ended. */
#include "core/runners/solo.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/data/config.h"
#include "core/runners/record.h"

struct solo {
	const struct runner_setup *setup;
	struct outbox *outbox;
	char *run, *tree, *experiment, *description;
	struct record record;
	struct loop_timer *timer;
	int64_t began, latest;		/* when it printed its first line, and its last so far; 0: none yet */
};

struct solo *solo_new(const struct runner_setup *setup, struct outbox *outbox, const struct step *step, struct err *err)
{
	struct solo *s = xcalloc(1, sizeof *s);
	s->setup = setup;
	s->outbox = outbox;
	s->run = xstrdup(step->run);
	s->tree = xstrdup(step->tree);
	s->experiment = xstrdup(step->experiment);
	s->description = xstrdup(step->description);
	s->record = (struct record){ .setup = setup, .kind = STEP_MEASURE, .tree = s->tree };
	if (record_open(&s->record, step->log, err)) {
		solo_free(s);
		return NULL;
	}
	return s;
}

const char *solo_run(const struct solo *s)
{
	return s->run;
}

const char *solo_tree(const struct solo *s)
{
	return s->tree;
}

static void add(struct strings *env, const char *name, const char *value)
{
	char *text = xasprintf("%s=%s", name, value ? value : "");
	strings_add(env, text);
	free(text);
}

static void add_seconds(struct strings *env, const char *name, long value)
{
	char *text = xasprintf("%ld", value);
	add(env, name, text);
	free(text);
}

void solo_environment(const struct solo *s, struct strings *env)
{
	const struct config *config = s->setup->config;
	add(env, "EXPERIMENT_ID", s->experiment);
	add(env, "EXPERIMENT_DESC", s->description);
	if (config->target_build)	/* else the task's own default holds */
		add(env, "BUILD_CMD", config->target_build);
	add_seconds(env, "BENCH_TIMEOUT", config_timeout(config, "measure"));
	add_seconds(env, "CHECK_TIMEOUT", config_timeout(config, "checks"));
	strings_add(env, NULL);
}

static void output_is_due(void *data)
{
	struct solo *s = data;
	s->timer = NULL;
	char *last = record_last_line(&s->record);
	outbox_step_output(s->outbox, s->run, record_lines(&s->record), record_bytes(&s->record), last);
	free(last);
}

void solo_feed(struct solo *s, const char *line, size_t n)
{
	if (!s->began) {
		s->began = clock_monotonic();
		outbox_started(s->outbox, s->run);
	}
	s->latest = clock_monotonic();
	record_add(&s->record, line, n);
	if (!s->timer)
		s->timer = loop_after(s->setup->loop, RECORD_OUTPUT_EVERY, output_is_due, s);
}

static void end(struct solo *s, const struct record_end *how, enum run_status status, const char *reason)
{
	struct step_result result = { .run = s->run };
	char *own = record_finish(&s->record, how, &result);
	if (reason) {
		result.status = status;
		result.reason = reason;
	}
	result.seconds = (double)(s->latest - s->began) / 1e6;
	if (s->timer) {
		loop_cancel(s->setup->loop, s->timer);
		output_is_due(s);
	}
	outbox_ended(s->outbox, &result);
	free(own);
}

void solo_end(struct solo *s, int is_success)
{
	int says_itself = s->record.harness.status != HARNESS_SILENT;
	struct record_end how = { .has_begun = 1, .code = !is_success && !says_itself };
	end(s, &how, RUN_OK, NULL);
}

void solo_abort(struct solo *s, enum run_status status, const char *reason)
{
	struct record_end how = { .is_cancelled = status == RUN_CANCELLED, .has_begun = s->began != 0 };
	end(s, &how, status, reason);
}

void solo_free(struct solo *s)
{
	if (!s)
		return;
	loop_cancel(s->setup->loop, s->timer);
	record_release(&s->record);
	free(s->run);
	free(s->tree);
	free(s->experiment);
	free(s->description);
	free(s);
}
