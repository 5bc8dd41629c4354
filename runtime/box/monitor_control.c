/* monitor_control.c - see monitor_control.h */
#include "box/monitor_control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"

enum { BUSY_WAIT_MS = 200 };	/* boxd serves nobody else meanwhile */

/* By the folder's fd: its name may be longer than a socket's address. */
static struct sockaddr_un address_in(int state_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", state_fd);
	return address;
}

int monitor_control_bind(int state_fd, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = address_in(state_fd);

	if (fd < 0)
		return err_sys(e, "control socket");
	/* A box that is started again: the last monitor's. */
	if (unlinkat(state_fd, "control", 0) < 0 && errno != ENOENT)
		return err_sys(e, "control socket: remove the old one");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, "control socket: bind");
	return take_fd(&fd);
}

static int send_one(int state_fd, struct msg *m, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = address_in(state_fd);
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	if (fd < 0)
		return err_sys(e, "control socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, "reach its monitor");
	/* Its queue is short (net.unix.max_dgram_qlen); a moment lets a busy one catch up. */
	if (msg_send(fd, m, e) == 0)
		return 0;
	if (e->number == EAGAIN && poll(&room, 1, BUSY_WAIT_MS) == 1 && msg_send(fd, m, e) == 0)
		return 0;
	return err_add(e, "its monitor is busy, try again");
}

int monitor_control_attach(int state_fd, unsigned streams, int client_fd, struct err *e)
{
	struct msg m;

	msg_init(&m, MONITOR_ATTACH);
	msg_put_u64(&m, streams);
	msg_put_fd(&m, client_fd);
	return send_one(state_fd, &m, e);
}

int monitor_control_resize(int state_fd, uint16_t rows, uint16_t columns, struct err *e)
{
	struct msg m;

	msg_init(&m, MONITOR_RESIZE);
	msg_put_u64(&m, rows);
	msg_put_u64(&m, columns);
	return send_one(state_fd, &m, e);
}
