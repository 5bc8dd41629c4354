/* name_files.c - see name_files.h. */
#include "engine/name_files.h"

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/network.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/str.h"

enum { TEXT_MAX = 16384 };	/* as boxd takes it (box/names.h) */

static const char *finish(struct buf *out, struct arena *arena)
{
	const char *text = out->data ? arena_strn(arena, out->data, out->size_bytes) : "";

	buf_finish(out);
	return text;
}

static void put_words(struct buf *out, const char *key, const char *const *words)
{
	if (!words || !words[0])
		return;
	buf_add_str(out, key);
	for (size_t i = 0; words[i]; i++)
		buf_add_format(out, " %s", words[i]);
	buf_add_str(out, "\n");
}

const char *name_files_resolver(const struct attachments *own, struct arena *arena)
{
	const struct attachment *a = attachments_default(own);
	const struct compose_service_network *n = &own->service->network;
	/* Containers call each other by one word, and no list is asked first. */
	static const char *const plain[] = { "ndots:0", NULL };
	char text[ADDRESS_TEXT_MAX];
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (a) {
		address_print(&a->network->gateway4, text);
		buf_add_format(&out, "nameserver %s\n", text);
	}
	put_words(&out, "search", n->search);
	put_words(&out, "options", n->options ? n->options : plain);
	return finish(&out, arena);
}

/* A name per line is what every reader of hosts(5) takes. */
static void put_host(struct buf *out, const struct address *address, const char *name)
{
	char text[ADDRESS_TEXT_MAX];

	if (!address->family)
		return;
	address_print(address, text);
	buf_add_format(out, "%s\t%s\n", text, name);
}

static const char *hostname_of(const struct attachments *a)
{
	return a->service->hostname ? a->service->hostname : a->name;
}

static void put_own(struct buf *out, const struct attachments *own)
{
	for (size_t i = 0; i < own->count; i++) {
		put_host(out, &own->items[i].address4, hostname_of(own));
		put_host(out, &own->items[i].address6, hostname_of(own));
	}
	/* As boxd has it for who has no address. */
	if (!own->count)
		buf_add_format(out, "127.0.1.1\t%s\n", hostname_of(own));
}

static void put_extra(struct buf *out, const struct attachments *own,
		      const struct compose_service_network *n)
{
	static const struct address loopback = { AF_INET, { 127, 0, 0, 1 } };
	const struct attachment *a = attachments_default(own);

	for (size_t i = 0; i < n->host_count; i++) {
		const struct compose_extra_host *h = &n->hosts[i];

		if (h->address.family)
			put_host(out, &h->address, h->name);
		else
			put_host(out, a ? &a->network->gateway4 : &loopback, h->name);
	}
}

static const struct attachment *find(const struct attachments *a, const struct network *network)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].network == network)
			return &a->items[i];
	return NULL;
}

/* What only this one calls another: the resolver, which all ask, must not know it. */
static void put_links(struct buf *out, const struct attachments *own,
		      const struct compose_service_network *n, const struct attachments *all,
		      size_t count)
{
	for (size_t i = 0; i < n->link_count * count; i++) {
		const struct compose_link *l = &n->links[i / count];
		const struct attachments *peer = &all[i % count];

		if (!l->alias || !str_equal(peer->service->name, l->service))
			continue;
		for (size_t k = 0; k < own->count; k++) {
			const struct attachment *at = find(peer, own->items[k].network);

			if (!at)
				continue;
			put_host(out, &at->address4, l->alias);
			put_host(out, &at->address6, l->alias);
			break;
		}
	}
}

const char *name_files_hosts(const struct attachments *own, const struct compose_service *service,
			     const struct attachments *all, size_t count, struct arena *arena)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	put_own(&out, own);
	put_extra(&out, own, &service->network);
	put_links(&out, own, &service->network, all, count);
	return finish(&out, arena);
}
