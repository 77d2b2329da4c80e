// A small decoder with weights drawn from a seed: the shape of a language model without one's manners.
#pragma once
#include <stdint.h>
#include "graph.h"

struct model_shape {
	int layers, columns, heads, cache_heads, hidden, vocabulary, room;	// room: the longest context
};

extern const struct model_shape model_small;	// what the benchmark runs

struct model;

struct model *model_new(const struct model_shape *shape, uint64_t seed);
void model_free(struct model *m);
// Fills the caches with keys and values drawn from the seed, as if `count` tokens had been read.
void model_fill(struct model *m, int count, uint64_t seed);
// The graph that reads `tokens` tokens at `position`. Rows of model_input are written before a run; model_logits,
// [tokens][vocabulary], and model_chances, the distribution after the last token, are read after it. Ends the graph before.
void model_prepare(struct model *m, int position, int tokens);
void model_run(struct model *m);
float *model_input(struct model *m);
const float *model_logits(const struct model *m);
const float *model_chances(const struct model *m);

// Numbers from -1 to 1 that depend on the seed alone; the seed moves on.
float random_float(uint64_t *seed);
