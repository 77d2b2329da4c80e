// Attention in two forms. Prompts come in many rows and use the plain one; a decode step is one row over a long context and
// goes through the keys in tiles. Heads are shared out over the threads.
#include "attention.h"

#include <math.h>
#include <string.h>

#include "softmax.h"
#include "threads.h"
#include "vec.h"

enum { TILE = 64 };

struct rows_task {
	const struct attention *a;
	float *work;
};

void kv_store(struct kv_cache *cache, int first, int tokens, const float *keys, const float *values)
{
	for (int t = 0; t < tokens; t++)
		for (int h = 0; h < cache->heads; h++) {
			long from = ((long)t * cache->heads + h) * cache->dim, to = ((long)h * cache->room + first + t) * cache->dim;
			for (int i = 0; i < cache->dim; i++) {
				cache->keys[to + i] = bf16_from_float(keys[from + i]);
				cache->values[to + i] = bf16_from_float(values[from + i]);
			}
		}
}

// Where the keys or values begin that a query head looks at.
static long cache_offset(const struct attention *a, int head)
{
	return (long)(head / (a->heads / a->cache->heads)) * a->cache->room * a->cache->dim;
}

static void rows_one(const struct attention *a, int token, int head, float *p)
{
	int dim = a->cache->dim;
	long query = ((long)token * a->heads + head) * dim;
	const uint16_t *keys = a->cache->keys + cache_offset(a, head), *values = a->cache->values + cache_offset(a, head);

	for (int k = 0; k < a->n_keys; k++)
		p[k] = vec_dot_bf16(dim, a->q + query, keys + (long)k * dim);
	softmax(a->n_keys, p, p, a->scale, a->mask ? a->mask + (long)token * a->n_keys : NULL);
	memset(a->out + query, 0, (size_t)dim * sizeof *a->out);
	for (int k = 0; k < a->n_keys; k++)
		vec_mad_bf16(dim, a->out + query, values + (long)k * dim, p[k]);
}

static void rows_heads(void *context, int thread, int threads)
{
	const struct rows_task *r = context;
	int count = r->a->tokens * r->a->heads;

	for (int i = part_first(count, thread, threads); i < part_end(count, thread, threads); i++)
		rows_one(r->a, i / r->a->heads, i % r->a->heads, r->work + (long)thread * r->a->n_keys);
}

void attention_rows(const struct attention *a, float *work)
{
	struct rows_task r = { a, work };

	threads_run(rows_heads, &r);
}

// kq = the scores of a tile's keys.
static void tile_scores(int dim, const float *q, const uint16_t *keys, int count, float *kq)
{
	for (int k = 0; k < count; k++)
		kq[k] = vec_dot_bf16(dim, q, keys + (long)k * dim);
}

// Scales the scores, pads a short tile, adds the mask and returns the largest score.
static float tile_finish(float *kq, int count, float scale, const float *mask)
{
	vec_scale(count, kq, scale);
	for (int k = count; k < TILE; k++)
		kq[k] = -INFINITY;
	if (mask)
		vec_add(count, kq, kq, mask);
	return vec_max(TILE, kq);
}

// acc += the tile's values, each with its weight.
static void tile_values(int dim, float *acc, const uint16_t *values, int count, const float *weights)
{
	for (int k = 0; k < count; k++)
		vec_mad_bf16(dim, acc, values + (long)k * dim, weights[k]);
}

static void flash_one(const struct attention *a, int token, int head)
{
	int dim = a->cache->dim;
	long query = ((long)token * a->heads + head) * dim;
	const uint16_t *keys = a->cache->keys + cache_offset(a, head), *values = a->cache->values + cache_offset(a, head);
	const float *mask = a->mask ? a->mask + (long)token * a->n_keys : NULL;
	float max = -INFINITY, sum = 0;
	_Alignas(64) float kq[TILE], acc[HEAD_DIM_MOST] = { 0 };

	for (int k = 0; k < a->n_keys; k += TILE) {
		int count = a->n_keys - k < TILE ? a->n_keys - k : TILE;
		tile_scores(dim, a->q + query, keys + (long)k * dim, count, kq);
		float tile_max = tile_finish(kq, count, a->scale, mask ? mask + k : NULL);
		if (tile_max == -INFINITY)
			continue;
		if (tile_max > max) {
			float shrink = expf(max - tile_max);
			max = tile_max;
			sum *= shrink;
			vec_scale(dim, acc, shrink);
		}
		sum += vec_exp_sum(TILE, kq, kq, max);
		tile_values(dim, acc, values + (long)k * dim, count, kq);
	}
	vec_scale(dim, acc, 1 / sum);
	memcpy(a->out + query, acc, (size_t)dim * sizeof *acc);
}

static void flash_heads(void *context, int thread, int threads)
{
	const struct attention *a = context;
	int count = a->tokens * a->heads;

	for (int i = part_first(count, thread, threads); i < part_end(count, thread, threads); i++)
		flash_one(a, i / a->heads, i % a->heads);
}

void attention_flash(const struct attention *a)
{
	threads_run(flash_heads, (void *)a);
}
