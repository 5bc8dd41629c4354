#include "gate/reassembly.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/frame.h"
#include "gate/packet.h"

/* Pieces are multiples of 8 bytes but for the last: one bit for each. */
enum { UNIT = 8, UNITS_MAX = FRAME_BYTES_MAX / UNIT, WORD_BITS = 64, FRAGMENT_HEADER = 8 };

struct datagram {
	struct frame *frame; /* NULL: the slot is free */
	struct address from, to;
	uint32_t id;
	uint8_t protocol;
	unsigned age;
	size_t header_bytes; /* in front of the data; the fragment header left out */
	size_t have_bytes;
	size_t end_bytes;   /* where the piece that reaches farthest ends */
	size_t total_bytes; /* of the data; 0 until the last piece came */
	bool first_came;
	uint64_t have[UNITS_MAX / WORD_BITS];
};

struct reassembly {
	struct frame_pool *pool;
	struct datagram datagrams[REASSEMBLY_MAX];
	unsigned used;
};

struct reassembly *reassembly_create(struct frame_pool *pool)
{
	struct reassembly *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->pool = pool;
	return r;
}

static void forget(struct reassembly *r, struct datagram *d)
{
	frame_drop(d->frame);
	memset(d, 0, sizeof(*d));
	r->used--;
}

void reassembly_destroy(struct reassembly *r)
{
	int i;

	if (!r)
		return;
	for (i = 0; i < REASSEMBLY_MAX; i++)
		if (r->datagrams[i].frame)
			forget(r, &r->datagrams[i]);
	free(r);
}

bool reassembly_idle(const struct reassembly *r)
{
	return r->used == 0;
}

void reassembly_tick(struct reassembly *r)
{
	int i;

	for (i = 0; i < REASSEMBLY_MAX; i++)
		if (r->datagrams[i].frame && ++r->datagrams[i].age > REASSEMBLY_TICKS)
			forget(r, &r->datagrams[i]);
}

static bool belongs(const struct datagram *d, const struct packet *p)
{
	return d->frame && d->id == p->fragment_id && d->protocol == p->protocol &&
	       address_equal(&d->from, &p->from) && address_equal(&d->to, &p->to);
}

static size_t header_of(const struct packet *p)
{
	return p->from.family == AF_INET ? p->header_bytes : p->header_bytes - FRAGMENT_HEADER;
}

/* A slot for a new one: of the sender who has too many his oldest, else the oldest of all. */
static struct datagram *make_room(struct reassembly *r, const struct address *from)
{
	struct datagram *d, *empty = NULL, *oldest = NULL, *his = NULL;
	int i, count = 0;

	for (i = 0; i < REASSEMBLY_MAX; i++) {
		d = &r->datagrams[i];
		if (!d->frame) {
			empty = d;
			continue;
		}
		if (!oldest || d->age > oldest->age)
			oldest = d;
		if (!address_equal(&d->from, from))
			continue;
		count++;
		if (!his || d->age > his->age)
			his = d;
	}
	if (count >= REASSEMBLY_OF_ONE_MAX) {
		forget(r, his);
		return his;
	}
	if (!empty)
		forget(r, oldest);
	return empty ? empty : oldest;
}

static struct datagram *datagram_of(struct reassembly *r, const struct packet *p)
{
	struct datagram *d;
	struct frame *f;
	int i;

	for (i = 0; i < REASSEMBLY_MAX; i++)
		if (belongs(&r->datagrams[i], p))
			return &r->datagrams[i];
	f = frame_get(r->pool);
	if (!f)
		return NULL;
	d = make_room(r, &p->from);
	d->frame = f;
	d->from = p->from;
	d->to = p->to;
	d->id = p->fragment_id;
	d->protocol = p->protocol;
	d->header_bytes = header_of(p);
	r->used++;
	return d;
}

/* Marks the units; false when one was there already. */
static bool mark(struct datagram *d, size_t at, size_t size_bytes)
{
	size_t unit, last = (at + size_bytes - 1) / UNIT;
	uint64_t bit;

	for (unit = at / UNIT; unit <= last; unit++) {
		bit = (uint64_t)1 << unit % WORD_BITS;
		if (d->have[unit / WORD_BITS] & bit)
			return false;
		d->have[unit / WORD_BITS] |= bit;
	}
	return true;
}

/* Fits the piece into what is there; false: none of it can be believed. No piece may lie behind the
 * end, whichever came first: bytes there would count for a hole, and what the frame held before
 * would go out through it. */
static bool fit(struct datagram *d, const struct packet *p)
{
	size_t end = p->fragment_at + p->transport_bytes;

	if (d->header_bytes != header_of(p) || d->header_bytes + end > 65535)
		return false;
	if (p->fragment_more && p->transport_bytes % UNIT != 0)
		return false;
	if (d->total_bytes > 0 && (end > d->total_bytes || !p->fragment_more))
		return false;
	if (!p->fragment_more) {
		if (d->end_bytes > end)
			return false;
		d->total_bytes = end;
	}
	d->end_bytes = end > d->end_bytes ? end : d->end_bytes;
	if (!mark(d, p->fragment_at, p->transport_bytes))
		return false;
	d->have_bytes += p->transport_bytes;
	memcpy(d->frame->bytes + d->header_bytes + p->fragment_at, p->transport,
	       p->transport_bytes);
	if (p->fragment_at == 0) {
		d->first_came = true;
		memcpy(d->frame->bytes, p->ip, d->header_bytes);
	}
	return true;
}

/* The header as that of a packet which was never cut. */
static void mend_header(struct datagram *d, const struct packet *p)
{
	uint8_t *ip = d->frame->bytes;
	size_t at = 40, next;

	packet_set_length(ip, d->header_bytes + d->total_bytes);
	if (p->from.family == AF_INET) {
		ip[6] = ip[7] = 0;
		return;
	}
	/* Whoever pointed to the fragment header points to what it pointed to. */
	if (d->header_bytes == 40) {
		ip[6] = p->protocol;
		return;
	}
	while ((next = at + 8 + (size_t)ip[at + 1] * 8) < d->header_bytes)
		at = next;
	ip[at] = p->protocol;
}

struct frame *reassembly_add(struct reassembly *r, const struct packet *p)
{
	struct datagram *d = datagram_of(r, p);
	struct frame *whole;

	if (!d)
		return NULL;
	if (!fit(d, p)) {
		forget(r, d);
		return NULL;
	}
	if (!d->first_came || d->total_bytes == 0 || d->have_bytes < d->total_bytes)
		return NULL;
	mend_header(d, p);
	whole = d->frame;
	whole->size_bytes = (uint32_t)(d->header_bytes + d->total_bytes);
	d->frame = NULL;
	memset(d, 0, sizeof(*d));
	r->used--;
	return whole;
}
