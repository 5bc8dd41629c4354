/* task_fsm.h - the life of one task as a table: a fact in, the next state and one action out. Pure.
 *
 *              START            STARTED
 *   CREATED ----------> STARTING --------> RUNNING
 *                        ^    |               |  \ STOP
 *               DUE,START|    | AGAIN         |   v
 *                      BACKOFF <--------------+  STOPPING --DUE--> (kill, still STOPPING)
 *                                  AGAIN      |      |
 *                                       FINAL v      v AGAIN, FINAL
 *                                          EXITED <--+
 *   DRAIN leads from RUNNING over DRAINING, until DRAINED or DUE, to STOPPING; else it is STOP.
 *   REMOVE leads from everywhere to REMOVED; START leads back from EXITED and REMOVED.
 *
 * The caller keeps one timer per task and turns it off at each change of state; whether a task that
 * went down means AGAIN or FINAL is restart.h's answer. */
#pragma once

enum task_state {
	TASK_CREATED,
	TASK_STARTING,
	TASK_RUNNING,
	TASK_DRAINING,
	TASK_STOPPING,
	TASK_BACKOFF,
	TASK_EXITED,
	TASK_REMOVED,
	TASK_STATES
};

enum task_event {
	TASK_START,		/* wanted up */
	TASK_STARTED,		/* its maker says that it runs, or it was found running */
	TASK_AGAIN,		/* it is down (or never came up), and the policy wants it up */
	TASK_FINAL,		/* it is down and stays down */
	TASK_STOP,		/* wanted down */
	TASK_DRAIN,		/* wanted down, and others are there for its work */
	TASK_DRAINED,		/* nothing is left of its work */
	TASK_DUE,		/* the timer armed by WAIT, DRAIN or SIGNAL */
	TASK_REMOVE,		/* wanted away */
	TASK_EVENTS
};

enum task_action {
	TASK_DO_NOTHING,
	TASK_DO_START,		/* ask its maker */
	TASK_DO_WATCH,		/* it is up: see whether it works */
	TASK_DO_WAIT,		/* arm the timer for the next start */
	TASK_DO_DRAIN,		/* no more work for it, arm the timer for its patience */
	TASK_DO_SIGNAL,		/* ask it to end, arm the timer for its patience */
	TASK_DO_KILL,
	TASK_DO_REPORT,		/* its end is final: say so */
	TASK_DO_DELETE,
};

struct task_step {
	enum task_state next;
	enum task_action action;
};

struct task_step task_step(enum task_state state, enum task_event event);
const char *task_state_name(enum task_state state);	/* "running" */
const char *task_event_name(enum task_event event);
