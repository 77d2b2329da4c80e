/* Chance against the reference code's own outputs, and what is built on it. */
#include "tests/test.h"

#include "core/base/random.h"

static void follows_the_reference(void **state)
{
	/* xoshiro256starstar.c from the state 1, 2, 3, 4; splitmix64.c from 0; the one seeded by the other from 0. */
	static const uint64_t from_1234[] = {
		11520, 0, 1509978240, UINT64_C(1215971899390074240), UINT64_C(1216172134540287360),
		UINT64_C(607988272756665600), UINT64_C(16172922978634559625), UINT64_C(8476171486693032832),
		UINT64_C(10595114339597558777), UINT64_C(2904607092377533576),
	};
	static const uint64_t seeded[] = {
		UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4), UINT64_C(0x06c45d188009454f),
		UINT64_C(0xf88bb8a8724c81ec),
	};
	static const uint64_t from_0[] = {
		UINT64_C(11091344671253066420), UINT64_C(13793997310169335082), UINT64_C(1900383378846508768),
	};
	struct random r = {{1, 2, 3, 4}};
	(void)state;
	for (size_t i = 0; i < sizeof from_1234 / sizeof *from_1234; i++)
		assert_true(random_next(&r) == from_1234[i]);
	random_seed(&r, 0);
	assert_memory_equal(r.s, seeded, sizeof seeded);
	for (size_t i = 0; i < sizeof from_0 / sizeof *from_0; i++)
		assert_true(random_next(&r) == from_0[i]);
}

static void draws_below_n_evenly(void **state)
{
	enum { N = 7, DRAWS = 70000 };
	struct random r;
	size_t hits[N] = {0};
	(void)state;
	random_seed(&r, 1);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t x = random_below(&r, N);
		assert_true(x < N);
		hits[x]++;
	}
	for (int i = 0; i < N; i++)
		assert_in_range(hits[i], 9600, 10400);	/* four standard deviations; the seed is fixed */
	for (int i = 0; i < 10; i++)
		assert_int_equal(random_below(&r, 1), 0);
}

static void draws_without_modulo_bias(void **state)
{
	/* Below 3 * 2^62, a plain remainder would hit the first third with half of all draws. */
	struct random r;
	size_t low = 0;
	(void)state;
	random_seed(&r, 2);
	for (int i = 0; i < 10000; i++)
		low += random_below(&r, UINT64_C(3) << 62) < UINT64_C(1) << 62;
	assert_in_range(low, 3100, 3550);
}

static void shuffles_every_order_equally_often(void **state)
{
	struct random r;
	size_t seen[27] = {0};
	(void)state;
	random_seed(&r, 3);
	for (int i = 0; i < 6000; i++) {
		size_t order[] = {0, 1, 2};
		random_shuffle(&r, order, 3);
		assert_int_equal(1 << order[0] | 1 << order[1] | 1 << order[2], 7);
		seen[order[0] * 9 + order[1] * 3 + order[2]]++;
	}
	for (size_t i = 0; i < 27; i++)
		if (seen[i])
			assert_in_range(seen[i], 880, 1120);
	assert_true(seen[5] && seen[7] && seen[11] && seen[15] && seen[19] && seen[21]);
	random_shuffle(&r, NULL, 0);
}

static void the_same_seed_gives_the_same_order(void **state)
{
	struct random a, b;
	(void)state;
	random_seed(&a, 99);
	random_seed(&b, 99);
	for (int i = 0; i < 100; i++)
		assert_true(random_next(&a) == random_next(&b));
}

static void mixes_seeds_that_survive_json(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		assert_true(random_mix(i, UINT64_MAX - i) < UINT64_C(1) << 53);
		assert_true(random_fresh_seed() < UINT64_C(1) << 53);
		assert_true(random_mix(i, 5) == random_mix(i, 5));
		assert_true(random_mix(i, i + 1) != random_mix(i + 1, i));
		assert_true(random_mix(i, 1) != random_mix(i, 2));
	}
	assert_true(random_fresh_seed() != random_fresh_seed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_reference),
		cmocka_unit_test(draws_below_n_evenly),
		cmocka_unit_test(draws_without_modulo_bias),
		cmocka_unit_test(shuffles_every_order_equally_often),
		cmocka_unit_test(the_same_seed_gives_the_same_order),
		cmocka_unit_test(mixes_seeds_that_survive_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
