/* A step's output goes to its log as it comes, up to a limit, and, for a measured run, through the harness's grammar.
 *
 * Who says how it ended, in this order: the human (cancelled), the clock (timed out), the driver's last line (the exit code
 * of the command alone), and only where there is none whatever ran the driver: then something killed it, or it never stood,
 * which is nobody's verdict (RUN_LOST). Statuses and sentences are made here and nowhere else, so that a build that fails
 * reads the same on this machine and on a VM. */
#include "core/runners/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/data/config.h"

enum { SIGNALS = 64, COMMAND_NOT_FOUND = 127 };

long record_limit(const struct runner_setup *setup, enum step_kind kind)
{
	return config_timeout(setup->config, step_name(kind));
}

const char *record_command(const struct runner_setup *setup, enum step_kind kind)
{
	const char *commands[STEP_KINDS] = { setup->config->target_build, setup->checks, setup->measure, setup->measure };
	return commands[kind];
}

/* --- while it runs --------------------------------------------------------------------------------------------------- */

int record_open(struct record *r, const char *log, struct err *err)
{
	r->log = log_writer_open(log, err);
	return r->log ? 0 : -1;
}

void record_add(struct record *r, const char *bytes, size_t n)
{
	uint64_t written = record_bytes(r);
	uint64_t room = written < RECORD_LOG_MAX ? RECORD_LOG_MAX - written : 0;
	size_t kept = n < room ? n : (size_t)room;
	if (r->kind == STEP_MEASURE)
		harness_feed(&r->harness, bytes, n);
	if (kept && r->log)
		log_writer_add(r->log, bytes, kept, &r->trouble);
	r->dropped += n - kept;
}

uint64_t record_lines(const struct record *r)
{
	return r->log ? log_writer_lines(r->log) : 0;
}

uint64_t record_bytes(const struct record *r)
{
	return r->log ? log_writer_bytes(r->log) : 0;
}

static char *last_line(const struct record *r, unsigned flags)
{
	const char *raw = r->log ? log_writer_last_line(r->log) : "";
	return text_safe_string(raw, strlen(raw), flags);
}

char *record_last_line(const struct record *r)
{
	return last_line(r, TEXT_TABS | TEXT_STRIP_SGR);
}

/* --- how it ended ---------------------------------------------------------------------------------------------------- */

static const char *what_failed(enum step_kind kind)
{
	return kind == STEP_MEASURE ? "benchmark" : step_name(kind);
}

/* A measured run that exited 0: what its output says about it. Returns the reason. */
static char *read_harness(const struct record *r, enum run_status *status)
{
	static const enum run_status statuses[] = {
		[HARNESS_SILENT] = RUN_OK, [HARNESS_DONE] = RUN_OK, [HARNESS_CRASH] = RUN_FAILED,
		[HARNESS_BUILD_FAILED] = RUN_FAILED, [HARNESS_TIMEOUT] = RUN_TIMEOUT, [HARNESS_NO_METRIC] = RUN_NO_METRIC,
		[HARNESS_CHECKS_FAILED] = RUN_FAILED,
	};
	const struct harness *h = &r->harness;
	const char *wanted = r->setup->metric;
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

/* Where the tree is not here, the driver's own words are asked: it prints them last. */
static int is_missing(const struct record *r, const char *command)
{
	if (strchr(command, ' '))
		return 0;
	char *text = r->tree ? xasprintf("%s/%s", r->tree, command) : xasprintf("%s not found", command);
	const char *last = r->log ? log_writer_last_line(r->log) : "";
	int missing = r->tree ? access(text, F_OK) != 0 : !strncmp(last, text, strlen(text));
	free(text);
	return missing;
}

static int is_signal(int code)
{
	return code > 128 && code <= 128 + SIGNALS;
}

static char *explain_exit(const struct record *r, int code)
{
	const char *command = record_command(r->setup, r->kind), *what = what_failed(r->kind);
	if (code == COMMAND_NOT_FOUND && command && is_missing(r, command))
		return xasprintf("%s not found", command);
	if (is_signal(code))
		return xasprintf("%s failed (exit %d, killed by signal %d)", what, code, code - 128);
	return xasprintf("%s failed (exit %d)", what, code);
}

static char *explain_loss(const struct record *r, int code)
{
	char *last = last_line(r, TEXT_LINE);
	char *why = xasprintf("%s did not start (exit %d): %s", step_name(r->kind), code, last);
	free(last);
	return why;
}

static char *judge(const struct record *r, const struct record_end *end, struct step_result *result)
{
	result->exit_code = is_signal(end->code) ? end->code - 128 : end->code;
	if (end->is_cancelled) {
		result->status = RUN_CANCELLED;
		return xstrdup("cancelled");
	}
	if (end->is_timed_out) {
		result->status = RUN_TIMEOUT;
		return xasprintf("%s %s after %lds", what_failed(r->kind), r->kind == STEP_CHECKS ? "timeout" : "timed out",
				 record_limit(r->setup, r->kind));
	}
	if (!end->has_begun) {
		result->status = RUN_LOST;
		return explain_loss(r, end->code);
	}
	if (end->code) {
		result->status = is_signal(end->code) ? RUN_KILLED : RUN_FAILED;
		return explain_exit(r, end->code);
	}
	result->status = RUN_OK;
	if (r->kind == STEP_MEASURE)
		return read_harness(r, &result->status);
	if (r->kind == STEP_BUILD && end->artifact && *end->artifact)
		result->artifact = end->artifact;
	return NULL;
}

char *record_finish(struct record *r, const struct record_end *end, struct step_result *result)
{
	char line[128];
	harness_end(&r->harness);
	char *reason = judge(r, end, result);
	result->reason = reason;
	result->metrics = r->kind == STEP_MEASURE ? &r->harness.metrics : NULL;
	if (r->dropped && r->log) {
		int n = snprintf(line, sizeof line, "\nskydeck: the log of a run ends at %u MiB; %" PRIu64
				 " more bytes were dropped\n", RECORD_LOG_MAX >> 20, r->dropped);
		log_writer_add(r->log, line, (size_t)n, &r->trouble);
	}
	result->log_bytes = record_bytes(r);
	result->log_lines = record_lines(r);
	return reason;
}

void record_release(struct record *r)
{
	log_writer_close(r->log);
	r->log = NULL;
	harness_release(&r->harness);
}
