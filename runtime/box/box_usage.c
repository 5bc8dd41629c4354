/* box_usage.c - BOX_USAGE: what a box uses, read from its cgroup. */
#include <stdint.h>
#include <string.h>

#include "box/box.h"
#include "box/cgroup.h"
#include "box/cgroup_stats.h"
#include "box/host.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "wire/usage.h"
#include "wire/wire.h"

enum { ARENA_BYTES_MAX = 1 << 20 };	/* the files of one cgroup */

static void sum_up(struct usage *u, const struct cgroup_stats *s)
{
	uint64_t idle_bytes = cgroup_counter(&s->memory, "inactive_file");

	*u = (struct usage){
		.cpu_us = cgroup_counter(&s->cpu, "usage_usec"),
		.cpu_throttled_us = cgroup_counter(&s->cpu, "throttled_usec"),
		.memory_bytes = s->ram.current_bytes,
		.memory_limit_bytes = s->ram.max_bytes == UINT64_MAX ? 0 : s->ram.max_bytes,
		.oom_kills = cgroup_counter(&s->memory_events, "oom_kill"),
		.tasks = s->pids,
	};
	if (u->memory_bytes > idle_bytes)
		u->memory_working_bytes = u->memory_bytes - idle_bytes;
}

static int read_usage(struct box *box, struct usage *u, struct err *e)
{
	int parent_fd = box->boxes->host->cgroup_fd;
	AUTO_FD int cgroup_fd = parent_fd < 0 ? -1 : cgroup_open(parent_fd, box->name, e);
	struct cgroup_stats s;
	struct arena *a;
	int failed;

	*u = (struct usage){ 0 };
	if (parent_fd < 0)
		return 0;
	if (cgroup_fd < 0)
		return -1;
	a = arena_create(ARENA_BYTES_MAX);
	failed = cgroup_stats_read(&s, cgroup_fd, a, e);
	if (!failed)
		sum_up(u, &s);
	arena_destroy(a);
	return failed;
}

int box_say_usage(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	uint64_t values[USAGE_FIELDS];
	struct usage usage;
	struct box *box;
	struct msg out;

	if (msg_end(m, e))
		return -1;
	msg_init(&out, WIRE_BOX_USED);
	msg_put_str(&out, name);
	box = box_find(b, name);
	if (box && !box->of && box->status == BOX_RUNNING) {
		if (read_usage(box, &usage, e))
			log_warn("box %s: what it uses: %s", name, e->text);
		memcpy(values, &usage, sizeof(values));
		for (size_t i = 0; i < USAGE_FIELDS; i++)
			msg_put_u64(&out, values[i]);
	}
	boxes_tell(b, &out);
	return 0;
}
