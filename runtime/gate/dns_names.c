#include "gate/dns_names.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns_member.h"
#include "gate/dns_message.h"
#include "gate/dns_name.h"
#include "gate/dns_records.h"
#include "gate/port.h"
#include "lib/err.h"
#include "lib/str.h"
#include "wire/member_limits.h"

enum {
	BUCKETS = 1024,
	MEMBER_BUCKETS = 256,
	OWN_MAX = 4,		/* gateways, subnets */
};

struct member;

/* One name of one member, in the bucket of its hash. */
struct entry {
	struct entry *next;
	struct member *member;
	struct dns_name name;	/* lower case; one block with the struct, cut to its size */
};

struct member {
	struct member *next, *next_key;
	char *container;
	struct address addresses[DNS_MEMBER_ADDRESSES_MAX];
	int address_count;
	struct entry **entries;	/* the first is the reverse name */
	int entry_count;
	struct port ports[MEMBER_PORTS_MAX];
	int port_count;
};

struct dns_names {
	uint32_t seed;
	struct member *members;
	struct entry *buckets[BUCKETS];
	struct member *by_key[MEMBER_BUCKETS];
	int *count;		/* of names and members, of all tables that share it */
	bool in_full;
	unsigned turn;		/* of the order in which replicas are answered */
	struct dns_name search;	/* size 1: none */
	struct address gateways[OWN_MAX];
	int gateway_count;
	struct subnet subnets[OWN_MAX];
	int subnet_count;
};

struct dns_names *dns_names_create(uint32_t seed, int *count, bool in_full)
{
	struct dns_names *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	n->seed = seed;
	n->count = count;
	n->in_full = in_full;
	dns_name_parse("", &n->search);
	return n;
}

static struct entry **bucket_of(struct dns_names *n, const struct dns_name *name)
{
	return &n->buckets[dns_name_hash(name->wire, name->size, n->seed) % BUCKETS];
}

static struct member **key_at(const struct dns_names *n, const char *container)
{
	uint32_t hash =
		dns_name_hash((const uint8_t *)container, strlen(container), n->seed);

	return (struct member **)&n->by_key[hash % MEMBER_BUCKETS];
}

static void member_free(struct dns_names *n, struct member *m)
{
	struct member **key;
	struct entry **at;
	int i;

	for (i = 0; i < m->entry_count; i++) {
		for (at = bucket_of(n, &m->entries[i]->name); *at != m->entries[i];)
			at = &(*at)->next;
		*at = m->entries[i]->next;
		free(m->entries[i]);
	}
	for (key = key_at(n, m->container); *key != m;)
		key = &(*key)->next_key;
	*key = m->next_key;
	*n->count -= m->entry_count + 1;
	free(m->entries);
	free(m->container);
	free(m);
}

void dns_names_destroy(struct dns_names *n)
{
	struct member *m;

	if (!n)
		return;
	while ((m = n->members)) {
		n->members = m->next;
		member_free(n, m);
	}
	free(n);
}

void dns_names_set_network(struct dns_names *n, const char *search, const struct address *gateways,
			   int gateway_count, const struct subnet *subnets, int subnet_count)
{
	if (!dns_name_parse(search ? search : "", &n->search))
		dns_name_parse("", &n->search);
	dns_name_lower(&n->search);
	n->gateway_count = gateway_count < OWN_MAX ? gateway_count : OWN_MAX;
	if (n->gateway_count > 0)
		memcpy(n->gateways, gateways, n->gateway_count * sizeof(*gateways));
	n->subnet_count = subnet_count < OWN_MAX ? subnet_count : OWN_MAX;
	if (n->subnet_count > 0)
		memcpy(n->subnets, subnets, n->subnet_count * sizeof(*subnets));
}

static struct member *member_find(const struct dns_names *n, const char *container)
{
	struct member *m = *key_at(n, container);

	while (m && !str_equal(m->container, container))
		m = m->next_key;
	return m;
}

bool dns_names_has(const struct dns_names *n, const char *container)
{
	return member_find(n, container);
}

void dns_names_remove_member(struct dns_names *n, const char *container)
{
	struct member **at = &n->members, *m = member_find(n, container);

	if (!m)
		return;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	member_free(n, m);
}

static void entry_add(struct dns_names *n, struct member *m, const struct dns_name *name)
{
	struct entry *entry = malloc(offsetof(struct entry, name.wire) + name->size);
	struct entry **bucket = bucket_of(n, name);

	if (!entry)
		abort();
	entry->member = m;
	entry->name.size = name->size;
	memcpy(entry->name.wire, name->wire, name->size);
	entry->next = *bucket;
	*bucket = entry;
	m->entries[m->entry_count++] = entry;
	++*n->count;
}

static struct member *member_make(const struct dns_member *said)
{
	struct member *m = calloc(1, sizeof(*m));
	int i;

	if (!m)
		abort();
	m->container = strdup(said->container);
	m->entries = calloc(said->name_count + 1, sizeof(struct entry *));
	if (!m->container || !m->entries)
		abort();
	for (i = 0; i < said->address_count && m->address_count < DNS_MEMBER_ADDRESSES_MAX; i++)
		if (said->addresses[i].family)
			m->addresses[m->address_count++] = said->addresses[i];
	for (i = 0; i < said->port_count && m->port_count < MEMBER_PORTS_MAX; i++)
		m->ports[m->port_count++] = said->ports[i];
	return m;
}

int dns_names_set_member(struct dns_names *n, const struct dns_member *said, struct err *e)
{
	struct member *m, *old, **key;
	struct dns_name name;
	int i;

	for (i = 0; i < said->name_count; i++)
		if (!dns_name_parse(said->names[i], &name) || name.size == 1)
			return err_set(e, "%s is no name that a container can have",
				       said->names[i]);
	old = member_find(n, said->container);
	if (*n->count - (old ? old->entry_count + 1 : 0) + said->name_count + 1 > DNS_NAMES_MAX)
		return err_set(e, "more than %d names in one network, or in all its neighbours",
			       DNS_NAMES_MAX);
	m = member_make(said);
	if (old)
		dns_names_remove_member(n, said->container);
	for (i = 0; i < said->name_count; i++) {
		dns_name_parse(said->names[i], &name);
		dns_name_lower(&name);
		entry_add(n, m, &name);
	}
	key = key_at(n, said->container);
	m->next_key = *key;
	*key = m;
	++*n->count;
	m->next = n->members;
	n->members = m;
	return 0;
}

/* ---- answers */

static void add_record(struct dns_reply *reply, enum dns_section section,
		       const struct dns_name *name, uint16_t type, const void *data, size_t bytes)
{
	struct dns_record r = {
		.section = section,
		.type = type,
		.class = DNS_CLASS_IN,
		.ttl = DNS_NAMES_TTL_S,
		.name = *name,
		.data = data,
		.data_bytes = bytes,
	};

	if (!dns_records_add(&reply->records, &r))
		reply->truncated = true;
}

void dns_names_give(struct dns_reply *reply, const struct dns_question *q, const struct address *a)
{
	uint16_t own = a->family == AF_INET ? DNS_TYPE_A : DNS_TYPE_AAAA;

	if (q->type == own || q->type == DNS_TYPE_ANY)
		add_record(reply, DNS_ANSWER, &q->name, own, a->bytes, address_size(a));
}

/* The next of the members with this name; from NULL on. */
static struct entry *entry_next(struct dns_names *n, const struct dns_name *name, struct entry *e)
{
	for (e = e ? e->next : *bucket_of(n, name); e && !dns_name_equal(&e->name, name);)
		e = e->next;
	return e;
}

/* Calls give for each member with the name, beginning at another one each time. */
typedef void give_fn(struct dns_names *n, const struct dns_question *q, const struct member *m,
		     struct dns_reply *reply);

static bool give_all(struct dns_names *n, const struct dns_name *name,
		     const struct dns_question *q, give_fn *give, struct dns_reply *reply)
{
	struct entry *e = NULL, *first;
	unsigned count = 0, skip;

	while ((e = entry_next(n, name, e)))
		count++;
	if (count == 0)
		return false;
	for (skip = n->turn++ % count, first = entry_next(n, name, NULL); skip > 0; skip--)
		first = entry_next(n, name, first);
	for (e = first; count > 0; count--) {
		give(n, q, e->member, reply);
		e = entry_next(n, name, e);
		if (!e)
			e = entry_next(n, name, NULL);
	}
	return true;
}

static void give_addresses(struct dns_names *n, const struct dns_question *q,
			   const struct member *m, struct dns_reply *reply)
{
	int i;

	(void)n;
	for (i = 0; i < m->address_count; i++)
		dns_names_give(reply, q, &m->addresses[i]);
}

static bool without_search(const struct dns_names *n, const struct dns_name *name,
			   struct dns_name *alone)
{
	*alone = *name;
	return n->search.size > 1 && dns_name_cut(alone, &n->search) && alone->size > 1;
}

static bool is_name(const struct dns_name *name, const char *text)
{
	struct dns_name wanted;

	return dns_name_parse(text, &wanted) && dns_name_equal(name, &wanted);
}

static bool answer_gateway(struct dns_names *n, const struct dns_question *q,
			   const struct dns_name *name, struct dns_reply *reply)
{
	int i;

	if (n->gateway_count == 0 ||
	    (!is_name(name, "gateway") && !is_name(name, "host.docker.internal") &&
	     !is_name(name, "gateway.docker.internal")))
		return false;
	for (i = 0; i < n->gateway_count; i++)
		dns_names_give(reply, q, &n->gateways[i]);
	return true;
}

/* ---- reverse names */

/* "2.0.18.172.in-addr.arpa", 32 nibbles for IPv6. */
static bool reverse_address(const struct dns_name *name, struct address *a)
{
	struct dns_name rest = *name, v4, v6;
	char label[DNS_LABEL_MAX + 1];
	uint32_t value;
	int i;

	*a = (struct address){ 0 };
	dns_name_parse("in-addr.arpa", &v4);
	dns_name_parse("ip6.arpa", &v6);
	if (dns_name_labels(name) == 4 + 2 && dns_name_within(name, &v4)) {
		for (i = 3; i >= 0; i--) {
			dns_name_label(&rest, label);
			if (!str_to_u32(label, &value) || value > 255)
				return false;
			a->bytes[i] = value;
			dns_name_skip(&rest, 1);
		}
		a->family = AF_INET;
		return true;
	}
	if (dns_name_labels(name) != 32 + 2 || !dns_name_within(name, &v6))
		return false;
	for (i = 31; i >= 0; i--) {
		dns_name_label(&rest, label);
		if (label[0] == '\0' || label[1] != '\0' || !strchr("0123456789abcdef", label[0]))
			return false;
		value = label[0] <= '9' ? label[0] - '0' : label[0] - 'a' + 10;
		a->bytes[i / 2] |= i % 2 ? value : value << 4;
		dns_name_skip(&rest, 1);
	}
	a->family = AF_INET6;
	return true;
}

static void give_reverse(struct dns_names *n, const struct dns_question *q,
			 const struct dns_name *first, struct dns_reply *reply)
{
	struct dns_name name;

	name.size = first->size;
	memcpy(name.wire, first->wire, first->size);
	dns_name_join(&name, &n->search);
	if (q->type == DNS_TYPE_PTR || q->type == DNS_TYPE_ANY)
		add_record(reply, DNS_ANSWER, &q->name, DNS_TYPE_PTR, name.wire, name.size);
}

static bool is_inside(const struct dns_names *n, const struct address *a)
{
	int i;

	for (i = 0; i < n->subnet_count; i++)
		if (subnet_contains(&n->subnets[i], a))
			return true;
	return false;
}

static bool answer_reverse(struct dns_names *n, const struct dns_question *q,
			   struct dns_reply *reply)
{
	struct dns_name gateway;
	struct address a;
	struct member *m;
	int i;

	if (!reverse_address(&q->name, &a) || !is_inside(n, &a))
		return false;
	for (m = n->members; m; m = m->next) {
		for (i = 0; i < m->address_count; i++) {
			if (address_equal(&m->addresses[i], &a) && m->entry_count > 0) {
				give_reverse(n, q, &m->entries[0]->name, reply);
				return true;
			}
		}
	}
	dns_name_parse("gateway", &gateway);
	for (i = 0; i < n->gateway_count; i++) {
		if (address_equal(&n->gateways[i], &a)) {
			give_reverse(n, q, &gateway, reply);
			return true;
		}
	}
	return false;
}

/* ---- ports: [_PORT.]_tcp.NAME */

enum { PORT_OF_NOBODY = UINT16_MAX + 1 };

struct service {
	uint8_t protocol;
	uint32_t port;		/* 0 = all of them */
	struct dns_name name;	/* what follows */
};

static uint8_t protocol_of(const char *label)
{
	return str_equal(label, "_tcp")	  ? IPPROTO_TCP
	       : str_equal(label, "_udp") ? IPPROTO_UDP
					  : 0;
}

/* A port by its service's name ("_http") is nobody's, and not asked outside with our name in it. */
static bool service_read(const struct dns_name *name, struct service *s)
{
	char label[DNS_LABEL_MAX + 1];

	s->name = *name;
	s->port = 0;
	dns_name_label(&s->name, label);
	if (label[0] == '_' && !protocol_of(label)) {
		if (!str_to_u32(label + 1, &s->port) || s->port == 0)
			s->port = PORT_OF_NOBODY;
		dns_name_skip(&s->name, 1);
		dns_name_label(&s->name, label);
	}
	s->protocol = protocol_of(label);
	return s->protocol && dns_name_skip(&s->name, 1) && s->name.size > 1;
}

static void give_service(struct dns_names *n, const struct dns_question *q, const struct member *m,
			 struct dns_reply *reply)
{
	uint8_t data[6 + DNS_NAME_MAX] = { 0 };	/* priority 0, weight 0: all alike */
	struct dns_name target;
	struct service s;
	int i;

	service_read(&q->name, &s);
	target.size = m->entries[0]->name.size;
	memcpy(target.wire, m->entries[0]->name.wire, target.size);
	if (n->in_full || dns_name_within(&q->name, &n->search))
		dns_name_join(&target, &n->search);
	memcpy(data + 6, target.wire, target.size);
	for (i = 0; i < m->port_count; i++) {
		if (m->ports[i].protocol != s.protocol || (s.port && m->ports[i].number != s.port))
			continue;
		data[4] = m->ports[i].number >> 8;
		data[5] = m->ports[i].number & 0xff;
		if (q->type == DNS_TYPE_SRV || q->type == DNS_TYPE_ANY)
			add_record(reply, DNS_ANSWER, &q->name, DNS_TYPE_SRV, data,
				   6 + target.size);
	}
}

static bool answer_service(struct dns_names *n, const struct dns_question *q,
			   struct dns_reply *reply)
{
	struct dns_name alone;
	struct service s;

	if (!service_read(&q->name, &s))
		return false;
	if (give_all(n, &s.name, q, give_service, reply))
		return true;
	return without_search(n, &s.name, &alone) && give_all(n, &alone, q, give_service, reply);
}

bool dns_names_answer(struct dns_names *n, const struct dns_question *q, struct dns_reply *reply)
{
	struct dns_name lower = q->name, alone;

	dns_name_lower(&lower);
	if (give_all(n, &lower, q, give_addresses, reply))
		return true;
	if (without_search(n, &lower, &alone) &&
	    (give_all(n, &alone, q, give_addresses, reply) || answer_gateway(n, q, &alone, reply)))
		return true;
	return answer_gateway(n, q, &lower, reply) || answer_service(n, q, reply) ||
	       answer_reverse(n, q, reply);
}

bool dns_names_covers(const struct dns_names *n, const struct dns_name *name)
{
	struct address a;

	return (n->search.size > 1 && dns_name_within(name, &n->search)) ||
	       (reverse_address(name, &a) && is_inside(n, &a));
}
