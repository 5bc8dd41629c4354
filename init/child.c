#include "init/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/backoff.h"
#include "init/listing.h"
#include "lib/log.h"

enum { EXIT_NO_EXEC = 127 };

static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
					   "TERM=vt102", "TZ=UTC", NULL };

/* A shell needs a controlling terminal for Ctrl-C. /dev/console is none (tty_open in the kernel
 * refuses it), the device behind it is. */
static void take_console(void)
{
	char name[64] = "console", path[80];
	char *last;
	int fd;

	listing_read("/sys/class/tty/console/active", name, sizeof(name));
	last = strrchr(name, ' '); /* of several consoles the last one is /dev/console */
	snprintf(path, sizeof(path), "/dev/%s", last ? last + 1 : name);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	ioctl(fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static _Noreturn void become(const struct child *c)
{
	sigset_t none;
	int fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (c->console) {
		take_console();
	} else {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dup2(fd, STDIN_FILENO);
		/* The supervisor goes last when memory is short; it gives its units a value of
		 * their own. */
		fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "-1000", 5) < 0)
			log_warn("%s keeps its OOM score: %m", c->name);
	}
	execve(c->path, (char *const *)c->argv, (char *const *)environment);
	log_err("%s cannot be started: %s: %m", c->name, c->path);
	_exit(EXIT_NO_EXEC);
}

static void wait_longer(struct child *c, uint64_t now_ms)
{
	c->wait_ms = backoff_next_ms(c->wait_ms, c->started_ms ? now_ms - c->started_ms : 0);
	c->due_ms = now_ms + c->wait_ms;
	c->started_ms = 0;
}

void child_start(struct child *c, uint64_t now_ms)
{
	pid_t pid;

	if (child_due_ms(c) > now_ms)
		return;
	pid = fork();
	if (pid == 0)
		become(c);
	if (pid < 0) {
		int number = errno;

		wait_longer(c, now_ms);
		log_warn("%s cannot be started: fork: %s; next try in %d ms", c->name,
			 strerror(number), (int)c->wait_ms);
		return;
	}
	c->pid = pid;
	c->started_ms = now_ms;
}

bool child_reaped(struct child *c, pid_t pid, int status, uint64_t now_ms)
{
	if (!c->pid || pid != c->pid)
		return false;
	c->pid = 0;
	wait_longer(c, now_ms);
	if (!c->wanted || (c->console && WIFEXITED(status)))
		return true;		/* leaving the shell is no event */
	if (WIFSIGNALED(status))
		log_warn("%s was killed by signal %d: started again in %d ms", c->name,
			 WTERMSIG(status), (int)c->wait_ms);
	else
		log_warn("%s ended with status %d: started again in %d ms", c->name,
			 WEXITSTATUS(status), (int)c->wait_ms);
	return true;
}

uint64_t child_due_ms(const struct child *c)
{
	return c->wanted && !c->pid ? c->due_ms : UINT64_MAX;
}
