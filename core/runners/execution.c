/* A step's child process: bytes come from child.c, driver.c takes the driver's own lines out of them, and record.c keeps the
 * rest and decides how the step ended. The driver's last line counts for more than the child's end: it has the exit code and
 * the seconds of the command alone, without the sandbox's start. */
#include "core/runners/execution.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/data/config.h"
#include "core/io/child.h"
#include "core/runners/driver.h"
#include "core/runners/record.h"
#include "core/runners/sandbox.h"

struct execution {
	struct execution_plan plan;	/* once abandoned, what it points to may be gone */
	struct loop *loop;
	struct child *child;
	struct record record;
	struct driver driver;
	char token[DRIVER_TOKEN];
	int has_begun;			/* the driver said so: the sandbox stands */
	struct driver_line end;		/* its word is DRIVER_END once that was said */
	struct loop_timer *output_timer;
	int is_cancelled, in_callback, is_abandoned;
};

static void execution_free(struct execution *e)
{
	loop_cancel(e->loop, e->output_timer);
	record_release(&e->record);
	driver_release(&e->driver);
	free(e);
}

/* --- while it runs --------------------------------------------------------------------------------------------- */

/* Returns -1 when the callback abandoned the execution: it is gone. */
static int tell_output(struct execution *e)
{
	char *safe = record_last_line(&e->record);
	e->in_callback = 1;
	e->plan.output(e->plan.data, record_lines(&e->record), record_bytes(&e->record), safe);
	e->in_callback = 0;
	free(safe);
	if (!e->is_abandoned)
		return 0;
	execution_free(e);
	return -1;
}

static void output_is_due(void *data)
{
	struct execution *e = data;
	e->output_timer = NULL;
	tell_output(e);
}

static void take_output(void *data, const char *bytes, size_t n)
{
	struct execution *e = data;
	record_add(&e->record, bytes, n);
	if (!e->output_timer)
		e->output_timer = loop_after(e->loop, RECORD_OUTPUT_EVERY, output_is_due, e);
}

static void driver_said(void *data, const struct driver_line *line)
{
	struct execution *e = data;
	e->has_begun = 1;
	if (line->word == DRIVER_END)
		e->end = *line;
}

static void child_output(void *data, const char *bytes, size_t n)
{
	struct execution *e = data;
	driver_feed(&e->driver, bytes, n);
}

/* --- how it ended ---------------------------------------------------------------------------------------------- */

static void child_ended(void *data, const struct child_result *child)
{
	struct execution *e = data;
	struct step_result result = { .run = e->plan.step->run };
	e->child = NULL;
	driver_end(&e->driver);
	int said = e->end.word == DRIVER_END;
	int is_timed = said && e->end.seconds >= 0 && e->end.seconds < child->seconds;
	const struct record_end end = {
		.is_cancelled = e->is_cancelled, .is_timed_out = child->timed_out, .has_begun = e->has_begun,
		.code = said ? e->end.exit_code : child->exited ? child->status : 128 + child->status, .artifact = e->end.artifact,
	};
	result.seconds = is_timed ? e->end.seconds : child->seconds;
	char *reason = record_finish(&e->record, &end, &result);
	if (!e->output_timer || tell_output(e) == 0) {
		e->in_callback = 1;
		e->plan.ended(e->plan.data, &result, *e->record.trouble.text ? e->record.trouble.text : NULL);
		execution_free(e);
	}
	free(reason);
}

/* --- its start ------------------------------------------------------------------------------------------------- */

static void add_text(struct strings *env, const char *name, const char *value)
{
	char *variable = xasprintf("%s=%s", name, value ? value : "");
	strings_add(env, variable);
	free(variable);
}

static void add_number(struct strings *env, const char *name, long value)
{
	char *variable = xasprintf("%s=%ld", name, value);
	strings_add(env, variable);
	free(variable);
}

/* The same for every arm but for SKYDECK_ARM, which is of one length; nothing tells which run it is. */
static void make_environment(const struct execution *e, struct strings *env)
{
	const struct config *config = e->plan.setup->config;
	const struct step *step = e->plan.step;
	sandbox_environment(env, config->local_sandbox);
	add_text(env, "EXPERIMENT_ID", step->experiment);
	add_text(env, "EXPERIMENT_DESC", step->description);
	add_text(env, "BUILD_CMD", config->target_build);
	add_number(env, "BENCH_TIMEOUT", config_timeout(config, "measure"));
	add_number(env, "CHECK_TIMEOUT", config_timeout(config, "checks"));
	add_text(env, "SKYDECK_ARM", step->label);
	add_number(env, "SKYDECK_ROUND", step->round);
	add_number(env, "SKYDECK_LAYOUT", step->layout);
	strings_add(env, NULL);
}

static void make_command(const struct execution *e, struct strings *argv)
{
	int is_inside = e->plan.setup->config->local_sandbox;
	if (is_inside)
		sandbox_command(argv, e->plan.step->tree, e->plan.driver);
	strings_add(argv, "sh");
	strings_add(argv, is_inside ? SANDBOX_DRIVER : e->plan.driver);
	strings_add(argv, step_name(e->plan.step->kind));
	const char *command = record_command(e->plan.setup, e->plan.step->kind);
	strings_add(argv, command ? command : "");
	strings_add(argv, NULL);
}

static void make_words(const struct execution *e, struct buf *words)
{
	const struct strings *artifacts = &e->plan.setup->config->target_artifact;
	driver_put(words, "token", e->token);
	driver_put(words, "run", e->plan.step->run);
	buf_printf(words, "padding %u\n", e->plan.step->padding);
	for (size_t i = 0; i < artifacts->count; i++)
		driver_put(words, "artifact", artifacts->at[i]);
}

static int start_child(struct execution *e, struct err *err)
{
	const struct execution_plan *plan = &e->plan;
	struct strings argv = {0}, env = {0};
	struct buf words = {0};
	make_command(e, &argv);
	make_environment(e, &env);
	make_words(e, &words);
	struct child_options options = {
		.argv = (const char *const *)argv.at, .env = (const char *const *)env.at, .directory = plan->step->tree,
		.timeout = (int64_t)record_limit(plan->setup, plan->step->kind) * 1000000, .cpus = plan->cpus->at, .cpu_count = plan->cpus->count,
		.input = buf_str(&words), .input_size = words.len,
		.output = child_output, .ended = child_ended, .data = e,
	};
	e->child = child_start(e->loop, &options, err);
	strings_release(&argv);
	strings_release(&env);
	buf_release(&words);
	return e->child ? 0 : -1;
}

struct execution *execution_start(const struct execution_plan *plan, struct err *err)
{
	struct execution *e = xcalloc(1, sizeof *e);
	e->plan = *plan;
	e->loop = plan->setup->loop;
	driver_new_token(e->token);
	e->driver = (struct driver){ .token = e->token, .output = take_output, .said = driver_said, .data = e };
	e->record = (struct record){ .setup = plan->setup, .kind = plan->step->kind, .tree = plan->step->tree };
	if (record_open(&e->record, plan->step->log, err) || start_child(e, err)) {
		execution_free(e);
		return NULL;
	}
	return e;
}

void execution_cancel(struct execution *e)
{
	e->is_cancelled = 1;
	if (e->child)
		child_kill(e->child);
}

void execution_abandon(struct execution *e)
{
	if (!e)
		return;
	if (e->child)
		child_abandon(e->child);
	e->child = NULL;
	e->is_abandoned = 1;
	if (!e->in_callback)	/* else its caller frees it */
		execution_free(e);
}
