/* verb_exec.c - BOX_EXEC: from the message to a forked stage (stage_exec.h). What it reports is
 * read as with a start. */
#include <string.h>

#include "box/box.h"
#include "box/cgroup.h"
#include "box/host.h"
#include "box/stage_exec.h"
#include "box/stage_stdio.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "oci/spec.h"

enum { EXECS_MAX = 64 };	/* of a box: x 64 KiB of boxmon, and a folder */

struct entry {
	struct boxes *boxes;
	struct arena *arena;
	const char *name;
	struct box *of, *box;
	const struct oci_spec *spec;
	const struct oci_process *process;
	struct box_stdio stdio;
	int process_fd, cgroup_fd, seccomp_fd;
	bool own_seccomp;
};

static int find_box(struct entry *n, struct err *e)
{
	const char *slash = strchr(n->name, '/');
	char name[BOX_NAME_BYTES];

	if (!slash || !str_is_name(slash + 1) || (size_t)(slash - n->name) >= sizeof(name))
		return err_set(e, "\"%s\" is no name for an exec: it is BOX/EXEC", n->name);
	memcpy(name, n->name, (size_t)(slash - n->name));
	name[slash - n->name] = '\0';
	n->of = box_find(n->boxes, name);
	if (!n->of)
		return err_set(e, "there is no box %s", name);
	if (n->of->status != BOX_RUNNING || n->of->deleting || n->of->pidfd < 0)
		return err_set(e, "box %s is not running", name);
	if (box_find(n->boxes, n->name))
		return err_set(e, "an exec of this name is there already");
	return 0;
}

/* The oldest one that has ended makes way. */
static int make_room(const struct entry *n, struct err *e)
{
	struct box *oldest = NULL;
	int count = 0;

	for (struct box *at = n->boxes->first; at; at = at->next) {
		if (at->of != n->of)
			continue;
		count++;
		if (at->status == BOX_EXITED)
			oldest = at;	/* the newest comes first */
	}
	if (count < EXECS_MAX)
		return 0;
	if (!oldest)
		return err_set(e, "box %s has %d execs already: end one first", n->of->name,
			       EXECS_MAX);
	box_start_failed(oldest);	/* forgotten with its folder, without a word */
	return 0;
}

/* As strict as with a whole specification: what would be left out is refused. */
static int read_process(struct entry *n, struct err *e)
{
	struct oci_process *p;
	size_t size_bytes;

	if (n->process_fd < 0)
		return err_set(e, "the process document is missing");
	if (fd_require_sealed(n->process_fd, e))
		return err_add(e, "process document");
	AUTO_FREE char *text = fd_read_all(n->process_fd, OCI_SPEC_BYTES_MAX, &size_bytes, e);

	if (!text)
		return err_add(e, "process document");
	p = oci_process_parse(n->arena, "process", text, size_bytes, e);
	if (!p)
		return -1;
	if (p->warnings && p->warnings[0])
		return err_set(e, "%s", p->warnings[0]);
	if (p->scheduler || p->io_priority)
		return err_set(e, "process: .scheduler, .ioPriority: not supported here");
	n->process = p;
	return 0;
}

static int read_spec(struct entry *n, struct err *e)
{
	size_t size_bytes;
	AUTO_FREE char *text = fs_read_at(n->of->state_fd, "config.json", OCI_SPEC_BYTES_MAX,
					  &size_bytes, e);

	struct oci_spec *spec =
		text ? oci_spec_parse(n->arena, "config.json", text, size_bytes, e) : NULL;

	if (!spec)
		return -1;
	/* Whosever it is: its own, another box's, the machine's. */
	spec->namespaces |= 1u << OCI_NS_NETWORK;
	n->spec = spec;
	return 0;
}

static int open_parts(struct entry *n, struct err *e)
{
	if (n->spec->cgroups_path) {
		n->cgroup_fd = cgroup_open(n->boxes->host->cgroup_fd, n->of->name, e);
		if (n->cgroup_fd < 0)
			return -1;
	}
	n->seccomp_fd = box_open_seccomp(n->boxes, n->spec, &n->own_seccomp, e);
	return n->seccomp_fd < 0 ? -1 : 0;
}

static int launch(struct entry *n, struct err *e)
{
	const struct stage_exec stage = {
		.name = n->name,
		.image = n->of->run.image,
		.pid = n->of->run.pid,
		.pidfd = n->of->pidfd,
		.spec = n->spec,
		.process = n->process,
		.state_fd = n->box->state_fd,
		.cgroup_fd = n->cgroup_fd,
		.seccomp_fd = n->seccomp_fd,
		.stdio = &n->stdio,
	};
	int monitor_fd = stage_exec_start(&stage, &n->box->run.monitor_pid, &n->box->report.fd, e);

	return monitor_fd < 0 ? -1 : box_await_start(n->box, monitor_fd, e);
}

static int begin(struct entry *n, struct err *e)
{
	if (find_box(n, e) || make_room(n, e) || read_process(n, e) || read_spec(n, e) ||
	    open_parts(n, e))
		return -1;
	n->box = box_add(n->boxes, n->of, n->name, e);
	if (!n->box)
		return -1;
	box_begin(n->box, 0, n->of->run.image);
	return launch(n, e);
}

static void finish(struct entry *n)
{
	fd_close(&n->process_fd);
	box_close_stdio(&n->stdio);
	fd_close(&n->cgroup_fd);
	if (n->own_seccomp)
		fd_close(&n->seccomp_fd);
	arena_destroy(n->arena);
}

int verb_exec(struct boxes *b, struct msg *m, struct err *e)
{
	struct entry n = { .boxes = b,
			   .name = msg_get_str(m),
			   .process_fd = -1,
			   .stdio.output_fd = -1,
			   .cgroup_fd = -1,
			   .seccomp_fd = -1 };
	int failed;

	n.arena = arena_create(OCI_SPEC_ARENA_BYTES);
	failed = box_read_stdio(m, &n.process_fd, &n.stdio, e) || msg_end(m, e) ? -1 : 0;
	if (!failed && begin(&n, e)) {
		box_answer_failed(b, n.name, e->text);
		if (n.box)
			box_start_failed(n.box);
	}
	finish(&n);
	return failed;
}
