/* Statistics for a handful of paired runs.
 *
 * Benchmark samples are few (3 to 50) and full of ties and slow runs, so the tests here are exact: the distribution of
 * a rank sum is counted by dynamic programming over doubled midranks, which stay whole numbers when values tie.
 * Counts are kept as probabilities where the total is 2^n (each step halves, which a double does without error), so
 * that no sample is too long. The interval of a Hodges-Lehmann estimate inverts the test that belongs to it; its
 * distribution is the one without ties, as in Hollander and Wolfe, Nonparametric Statistical Methods, chapters 3, 4.
 *
 * Everything is a function of its arguments. Allocation is for scratch only and is gone at return. */
#include "core/judge/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double *sorted_copy(const double *x, size_t n)
{
	double *copy = xmalloc(n * sizeof *copy);
	memcpy(copy, x, n * sizeof *copy);
	qsort(copy, n, sizeof *copy, by_value);
	return copy;
}

static double middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Doubled midrank of v in a sorted sample: the ranks first..last that its ties share, 2 * (first + last) / 2. */
static size_t doubled_midrank(const double *sorted, size_t n, double v)
{
	size_t below = 0, upto;
	while (below < n && sorted[below] < v)
		below++;
	for (upto = below; upto < n && sorted[upto] == v; upto++)
		;
	return below + 1 + upto;
}

/* Sets the three probabilities of sum from the weights of all sums 0..most, which need not be normalised. */
static void set_tails(struct stats_test *test, const double *weight, size_t most, size_t sum)
{
	double total = 0, le = 0, ge = 0;
	for (size_t s = 0; s <= most; s++) {
		total += weight[s];
		le += s <= sum ? weight[s] : 0;
		ge += s >= sum ? weight[s] : 0;
	}
	test->p_le = le / total;
	test->p_ge = ge / total;
	test->p_two = fmin(1, 2 * fmin(test->p_le, test->p_ge));
}

/* Number of ways to choose n of the total ranks for each sum 0..most; the caller frees it. */
static double *count_choices(const size_t *rank, size_t total, size_t n, size_t most)
{
	size_t row = most + 1;
	double *ways = xcalloc((n + 1) * row, sizeof *ways);
	ways[0] = 1;
	for (size_t i = 0; i < total; i++)
		for (size_t k = n; k > 0; k--)
			for (size_t s = most; s + 1 > rank[i]; s--)
				ways[k * row + s] += ways[(k - 1) * row + s - rank[i]];
	memmove(ways, ways + n * row, row * sizeof *ways);
	return ways;
}

/* Probability of each sum 0..most when every rank counts with a fair coin; the caller frees it. */
static double *flip_coins(const size_t *rank, size_t n, size_t most)
{
	double *p = xcalloc(most + 1, sizeof *p);
	p[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t s = most + 1; s-- > 0;)
			p[s] = (p[s] + (s >= rank[i] ? p[s - rank[i]] : 0)) / 2;
	return p;
}

/* The largest k with P(statistic <= k-1) <= level/2, from its weights 0..most; *tail gets that probability. */
static size_t interval_depth(const double *weight, size_t most, double level, double *tail)
{
	double total = 0, sum = 0;
	size_t k = 0;
	for (size_t s = 0; s <= most; s++)
		total += weight[s];
	*tail = 0;
	/* The slack lets a tail that equals level/2 but for rounding count as equal. */
	while (k <= most && (sum + weight[k]) / total <= level / 2 + 1e-15) {
		sum += weight[k++];
		*tail = sum / total;
	}
	return k;
}

static struct stats_interval interval_between(const double *sorted, size_t n, size_t k, double tail)
{
	struct stats_interval out = {.estimate = middle(sorted, n), .low = NAN, .high = NAN, .coverage = 1, .k = k};
	if (k) {
		out.low = sorted[k - 1];
		out.high = sorted[n - k];
		out.coverage = 1 - 2 * tail;
	}
	return out;
}

static double *walsh_averages(const double *d, size_t n)
{
	double *walsh = xmalloc(n * (n + 1) / 2 * sizeof *walsh);
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			walsh[count++] = (d[i] + d[j]) / 2;
	qsort(walsh, count, sizeof *walsh, by_value);
	return walsh;
}

/* Continued fraction of the incomplete beta function by Lentz' method (Numerical Recipes, section 6.4). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double h = d;
	for (int m = 1; m <= 500; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step[] = {even, odd}, change = 1;
		for (int i = 0; i < 2; i++) {
			d = 1 + step[i] * d;
			c = 1 + step[i] / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			h *= change = c * d;
		}
		if (fabs(change - 1) < 1e-16)
			break;
	}
	return h;
}

static double beta_below(double a, double b, double x)
{
	return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) * beta_fraction(a, b, x) / a;
}

/* Regularised incomplete beta function I_x(a, b). The fraction converges fast only below (a+1) / (a+b+2). */
static double incomplete_beta(double a, double b, double x)
{
	if (x <= 0 || x >= 1)
		return x >= 1;
	return x < (a + 1) / (a + b + 2) ? beta_below(a, b, x) : 1 - beta_below(b, a, 1 - x);
}

/* LORD's weights: they sum to 1 over all tests (Javanmard and Montanari 2018). */
static double lord_weight(size_t j)
{
	return 0.07720838 * log(j > 2 ? (double)j : 2) / ((double)j * exp(sqrt(log((double)j))));
}

double stats_mean(const double *x, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : NAN;
}

double stats_deviation(const double *x, size_t n)
{
	if (n < 2)
		return n ? 0 : NAN;
	double mean = stats_mean(x, n), sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1));
}

double stats_median(const double *x, size_t n)
{
	if (!n)
		return NAN;
	double *sorted = sorted_copy(x, n);
	double median = middle(sorted, n);
	free(sorted);
	return median;
}

double stats_mad(const double *x, size_t n)
{
	if (!n)
		return NAN;
	double *distance = xmalloc(n * sizeof *distance);
	double median = stats_median(x, n);
	for (size_t i = 0; i < n; i++)
		distance[i] = fabs(x[i] - median);
	qsort(distance, n, sizeof *distance, by_value);
	double mad = middle(distance, n);
	free(distance);
	return mad;
}

double stats_robust_scale(const double *x, size_t n)
{
	return 1.4826 * stats_mad(x, n);
}

struct stats_test stats_mann_whitney(const double *x, size_t n, const double *y, size_t m)
{
	size_t total = n + m, most = 0, sum = 0;
	double *all = xmalloc(total * sizeof *all);
	memcpy(all, x, n * sizeof *all);
	memcpy(all + n, y, m * sizeof *all);
	double *sorted = sorted_copy(all, total);
	size_t *rank = xmalloc(total * sizeof *rank);
	for (size_t i = 0; i < total; i++) {
		rank[i] = doubled_midrank(sorted, total, all[i]);
		most += rank[i];
		sum += i < n ? rank[i] : 0;
	}
	double *ways = count_choices(rank, total, n, most);
	struct stats_test test = {.statistic = (double)sum / 2 - (double)(n * (n + 1)) / 2};
	set_tails(&test, ways, most, sum);
	free(ways);
	free(rank);
	free(sorted);
	free(all);
	return test;
}

struct stats_normal stats_mann_whitney_normal(const double *x, size_t n, const double *y, size_t m)
{
	double u = 0, total = (double)(n + m), ties = 0, expected = (double)n * (double)m / 2;
	double *all = xmalloc((n + m) * sizeof *all);
	memcpy(all, x, n * sizeof *all);
	memcpy(all + n, y, m * sizeof *all);
	qsort(all, n + m, sizeof *all, by_value);
	for (size_t i = 0, run; i < n + m; i += run) {
		for (run = 1; i + run < n + m && all[i + run] == all[i]; run++)
			;
		ties += pow((double)run, 3) - (double)run;
	}
	free(all);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			u += x[i] > y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
	if (u == expected)
		return (struct stats_normal){.z = 0, .p = 1};
	double sigma = sqrt((double)n * (double)m / 12 * (total + 1 - ties / (total * (total - 1))));
	double z = (u - expected + (u < expected ? 0.5 : -0.5)) / sigma;
	return (struct stats_normal){.z = z, .p = erfc(fabs(z) / sqrt(2))};
}

struct stats_test stats_signed_rank(const double *d, size_t n)
{
	struct stats_test test = {.statistic = 0, .p_le = 1, .p_ge = 1, .p_two = 1};
	double *size = xmalloc(n * sizeof *size);
	size_t *rank = xmalloc(n * sizeof *rank);
	size_t count = 0, most = 0, sum = 0;
	for (size_t i = 0; i < n; i++)
		if (d[i] != 0)
			size[count++] = fabs(d[i]);
	qsort(size, count, sizeof *size, by_value);
	for (size_t i = 0, next = 0; i < n; i++) {
		if (d[i] == 0)
			continue;
		rank[next] = doubled_midrank(size, count, fabs(d[i]));
		most += rank[next];
		sum += d[i] > 0 ? rank[next] : 0;
		next++;
	}
	if (count) {
		double *p = flip_coins(rank, count, most);
		test.statistic = (double)sum / 2;
		set_tails(&test, p, most, sum);
		free(p);
	}
	free(rank);
	free(size);
	return test;
}

double stats_sign_flip(const double *d, size_t n)
{
	assert(n <= 24);
	double observed = 0;
	size_t as_large = 0, patterns = (size_t)1 << n;
	for (size_t i = 0; i < n; i++)
		observed += d[i];
	for (size_t pattern = 0; pattern < patterns; pattern++) {
		double sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += pattern >> i & 1 ? -d[i] : d[i];
		as_large += sum >= observed - 1e-12;
	}
	return (double)as_large / (double)patterns;
}

double stats_hodges_lehmann(const double *d, size_t n)
{
	if (!n)
		return NAN;
	double *walsh = walsh_averages(d, n);
	double estimate = middle(walsh, n * (n + 1) / 2);
	free(walsh);
	return estimate;
}

struct stats_interval stats_hodges_lehmann_paired(const double *d, size_t n, double level)
{
	if (!n)
		return (struct stats_interval){NAN, NAN, NAN, NAN, 0};
	size_t count = n * (n + 1) / 2;
	size_t *rank = xmalloc(n * sizeof *rank);
	for (size_t i = 0; i < n; i++)
		rank[i] = i + 1;
	double *p = flip_coins(rank, n, count), *walsh = walsh_averages(d, n), tail;
	size_t k = interval_depth(p, count, level, &tail);
	struct stats_interval out = interval_between(walsh, count, k, tail);
	free(walsh);
	free(p);
	free(rank);
	return out;
}

struct stats_interval stats_hodges_lehmann_shift(const double *x, size_t n, const double *y, size_t m, double level)
{
	if (!n || !m)
		return (struct stats_interval){NAN, NAN, NAN, NAN, 0};
	double *shift = xmalloc(n * m * sizeof *shift), tail;
	for (size_t i = 0; i < n * m; i++)
		shift[i] = x[i / m] - y[i % m];
	qsort(shift, n * m, sizeof *shift, by_value);
	/* The rank sum of x is U + n(n+1)/2, so the weights of U start at that sum. */
	size_t least = n * (n + 1) / 2, *rank = xmalloc((n + m) * sizeof *rank);
	for (size_t i = 0; i < n + m; i++)
		rank[i] = i + 1;
	double *ways = count_choices(rank, n + m, n, least + n * m);
	size_t k = interval_depth(ways + least, n * m, level, &tail);
	struct stats_interval out = interval_between(shift, n * m, k, tail);
	free(ways);
	free(rank);
	free(shift);
	return out;
}

double stats_t_p(double t, double df)
{
	return incomplete_beta(df / 2, 0.5, df / (df + t * t));
}

double stats_t_quantile(double df, double level)
{
	double low = 0, high = 1e4;
	for (int i = 0; i < 200; i++) {
		double half = (low + high) / 2;
		if (stats_t_p(half, df) > level)
			low = half;
		else
			high = half;
	}
	return (low + high) / 2;
}

struct stats_t stats_paired_t(const double *d, size_t n, double level)
{
	struct stats_t out = {.mean = stats_mean(d, n), .deviation = stats_deviation(d, n), .df = (double)n - 1};
	out.error = out.deviation / sqrt((double)n);
	out.t = out.mean / out.error;
	out.p = stats_t_p(out.t, out.df);
	out.quantile = stats_t_quantile(out.df, level);
	out.low = out.mean - out.quantile * out.error;
	out.high = out.mean + out.quantile * out.error;
	return out;
}

void stats_lord(const double *p, size_t n, double q, double w0, double *alpha, int *rejected)
{
	for (size_t t = 0; t < n; t++) {
		int earlier = 0;
		alpha[t] = w0 * lord_weight(t + 1);
		for (size_t j = 0; j < t; j++)
			if (rejected[j])
				alpha[t] += (earlier++ ? q : q - w0) * lord_weight(t - j);
		rejected[t] = p[t] <= alpha[t];
	}
}
