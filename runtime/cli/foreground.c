/* foreground.c - see foreground.h */
#include "cli/foreground.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/loop.h"

/* Those that somebody sends us on purpose. Not: SIGCHLD, which tells of our children; SIGPIPE,
 * which tells of our own output; faults, which are ours. */
static const int passed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGTSTP, SIGTTIN,
	SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, 0,
};

struct foreground {
	struct loop *loop;
	struct loop_source end;
	struct terminal terminal;
};

static void pass_on(int pidfd, int number)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) < 0 && errno != ESRCH)
		log_warn("signal %d was not passed on: %m", number);
}

static void on_signal(void *ctx, int number)
{
	struct foreground *f = ctx;

	if (number == SIGWINCH)
		terminal_resize(&f->terminal);
	else
		pass_on(f->end.fd, number);
}

static void on_end(struct loop_source *source, unsigned events)
{
	(void)events;
	loop_stop(owner_of(source, struct foreground, end)->loop);
}

static int run_loop(struct foreground *f, int console_fd, struct err *e)
{
	int failed;

	signal(SIGPIPE, SIG_IGN);
	if (loop_signals(f->loop, passed_on, on_signal, f, e) ||
	    loop_add(f->loop, &f->end, LOOP_READ, e))
		return -1;
	failed = terminal_open(&f->terminal, f->loop, console_fd, e) || loop_run(f->loop, e);
	terminal_finish(&f->terminal);
	return failed ? -1 : 0;
}

static sigset_t waited_for(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (const int *number = passed_on; *number; number++)
		sigaddset(&set, *number);
	return set;
}

void foreground_begin(void)
{
	const sigset_t set = waited_for();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int wait_with_terminal(pid_t pid, int pidfd, int console_fd, int *status, struct err *e)
{
	struct foreground f = { .loop = loop_create(e),
				.end = { .fd = pidfd, .on_event = on_end } };
	int failed = f.loop ? run_loop(&f, console_fd, e) : -1;

	loop_destroy(f.loop);
	if (failed)
		return -1;
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the end of process %d", pid);
	return 0;
}

/* Without a terminal there is nothing to carry: signals alone, one by one. */
static int wait_plain(pid_t pid, int pidfd, int *status, struct err *e)
{
	const sigset_t set = waited_for();
	pid_t ended = 0;

	/* SIGCHLD has been waiting since foreground_begin, so its end is not missed. */
	while (ended == 0) {
		siginfo_t info;
		int number = sigwaitinfo(&set, &info);

		if (number == SIGCHLD)
			ended = waitpid(pid, status, WNOHANG);
		else if (number > 0)
			pass_on(pidfd, number);
	}
	return ended < 0 ? err_sys(e, "wait for the end of process %d", pid) : 0;
}

int foreground_wait(pid_t pid, int pidfd, int console_fd, struct err *e)
{
	int status, failed;

	if (console_fd < 0)
		failed = wait_plain(pid, pidfd, &status, e);
	else
		failed = wait_with_terminal(pid, pidfd, console_fd, &status, e);
	if (failed)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
