/* inspect_capture.c - a container's packets for the administrator: see inspect.h.
 *
 *   gated --pipe--> enginectl: capture_client --> captures/CONTAINER@NETWORK.pcap */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/attachment.h"
#include "engine/container.h"
#include "engine/inspect_client.h"
#include "engine/netd.h"
#include "engine/network.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "wire/wire.h"

enum { PIPE_BYTES = 1 << 20 };	/* the kernel's most for everybody (fcntl(2), pipe(7)) */

void inspect_capture_stop(struct inspect_client *c)
{
	struct netd *net = c->inspect->setup.net;
	struct err e;

	if (c->asks != INSPECT_CAPTURE)
		return;
	c->asks = INSPECT_NOTHING;
	loop_timer_off(&c->patience);
	log_info("capture of %s on %s: ends", c->container, c->network);
	/* The gateway lets go of the pipe, and its reader sees the end. */
	if (netd_is_there(net) &&
	    netd_capture(net, c->network, c->container, -1, NULL, NULL, &e) < 0)
		log_warn("end the capture of %s: %s", c->container, e.text);
}

static int hand_over(struct inspect_client *c, int pipe_fd, struct err *e)
{
	struct msg *m = &c->inspect->out;

	msg_init(m, WIRE_CONTROL_PACKETS);
	msg_put_str(m, c->network);
	msg_put_fd(m, pipe_fd);
	return msg_send(c->source.fd, m, e);
}

static int make(struct inspect_client *c, uint64_t seconds, struct err *e)
{
	const struct inspect_setup *s = &c->inspect->setup;
	AUTO_FD int read_fd = -1, write_fd = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe");
	read_fd = ends[0];
	write_fd = ends[1];
	/* A smaller one loses more packets of a fast sender, and no more. */
	fcntl(write_fd, F_SETPIPE_SZ, PIPE_BYTES);
	if (netd_capture(s->net, c->network, c->container, write_fd, NULL, NULL, e) < 0)
		return -1;
	c->asks = INSPECT_CAPTURE;
	log_info("capture of %s on %s: begins, for %" PRIu64 " s", c->container, c->network,
		 seconds);
	loop_timer_set(s->loop, &c->patience, seconds * 1000);
	if (hand_over(c, read_fd, e) == 0)
		return 0;
	inspect_capture_stop(c);
	return -1;
}

static bool is_captured(const struct inspect_client *c)
{
	for (size_t k = 0; k < INSPECT_CLIENTS_MAX; k++) {
		const struct inspect_client *other = &c->inspect->clients[k];

		if (other != c && other->asks == INSPECT_CAPTURE &&
		    str_equal(other->container, c->container) &&
		    str_equal(other->network, c->network))
			return true;
	}
	return false;
}

static const struct attachments *find(const struct inspect_client *c)
{
	const struct inspect_setup *s = &c->inspect->setup;

	for (size_t k = 0; k < s->count; k++)
		if (str_equal(s->containers[k].doc.name, c->container))
			return s->containers[k].attachments;
	return NULL;
}

static int begin(struct inspect_client *c, uint64_t seconds, uint64_t bytes, struct err *e)
{
	const struct attachments *all = find(c);
	const struct attachment *a;

	if (!all)
		return err_set(e, "%s: there is no such container on a network of its own",
			       c->container);
	a = *c->network ? attachments_on(all, c->network) : attachments_default(all);
	if (!a)
		return err_set(e, "container %s is not on network %s", c->container, c->network);
	str_copy(c->network, sizeof(c->network), a->network->doc.name);
	if (seconds < 1 || seconds > INSPECT_SECONDS_MAX || bytes < 1 || bytes > INSPECT_BYTES_MAX)
		return err_set(e, "a capture takes 1 to %d seconds and at most %d MiB",
			       INSPECT_SECONDS_MAX, INSPECT_BYTES_MAX >> 20);
	if (is_captured(c))
		return err_set(e, "it is being captured there already");
	return make(c, seconds, e);
}

int inspect_capture_begin(struct inspect_client *c, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m), *network = msg_get_str(m);
	uint64_t seconds = msg_get_u64(m), bytes = msg_get_u64(m);

	if (msg_end(m, e) < 0)
		return -1;
	/* Names that do not fit are nobody's. */
	if (!str_copy(c->container, sizeof(c->container), container) ||
	    !str_copy(c->network, sizeof(c->network), network))
		inspect_client_fail(c, "there is no container or network of that name");
	else if (begin(c, seconds, bytes, e) < 0)
		inspect_client_fail(c, e->text);
	return 0;
}
