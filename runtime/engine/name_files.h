/* name_files.h - the text of a container's resolv.conf and hosts. Pure.
 *
 * resolv.conf names the gateway of the network that leads out: its DNS knows the names of all
 * networks that the container is on, and passes the rest on. hosts has what no DNS server of a
 * network can know: the container's own addresses, extra_hosts, and what it alone calls others. */
#pragma once

#include <stddef.h>

struct arena;
struct attachments;
struct compose_service;

const char *name_files_resolver(const struct attachments *own, struct arena *arena);
/* all: every container's, own among them. service: whose extra_hosts are meant, own's service or
 * one that shares its network. */
const char *name_files_hosts(const struct attachments *own, const struct compose_service *service,
			     const struct attachments *all, size_t count, struct arena *arena);
