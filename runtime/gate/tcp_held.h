/* tcp_held.h - what a container sends on a connection whose far end takes nothing, when its account
 * is full.
 *
 * Such a segment has no place, and whoever sent it would try again by a timer that soon stands at
 * two minutes. So the window is shown as shut, and the first piece of it is held back, not
 * acknowledged: it is received when the socket takes more. That is news to its sender, who sends
 * the rest at once, and the window is open again. A piece is what the sender counts in, its MSS:
 * less would not move it. Held bytes are on the account, in a part of it that kept ones do not get;
 * beyond that the window is shut, and the timer is all that there is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct packet;
struct tcp_flow;

/* What is new in this segment has no place among what is kept. One that came before has its place:
 * refused, its sender would see the window shut with nothing under way, and nobody would open it.
 */
bool tcp_held_must(const struct tcp_flow *f, const struct packet *p);
void tcp_held_refuse(struct tcp_flow *f, const struct packet *p);
void tcp_held_release(struct tcp_flow *f); /* its socket takes more; it may be gone then */
void tcp_held_clear(struct tcp_flow *f);
