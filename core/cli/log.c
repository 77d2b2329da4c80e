/* skydeck log and skydeck events: what happened. Without a run log prints the events that are worth a line, with one it
 * prints what the run printed, or what was said in a turn of the agent, as safe text; the bytes themselves are in logs/ of the session's folder. events is the
 * journal itself. */
#include "core/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/cli/access.h"
#include "core/cli/follow.h"
#include "core/cli/options.h"
#include "core/io/logs.h"

enum { LOOK_MICROSECONDS = 200000 };

/* events of the session */

/* Lines are held until the journal's end is reached once, where only the last of them are wanted. */
struct lines {
	struct strings held;
	long last;		/* how many; -1: all */
	uint64_t newest;	/* up to this seq lines are held */
};

static void print_held(struct lines *lines)
{
	size_t skip = lines->held.count > (size_t)lines->last ? lines->held.count - (size_t)lines->last : 0;
	for (size_t i = skip; i < lines->held.count; i++)
		fputs(lines->held.at[i], stdout);
	strings_release(&lines->held);
	lines->last = -1;
}

static int event_line_came(void *data, const struct event *ev, const struct model *m, const char *body, size_t len)
{
	struct lines *lines = data;
	struct buf line = {0};
	(void)body;
	(void)len;
	int has_line = follow_line(ev, m, &line);
	if (lines->last < 0)
		fputs(buf_str(&line), stdout);
	else if (has_line)
		strings_add(&lines->held, buf_str(&line));
	if (lines->last >= 0 && ev->seq >= lines->newest)
		print_held(lines);
	buf_release(&line);
	return 0;
}

static int log_session(const struct access *a, int on, long last, struct err *err)
{
	struct model m;
	struct lines lines = { .last = last, .newest = a->model.seq };
	struct follow f = { .target = &a->target, .session = a->model.session, .on = on, .event = event_line_came,
		.data = &lines };
	model_init(&m);
	int rc = follow_events(&f, &m, err);
	strings_release(&lines.held);
	model_release(&m);
	return rc;
}

/* the log of a run */

/* A proposal's or an arm's name stands for the run of it that tells most: the one of its verdict, else the newest. */
static const struct run *choose_run(const struct model *m, const char *name, struct err *err)
{
	const struct run *run = model_run(m, name);
	const struct proposal *p = model_proposal(m, name);
	if (run)
		return run;
	if (p && p->verdict_run)
		return model_run(m, p->verdict_run);
	for (size_t i = m->run_count; i-- > 0;)
		if (m->runs[i].arm && !strcmp(m->runs[i].arm, name))
			return &m->runs[i];
	if (p)
		err_set(err, "%s has not run yet", name);
	else if (m->run_count)
		err_set(err, "there is no run %s: they are r%u to r%u, and a proposal's id stands for its run", name,
			m->runs[0].number, m->runs[m->run_count - 1].number);
	else
		err_set(err, "there is no run %s: nothing has run yet", name);
	return NULL;
}

static char *log_path(const struct access *a, const struct run *run)
{
	char *name = xasprintf("logs/r%u.log", run->number), *path = session_path(&a->target, a->model.session, name);
	free(name);
	return path;
}

static void print_last_lines(struct log_reader *r, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct buf line = {0};
		if (log_reader_line(r, i, &line) < 0)
			break;
		buf_putc(&line, '\n');
		print_safe(line.data, line.len);
		buf_release(&line);
	}
}

/* Whether it still runs, as the journal now has it: the model at hand is a picture of the past. */
static int still_runs(const struct access *a, const char *id)
{
	struct model m;
	struct err ignored = {0};
	model_init(&m);
	int rc = session_read(&a->target, a->model.session, &m, &ignored);
	const struct run *run = rc ? NULL : model_run(&m, id);
	const struct turn *turn = rc || run ? NULL : dialogue_turn(&m, id);
	int runs = ((run && !run->status) || (turn && !turn->status)) && target_engine_runs(&a->target);
	model_release(&m);
	return runs;
}

/* Whole lines only, until the run has ended and its last line is there. */
static void follow_log(const struct access *a, struct log_reader *r, const char *id, uint64_t printed)
{
	for (int runs = 1;;) {
		uint64_t lines = log_reader_refresh(r), complete = runs && lines ? lines - 1 : lines;
		if (complete > printed)
			print_last_lines(r, printed, complete);
		printed = complete > printed ? complete : printed;
		fflush(stdout);
		if (!runs)
			return;
		runs = still_runs(a, id);
		if (runs)
			usleep(LOOK_MICROSECONDS);
	}
}

/* A worker's own: how it came up. There is none of this machine's own workers. */
static int log_worker(const struct access *a, const struct worker *w, long last, struct err *err)
{
	char *name = xasprintf("logs/%s.log", w->id), *path = session_path(&a->target, a->model.session, name);
	int is_id = strlen(w->id) == strspn(w->id, "w0123456789");
	struct log_reader *r = !is_id || access(path, R_OK) ? NULL : log_reader_open(path, err);
	int rc = r ? 0 : err_set(err, "%s has no log of its own", w->id);
	uint64_t lines = r ? log_reader_refresh(r) : 0;
	if (r)
		print_last_lines(r, last >= 0 && (uint64_t)last < lines ? lines - (uint64_t)last : 0, lines);
	log_reader_close(r);
	free(path);
	free(name);
	return rc;
}

/* What was said in a turn of the agent. */
static int log_turn(const struct access *a, const struct turn *turn, int on, long last, struct err *err)
{
	char *id = xasprintf("t%u", turn->number), *name = xasprintf("logs/%s.log", id), *path = session_path(&a->target, a->model.session, name);
	struct log_reader *r = access(path, R_OK) ? NULL : log_reader_open(path, err);
	int rc = r ? 0 : err_set(err, "nothing was kept of turn %u%s%s", turn->number, turn->reason ? ": " : "", or_nothing(turn->reason));
	uint64_t lines = r ? log_reader_refresh(r) : 0, from = last >= 0 && (uint64_t)last < lines ? lines - (uint64_t)last : 0;
	if (r && on)
		follow_log(a, r, id, from);
	else if (r)
		print_last_lines(r, from, lines);
	log_reader_close(r);
	free(path);
	free(name);
	free(id);
	return rc;
}

static int log_run_of(const struct access *a, const char *name, int on, long last, struct err *err)
{
	const struct worker *w = model_worker(&a->model, name);
	const struct turn *turn = w ? NULL : dialogue_turn(&a->model, name);
	const struct run *run = w || turn ? NULL : choose_run(&a->model, name, err);
	if (turn)
		return log_turn(a, turn, on, last, err);
	if (w)
		return log_worker(a, w, last, err);
	if (!run)
		return -1;
	char *path = log_path(a, run), id[16];
	struct log_reader *r = access(path, R_OK) ? NULL : log_reader_open(path, err);
	int rc = 0;
	snprintf(id, sizeof id, "r%u", run->number);
	if (!r) {
		rc = err_set(err, "r%u (%s of %s) has no log%s%s", run->number, run->step, run->arm,
			     run->reason ? ": " : "", or_nothing(run->reason));
	} else {
		uint64_t lines = log_reader_refresh(r);
		uint64_t from = last >= 0 && (uint64_t)last < lines ? lines - (uint64_t)last : 0;
		if (on)
			follow_log(a, r, id, from);
		else
			print_last_lines(r, from, lines);
	}
	log_reader_close(r);
	free(path);
	return rc;
}

static int log_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int on = 0;
	long last = -1;
	const struct cli_option options[] = { { "follow", 'f', OPTION_FLAG, &on },
		{ "lines", 'n', OPTION_WHOLE, &last }, {0} };
	struct access a = {0};
	int count = cli_options(argc, argv, options, 0, 1, err);
	if (count < 0)
		return -1;
	int rc = access_open(cli, &a, err);
	if (!rc)
		rc = count ? log_run_of(&a, argv[1], on, last, err) : log_session(&a, on, last, err);
	access_release(&a);
	return rc;
}

/* the journal */

/* "812  14:02:11  verdict  engine  proposal=p3 verdict=keep …": every kind and every field, for eyes and grep; a text
 * of several lines as JSON has it, on one. */
static void event_text(const struct event *ev, const char *body, size_t len, struct buf *out)
{
	char time[CLOCK_TEXT];
	struct err ignored = {0};
	struct json *document = json_parse(body, len, &ignored);
	clock_time_of_day(ev->time, time);
	buf_printf(out, "%5llu  %s  %-18s  %s", (unsigned long long)ev->seq, time,
		   ev->kind == EVENT_UNKNOWN ? ev->kind_name : event_name(ev->kind), ev->by);
	for (const struct json *i = json_first(document); i; i = json_next(i)) {
		const char *key = json_key(i);
		if (!strcmp(key, "seq") || !strcmp(key, "time") || !strcmp(key, "kind") || !strcmp(key, "by"))
			continue;
		buf_printf(out, "  %s=", key);
		const char *text = json_string(i, NULL);
		if (text && !strpbrk(text, "\n\r\t"))
			buf_puts(out, text);
		else
			json_print(i, out);
	}
	buf_putc(out, '\n');
	json_free(document);
}

static int event_came(void *data, const struct event *ev, const struct model *m, const char *body, size_t len)
{
	const int *as_json = data;
	struct buf out = {0};
	(void)m;
	if (*as_json) {
		buf_add(&out, body, len);
		buf_putc(&out, '\n');
	} else {
		event_text(ev, body, len, &out);
	}
	print_text(&out);
	return 0;
}

static int events_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0, on = 0;
	long since = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json },
		{ "since", 0, OPTION_WHOLE, &since },
		{ "follow", 'f', OPTION_FLAG, &on }, {0} };
	struct target t = {0};
	struct model m;
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	model_init(&m);
	int rc = target_find(cli->directory, &t, err);
	if (!rc) {
		struct follow f = { .target = &t, .since = (uint64_t)since, .on = on, .event = event_came,
			.data = &as_json };
		rc = follow_events(&f, &m, err);
	}
	model_release(&m);
	target_release(&t);
	return rc;
}

const struct cli_command log_command = {
	.name = "log", .args = "[RUN] [-f] [-n N]", .help = "what happened in the session, or the output of a run",
	.options = "RUN\tr7: a run; t7: a turn of the agent; p7: the run of a proposal\n"
		   "-f, --follow\tgo on as it grows\n"
		   "-n, --lines N\tthe last N lines\n",
	.run = log_run,
};
const struct cli_command events_command = {
	.name = "events", .args = "[--json] [--since SEQ] [-f]", .help = "the journal, a line each",
	.options = "--json\ta JSON object a line\n"
		   "--since SEQ\twhat came after that event\n"
		   "-f, --follow\tgo on as they come\n",
	.run = events_run,
};
