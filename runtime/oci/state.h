/* state.h - a container's state as JSON (runtime-spec 1.3, runtime.md "State"): what hooks read and
 * `state` prints. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct json_writer;
struct oci_pair;

struct oci_state {
	const char *id;
	const char *status;	/* creating, created, running, stopped */
	pid_t pid;		/* 0 = left out */
	const char *bundle;
	const struct oci_pair *annotations;
	size_t annotation_count;
};

/* One value: also a part of a larger document. */
void oci_state_put(const struct oci_state *s, struct json_writer *w);
/* The document; false when the buffer's bound was reached. */
bool oci_state_write(const struct oci_state *s, struct buf *out);
