/* stage_stdio.c - see stage_stdio.h */
#include "box/stage_stdio.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "box/idmap.h"
#include "box/monitor_start.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec.h"

void stage_stdio_init(struct stage_stdio *io)
{
	*io = (struct stage_stdio){ { -1, -1, -1 }, -1, -1, -1 };
}

/* A pipe whose inner end belongs to the container's user: /dev/stdout opened by name is checked
 * like any file. */
static int make_pipe(const struct oci_spec *spec, const struct oci_process *process, int *read_fd,
		     int *write_fd, const int *inner_fd, struct err *e)
{
	uint32_t uid = 0, gid = 0;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	*read_fd = ends[0];
	*write_fd = ends[1];
	if (!idmap_outside(&spec->uid_maps, process->user.uid, &uid) ||
	    !idmap_outside(&spec->gid_maps, process->user.gid, &gid))
		return err_set(e, "user %u:%u is not in the container's id range",
			       process->user.uid, process->user.gid);
	return fchown(*inner_fd, uid, gid) < 0 ? err_sys(e, "give a pipe to user %u", uid) : 0;
}

int stage_stdio_make(struct stage_stdio *io, const struct oci_spec *spec,
		     const struct oci_process *process, enum box_input input, struct err *e)
{
	int *inner = io->inner_fds;

	if (process->terminal)
		return 0;
	if (input != BOX_INPUT_NONE &&
	    make_pipe(spec, process, &inner[0], &io->stdin_fd, &inner[0], e))
		return -1;
	if (make_pipe(spec, process, &io->stdout_fd, &inner[1], &inner[1], e))
		return -1;
	return make_pipe(spec, process, &io->stderr_fd, &inner[2], &inner[2], e);
}

void stage_stdio_close_inner(struct stage_stdio *io)
{
	for (int i = 0; i < 3; i++)
		fd_close(&io->inner_fds[i]);
}

void stage_stdio_hand_over(const struct stage_stdio *io, const struct box_stdio *service,
			   int console_fd, struct monitor_start *m)
{
	m->terminal = console_fd >= 0;
	m->input_once = service->input == BOX_INPUT_ONCE;
	m->stdout_fd = console_fd >= 0 ? console_fd : io->stdout_fd;
	m->stderr_fd = io->stderr_fd;
	m->input_fd = console_fd >= 0 ? console_fd : io->stdin_fd;
	m->output_fd = service->output_fd;
	for (size_t i = 0; i < service->client_count; i++) {
		m->client_fds[i] = service->clients[i].fd;
		m->client_streams[i] = service->clients[i].streams;
	}
}
