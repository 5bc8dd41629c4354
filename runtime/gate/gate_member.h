/* gate_member.h - the containers of one network: who they are, by name and by address.
 *
 * Owns: the members and what hangs on them. A member's pointer stays good until its `member_leaves`
 * (gate.h) has returned. Bounded by MEMBERS_MAX. What a field means to its part is that part's
 * business: policy, stats and rate are made and used by the files of these names. */
#pragma once

#include <stdint.h>

#include "gate/address.h"
#include "gate/flow.h"
#include "gate/payer.h"
#include "gate/port.h"
#include "gate/rate.h"
#include "wire/member_limits.h"
#include "wire/stats.h"

struct err;
struct gate_sockets;
struct policy;

enum {
	MEMBERS_MAX = 4096,		/* x about 700 bytes */
	MEMBER_NAME_BYTES = 128,	/* of a container, a network, a key of a published port */
};

struct gate_member {
	char container[MEMBER_NAME_BYTES];
	struct address address4, address6;	/* family 0: it has none */
	char **names;				/* the first one is the reverse name */
	unsigned name_count;
	struct port ports[MEMBER_PORTS_MAX];	/* where it listens, published or not */
	unsigned port_count;
	char *policy_text;			/* as it was said; "" = the network's alone */

	uint8_t tun_device;			/* that it is sent to by (tun.h) */
	struct stats stats;
	struct rate rate_out, rate_in;
	struct rate errors;			/* what it is told that it may not do (outward.c) */

	/* The parts' own; NULL or 0 until they make them, undone in their member_leaves. */
	struct policy *policy;			/* of policy_text */
	struct gate_sockets *sockets;		/* of its namespace (sockets.h) */
	struct flow_account account;			/* flow.c counts: the quota */

	struct gate_member *next_name, *next_address4, *next_address6;	/* private: the tables */
};

enum { MEMBER_BUCKETS = 1024 };

struct gate_members {
	struct gate_member *by_name[MEMBER_BUCKETS], *by_address[2][MEMBER_BUCKETS];
	unsigned count;
	uint32_t seed;		/* of the hashes: addresses and names are chosen by others */
};

/* For walking through all of them: NULL is before the first and after the last one. */
struct gate_member *gate_member_next(const struct gate_members *ms, const struct gate_member *m);
struct gate_member *gate_member_by_name(const struct gate_members *ms, const char *container);
struct gate_member *gate_member_by_address(const struct gate_members *ms, const struct address *a);

/* The one of this name, made when there was none. NULL: too many. */
struct gate_member *gate_member_join(struct gate_members *ms, const char *container, struct err *e);
/* Replaces its addresses; one that another member has is an error and nothing is changed. */
int gate_member_set_addresses(struct gate_members *ms, struct gate_member *m,
			      const struct address *address4, const struct address *address6,
			      struct err *e);
void gate_member_clear_names(struct gate_member *m);
struct payer gate_member_payer(struct gate_member *m, struct loop_lane *lane);
void gate_member_leave(struct gate_members *ms, struct gate_member *m);
