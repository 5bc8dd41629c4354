#include "lib/time.h"

#include <stdio.h>
#include <time.h>

uint64_t time_boot_ns(void)
{
	struct timespec t;

	/* Cannot fail: the clock exists since Linux 2.6.39 and the pointer is good. */
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t time_boot_ms(void)
{
	return time_boot_ns() / 1000000;
}

int64_t time_wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

void time_rfc3339_now(char out[TIME_RFC3339_BYTES])
{
	struct timespec t;
	struct tm tm;
	char day[24];

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, TIME_RFC3339_BYTES, "%s.%09ldZ", day, t.tv_nsec);
}
