/* test_device_filter.c - device rules as BPF programs, run by a small interpreter of what they use:
 * each case asks a program about devices and compares with what the rules mean. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "box/device_filter.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "oci/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { R = OCI_ACCESS_READ, W = OCI_ACCESS_WRITE, M = OCI_ACCESS_MKNOD, RULES_MAX = 6 };

static uint64_t operand(const struct bpf_insn *i, const uint64_t *r)
{
	return BPF_SRC(i->code) == BPF_X ? r[i->src_reg] : (uint64_t)(int64_t)i->imm;
}

/* As the kernel would; what it refuses (a way out of the program, a way back, another instruction)
 * fails the test. */
static uint64_t run(const struct device_filter *f, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t r[MAX_BPF_REG] = { 0 };

	for (size_t at = 0; at < f->count; at++) {
		const struct bpf_insn *i = &f->items[at];
		bool jump = false;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W: {
			uint32_t word;

			assert_int_equal(i->src_reg, BPF_REG_1);
			assert_in_range(i->off, 0, sizeof(*ctx) - sizeof(word));
			memcpy(&word, (const char *)ctx + i->off, sizeof(word));
			r[i->dst_reg] = word;
			break;
		}
		case BPF_ALU64 | BPF_MOV | BPF_K:
		case BPF_ALU64 | BPF_MOV | BPF_X: r[i->dst_reg] = operand(i, r); break;
		case BPF_ALU64 | BPF_AND | BPF_K: r[i->dst_reg] &= operand(i, r); break;
		case BPF_ALU64 | BPF_RSH | BPF_K: r[i->dst_reg] >>= operand(i, r); break;
		case BPF_JMP | BPF_JNE | BPF_K: jump = r[i->dst_reg] != operand(i, r); break;
		case BPF_JMP | BPF_JEQ | BPF_K: jump = r[i->dst_reg] == operand(i, r); break;
		case BPF_JMP | BPF_JSET | BPF_K: jump = r[i->dst_reg] & operand(i, r); break;
		case BPF_JMP | BPF_JA: jump = true; break;
		case BPF_JMP | BPF_EXIT: return r[BPF_REG_0];
		default: fail_msg("instruction %zu has the code %#x", at, i->code);
		}
		if (jump) {
			assert_true(i->off >= 0);
			at += (size_t)i->off;
		}
	}
	fail_msg("the program runs out of its end");
	return 0;
}

/* "c 1:3 rw" */
static bool asks(const struct device_filter *f, const char *question)
{
	struct bpf_cgroup_dev_ctx ctx = { 0 };
	char type, access[4] = "";
	uint32_t bits = 0;

	assert_int_equal(sscanf(question, "%c %u:%u %3s", &type, &ctx.major, &ctx.minor, access),
			 4);
	for (const char *c = access; *c; c++)
		bits |= *c == 'r'   ? BPF_DEVCG_ACC_READ
			: *c == 'w' ? BPF_DEVCG_ACC_WRITE
				    : BPF_DEVCG_ACC_MKNOD;
	ctx.access_type = bits << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	return run(f, &ctx) != 0;
}

/* Every instruction can be reached: the kernel refuses a program where one cannot. */
static void check_reach(const struct device_filter *f)
{
	bool *reached = calloc(f->count, 1);

	assert_non_null(reached);
	reached[0] = true;
	for (size_t i = 0; i < f->count; i++) {
		const struct bpf_insn *insn = &f->items[i];
		bool is_jump = BPF_CLASS(insn->code) == BPF_JMP;

		assert_true(reached[i]);
		if (is_jump && BPF_OP(insn->code) == BPF_EXIT)
			continue;
		assert_true(i + 1 < f->count);
		if (!is_jump || BPF_OP(insn->code) != BPF_JA)
			reached[i + 1] = true;
		if (!is_jump)
			continue;
		assert_true(i + 1 + (size_t)insn->off < f->count);
		reached[i + 1 + (size_t)insn->off] = true;
	}
	free(reached);
}

static const struct {
	struct oci_device_rule rules[RULES_MAX];
	size_t count;
	const char *yes[8], *no[8];
} cases[] = {
	{ .count = 0,
	  .yes = { "c 1:3 rw", "c 1:8 r", "c 5:0 rw", "c 5:2 rw", "c 136:9 rw", "c 9:9 m",
		   "b 8:0 m" },
	  .no = { "c 9:9 r", "b 8:0 r", "b 8:0 rm", "c 10:200 rw", "b 1:3 r", "c 1:1 r" } },
	{ .rules = { { false, 'a', -1, -1, R | W | M } },
	  .count = 1,
	  .yes = { "c 1:3 rwm", "b 7:7 m" },
	  .no = { "c 10:229 r", "b 8:0 r" } },
	{ .rules = { { false, 'a', -1, -1, R | W | M },
		     { true, 'c', 10, 229, R | W },
		     { true, 'b', 8, 0, R } },
	  .count = 3,
	  .yes = { "c 10:229 rw", "c 10:229 r", "c 10:229 rwm", "b 8:0 r", "b 8:0 rm" },
	  .no = { "b 8:0 w", "b 8:0 rw", "c 10:228 r", "b 10:229 r", "b 8:1 r" } },
	{ .rules = { { true, 'a', -1, -1, R | W | M } },
	  .count = 1,
	  .yes = { "b 8:0 rwm", "c 200:1 w" } },
	/* The last one that fits counts, for each right by itself. */
	{ .rules = { { true, 'a', -1, -1, R | W | M }, { false, 'b', 8, -1, W } },
	  .count = 2,
	  .yes = { "b 8:0 r", "b 9:0 w", "c 8:0 w" },
	  .no = { "b 8:0 w", "b 8:5 rw", "b 8:0 wm" } },
	{ .rules = { { false, 'b', 8, -1, W }, { true, 'a', -1, -1, R | W | M } },
	  .count = 2,
	  .yes = { "b 8:0 rw" } },
	{ .rules = { { true, 'c', 4, 64, R }, { true, 'c', 4, 64, W } },
	  .count = 2,
	  .yes = { "c 4:64 rw", "c 4:64 r", "c 4:64 w" },
	  .no = { "c 4:65 r" } },
	{ .rules = { { true, 'c', 4, -1, R | W | M },
		     { false, 'c', 4, 64, R },
		     { true, 'c', 4, 64, W } },
	  .count = 3,
	  .yes = { "c 4:65 rw", "c 4:64 w" },
	  .no = { "c 4:64 r", "c 4:64 rw" } },
	/* 'a' is of both kinds, also with numbers. */
	{ .rules = { { true, 'a', 8, -1, R } },
	  .count = 1,
	  .yes = { "b 8:1 r", "c 8:2 r" },
	  .no = { "b 9:1 r", "b 8:1 w" } },
	/* The nodes that every container has stay, whatever the rules say. */
	{ .rules = { { true, 'a', -1, -1, R | W | M }, { false, 'c', 1, 3, R | W | M } },
	  .count = 2,
	  .yes = { "c 1:3 rw" } },
	/* No device has these numbers, and nothing asks for no access. */
	{ .rules = { { true, 'c', INT64_MAX, 1, R },
		     { true, 'c', 1, 1ll << 32, R },
		     { true, 'c', 6, 6, 0 } },
	  .count = 3,
	  .yes = { "c 1:3 r" },
	  .no = { "c 1:0 r", "c 6:6 r" } },
	{ .rules = { { true, 'c', 0, 0, R } },
	  .count = 1,
	  .yes = { "c 0:0 r" },
	  .no = { "c 0:1 r", "c 1:0 r", "b 0:0 r" } },
};

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_create(1 << 20);
		struct device_filter f;
		struct err e;

		assert_int_equal(device_filter_make(&f, a, cases[i].rules, cases[i].count, &e), 0);
		check_reach(&f);
		for (size_t k = 0; k < COUNT(cases[i].yes) && cases[i].yes[k]; k++)
			if (!asks(&f, cases[i].yes[k]))
				fail_msg("case %zu refuses %s", i, cases[i].yes[k]);
		for (size_t k = 0; k < COUNT(cases[i].no) && cases[i].no[k]; k++)
			if (asks(&f, cases[i].no[k]))
				fail_msg("case %zu allows %s", i, cases[i].no[k]);
		arena_destroy(a);
	}
}

/* What the rules mean, said once more without a program. */
static bool model(const struct oci_device_rule *list, size_t count, char type, int major, int minor,
		  unsigned access)
{
	for (unsigned right = 1; right <= 4; right *= 2) {
		bool allowed = right == M; /* the last of the rules that are always there */

		for (size_t i = 0; i < count && !allowed; i++) {
			/* Walks from the back, so the first that fits is the last of the list. */
			const struct oci_device_rule *rule = &list[count - 1 - i];

			if ((rule->type != 'a' && rule->type != type) ||
			    (rule->major >= 0 && rule->major != major) ||
			    (rule->minor >= 0 && rule->minor != minor) || !(rule->access & right))
				continue;
			allowed = rule->allow;
			break;
		}
		if (access & right && !allowed)
			return false;
	}
	return true;
}

static void random_rules(void **state)
{
	uint32_t seed = 12345;
#define NEXT(n) ((seed = seed * 1664525 + 1013904223) >> 16) % (n)

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct arena *a = arena_create(1 << 20);
		struct oci_device_rule list[RULES_MAX];
		struct device_filter f;
		size_t count = NEXT(RULES_MAX + 1);
		struct err e;

		for (size_t i = 0; i < count; i++)
			list[i] = (struct oci_device_rule){
				.allow = NEXT(2), .type = "abc"[NEXT(3)],
				.major = (int64_t)NEXT(4) + 199, .minor = (int64_t)NEXT(3) - 1,
				.access = NEXT(8),
			};
		for (size_t i = 0; i < count; i++)
			if (list[i].major == 199)
				list[i].major = -1;
		assert_int_equal(device_filter_make(&f, a, list, count, &e), 0);
		check_reach(&f);
		for (int k = 0; k < 20; k++) {
			char type = "bc"[NEXT(2)], text[32];
			int major = (int)NEXT(4) + 200, minor = (int)NEXT(3);
			unsigned access = NEXT(7) + 1;

			snprintf(text, sizeof(text), "%c %d:%d %s%s%s", type, major, minor,
				 access & R ? "r" : "", access & W ? "w" : "",
				 access & M ? "m" : "");
			if (asks(&f, text) != model(list, count, type, major, minor, access))
				fail_msg("round %d: wrong about %s", round, text);
		}
		arena_destroy(a);
	}
}

static void needed(void **state)
{
	static const struct oci_device_rule all = { true, 'a', -1, -1, R | W | M },
					    none = { false, 'a', -1, -1, R | W | M },
					    reading = { true, 'a', -1, -1, R },
					    one_major = { true, 'a', 8, -1, R | W | M };

	(void)state;
	assert_false(device_filter_needed(NULL, 0));
	assert_false(device_filter_needed(&all, 1));
	assert_false(device_filter_needed((struct oci_device_rule[]){ none, all }, 2));
	assert_true(device_filter_needed(&none, 1));
	assert_true(device_filter_needed(&reading, 1));
	assert_true(device_filter_needed(&one_major, 1));
	assert_true(device_filter_needed((struct oci_device_rule[]){ all, none }, 2));
}

/* As many as there may be: each of the jumps still reaches the end. */
static void many_rules(void **state)
{
	enum { MANY = 4096 };
	struct oci_device_rule *many = calloc(MANY + 1, sizeof(*many));
	struct arena *a = arena_create(1 << 22);
	struct device_filter f;
	struct err e;

	(void)state;
	assert_non_null(many);
	for (int i = 0; i < MANY; i++)
		many[i] = (struct oci_device_rule){ true, 'c', 300 + i, 7, i % 2 ? R : R | W | M };
	assert_int_equal(device_filter_make(&f, a, many, MANY + 1, &e), -1);
	assert_int_equal(device_filter_make(&f, a, many, MANY, &e), 0);
	check_reach(&f);
	assert_true(asks(&f, "c 300:7 rw"));
	assert_true(asks(&f, "c 4395:7 r"));
	assert_false(asks(&f, "c 4395:7 w"));
	assert_false(asks(&f, "c 4396:7 r"));
	arena_destroy(a);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(random_rules),
		cmocka_unit_test(many_rules),
		cmocka_unit_test(needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
