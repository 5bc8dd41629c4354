/* stage_link.c - see stage_link.h */
#include "box/stage_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/msg.h"

struct msg *stage_link_message(void)
{
	static struct msg *message;

	if (!message)
		message = malloc(sizeof(*message));
	if (!message)
		abort();
	return message;
}

int stage_link_make(int *maker_fd, int *made_fd, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	*maker_fd = pair[0];
	*made_fd = pair[1];
	return 0;
}

int stage_link_died(struct err *e)
{
	return err_set(e, "the new process was killed before its program ran: by a signal, or for "
			  "want of memory");
}

/* What it said before it ended counts more than that it has ended. */
static int explain(int link_fd, struct err *e)
{
	struct msg *m = stage_link_message();

	if (!e || (e->number != EPIPE && e->number != ECONNRESET))
		return -1;
	stage_link_died(e);
	if (msg_receive(link_fd, m, NULL) != 1)
		return -1;
	if (m->type == STAGE_FAILED)
		err_set(e, "%s", msg_get_str(m));
	msg_finish(m);
	return -1;
}

int stage_link_send(int link_fd, enum stage_message type, uint64_t number, int fd, struct err *e)
{
	struct msg *m = stage_link_message();

	msg_init(m, type);
	if (type == STAGE_SOURCE || type == STAGE_GO || type == STAGE_RUN)
		msg_put_u64(m, number);
	if (fd >= 0)
		msg_put_fd(m, fd);
	return msg_send(link_fd, m, e) ? explain(link_fd, e) : 0;
}

void stage_link_tell(int link_fd, const char *sentence)
{
	struct msg *m = stage_link_message();

	msg_init(m, sentence ? STAGE_FAILED : STAGE_READY);
	if (sentence)
		msg_put_str(m, sentence);
	msg_send(link_fd, m, NULL);
}

void stage_link_end(void)
{
	syscall(SYS_exit_group, 1);
	/* libc's exit would try for ever. */
	for (;;)
		__builtin_trap();
}

bool stage_link_has_maker(int link_fd)
{
	struct pollfd p = { .fd = link_fd };

	return poll(&p, 1, 0) == 0;
}

int stage_link_receive(int link_fd, struct err *e)
{
	struct msg *m = stage_link_message();
	int got = msg_receive(link_fd, m, e);

	if (got <= 0)
		return got < 0 ? explain(link_fd, e) : 0;
	if (m->type != STAGE_READY) {
		got = -1;
		err_set(e, "%s",
			m->type == STAGE_FAILED ? msg_get_str(m)
						: "an unknown message from inside");
	}
	msg_finish(m);
	return got;
}
