/* spec_defaults.c - the container that Docker makes when no option is given.
 *
 * Values are public facts of Docker's documentation and of the kernel; see oci_spec_defaults in
 * spec.h. */
#include <string.h>

#include "lib/arena.h"
#include "lib/array.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

enum { ID_RANGE = 65536, SHM_BYTES = 64 << 20 };

static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
};

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const struct {
	const char *destination, *type, *source, *options[8];
} mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5",
	    /* of the 3072 that all containers have: nobody takes them away from the others */
	    "max=256" } },
	{ "/dev/shm",
	  "tmpfs",
	  "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777" } }, /* size is added */
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "ro" } },
};
enum {
	MOUNTS = ARRAY_SIZE(mounts),
	READONLYS = ARRAY_SIZE(readonly),
	MASKED = ARRAY_SIZE(masked)
};

const char **oci_strings(struct arena *a, const char *const *items, size_t count)
{
	const char **list = arena_array(a, count + 1, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = arena_str(a, items[i]);
	return list;
}

const char **oci_strings_add(struct arena *a, const char **list, const char *item)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	const char **longer = arena_array(a, count + 2, sizeof(*longer));

	if (count)
		memcpy(longer, list, count * sizeof(*longer));
	longer[count] = arena_str(a, item);
	return longer;
}

static void default_mounts(struct arena *a, struct oci_spec *s, const struct oci_defaults *d)
{
	s->mounts = arena_array(a, MOUNTS, sizeof(*s->mounts));
	for (size_t i = 0; i < MOUNTS; i++) {
		struct oci_mount *m = &s->mounts[s->mount_count];
		size_t options = 0;

		if (strcmp(mounts[i].type, "cgroup") == 0 && !d->cgroups_path)
			continue;	/* it would show the cgroup of whoever made the container */
		while (options < 8 && mounts[i].options[options])
			options++;
		m->destination = mounts[i].destination;
		m->type = mounts[i].type;
		m->source = mounts[i].source;
		m->options = oci_strings(a, mounts[i].options, options);
		if (strcmp(mounts[i].source, "shm") == 0)
			m->options = oci_strings_add(a, m->options, arena_format(a, "size=%llu",
				(unsigned long long)(d->shm_bytes ? d->shm_bytes : SHM_BYTES)));
		s->mount_count++;
	}
}

struct oci_spec *oci_spec_defaults(struct arena *a, const struct oci_defaults *d)
{
	struct oci_spec *s = arena_alloc(a, sizeof(*s));
	struct oci_id_map map = { .container_id = 0, .host_id = d->id_base, .size = ID_RANGE };
	struct oci_caps *caps = &s->process.caps;

	s->process.cwd = "/";
	s->process.user.umask = -1;
	caps->bounding = caps->effective = caps->permitted = oci_default_caps();
	s->root_path = "rootfs";
	s->hostname = arena_str(a, d->hostname);
	s->cgroups_path = arena_str(a, d->cgroups_path);
	s->namespaces = 1u << OCI_NS_USER | 1u << OCI_NS_PID | 1u << OCI_NS_MOUNT |
			1u << OCI_NS_UTS | 1u << OCI_NS_IPC | 1u << OCI_NS_CGROUP;
	if (d->own_network)
		s->namespaces |= 1u << OCI_NS_NETWORK;
	s->uid_maps.items = arena_array(a, 1, sizeof(map));
	s->gid_maps.items = arena_array(a, 1, sizeof(map));
	s->uid_maps.items[s->uid_maps.count++] = map;
	s->gid_maps.items[s->gid_maps.count++] = map;
	s->masked_paths = oci_strings(a, masked, MASKED);
	s->readonly_paths = oci_strings(a, readonly, READONLYS);
	s->seccomp_default = true;
	default_mounts(a, s, d);
	return s;
}
