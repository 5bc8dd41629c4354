/* image.h - an image as it lies on this machine: /images/NAME/image.json, read as far as a
 * container needs it. */
#pragma once

#include <stddef.h>

struct arena;
struct err;
struct port_map;

enum { IMAGE_BYTES_MAX = 1 << 20 };

struct image {
	const char *name;
	const char *digest;			/* sha256:... of the OCI manifest */
	const char *const *environment; /* NULL-terminated; NULL = not given; so are the next two */
	const char *const *entrypoint;
	const char *const *command;
	const char *user, *working_dir, *stop_signal;	/* "" = not given */
	const struct port_map *exposed;		/* ExposedPorts, as far as we carry them */
	size_t exposed_count;
};

/* images_fd: the folder of all images. Text lives in the arena. */
int image_read(struct image *image, int images_fd, const char *name, struct arena *arena,
	       struct err *e);
int image_parse(struct image *image, const char *name, const char *text, size_t size_bytes,
		struct arena *arena, struct err *e);
