/* container_network.h - a container's start, life and end as far as its networks go; see
 * container.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/container.h"

struct attachments;
struct err;

void container_init_network(struct container *c, const struct attachments *attachments,
			    struct member_ports *ports);
void container_drain(struct container *c);	/* TASK_DRAINED follows, at once or later */
/* Answers its question, or enginectl's. */
void container_counted(struct container *c, const char *network, uint64_t connections);
/* How it leaves its networks when its end is final, or not. */
enum member_leave container_leaves(const struct container *c, bool final);
void container_ended_held(struct container *c);	/* boxd has called its start off */
/* The one whose network it shares runs; anew: with another network than before. */
void container_share(struct container *c, bool anew);
/* Both run and the engine has not seen how they came to: is it still that one's network? Asks for
 * what is not known; to be called again with the answer. */
void container_share_compare(struct container *c);
void container_share_never(struct container *c);	/* ... has ended for good */
/* Its end is not for good: one of the same name and with other settings starts in its place. */
bool container_comes_anew(const struct container *c);
void container_netd_is_there(struct container *c);
void container_netd_is_gone(struct container *c);
bool container_may_start(struct container *c);	/* false: it waits, or it has failed */
void container_declare(struct container *c);	/* it runs, and netd may not know it */

/* Inside container*.c: its document; the request that an answer belongs to; asking; a start that
 * failed. */
void container_save(struct container *c);
bool container_answered(struct container *c, enum container_request *request);
bool container_ask(struct container *c, enum container_request request);
void container_sent(struct container *c, int status, const struct err *e);
void container_start_failed(struct container *c, const char *sentence);
