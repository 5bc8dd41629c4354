/* cgroup_stats_write.c - the JSON of cgroup_stats.h, member by member as runc's events have them.
 */
#include "box/cgroup_stats.h"
#include "lib/array.h"
#include "lib/json.h"

static void put_number(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_put_u64(w, value);
}

static void put_average(struct json_writer *w, const char *key, uint64_t hundredths)
{
	json_key(w, key);
	json_put_hundredths(w, hundredths);
}

static void put_pressure_line(struct json_writer *w, const char *key,
			      const struct cgroup_pressure_line *line)
{
	json_key(w, key);
	json_begin_object(w);
	put_average(w, "avg10", line->avg10);
	put_average(w, "avg60", line->avg60);
	put_average(w, "avg300", line->avg300);
	put_number(w, "total", line->total_us);
	json_end_object(w);
}

static void put_pressure(struct json_writer *w, const struct cgroup_pressure *p)
{
	if (!p->given)
		return;
	json_key(w, "psi");
	json_begin_object(w);
	put_pressure_line(w, "some", &p->some);
	put_pressure_line(w, "full", &p->full);
	json_end_object(w);
}

static uint64_t cpu_ns(const struct cgroup_stats *s, const char *name_usec)
{
	return cgroup_counter(&s->cpu, name_usec) * 1000;
}

static void put_cpu(struct json_writer *w, const struct cgroup_stats *s)
{
	json_key(w, "cpu");
	json_begin_object(w);
	json_key(w, "usage");
	json_begin_object(w);
	put_number(w, "total", cpu_ns(s, "usage_usec"));
	put_number(w, "kernel", cpu_ns(s, "system_usec"));
	put_number(w, "user", cpu_ns(s, "user_usec"));
	json_end_object(w);
	json_key(w, "throttling");
	json_begin_object(w);
	put_number(w, "periods", cgroup_counter(&s->cpu, "nr_periods"));
	put_number(w, "throttledPeriods", cgroup_counter(&s->cpu, "nr_throttled"));
	put_number(w, "throttledTime", cpu_ns(s, "throttled_usec"));
	json_end_object(w);
	put_pressure(w, &s->cpu_pressure);
	json_end_object(w);
}

/* All of it is v1's; runc prints zeroes on v2. */
static void put_cpuset(struct json_writer *w)
{
	static const char *const names[] = {
		"cpu_exclusive",      "mem_hardwall",	    "mem_exclusive",
		"memory_migrate",     "memory_spread_page", "memory_spread_slab",
		"memory_pressure",    "sched_load_balance", "sched_relax_domain_level",
	};

	json_key(w, "cpuset");
	json_begin_object(w);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		put_number(w, names[i], 0);
	json_end_object(w);
}

static void put_memory_entry(struct json_writer *w, const char *key,
			     const struct cgroup_memory_use *use, uint64_t limit_hits)
{
	json_key(w, key);
	json_begin_object(w);
	put_number(w, "limit", use->max_bytes);
	put_number(w, "usage", use->current_bytes);
	put_number(w, "max", use->peak_bytes);
	put_number(w, "failcnt", limit_hits);
	json_end_object(w);
}

/* As v1 counted: memory and swap together. A sum of two peaks would be none of either. */
static struct cgroup_memory_use memory_and_swap(const struct cgroup_stats *s)
{
	struct cgroup_memory_use both = s->swap;

	both.current_bytes += s->ram.current_bytes;
	both.peak_bytes = 0;
	if (__builtin_add_overflow(both.max_bytes, s->ram.max_bytes, &both.max_bytes))
		both.max_bytes = UINT64_MAX;
	return both;
}

static void put_counters(struct json_writer *w, const char *key, const struct cgroup_counters *c)
{
	json_key(w, key);
	json_begin_object(w);
	for (size_t i = 0; i < c->count; i++)
		put_number(w, c->items[i].name, c->items[i].value);
	json_end_object(w);
}

static void put_memory(struct json_writer *w, const struct cgroup_stats *s)
{
	const struct cgroup_memory_use both = memory_and_swap(s),
				       kernel = { .current_bytes =
							  cgroup_counter(&s->memory, "kernel") },
				       sockets = { .current_bytes =
							   cgroup_counter(&s->memory, "sock") };

	json_key(w, "memory");
	json_begin_object(w);
	put_number(w, "cache", cgroup_counter(&s->memory, "file"));
	put_memory_entry(w, "usage", &s->ram, cgroup_counter(&s->memory_events, "max"));
	put_memory_entry(w, "swap", &both, 0);
	put_memory_entry(w, "kernel", &kernel, 0);
	put_memory_entry(w, "kernelTCP", &sockets, 0);
	put_counters(w, "raw", &s->memory);
	put_pressure(w, &s->memory_pressure);
	put_counters(w, "event_count", &s->memory_events);
	json_end_object(w);
}

/* 0 = no limit, in this place alone. */
static void put_pids(struct json_writer *w, const struct cgroup_stats *s)
{
	json_key(w, "pids");
	json_begin_object(w);
	put_number(w, "current", s->pids);
	put_number(w, "limit", s->pids_max == UINT64_MAX ? 0 : s->pids_max);
	json_end_object(w);
}

static void put_io(struct json_writer *w, const struct cgroup_io *io, const char *op,
		   uint64_t value)
{
	json_begin_object(w);
	put_number(w, "major", io->major);
	put_number(w, "minor", io->minor);
	json_key(w, "op");
	json_put_str(w, op);
	put_number(w, "value", value);
	json_end_object(w);
}

static void put_blkio(struct json_writer *w, const struct cgroup_stats *s)
{
	json_key(w, "blkio");
	json_begin_object(w);
	json_key(w, "ioServiceBytesRecursive");
	json_begin_array(w);
	for (size_t i = 0; i < s->io.count; i++) {
		put_io(w, &s->io.items[i], "Read", s->io.items[i].read_bytes);
		put_io(w, &s->io.items[i], "Write", s->io.items[i].write_bytes);
		put_io(w, &s->io.items[i], "Discard", s->io.items[i].discard_bytes);
	}
	json_end_array(w);
	json_key(w, "ioServicedRecursive");
	json_begin_array(w);
	for (size_t i = 0; i < s->io.count; i++) {
		put_io(w, &s->io.items[i], "Read", s->io.items[i].reads);
		put_io(w, &s->io.items[i], "Write", s->io.items[i].writes);
		put_io(w, &s->io.items[i], "Discard", s->io.items[i].discards);
	}
	json_end_array(w);
	put_pressure(w, &s->io_pressure);
	json_end_object(w);
}

static void put_hugetlb(struct json_writer *w, const struct cgroup_stats *s)
{
	json_key(w, "hugetlb");
	json_begin_object(w);
	for (size_t i = 0; i < s->hugepage_count; i++) {
		json_key(w, s->hugepages[i].size);
		json_begin_object(w);
		put_number(w, "usage", s->hugepages[i].current_bytes);
		put_number(w, "failcnt", s->hugepages[i].limit_hits);
		json_end_object(w);
	}
	json_end_object(w);
}

void cgroup_stats_event(const struct cgroup_stats *s, const char *id, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "type");
	json_put_str(w, s ? "stats" : "oom");
	json_key(w, "id");
	json_put_str(w, id);
	if (s) {
		json_key(w, "data");
		json_begin_object(w);
		put_cpu(w, s);
		put_cpuset(w);
		put_memory(w, s);
		put_pids(w, s);
		put_blkio(w, s);
		put_hugetlb(w, s);
		json_key(w, "intel_rdt");
		json_begin_object(w);
		json_end_object(w);
		json_key(w, "network_interfaces");
		json_put_str(w, NULL);
		json_end_object(w);
	}
	json_end_object(w);
}
