/* command_update.c - box update ID: new limits for a container that runs, from a document like
 * linux.resources or from single options. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/cgroup_values.h"
#include "box/scope.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/option.h"
#include "cli/target.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "oci/spec.h"

struct update_options {
	const char *resources;
	const char *blkio_weight, *cpu_burst, *cpu_idle, *cpu_period, *cpu_quota, *cpu_rt_period,
		*cpu_rt_runtime, *cpu_share, *cpuset_cpus, *cpuset_mems, *kernel_memory,
		*kernel_memory_tcp, *memory, *memory_reservation, *memory_swap, *pids_limit,
		*l3_cache, *mem_bw;
};

#define AT(member) offsetof(struct update_options, member)
#define TEXT(name, member, value, help) { name, 0, OPTION_TEXT, AT(member), value, help }

static const struct option options[] = {
	TEXT("blkio-weight", blkio_weight, "WEIGHT", "share of the disk, 10 to 1000"),
	TEXT("cpu-burst", cpu_burst, "US", "saved up processor time that may be used at once"),
	TEXT("cpu-idle", cpu_idle, "0|1", "1: only when nothing else wants the processor"),
	TEXT("cpu-period", cpu_period, "US", "period of --cpu-quota"),
	TEXT("cpu-quota", cpu_quota, "US", "processor time in a period, -1: no limit"),
	TEXT("cpu-rt-period", cpu_rt_period, "US", NULL),
	TEXT("cpu-rt-runtime", cpu_rt_runtime, "US", NULL),
	TEXT("cpu-share", cpu_share, "SHARES", "share of the processor, 1024 is normal"),
	TEXT("cpuset-cpus", cpuset_cpus, "LIST", "the processors: 0-3,7"),
	TEXT("cpuset-mems", cpuset_mems, "LIST", "the memory nodes"),
	TEXT("kernel-memory", kernel_memory, "BYTES", NULL),
	TEXT("kernel-memory-tcp", kernel_memory_tcp, "BYTES", NULL),
	TEXT("l3-cache-schema", l3_cache, "SCHEMA", NULL),
	TEXT("mem-bw-schema", mem_bw, "SCHEMA", NULL),
	TEXT("memory", memory, "BYTES", "limit of memory: 512m; -1: no limit"),
	TEXT("memory-reservation", memory_reservation, "BYTES",
	     "memory that is left to it longest"),
	TEXT("memory-swap", memory_swap, "BYTES", "limit of memory and swap together"),
	TEXT("pids-limit", pids_limit, "COUNT", "limit of processes, -1: none"),
	{ "resources", 'r', OPTION_TEXT, AT(resources), "FILE",
	  "a JSON document like linux.resources; -: standard input" },
	{ 0 },
};

static int bad(const char *option, const char *text, struct err *e)
{
	return err_set(e, "box update: --%s: \"%.64s\" is no value that it can have", option, text);
}

static int take_bytes(const char *option, const char *text, int64_t *value, struct err *e)
{
	uint64_t bytes;

	if (!text)
		return 0;
	if (str_equal(text, "-1")) {
		*value = -1;
		return 0;
	}
	if (!str_to_bytes(text, &bytes) || bytes > INT64_MAX)
		return bad(option, text, e);
	*value = (int64_t)bytes;
	return 0;
}

static int take_number(const char *option, const char *text, int64_t min, int64_t max,
		       int64_t *value, struct err *e)
{
	int64_t number;

	if (!text)
		return 0;
	if (!str_to_i64(text, &number) || number < min || number > max)
		return bad(option, text, e);
	*value = number;
	return 0;
}

static int take_cpu(const struct update_options *o, struct oci_resources *r, struct err *e)
{
	int64_t period = 0, burst = 0, shares = 0;

	if (take_number("cpu-quota", o->cpu_quota, -1, INT64_MAX, &r->cpu_quota_us, e) ||
	    take_number("cpu-period", o->cpu_period, 0, INT64_MAX, &period, e) ||
	    take_number("cpu-burst", o->cpu_burst, 0, INT64_MAX, &burst, e) ||
	    take_number("cpu-share", o->cpu_share, 0, 262144, &shares, e) ||
	    take_number("cpu-idle", o->cpu_idle, 0, 1, &r->cpu_idle, e))
		return -1;
	if (o->cpu_rt_period || o->cpu_rt_runtime)
		return err_set(e, "box update: --cpu-rt-period and --cpu-rt-runtime: cgroup v2 has "
				  "no limits for realtime");
	r->cpu_period_us = (uint64_t)period;
	r->cpu_burst_us = (uint64_t)burst;
	r->cpu_shares = (uint64_t)shares;
	r->has_cpu_idle = o->cpu_idle != NULL;
	r->cpu_cpus = o->cpuset_cpus;
	r->cpu_mems = o->cpuset_mems;
	return 0;
}

static int take_options(const struct update_options *o, struct oci_resources *r, struct err *e)
{
	int64_t weight = 0;

	if (take_cpu(o, r, e) ||
	    take_number("blkio-weight", o->blkio_weight, 10, 1000, &weight, e) ||
	    take_number("pids-limit", o->pids_limit, -1, INT64_MAX, &r->pids_limit, e) ||
	    take_bytes("memory", o->memory, &r->memory_limit_bytes, e) ||
	    take_bytes("memory-swap", o->memory_swap, &r->memory_swap_bytes, e) ||
	    take_bytes("memory-reservation", o->memory_reservation, &r->memory_reservation_bytes,
		       e))
		return -1;
	if (o->l3_cache || o->mem_bw)
		return err_set(e, "box update: Intel RDT is not built into our kernels");
	if (o->kernel_memory || o->kernel_memory_tcp)
		log_warn("--kernel-memory and --kernel-memory-tcp have no meaning in cgroup v2");
	r->has_pids_limit = o->pids_limit != NULL;
	r->io_weight = (unsigned)weight;
	/* Without a word about swap "no limit" means both, as in cgroup v1. */
	if (r->memory_limit_bytes == -1 && !o->memory_swap)
		r->memory_swap_bytes = -1;
	return 0;
}

static struct oci_resources *read_document(const char *path, struct arena *a, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD int fd = -1;
	size_t size_bytes;

	if (str_equal(path, "-")) {
		text = fd_read_all(STDIN_FILENO, OCI_SPEC_BYTES_MAX, &size_bytes, e);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err_sys(e, "open %s", path);
		else
			text = fd_read_all(fd, OCI_SPEC_BYTES_MAX, &size_bytes, e);
	}
	if (!text) {
		err_add(e, "box update: --resources");
		return NULL;
	}
	return oci_resources_parse(a, "--resources", text, size_bytes, e);
}

/* Members that share a file of cgroup v2: the half that is not given keeps its value. */
static int keep_other_halves(int cgroup_fd, struct oci_resources *r, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char *words[3];
	size_t size_bytes;
	uint64_t bytes;

	if (r->memory_swap_bytes != 0 && r->memory_limit_bytes == 0) {
		bytes = cgroup_memory_max(cgroup_fd);
		r->memory_limit_bytes = bytes == 0 ? -1 : (int64_t)bytes;
	}
	if ((r->cpu_quota_us == 0) == (r->cpu_period_us == 0))
		return 0;
	text = fs_read_at(cgroup_fd, "cpu.max", 256, &size_bytes, e);
	if (!text)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (str_split_words(text, words, 2) != 2)
		return err_set(e, "cpu.max holds no quota and period");
	if (r->cpu_period_us == 0 && !str_to_u64(words[1], &r->cpu_period_us))
		return err_set(e, "cpu.max: \"%.32s\" is no period", words[1]);
	if (r->cpu_quota_us == 0 && !str_to_i64(words[0], &r->cpu_quota_us))
		r->cpu_quota_us = -1;	/* "max" */
	return 0;
}

/* systemd writes its own values again when it likes, so it has to know them. */
static int tell_systemd(const struct target *t, const struct cgroup_values *values,
			struct arena *a, struct err *e)
{
	struct scope_record r;

	if (!t->facts.scope)
		return 0;
	scope_record_make(&r, t->facts.scope, t->facts.scope_user, t->dir.id, t->facts.created);
	return scope_update(&r, a, values, e);
}

static int apply(const struct target *t, struct oci_resources *r, struct arena *a,
		 struct err *e)
{
	struct cgroup_values values;
	AUTO_FD int fd = -1;

	if (t->status == TARGET_STOPPED)
		return err_set(e, "container not running: the limits of %s have nobody to hold",
			       t->dir.id);
	fd = target_cgroup_open(t, e);
	if (fd < 0)
		return -1;
	if (keep_other_halves(fd, r, e) || cgroup_values_make(&values, a, r, e) ||
	    cgroup_apply(fd, &values, e) || tell_systemd(t, &values, a, e))
		return err_add(e, "update container %s", t->dir.id);
	return 0;
}

static int run(const struct command_call *call, struct err *e)
{
	const struct update_options *o = call->options;
	struct oci_resources single = { 0 }, *r = &single;
	struct target t;
	int failed;

	if (o->resources)
		r = read_document(o->resources, call->arena, e);
	else if (take_options(o, r, e))
		return -1;
	if (!r || target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	failed = apply(&t, r, call->arena, e);
	target_close(&t);
	return failed;
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.summary = "changes the limits of a running container",
	.options = options,
	.options_bytes = sizeof(struct update_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
