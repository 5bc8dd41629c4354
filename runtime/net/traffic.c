/* traffic.c - see traffic.h */
#include "net/traffic.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "lib/err.h"
#include "lib/rtnetlink.h"
#include "net/plug.h"
#include "net/router.h"
#include "wire/stats.h"

/* Later kernels count more, behind it. */
enum { NEEDED_BYTES = offsetof(struct rtnl_link_stats64, multicast) };

static void take_counters(struct stats_device *d, const struct rtnetlink_attribute *a)
{
	struct rtnl_link_stats64 s;

	if (a->size_bytes < NEEDED_BYTES)
		return;
	memcpy(&s, a->data, NEEDED_BYTES);
	*d = (struct stats_device){
		.device_bytes_out = s.rx_bytes,
		.device_bytes_in = s.tx_bytes,
		.device_packets_out = s.rx_packets,
		.device_packets_in = s.tx_packets,
		.device_dropped_out = s.rx_dropped,
		.device_dropped_in = s.tx_dropped,
	};
}

static int take_link(void *ctx, const struct rtnetlink_message *m, struct err *e)
{
	struct rtnetlink_reader attributes;
	struct rtnetlink_attribute a;
	struct ifinfomsg body;

	(void)e;
	if (m->type != RTM_NEWLINK || !rtnetlink_body(m, &body, sizeof(body), &attributes))
		return 0;
	while (rtnetlink_next_attribute(&attributes, &a))
		if (a.type == IFLA_STATS64)
			take_counters(ctx, &a);
	return 0;
}

int traffic_read(struct stats_device *d, const struct router *r, const struct plug *p,
		 struct err *e)
{
	const struct ifinfomsg body = { .ifi_index = (int)p->index };
	struct rtnetlink_batch b;

	*d = (struct stats_device){ 0 };
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "read what its device counted", RTM_GETLINK, 0, &body, sizeof(body));
	rtnetlink_fine(&b, ENODEV);
	return rtnetlink_ask(r->route_fd, &b, take_link, d, e);
}
