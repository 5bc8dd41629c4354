/* jail.h - gives up everything a daemon does not need, before it reads a byte from outside.
 *
 * Order (credentials(7), landlock(7), seccomp(2)): close every fd that was not declared; empty or
 * given root; groups, gid, uid; all capability sets but `keep_caps`; no_new_privs; Landlock; seccomp list
 * whose default is to kill the process. After it returns there is no way back.
 * The only files that include libseccomp are jail.c and box/seccomp.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct jail_spec {
	const char *program;		/* for messages */
	uid_t uid;			/* 0 keeps root: then keep_caps bounds it */
	gid_t gid;
	uint64_t keep_caps;		/* bit per CAP_*; 0 = none */
	const char *const *read_paths;	/* Landlock: trees it may read, NULL-terminated; NULL = none */
	const char *const *write_paths;	/* Landlock: trees it may read and write */
	bool allow_connect_tcp;		/* Landlock network right: connect to any TCP port; never bind */
	const char *const *syscalls;	/* allowed names, NULL-terminated; NULL = no seccomp filter */
};

/* Where Landlock or seccomp is missing in the kernel: an error, not a weaker jail. */
int jail_enter(const struct jail_spec *spec, struct err *e);
