/* net_network.c - see net_network.h */
#include "net/net_network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "net/net_neighbour.h"
#include "net/net_told.h"
#include "net/nets.h"

static void *make(size_t size_bytes)
{
	void *made = calloc(1, size_bytes);

	if (!made)
		abort();
	return made;
}

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

struct net_network *net_network_create(struct nets *nets, const char *name,
				       const struct router *plan, struct err *e)
{
	struct net_network *w = make(sizeof(*w));

	w->nets = nets;
	w->router = *plan;
	w->router.own_ns_fd = nets->own_ns_fd;
	w->next_index = NET_FIRST_INDEX;
	w->policy = copy_of("");
	str_copy(w->name, sizeof(w->name), name);
	keeper_init(&w->keeper, nets->loop, w->name, &net_told_events);
	if (router_create(&w->router, e)) {
		free(w->policy);
		free(w);
		return NULL;
	}
	return w;
}

static void destroy_member(struct net_member *m)
{
	fd_close(&m->plug.ns_fd);
	for (size_t i = 0; i < m->name_count; i++)
		free(m->names[i]);
	free(m->policy);
	free(m);
}

static void destroy_port(struct net_port *p)
{
	while (p->backends) {
		struct net_backend *b = p->backends;

		p->backends = b->next;
		free(b);
	}
	fd_close(&p->fd);
	free(p);
}

/* The gateway first: it holds the device. Then the kernel takes the namespace and all that is in
 * it. */
void net_network_destroy(struct net_network *w)
{
	loop_timer_off(&w->mend);
	keeper_stop(&w->keeper);
	net_neighbours_part(w);
	router_finish(&w->router);
	while (w->members) {
		struct net_member *m = w->members;

		w->members = m->next;
		destroy_member(m);
	}
	while (w->ports) {
		struct net_port *p = w->ports;

		w->ports = p->next;
		destroy_port(p);
	}
	free(w->policy);
	free(w);
}

void net_network_set_policy(struct net_network *w, uint64_t flags, const char *policy)
{
	char *copy = copy_of(policy);

	free(w->policy);
	w->policy = copy;
	w->flags = flags;
}

struct net_member *net_member_find(const struct net_network *w, const char *name)
{
	struct net_member *m = w->members;

	while (m && !str_equal(m->name, name))
		m = m->next;
	return m;
}

struct net_member *net_member_add(struct net_network *w, const char *name)
{
	struct net_member *m = make(sizeof(*m));

	str_copy(m->name, sizeof(m->name), name);
	m->plug.ns_fd = -1;
	m->policy = copy_of("");
	m->next = w->members;
	w->members = m;
	w->member_count++;
	return m;
}

void net_member_remove(struct net_network *w, struct net_member *m)
{
	struct net_member **at = &w->members;
	struct err e;

	if (m->plug.index && router_unplug(&w->router, &m->plug, &e))
		log_warn("network %s: container %s: %s", w->name, m->name, e.text);
	for (struct net_port *p = w->ports; p; p = p->next)
		net_port_set_backend(p, m->name, NET_BACKEND_GONE);
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	w->member_count--;
	destroy_member(m);
}

void net_member_describe(struct net_member *m, const char *policy, const char *const *names,
			 size_t count)
{
	char *copy = copy_of(policy);

	free(m->policy);
	m->policy = copy;
	for (size_t i = 0; i < m->name_count; i++)
		free(m->names[i]);
	m->name_count = count;
	for (size_t i = 0; i < count; i++)
		m->names[i] = copy_of(names[i]);
}

void net_member_expose(struct net_member *m, const uint64_t *ports, size_t count)
{
	memcpy(m->exposed, ports, count * sizeof(*ports));
	m->exposed_count = count;
}

struct net_port *net_port_find(const struct net_network *w, const char *key)
{
	struct net_port *p = w->ports;

	while (p && !str_equal(p->key, key))
		p = p->next;
	return p;
}

struct net_port *net_port_add(struct net_network *w, const char *key)
{
	struct net_port *p = make(sizeof(*p));

	str_copy(p->key, sizeof(p->key), key);
	p->fd = -1;
	p->next = w->ports;
	w->ports = p;
	w->port_count++;
	return p;
}

void net_port_remove(struct net_network *w, struct net_port *p)
{
	struct net_port **at = &w->ports;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	w->port_count--;
	destroy_port(p);
}

bool net_port_set_backend(struct net_port *p, const char *container, enum net_backend_state state)
{
	struct net_backend **at = &p->backends, *b;

	while (*at && !str_equal((*at)->container, container))
		at = &(*at)->next;
	b = *at;
	if (state == NET_BACKEND_GONE) {
		if (b) {
			*at = b->next;
			p->backend_count--;
			free(b);
		}
		return true;
	}
	if (!b) {
		if (p->backend_count == NET_BACKENDS_MAX)
			return false;
		b = make(sizeof(*b));
		str_copy(b->container, sizeof(b->container), container);
		*at = b;
		p->backend_count++;
	}
	b->state = state;
	return true;
}
