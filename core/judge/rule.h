/* The constants of the decision rule and its modes. Every effect, margin and scale is a natural-log ratio: 0.02 is
 * about 2 %. The rule keeps a proposal when an e-process over paired runs says so, at a level that is shared out over
 * the session (e-LOND, Xu and Ramdas 2024), so that at most `fdr` of the kept are false in the mean. */
#ifndef CORE_JUDGE_RULE_H
#define CORE_JUDGE_RULE_H

#include <stddef.h>

enum { RULE_EFFECTS = 7, RULE_PRIORS = 2, RULE_WINDOW = 32, RULE_ADMISSION_PAIRS = 4, RULE_QUARANTINE_PAIRS = 8 };

/* X(type, field, standard value, symbol of the constant in formulas and test vectors) */
#define RULE_CONSTANTS(X) \
	X(double, contamination, 0.15, "eps")		/* share of pairs that a slow run or the like has spoilt */ \
	X(double, tail, 0.10, "b")			/* width of the double-exponential tail of those */ \
	X(double, spread, 0.5, "kappa")			/* an alternative theta is blurred by spread * theta */ \
	X(double, futility_effect, 0.02, "d1")		/* the smallest effect that is worth waiting for */ \
	X(double, harm, 0.02, "harm") \
	X(double, scale_floor, 0.002, "sfloor") \
	X(double, mad_factor, 1.4826, "mad_factor") \
	X(size_t, pairs_min, 3, "nmin") \
	X(size_t, pairs_max, 32, "nmax") \
	X(size_t, confirm_pairs, 3, "confirm")		/* at least so many in phase 2 */ \
	X(double, switch_evidence, 20, "switch")	/* ends phase 1, if the level does not ask for less */ \
	X(double, effect_min, 0.005, "dmin")		/* config: judge.mineffect */ \
	X(size_t, small_pairs, 8, "nsmall") \
	X(double, futility_lambda, -1, "futility_lambda") \
	X(double, futility_evidence, 2, "futility_E") \
	X(double, low_evidence, 0.5, "reject_E") \
	X(double, fdr, 0.10, "q") \
	X(size_t, horizon, 40, "horizon")		/* candidates that share the level; config: judge.horizon */ \
	X(double, alpha_cap, 0.05, "alpha_cap") \
	X(double, admit, 0.025, "admit")		/* noise up to which a worker is admitted */ \
	X(double, quarantine, 0.08, "live_quarantine")	/* noise above which it is taken out again */ \
	X(double, effect_prior, 0.02, "tau")		/* spread of true effects, for the shrunk estimate */ \
	X(double, relink_below, 0.015, "relink")	/* a smaller gain needs re-linked binaries in phase 2 */ \
	X(double, margin, 0.02, "margin")		/* harm that a secondary metric may take */ \
	X(double, veto_evidence, 20, "veto")		/* for harm beyond that margin */ \
	X(size_t, batch, 4, "batch")			/* candidates in one round */

struct rule {
#define X(type, field, value, symbol) type field;
	RULE_CONSTANTS(X)
#undef X
	double effect[RULE_EFFECTS], weight[RULE_EFFECTS];	/* the thetas that E averages over; weights sum to 1 */
	double prior[RULE_PRIORS];		/* magnitudes that stand for a history that is not there yet */
};

/* standard: the default. polish: one candidate a round, up to 48 pairs, for effects near 1 %. screen: fewer runs. */
enum rule_mode { RULE_STANDARD, RULE_POLISH, RULE_SCREEN, RULE_MODES };
extern const char *const rule_mode_names[RULE_MODES];
int rule_mode_find(const char *name);	/* -1: no such mode */

/* The constants of a mode. The caller may then set effect_min and horizon from the config. */
struct rule rule_of(enum rule_mode mode);

/* The level of a candidate that starts when `kept` of this session were kept; it holds for it from then on. */
double rule_alpha(const struct rule *rule, size_t kept);

/* Evidence that ends a phase (1 or 2) at that level. */
double rule_needed(const struct rule *rule, double alpha, int phase);

#endif
