/* gate.c - see gate.h */
#include "box/gate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "box/stage_link.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"

enum gate_message { GATE_GO = 1, GATE_FAILED };

/* A socket's address ends after 108 bytes, a folder's path need not: so over the folder's fd. */
static struct sockaddr_un address(int dir_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/gate", dir_fd);
	return a;
}

int gate_listen(int dir_fd, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = address(dir_fd);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return err_sys(e, "make the socket on which the container waits for its start");
	return take_fd(&fd);
}

int gate_release(int dir_fd, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = address(dir_fd);
	struct msg *m = stage_link_message();
	struct err why;
	int got;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "the container does not wait for its start");
	msg_init(m, GATE_GO);
	got = msg_send(fd, m, &why) ? -1 : msg_receive(fd, m, &why);
	if (got < 0 && (why.number == EPIPE || why.number == ECONNRESET))
		return stage_link_died(e);
	if (got < 0)
		return err_set(e, "%s", why.text);
	if (got == 0)
		return 0;
	err_set(e, "%s", m->type == GATE_FAILED ? msg_get_str(m) : "an unknown answer");
	msg_finish(m);
	return -1;
}

int gate_wait(int listen_fd, struct err *e)
{
	for (;;) {
		AUTO_FD int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		struct msg *m = stage_link_message();

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_sys(e, "wait for the start");
		if (fd < 0 || msg_receive(fd, m, NULL) != 1)
			continue;
		msg_finish(m);
		if (m->type == GATE_GO)
			return take_fd(&fd);
	}
}

void gate_refuse(int connection_fd, const char *why)
{
	struct msg *m = stage_link_message();

	msg_init(m, GATE_FAILED);
	msg_put_str(m, why);
	msg_send(connection_fd, m, NULL);
}
