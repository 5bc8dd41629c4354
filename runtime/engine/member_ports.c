/* member_ports.c - see member_ports.h. */
#include "engine/member_ports.h"

#include <string.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/member.h"
#include "engine/member_former.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

static const char *name_of(const struct member *m)
{
	return m->attachments->name;
}

static struct port_key key_of(const struct member *m, const struct member_port *p)
{
	struct port_key key = {
		.protocol = p->map->protocol,
		.host_first = p->first,
		.host_last = p->last,
		.container_port = p->container_port,
	};

	str_copy(key.service, sizeof(key.service), m->attachments->service->name);
	str_copy(key.host_address, sizeof(key.host_address), p->map->host_address);
	return key;
}

struct netd_port member_ports_words(const struct member *m, const struct member_port *p,
				    char text[PORT_KEY_BYTES])
{
	const struct port_key key = key_of(m, p);

	port_key_print(&key, text);
	return (struct netd_port){
		.network = attachments_network(m->attachments),
		.key = text,
		.container = name_of(m),
		.host_address = p->map->host_address,
		.protocol = p->map->protocol,
		.host_port = p->port,
		.container_port = p->container_port,
		.least_connections = m->attachments->service->replicas.least_connections,
		.state = m->serves_as,
	};
}

void member_ports_set_backend(struct member *m, const struct netd_port *port,
			      enum netd_backend state)
{
	struct err e;

	if (netd_set_backend(m->net, port, state, &e) < 0)
		log_warn("container=%s: %s", name_of(m), e.text);
}

void member_ports_withdraw(struct member *m, const struct netd_port *port)
{
	struct err e;

	if (netd_is_there(m->net) && netd_withdraw(m->net, port, &e) < 0)
		log_warn("container=%s: close port %s: %s", name_of(m), port->key, e.text);
}

static bool have_been(const struct member_ports *ports)
{
	if (ports->former)
		return true;
	for (size_t i = 0; i < ports->count; i++)
		if (ports->items[i].claimed)
			return true;
	return false;
}

void member_ports_begin(struct member *m, bool anew)
{
	m->port_at = 0;
	m->port_pass = MEMBER_PORTS_KEPT;
	m->keeps_all = !have_been(m->ports);
	for (size_t i = 0; anew && i < m->ports->count; i++)
		if (m->parts[i] == MEMBER_BEHIND_NOW)
			m->parts[i] = MEMBER_BEHIND;
}

static bool is_in_pass(const struct member *m, size_t number)
{
	const struct member_port *p = &m->ports->items[number];

	switch (m->port_pass) {
	case MEMBER_PORTS_KEPT:
		return p != m->ports->missing &&
		       (p->claimed || m->parts[number] == MEMBER_BEHIND || m->keeps_all);
	case MEMBER_PORTS_MISSING:
		return p == m->ports->missing && !member_former_bars(m, p);
	case MEMBER_PORTS_WITH_WAY:
		return !member_former_bars(m, p);
	case MEMBER_PORTS_REST:
	case MEMBER_PORTS_PASSES:
		break;
	}
	return true;
}

struct member_port *member_ports_next(struct member *m)
{
	for (; m->port_pass < MEMBER_PORTS_PASSES; m->port_pass++, m->port_at = 0)
		for (; m->port_at < m->ports->count; m->port_at++)
			if (m->parts[m->port_at] != MEMBER_BEHIND_NOW && is_in_pass(m, m->port_at))
				return &m->ports->items[m->port_at];
	return NULL;
}

bool member_ports_make_way(struct member *m, const struct member_port *p)
{
	if (m->again && m->ports->barred && member_former_bars(m, p))
		return false;
	member_former_make_way(m, p);
	return true;
}

void member_ports_take(struct member *m, struct member_port *p, uint16_t port)
{
	enum member_part *part = &m->parts[p - m->ports->items];
	char key[PORT_KEY_BYTES];
	struct netd_port words;

	p->port = port;
	p->was = true;
	p->withdrawn = false;
	p->holders += *part == MEMBER_NOT_BEHIND;
	*part = MEMBER_BEHIND_NOW;
	words = member_ports_words(m, p, key);
	/* A key that was there has no backend since the last end. */
	member_ports_set_backend(m, &words, m->serves_as);
}

/* Another container of the service may have got one meanwhile. The number that it had may be
 * somebody else's now; of a range the next one may be free. */
bool member_ports_try_other(const struct member *m, struct member_port *p)
{
	if (p->holders && p->port != m->asked_port)
		return true;
	if (p->was && p->port != p->first) {
		p->was = false;
		p->port = p->first;
		return true;
	}
	if (p->first && p->port < p->last) {
		p->port++;
		return true;
	}
	p->port = p->first;
	return false;
}

static void withdraw_item(struct member *m, struct member_port *p)
{
	char key[PORT_KEY_BYTES];
	struct netd_port words = member_ports_words(m, p, key);

	p->claimed = false;
	p->withdrawn = true;
	m->ports->round++;
	member_ports_withdraw(m, &words);
}

static void give_back(struct member *m)
{
	for (size_t i = 0; !m->keeps_all && i < m->ports->count; i++) {
		struct member_port *p = &m->ports->items[i];
		char key[PORT_KEY_BYTES];
		struct netd_port words = member_ports_words(m, p, key);

		if (m->parts[i] == MEMBER_NOT_BEHIND || p->claimed)
			continue;
		m->parts[i] = MEMBER_NOT_BEHIND;
		if (--p->holders)
			member_ports_set_backend(m, &words, NETD_GONE);
		else
			withdraw_item(m, p);
	}
}

bool member_ports_may_get_free(const struct member *m, const struct member_port *p)
{
	return p->withdrawn || member_former_made_way(m, p);
}

void member_ports_refused(struct member *m, struct member_port *p)
{
	m->ports->barred = m->ports->barred || (p && member_former_made_way(m, p));
	if (p)
		p->withdrawn = false;
	give_back(m);
	member_former_hold(m);
}

void member_ports_complete(struct member *m)
{
	member_former_close(m);
	m->ports->missing = NULL;
	m->ports->barred = false;
}

void member_ports_set_backends(struct member *m, enum netd_backend state)
{
	for (size_t i = 0; i < m->ports->count && netd_is_there(m->net); i++) {
		char key[PORT_KEY_BYTES];
		struct netd_port port = member_ports_words(m, &m->ports->items[i], key);

		if (m->parts[i] != MEMBER_NOT_BEHIND)
			member_ports_set_backend(m, &port, state);
	}
	member_former_set_backends(m, state);
}

/* One that is there of before, and behind which this container alone can be. */
static bool is_last_claim(const struct member *m, const struct member_port *p)
{
	return p->claimed && m->attachments->service->replicas.count == 1;
}

void member_ports_leave(struct member *m, bool for_good)
{
	for (size_t i = 0; i < m->ports->count; i++) {
		struct member_port *p = &m->ports->items[i];
		bool behind = m->parts[i] != MEMBER_NOT_BEHIND;

		m->parts[i] = MEMBER_NOT_BEHIND;
		p->holders -= behind;
		if (for_good && !p->holders && (behind || is_last_claim(m, p)))
			withdraw_item(m, p);
	}
	member_former_leave(m, for_good);
}

bool member_ports_is_last(const struct member *m)
{
	for (size_t i = 0; i < m->ports->count; i++)
		if (m->parts[i] != MEMBER_NOT_BEHIND)
			return m->ports->items[i].holders == 1;
	return false;
}

void member_ports_netd_is_gone(struct member_ports *ports)
{
	member_former_netd_is_gone(ports);
	ports->barred = false;
}

static struct member_port *find(const struct member *m, const char *text)
{
	struct port_key key;

	if (!port_key_parse(text, &key) ||
	    !str_equal(key.service, m->attachments->service->name))
		return NULL;
	for (size_t i = 0; i < m->ports->count; i++) {
		struct member_port *p = &m->ports->items[i];

		if (p->map->protocol == key.protocol && p->first == key.host_first &&
		    p->last == key.host_last && p->container_port == key.container_port &&
		    str_equal(p->map->host_address, key.host_address))
			return p;
	}
	return NULL;
}

bool member_ports_claim(struct member *m, const char *network, const char *key)
{
	struct member_port *p =
		str_equal(attachments_network(m->attachments), network) ? find(m, key) : NULL;

	return p && (p->claimed = true);
}

bool member_ports_collide(const struct member_ports *ports, const struct port_map *map)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port_map_collides(ports->items[i].map, map))
			return true;
	return false;
}

void member_ports_recall(struct member *m, const struct document *doc)
{
	for (size_t i = 0; i < doc->port_count; i++) {
		struct member_port *p = find(m, doc->ports[i].key);
		uint16_t port = doc->ports[i].port;

		if (!p || p->was || (p->first && (port < p->first || port > p->last)))
			continue;
		p->port = p->recalled = port;
		p->was = true;
	}
}

bool member_ports_note(const struct member *m, struct document *doc)
{
	struct document_port now[DOCUMENT_PORTS_MAX] = { 0 };
	size_t count = 0;
	bool changes;

	for (size_t i = 0; i < m->ports->count && count < DOCUMENT_PORTS_MAX; i++) {
		const struct member_port *p = &m->ports->items[i];

		/* None: another container of the service was refused it just now. */
		if (!p->port || (p->first && p->first == p->last))
			continue;
		member_ports_words(m, p, now[count].key);
		now[count++].port = p->port;
	}
	changes = count != doc->port_count;
	for (size_t i = 0; i < count && !changes; i++)
		changes = now[i].port != doc->ports[i].port ||
			  !str_equal(now[i].key, doc->ports[i].key);
	memcpy(doc->ports, now, sizeof(now));
	doc->port_count = count;
	return changes;
}

static void add_items(struct member_ports *ports, const struct port_map *map, bool one_number)
{
	for (unsigned k = 0; k < port_map_count(map); k++) {
		struct port_map_row row = port_map_row(map, k);

		if ((row.host_first && row.host_first == row.host_last) != one_number)
			continue;
		ports->items[ports->count++] = (struct member_port){
			.map = map,
			.first = row.host_first,
			.last = row.host_last,
			.container_port = row.container_port,
			.port = row.host_first,
		};
	}
}

/* One of several numbers comes last, so that it takes none that another one must have. */
void member_ports_init(struct member_ports *ports, const struct compose_service *service,
		       struct arena *arena)
{
	const struct compose_service_network *n = &service->network;
	size_t count = 0;

	for (size_t i = 0; i < n->port_count; i++)
		count += port_map_count(&n->ports[i]);
	*ports = (struct member_ports){ .items = arena_array(arena, count + 1,
							     sizeof(*ports->items)) };
	for (size_t i = 0; i < n->port_count; i++)
		add_items(ports, &n->ports[i], true);
	for (size_t i = 0; i < n->port_count; i++)
		add_items(ports, &n->ports[i], false);
}
