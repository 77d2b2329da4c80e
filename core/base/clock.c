/* Time as integers of microseconds, and its few text forms. */
#include "core/base/clock.h"

#include <stdio.h>
#include <time.h>

enum { MICRO = 1000000 };

static int64_t now(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * MICRO + t.tv_nsec / 1000;
}

int64_t clock_wall(void)
{
	return now(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

/* The whole seconds of a time, rounded down also before 1970. */
static int64_t whole_seconds(int64_t wall)
{
	return wall / MICRO - (wall % MICRO < 0);
}

void clock_format(int64_t wall, char out[CLOCK_TEXT])
{
	time_t seconds = (time_t)whole_seconds(wall);
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT - n, ".%06dZ", (int)((wall % MICRO + MICRO) % MICRO));
}

/* Reads exactly width digits at *p into *out, then the character after (NUL: none is asked for); moves *p behind. */
static int take(const char **p, int width, char after, int *out)
{
	*out = 0;
	for (; width--; (*p)++) {
		if (**p < '0' || **p > '9')
			return 0;
		*out = *out * 10 + (**p - '0');
	}
	return !after || *(*p)++ == after;
}

static int take_fraction(const char **p, int64_t *fraction)
{
	*fraction = 0;
	if (**p != '.')
		return 1;
	const char *first = ++*p;
	for (int64_t unit = MICRO / 10; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*fraction += (**p - '0') * unit;
	return *p > first;
}

/* "Z" or "+01:00", to the end of the string. */
static int take_offset(const char **p, int64_t *seconds)
{
	int hours = 0, minutes = 0;
	char sign = *(*p)++;
	if (sign == 'Z')
		return !**p;
	if (sign != '+' && sign != '-')
		return 0;
	if (!take(p, 2, ':', &hours) || !take(p, 2, '\0', &minutes) || **p || hours > 23 || minutes > 59)
		return 0;
	*seconds = (sign == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
	return 1;
}

int clock_parse(const char *text, int64_t *wall)
{
	struct tm tm = {0};
	int64_t fraction, offset = 0;
	int day;
	if (!take(&text, 4, '-', &tm.tm_year) || !take(&text, 2, '-', &tm.tm_mon) || !take(&text, 2, 'T', &day) ||
	    !take(&text, 2, ':', &tm.tm_hour) || !take(&text, 2, ':', &tm.tm_min) ||
	    !take(&text, 2, '\0', &tm.tm_sec) || !take_fraction(&text, &fraction) || !take_offset(&text, &offset))
		return -1;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	tm.tm_mday = day;
	int64_t rest = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	int64_t midnight = timegm(&tm);
	if (tm.tm_mday != day)	/* timegm made 30 February a day in March */
		return -1;
	*wall = (midnight + rest - offset) * MICRO + fraction;
	return 0;
}

static void local(int64_t wall, const char *format, char out[CLOCK_TEXT])
{
	time_t seconds = (time_t)whole_seconds(wall);
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	localtime_r(&seconds, &tm);
	if (!strftime(out, CLOCK_TEXT, format, &tm))
		*out = '\0';
}

void clock_time_of_day(int64_t wall, char out[CLOCK_TEXT])
{
	local(wall, "%H:%M:%S", out);
}

void clock_date(int64_t wall, char out[CLOCK_TEXT])
{
	local(wall, "%Y-%m-%d", out);
}

void clock_duration(int64_t microseconds, char out[CLOCK_TEXT])
{
	int64_t s = microseconds < 0 ? 0 : microseconds / MICRO;
	if (s < 3600)
		snprintf(out, CLOCK_TEXT, "%d:%02d", (int)(s / 60), (int)(s % 60));
	else
		snprintf(out, CLOCK_TEXT, "%dh%02d", (int)(s / 3600 % 100000), (int)(s / 60 % 60));
}
