/* idmap.c - see idmap.h */
#include "box/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "box/ns.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "oci/spec.h"

enum {
	MAP_BYTES_MAX = 4096,		/* user_namespaces(7): a write is at most a page */
	LINE_BYTES_MAX = 48,		/* three numbers of 32 bits */
};

static int write_map(int proc_fd, pid_t pid, const char *file, const struct oci_id_maps *maps,
		     struct err *e)
{
	char name[64];
	struct buf text;
	int failed;

	buf_init(&text, MAP_BYTES_MAX);
	for (size_t i = 0; i < maps->count; i++)
		buf_add_format(&text, "%u %u %u\n", maps->items[i].container_id,
			       maps->items[i].host_id, maps->items[i].size);
	snprintf(name, sizeof(name), "%d/%s", (int)pid, file);
	failed = text.data ? fs_write_control_at(proc_fd, name, text.data, e)
			   : err_set(e, "%s is empty", file);
	buf_finish(&text);
	return failed;
}

int idmap_write(int proc_fd, pid_t pid, const struct oci_id_maps *uids,
		const struct oci_id_maps *gids, struct err *e)
{
	char name[64];

	if (write_map(proc_fd, pid, "uid_map", uids, e))
		return err_add(e, "user namespace");
	if (write_map(proc_fd, pid, "gid_map", gids, e) == 0)
		return 0;
	/* An ordinary user maps its own group alone, and gives up the right to drop groups:
	 * user_namespaces(7), setgroups. */
	snprintf(name, sizeof(name), "%d/setgroups", (int)pid);
	if (e->number != EPERM || fs_write_control_at(proc_fd, name, "deny", e) ||
	    write_map(proc_fd, pid, "gid_map", gids, e))
		return err_add(e, "user namespace");
	return 0;
}

bool idmap_outside(const struct oci_id_maps *maps, uint32_t inside, uint32_t *outside)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *m = &maps->items[i];

		if (inside >= m->container_id && inside - m->container_id < m->size) {
			*outside = m->host_id + (inside - m->container_id);
			return true;
		}
	}
	return false;
}

bool idmap_inside(const struct oci_id_maps *maps, uint32_t outside, uint32_t *inside)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *m = &maps->items[i];

		if (outside >= m->host_id && outside - m->host_id < m->size) {
			*inside = m->container_id + (outside - m->host_id);
			return true;
		}
	}
	return false;
}

/* One "0-1000-10", ended by # or ; or the end. */
static int parse_line(struct oci_id_map *m, const char **at, const struct oci_id_maps *within,
		      struct err *e)
{
	bool relative = **at == '@';
	uint32_t *const numbers[] = { &m->container_id, &m->host_id, &m->size };
	char text[LINE_BYTES_MAX];
	size_t length = strcspn(*at + relative, "#;");
	char *rest = text;

	if (length >= sizeof(text))
		return err_set(e, "a mapping of more than %d bytes", LINE_BYTES_MAX - 1);
	memcpy(text, *at + relative, length);
	text[length] = '\0';
	for (int i = 0; i < 3; i++) {
		char *number = strsep(&rest, "-");

		if (!number || !str_to_u32(number, numbers[i]) || (i == 2 && rest))
			return err_set(e, "\"%.*s\" is not INSIDE-OUTSIDE-SIZE", (int)length,
				       *at + relative);
	}
	if (!m->size)
		return err_set(e, "\"%s\" maps nothing", text);
	if (relative && !idmap_outside(within, m->host_id, &m->host_id))
		return err_set(e, "@: %u is not in the container's user namespace", m->host_id);
	*at += relative + length;
	return 0;
}

/* Up to the ; or the end. */
static const struct oci_id_maps *parse_maps(struct arena *a, const char **at,
					    const struct oci_id_maps *within, struct err *e)
{
	struct oci_id_maps *maps = arena_alloc(a, sizeof(*maps));
	size_t most = 1;

	for (const char *c = *at; *c && *c != ';'; c++)
		most += *c == '#';
	if (most > OCI_ID_MAPS_MAX) {
		err_set(e, "more than %d mappings", OCI_ID_MAPS_MAX);
		return NULL;
	}
	maps->items = arena_array(a, most, sizeof(*maps->items));
	while (maps->count < most) {
		if (parse_line(&maps->items[maps->count++], at, within, e))
			return NULL;
		*at += **at == '#';
	}
	return maps;
}

int idmap_parse(struct idmap_pair *maps, struct arena *a, const char *text,
		const struct idmap_pair *within, struct err *e)
{
	*maps = (struct idmap_pair){ NULL, NULL };
	for (const char *at = text; *at;) {
		bool uids = str_starts(at, "uids="), gids = str_starts(at, "gids=");
		const struct oci_id_maps **target = uids ? &maps->uids : &maps->gids;

		if ((!uids && !gids) || *target)
			return err_set(e, "idmap=%s: must be uids=... and gids=..., once each",
				       text);
		at += strlen("uids=");
		*target = parse_maps(a, &at, uids ? within->uids : within->gids, e);
		if (!*target)
			return err_add(e, "idmap=%s", text);
		at += *at == ';';
	}
	return maps->uids && maps->gids ? 0 :
					  err_set(e, "idmap=%s: uids and gids go together", text);
}

/* The helper lives until its namespace is open; should its parent die first, it goes too. */
static void __attribute__((noreturn)) be_helper(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

int idmap_user_ns(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *e)
{
	AUTO_FD int proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int pidfd = -1;
	pid_t parent = getpid(), pid;
	int user_ns_fd = -1;

	if (proc_fd < 0)
		return err_sys(e, "open /proc");
	pid = ns_clone(CLONE_NEWUSER, -1, &pidfd, e);
	if (pid == 0)
		be_helper(parent);
	if (pid < 0)
		return err_add(e, "id mapping of a mount");
	if (idmap_write(proc_fd, pid, uids, gids, e) == 0)
		user_ns_fd = ns_open(proc_fd, pid, "user", e);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return user_ns_fd;
}

static int map_mount(int mount_fd, int user_ns_fd, bool recursive, struct err *e)
{
	const struct mount_change c = {
		.set = MOUNT_ATTR_IDMAP, .user_ns_fd = user_ns_fd, .recursive = recursive,
	};

	return mount_fd_change(mount_fd, "", &c, e) ? err_add(e, "idmapped mount") : 0;
}

int idmap_mount(int mount_fd, int user_ns_fd, struct err *e)
{
	return map_mount(mount_fd, user_ns_fd, false, e);
}

int idmap_mount_tree(int mount_fd, int user_ns_fd, struct err *e)
{
	return map_mount(mount_fd, user_ns_fd, true, e);
}
