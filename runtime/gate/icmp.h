/* icmp.h - echo of the containers by ping sockets, and the errors that come back for it.
 *
 * SOCK_DGRAM, IPPROTO_ICMP and _ICMPV6 (icmp(7)): the kernel sets the id and gives each socket its
 * own answers, so no raw socket and no capability is needed; ping_group_range holds our group. One
 * connected socket per container, id and destination. Echo to the gateway is answered here. Time
 * exceeded and unreachable come from the socket's error queue (ip(7), IP_RECVERR) and go to the
 * container as they came, about its own packet.
 *
 * A flow ends 30 s after its last packet. Bounded like UDP's; nothing is queued. RFC 792, 4443,
 * 5508. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gate/address.h"
#include "gate/flow.h"
#include "gate/payer.h"

struct frame;
struct icmp;
struct loop;
struct packet;
struct tun;

enum icmp_verdict {
	ICMP_CONNECT,	/* to `address` */
	ICMP_ANSWER,	/* it is the gateway: answered here */
	ICMP_FORBID,	/* ICMP: administratively prohibited */
	ICMP_IGNORE,
};

/* As udp_ruling. */
struct icmp_ruling {
	enum icmp_verdict verdict;
	struct address address;
	struct payer payer;
};
typedef void icmp_decide_fn(void *ctx, const struct packet *first, struct icmp_ruling *ruling);

struct icmp_setup {
	struct loop *loop;
	struct tun *tun;
	struct flow_table *flows;
	struct address gateway4, gateway6;
	icmp_decide_fn *decide;
	void *ctx;
};

struct icmp *icmp_create(const struct icmp_setup *setup);
void icmp_destroy(struct icmp *i); /* NULL is fine */

/* One ICMP or ICMPv6 packet from the TUN device; all but echo requests are dropped. */
void icmp_input_packet(struct icmp *i, const struct packet *p, struct frame *f);
void icmp_forget_account(struct icmp *i, const struct flow_account *account);
/* What was said about the way out has changed: ends the flows outwards that `keeps` gives up, of
 * this account or (NULL) of all. */
void icmp_review(struct icmp *i, const struct flow_account *account, flow_keep_fn *keeps,
		 void *ctx);
