/* traffic.h - what the kernel has counted at a container's device: all that it sent and received
 * there, to and from other containers as well as through the gateway.
 *
 * Read at the router's end of the pair, whose numbers are the other end's with the ways exchanged
 * (veth(4)); so no container's namespace is entered. Source: rtnetlink(7), IFLA_STATS64 of
 * linux/if_link.h. */
#pragma once

struct err;
struct plug;
struct router;
struct stats_device;

/* All zero when the device is gone, with its container. */
int traffic_read(struct stats_device *d, const struct router *r, const struct plug *p,
		 struct err *e);
