/* dns_names.h - what the names of one network mean: its containers, its gateway, their reverse
 * names and the SRV records of their ports. Pure.
 *
 * Owns the members. Names are looked up as asked and without the search domain; a name without a
 * dot is never anybody's outside (RFC 1034 3.1 lets us say so: it would leak what is asked here).
 * Several members may have one name: all their addresses are answered, in an order that turns.
 * Bounded: NAMES_MAX names in all. RFC 1035 3.5, 2782, 3596, 6761. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;
struct dns_member;
struct dns_names;
struct dns_question;
struct dns_reply;
struct err;
struct subnet;

enum { DNS_NAMES_MAX = 16384, DNS_NAMES_TTL_S = 10 };

struct dns_names *dns_names_create(uint32_t seed);
void dns_names_destroy(struct dns_names *n); /* NULL is fine */

/* As in dns.h. */
void dns_names_set_network(struct dns_names *n, const char *search, const struct address *gateways,
			   int gateway_count, const struct subnet *subnets, int subnet_count);
int dns_names_set_member(struct dns_names *n, const struct dns_member *said, struct err *e);
void dns_names_remove_member(struct dns_names *n, const char *container);

/* True: it is ours, reply (initialized) says what there is. False: ask outside. */
bool dns_names_answer(struct dns_names *n, const struct dns_question *q, struct dns_reply *reply);
