/* host.h - the places of this machine that containers are made of, opened once.
 *
 * All names below are the appliance's own: nothing that a container can write resolves through
 * them. */
#pragma once

struct err;

#define BOX_IMAGES_DIR "/images"
#define BOX_STATE_DIR "/run/box"
#define BOX_DATA_DIR "/data/box"
#define BOX_VOLUMES_DIR "/data/volumes"
#define BOX_SHARE_DIR "/run/share/work"
#define BOX_RESOLVER "/run/net/resolv.conf"
#define BOX_MONITOR "/usr/lib/cuvette/boxmon"

struct box_host {
	int images_fd;
	int state_fd;		/* per boot: one folder per box */
	int layers_fd;		/* mount points, below state_fd */
	int containers_fd;	/* writable layers and logs */
	int trash_fd;		/* what is being deleted */
	int volumes_fd;
	int proc_fd;
	int cgroup_fd;		/* the cgroup above all boxes; -1 = the machine has no cgroup v2 */
	unsigned cpu_count;
};

int box_host_open(struct box_host *h, struct err *e);
/* "/run" or "/data", where there is less room than a start takes; NULL = both have it. */
const char *box_host_full(const struct box_host *h);
