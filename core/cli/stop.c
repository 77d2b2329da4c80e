/* skydeck stop: ends the session. The engine's answer only says that it will leave; this command returns when it has,
 * so that a script may remove the folder or start anew right after. What the engine had started is watched by name too:
 * a child that survives its engine is a fault that must not stay unseen. */
#include "core/cli/stop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/data/model.h"
#include "core/engine/target.h"
#include "core/io/processes.h"

enum { STOP_SECONDS = 10, LOOK_MICROSECONDS = 30000, REAP_LOOKS = 70 };

/* An ended process keeps its pid until init has taken note: a script that looks right after must not see it. */
static void wait_until_reaped(pid_t pid)
{
	for (int i = 0; i < REAP_LOOKS && pid && !kill(pid, 0); i++)
		usleep(LOOK_MICROSECONDS);
}

/* Machines elsewhere take their time. Returns how many are not down. */
static size_t name_machines(const struct target *t, struct buf *names)
{
	struct model m;
	struct err ignored = {0};
	size_t n = 0;
	char *id = session_current(t);
	model_init(&m);
	if (id && !session_read(t, id, &m, &ignored))
		for (size_t i = 0; i < m.worker_count; i++) {
			const struct worker *w = &m.workers[i];
			if (!w->runner || !strcmp(w->runner, "local") || !strcmp(w->state, "down"))
				continue;
			buf_printf(names, "%s%s", n++ ? ", " : "", w->name ? w->name : w->id);
		}
	model_release(&m);
	free(id);
	return n;
}

static int wait_until_gone(const struct target *t, pid_t engine, struct processes *left, struct err *err)
{
	int64_t until = clock_monotonic() + STOP_SECONDS * 1000000LL;
	for (;;) {
		int runs = target_engine_runs(t);
		if (runs && engine)
			processes_below(left, engine);
		processes_drop_ended(left);
		if (!runs && !left->count) {
			wait_until_reaped(engine);
			return 0;
		}
		if (clock_monotonic() > until)
			break;
		usleep(LOOK_MICROSECONDS);
	}
	struct buf names = {0};
	if (target_engine_runs(t) && name_machines(t, &names)) {
		err_set(err, "after %d s these machines are still coming down: %s; the engine sees to it, skydeck workers shows them", STOP_SECONDS,
			buf_str(&names));
		buf_release(&names);
		return -1;
	}
	for (size_t i = 0; i < left->count && i < 8; i++)
		buf_printf(&names, "%s%s (pid %ld)", i ? ", " : "", left->at[i].name, (long)left->at[i].pid);
	err_set(err, "after %d s these are still there: %s; skydeck doctor looks again, kill ends them", STOP_SECONDS,
		names.len ? buf_str(&names) : "the engine, which holds its lock");
	buf_release(&names);
	return -1;
}

int engine_stop(const struct cli *cli, int now, struct err *err)
{
	struct target t = {0};
	struct processes left = {0};
	if (target_find(cli->directory, &t, err) < 0)
		return -1;
	pid_t engine = (pid_t)target_engine_pid(&t);
	if (engine && target_engine_runs(&t))
		processes_below(&left, engine);
	struct json *args = json_object();
	json_put_bool(args, "now", now);
	struct json *result = access_command(cli, "stop", args, err);
	int rc = result ? wait_until_gone(&t, engine, &left, err) : -1;
	json_free(result);
	processes_release(&left);
	target_release(&t);
	return rc;
}

static int stop_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int now = 0;
	const struct cli_option options[] = { { "now", 0, OPTION_FLAG, &now }, {0} };
	if (cli_options(argc, argv, options, 0, 0, err) < 0 || engine_stop(cli, now, err) < 0)
		return -1;
	puts("stopped");
	return EXIT_DONE;
}

const struct cli_command stop_command = {
	.name = "stop",
	.args = "[--now]",
	.help = "end the session; with --now what runs is not waited for",
	.options = "--now\twhat runs is ended at once\n",
	.run = stop_run,
};
