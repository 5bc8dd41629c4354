/* spec_names.c - see spec_names.h */
#include "oci/spec_names.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "oci/spec.h"

static const char *const cap_names[] = {
	/* by number, linux/capability.h */
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};
_Static_assert(sizeof(cap_names) / sizeof(cap_names[0]) == OCI_CAPS, "one name per capability");
_Static_assert(CAP_CHECKPOINT_RESTORE == OCI_CAPS - 1, "the table is in the kernel's order");

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },		{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },		{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK },
};
enum { RLIMIT_NAMES = sizeof(rlimit_names) / sizeof(rlimit_names[0]) };
_Static_assert((int)RLIMIT_NAMES == (int)OCI_RLIMITS, "one name per limit");

static const char *const namespace_names[] = {
	[OCI_NS_USER] = "user",	      [OCI_NS_PID] = "pid", [OCI_NS_MOUNT] = "mount",
	[OCI_NS_UTS] = "uts",	      [OCI_NS_IPC] = "ipc", [OCI_NS_CGROUP] = "cgroup",
	[OCI_NS_NETWORK] = "network",   [OCI_NS_TIME] = "time",
};
_Static_assert(sizeof(namespace_names) / sizeof(namespace_names[0]) == OCI_NAMESPACES,
	       "one name each");

static bool find(const char *const *names, unsigned count, const char *name, unsigned *number)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0) {
			*number = i;
			return true;
		}
	return false;
}

#define CAP(name) (1ull << CAP_##name)

uint64_t oci_default_caps(void)
{
	return CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) |
	       CAP(NET_RAW) | CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) |
	       CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE);
}

bool oci_cap_number(const char *name, unsigned *number)
{
	return find(cap_names, OCI_CAPS, name, number);
}

const char *oci_cap_name(unsigned number)
{
	return number < OCI_CAPS ? cap_names[number] : NULL;
}

bool oci_rlimit_number(const char *name, int *resource)
{
	for (unsigned i = 0; i < RLIMIT_NAMES; i++)
		if (strcmp(rlimit_names[i].name, name) == 0) {
			*resource = rlimit_names[i].resource;
			return true;
		}
	return false;
}

const char *oci_rlimit_name(int resource)
{
	for (unsigned i = 0; i < RLIMIT_NAMES; i++)
		if (rlimit_names[i].resource == resource)
			return rlimit_names[i].name;
	return NULL;
}

bool oci_namespace_number(const char *name, unsigned *number)
{
	return find(namespace_names, OCI_NAMESPACES, name, number);
}

const char *oci_namespace_name(unsigned number)
{
	return number < OCI_NAMESPACES ? namespace_names[number] : NULL;
}
