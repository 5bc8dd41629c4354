/* boxd.c - see boxd.h. */
#include "engine/boxd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose/compose.h"
#include "engine/link.h"
#include "engine/plan.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "wire/usage.h"
#include "wire/wire.h"

struct boxd {
	struct link link;
	const struct boxd_events *events;
	void *ctx;
};

static void on_connected(struct link *link)
{
	struct boxd *box = owner_of(link, struct boxd, link);

	box->events->connected(box->ctx);
}

static void on_lost(struct link *link)
{
	struct boxd *box = owner_of(link, struct boxd, link);

	box->events->lost(box->ctx);
}

static int read_state(struct boxd *box, struct msg *m, struct err *e)
{
	struct boxd_state state;

	state.name = msg_get_str(m);
	state.image = msg_get_str(m);
	state.running = msg_get_u64(m) != 0;
	state.pid = msg_get_u64(m);
	state.exit_status = msg_get_u64(m);
	state.oom_kills = msg_get_u64(m);
	if (msg_end(m, e) < 0)
		return -1;
	box->events->state(box->ctx, &state);
	return 0;
}

static int read_failed(struct boxd *box, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	const char *sentence = msg_get_str(m);

	if (msg_end(m, e) < 0)
		return -1;
	box->events->failed(box->ctx, name, sentence);
	return 0;
}

static int read_exited(struct boxd *box, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	uint64_t exit_status = msg_get_u64(m), oom_kills = msg_get_u64(m);
	const char *said = msg_get_str(m);

	if (msg_end(m, e) < 0)
		return -1;
	box->events->exited(box->ctx, name, exit_status, oom_kills, said);
	return 0;
}

static int read_used(struct boxd *box, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	bool runs = m->at < m->size_bytes;
	uint64_t values[USAGE_FIELDS];
	struct usage usage;

	for (size_t i = 0; runs && i < USAGE_FIELDS; i++)
		values[i] = msg_get_u64(m);
	if (msg_end(m, e) < 0)
		return -1;
	if (runs)
		memcpy(&usage, values, sizeof(usage));
	box->events->used(box->ctx, name, runs ? &usage : NULL);
	return 0;
}

/* BOX_STARTED, BOX_DONE: a name and `numbers` numbers. */
static int read_named(struct msg *m, const char **name, uint64_t *numbers, size_t count,
		      struct err *e)
{
	*name = msg_get_str(m);
	for (size_t i = 0; i < count; i++)
		numbers[i] = msg_get_u64(m);
	return msg_end(m, e);
}

static int on_message(struct link *link, struct msg *m, struct err *e)
{
	struct boxd *box = owner_of(link, struct boxd, link);
	uint64_t numbers[2];
	const char *name;

	if (!wire_allowed(m->type, WIRE_BOXD, WIRE_ENGINED, m->fd_count))
		return err_set(e, "%s is no message from boxd", wire_name(m->type));
	switch (m->type) {
	case WIRE_BOX_STARTED:
		if (read_named(m, &name, numbers, 1, e) < 0)
			return -1;
		box->events->started(box->ctx, name, numbers[0]);
		return 0;
	case WIRE_BOX_FAILED:
		return read_failed(box, m, e);
	case WIRE_BOX_HELD:
		if (read_named(m, &name, numbers, 1, e) < 0)
			return -1;
		box->events->held(box->ctx, name, m->fd_count ? m->fds[0] : -1);
		return 0;
	case WIRE_BOX_NETWORK:
		if (read_named(m, &name, numbers, 0, e) < 0)
			return -1;
		box->events->network(box->ctx, name, m->fd_count ? m->fds[0] : -1);
		return 0;
	case WIRE_BOX_DONE:
		if (read_named(m, &name, numbers, 0, e) < 0)
			return -1;
		box->events->done(box->ctx, name);
		return 0;
	case WIRE_BOX_STATE:
		return read_state(box, m, e);
	case WIRE_BOX_USED:
		return read_used(box, m, e);
	case WIRE_BOX_LIST_END:
		if (msg_end(m, e) < 0)
			return -1;
		box->events->list_end(box->ctx);
		return 0;
	case WIRE_BOX_EXITED:
		return read_exited(box, m, e);
	case WIRE_BOX_OOM:
		if (read_named(m, &name, numbers, 2, e) < 0)
			return -1;
		box->events->oom(box->ctx, name, numbers[0], numbers[1]);
		return 0;
	default: /* a number from outside, not a value of our enum */
		break;
	}
	return err_set(e, "%s is not for the engine", wire_name(m->type));
}

void boxd_connect(struct boxd *box)
{
	link_connect(&box->link);
}

struct boxd *boxd_create(struct loop *loop, const char *socket_path,
			 const struct boxd_events *events, void *ctx)
{
	struct boxd *box = calloc(1, sizeof(*box));

	if (!box)
		abort();
	box->link.name = "boxd";
	box->link.connected = on_connected;
	box->link.lost = on_lost;
	box->link.message = on_message;
	link_init(&box->link, loop, socket_path);
	box->events = events;
	box->ctx = ctx;
	return box;
}

void boxd_destroy(struct boxd *box)
{
	if (!box)
		return;
	link_finish(&box->link);
	free(box);
}

static void put_volumes(struct msg *m, const struct plan *plan,
			const struct compose_project *project)
{
	const struct compose_service *s = plan->service;
	size_t names = 0;

	while (plan->names[names])
		names++;
	msg_put_u64(m, s->mount_count + names);
	for (size_t i = 0; i < s->mount_count; i++) {
		msg_put_str(m, s->mounts[i].volume);
		msg_put_str(m, compose_volume(project, s->mounts[i].volume)->driver);
		msg_put_str(m, s->mounts[i].target);
		msg_put_u64(m, s->mounts[i].read_only);
	}
	/* Last: a volume at /etc has its own files covered too. */
	for (size_t i = 0; i < names; i++) {
		char target[64];

		snprintf(target, sizeof(target), "/etc/%s", plan->names[i]);
		msg_put_str(m, plan->names[i]);
		msg_put_str(m, "names");
		msg_put_str(m, target);
		msg_put_u64(m, true);
	}
}

int boxd_start(struct boxd *box, const char *name, const struct plan *plan,
	      const struct compose_project *project, int output_fd, struct err *e)
{
	AUTO_FD int spec_fd = fd_sealed_memfd("spec", plan->spec, plan->spec_bytes, e);

	if (spec_fd < 0)
		return -1;
	msg_init(&box->link.out, WIRE_BOX_START);
	msg_put_str(&box->link.out, name);
	msg_put_str(&box->link.out, plan->image);
	put_volumes(&box->link.out, plan, project);
	msg_put_u64(&box->link.out, plan->log_bytes);
	msg_put_u64(&box->link.out, 0); /* no input, and nobody attached */
	msg_put_u64(&box->link.out, output_fd >= 0);
	msg_put_u64(&box->link.out, 0);
	msg_put_u64(&box->link.out, plan->hold);
	msg_put_str(&box->link.out, plan->network_of);
	msg_put_str(&box->link.out, plan->resolver);
	msg_put_str(&box->link.out, plan->hosts);
	msg_put_fd(&box->link.out, spec_fd);
	if (output_fd >= 0)
		msg_put_fd(&box->link.out, output_fd);
	return link_send(&box->link, e);
}

int boxd_kill(struct boxd *box, const char *name, unsigned signal_number, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_KILL);
	msg_put_str(&box->link.out, name);
	msg_put_u64(&box->link.out, signal_number);
	return link_send(&box->link, e);
}

int boxd_exec(struct boxd *box, const char *name, const char *process, size_t size_bytes,
	      struct err *e)
{
	AUTO_FD int process_fd = fd_sealed_memfd("process", process, size_bytes, e);

	if (process_fd < 0)
		return -1;
	msg_init(&box->link.out, WIRE_BOX_EXEC);
	msg_put_str(&box->link.out, name);
	for (int i = 0; i < 3; i++)
		msg_put_u64(&box->link.out, 0);	/* no input, no output, nobody attached */
	msg_put_fd(&box->link.out, process_fd);
	return link_send(&box->link, e);
}

int boxd_delete(struct boxd *box, const char *name, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_DELETE);
	msg_put_str(&box->link.out, name);
	return link_send(&box->link, e);
}

int boxd_list(struct boxd *box, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_LIST);
	return link_send(&box->link, e);
}

int boxd_ask_usage(struct boxd *box, const char *name, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_USAGE);
	msg_put_str(&box->link.out, name);
	return link_send(&box->link, e);
}

int boxd_release(struct boxd *box, const char *name, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_RELEASE);
	msg_put_str(&box->link.out, name);
	return link_send(&box->link, e);
}

int boxd_netns(struct boxd *box, const char *name, struct err *e)
{
	msg_init(&box->link.out, WIRE_BOX_NETNS);
	msg_put_str(&box->link.out, name);
	return link_send(&box->link, e);
}
