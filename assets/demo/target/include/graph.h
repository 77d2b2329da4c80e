// A graph of operations on rows of floats. Nodes are added in the order in which they can run; each owns its result.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "attention.h"
#include "matmul.h"

enum op { OP_INPUT, OP_RMS_NORM, OP_MUL, OP_ADD, OP_MATMUL, OP_SWIGLU, OP_KV_STORE, OP_ATTENTION, OP_SOFTMAX };

struct node {
	enum op op;
	int columns, rows;
	float *data;			// [rows][columns]
	struct node *from[2];
	int uses;			// how many nodes read data
	bool output;			// data is read from outside the graph too
	float number;			// OP_RMS_NORM: eps; OP_ATTENTION, OP_SOFTMAX: the scale of the scores
	const float *constant;		// OP_MUL: a row to multiply with; OP_ATTENTION, OP_SOFTMAX: the mask
	const struct matrix *weights;	// OP_MATMUL
	struct kv_cache *cache;		// OP_KV_STORE, OP_ATTENTION
	int position;			// the first of the new keys in the cache
};

struct graph {
	int count;
	struct node nodes[256];
	void *work;
	size_t work_size;
};

// A node whose data the caller writes before a run. Every function returns a node of g; g lives as long as its nodes are used.
struct node *graph_input(struct graph *g, int columns, int rows);
struct node *graph_rms_norm(struct graph *g, struct node *x, float eps);
// Every row of x times the row `constant`, or times `other` of the same shape.
struct node *graph_mul_row(struct graph *g, struct node *x, const float *constant);
struct node *graph_mul(struct graph *g, struct node *x, struct node *other);
struct node *graph_add(struct graph *g, struct node *x, struct node *other);
struct node *graph_matmul(struct graph *g, const struct matrix *weights, struct node *x);
struct node *graph_swiglu(struct graph *g, struct node *gate, struct node *up);
struct node *graph_kv_store(struct graph *g, struct kv_cache *cache, int position, struct node *keys, struct node *values);
// Attention of the rows of q to all keys up to and with the last of them; `stored` is the store that must run before.
// One row goes through the keys in tiles, several take the plain form.
struct node *graph_attention(struct graph *g, struct node *q, struct node *stored, float scale, const float *mask);
struct node *graph_softmax(struct graph *g, struct node *x, float scale, const float *mask);

// Frees the nodes; the graph is as new.
void graph_clear(struct graph *g);
// Runs all nodes. The data of nodes that are neither output nor read by a later node is not defined afterwards.
void graph_run(struct graph *g);
