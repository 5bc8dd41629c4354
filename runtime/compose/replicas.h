/* replicas.h - what a compose file says about a service that is several containers: how many, who
 * of them gets a client, how they are replaced.
 *
 * `scale`, `deploy.replicas`, `deploy.update_config` and the label `cuvette.balance`. What
 * only one container can have (an address, the printed URL) is refused with its line. Public
 * struct; the functions are for runtime/compose only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct compose_project;
struct compose_service;
struct err;
struct reader;
struct yaml_node;

enum { COMPOSE_REPLICAS_MAX = 63 };	/* a range of ids each, and one is for a successor */

struct compose_replicas {
	bool is_given;			/* its containers have numbers: SERVICE-N */
	bool is_counted;		/* by scale or deploy.replicas */
	unsigned count;			/* 1 when not */
	bool start_first;		/* the successor is up before its predecessor goes */
	unsigned at_once;		/* 0 = 1; more only where they stop first */
	uint64_t delay_ms;		/* from a successor that works to the next one */
	uint64_t monitor_ms;		/* so long a successor runs before it counts as working */
	bool least_connections;		/* else by turns */
};

/* Rows of service.c's and of deploy's table. */
int service_read_scale(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_deploy_mode(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_endpoint_mode(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_update_config(struct reader *r, const struct yaml_node *node, struct err *e);
/* 1 = the label was one of these. */
int service_read_balance(struct reader *r, const struct yaml_node *node, const char *key,
			 const char *value, struct err *e);

int replicas_check(const struct reader *r, const struct compose_project *p, struct err *e);
