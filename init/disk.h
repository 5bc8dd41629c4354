/* disk.h - the data disk: looks what is there, asks data.h what to do, does it, and says what it
 * did.
 *
 * Every step that touches a disk is done in a child with a bound (bounded.h): a disk that never
 * answers costs its time and its data, not the machine. A first use copies the seed (seed.h); then
 * the file system gets its own UUID and grows to the size of the disk. Growing is tried at every
 * boot, so a larger disk image is enough to get more room. */
#pragma once

#include "init/cmdline.h"

#define DISK_DATA_DIR "/data"

enum {
	DISK_LOOK_MS = 10000,		/* for each disk: some 2 MiB in 300 places */
	DISK_SEED_MS = 180000,		/* 40 MiB: a worn USB stick writes 0.3 MiB/s */
	DISK_MOUNT_MS = 60000,		/* a journal replayed from a slow disk */
	DISK_TEND_MS = 10000,		/* then it goes on behind the boot's back */
};

/* Afterwards /data is there and writable: the disk, or memory. */
void disk_mount_data(enum cmdline_data asked);
