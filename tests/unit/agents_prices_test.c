/* What tokens cost: the table that is compiled in, ids, the tier of long prompts, and the user's own files over it. */
#include "core/agents/wire.h"

#include "tests/test.h"

#include <math.h>

#include "core/base/mem.h"

static struct err err;

static struct prices *prices_with(const char *text)
{
	char path[512];
	test_path(path, sizeof path, "prices.json");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return prices_new((const char *const[]){ "/nowhere/prices.json", path, NULL }, &err);
}

static double cost(const struct prices *p, const char *model, struct tokens t, int64_t hour, int known)
{
	int is_known = -1;
	double usd = prices_of(p, model, &t, hour, &is_known);
	assert_int_equal(is_known, known);
	return usd;
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-12 + 1e-9 * fabs(b)))
		fail_msg("%.12g is not %.12g", a, b);
}

static const struct tokens million = { .in = 1000000 };

static void counts_each_kind(void **state)
{
	(void)state;
	struct prices *p = prices_new(NULL, &err);
	assert_non_null(p);
	assert_string_equal(prices_date(p), "2026-11-20");
	assert_near(cost(p, "claude-opus-5-5", million, 0, 1), 4);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .out = 1000000 }, 0, 1), 20);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .read = 1000000 }, 0, 1), 0.20);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .written = 1000000 }, 0, 1), 5);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .written = 1000000 }, 1000000, 1), 8);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .written = 1000000 }, 400000, 1), 0.6 * 5 + 0.4 * 8);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .written = 10 }, 400000, 1), 10 * 8e-6);	/* never more than all */
	/* what Claude Code 2.1.329 made of this usage with claude-sonnet-5: costUSD 0.000942 (recorded) */
	assert_near(cost(p, "claude-sonnet-5", (struct tokens){ .in = 200, .written = 20, .read = 10, .out = 49 }, 0, 1), 0.000942);
	prices_free(p);
}

static void finds_models(void **state)
{
	(void)state;
	struct prices *p = prices_new(NULL, &err);
	assert_near(cost(p, "claude-opus-5", million, 0, 1), 5);
	assert_near(cost(p, "claude-opus-5-5-20260901", million, 0, 1), 4);
	assert_near(cost(p, "claude-opus-5-20260101", million, 0, 1), 5);
	assert_near(cost(p, "claude-opus-5-5@20260901", million, 0, 1), 4);
	assert_near(cost(p, "claude-haiku-4-5-latest", million, 0, 1), 1);
	assert_near(cost(p, "claude-opus-5-7", million, 0, 0), 10);		/* a version that nobody priced */
	assert_near(cost(p, "claude-opus-50", million, 0, 0), 10);
	assert_near(cost(p, "gpt-6", million, 0, 0), 10);
	assert_near(cost(p, "gpt-6", (struct tokens){ .out = 1000000 }, 0, 0), 50);
	assert_near(cost(p, "gpt-6", (struct tokens){ .read = 1000000 }, 0, 0), 1);	/* each kind at its dearest */
	assert_near(cost(p, "", million, 0, 0), 10);
	assert_near(cost(p, NULL, million, 0, 0), 10);
	prices_free(p);
}

static void knows_the_tier_of_long_prompts(void **state)
{
	(void)state;
	struct prices *p = prices_new(NULL, &err);
	assert_near(cost(p, "claude-haiku-5-5", (struct tokens){ .in = 100000, .out = 1000 }, 0, 1), 0.1 * 0.1 + 0.0005);
	assert_near(cost(p, "claude-haiku-5-5", (struct tokens){ .in = 1, .read = 100000, .out = 1000 }, 0, 1), 0.5e-6 + 0.1 * 0.05 + 0.0025);
	assert_near(cost(p, "claude-haiku-5-5", (struct tokens){ .written = 100001 }, 100001, 1), 100001e-6);
	prices_free(p);
}

static void lays_files_over(void **state)
{
	(void)state;
	struct prices *p = prices_with("{\"date\":\"2027-01-02\",\"models\":{\"gpt-6\":{\"in\":3,\"out\":12,\"read\":0.3},\"claude-opus-5-5\":{\"in\":6},"
				       "\"claude-haiku-5-5\":{\"in\":1,\"out\":2,\"over\":null},\"local\":{\"in\":0,\"out\":0}}}");
	assert_non_null(p);
	assert_string_equal(prices_date(p), "2027-01-02");
	assert_near(cost(p, "gpt-6-2026-12-01", million, 0, 1), 3);
	assert_near(cost(p, "gpt-6", million, 0, 1), 3);
	assert_near(cost(p, "gpt-6-mini", million, 0, 1), 3);
	assert_near(cost(p, "gpt-6", (struct tokens){ .written = 1000000 }, 1000000, 1), 3);
	assert_near(cost(p, "claude-opus-5-5", million, 0, 1), 6);
	assert_near(cost(p, "claude-opus-5-5", (struct tokens){ .out = 1000000 }, 0, 1), 20);
	assert_near(cost(p, "claude-haiku-5-5", million, 0, 1), 1);
	assert_near(cost(p, "local", million, 0, 1), 0);
	prices_free(p);
	p = prices_with("{\"date\":\"2025-01-02\",\"models\":{}}");
	assert_string_equal(prices_date(p), "2026-11-20");
	prices_free(p);
}

static void refuses_bad_files(void **state)
{
	(void)state;
	static const struct { const char *text, *says; } cases[] = {
		{ "", "not valid JSON" },
		{ "[]", "\"models\"" },
		{ "{\"models\":{\"m\":{\"in\":-1,\"out\":1}}}", "model m: in must be USD" },
		{ "{\"models\":{\"m\":{\"in\":\"1\",\"out\":1}}}", "model m: in must be USD" },
		{ "{\"models\":{\"m\":{\"in\":1}}}", "model m needs the prices in and out" },
		{ "{\"models\":{\"m\":{\"in\":1,\"out\":1,\"input\":3}}}", "unknown price input: allowed are in out write_5m" },
		{ "{\"models\":{\"m\":7}}", "must be an object" },
		{ "{\"models\":{\"m\":{\"in\":1,\"out\":1,\"over\":{\"in\":3}}}}", "over must be an object with tokens" },
		{ "{\"models\":{\"m\":{\"in\":1,\"out\":1,\"over\":{\"tokens\":5,\"x\":3}}}}", "model m: over: unknown price x" },
		{ "{\"date\":\"today\",\"models\":{}}", "date must be like" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prices *p = prices_with(cases[i].text);
		if (p || !strstr(err.text, cases[i].says) || !strstr(err.text, "prices.json: "))
			fail_msg("%s says: %s", cases[i].text, p ? "nothing" : err.text);
	}
	assert_null(prices_new((const char *const[]){ "/", NULL }, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_each_kind),
		cmocka_unit_test(finds_models),
		cmocka_unit_test(knows_the_tier_of_long_prompts),
		cmocka_unit_test(lays_files_over),
		cmocka_unit_test(refuses_bad_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
