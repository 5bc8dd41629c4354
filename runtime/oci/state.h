/* state.h - a container's state as JSON (runtime-spec 1.3, runtime.md "State"): what hooks read,
 * `state` prints and a seccomp agent gets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct json_writer;
struct oci_pair;

struct oci_state {
	const char *id;
	const char *status;	/* creating, created, running, stopped; ours beside them: paused */
	pid_t pid;		/* as the runtime sees it; 0 once it has stopped */
	const char *bundle;	/* absolute path */
	const struct oci_pair *annotations;
	size_t annotation_count;
	/* Not the specification's, but what crun and runc say as well; NULL = left out. */
	const char *rootfs, *created, *owner;
};

/* One value: also a part of a larger document. */
void oci_state_put(const struct oci_state *s, struct json_writer *w);
/* The document; false when the buffer's bound was reached. */
bool oci_state_write(const struct oci_state *s, struct buf *out);

/* The container process state (config-linux.md "The Container Process State"), which goes to
 * listenerPath together with the one descriptor "seccompFd". metadata may be NULL. */
bool oci_state_write_seccomp(const struct oci_state *s, pid_t pid, const char *metadata,
			     struct buf *out);
