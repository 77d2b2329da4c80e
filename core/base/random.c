/* Chance: the order of arms in a round, the null lane, the names of arms that a harness sees. A wave's seed stands in
 * its event, so the same journal gives the same orders. The generators follow the public-domain reference code at
 * https://prng.di.unimi.it: xoshiro256starstar.c and splitmix64.c. */
#include "core/base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "core/base/clock.h"

static const uint64_t json_safe = (UINT64_C(1) << 53) - 1;

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void random_seed(struct random *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

uint64_t random_next(struct random *r)
{
	uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
	assert(n > 0);
	uint64_t uneven = (0 - n) % n, x;	/* 2^64 mod n: the draws that would favour small results */
	while ((x = random_next(r)) < uneven)
		;
	return x % n;
}

void random_shuffle(struct random *r, size_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)random_below(r, i), held = order[i - 1];
		order[i - 1] = order[j];
		order[j] = held;
	}
}

uint64_t random_mix(uint64_t seed, uint64_t salt)
{
	uint64_t state = salt;
	state = seed ^ splitmix(&state);	/* spread first: seed 1 with salt 2 is not seed 2 with salt 1 */
	return splitmix(&state) & json_safe;
}

uint64_t random_fresh_seed(void)
{
	uint64_t seed;
	ssize_t n;
	while ((n = getrandom(&seed, sizeof seed, 0)) < 0 && errno == EINTR)
		;
	if (n != sizeof seed)	/* a kernel without it: the clock is fresh enough, and the seed is recorded anyway */
		seed = (uint64_t)clock_wall() * 1000003u ^ (uint64_t)clock_monotonic();
	return seed & json_safe;
}
