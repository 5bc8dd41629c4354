/* volume.h - a volume by name as a detached mount for one container.
 *
 * Driver `share`: the folder that the machine's owner shares, when there is one; else, and for
 * every other volume, /data/volumes/NAME, made at first use. Driver `names`: a file, see names.h.
 */
#pragma once

#include <stdint.h>

struct box_host;
struct box_volume;
struct err;
struct names_text;
struct oci_id_maps;

struct volume_place {
	const struct box_host *host;
	int root_fd; /* the container's root: an empty volume takes over what the image has there */
	int user_ns_fd;
	const struct oci_id_maps *uid_maps, *gid_maps;
	int state_fd;		/* /run/box/NAME */
	const struct names_text *names;
};

int volume_open(const struct box_volume *v, const struct volume_place *place, uint64_t attrs,
		struct err *e);
