/* boxd.h - the engine's side of the connection to boxd: requests out, answers and events in.
 *
 * Connects from the loop and again whenever boxd went away; nothing is kept for a lost connection:
 * after `connected` the owner asks for the list and compares. Requests of one name are answered in
 * their order. Knows the messages of wire.h, and nothing of what a container is for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boxd;
struct compose_project;
struct err;
struct loop;
struct plan;
struct usage;

struct boxd_state {
	const char *name, *image;
	bool running;
	uint64_t pid, exit_status, oom_kills;
};

struct boxd_events {
	void (*connected)(void *ctx);
	void (*lost)(void *ctx);
	/* Its start waits for boxd_release; the fd of its network namespace is boxd.c's: dup it. */
	void (*held)(void *ctx, const char *name, int net_ns_fd);
	void (*network)(void *ctx, const char *name, int net_ns_fd);	/* answers boxd_netns */
	void (*started)(void *ctx, const char *name, uint64_t pid);
	void (*failed)(void *ctx, const char *name, const char *sentence);
	void (*done)(void *ctx, const char *name);
	void (*state)(void *ctx, const struct boxd_state *state);	/* per box of the list */
	void (*list_end)(void *ctx);
	/* said: the last lines of its standard error, unescaped */
	void (*exited)(void *ctx, const char *name, uint64_t exit_status, uint64_t oom_kills,
		       const char *said);
	void (*oom)(void *ctx, const char *name, uint64_t limit_bytes, uint64_t oom_kills);
	/* Answers boxd_ask_usage; NULL: none of that name runs. */
	void (*used)(void *ctx, const char *name, const struct usage *usage);
};

struct boxd *boxd_create(struct loop *loop, const char *socket_path,
			 const struct boxd_events *events, void *ctx);
void boxd_destroy(struct boxd *box);			/* NULL is fine; what runs goes on */
void boxd_connect(struct boxd *box);			/* now, and from then on by itself */

/* -1 also while there is no connection; the owner repeats after `connected`. output_fd: -1 = none.
 */
int boxd_start(struct boxd *box, const char *name, const struct plan *plan,
	      const struct compose_project *project, int output_fd, struct err *e);
int boxd_release(struct boxd *box, const char *name, struct err *e);
int boxd_netns(struct boxd *box, const char *name, struct err *e);
/* Of one that is held any signal calls its start off. */
int boxd_kill(struct boxd *box, const char *name, unsigned signal_number, struct err *e);
/* One more process in a running box, without streams; name is BOX/EXEC. */
int boxd_exec(struct boxd *box, const char *name, const char *process, size_t size_bytes,
	      struct err *e);
int boxd_delete(struct boxd *box, const char *name, struct err *e);
int boxd_list(struct boxd *box, struct err *e);
int boxd_ask_usage(struct boxd *box, const char *name, struct err *e);
