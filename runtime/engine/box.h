/* box.h - the engine's side of the connection to boxd: requests out, answers and events in.
 *
 * Connects from the loop and again whenever boxd went away; nothing is kept for a lost connection:
 * after `connected` the owner asks for the list and compares. Requests of one name are answered in
 * their order. Knows the messages of wire.h, and nothing of what a container is for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box;
struct compose_project;
struct err;
struct loop;
struct plan;

struct box_state {
	const char *name, *image;
	bool running;
	uint64_t pid, exit_status, oom_kills;
};

struct box_events {
	void (*connected)(void *ctx);
	void (*lost)(void *ctx);
	void (*started)(void *ctx, const char *name, uint64_t pid);
	void (*failed)(void *ctx, const char *name, const char *sentence);
	void (*done)(void *ctx, const char *name);
	void (*state)(void *ctx, const struct box_state *state);	/* per box of the list */
	void (*list_end)(void *ctx);
	void (*exited)(void *ctx, const char *name, uint64_t exit_status, uint64_t oom_kills);
	void (*oom)(void *ctx, const char *name, uint64_t limit_bytes, uint64_t oom_kills);
};

struct box *box_create(struct loop *loop, const char *socket_path, const struct box_events *events,
		       void *ctx);
void box_destroy(struct box *box);			/* NULL is fine; what runs goes on */
void box_connect(struct box *box);			/* now, and from then on by itself */

/* -1 also while there is no connection; the owner repeats after `connected`. output_fd: -1 = none.
 */
int box_start(struct box *box, const char *name, const struct plan *plan,
	      const struct compose_project *project, int output_fd, struct err *e);
int box_kill(struct box *box, const char *name, unsigned signal_number, struct err *e);
int box_delete(struct box *box, const char *name, struct err *e);
int box_list(struct box *box, struct err *e);
