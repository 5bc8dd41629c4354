/* engine.c - see engine.h: containers by name, boxd's events, the end of a batch and of the
 * machine. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/batch.h"
#include "engine/boxd.h"
#include "engine/container.h"
#include "engine/container_network.h"
#include "engine/inspect.h"
#include "engine/leftover.h"
#include "engine/load.h"
#include "engine/netd.h"
#include "engine/recovery.h"
#include "engine/report.h"
#include "engine/routes.h"
#include "engine/service.h"
#include "engine/services.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/proc.h"
#include "lib/str.h"
#include "wire/stats.h"

enum {
	ARENA_BYTES_MAX = 64 << 20, /* a compose file of 256 KiB with a long variable in every word
				       stays below */
	GRACE_MOST_MS = 10000, /* a machine that stops waits no longer for anybody */
	STOP_PATIENCE_MS = GRACE_MOST_MS + 1000,
	ROUTES_MS_FIRST = 1000, ROUTES_MS_LAST = 64000,
	ROLL_AGAIN_MS = 500, /* until who has no health check has run long enough */
};

struct engine {
	struct loop *loop;
	const struct report *report;
	struct arena *arena;
	struct load load;
	struct container_env env;
	struct boxd *box;
	struct netd *net;
	struct container *containers;	/* load.wanted_count */
	struct services services;	/* each has some of them in a row */
	struct loop_timer roll;		/* see to the services, when the event is over */
	struct recovery recovery;
	struct leftover leftover;
	struct inspect *inspect;
	bool stopping;
	struct loop_timer stop_timer;
	struct loop_timer routes;	/* look again where the machine is */
	uint64_t routes_ms;		/* how long until then */
};

static struct container *find(struct engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (str_equal(engine->containers[i].doc.name, name))
			return &engine->containers[i];
	return NULL;
}

static struct container *find_check(struct engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (health_check_is_mine(&engine->containers[i].check, name))
			return &engine->containers[i];
	return NULL;
}

static void on_connected(void *ctx)
{
	struct engine *engine = ctx;
	struct err e;

	recovery_begin(&engine->recovery);
	if (boxd_list(engine->box, &e) < 0)
		log_warn("ask boxd for its list: %s", e.text);
}

static void on_lost(void *ctx)
{
	struct engine *engine = ctx;

	inspect_boxd_is_gone(engine->inspect);
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		container_forget_requests(&engine->containers[i]);
}

static void on_held(void *ctx, const char *name, int net_ns_fd)
{
	struct container *c = find(ctx, name);

	if (c)
		container_held(c, net_ns_fd);
}

static void on_network(void *ctx, const char *name, int net_ns_fd)
{
	struct engine *engine = ctx;
	struct container *c = find(engine, name);

	if (!c)
		return;
	container_network(c, net_ns_fd);
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (c == &engine->containers[i] ||
		    str_equal(engine->containers[i].plan.network_of, name))
			container_share_compare(&engine->containers[i]);
}

static void on_started(void *ctx, const char *name, uint64_t pid)
{
	struct container *c = find(ctx, name);

	(void)pid;
	if (c)
		container_started(c);
}

static void on_failed(void *ctx, const char *name, const char *sentence)
{
	struct container *c = find(ctx, name), *checked = find_check(ctx, name);

	if (c)
		container_failed(c, sentence);
	else if (checked)
		health_check_failed(&checked->check, sentence);
	else
		log_warn("box %s: %s", name, sentence);
}

static void on_done(void *ctx, const char *name)
{
	struct container *c = find(ctx, name);

	if (c)
		container_done(c);
}

static void on_exited(void *ctx, const char *name, uint64_t exit_status, uint64_t oom_kills,
		      const char *said)
{
	struct container *c = find(ctx, name), *checked = find_check(ctx, name);

	if (c)
		container_ended(c, exit_status, oom_kills, said);
	else if (checked)
		health_check_exited(&checked->check, exit_status, said);
}

static void on_oom(void *ctx, const char *name, uint64_t limit_bytes, uint64_t oom_kills)
{
	struct container *c = find(ctx, name);

	if (c)
		container_oom(c, limit_bytes, oom_kills);
}

static void on_state(void *ctx, const struct boxd_state *state)
{
	struct engine *engine = ctx;

	recovery_hear(&engine->recovery, state);
}

static void roll_all(struct engine *engine)
{
	loop_timer_off(&engine->roll);
	if (!engine->recovery.reconciled || engine->stopping)
		return;
	if (services_roll(&engine->services, engine->env.batch) && !engine->roll.loop)
		loop_timer_set(engine->loop, &engine->roll, ROLL_AGAIN_MS);
}

static void on_roll_time(struct loop_timer *timer)
{
	roll_all(owner_of(timer, struct engine, roll));
}

static void on_change(void *ctx)
{
	struct engine *engine = ctx;

	inspect_containers_changed(engine->inspect);
	loop_timer_set(engine->loop, &engine->roll, 0);
}

static bool has_peers(void *ctx, const struct container *c)
{
	const struct engine *engine = ctx;

	return service_has_peers(services_find(&engine->services, c->plan.service->name), c);
}

static void on_list_end(void *ctx)
{
	struct engine *engine = ctx;

	recovery_end(&engine->recovery);
	roll_all(engine);
}

static void stop_when_all_ended(struct engine *engine)
{
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (container_is_up(&engine->containers[i]))
			return;
	/* A connection that ends with answers unread loses what was asked last (unix(7)): ports
	 * would stay published. */
	if (netd_is_idle(engine->net))
		loop_stop(engine->loop);
}

/* With each connection everything is declared anew; what is there already, netd keeps. */
static void on_netd_listed(void *ctx)
{
	struct engine *engine = ctx;

	for (size_t i = 0; i < engine->load.wanted_count; i++)
		container_netd_is_there(&engine->containers[i]);
}

static void on_netd_connected(void *ctx)
{
	struct engine *engine = ctx;
	struct err e;

	engine->leftover = (struct leftover){ .net = engine->net,
					      .networks = &engine->load.networks,
					      .containers = engine->containers,
					      .count = engine->load.wanted_count };
	if (netd_list(engine->net, &e) < 0)
		log_warn("ask netd for its list: %s", e.text);
}

static void on_netd_counters(void *ctx, const char *network, const char *container,
			     const struct stats_told *told)
{
	struct engine *engine = ctx;
	struct container *c = find(engine, container);

	inspect_counters(engine->inspect, network, container, told);
	if (c && told)
		container_counted(c, network, told->gate.published_open);
}

static void on_netd_lost(void *ctx)
{
	struct engine *engine = ctx;

	inspect_netd_is_gone(engine->inspect);
	networks_forget(&engine->load.networks);
	if (engine->stopping)
		stop_when_all_ended(engine);
	for (size_t i = 0; i < engine->load.wanted_count; i++)
		container_netd_is_gone(&engine->containers[i]);
}

static void on_netd_network(void *ctx, const struct netd_network *n)
{
	struct engine *engine = ctx;

	if (!engine->env.batch)
		leftover_network(&engine->leftover, n);
}

static void on_netd_member(void *ctx, const struct netd_member *m)
{
	struct engine *engine = ctx;

	if (!engine->env.batch)
		leftover_member(&engine->leftover, m);
}

static void on_netd_port(void *ctx, const char *network, const char *key, uint64_t host_port)
{
	struct engine *engine = ctx;

	if (!engine->env.batch)
		leftover_port(&engine->leftover, network, key, host_port);
}

static void finish_batch(struct engine *engine, uint64_t status)
{
	report_exit(engine->report, status);
	proc_ask_poweroff();
}

static struct container *find_container(void *ctx, const char *name)
{
	return find(ctx, name);
}

static void on_start(void *ctx, struct container *c, bool began)
{
	struct engine *engine = ctx;

	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (str_equal(engine->containers[i].plan.network_of, c->doc.name))
			container_share(&engine->containers[i], began);
}

static void on_end(void *ctx, struct container *c)
{
	struct engine *engine = ctx;

	for (size_t i = 0; i < engine->load.wanted_count; i++)
		if (str_equal(engine->containers[i].plan.network_of, c->doc.name) &&
		    !container_comes_anew(c))
			container_share_never(&engine->containers[i]);
	if (engine->stopping)
		stop_when_all_ended(engine);
	else if (engine->env.batch)
		finish_batch(engine, c->doc.exit_status);
}

static void on_netd_idle(void *ctx)
{
	struct engine *engine = ctx;

	if (engine->stopping)
		stop_when_all_ended(engine);
}

static void on_stop_time(struct loop_timer *timer)
{
	struct engine *engine = owner_of(timer, struct engine, stop_timer);

	log_warn("some containers did not end in time");
	loop_stop(engine->loop);
}

static void on_used(void *ctx, const char *name, const struct usage *usage)
{
	struct engine *engine = ctx;

	inspect_usage(engine->inspect, name, usage);
}

/* The networks were chosen without waiting for a lease: who has one that the machine turns out to
 * be in hears of it. Asked for some times, more and more seldom, and then no more. */
static void on_routes_time(struct loop_timer *timer)
{
	struct engine *engine = owner_of(timer, struct engine, routes);
	const struct networks *all = &engine->load.networks;
	struct subnet machine[ROUTES_MAX];
	size_t count = load_routes(&engine->load, machine);
	char ours[SUBNET_TEXT_MAX], own[SUBNET_TEXT_MAX];

	for (size_t i = 0; i < all->count; i++)
		if (network_overlaps(&all->items[i], machine, count, ours, own))
			report_error(engine->report,
				     "network %s: its subnet %s overlaps %s, which the machine "
				     "itself is in by now: its containers do not reach that; give "
				     "the network another subnet under ipam: in the compose file",
				     all->items[i].doc.name, ours, own);
	engine->routes_ms *= 2;
	if (engine->routes_ms <= ROUTES_MS_LAST)
		loop_timer_set(engine->loop, &engine->routes, engine->routes_ms);
}

static const struct boxd_events boxd_events = {
	.connected = on_connected, .lost = on_lost,   .started = on_started,
	.held = on_held,	   .network = on_network,
	.failed = on_failed,	   .done = on_done,   .state = on_state,
	.list_end = on_list_end,   .exited = on_exited, .oom = on_oom,
	.used = on_used,
};

static const struct netd_events netd_events = {
	.connected = on_netd_connected,
	.lost = on_netd_lost,
	.network = on_netd_network,
	.member = on_netd_member,
	.port = on_netd_port,
	.listed = on_netd_listed,
	.counters = on_netd_counters,
	.idle = on_netd_idle,
};

struct engine *engine_create(struct loop *loop, const struct report *report,
			     const struct engine_files *files)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		abort();
	engine->loop = loop;
	engine->report = report;
	engine->arena = arena_create(ARENA_BYTES_MAX);
	engine->stop_timer.on_time = on_stop_time;
	engine->roll.on_time = on_roll_time;
	engine->routes.on_time = on_routes_time;
	engine->routes_ms = ROUTES_MS_FIRST;
	engine->box = boxd_create(loop, files->box_socket, &boxd_events, engine);
	engine->net = netd_create(loop, files->net_socket, &netd_events, engine);
	engine->load.files = *files;
	return engine;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	for (size_t i = 0; engine->containers && i < engine->load.wanted_count; i++)
		container_finish(&engine->containers[i]);
	loop_timer_off(&engine->stop_timer);
	inspect_destroy(engine->inspect);
	loop_timer_off(&engine->roll);
	loop_timer_off(&engine->routes);
	boxd_destroy(engine->box);
	netd_destroy(engine->net);
	load_finish(&engine->load);
	free(engine->containers);
	arena_destroy(engine->arena);
	free(engine);
}

static int init_containers(struct engine *engine, struct err *e)
{
	struct load *load = &engine->load;

	engine->containers = calloc(PLAN_SLOTS_MAX, sizeof(*engine->containers));
	if (!engine->containers)
		abort();
	engine->recovery = (struct recovery){ .load = load, .env = &engine->env,
					      .containers = engine->containers };
	services_init(&engine->services, load->wanted_count, engine->arena);
	for (size_t i = 0; i < load->wanted_count; i++) {
		const struct load_wanted *wanted = &load->wanted[i];
		struct container *c = &engine->containers[i];
		struct service *s =
			services_join(&engine->services, wanted->service, c, engine->arena);

		if (container_init(c, &engine->env, &wanted->plan, &wanted->doc,
				   &load->attachments[i], &s->ports, e) < 0)
			return -1;
		c->closed = wanted->place.closed;
	}
	return 0;
}

int engine_load(struct engine *engine, struct err *e)
{
	struct load *load = &engine->load;

	if (load_read(load, engine->arena, engine->report, e) < 0)
		return -1;
	engine->env = (struct container_env){
		.loop = engine->loop,
		.box = engine->box,
		.net = engine->net,
		.arena = engine->arena,
		.report = engine->report,
		.project = load->project,
		.url = load->config.url,
		.documents_fd = load->documents_fd,
		.batch = load->config.batch != NULL,
		.output_fd = load->config.batch ? load->files.output_fd : -1,
		.grace_most_ms = UINT64_MAX,
		.ctx = engine,
		.on_start = on_start,
		.on_end = on_end,
		.on_change = on_change,
		.has_peers = has_peers,
		.find = find_container,
	};
	return init_containers(engine, e);
}

void engine_refuse(struct engine *engine, const char *sentence)
{
	report_error(engine->report, "Cuvette starts no service: %s", sentence);
	if (engine->load.config.batch)
		finish_batch(engine, BATCH_STATUS_CANNOT_START);
}

static void serve_inspection(struct engine *engine)
{
	const struct inspect_setup setup = {
		.loop = engine->loop,
		.box = engine->box,
		.net = engine->net,
		.containers = engine->containers,
		.count = engine->load.wanted_count,
		.listen_fd = engine->load.files.inspect_fd,
	};
	struct err e;

	if (setup.listen_fd < 0)
		return;
	engine->inspect = inspect_create(&setup, &e);
	if (!engine->inspect)
		log_warn("enginectl is not served: %s", e.text);
}

static void connect_all(struct engine *engine)
{
	serve_inspection(engine);
	boxd_connect(engine->box);
	/* Without a network in the file too: one of before may be left. */
	if (engine->load.networks.count || !engine->env.batch)
		netd_connect(engine->net);
	if (engine->load.networks.count)
		loop_timer_set(engine->loop, &engine->routes, engine->routes_ms);
}

void engine_start(struct engine *engine)
{
	if (engine->load.off)
		report_say(engine->report,
			   "cuvette.lab=off on the kernel command line: no service is started");
	else
		connect_all(engine);
}

void engine_stop(struct engine *engine)
{
	engine->stopping = true;
	engine->env.grace_most_ms = GRACE_MOST_MS;
	for (size_t i = 0; engine->containers && i < engine->load.wanted_count; i++)
		container_stop(&engine->containers[i]);
	loop_timer_set(engine->loop, &engine->stop_timer, STOP_PATIENCE_MS);
	stop_when_all_ended(engine);
}
