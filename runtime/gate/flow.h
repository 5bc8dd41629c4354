/* flow.h - the table of what passes through a gateway: one entry per protocol and pair of ends.
 *
 * An entry is embedded in the struct of its protocol (tcp.c, udp.c, icmp.c); owner_of leads back.
 * The table is bounded and so is each container's part of it: to FLOW_ACCOUNT_MAX, and to as many
 * as are free. So no number of containers can take all of it from a neighbour (SECURITY F8): n of
 * them that want everything have 1/(n+1) of it each, and as much is left. Hashed with a random key:
 * nobody outside can choose ends that collide. Knows nothing of protocols, and no time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/address.h"

struct flow_table;

/* A container's account. Embedded in its member (gate_member.h), or in a test. */
struct flow_account {
	uint32_t flows, flows_max; /* flows_max 0: FLOW_ACCOUNT_MAX */
	/* TCP's share (tcp.c): flows that are not open yet, chunks towards it, bytes that its
	 * servers do not take. */
	uint32_t handshakes, chunks;
	size_t kept_bytes;
	size_t answers_bytes; /* of DNS by TCP, that it does not read (dns_tcp.c) */
	uint32_t clients; /* of the flows those from outside (udp_published.c), which bounds them */
};

/* As the container sees it: `inside` is its own end. */
struct flow_key {
	struct address inside, outside;
	uint16_t inside_port, outside_port; /* ICMP: id and 0 */
	uint8_t protocol;
};

struct flow {
	struct flow_key key;
	/* private */
	struct flow *next;
	struct flow_account *account;
	uint32_t hash;
};

/* May this one stay? For who reviews flows that are open (tcp_review and its like). */
typedef bool flow_keep_fn(void *ctx, const struct flow_key *key);

enum {
	FLOW_TABLE_MAX = 65536,	 /* flows of one gateway: x ~1 KiB */
	FLOW_ACCOUNT_MAX = 16384, /* of one container */
};

struct flow_table *flow_table_create(uint32_t flows_max); /* 0: FLOW_TABLE_MAX */
void flow_table_destroy(struct flow_table *t);		  /* NULL is fine; forgets its entries */
uint32_t flow_table_count(const struct flow_table *t);
uint32_t flow_table_free(const struct flow_table *t);

struct flow *flow_find(const struct flow_table *t, const struct flow_key *key);
/* -1: the table or the account is full. The key is filled, and not in the table. */
int flow_add(struct flow_table *t, struct flow *f, struct flow_account *account);
/* Its key is free for another one; it still counts, until flow_remove. */
void flow_unlist(struct flow_table *t, struct flow *f);
void flow_remove(struct flow_table *t, struct flow *f); /* fine when it is not in it */
