/* Every case of tests/judge/decision-vectors.json against core/judge. A key of that file that no function here handles
 * is a failure. Doubles agree to a relative 1e-9; counts, verdicts and flags exactly. */
#include "tests/test.h"

#include <math.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/judge/admission.h"
#include "core/judge/evidence.h"
#include "core/judge/plausibility.h"
#include "core/judge/rule.h"
#include "core/judge/stats.h"
#include "core/judge/trial.h"

enum { VALUES = 128 };

/* A list of numbers of a case. */
struct list {
	double at[VALUES];
	size_t n;
};

static const char *const vectors = "tests/judge/decision-vectors.json";
static const char *current_key;
static size_t current_case, checks;

static const struct json *field(const struct json *c, const char *key)
{
	const struct json *v = json_get(c, key);
	if (!v)
		fail_msg("%s, case %zu: no field %s", current_key, current_case, key);
	return v;
}

/* null is NaN; a fraction {num, den, value} is its quotient. */
static double number(const struct json *v)
{
	if (json_is_object(v))
		return strtod(json_string(field(v, "num"), ""), NULL) / strtod(json_string(field(v, "den"), ""), NULL);
	if (!json_is_null(v) && !json_is_number(v))
		fail_msg("%s, case %zu: not a number", current_key, current_case);
	return json_number(v, NAN);
}

static struct list list_of(const struct json *v)
{
	struct list list = {.n = 0};
	assert_true(json_is_array(v) && json_count(v) <= VALUES);
	for (const struct json *i = json_first(v); i; i = json_next(i))
		list.at[list.n++] = number(i);
	return list;
}

static struct list numbers(const struct json *c, const char *key)
{
	return list_of(field(c, key));
}

static double one(const struct json *c, const char *key)
{
	return number(field(c, key));
}

static int agree(double got, double want)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	return got == want || fabs(got - want) <= 1e-9 * fabs(want);
}

static void expect_number(const char *what, double got, double want)
{
	checks++;
	if (!agree(got, want))
		fail_msg("%s, case %zu: %s is %.17g, wanted %.17g", current_key, current_case, what, got, want);
}

static void expect(const struct json *c, const char *key, double got)
{
	expect_number(key, got, one(c, key));
}

static void expect_word(const struct json *c, const char *key, const char *got)
{
	checks++;
	assert_string_equal(got, json_string(field(c, key), ""));
}

static void descriptive(const struct json *c)
{
	struct list x = numbers(c, "x");
	expect(c, "mean", stats_mean(x.at, x.n));
	expect(c, "sd", stats_deviation(x.at, x.n));
	expect(c, "median", stats_median(x.at, x.n));
	expect(c, "mad", stats_mad(x.at, x.n));
	expect(c, "rscale", stats_robust_scale(x.at, x.n));
}

static void expect_tails(const struct json *c, const char *statistic, struct stats_test test)
{
	assert_true(test.statistic == one(c, statistic));
	expect(c, "p_le", test.p_le);
	expect(c, "p_ge", test.p_ge);
	expect(c, "p_two", test.p_two);
}

static void mann_whitney(const struct json *c)
{
	struct list x = numbers(c, "x"), y = numbers(c, "y");
	struct stats_normal normal = stats_mann_whitney_normal(x.at, x.n, y.at, y.n);
	expect_tails(c, "U", stats_mann_whitney(x.at, x.n, y.at, y.n));
	expect(c, "normal_z", normal.z);
	expect(c, "normal_p", normal.p);
}

static void signed_rank(const struct json *c)
{
	struct list d = numbers(c, "d");
	expect_tails(c, "Wplus", stats_signed_rank(d.at, d.n));
}

static void expect_interval(const struct json *c, const char *estimate, struct stats_interval got)
{
	assert_int_equal(got.k, one(c, "k"));
	expect(c, estimate, got.estimate);
	expect(c, "lo", got.low);
	expect(c, "hi", got.high);
	expect(c, "coverage", got.coverage);
}

static void hodges_lehmann_paired(const struct json *c)
{
	struct list d = numbers(c, "d");
	expect_interval(c, "hl", stats_hodges_lehmann_paired(d.at, d.n, 1 - one(c, "nominal")));
}

static void hodges_lehmann_shift(const struct json *c)
{
	struct list x = numbers(c, "x"), y = numbers(c, "y");
	expect_interval(c, "shift_x_minus_y", stats_hodges_lehmann_shift(x.at, x.n, y.at, y.n, 0.05));
}

static void paired_t(const struct json *c)
{
	struct list d = numbers(c, "d");
	struct stats_t t = stats_paired_t(d.at, d.n, 0.05);
	expect(c, "mean", t.mean);
	expect(c, "sd", t.deviation);
	expect(c, "se", t.error);
	expect(c, "t", t.t);
	expect(c, "df", t.df);
	expect(c, "p_two", t.p);
	expect(c, "tq", t.quantile);
	expect(c, "lo", t.low);
	expect(c, "hi", t.high);
}

static void sign_flip(const struct json *c)
{
	struct list d = numbers(c, "d");
	expect(c, "p_ge", stats_sign_flip(d.at, d.n));
}

static void t_quantile(const struct json *v)
{
	expect_number(json_key(v), stats_t_quantile(strtod(json_key(v), NULL), 0.05), number(v));
}

static void expect_all(const struct json *v, const double *got, size_t n)
{
	struct list want = list_of(v);
	assert_int_equal(n, want.n);
	for (size_t i = 0; i < n; i++)
		expect_number(json_key(v), got[i], want.at[i]);
}

static void constant(const struct json *v)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	const char *name = json_key(v);
#define X(type, field, value, symbol) \
	if (!strcmp(name, symbol)) { \
		expect_number(symbol, (double)rule.field, number(v)); \
		return; \
	}
	RULE_CONSTANTS(X)
#undef X
	if (!strcmp(name, "theta"))
		expect_all(v, rule.effect, RULE_EFFECTS);
	else if (!strcmp(name, "weight"))
		expect_all(v, rule.weight, RULE_EFFECTS);
	else if (!strcmp(name, "prior_magnitudes"))
		expect_all(v, rule.prior, RULE_PRIORS);
	else
		fail_msg("constant %s is not in the rule", name);
}

static void factor(const struct json *c)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	expect(c, "f", evidence_factor(&rule, one(c, "d"), one(c, "theta"), one(c, "s")));
}

static void lambda(const struct json *c)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	expect(c, "lambda_", futility_step(&rule, one(c, "d"), one(c, "s")));
}

static struct history history_of(const struct json *c, const char *key)
{
	struct list magnitudes = numbers(c, key);
	struct history h = {.count = 0};
	for (size_t i = 0; i < magnitudes.n; i++)
		history_add(&h, magnitudes.at[i]);
	return h;
}

static void scale(const struct json *c)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history h = history_of(c, "hist");
	struct list stay = numbers(c, "seg");
	expect(c, "s", noise_scale(&rule, &h, stay.at, stay.n));
}

static void history_push(const struct json *c)
{
	struct history h = history_of(c, "before");
	struct list stay = numbers(c, "seg");
	history_learn(&h, stay.at, stay.n);
	expect_all(field(c, "after"), h.magnitude, h.count);
}

static void level(const struct json *c)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	double alpha = rule_alpha(&rule, (size_t)one(c, "D"));
	expect(c, "alpha", alpha);
	expect(c, "E_needed", rule_needed(&rule, alpha, 2));
	expect(c, "E_switch", rule_needed(&rule, alpha, 1));
}

static void lord(const struct json *c)
{
	struct list p = numbers(c, "p"), wanted = numbers(c, "expected_R");
	double alpha[VALUES];
	int rejected[VALUES];
	stats_lord(p.at, p.n, one(c, "q"), one(c, "w0"), alpha, rejected);
	assert_int_equal(json_count(field(c, "out")), p.n);
	const struct json *out = json_first(field(c, "out"));
	for (size_t i = 0; i < p.n; i++, out = json_next(out)) {
		expect(out, "alpha", alpha[i]);
		expect(out, "R", rejected[i]);
		assert_int_equal(rejected[i], wanted.at[i]);
	}
}

static const char *upper(const char *word)
{
	static char out[32];
	size_t i = 0;
	for (; word[i] && i < sizeof out - 1; i++)
		out[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 32 : word[i]);
	out[i] = '\0';
	return strcmp(out, "SWITCH") ? out : "SWITCH_VM";
}

static void expect_step(const struct json *step, const struct trial *t, int phase, enum decision decision)
{
	expect(step, "n", (double)t->evidence.count);
	expect(step, "phase", phase);
	expect(step, "d", t->evidence.d[t->evidence.count - 1]);
	expect(step, "s", t->evidence.scale);
	expect(step, "E", evidence_value(&t->evidence, t->rule));
	expect(step, "Lambda", t->lambda);
	expect_word(step, "act", upper(trial_decision_name(decision)));
}

static void expect_report(const struct json *c, const struct trial *t, enum decision decision)
{
	struct trial_report r = trial_report(t);
	expect_word(c, "verdict", upper(trial_decision_name(decision)));
	expect(c, "n", (double)r.pairs);
	expect(c, "n2", (double)r.confirmed);
	expect(c, "hl", r.hl);
	expect(c, "hl_vm2", r.hl_confirmed);
	expect(c, "ci_lo", r.low);
	expect(c, "ci_hi", r.high);
	expect(c, "ci_coverage", r.coverage);
	expect(c, "shrunk", r.shrunk);
}

static void trace(const struct json *c)
{
	const struct rule rule = rule_of(RULE_STANDARD);
	struct history history[2] = {history_of(c, "vm1_hist"), history_of(c, "vm2_hist")};
	struct list pairs[2] = {numbers(c, "vm1_pairs"), numbers(c, "vm2_pairs")};
	const struct json *step = json_first(field(c, "steps"));
	enum decision decision = TRIAL_CONTINUE;
	struct trial t;
	trial_init(&t, &rule, one(c, "alpha"));
	t.relinked = 1;
	for (int phase = 1; phase <= 2 && (phase == 1 || decision == TRIAL_SWITCH); phase++) {
		trial_enter_worker(&t);
		decision = TRIAL_CONTINUE;
		for (size_t i = 0; i < pairs[phase - 1].n && decision == TRIAL_CONTINUE; i++, step = json_next(step)) {
			decision = trial_pair(&t, &history[phase - 1], pairs[phase - 1].at[i]);
			expect_step(step, &t, phase, decision);
		}
		trial_leave_worker(&t, &history[phase - 1]);
	}
	assert_null(step);
	expect_report(c, &t, decision);
	trial_release(&t);
}

static void admission(const struct json *c)
{
	static const char *const names[] = {"MORE", "REJECT_EARLY", "REJECT", "ADMIT"};
	const struct rule rule = rule_of(RULE_STANDARD);
	struct list d = numbers(c, "absd");
	double noise;
	enum admission got = admission_judge(&rule, one(c, "thr"), d.at, d.n, &noise);
	expect_word(c, "verdict", names[got]);
	expect(c, "s0", noise);
}

static void quarantine(const struct json *c)
{
	struct list stay = numbers(c, "seg");
	double noise;
	int due = quarantine_due(one(c, "limit"), stay.at, stay.n, &noise);
	checks++;
	assert_int_equal(due, json_bool(field(c, "noisy"), -1));
	expect(c, "value", noise);
}

static void shrink(const struct json *c)
{
	expect(c, "shrunk", trial_shrink(one(c, "hl"), one(c, "s"), (size_t)one(c, "n"), one(c, "tau")));
}

static void plausibility(const struct json *c)
{
	struct list earlier = numbers(c, "base_hist");
	struct run_facts run = {
		.value = one(c, "value"),
		.bound = one(c, "bound"),
		.earlier = earlier.at,
		.earlier_count = earlier.n,
		.ratio = one(c, "native_over_wall"),
		.reference = one(c, "reference_ratio"),
	};
	unsigned flags = plausibility_flags(&run);
	const struct json *want = json_first(field(c, "flags"));
	for (int bit = 0; bit < IMPLAUSIBLE_COUNT; bit++) {
		if (!(flags & 1u << bit))
			continue;
		assert_string_equal(plausibility_name(bit), json_string(want, "(none)"));
		want = json_next(want);
	}
	checks++;
	assert_null(want);
}

static const struct {
	const char *key;
	void (*check)(const struct json *c);
	enum { EACH, WHOLE } by;	/* each member is a case, or the value is one */
} keys[] = {
	{"constants", constant, EACH},
	{"descriptive", descriptive, EACH},
	{"mann_whitney_exact", mann_whitney, EACH},
	{"signed_rank_exact", signed_rank, EACH},
	{"hodges_lehmann_paired", hodges_lehmann_paired, EACH},
	{"paired_t", paired_t, EACH},
	{"sign_flip", sign_flip, EACH},
	{"hodges_lehmann_two_sample", hodges_lehmann_shift, EACH},
	{"t_quantile_two_sided_0.05", t_quantile, EACH},
	{"efactor", factor, EACH},
	{"lambda", lambda, EACH},
	{"scale", scale, EACH},
	{"history_push", history_push, WHOLE},
	{"elond_alpha", level, EACH},
	{"lordpp_check_against_onlineFDR_test", lord, WHOLE},
	{"decision_traces", trace, EACH},
	{"vm_admission", admission, EACH},
	{"live_quarantine", quarantine, EACH},
	{"shrink", shrink, EACH},
	{"plausibility", plausibility, EACH},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

static size_t run_key(const struct json *v)
{
	size_t i = 0, before = checks;
	while (i < KEYS && strcmp(keys[i].key, json_key(v)))
		i++;
	if (i == KEYS)
		fail_msg("%s: no test for key %s", vectors, json_key(v));
	current_key = keys[i].key;
	current_case = 0;
	if (keys[i].by == WHOLE) {
		keys[i].check(v);
		return 1;
	}
	for (const struct json *c = json_first(v); c; c = json_next(c), current_case++)
		keys[i].check(c);
	assert_true(checks > before);
	return current_case;
}

static void test_vectors(void **state)
{
	(void)state;
	struct buf text = {0};
	struct err err = {0};
	if (buf_read_file(&text, vectors, 1 << 20))
		fail_msg("cannot read %s: run the tests from the project's root", vectors);
	struct json *document = json_parse(text.data, text.len, &err);
	if (!document)
		fail_msg("%s: %s", vectors, err.text);
	size_t cases = 0, seen = 0;
	for (const struct json *v = json_first(document); v; v = json_next(v), seen++)
		cases += run_key(v);
	assert_int_equal(seen, KEYS);
	print_message("%zu cases of %zu keys, %zu comparisons\n", cases, seen, checks);
	json_free(document);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
