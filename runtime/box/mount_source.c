/* mount_source.c - see mount_source.h */
#include "box/mount_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/idmap.h"
#include "box/mount_fd.h"
#include "box/mount_plan.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "oci/spec.h"

void mount_sources_init(struct mount_sources *s, const struct mount_plan *plan)
{
	*s = (struct mount_sources){
		.bundle_fd = AT_FDCWD, .cgroup_fd = -1, .root_fd = -1, .nodes_fd = -1,
		.count = plan->source_count,
	};
	if (!s->count)
		return;
	s->fds = malloc(s->count * sizeof(*s->fds));
	s->links = calloc(s->count, sizeof(*s->links));
	if (!s->fds || !s->links)
		abort();
	for (size_t i = 0; i < s->count; i++)
		s->fds[i] = -1;
}

void mount_sources_close(struct mount_sources *s)
{
	fd_close(&s->root_fd);
	fd_close(&s->nodes_fd);
	for (size_t i = 0; i < s->count; i++) {
		fd_close(&s->fds[i]);
		free(s->links[i]);
	}
	free(s->fds);
	free(s->links);
	s->fds = NULL;
	s->links = NULL;
	s->count = 0;
}

/* What the container mounts below its root must not appear on the machine, which it would as long
 * as the copy is a peer of a shared mount. Shared itself it becomes later, among its own. */
static int open_root(struct mount_sources *s, const struct mount_plan *plan, struct err *e)
{
	/* Root in a user namespace makes no nodes, and those that it gets are mounts of their own:
	 * any other one came with the image, for whatever its owner on the machine may open. */
	const struct mount_change c = {
		.set = plan->user_ns ? MOUNT_ATTR_NODEV : 0,
		.propagation = plan->root_propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
		.recursive = true,
	};

	char path[PATH_MAX];

	if (!plan->root_path)
		return 0;
	/* With the slash the kernel takes nothing but a folder. */
	if ((size_t)snprintf(path, sizeof(path), "%s/", plan->root_path) >= sizeof(path))
		return err_set(e, ".root.path: longer than %d bytes: give a shorter one",
			       PATH_MAX - 2);
	s->root_fd = mount_fd_copy(s->bundle_fd, path, MOUNT_CLONE_TREE | MOUNT_CLONE_FOLLOW, e);
	if (s->root_fd < 0 || mount_fd_change(s->root_fd, "", &c, e))
		return err_add(e, ".root.path");
	return 0;
}

static int change(int fd, const struct mount_change *c, struct err *e)
{
	if (mount_fd_change(fd, "", c, e) == 0)
		return 0;
	if (e->number == EPERM)
		return err_set(e, "the source has flags that this user namespace may not change; "
				  "leave out the option that would");
	return -1;
}

/* Without words of its own a mount is what the root is. */
static int set_propagation(int fd, const struct mount_plan *plan, const struct mount_options *o,
			   struct err *e)
{
	struct mount_change c = {
		.propagation = plan->root_propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
		.recursive = true,
	};

	if (!o->propagation_count)
		return change(fd, &c, e);
	for (size_t i = 0; i < o->propagation_count; i++) {
		unsigned long kind = o->propagations[i] & ~(unsigned long)MS_REC;

		c.recursive = o->propagations[i] & MS_REC;
		/* A user namespace mounts nothing on the machine: it is never its peer. */
		if (kind == MS_SHARED && plan->user_ns) {
			c.propagation = MS_SLAVE;
			if (change(fd, &c, e))
				return -1;
		}
		c.propagation = kind;
		if (change(fd, &c, e))
			return -1;
	}
	return 0;
}

static int set_attrs(int fd, const struct mount_options *o, struct err *e)
{
	const struct mount_change alone = { .set = o->set, .clear = o->clear };
	const struct mount_change all = {
		.set = o->recursive_set, .clear = o->recursive_clear, .recursive = true,
	};

	if ((alone.set || alone.clear) && change(fd, &alone, e))
		return -1;
	return all.set || all.clear ? change(fd, &all, e) : 0;
}

/* As cheap as it gets for what is asked most: one mount, and everything in one call. */
static int set_all(int fd, const struct mount_plan *plan, const struct mount_options *o,
		   struct err *e)
{
	unsigned long kind = o->propagation_count ? o->propagations[0] & ~(unsigned long)MS_REC :
						    MS_PRIVATE;
	const struct mount_change c = { .set = o->set, .clear = o->clear, .propagation = kind };

	if (!o->recursive_bind && !o->recursive_set && !o->recursive_clear &&
	    o->propagation_count <= 1 && kind == MS_PRIVATE &&
	    !(plan->root_propagation & MS_SLAVE && !o->propagation_count))
		return change(fd, &c, e);
	return set_propagation(fd, plan, o, e) || set_attrs(fd, o, e) ? -1 : 0;
}

/* copy-symlink: the text of a source that is a link. */
static bool take_link(struct mount_sources *s, const struct mount_step *step)
{
	char text[PATH_MAX];
	ssize_t size = readlinkat(s->bundle_fd, step->from, text, sizeof(text) - 1);

	if (size < 0)
		return false;
	text[size] = '\0';
	s->links[step->source] = strdup(text);
	if (!s->links[step->source])
		abort();
	return true;
}

static int check_proc(int fd, const struct mount_step *step, struct err *e)
{
	struct statfs fs;

	if (!str_equal(step->target, "/proc"))
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return err_sys(e, "statfs %s", step->from);
	return fs.f_type == PROC_SUPER_MAGIC ? 0 : err_set(e, "only a procfs can be at /proc");
}

static int open_bind(struct mount_sources *s, const struct mount_plan *plan,
		     const struct mount_step *step, struct err *e)
{
	const struct mount_options *o = &step->options;
	unsigned how = (o->recursive_bind ? MOUNT_CLONE_TREE : 0) |
		       (o->source_nofollow ? 0 : MOUNT_CLONE_FOLLOW);
	int fd;

	if (o->copy_symlink && take_link(s, step))
		return 0;
	fd = mount_fd_copy(s->bundle_fd, step->from, how, e);
	s->fds[step->source] = fd;
	if (fd < 0 && e->number == EINVAL && !o->recursive_bind)
		return err_set(e, "there are mounts below it that this user namespace may not "
				  "uncover: use rbind");
	if (fd < 0)
		return -1;
	return set_all(fd, plan, o, e) || check_proc(fd, step, e) ? -1 : 0;
}

/* With what is mounted below it only where it must: an unprivileged caller uncovers nothing. */
static int open_sys(struct mount_sources *s, const struct mount_step *step, struct err *e)
{
	int fd = mount_fd_copy(AT_FDCWD, "/sys", 0, e);

	if (fd < 0 && e->number == EINVAL)
		fd = mount_fd_copy(AT_FDCWD, "/sys", MOUNT_CLONE_TREE, e);
	s->fds[step->source] = fd;
	if (fd < 0 || mount_fd_private(fd, e))
		return -1;
	return set_attrs(fd, &step->options, e);
}

static int open_cgroup(struct mount_sources *s, const struct mount_step *step, struct err *e)
{
	bool own = s->cgroup_fd >= 0;
	int fd = mount_fd_copy(own ? s->cgroup_fd : AT_FDCWD, own ? "" : "/sys/fs/cgroup",
			       own ? 0 : MOUNT_CLONE_TREE, e);

	s->fds[step->source] = fd;
	if (fd < 0 || mount_fd_private(fd, e))
		return -1;
	return set_attrs(fd, &step->options, e);
}

static bool same_maps(const struct oci_id_maps *a, const struct oci_id_maps *b)
{
	return a == b || (a->count == b->count &&
			  memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0);
}

static int map_source(const struct mount_sources *s, const struct mount_step *step, int user_ns_fd,
		      struct err *e)
{
	int fd = s->fds[step->source];

	if (fd < 0)
		return 0;
	if (step->options.idmap == MOUNT_IDMAP_RECURSIVE ?
		    idmap_mount_tree(fd, user_ns_fd, e) :
		    idmap_mount(fd, user_ns_fd, e)) {
		if (e->number == EINVAL)
			return err_set(e, ".mounts[%zu]: the file system of %s cannot map ids, or "
					  "it is mapped already", step->index, step->from);
		return err_add(e, ".mounts[%zu]: %s", step->index, step->from);
	}
	return 0;
}

/* Every later step with the same maps takes the same namespace. */
static int map_with(const struct mount_sources *s, const struct mount_plan *plan, size_t first,
		    struct err *e)
{
	const struct mount_step *step = &plan->steps[first];
	AUTO_FD int user_ns_fd = idmap_user_ns(step->uid_maps, step->gid_maps, e);

	if (user_ns_fd < 0)
		return err_add(e, ".mounts[%zu]", step->index);
	for (size_t i = first; i < plan->count; i++) {
		const struct mount_step *other = &plan->steps[i];

		if (other->uid_maps && same_maps(other->uid_maps, step->uid_maps) &&
		    same_maps(other->gid_maps, step->gid_maps) &&
		    map_source(s, other, user_ns_fd, e))
			return -1;
	}
	return 0;
}

static bool is_first_with_maps(const struct mount_plan *plan, size_t index)
{
	const struct mount_step *step = &plan->steps[index];

	if (!step->uid_maps)
		return false;
	for (size_t i = 0; i < index; i++)
		if (plan->steps[i].uid_maps && same_maps(plan->steps[i].uid_maps, step->uid_maps) &&
		    same_maps(plan->steps[i].gid_maps, step->gid_maps))
			return false;
	return true;
}

static int open_source(struct mount_sources *s, const struct mount_plan *plan,
		       const struct mount_step *step, struct err *e)
{
	int failed = 0;

	if (step->op == MOUNT_BIND)
		failed = open_bind(s, plan, step, e);
	else if (step->op == MOUNT_SYS)
		failed = open_sys(s, step, e);
	else if (step->op == MOUNT_CGROUP)
		failed = open_cgroup(s, step, e);
	return failed ? err_add(e, ".mounts[%zu]: %s", step->index, step->target) : 0;
}

static int make_node(int dir_fd, const struct mount_step *step)
{
	const struct oci_device *node = step->node;
	char name[24];

	snprintf(name, sizeof(name), "%zu", step->index);
	/* The mode after the owner, and apart from mknod for the umask. */
	return mknodat(dir_fd, name, node->type == 'b' ? S_IFBLK : S_IFCHR,
		       makedev(node->major, node->minor)) < 0 ||
			       fchownat(dir_fd, name, step->node_uid, step->node_gid, 0) < 0 ||
			       fchmodat(dir_fd, name, node->mode, 0) < 0
		       ? -1
		       : 0;
}

/* A user namespace makes no nodes, and the machine's own have the machine's owners. So they are
 * made here, by who may, for inner to bind-mount. Who may not (rootless) binds the machine's. */
static int open_nodes(struct mount_sources *s, const struct mount_plan *plan, struct err *e)
{
	static const char *const options[] = { "mode=755", NULL };

	if (!plan->makes_nodes)
		return 0;
	s->nodes_fd = mount_fd_new("tmpfs", "devices", options,
				   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	if (s->nodes_fd < 0)
		return -1;
	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_step *step = &plan->steps[i];

		if (!step->made_outside || make_node(s->nodes_fd, step) == 0)
			continue;
		if (errno != EPERM)
			return err_sys(e, ".linux.devices[%zu]: make %s", step->index,
				       step->target);
		fd_close(&s->nodes_fd);
		break;
	}
	return 0;
}

static int open_all(struct mount_sources *s, const struct mount_plan *plan, struct err *e)
{
	for (size_t i = 0; plan->source_count && i < plan->count; i++)
		if (open_source(s, plan, &plan->steps[i], e))
			return -1;
	for (size_t i = 0; plan->source_count && i < plan->count; i++)
		if (is_first_with_maps(plan, i) && map_with(s, plan, i, e))
			return -1;
	return 0;
}

int mount_sources_open(struct mount_sources *s, const struct mount_plan *plan, struct err *e)
{
	if (open_root(s, plan, e) == 0)
		return open_nodes(s, plan, e) ? -1 : open_all(s, plan, e);
	if (e->number != EPERM || !plan->user_ns || s->root_fd >= 0)
		return -1;
	if (s->bundle_fd != AT_FDCWD && fchdir(s->bundle_fd) < 0)
		return err_sys(e, "change to the bundle");
	s->late = true;
	return 0;
}

/* clone3(2) with CLONE_NEWNS has put the working directory into the new mount namespace, unlike the
 * fds that the caller had opened. */
int mount_sources_open_late(struct mount_sources *s, const struct mount_plan *plan, struct err *e)
{
	s->bundle_fd = AT_FDCWD;
	s->cgroup_fd = -1;
	return open_root(s, plan, e) || open_all(s, plan, e) ? -1 : 0;
}

int mount_sources_map(struct mount_sources *s, const struct mount_plan *plan, int user_ns_fd,
		      struct err *e)
{
	for (size_t i = 0; plan->source_count && i < plan->count; i++) {
		const struct mount_step *step = &plan->steps[i];

		if (step->op == MOUNT_BIND && step->options.idmap != MOUNT_IDMAP_NONE &&
		    !step->uid_maps && s->late)
			return err_set(e, ".mounts[%zu]: an ordinary user cannot map the ids of a "
					  "mount", step->index);
		if (step->op == MOUNT_BIND && step->options.idmap != MOUNT_IDMAP_NONE &&
		    !step->uid_maps && map_source(s, step, user_ns_fd, e))
			return -1;
	}
	return 0;
}
