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
	bool has_terminal;
	struct terminal terminal;
};

static void on_signal(void *ctx, int number)
{
	struct foreground *f = ctx;

	if (number == SIGWINCH && f->has_terminal)
		terminal_resize(&f->terminal);
	else if (syscall(SYS_pidfd_send_signal, f->end.fd, number, NULL, 0) < 0 && errno != ESRCH)
		log_warn("signal %d was not passed on: %m", number);
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
	f->has_terminal = console_fd >= 0;
	if (f->has_terminal && terminal_open(&f->terminal, f->loop, console_fd, e)) {
		terminal_finish(&f->terminal);
		return -1;
	}
	failed = loop_run(f->loop, e);
	if (f->has_terminal)
		terminal_finish(&f->terminal);
	return failed;
}

int foreground_wait(pid_t pid, int pidfd, int console_fd, struct err *e)
{
	struct foreground f = { .loop = loop_create(e),
				.end = { .fd = pidfd, .on_event = on_end } };
	int status, failed = f.loop ? run_loop(&f, console_fd, e) : -1;

	loop_destroy(f.loop);
	if (failed)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the end of process %d", pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
