/* stage_stdio.h - the ends of a process's standard streams that its monitor gets: pipes made by the
 * stage, the clients that are there from the start.
 *
 * Owns the pipes. The clients' and the output's fds are the service's (BOX_START, BOX_EXEC). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "box/monitor.h"

struct err;
struct monitor_start;
struct oci_process;
struct oci_spec;

/* Where the input comes from, and who hears the output from the start. */
enum box_input { BOX_INPUT_NONE, BOX_INPUT_OPEN, BOX_INPUT_ONCE };

struct box_stdio {
	enum box_input input;		/* once: the end of a client's sending closes it */
	int output_fd;			/* gets a copy of stdout and stderr, -1 = none */
	struct {
		int fd;
		unsigned streams;	/* ATTACH_* */
	} clients[MONITOR_CLIENTS_MAX];
	size_t client_count;
};

struct stage_stdio {
	int inner_fds[3];		/* the process's; -1 = its /dev/null, or its terminal */
	int stdin_fd;			/* what its input is written to */
	int stdout_fd, stderr_fd;	/* what its output is read from */
};

void stage_stdio_init(struct stage_stdio *io);
/* Nothing with a terminal. The pipes belong to the process's user in the spec's id range. */
int stage_stdio_make(struct stage_stdio *io, const struct oci_spec *spec,
		     const struct oci_process *process, enum box_input input, struct err *e);
/* In the maker, once the process has them: what is read shall end with it. */
void stage_stdio_close_inner(struct stage_stdio *io);

/* Everything about streams that boxmon is started with. console_fd: a terminal's master, else -1.
 */
void stage_stdio_hand_over(const struct stage_stdio *io, const struct box_stdio *service,
			   int console_fd, struct monitor_start *m);
