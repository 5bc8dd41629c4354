/* seccomp.c - see seccomp.h */
#include "box/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/seccomp_default.h"
#include "box/seccomp_store.h"
#include "box/seccomp_tree.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec_seccomp.h"

enum {
	NUMBER_MAX = 0x3fffffff, /* above are the x32 numbers */
	PROLOGUE = 6,	  /* instructions of ours in front */
	PROFILES_MAX = 8, /* capability sets in use at a time; a further one replaces the oldest */
	ARENA_BYTES_MAX = 1 << 20,
};

static uint32_t action_of(enum oci_seccomp_action action, uint32_t errno_ret)
{
	switch (action) {
	case OCI_SECCOMP_ALLOW:
		return SCMP_ACT_ALLOW;
	case OCI_SECCOMP_ERRNO:
		return SCMP_ACT_ERRNO(errno_ret);
	case OCI_SECCOMP_KILL_PROCESS:
		return SCMP_ACT_KILL_PROCESS;
	case OCI_SECCOMP_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	case OCI_SECCOMP_LOG:
		return SCMP_ACT_LOG;
	case OCI_SECCOMP_NOTIFY:
		return SCMP_ACT_NOTIFY;
	case OCI_SECCOMP_TRACE:
		return SCMP_ACT_TRACE(errno_ret);
	case OCI_SECCOMP_TRAP:
		return SCMP_ACT_TRAP;
	case OCI_SECCOMP_ACTIONS:
		break;
	}
	return SCMP_ACT_KILL_PROCESS;
}

static enum scmp_compare op_of(enum oci_seccomp_op op)
{
	static const enum scmp_compare ops[] = {
		[OCI_SECCOMP_NE] = SCMP_CMP_NE,
		[OCI_SECCOMP_LT] = SCMP_CMP_LT,
		[OCI_SECCOMP_LE] = SCMP_CMP_LE,
		[OCI_SECCOMP_EQ] = SCMP_CMP_EQ,
		[OCI_SECCOMP_GE] = SCMP_CMP_GE,
		[OCI_SECCOMP_GT] = SCMP_CMP_GT,
		[OCI_SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	_Static_assert(ARRAY_SIZE(ops) == OCI_SECCOMP_OPS, "one per operator");

	return ops[op];
}

/* Several conditions on one argument are alternatives for the other runtimes, and more than the
 * library takes in one rule. */
static bool has_alternatives(const struct oci_seccomp_rule *rule)
{
	for (size_t i = 0; i < rule->arg_count; i++)
		for (size_t j = 0; j < i; j++)
			if (rule->args[i].index == rule->args[j].index)
				return true;
	return false;
}

static int add_call(scmp_filter_ctx filter, uint32_t action, int number, const char *name,
		    const struct oci_seccomp_rule *rule, struct err *e)
{
	unsigned each = has_alternatives(rule) ? 1 : (unsigned)rule->arg_count, at = 0;
	struct scmp_arg_cmp args[6];

	for (size_t i = 0; i < rule->arg_count; i++) {
		args[i].arg = rule->args[i].index;
		args[i].op = op_of(rule->args[i].op);
		args[i].datum_a = rule->args[i].value;
		args[i].datum_b = rule->args[i].value_two;
	}
	do {
		int failed = seccomp_rule_add_array(filter, action, number, each, args + at);

		if (failed && failed != -EEXIST) {
			errno = -failed;
			return err_sys(e, "seccomp: rule for %s", name);
		}
		at += each;
	} while (at < rule->arg_count);
	return 0;
}

/* What is being compiled: the answers by number alone, and the library's part, which has those that
 * depend on arguments or have more than one rule. */
struct compiling {
	scmp_filter_ctx filter;
	const struct oci_seccomp *profile;
	uint32_t fallback;
	int last;		/* the highest number that the profile names */
	struct seccomp_answer answers[SECCOMP_TREE_NUMBERS + 1];
	bool named[SECCOMP_TREE_NUMBERS + 1];
};

/* Negative: not of this architecture, or newer than the library: falls to the default. */
static int place_of(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	return number < SECCOMP_TREE_NUMBERS ? number : SECCOMP_TREE_NUMBERS;
}

static int take_rule(struct compiling *c, const struct oci_seccomp_rule *rule, struct err *e)
{
	if (rule->arg_count > 6)
		return err_set(e, "seccomp: a rule has more than 6 arguments");
	for (size_t i = 0; rule->names[i]; i++) {
		int number = seccomp_syscall_resolve_name(rule->names[i]);
		int place = place_of(rule->names[i]);

		if (number < 0)
			continue;
		if (number > c->last)
			c->last = number;
		if (rule->arg_count || c->named[place] || place == SECCOMP_TREE_NUMBERS)
			c->answers[place].by_library = 1;
		c->named[place] = true;
		c->answers[place].action = action_of(rule->action, rule->errno_ret);
	}
	return 0;
}

static int add_rule(struct compiling *c, const struct oci_seccomp_rule *rule, struct err *e)
{
	uint32_t action = action_of(rule->action, rule->errno_ret);

	for (size_t i = 0; rule->names[i] && action != c->fallback; i++) {
		int place = place_of(rule->names[i]);

		if (place >= 0 && c->answers[place].by_library &&
		    add_call(c->filter, action, seccomp_syscall_resolve_name(rule->names[i]),
			     rule->names[i], rule, e))
			return -1;
	}
	return 0;
}

/* In front of the library's program: another architecture, the x32 numbers, and calls newer than
 * the profile give ENOSYS. */
static int write_prologue(int fd, int last, struct err *e)
{
	const struct sock_filter prologue[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_JMP | BPF_JA, 0),	/* to the program */
	};
	_Static_assert(ARRAY_SIZE(prologue) == PROLOGUE, "the count is checked against the limit");

	return fd_write_all(fd, prologue, sizeof(prologue), e);
}

static int build(struct compiling *c, struct err *e)
{
	const struct oci_seccomp *profile = c->profile;

	/* A tree over the numbers instead of a chain: a tenth of the steps for a call at
	 * its end. */
	if (seccomp_attr_set(c->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		return err_set(e, "seccomp: the library cannot optimise");
	for (size_t i = 0; i <= SECCOMP_TREE_NUMBERS; i++)
		c->answers[i].action = c->fallback;
	for (size_t i = 0; i < profile->rule_count; i++)
		if (take_rule(c, &profile->rules[i], e))
			return -1;
	for (size_t i = 0; i < profile->rule_count; i++)
		if (add_rule(c, &profile->rules[i], e))
			return -1;
	return 0;
}

static int write_program(struct compiling *c, int fd, struct err *e)
{
	struct sock_filter *tree = calloc(SECCOMP_TREE_INSNS_MAX, sizeof(*tree));
	size_t size;
	int failed;

	if (!tree)
		abort();
	size = seccomp_tree_write(c->answers, tree);
	/* A profile that names no call knows none that is too new. */
	failed = write_prologue(fd, c->last < 0 ? NUMBER_MAX : c->last, e) ||
		 fd_write_all(fd, tree, size * sizeof(*tree), e);
	free(tree);
	if (failed)
		return -1;
	errno = -seccomp_export_bpf(c->filter, fd);
	return errno ? err_sys(e, "seccomp: export") : 0;
}

int seccomp_compile(const struct oci_seccomp *profile, struct err *e)
{
	AUTO_FD int fd = memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	AUTO_FREE struct compiling *c = calloc(1, sizeof(*c));
	/* A list of what is forbidden knows of the future that it shall work. */
	bool open_end = profile->default_action == OCI_SECCOMP_ALLOW ||
			profile->default_action == OCI_SECCOMP_LOG;
	int failed;

	if (!c)
		abort();
	c->fallback = action_of(profile->default_action, profile->default_errno);
	c->filter = seccomp_init(c->fallback);
	c->profile = profile;
	c->last = open_end ? NUMBER_MAX : -1;
	if (fd < 0 || !c->filter) {
		seccomp_release(c->filter);
		return err_sys(e, "seccomp: out of memory");
	}
	failed = build(c, e) || write_program(c, fd, e);
	seccomp_release(c->filter);
	if (failed)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(e, "seccomp: seal");
	return take_fd(&fd);
}

#define TEXT(x)	      #x
#define NUMBER_TEXT(x) TEXT(x)

const char *seccomp_generation(void)
{
	/* The first number is ours: a new one for every change of this file that changes
	 * programs. */
	return "3 libseccomp " NUMBER_TEXT(SCMP_VER_MAJOR) "." NUMBER_TEXT(
		SCMP_VER_MINOR) "." NUMBER_TEXT(SCMP_VER_MICRO);
}

bool seccomp_notifies(const struct oci_seccomp *profile)
{
	if (profile->default_action == OCI_SECCOMP_NOTIFY)
		return true;
	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	return false;
}

int seccomp_install(int program_fd, unsigned flags, struct err *e)
{
	struct stat st;

	if (fstat(program_fd, &st) < 0)
		return err_sys(e, "seccomp: stat");
	if (st.st_size <= 0 || (size_t)st.st_size > BPF_MAXINSNS * sizeof(struct sock_filter))
		return err_set(e, "seccomp: the profile has more than %d instructions",
			       BPF_MAXINSNS);
	void *program = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, program_fd, 0);

	if (program == MAP_FAILED)
		return err_sys(e, "seccomp: map");
	struct sock_fprog prog = {
		.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter)),
		.filter = program,
	};

	/* The mapping ends with exec; after this call munmap itself is the profile's to allow. */
	int got = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	return got < 0 ? err_sys(e, "seccomp: load") : got;
}

struct seccomp_cache {
	struct {
		uint64_t caps;
		int fd;			/* 0 = free */
	} items[PROFILES_MAX];
	unsigned next;
};

struct seccomp_cache *seccomp_cache_create(void)
{
	struct seccomp_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		abort();
	return cache;
}

int seccomp_cache_default(struct seccomp_cache *cache, uint64_t caps, struct err *e)
{
	caps &= seccomp_default_caps();
	for (unsigned i = 0; i < PROFILES_MAX; i++)
		if (cache->items[i].fd && cache->items[i].caps == caps)
			return cache->items[i].fd;
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	int fd = seccomp_store_open(-1, seccomp_default_profile(a, caps), e);

	arena_destroy(a);
	if (fd < 0)
		return -1;
	unsigned slot = cache->next++ % PROFILES_MAX;

	if (cache->items[slot].fd)
		close(cache->items[slot].fd);
	cache->items[slot].caps = caps;
	cache->items[slot].fd = fd;
	return fd;
}
