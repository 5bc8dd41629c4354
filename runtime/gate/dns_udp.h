/* dns_udp.h - the DNS server's side of UDP port 53: datagrams in, answers out. */
#pragma once

struct dns;
struct dns_udp;
struct packet;
struct udp;

/* The container's key of an address, for policy and counters; NULL when it is nobody's. */
typedef const char *dns_udp_who_fn(void *ctx, const struct packet *p);

struct dns_udp *dns_udp_create(struct dns *dns, struct udp *udp, dns_udp_who_fn *who, void *ctx);
void dns_udp_destroy(struct dns_udp *u); /* NULL is fine; before dns and udp */

/* A udp_service's on_datagram: ctx is the struct dns_udp. */
void dns_udp_datagram(void *dns_udp, const struct packet *p);
