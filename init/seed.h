/* seed.h - the small ext4 that a blank disk is filled with (made when the system was built).
 *
 * The copy begins with a mark (data.h, DATA_BEGUN) in the disk's first sector, synced before
 * anything else is written, and ends by taking it away, after everything else is synced: whenever
 * the power goes, the disk is what it was, or begun and begun again at the next boot, or whole. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/data.h"

#define SEED_FILE "/usr/share/cuvette/data.seed"

/* Its size, and what its superblock says; 0 when it is missing or damaged (said on the console). */
uint64_t seed_look(struct data_super *super);

/* Fills the device; false with errno. Nobody else may have it open for mounting. */
bool seed_write(const char *device, uint64_t seed_bytes);

/* The mounted copy gets a UUID of its own: two disks with one are twins. When there is no entropy
 * yet, the next boot tries again. */
void seed_renew_uuid(int data_fd);
