/* docker_lane.c - see docker_lane.h */
#include "net/docker_lane.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/rtnetlink.h"
#include "net/net_ns.h"
#include "net/plug.h"
#include "net/route_words.h"
#include "net/router.h"
#include "wire/docker_dns.h"

enum {
	TABLE = 102,
	RULE_SERVICE = 11, /* after what plug.c closes for marked packets, before `lookup local` */
	RULE_QUESTION = 12,
	RESOLVER_PORT = 1024, /* the first that one chooses itself */
	CLIENT_PORT = 32768, /* where nothing is said */
};

void docker_lane_pass(struct rtnetlink_batch *b)
{
	route_words_add(b, "lead 127.0.0.11 past its loopback", &(struct route_words){
		.to = { docker_dns_address(), 32 }, .type = RTN_THROW, .table = RT_TABLE_LOCAL });
}

/* TCP's first port of those that nobody has named. */
static int first_client_port(const struct plug *p, const struct router *r, unsigned *port,
			     struct err *e)
{
	char range[32];
	int failed;

	if (net_ns_enter(p->ns_fd, e))
		return -1;
	failed = net_ns_sysctl_read("ipv4/ip_local_port_range", range, sizeof(range), NULL);
	net_ns_return(r->own_ns_fd);
	*port = failed ? CLIENT_PORT : (unsigned)strtoul(range, NULL, 10);
	return 0;
}

/* By this table, if it is for port 53; end: and from a port before this one, 0 = from any. */
static void put_question(struct rtnetlink_batch *b, uint32_t priority, uint32_t table,
			 uint8_t protocol, unsigned end)
{
	const struct fib_rule_hdr head = { .family = AF_INET, .dst_len = 32,
					   .action = FR_ACT_TO_TBL };
	const struct address own = docker_dns_address();
	const struct fib_rule_port_range to = { DOCKER_DNS_PORT, DOCKER_DNS_PORT };
	const struct fib_rule_port_range from = { 1, (uint16_t)(end - 1) };

	rtnetlink_begin(b, "rule for 127.0.0.11", RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &head,
			sizeof(head));
	rtnetlink_fine(b, EEXIST);
	rtnetlink_put_u32(b, FRA_PRIORITY, priority);
	rtnetlink_put(b, FRA_DST, own.bytes, address_size(&own));
	rtnetlink_put_u32(b, FRA_TABLE, table);
	rtnetlink_put(b, FRA_DPORT_RANGE, &to, sizeof(to));
	if (protocol)
		rtnetlink_put_u8(b, FRA_IP_PROTO, protocol);
	if (end)
		rtnetlink_put(b, FRA_SPORT_RANGE, &from, sizeof(from));
}

static void let_answers_in(struct rtnetlink_batch *b, unsigned index)
{
	const struct ifinfomsg body = { .ifi_index = (int)index };
	size_t spec, family, conf;

	rtnetlink_begin(b, "let answers of 127.0.0.11 in", RTM_SETLINK, 0, &body, sizeof(body));
	spec = rtnetlink_nest(b, IFLA_AF_SPEC);
	family = rtnetlink_nest(b, AF_INET);
	conf = rtnetlink_nest(b, IFLA_INET_CONF);
	rtnetlink_put_u32(b, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
	rtnetlink_nest_end(b, conf);
	rtnetlink_nest_end(b, family);
	rtnetlink_nest_end(b, spec);
}

int docker_lane_lead(int fd, const struct plug *p, const struct router *r, unsigned index,
		     struct err *e)
{
	struct rtnetlink_batch b;
	unsigned port;

	if (first_client_port(p, r, &port, e))
		return -1;
	rtnetlink_init(&b);
	if (port > 1)
		put_question(&b, RULE_SERVICE, RT_TABLE_LOCAL, IPPROTO_TCP, port);
	put_question(&b, RULE_SERVICE, RT_TABLE_LOCAL, 0, RESOLVER_PORT);
	put_question(&b, RULE_QUESTION, TABLE, 0, 0);
	/* All of them first: without one the device would let in too much. */
	if (rtnetlink_send(fd, &b, e))
		return -1;
	rtnetlink_init(&b);
	route_words_add(&b, "route for 127.0.0.11", &(struct route_words){
		.to = { docker_dns_address(), 32 }, .via = &r->gateway4, .from = &p->address4,
		.index = index, .table = TABLE });
	let_answers_in(&b, index);
	return rtnetlink_send(fd, &b, e);
}
