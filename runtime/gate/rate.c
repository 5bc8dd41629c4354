#include "gate/rate.h"

#include "lib/array.h"

enum { TOKEN = 1 << 20 };				/* parts of a byte: also 1 bit/s adds up */
enum { DEPTH_MS = 50, DEPTH_LEAST_BYTES = 65536 };	/* one largest packet must fit */
static const uint64_t second_ns = 1000000000;

/* Of the rate and of the bucket. */
enum { WHOLE = 16 };
static const int part[] = {
	[RATE_DATAGRAMS] = 2,
	[RATE_FLOWS] = 7,
	[RATE_PORTS] = 7,
};
_Static_assert(ARRAY_SIZE(part) == RATE_PARTIES, "each party has one");

static int64_t depth(const struct rate *r)
{
	uint64_t bytes = r->bytes_per_s / 1000 * DEPTH_MS;

	return (int64_t)(bytes < DEPTH_LEAST_BYTES ? DEPTH_LEAST_BYTES : bytes) * TOKEN;
}

static int64_t least(__int128 tokens, int64_t most)
{
	return tokens > most ? most : (int64_t)tokens;
}

/* Brings all buckets to now. The product needs 128 bits: 100 Gbit/s over some hours. */
static void fill(struct rate *r, uint64_t now_ns)
{
	int64_t most = depth(r);
	__int128 fresh = 0;
	int i;

	if (now_ns > r->at_ns) {
		fresh = (__int128)(now_ns - r->at_ns) * r->bytes_per_s * TOKEN / second_ns;
		r->at_ns = now_ns;
	}
	r->tokens = least(fresh + r->tokens, most);
	for (i = 0; i < RATE_PARTIES; i++) {
		r->own[i] = least(fresh * part[i] / WHOLE + r->own[i], most / WHOLE * part[i]);
		if (r->own[i] < r->tokens)
			r->own[i] = r->tokens;
	}
}

static void spend(struct rate *r, enum rate_party party, size_t size_bytes)
{
	r->tokens -= (int64_t)size_bytes * TOKEN;
	r->own[party] -= (int64_t)size_bytes * TOKEN;
	r->spent[party] += size_bytes;
}

void rate_change(struct rate *r, uint64_t bits_per_s, uint64_t now_ns)
{
	bool was_limited = r->bytes_per_s > 0;
	int i;

	if (was_limited)
		fill(r, now_ns);
	r->bytes_per_s = (bits_per_s + 7) / 8;
	r->at_ns = now_ns;
	if (!was_limited) {
		/* What was spent stays: turns are counted from it. */
		r->tokens = depth(r);
		for (i = 0; i < RATE_PARTIES; i++)
			r->own[i] = 0;
	}
	fill(r, now_ns);
}

void rate_init(struct rate *r, uint64_t bits_per_s, uint64_t now_ns)
{
	*r = (struct rate){ 0 };
	rate_change(r, bits_per_s, now_ns);
}

static uint64_t time_ns(const struct rate *r, __int128 tokens, int of_whole)
{
	return (uint64_t)(tokens * WHOLE * second_ns / of_whole / TOKEN / r->bytes_per_s) + 1;
}

uint64_t rate_wait(struct rate *r, enum rate_party party, const struct rate_turn *turn,
		   uint64_t now_ns)
{
	__int128 left;
	uint64_t by_own, by_all;

	if (!r->bytes_per_s)
		return 0;
	fill(r, now_ns);
	left = (__int128)(int64_t)(turn->after - r->spent[party]) * TOKEN - r->own[party];
	if (left <= 0)
		return 0;
	by_own = time_ns(r, left, part[party]);
	by_all = time_ns(r, left + r->own[party] - r->tokens, WHOLE);
	return by_own < by_all ? by_own : by_all;
}

void rate_queue(const struct rate *r, enum rate_party party, struct rate_turn *turn)
{
	turn->after = r->spent[party];
}

uint64_t rate_spend(struct rate *r, enum rate_party party, struct rate_turn *turn,
		    size_t size_bytes, uint64_t now_ns)
{
	if (!r->bytes_per_s)
		return 0;
	fill(r, now_ns);
	spend(r, party, size_bytes);
	/* Who takes nothing keeps its place. */
	if (size_bytes > 0)
		turn->after = r->spent[party];
	return rate_wait(r, party, turn, now_ns);
}

bool rate_admit(struct rate *r, size_t size_bytes, uint64_t now_ns)
{
	if (!r->bytes_per_s)
		return true;
	fill(r, now_ns);
	if (r->own[RATE_DATAGRAMS] < (int64_t)size_bytes * TOKEN)
		return false;
	spend(r, RATE_DATAGRAMS, size_bytes);
	return true;
}
