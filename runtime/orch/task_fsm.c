/* task_fsm.c - see task_fsm.h. */
#include "orch/task_fsm.h"

#include "lib/array.h"

#define TO(state, action) { TASK_##state, TASK_DO_##action }

static const struct task_step table[TASK_STATES][TASK_EVENTS] = {
	[TASK_CREATED] = {
		[TASK_START]   = TO(STARTING, START),
		[TASK_STARTED] = TO(RUNNING, WATCH),
		[TASK_AGAIN]   = TO(BACKOFF, WAIT),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(EXITED, NOTHING),
		[TASK_DRAIN]   = TO(EXITED, NOTHING),
		[TASK_DRAINED] = TO(CREATED, NOTHING),
		[TASK_DUE]     = TO(CREATED, NOTHING),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_STARTING] = {
		[TASK_START]   = TO(STARTING, NOTHING),
		[TASK_STARTED] = TO(RUNNING, WATCH),
		[TASK_AGAIN]   = TO(BACKOFF, WAIT),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(STOPPING, SIGNAL),
		[TASK_DRAIN]   = TO(STOPPING, SIGNAL),
		[TASK_DRAINED] = TO(STARTING, NOTHING),
		[TASK_DUE]     = TO(STARTING, NOTHING),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_RUNNING] = {
		[TASK_START]   = TO(RUNNING, NOTHING),
		[TASK_STARTED] = TO(RUNNING, NOTHING),
		[TASK_AGAIN]   = TO(BACKOFF, WAIT),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(STOPPING, SIGNAL),
		[TASK_DRAIN]   = TO(DRAINING, DRAIN),
		[TASK_DRAINED] = TO(RUNNING, NOTHING),
		[TASK_DUE]     = TO(RUNNING, NOTHING),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_DRAINING] = {
		[TASK_START]   = TO(DRAINING, NOTHING),
		[TASK_STARTED] = TO(DRAINING, NOTHING),
		[TASK_AGAIN]   = TO(EXITED, REPORT),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(STOPPING, SIGNAL),
		[TASK_DRAIN]   = TO(DRAINING, NOTHING),
		[TASK_DRAINED] = TO(STOPPING, SIGNAL),
		[TASK_DUE]     = TO(STOPPING, SIGNAL),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_STOPPING] = {
		[TASK_START]   = TO(STOPPING, NOTHING),
		/* It was stopped while it came up: the first signal met nobody. */
		[TASK_STARTED] = TO(STOPPING, SIGNAL),
		[TASK_AGAIN]   = TO(EXITED, REPORT),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(STOPPING, NOTHING),
		[TASK_DRAIN]   = TO(STOPPING, NOTHING),
		[TASK_DRAINED] = TO(STOPPING, NOTHING),
		[TASK_DUE]     = TO(STOPPING, KILL),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_BACKOFF] = {
		[TASK_START]   = TO(STARTING, START),
		[TASK_STARTED] = TO(RUNNING, WATCH),
		[TASK_AGAIN]   = TO(BACKOFF, NOTHING),
		[TASK_FINAL]   = TO(EXITED, REPORT),
		[TASK_STOP]    = TO(EXITED, NOTHING),
		[TASK_DRAIN]   = TO(EXITED, NOTHING),
		[TASK_DRAINED] = TO(BACKOFF, NOTHING),
		[TASK_DUE]     = TO(STARTING, START),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_EXITED] = {
		[TASK_START]   = TO(STARTING, START),
		[TASK_STARTED] = TO(RUNNING, WATCH),
		[TASK_AGAIN]   = TO(EXITED, NOTHING),
		[TASK_FINAL]   = TO(EXITED, NOTHING),
		[TASK_STOP]    = TO(EXITED, NOTHING),
		[TASK_DRAIN]   = TO(EXITED, NOTHING),
		[TASK_DRAINED] = TO(EXITED, NOTHING),
		[TASK_DUE]     = TO(EXITED, NOTHING),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),
	},
	[TASK_REMOVED] = {
		[TASK_START]   = TO(STARTING, START),
		[TASK_STARTED] = TO(REMOVED, DELETE),
		[TASK_AGAIN]   = TO(REMOVED, NOTHING),
		[TASK_FINAL]   = TO(REMOVED, NOTHING),
		[TASK_STOP]    = TO(REMOVED, NOTHING),
		[TASK_DRAIN]   = TO(REMOVED, NOTHING),
		[TASK_DRAINED] = TO(REMOVED, NOTHING),
		[TASK_DUE]     = TO(REMOVED, NOTHING),
		[TASK_REMOVE]  = TO(REMOVED, DELETE),	/* again: the first request may be lost */
	},
};
_Static_assert(TASK_EVENTS == 9, "a new event wants a new entry in each state");

struct task_step task_step(enum task_state state, enum task_event event)
{
	return table[state][event];
}

const char *task_state_name(enum task_state state)
{
	static const char *const names[] = { "created",  "starting", "running", "draining",
					     "stopping", "backoff",  "exited",  "removed" };

	_Static_assert(ARRAY_SIZE(names) == TASK_STATES, "a name per state");
	return names[state];
}

const char *task_event_name(enum task_event event)
{
	static const char *const names[] = { "start", "started", "again", "final", "stop",
					     "drain", "drained", "due",   "remove" };

	_Static_assert(ARRAY_SIZE(names) == TASK_EVENTS, "a name per event");
	return names[event];
}
