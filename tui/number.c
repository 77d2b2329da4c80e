/* Numbers as text, in the few forms that the screens use. */
#include "tui/number.h"

#include <math.h>
#include <stdio.h>

int number_decimals(const double *values, size_t n, int digits)
{
	double largest = 0;
	int before;

	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i]) && fabs(values[i]) > largest)
			largest = fabs(values[i]);
	before = largest >= 1 ? (int)floor(log10(largest)) + 1 : 1;
	return before < digits ? digits - before : 0;
}

void number_fixed(double v, int decimals, char out[NUMBER_TEXT])
{
	if (!isfinite(v))
		snprintf(out, NUMBER_TEXT, "-");
	else if (fabs(v) >= 1e6)
		snprintf(out, NUMBER_TEXT, "%.3e", v);
	else
		snprintf(out, NUMBER_TEXT, "%.*f", decimals, v);
}

static int rounds_to_nothing(double v, int decimals)
{
	return fabs(v) < 0.5 * pow(10, -decimals);
}

void number_percent(double v, int decimals, char out[NUMBER_TEXT])
{
	if (!isfinite(v))
		snprintf(out, NUMBER_TEXT, "-");
	else if (rounds_to_nothing(v, decimals))
		snprintf(out, NUMBER_TEXT, "%.*f %%", decimals, 0.0);
	else
		snprintf(out, NUMBER_TEXT, "%+.*f %%", decimals, v);
}

void number_interval(double low, double high, int decimals, int width, char out[NUMBER_TEXT])
{
	if (!isfinite(low) || !isfinite(high))
		out[0] = '\0';
	else
		snprintf(out, NUMBER_TEXT, "[%*.*f %*.*f]", width, decimals, low, width, decimals, high);
}

void number_money(double usd, char out[NUMBER_TEXT])
{
	if (!isfinite(usd))
		snprintf(out, NUMBER_TEXT, "-");
	else if (usd > 0 && usd < 0.005)
		snprintf(out, NUMBER_TEXT, "<$0.01");
	else
		snprintf(out, NUMBER_TEXT, "$%.*f", fabs(usd) >= 1000 ? 0 : 2, usd);
}

void number_bytes(double bytes, char out[NUMBER_TEXT])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t unit = 0;

	while (bytes >= 999.5 && unit < 4) {
		bytes /= 1000;
		unit++;
	}
	snprintf(out, NUMBER_TEXT, "%.*f %s", unit && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
}

void number_count(double n, char out[NUMBER_TEXT])
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t unit = 0;

	while (n >= 999.5 && unit < 4) {
		n /= 1000;
		unit++;
	}
	snprintf(out, NUMBER_TEXT, "%.*f%s", unit && n < 99.95 ? 1 : 0, n, units[unit]);
}

void number_short(double v, char out[NUMBER_TEXT])
{
	if (!isfinite(v))
		snprintf(out, NUMBER_TEXT, "-");
	else if (v >= 99999.5)
		snprintf(out, NUMBER_TEXT, "%.1e", v);
	else
		snprintf(out, NUMBER_TEXT, "%.*f", v < 9.95 ? 1 : 0, v);
}
