/* netd.h - the engine's side of the connection to netd, the keeper of networks.
 *
 * Requests are answered in their order; each has one callback, which is called once, or never when
 * the connection is lost before: then `lost` says so, and after `connected` everything is declared
 * again. Knows the messages of wire.h, and nothing of when to send them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attachments;
struct err;
struct loop;
struct netd;
struct network;
struct port_map_row;
struct stats_told;

struct netd_answer {
	const char *failure;		/* one sentence; NULL = done */
	uint64_t port;			/* of netd_publish: the machine's */
	int fd;				/* of netd_capture: borrowed, for the call; else -1 */
};
typedef void netd_done_fn(void *ctx, const struct netd_answer *answer);

struct netd_network {			/* as wire.h has them */
	const char *name, *subnet4, *gateway4, *subnet6, *gateway6;
	uint64_t mtu;
};

struct netd_member {
	const char *network, *container, *address4, *address6;
};

struct netd_events {
	void (*connected)(void *ctx);
	void (*lost)(void *ctx);
	/* What netd has, each network with its members and ports; answers netd_list. */
	void (*network)(void *ctx, const struct netd_network *n);
	void (*member)(void *ctx, const struct netd_member *m);
	void (*port)(void *ctx, const char *network, const char *key, uint64_t host_port);
	void (*listed)(void *ctx);			/* that was all of it */
	/* Answers netd_ask_counters, in any order; told NULL = nobody knows them.
	 * counters NULL: nobody asks. */
	void (*counters)(void *ctx, const char *network, const char *container,
			 const struct stats_told *told);
	void (*idle)(void *ctx);			/* every request is answered */
};

enum netd_backend { NETD_GONE, NETD_SERVES, NETD_DRAINS, NETD_ILL };

struct netd *netd_create(struct loop *loop, const char *socket_path,
			 const struct netd_events *events, void *ctx);
void netd_destroy(struct netd *net);			/* NULL is fine; networks go on */
void netd_connect(struct netd *net);			/* now, and from then on by itself */
bool netd_is_there(const struct netd *net);
bool netd_is_ready(const struct netd *net);		/* and what it has is known */
bool netd_is_idle(const struct netd *net);		/* nothing is asked, or nobody is there */

/* -1 also while there is no connection. done NULL: a failure is logged and no more. */
int netd_list(struct netd *net, struct err *e);
int netd_create_network(struct netd *net, const struct network *network, netd_done_fn *done,
			void *ctx, struct err *e);
int netd_delete_network(struct netd *net, const char *name, struct err *e);
/* number: which one of its networks. */
int netd_attach(struct netd *net, const struct attachments *all, unsigned number, int net_ns_fd,
		netd_done_fn *done, void *ctx, struct err *e);
/* A socket that sees the container's packets on every network; this is one of them. */
int netd_capture(struct netd *net, const char *network, const char *container,
		 netd_done_fn *done, void *ctx, struct err *e);
int netd_ask_counters(struct netd *net, const char *network, const char *container,
		      struct err *e);
int netd_detach(struct netd *net, const char *network, const char *container, struct err *e);

struct netd_port {
	const char *network, *key, *container;
	const char *host_address;
	uint8_t protocol;
	uint16_t host_port;		/* 0 = any free one */
	uint16_t container_port;
	bool least_connections;		/* else by turns */
	enum netd_backend state;	/* the container's */
};
int netd_publish(struct netd *net, const struct netd_port *port, netd_done_fn *done, void *ctx,
		 struct err *e);
int netd_set_backend(struct netd *net, const struct netd_port *port, enum netd_backend state,
		     struct err *e);
int netd_withdraw(struct netd *net, const struct netd_port *port, struct err *e);
