/* Descriptive statistics, exact rank tests and Hodges-Lehmann estimates for small samples. Pure: no state, and NaN
 * only where a contract says so. Sizes are counts of values; level is the two-sided error of an interval (0.05). */
#ifndef CORE_JUDGE_STATS_H
#define CORE_JUDGE_STATS_H

#include <stddef.h>

/* Mean; sample deviation (n-1, two passes; 0 for n = 1); median (mean of the middle two); median absolute deviation
 * from the median, raw and times 1.4826 (consistent for a normal). NaN for n = 0. */
double stats_mean(const double *x, size_t n);
double stats_deviation(const double *x, size_t n);
double stats_median(const double *x, size_t n);
double stats_mad(const double *x, size_t n);
double stats_robust_scale(const double *x, size_t n);

/* A permutation test: the statistic and the probabilities of one as small, as large, and (doubled) as extreme. */
struct stats_test {
	double statistic, p_le, p_ge, p_two;
};

/* Mann-Whitney: statistic U = #{x > y} + #{x = y} / 2, with the exact conditional distribution given the ties
 * (Streitberg and Roehmel 1986, dynamic programming over doubled midranks). For 0 < n, m and n + m <= STATS_EXACT. */
enum { STATS_EXACT = 40 };
struct stats_test stats_mann_whitney(const double *x, size_t n, const double *y, size_t m);

/* The same by the normal approximation with tie and continuity correction (0.5 towards zero). */
struct stats_normal {
	double z, p;
};
struct stats_normal stats_mann_whitney_normal(const double *x, size_t n, const double *y, size_t m);

/* Wilcoxon signed rank: statistic W+, zeros dropped, exact over all signs given the ties. No non-zero value: p = 1. */
struct stats_test stats_signed_rank(const double *d, size_t n);

/* Share of the 2^n sign patterns whose sum is at least the observed one. Tries every pattern: for n <= 24. */
double stats_sign_flip(const double *d, size_t n);

/* An estimate with its interval of order statistics, the k-th from either end. k = 0: too few values for any finite
 * interval at that level; low and high are NaN and coverage is 1. All NaN for no values. */
struct stats_interval {
	double estimate, low, high, coverage;
	size_t k;
};

/* Hodges-Lehmann: median of the Walsh averages (d_i + d_j) / 2, i <= j; the interval inverts the signed-rank test. */
double stats_hodges_lehmann(const double *d, size_t n);
struct stats_interval stats_hodges_lehmann_paired(const double *d, size_t n, double level);

/* Hodges-Lehmann shift of x against y: median of all x_i - y_j; the interval inverts the Mann-Whitney test. */
struct stats_interval stats_hodges_lehmann_shift(const double *x, size_t n, const double *y, size_t m, double level);

/* Student's t: two-sided p and the quantile whose two-sided p is level (bisection on [0, 1e4]). */
double stats_t_p(double t, double df);
double stats_t_quantile(double df, double level);

/* Paired t test of mean(d) = 0 with its interval; n > 1. */
struct stats_t {
	double mean, deviation, error, t, df, p, quantile, low, high;
};
struct stats_t stats_paired_t(const double *d, size_t n, double level);

/* LORD++ (Ramdas et al. 2017), a level for each of n p-values in turn, for comparison with e-LOND: alpha[i] gets the
 * level, rejected[i] whether p[i] is at or below it. q: false discovery rate; w0: initial wealth, usually q / 10. */
void stats_lord(const double *p, size_t n, double q, double w0, double *alpha, int *rejected);

#endif
