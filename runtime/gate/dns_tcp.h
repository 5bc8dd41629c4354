/* dns_tcp.h - the DNS server's side of TCP port 53: two bytes of length before each message
 * (RFC 1035 4.2.2, RFC 7766). At most 100 questions on their way per connection; an idle
 * connection ends after 30 s. Answers that the client has not taken yet wait: 64 KiB of them in its
 * connection, then 256 KiB, of all clients 8 MiB; of one container's no more than are left of that
 * (as in flow.h). One that has more to come is hung up on. */
#pragma once

struct address;
struct dns;
struct dns_tcp;
struct loop;
struct tcp_service;

/* The container's key of an address, as in dns_udp.h. */
typedef const char *dns_tcp_who_fn(void *ctx, const struct address *from);

struct dns_tcp *dns_tcp_create(struct loop *loop, struct dns *dns, dns_tcp_who_fn *who, void *ctx);
void dns_tcp_destroy(struct dns_tcp *t); /* NULL is fine; before dns */

/* What tcp's decide hands out for port 53 of the gateway. */
const struct tcp_service *dns_tcp_service(const struct dns_tcp *t);
