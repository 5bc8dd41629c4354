/* dns_name.h - a domain name in the form of the wire, uncompressed. Pure.
 *
 * Read from foreign bytes with every bound of RFC 9267: labels of at most 63 bytes, names of at
 * most 255, a compression pointer only to what lies before its own name (so there is no loop),
 * the two reserved label types refused. Case is kept (RFC 4343) and never counts in a comparison.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_NAME_MAX = 255,
	DNS_LABEL_MAX = 63,
	DNS_NAME_TEXT_BYTES = 4 * DNS_NAME_MAX + 1,	/* every byte as \DDD */
};

struct dns_name {
	uint8_t size;			/* with the root's zero; 0 = no name */
	uint8_t wire[DNS_NAME_MAX];
};

/* Moves *at behind the name; false leaves it. */
bool dns_name_read(const uint8_t *message, size_t size_bytes, size_t *at, struct dns_name *name);

/* "web", "web.lab." -> wire; printable labels without escapes; false when it is no such name. */
bool dns_name_parse(const char *text, struct dns_name *name);
/* Without the last dot; "." for the root; bytes that are not of a host name as \DDD (RFC 1035 5.1).
 * Returns text. */
const char *dns_name_print(const struct dns_name *name, char text[DNS_NAME_TEXT_BYTES]);

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
void dns_name_lower(struct dns_name *name);
uint32_t dns_name_hash(const uint8_t *wire, size_t size_bytes, uint32_t seed);

int dns_name_labels(const struct dns_name *name); /* without the root */
/* Is it zone, or below it? */
bool dns_name_within(const struct dns_name *name, const struct dns_name *zone);
/* Drops labels in front, or takes the last ones away; false when it has fewer. */
bool dns_name_skip(struct dns_name *name, int labels);
bool dns_name_cut(struct dns_name *name, const struct dns_name *zone);
/* front + back; false when that is too long. */
bool dns_name_join(struct dns_name *front, const struct dns_name *back);
/* The first label, NUL-terminated, lower case. "" when it has none. */
void dns_name_label(const struct dns_name *name, char label[DNS_LABEL_MAX + 1]);
