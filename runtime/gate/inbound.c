#include "gate/inbound.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gate/carriers.h"
#include "gate/gate.h"
#include "gate/relay.h"
#include "gate/sockets.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

enum { KNOCK_MS = 50 };

struct inbound {
	struct inbounds *all;
	struct inbound *next, **place;
	struct published *published;
	struct gate_member *member;	/* the backend now; NULL between two */
	int number;			/* of the backend; -1 = none */
	struct balance_tried tried;
	struct address client;
	uint16_t client_port;
	bool relays;
	bool any_port;			/* the client's own one is taken */
	struct sockets_wait wait;
	struct loop_timer patience;	/* for a socket, and for the connection */
	/* Of relay.h from relay_start on, before that by us: ends[0] the client, ends[1] the
	 * backend, watched until it is connected. */
	struct relay relay;
};

static int *client_fd(struct inbound *i)
{
	return &i->relay.ends[0].source.fd;
}

static struct loop_source *backend(struct inbound *i)
{
	return &i->relay.ends[1].source;
}

static void leave_backend(struct inbound *i)
{
	loop_timer_off(&i->patience);
	sockets_wait_off(&i->wait);
	if (i->number >= 0)
		publish_done(i->published, i->number);
	if (i->member)
		i->member->stats.published_open--;
	i->number = -1;
	i->member = NULL;
	if (i->relays)
		return;
	loop_remove(backend(i));
	fd_close(&backend(i)->fd);
}

/* Its sockets are closed. */
static void destroy(struct inbound *i)
{
	struct inbounds *all = i->all;
	struct published *p = i->published;

	leave_backend(i);
	*i->place = i->next;
	if (i->next)
		i->next->place = i->place;
	all->count--;
	p->clients--;
	free(i);
	all->on_end(all, p);
}

static void reset(struct inbound *i)
{
	if (i->relays) {
		carriers_drop(i->all->carriers, &i->relay);
		relay_abort(&i->relay);
	} else {
		relay_reset(client_fd(i));
	}
	destroy(i);
}

static void on_relay_end(struct relay *r)
{
	destroy(owner_of(r, struct inbound, relay));
}

static void on_relay_empty(struct relay *r)
{
	if (relay_flows(r))
		carriers_take(owner_of(r, struct inbound, relay)->all->carriers, r);
}

static void start_relay(struct inbound *i)
{
	struct gate_member *m = i->member;
	const struct relay_setup setup = {
		.loop = i->all->g->loop,
		.pipes = i->all->pipes,
		.bulk = &i->all->bulk,
		.fds = { *client_fd(i), backend(i)->fd },
		.counters = { &m->stats.published_in, &m->stats.published_out },
		.rates = { &m->rate_in, &m->rate_out },
		.on_end = on_relay_end,
		.on_empty = on_relay_empty,
	};
	struct err e;

	loop_timer_off(&i->patience);
	loop_remove(backend(i));
	balance_answered(&i->published->balance, i->number);
	m->stats.published++;
	i->relays = true;
	if (relay_start(&i->relay, &setup, &e) < 0) {
		log_warn("port %s: %s", i->published->key, e.text);
		destroy(i);
	}
}

/* The family of the container's address that it is reached at. */
static uint8_t family_of(const struct inbound *i)
{
	if (i->client.family == AF_INET6)
		return i->member->address6.family ? AF_INET6 : AF_INET;
	return i->member->address4.family ? AF_INET : AF_INET6;
}

/* As whom the container sees it. */
static struct address source_of(const struct inbound *i, uint8_t family, uint16_t *port)
{
	const struct address *gateway = gate_address(i->all->g, family);

	*port = i->any_port ? 0 : i->client_port;
	if (i->client.family == family && !address_is_loopback(&i->client) &&
	    !gate_is_inside(i->all->g, &i->client))
		return i->client;
	*port = 0;
	return gateway ? *gateway : (struct address){ 0 };
}

static void say_no_transparency(struct inbounds *all)
{
	if (!all->told)
		log_warn("published ports: this kernel lends no foreign address (%m); containers "
			 "see their own address instead of the client's");
	all->told = true;
}

static void bind_source(struct inbound *i, int fd, uint8_t family)
{
	struct sockaddr_storage source;
	socklen_t size;
	uint16_t port;
	struct address a = source_of(i, family, &port);

	if (!a.family)
		return;
	size = address_to_socket(&a, port, &source);
	if (bind(fd, (struct sockaddr *)&source, size) == 0)
		return;
	size = address_to_socket(&a, 0, &source);
	if (bind(fd, (struct sockaddr *)&source, size) < 0)
		say_no_transparency(i->all);
}

/* 1 = connected, 0 = on its way, -1 = refused. The kernel answers itself within the first call, but
 * for who called it is only the second one that says so (connect(2): EINPROGRESS). */
static int call(struct inbound *i, int fd, uint8_t family)
{
	const struct address *to = family == AF_INET ? &i->member->address4 : &i->member->address6;
	struct sockaddr_storage target;
	socklen_t size = address_to_socket(to, i->published->container_port, &target);

	if (connect(fd, (struct sockaddr *)&target, size) == 0)
		return 1;
	if (errno != EINPROGRESS)
		return -1;
	if (connect(fd, (struct sockaddr *)&target, size) == 0)
		return 1;
	return errno == EALREADY || errno == EINPROGRESS ? 0 : -1;
}

static void next_backend(struct inbound *i);

static void on_refused(struct inbound *i)
{
	balance_refused(&i->published->balance, i->number, time_boot_ms());
	i->member->stats.published_refused++;
	leave_backend(i);
	next_backend(i);
}

static void on_connected(struct loop_source *source, unsigned events)
{
	struct inbound *i = owner_of(source, struct inbound, relay.ends[1].source);
	int error = 0;
	socklen_t size = sizeof(error);

	/* The kernel wakes us for an ICMP error before it says which one: neither writable nor
	 * failed means that it will be in a moment. */
	if (getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
		on_refused(i);
	else if (events & LOOP_WRITE)
		start_relay(i);
}

static void on_impatience(struct loop_timer *timer)
{
	struct inbound *i = owner_of(timer, struct inbound, patience);

	if (i->number < 0)
		next_backend(i);
	else
		on_refused(i);
}

static void connect_backend(struct inbound *i);

static void on_socket(struct sockets_wait *wait)
{
	connect_backend(owner_of(wait, struct inbound, wait));
}

static void be_patient(struct inbound *i)
{
	if (!i->patience.loop)
		loop_timer_set(i->all->g->loop, &i->patience, INBOUND_CONNECT_MS);
}

static int wait_for_answer(struct inbound *i)
{
	backend(i)->on_event = on_connected;
	be_patient(i);
	return loop_add(i->all->g->loop, backend(i), LOOP_WRITE, NULL);
}

/* A connection of the same four numbers is there, or was a moment ago (TIME-WAIT). */
static void try_any_port(struct inbound *i)
{
	i->any_port = true;
	fd_close(&backend(i)->fd);
	connect_backend(i);
}

/* With a socket, or in line for one. */
static void connect_backend(struct inbound *i)
{
	uint8_t family = family_of(i);
	int fd = sockets_take(i->all->g, i->member, family), result;

	if (fd < 0) {
		i->wait.on_socket = on_socket;
		sockets_wait_add(i->member, family, &i->wait);
		be_patient(i);
		return;
	}
	backend(i)->fd = fd;
	bind_source(i, fd, family);
	result = call(i, fd, family);
	if (result > 0)
		start_relay(i);
	else if (result < 0 && errno == EADDRNOTAVAIL && !i->any_port)
		try_any_port(i);
	else if (result < 0 || wait_for_answer(i) < 0)
		on_refused(i);
}

/* A container that was started a moment ago may listen in the next one. */
static void knock_again(struct inbound *i)
{
	if (!balance_knock_again(&i->published->balance, time_boot_ms())) {
		reset(i);
		return;
	}
	i->tried = (struct balance_tried){ { 0 } };
	loop_timer_set(i->all->g->loop, &i->patience, KNOCK_MS);
}

static void next_backend(struct inbound *i)
{
	i->number = publish_pick(i->published, &i->tried, time_boot_ms());
	if (i->number < 0) {
		knock_again(i);
		return;
	}
	balance_try(&i->tried, i->number);
	i->member = i->published->members[i->number];
	i->member->stats.published_open++;
	connect_backend(i);
}

void inbound_start(struct inbounds *all, struct published *p, int fd,
		   const struct address *client, uint16_t client_port)
{
	struct inbound *i = calloc(1, sizeof(*i));

	if (!i)
		abort();
	i->all = all;
	i->published = p;
	i->client = *client;
	i->client_port = client_port;
	i->patience.on_time = on_impatience;
	*client_fd(i) = fd;
	backend(i)->fd = -1;
	i->next = all->first;
	i->place = &all->first;
	if (i->next)
		i->next->place = &i->next;
	all->first = i;
	all->count++;
	p->clients++;
	next_backend(i);
}

void inbound_end_all(struct inbounds *all, const struct published *p)
{
	struct inbound *i = all->first, *next;

	for (; i; i = next) {
		next = i->next;
		if (!p || i->published == p)
			reset(i);
	}
}

void inbound_member_leaves(struct inbounds *all, const struct gate_member *m)
{
	struct inbound *i = all->first, *next;

	for (; i; i = next) {
		next = i->next;
		if (i->member != m)
			continue;
		if (i->relays) {
			reset(i);
		} else {
			leave_backend(i);
			next_backend(i);
		}
	}
}
