/* loop.h - the one place where a program waits (epoll(7)).
 *
 * A source is embedded in the struct it serves; owner_of(src, struct conn, src) leads back to
 * it. The loop never owns or closes an fd. A callback may add or remove any source, itself
 * included: removal takes effect at once, also for events of the same batch. No threads.
 *
 * Sources may be put into lanes: each lane has its turn (turn.h), however many of its sources wait,
 * and after each turn the loop looks who else has come. Those without one are a lane of their own,
 * which is all that most programs have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct loop_lane;
struct loop_source;
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 }; /* HANGUP is always reported */

typedef void loop_source_fn(struct loop_source *source, unsigned events);
typedef void loop_timer_fn(struct loop_timer *timer);

struct loop_source {
	int fd;
	loop_source_fn *on_event;
	struct loop_lane *lane; /* NULL: none; it stays the same while added */
	struct loop *loop;	/* private; NULL when not added */
};

struct loop_timer {
	loop_timer_fn *on_time;
	/* private */
	struct loop *loop; /* NULL when not set */
	uint64_t due_ms;
	struct loop_timer *next;
};

#define owner_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

struct loop *loop_create(struct err *e);
/* NULL is fine. Its sources and timers are not told: forget them. */
void loop_destroy(struct loop *loop);

int loop_add(struct loop *loop, struct loop_source *source, unsigned events, struct err *e);
int loop_change(struct loop_source *source, unsigned events, struct err *e);
/* Fine when not added. Before its fd is closed: epoll follows the open file, not the number
 * (epoll(7)). */
void loop_remove(struct loop_source *source);

/* Before its sources are added; outlives them, and the loop must outlive it. */
struct loop_lane *loop_lane_create(struct loop *loop, struct err *e);
void loop_lane_destroy(struct loop_lane *lane); /* NULL is fine */
/* Nobody of another lane has come for a while: a callback may do more at once. */
bool loop_is_quiet(const struct loop *loop);

/* Once, not before delay_ms from now; set again to move it; off when not set is fine. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_off(struct loop_timer *timer);

/* What was done in this turn may be answered within microseconds. While such answers do come that
 * soon, the next wait begins with a short one without sleep, which saves a wake-up. */
void loop_hurry(struct loop *loop);
bool loop_hurries(const struct loop *loop); /* the next wait will */

/* Signals come in as events: blocks them for the process and calls back with the number.
 * One call per loop. The set is the caller's list, terminated by 0. */
int loop_signals(struct loop *loop, const int *numbers, void (*on_signal)(void *ctx, int number),
		 void *ctx, struct err *e);

/* Until loop_stop (also one from before the call); returns 0, or -1 when epoll itself fails. */
int loop_run(struct loop *loop, struct err *e);
void loop_stop(struct loop *loop);
