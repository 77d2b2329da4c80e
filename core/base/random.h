/* Chance that can be replayed: xoshiro256** (Blackman and Vigna 2018) seeded by SplitMix64. Nothing else in the program
 * decides by chance. */
#ifndef CORE_BASE_RANDOM_H
#define CORE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t s[4];
};

void random_seed(struct random *r, uint64_t seed);
uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t n);	/* uniform in 0..n-1, without modulo bias; n > 0 */
void random_shuffle(struct random *r, size_t *order, size_t n);	/* Fisher-Yates, in place */

/* Another seed from a seed: one SplitMix64 step of their combination, below 2^53 so that it survives JSON. */
uint64_t random_mix(uint64_t seed, uint64_t salt);

/* A seed from the kernel, below 2^53 as well. */
uint64_t random_fresh_seed(void);

#endif
