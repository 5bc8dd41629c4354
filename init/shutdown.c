#include "init/shutdown.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/bounded.h"
#include "init/child.h"
#include "init/clock.h"
#include "init/mounts.h"
#include "lib/log.h"
#include "lib/time.h"

enum shutdown_kind shutdown_asked(int signal)
{
	switch (signal) {
	case SIGUSR2:
		return SHUTDOWN_POWEROFF;
	case SIGTERM:
	case SIGINT:		/* the kernel, for Ctrl-Alt-Del */
		return SHUTDOWN_REBOOT;
	case SIGUSR1:
		return SHUTDOWN_HALT;
	}
	return SHUTDOWN_NONE;
}

/* Reaps until the child is gone (NULL: until no process is left), at most bound_ms. */
static bool reap_until_gone(struct child *c, uint64_t bound_ms)
{
	uint64_t now_ms = time_boot_ms(), end_ms = now_ms + bound_ms;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;; now_ms = time_boot_ms()) {
		int status;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (c)
				child_reaped(c, pid, status, now_ms);
		if (c ? !c->pid : pid < 0 && errno == ECHILD)
			return true;
		if (now_ms >= end_ms)
			return false;
		sigtimedwait(&set, NULL,
			     &(struct timespec){ (time_t)((end_ms - now_ms) / 1000),
						 (long)((end_ms - now_ms) % 1000) * 1000000 });
	}
}

static bool save_and_unmount(void *ctx)
{
	(void)ctx;
	clock_save();
	sync();
	return mounts_undo() == 0;
}

_Noreturn void shutdown_machine(enum shutdown_kind kind, struct child *svd, struct child *shell)
{
	static const struct {
		const char *word;
		int command;
	} ends[] = {
		[SHUTDOWN_NONE] = { "reboot", RB_AUTOBOOT },
		[SHUTDOWN_POWEROFF] = { "power off", RB_POWER_OFF },
		[SHUTDOWN_REBOOT] = { "reboot", RB_AUTOBOOT },
		[SHUTDOWN_HALT] = { "halt", RB_HALT_SYSTEM },
	};
	uint64_t began_ms = time_boot_ms();
	bool in_order = svd->pid != 0;

	log_info("%s: stopping", ends[kind].word);
	svd->wanted = shell->wanted = false;
	if (in_order && kill(svd->pid, SIGTERM) == 0 && !reap_until_gone(svd, SHUTDOWN_SVD_MS)) {
		log_warn("the supervisor did not end within %d s: everything else is killed now",
			 SHUTDOWN_SVD_MS / 1000);
		in_order = false;
	}
	if (shell->pid)
		kill(shell->pid, SIGHUP);	/* an interactive shell ignores SIGTERM */
	kill(-1, SIGTERM);
	if (!reap_until_gone(NULL, in_order ? SHUTDOWN_TERM_MS : SHUTDOWN_ALONE_MS)) {
		kill(-1, SIGKILL);
		if (!reap_until_gone(NULL, SHUTDOWN_KILL_MS))
			log_warn("a process cannot be killed, probably it waits for a disk: going "
				 "on without it");
	}
	switch (bounded_run(save_and_unmount, NULL, SHUTDOWN_DISKS_MS)) {
	case BOUNDED_DONE:
		break;
	case BOUNDED_FAILED:
		log_warn("not every file system could be unmounted: the next start may have to "
			 "replay a journal");
		break;
	case BOUNDED_LATE:
		log_err("a disk does not answer within %d s: what was not saved before is lost; "
			"check that disk", SHUTDOWN_DISKS_MS / 1000);
		break;
	}
	log_info("%s after %d ms", ends[kind].word, (int)(time_boot_ms() - began_ms));
	reboot(ends[kind].command);
	log_err("the kernel refuses to %s (%m): switch the machine off by hand, all data is saved",
		ends[kind].word);
	for (;;)
		reap_until_gone(NULL, 1000000);
}
