/* carriers.h - the processes beside this one that carry published connections in full flow.
 *
 * The gateway has one process for all that its network says. A connection that only moves bytes
 * (bulk.h) costs less in a process that runs where there is room and interrupts nobody: one for
 * each CPU, at most CARRIERS_MAX, made before the jail, each in a jail of its own. They are handed
 * a connection and give it back when its flow ends, when somebody limits its rate (within
 * CARRIERS_TICK_MS), or not at all when it ends there; what went through is counted as it goes.
 *
 *     relay.h: in full flow, nothing held -> released -> CARRY -> ... BACK -> resumed
 *                                                         ` OVER, or its carrier died: finished
 *
 * A carrier that dies takes its connections with it, by a reset; the others go on, and when none is
 * left, or has a slot, this process relays by itself. Owns the channels; relays stay their
 * owner's. */
#pragma once

struct carriers;
struct err;
struct loop;
struct relay;

enum { CARRIERS_MAX = 4, CARRIERS_TICK_MS = 100 };

/* Before the jail and before anything is open that they shall not have: a child each, that comes
 * back from nothing but enter_jail. No more than there are CPUs for us. What cannot be made is said
 * in the log. */
struct carriers *carriers_create(unsigned most, void (*enter_jail)(void));
void carriers_serve(struct carriers *cs, struct loop *loop);
void carriers_destroy(struct carriers *cs);	/* NULL is fine; ends them; no relay is with them */

/* In on_empty of relay.h. Without a carrier that has a slot it stays here. NULL is none. */
void carriers_take(struct carriers *cs, struct relay *r);
/* Before a released one is aborted. */
void carriers_drop(struct carriers *cs, const struct relay *r);
