/* cgroup_stats.h - what a container uses, read from its cgroup's files, and as the JSON that
 * `events --stats` prints.
 *
 * The form is runc's (type Stats of its events), which callers of OCI runtimes parse. Units: bytes,
 * nanoseconds. What the kernel lacks or does not count here (a controller may be off) stays zero.
 *
 * The parsers are pure and take the bytes of one file. Source: the kernel's
 * admin-guide/cgroup-v2.rst "Interface Files" of each controller, accounting/psi.rst. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct json_writer;

struct cgroup_pressure_line {
	uint64_t avg10, avg60, avg300;		/* hundredths of a percent */
	uint64_t total_us;
};
struct cgroup_pressure {
	bool given;
	struct cgroup_pressure_line some, full;
};

struct cgroup_counter {				/* a line `name number` */
	const char *name;
	uint64_t value;
};
struct cgroup_counters {
	struct cgroup_counter *items;
	size_t count;
};

struct cgroup_io {				/* a line of io.stat */
	uint32_t major, minor;
	uint64_t read_bytes, write_bytes, discard_bytes, reads, writes, discards;
};
struct cgroup_ios {
	struct cgroup_io *items;
	size_t count;
};

struct cgroup_memory_use {
	uint64_t current_bytes, peak_bytes;
	uint64_t max_bytes;			/* UINT64_MAX = no limit */
};

struct cgroup_hugepages {
	const char *size;			/* "2MB" */
	uint64_t current_bytes, limit_hits;
};

struct cgroup_stats {
	struct cgroup_counters cpu, memory, memory_events;	/* cpu.stat, ... as they are */
	struct cgroup_memory_use ram, swap;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
	struct cgroup_ios io;
	struct cgroup_hugepages *hugepages;
	size_t hugepage_count;
	uint64_t pids, pids_max;		/* UINT64_MAX = no limit */
};

/* The strings live in the arena. */
int cgroup_stats_read(struct cgroup_stats *s, int cgroup_fd, struct arena *a, struct err *e);

/* One event as a document: {"type":"stats","id":ID,"data":{...}}, or without data when s is NULL
 * (type "oom"). */
void cgroup_stats_event(const struct cgroup_stats *s, const char *id, struct json_writer *w);

/* False: not the kernel's form. */
bool cgroup_counters_parse(struct cgroup_counters *c, struct arena *a, const char *text);
bool cgroup_pressure_parse(struct cgroup_pressure *p, const char *text);
bool cgroup_ios_parse(struct cgroup_ios *io, struct arena *a, const char *text);
uint64_t cgroup_counter(const struct cgroup_counters *c, const char *name);	/* 0 when missing */
