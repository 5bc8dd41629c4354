/* layers.h - an image's layers as mounted folders, shared by all containers of the image.
 *
 * /images/NAME/image.json lists the layers, bottom first, and may name a merged EROFS: metadata
 * whose data lies in the layer files (its devices), so that one mount serves them all. Without it
 * each layer is a mount. They are mounted once per boot below /run/box/.layers/NAME/; the mounts
 * outlive the process and are found again. 6.12 copies only attached mounts (open_tree of a
 * detached one comes with 6.15), so they must hang somewhere. */
#pragma once

#include <stddef.h>

struct box_host;
struct err;

enum { LAYERS_MAX = 128, DIGEST_BYTES = 128 };

struct layers {
	char digest[DIGEST_BYTES];	/* of the image */
	int fds[LAYERS_MAX];		/* mounted folders, top first, as overlayfs wants them */
	size_t count;
};

int layers_open(struct layers *l, const struct box_host *host, const char *image, struct err *e);
void layers_close(struct layers *l);
