/* stream DIR VMS LINES: in place of an engine for the target in DIR, a session whose VMs print so many lines a second
 * each, told as an engine tells of them: the events of rounds that go on and on, the newest line of each log ten times a
 * second, and the ends of the logs when a cockpit asks. So the cockpit alone is measured, with no SkyPilot and no VM.
 * Prints "ready" when it listens, and ends when it is killed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/random.h"
#include "core/data/event.h"
#include "core/engine/target.h"
#include "core/link/server.h"

enum { VMS_MOST = 64, KEPT = 64, TURN = 50000, ROUND = 9, SECOND = 1000000 };	/* microseconds; seconds a run takes */

struct vm {
	char id[8], run[16], arm[8];
	uint64_t lines, bytes;
	char *kept[KEPT];		/* the newest, by number */
	unsigned round;
	int is_base;
	int64_t began;
};

struct stream {
	struct loop *loop;
	struct server *server;
	struct random random;
	struct vm vms[VMS_MOST];
	size_t count;
	double rate;
	unsigned run;
	struct strings journal;
	int64_t began;
	uint64_t due;			/* lines that each VM has printed by now */
};

static void state(struct stream *s, struct event ev)
{
	struct buf line = {0};
	ev.seq = s->journal.count + 1;
	ev.time = clock_wall();
	ev.by = "engine";
	event_print(&ev, &line);
	strings_add(&s->journal, buf_str(&line));
	server_event(s->server, ev.seq, buf_str(&line), line.len);
	buf_release(&line);
}

/* What the server asks */

static void joined(void *data, const char *viewer, const char *role)
{
	(void)data, (void)viewer, (void)role;
}

static void left(void *data, const char *viewer)
{
	(void)data, (void)viewer;
}

static void command(void *data, struct request *request, const char *by, const char *name, const struct json *args)
{
	struct err err = {0};
	(void)data, (void)by, (void)name, (void)args;
	err_set(&err, "nothing can be commanded here");
	server_refuse(request, &err);
}

static struct json *end_of(const struct vm *v, uint64_t wanted)
{
	struct json *one = json_object(), *lines = json_array();
	uint64_t n = v->lines < wanted ? v->lines : wanted < KEPT ? wanted : KEPT;
	for (uint64_t i = v->lines - n; i < v->lines; i++)
		json_append(lines, json_new_string(v->kept[i % KEPT]));
	json_put_string(one, "of", v->run);
	json_take(one, "lines", lines);
	return one;
}

static void query(void *data, struct request *request, const char *name, const struct json *args)
{
	struct stream *s = data;
	struct json *result = json_object(), *tails = json_array();
	for (const struct json *i = json_first(json_get(args, "of")); i && !strcmp(name, "tails"); i = json_next(i))
		for (size_t k = 0; k < s->count; k++)
			if (!strcmp(s->vms[k].run, json_string(i, "")))
				json_append(tails, end_of(&s->vms[k], (uint64_t)json_integer(json_get(args, "lines"), 1)));
	json_take(result, "tails", tails);
	server_answer(request, result);
}

static uint64_t history(void *data, uint64_t since, size_t most, struct buf *out)
{
	struct stream *s = data;
	for (; since < s->journal.count && most; since++, most--)
		buf_printf(out, "%s\n", s->journal.at[since]);
	return since;
}

static uint64_t newest(void *data)
{
	const struct stream *s = data;
	return s->journal.count;
}

static const struct server_handler handler = { joined, left, command, query, history, newest };

/* The session */

static void start_run(struct stream *s, struct vm *v)
{
	char order[32];
	if (v->is_base) {
		v->round++;
		snprintf(order, sizeof order, "base %s", v->arm);
		state(s, (struct event){ .kind = EVENT_ROUND_STARTED, .round = v->round, .worker = v->id, .wave = 1, .phase = 1, .order = order });
	}
	snprintf(v->run, sizeof v->run, "r%u", ++s->run);
	v->lines = v->bytes = 0;
	v->began = clock_wall();
	state(s, (struct event){ .kind = EVENT_RUN_STARTED, .run = v->run, .worker = v->id, .arm = v->is_base ? "base" : v->arm, .rev = 1, .step = "measure",
				 .round = v->round, .wave = 1, .layout = 1 });
}

static void end_run(struct stream *s, struct vm *v)
{
	struct metrics metrics = {0};
	char log[32];
	snprintf(log, sizeof log, "logs/%s.log", v->run);
	metrics_add(&metrics, "tg_tps", 44 + (double)random_below(&s->random, 100) / 100);
	state(s, (struct event){ .kind = EVENT_RUN_ENDED, .run = v->run, .status = "ok", .seconds = ROUND, .metrics = metrics,
				 .log = { log, (int64_t)v->bytes, (int64_t)v->lines } });
	metrics_release(&metrics);
	if (!v->is_base)
		state(s, (struct event){ .kind = EVENT_EVIDENCE, .proposal = v->arm, .worker = v->id, .round = v->round, .phase = 1, .ratio = 0.01, .value = 44.3,
					 .base_value = 44.1, .pairs = v->round, .evidence = 1 + v->round, .needed = 400, .change_percent = 1, .low = NAN, .high = NAN });
	v->is_base = !v->is_base;
}

static void begin(struct stream *s)
{
	static const char *const kinds[] = { "x86_64", "aarch64" };
	struct strings arms = {0};
	state(s, (struct event){ .kind = EVENT_SESSION_OPENED, .session = "2026-11-21-kernels", .target = "/home/ada/kernels", .branch = "autoresearch/kernels",
				 .metric = "tg_tps", .unit = "t/s", .direction = "higher", .harness = "h", .runner = "sky", .agent = "patches" });
	state(s, (struct event){ .kind = EVENT_SETTINGS, .size = 4, .window = 60, .limit_usd = 30, .hours = NAN });
	state(s, (struct event){ .kind = EVENT_BASELINE_SET, .commit = "b0" });
	for (size_t i = 0; i < s->count; i++) {
		struct vm *v = &s->vms[i];
		snprintf(v->id, sizeof v->id, "w%zu", i + 1);
		snprintf(v->arm, sizeof v->arm, "p%zu", i + 1);
		v->is_base = 1;
		strings_add(&arms, v->arm);
		state(s, (struct event){ .kind = EVENT_PROPOSAL_SUBMITTED, .proposal = v->arm, .rev = 1, .commit = "c", .baseline = "b0", .title = "Streams", .agent = "patches" });
		state(s, (struct event){ .kind = EVENT_APPROVED, .proposal = v->arm, .rev = 1 });
		state(s, (struct event){ .kind = EVENT_WORKER_CHANGED, .worker = v->id, .runner = "sky", .name = "sky-kernels", .place = "us-east-1a", .arch = kinds[i % 2],
					 .state = "busy", .status = "UP", .noise_percent = 0.9, .usd_per_hour = 0.34, .usd = NAN, .age = NAN });
	}
	state(s, (struct event){ .kind = EVENT_WAVE_STARTED, .wave = 1, .baseline = "b0", .proposals = arms, .alpha = 0.0025 });
	state(s, (struct event){ .kind = EVENT_PHASE_STARTED, .wave = 1, .phase = 1, .worker = "w1", .layout = 1 });
	for (size_t i = 0; i < s->count; i++)
		start_run(s, &s->vms[i]);
	strings_release(&arms);
	s->began = clock_monotonic();
}

/* As benchmarks and compilers print: no line is as the one before. Some say when they were printed. */
static char *some_line(struct stream *s, const struct vm *v)
{
	unsigned a = (unsigned)random_below(&s->random, 10000), b = (unsigned)random_below(&s->random, 100);
	switch (random_below(&s->random, 5)) {
	case 0:  return xasprintf("| tiny 1B Q4_0 | 606.53 MiB | 1.10 B | CPU | 16 | tg%u | %u.%02u ± 0.%02u |", a % 512, 40 + b % 9, b, a % 100);
	case 1:  return xasprintf("[%3u%%] Building CXX object src/CMakeFiles/llama.dir/llama-%u.cpp.o", b, a);
	case 2:  return xasprintf("step %llu of 50000  loss %u.%04u  %u.%02u tokens/s", (unsigned long long)v->lines, b % 4, a, 40 + b % 9, b);
	case 3:  return xasprintf("%lld@ a request was answered in %u ms", (long long)clock_monotonic(), a);
	default: return xasprintf("METRIC tg_tps=%u.%02u", 40 + b % 9, a % 100);
	}
}

static void print(struct stream *s, struct vm *v, uint64_t lines)
{
	for (uint64_t i = 0; i < lines; i++) {
		char **at = &v->kept[v->lines % KEPT];
		free(*at);
		*at = some_line(s, v);
		v->bytes += strlen(*at) + 1;
		v->lines++;
	}
}

static void turn(void *data)
{
	struct stream *s = data;
	uint64_t due = (uint64_t)((double)(clock_monotonic() - s->began) / SECOND * s->rate), turns = due - s->due;
	static unsigned odd;
	s->due = due;
	odd = !odd;
	for (size_t i = 0; i < s->count; i++) {
		struct vm *v = &s->vms[i];
		print(s, v, turns);
		if (clock_wall() - v->began > (ROUND * SECOND + (int64_t)i * SECOND / 7)) {
			end_run(s, v);
			start_run(s, v);
		} else if (i % 2 == odd && v->lines) {	/* each of them ten times a second */
			server_tail(s->server, v->run, v->lines, v->bytes, v->kept[(v->lines - 1) % KEPT]);
		}
	}
	loop_after(s->loop, TURN, turn, s);
}

static void release(void *data)
{
	struct stream *s = data;
	server_release(s->server, NULL);
}

int main(int argc, char **argv)
{
	struct stream s = {0};
	struct target t = {0};
	struct err err = {0};
	struct buf path = {0};
	if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > VMS_MOST) {
		fprintf(stderr, "usage: stream DIR VMS LINES\n");
		return 2;
	}
	s.count = (size_t)atoi(argv[2]);
	s.rate = atof(argv[3]);
	s.loop = loop_new();
	random_seed(&s.random, 1);
	if (target_find(argv[1], &t, &err) < 0 || target_lock(&t, &err) < 0)
		goto failed;
	target_socket(&t, &path);
	s.server = server_new(s.loop, buf_str(&path), &handler, &s, &err);
	if (!s.server)
		goto failed;
	loop_before_sleep(s.loop, release, &s);
	begin(&s);
	loop_after(s.loop, TURN, turn, &s);
	puts("ready");
	fflush(stdout);
	loop_run(s.loop);
	return 0;
failed:
	fprintf(stderr, "bench: %s\n", err.text);
	return 1;
}
