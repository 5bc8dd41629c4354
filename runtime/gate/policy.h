/* policy.h - which destinations outside a network or a container may reach. Pure: text and facts
 * in, a verdict out; the caller (egress.h) knows the network and the machine.
 *
 * The text: lines of wire/policy_line.h, one per line or between `;`:
 *     allow, deny             who may be reached
 *     allow-host              the gateway's address leads to the machine's loopback
 *     rate                    per container and direction
 *     dns-log                 each question is logged
 *     dns-allowed-only        names outside that no `allow NAME` line has are REFUSED
 *     resolver                for names outside, instead of the machine's; at most 4
 *
 * The first line that matches decides. When none does: denied where any `allow` line stands, else
 * allowed. `*` is any address. A NAME (with `*.` in front: every name below it) stands for the
 * addresses that the gateway's own DNS gave out for it and whose TTL, or the first half minute
 * after the answer, has not ended; the set is bounded.
 *
 * Some classes of addresses are closed whatever stands here, unless an `allow` line lies wholly
 * inside of the class (`allow 169.254.169.254/32`): a wide line never opens them, nor does a name
 * (so a DNS answer cannot). What has no meaning as a destination (any, loopback, multicast) cannot
 * be opened. RFC 6890, RFC 1122 3.2.1.3, RFC 4291 2.5. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;
struct dns_name;
struct err;
struct policy;
struct subnet;

enum policy_verdict {
	POLICY_UNSAID,	/* no line says anything, and no `allow` line stands */
	POLICY_ALLOW,
	POLICY_DENY,
};

/* Classes by the number alone. */
enum policy_class {
	POLICY_CLASS_PUBLIC,	/* nothing special, private ranges included */
	POLICY_CLASS_CLOSED,	/* link-local and metadata, reserved: an `allow` inside opens it */
	POLICY_CLASS_NEVER,	/* any, loopback, multicast, broadcast, mapped: cannot be opened */
};

/* NULL with the line's number in e when a line is wrong. "" is a policy that says nothing. */
struct policy *policy_create(const char *text, struct err *e);
void policy_destroy(struct policy *p); /* NULL is fine */
const char *policy_text(const struct policy *p); /* as it was given */

/* protocol: IPPROTO_*; port 0 for those without. now_ms 0: addresses of names whose TTL has ended
 * count too, as far as they are remembered (a flow that is open stays). A NULL policy says nothing.
 * by: the subnet of the line that allowed it, family 0 when it was none or a name's; NULL is fine.
 */
enum policy_verdict policy_decide(const struct policy *p, uint8_t protocol,
				  const struct address *address, uint16_t port, uint64_t now_ms,
				  struct subnet *by);
bool policy_allows_host_port(const struct policy *p, uint8_t protocol, uint16_t port);
uint64_t policy_rate_bits(const struct policy *p); /* 0 = no limit */
bool policy_logs_dns(const struct policy *p);
/* May this name of outside be asked for? */
bool policy_allows_question(const struct policy *p, const struct dns_name *name);
/* Returns their count and where they lie. */
int policy_resolvers(const struct policy *p, const struct address **resolvers);

/* The DNS server gave out this address for the name: kept until then when a line has that name. */
void policy_learn(struct policy *p, const char *name, const struct address *address,
		  uint64_t until_ms);
/* p takes the place of `from`: lines that stay know what they have learnt. NULL is fine. */
void policy_inherit(struct policy *p, const struct policy *from);

/* of: the subnet that makes it so, family 0 for a public one; NULL is fine. */
enum policy_class policy_class(const struct address *address, struct subnet *of);
