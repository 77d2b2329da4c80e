// Every kernel against a plain reference in double precision, over shapes that are and are not multiples of the vector width,
// the block and the tile. A check fails when |result - reference| > tolerance * (1 + |reference|). All run with one thread and
// with three. Exit 0: all agree; else the first twenty failures are on stderr.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "graph.h"
#include "matmul.h"
#include "memory.h"
#include "model.h"
#include "norm.h"
#include "softmax.h"
#include "swiglu.h"
#include "threads.h"
#include "vec.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static int compared, failed;
static uint64_t seed = 42;

static void compare(double result, double reference, double tolerance, const char *format, ...)
{
	va_list args;

	compared++;
	if (fabs(result - reference) <= tolerance * (1 + fabs(reference)))
		return;
	if (++failed > 20)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %.7g, the reference says %.7g\n", result, reference);
}

static float *row_of(int n, float spread)
{
	float *row = memory_new((size_t)(n + 1) * sizeof *row);
	for (int i = 0; i < n; i++)
		row[i] = spread * random_float(&seed);
	return row;
}

static void check_vec(int n)
{
	float *a = row_of(n, 2), *b = row_of(n, 2), *out = row_of(n, 1);
	double dot = 0, squares = 0, sum = 0, max = -INFINITY;
	uint16_t half[n + 1];

	for (int i = 0; i < n; i++) {
		half[i] = bf16_from_float(b[i]);
		compare(bf16_to_float(half[i]), b[i], 0.004, "bf16 of %g", b[i]);
		dot += (double)a[i] * bf16_to_float(half[i]);
		squares += (double)a[i] * a[i];
		max = a[i] > max ? a[i] : max;
	}
	for (int i = 0; i < n; i++)
		sum += exp(a[i] - max);
	compare(vec_dot_bf16(n, a, half), dot, 1e-5, "vec_dot_bf16(%d)", n);
	compare(vec_sum_squares(n, a), squares, 1e-6, "vec_sum_squares(%d)", n);
	if (n > 0)
		compare(vec_max(n, a), max, 0, "vec_max(%d)", n);
	if (n > 0)
		compare(vec_exp_sum(n, out, a, (float)max), sum, 1e-6, "vec_exp_sum(%d)", n);
	for (int i = 0; i < n; i++)
		compare(out[i], exp(a[i] - max), 1e-6, "vec_exp_sum(%d)[%d]", n, i);
	memcpy(out, a, (size_t)n * sizeof *out);
	vec_mad_bf16(n, out, half, 0.5f);
	for (int i = 0; i < n; i++)
		compare(out[i], a[i] + bf16_to_float(half[i]) * 0.5, 1e-6, "vec_mad_bf16(%d)[%d]", n, i);
	vec_scale(n, out, 3);
	vec_add(n, out, out, a);
	vec_mul(n, out, out, b);
	for (int i = 0; i < n; i++)
		compare(out[i], (3 * (a[i] + bf16_to_float(half[i]) * 0.5) + a[i]) * b[i], 1e-5, "scale, add, mul(%d)[%d]", n, i);
	free(a), free(b), free(out);
}

static void check_norm(int n, int rows, float spread)
{
	float *x = row_of(n * rows, spread), *out = row_of(n * rows, 1);

	rms_norm(n, rows, out, x, 1e-5f);
	for (int r = 0; r < rows; r++) {
		double squares = 0;
		for (int i = 0; i < n; i++)
			squares += (double)x[r * n + i] * x[r * n + i];
		for (int i = 0; i < n; i++)
			compare(out[r * n + i], x[r * n + i] / sqrt(squares / n + 1e-5), 1e-5, "rms_norm(%d)[%d][%d]", n, r, i);
	}
	free(x), free(out);
}

static void reference_softmax(int n, double *out, const float *scores, double scale, const float *mask)
{
	double max = -INFINITY, sum = 0;

	for (int i = 0; i < n; i++) {
		out[i] = scores[i] * scale + (mask ? mask[i] : 0);
		max = out[i] > max ? out[i] : max;
	}
	for (int i = 0; i < n; i++)
		sum += out[i] = exp(out[i] - max);
	for (int i = 0; i < n; i++)
		out[i] /= sum;
}

static void check_softmax(int n, float spread, bool masked, bool in_place)
{
	float *scores = row_of(n, spread), *mask = masked ? row_of(n, 4) : NULL, *out = in_place ? scores : row_of(n, 1);
	double reference[n];

	for (int i = 1; masked && i < n; i += 3)
		mask[i] = -INFINITY;
	reference_softmax(n, reference, scores, 0.7, mask);
	softmax(n, out, scores, 0.7f, mask);
	for (int i = 0; i < n; i++)
		compare(out[i], reference[i], 2e-6 * (1 + spread), "softmax(%d, %s)[%d]", n, masked ? "mask" : "no mask", i);
	if (!in_place)
		free(out);
	free(scores), free(mask);
}

static void check_swiglu(int n)
{
	float *gate = row_of(n, 30), *up = row_of(n, 3), *out = row_of(n, 1);

	swiglu(n, out, gate, up);
	for (int i = 0; i < n; i++)
		compare(out[i], gate[i] / (1 + exp(-(double)gate[i])) * up[i], 1e-5, "swiglu(%d)[%d]", n, i);
	free(gate), free(up), free(out);
}

// Conversion loses up to half a step: that is checked. The product is compared with the converted numbers' own.
static void check_quant(int n, float spread)
{
	float *x = row_of(n, spread), *w = row_of(n, 1), *wide = row_of(n, 1);
	struct block_q4 q4[n / BLOCK];
	struct block_q8 q8[n / BLOCK];
	double dot = 0;

	if (spread == 0)
		memset(x, 0, (size_t)n * sizeof *x);
	q4_from_float(n, q4, w);
	q4_to_float(n, wide, q4);
	q8_from_float(n, q8, x);
	for (int i = 0; i < n; i++) {
		double back = q8[i / BLOCK].bytes[i % BLOCK] * (double)q8[i / BLOCK].scale;
		compare(back, x[i], 0.51 / 127 * spread, "q8_from_float(%d)[%d]", n, i);
		compare(wide[i], w[i], 1.01 / 8, "q4_from_float(%d)[%d]", n, i);
		dot += wide[i] * back;
	}
	compare(dot_q4_q8(n, q4, q8), dot, 1e-5 * (1 + spread), "dot_q4_q8(%d)", n);
	free(x), free(w), free(wide);
}

static void check_matmul(int rows, int columns, int n)
{
	struct matrix w = { rows, columns, memory_new((size_t)rows * columns / BLOCK * sizeof *w.blocks) };
	struct block_q8 *work = memory_new((size_t)n * columns / BLOCK * sizeof *work);
	float *x = row_of(n * columns, 1), *out = row_of(n * rows, 1), row[columns];

	for (int r = 0; r < rows; r++) {
		for (int c = 0; c < columns; c++)
			row[c] = random_float(&seed);
		q4_from_float(columns, w.blocks + (long)r * columns / BLOCK, row);
	}
	matmul(&w, n, x, out, work);
	for (int r = 0; r < rows; r++) {
		q4_to_float(columns, row, w.blocks + (long)r * columns / BLOCK);
		for (int t = 0; t < n; t++) {
			double sum = 0;
			for (int c = 0; c < columns; c++)
				sum += (double)row[c] * x[t * columns + c];
			// The activations carry 8 bits: the error of a sum of random signs grows with its root.
			compare(out[t * rows + r], sum, 0.008 * sqrt(columns), "matmul(%dx%d, %d)[%d][%d]", rows, columns, n, t, r);
		}
	}
	free(w.blocks), free(work), free(x), free(out);
}

struct attention_shape {
	int heads, cache_heads, dim, tokens, n_keys;
	enum { NO_MASK, CAUSAL, HOLES } mask;		// HOLES: the first 70 keys are hidden, if that leaves any
	float spread;					// of queries and keys
};

static float *mask_of(const struct attention_shape *s)
{
	float *mask = row_of(s->tokens * s->n_keys, 1);

	for (int t = 0; t < s->tokens; t++)
		for (int k = 0; k < s->n_keys; k++)
			if (s->mask == CAUSAL ? k > s->n_keys - s->tokens + t : s->n_keys > 70 && k < 70)
				mask[t * s->n_keys + k] = -INFINITY;
	return mask;
}

static void compare_attention(const struct attention *a, const char *name)
{
	int dim = a->cache->dim;

	for (int t = 0; t < a->tokens; t++)
		for (int h = 0; h < a->heads; h++) {
			long query = ((long)t * a->heads + h) * dim, shared = (long)(h * a->cache->heads / a->heads) * a->cache->room * dim;
			float scores[a->n_keys];
			double p[a->n_keys];
			for (int k = 0; k < a->n_keys; k++) {
				double dot = 0;
				for (int i = 0; i < dim; i++)
					dot += (double)a->q[query + i] * bf16_to_float(a->cache->keys[shared + (long)k * dim + i]);
				scores[k] = (float)dot;
			}
			reference_softmax(a->n_keys, p, scores, a->scale, a->mask ? a->mask + (long)t * a->n_keys : NULL);
			for (int i = 0; i < dim; i++) {
				double sum = 0;
				for (int k = 0; k < a->n_keys; k++)
					sum += p[k] * bf16_to_float(a->cache->values[shared + (long)k * dim + i]);
				compare(a->out[query + i], sum, 1e-4, "%s(%d keys, %d heads of %d)[%d][%d][%d]", name, a->n_keys, a->heads,
					dim, t, h, i);
			}
		}
}

static void check_attention(const struct attention_shape *s)
{
	int room = s->n_keys + 5, row = s->cache_heads * s->dim;
	struct kv_cache cache = {
		s->cache_heads, s->dim, room,
		memory_new((size_t)room * row * sizeof(uint16_t)), memory_new((size_t)room * row * sizeof(uint16_t)),
	};
	float *keys = row_of(s->n_keys * row, s->spread), *values = row_of(s->n_keys * row, 1);
	float *q = row_of(s->tokens * s->heads * s->dim, s->spread), *out = row_of(s->tokens * s->heads * s->dim, 1);
	float *mask = s->mask == NO_MASK ? NULL : mask_of(s), *work = row_of(threads_count() * s->n_keys, 1);
	struct attention a = { s->heads, s->tokens, s->n_keys, 1 / sqrtf((float)s->dim), q, &cache, mask, out };

	kv_store(&cache, 0, s->n_keys, keys, values);
	attention_flash(&a);
	compare_attention(&a, "attention_flash");
	memset(out, 0, (size_t)s->tokens * s->heads * s->dim * sizeof *out);
	attention_rows(&a, work);
	compare_attention(&a, "attention_rows");
	free(cache.keys), free(cache.values), free(keys), free(values), free(q), free(out), free(mask), free(work);
}

// The normalised row times a gain; `both` adds the normalised row itself, as models with a second branch do.
static void check_graph_norm(int columns, int rows, bool both)
{
	static struct graph g;
	float *gain = row_of(columns, 2);
	struct node *x = graph_input(&g, columns, rows);
	struct node *normed = graph_rms_norm(&g, x, 1e-5f), *product = graph_mul_row(&g, normed, gain);
	struct node *last = both ? graph_add(&g, product, normed) : product;

	last->output = true;
	for (int i = 0; i < rows * columns; i++)
		x->data[i] = random_float(&seed);
	graph_run(&g);
	for (int r = 0; r < rows; r++) {
		double squares = 0;
		for (int i = 0; i < columns; i++)
			squares += (double)x->data[r * columns + i] * x->data[r * columns + i];
		for (int i = 0; i < columns; i++)
			compare(last->data[r * columns + i],
				x->data[r * columns + i] / sqrt(squares / columns + 1e-5) * ((double)gain[i] + (both ? 1 : 0)), 1e-5,
				"graph: norm, gain%s (%d)[%d][%d]", both ? " and a second reader" : "", columns, r, i);
	}
	graph_clear(&g);
	free(gain);
}

// A product of two nodes, one of them a norm, with the norm an output as well.
static void check_graph_product(int columns, int rows)
{
	static struct graph g;
	struct node *x = graph_input(&g, columns, rows), *y = graph_input(&g, columns, rows);
	struct node *normed = graph_rms_norm(&g, x, 1e-5f), *product = graph_mul(&g, y, normed);

	normed->output = product->output = true;
	for (int i = 0; i < rows * columns; i++) {
		x->data[i] = random_float(&seed);
		y->data[i] = random_float(&seed);
	}
	graph_run(&g);
	for (int r = 0; r < rows; r++) {
		double squares = 0;
		for (int i = 0; i < columns; i++)
			squares += (double)x->data[r * columns + i] * x->data[r * columns + i];
		for (int i = r * columns; i < (r + 1) * columns; i++) {
			double reference = x->data[i] / sqrt(squares / columns + 1e-5);
			compare(normed->data[i], reference, 1e-5, "graph: norm as output (%d)[%d]", columns, i);
			compare(product->data[i], reference * y->data[i], 1e-5, "graph: product of nodes (%d)[%d]", columns, i);
		}
	}
	graph_clear(&g);
}

// A prompt read at once, in rows, and token by token, in tiles, must end in the same place.
static void check_model(int tokens)
{
	static const struct model_shape shape = {
		.layers = 2, .columns = 128, .heads = 4, .cache_heads = 2, .hidden = 192, .vocabulary = 96, .room = 128,
	};
	struct model *m = model_new(&shape, 3);
	float *input = row_of(tokens * shape.columns, 1), chances[96], logits[96];
	double sum = 0;

	model_prepare(m, 0, tokens);
	memcpy(model_input(m), input, (size_t)tokens * shape.columns * sizeof *input);
	model_run(m);
	memcpy(logits, model_logits(m) + (tokens - 1) * shape.vocabulary, sizeof logits);
	memcpy(chances, model_chances(m), sizeof chances);
	for (int t = 0; t < tokens; t++) {
		model_prepare(m, t, 1);
		memcpy(model_input(m), input + t * shape.columns, (size_t)shape.columns * sizeof *input);
		model_run(m);
	}
	for (int i = 0; i < shape.vocabulary; i++) {
		compare(model_logits(m)[i], logits[i], 0.02, "model of %d tokens: logit %d token by token", tokens, i);
		compare(model_chances(m)[i], chances[i], 0.02, "model of %d tokens: chance %d token by token", tokens, i);
		sum += chances[i];
	}
	compare(sum, 1, 1e-5, "model of %d tokens: sum of the chances", tokens);
	free(input);
	model_free(m);
}

static void check_all(void)
{
	static const int lengths[] = { 0, 1, 7, 8, 9, 31, 32, 33, 64, 100, 256, 1000 };
	static const struct attention_shape shapes[] = {
		{ 1, 1, 32, 1, 1, NO_MASK, 1 },		{ 8, 1, 32, 1, 63, NO_MASK, 1 },	{ 8, 1, 32, 1, 64, CAUSAL, 1 },
		{ 8, 2, 32, 1, 65, HOLES, 1 },		{ 4, 4, 64, 1, 127, HOLES, 3 },		{ 4, 1, 128, 1, 200, CAUSAL, 3 },
		{ 2, 1, 48, 1, 300, HOLES, 20 },	{ 8, 1, 32, 1, 2048, CAUSAL, 1 },	{ 8, 1, 32, 1, 1030, NO_MASK, 1 },
		{ 4, 2, 32, 5, 90, CAUSAL, 1 },		{ 2, 2, 24, 3, 77, HOLES, 2 },		{ 3, 1, 20, 2, 130, CAUSAL, 2 },
	};

	for (int i = 0; i < COUNT(lengths); i++) {
		check_vec(lengths[i]);
		if (lengths[i] == 0)
			continue;
		check_norm(lengths[i], 3, 1);
		check_norm(lengths[i], 2, 1e-3f);
		for (int way = 0; way < 4; way++)
			check_softmax(lengths[i], i % 2 ? 1 : 30, way & 1, way & 2);
		check_swiglu(lengths[i]);
		check_graph_norm(lengths[i], 1 + i % 3, false);
		check_graph_norm(lengths[i], 1 + i % 3, true);
		check_graph_product(lengths[i], 1 + i % 3);
	}
	for (int n = BLOCK; n <= 8 * BLOCK; n += BLOCK) {
		check_quant(n, 1);
		check_quant(n, 40);
		check_quant(n, 0);
	}
	for (int n = 1; n <= 7; n += 2) {
		check_matmul(1, 32, n);
		check_matmul(3, 96, n);
		check_matmul(64, 256, n);
		check_matmul(33, 512, n);
	}
	for (int i = 0; i < COUNT(shapes); i++)
		check_attention(&shapes[i]);
	check_model(1);
	check_model(9);
	check_model(70);
}

int main(void)
{
	threads_start(1);
	check_all();
	threads_start(3);
	check_all();
	threads_stop();
	printf("%d comparisons, %d failed\n", compared, failed);
	return failed != 0;
}
