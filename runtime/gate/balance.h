/* balance.h - which of several backends gets the next connection. Pure: states and the time in.
 *
 * Serving ones first, by turns or by the fewest active; then ill ones and those that refused within
 * the last BALANCE_REST_MS; then draining ones: a service of which nothing else is left still
 * answers. Gone ones never. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	BALANCE_BACKENDS_MAX = 256,	/* of one port; a bit each in `tried` */
	BALANCE_REST_MS = 1000,
	BALANCE_KNOCK_MS = 5000,	/* who is new and refuses may not listen yet */
};

enum balance_mode { BALANCE_ROUND_ROBIN, BALANCE_LEAST, BALANCE_MODES };
/* The numbers of GATE_BACKEND. */
enum balance_state { BALANCE_GONE, BALANCE_SERVES, BALANCE_DRAINS, BALANCE_ILL, BALANCE_STATES };

struct balance_entry {
	enum balance_state state;
	uint32_t active;		/* connections or flows it has now */
	uint64_t rests_until_ms;
	uint64_t new_until_ms;		/* 0: it has answered once */
};

struct balance {
	enum balance_mode mode;
	unsigned count, next;
	struct balance_entry *entries;	/* the caller's */
};

struct balance_tried {
	uint64_t bits[BALANCE_BACKENDS_MAX / 64];
};

/* The entry's number, or -1: nobody is left that was not tried. NULL = none was. Changes `next`
 * alone: the caller counts `active`. */
int balance_pick(struct balance *b, const struct balance_tried *tried, uint64_t now_ms);
void balance_try(struct balance_tried *tried, int entry);
/* It serves from now on. */
void balance_begins(struct balance *b, int entry, uint64_t now_ms);
void balance_answered(struct balance *b, int entry);
/* Is it worth while to ask all of them once more in a moment? Those who are new rest no more. */
bool balance_knock_again(struct balance *b, uint64_t now_ms);
void balance_refused(struct balance *b, int entry, uint64_t now_ms);
