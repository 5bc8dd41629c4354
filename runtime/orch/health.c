/* health.c - see health.h. */
#include "orch/health.h"

#include "lib/array.h"
#include "lib/str.h"

static const char *const names[] = { "none", "starting", "healthy", "unhealthy" };

_Static_assert(ARRAY_SIZE(names) == HEALTH_STATES, "a name per state");

void health_begin(struct health *h, const struct health_rule *rule, enum health_state known,
		  uint64_t now_ms)
{
	*h = (struct health){ .state = HEALTH_UNCHECKED, .began_ms = now_ms };
	if (!rule)
		return;
	h->state = known == HEALTH_UNCHECKED ? HEALTH_CHECKING : known;
	h->proven = known == HEALTH_HEALTHY || known == HEALTH_UNHEALTHY;
}

static bool starts(const struct health *h, const struct health_rule *rule, uint64_t now_ms)
{
	return !h->proven && now_ms - h->began_ms < rule->start_period_ms;
}

bool health_outcome(struct health *h, const struct health_rule *rule, bool good, uint64_t now_ms)
{
	enum health_state before = h->state;

	if (good) {
		h->bad = 0;
		h->proven = true;
		h->state = HEALTH_HEALTHY;
	} else if (!starts(h, rule, now_ms)) {
		if (h->bad < rule->retries)
			h->bad++;
		if (h->bad >= rule->retries)
			h->state = HEALTH_UNHEALTHY;
	}
	return h->state != before;
}

uint64_t health_wait_ms(const struct health *h, const struct health_rule *rule, uint64_t now_ms)
{
	return starts(h, rule, now_ms) ? rule->start_interval_ms : rule->interval_ms;
}

bool health_works(const struct health *h)
{
	return h->state == HEALTH_UNCHECKED || h->state == HEALTH_HEALTHY;
}

const char *health_name(enum health_state state)
{
	return names[state];
}

enum health_state health_named(const char *name)
{
	for (int i = 0; i < HEALTH_STATES; i++)
		if (str_equal(name, names[i]))
			return (enum health_state)i;
	return HEALTH_CHECKING;
}
