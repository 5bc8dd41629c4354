#include "gate/balance.h"

enum rank { RANK_SERVES, RANK_ILL, RANK_DRAINS, RANK_NEVER };

static bool was_tried(const struct balance_tried *tried, unsigned entry)
{
	return tried && (tried->bits[entry / 64] >> (entry % 64) & 1);
}

static enum rank rank_of(const struct balance_entry *entry, uint64_t now_ms)
{
	switch (entry->state) {
	case BALANCE_SERVES:
		return entry->rests_until_ms > now_ms ? RANK_ILL : RANK_SERVES;
	case BALANCE_ILL:
		return RANK_ILL;
	case BALANCE_DRAINS:
		return RANK_DRAINS;
	case BALANCE_GONE:
	case BALANCE_STATES:
		break;
	}
	return RANK_NEVER;
}

int balance_pick(struct balance *b, const struct balance_tried *tried, uint64_t now_ms)
{
	enum rank rank, best_rank = RANK_NEVER;
	unsigned i, at;
	int best = -1;

	for (i = 0; i < b->count; i++) {
		at = (b->next + i) % b->count;
		if (was_tried(tried, at))
			continue;
		rank = rank_of(&b->entries[at], now_ms);
		if (rank < best_rank ||
		    (rank == best_rank && rank != RANK_NEVER && b->mode == BALANCE_LEAST &&
		     b->entries[at].active < b->entries[best].active)) {
			best_rank = rank;
			best = (int)at;
		}
	}
	if (best >= 0)
		b->next = ((unsigned)best + 1) % b->count;
	return best;
}

void balance_try(struct balance_tried *tried, int entry)
{
	tried->bits[entry / 64] |= (uint64_t)1 << (entry % 64);
}

void balance_begins(struct balance *b, int entry, uint64_t now_ms)
{
	b->entries[entry].rests_until_ms = 0;
	b->entries[entry].new_until_ms = now_ms + BALANCE_KNOCK_MS;
}

void balance_answered(struct balance *b, int entry)
{
	b->entries[entry].new_until_ms = 0;
}

bool balance_knock_again(struct balance *b, uint64_t now_ms)
{
	bool found = false;

	for (unsigned i = 0; i < b->count; i++) {
		struct balance_entry *entry = &b->entries[i];

		if (entry->state == BALANCE_GONE || entry->new_until_ms <= now_ms)
			continue;
		entry->rests_until_ms = 0;
		found = true;
	}
	return found;
}

void balance_refused(struct balance *b, int entry, uint64_t now_ms)
{
	b->entries[entry].rests_until_ms = now_ms + BALANCE_REST_MS;
}
