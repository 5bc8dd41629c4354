/* dns_records.h - a row of resource records, each with its names uncompressed: what an answer is
 * made of between the message it came in and the ones it goes out in. Pure.
 *
 * A buffer with a bound (decompression could make 64 KiB of foreign bytes into megabytes).
 * RFC 1035 3.2; the inside of known types is checked when they are added (RFC 9267 4). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/dns_name.h"
#include "lib/buf.h"

enum {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255,
	DNS_CLASS_IN = 1,
	DNS_RECORDS_BYTES_MAX = 256 << 10,
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_record {
	uint8_t section;
	uint16_t type, class;
	uint32_t ttl;
	struct dns_name name;
	const uint8_t *data;	/* names inside are uncompressed */
	size_t data_bytes;
};

/* The fields of a known type's data in this order: bytes, strings, names, bytes. */
struct dns_form {
	uint16_t type;
	uint8_t before;
	int8_t strings;		/* -1: as many as there are, at least one */
	uint8_t names;
	uint8_t after;
	bool compresses;	/* its names may be compressed when written (RFC 3597 4) */
};

/* NULL: not known, its data is carried as it is. */
const struct dns_form *dns_form_of(uint16_t type);

void dns_records_init(struct buf *records);	/* buf_finish ends it */
/* False when the bound is reached. */
bool dns_records_add(struct buf *records, const struct dns_record *record);
/* From *at = 0 on; false at the end. The record points into the buffer. */
bool dns_records_next(const struct buf *records, size_t *at, struct dns_record *record);

/* Reads the data of a record out of a message: its names are uncompressed into `out`, whose bound
 * is DNS_DATA_MAX. False: it is not what its type says. */
enum { DNS_DATA_MAX = 65535 };
bool dns_data_read(const uint8_t *message, size_t message_bytes, size_t at, size_t data_bytes,
		   uint16_t type, uint8_t out[DNS_DATA_MAX], size_t *out_bytes);
