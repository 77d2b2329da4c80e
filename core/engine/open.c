/* How a session begins, and begins again. The harness is read from the working tree once, when the session starts, and
 * frozen below the session's folder: whatever happens to the working tree or in a patch, all arms run that one. */
#include "core/engine/open.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/engine/files.h"
#include "core/engine/reading.h"
#include "core/engine/state.h"
#include "core/io/processes.h"
#include "core/research/source.h"

enum { HARNESS_MAX = 16 << 20 };

/* reference: pi-autoresearch's rule. If any .auto/ artefact exists, .auto/ is where everything is. */
static char *default_script(const char *root, const char *modern, const char *legacy)
{
	char *path = xasprintf("%s/.auto", root);
	int is_modern = !access(path, F_OK);
	free(path);
	const char *name = is_modern ? modern : legacy;
	path = xasprintf("%s/%s", root, name);
	int there = !access(path, R_OK);
	free(path);
	return there ? xasprintf("bash %s", name) : NULL;
}

/* Words of a command that are files of the target are the harness. */
static void harness_files(const char *root, const char *command, struct strings *out)
{
	for (const char *p = command; p && *p;) {
		size_t n = strcspn(p, " \t");
		char *word = xstrndup(p, n), *name = word;
		while (!strncmp(name, "./", 2))
			name += 2;
		char *path = xasprintf("%s/%s", root, name);
		struct stat st;
		if (*name && *name != '/' && !strstr(name, "..") && !stat(path, &st) && S_ISREG(st.st_mode) && !strings_have(out, name))
			strings_add(out, name);
		free(path);
		free(word);
		p += n;
		p += strspn(p, " \t");
	}
}

static int find_harness(struct engine *e, struct err *err)
{
	const struct config *c = &e->config;
	const char *root = e->target.root;
	e->measure = c->target_measure ? xstrdup(c->target_measure) : default_script(root, ".auto/measure.sh", "autoresearch.sh");
	e->checks = c->target_checks ? xstrdup(c->target_checks) : default_script(root, ".auto/checks.sh", "autoresearch.checks.sh");
	if (!e->measure)
		return err_set(err, "there is no autoresearch.sh in %s: write a script that prints METRIC name=value lines, name one in target.measure, or run skydeck init", root);
	harness_files(root, e->measure, &e->harness);
	harness_files(root, e->checks, &e->harness);
	return 0;
}

/* Copies the harness below the session's folder and hashes it, names included. */
static int freeze_harness(struct engine *e, const char *id, char hash[GIT_ID], struct err *err)
{
	struct buf all = {0};
	int rc = 0;
	for (size_t i = 0; i < e->harness.count && !rc; i++) {
		char *from = xasprintf("%s/%s", e->target.root, e->harness.at[i]);
		char *name = xasprintf("harness/%s", e->harness.at[i]), *to = session_path(&e->target, id, name);
		rc = file_copy(from, to, err);
		buf_printf(&all, "%s\n", e->harness.at[i]);
		if (!rc && buf_read_file(&all, to, HARNESS_MAX) < 0)
			rc = err_set(err, "%s: %s", to, strerror(errno));
		free(to);
		free(name);
		free(from);
	}
	git_hash(buf_str(&all), all.len, hash);
	buf_release(&all);
	return rc;
}

static int keep_meta(struct engine *e, struct err *err)
{
	struct buf files = {0};
	for (size_t i = 0; i < e->harness.count; i++)
		buf_printf(&files, "%s\n", e->harness.at[i]);
	int rc = journal_put(e->journal, "harness", buf_str(&files), err);
	if (!rc)
		rc = journal_put(e->journal, "measure", e->measure, err);
	if (!rc)
		rc = journal_put(e->journal, "checks", e->checks ? e->checks : "", err);
	buf_release(&files);
	return rc;
}

static void read_meta(struct engine *e)
{
	char *files = journal_get(e->journal, "harness");
	for (char *p = files; p && *p;) {
		size_t n = strcspn(p, "\n");
		char *name = xstrndup(p, n);
		strings_add(&e->harness, name);
		free(name);
		p += n + (p[n] == '\n');
	}
	free(files);
	e->measure = journal_get(e->journal, "measure");
	e->checks = journal_get(e->journal, "checks");
	if (e->checks && !*e->checks) {
		free(e->checks);
		e->checks = NULL;
	}
}

static void name_dirty(struct engine *e)
{
	struct strings dirty = {0};
	struct err ignored = {0};
	if (!git_dirty(e->git, &dirty, &ignored) && dirty.count) {
		fprintf(stderr, "skydeck: uncommitted changes are not part of the session:");
		for (size_t i = 0; i < dirty.count && i < 10; i++) {
			char *safe = text_safe_string(dirty.at[i], strlen(dirty.at[i]), TEXT_LINE);
			fprintf(stderr, " %s", safe);
			free(safe);
		}
		fprintf(stderr, dirty.count > 10 ? " and %zu more\n" : "\n", dirty.count - 10);
	}
	strings_release(&dirty);
}

static const char *runner_name(const struct engine *e)
{
	return e->options.runner ? e->options.runner : config_runner(&e->config);
}

static const char *agent_name(const struct engine *e)
{
	return e->options.agent ? e->options.agent : e->config.session_agent;
}

static int check_names(struct engine *e, struct err *err)
{
	e->runner_ops = runner_find(runner_name(e));
	if (!e->runner_ops)
		return err_set(err, "there is no runner \"%s\": session.runner may be local or sky", runner_name(e));
	const struct config_agent *agent = config_agent_find(&e->config, agent_name(e));
	if (!agent && agent_name(e))
		return err_set(err, "there is no agent \"%s\": add [agent \"%s\"] to %s/config", agent_name(e), agent_name(e), e->target.folder);
	if (agent && !(e->agent_ops = agent_find(agent->kind)))
		return err_set(err, "agent \"%s\" is of kind \"%s\", which this skydeck does not have: api, chat, acp and patches are there", agent->name,
			       agent->kind ? agent->kind : "");
	return 0;
}

/* What the session starts from, stated in one turn. */
static int make_session(struct engine *e, struct err *err)
{
	char head[GIT_ID], hash[GIT_ID];
	char *id = NULL, *folder = NULL, *path = NULL, *branch = NULL;
	int rc = -1;
	if (git_head(e->git, head, err) < 0 || find_harness(e, err) < 0)
		return -1;
	name_dirty(e);
	id = session_new_id(&e->target, clock_wall());
	folder = session_path(&e->target, id, NULL);
	branch = xasprintf("autoresearch/%s", id);
	char *ref = xasprintf("refs/heads/%s", branch);
	if (folder_make(folder, err) < 0 || freeze_harness(e, id, hash, err) < 0)
		goto out;
	path = session_path(&e->target, id, "journal.db");
	e->journal = journal_open(path, err);
	if (!e->journal || keep_meta(e, err) < 0 || git_ref_set(e->git, ref, head, NULL, "skydeck: session starts", err) < 0)
		goto out;
	if (session_make_current(&e->target, id, err) < 0)
		goto out;
	char *safe = text_safe_string(e->target.root, strlen(e->target.root), TEXT_LINE);
	const struct config_agent *agent = config_agent_find(&e->config, agent_name(e));
	engine_emit(e, &(struct event){ .kind = EVENT_SESSION_OPENED, .session = id, .target = safe, .branch = branch,
		.metric = e->config.target_metric, .unit = e->config.target_unit, .direction = e->config.target_direction,
		.harness = hash, .runner = e->runner_ops->name, .agent = agent ? agent->name : NULL,
		.seed = (int64_t)random_fresh_seed() });
	engine_emit(e, &(struct event){ .kind = EVENT_BASELINE_SET, .commit = head });
	free(safe);
	e->is_new = 1;
	rc = 0;
out:
	free(ref);
	free(branch);
	free(path);
	free(folder);
	free(id);
	return rc;
}

static int fold_session(struct engine *e, const char *id, struct err *err)
{
	char *path = session_path(&e->target, id, "journal.db");
	e->journal = journal_open(path, err);
	int rc = e->journal ? session_fold(e->journal, &e->model, err) : -1;
	free(path);
	if (!rc)
		read_meta(e);
	const struct model *m = &e->model;
	if (!rc && m->state != SESSION_NONE && (!m->session || !m->branch || !m->baseline || !e->measure || strcmp(m->session, id)))
		rc = err_set(err, "the journal of session %s is not whole: it does not say where the session began; move %s/current away to start another",
			     id, e->target.folder);
	e->durable = e->model.seq;
	return rc;
}

static void close_folded(struct engine *e)
{
	journal_close(e->journal);
	e->journal = NULL;
	model_release(&e->model);
	model_init(&e->model);
	strings_release(&e->harness);
	free(e->measure);
	free(e->checks);
	e->measure = e->checks = NULL;
}

/* An engine that was killed while bubblewrap set a sandbox up can leave its inner half waiting for the outer one for ever.
 * We hold the lock, so whatever binds a tree of this target is nobody's. */
static void end_strays(const struct engine *e)
{
	struct processes strays = {0};
	char *trees = target_path(&e->target, "sessions/");
	processes_naming(&strays, trees);
	for (size_t i = 0; i < strays.count; i++)
		if (!strcmp(strays.at[i].name, "bwrap"))
			kill(strays.at[i].pid, SIGKILL);
	processes_release(&strays);
	free(trees);
}

int open_session(struct engine *e, struct err *err)
{
	if (target_find(e->options.directory, &e->target, err) < 0)
		return -1;
	config_release(&e->config);
	e->git = git_open(e->target.root, err);
	/* First of all: also where nothing can start, what stands there by then is none of the project's. */
	if (!e->git || git_exclude(e->git, ".skydeck/", err) < 0 || settings_load(&e->target, &e->config, err) < 0)
		return -1;
	char head[GIT_ID];
	if (git_head(e->git, head, err) < 0 || check_names(e, err) < 0)
		return -1;
	e->lock = target_lock(&e->target, err);
	if (e->lock < 0)
		return -1;
	end_strays(e);
	char *id = session_current(&e->target);
	if (id && fold_session(e, id, err) < 0) {
		free(id);
		return -1;
	}
	free(id);
	int is_open = e->model.state == SESSION_OPEN || e->model.state == SESSION_PAUSED;
	if (is_open && e->options.open == ENGINE_NEW)
		return err_refuse(err, "session %s is open: skydeck stop ends it", e->model.session);
	if (is_open || (e->model.state == SESSION_ENDED && e->options.open == ENGINE_JOIN))
		return 0;
	close_folded(e);
	e->durable = 0;
	return make_session(e, err);
}

static void end_runs(struct engine *e, int status, const char *why, int (*is_held)(const struct runner *r, const char *run))
{
	struct model *m = &e->model;
	for (size_t i = 0; i < m->run_count; i++) {
		char run[16];
		if (m->runs[i].status)
			continue;
		snprintf(run, sizeof run, "r%u", m->runs[i].number);
		if (!is_held || !is_held(e->runner, run))
			engine_emit(e, &(struct event){ .kind = EVENT_RUN_ENDED, .run = run, .status = run_status_name((enum run_status)status),
							.seconds = NAN, .reason = why });
	}
}

void open_end_runs(struct engine *e, int status, const char *why)
{
	end_runs(e, status, why, NULL);
}

/* What a former engine left: viewers that are gone, runs and rounds that no process executes any more. A round of a wave
 * on a worker that goes on by itself is the wave's concern, which knows what the runner still holds of it. */
static void recover(struct engine *e)
{
	struct model *m = &e->model;
	int goes_on = e->runner && e->runner_ops->has;
	for (size_t i = m->viewer_count; i-- > 0;)
		engine_emit(e, &(struct event){ .kind = EVENT_VIEWER_LEFT, .viewer = m->viewers[i].id });
	end_runs(e, RUN_LOST, "the engine ended", goes_on ? e->runner_ops->has : NULL);
	for (size_t i = 0; i < m->worker_count; i++)
		if (m->workers[i].round && (!goes_on || !m->workers[i].round_wave))
			engine_emit(e, &(struct event){ .kind = EVENT_ROUND_VOIDED, .round = m->workers[i].round, .worker = m->workers[i].id,
							.wave = m->workers[i].round_wave, .reason = "the engine ended" });
}

static void state_settings(struct engine *e)
{
	const struct config *c = &e->config;
	double limit = e->options.budget >= 0 ? e->options.budget : c->session_budget;
	const struct model *m = &e->model;
	const char *notice = e->runner ? e->runner_ops->caution(e->runner) : m->notice;
	int same = m->wave_size == (unsigned)c->session_wave && m->window == c->session_vetowindow && m->limit_usd == limit && m->hours == c->session_hours &&
		   !strcmp(notice ? notice : "", m->notice ? m->notice : "") && !e->is_new;
	if (!same)
		engine_emit(e, &(struct event){ .kind = EVENT_SETTINGS, .size = c->session_wave, .window = c->session_vetowindow,
						.limit_usd = limit, .hours = c->session_hours, .text = notice });
}

static int state_autonomy(struct engine *e, struct err *err)
{
	const char *wanted = e->options.autonomy ? e->options.autonomy : e->is_new ? e->config.session_autonomy : NULL;
	enum autonomy a;
	if (!wanted)
		return 0;
	if (autonomy_parse(wanted, &a) < 0)
		return err_code(err, EXIT_USAGE, "autonomy is manual, wave or auto, not \"%s\"", wanted);
	if (e->is_new || a != e->model.autonomy)
		engine_emit(e, &(struct event){ .kind = EVENT_AUTONOMY_SET, .autonomy = wanted });
	return 0;
}

static void state_source(void *data, const struct finding *f)
{
	reading_found(data, NULL, f, f->reason, NULL);
}

static void list_sources(struct engine *e)
{
	for (size_t i = 0; i < e->config.source_count; i++) {
		const struct config_source *s = &e->config.sources[i];
		const struct source_ops *ops = source_find(s->kind);
		struct err err = {0};
		if (!ops)
			engine_alert(e, "source \"%s\" is of kind \"%s\", which this skydeck does not have", s->name, s->kind ? s->kind : "");
		else if (ops->list(s, e->target.root, state_source, e, &err) < 0)
			engine_alert(e, "%s", err.text);
	}
}

static void apply_limits(struct engine *e)
{
	if (e->options.hours >= 0)
		e->config.session_hours = e->options.hours;
	if (e->options.experiments >= 0)
		e->config.session_experiments = e->options.experiments;
	e->rule = rule_of((enum rule_mode)(rule_mode_find(e->config.judge_mode) < 0 ? 0 : rule_mode_find(e->config.judge_mode)));
	e->rule.effect_min = e->config.judge_mineffect;
	e->rule.horizon = (size_t)(e->config.judge_horizon > 0 ? e->config.judge_horizon : 1);
}

static void number_from_model(struct engine *e)
{
	e->next_run = e->model.run_count ? e->model.runs[e->model.run_count - 1].number + 1 : 1;
	e->next_proposal = 1;
	for (size_t i = 0; i < e->model.proposal_count; i++) {	/* numbers were left out where a patch was not submitted after all */
		unsigned number;
		if (sscanf(e->model.proposals[i].id, "p%9u", &number) == 1 && number >= e->next_proposal)
			e->next_proposal = number + 1;
	}
}

static int open_runner(struct engine *e, struct err *err)
{
	free(e->folder);
	e->folder = engine_path(e, NULL);
	struct runner_setup setup = {
		.loop = e->loop, .config = &e->config, .root = e->target.root, .folder = e->folder, .metric = e->model.metric, .session = e->model.session,
		.measure = e->measure, .checks = e->checks, .listener = steps_listener(), .data = e,
	};
	e->runner = e->runner_ops->open(&setup, err);
	return e->runner ? 0 : -1;
}

/* Whatever still costs is taken down; where that cannot even be tried, it is said. */
void open_for_closing(struct engine *e)
{
	struct err why = {0};
	size_t left = 0;
	for (size_t i = 0; i < e->model.worker_count; i++)
		left += strcmp(e->model.workers[i].state, "down") != 0;
	if (left && !e->runner && e->runner_ops->costs_money && open_runner(e, &why) < 0)
		engine_alert(e, "VMs of this session may still run and cost money, and cannot be taken down: %s; skydeck doctor --down tries again", why.text);
}

/* The session has ended. What cost money and did not come down before its engine was gone comes down now. */
static void close_former(struct engine *e)
{
	recover(e);
	open_for_closing(e);
	if (e->runner)
		pool_close(e);
}

/* A session stays with the runner that it began with: its workers are that one's, and may cost. */
static int keep_runner(struct engine *e, struct err *err)
{
	const struct runner_ops *own = e->model.runner ? runner_find(e->model.runner) : NULL;
	if (own && own != e->runner_ops && e->options.runner && e->model.state != SESSION_ENDED)
		return err_refuse(err, "session %s runs on %s: skydeck stop ends it, and then another can run on %s", e->model.session, own->name,
				  e->options.runner);
	if (own)
		e->runner_ops = own;
	return 0;
}

int open_started(struct engine *e, struct err *err)
{
	if (keep_runner(e, err) < 0)
		return -1;
	apply_limits(e);
	number_from_model(e);
	e->git_thread = worker_thread_new(e->loop);
	if (e->model.state == SESSION_ENDED) {
		close_former(e);
		return 0;
	}
	landing_recover(e);
	struct err problem = {0};
	int rc = open_work(e, &problem);
	state_settings(e);
	if (state_autonomy(e, err) < 0)
		return -1;
	if (reading_open(e, err) < 0)
		return -1;
	if (e->is_new) {
		char *warning = settings_came_along(e->git);
		if (warning)
			engine_alert(e, "%s", warning);
		free(warning);
		list_sources(e);
	}
	if (rc < 0) {
		if (e->options.end_with_session) {
			*err = problem;
			return -1;
		}
		engine_alert(e, "%s", problem.text);
		engine_pause(e, problem.text);
	}
	return 0;
}

/* agent */

static int open_agent(struct engine *e, struct err *err)
{
	const struct config_agent *agent = config_agent_find(&e->config, agent_name(e));
	if (!agent && e->config.agent_count > 1)
		engine_alert(e, "%zu agents are configured and none is chosen, so that nobody proposes: set session.agent to one's name", e->config.agent_count);
	if (!agent) {
		turns_open(e);	/* what a former engine's left open is closed */
		return 0;
	}
	e->agent_finished = e->agent_failed = 0;
	if (!e->model.agent || strcmp(e->model.agent, agent->name))	/* configured since the session began */
		engine_emit(e, &(struct event){ .kind = EVENT_AGENT_CHANGED, .agent = agent->name, .state = "chosen", .text = "it proposes from now on" });
	struct agent_setup setup = { .loop = e->loop, .config = agent, .root = e->target.root, .folder = e->folder, .listener = turns_listener(), .data = e };
	struct buf socket = {0};
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	program[len > 0 ? len : 0] = '\0';
	if (e->server)
		link_tools_path(server_path(e->server), &socket);
	setup.program = program;
	setup.tools_socket = socket.len ? buf_str(&socket) : NULL;
	e->agent = e->agent_ops->open(&setup, err);
	buf_release(&socket);
	turns_open(e);
	return e->agent ? 0 : -1;
}

int open_work(struct engine *e, struct err *err)
{
	if (e->model.state == SESSION_ENDED)
		return 0;
	int rc = open_runner(e, err);
	recover(e);
	if (rc)
		return -1;
	pool_start(e);
	return open_agent(e, err);
}

void open_close_agent(struct engine *e)
{
	turns_close(e);
	reading_close(e);
	if (e->agent)
		e->agent_ops->close(e->agent);
	e->agent = NULL;
}

void open_close_work(struct engine *e)
{
	open_close_agent(e);
	if (e->runner)
		e->runner_ops->close(e->runner);
	e->runner = NULL;
	e->is_closing = 0;
	arms_drop(e, NULL);
	steps_clear(e);
}
