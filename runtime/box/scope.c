/* scope.c - see scope.h */
#include "box/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/systemd.h"
#include "box/systemd_scope.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"

#define SEAT "box-seat"

enum { PROC_CGROUP_BYTES_MAX = 16384 };

void scope_record_make(struct scope_record *r, const char *unit, bool user, const char *id,
		       const char *created)
{
	*r = (struct scope_record){ .unit = unit, .user = user };
	snprintf(r->description, sizeof(r->description), "container %s, made by box at %s", id,
		 created);
}

/* No descriptor of ours, or it would hold locks and pipes; no terminal whose ^C would end it. */
static void sit(pid_t maker)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != maker ||
	    syscall(SYS_close_range, 0, ~0u, 0) < 0)
		_exit(1);
	setsid();
	for (;;)
		pause();
}

static int begin_seat(struct scope_seat *seat, struct err *e)
{
	pid_t maker = getpid();

	seat->pid = fork();
	if (seat->pid == 0)
		sit(maker);
	if (seat->pid > 0)
		return 0;
	seat->pid = 0;
	return err_sys(e, "make a process for the scope");
}

static int start_unit(const struct scope_seat *seat, const struct systemd_scope *scope,
		      const char *description, struct err *e)
{
	struct systemd s;
	int failed;

	if (systemd_open(&s, scope->user, e))
		return -1;
	failed = systemd_start(&s, scope->unit, description, seat->pid, &scope->properties, e);
	systemd_close(&s);
	return failed;
}

/* Empty where this namespace cannot say it. */
static int read_cgroup(pid_t pid, char path[CGROUP_PATH_MAX], struct err *e)
{
	AUTO_FD int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	char name[32];
	size_t size_bytes;

	if (proc_fd < 0)
		return err_sys(e, "open /proc");
	snprintf(name, sizeof(name), "%d/cgroup", (int)pid);
	text = fs_read_at(proc_fd, name, PROC_CGROUP_BYTES_MAX, &size_bytes, e);
	if (!text)
		return -1;
	if (!cgroup_path_of_process(path, text))
		path[0] = '\0';
	return 0;
}

/* Where systemd has put the seat: with slices, a delegated part of the tree and a user's manager
 * only the kernel can say that. */
static int find_cgroup(struct scope_seat *seat, const struct systemd_scope *scope, struct err *e)
{
	if (read_cgroup(seat->pid, seat->cgroup, e))
		return -1;
	if (str_ends(seat->cgroup, scope->unit))
		return 0;
	return err_set(
		e,
		"systemd says that the unit %s runs, and its process is in the cgroup %.128s: "
		"is this systemd that of another machine or container?",
		scope->unit, seat->cgroup[0] ? seat->cgroup : "of another namespace");
}

/* Out of the unit's own cgroup, or it could give no controller on (cgroup-v2.rst, "No Internal
 * Process Constraint"). */
static int take_place(struct scope_seat *seat, int mount_fd, struct err *e)
{
	char pid[16];

	seat->cgroup_fd = cgroup_open(mount_fd, seat->cgroup, e);
	if (seat->cgroup_fd < 0)
		return -1;
	snprintf(pid, sizeof(pid), "%d", (int)seat->pid);
	if (mkdirat(seat->cgroup_fd, SEAT, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cgroup %s: make " SEAT, seat->cgroup);
	return fs_write_control_at(seat->cgroup_fd, SEAT "/cgroup.procs", pid, e);
}

/* Does the kernel let us move a process from one to the other? Then we may write to the
 * cgroup.procs of the last one above both (cgroup-v2.rst, "Delegation Containment"). */
static bool may_move(int mount_fd, const char *from, const char *to)
{
	char file[CGROUP_PATH_MAX + sizeof("./cgroup.procs")];
	size_t same = 0;

	for (size_t i = 0; from[i] == to[i] || !from[i] || !to[i]; i++) {
		if ((!from[i] || from[i] == '/') && (!to[i] || to[i] == '/'))
			same = i;
		if (!from[i] || !to[i])
			break;
	}
	snprintf(file, sizeof(file), ".%.*s/cgroup.procs", (int)same, to);
	return faccessat(mount_fd, file, W_OK, AT_EACCESS) == 0;
}

int scope_come_near(int mount_fd, const char *cgroup, struct err *e)
{
	const struct systemd_properties none = { 0 };
	char own[CGROUP_PATH_MAX], unit[32];
	struct systemd s;
	int failed;

	if (read_cgroup(getpid(), own, e))
		return -1;
	if (!own[0] || may_move(mount_fd, own, cgroup))
		return 0;
	if (systemd_open(&s, true, e))
		return -1;
	snprintf(unit, sizeof(unit), "box-%d.scope", (int)getpid());
	failed = systemd_start(&s, unit, "box, at work on a container", getpid(), &none, e);
	systemd_close(&s);
	return failed ? err_add(e, "move from the cgroup %s to where this user's systemd is", own) :
			0;
}

int scope_begin(struct scope_seat *seat, int mount_fd, const struct systemd_scope *scope,
		const struct scope_record *r, struct err *e)
{
	struct err ignored;

	*seat = (struct scope_seat){ .cgroup_fd = -1 };
	if (begin_seat(seat, e) || start_unit(seat, scope, r->description, e)) {
		scope_unseat(seat);
		return -1;
	}
	if (find_cgroup(seat, scope, e) == 0 && take_place(seat, mount_fd, e) == 0 &&
	    (!scope->user || scope_come_near(mount_fd, seat->cgroup, e) == 0))
		return 0;
	scope_unseat(seat);
	scope_end(r, &ignored);
	return -1;
}

void scope_unseat(struct scope_seat *seat)
{
	if (seat->pid <= 0)
		return;
	kill(seat->pid, SIGKILL);
	while (waitpid(seat->pid, NULL, 0) < 0 && errno == EINTR)
		;
	seat->pid = 0;
	if (seat->cgroup_fd >= 0)
		unlinkat(seat->cgroup_fd, SEAT, AT_REMOVEDIR);
	fd_close(&seat->cgroup_fd);
}

int scope_update(const struct scope_record *r, struct arena *a,
		 const struct cgroup_values *limits, struct err *e)
{
	struct systemd_properties properties;
	struct systemd s;
	int failed;

	systemd_scope_limits(&properties, a, limits);
	if (properties.count == 0)
		return 0;
	if (systemd_open(&s, r->user, e))
		return -1;
	failed = systemd_set(&s, r->unit, &properties, e);
	systemd_close(&s);
	return failed;
}

int scope_look(const struct scope_record *r, struct err *e)
{
	struct systemd s;
	struct err why;
	int has;

	if (systemd_open(&s, r->user, &why)) {
		log_warn("%s", why.text);
		return SCOPE_UNKNOWN;
	}
	has = systemd_has(&s, r->unit, r->description, e);
	systemd_close(&s);
	return has < 0 ? -1 : has ? SCOPE_OURS : SCOPE_GONE;
}

int scope_end(const struct scope_record *r, struct err *e)
{
	struct systemd s;
	struct err why;
	int has, failed = 0;

	if (systemd_open(&s, r->user, &why))
		return SCOPE_UNKNOWN;	/* scope_look has said so */
	has = systemd_has(&s, r->unit, r->description, e);
	if (has > 0)
		failed = systemd_stop(&s, r->unit, e);
	systemd_close(&s);
	if (has < 0 || failed)
		return -1;
	return has ? SCOPE_OURS : SCOPE_GONE;
}
