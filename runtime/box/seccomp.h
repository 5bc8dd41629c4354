/* seccomp.h - a profile compiled to a BPF program once, loaded by every container.
 *
 * Compiling costs milliseconds, loading a fraction of one, so programs are kept in memfds. A system
 * call newer than every one that the profile names gives ENOSYS, not EPERM: C libraries then use
 * the older way. A profile that allows by default allows it. Other architectures than the
 * machine's own get ENOSYS too: our kernels have none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct oci_seccomp;

/* A read-only memfd with the program (struct sock_filter[]). */
int seccomp_compile(const struct oci_seccomp *profile, struct err *e);

/* What programs depend on besides their profile: our way of compiling and the library. */
const char *seccomp_generation(void);

/* Has it a rule, or a default, that asks a listener? */
bool seccomp_notifies(const struct oci_seccomp *profile);

/* For the calling process and what it will exec. Needs no_new_privs, or CAP_SYS_ADMIN in its user
 * namespace. flags: SECCOMP_FILTER_FLAG_*. Returns 0, or the listener's fd with NEW_LISTENER. */
int seccomp_install(int program_fd, unsigned flags, struct err *e);

/* Docker's default profile fitted to the capabilities (a bit per CAP_*): compiled at the first
 * call, the same fd for the same set later. The fd stays the cache's. */
struct seccomp_cache;
struct seccomp_cache *seccomp_cache_create(void);
int seccomp_cache_default(struct seccomp_cache *cache, uint64_t caps, struct err *e);
