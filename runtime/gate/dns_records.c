#include "gate/dns_records.h"

#include <string.h>

#include "lib/array.h"

static const struct dns_form forms[] = {
	/* type		     before, strings, names, after, compresses */
	{ DNS_TYPE_A, 4, 0, 0, 0, false },
	{ DNS_TYPE_NS, 0, 0, 1, 0, true },
	{ 3 /* MD */, 0, 0, 1, 0, true },
	{ 4 /* MF */, 0, 0, 1, 0, true },
	{ DNS_TYPE_CNAME, 0, 0, 1, 0, true },
	{ DNS_TYPE_SOA, 0, 0, 2, 20, true },
	{ 7 /* MB */, 0, 0, 1, 0, true },
	{ 8 /* MG */, 0, 0, 1, 0, true },
	{ 9 /* MR */, 0, 0, 1, 0, true },
	{ DNS_TYPE_PTR, 0, 0, 1, 0, true },
	{ 13 /* HINFO */, 0, 2, 0, 0, false },
	{ 14 /* MINFO */, 0, 0, 2, 0, true },
	{ DNS_TYPE_MX, 2, 0, 1, 0, true },
	{ DNS_TYPE_TXT, 0, -1, 0, 0, false },
	{ 17 /* RP */, 0, 0, 2, 0, false },
	{ 18 /* AFSDB */, 2, 0, 1, 0, false },
	{ 21 /* RT */, 2, 0, 1, 0, false },
	{ 26 /* PX */, 2, 0, 2, 0, false },
	{ DNS_TYPE_AAAA, 16, 0, 0, 0, false },
	{ DNS_TYPE_SRV, 6, 0, 1, 0, false },
	{ 35 /* NAPTR */, 4, 3, 1, 0, false },
	{ 36 /* KX */, 2, 0, 1, 0, false },
	{ 39 /* DNAME */, 0, 0, 1, 0, false },
	{ 99 /* SPF */, 0, -1, 0, 0, false },
};

const struct dns_form *dns_form_of(uint16_t type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i].type == type)
			return &forms[i];
	return NULL;
}

/* As it lies in the buffer, in front of the name and the data. */
struct head {
	uint32_t ttl;
	uint16_t type, class, data_bytes;
	uint8_t section, name_bytes;
};

void dns_records_init(struct buf *records)
{
	buf_init(records, DNS_RECORDS_BYTES_MAX);
}

bool dns_records_add(struct buf *records, const struct dns_record *record)
{
	struct head head = {
		.ttl = record->ttl,
		.type = record->type,
		.class = record->class,
		.data_bytes = record->data_bytes,
		.section = record->section,
		.name_bytes = record->name.size,
	};
	size_t begin = records->size_bytes;

	if (record->data_bytes <= DNS_DATA_MAX && buf_add(records, &head, sizeof(head)) &&
	    buf_add(records, record->name.wire, record->name.size) &&
	    buf_add(records, record->data, record->data_bytes))
		return true;
	records->size_bytes = begin;	/* whole records only */
	return false;
}

bool dns_records_next(const struct buf *records, size_t *at, struct dns_record *record)
{
	struct head head;
	const uint8_t *from;

	if (*at >= records->size_bytes)
		return false;
	from = (const uint8_t *)records->data + *at;
	memcpy(&head, from, sizeof(head));
	from += sizeof(head);
	record->ttl = head.ttl;
	record->type = head.type;
	record->class = head.class;
	record->section = head.section;
	record->name.size = head.name_bytes;
	memcpy(record->name.wire, from, head.name_bytes);
	record->data = from + head.name_bytes;
	record->data_bytes = head.data_bytes;
	*at += sizeof(head) + head.name_bytes + head.data_bytes;
	return true;
}

struct data_copy {
	const uint8_t *message;
	size_t at, end;
	uint8_t *out;
	size_t out_bytes;
};

static bool copy_bytes(struct data_copy *c, size_t count)
{
	if (count > c->end - c->at || count > DNS_DATA_MAX - c->out_bytes)
		return false;
	memcpy(c->out + c->out_bytes, c->message + c->at, count);
	c->at += count;
	c->out_bytes += count;
	return true;
}

static bool copy_string(struct data_copy *c)
{
	return c->at < c->end && copy_bytes(c, 1 + (size_t)c->message[c->at]);
}

/* A pointer may lead out of the data to what lies before it; the name's own bytes may not. */
static bool copy_name(struct data_copy *c)
{
	struct dns_name name;

	if (!dns_name_read(c->message, c->end, &c->at, &name) ||
	    name.size > DNS_DATA_MAX - c->out_bytes)
		return false;
	memcpy(c->out + c->out_bytes, name.wire, name.size);
	c->out_bytes += name.size;
	return true;
}

bool dns_data_read(const uint8_t *message, size_t message_bytes, size_t at, size_t data_bytes,
		   uint16_t type, uint8_t out[DNS_DATA_MAX], size_t *out_bytes)
{
	struct data_copy c = { .message = message, .at = at, .end = at + data_bytes, .out = out };
	const struct dns_form *form = dns_form_of(type);
	int i;

	if (at > message_bytes || data_bytes > message_bytes - at)
		return false;
	if (!form) {
		copy_bytes(&c, data_bytes);
	} else {
		if (!copy_bytes(&c, form->before))
			return false;
		for (i = 0; i < form->strings; i++)
			if (!copy_string(&c))
				return false;
		if (form->strings < 0) {
			do {
				if (!copy_string(&c))
					return false;
			} while (c.at < c.end);
		}
		for (i = 0; i < form->names; i++)
			if (!copy_name(&c))
				return false;
		if (!copy_bytes(&c, form->after))
			return false;
	}
	*out_bytes = c.out_bytes;
	return c.at == c.end;
}
