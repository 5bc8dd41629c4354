#include "lib/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

static const uint64_t READ_RIGHTS = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t WRITE_RIGHTS = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
				     LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO;
/* Of a rule for a file the kernel takes no others. */
static const uint64_t FILE_RIGHTS =
	LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

/* All rights over files that a kernel of this ABI knows (linux/landlock.h; landlock(7) has the
 * versions). */
static uint64_t fs_rights(int abi)
{
	uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights;
}

static int allow_paths(int ruleset_fd, const char *const *paths, uint64_t rights, struct err *e)
{
	struct landlock_path_beneath_attr rule;
	struct stat st;

	for (; paths && *paths; paths++) {
		AUTO_FD int fd = open(*paths, O_PATH | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) < 0)
			return err_sys(e, "open %s", *paths);
		rule = (struct landlock_path_beneath_attr){ .allowed_access = rights,
							    .parent_fd = fd };
		if (!S_ISDIR(st.st_mode))
			rule.allowed_access &= FILE_RIGHTS;
		if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule,
			    0) < 0)
			return err_sys(e, "landlock rule for %s", *paths);
	}
	return 0;
}

/* Made while the paths can still be opened; in force only after landlock_restrict_self. */
static int make_ruleset(const struct jail_spec *spec, struct err *e)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { 0 };
	AUTO_FD int fd = -1;

	if (abi < 1)
		return err_sys(
			e, "landlock is missing in this kernel (CONFIG_SECURITY_LANDLOCK, lsm=)");
	attr.handled_access_fs = fs_rights(abi);
	if (abi >= 4)
		attr.handled_access_net =
			(spec->allow_bind_tcp ? 0u : LANDLOCK_ACCESS_NET_BIND_TCP) |
			(spec->allow_connect_tcp ? 0u : LANDLOCK_ACCESS_NET_CONNECT_TCP);
	if (abi >= 6)
		attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	/* An older kernel takes the longer struct: what it does not know is zero. */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return err_sys(e, "landlock ruleset");
	if (allow_paths(fd, spec->read_paths, READ_RIGHTS, e) < 0 ||
	    allow_paths(fd, spec->write_paths,
			(READ_RIGHTS | WRITE_RIGHTS) & attr.handled_access_fs, e) < 0)
		return -1;
	return take_fd(&fd);
}

static int read_caps(struct __user_cap_data_struct caps[2], struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, caps) < 0 ? err_sys(e, "capget") : 0;
}

/* Exactly keep_caps, in force and permitted; none to inherit. */
static int set_caps(uint64_t keep_caps, struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {
		{ .effective = (uint32_t)keep_caps, .permitted = (uint32_t)keep_caps },
		{ .effective = (uint32_t)(keep_caps >> 32),
		  .permitted = (uint32_t)(keep_caps >> 32) },
	};

	return syscall(SYS_capset, &header, caps) < 0
		       ? err_sys(e, "capset %#jx", (uintmax_t)keep_caps)
		       : 0;
}

/* Bounds what an exec as root would get back. A program that its supervisor started as a user
 * may not change it and need not: with no_new_privs an exec gives it nothing. */
static int drop_bounding_set(uint64_t keep_caps, struct err *e)
{
	struct __user_cap_data_struct caps[2] = { 0 };
	int cap;

	if (read_caps(caps, e) < 0)
		return -1;
	if (!(caps[0].effective & (1u << CAP_SETPCAP)))
		return 0;
	for (cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (keep_caps & ((uint64_t)1 << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(e, "drop capability %d from the bounding set", cap);
	}
	return 0;
}

static int become_user(const struct jail_spec *spec, struct err *e)
{
	if (prctl(PR_SET_KEEPCAPS, spec->keep_caps != 0, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities");
	/* Without CAP_SETGID the call fails even when there is nothing to drop. */
	if (getgroups(0, NULL) != 0 && setgroups(0, NULL) < 0)
		return err_sys(e, "drop supplementary groups");
	if (setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return err_sys(e, "become group %u", spec->gid);
	if (setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return err_sys(e, "become user %u", spec->uid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities");
	return 0;
}

static int drop_privileges(const struct jail_spec *spec, struct err *e)
{
	if (drop_bounding_set(spec->keep_caps, e) < 0 || become_user(spec, e) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "drop ambient capabilities");
	return set_caps(spec->keep_caps, e);
}

/* Allowed always: musl's malloc, one write(2) per log line, and the ways to end, abort(3) among
 * them. */
static const char *const runtime_syscalls[] = {
	"brk",		"exit",	  "exit_group",	     "madvise",	     "mmap",
	"mremap",	"munmap", "restart_syscall", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "tkill",  "write",	     NULL,
};

static int allow_syscalls(scmp_filter_ctx filter, const char *const *names, struct err *e)
{
	int number, error;

	for (; *names; names++) {
		number = seccomp_syscall_resolve_name(*names);
		/* Negative numbers are libseccomp's own, for calls of other architectures. */
		if (number < 0)
			return err_set(e, "seccomp: this architecture has no system call %s",
				       *names);
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (error < 0 && error != -EEXIST) {
			errno = -error;
			return err_sys(e, "seccomp: allow %s", *names);
		}
	}
	return 0;
}

static int allow_inet_sockets(scmp_filter_ctx filter, struct err *e)
{
	static const unsigned families[] = { AF_INET, AF_INET6 };
	size_t i;
	int error;

	for (i = 0; i < sizeof(families) / sizeof(*families); i++) {
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					 SCMP_A0(SCMP_CMP_EQ, families[i]));
		if (error < 0) {
			errno = -error;
			return err_sys(e, "seccomp: allow sockets of family %u", families[i]);
		}
	}
	return 0;
}

static int load_filter(scmp_filter_ctx filter, const char *const *names, bool inet_sockets,
		       struct err *e)
{
	int error;

	if (allow_syscalls(filter, runtime_syscalls, e) < 0 ||
	    allow_syscalls(filter, names, e) < 0 ||
	    (inet_sockets && allow_inet_sockets(filter, e) < 0))
		return -1;
	error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		/* 2 = a binary tree: every call passes the filter, and a list would cost a step
		 * per name. */
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error = seccomp_load(filter);
	if (error < 0) {
		errno = -error;
		return err_sys(e, "seccomp: load the filter");
	}
	return 0;
}

static int enter_seccomp(const char *const *names, bool inet_sockets, struct err *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int result;

	if (!filter)
		return err_set(e, "seccomp: no memory for the filter");
	result = load_filter(filter, names, inet_sockets, e);
	seccomp_release(filter);
	return result;
}

static int enter(const struct jail_spec *spec, struct err *e)
{
	AUTO_FD int ruleset_fd = make_ruleset(spec, e);

	if (ruleset_fd < 0 || drop_privileges(spec, e) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "no_new_privs");
	if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
		return err_sys(e, "landlock");
	/* Now, because close may not be in the list. */
	fd_close(&ruleset_fd);
	return spec->syscalls ? enter_seccomp(spec->syscalls, spec->inet_sockets, e) : 0;
}

int jail_syscalls(const char *const *names, struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "no_new_privs");
	return enter_seccomp(names, false, e);
}

int jail_enter(const struct jail_spec *spec, struct err *e)
{
	return enter(spec, e) < 0 ? err_add(e, "%s: jail", spec->program) : 0;
}
