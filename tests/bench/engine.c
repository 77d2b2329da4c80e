/* engine JOURNAL EVENTS BASE PATCH: states facts by the engine's own engine_emit (print, append, parse, fold, hold for
 * the viewers) in bursts of 500, a commit each, until the journal holds EVENTS of them, and prints for each 10,000 of
 * them how many a second it took.
 *
 * The facts are those of a session that goes on and on: proposals, builds, checks, rounds in random order, evidence,
 * verdicts, a landing now and then. A journal that an engine began is taken up where it stands, so the same program
 * makes the long session on which restart and reading are timed. BASE and PATCH are commits of its target, so that
 * what a cockpit asks about the proposals can be answered. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/random.h"
#include "core/engine/state.h"	/* engine_emit itself is what is timed */

enum { BURST = 500, SAMPLE = 10000, ARMS = 5, SOURCES = 12 };

struct story {
	struct engine engine;
	struct random random;
	const char *base, *patch;	/* commits */
	uint64_t wanted;		/* events */
	uint64_t in_burst, in_sample;
	int64_t began;			/* of the sample */
	unsigned wave, run;
	char arms[ARMS][16];		/* "base", then the wave's proposals */
};

/* The engine around engine_emit: a turn ends as in core/engine/engine.c, and nobody attaches. */

static void no_viewer_joined(void *data, const char *viewer, const char *role)
{
	(void)data, (void)viewer, (void)role;
}

static void no_viewer_left(void *data, const char *viewer)
{
	(void)data, (void)viewer;
}

static void no_command(void *data, struct request *request, const char *by, const char *name, const struct json *args)
{
	(void)data, (void)request, (void)by, (void)name, (void)args;
}

static void no_query(void *data, struct request *request, const char *name, const struct json *args)
{
	(void)data, (void)request, (void)name, (void)args;
}

static uint64_t no_history(void *data, uint64_t since, size_t most, struct buf *out)
{
	(void)data, (void)most, (void)out;
	return since;
}

static uint64_t newest(void *data)
{
	const struct engine *e = data;
	return e->durable;
}

static const struct server_handler handler = {
	.joined = no_viewer_joined, .left = no_viewer_left, .command = no_command, .query = no_query,
			.history = no_history, .newest = newest,
};

static void die(const struct err *err)
{
	fprintf(stderr, "bench: %s\n", err->text);
	exit(1);
}

static void end_turn(struct story *s)
{
	struct engine *e = &s->engine;
	if (e->broken || journal_commit(e->journal, &e->why_broken) < 0)
		die(&e->why_broken);
	e->durable = e->model.seq;
	server_release(e->server, NULL);
	s->in_burst = 0;
}

static void end_sample(struct story *s)
{
	printf("%.0f\n", (double)s->in_sample * 1e6 / (double)(clock_monotonic() - s->began));
	s->in_sample = 0;
	s->began = clock_monotonic();
}

static void emit(struct story *s, struct event ev)
{
	engine_emit(&s->engine, &ev);
	s->in_sample++;
	if (++s->in_burst == BURST)
		end_turn(s);
	if (s->in_sample == SAMPLE)
		end_sample(s);
}

static int is_over(const struct story *s)
{
	return s->engine.model.seq >= s->wanted;
}

/* The session */

static double some(struct story *s, double low, double high)
{
	return low + (high - low) * (double)random_below(&s->random, 1000000) / 1e6;
}

static void begin(struct story *s)
{
	if (s->engine.model.seq)
		return;
	emit(s, (struct event){ .kind = EVENT_SESSION_OPENED, .session = "2026-11-21-kernels",
		.target = "/home/ada/kernels", .branch = "autoresearch/2026-11-21-kernels", .metric = "tg_tps",
		.direction = "higher", .harness = s->base, .runner = "local", .agent = "patches", .seed = 42 });
	emit(s, (struct event){ .kind = EVENT_BASELINE_SET, .commit = s->base });
	emit(s, (struct event){ .kind = EVENT_WORKER_CHANGED, .worker = "w1", .runner = "local", .name = "CPU 1",
		.state = "ready", .noise_percent = 0.8, .usd_per_hour = NAN });
}

static void read_sources(struct story *s)
{
	for (unsigned i = 1; i <= SOURCES; i++) {
		char id[16], key[32];
		snprintf(id, sizeof id, "s%u", i);
		snprintf(key, sizeof key, "arXiv:2505.%05u", i);
		emit(s, (struct event){ .kind = EVENT_SOURCE_ADDED, .source = id, .type = "paper",
			.title = "Operator fusion for inference on CPUs", .id = key,
			.url = "https://arxiv.org/abs/2505.07829", .authors = "Zhang, Huang, Li",
			.text = "Passes over a tile that could be one." });
		emit(s, (struct event){ .kind = EVENT_SOURCE_CHANGED, .source = id, .status = "read" });
	}
}

static void propose(struct story *s)
{
	char source[16] = "s1", *at = source;
	struct strings sources = { &at, 1, 1 };
	for (int i = 1; i < ARMS; i++) {
		snprintf(s->arms[i], sizeof s->arms[i], "p%zu", s->engine.model.proposal_count + 1);
		snprintf(source, sizeof source, "s%u", 1 + (unsigned)random_below(&s->random, SOURCES));
		emit(s, (struct event){ .kind = EVENT_PROPOSAL_SUBMITTED, .by = "agent patches",
			.proposal = s->arms[i], .rev = 1, .commit = s->patch,
			.title = "softmax in one pass: copy, scale and mask together", .sources = sources,
			.agent = "patches", .author = "Ada", .origin = "0007-softmax.patch 5b1f0c",
			.baseline = s->base, .files = 1, .added = 1, .removed = 1 });
		emit(s, (struct event){ .kind = EVENT_APPROVED, .by = "user ada", .proposal = s->arms[i], .rev = 1 });
	}
}

static double run(struct story *s, const char *arm, const char *step, unsigned round)
{
	double value = some(s, 40, 50);
	int is_measured = !strcmp(step, "measure");
	char id[16], file[32];
	struct metric metric[] = { { xstrdup("tg_tps"), &value, 1, 1 }, { xstrdup("pp_tps"), &value, 1, 1 } };
	snprintf(id, sizeof id, "r%u", ++s->run);
	snprintf(file, sizeof file, "logs/%s.log", id);
	emit(s, (struct event){ .kind = EVENT_RUN_STARTED, .run = id, .worker = "w1", .arm = arm, .rev = 1,
		.step = step, .round = round, .wave = s->wave, .layout = 1 });
	emit(s, (struct event){ .kind = EVENT_RUN_ENDED, .run = id, .status = "ok", .seconds = some(s, 0.3, 0.5),
		.metrics = { metric, is_measured ? 2 : 0, 2 }, .artifact = is_measured ? NULL : s->patch,
		.log = { file, 18812, 211 } });
	free(metric[0].name);
	free(metric[1].name);
	return value;
}

static void play_round(struct story *s, unsigned round)
{
	double value[ARMS];
	emit(s, (struct event){ .kind = EVENT_ROUND_STARTED, .round = round, .worker = "w1", .wave = s->wave,
		.phase = 1, .order = "p3 base p1 p4 p2" });
	for (int i = 0; i < ARMS; i++)
		value[i] = run(s, s->arms[i], "measure", round);
	if (random_below(&s->random, 20) == 0) {
		emit(s, (struct event){ .kind = EVENT_ROUND_VOIDED, .round = round, .worker = "w1", .wave = s->wave,
			.reason = "p3 took 4 times as long as before" });
		return;
	}
	for (int i = 1; i < ARMS; i++)
		emit(s, (struct event){ .kind = EVENT_EVIDENCE, .proposal = s->arms[i], .worker = "w1",
			.round = round, .phase = 1, .ratio = log(value[i] / value[0]), .value = value[i],
			.base_value = value[0], .pairs = round, .evidence = some(s, 0.1, 90), .needed = 400,
			.change_percent = some(s, -2, 3), .low = some(s, -3, 0), .high = some(s, 1, 4) });
}

static void decide(struct story *s)
{
	char worker[] = "w1", *at = worker;
	for (int i = 1; i < ARMS; i++)
		emit(s, (struct event){ .kind = EVENT_VERDICT, .proposal = s->arms[i], .rev = 1,
			.verdict = i == 2 ? "keep" : "reject", .pairs = 12, .change_percent = some(s, -2, 3),
			.low = some(s, -3, 0), .high = some(s, 1, 4), .shrunk_percent = some(s, 0, 1),
			.evidence = i == 2 ? 480 : 0.7, .needed = 400, .workers = { &at, 1, 1 },
			.baseline = s->base });
	emit(s, (struct event){ .kind = EVENT_WAVE_ENDED, .wave = s->wave });
	emit(s, (struct event){ .kind = EVENT_SIGNED, .by = "user ada", .proposal = s->arms[2], .rev = 1 });
	emit(s, (struct event){ .kind = EVENT_LANDED, .proposal = s->arms[2], .commit = s->base,
		.branch = "autoresearch/2026-11-21-kernels" });
	emit(s, (struct event){ .kind = EVENT_BASELINE_SET, .commit = s->base });
}

static void play_wave(struct story *s)
{
	char *proposals[] = { s->arms[1], s->arms[2], s->arms[3], s->arms[4] };
	s->wave++;
	propose(s);
	emit(s, (struct event){ .kind = EVENT_WAVE_STARTED, .wave = s->wave, .baseline = s->base,
		.proposals = { proposals, ARMS - 1, ARMS - 1 }, .seed = (int64_t)random_mix(42, s->wave),
		.alpha = 0.0025 });
	for (int i = 0; i < ARMS; i++)
		run(s, s->arms[i], "build", 0);
	for (int i = 0; i < ARMS; i++)
		run(s, s->arms[i], "checks", 0);
	emit(s, (struct event){ .kind = EVENT_PHASE_STARTED, .wave = s->wave, .phase = 1, .worker = "w1",
		.layout = 1 });
	unsigned rounds = 3 + (unsigned)random_below(&s->random, 20);
	for (unsigned round = 1; round <= rounds; round++)
		play_round(s, round);
	decide(s);
}

static void open_engine(struct story *s, const char *path)
{
	struct engine *e = &s->engine;
	struct err err = {0};
	char *socket = xasprintf("%s-socket/bench.sock", path);
	model_init(&e->model);
	e->loop = loop_new();
	e->journal = journal_open(path, &err);
	if (!e->journal || session_fold(e->journal, &e->model, &err) < 0)
		die(&err);
	e->durable = e->model.seq;
	e->server = server_new(e->loop, socket, &handler, e, &err);
	if (!e->server)
		die(&err);
	s->wave = e->model.wave_count ? e->model.waves[e->model.wave_count - 1].number : 0;
	s->run = e->model.run_count ? e->model.runs[e->model.run_count - 1].number : 0;
	free(socket);
}

static void close_engine(struct story *s, const char *path)
{
	struct engine *e = &s->engine;
	char *folder = xasprintf("%s-socket", path);
	server_free(e->server);
	journal_close(e->journal);
	model_release(&e->model);
	buf_release(&e->line);
	loop_free(e->loop);
	rmdir(folder);
	free(folder);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: engine JOURNAL EVENTS BASE PATCH\n");
		return 2;
	}
	struct story s = { .base = argv[3], .patch = argv[4], .wanted = strtoull(argv[2], NULL, 10),
			.arms = { "base" } };
	random_seed(&s.random, 1);
	open_engine(&s, argv[1]);
	s.began = clock_monotonic();
	begin(&s);
	if (!s.engine.model.source_count)
		read_sources(&s);
	while (!is_over(&s))
		play_wave(&s);
	end_turn(&s);
	close_engine(&s, argv[1]);
	return 0;
}
