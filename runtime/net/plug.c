/* plug.c - see plug.h */
#include "net/plug.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/rtnetlink.h"
#include "net/docker_lane.h"
#include "net/net_ns.h"
#include "net/route_words.h"
#include "net/router.h"

enum {
	LO_INDEX = 1,
	TABLE_MARKED = 100,
	TABLE_CLOSED = 101,
	TABLE_OWN = 1000000, /* and the device's index: the way out for packets from its address */
	RULE_CLOSED = 10,
	RULE_LOCAL = 20, /* the kernel's own, which is 0 at first */
	RULE_MARKED = 100,
	RULE_FROM = 200,
	RULE_BOUND = 32768, /* after the kernel's own `lookup main` and `lookup default` */
	ADDR_GEN_NONE = 1, /* IN6_ADDR_GEN_MODE_NONE */
};

/* Between a container and gated nothing is lost on the way, so there is nothing to learn by going
 * slowly, and BBR's timer would bound the rate. Every kernel has this one. */
static const char unpaced[] = "reno";

const unsigned char plug_router_mac[PLUG_MAC_BYTES] = { 0x02, 0x63, 0x75, 0x76, 0x00, 0x01 };

void plug_mac_of(const struct address *address4, const struct address *address6,
		 unsigned char mac[PLUG_MAC_BYTES])
{
	const uint8_t *from = address4->family ? address4->bytes : address6->bytes + 12;

	mac[0] = 0x02;
	mac[1] = address4->family ? 0x42 : 0x43;
	memcpy(mac + 2, from, 4);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool plug_mac_parse(const char *text, unsigned char mac[PLUG_MAC_BYTES])
{
	unsigned char sum = 0;

	for (int i = 0; i < PLUG_MAC_BYTES; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < PLUG_MAC_BYTES - 1 ? ':' : '\0'))
			return false;
		mac[i] = (unsigned char)(high << 4 | low);
		sum |= mac[i];
	}
	return sum != 0 && !(mac[0] & 1);
}

/* ---- inside the container's namespace */

static int open_inside(const struct plug *p, const struct router *r, struct err *e)
{
	int fd;

	if (net_ns_enter(p->ns_fd, e))
		return -1;
	fd = net_ns_sysctl("ipv4/tcp_fwmark_accept", "1", e) ||
			     net_ns_sysctl("ipv4/fwmark_reflect", "1", e)
		     ? -1
		     : rtnetlink_open(e);
	/* Where the kernel or the container does without IPv6 there is nothing to set. */
	if (fd >= 0 && r->subnet6.address.family)
		net_ns_sysctl("ipv6/fwmark_reflect", "1", NULL);
	if (fd >= 0)
		net_ns_sysctl("ipv6/conf/default/accept_ra", "0", NULL);
	net_ns_return(r->own_ns_fd);
	return fd;
}

struct found {
	unsigned index;
	bool is_ours;
};

static int take_link(void *ctx, const struct rtnetlink_message *m, struct err *e)
{
	struct found *f = ctx;
	struct rtnetlink_reader attributes;
	struct rtnetlink_attribute a;
	struct ifinfomsg body;
	uint32_t group;

	(void)e;
	if (m->type != RTM_NEWLINK || !rtnetlink_body(m, &body, sizeof(body), &attributes))
		return 0;
	f->index = (unsigned)body.ifi_index;
	while (rtnetlink_next_attribute(&attributes, &a))
		if (a.type == IFLA_GROUP && rtnetlink_u32(&a, &group))
			f->is_ours = group == PLUG_GROUP;
	return 0;
}

static int find_device(int fd, const char *name, struct found *f, struct err *e)
{
	const struct ifinfomsg any = { 0 };
	struct rtnetlink_batch b;

	*f = (struct found){ 0 };
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "find its device", RTM_GETLINK, 0, &any, sizeof(any));
	rtnetlink_put_str(&b, IFLA_IFNAME, name);
	if (rtnetlink_ask(fd, &b, take_link, f, e))
		return -1;
	return f->index ? 0 : err_set(e, "find its device: none is called %s", name);
}

static void begin_rule(struct rtnetlink_batch *b, const char *what, const struct fib_rule_hdr *head,
		       uint32_t priority)
{
	rtnetlink_begin(b, what, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, head, sizeof(*head));
	rtnetlink_fine(b, EEXIST);
	rtnetlink_put_u32(b, FRA_PRIORITY, priority);
}

/* Unlike routes a rule outlives the device that it was made for. */
static void renew_rule(struct rtnetlink_batch *b, const char *what, const struct fib_rule_hdr *head,
		       uint32_t priority, unsigned index, uint16_t attribute, const void *value,
		       size_t value_bytes)
{
	rtnetlink_begin(b, "delete its old rule", RTM_DELRULE, 0, head, sizeof(*head));
	rtnetlink_fine(b, ENOENT);
	rtnetlink_put_u32(b, FRA_PRIORITY, priority);
	rtnetlink_put(b, attribute, value, value_bytes);
	begin_rule(b, what, head, priority);
	rtnetlink_put_u32(b, FRA_TABLE, TABLE_OWN + index);
	rtnetlink_put(b, attribute, value, value_bytes);
}

static void add_rules(struct rtnetlink_batch *b, const struct plug *p, unsigned index,
		      const struct address *own)
{
	const struct fib_rule_hdr from = { .family = own->family,
					   .src_len = (uint8_t)(address_size(own) * 8),
					   .action = FR_ACT_TO_TBL };
	const struct fib_rule_hdr bound = { .family = AF_INET, .action = FR_ACT_TO_TBL };

	renew_rule(b, "rule for what it answers", &from, RULE_FROM, index, FRA_SRC, own->bytes,
		   address_size(own));
	/* IPv4 asks on the link for who is elsewhere, and a datagram is lost in silence: its socket
	 * has no address yet for the rule above (ip_route_output_key_hash_rcu). IPv6 has an error.
	 */
	if (own->family == AF_INET)
		renew_rule(b, "rule for who is bound to it", &bound, RULE_BOUND, index, FRA_OIFNAME,
			   p->interface, strlen(p->interface) + 1);
}

static void add_family(struct rtnetlink_batch *b, const struct plug *p, unsigned index,
		       const struct subnet *subnet, const struct address *gateway)
{
	uint8_t family = subnet->address.family;
	const struct address *own = family == AF_INET ? &p->address4 : &p->address6;

	if (!family || !own->family)
		return;
	route_words_address(b, "give it its address", index, own, subnet->prefix);
	route_words_neighbour(b, "fix the gateway's MAC address", index, gateway, plug_router_mac);
	route_words_add(b, "route to its gateway", &(struct route_words){
		.to = { *gateway, (uint8_t)(address_size(gateway) * 8) }, .index = index });
	route_words_add(b, "route to its subnet", &(struct route_words){
		.to = *subnet, .via = gateway, .from = own, .index = index });
	route_words_add(b, "default route", &(struct route_words){
		.to = { .address.family = family }, .via = gateway, .from = own, .index = index,
		.table = p->is_default ? 0 : TABLE_OWN + index, .congestion = unpaced });
	if (!p->is_default)
		add_rules(b, p, index, own);
}

static int configure(int fd, const struct plug *p, const struct router *r, unsigned *index,
		     struct err *e)
{
	struct ifinfomsg body = { 0 };
	struct rtnetlink_batch b;
	struct found f;
	size_t spec, family;

	if (find_device(fd, p->interface, &f, e))
		return -1;
	*index = f.index;
	body.ifi_index = (int)f.index;
	rtnetlink_init(&b);
	/* Before it is up: else it makes itself an address and asks who else has it. */
	rtnetlink_begin(&b, "keep it from choosing an address", RTM_SETLINK, 0, &body,
			sizeof(body));
	rtnetlink_fine(&b, EAFNOSUPPORT);
	spec = rtnetlink_nest(&b, IFLA_AF_SPEC);
	family = rtnetlink_nest(&b, AF_INET6);
	rtnetlink_put_u8(&b, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
	rtnetlink_nest_end(&b, family);
	rtnetlink_nest_end(&b, spec);
	body.ifi_flags = body.ifi_change = IFF_UP;
	rtnetlink_begin(&b, "set its device up", RTM_NEWLINK, 0, &body, sizeof(body));
	add_family(&b, p, f.index, &r->subnet4, &r->gateway4);
	add_family(&b, p, f.index, &r->subnet6, &r->gateway6);
	return rtnetlink_send(fd, &b, e);
}

static void put_mark(struct rtnetlink_batch *b)
{
	rtnetlink_put_u32(b, FRA_FWMARK, PLUG_MARK);
	rtnetlink_put_u32(b, FRA_FWMASK, UINT32_MAX);
}

/* IPv4 takes a refused destination for one on the link as soon as a socket is bound to a device
 * (ip_route_output_key_hash_rcu), and lo's link is the namespace itself. To a group, which that is
 * by its route, nobody connects, and what goes there has no listener. */
static void close_loopback4(struct rtnetlink_batch *b)
{
	const struct fib_rule_hdr head = { .family = AF_INET, .dst_len = 8, .table = TABLE_CLOSED,
					   .action = FR_ACT_TO_TBL };

	route_words_add(b, "route for its loopback", &(struct route_words){
		.to = { .address.family = AF_INET }, .index = LO_INDEX, .type = RTN_MULTICAST,
		.table = TABLE_CLOSED });
	begin_rule(b, "close its loopback", &head, RULE_CLOSED);
	rtnetlink_put_u32(b, FRA_DST, htonl(INADDR_LOOPBACK));
	put_mark(b);
}

static void close_loopback6(struct rtnetlink_batch *b)
{
	const struct fib_rule_hdr head = { .family = AF_INET6, .dst_len = 128,
					   .action = FR_ACT_PROHIBIT };

	begin_rule(b, "close its loopback", &head, RULE_CLOSED);
	rtnetlink_put(b, FRA_DST, &in6addr_loopback, sizeof(in6addr_loopback));
	put_mark(b);
}

/* No rule can stand before the kernel's own one: that one moves. */
static int close_loopback(int fd, uint8_t family, struct err *e)
{
	const struct fib_rule_hdr local = { .family = family, .table = RT_TABLE_LOCAL,
					    .action = FR_ACT_TO_TBL };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	if (family == AF_INET)
		close_loopback4(&b);
	else
		close_loopback6(&b);
	begin_rule(&b, "rule for its own addresses", &local, RULE_LOCAL);
	if (rtnetlink_send(fd, &b, e))
		return -1;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "move the rule for its own addresses", RTM_DELRULE, 0, &local,
			sizeof(local));
	rtnetlink_fine(&b, ENOENT);
	rtnetlink_put_u32(&b, FRA_PRIORITY, 0);
	return rtnetlink_send(fd, &b, e);
}

/* Answers of published ports stay in the namespace. */
static int keep_marked(int fd, uint8_t family, struct err *e)
{
	const struct fib_rule_hdr head = { .family = family, .table = TABLE_MARKED,
					   .action = FR_ACT_TO_TBL };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	begin_rule(&b, "rule for published ports", &head, RULE_MARKED);
	put_mark(&b);
	route_words_add(&b, "route for published ports", &(struct route_words){
		.to = { .address.family = family }, .index = LO_INDEX, .type = RTN_LOCAL,
		.table = TABLE_MARKED, .congestion = unpaced });
	return rtnetlink_send(fd, &b, e);
}

static int settle(int fd, struct plug *p, const struct router *r, struct err *e)
{
	struct err why;
	unsigned index;

	if (configure(fd, p, r, &index, e))
		return -1;
	/* An IPv6 socket can be made to speak IPv4. */
	p->keeps_client = close_loopback(fd, AF_INET, &why) == 0 &&
			  (!p->address4.family || keep_marked(fd, AF_INET, &why) == 0) &&
			  (!p->address6.family || (close_loopback(fd, AF_INET6, &why) == 0 &&
						   keep_marked(fd, AF_INET6, &why) == 0));
	if (!p->keeps_client)
		log_warn("published ports show clients as the container itself: %s", why.text);
	if (p->is_asked && p->address4.family && docker_lane_lead(fd, p, r, index, &why))
		log_warn("no name server answers in the container at 127.0.0.11: %s", why.text);
	return 0;
}

/* One of ours under this name: of a netd that was killed, whose namespace is not yet gone. */
static int remove_remains(int fd, const struct plug *p, struct err *e)
{
	struct ifinfomsg body = { 0 };
	struct rtnetlink_batch b;
	struct found f;

	if (find_device(fd, p->interface, &f, e))
		return -1;
	if (!f.is_ours)
		return err_set(e, "it has a device of its own that is called %s", p->interface);
	body.ifi_index = (int)f.index;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "delete its old device", RTM_DELLINK, 0, &body, sizeof(body));
	rtnetlink_fine(&b, ENODEV);
	return rtnetlink_send(fd, &b, e);
}

static int plug_once(int fd, struct plug *p, struct router *r, struct err *e)
{
	if (router_plug(r, p, e) == 0 && settle(fd, p, r, e) == 0)
		return 0;
	router_unplug(r, p, NULL);
	return -1;
}

int plug_in(struct plug *p, struct router *r, struct err *e)
{
	AUTO_FD int fd = open_inside(p, r, e);
	struct err why;

	if (fd < 0)
		return -1;
	if (plug_once(fd, p, r, &why) == 0)
		return 0;
	if (why.number != EEXIST) {
		*e = why;
		return -1;
	}
	return remove_remains(fd, p, e) ? -1 : plug_once(fd, p, r, e);
}
