/* Wall clock for facts, monotonic clock for durations; both in microseconds. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall(void);	/* microseconds since 1970 UTC */
int64_t clock_monotonic(void);	/* microseconds since some start; never goes back */

/* "2026-11-21T06:06:52.123456Z" (RFC 3339 UTC). out holds at least CLOCK_TEXT bytes. */
enum { CLOCK_TEXT = 32 };
void clock_format(int64_t wall, char out[CLOCK_TEXT]);

/* The reverse, strictly RFC 3339: also offsets (+01:00), and seconds with any fraction or none. A leap second is the
 * second after it. 0, or -1 when it is no such time. */
int clock_parse(const char *text, int64_t *wall);

/* "14:02:11" in the local time zone, "2026-11-21" likewise, and a duration such as "0:07", "4:12" or "2h04". */
void clock_time_of_day(int64_t wall, char out[CLOCK_TEXT]);
void clock_date(int64_t wall, char out[CLOCK_TEXT]);
void clock_duration(int64_t microseconds, char out[CLOCK_TEXT]);

#endif
