/* jail.h - gives up everything a daemon does not need, before it reads a byte from outside.
 *
 * Order (credentials(7), landlock(7), seccomp(2)): bounding set, groups, gid, uid; all capability
 * sets but `keep_caps`; no_new_privs; Landlock; seccomp list whose default is to kill the process.
 * After it returns there is no way back.
 *
 * Open fds stay as they are, exactly those: the main closes what it does not need before. Landlock
 * does not concern them. Without paths it is an empty root: no file can be opened by name any more.
 * It also forbids mount(2), so a maker of containers cannot live in this jail. From ABI 6 on (6.12)
 * it ends TCP, abstract sockets and signals to processes outside the jail too.
 *
 * Allowed without being listed: what every program needs to use memory, to log and to end (jail.c).
 * No memory becomes executable, the one signal is abort's to itself, and fcntl(2), where it is
 * listed, makes no signal of what happens at a file. The only files that include libseccomp are
 * jail.c and box/seccomp.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* One that setsockopt(2) may set; lists end with a zeroed one. */
struct jail_option {
	int level, name;
};

struct jail_spec {
	const char *program; /* for messages */
	uid_t uid;	     /* 0 keeps root: then keep_caps bounds it */
	gid_t gid;
	uint64_t keep_caps; /* bit per CAP_*; 0 = none */
	/* Lists end with NULL; no list = none. Landlock: trees or files it may read, and those
	 * it may also write, make and remove in. Never execute, never make devices. */
	const char *const *read_paths;
	const char *const *write_paths;
	bool allow_connect_tcp;	     /* to any TCP port */
	bool allow_bind_tcp;	     /* to any TCP port and address that the kernel allows */
	const char *const *syscalls; /* names allowed; a list, or the next one, must be there */
	bool all_syscalls;	     /* no seccomp filter (yet: jail_filter) */
	/* With a filter: socket(2) of TCP, UDP and ICMP echo over IPv4 and IPv6, of no other. */
	bool inet_sockets;
	const struct jail_option *socket_options; /* with a filter: these, of no other */
};

/* Where Landlock or seccomp is missing in the kernel: an error, not a weaker jail. */
int jail_enter(const struct jail_spec *spec, struct err *e);
/* For who has entered with all system calls, to make processes in there: that list now,
 * and what goes with it. */
int jail_filter(const struct jail_spec *spec, struct err *e);

/* For a program that cannot live in the whole jail because it opens files or starts other programs:
 * no_new_privs and the list of system calls alone. What it starts has both too, and can only lose
 * more: the list must hold what those need. */
int jail_syscalls(const char *const *names, struct err *e);
