/* rollout.h - several tasks of one kind, brought from what is there to so many of the settings that
 * are wanted now, one at a time or a few. Pure: facts of each place in, one step out.
 *
 * A place holds one task at a time. Stop-first: an old one ends, then its successor starts, and
 * there are never more than `wanted`. Start-first: the successor starts beside them and has to work
 * before the old one ends, so there is one more place, and `at_once` is 1. Either way the next old
 * one ends only when every successor works: one that does not keeps the others as they are.
 *
 * Asked again after each step and each change of a fact, until there is nothing to do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum rollout_found {
	ROLLOUT_EMPTY,
	ROLLOUT_KEPT,			/* as empty, with files of an earlier life: taken first */
	ROLLOUT_OLD,			/* of other settings than wanted, or not wanted any more */
	ROLLOUT_NEW,
	ROLLOUT_ENDS,			/* it drains, stops or is removed */
};

struct rollout_place {
	enum rollout_found found;
	bool works;			/* up and healthy, or ended as it should */
	bool closed;			/* no task may start here any more */
};

struct rollout_rule {
	unsigned wanted;
	bool start_first;
	bool blocked;			/* what it depends on is not there: nothing starts */
	bool rests;			/* a successor has just come: the next one has to wait */
	unsigned at_once;		/* so many are on their way at a time; 0 = 1 */
};

enum rollout_kind { ROLLOUT_NOTHING, ROLLOUT_START, ROLLOUT_END };

struct rollout_step {
	enum rollout_kind kind;
	size_t place;
};

struct rollout_step rollout_step(const struct rollout_rule *rule,
				 const struct rollout_place *places, size_t count);
