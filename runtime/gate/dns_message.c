#include "gate/dns_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/dns_records.h"
#include "lib/array.h"

enum {
	HEADER_BYTES = 12,
	FLAG_QR = 0x8000,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_CD = 0x0010,
	FLAG_AA = 0x0400,
	OPT_DO = 0x8000,
	OPT_BYTES = 11,
	NEGATIVE_TTL_MOST_S = 300,	/* a name that appears is found within five minutes */
};

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

void dns_reply_init(struct dns_reply *reply)
{
	*reply = (struct dns_reply){ .rcode = DNS_RCODE_NOERROR };
	dns_records_init(&reply->records);
}

void dns_reply_finish(struct dns_reply *reply)
{
	buf_finish(&reply->records);
}

bool dns_question_equal(const struct dns_question *a, const struct dns_question *b)
{
	return a->type == b->type && a->class == b->class && dns_name_equal(&a->name, &b->name);
}

static bool question_read(const uint8_t *message, size_t size_bytes, size_t *at,
			  struct dns_question *q)
{
	size_t from = *at;

	if (!dns_name_read(message, size_bytes, &from, &q->name) || size_bytes - from < 4) {
		q->name.size = 0;
		return false;
	}
	q->type = get16(message + from);
	q->class = get16(message + from + 2);
	*at = from + 4;
	return true;
}

/* A record's place in a message. */
struct place {
	struct dns_name name;
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_bytes;
};

static bool place_read(const uint8_t *message, size_t size_bytes, size_t *at, struct place *p)
{
	size_t from = *at;

	if (!dns_name_read(message, size_bytes, &from, &p->name) || size_bytes - from < 10)
		return false;
	p->type = get16(message + from);
	p->class = get16(message + from + 2);
	p->ttl = get32(message + from + 4);
	p->data_bytes = get16(message + from + 8);
	p->data = from + 10;
	if (p->data_bytes > size_bytes - p->data)
		return false;
	*at = p->data + p->data_bytes;
	return true;
}

/* The options of an OPT record end at its end (RFC 6891 6.1.2). */
static bool options_good(const uint8_t *data, size_t size_bytes)
{
	size_t at = 0;

	while (at < size_bytes) {
		if (size_bytes - at < 4 || get16(data + at + 2) > size_bytes - at - 4)
			return false;
		at += 4 + get16(data + at + 2);
	}
	return true;
}

static enum dns_rcode query_opt(const uint8_t *message, const struct place *p,
				struct dns_query *query)
{
	if (p->type != DNS_TYPE_OPT || query->edns || p->name.size != 1 ||
	    !options_good(message + p->data, p->data_bytes))
		return DNS_RCODE_FORMERR;
	query->edns = true;
	query->dnssec = p->ttl & OPT_DO;
	query->udp_max = p->class < DNS_UDP_LEAST  ? DNS_UDP_LEAST
			 : p->class > DNS_UDP_MOST ? DNS_UDP_MOST
						   : p->class;
	return p->ttl >> 16 & 0xff ? DNS_RCODE_BADVERS : DNS_RCODE_NOERROR;
}

enum dns_rcode dns_query_read(const uint8_t *message, size_t size_bytes, struct dns_query *query)
{
	enum dns_rcode rcode = DNS_RCODE_NOERROR;
	size_t at = HEADER_BYTES;
	struct place p;
	uint16_t flags;
	int extra;

	memset(query, 0, sizeof(*query));
	if (size_bytes < HEADER_BYTES || get16(message + 2) & FLAG_QR)
		return DNS_RCODE_DROP;
	query->udp_max = DNS_UDP_LEAST;
	query->id = get16(message);
	flags = get16(message + 2);
	query->opcode = flags >> 11 & 15;
	query->recursion = flags & FLAG_RD;
	query->checking_off = flags & FLAG_CD;
	if (query->opcode != 0)
		return DNS_RCODE_NOTIMP;
	extra = get16(message + 10);
	if (get16(message + 4) != 1 || get16(message + 6) || get16(message + 8) || extra > 1 ||
	    flags & FLAG_TC || !question_read(message, size_bytes, &at, &query->question))
		return DNS_RCODE_FORMERR;
	if (extra) {
		if (!place_read(message, size_bytes, &at, &p))
			return DNS_RCODE_FORMERR;
		rcode = query_opt(message, &p, query);
	}
	if (at != size_bytes)
		return DNS_RCODE_FORMERR;
	if (rcode != DNS_RCODE_NOERROR)
		return rcode;
	if (query->question.class != DNS_CLASS_IN)
		return DNS_RCODE_REFUSED;
	/* Types from 249 on are no data but ways to ask (RFC 6895 3.1); OPT is none either. */
	if (query->question.type == DNS_TYPE_OPT || query->question.type == 0 ||
	    (query->question.type >= 249 && query->question.type < DNS_TYPE_ANY))
		return DNS_RCODE_NOTIMP;
	return DNS_RCODE_NOERROR;
}

static size_t opt_write(uint8_t *out, enum dns_rcode rcode, bool dnssec)
{
	memset(out, 0, OPT_BYTES);
	put16(out + 1, DNS_TYPE_OPT);
	put16(out + 3, DNS_UDP_MOST);
	out[5] = rcode >> 4;
	put16(out + 7, dnssec ? OPT_DO : 0);
	return OPT_BYTES;
}

size_t dns_query_write(const struct dns_question *question, uint16_t id, bool checking_off,
		       bool edns, bool dnssec, uint8_t *out)
{
	size_t at = HEADER_BYTES;

	memset(out, 0, HEADER_BYTES);
	put16(out, id);
	put16(out + 2, FLAG_RD | (checking_off ? FLAG_CD : 0));
	put16(out + 4, 1);
	put16(out + 10, edns);
	memcpy(out + at, question->name.wire, question->name.size);
	at += question->name.size;
	put16(out + at, question->type);
	put16(out + at + 2, question->class);
	at += 4;
	return edns ? at + opt_write(out + at, DNS_RCODE_NOERROR, dnssec) : at;
}

/* One record of an answer into the reply. 1 = fine (or left out), 0 = malformed, -1 = no room. */
static int record_read(const uint8_t *message, size_t size_bytes, const struct place *p,
		       enum dns_section section, const struct dns_question *question,
		       uint8_t *data, struct dns_reply *reply, unsigned *rcode_high)
{
	struct dns_record record = {
		.section = section,
		.type = p->type,
		.class = p->class,
		.ttl = p->ttl > INT32_MAX ? 0 : p->ttl,	/* RFC 2181 8 */
		.name = p->name,
		.data = data,
	};

	if (p->type == DNS_TYPE_OPT) {
		if (section != DNS_ADDITIONAL || p->name.size != 1 || *rcode_high & 0x1000 ||
		    !options_good(message + p->data, p->data_bytes))
			return 0;
		*rcode_high = 0x1000 | (p->ttl >> 24) << 4;
		return 1;
	}
	if (!dns_data_read(message, size_bytes, p->data, p->data_bytes, p->type, data,
			   &record.data_bytes))
		return 0;
	if (p->class != question->class || p->type == 0 ||
	    (p->type >= 249 && p->type <= DNS_TYPE_ANY))
		return 1;	/* TSIG and the like: not for a client */
	return dns_records_add(&reply->records, &record) ? 1 : -1;
}

/* Some servers leave the question out when they could not read it. */
static bool answers_without_question(const uint8_t *message, size_t size_bytes)
{
	unsigned rcode = message[3] & 15;

	return size_bytes == HEADER_BYTES && get16(message + 4) == 0 &&
	       rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN;
}

static bool records_read(const uint8_t *message, size_t size_bytes, size_t at,
			 const struct dns_question *question, struct dns_reply *reply)
{
	uint8_t *data = malloc(DNS_DATA_MAX);
	unsigned rcode_high = 0;
	struct place p;
	int section, i, fine = 1;

	if (!data)
		abort();
	for (section = DNS_ANSWER; section < DNS_SECTIONS; section++) {
		for (i = get16(message + 6 + 2 * section); i > 0 && fine == 1; i--) {
			fine = place_read(message, size_bytes, &at, &p);
			if (fine)
				fine = record_read(message, size_bytes, &p, section, question,
						   data, reply, &rcode_high);
		}
	}
	free(data);
	if (fine == 0 || (fine == 1 && at != size_bytes))
		return false;
	reply->edns = rcode_high & 0x1000;
	reply->rcode |= rcode_high & 0xff0;
	if (fine < 0 || reply->rcode > DNS_RCODE_REFUSED) {
		reply->rcode = DNS_RCODE_SERVFAIL;
		reply->records.size_bytes = 0;
		reply->records.overflow = false;
	}
	return true;
}

bool dns_reply_read(const uint8_t *message, size_t size_bytes, const struct dns_question *question,
		    uint16_t id, struct dns_reply *reply)
{
	struct dns_question asked;
	size_t at = HEADER_BYTES;
	uint16_t flags;

	if (size_bytes < HEADER_BYTES || get16(message) != id)
		return false;
	flags = get16(message + 2);
	if (!(flags & FLAG_QR) || (flags >> 11 & 15) != 0)
		return false;
	reply->rcode = flags & 15;
	reply->truncated = flags & FLAG_TC;
	if (answers_without_question(message, size_bytes))
		return true;
	if (get16(message + 4) != 1 || !question_read(message, size_bytes, &at, &asked) ||
	    !dns_question_equal(&asked, question))
		return false;
	/* Cut at an arbitrary place by some servers: nothing of it is used. */
	if (reply->truncated)
		return true;
	if (!records_read(message, size_bytes, at, question, reply)) {
		buf_clear(&reply->records);
		return false;
	}
	return true;
}

/* ---- writing, with names compressed (RFC 1035 4.1.4) */

enum { KNOWN = 256, POINTER_MOST = 0x3fff };

struct writer {
	uint8_t *out;
	size_t at, max;
	struct {
		uint32_t hash;
		uint16_t offset;	/* 0 = nothing: a name never lies in the header */
	} known[KNOWN];			/* the latest name's tail with this hash */
};

/* Does the (compressed) name at offset spell this tail? It was written by us: no bound is needed.
 */
static bool known_is(const struct writer *w, size_t offset, const uint8_t *tail, size_t tail_bytes)
{
	struct dns_name there, wanted = { .size = tail_bytes };

	memcpy(wanted.wire, tail, tail_bytes);
	return dns_name_read(w->out, w->at, &offset, &there) && dns_name_equal(&there, &wanted);
}

static bool write_bytes(struct writer *w, const void *bytes, size_t count)
{
	if (count > w->max - w->at)
		return false;
	memcpy(w->out + w->at, bytes, count);
	w->at += count;
	return true;
}

static bool write_name(struct writer *w, const uint8_t *wire, size_t size_bytes)
{
	uint8_t pointer[2];
	uint32_t hash;
	size_t at, begin = w->at;

	for (at = 0; wire[at]; at += 1 + wire[at]) {
		hash = dns_name_hash(wire + at, size_bytes - at, 0);
		if (w->known[hash % KNOWN].offset && w->known[hash % KNOWN].hash == hash &&
		    w->known[hash % KNOWN].offset < begin &&
		    known_is(w, w->known[hash % KNOWN].offset, wire + at, size_bytes - at)) {
			put16(pointer, 0xc000 | w->known[hash % KNOWN].offset);
			return write_bytes(w, pointer, 2);
		}
		if (w->at <= POINTER_MOST) {
			w->known[hash % KNOWN].hash = hash;
			w->known[hash % KNOWN].offset = w->at;
		}
		if (!write_bytes(w, wire + at, 1 + wire[at]))
			return false;
	}
	return write_bytes(w, "", 1);
}

static bool write_data(struct writer *w, const struct dns_record *r)
{
	const struct dns_form *form = dns_form_of(r->type);
	size_t at, name_bytes;
	struct dns_name name;
	int i;

	if (!form || !form->compresses)
		return write_bytes(w, r->data, r->data_bytes);
	if (!write_bytes(w, r->data, form->before))
		return false;
	at = form->before;
	for (i = 0; i < form->names; i++) {
		name_bytes = at;
		if (!dns_name_read(r->data, r->data_bytes, &at, &name) ||
		    !write_name(w, r->data + name_bytes, name.size))
			return false;
	}
	return write_bytes(w, r->data + at, r->data_bytes - at);
}

/* Whole, or the writer is where it was: then what it knew of the record is forgotten too. */
static bool write_record(struct writer *w, const struct dns_record *r, uint32_t age_s)
{
	size_t begin = w->at, data, i;
	uint8_t head[10];

	put16(head, r->type);
	put16(head + 2, r->class);
	put32(head + 4, r->ttl > age_s ? r->ttl - age_s : 0);
	put16(head + 8, 0);
	if (write_name(w, r->name.wire, r->name.size) && write_bytes(w, head, sizeof(head))) {
		data = w->at;
		if (write_data(w, r)) {
			put16(w->out + data - 2, w->at - data);
			return true;
		}
	}
	for (i = 0; i < KNOWN; i++)
		if (w->known[i].offset >= begin)
			w->known[i].offset = 0;
	w->at = begin;
	return false;
}

static bool write_records(struct writer *w, const struct dns_reply *reply, uint32_t age_s,
			  uint16_t counts[DNS_SECTIONS])
{
	struct dns_record r;
	size_t at = 0;

	while (dns_records_next(&reply->records, &at, &r)) {
		if (counts[r.section] == UINT16_MAX || !write_record(w, &r, age_s))
			return r.section == DNS_ADDITIONAL;
		counts[r.section]++;
	}
	return true;
}

size_t dns_reply_write(const struct dns_reply *reply, const struct dns_query *query, uint32_t age_s,
		       uint8_t *out, size_t max)
{
	/* Room for OPT is kept: it must be there whatever is left out (RFC 6891 7). */
	struct writer w = { .out = out, .at = HEADER_BYTES, .max = max - OPT_BYTES };
	uint16_t counts[DNS_SECTIONS] = { 0 }, flags = FLAG_QR | FLAG_RA;
	uint8_t tail[4];
	int i;

	memset(out, 0, HEADER_BYTES);
	put16(out, query->id);
	flags |= query->opcode << 11 | (reply->rcode & 15);
	flags |= (reply->authoritative ? FLAG_AA : 0) | (query->recursion ? FLAG_RD : 0) |
		 (query->checking_off ? FLAG_CD : 0);
	if (query->question.name.size) {
		put16(tail, query->question.type);
		put16(tail + 2, query->question.class);
		write_name(&w, query->question.name.wire, query->question.name.size);
		write_bytes(&w, tail, sizeof(tail));
		put16(out + 4, 1);
	}
	if (!write_records(&w, reply, age_s, counts) || reply->truncated)
		flags |= FLAG_TC;
	for (i = 0; i < DNS_SECTIONS; i++)
		put16(out + 6 + 2 * i, counts[i] + (i == DNS_ADDITIONAL && query->edns));
	put16(out + 2, flags);
	if (query->edns)
		w.at += opt_write(out + w.at, reply->rcode, query->dnssec);
	return w.at;
}

/* The least of a SOA's own TTL and its last field. */
static uint32_t soa_ttl(const struct dns_record *r)
{
	uint32_t least = get32(r->data + r->data_bytes - 4);

	return r->ttl < least ? r->ttl : least;
}

uint32_t dns_reply_ttl(const struct dns_reply *reply)
{
	uint32_t least = DNS_TTL_MOST_S, soa = 0;
	struct dns_record r;
	bool answers = false;
	size_t at = 0;

	if (reply->truncated ||
	    (reply->rcode != DNS_RCODE_NOERROR && reply->rcode != DNS_RCODE_NXDOMAIN))
		return 0;
	while (dns_records_next(&reply->records, &at, &r)) {
		if (r.section == DNS_ADDITIONAL)
			continue;
		if (r.type == DNS_TYPE_SOA && r.section == DNS_AUTHORITY)
			soa = soa_ttl(&r);
		/* A chain that ends in nothing is no answer to anything but CNAME; it is kept no
		 * longer than its SOA says, below. */
		answers |= r.section == DNS_ANSWER && r.type != DNS_TYPE_CNAME;
		least = r.ttl < least ? r.ttl : least;
	}
	if (answers && reply->rcode == DNS_RCODE_NOERROR)
		return least;
	soa = soa < NEGATIVE_TTL_MOST_S ? soa : NEGATIVE_TTL_MOST_S;
	return soa < least ? soa : least;
}

const char *dns_type_print(uint16_t type, char text[16])
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = { { DNS_TYPE_A, "A" },     { DNS_TYPE_AAAA, "AAAA" }, { DNS_TYPE_PTR, "PTR" },
		      { DNS_TYPE_SRV, "SRV" }, { DNS_TYPE_MX, "MX" },	  { DNS_TYPE_TXT, "TXT" },
		      { DNS_TYPE_NS, "NS" },   { DNS_TYPE_SOA, "SOA" },	  { DNS_TYPE_ANY, "ANY" },
		      { DNS_TYPE_CNAME, "CNAME" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(text, 16, "TYPE%u", type);
	return text;
}

const char *dns_rcode_print(enum dns_rcode rcode)
{
	static const char *const names[] = { "NOERROR",	 "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED" };

	return rcode >= 0 && rcode <= DNS_RCODE_REFUSED ? names[rcode]
	       : rcode == DNS_RCODE_BADVERS		? "BADVERS"
							: "none";
}
