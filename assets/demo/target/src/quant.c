// The two block formats and their dot product. Weights are converted once when a model is made, activations before every
// matrix product; the products of a block are summed as integers and scaled once.
#include "quant.h"

#include <math.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

void q4_from_float(int n, struct block_q4 *out, const float *x)
{
	for (int b = 0; b < n / BLOCK; b++, x += BLOCK) {
		float extreme = 0;
		for (int i = 0; i < BLOCK; i++)
			if (fabsf(x[i]) > fabsf(extreme))
				extreme = x[i];
		// The value farthest from 0 takes -8, the one code without a partner of the other sign.
		float scale = extreme / -8, inverse = scale != 0 ? 1 / scale : 0;
		out[b].scale = scale;
		for (int i = 0; i < BLOCK / 2; i++) {
			int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + BLOCK / 2] * inverse + 8.5f);
			out[b].nibbles[i] = (uint8_t)((low > 15 ? 15 : low) | (high > 15 ? 15 : high) << 4);
		}
	}
}

void q4_to_float(int n, float *out, const struct block_q4 *x)
{
	for (int b = 0; b < n / BLOCK; b++, out += BLOCK)
		for (int i = 0; i < BLOCK / 2; i++) {
			out[i] = (float)((x[b].nibbles[i] & 15) - 8) * x[b].scale;
			out[i + BLOCK / 2] = (float)((x[b].nibbles[i] >> 4) - 8) * x[b].scale;
		}
}

void q8_from_float(int n, struct block_q8 *out, const float *x)
{
	for (int b = 0; b < n / BLOCK; b++, x += BLOCK) {
		float largest = 0;
		for (int i = 0; i < BLOCK; i++)
			largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
		float scale = largest / 127, inverse = scale > 0 ? 1 / scale : 0;
		out[b].scale = scale;
		for (int i = 0; i < BLOCK; i++)
			out[b].bytes[i] = (int8_t)lrintf(x[i] * inverse);
	}
}

#ifdef __AVX2__
static float sum_lanes(__m256 x)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	s = _mm_add_ss(s, _mm_movehdup_ps(s));
	return _mm_cvtss_f32(s);
}

// The 32 products of a block, in eight sums. The byte product takes one unsigned side: the sign moves to the other.
static __m256 block_products(const struct block_q4 *w, const struct block_q8 *x)
{
	__m128i packed = _mm_loadu_si128((const __m128i *)w->nibbles);
	__m256i nibbles = _mm256_set_m128i(_mm_srli_epi16(packed, 4), packed);
	__m256i wb = _mm256_sub_epi8(_mm256_and_si256(nibbles, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
	__m256i xb = _mm256_loadu_si256((const __m256i *)x->bytes);
	__m256i pairs = _mm256_maddubs_epi16(_mm256_sign_epi8(wb, wb), _mm256_sign_epi8(xb, wb));
	return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

float dot_q4_q8(int n, const struct block_q4 *w, const struct block_q8 *x)
{
	__m256 sums = _mm256_setzero_ps();
	for (int b = 0; b < n / BLOCK; b++) {
		__m256 scale = _mm256_set1_ps(w[b].scale * x[b].scale);
		sums = _mm256_fmadd_ps(scale, block_products(&w[b], &x[b]), sums);
	}
	return sum_lanes(sums);
}
#else
float dot_q4_q8(int n, const struct block_q4 *w, const struct block_q8 *x)
{
	float sum = 0;
	for (int b = 0; b < n / BLOCK; b++) {
		int products = 0;
		for (int i = 0; i < BLOCK / 2; i++) {
			products += ((w[b].nibbles[i] & 15) - 8) * x[b].bytes[i];
			products += ((w[b].nibbles[i] >> 4) - 8) * x[b].bytes[i + BLOCK / 2];
		}
		sum += w[b].scale * x[b].scale * (float)products;
	}
	return sum;
}
#endif
