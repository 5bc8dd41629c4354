/* rollout.c - see rollout.h. */
#include "orch/rollout.h"

struct tally {
	unsigned news, olds, ends;
	bool news_work;
};

static struct tally tally(const struct rollout_place *places, size_t count)
{
	struct tally t = { .news_work = true };

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
			t.news_work = t.news_work && places[i].works;
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
	unsigned most = rule->wanted + (rule->start_first && t.olds + t.ends > 0 ? 1 : 0);

	if (t.news > rule->wanted)
		return end(places, count, ROLLOUT_NEW);
	if (t.news < rule->wanted && t.news + t.olds + t.ends < most) {
		if (rule->blocked)
			return (struct rollout_step){ ROLLOUT_NOTHING, 0 };
		return start(places, count);
	}
	/* One at a time, and only when those who came last do their work. */
	if (!t.olds || t.ends || !t.news_work ||
	    (rule->start_first && t.news < rule->wanted && t.news + t.olds <= rule->wanted))
		return (struct rollout_step){ ROLLOUT_NOTHING, 0 };
	return end(places, count, ROLLOUT_OLD);
}
