/* box - makes and runs containers by the OCI runtime specification.
 *
 * usage: box run [--bundle DIR] ID
 * usage: box plan [--bundle DIR] ID */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/plan.h"
#include "box/seccomp_store.h"
#include "box/self.h"
#include "box/stage.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "oci/spec.h"

extern char **environ;

static struct oci_spec *read_spec(struct arena *a, int bundle_fd, struct err *e)
{
	size_t size_bytes;
	AUTO_FREE char *text =
		fs_read_at(bundle_fd, "config.json", OCI_SPEC_BYTES_MAX, &size_bytes, e);

	return text ? oci_spec_parse_bundle(a, "config.json", text, size_bytes, e) : NULL;
}

static int print(const struct box_plan *plan)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	box_plan_print(plan, &out);
	return fd_write_all(1, out.data, out.size_bytes, NULL) ? 1 : 0;
}

static int run(const struct box_plan *plan, int bundle_fd, struct err *e)
{
	const char *root = getenv("BOX_ROOT");
	AUTO_FD int root_fd = root ? openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	AUTO_FD int seccomp_fd = -1;
	struct stage_result r;
	int status;

	if (plan->spec->seccomp) {
		seccomp_fd = seccomp_store_open(root_fd, plan->spec->seccomp, e);
		if (seccomp_fd < 0)
			return -1;
	}
	const struct stage_job job = {
		.plan = plan,
		.bundle_fd = bundle_fd,
		.cgroup_fd = -1,
		.seccomp_fd = seccomp_fd,
		.stdio_fds = { 0, 1, 2 },
		.console_fd = -1,
		.gate_fd = -1,
	};

	if (stage_make(&job, &r, e))
		return -1;
	if (stage_release(&r, e)) {
		stage_abandon(&r);
		return -1;
	}
	while (waitpid(r.pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the container");
	stage_finish(&r);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct box_plan plan = { 0 };
	struct arena *a;
	struct err e;
	int bundle_fd, status;

	log_init("box", LOG_LEVEL_INFO);
	if (self_protect(argv, environ, &e))
		die("%s", e.text);
	if (argc == 5 && str_equal(argv[2], "--bundle"))
		plan.bundle = argv[3];
	else if (argc == 3)
		plan.bundle = ".";
	else
		die("usage: box run|plan [--bundle DIR] ID");
	plan.name = argv[argc - 1];
	a = arena_create(OCI_SPEC_ARENA_BYTES);
	bundle_fd = openat(AT_FDCWD, plan.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (bundle_fd < 0)
		die("open %s: %s", plan.bundle, strerror(errno));
	plan.spec = read_spec(a, bundle_fd, &e);
	if (!plan.spec || box_plan_make(&plan, a, 1, &e))
		die("%s", e.text);
	if (str_equal(argv[1], "plan"))
		return print(&plan);
	status = run(&plan, bundle_fd, &e);
	if (status < 0)
		die("%s", e.text);
	return status;
}
