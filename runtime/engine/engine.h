/* engine.h - the one owner of state: brings up what the compose file says, and keeps it so.
 *
 * Theory of operation. engine_load reads every file once: what the launcher says (config), the
 * compose file, the images it names, the documents of the last run; it makes one struct container
 * per service. engine_start connects to boxd. Each time the connection stands, boxd's list is asked
 * for; the first list is reconciled with the documents (orch/reconcile), each later one only
 * repairs what was missed. From then on everything is an event: of boxd, of a timer, of the probe,
 * of the launcher.
 *
 * Bounded: PLAN_SLOTS_MAX containers; one message, one probe per container. Nothing is waited for.
 * Killing the engine ends no container; engine_stop does, when the machine stops. */
#pragma once

#include <stddef.h>

struct engine;
struct err;
struct loop;
struct report;

struct engine_files {			/* the caller's; -1 = not there */
	int compose_fd;
	int config_fd;
	int cmdline_fd;
	int images_fd;			/* folder */
	int state_fd;			/* folder */
	int output_fd;
	int inspect_fd;			/* listens: inspect.h */
	const char *boot_id;
	int routes4_fd, routes6_fd;	/* the kernel's lists of routes (routes.h) */
	const char *box_socket;
	const char *net_socket;
};

struct engine *engine_create(struct loop *loop, const struct report *report,
			     const struct engine_files *files);
void engine_destroy(struct engine *engine);

int engine_load(struct engine *engine, struct err *e);
/* The one sentence for people when engine_load failed; ends a batch with its status. */
void engine_refuse(struct engine *engine, const char *sentence);
void engine_start(struct engine *engine);
/* The machine stops: ends all containers, then the loop. */
void engine_stop(struct engine *engine);
