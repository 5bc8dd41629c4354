/* sysctl.c - see sysctl.h */
#include "box/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "box/mount_fd.h"
#include "box/plan.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "oci/spec.h"

enum { SYSCTL_PATH_MAX = 256 };

static void explain(const char *value, struct err *e)
{
	switch (e->number) {
	case ENOENT:
		err_set(e, "this kernel has none of that name: check how it is spelled");
		break;
	case EINVAL:
	case ERANGE:
		err_set(e, "the kernel does not take \"%s\" for it: give it another value",
			value);
		break;
	case EACCES:
	case EPERM:
		err_set(e, "a container may not set it: leave it out, or set it on the machine");
		break;
	}
}

/* sysctl.d(5): the first separator decides; after a dot, a slash is a dot inside a name
 * ("net.ipv4.conf.eth0/1.forwarding"). */
static int set(int sys_fd, const char *key, const char *value, struct err *e)
{
	char path[SYSCTL_PATH_MAX] = "sys/";
	const size_t at = strlen(path);

	if (!str_copy(path + at, sizeof(path) - at, key))
		return err_set(e, "longer than %zu bytes", sizeof(path) - at - 1);
	for (char *c = path + at; key[strcspn(key, "./")] == '.' && *c; c++)
		if (*c == '.')
			*c = '/';
		else if (*c == '/')
			*c = '.';
	return fs_write_control_at(sys_fd, path, value, e);
}

/* What one container may take of what all share: user namespaces open kernel code that containers
 * have no use for; inotify instances are counted for whoever made the user namespace, the machine's
 * root, whose own bound init sets (8192). */
static int set_bounds(int proc_fd, struct err *e)
{
	return set(proc_fd, "user.max_user_namespaces", "0", e) ||
			       set(proc_fd, "user.max_inotify_instances", "512", e)
		       ? -1
		       : 0;
}

int sysctl_set(const struct box_plan *plan, struct err *e)
{
	const struct oci_spec *spec = plan->spec;
	bool closes = plan->policy.no_nested_userns && spec->namespaces & 1u << OCI_NS_USER;
	AUTO_FD int proc_fd = -1;

	if (spec->sysctl_count == 0 && !closes)
		return 0;
	proc_fd = mount_fd_new("proc", "proc", NULL, 0, e);
	if (proc_fd < 0)
		return err_add(e, "sysctl");
	for (size_t i = 0; i < spec->sysctl_count; i++)
		if (set(proc_fd, spec->sysctl[i].key, spec->sysctl[i].value, e)) {
			explain(spec->sysctl[i].value, e);
			return err_add(e, ".linux.sysctl.%s", spec->sysctl[i].key);
		}
	return closes ? set_bounds(proc_fd, e) : 0;
}
