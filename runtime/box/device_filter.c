/* device_filter.c - see device_filter.h */
#include "box/device_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/device_store.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec.h"

enum {
	RULES_MAX = 4096,		/* with RULE_INSNS_MAX each, every jump reaches the end */
	RULE_INSNS_MAX = 5,		/* three comparisons and what follows from them */
	FRAME_INSNS = 10,		/* before and after the rules */
	ATTACHED_MAX = 64,		/* BPF_CGROUP_MAX_PROGS */
	ACCESS_ALL = OCI_ACCESS_READ | OCI_ACCESS_WRITE | OCI_ACCESS_MKNOD,
	TO_YES = -1,			/* until the end is known: jumps lead forward alone */
	TO_NO = -2,
};

/* What every container may open, behind all rules: the nodes that it always has, and making nodes
 * (they open nothing by themselves). */
static const struct oci_device_rule always[] = {
	{ true, 'a', -1, -1, OCI_ACCESS_MKNOD },
	{ true, 'c', 1, 3, ACCESS_ALL },	/* null */
	{ true, 'c', 1, 5, ACCESS_ALL },	/* zero */
	{ true, 'c', 1, 7, ACCESS_ALL },	/* full */
	{ true, 'c', 1, 8, ACCESS_ALL },	/* random */
	{ true, 'c', 1, 9, ACCESS_ALL },	/* urandom */
	{ true, 'c', 5, 0, ACCESS_ALL },	/* tty */
	{ true, 'c', 5, 1, ACCESS_ALL },	/* console */
	{ true, 'c', 5, 2, ACCESS_ALL },	/* ptmx */
	{ true, 'c', 136, -1, ACCESS_ALL },	/* pts */
};

/* Registers while the program runs: R1 the context, R2 the type, R3 the access rights that no rule
 * has decided yet, R4 major, R5 minor; R0 the answer. */
static void put(struct device_filter *f, uint8_t code, uint8_t dst, uint8_t src, int16_t offset,
		int32_t imm)
{
	f->items[f->count++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = offset, .imm = imm,
	};
}

static void put_start(struct device_filter *f)
{
	const int16_t type_offset = offsetof(struct bpf_cgroup_dev_ctx, access_type);
	const uint8_t load = BPF_LDX | BPF_MEM | BPF_W;

	put(f, load, BPF_REG_2, BPF_REG_1, type_offset, 0);
	put(f, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	put(f, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	put(f, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	put(f, load, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	put(f, load, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static int32_t access_bits(unsigned access)
{
	return (access & OCI_ACCESS_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & OCI_ACCESS_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & OCI_ACCESS_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

static bool is_for_all(const struct oci_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       (rule->access & ACCESS_ALL) == ACCESS_ALL;
}

bool device_filter_needed(const struct oci_device_rule *rules, size_t count)
{
	return count && !(rules[count - 1].allow && is_for_all(&rules[count - 1]));
}

/* No device has other numbers, no access asks for nothing. */
static bool is_possible(const struct oci_device_rule *rule)
{
	return rule->major <= INT32_MAX && rule->minor <= INT32_MAX && rule->access & ACCESS_ALL;
}

static bool is_exact(const struct oci_device_rule *rule)
{
	return rule->minor >= 0 && (rule->access & ACCESS_ALL) == ACCESS_ALL;
}

static void put_type_and_major(struct device_filter *f, const struct oci_device_rule *rule)
{
	if (rule->type != 'a')
		put(f, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0,
		    rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		put(f, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int32_t)rule->major);
}

/* Another device: on to the next rule, over what is left of this one. */
static void put_other(struct device_filter *f, size_t first, size_t compares)
{
	for (size_t i = first; i < compares; i++)
		f->items[i].off = (int16_t)(f->count - i - 1);
}

/* Exact rules of one type and major that follow each other, from the last on: the kernel's
 * verifier walks both ways of every comparison, so they share those two. Returns how many. */
static size_t put_family(struct device_filter *f, const struct oci_device_rule *last, size_t count)
{
	size_t first = f->count, compares, n = 0;
	const struct oci_device_rule *rule = last;

	put_type_and_major(f, last);
	compares = f->count;
	for (; n < count && is_exact(rule) && is_possible(rule) && rule->type == last->type &&
	       rule->major == last->major;
	     n++, rule--)
		put(f, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_5, 0, rule->allow ? TO_YES : TO_NO,
		    (int32_t)rule->minor);
	put_other(f, first, compares);
	return n;
}

static void put_rule(struct device_filter *f, const struct oci_device_rule *rule)
{
	size_t first = f->count, compares;

	put_type_and_major(f, rule);
	if (rule->minor >= 0)
		put(f, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int32_t)rule->minor);
	compares = f->count;
	if ((rule->access & ACCESS_ALL) == ACCESS_ALL) {
		put(f, BPF_JMP | BPF_JA, 0, 0, rule->allow ? TO_YES : TO_NO, 0);
	} else if (rule->allow) {
		/* These rights are granted; when none is left, all are. */
		put(f, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, ~access_bits(rule->access));
		put(f, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_3, 0, TO_YES, 0);
	} else {
		put(f, BPF_JMP | BPF_JSET | BPF_K, BPF_REG_3, 0, TO_NO, access_bits(rule->access));
	}
	put_other(f, first, compares);
}

static void put_answer(struct device_filter *f, bool allow)
{
	const int16_t mark = allow ? TO_YES : TO_NO;

	for (size_t i = 0; i < f->count; i++)
		if (BPF_CLASS(f->items[i].code) == BPF_JMP && f->items[i].off == mark)
			f->items[i].off = (int16_t)(f->count - i - 1);
	put(f, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	put(f, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The kernel refuses a program with a part that is never reached: the answer that nothing jumps to
 * is left out. */
static void put_end(struct device_filter *f, bool allow)
{
	bool other = false;

	put_answer(f, allow);
	for (size_t i = 0; i < f->count; i++)
		other = other || f->items[i].off < 0;
	if (other)
		put_answer(f, !allow);
}

/* Returns whether a rule has answered for everything. */
static bool put_rules(struct device_filter *f, const struct oci_device_rule *rules, size_t count)
{
	for (size_t i = count; i > 0;) {
		const struct oci_device_rule *rule = &rules[i - 1];

		if (is_for_all(rule)) {
			put_end(f, rule->allow);
			return true;
		}
		if (is_possible(rule) && is_exact(rule)) {
			i -= put_family(f, rule, i);
			continue;
		}
		if (is_possible(rule))
			put_rule(f, rule);
		i--;
	}
	return false;
}

/* From the last rule to the first, so that the first one that fits decides. */
int device_filter_make(struct device_filter *f, struct arena *a,
		       const struct oci_device_rule *rules, size_t count, struct err *e)
{
	const size_t always_count = ARRAY_SIZE(always), all = count + always_count;

	if (count > RULES_MAX)
		return err_set(e, ".linux.resources.devices: more than %d rules", RULES_MAX);
	f->count = 0;
	f->items = arena_array(a, all * RULE_INSNS_MAX + FRAME_INSNS, sizeof(*f->items));
	put_start(f);
	if (!put_rules(f, always, always_count) && !put_rules(f, rules, count))
		put_end(f, false);
	return 0;
}

static int call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The machine's own namespace maps everything onto itself (user_namespaces(7)). */
static bool in_user_namespace(void)
{
	AUTO_FD int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	unsigned inside, outside, size;
	char text[128];
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[length < 0 ? 0 : length] = '\0';
	return sscanf(text, "%u %u %u", &inside, &outside, &size) == 3 &&
	       !(inside == 0 && outside == 0 && size == UINT32_MAX);
}

/* 0: the rules hold without a program, see the header. */
static int failure(const char *what, struct err *e)
{
	if (errno == ENOSYS || (errno == EPERM && in_user_namespace()))
		return 0;
	return err_sys(e, "device rules: %s a BPF program", what);
}

static int load(const struct device_filter *f)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)f->items;
	attr.insn_cnt = (uint32_t)f->count;
	attr.license = (uintptr_t)"";
	return call(BPF_PROG_LOAD, &attr);
}

/* For a cgroup that has no program yet: to one that has it the same could not be attached again. */
static int load_once(const struct device_filter *f)
{
	int fd = device_store_open(f);

	if (fd >= 0)
		return fd;
	fd = load(f);
	if (fd >= 0)
		device_store_keep(f, fd);
	return fd;
}

static int open_program(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return call(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* How many programs the cgroup itself has, and their ids. */
static int list_attached(int cgroup_fd, uint32_t ids[ATTACHED_MAX])
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = ATTACHED_MAX;
	return call(BPF_PROG_QUERY, &attr) < 0 ? -1 : (int)attr.query.prog_cnt;
}

static int change(int command, int cgroup_fd, int program_fd, int old_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)program_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (command == BPF_PROG_ATTACH)
		attr.attach_flags = BPF_F_ALLOW_MULTI | (old_fd >= 0 ? BPF_F_REPLACE : 0);
	attr.replace_bpf_fd = old_fd >= 0 ? (uint32_t)old_fd : 0;
	return call(command, &attr);
}

int device_filter_attach(const struct device_filter *f, int cgroup_fd, bool is_new, struct err *e)
{
	uint32_t ids[ATTACHED_MAX] = { 0 };
	AUTO_FD int old_fd = -1, program_fd = -1;
	int count = 0;

	if (is_new)
		program_fd = load_once(f);
	/* A kernel that does not take the program tells here why. EINVAL: BPF without CGROUP_BPF.
	 */
	if (program_fd < 0)
		count = list_attached(cgroup_fd, ids);
	if (count < 0)
		return errno == EINVAL ? 0 : failure("look for", e);
	if (program_fd < 0)
		program_fd = load(f);
	if (program_fd < 0)
		return failure("load", e);
	if (count == 1)
		old_fd = open_program(ids[0]);
	/* In one step, so that no moment is without rules. */
	if (change(BPF_PROG_ATTACH, cgroup_fd, program_fd, old_fd) < 0)
		return failure("attach", e);
	/* All of several programs must say yes: the old ones would go on saying no. */
	for (int i = 0; count > 1 && i < count; i++) {
		fd_close(&old_fd);
		old_fd = open_program(ids[i]);
		if (old_fd < 0 || change(BPF_PROG_DETACH, cgroup_fd, old_fd, -1) < 0)
			return failure("take away", e);
	}
	return 1;
}
