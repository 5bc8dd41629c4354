/* cpu_list.h - a list of CPUs or memory nodes like "0-3,7" (cpuset(7) "List format") as bits. */
#pragma once

struct err;

enum { CPU_LIST_MAX = 1024, CPU_LIST_WORD_BITS = 8 * sizeof(unsigned long) };

struct cpu_list {
	unsigned long bits[CPU_LIST_MAX / CPU_LIST_WORD_BITS];
};

/* Numbers and ranges with commas between; nothing else, nothing twice needed, at least one. */
int cpu_list_parse(struct cpu_list *list, const char *text, struct err *e);
