// The graph and its executor: one node after the other, each by its kernel.
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "norm.h"
#include "softmax.h"
#include "swiglu.h"
#include "threads.h"
#include "vec.h"

static struct node *add_node(struct graph *g, enum op op, int columns, int rows, struct node *a, struct node *b)
{
	struct node *n = &g->nodes[g->count++];

	if (g->count > (int)(sizeof g->nodes / sizeof *g->nodes)) {
		fprintf(stderr, "a graph has room for %zu nodes\n", sizeof g->nodes / sizeof *g->nodes);
		exit(1);
	}
	*n = (struct node){ .op = op, .columns = columns, .rows = rows, .from = { a, b } };
	n->data = memory_new((size_t)columns * rows * sizeof *n->data);
	for (int i = 0; i < 2; i++)
		if (n->from[i])
			n->from[i]->uses++;
	return n;
}

static void need_work(struct graph *g, size_t bytes)
{
	if (bytes <= g->work_size)
		return;
	free(g->work);
	g->work = memory_new(bytes);
	g->work_size = bytes;
}

void graph_clear(struct graph *g)
{
	for (int i = 0; i < g->count; i++)
		free(g->nodes[i].data);
	free(g->work);
	g->work = NULL;
	g->work_size = 0;
	g->count = 0;
}

struct node *graph_input(struct graph *g, int columns, int rows)
{
	return add_node(g, OP_INPUT, columns, rows, NULL, NULL);
}

struct node *graph_rms_norm(struct graph *g, struct node *x, float eps)
{
	struct node *n = add_node(g, OP_RMS_NORM, x->columns, x->rows, x, NULL);
	n->number = eps;
	return n;
}

struct node *graph_mul_row(struct graph *g, struct node *x, const float *constant)
{
	struct node *n = add_node(g, OP_MUL, x->columns, x->rows, x, NULL);
	n->constant = constant;
	return n;
}

struct node *graph_mul(struct graph *g, struct node *x, struct node *other)
{
	return add_node(g, OP_MUL, x->columns, x->rows, x, other);
}

struct node *graph_add(struct graph *g, struct node *x, struct node *other)
{
	return add_node(g, OP_ADD, x->columns, x->rows, x, other);
}

struct node *graph_matmul(struct graph *g, const struct matrix *weights, struct node *x)
{
	struct node *n = add_node(g, OP_MATMUL, weights->rows, x->rows, x, NULL);
	n->weights = weights;
	need_work(g, (size_t)x->rows * x->columns / BLOCK * sizeof(struct block_q8));
	return n;
}

struct node *graph_swiglu(struct graph *g, struct node *gate, struct node *up)
{
	return add_node(g, OP_SWIGLU, gate->columns, gate->rows, gate, up);
}

struct node *graph_kv_store(struct graph *g, struct kv_cache *cache, int position, struct node *keys, struct node *values)
{
	struct node *n = add_node(g, OP_KV_STORE, 0, keys->rows, keys, values);
	n->cache = cache;
	n->position = position;
	return n;
}

struct node *graph_attention(struct graph *g, struct node *q, struct node *stored, float scale, const float *mask)
{
	struct node *n = add_node(g, OP_ATTENTION, q->columns, q->rows, q, stored);
	n->cache = stored->cache;
	n->position = stored->position;
	n->number = scale;
	n->constant = mask;
	need_work(g, (size_t)threads_count() * n->cache->room * sizeof(float));
	return n;
}

struct node *graph_softmax(struct graph *g, struct node *x, float scale, const float *mask)
{
	struct node *n = add_node(g, OP_SOFTMAX, x->columns, x->rows, x, NULL);
	n->number = scale;
	n->constant = mask;
	return n;
}

static void run_mul(const struct node *n)
{
	for (int r = 0; r < n->rows; r++) {
		const float *other = n->constant ? n->constant : n->from[1]->data + (long)r * n->columns;
		vec_mul(n->columns, n->data + (long)r * n->columns, n->from[0]->data + (long)r * n->columns, other);
	}
}

static void run_attention(const struct graph *g, const struct node *n)
{
	struct attention a = {
		.heads = n->columns / n->cache->dim, .tokens = n->rows, .n_keys = n->position + n->rows, .scale = n->number,
		.q = n->from[0]->data, .cache = n->cache, .mask = n->constant, .out = n->data,
	};

	if (n->rows == 1)
		attention_flash(&a);
	else
		attention_rows(&a, g->work);
}

static void run_softmax(const struct node *n)
{
	for (int r = 0; r < n->rows; r++)
		softmax(n->columns, n->data + (long)r * n->columns, n->from[0]->data + (long)r * n->columns, n->number, n->constant);
}

static void run_node(const struct graph *g, struct node *n)
{
	const float *a = n->from[0] ? n->from[0]->data : NULL, *b = n->from[1] ? n->from[1]->data : NULL;

	switch (n->op) {
	case OP_INPUT:
		break;
	case OP_RMS_NORM:
		rms_norm(n->columns, n->rows, n->data, a, n->number);
		break;
	case OP_MUL:
		run_mul(n);
		break;
	case OP_ADD:
		vec_add(n->columns * n->rows, n->data, a, b);
		break;
	case OP_MATMUL:
		matmul(n->weights, n->rows, a, n->data, g->work);
		break;
	case OP_SWIGLU:
		swiglu(n->columns * n->rows, n->data, a, b);
		break;
	case OP_KV_STORE:
		kv_store(n->cache, n->position, n->rows, a, b);
		break;
	case OP_ATTENTION:
		run_attention(g, n);
		break;
	case OP_SOFTMAX:
		run_softmax(n);
		break;
	}
}

void graph_run(struct graph *g)
{
	for (int i = 0; i < g->count; i++)
		run_node(g, &g->nodes[i]);
}
