/* bundle.c - see bundle.h */
#include "cli/bundle.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "box/systemd.h"
#include "cli/globals.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/spec.h"

/* Where an open folder is, without the kernel's looking at every part of its path again. */
static const char *path_of(int fd, struct arena *a, struct err *e)
{
	char link[32], path[PATH_MAX];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof(path));
	if (size < 0 || size == sizeof(path)) {
		err_sys(e, "find the bundle's path");
		return NULL;
	}
	return arena_strn(a, path, (size_t)size);
}

static int read_config(struct bundle *b, const char *config, struct arena *a, struct err *e)
{
	AUTO_FD int fd = openat(config ? AT_FDCWD : b->fd, config ? config : "config.json",
				O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return config ? err_sys(e, "open %s", config) :
				err_sys(e, "open config.json of the bundle %s", b->path);
	b->text = fd_read_all(fd, OCI_SPEC_BYTES_MAX, &b->text_bytes, e);
	if (!b->text)
		return err_add(e, "%s", config ? config : "config.json");
	b->spec = oci_spec_parse_bundle(a, "config.json", b->text, b->text_bytes, e);
	return b->spec ? 0 : -1;
}

/* As crun: root of a user namespace without mappings is whoever makes it. */
static void map_caller(struct oci_spec *spec, struct arena *a)
{
	struct oci_id_map *maps;

	if (!(spec->namespaces & 1u << OCI_NS_USER) || spec->uid_maps.count > 0 ||
	    spec->gid_maps.count > 0)
		return;
	if (getauxval(AT_EUID) == 0)
		log_warn("config.json: .linux.uidMappings and gidMappings are missing: root inside "
			 "is the caller, root; give it ids of its own");
	maps = arena_array(a, 2, sizeof(*maps));
	maps[0] = (struct oci_id_map){ .host_id = (uint32_t)getauxval(AT_EUID), .size = 1 };
	maps[1] = (struct oci_id_map){ .host_id = (uint32_t)getauxval(AT_EGID), .size = 1 };
	spec->uid_maps = (struct oci_id_maps){ .items = &maps[0], .count = 1 };
	spec->gid_maps = (struct oci_id_maps){ .items = &maps[1], .count = 1 };
}

int bundle_open(struct bundle *b, const char *path, const char *config, struct arena *a,
		struct err *e)
{
	const char *root;

	*b = (struct bundle){ .fd = openat(AT_FDCWD, path ? path : ".",
						      O_PATH | O_DIRECTORY | O_CLOEXEC) };
	if (b->fd < 0)
		return err_sys(e, "open the bundle %s", path ? path : ".");
	b->path = path && path[0] == '/' ? path : path_of(b->fd, a, e);
	if (!b->path || read_config(b, config, a, e)) {
		bundle_close(b);
		return -1;
	}
	map_caller(b->spec, a);
	root = b->spec->root_path ? b->spec->root_path : "";
	b->rootfs = root[0] == '/' ? root : arena_format(a, "%s/%s", b->path, root);
	return 0;
}

void bundle_close(struct bundle *b)
{
	fd_close(&b->fd);
	free(b->text);
	b->text = NULL;
}

int bundle_plan(const struct bundle *b, const char *id, const struct globals *globals,
		bool always_nodev, struct box_plan *plan, struct arena *a, struct err *e)
{
	*plan = (struct box_plan){
		.name = id,
		.bundle = b->path,
		.policy = { .always_nodev = always_nodev,
			    .systemd = globals->systemd,
			    .systemd_user = globals->systemd && systemd_is_users() },
		.spec = b->spec,
	};
	/* Only the service hides something of each CPU. */
	return box_plan_make(plan, a, 0, e);
}
