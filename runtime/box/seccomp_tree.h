/* seccomp_tree.h - the part of a filter that decides by the system call's number alone.
 *
 * A profile names some hundred calls, but their numbers lie in a few dozen ranges that have the
 * same answer: a binary search over these is a quarter of what libseccomp makes of them, and what
 * the kernel translates for each container. Calls with conditions on their arguments are left to
 * the library's program, which comes behind.
 *
 * Pure. Source: seccomp(2), the kernel's networking/filter.rst for classic BPF. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sock_filter;

enum {
	SECCOMP_TREE_NUMBERS = 1024,	/* of Linux 6.18 the highest is 469 */
	/* Per range at most one that compares, one that answers, and what joins large trees. */
	SECCOMP_TREE_INSNS_MAX = 4 * (SECCOMP_TREE_NUMBERS + 1),
};

struct seccomp_answer {
	uint32_t action;	/* SECCOMP_RET_* */
	int by_library;		/* not zero: ask the program behind */
};

/* answers: of the numbers from 0, the last one also of all above. The number is in A already.
 * Returns how many instructions were written to out, which has SECCOMP_TREE_INSNS_MAX. */
size_t seccomp_tree_write(const struct seccomp_answer answers[SECCOMP_TREE_NUMBERS + 1],
			  struct sock_filter *out);
