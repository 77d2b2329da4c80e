// Attention over a cache of keys and values, several query heads sharing one head of the cache.
#pragma once
#include <stdint.h>

enum { HEAD_DIM_MOST = 128 };

struct kv_cache {
	int heads, dim, room;		// room: how many keys fit
	uint16_t *keys, *values;	// bfloat16 [heads][room][dim]
};

struct attention {
	int heads;			// of the query; a multiple of the cache's
	int tokens, n_keys;		// queries, and the keys that are there for them
	float scale;			// of a score, 1/sqrt(dim) as a rule
	const float *q;			// [tokens][heads][dim]
	const struct kv_cache *cache;
	const float *mask;		// added to the scaled scores: [tokens][n_keys], or NULL. Some key of each row must be allowed
	float *out;			// [tokens][heads][dim]
};

// Appends `tokens` keys and values, [tokens][heads][dim], from key `first` on.
void kv_store(struct kv_cache *cache, int first, int tokens, const float *keys, const float *values);
// One row of scores at a time. work has room for n_keys floats for each thread.
void attention_rows(const struct attention *a, float *work);
// In tiles of keys with a running maximum and sum, so that no row of scores is ever whole (Dao et al. 2022, arXiv 2205.14135).
void attention_flash(const struct attention *a);
