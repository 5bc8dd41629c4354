/* mountbox - the mounts of a bundle and nothing else of a container, for
 * tests/system/box_mounts.sh.
 *
 *   mountbox [-p] [-n] [-c CGROUP] BUNDLE
 *
 * Makes the namespaces of BUNDLE/config.json, carries its mount plan out and runs process.args in
 * the new root with all powers that this leaves; ends with its status, or with 125 and one
 * sentence. -p prints the plan instead. -n plans as the service does: every mount nodev, nodes
 * bind-mounted. -c: the folder of the container's cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/devices.h"
#include "box/idmap.h"
#include "box/mount_do.h"
#include "box/mount_plan.h"
#include "box/mount_source.h"
#include "box/ns.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "oci/spec.h"

enum { FAILED = 125, PLAN_BYTES = 1 << 20 };

static const struct oci_spec *spec;
static struct mount_plan plan;
static struct mount_sources sources;

static void __attribute__((noreturn)) fail(const struct err *e)
{
	fprintf(stderr, "%s\n", e->text);
	_exit(FAILED);
}

static void print_plan(void)
{
	struct buf out;

	buf_init(&out, PLAN_BYTES);
	mount_plan_print(&plan, &out);
	printf("%s", out.data ? out.data : "");
	exit(0);
}

/* A terminal of the container's own devpts, as console.c makes it. */
static int attach_console(struct err *e)
{
	int unlocked = 0, slave_fd,
	    master_fd = fs_open_in_root(sources.root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, e);

	if (master_fd < 0 || ioctl(master_fd, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return slave_fd < 0 ? err_sys(e, "TIOCGPTPEER") :
			      devices_attach_console(sources.root_fd, slave_fd, e);
}

static void __attribute__((noreturn)) inside(int go_fd)
{
	struct err e;
	char byte;

	/* The first process of a new user namespace is nobody until its maps are there. */
	if (read(go_fd, &byte, 1) != 1)
		_exit(FAILED);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    (spec->namespaces & 1u << OCI_NS_CGROUP && unshare(CLONE_NEWCGROUP) < 0)) {
		err_sys(&e, "become root");
		fail(&e);
	}
	if (mount_do(&plan, &sources, &e) || mount_do_enter(&plan, &sources, &e) ||
	    (spec->process.terminal && attach_console(&e)))
		fail(&e);
	execve(spec->process.args[0], (char *const *)spec->process.args,
	       (char *const *)spec->process.env);
	err_sys(&e, "exec %s", spec->process.args[0]);
	fail(&e);
}

static void map_ids(pid_t pid)
{
	int proc_fd = open("/proc", O_PATH | O_CLOEXEC), user_ns_fd;
	struct err e;

	if (!(spec->namespaces & 1u << OCI_NS_USER))
		return;
	if (idmap_write(proc_fd, pid, &spec->uid_maps, &spec->gid_maps, &e))
		fail(&e);
	user_ns_fd = ns_open(proc_fd, pid, "user", &e);
	if (user_ns_fd < 0 || mount_sources_map(&sources, &plan, user_ns_fd, &e))
		fail(&e);
}

static int run(int cgroup_fd)
{
	uint64_t flags = 0;
	int go[2], pidfd, status;
	struct err e;
	pid_t pid;

	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespaces & 1u << i && i != OCI_NS_CGROUP)
			flags |= ns_flag(i);
	mount_sources_init(&sources, &plan);
	sources.cgroup_fd = cgroup_fd;
	if (mount_sources_open(&sources, &plan, &e))
		fail(&e);
	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe: %m");
	pid = ns_clone(flags, cgroup_fd, &pidfd, &e);
	if (pid < 0)
		fail(&e);
	if (pid == 0) {
		close(go[1]);
		inside(go[0]);
	}
	close(go[0]);
	map_ids(pid);
	if (write(go[1], "g", 1) != 1 || waitpid(pid, &status, 0) < 0)
		die("wait: %m");
	mount_sources_close(&sources);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_create(OCI_SPEC_ARENA_BYTES);
	struct mount_plan_input in = { .cpu_count = 0 };
	int option, cgroup_fd = -1;
	bool only_print = false;
	size_t size_bytes;
	struct err e;
	char *text;

	while ((option = getopt(argc, argv, "pnc:")) > 0) {
		if (option == 'p')
			only_print = true;
		else if (option == 'n')
			in.always_nodev = true;
		else if (option == 'c')
			cgroup_fd = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		else
			return 2;
	}
	if (optind >= argc || chdir(argv[optind]) < 0)
		die("mountbox: no such bundle");
	text = fs_read_at(AT_FDCWD, "config.json", OCI_SPEC_BYTES_MAX, &size_bytes, &e);
	if (!text)
		fail(&e);
	in.spec = spec = oci_spec_parse_bundle(a, "config", text, size_bytes, &e);
	if (!spec || mount_plan_make(&plan, a, &in, &e))
		fail(&e);
	if (only_print)
		print_plan();
	return run(cgroup_fd);
}
