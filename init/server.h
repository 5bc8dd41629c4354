/* server.h - svd's control socket: answers svctl. */
#pragma once

#include "lib/loop.h"

struct err;
struct supervisor;

enum { SERVER_CLIENTS_MAX = 8 };

struct server_client {
	struct loop_source source;	/* fd -1 = free */
	struct server *server;
};

struct server {
	struct loop_source source;
	struct supervisor *supervisor;
	struct server_client clients[SERVER_CLIENTS_MAX];
};

/* Binds CONTROL_NAME in run_dir, for root alone. */
int server_open(struct server *s, struct supervisor *supervisor, const char *run_dir,
		struct err *e);
void server_close(struct server *s);
