// The product of a 4-bit matrix with rows of activations.
#pragma once
#include "quant.h"

struct matrix {			// rows x columns; columns a multiple of BLOCK
	int rows, columns;
	struct block_q4 *blocks;	// row after row
};

// out[t][r] = the product of row r of w and row t of x; x is [n][columns], out is [n][rows].
// work has room for n * columns / BLOCK blocks.
void matmul(const struct matrix *w, int n, const float *x, float *out, struct block_q8 *work);
