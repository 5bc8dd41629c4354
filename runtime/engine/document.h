/* document.h - what the engine remembers of one container: a small JSON file per container,
 * replaced whole.
 *
 * Facts for the next start of the engine, not the truth: boxd says what runs. A document that
 * cannot be read is set aside as NAME.json.bad and the container counts as new. So does one whose
 * slot is an earlier name's; its file stays as it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"

struct err;

enum {
	DOCUMENT_NAME_BYTES = 65,
	DOCUMENT_DIGEST_BYTES = 129,
	DOCUMENT_WORD_BYTES = 33,
	DOCUMENT_ADDRESSES_MAX = 16,
	DOCUMENT_KEY_BYTES = 192,
	DOCUMENT_PORTS_MAX = 16		/* more than that are not remembered */
};

struct document_address {			/* its own in one network */
	char network[DOCUMENT_NAME_BYTES];
	struct address address4, address6;	/* of no family = none */
};

struct document_port {			/* published, where it may be one of several */
	char key[DOCUMENT_KEY_BYTES];	/* as netd knows it: port_key.h */
	uint16_t port;
};

struct document {
	char name[DOCUMENT_NAME_BYTES];
	char image[DOCUMENT_NAME_BYTES];
	char image_digest[DOCUMENT_DIGEST_BYTES];
	char revision[DOCUMENT_WORD_BYTES];
	char state[DOCUMENT_WORD_BYTES];	/* orch's word, for people */
	char health[DOCUMENT_WORD_BYTES];	/* orch's word, of its run; "" = not known */
	char service[DOCUMENT_NAME_BYTES];	/* whose container it is */
	uint32_t slot;				/* its range of ids */
	uint64_t restarts, exit_status, oom_kills;
	bool follows; /* it ends, to start again in the new network of whose it shares */
	struct document_address addresses[DOCUMENT_ADDRESSES_MAX];
	size_t address_count;
	struct document_port ports[DOCUMENT_PORTS_MAX];
	size_t port_count;
};

/* Pure. */
int document_parse(struct document *d, const char *file_name, const char *text, size_t size_bytes,
		   struct err *e);

int document_write(int dir_fd, const struct document *d, struct err *e);
int document_remove(int dir_fd, const char *name, struct err *e);	/* a missing one is fine */
/* Every readable one in dir_fd, at most max; returns the count. */
size_t document_read_all(int dir_fd, struct document *documents, size_t max);
