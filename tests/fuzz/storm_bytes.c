/* storm_bytes.c - what storm.c feeds to parsers of one message or text: a seed, changed where its
 * form breaks. */
#include <string.h>

#include "storm.h"

enum { MESSAGE_MAX = 4096, PIECE_MAX = 16, CHANGES = 8 };

struct word {
	const char *bytes;
	uint8_t size_bytes;
};
#define WORD(text) { text, sizeof(text) - 1 }

/* Pointers to where the question's name stands, to themselves, ahead; labels and records. */
static const struct word message_words[] = {
	WORD("\xc0\x0c"), WORD("\xc0\x00"), WORD("\xc0\x0e"), WORD("\xff\xff"), WORD("\x00"),
	WORD("\x3f"), WORD("\x40"), WORD("\x80"), WORD("\x01" "a" "\xc0\x0c"),
	WORD("\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"),
	WORD("\x00\x00\x29\x02\x00\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x00"),
	WORD("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04"),
	WORD("\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"),
	WORD("\xc0\x0c\x00\x1c\x00\x01\xff\xff\xff\xff\x00\x10"),
	WORD("\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x00\x00\x16\xc0\x0c\xc0\x0c"),
	WORD("\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x05\x00\x08\x00\x00\x00\x00\x00\x50\xc0\x0c"),
	WORD("\x03" "web" "\x00"), WORD("\x05web-1\x00"), WORD("\x07in-addr\x04" "arpa" "\x00"),
	WORD("\x00\xff\x00\x01"), WORD("\x00\x1c\x00\x01"), WORD("\x00\x21\x00\x01"),
	WORD("\x00\x0c\x00\x01"), WORD("\x00\x10\x00\x01"), WORD("\x00\x23\x00\x01"),
};

static const struct word text_words[] = {
	WORD("0"), WORD("1"), WORD("65535"), WORD("65536"), WORD("4294967296"), WORD("-1"),
	WORD("-"), WORD(":"), WORD("::"), WORD("/tcp"), WORD("/udp"), WORD("/sctp"), WORD("["),
	WORD("]"), WORD("[::1]:"), WORD("127.0.0.1:"), WORD("0.0.0.0"), WORD("255.255.255.255"),
	WORD("fd00::1"), WORD("::ffff:1.2.3.4"), WORD("/128"), WORD("/0"), WORD("\n"), WORD(" "),
	WORD("8080-8090:80-90"), WORD("00"), WORD("+"), WORD("."), WORD("\xff"), WORD(","),
};

static size_t insert(uint8_t *out, size_t size, size_t at, const void *bytes, size_t more)
{
	memmove(out + at + more, out + at, size - at);
	memcpy(out + at, bytes, more);
	return size + more;
}

static size_t add_word(struct storm_dice *d, uint8_t *out, size_t size, const struct word *w)
{
	size_t at = storm_below(d, (uint32_t)size + 1);

	if (storm_throw(d) & 1 || size - at < w->size_bytes)
		return insert(out, size, at, w->bytes, w->size_bytes);
	memcpy(out + at, w->bytes, w->size_bytes);
	return size;
}

static size_t splice(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out,
		     size_t size)
{
	const struct storm_seed *other = storm_pick(seeds, d);
	size_t at = storm_below(d, (uint32_t)size + 1);

	return storm_splice(out, at, MESSAGE_MAX, other->bytes, other->size_bytes,
			    storm_below(d, (uint32_t)other->size_bytes + 1));
}

/* A piece of its own once more, somewhere else. */
static size_t repeat(struct storm_dice *d, uint8_t *out, size_t size)
{
	uint8_t piece[PIECE_MAX];
	size_t from = storm_below(d, (uint32_t)size), length = 1 + storm_below(d, PIECE_MAX);

	if (length > size - from)
		length = size - from;
	memcpy(piece, out + from, length);
	return insert(out, size, storm_below(d, (uint32_t)size + 1), piece, length);
}

static size_t change(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out,
		     size_t size, const struct word *words, uint32_t word_count)
{
	uint16_t edge;
	size_t at;

	if (size == 0 || size > MESSAGE_MAX - 64)
		return size == 0 ? add_word(d, out, size, &words[storm_below(d, word_count)]) :
				   MESSAGE_MAX - 64;
	at = storm_below(d, (uint32_t)size);
	switch (storm_below(d, 12)) {
	case 0: out[at] ^= (uint8_t)(1 << storm_below(d, 8)); return size;
	case 1: out[at] = (uint8_t)storm_throw(d); return size;
	case 2: out[at] = (uint8_t)storm_edge(d, size - at); return size;
	case 3:
	case 4:
		/* The header's counts, or a length further on. */
		at = storm_throw(d) & 1 ? at : 2 * storm_below(d, 6);
		edge = storm_edge(d, size - at);
		if (size - at < 2)
			return size;
		out[at] = (uint8_t)(edge >> 8);
		out[at + 1] = (uint8_t)edge;
		return size;
	case 5: return at;
	case 6: return size - storm_below(d, size < 4 ? (uint32_t)size : 4);
	case 7: return repeat(d, out, size);
	case 8: return splice(seeds, d, out, size);
	case 9: memmove(out + at, out + at + 1, size - at - 1); return size - 1;
	default: return add_word(d, out, size, &words[storm_below(d, word_count)]);
	}
}

static size_t make(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out,
		   const struct word *words, uint32_t word_count)
{
	const struct storm_seed *seed = storm_pick(seeds, d);
	size_t size = seed->size_bytes;
	uint32_t changes = storm_below(d, CHANGES);

	if (size > MESSAGE_MAX - 64)
		size = MESSAGE_MAX - 64;
	memcpy(out, seed->bytes, size);
	/* Mostly one or two: the rest of it stays good enough to be read. */
	for (changes = changes < 6 ? 1 + changes / 3 : 2 * changes; changes > 0; changes--)
		size = change(seeds, d, out, size, words, word_count);
	return size;
}

size_t storm_make_message(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out)
{
	return make(seeds, d, out, message_words, sizeof(message_words) / sizeof(*message_words));
}

size_t storm_make_text(const struct storm_seeds *seeds, struct storm_dice *d, uint8_t *out)
{
	return make(seeds, d, out, text_words, sizeof(text_words) / sizeof(*text_words));
}
