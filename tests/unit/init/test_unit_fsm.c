/* test_unit_fsm.c - every cell of the state table, by its meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/unit_fsm.h"

struct cell {
	enum unit_state from;
	enum unit_event event;
	enum unit_state to;
	enum unit_action action;
};

/* Everything that moves or acts; every cell that is not here must stay and do nothing. */
static const struct cell cells[] = {
	{ UNIT_WAITING, UNIT_EVENT_START, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_WAITING, UNIT_EVENT_STOP, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_STARTING, UNIT_EVENT_STOP, UNIT_STOPPING, UNIT_ACTION_TERM },
	{ UNIT_STARTING, UNIT_EVENT_RESTART, UNIT_RESTARTING, UNIT_ACTION_TERM },
	{ UNIT_STARTING, UNIT_EVENT_READY, UNIT_UP, UNIT_ACTION_TELL },
	{ UNIT_STARTING, UNIT_EVENT_AGAIN, UNIT_BACKOFF, UNIT_ACTION_WAIT },
	{ UNIT_STARTING, UNIT_EVENT_GOOD, UNIT_DONE, UNIT_ACTION_TELL },
	{ UNIT_STARTING, UNIT_EVENT_BAD, UNIT_FAILED, UNIT_ACTION_TELL },
	{ UNIT_STARTING, UNIT_EVENT_LATE, UNIT_STARTING, UNIT_ACTION_WARN },
	{ UNIT_UP, UNIT_EVENT_STOP, UNIT_STOPPING, UNIT_ACTION_TERM },
	{ UNIT_UP, UNIT_EVENT_RESTART, UNIT_RESTARTING, UNIT_ACTION_TERM },
	{ UNIT_UP, UNIT_EVENT_AGAIN, UNIT_BACKOFF, UNIT_ACTION_WAIT },
	{ UNIT_UP, UNIT_EVENT_GOOD, UNIT_DONE, UNIT_ACTION_TELL },
	{ UNIT_UP, UNIT_EVENT_BAD, UNIT_FAILED, UNIT_ACTION_TELL },
	{ UNIT_BACKOFF, UNIT_EVENT_STOP, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_BACKOFF, UNIT_EVENT_RESTART, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_BACKOFF, UNIT_EVENT_LATE, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_RESTARTING, UNIT_EVENT_STOP, UNIT_STOPPING, UNIT_ACTION_NONE },
	{ UNIT_RESTARTING, UNIT_EVENT_AGAIN, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_RESTARTING, UNIT_EVENT_GOOD, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_RESTARTING, UNIT_EVENT_BAD, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_RESTARTING, UNIT_EVENT_LATE, UNIT_RESTARTING, UNIT_ACTION_KILL },
	{ UNIT_STOPPING, UNIT_EVENT_AGAIN, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_STOPPING, UNIT_EVENT_GOOD, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_STOPPING, UNIT_EVENT_BAD, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_STOPPING, UNIT_EVENT_LATE, UNIT_STOPPING, UNIT_ACTION_KILL },
	{ UNIT_DONE, UNIT_EVENT_STOP, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_DONE, UNIT_EVENT_RESTART, UNIT_STARTING, UNIT_ACTION_SPAWN },
	{ UNIT_FAILED, UNIT_EVENT_STOP, UNIT_DOWN, UNIT_ACTION_TELL },
	{ UNIT_FAILED, UNIT_EVENT_RESTART, UNIT_STARTING, UNIT_ACTION_SPAWN },
};

static void every_cell(void **state)
{
	(void)state;
	for (int from = 0; from < UNIT_STATES; from++) {
		for (int event = 0; event < UNIT_EVENTS; event++) {
			struct cell want = { (enum unit_state)from, (enum unit_event)event,
					     (enum unit_state)from, UNIT_ACTION_NONE };
			struct unit_step got = unit_fsm_step(want.from, want.event);

			for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
				if (cells[i].from == want.from && cells[i].event == want.event)
					want = cells[i];
			if (got.to != want.to || got.action != want.action)
				fail_msg("%s on %s: to %s, action %d",
					 unit_fsm_state_name(want.from),
					 unit_fsm_event_name(want.event),
					 unit_fsm_state_name(got.to), got.action);
		}
	}
}

/* What the table must never do, whatever its cells say. */
static void invariants(void **state)
{
	(void)state;
	for (int from = 0; from < UNIT_STATES; from++) {
		for (int event = 0; event < UNIT_EVENTS; event++) {
			struct unit_step s =
				unit_fsm_step((enum unit_state)from, (enum unit_event)event);
			bool gone = event == UNIT_EVENT_AGAIN || event == UNIT_EVENT_GOOD ||
				    event == UNIT_EVENT_BAD;

			if (s.action == UNIT_ACTION_SPAWN)
				assert_int_equal(s.to, UNIT_STARTING);
			/* Never a second process beside the first. */
			if (s.action == UNIT_ACTION_SPAWN && unit_fsm_runs((enum unit_state)from))
				assert_true(gone);
			if (s.action == UNIT_ACTION_TERM || s.action == UNIT_ACTION_KILL)
				assert_true(unit_fsm_runs((enum unit_state)from));
			/* Once the machine stops, nothing starts any more. */
			if (from == UNIT_STOPPING || from == UNIT_DOWN)
				assert_true(s.to == UNIT_STOPPING || s.to == UNIT_DOWN);
		}
	}
}

static void rules(void **state)
{
	(void)state;
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_ALWAYS, true), UNIT_EVENT_AGAIN);
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_ALWAYS, false), UNIT_EVENT_AGAIN);
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_FAILURE, true), UNIT_EVENT_GOOD);
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_FAILURE, false), UNIT_EVENT_AGAIN);
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_NEVER, true), UNIT_EVENT_GOOD);
	assert_int_equal(unit_fsm_gone(UNIT_RESTART_NEVER, false), UNIT_EVENT_BAD);
}

static void names(void **state)
{
	enum unit_state back;

	(void)state;
	for (int s = 0; s < UNIT_STATES; s++) {
		assert_true(unit_fsm_state_by_name(unit_fsm_state_name((enum unit_state)s), &back));
		assert_int_equal(back, s);
	}
	assert_false(unit_fsm_state_by_name("sleeping", &back));
	assert_false(unit_fsm_state_by_name("", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(invariants),
		cmocka_unit_test(rules),
		cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
