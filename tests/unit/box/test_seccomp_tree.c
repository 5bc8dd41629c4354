/* test_seccomp_tree.c - every number gets the answer that the table has for it: in small tables,
 * and in such as take many trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cmocka.h>

#include "box/seccomp_tree.h"

enum { BEHIND = 1 };	/* what the program behind would say; no action has that value */

static struct sock_filter program[SECCOMP_TREE_INSNS_MAX];
static struct seccomp_answer answers[SECCOMP_TREE_NUMBERS + 1];
static size_t size;

static uint32_t run(uint32_t number)
{
	for (size_t pc = 0; pc < size; pc++) {
		const struct sock_filter *i = &program[pc];

		if (i->code == (BPF_JMP | BPF_JGE | BPF_K))
			pc += number >= i->k ? i->jt : i->jf;
		else if (i->code == (BPF_JMP | BPF_JA))
			pc += i->k;
		else if (i->code == (BPF_RET | BPF_K))
			return i->k;
		else
			fail_msg("instruction %zu has code %#x", pc, i->code);
	}
	return BEHIND;
}

static void check_all(size_t most)
{
	size = seccomp_tree_write(answers, program);
	assert_true(size <= most);
	for (uint32_t n = 0; n <= 2 * SECCOMP_TREE_NUMBERS; n++) {
		const struct seccomp_answer *a =
			&answers[n < SECCOMP_TREE_NUMBERS ? n : SECCOMP_TREE_NUMBERS];

		assert_int_equal(run(n), a->by_library ? BEHIND : (int)a->action);
	}
	assert_int_equal(run(UINT32_MAX), run(SECCOMP_TREE_NUMBERS));
}

static void fill(uint32_t (*action)(uint32_t number), uint32_t by_library_each)
{
	for (uint32_t n = 0; n <= SECCOMP_TREE_NUMBERS; n++)
		answers[n] = (struct seccomp_answer){
			.action = action(n),
			.by_library = by_library_each && n % by_library_each == 0,
		};
}

static uint32_t one(uint32_t number)
{
	(void)number;
	return SECCOMP_RET_ALLOW;
}
static uint32_t alternating(uint32_t number)
{
	return number % 2 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | 38;
}
static uint32_t all_different(uint32_t number)
{
	return SECCOMP_RET_ERRNO | number;
}
static uint32_t by_chance(uint32_t number)
{
	(void)number;
	return rand() % 3 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)(rand() % 40);
}

static void tables(void **state)
{
	(void)state;
	fill(one, 0);
	check_all(1);
	fill(one, 500);
	check_all(8);
	fill(alternating, 0);
	check_all(1100);
	fill(alternating, 7);
	check_all(1100);
	fill(all_different, 0);
	check_all(SECCOMP_TREE_INSNS_MAX);
	for (int i = 0; i < 50; i++) {
		fill(by_chance, (uint32_t)i);
		check_all(SECCOMP_TREE_INSNS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tables) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
