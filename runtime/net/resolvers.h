/* resolvers.h - the machine's name servers now, and a call when they change.
 *
 * Watches /run/net by inotify(7): the hook of the DHCP client writes resolv.conf there in place.
 * Without the folder there are none, for good. */
#pragma once

#include "lib/loop.h"
#include "net/resolv_conf.h"

struct err;

struct resolvers {
	struct resolv_conf now;
	void (*on_change)(struct resolvers *r);
	struct loop_source source;
};

int resolvers_open(struct resolvers *r, struct loop *loop, void (*on_change)(struct resolvers *),
		   struct err *e);
