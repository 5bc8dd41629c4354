/* dns_names.h - what the names of one network mean: its containers, its gateway, their reverse
 * names and the SRV records of their ports. Pure.
 *
 * Owns the members. Names are looked up as asked and without the search domain. Several members may
 * have one name: all their addresses are answered, in an order that turns.
 * Bounded: DNS_NAMES_MAX in a count that several tables may share. RFC 1035 3.5, 2782, 3596. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;
struct dns_member;
struct dns_name;
struct dns_names;
struct dns_question;
struct dns_reply;
struct err;
struct subnet;

/* NAMES: more than there are (dns_zones.c); x 20 to 300 bytes, as they come. */
enum { DNS_NAMES_MAX = 131072, DNS_NAMES_TTL_S = 10 };

/* count: of names in all tables that have it, borrowed; a member counts as one more.
 * in_full: hosts of SRV records always have the search domain, since what is asked next without it
 * may be another network's; else as the question has it. */
struct dns_names *dns_names_create(uint32_t seed, int *count, bool in_full);
void dns_names_destroy(struct dns_names *n); /* NULL is fine */

/* As in dns.h. */
void dns_names_set_network(struct dns_names *n, const char *search, const struct address *gateways,
			   int gateway_count, const struct subnet *subnets, int subnet_count);
int dns_names_set_member(struct dns_names *n, const struct dns_member *said, struct err *e);
void dns_names_remove_member(struct dns_names *n, const char *container);
bool dns_names_has(const struct dns_names *n, const char *container);

/* True: it is one of here, reply (initialized) says what there is. */
bool dns_names_answer(struct dns_names *n, const struct dns_question *q, struct dns_reply *reply);
/* Would it be one of here: is it below the search domain, or the reverse name of one of the
 * subnets?
 */
bool dns_names_covers(const struct dns_names *n, const struct dns_name *name);
/* Adds the address if it is of the type that is asked for. */
void dns_names_give(struct dns_reply *reply, const struct dns_question *q, const struct address *a);
