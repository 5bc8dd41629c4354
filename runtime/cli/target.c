/* target.c - see target.h */
#include "cli/target.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "oci/spec.h"

int target_root_open(const struct command_call *call, struct err *e)
{
	const char *root = call->globals->root;

	if (!root)
		root = container_root_default(call->arena, e);
	return root ? container_root_open(root, e) : -1;
}

/* A pidfd is readable once its process has ended. */
static int check_inode(struct target *t, struct err *e)
{
	struct pollfd end = { .fd = t->pidfd, .events = POLLIN };
	uint64_t inode;
	int ended = 1;

	if (!proc_pidfd_inode(t->pidfd, &inode))
		return err_sys(e, "container %s: look at process %d", t->dir.id, t->process.pid);
	if (inode == t->process.inode)
		do
			ended = poll(&end, 1, 0);
		while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return err_sys(e, "container %s: look at process %d", t->dir.id, t->process.pid);
	if (ended)
		fd_close(&t->pidfd);
	return !ended;
}

/* Is it still the process that had the pid then, and has it not ended? The pidfd is opened before
 * the look: what it then stands for is what was looked at. 1 = yes, 0 = no; whoever cannot tell
 * must not say that it has ended. */
static int find_process(struct target *t, struct err *e)
{
	struct proc_stat st;
	struct err why;
	bool alive;

	if (!t->has_process || t->process.pid <= 0)
		return 0;
	t->pidfd = (int)syscall(SYS_pidfd_open, t->process.pid, 0);
	if (t->pidfd < 0)
		return errno == ESRCH ? 0 : err_sys(e, "container %s: look at process %d",
						    t->dir.id, t->process.pid);
	if (t->process.inode)
		return check_inode(t, e);
	if (proc_stat(t->process.pid, &st, &why)) {
		fd_close(&t->pidfd);
		if (why.number == ENOENT || why.number == ESRCH)
			return 0;
		return err_set(e, "container %s: %s", t->dir.id, why.text);
	}
	alive = st.start == t->process.start && st.state != 'Z' && st.state != 'X';
	if (!alive)
		fd_close(&t->pidfd);
	return alive;
}

static bool is_frozen(const struct target *t)
{
	struct cgroup_state state = { 0 };
	struct err e;
	AUTO_FD int fd = -1;

	if (!t->facts.cgroup)
		return false;
	fd = target_cgroup_open(t, &e);
	return fd >= 0 && cgroup_state_read(fd, &state, &e) == 0 && state.frozen;
}

/* Without a process: whoever is making one has the lock. */
static enum target_status look_at_lock(const struct target *t)
{
	struct container_dir probe;
	struct err e;

	if (container_dir_open(&probe, t->dir.root_fd, t->dir.id, CONTAINER_LOCK_TRY, &e))
		return e.number == EWOULDBLOCK ? TARGET_CREATING : TARGET_STOPPED;
	container_dir_close(&probe);
	return TARGET_STOPPED;
}

/* `run` puts its record right after the program has begun, or is killed before it can. */
static bool runs_its_program(const struct target *t)
{
	struct proc_stat st;
	struct err e;

	return proc_stat(t->process.pid, &st, &e) == 0 && st.has_execed;
}

static int look(struct target *t, bool is_locked, struct err *e)
{
	int alive = find_process(t, e);

	if (alive < 0)
		return -1;
	if (!alive)
		t->status = t->has_process || is_locked ? TARGET_STOPPED : look_at_lock(t);
	else if (!t->process.at_gate && !runs_its_program(t))
		t->status = TARGET_CREATING;
	else if (is_frozen(t))
		t->status = TARGET_PAUSED;
	else
		t->status = container_dir_gate_waits(&t->dir) ? TARGET_CREATED : TARGET_RUNNING;
	return 0;
}

static int load(struct target *t, struct arena *a, struct err *e)
{
	int facts = container_dir_facts(&t->dir, a, &t->facts, e);
	int process = facts < 0 ? -1 : container_dir_process(&t->dir, &t->process, e);

	t->has_facts = facts > 0;
	t->has_process = process > 0;
	return process < 0 ? -1 : 0;
}

/* What cannot be read is not there; but a record of a process, whatever it says, tells that there
 * was one, so the cgroup is the container's own. */
static int load_damaged(struct target *t, struct arena *a, struct err *e)
{
	struct err why;
	int found = container_dir_facts(&t->dir, a, &t->facts, &why);

	(void)e;
	t->has_facts = found > 0;
	if (found < 0)
		log_warn("%s", why.text);
	found = container_dir_process(&t->dir, &t->process, &why);
	t->has_process = found != 0;
	if (found < 0)
		log_warn("%s", why.text);
	return 0;
}

static int open_at(struct target *t, int root_fd, const char *id, enum container_lock lock,
		   int (*load_by)(struct target *t, struct arena *a, struct err *e),
		   struct arena *a, struct err *e)
{
	*t = (struct target){ .pidfd = -1 };
	if (container_dir_open(&t->dir, root_fd, id, lock, e))
		return -1;
	if (load_by(t, a, e) == 0 && look(t, lock != CONTAINER_LOCK_NONE, e) == 0)
		return 0;
	target_close(t);
	return -1;
}

int target_open_at(struct target *t, int root_fd, const char *id, enum container_lock lock,
		   struct arena *a, struct err *e)
{
	return open_at(t, root_fd, id, lock, load, a, e);
}

int target_open_damaged(struct target *t, int root_fd, const char *id, enum container_lock lock,
			struct arena *a, struct err *e)
{
	return open_at(t, root_fd, id, lock, load_damaged, a, e);
}

int target_open(struct target *t, const struct command_call *call, const char *id,
		enum container_lock lock, struct err *e)
{
	int root_fd = target_root_open(call, e);

	return root_fd < 0 ? -1 : target_open_at(t, root_fd, id, lock, call->arena, e);
}

void target_close(struct target *t)
{
	fd_close(&t->pidfd);
	container_dir_close(&t->dir);
}

const char *target_status_name(enum target_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "stopped" };

	_Static_assert(ARRAY_SIZE(names) == TARGET_STATUSES, "a name for each");
	return names[status];
}

struct oci_spec *target_spec(const struct target *t, struct arena *a, struct err *e)
{
	size_t size_bytes;
	const char *text = container_dir_config(&t->dir, a, &size_bytes, e);

	return text ? oci_spec_parse_bundle(a, "config.json", text, size_bytes, e) : NULL;
}

int target_cgroup_open(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = -1;
	int fd;

	if (!t->facts.cgroup)
		return err_set(e, "container %s has no cgroup: it was made without one", t->dir.id);
	mount_fd = cgroup_open_mount(e);
	fd = mount_fd < 0 ? -1 : cgroup_open(mount_fd, t->facts.cgroup, e);
	return fd < 0 ? err_add(e, "container %s", t->dir.id) : fd;
}

int target_signal(const struct target *t, int signal, struct err *e)
{
	if (t->pidfd < 0)
		return err_set(e, "container not running: %s is %s", t->dir.id,
			       target_status_name(t->status));
	if (syscall(SYS_pidfd_send_signal, t->pidfd, signal, NULL, 0) == 0)
		return 0;
	if (errno == ESRCH)
		return err_sys(e, "container not running: %s has ended", t->dir.id);
	return err_sys(e, "container %s: signal %d to process %d", t->dir.id, signal,
		       t->process.pid);
}

bool target_wait_ended(const struct target *t, int wait_ms)
{
	struct pollfd end = { .fd = t->pidfd, .events = POLLIN };
	int n;

	if (t->pidfd < 0)
		return true;
	do
		n = poll(&end, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}
