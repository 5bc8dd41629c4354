#include "gate/publish.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate_member.h"
#include "gate/key_hash.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "lib/time.h"

static unsigned bucket_of(const struct publications *ps, const char *key)
{
	return key_hash(ps->seed, key, strlen(key)) % PUBLISHED_BUCKETS;
}

struct published *publish_by_key(const struct publications *ps, const char *key)
{
	struct published *p = ps->by_key[bucket_of(ps, key)];

	while (p && !str_equal(p->key, key))
		p = p->next;
	return p;
}

struct published *publish_next(const struct publications *ps, const struct published *p)
{
	unsigned bucket = 0;

	if (p && p->next)
		return p->next;
	if (p)
		bucket = bucket_of(ps, p->key) + 1;
	while (bucket < PUBLISHED_BUCKETS && !ps->by_key[bucket])
		bucket++;
	return bucket < PUBLISHED_BUCKETS ? ps->by_key[bucket] : NULL;
}

static struct published *add(struct publications *ps, const char *key, struct err *e)
{
	struct published *p, **bucket = &ps->by_key[bucket_of(ps, key)];

	if (ps->count == PUBLISHED_MAX) {
		err_set(e, "a network has at most %d published ports", PUBLISHED_MAX);
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	if (!*key || !str_copy(p->key, sizeof(p->key), key)) {
		err_set(e, "a published port's key has 1 to %d bytes", PUBLISHED_KEY_BYTES - 1);
		free(p);
		return NULL;
	}
	p->fd = p->source.fd = -1;
	p->next = *bucket;
	*bucket = p;
	ps->count++;
	return p;
}

struct published *publish_add(struct publications *ps, const char *key, uint8_t protocol,
			      uint16_t container_port, enum balance_mode mode, int *fd,
			      struct err *e)
{
	struct published *p = publish_by_key(ps, key);

	if (!p)
		p = add(ps, key, e);
	if (!p)
		return NULL;
	fd_close(&p->fd);
	p->fd = take_fd(fd);
	p->protocol = protocol;
	p->container_port = container_port;
	p->balance.mode = mode;
	return p;
}

/* The entry of this member, or one that nobody has; -1 = all are taken. */
static int find_entry(const struct published *p, const struct gate_member *m)
{
	int unused = -1;
	unsigned i;

	for (i = 0; i < p->balance.count; i++) {
		if (p->members[i] == m)
			return (int)i;
		/* One that still has connections is counted down by its number. */
		if (!p->members[i] && p->balance.entries[i].active == 0)
			unused = (int)i;
	}
	return unused >= 0 ? unused : i < BALANCE_BACKENDS_MAX ? (int)i : -1;
}

static void make_room(struct published *p, unsigned entry)
{
	unsigned count = entry + 1;

	if (count <= p->balance.count)
		return;
	p->members = reallocarray(p->members, count, sizeof(*p->members));
	p->balance.entries = reallocarray(p->balance.entries, count, sizeof(*p->balance.entries));
	if (!p->members || !p->balance.entries)
		abort();
	p->members[entry] = NULL;
	p->balance.entries[entry] = (struct balance_entry){ 0 };
	p->balance.count = count;
}

int publish_set_backend(struct published *p, struct gate_member *m, enum balance_state state,
			struct err *e)
{
	int entry = find_entry(p, m);

	if (entry < 0)
		return err_set(e, "port %s: at most %d containers behind it", p->key,
			       BALANCE_BACKENDS_MAX);
	make_room(p, (unsigned)entry);
	p->balance.entries[entry].state = state;
	if (p->members[entry] != m)
		balance_begins(&p->balance, entry, time_boot_ms());
	if (state == BALANCE_SERVES)
		p->balance.entries[entry].rests_until_ms = 0;
	p->members[entry] = state == BALANCE_GONE ? NULL : m;
	return 0;
}

bool publish_forget_member(struct published *p, const struct gate_member *m)
{
	bool was = false;
	unsigned i;

	for (i = 0; i < p->balance.count; i++) {
		if (p->members[i] != m)
			continue;
		p->balance.entries[i].state = BALANCE_GONE;
		p->members[i] = NULL;
		was = true;
	}
	return was;
}

bool publish_has_backend(const struct published *p)
{
	unsigned i;

	for (i = 0; i < p->balance.count; i++)
		if (p->members[i])
			return true;
	return false;
}

int publish_pick(struct published *p, const struct balance_tried *tried, uint64_t now_ms)
{
	int number = balance_pick(&p->balance, tried, now_ms);

	if (number >= 0)
		p->balance.entries[number].active++;
	return number;
}

void publish_done(struct published *p, int number)
{
	p->balance.entries[number].active--;
}

bool publish_moves_on(const struct published *p, int number)
{
	if (p->balance.entries[number].state == BALANCE_SERVES)
		return false;
	for (unsigned i = 0; i < p->balance.count; i++)
		if (p->balance.entries[i].state == BALANCE_SERVES)
			return true;
	return false;
}

void publish_remove(struct publications *ps, struct published *p)
{
	struct published **at = &ps->by_key[bucket_of(ps, p->key)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	ps->count--;
	fd_close(&p->fd);
	free(p->members);
	free(p->balance.entries);
	free(p);
}
