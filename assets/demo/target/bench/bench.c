// Tokens per second of the small model. tg: one token at a time behind a context of 2,099, each step the same work. pp: a
// prompt of 8 tokens behind 248. The two take turns, and every step is timed. What disturbs a step only ever adds to it, so
// the figure is taken from the fast end: the time within which a fifth of the steps were done.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"
#include "threads.h"

enum { TURNS = 8, MOST_STEPS = 50 };

struct figure {
	const char *name;
	int position, tokens, steps;	// steps: in a turn
	int count;
	double seconds[TURNS * MOST_STEPS];
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

// One turn, the first steps of which are not counted: they warm the caches.
static void take_turn(struct figure *f, struct model *m)
{
	uint64_t seed = 7;

	model_prepare(m, f->position, f->tokens);
	for (int i = 0; i < f->tokens * model_small.columns; i++)
		model_input(m)[i] = random_float(&seed);
	for (int i = 0; i < 1 + f->steps / 20; i++)
		model_run(m);
	for (int i = 0; i < f->steps; i++) {
		double start = now();
		model_run(m);
		f->seconds[f->count++] = now() - start;
	}
	if (!isfinite(model_chances(m)[0])) {
		fprintf(stderr, "%s: the result is not finite\n", f->name);
		exit(1);
	}
}

static void print_figure(struct figure *f)
{
	qsort(f->seconds, (size_t)f->count, sizeof *f->seconds, by_size);
	printf("METRIC %s=%.2f\n", f->name, f->tokens / f->seconds[f->count / 5]);
}

int main(void)
{
	static struct figure tg = { .name = "tg_tps", .position = 2099, .tokens = 1, .steps = 50 };
	static struct figure pp = { .name = "pp_tps", .position = 248, .tokens = 8, .steps = 3 };
	struct model *m = model_new(&model_small, 1);

	threads_start(0);
	model_fill(m, model_small.room, 2);
	for (int turn = 0; turn < TURNS; turn++) {
		take_turn(&tg, m);
		take_turn(&pp, m);
	}
	print_figure(&tg);
	print_figure(&pp);
	threads_stop();
	model_free(m);
	return 0;
}
