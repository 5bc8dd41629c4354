/* shutdown.h - from the wish to the end of the machine, in bounded time.
 *
 * svd stops its units in order, then everything else gets SIGTERM and SIGKILL, the clock is saved,
 * file systems are synced and unmounted, reboot(2). With units that obey this takes well below 2 s;
 * the bounds below add up to 38 s for a machine where nothing obeys and the disk is dead. */
#pragma once

enum {
	SHUTDOWN_SVD_MS = 25000,	/* svd itself kills what does not obey after 20 s */
	SHUTDOWN_TERM_MS = 500,		/* whoever is not a unit has this long */
	SHUTDOWN_ALONE_MS = 3000,	/* the same when svd could not do its part */
	SHUTDOWN_KILL_MS = 1000,
	SHUTDOWN_DISKS_MS = 8000,
};

enum shutdown_kind { SHUTDOWN_NONE, SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT, SHUTDOWN_HALT };

struct child;

/* Pure: what a signal to PID 1 asks for. */
enum shutdown_kind shutdown_asked(int signal);

_Noreturn void shutdown_machine(enum shutdown_kind kind, struct child *svd, struct child *shell);
