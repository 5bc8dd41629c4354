/* network_document.h - what is remembered of one network: the subnets that it was given, so that it
 * keeps them over restarts and updates. A small JSON file per network, replaced whole, as
 * document.h has it; one that cannot be read is set aside as NAME.json.bad. */
#pragma once

#include <stddef.h>

#include "lib/address.h"

struct err;

enum { NETWORK_NAME_BYTES = 65 };

struct network_document {
	char name[NETWORK_NAME_BYTES];
	struct subnet subnet4, subnet6;	/* of no family = it has none */
};

/* Pure. */
int network_document_parse(struct network_document *d, const char *file_name, const char *text,
			   size_t size_bytes, struct err *e);

int network_document_write(int dir_fd, const struct network_document *d, struct err *e);
size_t network_document_read_all(int dir_fd, struct network_document *documents, size_t max);
