/* spec_names.c - see spec_names.h */
#include "oci/spec_names.h"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/array.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_seccomp.h"

static const char cap_names[][24] = {
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
_Static_assert(ARRAY_SIZE(cap_names) == OCI_CAPS, "one name per capability");
_Static_assert(CAP_CHECKPOINT_RESTORE == OCI_CAPS - 1, "the table is in the kernel's order");

static const struct {
	char name[20];
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
enum { RLIMIT_NAMES = ARRAY_SIZE(rlimit_names) };
_Static_assert((int)RLIMIT_NAMES == (int)OCI_RLIMITS, "one name per limit");

static const char *const namespace_names[] = {
	[OCI_NS_USER] = "user",	      [OCI_NS_PID] = "pid", [OCI_NS_MOUNT] = "mount",
	[OCI_NS_UTS] = "uts",	      [OCI_NS_IPC] = "ipc", [OCI_NS_CGROUP] = "cgroup",
	[OCI_NS_NETWORK] = "network",   [OCI_NS_TIME] = "time",
};
_Static_assert(ARRAY_SIZE(namespace_names) == OCI_NAMESPACES, "one name each");

static const char *const hook_names[] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};
_Static_assert(ARRAY_SIZE(hook_names) == OCI_HOOKS, "one name each");

/* Besides the specification's four: the recursive forms that Docker and others write. */
const struct spec_word spec_propagations[] = {
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ "", 0 },
};

const struct spec_word spec_domains[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ "", 0 },
};

/* set_mempolicy(2); the numbers are the kernel's, since older headers lack the last two. */
const struct spec_word spec_memory_modes[] = {
	{ "MPOL_DEFAULT", 0 },
	{ "MPOL_PREFERRED", 1 },
	{ "MPOL_BIND", 2 },
	{ "MPOL_INTERLEAVE", 3 },
	{ "MPOL_LOCAL", 4 },
	{ "MPOL_PREFERRED_MANY", 5 },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 },
	{ "", 0 },
};
_Static_assert(MPOL_LOCAL == 4, "the table has the kernel's numbers");

const struct spec_word spec_memory_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", 1 << 13 },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	{ "", 0 },
};

const struct spec_word spec_seccomp_actions[] = {
	{ "SCMP_ACT_ALLOW", OCI_SECCOMP_ALLOW },
	{ "SCMP_ACT_ERRNO", OCI_SECCOMP_ERRNO },
	{ "SCMP_ACT_KILL_PROCESS", OCI_SECCOMP_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", OCI_SECCOMP_KILL_THREAD },
	{ "SCMP_ACT_KILL", OCI_SECCOMP_KILL_THREAD },	/* its old name: seccomp_init(3) */
	{ "SCMP_ACT_LOG", OCI_SECCOMP_LOG },
	{ "SCMP_ACT_NOTIFY", OCI_SECCOMP_NOTIFY },
	{ "SCMP_ACT_TRACE", OCI_SECCOMP_TRACE },
	{ "SCMP_ACT_TRAP", OCI_SECCOMP_TRAP },
	{ "", 0 },
};

const struct spec_word spec_seccomp_ops[] = {
	{ "SCMP_CMP_NE", OCI_SECCOMP_NE },
	{ "SCMP_CMP_LT", OCI_SECCOMP_LT },
	{ "SCMP_CMP_LE", OCI_SECCOMP_LE },
	{ "SCMP_CMP_EQ", OCI_SECCOMP_EQ },
	{ "SCMP_CMP_GE", OCI_SECCOMP_GE },
	{ "SCMP_CMP_GT", OCI_SECCOMP_GT },
	{ "SCMP_CMP_MASKED_EQ", OCI_SECCOMP_MASKED_EQ },
	{ "", 0 },
};

const struct spec_word spec_seccomp_flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5 },	/* linux 5.19 */
	{ "", 0 },
};

/* libseccomp's. Only the machine's own matters: the others' calls cannot be made here. */
const struct spec_word spec_seccomp_archs[] = {
	{ "SCMP_ARCH_AARCH64", 0 },	{ "SCMP_ARCH_ARM", 0 },
	{ "SCMP_ARCH_LOONGARCH64", 0 }, { "SCMP_ARCH_M68K", 0 },
	{ "SCMP_ARCH_MIPS", 0 },	{ "SCMP_ARCH_MIPS64", 0 },
	{ "SCMP_ARCH_MIPS64N32", 0 },	{ "SCMP_ARCH_MIPSEL", 0 },
	{ "SCMP_ARCH_MIPSEL64", 0 },	{ "SCMP_ARCH_MIPSEL64N32", 0 },
	{ "SCMP_ARCH_PARISC", 0 },	{ "SCMP_ARCH_PARISC64", 0 },
	{ "SCMP_ARCH_PPC", 0 },		{ "SCMP_ARCH_PPC64", 0 },
	{ "SCMP_ARCH_PPC64LE", 0 },	{ "SCMP_ARCH_RISCV64", 0 },
	{ "SCMP_ARCH_S390", 0 },	{ "SCMP_ARCH_S390X", 0 },
	{ "SCMP_ARCH_SH", 0 },		{ "SCMP_ARCH_SHEB", 0 },
	{ "SCMP_ARCH_X32", 0 },		{ "SCMP_ARCH_X86", 0 },
	{ "SCMP_ARCH_X86_64", 0 },	{ "", 0 },
};

const struct spec_word *spec_word_find(const struct spec_word *words, const char *name)
{
	for (; words->name[0]; words++)
		if (strcmp(words->name, name) == 0)
			return words;
	return NULL;
}

const char *spec_word_name(const struct spec_word *words, int64_t value)
{
	for (; words->name[0]; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

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
	/* All begin alike, and most end otherwise behind that. */
	if (!str_starts(name, "CAP_"))
		return false;
	for (unsigned i = 0; i < OCI_CAPS; i++)
		if (cap_names[i][4] == name[4] && strcmp(cap_names[i], name) == 0) {
			*number = i;
			return true;
		}
	return false;
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

const char *oci_hook_name(unsigned kind)
{
	return kind < OCI_HOOKS ? hook_names[kind] : NULL;
}
