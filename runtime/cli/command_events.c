/* command_events.c - box events ID: what the container uses, every now and then, and that the
 * kernel killed for want of memory; until it ends. Lines of JSON in runc's form. */
#include <stdint.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/cgroup_stats.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/option.h"
#include "cli/target.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/loop.h"

enum {
	INTERVAL_MS = 5000,
	EVENT_BYTES_MAX = 4 << 20,	/* io.stat of a machine with thousands of disks */
};

struct events_options {
	const char *interval;
	bool stats;
};

static const struct option options[] = {
	{ "interval", 0, OPTION_TEXT, offsetof(struct events_options, interval), "TIME",
	  "time between two lines: 500ms, 5s (default), 1m" },
	{ "stats", 0, OPTION_FLAG, offsetof(struct events_options, stats), NULL,
	  "one line, then end" },
	{ 0 },
};

struct events {
	const struct target *target;
	int cgroup_fd;
	uint64_t interval_ms, oom_kills;
	struct loop *loop;
	struct loop_source end, memory;	/* the first process; memory.events */
	struct loop_timer timer;
	struct err e;
	bool failed;
};

static int put_event(const struct events *ev, bool is_oom, struct err *e)
{
	struct arena *a = arena_create(EVENT_BYTES_MAX);
	struct cgroup_stats stats;
	struct json_writer w;
	struct buf out;
	int failed = is_oom ? 0 : cgroup_stats_read(&stats, ev->cgroup_fd, a, e);

	buf_init(&out, EVENT_BYTES_MAX);
	json_writer_init(&w, &out);
	if (!failed) {
		cgroup_stats_event(is_oom ? NULL : &stats, ev->target->dir.id, &w);
		buf_add_str(&out, "\n");
		failed = command_answer(&out, e);
	}
	buf_finish(&out);
	arena_destroy(a);
	return failed;
}

static void stop(struct events *ev, int failed)
{
	ev->failed = failed != 0;
	loop_stop(ev->loop);
}

static void on_time(struct loop_timer *timer)
{
	struct events *ev = owner_of(timer, struct events, timer);

	if (put_event(ev, false, &ev->e))
		stop(ev, -1);
	else
		loop_timer_set(ev->loop, timer, ev->interval_ms);
}

static void on_memory(struct loop_source *source, unsigned happened)
{
	struct events *ev = owner_of(source, struct events, memory);
	uint64_t kills = cgroup_oom_kills(source->fd);

	(void)happened;
	if (kills > ev->oom_kills && put_event(ev, true, &ev->e))
		stop(ev, -1);
	ev->oom_kills = kills;
}

static void on_end(struct loop_source *source, unsigned happened)
{
	(void)happened;
	stop(owner_of(source, struct events, end), 0);
}

static int watch(struct events *ev, struct err *e)
{
	ev->loop = loop_create(e);
	if (!ev->loop)
		return -1;
	ev->end = (struct loop_source){ .fd = ev->target->pidfd, .on_event = on_end };
	ev->memory = (struct loop_source){ .fd = cgroup_open_events(ev->cgroup_fd),
					   .on_event = on_memory };
	if (ev->memory.fd >= 0)
		ev->oom_kills = cgroup_oom_kills(ev->memory.fd);
	ev->timer.on_time = on_time;
	loop_timer_set(ev->loop, &ev->timer, ev->interval_ms);
	if (loop_add(ev->loop, &ev->end, LOOP_READ, e) ||
	    (ev->memory.fd >= 0 && loop_add(ev->loop, &ev->memory, 0, e)) ||
	    loop_run(ev->loop, e))
		return -1;
	if (ev->failed && e)
		*e = ev->e;
	return ev->failed ? -1 : 0;
}

static int run(const struct command_call *call, struct err *e)
{
	const struct events_options *o = call->options;
	struct events ev = { .interval_ms = INTERVAL_MS };
	AUTO_FD int cgroup_fd = -1;
	struct target t;

	if (o->interval && duration_parse(o->interval, &ev.interval_ms, e))
		return err_add(e, "box events: --interval");
	if (target_open(&t, call, call->arguments[0], CONTAINER_LOCK_NONE, e))
		return -1;
	if (t.status == TARGET_STOPPED)
		return err_set(e, "container not running: %s uses nothing any more", t.dir.id);
	cgroup_fd = target_cgroup_open(&t, e);
	if (cgroup_fd < 0)
		return -1;
	ev.target = &t;
	ev.cgroup_fd = cgroup_fd;
	return o->stats ? put_event(&ev, false, e) : watch(&ev, e);
}

const struct command command_events = {
	.name = "events",
	.arguments = "ID",
	.summary = "shows what a container uses, as lines of JSON",
	.options = options,
	.options_bytes = sizeof(struct events_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
