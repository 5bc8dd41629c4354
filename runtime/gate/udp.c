#include "gate/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/packet.h"
#include "gate/path_error.h"
#include "gate/rate.h"
#include "gate/tun.h"
#include "gate/udp_flow.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"
#include "wire/stats.h"

enum { DNS_PORT = 53, HOPS_SPECIAL = 32, HOPS_USUAL = 64 };

/* ---- flows by age */

static void row_unlink(struct udp_flow *f)
{
	*(f->newer ? &f->newer->older : &f->row->newest) = f->older;
	*(f->older ? &f->older->newer : &f->row->oldest) = f->newer;
}

static void row_link(struct udp_flow *f)
{
	f->newer = NULL;
	f->older = f->row->newest;
	*(f->older ? &f->older->newer : &f->row->oldest) = f;
	f->row->newest = f;
}

void udp_flow_used(struct udp_flow *f)
{
	f->used_ms = time_boot_ms();
	if (f->row->newest == f)
		return;
	row_unlink(f);
	row_link(f);
}

static void on_sweep(struct loop_timer *timer)
{
	struct udp *u = owner_of(timer, struct udp, sweep);
	uint64_t now_ms = time_boot_ms();
	int i;

	for (i = 0; i < 2; i++)
		while (u->rows[i].oldest &&
		       u->rows[i].oldest->used_ms + u->rows[i].idle_ms <= now_ms)
			udp_flow_end(u->rows[i].oldest);
	if (u->rows[0].oldest || u->rows[1].oldest)
		loop_timer_set(u->setup.loop, &u->sweep, UDP_SWEEP_MS);
}

struct udp_flow *udp_flow_create(struct udp *u, const struct flow_key *key,
				 const struct udp_ruling *ruling)
{
	struct udp_flow *f;

	if (flow_find(u->setup.flows, key))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->u = u;
	f->flow.key = *key;
	f->source.fd = -1;
	f->payer = ruling->payer;
	f->source.lane = ruling->payer.lane;
	if (flow_add(u->setup.flows, &f->flow, ruling->payer.account) < 0) {
		if (f->payer.stats)
			f->payer.stats->limited++;
		free(f);
		return NULL;
	}
	f->used_ms = time_boot_ms();
	f->row = &u->rows[key->outside_port == DNS_PORT];
	row_link(f);
	if (f->payer.stats) {
		f->payer.stats->flows_udp++;
		f->payer.stats->flows_open++;
	}
	if (!u->sweep.loop)
		loop_timer_set(u->setup.loop, &u->sweep, UDP_SWEEP_MS);
	return f;
}

void udp_flow_end(struct udp_flow *f)
{
	if (f->source.fd >= 0) {
		loop_remove(&f->source);
		fd_close(&f->source.fd);
	}
	if (f->published)
		udp_published_forget(f);
	if (f->payer.stats)
		f->payer.stats->flows_open--;
	row_unlink(f);
	flow_remove(f->u->setup.flows, &f->flow);
	free(f);
}

/* ---- from outside */

/* False: it was lost. */
static bool deliver(struct udp *u, const struct address *from, uint16_t from_port,
		    const struct address *to, uint16_t to_port, const void *bytes,
		    size_t size_bytes)
{
	uint8_t headers[PACKET_HEADERS_MAX];
	struct tun_offload offload = { 0 };
	struct iovec pieces[2] = { { .iov_base = headers },
				   { .iov_base = (void *)bytes, .iov_len = size_bytes } };

	pieces[0].iov_len = packet_build_udp(headers, &offload, from, from_port, to, to_port,
					     size_bytes);
	return pieces[0].iov_len > 0 && tun_send(u->setup.tun, &offload, pieces, 2) == 0;
}

void udp_answer(struct udp *u, const struct address *from, uint16_t from_port,
		const struct address *to, uint16_t to_port, const void *bytes, size_t size_bytes)
{
	deliver(u, from, from_port, to, to_port, bytes, size_bytes);
}

void udp_flow_deliver(struct udp_flow *f, const void *bytes, size_t size_bytes)
{
	const struct flow_key *k = &f->flow.key;
	size_t ip_bytes = (k->inside.family == AF_INET ? 28 : 48) + size_bytes;
	bool sent = (!f->payer.rate_in || rate_admit(f->payer.rate_in, ip_bytes, time_boot_ns())) &&
		    deliver(f->u, &k->outside, k->outside_port, &k->inside, k->inside_port, bytes,
			    size_bytes);

	if (!f->payer.stats)
		return;
	if (sent) {
		f->payer.stats->packets_in++;
		f->payer.stats->bytes_in += ip_bytes;
	} else {
		f->payer.stats->dropped++;
	}
}

/* The packet that an error is about, as the container had sent it: its ports are what counts. */
static void pass_error(struct udp_flow *f, const struct path_error *error)
{
	const struct flow_key *k = &f->flow.key;
	uint8_t headers[PACKET_HEADERS_MAX];
	struct tun_offload offload = { 0 };
	struct packet cause;
	size_t size;

	size = packet_build_udp(headers, &offload, &k->inside, k->inside_port, &k->outside,
				k->outside_port, 0);
	if (size > 0 && packet_parse(&cause, headers, size) == PACKET_GOOD)
		path_error_pass(f->u->setup.tun, error, &k->outside, &cause);
}

static void read_errors(struct udp_flow *f)
{
	struct path_error error;
	socklen_t size = sizeof(int);
	int i, number;

	for (i = 0; i < UDP_BATCH && path_error_read(f->source.fd, &error); i++)
		pass_error(f, &error);
	/* So that epoll does not report it for ever (socket(7)). */
	getsockopt(f->source.fd, SOL_SOCKET, SO_ERROR, &number, &size);
}

static void on_outside(struct loop_source *source, unsigned events)
{
	struct udp_flow *f = owner_of(source, struct udp_flow, source);
	int i, most = loop_is_quiet(source->loop) ? UDP_BATCH : UDP_BATCH_SHARED;
	ssize_t n;

	if (events & LOOP_HANGUP)
		read_errors(f);
	for (i = 0; i < most; i++) {
		n = recv(f->source.fd, f->u->datagram, UDP_DATAGRAM_MAX, MSG_DONTWAIT);
		if (n < 0)
			break;
		udp_flow_deliver(f, f->u->datagram, n);
	}
	if (i > 0)
		udp_flow_used(f);
}

/* ---- from the container */

static const struct address *gateway_of(const struct udp *u, const struct packet *p)
{
	return p->from.family == AF_INET ? &u->setup.gateway4 : &u->setup.gateway6;
}

/* A small one means that the container looks for its path (traceroute). */
static void set_hops(struct udp_flow *f, uint8_t hops)
{
	int value = hops < HOPS_SPECIAL ? hops : HOPS_USUAL;

	if (value == f->hops || (f->hops == 0 && value == HOPS_USUAL))
		return;
	f->hops = value;
	if (f->flow.key.inside.family == AF_INET)
		setsockopt(f->source.fd, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	else
		setsockopt(f->source.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, sizeof(value));
}

static int flow_connect(struct udp_flow *f, const struct udp_ruling *ruling)
{
	struct sockaddr_storage to;

	f->source.on_event = on_outside;
	f->source.fd = socket(ruling->address.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->source.fd < 0)
		return -1;
	path_error_listen(f->source.fd, ruling->address.family);
	if (connect(f->source.fd, (struct sockaddr *)&to,
		    address_to_socket(&ruling->address, ruling->port, &to)) < 0)
		return -1;
	return loop_add(f->u->setup.loop, &f->source, LOOP_READ, NULL);
}

static struct udp_flow *flow_open(struct udp *u, const struct flow_key *key,
				  const struct udp_ruling *ruling, const struct packet *p)
{
	struct udp_flow *f = udp_flow_create(u, key, ruling);
	struct path_error error;

	if (!f)
		return NULL;
	if (flow_connect(f, ruling) == 0)
		return f;
	if (path_error_of_errno(errno, p->from.family, &error))
		path_error_pass(u->setup.tun, &error, gateway_of(u, p), p);
	else
		payer_drop(&f->payer);
	udp_flow_end(f);
	return NULL;
}

static void send_outside(struct udp_flow *f, const struct packet *p)
{
	struct path_error error;
	int tries;

	set_hops(f, p->hops);
	/* The first one may only hand us the error of an earlier datagram. */
	for (tries = 0; tries < 2; tries++) {
		if (send(f->source.fd, p->payload, p->payload_bytes, MSG_NOSIGNAL) >= 0)
			return;
		if (errno == EAGAIN || errno == ENOBUFS)
			break;
		if (path_error_read(f->source.fd, &error) ||
		    (tries == 1 && path_error_of_errno(errno, p->from.family, &error)))
			path_error_pass(f->u->setup.tun, &error, gateway_of(f->u, p), p);
	}
	payer_drop(&f->payer);
}

static void flow_send(struct udp_flow *f, const struct packet *p)
{
	if (!payer_admit_out(&f->payer, p->ip_bytes))
		return;
	udp_flow_used(f);
	if (f->published)
		udp_published_send(f, p);
	else
		send_outside(f, p);
}

static void first_packet(struct udp *u, const struct flow_key *key, const struct packet *p)
{
	struct udp_ruling ruling = { .verdict = UDP_IGNORE };
	struct udp_flow *f;

	u->setup.decide(u->setup.ctx, p, &ruling);
	switch (ruling.verdict) {
	case UDP_CONNECT:
		f = flow_open(u, key, &ruling, p);
		if (f)
			flow_send(f, p);
		return;
	case UDP_SERVE:
		payer_count_out(&ruling.payer, p->ip_bytes);
		ruling.service->on_datagram(ruling.service->ctx, p);
		return;
	case UDP_REFUSE: path_error_refuse(u->setup.tun, &p->to, p, false); return;
	case UDP_FORBID: path_error_refuse(u->setup.tun, gateway_of(u, p), p, true); return;
	case UDP_IGNORE: return;
	}
}

void udp_input_packet(struct udp *u, const struct packet *p, struct frame *frame)
{
	struct flow_key key;
	struct flow *found;

	(void)frame;
	memset(&key, 0, sizeof(key));
	key.inside = p->from;
	key.outside = p->to;
	key.inside_port = p->from_port;
	key.outside_port = p->to_port;
	key.protocol = IPPROTO_UDP;
	found = flow_find(u->setup.flows, &key);
	if (found)
		flow_send(owner_of(found, struct udp_flow, flow), p);
	else
		first_packet(u, &key, p);
}

void udp_forget_account(struct udp *u, const struct flow_account *account)
{
	struct udp_flow *f, *older;
	int i;

	for (i = 0; i < 2; i++) {
		for (f = u->rows[i].newest; f; f = older) {
			older = f->older;
			if (f->flow.account == account)
				udp_flow_end(f);
		}
	}
}

void udp_review(struct udp *u, const struct flow_account *account, flow_keep_fn *keeps, void *ctx)
{
	struct udp_flow *f, *older;
	int i;

	for (i = 0; i < 2; i++) {
		for (f = u->rows[i].newest; f; f = older) {
			older = f->older;
			if (!f->published && (!account || f->flow.account == account) &&
			    !keeps(ctx, &f->flow.key))
				udp_flow_end(f);
		}
	}
}

struct udp *udp_create(const struct udp_setup *setup)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u)
		abort();
	u->setup = *setup;
	u->rows[0].idle_ms = UDP_IDLE_MS;
	u->rows[1].idle_ms = UDP_IDLE_SHORT_MS;
	u->sweep.on_time = on_sweep;
	return u;
}

void udp_destroy(struct udp *u)
{
	int i;

	if (!u)
		return;
	while (u->published)
		udp_withdraw(u->published);
	for (i = 0; i < 2; i++)
		while (u->rows[i].oldest)
			udp_flow_end(u->rows[i].oldest);
	loop_timer_off(&u->sweep);
	free(u);
}
