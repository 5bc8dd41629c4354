/* target_end.c - see target_end.h */
#include "cli/target_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/hooks.h"
#include "box/scope.h"
#include "cli/target.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/state.h"

enum {
	END_WAIT_MS = 10000,	/* a process in an uninterruptible wait; runc gives up then too */
	HALF_MADE_WAIT_MS = 2000,
};

struct pid_list {
	struct arena *arena;
	struct target_pids *pids;
	size_t room;
};

static void add_pid(struct pid_list *list, pid_t pid)
{
	struct target_pids *pids = list->pids;

	if (pids->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		pid_t *more = arena_array(list->arena, room, sizeof(*more));

		if (pids->count > 0)
			memcpy(more, pids->items, pids->count * sizeof(*more));
		pids->items = more;
		list->room = room;
	}
	pids->items[pids->count++] = pid;
}

/* The identity of a process's pid namespace; false when the process is gone. */
static bool pid_namespace(int proc_fd, pid_t pid, struct stat *st)
{
	char path[32];

	snprintf(path, sizeof(path), "%d/ns/pid", pid);
	return fstatat(proc_fd, path, st, 0) == 0;
}

static int pids_by_namespace(const struct target *t, struct pid_list *list, struct err *e)
{
	struct stat ours, its;
	const struct dirent *entry;
	DIR *proc;
	AUTO_FD int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /proc");
	if (!pid_namespace(fd, t->process.pid, &its))
		return 0;
	proc = fdopendir(fd);
	if (!proc)
		return err_sys(e, "read /proc");
	take_fd(&fd);
	while ((entry = readdir(proc))) {
		uint64_t pid;

		if (str_to_u64(entry->d_name, &pid) && pid <= INT_MAX &&
		    pid_namespace(dirfd(proc), (pid_t)pid, &ours) &&
		    ours.st_ino == its.st_ino && ours.st_dev == its.st_dev)
			add_pid(list, (pid_t)pid);
	}
	closedir(proc);
	return 0;
}

static void read_scope(const struct target *t, struct scope_record *r)
{
	scope_record_make(r, t->facts.scope, t->facts.scope_user, t->dir.id, t->facts.created);
}

/* A pid namespace ends with its first process, and all that were in it have ended before: whoever
 * lives in the cgroup then is another container's, of another ROOT with the same cgroupsPath. */
static bool has_ended_whole(const struct target *t)
{
	return t->status == TARGET_STOPPED && t->has_process && t->process.pid > 0 &&
	       t->facts.own_pids && !t->facts.scope;
}

/* systemd takes the cgroup away as soon as nobody lives in it: *is_gone, then it has no processes.
 * One at the same path may be another container's by now. */
static int open_cgroup(const struct target *t, bool *is_gone, struct err *e)
{
	struct scope_record r;
	int fd, state;

	*is_gone = has_ended_whole(t);
	if (*is_gone)
		return -1;
	if (!t->facts.scope || t->status != TARGET_STOPPED)
		return target_cgroup_open(t, e);
	read_scope(t, &r);
	state = scope_look(&r, e);
	if (state < 0)
		return err_add(e, "container %s", t->dir.id);
	fd = state == SCOPE_GONE ? -1 : target_cgroup_open(t, e);
	*is_gone = state == SCOPE_GONE || (fd < 0 && e && e->number == ENOENT);
	return fd;
}

static int pids_by_cgroup(const struct target *t, struct pid_list *list, struct err *e)
{
	bool is_gone;
	AUTO_FD int fd = open_cgroup(t, &is_gone, e);
	struct cgroup_pids found = { 0 };

	if (is_gone)
		return 0;
	if (fd < 0 || cgroup_procs(fd, &found, e))
		return -1;
	for (size_t i = 0; i < found.count; i++)
		add_pid(list, found.items[i]);
	mem_free(&found.items);
	return 0;
}

int target_pids(const struct target *t, struct target_pids *pids, struct arena *a, struct err *e)
{
	struct pid_list list = { .arena = a, .pids = pids };

	*pids = (struct target_pids){ 0 };
	if (t->facts.cgroup)
		return pids_by_cgroup(t, &list, e);
	if (t->pidfd < 0)
		return 0;
	if (!t->facts.own_pids)
		return err_set(e,
			       "container %s has neither a cgroup nor a pid namespace of its own: "
			       "only its first process is known, %d",
			       t->dir.id, t->process.pid);
	return pids_by_namespace(t, &list, e);
}

int target_signal_all(const struct target *t, int signal, struct arena *a, struct err *e)
{
	struct target_pids pids;

	if (t->facts.cgroup) {
		bool is_gone;
		AUTO_FD int fd = open_cgroup(t, &is_gone, e);

		if (is_gone)
			return 0;
		return fd < 0 ? -1 : cgroup_signal(fd, signal, e);
	}
	/* The first process of a pid namespace takes all others with it. */
	if (signal == SIGKILL && t->facts.own_pids && t->pidfd >= 0)
		return target_signal(t, signal, e);
	if (target_pids(t, &pids, a, e))
		return -1;
	for (size_t i = 0; i < pids.count; i++)
		if (kill(pids.items[i], signal) < 0 && errno != ESRCH)
			return err_sys(e, "container %s: signal %d to process %d", t->dir.id,
				       signal, pids.items[i]);
	return 0;
}

/* The unit's cgroup, which the container's own lies in; false = it is not on record. */
static bool unit_path(const struct target *t, char path[CGROUP_PATH_MAX])
{
	char *end;

	if (!t->facts.cgroup || !str_copy(path, CGROUP_PATH_MAX, t->facts.cgroup))
		return false;
	end = strrchr(path, '/');
	if (!end || end == path)
		return false;
	*end = '\0';
	return true;
}

/* Without a cgroup on record nobody is in the unit but its maker's seat, which goes with its maker
 * (scope.h). */
static int kill_unit(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = -1;
	char path[CGROUP_PATH_MAX];
	struct scope_record r;
	int state;

	read_scope(t, &r);
	state = scope_look(&r, e);
	if (state < 0)
		return -1;
	if (state == SCOPE_GONE || !unit_path(t, path))
		return 0;
	mount_fd = cgroup_open_mount(e);
	return mount_fd < 0 ? -1 : cgroup_kill(mount_fd, path, e);
}

static int kill_cgroup(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = -1;

	if (t->facts.scope)
		return kill_unit(t, e);
	/* Before the first process was on record the cgroup may still have been another's: that of
	 * a container with the same path. Ours ends with its maker (stage.h). */
	if (!t->facts.cgroup || !t->has_process || has_ended_whole(t))
		return 0;
	mount_fd = cgroup_open_mount(e);
	return mount_fd < 0 ? -1 : cgroup_kill(mount_fd, t->facts.cgroup, e);
}

int target_kill(const struct target *t, struct err *e)
{
	struct err why;

	if (t->pidfd >= 0 && target_signal(t, SIGKILL, &why) && why.number != ESRCH)
		return err_set(e, "%s", why.text);
	if (kill_cgroup(t, e))
		return err_add(e, "container %s", t->dir.id);
	if (!target_wait_ended(t, END_WAIT_MS))
		return err_set(e, "container %s: process %d did not end within %d s after SIGKILL",
			       t->dir.id, t->process.pid, END_WAIT_MS / 1000);
	return 0;
}

/* systemd takes its cgroup away with the unit; where none answers any more, we do. */
static int remove_unit(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = -1;
	char path[CGROUP_PATH_MAX];
	struct scope_record r;
	int state;

	read_scope(t, &r);
	state = scope_end(&r, e);
	if (state != SCOPE_UNKNOWN || !unit_path(t, path))
		return state < 0 ? err_add(e, "container %s", t->dir.id) : 0;
	mount_fd = cgroup_open_mount(e);
	if (mount_fd < 0 || cgroup_remove(mount_fd, path, END_WAIT_MS, e))
		return err_add(e, "container %s", t->dir.id);
	return 0;
}

/* What is left of another's must not lose the cgroups in it either. */
static int refuse_others(const struct target *t, int mount_fd, struct err *e)
{
	AUTO_FD int fd = cgroup_open(mount_fd, t->facts.cgroup, NULL);

	if (fd < 0 || cgroup_wait_empty(fd, HALF_MADE_WAIT_MS))
		return 0;
	return err_set(e,
		       "container %s: somebody else's processes live in its cgroup %s: delete the "
		       "other container with this cgroupsPath before, or end them",
		       t->dir.id, t->facts.cgroup);
}

static int remove_cgroup(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = -1;
	struct err why;

	if (t->facts.scope)
		return remove_unit(t, e);
	if (!t->facts.cgroup)
		return 0;
	mount_fd = cgroup_open_mount(&why);
	if (mount_fd < 0 && why.number == ENOENT)
		return 0;	/* the machine has lost its cgroups, and with them this one */
	if (mount_fd >= 0 && has_ended_whole(t)) {
		if (cgroup_remove_unused(mount_fd, t->facts.cgroup))
			return 0;
		if (refuse_others(t, mount_fd, e))
			return -1;
	}
	if (mount_fd >= 0 && cgroup_remove(mount_fd, t->facts.cgroup,
					   t->has_process ? END_WAIT_MS : HALF_MADE_WAIT_MS,
					   &why) == 0)
		return 0;
	if (!t->has_process && why.number == EBUSY)
		return 0;	/* another's: see target_kill */
	return err_set(e, "container %s: %s", t->dir.id, why.text);
}

/* The configuration as it was at create, NULL when it can no longer be read: the container has to
 * go all the same. */
static const struct oci_spec *read_spec(const struct target *t, struct arena *a)
{
	const struct oci_spec *spec;
	struct err e;

	if (!t->has_facts)
		return NULL;
	spec = target_spec(t, a, &e);
	if (!spec)
		log_warn("container %s: %s; hooks poststop do not run", t->dir.id, e.text);
	return spec;
}

static void run_poststop(const struct target *t, const struct oci_spec *spec)
{
	const struct oci_state state = {
		.id = t->dir.id,
		.status = "stopped",
		.bundle = t->facts.bundle,
		.annotations = spec->annotations,
		.annotation_count = spec->annotation_count,
	};
	AUTO_FD int cwd_fd = -1;
	struct err e;

	if (spec->hooks[OCI_HOOK_POSTSTOP].count == 0)
		return;
	cwd_fd = open(t->facts.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* One that fails is logged and the others run (runtime.md "Lifecycle", step 13). */
	if (hooks_run(spec, OCI_HOOK_POSTSTOP, &state, cwd_fd < 0 ? t->dir.fd : cwd_fd, &e))
		log_warn("container %s: %s", t->dir.id, e.text);
}

int target_clear(struct target *t, const struct oci_spec *spec, struct arena *a, struct err *e)
{
	if (remove_cgroup(t, e))
		return -1;
	if (!spec)
		spec = read_spec(t, a);
	if (spec)
		run_poststop(t, spec);
	return container_dir_remove(&t->dir, e);
}
