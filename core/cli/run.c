/* skydeck run and skydeck serve: the two commands that end in the engine's loop.
 *
 * run is one session from beginning to end. As lines the engine runs in this very process; on a terminal it runs in the
 * background as always, ends with its session, and a cockpit is opened on it. Where an engine runs already there is
 * nothing to run: its events are followed to the end of the session, which looks the same from outside.
 *
 * serve is the engine and nothing else. The options of run that it takes too are not in its help: that is how run hands
 * them to the engine it starts in the background. */
#include "core/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/access.h"
#include "core/cli/follow.h"
#include "core/cli/options.h"
#include "core/cli/results.h"
#include "core/cli/start.h"
#include "core/cli/stop.h"
#include "core/engine/engine.h"

struct settings {
	const char *autonomy, *agent, *runner;
	double budget, hours;
	long experiments;
};
static const struct settings unset = { .budget = -1, .hours = -1, .experiments = -1 };

#define SETTINGS_OPTIONS(s) \
	{ "autonomy", 0, OPTION_TEXT, &(s).autonomy }, { "agent", 0, OPTION_TEXT, &(s).agent }, \
	{ "runner", 0, OPTION_TEXT, &(s).runner }, { "budget", 0, OPTION_REAL, &(s).budget }, \
	{ "hours", 0, OPTION_REAL, &(s).hours }, { "experiments", 0, OPTION_WHOLE, &(s).experiments }

static int check_settings(const struct settings *s, const char *command, struct err *err)
{
	enum autonomy ignored;
	if (s->autonomy && autonomy_parse(s->autonomy, &ignored) < 0)
		return err_code(err, EXIT_USAGE, "%s: --autonomy is manual, wave or auto, not %s", command,
			s->autonomy);
	if (s->runner && strcmp(s->runner, "local") && strcmp(s->runner, "sky"))
		return err_code(err, EXIT_USAGE, "%s: --runner is local or sky, not %s", command, s->runner);
	return 0;
}

static struct engine_options engine_options_of(const struct cli *cli, const struct settings *s)
{
	return (struct engine_options){
		.directory = cli->directory, .autonomy = s->autonomy, .agent = s->agent, .runner = s->runner,
		.budget = s->budget, .hours = s->hours, .experiments = s->experiments,
	};
}

static void print_lines(void *data, const char *lines)
{
	(void)data;
	fputs(lines, stdout);
	fflush(stdout);
}

/* An engine that only shows its ended session is in the way of a new one. */
static int make_way(const struct cli *cli, const struct target *t, struct err *err)
{
	struct model m;
	struct err ignored = {0};
	model_init(&m);
	int is_ended = target_engine_runs(t) && !session_read(t, NULL, &m, &ignored) && m.state == SESSION_ENDED;
	model_release(&m);
	return is_ended ? engine_stop(cli, 0, err) : 0;
}

static int print_result_table(const struct cli *cli, struct err *err)
{
	struct access a;
	struct buf out = {0};
	int rc = access_open(cli, &a, err);
	if (!rc && a.model.state == SESSION_ENDED) {
		buf_putc(&out, '\n');
		results_table(&a.model, &out);
		print_text(&out);
	}
	access_release(&a);
	return rc;
}

static int print_event(void *data, const struct event *ev, const struct model *m, const char *body, size_t len)
{
	struct buf line = {0};
	(void)data;
	(void)body;
	(void)len;
	follow_line(ev, m, &line);
	return print_text(&line);
}

static int set_autonomy(const struct cli *cli, const char *wanted, const struct model *m, struct err *err)
{
	if (!wanted || !strcmp(wanted, autonomy_name(m->autonomy)))
		return 0;
	struct json *args = json_object();
	json_put_string(args, "autonomy", wanted);
	struct json *result = access_command(cli, "autonomy", args, err);
	json_free(result);
	return result ? 0 : -1;
}

/* The engine there keeps its own runner, agent and limits; only the autonomy can be asked for. */
static int follow_session(const struct cli *cli, const struct settings *s, struct err *err)
{
	struct access a;
	int rc = access_open(cli, &a, err);
	if (!rc)
		rc = set_autonomy(cli, s->autonomy, &a.model, err);
	if (!rc) {
		struct follow f = { .target = &a.target, .session = a.model.session, .since = a.model.seq, .on = 1,
				    .needs_engine = 1, .event = print_event };
		int is_particular = s->agent || s->runner || s->budget >= 0 || s->hours >= 0 || s->experiments >= 0;
		fprintf(stderr, "skydeck: an engine already runs here (pid %ld): following it%s\n",
			target_engine_pid(&a.target), is_particular ? "; it keeps its own options" : "");
		rc = follow_events(&f, &a.model, err);
	}
	access_release(&a);
	return rc;
}

static int run_plain(const struct cli *cli, const struct target *t, const struct settings *s, struct err *err)
{
	int rc;
	if (target_engine_runs(t)) {
		rc = follow_session(cli, s, err);
	} else {
		struct engine_options options = engine_options_of(cli, s);
		options.open = ENGINE_JOIN_OR_NEW;
		options.end_with_session = 1;
		options.line = print_lines;
		rc = engine_run(&options, err);
	}
	return rc ? rc : print_result_table(cli, err);
}

/* The cockpit has gone from the screen, with the session or by the user's hand: which of the two, and what came of it. */
static int say_where_it_stands(const struct cli *cli, struct err *err)
{
	struct access a;
	int rc = access_open(cli, &a, err);
	if (!rc && a.model.state == SESSION_ENDED)
		printf("session %s ended%s%s\n", a.model.session, a.model.ended_reason ? ": " : "", a.model.ended_reason ? a.model.ended_reason : "");
	else if (!rc)
		printf("session %s goes on: skydeck shows it, skydeck stop ends it\n", a.model.session);
	access_release(&a);
	return rc ? rc : print_result_table(cli, err);
}

/* The settings as words of a command line again; values holds the numbers' digits. */
static void settings_words(const struct settings *s, const char **words, char values[3][32])
{
	size_t n = 0;
	words[n++] = "--run";
	const char *const texts[][2] = { { "--autonomy", s->autonomy }, { "--agent", s->agent },
		{ "--runner", s->runner } };
	for (size_t i = 0; i < 3; i++)
		if (texts[i][1]) {
			words[n++] = texts[i][0];
			words[n++] = texts[i][1];
		}
	const char *const names[] = { "--budget", "--hours", "--experiments" };
	const double numbers[] = { s->budget, s->hours, (double)s->experiments };
	for (size_t i = 0; i < 3; i++)
		if (numbers[i] >= 0) {
			snprintf(values[i], 32, "%.17g", numbers[i]);
			words[n++] = names[i];
			words[n++] = values[i];
		}
	words[n] = NULL;
}

static int run_cockpit(const struct cli *cli, const struct target *t, const struct settings *s, struct err *err)
{
	const char *words[16];
	char values[3][32], name[] = "run", until[] = "--until-end", *argv[] = { name, until, NULL };
	settings_words(s, words, values);
	int rc = engine_start(t, words, err) ? -1 : cli->cockpit(cli, 2, argv, err);
	return rc || cli->script ? rc : say_where_it_stands(cli, err);
}

static int run_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct settings s = unset;
	struct target t = {0};
	int plain = 0;
	const struct cli_option options[] = { { "plain", 0, OPTION_FLAG, &plain }, SETTINGS_OPTIONS(s), {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0 || check_settings(&s, argv[0], err) < 0 ||
	    target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = make_way(cli, &t, err);
	if (!rc && (plain || (!cli->script && !isatty(STDOUT_FILENO))))
		rc = run_plain(cli, &t, &s, err);
	else if (!rc)
		rc = run_cockpit(cli, &t, &s, err);
	target_release(&t);
	return rc;
}

const struct cli_command run_command = {
	.name = "run",
	.args = "[--plain] [--autonomy A] [--agent N] [--runner N] [--budget USD] [--hours H] [--experiments N]",
	.help = "one session in the foreground; with --plain, or without a terminal, as lines",
	.options = "--plain\tas lines, also on a terminal\n"
		   "--autonomy A\tmanual, wave or auto: who passes the gates\n"
		   "--agent N\tthe agent that proposes, by its name in the config\n"
		   "--runner N\tlocal or sky: where it is measured\n"
		   "--budget USD\tthe end of all spending, for models and VMs together\n"
		   "--hours H\tthe session ends after so many\n"
		   "--experiments N\tthe session ends after so many proposals\n",
	.run = run_run,
};

struct ready {
	long fd;
};

static void tell_ready(void *data)
{
	struct ready *ready = data;
	engine_tell_ready((int)ready->fd);
	ready->fd = -1;
}

static int serve_here(const struct cli *cli, const struct settings *s, int is_new, int is_run, long fd, struct err *err)
{
	struct ready ready = { fd };
	struct engine_options options = engine_options_of(cli, s);
	options.open = is_new ? ENGINE_NEW : is_run ? ENGINE_JOIN_OR_NEW : ENGINE_JOIN;
	options.end_with_session = is_run;
	options.line = fd < 0 ? print_lines : NULL;
	options.ready = tell_ready;
	options.data = &ready;
	int rc = engine_run(&options, err);
	if (rc)
		engine_tell_failed((int)ready.fd, err);
	return rc;
}

static int serve_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	struct settings s = unset;
	struct target t = {0};
	int is_new = 0, detach = 0, is_run = 0;
	long fd = -1;
	const struct cli_option options[] = { { "new", 0, OPTION_FLAG, &is_new }, { "detach", 0, OPTION_FLAG, &detach },
		{ "run", 0, OPTION_FLAG, &is_run }, { "ready", 0, OPTION_WHOLE, &fd }, SETTINGS_OPTIONS(s), {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0 || check_settings(&s, argv[0], err) < 0 ||
	    target_find(cli->directory, &t, err) < 0)
		return -1;
	int rc = is_new ? make_way(cli, &t, err) : 0;
	if (!rc && detach) {
		const char *const words[] = { "--new", NULL };
		rc = engine_start(&t, is_new ? words : NULL, err);
	} else if (!rc) {
		rc = serve_here(cli, &s, is_new, is_run, fd, err);
	}
	target_release(&t);
	return rc;
}

const struct cli_command serve_command = {
	.name = "serve",
	.args = "[--new]",
	.help = "the engine in the foreground, no cockpit",
	.options = "--new\tstart another session where one has ended\n",
	.run = serve_run,
};
