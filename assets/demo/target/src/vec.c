// Row helpers. The exponential and the bfloat16 loops, where the time goes, have a path for AVX2 with FMA; the plain loop behind
// it takes what the vector steps leave over. The simple ones are left to the compiler.
#include "vec.h"

#include <math.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

void vec_scale(int n, float *x, float scale)
{
	for (int i = 0; i < n; i++)
		x[i] *= scale;
}

void vec_add(int n, float *out, const float *a, const float *b)
{
	for (int i = 0; i < n; i++)
		out[i] = a[i] + b[i];
}

void vec_mul(int n, float *out, const float *a, const float *b)
{
	for (int i = 0; i < n; i++)
		out[i] = a[i] * b[i];
}

float vec_max(int n, const float *x)
{
	float max = -INFINITY;
	for (int i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

double vec_sum_squares(int n, const float *x)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += (double)(x[i] * x[i]);
	return sum;
}

#ifdef __AVX2__
static float sum_lanes(__m256 x)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	s = _mm_add_ss(s, _mm_movehdup_ps(s));
	return _mm_cvtss_f32(s);
}

// exp(x) for x <= 0: 2^k times a polynomial in the rest, |rest| <= ln 2 / 2. Below -87.3 the result would be denormal: 0.
static __m256 exp_lanes(__m256 x)
{
	__m256 k = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(0.693145752f), x);
	__m256 p = _mm256_set1_ps(1.0f / 720);
	__m256i bits;

	r = _mm256_fnmadd_ps(k, _mm256_set1_ps(1.42860677e-6f), r);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
	bits = _mm256_slli_epi32(_mm256_cvtps_epi32(k), 23);
	p = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), bits));
	return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(-87.3f), _CMP_LT_OQ), p);
}
#endif

float vec_exp_sum(int n, float *out, const float *x, float max)
{
	float sum = 0;
	int i = 0;
#ifdef __AVX2__
	__m256 sums = _mm256_setzero_ps();
	for (; i + 8 <= n; i += 8) {
		__m256 e = exp_lanes(_mm256_sub_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(max)));
		_mm256_storeu_ps(out + i, e);
		sums = _mm256_add_ps(sums, e);
	}
	sum = sum_lanes(sums);
#endif
	for (; i < n; i++)
		sum += out[i] = expf(x[i] - max);
	return sum;
}

uint16_t bf16_from_float(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float bf16_to_float(uint16_t x)
{
	uint32_t bits = (uint32_t)x << 16;
	float f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

#ifdef __AVX2__
static __m256 load_bf16(const uint16_t *x)
{
	__m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x));
	return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
#endif

float vec_dot_bf16(int n, const float *a, const uint16_t *b)
{
	float sum = 0;
	int i = 0;
#ifdef __AVX2__
	__m256 sums = _mm256_setzero_ps();
	for (; i + 8 <= n; i += 8)
		sums = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), load_bf16(b + i), sums);
	sum = sum_lanes(sums);
#endif
	for (; i < n; i++)
		sum += a[i] * bf16_to_float(b[i]);
	return sum;
}

void vec_mad_bf16(int n, float *acc, const uint16_t *x, float scale)
{
	int i = 0;
#ifdef __AVX2__
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(acc + i, _mm256_fmadd_ps(load_bf16(x + i), _mm256_set1_ps(scale), _mm256_loadu_ps(acc + i)));
#endif
	for (; i < n; i++)
		acc[i] += bf16_to_float(x[i]) * scale;
}
