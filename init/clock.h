/* clock.h - a clock that never starts in the past: max(what the machine says, build time, last
 * saved).
 *
 * A machine without a battery starts in 1970; TLS and file times need better. The floor is kept in
 * CLOCK_SAVED, written every hour and when the machine stops. */
#pragma once

#include <stdint.h>

#define CLOCK_EPOCH "/etc/cuvette/epoch"
#define CLOCK_SAVED "/data/clock"

/* 2100-01-01: a saved time beyond it is damage, not time. */
#define CLOCK_BELIEVABLE_S INT64_C(4102444800)

enum clock_source { CLOCK_FROM_MACHINE, CLOCK_FROM_BUILD, CLOCK_FROM_SAVED };

/* Pure: the time to set, in seconds; a negative epoch_s or saved_s means "not known". */
int64_t clock_floor(int64_t now_s, int64_t epoch_s, int64_t saved_s, enum clock_source *source);

/* Reads both files, sets the system clock forward when it is behind, and says so. */
void clock_raise(void);
/* Atomically, with fsync: may block on a slow disk, so init does it in a child. */
void clock_save(void);
