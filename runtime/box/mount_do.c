/* mount_do.c - see mount_do.h */
#include "box/mount_do.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/devices.h"
#include "box/mount_fd.h"
#include "box/mount_hide.h"
#include "box/mount_plan.h"
#include "box/mount_source.h"
#include "box/mount_target.h"
#include "box/tree_copy.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fd_pile.h"
#include "lib/str.h"

enum {
	STEP_FDS_MAX = 4,		/* that one step opens */
	DEVPTS_WORDS_MAX = 8,
	MODE_BYTES = 16,
};

struct doing {
	const struct mount_plan *plan;
	const struct mount_sources *sources;
	int root_fd;
	int dev_fd;		/* the /dev that this plan made, once it has its nodes */
	int cwd_fd;		/* the working directory, when that is dev_fd or the like; or -1 */
	struct mount_hide hide;
	struct fd_pile spent;	/* emptied between steps only: a step may still use its own */
};

/* Over the kernel's own files a volume would put its own, and our masks and read-only paths on the
 * wrong ones. By file system, since a link of the image may lead there. */
static int check_place(const struct mount_step *step, int target_fd, struct err *e)
{
	struct statfs fs;

	if (fstatfs(target_fd, &fs) < 0)
		return err_sys(e, "statfs");
	if (step->op == MOUNT_VOLUME &&
	    (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	     fs.f_type == CGROUP2_SUPER_MAGIC))
		return err_set(e, "lies in /proc or /sys, where no volume can be: choose another "
				  "target");
	if (fs.f_type == PROC_SUPER_MAGIC && !step->over_proc)
		return err_set(e, "lies in /proc, where no mount can be: choose another target");
	return 0;
}

static int open_place(const struct doing *d, const struct mount_step *step, unsigned how,
		      struct err *e)
{
	if (step->nofollow)
		how |= MOUNT_TARGET_NOFOLLOW;
	if (step->options.target_nofollow)
		how |= MOUNT_TARGET_LAST;
	AUTO_FD int fd = mount_target_open(d->root_fd, step->target, how, e);

	if (fd < 0 || (!step->nofollow && check_place(step, fd, e)))
		return -1;
	return take_fd(&fd);
}

static int set_propagation(int mount_fd, const struct mount_options *o, struct err *e)
{
	for (size_t i = 0; i < o->propagation_count; i++) {
		const struct mount_change c = {
			.propagation = o->propagations[i] & ~(unsigned long)MS_REC,
			.recursive = o->propagations[i] & MS_REC,
		};

		if (mount_fd_change(mount_fd, "", &c, e))
			return -1;
	}
	return 0;
}

static bool has_word(const struct mount_options *o, const char *key)
{
	for (size_t i = 0; i < o->data_count; i++)
		for (const char *at = o->data[i]; at; at = strchr(at, ',')) {
			at += *at == ',';
			if (str_starts(at, key))
				return true;
		}
	return false;
}

/* tmpcopyup: ids as they are seen here, since the container's root is who copies. Owner and mode of
 * the folder itself are copied too, unless the options have them. */
static int copy_up(const struct mount_options *o, int target_fd, int mount_fd, struct err *e)
{
	const struct tree_copy copy = { NULL, NULL };
	AUTO_FD int from_fd = openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int to_fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (from_fd < 0 || to_fd < 0 || fstat(to_fd, &st) < 0)
		return err_sys(e, "open folder");
	if (tree_copy(&copy, from_fd, to_fd, e))
		return err_add(e, "tmpcopyup");
	if (fchown(to_fd, has_word(o, "uid=") ? st.st_uid : (uid_t)-1,
		   has_word(o, "gid=") ? st.st_gid : (gid_t)-1) < 0 ||
	    (has_word(o, "mode=") && fchmod(to_fd, st.st_mode & 07777) < 0))
		return err_sys(e, "tmpcopyup: set owner and mode");
	return 0;
}

static bool is_kernel_fs(const char *fstype)
{
	return str_equal(fstype, "sysfs") || str_equal(fstype, "proc") ||
	       str_equal(fstype, "cgroup2");
}

/* gid=5 is the machine's tty group. Where the ids were given by somebody else (rootless, or a
 * joined user namespace) it may not exist: then the nodes are the user's own group's, as without
 * the word. */
static int create_devpts(const struct mount_new *n, struct err *e)
{
	const char *data[DEVPTS_WORDS_MAX + 1];
	struct mount_new without = *n;
	size_t kept = 0;

	for (size_t i = 0; n->data && n->data[i] && kept < DEVPTS_WORDS_MAX; i++)
		if (!str_starts(n->data[i], "gid="))
			data[kept++] = n->data[i];
	data[kept] = NULL;
	without.data = data;
	return mount_fd_create(&without, e);
}

static int new_slowly(const struct mount_step *step, struct mount_new *n, int target_fd,
		      bool copies, struct doing *d, struct err *e)
{
	int fd;

	if (n->attrs & MOUNT_ATTR_RDONLY && !is_kernel_fs(n->fstype))
		n->super_flags |= MS_RDONLY;
	fd = mount_fd_create(n, e);
	if (fd < 0 && e->number == EINVAL && str_equal(n->fstype, "devpts"))
		fd = create_devpts(n, e);
	fd_pile_add(&d->spent, fd);
	if (fd < 0 || (copies && copy_up(&step->options, target_fd, fd, e)) ||
	    mount_fd_attach(fd, target_fd, e))
		return -1;
	return set_propagation(fd, &step->options, e);
}

/* In the /dev that this plan made nobody else has put anything: a name that mkdir takes is a folder
 * of ours. */
static bool new_in_dev(const struct mount_step *step, const struct mount_new *n, struct doing *d)
{
	const char *name = step->target + strlen("/dev/");

	if (!step->fresh || d->dev_fd < 0 || strchr(name, '/') ||
	    mkdirat(d->dev_fd, name, 0755) < 0)
		return false;
	if (d->cwd_fd != d->dev_fd && fchdir(d->dev_fd) < 0)
		return false;
	d->cwd_fd = d->dev_fd;
	return mount_fd_over(n, name) == 0;
}

/* A tmpfs without a mode would be everybody's: over a folder of the image it takes the folder's, as
 * other runtimes have it. Where there was none, the kernel's 1777 is what users expect to get, and
 * tmpcopyup has nothing to copy. */
static int open_new_place(struct doing *d, const struct mount_step *step, struct mount_new *n,
			  char *mode, bool *copies, struct err *e)
{
	bool is_tmpfs = str_equal(step->fstype, "tmpfs");
	int fd = open_place(d, step, MOUNT_TARGET_FOLDER | (is_tmpfs ? MOUNT_TARGET_THERE : 0), e);
	struct stat st;

	*copies = fd >= 0 && step->options.tmpcopyup;
	if (fd < 0 && is_tmpfs && e->number == ENOENT)
		return open_place(d, step, MOUNT_TARGET_FOLDER, e);
	if (fd >= 0 && is_tmpfs && !has_word(&step->options, "mode=") && fstat(fd, &st) == 0) {
		snprintf(mode, MODE_BYTES, "mode=%o", st.st_mode & 07777);
		n->more = mode;
	}
	return fd;
}

/* mount(2) over the working directory does in one call what takes six by fd, and is as safe: the
 * directory is the one that target_fd stands for. When it fails, the long way tells why. It would
 * make the super block read-only too, and that of sysfs and cgroup2 is shared with others. */
static int do_new(const struct mount_step *step, struct doing *d, struct err *e)
{
	struct mount_new n = {
		.fstype = step->fstype,
		.source = step->from,
		.data = step->options.data,
		.attrs = step->options.set,
		.super_flags = step->options.super_flags,
	};
	bool slow = step->options.propagation_count || step->options.tmpcopyup ||
		    (n.attrs & MOUNT_ATTR_RDONLY && is_kernel_fs(n.fstype));
	char mode[MODE_BYTES];
	bool copies;
	int target_fd;

	if (!slow && new_in_dev(step, &n, d))
		return 0;
	target_fd = open_new_place(d, step, &n, mode, &copies, e);
	fd_pile_add(&d->spent, target_fd);
	if (target_fd < 0)
		return -1;
	d->cwd_fd = -1;
	if (!slow && fchdir(target_fd) == 0 && mount_fd_over(&n, ".") == 0)
		return 0;
	return new_slowly(step, &n, target_fd, copies, d, e);
}

/* copy-symlink */
static int do_link(const struct mount_step *step, const char *text, const struct doing *d,
		   struct err *e)
{
	char there[4096];
	const char *name;
	AUTO_FD int dir_fd = mount_target_parent(d->root_fd, step->target, &name, e);
	ssize_t size;

	if (dir_fd < 0)
		return -1;
	if (symlinkat(text, dir_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "make link");
	size = readlinkat(dir_fd, name, there, sizeof(there));
	if (size != (ssize_t)strlen(text) || memcmp(there, text, (size_t)size) != 0)
		return err_set(e, "is there already and no link to %s", text);
	return 0;
}

static int open_bind_place(const struct mount_step *step, int source_fd, const struct doing *d,
			   struct err *e)
{
	int fd = open_place(d, step, 0, e);
	struct stat st;

	if (fd >= 0 || e->number != ENOENT)
		return fd;
	if (fstat(source_fd, &st) < 0)
		return err_sys(e, "stat its source");
	return open_place(d, step, S_ISDIR(st.st_mode) ? MOUNT_TARGET_FOLDER : MOUNT_TARGET_FILE,
			  e);
}

/* The kernel says EINVAL to more than one thing. */
static int explain(int source_fd, int target_fd, struct err *e)
{
	struct stat source, target;

	if (fstat(source_fd, &source) < 0 || fstat(target_fd, &target) < 0 ||
	    S_ISDIR(source.st_mode) == S_ISDIR(target.st_mode))
		return -1;
	return err_set(e, "the source is a %s, and what the image has there is a %s",
		       S_ISDIR(source.st_mode) ? "folder" : "file",
		       S_ISDIR(target.st_mode) ? "folder" : "file");
}

static int do_bind(const struct mount_step *step, struct doing *d, struct err *e)
{
	const struct mount_sources *s = d->sources;
	int target_fd, source_fd = s->fds[step->source];

	if (s->links[step->source])
		return do_link(step, s->links[step->source], d, e);
	target_fd = open_bind_place(step, source_fd, d, e);
	fd_pile_add(&d->spent, target_fd);
	if (target_fd < 0)
		return -1;
	if (mount_fd_attach(source_fd, target_fd, e) == 0)
		return 0;
	return explain(source_fd, target_fd, e);
}

static int do_sys(const struct mount_step *step, const struct doing *d, struct err *e)
{
	int source_fd = d->sources->fds[step->source];
	AUTO_FD int target_fd = open_place(d, step, MOUNT_TARGET_FOLDER, e);
	AUTO_FD int new_fd = -1;
	struct statfs fs;

	if (target_fd < 0)
		return -1;
	if (step->fstype)
		new_fd = mount_fd_new(step->fstype, step->from, NULL, step->options.set, e);
	if (new_fd >= 0)
		return mount_fd_attach(new_fd, target_fd, e);
	if (source_fd < 0 || fstatfs(source_fd, &fs) < 0 || fs.f_type != SYSFS_MAGIC)
		return err_set(e, "the machine's /sys is not sysfs");
	return mount_fd_attach(source_fd, target_fd, e);
}

static int do_cgroup(const struct mount_step *step, const struct doing *d, struct err *e)
{
	AUTO_FD int target_fd = open_place(d, step, MOUNT_TARGET_FOLDER, e);

	return target_fd < 0 ? -1 :
			       mount_fd_attach(d->sources->fds[step->source], target_fd, e);
}

static int do_devices(const struct mount_step *step, struct doing *d, struct err *e)
{
	int dev_fd = mount_target_open(d->root_fd, step->target,
				       MOUNT_TARGET_FOLDER | MOUNT_TARGET_NOFOLLOW, e);

	fd_pile_add(&d->spent, step->fresh ? d->dev_fd : dev_fd);
	if (step->fresh) {
		d->dev_fd = dev_fd;
		d->cwd_fd = -1;
	}
	return dev_fd < 0 ? -1 : devices_populate(dev_fd, d->plan->bind_nodes, e);
}

static int do_node(const struct mount_step *step, struct doing *d, struct err *e)
{
	int source_fd = -1;
	char name[24];

	if (step->made_outside && d->sources->nodes_fd >= 0) {
		snprintf(name, sizeof(name), "%zu", step->index);
		source_fd = mount_fd_copy(d->sources->nodes_fd, name, 0, e);
		if (source_fd < 0)
			return -1;
		fd_pile_add(&d->spent, source_fd);
	}
	return devices_add(d->root_fd, step->node, source_fd, d->plan->bind_nodes, e);
}

static int do_set(const struct mount_step *step, const struct doing *d, struct err *e)
{
	AUTO_FD int target_fd = mount_target_open(d->root_fd, step->target, 0, e);

	return target_fd < 0 ? -1 : mount_fd_set(target_fd, step->options.set, 0, 0, e);
}

static int do_step(const struct mount_step *step, struct doing *d, struct err *e)
{
	switch (step->op) {
	case MOUNT_NEW:
		return do_new(step, d, e);
	case MOUNT_BIND:
	case MOUNT_VOLUME:
		return do_bind(step, d, e);
	case MOUNT_SYS:
		return do_sys(step, d, e);
	case MOUNT_CGROUP:
		return do_cgroup(step, d, e);
	case MOUNT_DEVICES:
		return do_devices(step, d, e);
	case MOUNT_NODE:
		return do_node(step, d, e);
	case MOUNT_CONSOLE:
		return devices_make_console(d->root_fd, e);
	case MOUNT_MASK:
		return mount_hide_mask(&d->hide, step->target, e);
	case MOUNT_READ_ONLY:
		return mount_hide_read_only(&d->hide, step->target, e);
	case MOUNT_SET:
		return do_set(step, d, e);
	case MOUNT_ROOT_READ_ONLY:
		return mount_fd_set(d->root_fd, MOUNT_ATTR_RDONLY, 0, 0, e);
	case MOUNT_OPS:
		break;
	}
	return err_set(e, "no such step");
}

/* In front of the error: whose step it was, in the words of config.json. */
static void name_step(const struct mount_step *step, struct err *e)
{
	err_add(e, "%s", step->target);
	switch (step->op) {
	case MOUNT_NEW:
	case MOUNT_BIND:
	case MOUNT_SYS:
	case MOUNT_CGROUP:
		err_add(e, ".mounts[%zu]", step->index);
		break;
	case MOUNT_NODE:
		err_add(e, ".linux.devices[%zu]", step->index);
		break;
	case MOUNT_MASK:
		err_add(e, ".linux.maskedPaths");
		break;
	case MOUNT_READ_ONLY:
		err_add(e, ".linux.readonlyPaths");
		break;
	case MOUNT_VOLUME:
	case MOUNT_DEVICES:
	case MOUNT_CONSOLE:
	case MOUNT_SET:
	case MOUNT_ROOT_READ_ONLY:
	case MOUNT_OPS:
		break;
	}
}

/* Nothing that the machine mounts or unmounts from now on shows up in here, or the other way round;
 * pivot_root(2) asks for it too. The root goes over the machine's: any place would do, and this one
 * is always there. Below it the file system of device nodes, since only what is attached can be
 * copied (open_tree(2) of 6.12); it goes away with the machine's mounts. */
static int hang_up_root(const struct mount_sources *s, struct err *e)
{
	const struct mount_change c = { .propagation = MS_PRIVATE, .recursive = true };

	if (mount_fd_change(AT_FDCWD, "/", &c, e) ||
	    (s->nodes_fd >= 0 && mount_fd_attach_at(s->nodes_fd, AT_FDCWD, "/", e)) ||
	    mount_fd_attach_at(s->root_fd, AT_FDCWD, "/", e))
		return err_add(e, "container root");
	return 0;
}

int mount_do(const struct mount_plan *plan, struct mount_sources *sources, struct err *e)
{
	struct doing d = {
		.plan = plan, .sources = sources, .dev_fd = -1, .cwd_fd = -1,
	};
	int failed = (sources->late && mount_sources_open_late(sources, plan, e)) ||
		     hang_up_root(sources, e);

	d.root_fd = sources->root_fd;
	umask(0);	/* modes are the specification's */
	mount_hide_init(&d.hide, d.root_fd, &d.cwd_fd, &d.spent);
	for (size_t i = 0; i < plan->count && !failed; i++) {
		fd_pile_make_room(&d.spent, STEP_FDS_MAX);
		failed = do_step(&plan->steps[i], &d, e);
		if (failed)
			name_step(&plan->steps[i], e);
	}
	return failed;
}

/* Shared among its own, or not to be bind-mounted: not before pivot_root(2), which refuses. Mounts
 * that have a word of their own keep it. */
static int set_root_propagation(const struct mount_plan *plan, const struct mount_sources *sources,
				struct err *e)
{
	const struct mount_change c = {
		.propagation = plan->root_propagation & ~(unsigned long)MS_REC,
		.recursive = plan->root_propagation & MS_REC,
	};

	if (!(c.propagation & (MS_SHARED | MS_UNBINDABLE)))
		return 0;
	if (mount_fd_change(sources->root_fd, "", &c, e))
		return err_add(e, "container root");
	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_step *step = &plan->steps[i];

		if (step->op == MOUNT_BIND && sources->fds[step->source] >= 0 &&
		    set_propagation(sources->fds[step->source], &step->options, e))
			return err_add(e, "%s", step->target);
	}
	return 0;
}

int mount_do_enter(const struct mount_plan *plan, const struct mount_sources *sources,
		   struct err *e)
{
	if (fchdir(sources->root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "make the container's root /");
	/* pivot_root(2), "pivot_root(".", ".")": the old root lies on top of the new one now, and
	 * the working directory is the new one's /. */
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "let go of the machine's mounts");
	return set_root_propagation(plan, sources, e);
}
