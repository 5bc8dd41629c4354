/* net_ns.c - see net_ns.h */
#include "net/net_ns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

int net_ns_own(struct err *e)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open the machine's network namespace") : fd;
}

bool net_ns_same(int a_fd, int b_fd)
{
	struct stat a, b;

	return fstat(a_fd, &a) == 0 && fstat(b_fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int net_ns_check(int ns_fd, int own_fd, struct err *e)
{
	/* A pidfd would pass setns(2) too, but means whatever its process does next. */
	if (ioctl(ns_fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(e, "what was passed is no network namespace");
	if (net_ns_same(ns_fd, own_fd))
		return err_set(e, "it is in the machine's own network namespace");
	return 0;
}

int net_ns_enter(int ns_fd, struct err *e)
{
	return setns(ns_fd, CLONE_NEWNET) < 0 ? err_sys(e, "enter its network namespace") : 0;
}

int net_ns_enter_new(struct err *e)
{
	return unshare(CLONE_NEWNET) < 0 ? err_sys(e, "make a network namespace") : 0;
}

void net_ns_return(int own_fd)
{
	if (setns(own_fd, CLONE_NEWNET) == 0)
		return;
	log_err("cannot return to the machine's network namespace: %m");
	abort();
}

static int sysctl_open(const char *name, int flags, struct err *e)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = openat(AT_FDCWD, path, flags | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

int net_ns_sysctl(const char *name, const char *value, struct err *e)
{
	AUTO_FD int fd = sysctl_open(name, O_WRONLY, e);

	if (fd < 0)
		return -1;
	return write(fd, value, strlen(value)) < 0 ? err_sys(e, "write sysctl net/%s", name) : 0;
}

int net_ns_sysctl_read(const char *name, char *value, size_t size_bytes, struct err *e)
{
	AUTO_FD int fd = sysctl_open(name, O_RDONLY, e);
	ssize_t n = fd < 0 ? -1 : read(fd, value, size_bytes - 1);

	if (fd >= 0 && n < 0)
		return err_sys(e, "read sysctl net/%s", name);
	if (n < 0)
		return -1;
	value[n] = '\0';
	return 0;
}
