/* unit_fsm.h - the life of a unit as a table. Pure: one caller (unit.c) performs the action and
 * logs the step.
 *
 *               START            READY
 *   WAITING ----------> STARTING ------> UP          GOOD/BAD: the unit ended and its restart rule
 * lets it rest ^   |            |           AGAIN:    it ended and is to run again LATE |   | AGAIN
 * | AGAIN BACKOFF <--------+
 *
 *   STARTING, UP -- GOOD --> DONE, -- BAD --> FAILED; both rest until RESTART
 *   STARTING, UP -- RESTART --> RESTARTING (SIGTERM) -- gone --> STARTING
 *   STARTING, UP -- STOP ----> STOPPING (SIGTERM, then SIGKILL when LATE) -- gone --> DOWN */
#pragma once

#include <stdbool.h>

enum unit_state {
	UNIT_WAITING,		/* for the units it comes after */
	UNIT_STARTING,		/* runs, has not told that it is ready */
	UNIT_UP,
	UNIT_BACKOFF,		/* ended, runs again when its time has come */
	UNIT_RESTARTING,	/* ends, then starts again */
	UNIT_STOPPING,
	UNIT_DOWN,		/* for good: the machine stops */
	UNIT_DONE,
	UNIT_FAILED,
	UNIT_STATES
};

enum unit_event {
	UNIT_EVENT_START,	/* whatever it waits for is there */
	UNIT_EVENT_STOP,
	UNIT_EVENT_RESTART,	/* an operator asks */
	UNIT_EVENT_READY,
	UNIT_EVENT_AGAIN,
	UNIT_EVENT_GOOD,
	UNIT_EVENT_BAD,
	UNIT_EVENT_LATE,	/* the unit's timer */
	UNIT_EVENTS
};

enum unit_action {
	UNIT_ACTION_NONE,
	UNIT_ACTION_SPAWN,
	UNIT_ACTION_TERM,	/* and a timer for LATE */
	UNIT_ACTION_KILL,
	UNIT_ACTION_WAIT,	/* a timer with the back-off */
	UNIT_ACTION_WARN,	/* not ready for a long time */
	UNIT_ACTION_TELL,	/* others may wait for this */
	UNIT_ACTIONS
};

enum unit_restart { UNIT_RESTART_ALWAYS, UNIT_RESTART_FAILURE, UNIT_RESTART_NEVER };

struct unit_step {
	enum unit_state to;
	enum unit_action action;
};

struct unit_step unit_fsm_step(enum unit_state state, enum unit_event event);

/* Which event the end of the process is: clean = status 0. */
enum unit_event unit_fsm_gone(enum unit_restart rule, bool clean);

/* A process belongs to it. */
bool unit_fsm_runs(enum unit_state state);
/* Nobody needs to wait for it any longer: it is ready, or it never will be. */
bool unit_fsm_settled(enum unit_state state);

const char *unit_fsm_state_name(enum unit_state state);
const char *unit_fsm_event_name(enum unit_event event);
/* False when it is no state's name. */
bool unit_fsm_state_by_name(const char *name, enum unit_state *state);
