/* Follows a job's log: POST /logs of the API server, or `sky logs`, each from the log's first line on; skypilot_log.c drops
 * what was told before. A stream ends for many reasons, so that its end means nothing: the job's status is asked for. Has
 * the job not ended, the next stream is opened, after a pause that grows while nothing new comes. Has it ended, and the
 * stream did not show so itself, the log is read once more, so that no line is missing.
 *
 * A stream that ended whole, with SkyPilot's last words and the exit code that belongs to them (0, 100, 103: JobExitCode of
 * sky/exceptions.py), says the status itself: nobody needs to be asked on the VM, where that takes seconds.
 *
 * The server sends something every 30 s, however silent the job (stream_utils.py, HEARTBEAT). So silence is a dead line. A
 * stream that lives and hangs, while its job has ended, is found by asking for the status after long silence; seldom, since
 * that runs a Python on the VM, where someone measures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/runners/skypilot_log.h"
#include "core/runners/skypilot_ways.h"

enum {	/* microseconds */
	SILENCE = 100000000, FIRST_WAIT = 1000000, LONGEST_WAIT = 15000000, FIRST_LOOK = 120000000, LONGEST_LOOK = 960000000,
	CODE_TIMEOUT = 10000000,
};
enum {
	LATE_TRIES = 5,			/* streams that may fail after the job's end */
	FAILURES_TO_ASK = 4,		/* lost streams without a new line, after which the job is looked at */
	PATIENCE = 2,			/* times that a server that spoke is waited for before the command is used */
	FAILURE_MAX = 1 << 20,		/* bytes of an error's page */
};

struct follower {
	struct skypilot_call call;
	char *cluster, *what;
	long job;
	struct skypilot_listener listener;
	void *data;
	struct skypilot_log log;
	struct http_request *request;	/* at most one of these two: the stream (or the question for its exit code) */
	struct child *child;
	struct skypilot_call *question;	/* the job's status */
	struct loop_timer *timer;	/* to open the next stream, or to look at the job while one is silent */
	struct buf failure;		/* what an answer said that is no log */
	char *id;			/* of the stream at the server */
	int64_t wait, look;
	int is_log;			/* the stream's bytes are the log's */
	int is_whole;			/* it ended as such streams do */
	int is_troubled;		/* and they were told */
	uint64_t told_before;		/* lines when the stream was opened */
	int failures, patience;
	int has_ended, streams_after;	/* the job; and streams opened since that was known */
	enum job_status status;
	char *word;
};

static void close_stream(struct follower *f)
{
	http_cancel(f->request);
	f->request = NULL;
	if (f->child)
		child_abandon(f->child);
	f->child = NULL;
}

static void drop_timer(struct follower *f)
{
	loop_cancel(skypilot_loop(f->call.s), f->timer);
	f->timer = NULL;
}

static void follower_stop(struct skypilot_call *call)
{
	struct follower *f = (struct follower *)call;
	f->log.is_stopped = 1;
	close_stream(f);
	drop_timer(f);
	skypilot_forget(f->question);
	f->question = NULL;
}

static void follower_release(struct skypilot_call *call)
{
	struct follower *f = (struct follower *)call;
	skypilot_log_release(&f->log);
	buf_release(&f->failure);
	free(f->cluster);
	free(f->what);
	free(f->word);
	free(f->id);
}

/* --- what they are told; after each of these the follower may be forgotten -------------------------------------------- */

static void tell_line(void *data, enum log_part part, const char *line, size_t n)
{
	struct follower *f = data;
	f->listener.line(f->data, part, line, n);
}

static void tell_trouble(struct follower *f, const char *problem)
{
	if (f->is_troubled)
		return;
	f->is_troubled = 1;
	f->listener.trouble(f->data, problem);
}

static void tell_well(struct follower *f)
{
	if (!f->is_troubled)
		return;
	f->is_troubled = 0;
	f->listener.trouble(f->data, NULL);
}

static void tell_end(struct follower *f, enum job_status status)
{
	tell_well(f);
	if (!f->call.s)
		return;
	skypilot_forget(&f->call);	/* what is told lives until the caller leaves it */
	f->listener.ended(f->data, status, f->word);
}

/* --- from stream to stream ------------------------------------------------------------------------------------------- */

static void ask_status(struct follower *f);

static void open_stream(void *data)
{
	struct follower *f = data;
	f->timer = NULL;
	skypilot_log_restart(&f->log);
	f->is_log = f->is_whole = 0;
	f->told_before = f->log.told;
	buf_truncate(&f->failure, 0);
	string_set(&f->id, NULL);
	skypilot_go_when_known(&f->call);
}

static void open_after(struct follower *f, int64_t wait)
{
	drop_timer(f);
	f->timer = loop_after(skypilot_loop(f->call.s), wait, open_stream, f);
}

static void open_later(struct follower *f)
{
	if (f->log.told > f->told_before)
		f->wait = FIRST_WAIT;
	open_after(f, f->wait);
	f->wait = f->wait * 2 < LONGEST_WAIT ? f->wait * 2 : LONGEST_WAIT;
}

static void look(void *data)
{
	struct follower *f = data;
	f->timer = NULL;
	f->look = f->look * 2 < LONGEST_LOOK ? f->look * 2 : LONGEST_LOOK;
	if (!f->question)
		ask_status(f);
}

static void look_later(struct follower *f)
{
	drop_timer(f);
	f->timer = loop_after(skypilot_loop(f->call.s), f->look, look, f);
}

static void take_bytes(struct follower *f, const char *bytes, size_t n)
{
	uint64_t told = f->log.told;
	if (f->request)
		tell_well(f);
	if (f->call.s)
		skypilot_log_feed(&f->log, bytes, n);
	if (!f->call.s)
		return;
	if (f->log.told > told) {
		f->failures = 0;
		f->look = FIRST_LOOK;
		look_later(f);
	}
	if (f->request)
		f->patience = PATIENCE;
	else if (f->log.seen && f->log.seen >= f->log.told)	/* the command speaks before it reaches the log */
		tell_well(f);
}

static void finish(struct follower *f)
{
	if (f->is_whole)
		skypilot_log_end(&f->log);
	if (f->call.s)
		tell_end(f, f->status);
}

/* The job has ended, as f says. */
static void job_ended(struct follower *f)
{
	int has_stream = f->request || f->child;
	int is_complete = f->is_whole && (*f->log.finished || f->streams_after);
	if (has_stream) {	/* it hangs */
		close_stream(f);
		open_after(f, 0);
	} else if (is_complete || f->streams_after >= LATE_TRIES) {
		finish(f);
	} else if (!f->streams_after) {
		open_after(f, 0);
	} else {
		open_later(f);
	}
}

/* The stream has ended, or never began. */
static void stream_over(struct follower *f, const char *problem)
{
	drop_timer(f);
	if (problem)
		tell_trouble(f, problem);
	if (f->call.s && !f->question)
		ask_status(f);
}

/* The stream ended whole: whether its last words and its exit code say the same, and so how the job ended. */
static int is_confirmed(struct follower *f, long code)
{
	enum job_status status = skypilot_job_status(f->log.finished);
	long expected = status == JOB_SUCCEEDED ? 0 : status == JOB_CANCELLED ? 103 : 100;
	if (!job_has_ended(status) || code != expected)
		return 0;
	f->has_ended = 1;
	f->status = status;
	string_set(&f->word, f->log.finished);
	return 1;
}

/* It was cut, or nobody answered: most likely it is soon well again. */
static void stream_lost(struct follower *f, const char *problem)
{
	drop_timer(f);
	tell_trouble(f, problem);
	if (!f->call.s || f->question)
		return;
	if (++f->failures % FAILURES_TO_ASK == 0)
		ask_status(f);
	else if (f->has_ended)
		job_ended(f);
	else
		open_later(f);
}

static void take_status(struct follower *f, const struct skypilot_job_list *jobs)
{
	size_t i = 0;
	while (i < jobs->count && jobs->at[i].id != f->job)
		i++;
	if (i < jobs->count && !job_has_ended(jobs->at[i].is)) {
		if (f->request || f->child) {
			look_later(f);
			return;
		}
		if (f->wait > FIRST_WAIT && f->log.told == f->told_before)
			tell_trouble(f, "SkyPilot ends the log's stream again and again, and the job goes on");
		if (f->call.s)
			open_later(f);
		return;
	}
	f->has_ended = 1;
	f->status = i < jobs->count ? jobs->at[i].is : JOB_UNKNOWN;
	string_set(&f->word, i < jobs->count ? jobs->at[i].word : "NOT_FOUND");
	if (i < jobs->count)
		job_ended(f);
	else
		finish(f);
}

static void status_answered(void *data, const struct json *value, const struct skypilot_answer *answer)
{
	struct follower *f = data;
	struct skypilot_job_list jobs = {0};
	int is_shown = f->request || f->child;
	f->question = NULL;
	skypilot_enter(&f->call);
	if (!answer->trouble && !skypilot_read_jobs(&jobs, value)) {
		take_status(f, &jobs);
	} else if (answer->trouble == SKYPILOT_GONE && strstr(answer->problem, "does not exist")) {
		if (!f->has_ended)
			string_set(&f->word, "GONE");
		finish(f);
	} else if (is_shown) {
		look_later(f);
	} else {
		tell_trouble(f, answer->trouble ? answer->problem : "SkyPilot's answer about the job is in a shape that is not known");
		if (f->call.s)
			open_later(f);
	}
	skypilot_jobs_release(&jobs);
	skypilot_leave(&f->call);
}

static void ask_status(struct follower *f)
{
	struct skypilot *s = f->call.s;
	struct skypilot_question question = { .what = f->what, .path = "/job_status", .body = skypilot_body(s, f->cluster),
		.member = f->cluster };
	struct json *ids = json_array();
	json_append(ids, json_new_number((double)f->job));
	json_take(question.body, "job_ids", ids);
	static const char *const words[] = { "queue", "-o", "json" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		strings_add(&question.arguments, words[i]);
	strings_add(&question.arguments, f->cluster);
	f->question = skypilot_ask(s, &question, status_answered, f);
}

/* --- by REST --------------------------------------------------------------------------------------------------------- */

static void header_came(void *data, const char *name, const char *value)
{
	struct follower *f = data;
	if (!strcmp(name, "content-type"))	/* an error is JSON */
		f->is_log = !strncmp(value, "text/plain", 10);
	if (!strcmp(name, "x-skypilot-request-id") && skypilot_is_request_id(value))
		string_set(&f->id, value);
}

static void failure_came(void *data, const char *bytes, size_t n)
{
	struct follower *f = data;
	if (f->failure.len + n <= FAILURE_MAX)
		buf_add(&f->failure, bytes, n);
}

static void bytes_came(void *data, const char *bytes, size_t n)
{
	struct follower *f = data;
	if (!f->is_log) {
		failure_came(f, bytes, n);
		return;
	}
	skypilot_enter(&f->call);
	take_bytes(f, bytes, n);
	skypilot_leave(&f->call);
}

/* An answer that is no log: what the server says about it, or the other way. */
static void stream_refused(struct follower *f, const struct http_result *result)
{
	struct json *value;
	enum skypilot_trouble trouble;
	struct err says;
	int is_told = skypilot_read_reply(result->status, buf_str(&f->failure), f->failure.len, f->what, &value, &trouble, &says) ==
		      SKYPILOT_REPLY_FAILED;
	json_free(value);
	if (!is_told) {
		err_set(&says, "%s: the API server answers %d", f->what, result->status);
		if (result->status != 503)
			skypilot_server_refused(f->call.s, "/logs", result->status);
	}
	stream_over(f, says.text);
}

static void code_came(void *data, const struct http_result *result)
{
	struct follower *f = data;
	struct json *value;
	enum skypilot_trouble trouble;
	f->request = NULL;
	skypilot_read_reply(result->status, buf_str(&f->failure), f->failure.len, f->what, &value, &trouble, NULL);
	skypilot_enter(&f->call);
	if (json_is_number(value) && is_confirmed(f, (long)json_integer(value, -1)))
		finish(f);
	else
		stream_over(f, NULL);
	json_free(value);
	skypilot_leave(&f->call);
}

/* Whether the stream's exit code is asked for. */
static int ask_code(struct follower *f)
{
	if (!*f->log.finished || !f->id || f->question)
		return 0;
	char *url = xasprintf("/api/get?request_id=%s", f->id);
	struct http_plan plan = { .method = "GET", .url = url, .timeout = CODE_TIMEOUT, .body_came = failure_came, .ended = code_came, .data = f };
	drop_timer(f);
	f->request = skypilot_request(f->call.s, &plan);
	free(url);
	return f->request != NULL;
}

static void request_ended(void *data, const struct http_result *result)
{
	struct follower *f = data;
	struct err says;
	f->request = NULL;
	f->is_whole = result->status == 200 && f->is_log;
	skypilot_enter(&f->call);
	if (f->is_whole) {
		if (!ask_code(f))
			stream_over(f, NULL);
	} else if (result->status) {
		stream_refused(f, result);
	} else {
		err_set(&says, "%s: %s", f->what, result->problem);
		skypilot_server_failed(f->call.s, result->problem);
		stream_lost(f, says.text);
	}
	skypilot_leave(&f->call);
}

/* --- by the command -------------------------------------------------------------------------------------------------- */

static void output_came(void *data, const char *bytes, size_t n)
{
	struct follower *f = data;
	skypilot_enter(&f->call);
	take_bytes(f, bytes, n);
	skypilot_leave(&f->call);
}

/* 0, 100 and 103 are ends of the job, 101 and 102 none; else it could not even look. */
static void command_ended(void *data, const struct child_result *result)
{
	struct follower *f = data;
	struct err says;
	int code = result->exited ? result->status : -1;
	f->child = NULL;
	f->is_whole = code == 0 || code == 100 || code == 103;
	skypilot_enter(&f->call);
	err_set(&says, "%s: sky logs broke off (exit %d)", f->what, code);
	if (f->is_whole && is_confirmed(f, code))
		finish(f);
	else
		stream_over(f, f->is_whole || code == 101 || code == 102 ? NULL : says.text);
	skypilot_leave(&f->call);
}

static void start_command(struct follower *f)
{
	struct child_options options = { .output = output_came, .ended = command_ended, .data = f };
	struct strings arguments = {0};
	struct err err;
	char job[32];
	snprintf(job, sizeof job, "%ld", f->job);
	const char *const words[] = { "logs", "--tail", "0", f->cluster, job };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		strings_add(&arguments, words[i]);
	f->streams_after += f->has_ended;
	f->child = skypilot_command(f->call.s, &arguments, &options, &err);
	strings_release(&arguments);
	if (f->child)
		look_later(f);
	else
		open_later(f);
}

static void start_request(struct follower *f)
{
	struct json *body = skypilot_body(f->call.s, f->cluster);
	struct buf text = {0};
	json_put_integer(body, "job_id", f->job);
	json_put_bool(body, "follow", 1);
	json_put_integer(body, "tail", 0);
	json_print(body, &text);
	json_free(body);
	struct http_plan plan = { .method = "POST", .url = "/logs", .body = text.data, .body_size = text.len, .silence_timeout = SILENCE,
		.header = header_came, .body_came = bytes_came, .ended = request_ended, .data = f };
	f->streams_after += f->has_ended;
	f->request = skypilot_request(f->call.s, &plan);
	buf_release(&text);
	if (f->request)
		look_later(f);
	else
		start_command(f);
}

static void go(struct skypilot_call *call)
{
	struct follower *f = (struct follower *)call;
	if (skypilot_speaks(call->s)) {
		start_request(f);
	} else if (f->patience > 0) {	/* it spoke before: perhaps it only starts anew */
		f->patience--;
		open_later(f);
	} else {
		start_command(f);
	}
}

struct skypilot_call *skypilot_follow(struct skypilot *s, const char *cluster, long job, const struct skypilot_listener *listener, void *data)
{
	struct follower *f = xcalloc(1, sizeof *f);
	f->call.go = go;
	f->call.stop = follower_stop;
	f->call.release = follower_release;
	f->cluster = xstrdup(cluster);
	f->what = xasprintf("the log of job %ld on %s", job, cluster);
	f->job = job;
	f->listener = *listener;
	f->data = data;
	f->log.line = tell_line;
	f->log.data = f;
	f->wait = FIRST_WAIT;
	f->look = FIRST_LOOK;
	skypilot_enlist(s, &f->call);
	f->timer = loop_after(skypilot_loop(s), 0, open_stream, f);
	return &f->call;
}
