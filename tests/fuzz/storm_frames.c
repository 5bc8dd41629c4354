/* storm_frames.c - what storm.c feeds to fuzz_gate: about a thousand frames through one stack, as
 * rows of commands (fuzz_gate.c). Frames of the seeds, changed where the headers' form breaks; with
 * lengths that fit, half of the time; whole conversations; packets in pieces. */
#include <stdlib.h>
#include <string.h>

#include "storm.h"

enum { ROWS = 1000, FRAME_MAX = 2048, ROOM = 3 + FRAME_MAX, PIECES_MAX = 24 };
enum { FIN = 1, SYN = 2, RESET = 4, PUSH = 8, ACKED = 16, URGENT = 32 };

struct row {
	const uint8_t *bytes; /* with its command */
	size_t size_bytes;
};

/* Rows as they stand in the seeds, and where each seed's begin; frames that look like IP. */
static struct {
	struct row *rows, *frames;
	size_t row_count, frame_count, frames_committed;
	size_t *begins;
} known;

/* Where its headers lie, read without any care. */
struct shape {
	size_t transport;
	uint8_t protocol;
	bool six;
};

static size_t row_size(const uint8_t *at, size_t left)
{
	size_t size = 1;

	if (at[0] % 3 == 0)
		size = left < 3 ? left : 3 + (size_t)(at[1] << 8 | at[2]);
	else if (at[0] % 3 == 1)
		size = 14;
	return size < left ? size : left;
}

static void learn_row(const uint8_t *at, size_t size)
{
	known.rows[known.row_count++] = (struct row){ at, size };
	if (at[0] % 3 == 0 && size >= 3 + 20 && size <= ROOM &&
	    (at[3] >> 4 == 4 || (at[3] >> 4 == 6 && size >= 3 + 40)))
		known.frames[known.frame_count++] = (struct row){ at + 3, size - 3 };
}

void storm_learn_frames(const struct storm_seeds *seeds)
{
	size_t i, at, size, total = 1;

	for (i = 0; i < seeds->count; i++)
		total += seeds->all[i].size_bytes;
	known.rows = calloc(total, sizeof(*known.rows));
	known.frames = calloc(total, sizeof(*known.frames));
	known.begins = calloc(seeds->count + 1, sizeof(*known.begins));
	if (!known.rows || !known.frames || !known.begins)
		abort();
	for (i = 0; i < seeds->count; i++) {
		const struct storm_seed *s = &seeds->all[i];

		if (i == seeds->committed)
			known.frames_committed = known.frame_count;
		known.begins[i] = known.row_count;
		for (at = 0; at < s->size_bytes; at += size) {
			size = row_size(s->bytes + at, s->size_bytes - at);
			learn_row(s->bytes + at, size);
		}
	}
	known.begins[i] = known.row_count;
	if (known.frames_committed == 0)
		known.frames_committed = known.frame_count;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 60;
}

static struct shape shape_of(const uint8_t *f, size_t size)
{
	struct shape s = { .six = f[0] >> 4 == 6 };
	int i;

	if (!s.six) {
		s.transport = (size_t)(f[0] & 15) * 4;
		s.protocol = f[9];
	} else if (size >= 40) {
		s.transport = 40;
		s.protocol = f[6];
		for (i = 0; i < 9 && is_extension(s.protocol) && s.transport + 8 <= size; i++) {
			uint8_t next = f[s.transport];

			s.transport += s.protocol == 44 ? 8 :
							  8 + (size_t)f[s.transport + 1] * 8;
			s.protocol = next;
		}
	}
	if (s.transport > size)
		s.transport = size;
	return s;
}

/* ---- one frame */

static void fix_lengths(uint8_t *f, size_t size)
{
	struct shape s = shape_of(f, size);

	if (!s.six)
		put16(f + 2, size);
	else if (size >= 40)
		put16(f + 4, size - 40);
	if (s.protocol == 17 && s.transport + 8 <= size)
		put16(f + s.transport + 4, size - s.transport);
}

static size_t insert(uint8_t *f, size_t size, size_t at, const uint8_t *bytes, size_t more)
{
	if (size + more > FRAME_MAX)
		return size;
	memmove(f + at + more, f + at, size - at);
	memcpy(f + at, bytes, more);
	return size + more;
}

/* An extension header in front of the transport header, or options behind the IPv4 header. */
static size_t add_header(struct storm_dice *d, uint8_t *f, size_t size)
{
	static const uint8_t kinds[] = { 0, 43, 44, 60, 60, 0, 51, 50 };
	uint64_t thrown = storm_throw(d);
	struct shape s = shape_of(f, size);
	uint8_t bytes[16] = { 0 };

	if (!s.six) {
		memcpy(bytes, &thrown, 8);
		if ((f[0] & 15) < 14 && s.transport >= 20) {
			size = insert(f, size, s.transport, bytes, 4 + (thrown & 4));
			f[0] = (uint8_t)(f[0] + 1 + (thrown >> 2 & 1));
		}
		return size;
	}
	if (size < 40)
		return size;
	bytes[0] = f[6];
	bytes[1] = thrown & 7 ? 0 : (uint8_t)(thrown >> 8);
	f[6] = kinds[thrown >> 16 & 7];
	if (f[6] == 44) {
		put16(bytes + 2, thrown & 8 ? 0 : thrown >> 24);
		bytes[7] = thrown >> 40 & 3;
	}
	return insert(f, size, 40, bytes, 8);
}

static size_t add_tcp_option(struct storm_dice *d, uint8_t *f, size_t size)
{
	static const uint8_t options[][12] = {
		{ 2, 4, 5, 180 }, { 2, 4, 0, 0 },	{ 2, 4, 0, 1 },	  { 2, 2, 5, 5 },
		{ 3, 3, 14, 1 },  { 3, 3, 255, 1 },	{ 4, 2, 1, 1 },	  { 8, 10, 0, 0 },
		{ 5, 10, 1, 1 },  { 1, 1, 1, 2 },	{ 0, 0, 0, 0 },	  { 2, 4, 255, 255 },
		{ 5, 255, 0, 0 }, { 254, 0, 254, 0 }, { 1, 2, 255, 1 }, { 2, 1, 2, 0 },
	};
	struct shape s = shape_of(f, size);
	uint64_t thrown = storm_throw(d);
	size_t more = 4 + (thrown & 8);

	if (s.protocol != 6 || s.transport + 20 > size)
		return size;
	size = insert(f, size, s.transport + 20, options[thrown >> 8 & 15], more);
	f[s.transport + 12] = (uint8_t)(f[s.transport + 12] + (more / 4 << 4));
	return size;
}

static size_t splice(struct storm_dice *d, uint8_t *f, size_t size)
{
	const struct row *other = &known.frames[storm_below(d, (uint32_t)known.frame_count)];
	size_t at = storm_below(d, (uint32_t)size), skip;

	skip = storm_one_in(d, 2) ? at : storm_below(d, (uint32_t)other->size_bytes);
	if (skip >= other->size_bytes)
		return size;
	return storm_splice(f, at, FRAME_MAX, other->bytes, other->size_bytes, skip);
}

/* What stands in front of the addresses, and the first words of what is carried. */
static void edge_field(struct storm_dice *d, uint8_t *f, size_t size)
{
	struct shape s = shape_of(f, size);
	uint64_t thrown = storm_throw(d);
	size_t at = 2 * (thrown & 7);
	uint16_t edge;

	if (thrown & 16)
		at = s.transport + 2 * (thrown >> 8 & 15);
	else if (s.six)
		at &= 6;
	if (at + 2 > size)
		return;
	edge = storm_edge(d, size - (thrown & 32 ? 0 : s.transport));
	if (thrown & 64) {
		put16(f + at, edge);
		return;
	}
	f[at + (thrown >> 7 & 1)] = (uint8_t)edge;
}

static void set_protocol(struct storm_dice *d, uint8_t *f)
{
	static const uint8_t kinds[] = {
		6, 17, 1, 58, 0, 43, 44, 60, 50, 59, 255, 6, 17, 1, 58, 132
	};

	f[f[0] >> 4 == 6 ? 6 : 9] = kinds[storm_below(d, sizeof(kinds))];
}

static void set_ports(struct storm_dice *d, uint8_t *f, size_t size)
{
	struct shape s = shape_of(f, size);
	uint64_t thrown = storm_throw(d);

	if (s.transport + 4 > size)
		return;
	f[s.transport + 1] = (uint8_t)(thrown & 15);
	f[s.transport + 3] = (uint8_t)(thrown >> 8 & 15);
}

static void set_flags(struct storm_dice *d, uint8_t *f, size_t size)
{
	struct shape s = shape_of(f, size);

	if (s.protocol == 6 && s.transport + 20 <= size)
		f[s.transport + 13] = (uint8_t)storm_throw(d);
	else if (s.transport + 2 <= size)
		f[s.transport] = storm_one_in(d, 2) ? 8 : 128;
}

static size_t cut(struct storm_dice *d, uint8_t *f, size_t size)
{
	struct shape s = shape_of(f, size);
	size_t to = storm_below(d, (uint32_t)size + 1);

	if (storm_one_in(d, 2))
		to = s.transport + storm_below(d, 24);
	return to < size ? to : size - storm_below(d, size < 9 ? (uint32_t)size + 1 : 9);
}

static size_t grow(struct storm_dice *d, uint8_t *f, size_t size)
{
	size_t more = 1 + storm_below(d, 64);

	if (size + more > FRAME_MAX)
		return size;
	memset(f + size, (uint8_t)storm_throw(d), more);
	return size + more;
}

static void set_fragment(struct storm_dice *d, uint8_t *f)
{
	if (f[0] >> 4 != 6)
		put16(f + 6, storm_one_in(d, 2) ? 0x2000 | storm_below(d, 4) :
						  storm_throw(d) & 0x3fff);
}

static size_t change(struct storm_dice *d, uint8_t *f, size_t size)
{
	uint32_t head = size < 80 ? (uint32_t)size : 80;

	if (size < 20)
		return grow(d, f, size);
	switch (storm_below(d, 16)) {
	case 0: f[storm_below(d, head)] ^= (uint8_t)(1 << storm_below(d, 8)); break;
	case 1: f[storm_below(d, (uint32_t)size)] ^= (uint8_t)(1 << storm_below(d, 8)); break;
	case 2: f[storm_below(d, head)] = (uint8_t)storm_throw(d); break;
	case 3: f[storm_below(d, head)] = (uint8_t)storm_edge(d, size); break;
	case 4:
	case 5: edge_field(d, f, size); break;
	case 6: return cut(d, f, size);
	case 7: return grow(d, f, size);
	case 8: return splice(d, f, size);
	case 9: return add_header(d, f, size);
	case 10: return add_tcp_option(d, f, size);
	case 11: set_protocol(d, f); break;
	case 12: set_ports(d, f, size); break;
	case 13: set_flags(d, f, size); break;
	case 14:
		f[(f[0] >> 4 == 6 ? 23 : 15) + (storm_throw(d) & 4)] ^=
			(uint8_t)storm_throw(d) & 15;
		break;
	default: set_fragment(d, f); break;
	}
	return size;
}

/* ---- rows */

static const struct row *pick_frame(struct storm_dice *d)
{
	uint64_t thrown = storm_throw(d);
	size_t among = thrown & 1 ? known.frames_committed : known.frame_count;

	return &known.frames[(thrown >> 32) * among >> 32];
}

static size_t make_frame(struct storm_dice *d, uint8_t *f)
{
	const struct row *from = pick_frame(d);
	uint64_t thrown = storm_throw(d);
	size_t size = from->size_bytes;
	unsigned changes = thrown & 7;

	/* The long ones cost as much as ten of the others, and nothing of them is read. */
	if (size > 256 && thrown & 0x70)
		size = 64 + (thrown >> 8 & 127);
	memcpy(f, from->bytes, size);
	if (size < from->size_bytes)
		fix_lengths(f, size);
	changes = changes < 2 ? 0 : changes < 5 ? 1 : changes < 7 ? 2 : 3 + (thrown >> 16 & 7);
	while (changes-- > 0)
		size = change(d, f, size);
	if (thrown & 1 << 20 && size >= 20)
		fix_lengths(f, size);
	return size;
}

static uint8_t *put_frame(struct storm_dice *d, uint8_t *out)
{
	size_t size = make_frame(d, out + 3);

	out[0] = 0;
	put16(out + 1, size);
	return out + 3 + size;
}

/* A segment of the conversation with the echo service; `calm`: one that fits. */
static uint8_t *put_segment(struct storm_dice *d, uint8_t *out, bool calm)
{
	static const uint8_t flags[] = { SYN, ACKED, ACKED | PUSH, ACKED | PUSH, ACKED, ACKED | FIN,
					 RESET, ACKED | URGENT, SYN | ACKED, FIN, 0, ACKED | RESET,
					 SYN | FIN, ACKED, ACKED, ACKED };
	uint64_t thrown = storm_throw(d), more = storm_throw(d);
	size_t size = more & 3 ? more >> 8 & 63 : more >> 8 & 2047;

	memset(out, 0, 14);
	out[0] = 1;
	out[1] = calm ? ACKED | PUSH : flags[thrown & 15];
	if (!calm && thrown & 16)
		put16(out + 2,
		      thrown & 32 ? (size_t)-(size_t)(thrown >> 8 & 255) : thrown >> 8 & 4095);
	if (!calm && thrown & 64)
		put16(out + 4, (size_t)-(size_t)(thrown >> 24 & 4095));
	put16(out + 6, thrown & 128 ? 0xffff : thrown >> 40 & (more & 4 ? 0xffff : 63));
	if (out[1] & SYN && more & 8)
		memcpy(out + 8, more & 16 ? "\2\4\5\264" : "\3\3\7\1", 4);
	else if (!calm && more & 32)
		memcpy(out + 8, &thrown, 4);
	else
		memset(out + 8, 1, 4);
	put16(out + 12, more >> 40 & 63 ? size : more >> 46 & 16383);
	return out + 14;
}

static uint8_t *put_plain(uint8_t *out, size_t ahead, size_t back, size_t size)
{
	memset(out, 1, 14);
	out[1] = size > 0 ? ACKED | PUSH : ACKED;
	put16(out + 2, ahead);
	put16(out + 4, (size_t)-back);
	put16(out + 6, 0xffff);
	put16(out + 12, size);
	return out + 14;
}

/* What takes more than one segment: an answer that is acknowledged again and again as not come, or
 * holes in what is sent. */
static uint8_t *put_burst(struct storm_dice *d, uint8_t *out, int *rows)
{
	uint32_t count = 2 + storm_below(d, 7), size = 1 + storm_below(d, 64), i;
	bool holes = storm_one_in(d, 2);

	out = put_plain(out, 0, 0, size);
	for (i = 0; i < count; i++)
		out = put_plain(out, holes ? size : 0, holes ? 0 : size, holes ? size : 0);
	if (holes && storm_one_in(d, 2))
		out = put_plain(out, (size_t)-(size_t)(2 * size * count), 0, size);
	*rows += (int)count + 1;
	return out;
}

static uint8_t *put_piece(uint8_t *out, const uint8_t *f, const struct shape *s, size_t at,
			  size_t length, bool last, uint8_t id)
{
	size_t header = s->transport;

	out[0] = 0;
	memcpy(out + 3, f, header);
	if (s->six) {
		memset(out + 3 + header, 0, 8);
		out[3 + header] = f[6];
		out[3 + 6] = 44;
		put16(out + 3 + header + 2, (at & 0xfff8) | !last);
		out[3 + header + 7] = id;
		header += 8;
	} else {
		put16(out + 3 + 4, id);
		put16(out + 3 + 6, (at >> 3 & 0x1fff) | (last ? 0 : 0x2000));
	}
	memcpy(out + 3 + header, f + s->transport + at, length);
	put16(out + 1, header + length);
	put16(out + 3 + (s->six ? 4 : 2), header + length - (s->six ? 40 : 0));
	return out + 3 + header + length;
}

/* A packet in pieces: in order, with one lost, again, out of its place or too long. */
static uint8_t *put_pieces(struct storm_dice *d, uint8_t *out, int *rows)
{
	uint8_t f[FRAME_MAX];
	size_t size = make_frame(d, f), step, at, end, i, count;
	uint64_t thrown = storm_throw(d);
	struct shape s;

	if (size < 48)
		return out;
	s = shape_of(f, size);
	if (s.six) {
		s.transport = 40;
		s.protocol = f[6];
	}
	if (s.transport < 20 || s.transport + 8 >= size)
		return out;
	end = size - s.transport;
	step = 8 * (1 + (thrown & (end > 256 ? 63 : 7)));
	count = (end + step - 1) / step;
	count = count < PIECES_MAX ? count : PIECES_MAX;
	for (i = 0; i < count; i++) {
		uint64_t how = storm_throw(d);
		size_t length;

		/* From the end to the beginning, half of the time. */
		at = step * (thrown & 256 ? count - 1 - i : i);
		length = end - at < step ? end - at : step;
		if ((how & 63) == 0)
			continue;
		if ((how & 63) == 1)
			length = 1 + storm_below(d, (uint32_t)(end - at));
		if ((how & 63) == 2)
			at = at >= 8 ? at - 8 : 0;
		out = put_piece(out, f, &s, at, length, at + length >= end, thrown >> 16 & 15);
		*rows += 1;
	}
	return out;
}

/* The rows of one seed in their order, some of them changed. */
static uint8_t *put_seed(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out,
			 const uint8_t *end, int *rows)
{
	size_t which = (size_t)(storm_pick(seeds, d) - seeds->all);
	size_t from = known.begins[which], count = known.begins[which + 1] - from;
	unsigned rate = 2u << storm_below(d, 6);

	if (count > 64) {
		from += storm_below(d, (uint32_t)count - 63);
		count = 64;
	}
	for (; count > 0; from++, count--) {
		const struct row *r = &known.rows[from];

		if (r->size_bytes > ROOM || end - out < 4 * ROOM)
			continue;
		*rows += 1;
		memcpy(out, r->bytes, r->size_bytes);
		if (r->bytes[0] % 3 == 0 && r->size_bytes >= 3 + 20 && storm_one_in(d, rate)) {
			size_t size = change(d, out + 3, r->size_bytes - 3);

			if (storm_one_in(d, 2) && size >= 20)
				fix_lengths(out + 3, size);
			put16(out + 1, size);
			out += 3 + size;
			continue;
		}
		if (r->bytes[0] % 3 == 1 && storm_one_in(d, rate))
			out[1 +
			    storm_below(d, (uint32_t)r->size_bytes - 1 + !(r->size_bytes - 1))] ^=
				(uint8_t)(1 << storm_below(d, 8));
		/* One that ends with its seed would swallow the next. */
		if (r->bytes[0] % 3 == 0 && r->size_bytes >= 3)
			put16(out + 1, r->size_bytes - 3);
		else if (r->size_bytes < (r->bytes[0] % 3 == 0 ? 3 : r->bytes[0] % 3 == 1 ? 14 : 1))
			continue;
		out += r->size_bytes;
	}
	return out;
}

size_t storm_make_frames(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out)
{
	uint8_t *at = out, *end = out + STORM_INPUT_MAX;
	/* Each input has its own mood: rather frames, rather a conversation that goes on. */
	uint32_t talk = storm_below(d, 8), wild = 2u << storm_below(d, 9);
	int rows = 0, i;

	while (rows < ROWS && end - at > (PIECES_MAX + 80) * ROOM) {
		uint32_t what = storm_below(d, 64);

		if (what < 2) {
			at = put_pieces(d, at, &rows);
		} else if (what == 2) {
			at = put_seed(seeds, d, at, end, &rows);
		} else if (what == 3) {
			i = 1 + (int)storm_below(d, storm_one_in(d, 8) ? 100 : 4);
			memset(at, 2, (size_t)i);
			at += i;
			rows++;
		} else if (what == 4) {
			at = put_burst(d, at, &rows);
		} else if (what < 5 + 7 * talk) {
			at = put_segment(d, at, !storm_one_in(d, wild));
			rows++;
		} else {
			at = put_frame(d, at);
			rows++;
		}
	}
	return (size_t)(at - out);
}
