/* network.h - what a compose file says about networks: its own `networks:`, and a service's part in
 * them.
 *
 * Networks that nobody declares but somebody uses are added: `default` for a service that names
 * none or that one, `bridge` for network_mode: bridge. What must fit together (a static address and
 * its subnet, a service and the one whose network it shares) is checked with its line. Public
 * structs; the functions are for runtime/compose only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "oci/port_map.h"

struct compose_project;
struct compose_service;
struct err;
struct reader;
struct yaml_node;

enum compose_network_driver { COMPOSE_DRIVER_BRIDGE, COMPOSE_DRIVER_HOST, COMPOSE_DRIVER_NONE };

struct compose_network {
	const char *key;		/* what services call it */
	const char *name;		/* what the machine calls it */
	unsigned line;
	enum compose_network_driver driver;
	bool internal;
	bool ipv6, no_ipv6;		/* enable_ipv6; neither = not said */
	struct subnet subnet4, subnet6;	/* of no family = not given; so are the rest */
	struct subnet range4, range6;	/* ip_range: where addresses are taken from */
	struct address gateway4, gateway6;
	uint32_t mtu;			/* 0 = not given */
	const char *policy;		/* lines of cuvette.egress, .rate, .dns-log; "" = none */
};

enum compose_network_mode {
	COMPOSE_NETWORK_OWN,		/* its attachments, at least one */
	COMPOSE_NETWORK_HOST,
	COMPOSE_NETWORK_NONE,
	COMPOSE_NETWORK_SHARED,		/* another service's */
};

struct compose_attachment {
	const char *network;		/* its key */
	unsigned line;
	const char *const *aliases;	/* NULL-terminated */
	struct address address4, address6;	/* static ones */
	const char *mac;		/* NULL = not given */
	int64_t priority;		/* which one is eth0 */
	int64_t gateway_priority;	/* which one leads out */
};

struct compose_extra_host {
	const char *name;
	struct address address;		/* of no family: host-gateway */
};

struct compose_link {
	const char *service, *alias;	/* alias NULL: its own names are enough */
	unsigned line;
};

enum { COMPOSE_RESOLVERS_MAX = 4 };

struct compose_service_network {
	enum compose_network_mode mode;
	bool is_given;			/* there is the key network_mode */
	const char *shared;		/* the service whose network it has */
	struct compose_attachment *attachments;	/* by priority, then as in the file */
	size_t attachment_count;
	struct port_map *ports;
	size_t port_count;
	struct port_map *exposed;	/* expose: container ports alone */
	size_t exposed_count;
	struct address resolvers[COMPOSE_RESOLVERS_MAX];	/* dns */
	size_t resolver_count;
	const char *const *search;	/* dns_search, dns_opt; NULL-terminated, NULL = not given */
	const char *const *options;
	struct compose_extra_host *hosts;
	size_t host_count;
	struct compose_link *links;
	size_t link_count;
	const char *mac;		/* of the first network */
	const char *policy;		/* from its labels, as of a network */
};

/* The top-level key. */
int network_read_all(struct reader *r, const struct yaml_node *node, struct err *e);
/* Adds what is used and not declared, and checks what must fit together. */
int network_check(const struct reader *r, struct compose_project *p, struct err *e);
/* The MAC address that is given for its container there; NULL: none. */
const char *compose_mac_address(const struct compose_service *s,
				const struct compose_attachment *a);
/* One cuvette.* option of a network or label of a service, as lines of a policy. 1 = it was one. */
int network_read_option(struct reader *r, const struct yaml_node *node, const char *key,
			const char *value, const char **policy, struct err *e);

/* service_network.c: rows of service.c's table. */
int service_read_networks(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_network_mode(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_ports(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_expose(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_dns(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_dns_search(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_dns_opt(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_extra_hosts(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_links(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_mac_address(struct reader *r, const struct yaml_node *node, struct err *e);
