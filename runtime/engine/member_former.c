/* member_former.c - see member_former.h. */
#include "engine/member_former.h"

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/former_port.h"
#include "engine/member.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

static struct netd_port words_of(const struct member *m, const struct former_port *p)
{
	return (struct netd_port){
		.network = attachments_network(m->attachments),
		.key = p->key,
		.container = m->attachments->name,
		.host_address = p->map.host_address,
		.protocol = p->map.protocol,
		.host_port = p->map.host_first,
		.container_port = p->map.container_first,
		.least_connections = m->attachments->service->replicas.least_connections,
		.state = m->serves_as,
	};
}

struct former_port *member_former_remember(struct member_ports *ports, struct former_port *p)
{
	struct former_port **at = &ports->former;

	while (*at && !str_equal((*at)->key, p->key))
		at = &(*at)->next;
	if (!*at)
		*at = p;
	(*at)->ports = ports;
	return *at;
}

static bool is_in_the_way(const struct former_port *former, const struct member_port *p)
{
	return former->open && port_map_collides(&former->map, p->map);
}

bool member_former_bars(const struct member *m, const struct member_port *p)
{
	for (const struct former_port *f = m->ports->former; f; f = f->next)
		if (is_in_the_way(f, p))
			return true;
	return false;
}

void member_former_make_way(struct member *m, const struct member_port *p)
{
	for (struct former_port *f = m->ports->former; f; f = f->next) {
		struct netd_port port = words_of(m, f);

		if (!is_in_the_way(f, p))
			continue;
		log_info("port \"%s\" of network %s makes way for the one of the compose file",
			 f->key, port.network);
		member_ports_withdraw(m, &port);
		f->open = false;
		m->ports->former_closings++;
	}
}

bool member_former_made_way(const struct member *m, const struct member_port *p)
{
	for (const struct former_port *f = m->ports->former; f; f = f->next)
		if (!f->open && port_map_collides(&f->map, p->map))
			return true;
	return false;
}

/* What it gave way to may be in its own way for a moment: the next try is as of one that was closed
 * since. */
static void on_former(void *ctx, const struct netd_answer *a)
{
	struct former_port *f = ctx;

	if (a->failure && !f->refused)
		log_warn("port \"%s\" of before cannot be opened again: %s; it is asked for every "
			 "few seconds", f->key, a->failure);
	f->refused = a->failure;
	if (!a->failure)
		return;
	f->open = false;
	f->ports->former_closings++;
}

void member_former_hold(struct member *m)
{
	struct member_ports *ports = m->ports;

	if (m->holds_former && m->saw_closings == ports->former_closings)
		return;
	ports->former_holders += !m->holds_former;
	m->holds_former = true;
	m->saw_closings = ports->former_closings;
	for (struct former_port *f = ports->former; f; f = f->next) {
		struct netd_port port = words_of(m, f);
		struct err e;

		/* Two that swap theirs would each hold what the other waits for. */
		if (f->given)
			continue;
		/* Where it is open still, that changes nothing. */
		if (netd_publish(m->net, &port, on_former, f, &e) < 0)
			log_warn("container=%s: %s", m->attachments->name, e.text);
		if (m->serves_as != NETD_SERVES)
			member_ports_set_backend(m, &port, m->serves_as);
		f->open = true;
	}
}

void member_former_set_backends(struct member *m, enum netd_backend state)
{
	if (!m->holds_former || !netd_is_there(m->net))
		return;
	for (struct former_port *f = m->ports->former; f; f = f->next) {
		struct netd_port port = words_of(m, f);

		if (f->open)
			member_ports_set_backend(m, &port, state);
	}
}

void member_former_close(struct member *m)
{
	for (struct former_port *f = m->ports->former; f; f = f->next) {
		struct netd_port port = words_of(m, f);

		if (!f->open)
			continue;
		log_info("port \"%s\" of network %s is not in the compose file any more: closed",
			 f->key, port.network);
		member_ports_withdraw(m, &port);
	}
	m->ports->former = NULL;
}

void member_former_leave(struct member *m, bool for_good)
{
	m->ports->former_holders -= m->holds_former;
	m->holds_former = false;
	if (for_good && !m->ports->former_holders)
		member_former_close(m);
}

void member_former_netd_is_gone(struct member_ports *ports)
{
	/* Its list says which ones are there after all. */
	for (struct former_port *f = ports->former; f; f = f->next)
		f->open = false;
	ports->former_closings++;
}
