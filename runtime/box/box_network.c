/* box_network.c - a box's network namespace in the hands of others: held at its start until
 * somebody has filled it, opened for who fills it again, shared with another box. */
#include <sys/stat.h>

#include "box/box.h"
#include "box/host.h"
#include "box/ns.h"
#include "box/stage_report.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "wire/wire.h"

void box_answer_held(struct box *box, int net_ns_fd)
{
	struct msg m;

	box->held = true;
	msg_init(&m, WIRE_BOX_HELD);
	msg_put_str(&m, box->name);
	msg_put_u64(&m, (uint64_t)box->run.pid);
	msg_put_fd(&m, net_ns_fd);
	boxes_tell(box->boxes, &m);
}

int box_release(struct box *box, struct err *e)
{
	struct msg m;

	box->held = false;
	msg_init(&m, STAGE_REPORT_RELEASE);
	return msg_send(box->report.fd, &m, e);
}

/* The stage sees the end of its connection and takes its container along. */
void box_call_off(struct box *box)
{
	box->held = false;
	loop_remove(&box->report);
	fd_close(&box->report.fd);
	box_start_failed(box);
}

int box_open_network(struct box *box, struct err *e)
{
	int proc_fd = box->boxes->host->proc_fd;
	AUTO_FD int fd = ns_open(proc_fd, box->run.pid, "net", e);
	AUTO_FD int own_fd = fd < 0 ? -1 : ns_open(proc_fd, 0, "net", e);
	struct stat theirs, own;

	if (own_fd < 0)
		return -1;
	if (fstat(fd, &theirs) < 0 || fstat(own_fd, &own) < 0)
		return err_sys(e, "stat a network namespace");
	if (theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino)
		return err_set(e, "box %s has the machine's network", box->name);
	/* Its pidfd is of the process that had the pid: who still takes a signal had it just now.
	 */
	return box_signal(box, 0, e) ? -1 : take_fd(&fd);
}
