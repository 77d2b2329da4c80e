// Loops over rows of floats. `n` is a count of elements; pointers need no alignment; `out` may be an input.
#pragma once
#include <stdint.h>

// x[i] *= scale
void vec_scale(int n, float *x, float scale);
// out[i] = a[i] + b[i]
void vec_add(int n, float *out, const float *a, const float *b);
// out[i] = a[i] * b[i]
void vec_mul(int n, float *out, const float *a, const float *b);
// The largest of x, -INFINITY when n is 0.
float vec_max(int n, const float *x);
// The sum of the squares, in double: rows are long and the terms of one sign.
double vec_sum_squares(int n, const float *x);
// out[i] = exp(x[i] - max); returns the sum of out. x[i] <= max, and -INFINITY gives 0. Error below 3 ulp.
float vec_exp_sum(int n, float *out, const float *x, float max);

// bfloat16, the upper half of a float: what the key and value caches hold.
uint16_t bf16_from_float(float x);
float bf16_to_float(uint16_t x);
// The sum of a[i] * b[i].
float vec_dot_bf16(int n, const float *a, const uint16_t *b);
// acc[i] += x[i] * scale
void vec_mad_bf16(int n, float *acc, const uint16_t *x, float scale);
