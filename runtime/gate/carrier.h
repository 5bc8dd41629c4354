/* carrier.h - a process that carries published connections in full flow, one of several beside the
 * gateway (carriers.h).
 *
 *   gated -- CARRY slot, state, 2 fds --> carrier      it relays (relay.h), woken for much at once
 *         <-- BACK slot, state ---------              the flow has ended or somebody wants it back
 *         <-- OVER slot, by_reset ------              the connection has
 *         -- WANTED slot, DROP slot --->              please BACK; forget it, then OVER
 *
 * By lib/msg.h, in its own types: both are one program. Slots are the gateway's; it keeps both
 * sockets too and is the last to close them, so a carrier that dies cuts nothing off without a
 * reset. What went through stands in memory that both see. A slot is free again with BACK or OVER.
 */
#pragma once

#include <stdint.h>

struct err;

enum {
	CARRIER_SLOTS = 1024, /* as many as pipes: each that stands still holds one */
};

enum carrier_message {
	CARRIER_CARRY = 1,
	CARRIER_WANTED,
	CARRIER_DROP,
	CARRIER_BACK,
	CARRIER_OVER
};

/* Of one slot, by way; only the carrier adds, only the gateway begins anew. */
struct carrier_count {
	uint64_t bytes[2];
};

/* In a child of the gateway, until the gateway's end of the channel closes: then 0; -1 when the
 * loop fails or the gateway says something wrong. enter_jail, that may end the process, is called
 * before anything is read. */
int carrier_run(int channel_fd, struct carrier_count counts[CARRIER_SLOTS],
		void (*enter_jail)(void), struct err *e);
