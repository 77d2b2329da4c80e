/* The e-process and the noise it is scaled by.
 *
 * A pair's factor is twice the probability of its sign, given its size, if the effect were theta: a shifted normal
 * contaminated with a wide double-exponential. A slow run lies far from every theta, so both signs are about equally
 * likely there and its factor is near 1: it is ignored without being thrown away, and no outlier rule is needed. E is
 * the weighted mean over the alternatives, so the size of the effect need not be known before.
 *
 * The scale is always computed before the pair is looked at. It mixes the current stay with what the worker showed
 * before, and two prior magnitudes that keep it sane while nothing is known. */
#include "core/judge/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/judge/stats.h"

static double normal_density(double x, double s)
{
	static const double root_two_pi = 2.5066282746310005;
	return exp(-x * x / (2 * s * s)) / (s * root_two_pi);
}

static double density(const struct rule *rule, double d, double shift, double s)
{
	double spoilt = rule->contamination * exp(-fabs(d) / rule->tail) / (2 * rule->tail);
	return (1 - rule->contamination) * normal_density(d - shift, s) + spoilt;
}

void history_add(struct history *h, double magnitude)
{
	if (h->count == RULE_WINDOW)
		memmove(h->magnitude, h->magnitude + 1, --h->count * sizeof *h->magnitude);
	h->magnitude[h->count++] = magnitude;
}

void history_learn(struct history *h, const double *d, size_t n)
{
	if (n < 3)
		return;
	double median = stats_median(d, n);
	for (size_t i = 0; i < n; i++)
		history_add(h, fabs(d[i] - median) * sqrt((double)n / (double)(n - 1)));
}

double noise_scale(const struct rule *rule, const struct history *h, const double *stay, size_t n)
{
	double magnitude[RULE_WINDOW + RULE_PRIORS];
	size_t count = 0;
	if (n >= 4) {
		double median = stats_median(stay, n);
		for (size_t i = n; i-- > 0 && count < RULE_WINDOW;)
			magnitude[count++] = fabs(stay[i] - median);
	}
	for (size_t i = h->count; i-- > 0 && count < RULE_WINDOW;)
		magnitude[count++] = h->magnitude[i];
	for (size_t i = 0; i < RULE_PRIORS; i++)
		magnitude[count++] = rule->prior[i];
	return fmax(rule->scale_floor, rule->mad_factor * stats_median(magnitude, count));
}

double evidence_factor(const struct rule *rule, double d, double theta, double s)
{
	double blurred = sqrt(s * s + rule->spread * theta * (rule->spread * theta));
	double better = density(rule, d, theta, blurred), worse = density(rule, d, -theta, blurred);
	/* Beyond |d| of about 70 both vanish in a double; such a pair says nothing. */
	return better + worse > 0 ? 2 * better / (better + worse) : 1;
}

double futility_step(const struct rule *rule, double d, double s)
{
	double effect = density(rule, d, rule->futility_effect, s), none = density(rule, d, 0, s);
	return effect > 0 && none > 0 ? log(effect / none) : 0;
}

static const double *stay_of(const struct evidence *e)
{
	return e->count > e->stay ? e->d + e->stay : NULL;
}

void evidence_release(struct evidence *e)
{
	free(e->d);
	*e = (struct evidence){0};
}

void evidence_add(struct evidence *e, const struct rule *rule, const struct history *h, double d)
{
	e->scale = noise_scale(rule, h, stay_of(e), e->count - e->stay);
	for (int i = 0; i < RULE_EFFECTS; i++)
		e->log[i] += log(evidence_factor(rule, d, rule->effect[i], e->scale));
	*(double *)array_add(&e->d, &e->count, &e->room, sizeof *e->d) = d;
	e->peak = fmax(e->peak, evidence_value(e, rule));
}

double evidence_value(const struct evidence *e, const struct rule *rule)
{
	double value = 0;
	for (int i = 0; i < RULE_EFFECTS; i++)
		value += rule->weight[i] * exp(e->log[i]);
	return value;
}

void evidence_enter(struct evidence *e)
{
	e->stay = e->count;
}

void evidence_leave(struct evidence *e, struct history *h)
{
	history_learn(h, stay_of(e), e->count - e->stay);
	e->stay = e->count;
}
