/* inspect.h - what the machine's administrator may ask the engine on its socket (enginectl; root
 * alone may connect): counters of containers, and their packets into a file.
 *
 *   stats    asks for one thing after the other: of each container what it uses (boxd), and on each
 *            of its networks its counters (netd)
 *   capture  hands over a socket of netd's that sees a container's packets, and says when it shall
 *            end: its time is over, or the container has ended; capture_client.h makes a file of it
 *
 * One request at a time, INSPECT_CLIENTS_MAX connections; one that reads no answer is closed.
 * Writes to no disk. Changes nothing else. */
#pragma once

#include <stddef.h>

struct boxd;
struct container;
struct err;
struct inspect;
struct loop;
struct netd;
struct stats_told;
struct usage;

enum {
	INSPECT_CLIENTS_MAX = 8,
	INSPECT_SECONDS_MAX = 3600,
	INSPECT_BYTES_MAX = 1 << 30,
};

struct inspect_setup {
	struct loop *loop;
	struct boxd *box;
	struct netd *net;
	struct container *containers;
	size_t count;
	int listen_fd;			/* the caller's */
};

struct inspect *inspect_create(const struct inspect_setup *setup, struct err *e);
void inspect_destroy(struct inspect *i);	/* NULL is fine */

/* What netd says; NULL is fine. told NULL: nobody knows them. */
void inspect_counters(struct inspect *i, const char *network, const char *container,
		      const struct stats_told *told);
void inspect_netd_is_gone(struct inspect *i);
/* What boxd says; NULL is fine. usage NULL: it does not run. */
void inspect_usage(struct inspect *i, const char *container, const struct usage *usage);
void inspect_boxd_is_gone(struct inspect *i);
void inspect_containers_changed(struct inspect *i);	/* one of them; NULL is fine */
