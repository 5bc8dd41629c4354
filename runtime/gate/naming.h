/* naming.h - a gateway's rules and names: the part that turns what netd said into policies, egress
 * decisions and the DNS server's tables.
 *
 * Sets g->policy, g->egress and g->dns, and each member's policy and rates, before any other part
 * asks for them: it is added first. A policy that cannot be read denies everything, and the log
 * says why: an open gateway is no fallback. */
#pragma once

struct gate;
struct naming;

struct naming *naming_create(struct gate *g);
void naming_destroy(struct naming *n); /* NULL is fine; after the gate and the other parts */
