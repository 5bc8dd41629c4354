/* inspect_capture.c - a container's packets for the administrator: see inspect.h.
 *
 *   asked -netd's socket, handed over-> captured -time, container's end-> the reason is said
 *
 * The engine keeps nothing of it: the socket is enginectl's, and with it the packets. */
#include <inttypes.h>

#include "engine/attachment.h"
#include "engine/container.h"
#include "engine/inspect_client.h"
#include "engine/netd.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"
#include "wire/wire.h"

enum { NETD_MS = 10000 };

void inspect_capture_stop(struct inspect_client *c)
{
	if (c->asks == INSPECT_CAPTURE)
		log_info("capture of %s: ends", c->container);
	if (c->asks != INSPECT_CAPTURE && c->asks != INSPECT_SOCKET)
		return;
	c->asks = INSPECT_NOTHING;
	loop_timer_off(&c->patience);
}

/* Its reader goes on to the end of what it has, and closes the socket. */
static void end(struct inspect_client *c, const char *why)
{
	inspect_client_say(c, WIRE_CONTROL_LINE, why);
	inspect_capture_stop(c);
}

void inspect_capture_is_late(struct inspect_client *c)
{
	if (c->asks == INSPECT_CAPTURE)
		end(c, "its time is over");
	else
		inspect_client_fail(c, "netd did not answer in time: `svctl log netd` says why");
}

static int hand_over(struct inspect_client *c, int packet_fd, struct err *e)
{
	struct msg *m = &c->inspect->out;

	msg_init(m, WIRE_CONTROL_PACKETS);
	msg_put_fd(m, packet_fd);
	return msg_send(c->source.fd, m, e);
}

static void on_socket(void *ctx, const struct netd_answer *a)
{
	struct inspect_client *c = ctx;
	struct err e;

	c->awaited--;
	/* Who asked may have left, and another one have taken its place and asked. */
	if (c->awaited || c->asks != INSPECT_SOCKET)
		return;
	if (a->failure) {
		inspect_client_fail(c, a->failure);
	} else if (a->fd < 0) {
		inspect_client_fail(c, "netd answers in a language of another version");
	} else if (hand_over(c, a->fd, &e) < 0) {
		inspect_client_fail(c, e.text);
	} else {
		c->asks = INSPECT_CAPTURE;
		log_info("capture of %s: begins, for %" PRIu64 " s", c->container, c->seconds);
		loop_timer_set(c->inspect->setup.loop, &c->patience, c->seconds * 1000);
	}
}

static bool is_captured(const struct inspect_client *c)
{
	for (size_t k = 0; k < INSPECT_CLIENTS_MAX; k++) {
		const struct inspect_client *other = &c->inspect->clients[k];

		if (other != c &&
		    (other->asks == INSPECT_CAPTURE || other->asks == INSPECT_SOCKET) &&
		    str_equal(other->container, c->container))
			return true;
	}
	return false;
}

static const struct container *find(const struct inspect_client *c)
{
	const struct inspect_setup *s = &c->inspect->setup;

	for (size_t k = 0; k < s->count; k++)
		if (str_equal(s->containers[k].doc.name, c->container))
			return &s->containers[k];
	return NULL;
}

void inspect_containers_changed(struct inspect *i)
{
	for (size_t k = 0; i && k < INSPECT_CLIENTS_MAX; k++) {
		struct inspect_client *c = &i->clients[k];

		if ((c->asks != INSPECT_CAPTURE && c->asks != INSPECT_SOCKET) ||
		    container_is_up(find(c)))
			continue;
		if (c->asks == INSPECT_CAPTURE)
			end(c, "the container has ended");
		else
			inspect_client_fail(c, "the container has ended");
	}
}

void inspect_capture_netd_is_gone(struct inspect *i)
{
	for (size_t k = 0; i && k < INSPECT_CLIENTS_MAX; k++) {
		struct inspect_client *c = &i->clients[k];

		c->awaited = 0;
		if (c->asks == INSPECT_SOCKET)
			inspect_client_fail(c, "the connection to netd was lost: ask again");
	}
}

static int begin(struct inspect_client *c, uint64_t bytes, struct err *e)
{
	const struct container *one = find(c);
	const struct inspect_setup *s = &c->inspect->setup;

	if (!one || !one->attachments)
		return err_set(e, "%s: there is no such container on a network of its own",
			       c->container);
	if (c->seconds < 1 || c->seconds > INSPECT_SECONDS_MAX || bytes < 1 ||
	    bytes > INSPECT_BYTES_MAX)
		return err_set(e, "a capture takes 1 to %d seconds and at most %d MiB",
			       INSPECT_SECONDS_MAX, INSPECT_BYTES_MAX >> 20);
	if (!container_is_up(one))
		return err_set(e, "%s does not run", c->container);
	if (is_captured(c))
		return err_set(e, "it is being captured already");
	if (netd_capture(s->net, attachments_network(one->attachments), c->container,
			 on_socket, c, e) < 0)
		return -1;
	c->awaited++;
	c->asks = INSPECT_SOCKET;
	loop_timer_set(s->loop, &c->patience, NETD_MS);
	return 0;
}

int inspect_capture_begin(struct inspect_client *c, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);
	uint64_t bytes;

	c->seconds = msg_get_u64(m);
	bytes = msg_get_u64(m);
	if (msg_end(m, e) < 0)
		return -1;
	/* A name that does not fit is nobody's. */
	if (!str_copy(c->container, sizeof(c->container), container))
		inspect_client_fail(c, "there is no container of that name");
	else if (begin(c, bytes, e) < 0)
		inspect_client_fail(c, e->text);
	return 0;
}
