#include "gate/outward.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "gate/dns_tcp.h"
#include "gate/dns_udp.h"
#include "gate/egress.h"
#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/gate.h"
#include "gate/icmp.h"
#include "gate/input.h"
#include "gate/packet.h"
#include "gate/rate.h"
#include "gate/tcp.h"
#include "gate/tun.h"
#include "gate/udp.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

enum {
	FRAMES_MAX = 1024,	/* x 64 KiB, touched as far as packets reach */
	DNS_PORT = 53,
	/* As Linux bounds its own ones (icmp_msgs_per_sec): 1000 a second, as many at once. */
	ERROR_BYTES = 64,
	ERRORS_BITS_PER_S = 1000 * ERROR_BYTES * 8,
};

struct outward {
	struct gate_part part;
	struct gate *g;
	struct frame_pool *frames;
	struct input *input;
	struct tun *tun;
	/* Of each device: it, and the sockets of the flows of who is behind it. */
	struct loop_lane *lanes[TUN_DEVICES_MAX];
	struct flow_table *flows;
	struct tcp *tcp;
	struct udp *udp;
	struct icmp *icmp;
	struct dns_tcp *dns_tcp;
	struct dns_udp *dns_udp;
	struct udp_service udp_service;
};

static struct address loopback(uint8_t family)
{
	struct address a;

	address_parse(family == AF_INET ? "127.0.0.1" : "::1", &a);
	return a;
}

/* ---- rulings */

static struct payer payer_of(const struct outward *o, struct gate_member *m)
{
	return gate_member_payer(m, o->lanes[m->tun_device]);
}

/* A datagram or an echo that may not go. Whoever floods is not answered as fast as it asks. */
static bool is_told(struct gate_member *m)
{
	m->stats.refused++;
	return rate_admit(&m->errors, ERROR_BYTES, time_boot_ns());
}

static void decide_tcp(void *ctx, const struct packet *syn, struct tcp_ruling *r)
{
	struct outward *o = ctx;
	struct gate_member *m = gate_member_by_address(&o->g->members, &syn->from);

	*r = (struct tcp_ruling){ .verdict = TCP_IGNORE, .address = syn->to, .port = syn->to_port };
	if (!m)
		return;
	r->payer = payer_of(o, m);
	if (syn->to_port == DNS_PORT && gate_is_own(o->g, &syn->to)) {
		r->verdict = TCP_SERVE;
		r->service = dns_tcp_service(o->dns_tcp);
		return;
	}
	switch (egress_decide(o->g->egress, m->policy, IPPROTO_TCP, &syn->to, syn->to_port)) {
	case EGRESS_ALLOW:
		r->verdict = TCP_CONNECT;
		return;
	case EGRESS_HOST:
		r->verdict = TCP_CONNECT;
		r->address = loopback(syn->to.family);
		return;
	case EGRESS_REFUSE:
		r->verdict = TCP_REFUSE;
		m->stats.refused++;
	}
}

static void decide_udp(void *ctx, const struct packet *first, struct udp_ruling *r)
{
	struct outward *o = ctx;
	struct gate_member *m = gate_member_by_address(&o->g->members, &first->from);
	bool own = gate_is_own(o->g, &first->to);

	r->verdict = UDP_IGNORE;
	r->address = first->to;
	r->port = first->to_port;
	if (!m)
		return;
	r->payer = payer_of(o, m);
	if (own && first->to_port == DNS_PORT) {
		r->verdict = UDP_SERVE;
		r->service = &o->udp_service;
		return;
	}
	switch (egress_decide(o->g->egress, m->policy, IPPROTO_UDP, &first->to, first->to_port)) {
	case EGRESS_ALLOW:
		r->verdict = UDP_CONNECT;
		return;
	case EGRESS_HOST:
		r->verdict = UDP_CONNECT;
		r->address = loopback(first->to.family);
		return;
	case EGRESS_REFUSE:
		if (is_told(m))
			r->verdict = own ? UDP_REFUSE : UDP_FORBID;
	}
}

static void decide_icmp(void *ctx, const struct packet *first, struct icmp_ruling *r)
{
	struct outward *o = ctx;
	struct gate_member *m = gate_member_by_address(&o->g->members, &first->from);

	r->verdict = ICMP_IGNORE;
	r->address = first->to;
	if (!m)
		return;
	r->payer = payer_of(o, m);
	if (gate_is_own(o->g, &first->to)) {
		r->verdict = ICMP_ANSWER;
	} else if (egress_decide(o->g->egress, m->policy, first->protocol, &first->to, 0) ==
		   EGRESS_ALLOW) {
		r->verdict = ICMP_CONNECT;
	} else if (is_told(m)) {
		r->verdict = ICMP_FORBID;
	}
}

/* ---- what is open when something new is said */

struct review {
	struct outward *o;
	unsigned ended;
};

static bool keeps(void *ctx, const struct flow_key *k)
{
	struct review *r = ctx;
	struct gate *g = r->o->g;
	struct gate_member *m = gate_member_by_address(&g->members, &k->inside);

	if (egress_keeps(g->egress, m ? m->policy : NULL, k->protocol, &k->outside,
			 k->protocol == IPPROTO_TCP || k->protocol == IPPROTO_UDP ?
				 k->outside_port :
				 0))
		return true;
	if (m)
		m->stats.refused++;
	r->ended++;
	return false;
}

/* member NULL: all of them. */
static void review(struct outward *o, const struct gate_member *member)
{
	const struct flow_account *account = member ? &member->account : NULL;
	struct review r = { .o = o };

	if (!o->tcp || (account && account->flows == 0))
		return;
	tcp_review(o->tcp, account, keeps, &r);
	udp_review(o->udp, account, keeps, &r);
	icmp_review(o->icmp, account, keeps, &r);
	if (r.ended)
		log_info("%s: %u open flows ended, which are not allowed any more",
			 member ? member->container : o->g->network.name, r.ended);
}

/* ---- published UDP ports */

/* The container behind a published UDP port that gets this client's datagrams. */
static void pick_udp(void *ctx, void *publication, const struct address *client,
		     struct udp_ruling *r)
{
	struct outward *o = ctx;
	struct published *p = publication;
	int number = publish_pick(p, NULL, time_boot_ms());
	struct gate_member *m;

	r->verdict = UDP_IGNORE;
	if (number < 0)
		return;
	m = p->members[number];
	r->number = number;
	r->verdict = UDP_CONNECT;
	r->address = client->family == AF_INET6 && m->address6.family ? m->address6 : m->address4;
	if (!r->address.family)
		r->address = m->address6;
	r->port = p->container_port;
	r->payer = payer_of(o, m);
}

static void unpick_udp(void *ctx, void *publication, int number)
{
	(void)ctx;
	publish_done(publication, number);
}

static bool moves_on_udp(void *ctx, void *publication, int number)
{
	(void)ctx;
	return publish_moves_on(publication, number);
}

/* Who is on an internal network has no IPv4 route to elsewhere: a socket of his that is bound to no
 * address could not answer (of IPv6 the rule by source is asked in time: plug.h). */
static bool leads_nowhere(void *ctx, const struct address *client)
{
	const struct gate *g = ((struct outward *)ctx)->g;

	return gate_is_inside(g, client) || (g->network.internal && client->family == AF_INET);
}

static const char *who_of_address(void *ctx, const struct address *from)
{
	struct outward *o = ctx;
	struct gate_member *m = gate_member_by_address(&o->g->members, from);

	return m ? m->container : NULL;
}

static const char *who_of_packet(void *ctx, const struct packet *p)
{
	return who_of_address(ctx, &p->from);
}

/* ---- packets */

static void on_tcp(void *ctx, const struct packet *p, struct frame *f)
{
	tcp_input_packet(((struct outward *)ctx)->tcp, p, f);
}

static void on_udp(void *ctx, const struct packet *p, struct frame *f)
{
	udp_input_packet(((struct outward *)ctx)->udp, p, f);
}

static void on_icmp(void *ctx, const struct packet *p, struct frame *f)
{
	icmp_input_packet(((struct outward *)ctx)->icmp, p, f);
}

static void on_seen(void *ctx, const struct packet *p, struct frame *f)
{
	struct outward *o = ctx;
	struct gate_member *m;

	(void)f;
	if (p->protocol != IPPROTO_TCP)
		return;
	m = gate_member_by_address(&o->g->members, &p->from);
	if (!m)
		return;
	m->stats.packets_out++;
	m->stats.bytes_out += p->ip_bytes;
}

/* Where a packet of ours goes to, by its header. */
static struct address target_of(const struct iovec *parts)
{
	const uint8_t *ip = parts[0].iov_base;

	if (parts[0].iov_len >= 40 && ip[0] >> 4 == 6)
		return address_of_bytes(ip + 24, 16);
	if (parts[0].iov_len >= 20 && ip[0] >> 4 == 4)
		return address_of_bytes(ip + 16, 4);
	return (struct address){ 0 };
}

static unsigned way_of(void *ctx, const struct tun_offload *offload, const struct iovec *parts,
		       int count)
{
	struct outward *o = ctx;
	struct address to = target_of(parts);
	struct gate_member *m = gate_member_by_address(&o->g->members, &to);
	int i;

	if (!m)
		return 0;
	if (offload && offload->protocol == IPPROTO_TCP) {
		m->stats.packets_in++;
		for (i = 0; i < count; i++)
			m->stats.bytes_in += parts[i].iov_len;
	}
	return m->tun_device;
}

/* ---- the part */

static int start(struct outward *o, int fds[TUN_DEVICES_MAX], struct err *e)
{
	struct gate *g = o->g;
	const struct gate_network *n = &g->network;
	const struct input_setup inputs = {
		.loop = g->loop, .pool = o->frames, .ctx = o, .tcp = on_tcp,
		.udp = on_udp,	 .icmp = on_icmp,   .seen = on_seen,
	};
	struct tcp_setup tcp = { .loop = g->loop, .flows = o->flows, .gateway4 = n->gateway4,
				 .gateway6 = n->gateway6, .mtu = n->mtu, .decide = decide_tcp,
				 .ctx = o };
	struct udp_setup udp = { .loop = g->loop, .flows = o->flows, .gateway4 = n->gateway4,
				 .gateway6 = n->gateway6, .decide = decide_udp, .pick = pick_udp,
				 .unpick = unpick_udp, .moves_on = moves_on_udp,
				 .leads_nowhere = leads_nowhere, .ctx = o };
	struct icmp_setup icmp = { .loop = g->loop, .flows = o->flows, .gateway4 = n->gateway4,
				   .gateway6 = n->gateway6, .decide = decide_icmp, .ctx = o };

	o->input = input_create(&inputs);
	o->tun = tun_create(g->loop, o->frames, input_frame, o->input);
	for (int i = 0; i < TUN_DEVICES_MAX; i++)
		if (fds[i] >= 0 && tun_add(o->tun, take_fd(&fds[i]), o->lanes[i], e) < 0)
			return -1;
	tun_set_mtu(o->tun, n->mtu);
	tcp.tun = udp.tun = icmp.tun = g->tun = o->tun;
	o->tcp = tcp_create(&tcp);
	o->udp = udp_create(&udp);
	o->icmp = icmp_create(&icmp);
	o->dns_tcp = dns_tcp_create(g->loop, g->dns, who_of_address, o);
	o->dns_udp = dns_udp_create(g->dns, o->udp, who_of_packet, o);
	o->udp_service = (struct udp_service){ o->dns_udp, dns_udp_datagram };
	tun_set_way(o->tun, way_of, o);
	return 0;
}

static void on_network(struct gate_part *part, struct gate *g, int tun_fds[TUN_DEVICES_MAX])
{
	struct outward *o = owner_of(part, struct outward, part);
	struct err e;

	review(o, NULL);
	if (tun_fds[0] < 0)
		return;
	if (o->tun) {
		log_warn("%s: a second device is not taken", g->network.name);
		return;
	}
	/* Without its way out this gateway is of no use: netd starts another one. */
	if (start(o, tun_fds, &e) < 0) {
		log_err("%s: %s", g->network.name, e.text);
		loop_stop(g->loop);
	}
}

static void on_forbidden(struct gate_part *part, struct gate *g)
{
	(void)g;
	review(owner_of(part, struct outward, part), NULL);
}

static void on_member(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	(void)g;
	rate_change(&m->errors, ERRORS_BITS_PER_S, time_boot_ns());
	review(owner_of(part, struct outward, part), m);
}

static void on_member_leaves(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	struct outward *o = owner_of(part, struct outward, part);

	(void)g;
	if (o->tcp) {
		tcp_forget_account(o->tcp, &m->account);
		udp_forget_account(o->udp, &m->account);
		icmp_forget_account(o->icmp, &m->account);
	}
}

static void on_published(struct gate_part *part, struct gate *g, struct published *p)
{
	struct outward *o = owner_of(part, struct outward, part);
	struct err e;
	int fd;

	(void)g;
	if (p->protocol != IPPROTO_UDP || p->state)
		return;
	if (!o->udp) {
		log_warn("port %s: this network has no device yet", p->key);
		return;
	}
	fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	p->state = fd < 0 ? NULL : udp_publish(o->udp, fd, p, &e);
	if (fd < 0)
		log_err("port %s: dup: %m", p->key);
	else if (!p->state)
		log_err("port %s: %s", p->key, e.text);
}

static void on_withdrawn(struct gate_part *part, struct gate *g, struct published *p)
{
	(void)part;
	(void)g;
	if (p->protocol != IPPROTO_UDP)
		return;
	udp_withdraw(p->state);
	p->state = NULL;
}

/* One fd each, beside the clients of published ports (accept.c) and what else lives here. */
static uint32_t flows_max(void)
{
	struct rlimit files = { .rlim_cur = 1024 };
	rlim_t room;

	getrlimit(RLIMIT_NOFILE, &files);
	room = files.rlim_cur / 8 * 3;
	return room > FLOW_TABLE_MAX ? FLOW_TABLE_MAX : (uint32_t)room;
}

struct outward *outward_create(struct gate *g)
{
	struct outward *o = calloc(1, sizeof(*o));
	struct err e;

	if (!o)
		abort();
	o->g = g;
	o->frames = frame_pool_create(FRAMES_MAX);
	o->flows = g->flows = flow_table_create(flows_max());
	/* Now, before the jail takes the call that makes them. */
	for (int i = 0; i < TUN_DEVICES_MAX; i++) {
		o->lanes[i] = loop_lane_create(g->loop, &e);
		if (!o->lanes[i])
			die("%s", e.text);
	}
	o->part.network = on_network;
	o->part.forbidden = on_forbidden;
	o->part.member = on_member;
	o->part.member_leaves = on_member_leaves;
	o->part.published = on_published;
	o->part.withdrawn = on_withdrawn;
	gate_add_part(g, &o->part);
	return o;
}

void outward_destroy(struct outward *o)
{
	if (!o)
		return;
	dns_udp_destroy(o->dns_udp);
	dns_tcp_destroy(o->dns_tcp);
	icmp_destroy(o->icmp);
	udp_destroy(o->udp);
	tcp_destroy(o->tcp);
	tun_destroy(o->tun);
	for (int i = 0; i < TUN_DEVICES_MAX; i++)
		loop_lane_destroy(o->lanes[i]);
	input_destroy(o->input);
	flow_table_destroy(o->flows);
	frame_pool_destroy(o->frames);
	free(o);
}
