#include "init/bounded.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/time.h"

enum bounded bounded_run(bool (*work)(void *ctx), void *ctx, uint64_t bound_ms)
{
	uint64_t end_ms = time_boot_ms() + bound_ms;
	pid_t pid = fork();
	int status;
	sigset_t child;

	if (pid < 0)
		return work(ctx) ? BOUNDED_DONE : BOUNDED_FAILED;
	if (pid == 0)
		_exit(work(ctx) ? 0 : 1);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		uint64_t now_ms = time_boot_ms();
		struct timespec rest;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return status == 0 ? BOUNDED_DONE : BOUNDED_FAILED;
		if (now_ms >= end_ms)
			break;
		rest = (struct timespec){ (time_t)((end_ms - now_ms) / 1000),
					  (long)((end_ms - now_ms) % 1000) * 1000000 };
		sigtimedwait(&child, NULL, &rest);
	}
	kill(pid, SIGKILL);	/* reaped later; in uninterruptible sleep it stays where it is */
	return BOUNDED_LATE;
}
