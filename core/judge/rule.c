/* The constants, their modes, and the level.
 *
 * The values were tuned by simulation on one noise scenario (a 4 % offset between machines, 1 % drift, 5 to 10 % slow
 * runs); the optimum is flat. None of them carries the guarantee: a wrong one costs power or runs, never validity.
 * e-LOND with equal weights over a declared horizon was chosen over the infinite-horizon defaults because those starve
 * a session of forty candidates. */
#include "core/judge/rule.h"

#include <math.h>
#include <string.h>

const char *const rule_mode_names[RULE_MODES] = {"standard", "polish", "screen"};

int rule_mode_find(const char *name)
{
	for (int mode = 0; mode < RULE_MODES; mode++)
		if (!strcmp(rule_mode_names[mode], name))
			return mode;
	return -1;
}

struct rule rule_of(enum rule_mode mode)
{
	struct rule rule = {
#define X(type, field, value, symbol) .field = value,
		RULE_CONSTANTS(X)
#undef X
		/* The grid doubles up to 0.64 so that a win of any size finds its theta; without the upper three, wins
		 * above 25 % look like a row of outliers. */
		.effect = {0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64},
		.weight = {0.22, 0.22, 0.22, 0.22, 0.06, 0.04, 0.02},
		.prior = {0.009, 0.009},
	};
	if (mode == RULE_POLISH) {
		rule.futility_effect = 0.01;
		rule.pairs_max = 48;
		rule.batch = 1;
	} else if (mode == RULE_SCREEN) {
		rule.futility_effect = 0.03;
	}
	return rule;
}

double rule_alpha(const struct rule *rule, size_t kept)
{
	return fmin(rule->alpha_cap, rule->fdr * (double)(kept + 1) / (double)rule->horizon);
}

double rule_needed(const struct rule *rule, double alpha, int phase)
{
	return phase == 1 ? fmin(rule->switch_evidence, 1 / alpha) : 1 / alpha;
}
