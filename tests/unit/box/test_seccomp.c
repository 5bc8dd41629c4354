/* test_seccomp.c - the compiled default profile against its own tables: a BPF interpreter answers
 * for every system call number and the arguments that matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "box/seccomp.h"
#include "box/seccomp_default.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "oci/spec_names.h"
#include "oci/spec_seccomp.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ALLOW SECCOMP_RET_ALLOW
#define FAIL(number) (SECCOMP_RET_ERRNO | (number))

enum { NUMBERS = 600 };

static struct sock_filter program[BPF_MAXINSNS];
static size_t length;

static void read_program(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size > 0 && (size_t)st.st_size <= sizeof(program));
	assert_int_equal(pread(fd, program, sizeof(program), 0), st.st_size);
	length = (size_t)st.st_size / sizeof(program[0]);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);			/* sealed */
	close(fd);
}

static void load(uint64_t caps)
{
	struct seccomp_cache *cache = seccomp_cache_create();
	struct err e;
	int fd = seccomp_cache_default(cache, caps, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	assert_int_equal(seccomp_cache_default(cache, caps, &e), fd);	/* kept */
	read_program(fd);
	free(cache);
}

/* The part of classic BPF that seccomp(2) allows and libseccomp emits. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < length; pc++) {
		const struct sock_filter *i = &program[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k <= sizeof(*data) - 4);
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_JMP | BPF_JA: pc += i->k; break;
		case BPF_JMP | BPF_JEQ | BPF_K: pc += a == i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JGT | BPF_K: pc += a > i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JGE | BPF_K: pc += a >= i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JSET | BPF_K: pc += a & i->k ? i->jt : i->jf; break;
		case BPF_ALU | BPF_AND | BPF_K: a &= i->k; break;
		case BPF_RET | BPF_K: return i->k;
		default: fail_msg("instruction %zu: unknown code 0x%x", pc, i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static uint32_t ask(uint32_t arch, long number, uint64_t argument)
{
	const struct seccomp_data data = {
		.nr = (int)number, .arch = arch, .args = { argument, 1, 2, 3, 4, 5 },
	};

	return run(&data);
}

static bool matches(const struct oci_seccomp_rule *rule, uint64_t argument)
{
	if (!rule->arg_count)
		return true;
	assert_int_equal(rule->args[0].index, 0);
	uint64_t value = rule->args[0].value;

	switch (rule->args[0].op) {
	case OCI_SECCOMP_LT: return argument < value;
	case OCI_SECCOMP_EQ: return argument == value;
	case OCI_SECCOMP_GT: return argument > value;
	case OCI_SECCOMP_MASKED_EQ: return (argument & value) == rule->args[0].value_two;
	default: fail_msg("an operator that the test does not know"); return false;
	}
}

/* What the tables say: the first rule that allows or refuses in its own way, else the default. */
static uint32_t model(const struct oci_seccomp *s, int number, int last, uint64_t argument)
{
	if (number > last)
		return FAIL(ENOSYS);
	for (size_t i = 0; i < s->rule_count; i++)
		for (size_t k = 0; s->rules[i].names[k]; k++) {
			if (seccomp_syscall_resolve_name(s->rules[i].names[k]) != number ||
			    !matches(&s->rules[i], argument))
				continue;
			if (s->rules[i].action == OCI_SECCOMP_ALLOW)
				return ALLOW;
			if (s->rules[i].errno_ret != s->default_errno)
				return FAIL(s->rules[i].errno_ret);
		}
	return FAIL(s->default_errno);
}

/* Its own profile: all but one call. The action that is 0 to the library is an action too. */
static void forbidden_list(void **state)
{
	static const char *names[] = { "mkdir", NULL };
	struct oci_seccomp_rule rule = { .names = names, .action = OCI_SECCOMP_KILL_THREAD };
	const struct oci_seccomp profile = {
		.default_action = OCI_SECCOMP_ALLOW, .rules = &rule, .rule_count = 1,
	};
	struct err e;
	int fd = seccomp_compile(&profile, &e);

	(void)state;
	if (fd < 0)
		fail_msg("%s", e.text);
	read_program(fd);
	assert_int_equal(ask(AUDIT_ARCH_X86_64, SYS_mkdir, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(ask(AUDIT_ARCH_X86_64, SYS_openat2, 0), ALLOW);
	assert_int_equal(ask(AUDIT_ARCH_X86_64, 0x40000000 | SYS_read, 0), FAIL(ENOSYS));
	assert_int_equal(ask(AUDIT_ARCH_I386, SYS_read, 0), FAIL(ENOSYS));
}

static void as_the_model(void **state)
{
	static const uint64_t arguments[] = {
		0,
		1,
		2,
		8,
		16,
		17,
		37,
		38,
		39,
		40,
		41,
		0x20000,
		0x20008,
		0x40000,
		0x01200011,
		0x003d0f00,
		0x02000000,
		0x04000000,
		0x08000000,
		0x10000000,
		0x20000000,
		0x40000000,
		0x80000000,
		0xffffffff,
		0x100000000ull,
		0x100000026ull,
		0x1000000000000000ull,
		UINT64_MAX,
	};
	const uint64_t sets[] = {
		oci_default_caps(),
		0,
		~0ull,
		1ull << CAP_SYS_ADMIN,
		1ull << CAP_BPF | 1ull << CAP_SYS_NICE,
	};

	(void)state;
	for (size_t c = 0; c < COUNT(sets); c++) {
		struct arena *a = arena_create(1 << 20);
		struct oci_seccomp *s = seccomp_default_profile(a, sets[c]);
		int last = 0;

		load(sets[c]);
		for (size_t i = 0; i < s->rule_count; i++)
			for (size_t k = 0; s->rules[i].names[k]; k++) {
				int number = seccomp_syscall_resolve_name(s->rules[i].names[k]);

				if (number == __NR_SCMP_ERROR)
					fail_msg("%s is no system call", s->rules[i].names[k]);
				last = number > last ? number : last;
			}
		for (int number = 0; number < NUMBERS; number++)
			for (size_t k = 0; k < COUNT(arguments); k++)
				if (ask(AUDIT_ARCH_X86_64, number, arguments[k]) !=
				    model(s, number, last, arguments[k]))
					fail_msg("set %zu: call %d, argument 0x%llx: %x, not %x", c,
						 number, (unsigned long long)arguments[k],
						 ask(AUDIT_ARCH_X86_64, number, arguments[k]),
						 model(s, number, last, arguments[k]));
		arena_destroy(a);
	}
}

/* Facts of Docker's profile, apart from the tables. */
static void known_answers(void **state)
{
	static const struct {
		long number;
		uint64_t argument;
		uint32_t answer;
	} cases[] = {
		{ SYS_read, 0, ALLOW },
		{ SYS_execve, 0, ALLOW },
		{ SYS_ptrace, 0, ALLOW },
		{ SYS_chroot, 0, ALLOW },
		{ SYS_mount, 0, FAIL(EPERM) },
		{ SYS_umount2, 0, FAIL(EPERM) },
		{ SYS_unshare, 0, FAIL(EPERM) },
		{ SYS_setns, 0, FAIL(EPERM) },
		{ SYS_bpf, 0, FAIL(EPERM) },
		{ SYS_io_uring_setup, 0, FAIL(EPERM) },
		{ SYS_userfaultfd, 0, FAIL(EPERM) },
		{ SYS_keyctl, 0, FAIL(EPERM) },
		{ SYS_add_key, 0, FAIL(EPERM) },
		{ SYS_kexec_load, 0, FAIL(EPERM) },
		{ SYS_init_module, 0, FAIL(EPERM) },
		{ SYS_clone, 0x01200011, ALLOW },
		{ SYS_clone, 0x10000000, FAIL(EPERM) },
		{ SYS_clone, 0x00020000, FAIL(EPERM) },
		{ SYS_clone3, 0, FAIL(ENOSYS) },
		{ SYS_socket, 2, ALLOW },
		{ SYS_socket, 38, FAIL(EPERM) },
		{ SYS_socket, 39, ALLOW },
		{ SYS_socket, 40, FAIL(EPERM) },
		{ SYS_socket, 41, ALLOW },
		{ SYS_personality, 0, ALLOW },
		{ SYS_personality, 0xffffffff, ALLOW },
		{ SYS_personality, 0x40000, FAIL(EPERM) },
		{ 500, 0, FAIL(ENOSYS) },
		{ 0x40000000 | SYS_getpid, 0, FAIL(ENOSYS) },
		{ -1, 0, FAIL(ENOSYS) },
	};

	(void)state;
	load(oci_default_caps());
	for (size_t i = 0; i < COUNT(cases); i++)
		if (ask(AUDIT_ARCH_X86_64, cases[i].number, cases[i].argument) != cases[i].answer)
			fail_msg("call %ld, argument 0x%llx: %x", cases[i].number,
				 (unsigned long long)cases[i].argument,
				 ask(AUDIT_ARCH_X86_64, cases[i].number, cases[i].argument));
	assert_int_equal(ask(AUDIT_ARCH_I386, 3, 0), FAIL(ENOSYS));
	assert_int_equal(ask(AUDIT_ARCH_AARCH64, 63, 0), FAIL(ENOSYS));
	assert_true(length < 1500);
}

static void own_profile(void **state)
{
	static const char *read_name[] = { "read", NULL },
			  *newer[] = { "no_such_call", "write", NULL };
	struct oci_seccomp_rule rules[] = {
		{ .names = read_name, .action = OCI_SECCOMP_KILL_PROCESS },
		{ .names = newer, .action = OCI_SECCOMP_ERRNO, .errno_ret = 7 },
	};
	const struct oci_seccomp profile = {
		.default_action = OCI_SECCOMP_ALLOW, .rules = rules, .rule_count = COUNT(rules),
	};
	struct err e;
	int fd = seccomp_compile(&profile, &e);

	(void)state;
	if (fd < 0)
		fail_msg("%s", e.text);
	length = (size_t)pread(fd, program, sizeof(program), 0) / sizeof(program[0]);
	assert_int_equal(ask(AUDIT_ARCH_X86_64, SYS_read, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ask(AUDIT_ARCH_X86_64, SYS_write, 0), FAIL(7));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_list),
		cmocka_unit_test(as_the_model),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(own_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
