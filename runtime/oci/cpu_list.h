/* cpu_list.h - "0-3,7" as a set of numbers: CPUs for sched_setaffinity(2), memory nodes for
 * set_mempolicy(2). cpuset(7) "List format" without its strides and words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum {
	CPU_LIST_MAX = 8192,		/* NR_CPUS of x86-64 at its largest */
	CPU_LIST_WORD = 8 * sizeof(unsigned long),
};

struct cpu_list {
	unsigned long bits[CPU_LIST_MAX / CPU_LIST_WORD];	/* as the system calls take it */
	unsigned end;			/* one behind the largest number: 1 .. CPU_LIST_MAX */
};

int cpu_list_parse(const char *text, struct cpu_list *list, struct err *e);
bool cpu_list_has(const struct cpu_list *list, unsigned number);

/* What of `bits` is in use, in whole words: the size for the system call. */
size_t cpu_list_bytes(const struct cpu_list *list);
