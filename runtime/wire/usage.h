/* usage.h - what a box uses of the machine now and has used since its start; one list, so that the
 * message BOX_USED, its reader and the numbers themselves cannot drift.
 *
 * As the kernel counts for its cgroup; what is not counted there (a controller may be off) is zero.
 * The network's part is in stats.h. */
#pragma once

#include <stdint.h>

/* clang-format off */
/*        name                 means */
#define USAGE_LIST(X) \
	X(cpu_us,               "microseconds of CPU time used")			\
	X(cpu_throttled_us,     "microseconds that it was kept waiting by its CPU limit")	\
	X(memory_bytes,         "bytes of memory in use, cached files among them")	\
	X(memory_working_bytes, "of these, without cached files that were not used lately")	\
	X(memory_limit_bytes,   "bytes of memory that it may use; 0 = no limit")	\
	X(oom_kills,            "processes killed for want of memory")		\
	X(tasks,                "processes and threads")
/* clang-format on */

struct usage {
#define USAGE_MEMBER(name, means) uint64_t name;
	USAGE_LIST(USAGE_MEMBER)
#undef USAGE_MEMBER
};

enum {
#define USAGE_COUNT(name, means) +1
	USAGE_FIELDS = 0 USAGE_LIST(USAGE_COUNT)
#undef USAGE_COUNT
};

_Static_assert(sizeof(struct usage) == USAGE_FIELDS * sizeof(uint64_t),
	       "the fields of BOX_USED are written and read as one array");
