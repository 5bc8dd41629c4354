/* service.h - reads one entry of `services:`. Inside runtime/compose only. */
#pragma once

struct compose_service;
struct err;
struct reader;
struct yaml_node;

/* r->where is set and restored here. */
int service_read(struct reader *r, const struct yaml_node *node, struct compose_service *service,
		 struct err *e);

/* service_limits.c: the keys that bound what a service may use. Rows of service.c's table. */
int service_read_mem_limit(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_mem_reservation(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_memswap_limit(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_cpus(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_cpu_shares(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_cpuset(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_pids_limit(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_shm_size(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_ulimits(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_deploy(struct reader *r, const struct yaml_node *node, struct err *e);

/* service_mounts.c */
int service_read_volumes(struct reader *r, const struct yaml_node *node, struct err *e);
int service_read_tmpfs(struct reader *r, const struct yaml_node *node, struct err *e);
