/* The decision rule as a whole: its guarantee under the null, its power, and the order of its checks; and what no
 * vector covers (secondary metrics, re-linked binaries, modes, the rising limit, which flags void a round). Simulations
 * use fixed seeds: the same numbers everywhere, so a bound that holds once holds always. */
#include "tests/test.h"

#include <math.h>

#include "core/base/random.h"
#include "core/judge/admission.h"
#include "core/judge/evidence.h"
#include "core/judge/plausibility.h"
#include "core/judge/rule.h"
#include "core/judge/stats.h"
#include "core/judge/trial.h"

enum { SECONDARY = 2 };

static const struct history quiet = {.magnitude = {0.003, 0.005, 0.004, 0.006}, .count = 4};

static double uniform(struct random *r)
{
	return ((double)(random_next(r) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct random *r)
{
	double radius = sqrt(-2 * log(uniform(r)));
	return radius * cos(6.283185307179586 * uniform(r));
}

/* A pair on a worker with white noise of that size; in one of ten, one arm was slow by 2 % and more. */
static double noisy_pair(struct random *r, double noise, double effect)
{
	double d = effect + noise * normal(r);
	if (uniform(r) < 0.1)
		d += (uniform(r) < 0.5 ? 1 : -1) * (0.02 - 0.1 * log(uniform(r)));
	return d;
}

/* One whole trial on two workers; *peak gets the largest E. */
static enum decision simulate(struct random *r, const struct rule *rule, double alpha, double effect, double *peak)
{
	struct history histories[2] = {{.count = 0}, {.count = 0}};
	double noise[2] = {0.005 + 0.02 * uniform(r), 0.005 + 0.02 * uniform(r)};
	enum decision decision = TRIAL_CONTINUE;
	struct trial t;
	trial_init(&t, rule, alpha);
	t.relinked = 1;
	for (int worker = 0; worker < 2; worker++) {
		for (int i = 0; i < RULE_ADMISSION_PAIRS; i++)
			history_add(&histories[worker], fabs(noisy_pair(r, noise[worker], 0)));
		trial_enter_worker(&t);
		do
			decision = trial_pair(&t, &histories[worker], noisy_pair(r, noise[worker], effect));
		while (decision == TRIAL_CONTINUE);
		trial_leave_worker(&t, &histories[worker]);
		if (decision != TRIAL_SWITCH)
			break;
	}
	*peak = t.evidence.peak;
	trial_release(&t);
	return decision;
}

static void test_null_is_kept_no_more_often_than_its_level(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const double alpha = 0.05;
	struct random r;
	random_seed(&r, 20261121);
	size_t kept = 0, crossed = 0, trials = 2000;
	for (size_t i = 0; i < trials; i++) {
		double peak;
		kept += simulate(&r, &rule, alpha, 0, &peak) == TRIAL_KEEP;
		crossed += peak >= 1 / alpha;
	}
	print_message("null: %zu of %zu kept, E crossed 1/alpha in %zu\n", kept, trials, crossed);
	assert_true((double)crossed <= alpha * (double)trials);
	assert_true(kept <= crossed);
}

/* Without futility, E runs on to a fixed time: its mean over the null stays 1 (a martingale), its peak obeys Ville. */
static void test_evidence_is_a_fair_bet_at_a_wrong_scale(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const struct history misleading = {.magnitude = {0.001, 0.001, 0.001, 0.001, 0.001}, .count = 5};
	struct random r;
	random_seed(&r, 7);
	size_t crossed = 0, trials = 2000;
	double sum = 0;
	for (size_t i = 0; i < trials; i++) {
		struct evidence e = {0};
		for (int n = 0; n < 12; n++)
			evidence_add(&e, &rule, &misleading, noisy_pair(&r, 0.02, 0));
		sum += fmin(evidence_value(&e, &rule), 100);
		crossed += e.peak >= 10;
		evidence_release(&e);
	}
	print_message("null, wrong scale: mean E %.3f, peak over 10 in %zu of %zu\n", sum / 2000, crossed, trials);
	assert_true(sum / (double)trials > 0.7 && sum / (double)trials < 1.15);
	assert_true(crossed > 0 && (double)crossed <= 0.1 * (double)trials);
}

static void test_wins_are_kept_and_harm_is_not(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct random r;
	random_seed(&r, 5);
	size_t wins = 0, large = 0, harms = 0, trials = 400;
	double peak;
	for (size_t i = 0; i < trials; i++) {
		wins += simulate(&r, &rule, 0.0025, log(1.05), &peak) == TRIAL_KEEP;
		large += simulate(&r, &rule, 0.0025, log(4), &peak) == TRIAL_KEEP;
		harms += simulate(&r, &rule, 0.0025, log(0.97), &peak) != TRIAL_REJECT;
	}
	print_message("+5 %%: %zu, 4x: %zu of %zu kept; -3 %%: %zu not rejected\n", wins, large, trials, harms);
	assert_true(wins >= trials * 85 / 100);
	assert_true(large >= trials * 98 / 100);
	assert_true(harms <= trials / 100);
}

static void test_signs_of_a_pair_share_one_coin(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	for (double s = 0.002; s < 1; s *= 3)
		for (double d = 0.0001; d < 2; d *= 2.3)
			for (int i = 0; i < RULE_EFFECTS; i++) {
				double up = evidence_factor(&rule, d, rule.effect[i], s);
				assert_true(fabs(up + evidence_factor(&rule, -d, rule.effect[i], s) - 2) < 1e-12);
				assert_true(up >= 1);
			}
}

static void test_absurd_pairs_say_nothing(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const double absurd[] = {80, -80, 1e6, -1e6, 1e200};
	for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
		assert_true(evidence_factor(&rule, absurd[i], 0.64, 0.01) == 1);
		assert_true(futility_step(&rule, absurd[i], 0.01) == 0);
	}
}

/* Feeds d n times; returns the last decision, which only the last pair may bring. */
static enum decision feed(struct trial *t, const struct history *histories, double d, int n)
{
	enum decision decision = TRIAL_CONTINUE;
	while (n-- > 0) {
		assert_int_equal(decision, TRIAL_CONTINUE);
		decision = trial_pair(t, histories, d);
	}
	return decision;
}

/* Pairs of d until something happens; *n gets how many were used. */
static enum decision until(struct trial *t, const struct history *histories, double d, int *n)
{
	enum decision decision = TRIAL_CONTINUE;
	for (*n = 0; decision == TRIAL_CONTINUE; ++*n)
		decision = trial_pair(t, histories, d);
	return decision;
}

static void test_phase_one_ends_at_twenty_and_before_any_verdict(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history h = quiet;
	struct trial t;
	int n;
	trial_init(&t, &rule, 0.0025);
	assert_int_equal(until(&t, &h, 0.05, &n), TRIAL_SWITCH);
	assert_int_equal(t.phase, 2);
	assert_int_equal(t.confirmed, 0);
	assert_true(evidence_value(&t.evidence, &rule) >= 20);
	assert_int_equal(h.count, 4);
	trial_leave_worker(&t, &h);
	assert_int_equal(h.count, 4 + n);
	assert_int_equal(t.evidence.stay, n);
	trial_release(&t);

	/* A lenient level needs less than 20, but never fewer than three pairs. */
	trial_init(&t, &rule, 0.5);
	assert_int_equal(until(&t, &h, 0.05, &n), TRIAL_SWITCH);
	assert_int_equal(n, 3);
	trial_release(&t);
	assert_true(rule_needed(&rule, 0.5, 1) == 2 && rule_needed(&rule, 0.5, 2) == 2);
	assert_true(rule_needed(&rule, 0.01, 1) == 20 && rule_needed(&rule, 0.01, 2) == 100);
}

/* On a loud worker three pairs move neither E nor Lambda much, so only the clause on harm can reject. */
static void test_harm_is_rejected_by_its_median(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const struct { double first, rest; enum decision want; } cases[] = {
		{-0.02, -0.02, TRIAL_REJECT}, {-0.0199, -0.0199, TRIAL_CONTINUE}, {0.3, -0.02, TRIAL_CONTINUE},
	};
	struct history loud = {.count = 0};
	for (int i = 0; i < 8; i++)
		history_add(&loud, 0.14);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial t;
		trial_init(&t, &rule, 0.0025);
		trial_pair(&t, &loud, cases[i].first);
		trial_pair(&t, &loud, cases[i].rest);
		assert_int_equal(trial_pair(&t, &loud, cases[i].rest), cases[i].want);
		double e = evidence_value(&t.evidence, &rule);
		assert_true(t.lambda > -1 && e > 0.5 && e < 2 && (e > 1) == (cases[i].first > 0));
		trial_release(&t);
	}
}

/* Low evidence rejects where the median is not above 0; with Lambda out of the way nothing else could. */
static void test_low_evidence_is_rejected_by_its_median(void **state)
{
	(void)state;
	struct rule rule = rule_of(RULE_STANDARD);
	rule.futility_lambda = -1000;
	for (int above = 0; above <= 1; above++) {
		struct trial t;
		trial_init(&t, &rule, 0.0025);
		double calm = above ? 1e-9 : 0;
		trial_pair(&t, &quiet, calm);
		trial_pair(&t, &quiet, calm);
		assert_int_equal(trial_pair(&t, &quiet, -0.04), above ? TRIAL_CONTINUE : TRIAL_REJECT);
		assert_true(evidence_value(&t.evidence, &rule) < 0.5);
		trial_release(&t);
	}
}

static void test_park_leaves_room_to_confirm(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history h = {.magnitude = {0.06, 0.05, 0.07, 0.06, 0.05, 0.06}, .count = 6};
	struct trial t;
	trial_init(&t, &rule, 0.0025);
	enum decision decision = TRIAL_CONTINUE;
	for (int i = 0; decision == TRIAL_CONTINUE; i++)
		decision = trial_pair(&t, &h, i % 3 ? 0.06 : -0.05);
	assert_int_equal(decision, TRIAL_PARK);
	assert_int_equal(t.evidence.count, 29);
	assert_int_equal(trial_report(&t).pairs, 29);
	trial_release(&t);
}

/* A candidate with a gain of d over both phases. */
static enum decision whole_trial(struct trial *t, double d)
{
	struct history histories[1 + SECONDARY] = {quiet, quiet, quiet};
	int n;
	enum decision decision = until(t, histories, d, &n);
	if (decision != TRIAL_SWITCH)
		return decision;
	trial_leave_worker(t, histories);
	trial_enter_worker(t);
	return until(t, histories, d, &n);
}

static void test_a_small_gain_needs_relinked_binaries(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const struct { double gain; int relinked; enum decision want; } cases[] = {
		{0.0149, 0, TRIAL_PARK}, {0.0149, 1, TRIAL_KEEP}, {0.0151, 0, TRIAL_KEEP}, {0.0151, 1, TRIAL_KEEP},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial t;
		trial_init(&t, &rule, 0.0025);
		t.relinked = cases[i].relinked;
		assert_int_equal(whole_trial(&t, cases[i].gain), cases[i].want);
		assert_int_equal(cases[i].want == TRIAL_PARK ? 32 : t.evidence.count, t.evidence.count);
		trial_release(&t);
	}
}

static void test_under_the_minimum_effect_is_small(void **state)
{
	(void)state;
	struct rule rule = rule_of(RULE_STANDARD);
	struct trial t;
	rule.effect_min = 0.03;
	trial_init(&t, &rule, 0.0025);
	assert_int_equal(whole_trial(&t, 0.029), TRIAL_SMALL);
	assert_true(t.evidence.count >= rule.small_pairs);
	trial_release(&t);
	trial_init(&t, &rule, 0.5);	/* confirmed at the sixth pair, but eight must say that it is small */
	assert_int_equal(whole_trial(&t, 0.029), TRIAL_SMALL);
	assert_int_equal(t.evidence.count, 8);
	trial_release(&t);
	trial_init(&t, &rule, 0.0025);
	assert_int_equal(whole_trial(&t, 0.03), TRIAL_KEEP);
	struct trial_report r = trial_report(&t);
	assert_true(r.evidence >= r.needed && fabs(r.p - 1 / r.evidence) < 1e-15);
	trial_release(&t);
}

/* What worker 1 showed vanishes on worker 2: nothing is kept on the strength of phase 1. */
static void test_phase_two_must_agree(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct trial t;
	int n;
	trial_init(&t, &rule, 0.05);	/* phase 1 ends with all the evidence that is needed */
	assert_int_equal(until(&t, &quiet, 0.05, &n), TRIAL_SWITCH);
	trial_enter_worker(&t);
	assert_int_equal(feed(&t, &quiet, -0.001, 3), TRIAL_CONTINUE);
	assert_true(evidence_value(&t.evidence, &rule) >= 20);
	assert_true(stats_hodges_lehmann(t.evidence.d, t.evidence.count) > rule.effect_min);
	trial_release(&t);
}

/* A clear win of +5 % whose second secondary metric changes by that much in every pair in which it is measured. */
static enum decision with_secondary(struct trial *t, const struct rule *rule, double change, double margin,
	int measured)
{
	struct history histories[1 + SECONDARY] = {quiet, quiet, quiet};
	enum decision decision = TRIAL_CONTINUE;
	trial_init(t, rule, 0.0025);
	assert_int_equal(trial_watch(t, 0.5), 0);
	assert_int_equal(trial_watch(t, margin), 1);
	for (int worker = 0; worker < 2; worker++) {
		trial_enter_worker(t);
		do {
			if (measured)
				trial_secondary(t, 1, histories, change);
			decision = trial_pair(t, histories, 0.05);
		} while (decision == TRIAL_CONTINUE);
		trial_leave_worker(t, histories);
		if (decision != TRIAL_SWITCH)
			break;
	}
	assert_int_equal(histories[1].count, 4);
	assert_int_equal(histories[2].count > 4, measured);
	return decision;
}

static void test_a_secondary_metric_can_veto(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct trial t;
	assert_int_equal(with_secondary(&t, &rule, -0.021, 0.02, 1), TRIAL_PARK);
	assert_int_equal(t.evidence.count, 32);
	assert_true(trial_secondary_vetoes(&t, 1) && !trial_secondary_vetoes(&t, 0));
	trial_release(&t);
	assert_int_equal(with_secondary(&t, &rule, -0.019, 0.02, 1), TRIAL_KEEP);
	assert_true(fabs(trial_secondary_change(&t, 1) + 0.019) < 1e-12);
	trial_release(&t);
	assert_int_equal(with_secondary(&t, &rule, -0.021, 0.03, 1), TRIAL_KEEP);
	trial_release(&t);
	assert_int_equal(with_secondary(&t, &rule, 0, 0.02, 0), TRIAL_KEEP);
	assert_true(isnan(trial_secondary_change(&t, 1)));
	trial_release(&t);
}

static void test_secondary_metrics_have_their_own_noise(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history histories[3] = {{.magnitude = {0.1, 0.1, 0.1}, .count = 3},
		{.magnitude = {0.2, 0.2, 0.2}, .count = 3}, {.magnitude = {0.3, 0.3, 0.3}, .count = 3}};
	struct trial t;
	trial_init(&t, &rule, 0.0025);
	for (size_t i = 0; i < 2; i++)
		trial_secondary(&t, trial_watch(&t, 0.02), histories, 0);
	trial_pair(&t, histories, 0);
	assert_true(fabs(t.evidence.scale - 1.4826 * 0.1) < 1e-12);
	assert_true(fabs(t.watches[0].harm.scale - 1.4826 * 0.2) < 1e-12);
	assert_true(fabs(t.watches[1].harm.scale - 1.4826 * 0.3) < 1e-12);
	trial_release(&t);
}

/* Harm that was proven stays a veto when later pairs pull the estimate back inside the margin. */
static void test_proven_harm_is_remembered(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history histories[2] = {quiet, quiet};
	struct trial t;
	trial_init(&t, &rule, 0.0025);
	trial_watch(&t, 0.02);
	for (int i = 0; i < 68; i++)
		trial_secondary(&t, 0, histories, i < 8 ? -0.08 : 0);
	assert_true(trial_secondary_change(&t, 0) > -0.02);
	assert_true(trial_secondary_vetoes(&t, 0));
	trial_release(&t);
}

static void test_modes_and_config(void **state)
{
	(void)state;
	struct rule standard = rule_of(RULE_STANDARD), polish = rule_of(RULE_POLISH), screen = rule_of(RULE_SCREEN);
	assert_int_equal(rule_mode_find("standard"), RULE_STANDARD);
	assert_int_equal(rule_mode_find("polish"), RULE_POLISH);
	assert_int_equal(rule_mode_find("screen"), RULE_SCREEN);
	assert_int_equal(rule_mode_find("lenient"), -1);
	assert_true(standard.futility_effect == 0.02 && standard.pairs_max == 32 && standard.batch == 4);
	assert_true(polish.futility_effect == 0.01 && polish.pairs_max == 48 && polish.batch == 1);
	assert_true(screen.futility_effect == 0.03 && screen.pairs_max == 32 && screen.batch == 4);
	standard.horizon = 20;
	assert_true(rule_alpha(&standard, 0) == 0.005);
	assert_true(rule_alpha(&standard, 100) == 0.05);
}

static void test_the_limit_rises_while_a_place_stays_empty(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const double want[] = {0.025, 0.0325, 0.0325, 0.04225, 0.04225};
	struct place place = place_open(&rule);
	assert_true(place.limit == 0.025);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		place_rejected(&place);
		assert_true(fabs(place.limit - want[i]) < 1e-15);
	}
	assert_true(place_open(&rule).limit == 0.025);
}

static void test_admission_waits_for_enough_pairs(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	const double wild[] = {0.051, 0.051}, mixed[] = {0.051, 0.049, 0.001, 0.001, 9};
	double noise;
	assert_int_equal(admission_judge(&rule, 0.025, wild, 1, &noise), ADMISSION_MORE);
	assert_int_equal(admission_judge(&rule, 0.025, wild, 2, &noise), ADMISSION_REJECT_EARLY);
	assert_int_equal(admission_judge(&rule, 0.026, wild, 2, &noise), ADMISSION_MORE);
	assert_int_equal(admission_judge(&rule, 0.025, mixed, 3, &noise), ADMISSION_MORE);
	assert_true(isnan(noise));
	assert_int_equal(admission_judge(&rule, 0.025, mixed, 4, &noise), ADMISSION_REJECT);
	assert_int_equal(admission_judge(&rule, 0.0371, mixed, 5, &noise), ADMISSION_ADMIT);
	assert_true(fabs(noise - 1.4826 * 0.025) < 1e-12);
}

static void test_quarantine_reads_the_newest_pairs_of_the_stay(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history h = quiet;
	struct trial t;
	double noise;
	trial_init(&t, &rule, 0.0025);
	for (int i = 0; i < 3; i++)
		trial_pair(&t, &h, i % 2 ? 0.3 : -0.3);
	assert_false(trial_worker_is_noisy(&t, &noise));
	assert_true(isnan(noise));
	trial_pair(&t, &h, 0.3);
	assert_true(trial_worker_is_noisy(&t, &noise));
	trial_leave_worker(&t, &h);
	trial_enter_worker(&t);
	assert_false(trial_worker_is_noisy(&t, &noise));
	for (int i = 0; i < 4; i++)
		trial_pair(&t, &h, i % 2 ? 0.01 : -0.01);
	assert_false(trial_worker_is_noisy(&t, &noise));
	assert_true(fabs(noise - 1.4826 * 0.01) < 1e-12);
	trial_leave_worker(&t, &h);
	assert_int_equal(h.count, 4 + 4 + 4);
	assert_true(fabs(h.magnitude[11] - 0.01 * sqrt(4.0 / 3)) < 1e-12);
	trial_release(&t);

	/* Eight calm pairs hide the storm before them; three do not. */
	const double stay[] = {9, -9, 9, -9, 9, -9, 9, -9, .1, .1, .1, .1, .1, .1, .1, .1};
	assert_false(quarantine_due(0.08, stay, 16, &noise));
	assert_true(noise == 0);
	assert_true(quarantine_due(0.08, stay, 11, &noise));
	/* A large effect is no noise. */
	assert_false(quarantine_due(0.08, stay + 8, 8, &noise));
}

static void test_a_history_keeps_the_newest(void **state)
{
	(void)state;
	struct history h = {.count = 0};
	for (int i = 0; i < 40; i++)
		history_add(&h, i);
	assert_int_equal(h.count, RULE_WINDOW);
	assert_true(h.magnitude[0] == 8 && h.magnitude[RULE_WINDOW - 1] == 39);
	history_learn(&h, (double[]){1, 2}, 2);
	assert_true(h.magnitude[RULE_WINDOW - 1] == 39);
	history_learn(&h, (double[]){1, 2, 5}, 3);
	assert_true(h.magnitude[RULE_WINDOW - 4] == 39);
	assert_true(fabs(h.magnitude[RULE_WINDOW - 1] - 3 * sqrt(1.5)) < 1e-12);
}

static void test_a_scale_reads_stay_then_history(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history loud = {.count = 0}, none = {.count = 0};
	double stay[40];
	for (int i = 0; i < 40; i++) {
		history_add(&loud, 0.5);
		stay[i] = i % 2 ? 0.3 : 0.29;
	}
	/* 32 of the stay leave no room for the history; three are not read at all; the floor holds. */
	assert_true(fabs(noise_scale(&rule, &loud, stay, 40) - 1.4826 * 0.005) < 1e-9);
	assert_true(fabs(noise_scale(&rule, &loud, stay, 3) - 1.4826 * 0.5) < 1e-9);
	for (int i = 0; i < 40; i++)
		stay[i] = 0.3;
	assert_true(noise_scale(&rule, &none, stay, 40) == 0.002);
}

static void test_which_flags_void_a_round(void **state)
{
	(void)state;
	const double earlier[] = {50, 52, 51};
	struct run_facts run = {.value = 100, .bound = NAN, .earlier = earlier, .earlier_count = 3, .ratio = 1,
		.reference = 1};
	unsigned flags = plausibility_flags(&run);
	assert_int_equal(flags, IMPLAUSIBLE_JUMP);
	assert_false(plausibility_voids(&run, flags));
	run.reference = NAN;
	assert_int_equal(plausibility_flags(&run), IMPLAUSIBLE_JUMP);
	assert_true(plausibility_voids(&run, flags));
	run.reference = 0.8;
	flags = plausibility_flags(&run);
	assert_int_equal(flags, IMPLAUSIBLE_JUMP | IMPLAUSIBLE_WALL_MISMATCH);
	assert_true(plausibility_voids(&run, flags));
	run.reference = 1.0;
	run.bound = 90;
	flags = plausibility_flags(&run);
	assert_int_equal(flags, IMPLAUSIBLE_JUMP | IMPLAUSIBLE_ABOVE_ROOFLINE);
	assert_true(plausibility_voids(&run, flags));
	const double broken[] = {0, -1, NAN, INFINITY};
	for (size_t i = 0; i < 4; i++) {
		run.value = broken[i];
		assert_int_equal(plausibility_flags(&run), IMPLAUSIBLE_NOT_POSITIVE);
	}
	assert_false(plausibility_voids(&run, 0));
}

static unsigned flags_of(double value, double bound, double earlier, double ratio)
{
	return plausibility_flags(&(struct run_facts){.value = value, .bound = bound, .earlier = &earlier,
		.earlier_count = !isnan(earlier), .ratio = ratio, .reference = 2});
}

static void test_plausibility_limits(void **state)
{
	(void)state;
	assert_int_equal(flags_of(104.9, 100, NAN, NAN), 0);
	assert_int_equal(flags_of(105.1, 100, NAN, NAN), IMPLAUSIBLE_ABOVE_ROOFLINE);
	assert_int_equal(flags_of(2.01, 100, NAN, NAN), 0);
	assert_int_equal(flags_of(1.99, 100, NAN, NAN), IMPLAUSIBLE_BELOW_ROOFLINE);
	assert_int_equal(flags_of(149, NAN, 100, NAN), 0);
	assert_int_equal(flags_of(151, NAN, 100, NAN), IMPLAUSIBLE_JUMP);
	assert_int_equal(flags_of(100, NAN, 149, NAN), 0);
	assert_int_equal(flags_of(100, NAN, 151, NAN), IMPLAUSIBLE_JUMP);
	assert_int_equal(flags_of(100, NAN, NAN, 2 * exp(0.099)), 0);
	assert_int_equal(flags_of(100, NAN, NAN, 2 * exp(0.101)), IMPLAUSIBLE_WALL_MISMATCH);
	assert_int_equal(flags_of(100, NAN, NAN, 2 * exp(-0.101)), IMPLAUSIBLE_WALL_MISMATCH);
}

/* Critical values of the signed-rank test, two-sided 5 %, from printed tables: W <= 52 for n = 20, 264 for n = 40. */
static void test_intervals_reach_the_tables(void **state)
{
	(void)state;
	double d[200];
	for (int i = 0; i < 200; i++)
		d[i] = i - 20;
	assert_int_equal(stats_hodges_lehmann_paired(d, 20, 0.05).k, 53);
	assert_int_equal(stats_hodges_lehmann_paired(d, 40, 0.05).k, 265);
	/* A tail that equals half the level counts: P(W <= 0) = 1/64 for n = 6. */
	assert_int_equal(stats_hodges_lehmann_paired(d, 6, 2.0 / 64).k, 1);
	assert_int_equal(stats_hodges_lehmann_paired(d, 6, 2.0 / 65).k, 0);
	struct stats_interval wide = stats_hodges_lehmann_paired(d, 200, 0.05);
	assert_true(wide.coverage > 0.95 && wide.coverage < 0.951);
	assert_true(isnan(stats_hodges_lehmann_paired(d, 0, 0.05).estimate));
	/* Nothing but zeros: no evidence either way. */
	const double zero[5] = {0};
	struct stats_test test = stats_signed_rank(zero, 5);
	assert_true(test.statistic == 0 && test.p_le == 1 && test.p_ge == 1 && test.p_two == 1);
}

static void test_a_report_before_the_first_pair(void **state)
{
	(void)state;
	const struct rule rule = rule_of(RULE_STANDARD);
	struct trial t;
	trial_init(&t, &rule, 0.0025);
	struct trial_report r = trial_report(&t);
	assert_true(r.pairs == 0 && isnan(r.hl) && isnan(r.low) && isnan(r.shrunk) && isnan(r.hl_confirmed));
	assert_true(fabs(r.evidence - 1) < 1e-12 && r.p == 1 && r.needed == 400 && r.lambda == 0);
	trial_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_is_kept_no_more_often_than_its_level),
		cmocka_unit_test(test_evidence_is_a_fair_bet_at_a_wrong_scale),
		cmocka_unit_test(test_wins_are_kept_and_harm_is_not),
		cmocka_unit_test(test_signs_of_a_pair_share_one_coin),
		cmocka_unit_test(test_absurd_pairs_say_nothing),
		cmocka_unit_test(test_phase_one_ends_at_twenty_and_before_any_verdict),
		cmocka_unit_test(test_harm_is_rejected_by_its_median),
		cmocka_unit_test(test_low_evidence_is_rejected_by_its_median),
		cmocka_unit_test(test_park_leaves_room_to_confirm),
		cmocka_unit_test(test_a_small_gain_needs_relinked_binaries),
		cmocka_unit_test(test_under_the_minimum_effect_is_small),
		cmocka_unit_test(test_phase_two_must_agree),
		cmocka_unit_test(test_a_secondary_metric_can_veto),
		cmocka_unit_test(test_secondary_metrics_have_their_own_noise),
		cmocka_unit_test(test_proven_harm_is_remembered),
		cmocka_unit_test(test_modes_and_config),
		cmocka_unit_test(test_the_limit_rises_while_a_place_stays_empty),
		cmocka_unit_test(test_admission_waits_for_enough_pairs),
		cmocka_unit_test(test_quarantine_reads_the_newest_pairs_of_the_stay),
		cmocka_unit_test(test_a_history_keeps_the_newest),
		cmocka_unit_test(test_a_scale_reads_stay_then_history),
		cmocka_unit_test(test_which_flags_void_a_round),
		cmocka_unit_test(test_plausibility_limits),
		cmocka_unit_test(test_intervals_reach_the_tables),
		cmocka_unit_test(test_a_report_before_the_first_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
