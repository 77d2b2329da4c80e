/* skydeck worker: what a human does with one of them. Most is a message to the engine. A VM that is taken down goes on
 * costing until its provider has confirmed the end, so that `down` watches the journal for it and says what became of the
 * money. `ssh` asks nobody: it becomes `ssh NAME`, since SkyPilot writes an entry of each cluster's name into the user's
 * ~/.ssh/config. */
#include "core/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/cli/access.h"
#include "core/cli/options.h"
#include "core/data/query.h"

enum { DOWN_SECONDS = 60, LOOK_MICROSECONDS = 500000 };

static int is_gone(const struct worker *w)
{
	return !strcmp(w->state, "down") || !strcmp(w->state, "lost");
}

static int is_local(const struct worker *w)
{
	return w->runner && !strcmp(w->runner, "local");
}

static const struct worker *find_worker(const struct model *m, const char *id, struct err *err)
{
	const struct worker *w = model_worker(m, id);
	if (!w)
		err_set(err, "there is no worker %s: skydeck workers lists them", id);
	return w;
}

/* ssh */

/* What SkyPilot allows as a cluster's name; nothing that ssh could take for an option. */
static int is_host(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	return isalnum((unsigned char)*name) && !name[n] && n < 254;
}

static int check_reachable(const struct worker *w, struct err *err)
{
	if (is_local(w))
		return err_refuse(err, "%s is a slot of this machine: there is nothing to log in to", w->id);
	if (is_gone(w))
		return err_refuse(err, "%s is %s%s%s: skydeck worker retry %s brings it back", w->id, w->state, w->reason ? ", " : "",
			or_nothing(w->reason), w->id);
	if (!strcmp(w->state, "starting") && (!w->status || strcmp(w->status, "UP")))
		return err_refuse(err, "%s is not up yet: skydeck workers shows how far it is", w->id);
	if (!w->name || !is_host(w->name))
		return err_refuse(err, "%s has no name that ssh could use: %s", w->id, w->name ? w->name : "none is known yet");
	return 0;
}

static int worker_ssh(const struct cli *cli, int count, char **argv, struct err *err)
{
	struct access a = {0};
	char *name = NULL;
	int rc = access_open(cli, &a, err);
	const struct worker *w = rc ? NULL : find_worker(&a.model, argv[2], err);
	if (w && !check_reachable(w, err))
		name = xstrdup(w->name);
	access_release(&a);
	if (!name)
		return -1;
	static char ssh[] = "ssh";
	argv[1] = ssh;
	argv[2] = name;
	argv[1 + count] = NULL;
	execvp("ssh", argv + 1);	/* a command behind the id goes along */
	if (errno == ENOENT)
		return err_set(err, "there is no ssh in PATH: install an OpenSSH client");
	return err_set(err, "cannot start ssh: %s", strerror(errno));
}

/* down */

static void down_line(const struct worker *w)
{
	double usd = worker_usd(w, clock_wall());
	printf("%s: %s ", w->id, w->name ? w->name : "its VM");
	if (!strcmp(w->state, "down"))
		printf("is down; it cost $%.2f in all\n", usd);
	else if (w->usd_per_hour > 0)
		printf("is told to go down, and costs $%.2f an hour until it has; $%.2f so far. skydeck workers shows when it is gone\n",
			w->usd_per_hour, usd);
	else
		printf("is told to go down; $%.2f so far. skydeck workers shows when it is gone\n", usd);
}

/* Of one that costs nothing there is nothing to wait for. */
static int say_down(const struct cli *cli, const char *id, struct err *err)
{
	int64_t until = clock_monotonic() + DOWN_SECONDS * 1000000LL;
	for (;; usleep(LOOK_MICROSECONDS)) {
		struct access a = {0};
		int rc = access_open(cli, &a, err);
		const struct worker *w = rc ? NULL : find_worker(&a.model, id, err);
		int is_last = !w || is_local(w) || !strcmp(w->state, "down") || !a.engine_runs || clock_monotonic() > until;
		if (is_last && w && is_local(w))
			printf("%s: down\n", id);
		else if (is_last && w)
			down_line(w);
		access_release(&a);
		if (is_last)
			return w ? 0 : -1;
	}
}

static int worker_run_command(const struct cli *cli, int argc, char **argv, struct err *err)
{
	static const char *const actions[] = { "quarantine", "release", "down", "retry", "replace", "ssh" };
	enum { DOWN = 2, SSH = 5, COUNT };
	int count = cli_options(argc, argv, NULL, 2, -1, err), action = 0;
	if (count < 0)
		return -1;
	while (action < COUNT && strcmp(argv[1], actions[action]))
		action++;
	if (action == COUNT)
		return err_code(err, EXIT_USAGE, "worker: the action is quarantine, release, down, retry, replace or ssh, not %s", argv[1]);
	if (action == SSH)
		return worker_ssh(cli, count, argv, err);
	if (count > 2)
		return err_code(err, EXIT_USAGE, "worker %s: one argument is too many: %s", argv[1], argv[3]);
	struct json *args = json_object();
	json_put_string(args, "action", argv[1]);
	json_put_string(args, "worker", argv[2]);
	struct json *result = access_command(cli, "worker", args, err);
	if (!result)
		return -1;
	if (action != DOWN)
		return print_answer(result, 0, "%s: %s", argv[2], argv[1]);
	json_free(result);
	return say_down(cli, argv[2], err);
}

const struct cli_command worker_command = {
	.name = "worker", .args = "quarantine|release|down|retry|replace ID | worker ssh ID [COMMAND...]",
	.help = "take a worker out, let it in again, end it, try it again, have another instead, or log in to it",
	.run = worker_run_command,
};
