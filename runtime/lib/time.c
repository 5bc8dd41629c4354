#include "lib/time.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

static void write_rfc3339(const struct timespec *t, char out[TIME_RFC3339_BYTES])
{
	struct tm tm;

	gmtime_r(&t->tv_sec, &tm);
	snprintf(out, TIME_RFC3339_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, t->tv_nsec);
}

void time_rfc3339_now(char out[TIME_RFC3339_BYTES])
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	write_rfc3339(&t, out);
}

void time_rfc3339_once(char out[TIME_RFC3339_BYTES])
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	write_rfc3339(&t, out);
}
