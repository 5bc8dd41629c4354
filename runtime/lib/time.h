/* time.h - clocks. Durations and deadlines use the boot clock, which no clock jump moves. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t time_boot_ns(void); /* CLOCK_BOOTTIME: since the kernel started, suspend included */
uint64_t time_boot_ms(void);
int64_t time_wall_s(void); /* CLOCK_REALTIME */

enum { TIME_RFC3339_BYTES = 36 };
/* `2026-11-20T11:30:00.123456789Z` of the wall clock now, as the Docker API writes times. */
void time_rfc3339_now(char out[TIME_RFC3339_BYTES]);
/* For a program that asks once: by a system call, since the kernel's pages for the clock (vdso(7))
 * cost more to touch and to look through. */
void time_rfc3339_once(char out[TIME_RFC3339_BYTES]);
