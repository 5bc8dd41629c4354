/* boot.h - the boot record: which stage was reached how long after the kernel started.
 *
 * One line `NAME NANOSECONDS` (CLOCK_BOOTTIME) per stage in BOOT_RECORD, appended by init, svd and
 * engined with one write each, so lines of several writers stay whole. `svctl boot` prints it as a
 * table. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOOT_RECORD "/run/boot"

enum { BOOT_STAGES_MAX = 64, BOOT_NAME_MAX = 48 };

struct boot_stage {
	char name[BOOT_NAME_MAX];
	uint64_t at_ns;
};

/* Appends; a record that cannot be written (full /run) is no reason to stop a boot, so nothing is
 * returned. */
void boot_mark(const char *stage, uint64_t at_ns);

/* Pure: the stages of the text, sorted by time, the first BOOT_STAGES_MAX of them; lines of another
 * form are left out. Returns the count. */
int boot_parse(const char *text, struct boot_stage stages[BOOT_STAGES_MAX]);
