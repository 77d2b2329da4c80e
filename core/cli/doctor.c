/* skydeck doctor: what is there, what is missing, what was left running, and what to do about each. Every check is a
 * function that adds findings and never fails itself: where one thing is broken the others are still looked at. */
#include "core/cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/cli/access.h"
#include "core/cli/agents.h"
#include "core/cli/finding.h"
#include "core/cli/options.h"
#include "core/cli/table.h"
#include "core/cli/vms.h"
#include "core/data/config.h"
#include "core/io/child.h"
#include "core/io/git.h"
#include "core/io/processes.h"
#include "core/link/socket.h"

enum { PROBE_SECONDS = 10, MEBIBYTE = 1 << 20, DISK_ERROR = 100, DISK_WARNING = 1024 };

static const char *const state_names[] = { "ok", "warning", "error" };

struct doctor {
	struct findings findings;
	size_t printed;
	struct target target;
	int has_target, has_config;
	struct config config;
	struct strings noted, up;	/* clusters that may run, and those that do */
};

void findings_add(struct findings *f, const char *what, enum finding_state state, const char *text, const char *remedy)
{
	struct finding *finding = array_add(&f->at, &f->count, &f->room, sizeof *finding);
	*finding = (struct finding){ what, state, text_safe_string(text, strlen(text), TEXT_LINE), xstrdup(remedy) };
}

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->at[i].text);
		free(f->at[i].remedy);
	}
	free(f->at);
	*f = (struct findings){0};
}

static void add(struct doctor *d, const char *what, enum finding_state state, const char *text, const char *remedy)
{
	findings_add(&d->findings, what, state, text, remedy);
}

/* Runs a program for what it says and how it ends; -1: it could not start. Output's first line is added to line. */
static int probe(const char *const *argv, struct buf *line)
{
	struct child_options options = { .argv = argv, .timeout = (int64_t)PROBE_SECONDS * 1000000 };
	struct child_result result = {0};
	struct err err = {0};
	struct buf output = {0};
	int rc = child_run(&options, &output, &result, &err);
	if (rc)
		buf_puts(line, err.text);
	else
		buf_add(line, buf_str(&output), strcspn(buf_str(&output), "\n"));
	buf_release(&output);
	return rc ? -1 : result.exited ? result.status : 128 + result.status;
}

static void check_compiler(struct doctor *d)
{
	const char *const argv[] = { "cc", "--version", NULL };
	struct buf line = {0};
	if (probe(argv, &line))
		add(d, "compiler", FINDING_WARNING, "there is no working cc: the demo and most builds need one",
		    "install gcc or clang");
	else
		add(d, "compiler", FINDING_OK, buf_str(&line), NULL);
	buf_release(&line);
}

static void check_sandbox(struct doctor *d)
{
	static const char off_text[] = "the sandbox is off: patches run with all your rights";
	static const char off_remedy[] = "install bubblewrap, and remove sandbox = false from [runner \"local\"]";
	static const char remedy[] = "install bubblewrap and let users make namespaces (sysctl "
				     "kernel.unprivileged_userns_clone=1), or, trusting every patch, set sandbox = false "
				     "in [runner \"local\"]";
	const char *const argv[] = { "bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc",
				     "/proc", "true", NULL };
	struct buf line = {0};
	int code = probe(argv, &line);
	if (d->has_config && !d->config.local_sandbox)
		add(d, "sandbox", FINDING_WARNING, off_text, off_remedy);
	else if (!code)
		add(d, "sandbox", FINDING_OK, "bubblewrap works", NULL);
	else
		add(d, "sandbox", FINDING_ERROR, line.len ? buf_str(&line) : "bubblewrap (bwrap) does not work", remedy);
	buf_release(&line);
}

static void check_repository(struct doctor *d, const char *directory)
{
	struct err err = {0};
	char head[GIT_ID];
	if (target_find(directory, &d->target, &err) < 0) {
		add(d, "repository", FINDING_ERROR, err.text, NULL);	/* which says what to do */
		return;
	}
	d->has_target = 1;
	struct git *git = git_open(d->target.root, &err);
	if (!git || git_head(git, head, &err) < 0) {
		add(d, "repository", FINDING_ERROR, err.text, "commit once: a session starts from HEAD");
	} else {
		char *text = xasprintf("%s, HEAD is %.10s", d->target.root, head);
		struct strings dirty = {0};
		int is_dirty = !git_dirty(git, &dirty, &err) && dirty.count;
		add(d, "repository", FINDING_OK, text, NULL);
		if (is_dirty)
			add(d, "changes", FINDING_WARNING, "uncommitted changes to tracked files are not in a session",
			    "commit them first, if they matter");
		char *warning = settings_came_along(git);
		if (warning)
			add(d, "config", FINDING_WARNING, warning, "git rm -r --cached .skydeck");
		free(warning);
		strings_release(&dirty);
		free(text);
	}
	git_close(git);
}

static void check_config(struct doctor *d)
{
	struct err err = {0};
	if (!d->has_target)
		return;
	d->has_config = !settings_load(&d->target, &d->config, &err);
	if (!d->has_config)
		add(d, "config", FINDING_ERROR, err.text, "skydeck help config lists what is allowed");
	else
		add(d, "config", FINDING_OK, "the settings can be read", NULL);
	if (d->has_config && !d->config.agent_count)
		add(d, "agent", FINDING_WARNING, "no agent is configured: only you propose",
		    "for one that does add [agent \"NAME\"] to .skydeck/config: skydeck help config");
}

/* A script of the harness, by the names that count; the text of a configured command is not taken apart. */
static void check_script(struct doctor *d, const char *what, const char *command, const char *modern,
			 const char *legacy, enum finding_state missing)
{
	char *folder = xasprintf("%s/.auto", d->target.root);
	const char *name = !access(folder, F_OK) ? modern : legacy;
	char *path = xasprintf("%s/%s", d->target.root, name), *text;
	if (command)
		text = xasprintf("the command is %s", command);
	else
		text = xasprintf(access(path, R_OK) ? "there is no %s" : "%s is there", name);
	int there = command || !access(path, R_OK);
	add(d, what, there ? FINDING_OK : missing, text, there ? NULL : "skydeck init writes one to fill in");
	free(text);
	free(path);
	free(folder);
}

static void check_harness(struct doctor *d)
{
	if (!d->has_target)
		return;
	const struct config *c = d->has_config ? &d->config : NULL;
	check_script(d, "measure", c ? c->target_measure : NULL, ".auto/measure.sh", "autoresearch.sh", FINDING_ERROR);
	check_script(d, "checks", c ? c->target_checks : NULL, ".auto/checks.sh", "autoresearch.checks.sh",
		FINDING_WARNING);
}

static void check_disk(struct doctor *d)
{
	struct statvfs s;
	if (!d->has_target || statvfs(d->target.root, &s))
		return;
	unsigned long long free_mib = (unsigned long long)s.f_bavail * s.f_frsize / MEBIBYTE;
	enum finding_state state = free_mib < DISK_ERROR ? FINDING_ERROR
				 : free_mib < DISK_WARNING ? FINDING_WARNING : FINDING_OK;
	char *text = xasprintf("%llu MiB are free for journals, logs and trees", free_mib);
	add(d, "disk", state, text, state ? "make room, or remove old folders below .skydeck/sessions" : NULL);
	free(text);
}

static void check_session(struct doctor *d)
{
	struct model m;
	struct err err = {0};
	char *id = d->has_target ? session_current(&d->target) : NULL;
	if (!id)
		return;
	model_init(&m);
	if (session_read(&d->target, id, &m, &err) < 0)
		add(d, "session", FINDING_ERROR, err.text,
		    "use the skydeck that wrote it; .skydeck/current names the session");
	else if (m.unknown)
		add(d, "session", FINDING_WARNING, "a newer skydeck wrote events that this one does not know",
		    "use the newer one");
	else
		add(d, "session", FINDING_OK, id, NULL);
	model_release(&m);
	free(id);
}

static int somebody_listens(const char *path)
{
	struct err ignored = {0};
	int fd = socket_connect(path, &ignored);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void check_engine(struct doctor *d)
{
	if (!d->has_target)
		return;
	struct buf path = {0};
	target_socket(&d->target, &path);
	int runs = target_engine_runs(&d->target), listens = somebody_listens(buf_str(&path));
	char *note = target_path(&d->target, "engine"), *text = NULL;
	long pid = target_engine_pid(&d->target);
	if (runs && listens) {
		text = xasprintf("one runs, pid %ld", pid);
		add(d, "engine", FINDING_OK, text, NULL);
	} else if (runs) {
		text = xasprintf("one runs (pid %ld), but nobody answers at %s", pid, buf_str(&path));
		add(d, "engine", FINDING_ERROR, text,
		    "look into .skydeck/engine.log; kill the process, skydeck takes the session up again");
	} else if (!access(note, F_OK)) {
		text = xasprintf("pid %ld ended without closing its session", pid);
		add(d, "engine", FINDING_WARNING, text,
		    "skydeck, skydeck run or skydeck serve takes the session up where it was");
	} else {
		add(d, "engine", FINDING_OK, "none runs", NULL);
	}
	free(text);
	free(note);
	buf_release(&path);
}

/* What works in the trees of a target belongs to its engine; with none it belongs to nobody. */
static void check_leftovers(struct doctor *d)
{
	struct processes left = {0};
	if (!d->has_target || target_engine_runs(&d->target))
		return;
	char *trees = target_path(&d->target, "sessions/");
	processes_naming(&left, trees);
	for (size_t i = 0; i < left.count; i++) {
		char *text = xasprintf("%s (pid %ld) still works in a tree, and no engine runs", left.at[i].name,
			(long)left.at[i].pid);
		/* a sandbox alone is what a kill can leave behind: the next engine ends it */
		int is_sandbox = !strcmp(left.at[i].name, "bwrap");
		char *remedy = xasprintf(is_sandbox ? "the next engine ends it; or kill %ld" : "kill %ld", (long)left.at[i].pid);
		add(d, "left running", is_sandbox ? FINDING_WARNING : FINDING_ERROR, text, remedy);
		free(remedy);
		free(text);
	}
	free(trees);
	processes_release(&left);
}

/* VMs cost whether an engine runs or not, and whatever the config says by now: what was noted is asked for in any case. */
static void check_vms(struct doctor *d)
{
	const struct config *c = &d->config;
	if (!d->has_target)
		return;
	vms_noted(&d->target, &d->noted, &d->findings);
	if ((d->has_config && !strcmp(config_runner(c), "sky")) || d->noted.count)
		vms_look(&d->noted, target_engine_runs(&d->target), &d->up, &d->findings);
}

/* Those that are known to run, or, where nobody could tell, all that may. The lock keeps an engine from starting and taking
 * them up meanwhile. */
static int take_down(struct doctor *d, struct err *err)
{
	if (!d->has_target)
		return 0;
	if (target_engine_runs(&d->target))
		return err_refuse(err, "an engine runs (pid %ld) and looks after its VMs: skydeck worker down ID ends one, skydeck stop all",
			target_engine_pid(&d->target));
	if (!d->noted.count)
		return 0;
	int lock = target_lock(&d->target, err);
	if (lock < 0)
		return -1;
	vms_down(&d->target, &d->noted, &d->findings);
	close(lock);
	return 0;
}

static struct json *finding_json(const struct finding *f)
{
	struct json *object = json_object();
	json_put_string(object, "what", f->what);
	json_put_string(object, "state", state_names[f->state]);
	json_put_string(object, "text", f->text);
	json_put_string(object, "remedy", f->remedy);
	return object;
}

/* Those that were not printed yet. */
static void print_findings(struct doctor *d, int as_json)
{
	struct json *array = json_array();
	struct table t = { .columns = 3 };
	struct buf out = {0};
	for (; d->printed < d->findings.count; d->printed++) {
		const struct finding *f = &d->findings.at[d->printed];
		json_append(array, finding_json(f));
		table_cell(&t, "%-7s", state_names[f->state]);	/* as wide as they get: what comes later is below what came first */
		table_cell(&t, "%-12s", f->what);
		table_cell(&t, "%s%s%s", f->text, f->remedy ? ": " : "", or_nothing(f->remedy));
	}
	table_print(&t, &out);
	if (as_json) {
		buf_release(&out);
		print_json(array);
	} else {
		json_free(array);
		print_text(&out);
	}
}

/* SkyPilot takes its time: what is known is shown before. */
static void show_so_far(struct doctor *d, int as_json)
{
	if (as_json)
		return;
	print_findings(d, 0);
	fflush(stdout);
}

/* What `--down` has ended is no error any more. */
static size_t count_errors(const struct doctor *d, int went_down)
{
	size_t errors = 0;
	for (size_t i = 0; i < d->findings.count; i++)
		errors += d->findings.at[i].state == FINDING_ERROR && !(went_down && !strcmp(d->findings.at[i].what, "VMs"));
	return errors;
}

static void doctor_release(struct doctor *d)
{
	findings_release(&d->findings);
	strings_release(&d->noted);
	strings_release(&d->up);
	target_release(&d->target);
	config_release(&d->config);
}

static int doctor_run(const struct cli *cli, int argc, char **argv, struct err *err)
{
	int as_json = 0, down = 0, rc = 0;
	const struct cli_option options[] = { { "json", 0, OPTION_FLAG, &as_json }, { "down", 0, OPTION_FLAG, &down }, {0} };
	struct doctor d = {0};
	if (cli_options(argc, argv, options, 0, 0, err) < 0)
		return -1;
	check_repository(&d, cli->directory);
	check_config(&d);
	check_harness(&d);
	check_compiler(&d);
	check_sandbox(&d);
	agents_check(&d.findings, d.has_config ? &d.config : NULL);
	check_disk(&d);
	check_session(&d);
	check_engine(&d);
	check_leftovers(&d);
	show_so_far(&d, as_json);
	check_vms(&d);
	if (down) {
		show_so_far(&d, as_json);
		rc = take_down(&d, err);
	}
	print_findings(&d, as_json);
	size_t errors = count_errors(&d, down && !rc);
	doctor_release(&d);
	if (rc)
		return rc;
	return errors ? err_set(err, "%zu of these must be put right first", errors) : EXIT_DONE;
}

const struct cli_command doctor_command = {
	.name = "doctor",
	.args = "[--json] [--down]",
	.help = "what is installed, reachable, left running and costing money, and what to do about it; --down ends VMs that were left",
	.options = CLI_JSON_OPTION
		   "--down\ttake down the VMs that were left running\n",
	.run = doctor_run,
};
