/* spec_linux_types.h - resources, devices and the smaller parts of config.json's `linux` object as
 * structs (runtime-spec 1.3, config-linux.md). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oci_device {			/* linux.devices: a node in the container's /dev */
	const char *path;		/* absolute, inside the container */
	char type;			/* 'c', 'b' or 'p'; 'u' of the document is 'c' */
	uint32_t major, minor;
	unsigned mode;			/* permission bits; 0666 when not given */
	uint32_t uid, gid;		/* inside the container */
};

enum { OCI_ACCESS_READ = 1, OCI_ACCESS_WRITE = 2, OCI_ACCESS_MKNOD = 4 };

struct oci_device_rule { /* linux.resources.devices, in order; the last match counts */
	bool allow;
	char type;			/* 'a' = all, 'b', 'c' */
	int64_t major, minor;		/* -1 = any */
	unsigned access;		/* OCI_ACCESS_*; all three when not given */
};

struct oci_io_weight {			/* blockIO.weightDevice */
	uint32_t major, minor;
	unsigned weight, leaf_weight;	/* 10 .. 1000, 0 = not given */
};

struct oci_io_rate {			/* blockIO.throttle*Device */
	uint32_t major, minor;
	uint64_t rate;			/* bytes or operations a second */
};

enum oci_throttle {
	OCI_THROTTLE_READ_BPS,
	OCI_THROTTLE_WRITE_BPS,
	OCI_THROTTLE_READ_IOPS,
	OCI_THROTTLE_WRITE_IOPS,
	OCI_THROTTLES
};

struct oci_hugepage_limit {
	const char *page_size;		/* "2MB": as in the names of hugetlb's files */
	uint64_t limit_bytes;
};

struct oci_rdma_limit {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct oci_pair;

/* Numbers with "given" beside them where 0 means something; else 0 = not given. Limits: -1 = none.
 */
struct oci_resources {
	int64_t memory_limit_bytes;
	int64_t memory_swap_bytes;		/* memory + swap, as the specification counts */
	int64_t memory_reservation_bytes;
	bool memory_check_before_update;	/* refuse a limit below what is in use */
	/* v1 alone, without a file in v2; kept so that they can be refused or passed over by name.
	 */
	bool memory_has_swappiness, memory_disable_oom_killer;
	uint64_t memory_swappiness;
	int64_t memory_kernel_bytes, memory_kernel_tcp_bytes;

	bool has_pids_limit;			/* 0 is "no more processes" since 1.3 */
	int64_t pids_limit;

	int64_t cpu_quota_us;
	uint64_t cpu_period_us;			/* 0 = 100000 */
	uint64_t cpu_burst_us;
	uint64_t cpu_shares;			/* 2 .. 262144, 1024 is normal */
	bool has_cpu_idle;
	int64_t cpu_idle;			/* 0 or 1 */
	int64_t cpu_realtime_runtime_us;	/* v1 alone */
	uint64_t cpu_realtime_period_us;
	const char *cpu_cpus;			/* "0-3,7" or NULL */
	const char *cpu_mems;

	unsigned io_weight, io_leaf_weight;	/* 10 .. 1000 */
	struct oci_io_weight *io_weights;
	size_t io_weight_count;
	struct oci_io_rate *io_rates[OCI_THROTTLES];
	size_t io_rate_counts[OCI_THROTTLES];

	struct oci_hugepage_limit *hugepages;
	size_t hugepage_count;
	struct oci_rdma_limit *rdma;
	size_t rdma_count;
	struct oci_device_rule *devices;
	size_t device_count;
	bool has_network;			/* net_cls, net_prio: v1 alone */
	struct oci_pair *unified;		/* file of cgroup v2 and its text, written last */
	size_t unified_count;
};

struct oci_time_offset {		/* linux.timeOffsets */
	bool given;
	int64_t seconds;
	uint32_t nanoseconds;
};

struct oci_net_device {			/* linux.netDevices: moved in by its name */
	const char *host_name, *name;	/* name NULL = keeps its own */
};

struct oci_memory_policy {		/* linux.memoryPolicy: set_mempolicy(2) */
	int mode;			/* MPOL_* */
	unsigned flags;			/* MPOL_F_* */
	const char *nodes;		/* "0-1" or NULL */
};
