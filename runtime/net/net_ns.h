/* net_ns.h - network namespaces by fd: made without a name, entered for a moment, left again.
 *
 * Nothing stands under /run/netns, so nothing is left there. Between enter and return the thread
 * makes sockets, opens sysctls and devices: they stay what they are afterwards. By setns(2), for
 * which it takes CAP_SYS_ADMIN here and in the namespace's own user namespace. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

int net_ns_own(struct err *e); /* an fd of the caller's */
/* Is it a network namespace, and not the one that own_fd is? */
int net_ns_check(int ns_fd, int own_fd, struct err *e);
bool net_ns_same(int a_fd, int b_fd);

int net_ns_enter(int ns_fd, struct err *e);
int net_ns_enter_new(struct err *e);
/* A thread that cannot return works in a stranger's network from then on: it aborts instead. */
void net_ns_return(int own_fd);

/* One value below /proc/sys/net of the namespace that the thread is in: "ipv4/ip_forward". */
int net_ns_sysctl(const char *name, const char *value, struct err *e);
int net_ns_sysctl_read(const char *name, char *value, size_t size_bytes, struct err *e);
