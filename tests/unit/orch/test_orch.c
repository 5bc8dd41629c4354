/* test_orch.c - restart policy, life of a task, reconciliation: by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "orch/reconcile.h"
#include "orch/restart.h"
#include "orch/task_fsm.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void policies(void **state)
{
	static const struct {
		enum restart_policy policy;
		unsigned tries_max;
		uint64_t exit_status;
		unsigned tries;
		bool again;
	} rows[] = {
		{ RESTART_NEVER, 0, 0, 0, false },	{ RESTART_NEVER, 0, 1, 0, false },
		{ RESTART_ALWAYS, 0, 0, 0, true },	{ RESTART_ALWAYS, 0, 137, 1000000, true },
		{ RESTART_ON_FAILURE, 0, 0, 0, false }, { RESTART_ON_FAILURE, 0, 1, 1000000, true },
		{ RESTART_ON_FAILURE, 3, 1, 2, true },	{ RESTART_ON_FAILURE, 3, 1, 3, false },
		{ RESTART_ON_FAILURE, 3, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct restart_rule rule = { rows[i].policy, rows[i].tries_max };

		if (restart_again(&rule, rows[i].exit_status, rows[i].tries) != rows[i].again)
			fail_msg("row %zu", i);
	}
}

static void waits_double_and_begin_anew(void **state)
{
	static const uint64_t waits[] = { 100,	200,   400,   800,   1600,  3200,
					  6400, 12800, 25600, 51200, 60000, 60000 };
	uint64_t wait = 0;

	(void)state;
	for (size_t i = 0; i < ROWS(waits); i++) {
		wait = restart_wait_ms(wait, 9999);
		assert_true(wait == waits[i]);
	}
	assert_true(restart_wait_ms(wait, 10000) == 100);
	assert_true(restart_wait_ms(UINT64_MAX, 0) == 60000);
}

/* Stories: facts in, the states and actions they lead to. */
static void lives_of_a_task(void **state)
{
	static const struct {
		enum task_event event;
		enum task_state next;
		enum task_action action;
	} stories[][8] = {
		{	/* starts, works, dies, waits, starts, is asked to stop, obeys */
			{ TASK_START, TASK_STARTING, TASK_DO_START },
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_AGAIN, TASK_BACKOFF, TASK_DO_WAIT },
			{ TASK_DUE, TASK_STARTING, TASK_DO_START },
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_STOP, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_AGAIN, TASK_EXITED, TASK_DO_REPORT },
			{ TASK_DUE, TASK_EXITED, TASK_DO_NOTHING },
		},
		{	/* never comes up */
			{ TASK_START, TASK_STARTING, TASK_DO_START },
			{ TASK_AGAIN, TASK_BACKOFF, TASK_DO_WAIT },
			{ TASK_DUE, TASK_STARTING, TASK_DO_START },
			{ TASK_FINAL, TASK_EXITED, TASK_DO_REPORT },
			{ TASK_START, TASK_STARTING, TASK_DO_START },
			{ TASK_REMOVE, TASK_REMOVED, TASK_DO_DELETE },
			{ TASK_FINAL, TASK_REMOVED, TASK_DO_NOTHING },
			{ TASK_START, TASK_STARTING, TASK_DO_START },
		},
		{	/* found running, does not obey, is killed */
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_NOTHING },
			{ TASK_STOP, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_STOP, TASK_STOPPING, TASK_DO_NOTHING },
			{ TASK_START, TASK_STOPPING, TASK_DO_NOTHING },
			{ TASK_DUE, TASK_STOPPING, TASK_DO_KILL },
			{ TASK_FINAL, TASK_EXITED, TASK_DO_REPORT },
			{ TASK_REMOVE, TASK_REMOVED, TASK_DO_DELETE },
		},
		{	/* stopped while it waits or comes up */
			{ TASK_AGAIN, TASK_BACKOFF, TASK_DO_WAIT },
			{ TASK_STOP, TASK_EXITED, TASK_DO_NOTHING },
			{ TASK_DUE, TASK_EXITED, TASK_DO_NOTHING },
			{ TASK_START, TASK_STARTING, TASK_DO_START },
			{ TASK_STOP, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_STARTED, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_DUE, TASK_STOPPING, TASK_DO_KILL },
			{ TASK_FINAL, TASK_EXITED, TASK_DO_REPORT },
		},
		{	/* drains, is stopped by its patience */
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_DRAINED, TASK_RUNNING, TASK_DO_NOTHING },
			{ TASK_DRAIN, TASK_DRAINING, TASK_DO_DRAIN },
			{ TASK_STARTED, TASK_DRAINING, TASK_DO_NOTHING },
			{ TASK_DUE, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_DRAINED, TASK_STOPPING, TASK_DO_NOTHING },
			{ TASK_DUE, TASK_STOPPING, TASK_DO_KILL },
			{ TASK_AGAIN, TASK_EXITED, TASK_DO_REPORT },
		},
		{	/* has nothing to drain; dies of itself while it does */
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_DRAIN, TASK_DRAINING, TASK_DO_DRAIN },
			{ TASK_DRAINED, TASK_STOPPING, TASK_DO_SIGNAL },
			{ TASK_FINAL, TASK_EXITED, TASK_DO_REPORT },
			{ TASK_DRAIN, TASK_EXITED, TASK_DO_NOTHING },
			{ TASK_STARTED, TASK_RUNNING, TASK_DO_WATCH },
			{ TASK_DRAIN, TASK_DRAINING, TASK_DO_DRAIN },
			{ TASK_AGAIN, TASK_EXITED, TASK_DO_REPORT },
		},
	};

	(void)state;
	for (size_t s = 0; s < ROWS(stories); s++) {
		enum task_state now = TASK_CREATED;

		for (size_t i = 0; i < ROWS(stories[s]); i++) {
			struct task_step step = task_step(now, stories[s][i].event);

			if (step.next != stories[s][i].next || step.action != stories[s][i].action)
				fail_msg("story %zu line %zu: %s %s -> %s, action %d", s, i,
					 task_state_name(now), task_event_name(stories[s][i].event),
					 task_state_name(step.next), (int)step.action);
			now = step.next;
		}
	}
}

/* What must hold in every cell, whoever edits the table. */
static void laws_of_the_table(void **state)
{
	(void)state;
	for (int s = 0; s < TASK_STATES; s++) {
		for (int v = 0; v < TASK_EVENTS; v++) {
			struct task_step step = task_step((enum task_state)s, (enum task_event)v);

			if (step.action == TASK_DO_START)
				assert_int_equal(step.next, TASK_STARTING);
			if (step.action == TASK_DO_WAIT)
				assert_int_equal(step.next, TASK_BACKOFF);
			if (step.action == TASK_DO_WATCH)
				assert_int_equal(step.next, TASK_RUNNING);
			if (step.next == TASK_BACKOFF && s != TASK_BACKOFF)
				assert_int_equal(step.action,
						 TASK_DO_WAIT); /* else nobody would start it */
			/* What is wanted down or away does not come up by itself. */
			if (v != TASK_START &&
			    (s == TASK_DRAINING || s == TASK_STOPPING || s == TASK_EXITED ||
			     s == TASK_REMOVED))
				assert_int_not_equal(step.action, TASK_DO_START);
		}
		assert_int_equal(task_step((enum task_state)s, TASK_REMOVE).next, TASK_REMOVED);
	}
}

static void wanted_against_actual(void **state)
{
	static const struct {
		struct reconcile_wanted wanted[2];
		struct reconcile_actual actual[2];
		const char *steps;		/* kind and name of each */
	} rows[] = {
		{ { { "lab", "i1", "r1" } }, { { NULL } }, "start lab, " },
		{ { { "lab", "i1", "r1" } },
		  { { "lab", "i1", "r1", RECONCILE_RUNS } },
		  "adopt lab, " },
		{ { { "lab", "i1", "r1" } },
		  { { "lab", "i1", "", RECONCILE_RUNS } },
		  "adopt lab, " },
		{ { { "lab", "i1", "r1" } }, { { "lab", "", "", RECONCILE_RUNS } }, "adopt lab, " },
		{ { { "lab", "i1", "r2" } },
		  { { "lab", "i1", "r1", RECONCILE_RUNS } },
		  "replace lab, " },
		{ { { "lab", "i2", "r1" } },
		  { { "lab", "i1", "r1", RECONCILE_RUNS } },
		  "replace lab, " },
		{ { { "lab", "i1", "r1" } },
		  { { "lab", "i1", "r1", RECONCILE_KEPT } },
		  "start lab, " },
		{ { { "lab", "i1", "r2" } },
		  { { "lab", "i1", "r1", RECONCILE_KEPT } },
		  "start lab, " },
		{ { { "lab", "i2", "r1" } },
		  { { "lab", "i1", "r1", RECONCILE_KEPT } },
		  "replace lab, " },
		{ { { "lab", "i1", "r1" } },
		  { { "lab", "i1", "r1", RECONCILE_ENDED } },
		  "settle lab, " },
		{ { { "lab", "i1", "r2" } },
		  { { "lab", "i1", "r1", RECONCILE_ENDED } },
		  "start lab, " },
		{ { { "lab", "i2", "r2" } },
		  { { "lab", "i1", "r1", RECONCILE_ENDED } },
		  "replace lab, " },
		{ { { NULL } }, { { "old", "i1", "r1", RECONCILE_RUNS } }, "remove old, " },
		{ { { "a", "i", "r" }, { "b", "i", "r" } },
		  { { "b", "i", "r", RECONCILE_RUNS }, { "c", "i", "r", RECONCILE_KEPT } },
		  "remove c, start a, adopt b, " },
	};
	static const char *const kinds[] = {
		[RECONCILE_START] = "start",   [RECONCILE_ADOPT] = "adopt",
		[RECONCILE_SETTLE] = "settle", [RECONCILE_REPLACE] = "replace",
		[RECONCILE_REMOVE] = "remove",
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t wanted = 0, actual = 0;
		struct reconcile_step steps[4];
		char text[128] = "";

		while (wanted < 2 && rows[i].wanted[wanted].name)
			wanted++;
		while (actual < 2 && rows[i].actual[actual].name)
			actual++;
		wanted = reconcile(rows[i].wanted, wanted, rows[i].actual, actual, steps);
		for (size_t n = 0; n < wanted; n++) {
			strcat(text, kinds[steps[n].kind]);
			strcat(text, " ");
			strcat(text, steps[n].name);
			strcat(text, ", ");
		}
		if (strcmp(text, rows[i].steps) != 0)
			fail_msg("row %zu: wanted \"%s\", got \"%s\"", i, rows[i].steps, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),	     cmocka_unit_test(waits_double_and_begin_anew),
		cmocka_unit_test(lives_of_a_task),   cmocka_unit_test(laws_of_the_table),
		cmocka_unit_test(wanted_against_actual),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("orch", tests, NULL, NULL);
}
