/* verb_start.c - BOX_START: from the message over the plan to a forked stage, and what
 * it reports. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "box/box.h"
#include "box/cgroup.h"
#include "box/host.h"
#include "box/layers.h"
#include "box/names.h"
#include "box/plan.h"
#include "box/seccomp.h"
#include "box/seccomp_store.h"
#include "box/stage_report.h"
#include "box/stage_service.h"
#include "box/stage_stdio.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "oci/spec.h"

struct start {
	struct boxes *boxes;
	struct arena *arena;
	struct box_plan plan;
	struct box_volume volumes[BOX_VOLUMES_MAX];
	struct layers layers;
	struct box *box;
	struct oci_spec *spec;
	int spec_fd, container_fd, cgroup_fd;
	char *text;			/* of the specification */
	size_t text_bytes;
	struct box_stdio stdio;
	int seccomp_fd;			/* own profile: ours; else the cache's */
	bool own_seccomp;
	bool hold;
	const char *network_of;		/* a box whose network namespace is shared; "" = none */
	int network_fd;			/* that namespace */
	struct names_text names;
};

int box_read_stdio(struct msg *m, int *document_fd, struct box_stdio *io, struct err *e)
{
	uint64_t input = msg_get_u64(m), output = msg_get_u64(m), clients = msg_get_u64(m);

	if (input > BOX_INPUT_ONCE || clients > MONITOR_CLIENTS_MAX)
		return err_set(e, "a kind of input or a number of clients that there is not");
	io->input = (enum box_input)input;
	*document_fd = msg_take_fd(m);
	if (output)
		io->output_fd = msg_take_fd(m);
	for (; io->client_count < clients; io->client_count++) {
		io->clients[io->client_count].streams = (unsigned)msg_get_u64(m);
		io->clients[io->client_count].fd = msg_take_fd(m);
		if (io->clients[io->client_count].fd < 0)
			return err_set(e, "a client without its connection");
	}
	return 0;
}

void box_close_stdio(struct box_stdio *io)
{
	fd_close(&io->output_fd);
	for (size_t i = 0; i < io->client_count; i++)
		fd_close(&io->clients[i].fd);
}

static int read_message(struct start *st, struct msg *m, struct err *e)
{
	struct box_plan *plan = &st->plan;
	uint64_t count;

	plan->name = msg_get_str(m);
	plan->image = msg_get_str(m);
	count = msg_get_u64(m);
	if (count > BOX_VOLUMES_MAX)
		return err_set(e, "more than %d volumes", BOX_VOLUMES_MAX);
	for (uint64_t i = 0; i < count; i++) {
		st->volumes[i].name = msg_get_str(m);
		st->volumes[i].driver = msg_get_str(m);
		st->volumes[i].target = msg_get_str(m);
		st->volumes[i].read_only = msg_get_u64(m) != 0;
	}
	plan->policy = (struct box_policy){
		.always_nodev = true, .no_nested_userns = true, .service = true
	};
	plan->volumes = st->volumes;
	plan->volume_count = (size_t)count;
	plan->log_bytes = msg_get_u64(m);
	if (box_read_stdio(m, &st->spec_fd, &st->stdio, e))
		return -1;
	st->hold = msg_get_u64(m) != 0;
	st->network_of = msg_get_str(m);
	st->names.resolver = msg_get_str(m);
	st->names.hosts = msg_get_str(m);
	return msg_end(m, e);
}

static int read_spec(struct start *st, struct err *e)
{
	if (st->spec_fd < 0)
		return err_set(e, "the specification is missing");
	if (fd_require_sealed(st->spec_fd, e))
		return err_add(e, "specification");
	st->text = fd_read_all(st->spec_fd, OCI_SPEC_BYTES_MAX, &st->text_bytes, e);
	if (!st->text)
		return err_add(e, "specification");
	st->spec = oci_spec_parse(st->arena, "config.json", st->text, st->text_bytes, e);
	st->plan.spec = st->spec;
	return st->spec ? 0 : -1;
}

/* By a path of our own, never by one of the specification's. */
static int choose_network(struct start *st, struct err *e)
{
	struct oci_spec *spec = st->spec;
	struct box *other;

	st->names.hostname = spec->hostname;
	if (st->hold && !(spec->namespaces & 1u << OCI_NS_NETWORK))
		return err_set(e, "only a box with a network namespace of its own can be held");
	if (!st->network_of[0])
		return 0;
	if (spec->namespaces & 1u << OCI_NS_NETWORK || spec->namespace_paths[OCI_NS_NETWORK])
		return err_set(e, "it cannot have a network namespace and share box %s's",
			       st->network_of);
	other = box_find_running(st->boxes, st->network_of, e);
	if (other)
		st->network_fd = box_open_network(other, e);
	if (st->network_fd < 0)
		return err_add(e, "share the network of box %s", st->network_of);
	spec->namespace_paths[OCI_NS_NETWORK] =
		arena_format(st->arena, "/proc/self/fd/%d", st->network_fd);
	st->plan.shares_network = true;
	return 0;
}

/* Two containers with one id range could signal each other and read each other's files. */
static int check_ids_are_free(const struct start *st, struct err *e)
{
	uint32_t base = st->plan.spec->uid_maps.items[0].host_id;

	for (const struct box *box = st->boxes->first; box; box = box->next)
		if (box->run.id_base == base && box->status != BOX_EXITED &&
		    !str_equal(box->name, st->plan.name))
			return err_set(e, "its id range belongs to box %s", box->name);
	return 0;
}

/* The writable layer belongs to the image that it was made on; on another one it would show
 * nonsense. */
static int open_container(struct start *st, struct err *e)
{
	const struct box_host *host = st->boxes->host;
	const char *name = st->plan.name;
	size_t size_bytes;

	if (fs_make_dir_at(host->containers_fd, name, 0700, e))
		return -1;
	st->container_fd = fs_open_dir_at(host->containers_fd, name, e);
	if (st->container_fd < 0)
		return -1;
	AUTO_FREE char *digest =
		fs_read_at(st->container_fd, "image", DIGEST_BYTES, &size_bytes, NULL);

	if (digest && str_equal(digest, st->layers.digest))
		return 0;
	if (digest)
		log_warn("box %s: the image has changed, its writable layer starts empty", name);
	if (fs_remove_tree_at(st->container_fd, "upper", e) || /* usually there is none */
	    fs_remove_tree_at(st->container_fd, "work", e))
		return -1;
	return fs_write_atomic_at(st->container_fd, "image", st->layers.digest,
				  strlen(st->layers.digest), 0600, e);
}

static int open_cgroup(struct start *st, struct err *e)
{
	int parent_fd = st->boxes->host->cgroup_fd;
	bool is_new;

	if (!st->plan.spec->cgroups_path)
		return 0;
	if (parent_fd < 0)
		return err_set(e,
			       "limits need cgroup v2 at /sys/fs/cgroup, which this machine lacks");
	st->cgroup_fd = cgroup_create(parent_fd, st->plan.name, &st->plan.cgroup, &is_new, e);
	return st->cgroup_fd < 0 ? -1 : 0;
}

int box_open_seccomp(struct boxes *b, const struct oci_spec *spec, bool *own, struct err *e)
{
	*own = !spec->seccomp_default;
	return *own ? seccomp_store_open(-1, spec->seccomp, e)
		    : seccomp_cache_default(b->seccomp, spec->process.caps.bounding, e);
}

static int open_seccomp(struct start *st, struct err *e)
{
	st->seccomp_fd = box_open_seccomp(st->boxes, st->plan.spec, &st->own_seccomp, e);
	return st->seccomp_fd < 0 ? -1 : 0;
}

static void started(struct box *box, struct msg *m)
{
	struct err e;

	if (state_load_run(box->state_fd, &box->run, &e))
		log_err("box %s: %s", box->name, e.text);
	box->run.pid = (pid_t)msg_get_u64(m);
	box->pidfd = msg_take_fd(m);
	box->status = BOX_RUNNING;
	if (!box->of)
		box_watch_events(box);
	log_info("box=%s starting -> running (pid %d)", box->name, (int)box->run.pid);
	box_answer_started(box);
	if (box->pending_signal && box_signal(box, box->pending_signal, &e))
		box_answer_failed(box->boxes, box->name, e.text);
	else if (box->pending_signal)
		box_answer_done(box->boxes, box->name);
	box->pending_signal = 0;
	if (box->deleting && box_signal(box, SIGKILL, &e))
		log_warn("%s", e.text);
}

/* What was asked for in the meantime ends it. False: it is gone. */
static bool held(struct box *box, struct msg *m)
{
	bool signalled = box->pending_signal;

	box->pending_signal = 0;
	box->run.pid = (pid_t)msg_get_u64(m);
	box_answer_held(box, m->fd_count ? m->fds[0] : -1);
	if (signalled)
		box_answer_done(box->boxes, box->name);
	if (!signalled && !box->deleting)
		return true;
	box_call_off(box);
	return false;
}

bool box_finish_start(struct box *box)
{
	struct err e;
	struct msg m;
	int got = msg_receive(box->report.fd, &m, &e);
	bool ok = got > 0 && m.type == STAGE_REPORT_STARTED;

	if (got > 0 && m.type == STAGE_REPORT_HELD) {
		ok = held(box, &m);
		msg_finish(&m);
		return ok;
	}
	box->held = false;
	loop_remove(&box->report);
	fd_close(&box->report.fd);
	if (ok)
		started(box, &m);
	else if (got > 0)
		err_set(&e, "%s",
			m.type == STAGE_REPORT_FAILED ? msg_get_str(&m)
						      : "the start gave no reason");
	else if (got == 0 || e.number == EAGAIN)
		err_set(&e, "the start was killed before it could say why");
	if (got > 0)
		msg_finish(&m);
	if (ok)
		return true;
	box_answer_failed(box->boxes, box->name, e.text);
	if (box->pending_signal)
		box_answer_failed(box->boxes, box->name, "it did not come up");
	box->pending_signal = 0;
	box_start_failed(box);
	return false;
}

static void on_report(struct loop_source *source, unsigned events)
{
	(void)events;
	box_finish_start(owner_of(source, struct box, report));
}

int box_await_start(struct box *box, int monitor_fd, struct err *e)
{
	box->report.on_event = on_report;
	/* The fd first: it is closed with the box. */
	return box_watch_monitor(box, monitor_fd, e) ||
			       loop_add(box->boxes->loop, &box->report, LOOP_READ, e)
		       ? -1
		       : 0;
}

static int launch(struct start *st, struct err *e)
{
	const struct stage_service stage = {
		.plan = &st->plan,
		.host = st->boxes->host,
		.layers = &st->layers,
		.state_fd = st->box->state_fd,
		.container_fd = st->container_fd,
		.cgroup_fd = st->cgroup_fd,
		.seccomp_fd = st->seccomp_fd,
		.stdio = &st->stdio,
		.names = &st->names,
		.hold = st->hold,
		.config = st->text,
		.config_bytes = st->text_bytes,
	};
	struct box *box = st->box;
	int monitor_fd = stage_service_start(&stage, &box->run.monitor_pid, &box->report.fd, e);

	return monitor_fd < 0 ? -1 : box_await_start(box, monitor_fd, e);
}

static int prepare(struct start *st, struct err *e)
{
	struct box *old = box_find(st->boxes, st->plan.name);

	if (!str_is_name(st->plan.name))
		return err_set(e, "\"%s\" is no name for a box", st->plan.name);
	if (old && (old->status != BOX_EXITED || old->deleting))
		return err_set(e, "a box of this name is there already");
	if (read_spec(st, e) || choose_network(st, e) ||
	    box_plan_make(&st->plan, st->arena, st->boxes->host->cpu_count, e) ||
	    box_plan_check_service(&st->plan, e) || check_ids_are_free(st, e) ||
	    layers_open(&st->layers, st->boxes->host, st->plan.image, e) || open_seccomp(st, e) ||
	    open_container(st, e))
		return -1;
	st->box = old ? old : box_add(st->boxes, NULL, st->plan.name, e);
	if (!st->box)
		return -1;
	box_begin(st->box, st->plan.spec->uid_maps.items[0].host_id, st->plan.image);
	return 0;
}

static void finish(struct start *st)
{
	layers_close(&st->layers);
	fd_close(&st->spec_fd);
	box_close_stdio(&st->stdio);
	fd_close(&st->container_fd);
	fd_close(&st->cgroup_fd);
	fd_close(&st->network_fd);
	if (st->own_seccomp)
		fd_close(&st->seccomp_fd);
	free(st->text);
	arena_destroy(st->arena);
}

int verb_start(struct boxes *b, struct msg *m, struct err *e)
{
	struct start st = { .boxes = b,
			    .spec_fd = -1,
			    .stdio.output_fd = -1,
			    .container_fd = -1,
			    .cgroup_fd = -1,
			    .network_fd = -1,
			    .seccomp_fd = -1 };

	st.arena = arena_create(OCI_SPEC_ARENA_BYTES);
	if (read_message(&st, m, e)) {
		finish(&st);
		return -1;
	}
	if (prepare(&st, e) || open_cgroup(&st, e) || launch(&st, e)) {
		box_answer_failed(b, st.plan.name, e->text);
		if (st.box)
			box_start_failed(st.box);
	}
	finish(&st);
	return 0;
}
