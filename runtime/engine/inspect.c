/* inspect.c - see inspect.h: connections and requests; counters. */
#include "engine/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "engine/attachment.h"
#include "engine/boxd.h"
#include "engine/container.h"
#include "engine/inspect_client.h"
#include "engine/netd.h"
#include "engine/network.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "wire/stats.h"
#include "wire/usage.h"
#include "wire/wire.h"

enum { ANSWER_MS = 3000, LINE_MAX = 2048 };

/* ---- a client */

void inspect_client_close(struct inspect_client *c)
{
	inspect_capture_stop(c);
	loop_timer_off(&c->patience);
	loop_remove(&c->source);
	fd_close(&c->source.fd);
	c->asks = INSPECT_NOTHING;
}

void inspect_client_say(struct inspect_client *c, uint32_t type, const char *text)
{
	struct msg *m = &c->inspect->out;
	struct err e;

	msg_init(m, type);
	if (text)
		msg_put_str(m, text);
	if (c->source.fd >= 0 && msg_send(c->source.fd, m, &e) < 0)
		shutdown(c->source.fd, SHUT_RDWR);	/* its end is seen by the loop */
}

void inspect_client_fail(struct inspect_client *c, const char *sentence)
{
	c->asks = INSPECT_NOTHING;
	loop_timer_off(&c->patience);
	inspect_client_say(c, WIRE_CONTROL_FAILED, sentence);
}

/* ---- stats: one question at a time */

static const struct attachment *asked(const struct inspect_client *c)
{
	return &c->inspect->setup.containers[c->at].attachments->items[c->network_at];
}

static const char *asked_name(const struct inspect_client *c)
{
	return c->inspect->setup.containers[c->at].doc.name;
}

/* The next container that is meant, or its next network; false = that was the last. */
static bool step(struct inspect_client *c)
{
	const struct inspect_setup *s = &c->inspect->setup;

	for (; c->at < s->count; c->at++, c->network_at = 0, c->has_usage = false) {
		const struct container *one = &s->containers[c->at];

		if (*c->container && !str_equal(one->doc.name, c->container))
			continue;
		if (!c->has_usage ||
		    (one->attachments && c->network_at < one->attachments->count))
			return true;
	}
	return false;
}

static void finish_stats(struct inspect_client *c)
{
	struct err e;

	if (!c->lines && *c->container) {
		err_set(&e, "%s: there is no such container", c->container);
		inspect_client_fail(c, e.text);
		return;
	}
	c->asks = INSPECT_NOTHING;
	loop_timer_off(&c->patience);
	inspect_client_say(c, WIRE_CONTROL_DONE, NULL);
}

static void ask_next(struct inspect_client *c)
{
	const struct inspect_setup *s = &c->inspect->setup;
	struct err e;
	int failed;

	if (!step(c)) {
		finish_stats(c);
		return;
	}
	loop_timer_set(s->loop, &c->patience, ANSWER_MS);
	failed = c->has_usage ? netd_ask_counters(s->net, asked(c)->network->doc.name,
						  asked_name(c), &e)
			      : boxd_ask_usage(s->box, asked_name(c), &e);
	if (failed)
		inspect_client_fail(c, e.text);
}

static void say_usage(struct inspect_client *c, const char *container, const struct usage *usage)
{
	struct buf line;

	buf_init(&line, LINE_MAX);
	buf_add_str(&line, container);
	if (usage) {
#define ADD_USAGE(name, means) buf_add_format(&line, " " #name "=%" PRIu64, usage->name);
		USAGE_LIST(ADD_USAGE)
#undef ADD_USAGE
	} else {
		buf_add_str(&line, " not running");
	}
	inspect_client_say(c, WIRE_CONTROL_LINE, line.data);
	buf_finish(&line);
	c->lines++;
}

void inspect_usage(struct inspect *i, const char *container, const struct usage *usage)
{
	for (size_t k = 0; i && k < INSPECT_CLIENTS_MAX; k++) {
		struct inspect_client *c = &i->clients[k];

		if (c->asks != INSPECT_STATS || c->has_usage ||
		    !str_equal(asked_name(c), container))
			continue;
		say_usage(c, container, usage);
		c->has_usage = true;
		ask_next(c);
	}
}

/* All that it received and sent, which no one counter is (wire/stats.h), and the counters. */
static void add_counters(struct buf *line, const struct stats_told *told)
{
	const struct stats_device *d = &told->device;
	const struct stats *s = &told->gate;

	buf_add_format(line, " rx_bytes=%" PRIu64 " tx_bytes=%" PRIu64,
		       d->device_bytes_in + s->published_in,
		       d->device_bytes_out + s->published_out);
#define ADD_DEVICE(name, means) buf_add_format(line, " " #name "=%" PRIu64, d->name);
	STATS_DEVICE_LIST(ADD_DEVICE)
#undef ADD_DEVICE
#define ADD_GATE(name, means) buf_add_format(line, " " #name "=%" PRIu64, s->name);
	STATS_LIST(ADD_GATE)
#undef ADD_GATE
}

static void say_counters(struct inspect_client *c, const char *network, const char *container,
			 const struct stats_told *told)
{
	struct buf line;

	buf_init(&line, LINE_MAX);
	buf_add_format(&line, "%s %s", container, network);
	if (told)
		add_counters(&line, told);
	else
		buf_add_str(&line, " not attached");
	inspect_client_say(c, WIRE_CONTROL_LINE, line.data);
	buf_finish(&line);
	c->lines++;
}

void inspect_counters(struct inspect *i, const char *network, const char *container,
		      const struct stats_told *told)
{
	for (size_t k = 0; i && k < INSPECT_CLIENTS_MAX; k++) {
		struct inspect_client *c = &i->clients[k];

		if (c->asks != INSPECT_STATS || !c->has_usage ||
		    !str_equal(asked_name(c), container) ||
		    !str_equal(asked(c)->network->doc.name, network))
			continue;
		say_counters(c, network, container, told);
		c->network_at++;
		ask_next(c);
	}
}

static void on_patience(struct loop_timer *timer)
{
	struct inspect_client *c = owner_of(timer, struct inspect_client, patience);
	struct err e;

	if (c->asks != INSPECT_STATS) {
		inspect_capture_is_late(c);
		return;
	}
	if (c->has_usage)
		err_set(&e, "the gateway of network %s did not say within %d s what it counted for "
			"%s: ask again, and see the log of netd when it stays so",
			asked(c)->network->doc.name, ANSWER_MS / 1000, asked_name(c));
	else
		err_set(&e, "boxd did not say within %d s what %s uses: ask again, and see its log "
			"when it stays so", ANSWER_MS / 1000, asked_name(c));
	inspect_client_fail(c, e.text);
}

static void fail_who_asks(struct inspect *i, bool has_usage, const char *sentence)
{
	for (size_t k = 0; i && k < INSPECT_CLIENTS_MAX; k++)
		if (i->clients[k].asks == INSPECT_STATS && i->clients[k].has_usage == has_usage)
			inspect_client_fail(&i->clients[k], sentence);
}

void inspect_netd_is_gone(struct inspect *i)
{
	fail_who_asks(i, true, "the connection to netd was lost: ask again");
	inspect_capture_netd_is_gone(i);
}

void inspect_boxd_is_gone(struct inspect *i)
{
	fail_who_asks(i, false, "the connection to boxd was lost: ask again");
}

/* ---- requests */

static int begin_stats(struct inspect_client *c, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m);

	if (msg_end(m, e) < 0)
		return -1;
	if (!str_copy(c->container, sizeof(c->container), container)) {
		inspect_client_fail(c, "there is no container of that name");
		return 0;
	}
	c->at = c->network_at = c->lines = 0;
	c->has_usage = false;
	c->asks = INSPECT_STATS;
	ask_next(c);
	return 0;
}

/* -1: it speaks another language. */
static int request(struct inspect_client *c, struct msg *m)
{
	struct err e;

	if (!wire_allowed(m->type, WIRE_ENGINECTL, WIRE_ENGINED, m->fd_count))
		return -1;
	if (c->asks != INSPECT_NOTHING)
		return -1;
	return m->type == WIRE_CONTROL_STATS ? begin_stats(c, m, &e) :
					       inspect_capture_begin(c, m, &e);
}

static void on_client(struct loop_source *source, unsigned events)
{
	struct inspect_client *c = owner_of(source, struct inspect_client, source);
	struct msg *m = &c->inspect->in;
	struct err e;
	int got = msg_receive(source->fd, m, &e);

	(void)events;
	if (got < 0 && e.number == EAGAIN)
		return;
	if (got == 1 && request(c, m) < 0)
		got = -1;
	msg_finish(m);
	if (got <= 0)
		inspect_client_close(c);
}

static void on_listener(struct loop_source *source, unsigned events)
{
	struct inspect *i = owner_of(source, struct inspect, listener);
	AUTO_FD int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct err e;

	(void)events;
	for (size_t k = 0; fd >= 0 && k < INSPECT_CLIENTS_MAX; k++) {
		struct inspect_client *c = &i->clients[k];

		if (c->source.fd >= 0)
			continue;
		c->source.fd = take_fd(&fd);
		if (loop_add(i->setup.loop, &c->source, LOOP_READ, &e) < 0)
			fd_close(&c->source.fd);
		return;
	}
}

struct inspect *inspect_create(const struct inspect_setup *setup, struct err *e)
{
	struct inspect *i = calloc(1, sizeof(*i));

	if (!i)
		abort();
	i->setup = *setup;
	i->listener = (struct loop_source){ .fd = setup->listen_fd, .on_event = on_listener };
	for (size_t k = 0; k < INSPECT_CLIENTS_MAX; k++) {
		i->clients[k].inspect = i;
		i->clients[k].patience.on_time = on_patience;
		i->clients[k].source = (struct loop_source){ .fd = -1, .on_event = on_client };
	}
	if (fd_set_nonblock(setup->listen_fd, e) == 0 &&
	    loop_add(setup->loop, &i->listener, LOOP_READ, e) == 0)
		return i;
	free(i);
	return NULL;
}

void inspect_destroy(struct inspect *i)
{
	if (!i)
		return;
	loop_remove(&i->listener);
	for (size_t k = 0; k < INSPECT_CLIENTS_MAX; k++)
		inspect_client_close(&i->clients[k]);
	free(i);
}
