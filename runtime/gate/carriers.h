/* carriers.h - the processes beside this one that carry published connections in full flow.
 *
 * The gateway has one process for all that its network says. A connection that only moves bytes
 * (bulk.h) costs less in a process that runs where there is room and interrupts nobody: one for
 * each CPU, at most CARRIERS_MAX, each in a jail of its own within that of this one. They are
 * handed a connection and give it back when its flow ends, when somebody limits its rate, or not at
 * all when it ends there. What went through stands where this process sees it too: nobody is woken
 * to count it. One whose reader has stopped stays there with what is held of it: it costs a slot.
 *
 *     relay.h: in full flow, nothing held -> released -> CARRY -> ... BACK -> resumed
 *                                                         ` OVER, or its carrier died: finished
 *
 * A carrier that dies takes its connections with it, by a reset; the others go on, and when none is
 * left, or has a slot, this process relays by itself. One that somebody has taken over ends with
 * this process all the same (PR_SET_PDEATHSIG). Owns the channels; relays stay their owner's. */
#pragma once

struct carriers;
struct err;
struct loop;
struct relay;

enum { CARRIERS_MAX = 4 };

/* Before anything is open that they shall not have, and before the list of system calls: a child
 * each, that comes back from nothing but enter_jail. No more than there are CPUs for us. What
 * cannot be made is said in the log. They end with this process only if it changes neither its ids
 * nor what it may signal any more. */
struct carriers *carriers_create(unsigned most, void (*enter_jail)(void));
void carriers_serve(struct carriers *cs, struct loop *loop);
void carriers_destroy(struct carriers *cs);	/* NULL is fine; ends them; no relay is with them */

/* In on_empty of relay.h. Without a carrier that has a slot it stays here. NULL is none. */
void carriers_take(struct carriers *cs, struct relay *r);
/* Adds what went through to the relays' counters. */
void carriers_count(struct carriers *cs);
/* Wants back who is limited now. */
void carriers_rates_changed(struct carriers *cs);
/* Before a released one is aborted. */
void carriers_drop(struct carriers *cs, const struct relay *r);
