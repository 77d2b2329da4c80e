/* A step's child process: bytes come from child.c, driver.c takes the driver's own lines out of them, and the rest
 * goes to the log as it comes and, for a measured run, through the harness's grammar.
 *
 * Who says how it ended, in this order: the human (cancelled), the clock (timed out), the driver's last line (exit
 * code and seconds of the command alone, without the sandbox's start), and only where there is none the child itself:
 * then something killed the driver, or the sandbox never stood, which is nobody's verdict (RUN_LOST). */
#include "core/runners/execution.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/data/config.h"
#include "core/io/child.h"
#include "core/io/logs.h"
#include "core/runners/driver.h"
#include "core/runners/harness.h"
#include "core/runners/sandbox.h"

enum { OUTPUT_EVERY = 125000, SIGNALS = 64 };	/* microseconds between two calls of output */

struct execution {
	struct execution_plan plan;	/* once abandoned, what it points to may be gone */
	struct loop *loop;
	struct child *child;
	struct log_writer *log;
	struct harness harness;
	struct driver driver;
	char token[DRIVER_TOKEN];
	int has_begun;			/* the driver said so: the sandbox stands */
	struct driver_line end;		/* its word is DRIVER_END once that was said */
	uint64_t dropped;		/* bytes that did not fit in the log */
	struct err log_trouble;		/* its text is empty while there is none */
	struct loop_timer *output_timer;
	int is_cancelled, in_callback, is_abandoned;
};

static void execution_free(struct execution *e)
{
	loop_cancel(e->loop, e->output_timer);
	log_writer_close(e->log);
	harness_release(&e->harness);
	driver_release(&e->driver);
	free(e);
}

static long limit_of(const struct execution *e)
{
	return config_timeout(e->plan.setup->config, step_name(e->plan.step->kind));
}

static const char *command_of(const struct execution *e)
{
	const struct runner_setup *setup = e->plan.setup;
	const char *commands[STEP_KINDS] = { setup->config->target_build, setup->checks, setup->measure };
	return commands[e->plan.step->kind];
}

/* --- while it runs --------------------------------------------------------------------------------------------- */

/* Returns -1 when the callback abandoned the execution: it is gone. */
static int tell_output(struct execution *e)
{
	const char *raw = log_writer_last_line(e->log);
	char *safe = text_safe_string(raw, strlen(raw), TEXT_TABS | TEXT_STRIP_SGR);
	e->in_callback = 1;
	e->plan.output(e->plan.data, log_writer_lines(e->log), log_writer_bytes(e->log), safe);
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
	uint64_t written = log_writer_bytes(e->log);
	uint64_t room = written < EXECUTION_LOG_MAX ? EXECUTION_LOG_MAX - written : 0;
	size_t kept = n < room ? n : (size_t)room;
	if (e->plan.step->kind == STEP_MEASURE)
		harness_feed(&e->harness, bytes, n);
	if (kept)
		log_writer_add(e->log, bytes, kept, &e->log_trouble);
	e->dropped += n - kept;
	if (!e->output_timer)
		e->output_timer = loop_after(e->loop, OUTPUT_EVERY, output_is_due, e);
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

static const char *what_failed(enum step_kind kind)
{
	return kind == STEP_MEASURE ? "benchmark" : step_name(kind);
}

/* A measured run that exited 0: what its output says about it. Returns the reason, which the caller frees. */
static char *read_harness(const struct execution *e, enum run_status *status)
{
	static const enum run_status statuses[] = {
		[HARNESS_SILENT] = RUN_OK, [HARNESS_DONE] = RUN_OK, [HARNESS_CRASH] = RUN_FAILED,
		[HARNESS_BUILD_FAILED] = RUN_FAILED, [HARNESS_TIMEOUT] = RUN_TIMEOUT, [HARNESS_NO_METRIC] = RUN_NO_METRIC,
		[HARNESS_CHECKS_FAILED] = RUN_FAILED,
	};
	const struct harness *h = &e->harness;
	const char *wanted = e->plan.setup->metric;
	*status = statuses[h->status];
	if (*status != RUN_OK)
		return xstrdup(h->reason ? h->reason : "benchmark failed");
	if (wanted ? metrics_find(&h->metrics, wanted) != NULL : h->metrics.count > 0)
		return NULL;
	*status = RUN_NO_METRIC;
	if (h->refused && !h->metrics.count)
		return xasprintf("no METRIC lines found in benchmark output (%s)", h->refused_why);
	if (h->metrics.count)
		return xasprintf("no METRIC %s found in benchmark output (it printed %s%s%s)", wanted,
				 h->metrics.at[0].name, h->refused ? "; " : "", h->refused ? h->refused_why : "");
	return xstrdup("no METRIC lines found in benchmark output");
}

static int is_missing(const struct execution *e, const char *command)
{
	char *file = xasprintf("%s/%s", e->plan.step->tree, command);
	int missing = !strchr(command, ' ') && access(file, F_OK);
	free(file);
	return missing;
}

static int is_signal(int code)
{
	return code > 128 && code <= 128 + SIGNALS;
}

static char *explain_exit(const struct execution *e, int code)
{
	const char *command = command_of(e), *what = what_failed(e->plan.step->kind);
	if (code == 127 && command && is_missing(e, command))
		return xasprintf("%s not found", command);
	if (is_signal(code))
		return xasprintf("%s failed (exit %d, killed by signal %d)", what, code, code - 128);
	return xasprintf("%s failed (exit %d)", what, code);
}

static char *explain_loss(const struct execution *e, int code)
{
	const char *raw = log_writer_last_line(e->log);
	char *last = text_safe_string(raw, strlen(raw), TEXT_LINE);
	char *why = xasprintf("%s did not start (exit %d): %s", step_name(e->plan.step->kind), code, last);
	free(last);
	return why;
}

/* Fills in status, exit code and artifact. Returns the reason, which the caller frees. */
static char *judge_end(const struct execution *e, const struct child_result *child, int code,
		       struct step_result *result)
{
	result->exit_code = is_signal(code) ? code - 128 : code;
	if (e->is_cancelled) {
		result->status = RUN_CANCELLED;
		return xstrdup("cancelled");
	}
	if (child->timed_out) {
		result->status = RUN_TIMEOUT;
		return xasprintf("%s %s after %lds", what_failed(e->plan.step->kind),
				 e->plan.step->kind == STEP_CHECKS ? "timeout" : "timed out", limit_of(e));
	}
	if (!e->has_begun) {
		result->status = RUN_LOST;
		return explain_loss(e, code);
	}
	if (code) {
		result->status = is_signal(code) ? RUN_KILLED : RUN_FAILED;
		return explain_exit(e, code);
	}
	result->status = RUN_OK;
	if (e->plan.step->kind == STEP_MEASURE)
		return read_harness(e, &result->status);
	if (e->plan.step->kind == STEP_BUILD && *e->end.artifact)
		result->artifact = e->end.artifact;
	return NULL;
}

static void close_log(struct execution *e, struct step_result *result)
{
	char line[128];
	if (e->dropped) {
		int n = snprintf(line, sizeof line, "\nskydeck: the log of a run ends at %u MiB; %" PRIu64
				 " more bytes were dropped\n", EXECUTION_LOG_MAX >> 20, e->dropped);
		log_writer_add(e->log, line, (size_t)n, &e->log_trouble);
	}
	result->log_bytes = log_writer_bytes(e->log);
	result->log_lines = log_writer_lines(e->log);
}

static void child_ended(void *data, const struct child_result *child)
{
	struct execution *e = data;
	struct step_result result = { .run = e->plan.step->run };
	e->child = NULL;
	driver_end(&e->driver);
	harness_end(&e->harness);
	int said = e->end.word == DRIVER_END;
	int code = said ? e->end.exit_code : child->exited ? child->status : 128 + child->status;
	int is_timed = said && e->end.seconds >= 0 && e->end.seconds < child->seconds;
	result.seconds = is_timed ? e->end.seconds : child->seconds;
	char *reason = judge_end(e, child, code, &result);
	result.reason = reason;
	result.metrics = e->plan.step->kind == STEP_MEASURE ? &e->harness.metrics : NULL;
	close_log(e, &result);
	if (!e->output_timer || tell_output(e) == 0) {
		e->in_callback = 1;
		e->plan.ended(e->plan.data, &result, *e->log_trouble.text ? e->log_trouble.text : NULL);
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
	strings_add(argv, command_of(e) ? command_of(e) : "");
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
		.timeout = (int64_t)limit_of(e) * 1000000, .cpus = plan->cpus->at, .cpu_count = plan->cpus->count,
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
	if (!(e->log = log_writer_open(plan->step->log, err)) || start_child(e, err)) {
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
