/* verbs.h - the service's boxes: start, kill, delete, list, and what happens to them.
 *
 *   (none) - start -> STARTING - started -> RUNNING - boxmon ended -> EXITED - delete -> (none)
 *                         `- failed -> EXITED or (none)                `- start -> STARTING
 *
 * Owns: /run/box/NAME, the cgroup and /data/box/containers/NAME of each box. A restarted service
 * takes over what runs, by /run/box, and clears away what a crash left half made. An exited box may
 * be started again with its writable layer; only delete frees its name for something else. An exec
 * goes the same way, once, inside of a running box; at most 64 of a box are remembered. */
#pragma once

#include <stdbool.h>

struct box_host;
struct boxes;
struct err;
struct loop;
struct msg;

/* host is borrowed. Takes over what is there. */
struct boxes *boxes_create(struct loop *loop, const struct box_host *host, struct err *e);

/* Who asks and who is told of events; -1 = nobody now. A new peer is first told of OOM kills that
 * nobody was there to hear. */
void boxes_set_peer(struct boxes *b, int socket_fd);

/* One request of the peer; answers it now or later, exactly once. -1: the peer must be dropped. */
int boxes_request(struct boxes *b, struct msg *m, struct err *e);
