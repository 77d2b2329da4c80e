/* What was kept on one architecture, asked on another. */
#include "tests/test.h"

#include <math.h>

#include "core/judge/architecture.h"

struct seen {
	enum architecture_verdict verdict;
	struct architecture_report report;
};

static struct seen after(const double *d, size_t n)
{
	struct rule rule = rule_of(RULE_STANDARD);
	struct architecture a = {0};
	struct history h = {0};
	struct seen seen = {0};
	for (size_t i = 0; i < 4; i++)
		history_add(&h, 0.005);
	architecture_enter_worker(&a);
	for (size_t i = 0; i < n; i++) {
		seen.verdict = architecture_pair(&a, &rule, &h, d[i]);
		if (i + 1 < n)
			assert_int_not_equal(seen.verdict, ARCHITECTURE_FINE);
		if (seen.verdict == ARCHITECTURE_HARMED)
			break;
	}
	seen.report = architecture_report(&a, &rule);
	architecture_release(&a);
	return seen;
}

static void test_no_change_is_fine_after_six(void **state)
{
	(void)state;
	double d[] = { 0.001, -0.002, 0.0005, -0.001, 0.002, 0.0 };
	assert_int_equal(after(d, 5).verdict, ARCHITECTURE_MORE);
	struct seen seen = after(d, 6);
	assert_int_equal(seen.verdict, ARCHITECTURE_FINE);
	assert_int_equal(seen.report.pairs, 6);
	assert_true(fabs(seen.report.hl) < 0.001 && seen.report.low < seen.report.hl && seen.report.hl < seen.report.high);
}

static void test_a_gain_is_fine(void **state)
{
	(void)state;
	double d[] = { 0.05, 0.06, 0.04, 0.05, 0.05, 0.06 };
	struct seen seen = after(d, 6);
	assert_int_equal(seen.verdict, ARCHITECTURE_FINE);
	assert_true(fabs(seen.report.hl - 0.05) < 0.005 && seen.report.harm < 1);
}

static void test_a_clear_loss_is_harm_before_six(void **state)
{
	(void)state;
	double d[] = { -0.06, -0.05, -0.07, -0.06, -0.05, -0.06 };
	struct seen seen = after(d, 6);
	assert_int_equal(seen.verdict, ARCHITECTURE_HARMED);
	assert_true(seen.report.pairs < 6 && seen.report.harm >= 10);
}

static void test_a_small_loss_is_harm_by_its_estimate(void **state)
{
	(void)state;
	double d[] = { -0.007, -0.006, -0.008, -0.006, -0.007, -0.007 };
	struct seen seen = after(d, 6);
	assert_int_equal(seen.verdict, ARCHITECTURE_HARMED);
	assert_true(seen.report.pairs == 6 && seen.report.harm < 10);
}

static void test_nothing_seen_has_no_estimate(void **state)
{
	(void)state;
	struct rule rule = rule_of(RULE_STANDARD);
	struct architecture a = {0};
	struct architecture_report r = architecture_report(&a, &rule);
	assert_true(!r.pairs && isnan(r.hl) && isnan(r.low) && r.harm == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_change_is_fine_after_six),
		cmocka_unit_test(test_a_gain_is_fine),
		cmocka_unit_test(test_a_clear_loss_is_harm_before_six),
		cmocka_unit_test(test_a_small_loss_is_harm_by_its_estimate),
		cmocka_unit_test(test_nothing_seen_has_no_estimate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
