/* rollout.c - see rollout.h. */
#include "orch/rollout.h"

struct tally {
	unsigned news, olds, ends;
	unsigned fresh;			/* of the news: has to show yet that it works */
};

static struct tally tally(const struct rollout_place *places, size_t count)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < count; i++) {
		switch (places[i].found) {
		case ROLLOUT_EMPTY:
		case ROLLOUT_KEPT:
			break;
		case ROLLOUT_OLD:
			t.olds++;
			break;
		case ROLLOUT_NEW:
			t.news++;
			t.fresh += !places[i].works;
			break;
		case ROLLOUT_ENDS:
			t.ends++;
			break;
		}
	}
	return t;
}

static struct rollout_step start(const struct rollout_place *places, size_t count)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (places[i].closed)
			continue;
		if (places[i].found == ROLLOUT_KEPT)
			return (struct rollout_step){ ROLLOUT_START, i };
		if (places[i].found == ROLLOUT_EMPTY && best == count)
			best = i;
	}
	if (best == count)
		return (struct rollout_step){ ROLLOUT_NOTHING, 0 };
	return (struct rollout_step){ ROLLOUT_START, best };
}

/* One that does not work first: nobody misses it. Else the last. */
static struct rollout_step end(const struct rollout_place *places, size_t count,
			       enum rollout_found found)
{
	struct rollout_step step = { ROLLOUT_NOTHING, 0 };

	for (size_t i = 0; i < count; i++) {
		if (places[i].found != found)
			continue;
		step = (struct rollout_step){ ROLLOUT_END, i };
		if (!places[i].works)
			break;
	}
	return step;
}

struct rollout_step rollout_step(const struct rollout_rule *rule,
				 const struct rollout_place *places, size_t count)
{
	struct tally t = tally(places, count);
	/* Nobody waits for what is gone to go: a first start has no old ones beside it. */
	bool beside = rule->start_first && t.olds + t.ends > 0 && !(rule->rests && t.olds > 0);
	unsigned most = rule->wanted + beside;

	if (t.news > rule->wanted)
		return end(places, count, ROLLOUT_NEW);
	if (t.news < rule->wanted && t.news + t.olds + t.ends < most) {
		if (rule->blocked)
			return (struct rollout_step){ ROLLOUT_NOTHING, 0 };
		return start(places, count);
	}
	/* Few at a time, and only when those who came last do their work. */
	if (!t.olds || t.ends + t.fresh >= (rule->at_once ? rule->at_once : 1) ||
	    (rule->rests && !rule->start_first) ||
	    (rule->start_first && t.news < rule->wanted && t.news + t.olds <= rule->wanted))
		return (struct rollout_step){ ROLLOUT_NOTHING, 0 };
	return end(places, count, ROLLOUT_OLD);
}
