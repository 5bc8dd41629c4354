/* notify.c - see notify.h */
#include "box/notify.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/process.h"
#include "box/seccomp.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec.h"
#include "oci/spec_seccomp.h"
#include "oci/state.h"

enum { MESSAGE_BYTES_MAX = 2 << 20 };	/* the annotations of a specification and a little */

enum progress { WAITING, SENT, NOT_SENT, GIVEN_UP };

/* One page that both see. */
struct shared {
	volatile int listener_fd;	/* -1 until the filter is there */
	volatile enum progress progress;
	struct err e;
};

int notify_connect(const struct oci_seccomp *profile, int *fd, struct err *e)
{
	if (!profile || !seccomp_notifies(profile))
		return 0;
	if (!profile->listener_path)
		return err_set(e, ".linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
	*fd = fd_connect_unix(profile->listener_path, FD_CONNECT_WAIT_MS, e);
	return *fd < 0 ? err_add(e, ".linux.seccomp.listenerPath") : 0;
}

static void __attribute__((noreturn)) send_listener(struct shared *shared, int socket_fd,
						    const struct buf *message)
{
	/* Microseconds: the filter is the next thing that the other one does. */
	while (shared->listener_fd < 0 && shared->progress == WAITING)
		sched_yield();
	if (shared->progress == WAITING)
		shared->progress = fd_send_over(socket_fd, shared->listener_fd, message->data,
						message->size_bytes, &shared->e)
					   ? NOT_SENT
					   : SENT;
	_exit(0);
}

/* It ends by itself and is nobody's zombie: until exec our SIGCHLD says so. */
static int start_sender(struct shared *shared, int socket_fd, const struct buf *message,
			struct err *e)
{
	const struct sigaction unwaited = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	long pid;

	sigaction(SIGCHLD, &unwaited, NULL);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		send_listener(shared, socket_fd, message);
	return pid < 0 ? err_sys(e, "seccomp: fork") : 0;
}

static int confine(const struct oci_process *p, const struct oci_seccomp *profile, int seccomp_fd,
		   struct shared *shared, struct err *e)
{
	if (process_confine(p, seccomp_fd, profile->flags, &shared->listener_fd, e)) {
		shared->progress = GIVEN_UP;
		return -1;
	}
	/* No system call here: the filter may forbid any. */
	while (shared->progress == WAITING)
		__builtin_ia32_pause();
	if (shared->progress == SENT)
		return 0;
	*e = shared->e;
	return err_add(e, "seccomp: send the listener to %s", profile->listener_path);
}

int notify_confine(const struct oci_process *p, const struct oci_seccomp *profile,
		   const struct oci_state *state, pid_t pid, int seccomp_fd, int socket_fd,
		   struct err *e)
{
	struct shared *shared;
	struct buf message;

	if (socket_fd < 0)
		return process_confine(p, seccomp_fd, profile ? profile->flags : 0, NULL, e);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return err_sys(e, "seccomp: out of memory");
	shared->listener_fd = -1;
	buf_init(&message, MESSAGE_BYTES_MAX);
	if (!oci_state_write_seccomp(state, pid, profile->listener_metadata, &message))
		return err_set(e, "seccomp: the container's state is longer than %d bytes",
			       MESSAGE_BYTES_MAX);
	if (start_sender(shared, socket_fd, &message, e))
		return -1;
	/* Neither mapping nor buffer is given back: exec does that without a call. */
	return confine(p, profile, seccomp_fd, shared, e);
}
