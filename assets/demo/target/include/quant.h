// Blocks of 32 numbers with a common scale: 4 bits each for weights, 8 bits each for the activations they meet.
#pragma once
#include <stdint.h>

enum { BLOCK = 32 };

struct block_q4 {			// number i = (nibble i - 8) * scale; byte j holds numbers j (low nibble) and j + 16
	float scale;
	uint8_t nibbles[BLOCK / 2];
};

struct block_q8 {			// number i = bytes[i] * scale
	float scale;
	int8_t bytes[BLOCK];
};

// n is a multiple of BLOCK in all of these.
void q4_from_float(int n, struct block_q4 *out, const float *x);
void q4_to_float(int n, float *out, const struct block_q4 *x);
void q8_from_float(int n, struct block_q8 *out, const float *x);
// The sum of w[i] * x[i].
float dot_q4_q8(int n, const struct block_q4 *w, const struct block_q8 *x);
