/* egress.h - may this container open a flow to that address? The one place where the policies, the
 * kind of network, the address classes and this machine's own addresses come together.
 *
 * Asked once per new flow of tcp, udp and icmp, and of all that are open when what is said has
 * changed (egress_keeps); the caller counts a refusal (stats.refused). Both the
 * network's and the container's policy must agree; either of them can open a closed class.
 * Closed: policy.h's classes, the networks of GATE_FORBIDDEN, the network's own subnets (whoever is
 * there was reached by the kernel already), the machine's own addresses, and on an internal network
 * everything. The machine's own addresses are asked of the kernel: a UDP socket connected to one of
 * them has it as its source too (ip(7)); answers are kept for a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;
struct egress;
struct policy;
struct subnet;

enum egress_verdict {
	EGRESS_ALLOW,	/* connect to it */
	EGRESS_REFUSE,	/* RST, or ICMP administratively prohibited */
	EGRESS_HOST,	/* the gateway's address, `allow-host`: connect to 127.0.0.1 or ::1 */
};

/* One per gateway. */
struct egress *egress_create(void);
void egress_destroy(struct egress *g); /* NULL is fine */

/* The network's side; everything given is copied. policy is the caller's and outlives this. */
void egress_set_network(struct egress *g, bool internal, const struct subnet *own, int owns,
			const struct address *gateways, int gateway_count,
			const struct policy *policy);
void egress_set_forbidden(struct egress *g, const struct subnet *subnets, int count);

/* A flow that is open: would it still be, by what is said now? That the TTL of its name has ended
 * since is no reason against it. */
bool egress_keeps(struct egress *g, const struct policy *policy, uint8_t protocol,
		  const struct address *address, uint16_t port);
/* policy: the container's, NULL when it has none. */
enum egress_verdict egress_decide(struct egress *g, const struct policy *policy, uint8_t protocol,
				  const struct address *address, uint16_t port);
