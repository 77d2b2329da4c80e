/* Time as integers of microseconds, and its few text forms. */
#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
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

void clock_format(int64_t wall, char out[CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall / MICRO);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT - n, ".%06dZ", (int)(wall % MICRO));
}

int clock_parse(const char *text, int64_t *wall)
{
	struct tm tm = {0};
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return -1;
	int64_t fraction = 0, unit = MICRO;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++)
			if (unit > 1)
				fraction += (*p - '0') * (unit /= 10);
	int hours = 0, minutes = 0;
	char sign = '+';
	if (strcmp(p, "Z") && sscanf(p, "%c%2d:%2d", &sign, &hours, &minutes) != 3)
		return -1;
	int64_t offset = (hours * 60 + minutes) * 60;
	*wall = ((int64_t)timegm(&tm) - (sign == '-' ? -offset : offset)) * MICRO + fraction;
	return 0;
}

static void local(int64_t wall, const char *format, char out[CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall / MICRO);
	struct tm tm;
	localtime_r(&seconds, &tm);
	strftime(out, CLOCK_TEXT, format, &tm);
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
