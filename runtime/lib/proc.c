#include "lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"

enum {
	PASSED_FIRST = 3,
	CHILD_STACK_BYTES = 32768, /* spawn_child needs a few hundred; sanitizers some thousand */
};

int proc_passed_fd(const char *name)
{
	const char *at = getenv("CUVETTE_FDS");
	size_t name_bytes = strlen(name), size_bytes;
	int fd;

	for (fd = PASSED_FIRST; at && *at; fd++) {
		size_bytes = strcspn(at, ":");
		if (size_bytes == name_bytes && memcmp(at, name, name_bytes) == 0)
			return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
		at += size_bytes + (at[size_bytes] == ':');
	}
	return -1;
}

static void tell(const char *line)
{
	int fd = proc_passed_fd("notify");
	struct err e;

	if (fd >= 0 && fd_write_all(fd, line, strlen(line), &e) < 0)
		log_warn("tell the supervisor: %s", e.text);
}

void proc_tell_ready(void)
{
	tell("ready\n");
}

void proc_ask_poweroff(void)
{
	tell("poweroff\n");
}

/* What the child shares with us until it runs another program: no pipe is needed for its error. */
struct spawn {
	const struct proc_spec *spec;
	const char *step;
	int number;
};

/* Dispositions other than SIG_IGN fall back at execve anyway (signal(7)). */
static void reset_signals(void)
{
	struct sigaction action;
	sigset_t none;
	int i;

	for (i = 1; i < _NSIG; i++) {
		if (sigaction(i, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
			continue;
		action.sa_handler = SIG_DFL;
		sigaction(i, &action, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First everything above its final place, so that no step closes the source of another. */
static int place_fds(const struct proc_spec *spec)
{
	int total = PASSED_FIRST + spec->pass_count, i, fd, lifted[PASSED_FIRST + PROC_PASS_MAX];

	for (i = 0; i < total; i++) {
		fd = i == 0   ? spec->stdin_fd
		     : i == 1 ? spec->stdout_fd
		     : i == 2 ? spec->stderr_fd
			      : spec->pass_fds[i - PASSED_FIRST];
		if (fd < 0 && i < PASSED_FIRST) {
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
			if (fd < 0)
				return -1;
		}
		lifted[i] = fcntl(fd, F_DUPFD_CLOEXEC, total);
		if (lifted[i] < 0)
			return -1;
	}
	for (i = 0; i < total; i++)
		if (dup2(lifted[i], i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, (unsigned)total, ~0u, 0u);
}

static int spawn_child(void *context)
{
	struct spawn *s = context;
	const struct proc_spec *spec = s->spec;

	s->step = "pass files";
	if (place_fds(spec) == 0) {
		s->step = "new session";
		if (setsid() >= 0) {
			reset_signals();
			s->step = "exec";
			execve(spec->path, (char *const *)spec->argv, (char *const *)spec->envp);
		}
	}
	s->number = errno;
	return 127; /* clone(2) ends the child with it */
}

/* Shares the memory and stops us until the child has run execve: nothing is copied, however
 * large we are. */
static pid_t clone_child(struct spawn *s, int *pid_fd)
{
	_Alignas(16) char stack[CHILD_STACK_BYTES];

	return clone(spawn_child, stack + sizeof(stack),
		     CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, s, pid_fd);
}

int proc_spawn(const struct proc_spec *spec, pid_t *pid, struct err *e)
{
	struct spawn s = { .spec = spec };
	AUTO_FD int pid_fd = -1;
	sigset_t all, saved;
	pid_t child;
	int number;

	if (spec->pass_count < 0 || spec->pass_count > PROC_PASS_MAX)
		return err_set(e, "start %s: more than %d files to pass", spec->path,
			       PROC_PASS_MAX);
	/* A handler of ours must not run in the child, on our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &saved);
	child = clone_child(&s, &pid_fd);
	number = errno;
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (child < 0) {
		errno = number;
		return err_sys(e, "start %s: clone", spec->path);
	}
	if (s.number != 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		errno = s.number;
		return err_sys(e, "start %s: %s", spec->path, s.step);
	}
	*pid = child;
	return take_fd(&pid_fd);
}

int proc_start_time(pid_t pid, uint64_t *ticks, struct err *e)
{
	char path[32], text[1024], *at, *end;
	AUTO_FD int fd = -1;
	ssize_t n;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	n = fd_read_full(fd, text, sizeof(text) - 1, e);
	if (n < 0)
		return err_add(e, "%s", path);
	text[n] = '\0';
	/* Field 2 is the name in parentheses and may hold anything, parentheses and blanks too. */
	at = strrchr(text, ')');
	for (field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	end = at ? strchr(at, ' ') : NULL;
	if (end)
		*end = '\0';
	if (!end || !str_to_u64(at, ticks))
		return err_set(e, "%s: field 22 is no number", path);
	return 0;
}
