#include "init/unit_fsm.h"

#include "lib/array.h"
#include "lib/str.h"

#define TO(state, action) { UNIT_##state, UNIT_ACTION_##action }
#define STAY(state) { UNIT_##state, UNIT_ACTION_NONE }

/* clang-format off */
static const struct unit_step table[UNIT_STATES][UNIT_EVENTS] = {
	/*  START                 STOP                  RESTART               READY
	 *  AGAIN                 GOOD                  BAD                   LATE */
	[UNIT_WAITING] = {
	    TO(STARTING, SPAWN),  TO(DOWN, TELL),       STAY(WAITING),        STAY(WAITING),
	    STAY(WAITING),        STAY(WAITING),        STAY(WAITING),        STAY(WAITING),
	},
	[UNIT_STARTING] = {
	    STAY(STARTING),       TO(STOPPING, TERM),   TO(RESTARTING, TERM), TO(UP, TELL),
	    TO(BACKOFF, WAIT),    TO(DONE, TELL),       TO(FAILED, TELL),     TO(STARTING, WARN),
	},
	[UNIT_UP] = {
	    STAY(UP),             TO(STOPPING, TERM),   TO(RESTARTING, TERM), STAY(UP),
	    TO(BACKOFF, WAIT),    TO(DONE, TELL),       TO(FAILED, TELL),     STAY(UP),
	},
	[UNIT_BACKOFF] = {
	    STAY(BACKOFF),        TO(DOWN, TELL),       TO(STARTING, SPAWN),  STAY(BACKOFF),
	    STAY(BACKOFF),        STAY(BACKOFF),        STAY(BACKOFF),        TO(STARTING, SPAWN),
	},
	[UNIT_RESTARTING] = {
	    STAY(RESTARTING),     TO(STOPPING, NONE),   STAY(RESTARTING),     STAY(RESTARTING),
	    TO(STARTING, SPAWN),  TO(STARTING, SPAWN),  TO(STARTING, SPAWN),  TO(RESTARTING, KILL),
	},
	[UNIT_STOPPING] = {
	    STAY(STOPPING),       STAY(STOPPING),       STAY(STOPPING),       STAY(STOPPING),
	    TO(DOWN, TELL),       TO(DOWN, TELL),       TO(DOWN, TELL),       TO(STOPPING, KILL),
	},
	[UNIT_DOWN] = {
	    STAY(DOWN),           STAY(DOWN),           STAY(DOWN),           STAY(DOWN),
	    STAY(DOWN),           STAY(DOWN),           STAY(DOWN),           STAY(DOWN),
	},
	[UNIT_DONE] = {
	    STAY(DONE),           TO(DOWN, TELL),       TO(STARTING, SPAWN),  STAY(DONE),
	    STAY(DONE),           STAY(DONE),           STAY(DONE),           STAY(DONE),
	},
	[UNIT_FAILED] = {
	    STAY(FAILED),         TO(DOWN, TELL),       TO(STARTING, SPAWN),  STAY(FAILED),
	    STAY(FAILED),         STAY(FAILED),         STAY(FAILED),         STAY(FAILED),
	},
};
/* clang-format on */
_Static_assert(UNIT_EVENTS == 8, "a new event wants a new column");

static const char *const state_names[] = {
	[UNIT_WAITING] = "waiting", [UNIT_STARTING] = "starting", [UNIT_UP] = "up",
	[UNIT_BACKOFF] = "backoff", [UNIT_RESTARTING] = "restarting", [UNIT_STOPPING] = "stopping",
	[UNIT_DOWN] = "down", [UNIT_DONE] = "done", [UNIT_FAILED] = "failed",
};
_Static_assert(ARRAY_SIZE(state_names) == UNIT_STATES, "a new state wants a name");

static const char *const event_names[] = {
	[UNIT_EVENT_START] = "start",
	[UNIT_EVENT_STOP] = "stop",
	[UNIT_EVENT_RESTART] = "restart asked",
	[UNIT_EVENT_READY] = "ready",
	[UNIT_EVENT_AGAIN] = "gone",
	[UNIT_EVENT_GOOD] = "gone, rests",
	[UNIT_EVENT_BAD] = "gone, gives up",
	[UNIT_EVENT_LATE] = "time is over",
};
_Static_assert(ARRAY_SIZE(event_names) == UNIT_EVENTS, "a new event wants a name");

struct unit_step unit_fsm_step(enum unit_state state, enum unit_event event)
{
	return table[state][event];
}

enum unit_event unit_fsm_gone(enum unit_restart rule, bool clean)
{
	switch (rule) {
	case UNIT_RESTART_ALWAYS:
		return UNIT_EVENT_AGAIN;
	case UNIT_RESTART_FAILURE:
		return clean ? UNIT_EVENT_GOOD : UNIT_EVENT_AGAIN;
	case UNIT_RESTART_NEVER:
		break;
	}
	return clean ? UNIT_EVENT_GOOD : UNIT_EVENT_BAD;
}

bool unit_fsm_runs(enum unit_state state)
{
	return state == UNIT_STARTING || state == UNIT_UP || state == UNIT_RESTARTING ||
	       state == UNIT_STOPPING;
}

bool unit_fsm_settled(enum unit_state state)
{
	return state == UNIT_UP || state == UNIT_DONE || state == UNIT_FAILED;
}

const char *unit_fsm_state_name(enum unit_state state)
{
	return state_names[state];
}

const char *unit_fsm_event_name(enum unit_event event)
{
	return event_names[event];
}

bool unit_fsm_state_by_name(const char *name, enum unit_state *state)
{
	for (int i = 0; i < UNIT_STATES; i++) {
		if (!str_equal(name, state_names[i]))
			continue;
		*state = (enum unit_state)i;
		return true;
	}
	return false;
}
