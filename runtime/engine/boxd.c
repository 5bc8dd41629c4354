/* boxd.c - see boxd.h. */
#include "engine/boxd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "compose/compose.h"
#include "engine/plan.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "wire/wire.h"

enum { RETRY_FIRST_MS = 50, RETRY_LONGEST_MS = 1000 };

struct boxd {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer retry;
	uint64_t retry_ms;
	struct sockaddr_un address;
	const struct boxd_events *events;
	void *ctx;
	struct msg in, out;
};

static void disconnect(struct boxd *box, const char *why)
{
	if (box->source.fd < 0)
		return;
	log_warn("connection to boxd lost: %s", why);
	loop_remove(&box->source);
	fd_close(&box->source.fd);
	loop_timer_set(box->loop, &box->retry, RETRY_FIRST_MS);
	box->retry_ms = RETRY_FIRST_MS;
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

/* BOX_STARTED, BOX_DONE: a name and `numbers` numbers. */
static int read_named(struct msg *m, const char **name, uint64_t *numbers, size_t count,
		      struct err *e)
{
	*name = msg_get_str(m);
	for (size_t i = 0; i < count; i++)
		numbers[i] = msg_get_u64(m);
	return msg_end(m, e);
}

static int dispatch(struct boxd *box, struct msg *m, struct err *e)
{
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
	case WIRE_BOX_DONE:
		if (read_named(m, &name, numbers, 0, e) < 0)
			return -1;
		box->events->done(box->ctx, name);
		return 0;
	case WIRE_BOX_STATE:
		return read_state(box, m, e);
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

static void on_event(struct loop_source *source, unsigned events)
{
	struct boxd *box = owner_of(source, struct boxd, source);
	struct err e;
	int status;

	(void)events;
	/* One message per event: its callback may have closed the connection. */
	status = msg_receive(source->fd, &box->in, &e);
	if (status == 0) {
		disconnect(box, "it was closed");
	} else if (status < 0) {
		if (e.number != EAGAIN)
			disconnect(box, e.text);
	} else {
		status = dispatch(box, &box->in, &e);
		msg_finish(&box->in);
		if (status < 0)
			disconnect(box, e.text);
	}
}

static int try_connect(struct boxd *box, struct err *e)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(e, "socket");
	if (connect(fd, (struct sockaddr *)&box->address, sizeof(box->address)) < 0)
		return err_sys(e, "connect to %s", box->address.sun_path);
	box->source.fd = fd;
	if (loop_add(box->loop, &box->source, LOOP_READ, e) < 0) {
		box->source.fd = -1;
		return -1;
	}
	take_fd(&fd);
	return 0;
}

void boxd_connect(struct boxd *box)
{
	struct err e;

	if (box->source.fd >= 0)
		return;
	if (try_connect(box, &e) == 0) {
		box->retry_ms = RETRY_FIRST_MS;
		box->events->connected(box->ctx);
		return;
	}
	if (box->retry_ms == RETRY_FIRST_MS)
		log_warn("%s; trying again", e.text);
	loop_timer_set(box->loop, &box->retry, box->retry_ms);
	box->retry_ms = box->retry_ms * 2 < RETRY_LONGEST_MS ? box->retry_ms * 2 : RETRY_LONGEST_MS;
}

static void on_retry(struct loop_timer *timer)
{
	boxd_connect(owner_of(timer, struct boxd, retry));
}

struct boxd *boxd_create(struct loop *loop, const char *socket_path,
			 const struct boxd_events *events, void *ctx)
{
	struct boxd *box = calloc(1, sizeof(*box));

	if (!box)
		abort();
	box->loop = loop;
	box->source = (struct loop_source){ .fd = -1, .on_event = on_event };
	box->retry.on_time = on_retry;
	box->retry_ms = RETRY_FIRST_MS;
	box->events = events;
	box->ctx = ctx;
	box->address.sun_family = AF_UNIX;
	if (!str_copy(box->address.sun_path, sizeof(box->address.sun_path), socket_path))
		abort();	/* a constant of ours */
	return box;
}

void boxd_destroy(struct boxd *box)
{
	if (!box)
		return;
	loop_timer_off(&box->retry);
	loop_remove(&box->source);
	fd_close(&box->source.fd);
	free(box);
}

/* What boxd does not take now is lost: the connection ends too, and with the next one everything is
 * looked at again. A message that is too large would fail again for ever, so that one is given up.
 */
static int send_out(struct boxd *box, struct err *e)
{
	if (box->source.fd < 0)
		return err_set(e, "boxd is not there");
	if (msg_send(box->source.fd, &box->out, e) == 0)
		return 0;
	if (e->number != EMSGSIZE)
		shutdown(box->source.fd, SHUT_RDWR);
	return -1;
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
	msg_init(&box->out, WIRE_BOX_START);
	msg_put_str(&box->out, name);
	msg_put_str(&box->out, plan->image);
	put_volumes(&box->out, plan, project);
	msg_put_u64(&box->out, plan->log_bytes);
	msg_put_u64(&box->out, 0); /* no input, and nobody attached */
	msg_put_u64(&box->out, output_fd >= 0);
	msg_put_u64(&box->out, 0);
	msg_put_u64(&box->out, 0); /* not held */
	msg_put_str(&box->out, ""); /* its network is as the specification says, */
	msg_put_str(&box->out, ""); /* and so are the names that it knows */
	msg_put_str(&box->out, "");
	msg_put_fd(&box->out, spec_fd);
	if (output_fd >= 0)
		msg_put_fd(&box->out, output_fd);
	return send_out(box, e);
}

int boxd_kill(struct boxd *box, const char *name, unsigned signal_number, struct err *e)
{
	msg_init(&box->out, WIRE_BOX_KILL);
	msg_put_str(&box->out, name);
	msg_put_u64(&box->out, signal_number);
	return send_out(box, e);
}

int boxd_delete(struct boxd *box, const char *name, struct err *e)
{
	msg_init(&box->out, WIRE_BOX_DELETE);
	msg_put_str(&box->out, name);
	return send_out(box, e);
}

int boxd_list(struct boxd *box, struct err *e)
{
	msg_init(&box->out, WIRE_BOX_LIST);
	return send_out(box, e);
}
