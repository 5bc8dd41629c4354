/* route_words.c - see route_words.h */
#include "net/route_words.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "lib/rtnetlink.h"

enum { MAC_BYTES = 6 };

static void put_address(struct rtnetlink_batch *b, uint16_t type, const struct address *a)
{
	rtnetlink_put(b, type, a->bytes, address_size(a));
}

/* IPv4 refuses a route whose scope is narrower than its gateway's (ip-route(8)). */
static uint8_t scope_of(const struct route_words *w)
{
	if (w->type == RTN_LOCAL)
		return RT_SCOPE_HOST;
	return w->via || w->type == RTN_UNREACHABLE || w->type == RTN_THROW ? RT_SCOPE_UNIVERSE
									    : RT_SCOPE_LINK;
}

void route_words_add(struct rtnetlink_batch *b, const char *what, const struct route_words *w)
{
	const struct rtmsg body = {
		.rtm_family = w->to.address.family,
		.rtm_dst_len = w->to.prefix,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = w->type ? w->type : RTN_UNICAST,
		.rtm_scope = w->to.address.family == AF_INET ? scope_of(w) : RT_SCOPE_UNIVERSE,
	};

	rtnetlink_begin(b, what, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	rtnetlink_put_u32(b, RTA_TABLE, w->table ? w->table : RT_TABLE_MAIN);
	if (w->to.prefix > 0)
		put_address(b, RTA_DST, &w->to.address);
	if (w->index)
		rtnetlink_put_u32(b, RTA_OIF, w->index);
	if (w->via)
		put_address(b, RTA_GATEWAY, w->via);
	if (w->from)
		put_address(b, RTA_PREFSRC, w->from);
	if (w->congestion) {
		size_t metrics = rtnetlink_nest(b, RTA_METRICS);

		rtnetlink_put_str(b, RTAX_CC_ALGO, w->congestion);
		rtnetlink_nest_end(b, metrics);
	}
}

void route_words_address(struct rtnetlink_batch *b, const char *what, unsigned index,
			 const struct address *a, uint8_t prefix)
{
	const struct ifaddrmsg body = { .ifa_family = a->family,
					.ifa_prefixlen = prefix,
					.ifa_scope = RT_SCOPE_UNIVERSE,
					.ifa_index = index };

	rtnetlink_begin(b, what, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	put_address(b, IFA_LOCAL, a);
	put_address(b, IFA_ADDRESS, a);
	rtnetlink_put_u32(b, IFA_FLAGS, IFA_F_NOPREFIXROUTE | IFA_F_NODAD | IFA_F_PERMANENT);
}

void route_words_neighbour(struct rtnetlink_batch *b, const char *what, unsigned index,
			   const struct address *a, const unsigned char mac[6])
{
	const struct ndmsg body = { .ndm_family = a->family,
				    .ndm_ifindex = (int)index,
				    .ndm_state = NUD_PERMANENT };

	rtnetlink_begin(b, what, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	put_address(b, NDA_DST, a);
	rtnetlink_put(b, NDA_LLADDR, mac, MAC_BYTES);
}
