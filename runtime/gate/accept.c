#include "gate/accept.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "gate/carriers.h"
#include "gate/gate.h"
#include "gate/inbound.h"
#include "gate/pipes.h"
#include "gate/relay.h"
#include "gate/sockets.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

enum {
	BATCH = 16,		/* of one port before others get their turn */
	RETRY_MS = 100,		/* when the kernel has no fd or memory left */
	PORT_SHARE = 4,		/* one port takes a part of this many: the others stay open */
	CONGESTION_BYTES = 17,	/* TCP_CA_NAME_MAX, terminated */
};

struct accept {
	struct gate_part part;
	struct gate *g;
	struct inbounds clients;
	unsigned clients_max;
	bool full;			/* no port is watched */
	bool holds;			/* a port has its share, until others end */
	bool told;			/* of the kernel's lack */
	struct loop_timer retry;
	char usual[CONGESTION_BYTES];	/* how a socket is slowed down here */
};

/* The listening socket hands its options on to each client's, so no call is needed for them.
 * Keep-alive: a client that vanished without a word does not stay for good. Unpaced before there is
 * a connection: one that was BBR's is paced by a timer for good, whatever it is later
 * (sk_pacing_status in net/ipv4/tcp_bbr.c). */
static void set_options(int fd)
{
	const int on = 1, idle_s = 300, interval_s = 60, count = 5;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	relay_unpaced(fd);
}

/* As sockets are here that nobody has set anything for. "": nobody knows. */
static void read_usual(char name[CONGESTION_BYTES])
{
	AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = CONGESTION_BYTES - 1;

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) < 0)
		name[0] = '\0';
}

/* A client from elsewhere, which the network's losses are between. */
static void set_usual(const struct accept *a, int fd)
{
	if (a->usual[0])
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, a->usual,
			   (socklen_t)strlen(a->usual));
}

/* As in the flow table (flow.h) no port has more than are free for the others. */
static bool has_room(const struct accept *a, const struct published *p)
{
	return !a->full && p->clients < a->clients_max / PORT_SHARE &&
	       p->clients < a->clients_max - a->clients.count;
}

/* Without a source it is being withdrawn. */
static void watch(struct accept *a, struct published *p)
{
	bool wanted = p->source.fd >= 0 && publish_has_backend(p), open = has_room(a, p);
	struct err e;

	a->holds |= wanted && !open;
	if (!wanted || !open)
		loop_remove(&p->source);
	else if (!p->source.loop && loop_add(a->g->loop, &p->source, LOOP_READ, &e) < 0)
		log_err("port %s: %s", p->key, e.text);
}

static void watch_all(struct accept *a)
{
	struct published *p = NULL;

	a->holds = false;
	while ((p = publish_next(&a->g->published, p)))
		if (p->protocol == IPPROTO_TCP)
			watch(a, p);
}

static void set_full(struct accept *a, bool full)
{
	if (full == a->full)
		return;
	a->full = full;
	watch_all(a);
}

static void on_client_end(struct inbounds *all, struct published *p)
{
	struct accept *a = owner_of(all, struct accept, clients);

	if (!a->retry.loop)
		set_full(a, all->count >= a->clients_max);
	if (a->holds)
		watch_all(a);
	watch(a, p);
}

static void on_retry(struct loop_timer *timer)
{
	struct accept *a = owner_of(timer, struct accept, retry);

	set_full(a, a->clients.count >= a->clients_max);
}

/* False: nobody waits any more, or there is no room. */
static bool take_one(struct accept *a, struct published *p)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	int fd = accept4(p->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct address client;
	uint16_t port = 0;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		if (!a->told)
			log_warn("port %s: accept: %m; clients wait until others end", p->key);
		a->told = true;
		set_full(a, true);
		loop_timer_set(a->g->loop, &a->retry, RETRY_MS);
	}
	if (fd < 0)
		return errno == ECONNABORTED;
	if (!address_of_socket(&from, &client, &port)) {
		fd_close(&fd);
		return true;
	}
	client = address_unmapped(&client);
	if (!address_is_loopback(&client))
		set_usual(a, fd);
	inbound_start(&a->clients, p, fd, &client, port);
	set_full(a, a->full || a->clients.count >= a->clients_max);
	watch(a, p);
	return has_room(a, p);
}

static void on_client(struct loop_source *source, unsigned events)
{
	struct published *p = owner_of(source, struct published, source);
	struct accept *a = p->state;
	int left = BATCH;

	(void)events;
	/* Others may have come to theirs since it was watched. */
	watch(a, p);
	while (left-- > 0 && has_room(a, p) && take_one(a, p))
		;
}

static void on_published(struct gate_part *part, struct gate *g, struct published *p)
{
	struct accept *a = owner_of(part, struct accept, part);
	unsigned i;

	if (p->protocol != IPPROTO_TCP)
		return;
	if (p->source.fd != p->fd) {
		set_options(p->fd);
		p->source.fd = p->fd;
		p->source.on_event = on_client;
		p->state = a;
	}
	for (i = 0; i < p->balance.count; i++)
		if (p->members[i])
			sockets_prepare(g, p->members[i]);
	watch(a, p);
}

static void on_withdrawn(struct gate_part *part, struct gate *g, struct published *p)
{
	struct accept *a = owner_of(part, struct accept, part);

	(void)g;
	if (p->protocol != IPPROTO_TCP)
		return;
	loop_remove(&p->source);
	p->source.fd = -1;
	p->state = NULL;
	inbound_end_all(&a->clients, p);
}

static void on_member_leaves(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	struct accept *a = owner_of(part, struct accept, part);

	(void)g;
	inbound_member_leaves(&a->clients, m);
	sockets_destroy(m->sockets);
	m->sockets = NULL;
}

/* A rate may be another one now, a container's own or its network's. */
static void on_network(struct gate_part *part, struct gate *g, int tun_fds[TUN_DEVICES_MAX])
{
	(void)g;
	(void)tun_fds;
	carriers_rates_changed(owner_of(part, struct accept, part)->clients.carriers);
}

static void on_member(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	(void)g;
	(void)m;
	carriers_rates_changed(owner_of(part, struct accept, part)->clients.carriers);
}

static void on_stats(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	(void)g;
	(void)m;
	carriers_count(owner_of(part, struct accept, part)->clients.carriers);
}

/* Two fds for each client, and as many again for what else lives here. */
static unsigned room(void)
{
	struct rlimit files = { .rlim_cur = 1024 };
	unsigned pairs;

	getrlimit(RLIMIT_NOFILE, &files);
	pairs = files.rlim_cur > 4 * CLIENTS_MAX ? CLIENTS_MAX : (unsigned)files.rlim_cur / 4;
	return pairs;
}

struct accept *accept_create(struct gate *g, struct carriers *carriers)
{
	struct accept *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->g = g;
	a->clients_max = room();
	a->clients.g = g;
	a->clients.pipes = pipes_create();
	a->clients.carriers = carriers;
	bulk_init(&a->clients.bulk, g->loop, 1);
	a->clients.on_end = on_client_end;
	a->retry.on_time = on_retry;
	read_usual(a->usual);
	a->part.network = on_network;
	a->part.member = on_member;
	a->part.stats = on_stats;
	a->part.published = on_published;
	a->part.withdrawn = on_withdrawn;
	a->part.member_leaves = on_member_leaves;
	gate_add_part(g, &a->part);
	return a;
}

void accept_destroy(struct accept *a)
{
	if (!a)
		return;
	loop_timer_off(&a->retry);
	inbound_end_all(&a->clients, NULL);
	pipes_destroy(a->clients.pipes);
	free(a);
}
