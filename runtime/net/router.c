/* router.c - see router.h */
#include "net/router.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/rtnetlink.h"
#include "net/net_ns.h"
#include "net/plug.h"
#include "net/route_words.h"
#include "net/tun_device.h"

enum {
	LO_INDEX = 1,
	/* Packets of up to 64 KiB, 128 MiB at worst. 1,000 flows that begin at once need more than
	 * 1000; the gateway's windows are bounded by it. */
	TUN_QUEUE = 2000,
	/* IPv6 rules, in the order they are asked. */
	RULE_FROM_GATEWAY = 100,
	RULE_OWN = 101,
	RULE_MEMBER = 200,
	RULE_NOBODY = 30000,
	RULE_MAIN_DEFAULT = 32766, /* the kernel's own `lookup main` */
};

/* What the router's own errors to members come from: it has no other address, and gated has the
 * gateway's. IPv4 takes 192.0.0.8 by itself (RFC 7600); this is IPv6's dummy prefix (RFC 9780). */
static const struct address own6 = {
	.family = AF_INET6, .bytes = { 0x01, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 }
};

static int set_sysctls(const struct router *r, struct err *e)
{
	static const struct {
		const char *name, *value;
		bool is_6;
	} settings[] = {
		{ "ipv4/ip_forward", "1", false },
		{ "ipv4/conf/all/rp_filter", "1", false },
		{ "ipv4/conf/all/send_redirects", "0", false },
		{ "ipv4/conf/default/send_redirects", "0", false },
		{ "ipv4/conf/all/accept_redirects", "0", false },
		{ "ipv4/conf/all/accept_source_route", "0", false },
		{ "ipv6/conf/all/forwarding", "1", true },
		{ "ipv6/conf/default/accept_ra", "0", true },
		{ "ipv6/conf/default/accept_redirects", "0", true },
		{ "ipv6/conf/default/dad_transmits", "0", true },
		/* No address of its own on a link: there is nobody to talk to. */
		{ "ipv6/conf/default/addr_gen_mode", "1", true },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if ((!settings[i].is_6 || r->subnet6.address.family) &&
		    net_ns_sysctl(settings[i].name, settings[i].value, e))
			return -1;
	/* Else tun0 makes itself an address and asks the gateway for routers. A kernel without IPv6
	 * has nothing to switch off. */
	if (!r->subnet6.address.family)
		net_ns_sysctl("ipv6/conf/default/disable_ipv6", "1", NULL);
	return 0;
}

static int make_inside(struct router *r, struct err *e)
{
	if (set_sysctls(r, e))
		return -1;
	r->route_fd = rtnetlink_open(e);
	if (r->route_fd < 0)
		return -1;
	r->tun_fd = tun_device_create(e);
	if (r->tun_fd < 0)
		return -1;
	r->tun_index = if_nametoindex(TUN_DEVICE_NAME);
	return r->tun_index ? 0 : err_sys(e, "find %s", TUN_DEVICE_NAME);
}

static void add_family(struct rtnetlink_batch *b, const struct router *r,
		       const struct subnet *subnet, const struct address *gateway)
{
	uint8_t family = subnet->address.family;

	if (family == AF_UNSPEC)
		return;
	route_words_add(b, "route to the gateway", &(struct route_words){
		.to = { *gateway, (uint8_t)(address_size(gateway) * 8) },
		.index = r->tun_index });
	route_words_add(b, "default route to the gateway", &(struct route_words){
		.to = { .address.family = family }, .index = r->tun_index });
}

/* IPv6 has no rp_filter: who may send what is said by rules, and what no rule lets in is dropped.
 */
static void add_source_filter(struct rtnetlink_batch *b)
{
	const struct fib_rule_hdr head = { .family = AF_INET6, .table = RT_TABLE_MAIN,
					   .action = FR_ACT_TO_TBL };
	struct fib_rule_hdr drop = { .family = AF_INET6, .action = FR_ACT_BLACKHOLE };

	rtnetlink_begin(b, "rule for the gateway", RTM_NEWRULE, NLM_F_CREATE, &head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_FROM_GATEWAY);
	/* To members alone: the default route would send it back. */
	rtnetlink_put_u32(b, FRA_SUPPRESS_PREFIXLEN, 0);
	rtnetlink_put_str(b, FRA_IIFNAME, TUN_DEVICE_NAME);
	rtnetlink_begin(b, "rule for the router", RTM_NEWRULE, NLM_F_CREATE, &head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_OWN);
	rtnetlink_put_str(b, FRA_IIFNAME, "lo");
	rtnetlink_begin(b, "rule for strangers", RTM_NEWRULE, NLM_F_CREATE, &drop, sizeof(drop));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_NOBODY);
	rtnetlink_begin(b, "end the rule for everybody", RTM_DELRULE, 0, &head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_MAIN_DEFAULT);
}

static int configure(struct router *r, struct err *e)
{
	const struct ifinfomsg lo = { .ifi_index = LO_INDEX, .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };
	const struct ifinfomsg tun = { .ifi_index = (int)r->tun_index, .ifi_flags = IFF_UP,
				       .ifi_change = IFF_UP };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "set lo up", RTM_NEWLINK, 0, &lo, sizeof(lo));
	rtnetlink_begin(&b, "set the TUN device up", RTM_NEWLINK, 0, &tun, sizeof(tun));
	rtnetlink_put_u32(&b, IFLA_MTU, r->mtu);
	rtnetlink_put_u32(&b, IFLA_TXQLEN, TUN_QUEUE);
	add_family(&b, r, &r->subnet4, &r->gateway4);
	add_family(&b, r, &r->subnet6, &r->gateway6);
	if (r->subnet6.address.family) {
		route_words_address(&b, "give the router an address", LO_INDEX, &own6, 128);
		add_source_filter(&b);
	}
	return rtnetlink_send(r->route_fd, &b, e);
}

int router_create(struct router *r, struct err *e)
{
	int result;

	r->route_fd = r->tun_fd = -1;
	if (net_ns_enter_new(e))
		return -1;
	result = make_inside(r, e);
	net_ns_return(r->own_ns_fd);
	if (result == 0)
		result = configure(r, e);
	if (result)
		router_finish(r);
	return result;
}

void router_finish(struct router *r)
{
	fd_close(&r->tun_fd);
	fd_close(&r->route_fd);
}

static void add_pair(struct rtnetlink_batch *b, const struct router *r, const struct plug *p)
{
	const struct ifinfomsg body = { .ifi_index = (int)p->index }, peer = { 0 };
	char name[IFNAMSIZ];
	size_t info, data, inner;

	snprintf(name, sizeof(name), "v%u", p->index);
	rtnetlink_begin(b, "make its device", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body,
			sizeof(body));
	rtnetlink_put_str(b, IFLA_IFNAME, name);
	rtnetlink_put(b, IFLA_ADDRESS, plug_router_mac, PLUG_MAC_BYTES);
	rtnetlink_put_u32(b, IFLA_MTU, r->mtu);
	info = rtnetlink_nest(b, IFLA_LINKINFO);
	rtnetlink_put_str(b, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(b, IFLA_INFO_DATA);
	inner = b->size_bytes;
	rtnetlink_put(b, VETH_INFO_PEER, &peer, sizeof(peer));
	rtnetlink_put_str(b, IFLA_IFNAME, p->interface);
	rtnetlink_put(b, IFLA_ADDRESS, p->mac, PLUG_MAC_BYTES);
	rtnetlink_put_u32(b, IFLA_MTU, r->mtu);
	rtnetlink_put_u32(b, IFLA_GROUP, PLUG_GROUP);
	/* Born there: it is never seen anywhere else, and never moves. */
	rtnetlink_put_u32(b, IFLA_NET_NS_FD, (uint32_t)p->ns_fd);
	rtnetlink_nest_end(b, inner);
	rtnetlink_nest_end(b, data);
	rtnetlink_nest_end(b, info);
}

static void add_member(struct rtnetlink_batch *b, const struct plug *p, const struct address *a)
{
	if (a->family == AF_UNSPEC)
		return;
	route_words_neighbour(b, "fix its MAC address", p->index, a, p->mac);
	route_words_add(b, "route to it", &(struct route_words){
		.to = { *a, (uint8_t)(address_size(a) * 8) }, .index = p->index });
}

static void add_member_filter(struct rtnetlink_batch *b, const struct plug *p, uint16_t type)
{
	const struct fib_rule_hdr head = { .family = AF_INET6, .src_len = 128,
					   .table = RT_TABLE_MAIN, .action = FR_ACT_TO_TBL };
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "v%u", p->index);
	rtnetlink_begin(b, "rule for its address", type, type == RTM_NEWRULE ? NLM_F_CREATE : 0,
			&head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_MEMBER);
	rtnetlink_put(b, FRA_SRC, p->address6.bytes, 16);
	rtnetlink_put_str(b, FRA_IIFNAME, name);
}

int router_plug(struct router *r, const struct plug *p, struct err *e)
{
	const struct ifinfomsg up = { .ifi_index = (int)p->index, .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	add_pair(&b, r, p);
	rtnetlink_begin(&b, "set the router's end up", RTM_NEWLINK, 0, &up, sizeof(up));
	add_member(&b, p, &p->address4);
	add_member(&b, p, &p->address6);
	if (p->address6.family)
		add_member_filter(&b, p, RTM_NEWRULE);
	return rtnetlink_send(r->route_fd, &b, e);
}

int router_unplug(struct router *r, const struct plug *p, struct err *e)
{
	const struct ifinfomsg body = { .ifi_index = (int)p->index };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	/* A rule outlives its device. */
	if (p->address6.family) {
		add_member_filter(&b, p, RTM_DELRULE);
		rtnetlink_fine(&b, ENOENT);
	}
	rtnetlink_begin(&b, "delete its device", RTM_DELLINK, 0, &body, sizeof(body));
	rtnetlink_fine(&b, ENODEV);
	return rtnetlink_send(r->route_fd, &b, e);
}
