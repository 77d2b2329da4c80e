/* SkyPilot's actions and polls. Actions go through the `sky` command, which syncs files, speaks to remote servers and knows
 * logins; polls through skypilot_ways.c, which prefers the API server's REST (a command costs two seconds of imports). What
 * either says is read in skypilot_parse.c, a job's log in skypilot_follow.c.
 *
 * An exit code of 0 is not believed for `down` and `autostop`: they also say in words that they did nothing. stdin is
 * /dev/null, since a broken task file makes sky ask whether to run its name as a command.
 *
 * Facts: SkyPilot 0.12 to 0.14.1, read in its source (sky/client/cli/command.py) and recorded (tests/sky-lab/fixtures). */
#include "core/runners/skypilot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/runners/skypilot_parse.h"
#include "core/runners/skypilot_ways.h"

enum { OUTPUT_MAX = 1 << 20 };	/* bytes of a command's words that are kept: the last ones */
static const int64_t MINUTE = 60000000;

/* --- actions --------------------------------------------------------------------------------------------------------- */

enum action_kind { ACTION_PRICE, ACTION_LAUNCH, ACTION_EXEC, ACTION_CANCEL, ACTION_DOWN, ACTION_AUTODOWN };

struct action {
	struct skypilot_call call;
	enum action_kind kind;
	char *what;
	struct strings arguments;
	int minutes;			/* at most */
	skypilot_output *output;
	skypilot_answered *done;
	void *data;
	struct child *child;
	struct loop_timer *timer;
	struct buf heard;
	struct err says;
};

static void action_stop(struct skypilot_call *call)
{
	struct action *a = (struct action *)call;
	if (a->child)
		child_abandon(a->child);
	loop_cancel(skypilot_loop(call->s), a->timer);
	a->child = NULL;
	a->timer = NULL;
}

static void action_release(struct skypilot_call *call)
{
	struct action *a = (struct action *)call;
	strings_release(&a->arguments);
	buf_release(&a->heard);
	free(a->what);
}

static void answer(struct action *a, struct skypilot_answer *with)
{
	struct skypilot_call *call = &a->call;
	with->problem = with->trouble ? a->says.text : NULL;
	skypilot_enter(call);	/* it keeps its sentence until they have read it */
	skypilot_forget(call);
	a->done(a->data, with);
	skypilot_leave(call);
}

static void output_came(void *data, const char *bytes, size_t n)
{
	struct action *a = data;
	if (a->heard.len > OUTPUT_MAX)
		buf_consume(&a->heard, OUTPUT_MAX / 2);
	buf_add(&a->heard, bytes, n);
	if (a->output)
		a->output(a->data, bytes, n);
}

/* Ended by itself: whether it did what was asked. */
static enum skypilot_trouble judge(struct action *a, int exit_code, struct skypilot_answer *with)
{
	const char *text = buf_str(&a->heard);
	size_t n = a->heard.len;
	enum skypilot_trouble trouble = SKYPILOT_NONE;
	with->job = skypilot_find_job(text, n);
	if (exit_code)
		return skypilot_explain_output(&a->says, a->what, text, n);
	switch (a->kind) {
	case ACTION_PRICE:
		with->usd_per_hour = skypilot_find_price(text, n);
		break;
	case ACTION_EXEC:
		if (!with->job) {
			trouble = SKYPILOT_OTHER;
			err_set(&a->says, "%s: sky does not say which job it is", a->what);
		}
		break;
	case ACTION_DOWN:
	case ACTION_AUTODOWN:
		trouble = skypilot_explain_refusal(&a->says, a->what, text, n);
		if (trouble == SKYPILOT_GONE && a->kind == ACTION_DOWN)
			trouble = SKYPILOT_NONE;
		break;
	case ACTION_LAUNCH:	/* a task without `run` gives no job */
	case ACTION_CANCEL:
		break;
	}
	return trouble;
}

static void command_ended(void *data, const struct child_result *result)
{
	struct action *a = data;
	struct skypilot_answer with = { .usd_per_hour = NAN };
	a->child = NULL;
	if (result->timed_out) {
		with.trouble = SKYPILOT_TIMED_OUT;
		err_set(&a->says, "%s: it did not end within %d minutes", a->what, a->minutes);
	} else if (!result->exited) {
		with.trouble = SKYPILOT_INTERRUPTED;
		err_set(&a->says, "%s: it was killed by signal %d", a->what, result->status);
	} else {
		with.trouble = judge(a, result->status, &with);
	}
	answer(a, &with);
}

static void could_not_start(void *data)
{
	struct action *a = data;
	struct skypilot_answer with = { .trouble = SKYPILOT_NOT_INSTALLED, .usd_per_hour = NAN };
	a->timer = NULL;
	answer(a, &with);
}

static struct action *action_new(enum action_kind kind, const char *cluster, skypilot_answered *done, void *data)
{
	static const struct { const char *word; int minutes; } kinds[] = {
		[ACTION_PRICE] = { "launch --dryrun", 2 }, [ACTION_LAUNCH] = { "launch", 30 }, [ACTION_EXEC] = { "exec", 10 },
		[ACTION_CANCEL] = { "cancel", 2 }, [ACTION_DOWN] = { "down", 10 }, [ACTION_AUTODOWN] = { "autostop", 2 },
	};
	struct action *a = xcalloc(1, sizeof *a);
	a->call.stop = action_stop;
	a->call.release = action_release;
	a->kind = kind;
	a->what = xasprintf("sky %s %s", kinds[kind].word, cluster);
	a->minutes = kinds[kind].minutes;
	a->done = done;
	a->data = data;
	return a;
}

static void add(struct action *a, const char *argument)
{
	strings_add(&a->arguments, argument);
}

static void add_number(struct action *a, long number)
{
	char text[32];
	snprintf(text, sizeof text, "%ld", number);
	add(a, text);
}

static void add_extras(struct action *a, const struct skypilot_extras *extras)
{
	for (size_t i = 0; extras && extras->env && extras->env[i]; i++) {
		add(a, "--env");
		add(a, extras->env[i]);
	}
	if (extras && extras->workdir) {
		add(a, "--workdir");
		add(a, extras->workdir);
	}
	if (extras && extras->autostop > 0 && a->kind == ACTION_LAUNCH) {
		add(a, "-i");
		add_number(a, extras->autostop);
		add(a, "--down");
	}
}

static struct skypilot_call *start(struct skypilot *s, struct action *a)
{
	struct child_options options = { .timeout = a->minutes * MINUTE, .output = output_came, .ended = command_ended, .data = a };
	skypilot_enlist(s, &a->call);
	a->child = skypilot_command(s, &a->arguments, &options, &a->says);
	if (!a->child)
		a->timer = loop_after(skypilot_loop(s), 0, could_not_start, a);
	return &a->call;
}

struct skypilot_call *skypilot_price(struct skypilot *s, const char *cluster, const char *task, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_PRICE, cluster, done, data);
	static const char *const words[] = { "launch", "-y", "--dryrun", "-c" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		add(a, words[i]);
	add(a, cluster);
	add(a, task);
	return start(s, a);
}

struct skypilot_call *skypilot_launch(struct skypilot *s, const char *cluster, const char *task, const struct skypilot_extras *extras,
				      skypilot_output *output, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_LAUNCH, cluster, done, data);
	static const char *const words[] = { "launch", "-y", "-d", "-c" };
	a->output = output;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		add(a, words[i]);
	add(a, cluster);
	add_extras(a, extras);
	add(a, task);
	return start(s, a);
}

struct skypilot_call *skypilot_exec(struct skypilot *s, const char *cluster, const char *task, const struct skypilot_extras *extras,
				    skypilot_output *output, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_EXEC, cluster, done, data);
	a->output = output;
	add(a, "exec");
	add(a, "-d");
	add_extras(a, extras);
	add(a, cluster);
	add(a, task);
	return start(s, a);
}

struct skypilot_call *skypilot_cancel(struct skypilot *s, const char *cluster, long job, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_CANCEL, cluster, done, data);
	add(a, "cancel");
	add(a, "-y");
	add(a, cluster);
	add_number(a, job);
	return start(s, a);
}

struct skypilot_call *skypilot_down(struct skypilot *s, const char *cluster, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_DOWN, cluster, done, data);
	add(a, "down");
	add(a, "-y");
	add(a, cluster);
	return start(s, a);
}

struct skypilot_call *skypilot_autodown(struct skypilot *s, const char *cluster, long minutes, skypilot_answered *done, void *data)
{
	struct action *a = action_new(ACTION_AUTODOWN, cluster, done, data);
	add(a, "autostop");
	add(a, "-y");
	add(a, "-i");
	add_number(a, minutes);
	add(a, "--down");
	add(a, cluster);
	return start(s, a);
}

/* --- polls ----------------------------------------------------------------------------------------------------------- */

/* Who asked: a skypilot_ask carries one pointer, and its caller's two go with it. */
struct poll {
	struct skypilot_call call;	/* stands for the question, which it ends with it */
	struct skypilot_call *question;
	char *what;
	skypilot_vms *vms;		/* one of the three */
	skypilot_jobs *jobs;
	skypilot_costs *costs;
	void *data;
};

static void poll_stop(struct skypilot_call *call)
{
	struct poll *p = (struct poll *)call;
	skypilot_forget(p->question);
	p->question = NULL;
}

static void poll_release(struct skypilot_call *call)
{
	free(((struct poll *)call)->what);
}

static int read_lists(const struct poll *p, const struct json *value, struct skypilot_vm_list *vms, struct skypilot_job_list *jobs,
		      struct skypilot_cost_list *costs)
{
	return p->vms ? skypilot_read_vms(vms, value) : p->jobs ? skypilot_read_jobs(jobs, value) : skypilot_read_costs(costs, value);
}

static void poll_answered(void *data, const struct json *value, const struct skypilot_answer *said)
{
	struct poll *p = data;
	struct skypilot_vm_list vms = {0};
	struct skypilot_job_list jobs = {0};
	struct skypilot_cost_list costs = {0};
	struct skypilot_answer with = *said;
	struct err err;
	p->question = NULL;
	if (!with.trouble && read_lists(p, value, &vms, &jobs, &costs)) {
		err_set(&err, "%s: what SkyPilot answers is in a shape that is not known", p->what);
		with = (struct skypilot_answer){ .trouble = SKYPILOT_VERSION, .problem = err.text };
	}
	with.usd_per_hour = NAN;
	skypilot_enter(&p->call);
	skypilot_forget(&p->call);
	if (p->vms)
		p->vms(p->data, vms.at, vms.count, &with);
	else if (p->jobs)
		p->jobs(p->data, jobs.at, jobs.count, &with);
	else
		p->costs(p->data, costs.at, costs.count, &with);
	skypilot_leave(&p->call);
	skypilot_vms_release(&vms);
	skypilot_jobs_release(&jobs);
	skypilot_costs_release(&costs);
}

static struct skypilot_call *poll_start(struct skypilot *s, struct poll *p, struct skypilot_question *question)
{
	p->call.stop = poll_stop;
	p->call.release = poll_release;
	p->what = xstrdup(question->what);
	skypilot_enlist(s, &p->call);
	p->question = skypilot_ask(s, question, poll_answered, p);
	return &p->call;
}

static void say_words(struct strings *list, const char *const *words)
{
	for (; *words; words++)
		strings_add(list, *words);
}

struct skypilot_call *skypilot_status(struct skypilot *s, int refresh, skypilot_vms *done, void *data)
{
	static const char *const words[] = { "status", "-o", "json", NULL };
	struct poll *p = xcalloc(1, sizeof *p);
	struct skypilot_question question = { .what = "the state of the VMs", .path = "/status", .body = skypilot_body(s, NULL) };
	p->vms = done;
	p->data = data;
	json_put_string(question.body, "cluster_names", NULL);
	json_put_string(question.body, "refresh", refresh ? "FORCE" : "NONE");
	json_put_bool(question.body, "all_users", 0);
	json_put_bool(question.body, "include_credentials", 0);
	json_put_bool(question.body, "include_handle", 0);
	json_put_bool(question.body, "summary_response", 0);
	say_words(&question.arguments, words);
	if (refresh)
		strings_add(&question.arguments, "--refresh");
	return poll_start(s, p, &question);
}

struct skypilot_call *skypilot_queue(struct skypilot *s, const char *cluster, skypilot_jobs *done, void *data)
{
	static const char *const words[] = { "queue", "-o", "json", NULL };
	struct poll *p = xcalloc(1, sizeof *p);
	char *what = xasprintf("the queue of %s", cluster);
	struct skypilot_question question = { .what = what, .path = "/queue", .body = skypilot_body(s, cluster), .member = cluster };
	p->jobs = done;
	p->data = data;
	json_put_bool(question.body, "skip_finished", 0);
	json_put_bool(question.body, "all_users", 0);
	say_words(&question.arguments, words);
	strings_add(&question.arguments, cluster);
	poll_start(s, p, &question);
	free(what);
	return &p->call;
}

struct skypilot_call *skypilot_cost_report(struct skypilot *s, skypilot_costs *done, void *data)
{
	static const char *const words[] = { "cost-report", "-o", "json", "--days", "30", "--all", NULL };
	struct poll *p = xcalloc(1, sizeof *p);
	struct skypilot_question question = { .what = "the cost report", .path = "/cost_report", .body = skypilot_body(s, NULL) };
	p->costs = done;
	p->data = data;
	json_put_integer(question.body, "days", 30);
	say_words(&question.arguments, words);
	return poll_start(s, p, &question);
}
