/* apparmor.c - see apparmor.h */
#include "box/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "oci/spec_types.h"

#define WHERE	  ".process.apparmorProfile: "
#define NEXT_STEP "load it with apparmor_parser, or leave the profile out"

enum { ORDER_BYTES_MAX = 4096 };	/* the kernel takes less than a page */

/* What runs without a profile runs unconfined already. */
static bool is_wanted(const struct oci_process *p)
{
	return p->apparmor_profile && p->apparmor_profile[0] &&
	       !str_equal(p->apparmor_profile, "unconfined");
}

static int open_order(int proc_fd, const char *task, int *fd, struct err *e)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/attr/apparmor/exec", task);
	*fd = openat(proc_fd, name, O_WRONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	if (errno == ENOENT)
		return err_set(e, WHERE "this kernel has no AppArmor: leave the profile out");
	return err_sys(e, WHERE "open /proc/%s", name);
}

int apparmor_open_own(const struct oci_process *p, int *fd, struct err *e)
{
	AUTO_FD int proc_fd = -1;

	*fd = -1;
	if (!is_wanted(p))
		return 0;
	proc_fd = mount_fd_new("proc", "proc", NULL, 0, e);
	return proc_fd < 0 ? err_add(e, ".process.apparmorProfile")
			   : open_order(proc_fd, "thread-self", fd, e);
}

int apparmor_open_of(long pid, const struct oci_process *p, int *fd, struct err *e)
{
	AUTO_FD int proc_fd = -1;
	char task[24];

	*fd = -1;
	if (!is_wanted(p))
		return 0;
	proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return err_sys(e, WHERE "open /proc");
	snprintf(task, sizeof(task), "%ld", pid);
	return open_order(proc_fd, task, fd, e);
}

static int refuse(const char *profile, struct err *e)
{
	if (errno == ENOENT)
		return err_set(e, WHERE "the kernel has no profile \"%.64s\": " NEXT_STEP, profile);
	if (errno == EINVAL)
		return err_set(e,
			       WHERE
			       "the kernel takes no profile \"%.64s\", or was started without "
			       "AppArmor: leave the profile out",
			       profile);
	return err_sys(e, WHERE "set the profile \"%.64s\"", profile);
}

int apparmor_set(int *fd, const struct oci_process *p, struct err *e)
{
	char order[ORDER_BYTES_MAX];
	ssize_t written;
	int size;

	if (*fd < 0)
		return 0;
	size = snprintf(order, sizeof(order), "exec %s", p->apparmor_profile);
	if ((size_t)size >= sizeof(order))
		return err_set(e, WHERE "is longer than %d bytes", ORDER_BYTES_MAX - 6);
	/* One write: each is an order of its own. */
	written = write(*fd, order, (size_t)size);
	if (written < 0)
		return refuse(p->apparmor_profile, e);
	/* The kernel passes over what comes from somebody else's file with a 0 and no error. */
	if (written != size)
		return err_set(e, WHERE "the kernel did not take the profile \"%.64s\"",
			       p->apparmor_profile);
	fd_close(fd);
	return 0;
}
