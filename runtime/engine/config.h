/* config.h - what the launcher says about this boot: one JSON document, keys below. Pure.
 *
 * An unknown key is an error with the nearest known one. `batch` is filled in even when another key
 * is wrong, so that the caller can still end a batch with a status. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum { CONFIG_BYTES_MAX = 65536 };

struct config {
	const char *token;		/* NULL = make one */
	const char *url; /* base outside, "http://127.0.0.1:8888"; NULL = not given */
	uint64_t nb_uid, nb_gid;	/* of the notebook's user inside the container: 1000, 100 */
	uint64_t mem_limit_bytes;	/* 0 = as the compose file says */
	const char *batch;		/* file to run, relative to the home folder; NULL = none */
};

void config_init(struct config *config);
/* Text lives in the arena. */
int config_read(struct config *config, const char *text, size_t size_bytes, struct arena *arena,
		struct err *e);
