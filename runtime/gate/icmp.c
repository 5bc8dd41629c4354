#include "gate/icmp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include "gate/flow.h"
#include "gate/packet.h"
#include "gate/path_error.h"
#include "gate/rate.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/time.h"
#include "wire/stats.h"

enum {
	BATCH = 32,
	IDLE_MS = 30000,
	SWEEP_MS = 1000,
	HEADER_BYTES = 8,
	ECHO_MAX = 65535,
};

struct echo {
	struct flow flow;		/* inside_port: the id the container chose */
	struct icmp *i;
	struct echo *newer, *older;	/* by use */
	uint64_t used_ms;
	struct payer payer;
	struct loop_source source;
	int hops;			/* that the socket sends with; 0: the system's */
};

struct icmp {
	struct icmp_setup setup;
	struct echo *newest, *oldest;
	struct loop_timer sweep;
	uint8_t bytes[ECHO_MAX];
};

/* ---- flows by age */

static void unlink_used(struct echo *f)
{
	*(f->newer ? &f->newer->older : &f->i->newest) = f->older;
	*(f->older ? &f->older->newer : &f->i->oldest) = f->newer;
}

static void link_used(struct echo *f)
{
	f->used_ms = time_boot_ms();
	f->newer = NULL;
	f->older = f->i->newest;
	*(f->older ? &f->older->newer : &f->i->oldest) = f;
	f->i->newest = f;
}

static void echo_end(struct echo *f)
{
	if (f->source.fd >= 0) {
		loop_remove(&f->source);
		fd_close(&f->source.fd);
	}
	if (f->payer.stats)
		f->payer.stats->flows_open--;
	unlink_used(f);
	flow_remove(f->i->setup.flows, &f->flow);
	free(f);
}

static void on_sweep(struct loop_timer *timer)
{
	struct icmp *i = owner_of(timer, struct icmp, sweep);
	uint64_t now_ms = time_boot_ms();

	while (i->oldest && i->oldest->used_ms + IDLE_MS <= now_ms)
		echo_end(i->oldest);
	if (i->oldest)
		loop_timer_set(i->setup.loop, &i->sweep, SWEEP_MS);
}

/* ---- from outside */

static bool is_four(const struct echo *f)
{
	return f->flow.key.inside.family == AF_INET;
}

static void send_reply(struct icmp *i, const struct address *from, const struct address *to,
		       uint16_t id, uint16_t sequence, const uint8_t *data, size_t data_bytes,
		       struct stats *stats)
{
	uint8_t headers[PACKET_HEADERS_MAX];
	struct tun_offload offload = { 0 };
	struct iovec pieces[2] = { { .iov_base = headers },
				   { .iov_base = (void *)data, .iov_len = data_bytes } };
	uint8_t type = from->family == AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;

	pieces[0].iov_len = packet_build_echo(headers, &offload, from, to, type, id, sequence,
					      data_bytes);
	if (pieces[0].iov_len == 0 || tun_send(i->setup.tun, &offload, pieces, 2) < 0) {
		if (stats)
			stats->dropped++;
	} else if (stats) {
		stats->packets_in++;
		stats->bytes_in += pieces[0].iov_len + data_bytes;
	}
}

/* About the request whose beginning the error brought back: the sequence number is in it. */
static void pass_error(struct echo *f, const struct path_error *error)
{
	const struct flow_key *k = &f->flow.key;
	uint8_t headers[PACKET_HEADERS_MAX];
	struct tun_offload offload = { 0 };
	uint16_t sequence = 0;
	struct packet cause;
	size_t size;

	if (error->data_bytes >= HEADER_BYTES)
		sequence = error->data[6] << 8 | error->data[7];
	size = packet_build_echo(headers, &offload, &k->inside, &k->outside,
				 is_four(f) ? ICMP_ECHO : ICMPV6_ECHO_REQUEST, k->inside_port,
				 sequence, 0);
	if (size > 0 && packet_parse(&cause, headers, size) == PACKET_GOOD)
		path_error_pass(f->i->setup.tun, error, &k->outside, &cause);
}

static void read_errors(struct echo *f)
{
	struct path_error error;
	socklen_t size = sizeof(int);
	int count, number;

	for (count = 0; count < BATCH && path_error_read(f->source.fd, &error); count++)
		pass_error(f, &error);
	getsockopt(f->source.fd, SOL_SOCKET, SO_ERROR, &number, &size);
}

static void on_outside(struct loop_source *source, unsigned events)
{
	struct echo *f = owner_of(source, struct echo, source);
	uint8_t *in = f->i->bytes, reply = is_four(f) ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
	const struct flow_key *k = &f->flow.key;
	ssize_t n;
	int count;

	if (events & LOOP_HANGUP)
		read_errors(f);
	for (count = 0; count < BATCH; count++) {
		n = recv(f->source.fd, in, ECHO_MAX, MSG_DONTWAIT);
		if (n < 0)
			return;
		if (n < HEADER_BYTES || in[0] != reply)
			continue;
		if (f->payer.rate_in && !rate_admit(f->payer.rate_in, n, time_boot_ns())) {
			payer_drop(&f->payer);
			continue;
		}
		send_reply(f->i, &k->outside, &k->inside, k->inside_port, in[6] << 8 | in[7],
			   in + HEADER_BYTES, n - HEADER_BYTES, f->payer.stats);
	}
}

/* ---- from the container */

static struct echo *echo_create(struct icmp *i, const struct flow_key *key,
				const struct icmp_ruling *ruling)
{
	struct echo *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->i = i;
	f->flow.key = *key;
	f->source.fd = -1;
	f->payer = ruling->payer;
	f->source.lane = ruling->payer.lane;
	if (flow_add(i->setup.flows, &f->flow, ruling->payer.account) < 0) {
		if (f->payer.stats)
			f->payer.stats->limited++;
		free(f);
		return NULL;
	}
	if (f->payer.stats) {
		f->payer.stats->flows_icmp++;
		f->payer.stats->flows_open++;
	}
	link_used(f);
	if (!i->sweep.loop)
		loop_timer_set(i->setup.loop, &i->sweep, SWEEP_MS);
	return f;
}

static int echo_connect(struct echo *f, const struct address *address)
{
	struct sockaddr_storage to;
	bool four = is_four(f);

	f->source.on_event = on_outside;
	f->source.fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (f->source.fd < 0)
		return -1;
	path_error_listen(f->source.fd, address->family);
	if (connect(f->source.fd, (struct sockaddr *)&to, address_to_socket(address, 0, &to)) < 0)
		return -1;
	return loop_add(f->i->setup.loop, &f->source, LOOP_READ, NULL);
}

static const struct address *gateway_of(const struct icmp *i, const struct packet *p)
{
	return p->from.family == AF_INET ? &i->setup.gateway4 : &i->setup.gateway6;
}

static struct echo *echo_open(struct icmp *i, const struct flow_key *key,
			      const struct icmp_ruling *ruling, const struct packet *p)
{
	struct echo *f = echo_create(i, key, ruling);
	struct path_error error;

	if (!f)
		return NULL;
	if (echo_connect(f, &ruling->address) == 0)
		return f;
	/* EACCES here: ping_group_range does not hold our group. */
	if (path_error_of_errno(errno, p->from.family, &error))
		path_error_pass(i->setup.tun, &error, gateway_of(i, p), p);
	echo_end(f);
	return NULL;
}

/* As the container's, so that it can find its path; one system call per change. */
static void set_hops(struct echo *f, int hops)
{
	if (f->hops == hops)
		return;
	f->hops = hops;
	if (is_four(f))
		setsockopt(f->source.fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	else
		setsockopt(f->source.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
}

static void echo_send(struct echo *f, const struct packet *p)
{
	uint8_t header[HEADER_BYTES] = { p->icmp_type };
	struct iovec pieces[2] = { { header, sizeof(header) },
				   { (void *)p->payload, p->payload_bytes } };
	struct msghdr m = { .msg_iov = pieces, .msg_iovlen = 2 };
	struct path_error error;
	int tries;

	/* Id and checksum are the kernel's. */
	header[6] = p->icmp_sequence >> 8;
	header[7] = p->icmp_sequence & 0xff;
	set_hops(f, p->hops);
	for (tries = 0; tries < 2; tries++) {
		if (sendmsg(f->source.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return;
		if (errno == EAGAIN || errno == ENOBUFS)
			break;
		if (path_error_read(f->source.fd, &error))
			pass_error(f, &error);
		else if (tries == 1 && path_error_of_errno(errno, p->from.family, &error))
			path_error_pass(f->i->setup.tun, &error, gateway_of(f->i, p), p);
	}
	payer_drop(&f->payer);
}

static void flow_packet(struct echo *f, const struct packet *p)
{
	if (!payer_admit_out(&f->payer, p->ip_bytes))
		return;
	unlink_used(f);
	link_used(f);
	echo_send(f, p);
}

static void first_packet(struct icmp *i, const struct flow_key *key, const struct packet *p)
{
	struct icmp_ruling ruling = { .verdict = ICMP_IGNORE };
	struct echo *f;

	i->setup.decide(i->setup.ctx, p, &ruling);
	switch (ruling.verdict) {
	case ICMP_CONNECT:
		f = echo_open(i, key, &ruling, p);
		if (f)
			flow_packet(f, p);
		return;
	case ICMP_ANSWER:
		payer_count_out(&ruling.payer, p->ip_bytes);
		send_reply(i, &p->to, &p->from, p->icmp_id, p->icmp_sequence, p->payload,
			   p->payload_bytes, ruling.payer.stats);
		return;
	case ICMP_FORBID: path_error_refuse(i->setup.tun, gateway_of(i, p), p, true); return;
	case ICMP_IGNORE: return;
	}
}

void icmp_input_packet(struct icmp *i, const struct packet *p, struct frame *frame)
{
	struct flow_key key;
	struct flow *found;

	(void)frame;
	if (p->protocol == IPPROTO_ICMP ? p->icmp_type != ICMP_ECHO
					: p->icmp_type != ICMPV6_ECHO_REQUEST)
		return;
	memset(&key, 0, sizeof(key));
	key.inside = p->from;
	key.outside = p->to;
	key.inside_port = p->icmp_id;
	key.protocol = p->protocol;
	found = flow_find(i->setup.flows, &key);
	if (found)
		flow_packet(owner_of(found, struct echo, flow), p);
	else
		first_packet(i, &key, p);
}

void icmp_forget_account(struct icmp *i, const struct flow_account *account)
{
	struct echo *f, *older;

	for (f = i->newest; f; f = older) {
		older = f->older;
		if (f->flow.account == account)
			echo_end(f);
	}
}

void icmp_review(struct icmp *i, const struct flow_account *account, flow_keep_fn *keeps,
		 void *ctx)
{
	struct echo *f, *older;

	for (f = i->newest; f; f = older) {
		older = f->older;
		if ((!account || f->flow.account == account) && !keeps(ctx, &f->flow.key))
			echo_end(f);
	}
}

struct icmp *icmp_create(const struct icmp_setup *setup)
{
	struct icmp *i = calloc(1, sizeof(*i));

	if (!i)
		abort();
	i->setup = *setup;
	i->sweep.on_time = on_sweep;
	return i;
}

void icmp_destroy(struct icmp *i)
{
	if (!i)
		return;
	while (i->oldest)
		echo_end(i->oldest);
	loop_timer_off(&i->sweep);
	free(i);
}
