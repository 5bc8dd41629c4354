#include "gate/gate_member.h"

#include <stdlib.h>
#include <string.h>

#include "gate/key_hash.h"
#include "lib/err.h"
#include "lib/str.h"

static unsigned name_bucket(const struct gate_members *ms, const char *name)
{
	return key_hash(ms->seed, name, strlen(name)) % MEMBER_BUCKETS;
}

static unsigned address_bucket(const struct gate_members *ms, const struct address *a)
{
	return key_hash(ms->seed, a->bytes, sizeof(a->bytes)) % MEMBER_BUCKETS;
}

struct gate_member *gate_member_by_name(const struct gate_members *ms, const char *container)
{
	struct gate_member *m = ms->by_name[name_bucket(ms, container)];

	while (m && !str_equal(m->container, container))
		m = m->next_name;
	return m;
}

struct gate_member *gate_member_by_address(const struct gate_members *ms, const struct address *a)
{
	struct gate_member *m = ms->by_address[a->family == AF_INET6][address_bucket(ms, a)];

	if (a->family == AF_INET6)
		while (m && !address_equal(&m->address6, a))
			m = m->next_address6;
	else
		while (m && !address_equal(&m->address4, a))
			m = m->next_address4;
	return m;
}

struct gate_member *gate_member_next(const struct gate_members *ms, const struct gate_member *m)
{
	unsigned bucket = 0;

	if (m && m->next_name)
		return m->next_name;
	if (m)
		bucket = name_bucket(ms, m->container) + 1;
	while (bucket < MEMBER_BUCKETS && !ms->by_name[bucket])
		bucket++;
	return bucket < MEMBER_BUCKETS ? ms->by_name[bucket] : NULL;
}

struct gate_member *gate_member_join(struct gate_members *ms, const char *container, struct err *e)
{
	struct gate_member *m = gate_member_by_name(ms, container), **bucket;

	if (m)
		return m;
	if (ms->count == MEMBERS_MAX) {
		err_set(e, "a network has at most %d containers", MEMBERS_MAX);
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m || !(m->policy_text = strdup("")))
		abort();
	if (!*container || !str_copy(m->container, sizeof(m->container), container)) {
		free(m->policy_text);
		free(m);
		err_set(e, "a container's name has 1 to %d bytes", MEMBER_NAME_BYTES - 1);
		return NULL;
	}
	bucket = &ms->by_name[name_bucket(ms, container)];
	m->next_name = *bucket;
	*bucket = m;
	ms->count++;
	return m;
}

static void remove_address4(struct gate_members *ms, struct gate_member *m)
{
	struct gate_member **at = &ms->by_address[0][address_bucket(ms, &m->address4)];

	for (; *at; at = &(*at)->next_address4)
		if (*at == m) {
			*at = m->next_address4;
			break;
		}
	m->address4 = (struct address){ 0 };
}

static void remove_address6(struct gate_members *ms, struct gate_member *m)
{
	struct gate_member **at = &ms->by_address[1][address_bucket(ms, &m->address6)];

	for (; *at; at = &(*at)->next_address6)
		if (*at == m) {
			*at = m->next_address6;
			break;
		}
	m->address6 = (struct address){ 0 };
}

static int check_free(const struct gate_members *ms, const struct gate_member *m,
		      const struct address *a, struct err *e)
{
	const struct gate_member *holder = a->family ? gate_member_by_address(ms, a) : NULL;
	char text[ADDRESS_TEXT_MAX];

	if (!holder || holder == m)
		return 0;
	address_print(a, text);
	return err_set(e, "%s is the address of %s already", text, holder->container);
}

int gate_member_set_addresses(struct gate_members *ms, struct gate_member *m,
			      const struct address *address4, const struct address *address6,
			      struct err *e)
{
	struct gate_member **bucket;

	if (check_free(ms, m, address4, e) < 0 || check_free(ms, m, address6, e) < 0)
		return -1;
	remove_address4(ms, m);
	remove_address6(ms, m);
	if (address4->family) {
		m->address4 = *address4;
		bucket = &ms->by_address[0][address_bucket(ms, address4)];
		m->next_address4 = *bucket;
		*bucket = m;
	}
	if (address6->family) {
		m->address6 = *address6;
		bucket = &ms->by_address[1][address_bucket(ms, address6)];
		m->next_address6 = *bucket;
		*bucket = m;
	}
	return 0;
}

struct payer gate_member_payer(struct gate_member *m, struct loop_lane *lane)
{
	return (struct payer){ &m->account, &m->stats, &m->rate_out, &m->rate_in, lane };
}

void gate_member_clear_names(struct gate_member *m)
{
	unsigned i;

	for (i = 0; i < m->name_count; i++)
		free(m->names[i]);
	free(m->names);
	m->names = NULL;
	m->name_count = 0;
}

void gate_member_leave(struct gate_members *ms, struct gate_member *m)
{
	struct gate_member **at = &ms->by_name[name_bucket(ms, m->container)];

	remove_address4(ms, m);
	remove_address6(ms, m);
	while (*at != m)
		at = &(*at)->next_name;
	*at = m->next_name;
	ms->count--;
	gate_member_clear_names(m);
	free(m->policy_text);
	free(m);
}
