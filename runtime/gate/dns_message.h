/* dns_message.h - DNS messages: a client's question read, a resolver's answer read, both written.
 * Pure; every byte read here is foreign (fuzzed both ways).
 *
 * What is not exactly as the RFCs have it is refused: lengths that do not end at the end, names
 * that leave their record, an answer to another question. What is read is carried as records
 * (dns_records.h) and written anew: no client ever sees a resolver's bytes as they came.
 * RFC 1035 4, 2181, 6891, 9267. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/dns_name.h"
#include "lib/buf.h"

enum {
	DNS_MESSAGE_MAX = 65535,
	DNS_UDP_LEAST = 512,	/* what every client takes (RFC 1035 4.2.1) */
	DNS_UDP_MOST = 1232,	/* no fragments at IPv6's smallest MTU (DNS flag day 2020) */
	DNS_TTL_MOST_S = 86400,	/* of anything that is kept here */
	DNS_QUERY_MAX = 12 + DNS_NAME_MAX + 4 + 11,	/* what dns_query_write writes */
};

enum dns_rcode {
	DNS_RCODE_NOERROR,
	DNS_RCODE_FORMERR,
	DNS_RCODE_SERVFAIL,
	DNS_RCODE_NXDOMAIN,
	DNS_RCODE_NOTIMP,
	DNS_RCODE_REFUSED,
	DNS_RCODE_BADVERS = 16,
	DNS_RCODE_DROP = -1,	/* no answer: no message of a client at all */
};

struct dns_question {
	struct dns_name name;	/* as asked, case kept */
	uint16_t type, class;
};

struct dns_query {
	struct dns_question question;	/* name.size 0: there was none to read */
	uint16_t id;
	uint16_t udp_max;		/* the client's, between DNS_UDP_LEAST and _MOST */
	uint8_t opcode;
	bool recursion;			/* RD */
	bool checking_off;		/* CD */
	bool edns, dnssec;		/* has OPT; its DO */
};

struct dns_reply {
	enum dns_rcode rcode;
	bool authoritative, truncated;
	bool edns;			/* read: it had OPT */
	struct buf records;
};

void dns_reply_init(struct dns_reply *reply);
void dns_reply_finish(struct dns_reply *reply);

/* What to answer at once: NOERROR = the query is good. */
enum dns_rcode dns_query_read(const uint8_t *message, size_t size_bytes, struct dns_query *query);
/* As sent to a resolver; returns the size. out holds DNS_QUERY_MAX. */
size_t dns_query_write(const struct dns_question *question, uint16_t id, bool checking_off,
		       bool edns, bool dnssec, uint8_t *out);

/* Is it an answer to this question with this id? False leaves nothing in reply, which is
 * initialized. More than the bound of records: an answer with rcode SERVFAIL. */
bool dns_reply_read(const uint8_t *message, size_t size_bytes, const struct dns_question *question,
		    uint16_t id, struct dns_reply *reply);
/* For this client, TTLs lowered by age; what does not fit into max is left out, and said so (TC).
 * max: at least DNS_UDP_LEAST. Returns the size. */
size_t dns_reply_write(const struct dns_reply *reply, const struct dns_query *query, uint32_t age_s,
		       uint8_t *out, size_t max);

bool dns_question_equal(const struct dns_question *a, const struct dns_question *b);
/* How long the reply may be kept: the least TTL of what it says, or of its SOA when it says that
 * there is nothing (RFC 2308 5); 0 = not at all. */
uint32_t dns_reply_ttl(const struct dns_reply *reply);
/* "A", "AAAA", or "TYPE65" in text. */
const char *dns_type_print(uint16_t type, char text[16]);
const char *dns_rcode_print(enum dns_rcode rcode);
