// A decoder in the manner of Llama: RMS norm, attention with shared key heads, SwiGLU. Distance to a key is punished by a
// bias in the mask (ALiBi, Press et al. 2021, arXiv 2108.12409), one slope for all heads, so that no rotation is needed.
#include "model.h"

#include <math.h>
#include <stdlib.h>

#include "memory.h"

struct layer {
	float *attention_gain, *hidden_gain;
	struct matrix q, k, v, o, gate, up, down;
	struct kv_cache cache;
};

struct model {
	struct model_shape shape;
	struct layer *layers;
	float *gain, *bias;		// bias: of the sampler, one for each word
	struct matrix output;
	struct graph graph;
	float *mask;
	struct node *input, *logits, *chances;
};

const struct model_shape model_small = {
	.layers = 2, .columns = 256, .heads = 8, .cache_heads = 1, .hidden = 512, .vocabulary = 512, .room = 2048 + 64,
};

static const float EPS = 1e-5f, SLOPE = 0.002f, TEMPERATURE = 0.8f;

float random_float(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (float)(int32_t)(z >> 32) / 2147483648.0f;
}

static float *random_row(int n, float middle, float spread, uint64_t *seed)
{
	float *row = memory_new((size_t)n * sizeof *row);
	for (int i = 0; i < n; i++)
		row[i] = middle + spread * random_float(seed);
	return row;
}

static struct matrix random_matrix(int rows, int columns, uint64_t *seed)
{
	struct matrix m = { rows, columns, memory_new((size_t)rows * columns / BLOCK * sizeof *m.blocks) };
	float row[columns], spread = sqrtf(3.0f / (float)columns);

	for (int r = 0; r < rows; r++) {
		for (int c = 0; c < columns; c++)
			row[c] = spread * random_float(seed);
		q4_from_float(columns, m.blocks + (long)r * columns / BLOCK, row);
	}
	return m;
}

struct model *model_new(const struct model_shape *s, uint64_t seed)
{
	struct model *m = memory_new(sizeof *m);
	int dim = s->columns / s->heads, cache_columns = dim * s->cache_heads;
	size_t cache_bytes = (size_t)s->room * cache_columns * sizeof(uint16_t);

	m->shape = *s;
	m->layers = memory_new((size_t)s->layers * sizeof *m->layers);
	for (struct layer *l = m->layers; l < m->layers + s->layers; l++) {
		l->attention_gain = random_row(s->columns, 1, 0.2f, &seed);
		l->hidden_gain = random_row(s->columns, 1, 0.2f, &seed);
		l->q = random_matrix(s->columns, s->columns, &seed);
		l->k = random_matrix(cache_columns, s->columns, &seed);
		l->v = random_matrix(cache_columns, s->columns, &seed);
		l->o = random_matrix(s->columns, s->columns, &seed);
		l->gate = random_matrix(s->hidden, s->columns, &seed);
		l->up = random_matrix(s->hidden, s->columns, &seed);
		l->down = random_matrix(s->columns, s->hidden, &seed);
		l->cache = (struct kv_cache){ s->cache_heads, dim, s->room, memory_new(cache_bytes), memory_new(cache_bytes) };
	}
	m->gain = random_row(s->columns, 1, 0.2f, &seed);
	m->bias = random_row(s->vocabulary, 0, 1, &seed);
	m->output = random_matrix(s->vocabulary, s->columns, &seed);
	return m;
}

void model_free(struct model *m)
{
	for (struct layer *l = m->layers; l < m->layers + m->shape.layers; l++) {
		free(l->attention_gain), free(l->hidden_gain);
		free(l->q.blocks), free(l->k.blocks), free(l->v.blocks), free(l->o.blocks);
		free(l->gate.blocks), free(l->up.blocks), free(l->down.blocks);
		free(l->cache.keys), free(l->cache.values);
	}
	free(m->layers), free(m->gain), free(m->bias), free(m->output.blocks);
	graph_clear(&m->graph);
	free(m->mask);
	free(m);
}

void model_fill(struct model *m, int count, uint64_t seed)
{
	int columns = m->shape.columns / m->shape.heads * m->shape.cache_heads;
	float keys[columns], values[columns];

	for (struct layer *l = m->layers; l < m->layers + m->shape.layers; l++)
		for (int t = 0; t < count; t++) {
			for (int i = 0; i < columns; i++) {
				keys[i] = random_float(&seed);
				values[i] = random_float(&seed);
			}
			kv_store(&l->cache, t, 1, keys, values);
		}
}

// A token sees itself and what came before it.
static float *new_mask(int position, int tokens)
{
	int n_keys = position + tokens;
	float *mask = memory_new((size_t)tokens * n_keys * sizeof *mask);

	for (int t = 0; t < tokens; t++)
		for (int k = 0; k < n_keys; k++)
			mask[(long)t * n_keys + k] = k > position + t ? -INFINITY : -SLOPE * (float)(position + t - k);
	return mask;
}

static struct node *add_layer(struct model *m, struct layer *l, int position, struct node *x)
{
	struct graph *g = &m->graph;
	float scale = 1 / sqrtf((float)l->cache.dim);

	struct node *normed = graph_mul_row(g, graph_rms_norm(g, x, EPS), l->attention_gain);
	struct node *q = graph_matmul(g, &l->q, normed);
	struct node *k = graph_matmul(g, &l->k, normed);
	struct node *v = graph_matmul(g, &l->v, normed);
	struct node *stored = graph_kv_store(g, &l->cache, position, k, v);
	struct node *seen = graph_attention(g, q, stored, scale, m->mask);
	x = graph_add(g, x, graph_matmul(g, &l->o, seen));

	normed = graph_mul_row(g, graph_rms_norm(g, x, EPS), l->hidden_gain);
	struct node *gate = graph_matmul(g, &l->gate, normed);
	struct node *up = graph_matmul(g, &l->up, normed);
	return graph_add(g, x, graph_matmul(g, &l->down, graph_swiglu(g, gate, up)));
}

void model_prepare(struct model *m, int position, int tokens)
{
	struct graph *g = &m->graph;

	graph_clear(g);
	free(m->mask);
	m->mask = new_mask(position, tokens);
	struct node *x = m->input = graph_input(g, m->shape.columns, tokens);
	for (int l = 0; l < m->shape.layers; l++)
		x = add_layer(m, &m->layers[l], position, x);
	x = graph_mul_row(g, graph_rms_norm(g, x, EPS), m->gain);
	m->logits = graph_matmul(g, &m->output, x);
	m->logits->output = true;
	m->chances = graph_softmax(g, m->logits, 1 / TEMPERATURE, m->bias);
	m->chances->output = true;
}

void model_run(struct model *m)
{
	graph_run(&m->graph);
}

float *model_input(struct model *m)
{
	return m->input->data;
}

const float *model_logits(const struct model *m)
{
	return m->logits->data;
}

const float *model_chances(const struct model *m)
{
	return m->chances->data + (long)(m->chances->rows - 1) * m->chances->columns;
}
