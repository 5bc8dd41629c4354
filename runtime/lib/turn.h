/* turn.h - whose turn it is: who of several has used least of what one worker gives. Pure: the time
 * is given.
 *
 * Start-time fair queueing (Goyal, Vin, Cheng 1996): each has a clock of what was used, and the
 * least one is next. Who was away comes back level with those who wait, so nothing is saved up, and
 * is served before them if it is not far ahead: as the sparse flows of RFC 8290 section 4.2. What
 * it uses is counted all the same, so to go away again and again wins no more than that once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One who takes turns; all zero at first. */
struct turn {
	uint64_t used_ns;
	bool was_away;
};

struct turns {
	uint64_t least_ns; /* nobody who waits is behind it */
	const struct turn *last;
	uint64_t changed_ns; /* when the last one was another one than the one before */
};

/* Is a before b? Of two that are level neither is. */
bool turn_is_before(const struct turns *all, const struct turn *a, const struct turn *b);
void turn_leave(struct turn *t); /* it has nothing to do */
void turn_begin(struct turns *all, struct turn *t, uint64_t now_ns);
void turn_end(struct turn *t, uint64_t took_ns);
/* Nobody else had a turn for some time: it may be a long one. */
bool turns_are_one(const struct turns *all, uint64_t now_ns);
