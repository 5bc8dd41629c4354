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
#include <sys/sysinfo.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/rtnetlink.h"
#include "net/docker_lane.h"
#include "net/net_ns.h"
#include "net/plug.h"
#include "net/route_words.h"
#include "net/tun_device.h"

enum {
	LO_INDEX = 1,
	/* Packets that wait in each device: a thousand flows have two or three each there
	 * (gate/tcp_window.c), and a lost one costs much more than one that waits. While gated does
	 * not read them the kernel keeps them: of large ones fewer, and with little memory. */
	TUN_QUEUE_MIN = 500,
	TUN_QUEUE_MAX = 4000,
	TUN_QUEUE_BYTES = 36 * 1000 * 1000, /* of packets as large as the MTU */
	TUN_FRAME_BYTES = 65536,	    /* of TCP, whatever the MTU */
	TUN_MEMORY_PART = 16,		    /* of the machine's may be in such frames */
	TUN_GROUP = 1, /* of all of them */
	TABLE_OUT = 1000, /* and the number of the TUN device: its default route */
	/* In the order they are asked. */
	RULE_TO_MEMBERS = 100, /* IPv4 */
	RULE_FROM_GATEWAY = 100, /* IPv6, as those below: goes on at RULE_GATEWAY */
	RULE_OWN = 101,
	RULE_MEMBER = 200, /* both */
	RULE_STRANGER = 20000,
	RULE_GATEWAY = 30000,
	RULE_FORGED = 30001,
	RULE_TO_MEMBERS6 = 30002,
	RULE_NOBODY = 30003,
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
		/* 127.0.0.11 passes (docker_lane.h); nobody has the others but itself. */
		{ "ipv4/conf/all/route_localnet", "1", false },
		{ "ipv6/conf/all/forwarding", "1", true },
		{ "ipv6/conf/default/accept_ra", "0", true },
		{ "ipv6/conf/default/accept_redirects", "0", true },
		{ "ipv6/conf/default/dad_transmits", "0", true },
		/* No address of its own on a link: there is nobody to talk to. */
		{ "ipv6/conf/default/addr_gen_mode", "1", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if ((!settings[i].is_6 || r->subnet6.address.family) &&
		    net_ns_sysctl(settings[i].name, settings[i].value, e))
			return -1;
	/* Else tun0 makes itself an address and asks the gateway for routers. A kernel without IPv6
	 * has nothing to switch off. */
	if (!r->subnet6.address.family)
		net_ns_sysctl("ipv6/conf/default/disable_ipv6", "1", NULL);
	return 0;
}

static const char *tun_name(int i, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "tun%d", i);
	return name;
}

static int add_tun(struct router *r, struct err *e)
{
	char name[IFNAMSIZ];
	int fd;

	fd = tun_device_create(tun_name(r->tun_count, name), &r->tun_indexes[r->tun_count], e);
	if (fd < 0)
		return -1;
	r->tun_fds[r->tun_count++] = fd;
	return 0;
}

/* The first one of IPv4 shows it: a member's route is before its rule; what is for no member falls
 * through. */
static bool has_rules(const struct router *r)
{
	const struct fib_rule_hdr head = { .family = AF_INET, .table = RT_TABLE_MAIN,
					   .action = FR_ACT_TO_TBL };
	struct rtnetlink_batch b;
	struct err e;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "rule for what goes to members", RTM_NEWRULE, NLM_F_CREATE, &head,
			sizeof(head));
	rtnetlink_put_u32(&b, FRA_PRIORITY, RULE_TO_MEMBERS);
	rtnetlink_put_u32(&b, FRA_SUPPRESS_PREFIXLEN, 0);
	return rtnetlink_send(r->route_fd, &b, &e) == 0;
}

static int make_inside(struct router *r, struct err *e)
{
	int wanted = 1;

	if (set_sysctls(r, e))
		return -1;
	r->route_fd = rtnetlink_open(e);
	if (r->route_fd < 0)
		return -1;
	if (has_rules(r))
		wanted = ROUTER_TUNS;
	tun_device_spread(true);
	while (r->tun_count < wanted)
		if (add_tun(r, e))
			return -1;
	/* Not the devices of members: what they send is in no order then, or on one CPU. */
	tun_device_spread(false);
	return 0;
}

static uint32_t tun_queue(uint32_t mtu)
{
	uint64_t most = mtu ? TUN_QUEUE_BYTES / mtu : TUN_QUEUE_MAX, frames;
	struct sysinfo machine;

	frames = sysinfo(&machine) < 0 ? 0 : (uint64_t)machine.totalram * machine.mem_unit /
						     TUN_MEMORY_PART / TUN_FRAME_BYTES;
	if (most > frames)
		most = frames;
	if (most < TUN_QUEUE_MIN)
		return TUN_QUEUE_MIN;
	return most < TUN_QUEUE_MAX ? (uint32_t)most : TUN_QUEUE_MAX;
}

static void add_tuns(struct rtnetlink_batch *b, const struct router *r)
{
	struct ifinfomsg tun = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	for (int i = 0; i < r->tun_count; i++) {
		tun.ifi_index = (int)r->tun_indexes[i];
		rtnetlink_begin(b, "set a TUN device up", RTM_NEWLINK, 0, &tun, sizeof(tun));
		rtnetlink_put_u32(b, IFLA_MTU, r->mtu);
		rtnetlink_put_u32(b, IFLA_TXQLEN, tun_queue(r->mtu));
		rtnetlink_put_u32(b, IFLA_GROUP, TUN_GROUP);
	}
}

/* In the main table: for the router itself, and for what goes to nobody. */
static void add_family(struct rtnetlink_batch *b, const struct router *r, uint8_t family)
{
	if (family == AF_UNSPEC)
		return;
	route_words_add(b, "default route to the gateway", &(struct route_words){
		.to = { .address.family = family }, .index = r->tun_indexes[0] });
	for (int i = 0; i < r->tun_count; i++)
		route_words_add(b, "members' route to the gateway", &(struct route_words){
			.to = { .address.family = family }, .index = r->tun_indexes[i],
			.table = TABLE_OUT + (uint32_t)i });
}

static void add_rule6(struct rtnetlink_batch *b, const char *what, uint8_t action,
		      uint32_t priority)
{
	const struct fib_rule_hdr head = {
		.family = AF_INET6, .action = action,
		.table = action == FR_ACT_TO_TBL ? RT_TABLE_MAIN : RT_TABLE_UNSPEC
	};

	rtnetlink_begin(b, what, RTM_NEWRULE, NLM_F_CREATE, &head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, priority);
}

/* IPv6 has no rp_filter: who may send what is said by rules, and what no rule lets in is dropped.
 * What the gateway writes passes by the members' rules, and then by those of what it may not say.
 */
static void add_source_filter(struct rtnetlink_batch *b, const struct router *r)
{
	const struct fib_rule_hdr everybody = { .family = AF_INET6, .table = RT_TABLE_MAIN,
						.action = FR_ACT_TO_TBL };
	char name[IFNAMSIZ];

	add_rule6(b, "place for the gateway's rules", FR_ACT_NOP, RULE_GATEWAY);
	for (int i = 0; i < r->tun_count; i++) {
		add_rule6(b, "rule for the gateway", FR_ACT_GOTO, RULE_FROM_GATEWAY);
		rtnetlink_put_u32(b, FRA_GOTO, RULE_GATEWAY);
		rtnetlink_put_str(b, FRA_IIFNAME, tun_name(i, name));
	}
	add_rule6(b, "rule for the router", FR_ACT_TO_TBL, RULE_OWN);
	rtnetlink_put_str(b, FRA_IIFNAME, "lo");
	add_rule6(b, "rule for strangers", FR_ACT_BLACKHOLE, RULE_STRANGER);
	add_rule6(b, "rule for the gateway", FR_ACT_TO_TBL, RULE_TO_MEMBERS6);
	/* To members alone: the default route would send it back. */
	rtnetlink_put_u32(b, FRA_SUPPRESS_PREFIXLEN, 0);
	add_rule6(b, "rule for what is for nobody", FR_ACT_BLACKHOLE, RULE_NOBODY);
	rtnetlink_begin(b, "end the rule for everybody", RTM_DELRULE, 0, &everybody,
			sizeof(everybody));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_MAIN_DEFAULT);
}

static int configure(struct router *r, struct err *e)
{
	const struct ifinfomsg lo = { .ifi_index = LO_INDEX, .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "set lo up", RTM_NEWLINK, 0, &lo, sizeof(lo));
	add_tuns(&b, r);
	add_family(&b, r, r->subnet4.address.family);
	add_family(&b, r, r->subnet6.address.family);
	if (r->subnet4.address.family)
		docker_lane_pass(&b);
	if (r->subnet6.address.family) {
		route_words_address(&b, "give the router an address", LO_INDEX, &own6, 128);
		add_source_filter(&b, r);
	}
	return rtnetlink_send(r->route_fd, &b, e);
}

int router_create(struct router *r, struct err *e)
{
	int result;

	r->route_fd = -1;
	r->tun_count = 0;
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

/* All at once: the kernel waits 15 ms for its readers after each device that goes by itself. */
static void delete_tuns(const struct router *r)
{
	const struct ifinfomsg any = { 0 };
	struct rtnetlink_batch b;
	struct err e;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "delete the TUN devices", RTM_DELLINK, 0, &any, sizeof(any));
	rtnetlink_put_u32(&b, IFLA_GROUP, TUN_GROUP);
	rtnetlink_send(r->route_fd, &b, &e);
}

void router_finish(struct router *r)
{
	if (r->tun_count)
		delete_tuns(r);
	while (r->tun_count)
		fd_close(&r->tun_fds[--r->tun_count]);
	fd_close(&r->route_fd);
}

/* By itself a veth has one for each CPU, which only XDP and NAPI use (6.12, drivers/net/veth.c): 3
 * KB a pair for each CPU. */
static void put_one_queue(struct rtnetlink_batch *b)
{
	rtnetlink_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	rtnetlink_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
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
	put_one_queue(b);
	info = rtnetlink_nest(b, IFLA_LINKINFO);
	rtnetlink_put_str(b, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(b, IFLA_INFO_DATA);
	inner = b->size_bytes;
	rtnetlink_put(b, VETH_INFO_PEER, &peer, sizeof(peer));
	rtnetlink_put_str(b, IFLA_IFNAME, p->interface);
	rtnetlink_put(b, IFLA_ADDRESS, p->mac, PLUG_MAC_BYTES);
	rtnetlink_put_u32(b, IFLA_MTU, r->mtu);
	put_one_queue(b);
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

/* What it sends from this address, by this table. */
static void put_rule(struct rtnetlink_batch *b, const struct plug *p, const struct address *from,
		     uint16_t type, uint32_t table)
{
	const struct fib_rule_hdr head = { .family = from->family,
					   .src_len = (uint8_t)(address_size(from) * 8),
					   .action = FR_ACT_TO_TBL };
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "v%u", p->index);
	rtnetlink_begin(b, "rule for its address", type, type == RTM_NEWRULE ? NLM_F_CREATE : 0,
			&head, sizeof(head));
	rtnetlink_put_u32(b, FRA_TABLE, table);
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_MEMBER);
	rtnetlink_put(b, FRA_SRC, from->bytes, address_size(from));
	rtnetlink_put_str(b, FRA_IIFNAME, name);
	if (type == RTM_DELRULE)
		rtnetlink_fine(b, ENOENT);
}

/* The gateway does not send from it: only what it wrote gets so far. */
static void put_forged(struct rtnetlink_batch *b, const struct address *from, uint16_t type)
{
	const struct fib_rule_hdr head = { .family = from->family,
					   .src_len = (uint8_t)(address_size(from) * 8),
					   .action = FR_ACT_BLACKHOLE };

	rtnetlink_begin(b, "rule against the gateway in its name", type,
			type == RTM_NEWRULE ? NLM_F_CREATE : 0, &head, sizeof(head));
	rtnetlink_put_u32(b, FRA_PRIORITY, RULE_FORGED);
	rtnetlink_put(b, FRA_SRC, from->bytes, address_size(from));
	if (type == RTM_DELRULE)
		rtnetlink_fine(b, ENOENT);
}

/* To other members, and to the gateway. IPv4's way to members is the same for all. */
static void put_rules(struct rtnetlink_batch *b, const struct router *r, const struct plug *p,
		      uint16_t type)
{
	if (p->address4.family && r->tun_count > 1)
		put_rule(b, p, &p->address4, type, TABLE_OUT + p->tun);
	if (!p->address6.family)
		return;
	put_rule(b, p, &p->address6, type, RT_TABLE_MAIN);
	if (type == RTM_NEWRULE)
		rtnetlink_put_u32(b, FRA_SUPPRESS_PREFIXLEN, 0);
	put_rule(b, p, &p->address6, type, TABLE_OUT + p->tun);
	put_forged(b, &p->address6, type);
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
	put_rules(&b, r, p, RTM_NEWRULE);
	return rtnetlink_send(r->route_fd, &b, e);
}

int router_unplug(struct router *r, const struct plug *p, struct err *e)
{
	const struct ifinfomsg body = { .ifi_index = (int)p->index };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	/* A rule outlives its device. */
	put_rules(&b, r, p, RTM_DELRULE);
	rtnetlink_begin(&b, "delete its device", RTM_DELLINK, 0, &body, sizeof(body));
	rtnetlink_fine(&b, ENODEV);
	return rtnetlink_send(r->route_fd, &b, e);
}
