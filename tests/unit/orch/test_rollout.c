/* test_rollout.c - steps of a rollout and of a health check: by tables, and whole rollouts of every
 * size walked to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "orch/health.h"
#include "orch/rollout.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { PLACES_MAX = 8 };

/* A letter per place: - empty, k kept, o old, n new, e ends; upper case: it works; x closed and
 * empty, z closed and old. */
static size_t read_places(const char *text, struct rollout_place *places)
{
	size_t i = 0;

	for (; text[i]; i++) {
		const char *at = strchr("-koneONxz", text[i]);
		static const struct rollout_place kinds[] = {
			{ ROLLOUT_EMPTY, false, false }, { ROLLOUT_KEPT, false, false },
			{ ROLLOUT_OLD, false, false },	 { ROLLOUT_NEW, false, false },
			{ ROLLOUT_ENDS, true, false },	 { ROLLOUT_OLD, true, false },
			{ ROLLOUT_NEW, true, false },	 { ROLLOUT_EMPTY, false, true },
			{ ROLLOUT_OLD, true, true },
		};

		places[i] = kinds[at - "-koneONxz"];
	}
	return i;
}

static void single_steps(void **state)
{
	static const struct {
		unsigned wanted;
		bool start_first, blocked;
		const char *places;
		enum rollout_kind kind;
		size_t place;
	} rows[] = {
		/* first start: all at once, where files are first */
		{ 2, false, false, "--", ROLLOUT_START, 0 },
		{ 2, false, false, "n-", ROLLOUT_START, 1 },
		{ 2, false, false, "nn", ROLLOUT_NOTHING, 0 },
		{ 2, true, false, "--k", ROLLOUT_START, 2 },
		{ 2, true, false, "nn-", ROLLOUT_NOTHING, 0 },
		{ 2, true, false, "NN-", ROLLOUT_NOTHING, 0 },
		/* what it needs is not there */
		{ 2, false, true, "--", ROLLOUT_NOTHING, 0 },
		{ 2, false, true, "N-", ROLLOUT_NOTHING, 0 },
		/* stop-first: never more than two */
		{ 2, false, false, "OO", ROLLOUT_END, 1 },
		{ 2, false, false, "oO", ROLLOUT_END, 0 },
		{ 2, false, false, "Oe", ROLLOUT_NOTHING, 0 },
		{ 2, false, false, "O-", ROLLOUT_START, 1 },
		{ 2, false, false, "On", ROLLOUT_NOTHING, 0 },
		{ 2, false, false, "ON", ROLLOUT_END, 0 },
		{ 1, false, false, "O", ROLLOUT_END, 0 },
		{ 1, false, false, "-", ROLLOUT_START, 0 },
		/* start-first: never less than two */
		{ 2, true, false, "OO-", ROLLOUT_START, 2 },
		{ 2, true, false, "OOn", ROLLOUT_NOTHING, 0 },
		{ 2, true, false, "OON", ROLLOUT_END, 1 },
		{ 2, true, false, "OeN", ROLLOUT_NOTHING, 0 },
		{ 2, true, false, "O-N", ROLLOUT_START, 1 },
		{ 2, true, false, "OnN", ROLLOUT_NOTHING, 0 },
		{ 2, true, false, "ONN", ROLLOUT_END, 0 },
		{ 1, true, false, "O-", ROLLOUT_START, 1 },
		{ 1, true, false, "ON", ROLLOUT_END, 0 },
		/* the successor fails: the rest stays */
		{ 3, false, false, "OOn", ROLLOUT_NOTHING, 0 },
		/* fewer are wanted, or others */
		{ 1, false, false, "Nz", ROLLOUT_END, 1 },
		{ 2, false, false, "Nxx", ROLLOUT_NOTHING, 0 },
		{ 1, true, false, "NN", ROLLOUT_END, 1 },
		{ 2, false, false, "z--", ROLLOUT_START, 1 },
		{ 2, false, false, "zN-", ROLLOUT_END, 0 },
		{ 0, false, false, "N", ROLLOUT_END, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rollout_rule rule = { rows[i].wanted, rows[i].start_first, rows[i].blocked,
					     false, 0 };
		struct rollout_place places[PLACES_MAX];
		size_t count = read_places(rows[i].places, places);
		struct rollout_step step = rollout_step(&rule, places, count);

		if (step.kind != rows[i].kind || step.place != rows[i].place)
			fail_msg("row %zu: %u of %s: kind %d place %zu", i, rows[i].wanted,
				 rows[i].places, (int)step.kind, step.place);
	}
}

/* After a successor came: what is replaced next waits, what is missing does not. */
static void rests_between(void **state)
{
	static const struct {
		unsigned wanted;
		bool start_first;
		const char *places;
		enum rollout_kind kind;
		size_t place;
	} rows[] = {
		{ 2, false, "ON", ROLLOUT_NOTHING, 0 },
		{ 2, false, "-N", ROLLOUT_START, 0 },
		{ 2, true, "ON-", ROLLOUT_NOTHING, 0 },
		{ 2, true, "OON", ROLLOUT_END, 1 },
		{ 2, true, "eN-", ROLLOUT_START, 2 },
		{ 3, true, "N-k", ROLLOUT_START, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rollout_rule rule = { rows[i].wanted, rows[i].start_first, false, true, 1 };
		struct rollout_place places[PLACES_MAX];
		size_t count = read_places(rows[i].places, places);
		struct rollout_step step = rollout_step(&rule, places, count);

		if (step.kind != rows[i].kind || step.place != rows[i].place)
			fail_msg("row %zu: %s: kind %d place %zu", i, rows[i].places,
				 (int)step.kind, step.place);
		if (step.kind == ROLLOUT_NOTHING) {
			rule.rests = false;
			assert_int_not_equal(rollout_step(&rule, places, count).kind, step.kind);
		}
	}
}

struct walk {
	struct rollout_rule rule;
	struct rollout_place places[PLACES_MAX];
	size_t count;
};

static void count_all(const struct walk *w, unsigned *there, unsigned *work, unsigned *olds)
{
	*there = *work = *olds = 0;
	for (size_t i = 0; i < w->count; i++) {
		enum rollout_found found = w->places[i].found;

		*there += found == ROLLOUT_OLD || found == ROLLOUT_NEW || found == ROLLOUT_ENDS;
		*work += (found == ROLLOUT_OLD || found == ROLLOUT_NEW) && w->places[i].works;
		*olds += found == ROLLOUT_OLD || found == ROLLOUT_ENDS;
	}
}

/* What starts works one turn later, what ends is gone one turn later. */
static void turn(struct walk *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->places[i].found == ROLLOUT_NEW)
			w->places[i].works = true;
		if (w->places[i].found == ROLLOUT_ENDS)
			w->places[i].found = ROLLOUT_EMPTY;
	}
}

static void walk(unsigned wanted, bool start_first, unsigned at_once)
{
	struct walk w = { .rule = { wanted, start_first, false, false, at_once },
			  .count = wanted + start_first };
	unsigned there, work, olds, turns = 0, fewest = wanted;
	struct rollout_step step;

	for (unsigned i = 0; i < wanted; i++)
		w.places[i] = (struct rollout_place){ ROLLOUT_OLD, true, false };
	do {
		while ((step = rollout_step(&w.rule, w.places, w.count)).kind) {
			w.places[step.place].found =
				step.kind == ROLLOUT_START ? ROLLOUT_NEW : ROLLOUT_ENDS;
			w.places[step.place].works = step.kind == ROLLOUT_END;
			count_all(&w, &there, &work, &olds);
			if (there > wanted + start_first ||
			    work + (start_first ? 0 : at_once) < wanted)
				fail_msg("of %u: %u there, %u work", wanted, there, work);
			fewest = work < fewest ? work : fewest;
		}
		turn(&w);
		count_all(&w, &there, &work, &olds);
	} while ((olds || work < wanted) && ++turns < 100);
	assert_int_equal(olds, 0);
	assert_int_equal(work, wanted);
	/* So many are replaced at once, not only at most. */
	if (!start_first)
		assert_int_equal(fewest, wanted > at_once ? wanted - at_once : 0);
}

static void whole_rollouts(void **state)
{
	(void)state;
	for (unsigned wanted = 1; wanted < PLACES_MAX; wanted++) {
		walk(wanted, true, 1);
		for (unsigned at_once = 1; at_once <= wanted; at_once++)
			walk(wanted, false, at_once);
	}
}

static void health_by_outcomes(void **state)
{
	static const struct health_rule rule = { 30000, 30000, 1000, 100, 3 };
	static const struct {
		uint64_t now_ms;
		bool good, changes;
		enum health_state state;
		uint64_t wait_ms;
	} stories[][8] = {
		{	/* in the start period bad ones do not count, after it three do */
			{ 100, false, false, HEALTH_CHECKING, 100 },
			{ 999, false, false, HEALTH_CHECKING, 100 },
			{ 1000, false, false, HEALTH_CHECKING, 30000 },
			{ 31000, false, false, HEALTH_CHECKING, 30000 },
			{ 61000, false, true, HEALTH_UNHEALTHY, 30000 },
			{ 91000, false, false, HEALTH_UNHEALTHY, 30000 },
			{ 92000, true, true, HEALTH_HEALTHY, 30000 },
			{ 93000, false, false, HEALTH_HEALTHY, 30000 },
		},
		{	/* the first good one ends the start period; a good one begins anew */
			{ 100, true, true, HEALTH_HEALTHY, 30000 },
			{ 200, false, false, HEALTH_HEALTHY, 30000 },
			{ 300, false, false, HEALTH_HEALTHY, 30000 },
			{ 400, true, false, HEALTH_HEALTHY, 30000 },
			{ 500, false, false, HEALTH_HEALTHY, 30000 },
			{ 600, false, false, HEALTH_HEALTHY, 30000 },
			{ 700, false, true, HEALTH_UNHEALTHY, 30000 },
			{ 800, true, true, HEALTH_HEALTHY, 30000 },
		},
	};

	(void)state;
	for (size_t s = 0; s < ROWS(stories); s++) {
		struct health h;

		health_begin(&h, &rule, HEALTH_CHECKING, 0);
		assert_false(health_works(&h));
		assert_int_equal(health_wait_ms(&h, &rule, 0), 100);
		for (size_t i = 0; i < ROWS(stories[s]); i++) {
			uint64_t now_ms = stories[s][i].now_ms;
			bool changes = health_outcome(&h, &rule, stories[s][i].good, now_ms);

			if (changes != stories[s][i].changes || h.state != stories[s][i].state ||
			    health_wait_ms(&h, &rule, now_ms) != stories[s][i].wait_ms)
				fail_msg("story %zu line %zu: %s", s, i, health_name(h.state));
			assert_int_equal(health_works(&h), h.state == HEALTH_HEALTHY);
		}
	}
}

static void health_begins(void **state)
{
	static const struct health_rule rule = { 30000, 30000, 1000, 100, 3 };
	struct health h;

	(void)state;
	health_begin(&h, NULL, HEALTH_UNHEALTHY, 5);
	assert_true(health_works(&h));
	/* Known of this run: its start period is over. */
	health_begin(&h, &rule, HEALTH_HEALTHY, 5);
	assert_true(health_works(&h));
	assert_int_equal(health_wait_ms(&h, &rule, 5), 30000);
	health_begin(&h, &rule, HEALTH_UNCHECKED, 5);
	assert_int_equal(h.state, HEALTH_CHECKING);
	for (int i = 0; i < HEALTH_STATES; i++)
		assert_int_equal(health_named(health_name((enum health_state)i)), i);
	assert_int_equal(health_named("fine"), HEALTH_CHECKING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_steps),
		cmocka_unit_test(rests_between),
		cmocka_unit_test(whole_rollouts),
		cmocka_unit_test(health_by_outcomes),
		cmocka_unit_test(health_begins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rollout", tests, NULL, NULL);
}
