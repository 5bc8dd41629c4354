#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "gate/packet.h"
#include "gate/siphash.h"
#include "gate/udp_flow.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "wire/stats.h"

enum {
	CLIENT_BUCKETS = 256,
	PORT_TRIES = 16,
	PORT_LEAST = 1024,
	CLIENTS_OF_ONE_MAX = FLOW_ACCOUNT_MAX / 4, /* who writes any source address has no more */
};

struct udp_published {
	struct udp *u;
	struct udp_published *next;
	void *publication;
	struct loop_source source;
	bool six;				/* its socket is of IPv6, perhaps for both */
	struct siphash_key secret;
	struct udp_flow *clients[CLIENT_BUCKETS];
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static struct udp_flow **bucket_of(struct udp_published *p, const struct address *client,
				   uint16_t port)
{
	uint8_t ends[sizeof(client->bytes) + sizeof(port)];

	memcpy(ends, client->bytes, sizeof(client->bytes));
	memcpy(ends + sizeof(client->bytes), &port, sizeof(port));
	return &p->clients[siphash(&p->secret, ends, sizeof(ends)) % CLIENT_BUCKETS];
}

/* A link-local client is one of its link: another one may have the same address. */
static struct udp_flow **client_at(struct udp_published *p, const struct address *client,
				   uint16_t port, uint32_t link)
{
	struct udp_flow **at;

	for (at = bucket_of(p, client, port); *at; at = &(*at)->next_client)
		if ((*at)->client_port == port && (*at)->client_link == link &&
		    address_equal(&(*at)->client, client))
			break;
	return at;
}

void udp_published_forget(struct udp_flow *f)
{
	struct udp_flow **at =
		client_at(f->published, &f->client, f->client_port, f->client_link);
	struct udp *u = f->u;

	if (*at == f)
		*at = f->next_client;
	f->flow.account->clients--;
	if (u->setup.unpick)
		u->setup.unpick(u->setup.ctx, f->published->publication, f->number);
}

/* A link-local address is one of the container's own link there, and is not forwarded (RFC 4291
 * 2.5.6). */
static bool leads_elsewhere(const struct udp *u, const struct address *client)
{
	return address_is_loopback(client) ||
	       (client->family == AF_INET6 && client->bytes[0] == 0xfe &&
		(client->bytes[1] & 0xc0) == 0x80) ||
	       (u->setup.leads_nowhere && u->setup.leads_nowhere(u->setup.ctx, client));
}

/* How the container sees the client: as it is, or where its address would lead elsewhere from
 * there, as the gateway with a port of its own. */
static bool shown_as(struct udp *u, const struct address *client, struct flow_key *key)
{
	const struct address *gateway = key->inside.family == AF_INET ? &u->setup.gateway4
								      : &u->setup.gateway6;
	int i;

	if (client->family == key->inside.family && !leads_elsewhere(u, client)) {
		key->outside = *client;
		return !flow_find(u->setup.flows, key);
	}
	if (gateway->family != key->inside.family)
		return false;
	key->outside = *gateway;
	for (i = 0; i < PORT_TRIES && flow_find(u->setup.flows, key); i++) {
		if (getrandom(&key->outside_port, sizeof(key->outside_port), 0) < 0)
			abort();
		key->outside_port |= PORT_LEAST;
	}
	return i < PORT_TRIES;
}

/* For a client more of a container that has all it may: the one of its bucket that was heard of
 * least lately goes. So a flood from forged addresses costs the container neither its own flows
 * nor clients that go on. */
static bool make_room(struct udp_published *p, const struct address *client, uint16_t port,
		      const struct flow_account *account)
{
	struct udp_flow *f, *oldest = NULL;

	if (account->clients < CLIENTS_OF_ONE_MAX &&
	    account->clients < flow_table_free(p->u->setup.flows))
		return true;
	for (f = *bucket_of(p, client, port); f; f = f->next_client)
		if (f->flow.account == account && (!oldest || f->used_ms < oldest->used_ms))
			oldest = f;
	if (oldest)
		udp_flow_end(oldest);
	return oldest;
}

static struct udp_flow *client_new(struct udp_published *p, const struct address *client,
				   uint16_t port, uint32_t link)
{
	struct udp_flow *f;
	struct udp_ruling ruling = { .verdict = UDP_IGNORE };
	struct udp *u = p->u;
	struct flow_key key;

	u->setup.pick(u->setup.ctx, p->publication, client, &ruling);
	if (ruling.verdict != UDP_CONNECT)
		return NULL;
	memset(&key, 0, sizeof(key));
	key.inside = ruling.address;
	key.inside_port = ruling.port;
	key.outside_port = port;
	key.protocol = IPPROTO_UDP;
	f = make_room(p, client, port, ruling.payer.account) && shown_as(u, client, &key)
		    ? udp_flow_create(u, &key, &ruling)
		    : NULL;
	if (!f) {
		if (u->setup.unpick)
			u->setup.unpick(u->setup.ctx, p->publication, ruling.number);
		return NULL;
	}
	f->published = p;
	f->client = *client;
	f->client_port = port;
	f->client_link = link;
	f->number = ruling.number;
	f->flow.account->clients++;
	*client_at(p, client, port, link) = f;
	if (f->payer.stats)
		f->payer.stats->published++;
	return f;
}

/* Which of our addresses the client had asked: it expects the answer from there. */
static struct address asked_address(struct msghdr *m)
{
	struct address none = { 0 };
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			return address_of_bytes(
				&((struct in_pktinfo *)CMSG_DATA(c))->ipi_spec_dst, 4);
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			return address_of_bytes(
				&((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, 16);
	}
	return none;
}

static uint32_t link_of(const struct sockaddr_storage *from)
{
	return from->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)from)->sin6_scope_id : 0;
}

static void on_client(struct loop_source *source, unsigned events)
{
	struct udp_published *p = owner_of(source, struct udp_published, source);
	struct iovec data = { p->u->datagram, UDP_DATAGRAM_MAX };
	struct sockaddr_storage from;
	union control control;
	struct address client;
	struct udp_flow *f;
	struct msghdr m;
	uint16_t port;
	ssize_t n;
	int i;

	(void)events;
	for (i = 0; i < UDP_BATCH; i++) {
		m = (struct msghdr){ .msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &data,
				     .msg_iovlen = 1,
				     .msg_control = &control,
				     .msg_controllen = sizeof(control) };
		n = recvmsg(p->source.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 || !address_of_socket(&from, &client, &port))
			continue;
		client = address_unmapped(&client);
		f = *client_at(p, &client, port, link_of(&from));
		if (f && p->u->setup.moves_on &&
		    p->u->setup.moves_on(p->u->setup.ctx, p->publication, f->number)) {
			udp_flow_end(f);
			f = NULL;
		}
		if (!f)
			f = client_new(p, &client, port, link_of(&from));
		if (!f)
			continue;
		f->asked = asked_address(&m);
		udp_flow_used(f);
		udp_flow_deliver(f, p->u->datagram, n);
		if (f->payer.stats)
			f->payer.stats->published_in += n;
	}
}

/* The answer's source is where the client had asked. */
static void set_source(struct msghdr *m, union control *control, const struct address *asked)
{
	struct in6_pktinfo six = { 0 };
	struct in_pktinfo four = { 0 };
	struct cmsghdr *c;

	if (!asked->family)
		return;
	memset(control, 0, sizeof(*control));
	m->msg_control = control;
	m->msg_controllen = sizeof(*control);
	c = CMSG_FIRSTHDR(m);
	if (asked->family == AF_INET) {
		memcpy(&four.ipi_spec_dst, asked->bytes, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(four));
		memcpy(CMSG_DATA(c), &four, sizeof(four));
	} else {
		memcpy(&six.ipi6_addr, asked->bytes, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(six));
		memcpy(CMSG_DATA(c), &six, sizeof(six));
	}
	m->msg_controllen = CMSG_SPACE(asked->family == AF_INET ? sizeof(four) : sizeof(six));
}

/* An IPv6 socket names an IPv4 client as ::ffff:a.b.c.d (ipv6(7)). */
static socklen_t client_socket(const struct udp_flow *f, struct sockaddr_storage *to)
{
	struct address mapped = { .family = AF_INET6, .bytes = { [10] = 0xff, [11] = 0xff } };
	socklen_t size;

	if (!f->published->six || f->client.family == AF_INET6) {
		size = address_to_socket(&f->client, f->client_port, to);
		if (f->client.family == AF_INET6)
			((struct sockaddr_in6 *)to)->sin6_scope_id = f->client_link;
		return size;
	}
	memcpy(mapped.bytes + 12, f->client.bytes, 4);
	return address_to_socket(&mapped, f->client_port, to);
}

void udp_published_send(struct udp_flow *f, const struct packet *p)
{
	struct iovec data = { (void *)p->payload, p->payload_bytes };
	struct sockaddr_storage to;
	struct msghdr m = { .msg_name = &to, .msg_iov = &data, .msg_iovlen = 1 };
	union control control;

	m.msg_namelen = client_socket(f, &to);
	set_source(&m, &control, &f->asked);
	if (sendmsg(f->published->source.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		payer_drop(&f->payer);
	} else if (f->payer.stats) {
		f->payer.stats->published_out += p->payload_bytes;
	}
}

struct udp_published *udp_publish(struct udp *u, int fd, void *publication, struct err *e)
{
	struct udp_published *p = calloc(1, sizeof(*p));
	socklen_t size = sizeof(int);
	int domain = 0, on = 1;

	if (!p || getrandom(&p->secret, sizeof(p->secret), 0) != sizeof(p->secret))
		abort();
	p->u = u;
	p->publication = publication;
	p->source.fd = fd;
	p->source.on_event = on_client;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
	    (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 && domain == AF_INET) ||
	    (domain == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)) {
		err_sys(e, "publish a UDP port: its socket");
		goto undo;
	}
	p->six = domain == AF_INET6;
	if (fd_set_nonblock(fd, e) < 0 || loop_add(u->setup.loop, &p->source, LOOP_READ, e) < 0)
		goto undo;
	p->next = u->published;
	u->published = p;
	return p;
undo:
	fd_close(&p->source.fd);
	free(p);
	return NULL;
}

void udp_withdraw(struct udp_published *p)
{
	struct udp_published **at;
	int i;

	if (!p)
		return;
	for (i = 0; i < CLIENT_BUCKETS; i++)
		while (p->clients[i])
			udp_flow_end(p->clients[i]);
	loop_remove(&p->source);
	fd_close(&p->source.fd);
	for (at = &p->u->published; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	free(p);
}
