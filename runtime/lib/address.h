/* address.h - one IP address of either family, and a subnet of them.
 *
 * Bytes in network order; of an IPv4 address the first four count and the rest is zero, so that two
 * equal addresses are equal as memory. Pure: no lookups, no sockets made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 46, SUBNET_TEXT_MAX = ADDRESS_TEXT_MAX + 4 };

struct address {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC = none */
	uint8_t bytes[16];
};

struct subnet {
	struct address address; /* host bits are zero */
	uint8_t prefix;
};

/* Strict text forms, nothing around them; false when it is none. */
bool address_parse(const char *text, struct address *out);
/* "10.0.0.0/8"; host bits that are set are refused; a bare address is /32 or /128. */
bool subnet_parse(const char *text, struct subnet *out);
/* Both return text; "" for none. */
const char *address_print(const struct address *a, char text[ADDRESS_TEXT_MAX]);
const char *subnet_print(const struct subnet *s, char text[SUBNET_TEXT_MAX]);

/* size_bytes: 4 or 16, else the result is none. */
struct address address_of_bytes(const void *bytes, size_t size_bytes);
size_t address_size(const struct address *a); /* 4, 16, or 0 for none */
bool address_equal(const struct address *a, const struct address *b);
bool subnet_equal(const struct subnet *a, const struct subnet *b);
bool subnet_contains(const struct subnet *s, const struct address *a);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);
/* One that a machine can have: not the first (RFC 1122, RFC 4291 2.6.1), and of IPv4 not the last.
 */
bool subnet_is_host(const struct subnet *s, const struct address *a);
/* It has some of what is no network of machines: loopback, link-local, multicast... (RFC 6890,
 * RFC 4291). */
bool subnet_is_reserved(const struct subnet *s);
struct address subnet_first_host(const struct subnet *s);	/* the gateway, if none is named */
bool address_is_loopback(const struct address *a);	/* 127/8, ::1 */
/* ::ffff:a.b.c.d as a.b.c.d; any other stays. */
struct address address_unmapped(const struct address *a);

/* Returns the length of *out; 0 for none. */
socklen_t address_to_socket(const struct address *a, uint16_t port, struct sockaddr_storage *out);
bool address_of_socket(const struct sockaddr_storage *s, struct address *a, uint16_t *port);
