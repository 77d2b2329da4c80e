// Tokens per second of the small model. tg: one token at a time behind a context of 2,099, each step the same work. pp: a
// prompt of 8 tokens behind 248. Every step is timed. What disturbs a step only ever adds to it, so the figure is taken
// from the fast end: the time within which a fifth of the steps were done.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"
#include "threads.h"

enum { MOST_STEPS = 400 };

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

static void measure(struct model *m, const char *name, int position, int tokens, int steps)
{
	double seconds[MOST_STEPS];
	uint64_t seed = 7;

	model_prepare(m, position, tokens);
	for (int i = 0; i < tokens * model_small.columns; i++)
		model_input(m)[i] = random_float(&seed);
	for (int i = 0; i < steps / 10; i++)
		model_run(m);
	for (int i = 0; i < steps; i++) {
		double start = now();
		model_run(m);
		seconds[i] = now() - start;
	}
	if (!isfinite(model_chances(m)[0])) {
		fprintf(stderr, "%s: the result is not finite\n", name);
		exit(1);
	}
	qsort(seconds, (size_t)steps, sizeof *seconds, by_size);
	printf("METRIC %s=%.2f\n", name, tokens / seconds[steps / 5]);
}

int main(void)
{
	struct model *m = model_new(&model_small, 1);

	threads_start(0);
	model_fill(m, model_small.room, 2);
	measure(m, "tg_tps", 2099, 1, 400);
	measure(m, "pp_tps", 248, 8, 40);
	threads_stop();
	return 0;
}
