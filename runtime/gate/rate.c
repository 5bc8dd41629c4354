#include "gate/rate.h"

enum { TOKEN = 1 << 20 };				/* parts of a byte: also 1 bit/s adds up */
enum { DEPTH_MS = 50, DEPTH_LEAST_BYTES = 65536 };	/* one largest packet must fit */
enum { KEPT_PART = 8 };					/* of the rate and of the bucket */
static const uint64_t second_ns = 1000000000;

static int64_t depth(const struct rate *r)
{
	uint64_t bytes = r->bytes_per_s / 1000 * DEPTH_MS;

	return (int64_t)(bytes < DEPTH_LEAST_BYTES ? DEPTH_LEAST_BYTES : bytes) * TOKEN;
}

static int64_t least(__int128 tokens, int64_t most)
{
	return tokens > most ? most : (int64_t)tokens;
}

/* Brings the bucket to now. The product needs 128 bits: 100 Gbit/s over some hours. */
static void fill(struct rate *r, uint64_t now_ns)
{
	int64_t most = depth(r);
	__int128 fresh;

	if (now_ns <= r->at_ns)
		return;
	fresh = (__int128)(now_ns - r->at_ns) * r->bytes_per_s * TOKEN / second_ns;
	r->tokens = least(fresh + r->tokens, most);
	r->kept = least(fresh / KEPT_PART + r->kept, most / KEPT_PART);
	r->at_ns = now_ns;
}

void rate_init(struct rate *r, uint64_t bits_per_s, uint64_t now_ns)
{
	*r = (struct rate){ .bytes_per_s = (bits_per_s + 7) / 8, .at_ns = now_ns };
	r->tokens = depth(r);
}

void rate_change(struct rate *r, uint64_t bits_per_s, uint64_t now_ns)
{
	int64_t most;

	fill(r, now_ns);
	if (!r->bytes_per_s) {
		rate_init(r, bits_per_s, now_ns);
		return;
	}
	r->bytes_per_s = (bits_per_s + 7) / 8;
	most = depth(r);
	r->tokens = least(r->tokens, most);
	r->kept = least(r->kept, most / KEPT_PART);
}

uint64_t rate_spend(struct rate *r, size_t size_bytes, uint64_t now_ns)
{
	if (!r->bytes_per_s)
		return 0;
	fill(r, now_ns);
	r->tokens -= (int64_t)size_bytes * TOKEN;
	if (r->tokens >= 0)
		return 0;
	return (uint64_t)(-(__int128)r->tokens * second_ns / TOKEN / r->bytes_per_s) + 1;
}

bool rate_admit(struct rate *r, size_t size_bytes, uint64_t now_ns)
{
	int64_t wanted = (int64_t)size_bytes * TOKEN;

	if (!r->bytes_per_s)
		return true;
	fill(r, now_ns);
	if (r->tokens < wanted) {
		if (r->kept < wanted)
			return false;
		r->kept -= wanted;
	}
	r->tokens -= wanted;
	return true;
}
