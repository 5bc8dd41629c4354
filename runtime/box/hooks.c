/* hooks.c - see hooks.h */
#include "box/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/state.h"

enum {
	STATE_BYTES_MAX = 2 << 20,	/* the annotations of a specification and a little */
	SAID_BYTES = 200,		/* of a failed hook's output, for the message */
};

static void __attribute__((noreturn)) exec_hook(const struct oci_hook *hook, int state_fd,
						int said_fd, int cwd_fd)
{
	const char *args[] = { hook->path, NULL }, *env[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	if (dup2(state_fd, 0) == 0 && dup2(said_fd, 1) == 1 && dup2(said_fd, 2) == 2 &&
	    fchdir(cwd_fd) == 0 && syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		execve(hook->path, (char *const *)(hook->args ? hook->args : args),
		       (char *const *)(hook->env ? hook->env : env));
	dprintf(said_fd, "run it: %s", strerror(errno));
	_exit(127);
}

/* Its end, or its timeout's. The status as waitpid gives it. */
static int await(pid_t pid, int timeout_s, int *status, struct err *e)
{
	if (timeout_s > 0) {
		AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

		if (pidfd >= 0 && poll(&poll_fd, 1, timeout_s * 1000) == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return err_set(e, "was killed after its timeout of %d s", timeout_s);
		}
	}
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for its end");
	return 0;
}

/* The first line of what it said, in the message that people will read. */
static int explain(int status, int said_fd, struct err *e)
{
	char said[SAID_BYTES];
	ssize_t size = pread(said_fd, said, sizeof(said) - 1, 0);

	said[size > 0 ? size : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (WIFSIGNALED(status))
		err_set(e, "was killed by signal %d", WTERMSIG(status));
	else
		err_set(e, "failed with status %d", WEXITSTATUS(status));
	if (said[0]) {
		struct err head = *e;

		err_set(e, "%s: %s", head.text, said);
	}
	return -1;
}

static int run_hook(const struct oci_hook *hook, int state_fd, int cwd_fd, struct err *e)
{
	AUTO_FD int said_fd = memfd_create("hook", MFD_CLOEXEC);
	int status = 0;
	pid_t pid;

	if (said_fd < 0 || lseek(state_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "make its input and output");
	pid = fork();
	if (pid == 0)
		exec_hook(hook, state_fd, said_fd, cwd_fd);
	if (pid < 0)
		return err_sys(e, "fork");
	if (await(pid, hook->timeout_s, &status, e))
		return -1;
	return status == 0 ? 0 : explain(status, said_fd, e);
}

static int write_state(const struct oci_state *state, struct err *e)
{
	struct buf text;
	int fd = -1;

	buf_init(&text, STATE_BYTES_MAX);
	if (oci_state_write(state, &text))
		fd = fd_sealed_memfd("state", text.data, text.size_bytes, e);
	else
		err_set(e, "the container's state is longer than %d bytes", STATE_BYTES_MAX);
	buf_finish(&text);
	return fd;
}

int hooks_run(const struct oci_spec *spec, enum oci_hook_kind kind, const struct oci_state *state,
	      int cwd_fd, struct err *e)
{
	const struct oci_hook_list *list = &spec->hooks[kind];
	/* runtime.md: only a warning, and the lifecycle goes on. */
	bool goes_on = kind == OCI_HOOK_POSTSTOP;

	if (list->count == 0)
		return 0;
	AUTO_FD int state_fd = write_state(state, e);

	if (state_fd < 0)
		return err_add(e, "%s hooks", oci_hook_name(kind));
	for (size_t i = 0; i < list->count; i++) {
		if (run_hook(&list->items[i], state_fd, cwd_fd, e) == 0)
			continue;
		err_add(e, "%s hook %zu: %s", oci_hook_name(kind), i, list->items[i].path);
		if (!goes_on)
			return -1;
		log_warn("%s", e->text);
	}
	return 0;
}
