/* attachment.h - a container's place in one network: its addresses there, which of its devices it
 * is, whether its way out leads over it.
 *
 * attachments_choose gives every container of the file its addresses at once: what the file says,
 * then what its document remembers, then what is free, so that a restart keeps them and nobody gets
 * another's. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/exposed.h"
#include "lib/address.h"

struct arena;
struct compose_attachment;
struct compose_service;
struct document;
struct network;
struct networks;

enum { ATTACHMENTS_MAX = 16 };	/* of one container: eth0 to eth15 */

struct attachment {
	struct network *network;
	const struct compose_attachment *wanted;
	struct address address4, address6;	/* of no family: it has none */
	bool is_default;
	const char *error;			/* why it has no address; NULL = fine */
};

struct attachments {
	const struct compose_service *service;
	const char *name;			/* the container's: its document's */
	struct attachment items[ATTACHMENTS_MAX];
	size_t count;
	struct exposed exposed; /* on each of them; filled in by who reads the image */
	const char *error;			/* of the first that has one */
};

/* all[i] belongs to services[i], whose document is documents[i]. */
void attachments_choose(struct attachments *all, const struct compose_service *const *services,
			const struct document *const *documents, size_t count,
			const struct networks *networks, struct arena *arena);
const struct attachment *attachments_on(const struct attachments *a, const char *network);
/* The one over which its way out leads, else the first; NULL = it has none. */
const struct attachment *attachments_default(const struct attachments *a);
/* The name of its network, over which its published ports lead too. Only where it has one. */
const char *attachments_network(const struct attachments *a);
