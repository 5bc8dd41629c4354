/* seccomp_default.c - see seccomp_default.h. Public facts, in tables of our own. */
#include "box/seccomp_default.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/array.h"
#include "oci/spec_seccomp.h"

/* In the table itself: pointers would be relocated at every start of `box`. */
static const char allowed[][24] = {
	/* files and folders */
	"access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat",
	"dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
	"fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
	"flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync",
	"ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "ioctl",
	"lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lremovexattr",
	"lseek", "lsetxattr", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "name_to_handle_at",
	"newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64",
	"pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
	"removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr",
	"splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
	"syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes",
	"vmsplice", "write", "writev", "fanotify_mark", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch",
	/* waiting and talking */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "pipe", "pipe2",
	"poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4", "timerfd_create",
	"timerfd_gettime", "timerfd_settime", "accept", "accept4", "bind", "connect",
	"getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg",
	"sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair", "io_cancel",
	"io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit", "mq_getsetattr",
	"mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
	"msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt",
	"shmget",
	/* memory */
	"brk", "cachestat", "madvise", "map_shadow_stack", "membarrier", "memfd_create",
	"memfd_secret", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap",
	"msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
	"remap_file_pages",
	/* processes and their ids */
	"arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork",
	"getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid",
	"getppid", "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
	"gettid", "getuid", "get_robust_list", "get_thread_area", "ioprio_get", "ioprio_set",
	"kill", "modify_ldt", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64",
	"process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace", "restart_syscall",
	"rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
	"sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
	"set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid",
	"setgroups", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid",
	"setrlimit", "setsid", "setuid", "sigaltstack", "tgkill", "tkill", "vfork", "wait4",
	"waitid", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
	"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
	/* time and the machine */
	"adjtimex", "alarm", "clock_adjtime", "clock_getres", "clock_gettime", "clock_nanosleep",
	"getitimer", "getrandom", "gettimeofday", "nanosleep", "pause", "setitimer", "sysinfo",
	"time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_settime", "times", "uname",
};

/* What a capability of the container opens. */
static const struct {
	unsigned cap;
	char name[24];
} with_cap[] = {
	{ CAP_BPF, "bpf" },			{ CAP_DAC_READ_SEARCH, "open_by_handle_at" },
	{ CAP_PERFMON, "perf_event_open" },	{ CAP_SYSLOG, "syslog" },
	{ CAP_SYS_ADMIN, "bpf" },		{ CAP_SYS_ADMIN, "clone" },
	{ CAP_SYS_ADMIN, "clone3" },		{ CAP_SYS_ADMIN, "fanotify_init" },
	{ CAP_SYS_ADMIN, "fsconfig" },		{ CAP_SYS_ADMIN, "fsmount" },
	{ CAP_SYS_ADMIN, "fsopen" },		{ CAP_SYS_ADMIN, "fspick" },
	{ CAP_SYS_ADMIN, "listmount" },		{ CAP_SYS_ADMIN, "lookup_dcookie" },
	{ CAP_SYS_ADMIN, "mount" },		{ CAP_SYS_ADMIN, "mount_setattr" },
	{ CAP_SYS_ADMIN, "move_mount" },	{ CAP_SYS_ADMIN, "open_tree" },
	{ CAP_SYS_ADMIN, "perf_event_open" },	{ CAP_SYS_ADMIN, "quotactl" },
	{ CAP_SYS_ADMIN, "quotactl_fd" },	{ CAP_SYS_ADMIN, "setdomainname" },
	{ CAP_SYS_ADMIN, "sethostname" },	{ CAP_SYS_ADMIN, "setns" },
	{ CAP_SYS_ADMIN, "statmount" },		{ CAP_SYS_ADMIN, "syslog" },
	{ CAP_SYS_ADMIN, "umount2" },		{ CAP_SYS_ADMIN, "unshare" },
	{ CAP_SYS_BOOT, "reboot" },		{ CAP_SYS_CHROOT, "chroot" },
	{ CAP_SYS_MODULE, "delete_module" },	{ CAP_SYS_MODULE, "finit_module" },
	{ CAP_SYS_MODULE, "init_module" },	{ CAP_SYS_NICE, "get_mempolicy" },
	{ CAP_SYS_NICE, "mbind" },		{ CAP_SYS_NICE, "set_mempolicy" },
	{ CAP_SYS_NICE, "set_mempolicy_home_node" }, { CAP_SYS_PACCT, "acct" },
	{ CAP_SYS_PTRACE, "kcmp" },		{ CAP_SYS_PTRACE, "pidfd_getfd" },
	{ CAP_SYS_PTRACE, "process_madvise" },	{ CAP_SYS_RAWIO, "ioperm" },
	{ CAP_SYS_RAWIO, "iopl" },		{ CAP_SYS_TIME, "clock_settime" },
	{ CAP_SYS_TIME, "settimeofday" },	{ CAP_SYS_TTY_CONFIG, "vhangup" },
};

enum {
	ALLOWED = ARRAY_SIZE(allowed),
	WITH_CAP = ARRAY_SIZE(with_cap),
	NAMESPACE_FLAGS = 0x7e020000,	/* CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} */
	RULES_MAX = 16,
};

/* personality(2): query, PER_LINUX, PER_LINUX32, UNAME26 and both. */
static const struct oci_seccomp_arg personalities[] = {
	{ 0, OCI_SECCOMP_EQ, 0x0, 0 },	   { 0, OCI_SECCOMP_EQ, 0x8, 0 },
	{ 0, OCI_SECCOMP_EQ, 0x20000, 0 }, { 0, OCI_SECCOMP_EQ, 0x20008, 0 },
	{ 0, OCI_SECCOMP_EQ, 0xffffffff, 0 },
};

/* Every family but AF_ALG (38) and AF_VSOCK (40): kernel crypto and the hypervisor's door. */
static const struct oci_seccomp_arg families[] = {
	{ 0, OCI_SECCOMP_LT, 38, 0 }, { 0, OCI_SECCOMP_EQ, 39, 0 }, { 0, OCI_SECCOMP_GT, 40, 0 },
};

static const struct oci_seccomp_arg no_namespaces = {
	0, OCI_SECCOMP_MASKED_EQ, NAMESPACE_FLAGS, 0,
};

static const char **one_name(struct arena *a, const char *name)
{
	const char **list = arena_array(a, 2, sizeof(*list));

	list[0] = name;
	return list;
}

static void add_rule(struct oci_seccomp *s, const char **names, enum oci_seccomp_action action,
		     uint32_t errno_ret, const struct oci_seccomp_arg *arg)
{
	struct oci_seccomp_rule *rule = &s->rules[s->rule_count++];

	rule->names = names;
	rule->action = action;
	rule->errno_ret = errno_ret;
	rule->args = arg;
	rule->arg_count = arg ? 1 : 0;
}

uint64_t seccomp_default_caps(void)
{
	uint64_t caps = 0;

	for (size_t i = 0; i < WITH_CAP; i++)
		caps |= 1ull << with_cap[i].cap;
	return caps;
}

static void add_for_caps(struct oci_seccomp *s, struct arena *a, uint64_t caps)
{
	const char **open = arena_array(a, WITH_CAP + 1, sizeof(*open));
	const char **closed = arena_array(a, WITH_CAP + 1, sizeof(*closed));
	size_t open_count = 0, closed_count = 0;

	for (size_t i = 0; i < WITH_CAP; i++)
		if (caps & 1ull << with_cap[i].cap)
			open[open_count++] = with_cap[i].name;
		else
			closed[closed_count++] = with_cap[i].name;
	if (open_count)
		add_rule(s, open, OCI_SECCOMP_ALLOW, 0, NULL);
	/* As the default says: named so that they count as known, unknown ones give ENOSYS. */
	if (closed_count)
		add_rule(s, closed, OCI_SECCOMP_ERRNO, EPERM, NULL);
	if (caps & 1ull << CAP_SYS_ADMIN)
		return;
	add_rule(s, one_name(a, "clone"), OCI_SECCOMP_ALLOW, 0, &no_namespaces);
	/* Its flags lie in memory, where a filter cannot look; C libraries fall back to clone. */
	add_rule(s, one_name(a, "clone3"), OCI_SECCOMP_ERRNO, ENOSYS, NULL);
}

struct oci_seccomp *seccomp_default_profile(struct arena *a, uint64_t caps)
{
	struct oci_seccomp *s = arena_alloc(a, sizeof(*s));
	const char **names = arena_array(a, ALLOWED + 1, sizeof(*names));

	s->default_action = OCI_SECCOMP_ERRNO;
	s->default_errno = EPERM;
	s->rules = arena_array(a, RULES_MAX, sizeof(*s->rules));
	for (size_t i = 0; i < ALLOWED; i++)
		names[i] = allowed[i];
	add_rule(s, names, OCI_SECCOMP_ALLOW, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(personalities); i++)
		add_rule(s, one_name(a, "personality"), OCI_SECCOMP_ALLOW, 0, &personalities[i]);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		add_rule(s, one_name(a, "socket"), OCI_SECCOMP_ALLOW, 0, &families[i]);
	add_for_caps(s, a, caps);
	return s;
}
