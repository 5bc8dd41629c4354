/* stage_report.c - see stage_report.h */
#include "box/stage_report.h"

#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int stage_report_fork(void (*run)(const void *stage, int report_fd), const void *stage, pid_t *pid,
		      int *report_fd, struct err *e)
{
	int pair[2], pidfd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	*report_fd = pair[0];
	AUTO_FD int stage_end_fd = pair[1];

	/* When the stage dies, its child may hold the other end a little longer: never waited for.
	 */
	if (fd_set_nonblock(*report_fd, e)) {
		fd_close(report_fd);
		return -1;
	}
	*pid = fork();
	if (*pid == 0) {
		close(pair[0]);
		reset_signals();
		setsid();
		run(stage, stage_end_fd);
		_exit(1);
	}
	if (*pid < 0) {
		err_sys(e, "fork");
		fd_close(report_fd);
		return -1;
	}
	pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (pidfd < 0) {
		err_sys(e, "pidfd_open");
		kill(*pid, SIGKILL);
		fd_close(report_fd);
	}
	return pidfd;
}

int stage_report_started(int report_fd, pid_t pid, int pidfd, struct err *e)
{
	struct msg m;

	msg_init(&m, STAGE_REPORT_STARTED);
	msg_put_u64(&m, (uint64_t)pid);
	msg_put_fd(&m, pidfd);
	return msg_send(report_fd, &m, e);
}

void stage_report_failed(int report_fd, const struct err *why)
{
	struct msg m;

	msg_init(&m, STAGE_REPORT_FAILED);
	msg_put_str(&m, why->text);
	msg_send(report_fd, &m, NULL);
}
