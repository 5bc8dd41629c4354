/* disk.h - the data disk: looks what is there, asks data.h what to do, does it, and says what it
 * did.
 *
 * A first use copies the seed (a small ext4 made when the system was built), its first MiB last: a
 * power cut in between leaves a disk that still counts as blank. Then the file system gets its own
 * UUID and grows to the size of the disk; growing is tried at every boot, so a larger disk image is
 * enough to get more room. */
#pragma once

#include "init/cmdline.h"

#define DISK_DATA_DIR "/data"
#define DISK_SEED "/usr/share/cuvette/data.seed"

/* Afterwards /data is there and writable: the disk, or memory. */
void disk_mount_data(enum cmdline_data asked);
