#include "lib/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/array.h"
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

/* With one more condition each is allowed too: libseccomp takes the rules of a call as
 * alternatives.
 */
static int allow_if(scmp_filter_ctx filter, const char *name, unsigned count,
		    const struct scmp_arg_cmp *conditions, struct err *e)
{
	int number = seccomp_syscall_resolve_name(name), error;

	/* Negative numbers are libseccomp's own, for calls of other architectures. */
	if (number < 0)
		return err_set(e, "seccomp: this architecture has no system call %s", name);
	error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions);
	if (error < 0 && error != -EEXIST) {
		errno = -error;
		return err_sys(e, "seccomp: allow %s", name);
	}
	return 0;
}

/* Not F_SETOWN and F_SETSIG: the owner of a file may be any process of the same user, and the
 * signal any (fcntl(2)); nor leases and watches. */
static int allow_fcntl(scmp_filter_ctx filter, struct err *e)
{
	static const unsigned commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL,
					     F_SETFL, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS,
					     F_GET_SEALS, F_SETLK, F_SETLKW, F_GETLK };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (allow_if(filter, "fcntl", 1,
			     &(struct scmp_arg_cmp){ 1, SCMP_CMP_EQ, commands[i], 0 }, e) < 0)
			return -1;
	return 0;
}

/* By name, as it stands in the list, and no more of it than a jailed program has a use for. */
static int allow_bounded(scmp_filter_ctx filter, const char *name, struct err *e)
{
	const struct scmp_arg_cmp no_code = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 };
	const struct scmp_arg_cmp own_abort[] = { { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 },
						  { 1, SCMP_CMP_EQ, SIGABRT, 0 } };

	if (strcmp(name, "mmap") == 0 || strcmp(name, "mprotect") == 0)
		return allow_if(filter, name, 1, &no_code, e);
	if (strcmp(name, "tkill") == 0)
		return allow_if(filter, name, 2, own_abort, e);
	if (strcmp(name, "fcntl") == 0)
		return allow_fcntl(filter, e);
	return allow_if(filter, name, 0, NULL, e);
}

static int allow_inet_sockets(scmp_filter_ctx filter, struct err *e)
{
	static const struct {
		unsigned family, type, protocol;
	} sockets[] = {
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET6, SOCK_STREAM, 0 },
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		const struct scmp_arg_cmp of[] = {
			{ 0, SCMP_CMP_EQ, sockets[i].family, 0 },
			{ 1, SCMP_CMP_MASKED_EQ,
			  (scmp_datum_t)(unsigned)~(SOCK_NONBLOCK | SOCK_CLOEXEC),
			  sockets[i].type },
			{ 2, SCMP_CMP_EQ, sockets[i].protocol, 0 },
		};

		if (allow_if(filter, "socket", 3, of, e) < 0)
			return -1;
	}
	return 0;
}

static int allow_options(scmp_filter_ctx filter, const struct jail_option *options, struct err *e)
{
	for (; options && options->name; options++) {
		const struct scmp_arg_cmp of[] = {
			{ 1, SCMP_CMP_EQ, (scmp_datum_t)options->level, 0 },
			{ 2, SCMP_CMP_EQ, (scmp_datum_t)options->name, 0 },
		};

		if (allow_if(filter, "setsockopt", 2, of, e) < 0)
			return -1;
	}
	return 0;
}

static int allow_list(scmp_filter_ctx filter, const char *const *names, bool is_bounded,
		      struct err *e)
{
	for (; *names; names++)
		if ((is_bounded ? allow_bounded(filter, *names, e)
				: allow_if(filter, *names, 0, NULL, e)) < 0)
			return -1;
	return 0;
}

static int load_filter(scmp_filter_ctx filter, struct err *e)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

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

/* Bounded: it starts no other program, whose needs are not known here. */
static int enter_seccomp(const struct jail_spec *spec, bool is_bounded, struct err *e)
{
	scmp_filter_ctx filter;
	int result;

	if (!spec->syscalls)
		return err_set(e, "seccomp: no list of system calls was given");
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return err_set(e, "seccomp: no memory for the filter");
	result = allow_list(filter, runtime_syscalls, is_bounded, e) < 0 ||
				 allow_list(filter, spec->syscalls, is_bounded, e) < 0 ||
				 (spec->inet_sockets && allow_inet_sockets(filter, e) < 0) ||
				 allow_options(filter, spec->socket_options, e) < 0
			 ? -1
			 : load_filter(filter, e);
	seccomp_release(filter);
	return result;
}

static int enter(const struct jail_spec *spec, struct err *e)
{
	AUTO_FD int ruleset_fd = -1;

	/* A list that was forgotten must not become a jail without one. */
	if (!spec->syscalls == !spec->all_syscalls)
		return err_set(e, "either a list of system calls or all of them");
	ruleset_fd = make_ruleset(spec, e);
	if (ruleset_fd < 0 || drop_privileges(spec, e) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "no_new_privs");
	if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
		return err_sys(e, "landlock");
	/* Now, because close may not be in the list. */
	fd_close(&ruleset_fd);
	return spec->all_syscalls ? 0 : enter_seccomp(spec, true, e);
}

int jail_syscalls(const char *const *names, struct err *e)
{
	const struct jail_spec spec = { .syscalls = names };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "no_new_privs");
	return enter_seccomp(&spec, false, e);
}

int jail_enter(const struct jail_spec *spec, struct err *e)
{
	return enter(spec, e) < 0 ? err_add(e, "%s: jail", spec->program) : 0;
}

int jail_filter(const struct jail_spec *spec, struct err *e)
{
	return enter_seccomp(spec, true, e) < 0 ? err_add(e, "%s: jail", spec->program) : 0;
}
